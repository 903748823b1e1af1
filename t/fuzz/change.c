
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A list of changes, one a line: a letter, for some of them digits, and the
 * rest is a body or a name.  Whatever is refused is thrown away; the app is
 * one that can be read after each of the others, and is the same after it is
 * printed.
 *
 *     n               the number of the next build
 *     a{...}          the app is updated
 *     c{...}          a channel is created
 *     u3{...}         channel 3 is updated
 *     p3 r3 x3        it is paused, resumed, deleted
 *     d3712s          on channel 3 deployment 7 of release 1, to 2/8, signed
 *     o75             deployment 7 goes to 5/8
 *     y1              release 1 is deleted
 *     f3device        the device is forced to channel 3
 *     gdevice         and is not any more
 */


#include "fuzz.h"
#include "lu_app.h"
#include "lu_change.h"
#include "lu_change_channel.h"
#include "lu_change_deployment.h"
#include "lu_name.h"

#include <stdio.h>


#define LINES  50
#define NOW    "2025-02-10T13:00:25.000Z"


typedef struct {
    const char   *p;              /* terminated: the rest of the line */
    char          ids[3][8];
    unsigned      channels;
} fuzz_line_t;


static int
digit(fuzz_line_t *line)
{
    if (*line->p < '0' || *line->p > '9') {
        return 0;
    }

    return *line->p++ - '0';
}


static const char *
id(fuzz_line_t *line, int i, char prefix)
{
    sprintf(line->ids[i], "%c%d", prefix, digit(line));

    return line->ids[i];
}


static int
count(const cJSON *app, const char *name)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(app, name));
}


static lu_rc_e
deploy(fuzz_line_t *line, cJSON *app, lu_error_t *err)
{
    int          is_signed;
    cJSON       *copy, *channel;
    double       rollout;
    lu_rc_e      rc;
    const char  *channel_id, *deployment_id, *release;

    channel_id = id(line, 0, 'c');
    deployment_id = id(line, 1, 'd');
    release = id(line, 2, 'r');
    rollout = digit(line) / 8.0;
    is_signed = (*line->p == 's');

    rc = lu_change_deployment_add(app, channel_id, deployment_id, release,
                                  rollout, is_signed, "ci", NOW, err);

    if (rc != LU_OK) {
        require((rc == LU_INVALID) == (rollout > 1
                  && lu_change_channel_find(app, channel_id) != NULL));
        return rc;
    }

    require(lu_change_deployment_find(app, deployment_id, &channel) != NULL);

    copy = cJSON_Duplicate(app, 1);

    require(lu_change_deployment_add(app, channel_id, deployment_id, release,
                                     rollout, is_signed, "ci", "later", err)
            == LU_OK);
    require(cJSON_Compare(app, copy, 1));

    cJSON_Delete(copy);

    return LU_OK;
}


static lu_rc_e
change(fuzz_line_t *line, cJSON *app, lu_error_t *err)
{
    int          n;
    char         letter;
    cJSON       *body, *channel, *found;
    lu_rc_e      rc;
    uint64_t     number, next;
    lu_str_t     text;
    const char  *one;

    letter = *line->p ? *line->p++ : '\0';
    one = (letter && strchr("uprxf", letter)) ? id(line, 0, 'c') : NULL;

    switch (letter) {

    case 'n':
        require(lu_change_build_number(app, &number) == LU_OK);
        require(lu_change_build_number(app, &next) == LU_OK);
        require(next == number + 1);
        return LU_OK;

    case 'a':
    case 'c':
    case 'u':
        text = fuzz_str(line->p);
        rc = lu_json_parse(&body, &text, err);

        if (rc != LU_OK) {
            return rc;
        }

        n = count(app, "channels");
        channel = NULL;

        if (letter == 'a') {
            rc = lu_change_app_update(app, body, NOW, err);

        } else if (letter == 'u') {
            rc = lu_change_channel_update(app, body, one, NOW, &channel, err);

        } else {
            sprintf(line->ids[0], "c%u", line->channels % 10);
            one = line->ids[0];

            if (lu_change_channel_find(app, one)) {
                cJSON_Delete(body);
                return lu_error(err, NULL, "is no new id");
            }

            rc = lu_change_channel_create(app, body, one, NOW, &channel, err);

            if (rc == LU_OK) {
                line->channels++;
                n++;
            }
        }

        require(count(app, "channels") == n);
        require(rc != LU_OK || channel == NULL
                || channel == lu_change_channel_find(app, one));

        /* the reason may speak of the body */

        if (rc != LU_OK) {
            fuzz_refused(rc, err);
            err->subject.len = 0;
        }

        cJSON_Delete(body);

        return rc;

    case 'p':
    case 'r':
        return lu_change_channel_pause(app, one, letter == 'p', NOW, err);

    case 'x':
        rc = lu_change_channel_delete(app, one, err);
        require(lu_change_channel_find(app, one) == NULL);
        return rc;

    case 'd':
        return deploy(line, app, err);

    case 'o':
        one = id(line, 0, 'd');
        return lu_change_deployment_update(app, one, digit(line) / 8.0, NOW,
                                           err);

    case 'y':
        lu_change_deployment_remove(app, id(line, 0, 'r'));
        return LU_OK;

    case 'f':
    case 'g':
        rc = lu_change_device_force(app, line->p, one, err);

        found = cJSON_GetObjectItemCaseSensitive(
                    cJSON_GetObjectItemCaseSensitive(app, "forcedDevices"),
                    line->p);

        require(rc != LU_OK || (found != NULL) == (one != NULL));
        return rc;

    default:
        return lu_error(err, NULL, "is no change");
    }
}


static void
check_app(const cJSON *json)
{
    char          *printed;
    cJSON         *again;
    size_t         i;
    lu_app_t       app;
    lu_str_t       text;
    lu_arena_t     arena;
    lu_error_t     err;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    printed = cJSON_PrintUnformatted(json);
    require(printed != NULL);

    text = fuzz_str(printed);

    require(lu_json_parse(&again, &text, &err) == LU_OK);
    require(cJSON_Compare(json, again, 1));

    require(lu_app_parse(&arena, &text, &app, &err) == LU_OK);
    require(app.nchannels == (size_t) count(json, "channels"));
    require(app.nforced == (size_t) count(json, "forcedDevices"));
    require((app.channel == NULL)
            == cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json,
                                                            "appChannelId")));

    for (i = 0; i < app.nchannels; i++) {
        require(lu_change_channel_find(json, (char *) app.channels[i].id.data)
                == lu_change_channel_named(json,
                                           (char *) app.channels[i].name.data));
    }

    cJSON_Delete(again);
    cJSON_free(printed);
    fuzz_free(blocks);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          n;
    char        *text, *next;
    cJSON       *app, *copy;
    lu_rc_e      rc;
    lu_error_t   err;
    fuzz_line_t  line;

    text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';

    app = lu_change_app_create("app", "Demo", "capacitor", "org", "c0",
                               "default",
                               NOW);
    require(app != NULL);

    line.p = text;
    line.channels = 1;
    next = text;

    for (n = 0; next && n < LINES; n++) {
        line.p = next;
        next = strchr(next, '\n');

        if (next) {
            *next++ = '\0';
        }

        copy = cJSON_Duplicate(app, 1);
        err.text = NULL;
        err.subject.len = 0;

        rc = change(&line, copy, &err);

        if (rc == LU_OK) {
            check_app(copy);
            cJSON_Delete(app);
            app = copy;

        } else {
            require(rc != LU_NOMEM && err.text != NULL);
            cJSON_Delete(copy);
        }
    }

    cJSON_Delete(app);
    free(text);

    return 0;
}
