
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * An app that is accepted is sorted, says of every rollout what its JSON text
 * says, and is the same after its text is printed anew; what is rendered for
 * its devices is JSON with exactly the seven members.
 */


#include "fuzz.h"
#include "lu_app.h"
#include "lu_name.h"

#include <stdio.h>


#define BASE  "https://example.com"


static int
compare(const lu_str_t *a, const lu_str_t *b)
{
    int     rc;
    size_t  n;

    n = a->len < b->len ? a->len : b->len;
    rc = n ? memcmp(a->data, b->data, n) : 0;

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}


static const cJSON *
channel_json(const cJSON *json, const lu_str_t *name)
{
    lu_str_t      value;
    const cJSON  *item;

    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(json, "channels"))
    {
        if (lu_json_string(item, "name", &value) == LU_OK
            && lu_str_eq(&value, name))
        {
            return item;
        }
    }

    return NULL;
}


static void
check_deployments(const lu_channel_t *channel, const cJSON *json)
{
    size_t                  i;
    double                  rollout;
    uint64_t                threshold;
    const cJSON            *array, *item;
    const lu_deployment_t  *deployment;

    array = cJSON_GetObjectItemCaseSensitive(json, "deployments");
    item = array->child;

    for (i = 0; i < channel->ndeployments; i++) {
        deployment = &channel->deployments[i];

        require(lu_name_id_valid(&deployment->id));
        require(lu_name_id_valid(&deployment->release_id));
        require(deployment->release == NULL);

        require(lu_json_number(item, "rollout", &rollout) == LU_OK);
        require(rollout >= 0 && rollout <= 1);

        if (deployment->rollout.everyone) {
            require(rollout >= 1);

        } else {
            require(rollout < 1);

            /* both sides lose the bits that a double has not */

            threshold = deployment->rollout.threshold;

            require((double) threshold / 18446744073709551616.0 <= rollout);
            require((double) (threshold + 1) / 18446744073709551616.0
                    >= rollout);
        }

        item = item->next;
    }

    require(item == NULL || channel->is_newest_only
            || channel->ndeployments > LU_APP_OLDER);
}


static void
check_app(const lu_app_t *app, const cJSON *json)
{
    size_t         i;
    lu_str_t       text;
    const cJSON   *item;
    lu_channel_t  *channel;

    require(lu_name_id_valid(&app->id));

    require(app->channel == NULL
            || (app->channel >= app->channels
                && app->channel < app->channels + app->nchannels));

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        require(lu_name_id_valid(&channel->id));
        require(lu_name_label_valid(&channel->name));
        require(channel->name.data[channel->name.len] == '\0');
        require(lu_app_channel_find(app, &channel->name) == channel);
        require(channel->expires >= 0 && channel->expires <= LU_TIME_MAX);

        if (i) {
            require(compare(&app->channels[i - 1].name, &channel->name) < 0);
        }

        item = channel_json(json, &channel->name);

        require(channel->paused == (lu_json_string(item, "pausedAt", &text)
                    != LU_NOT_FOUND));

        check_deployments(channel, item);
    }

    for (i = 0; i < app->nforced; i++) {
        require(app->forced[i].channel >= app->channels
                && app->forced[i].channel < app->channels + app->nchannels);
        require(lu_app_forced_find(app, &app->forced[i].device)
                == app->forced[i].channel);

        if (i) {
            require(compare(&app->forced[i - 1].device,
                            &app->forced[i].device) < 0);
        }
    }
}


/* The text of a device's answer, with one release or another. */

static void
check_answer(const lu_arena_t *arena, const lu_app_t *app,
    const lu_channel_t *channel, lu_deployment_t *deployment, unsigned kind)
{
    char         *p;
    cJSON        *json;
    size_t        i;
    lu_str_t      text, value;
    lu_error_t    err;
    const cJSON  *item;
    lu_release_t  release;

    static const char  *members[] = {
        "artifactType", "bundleId", "channelName", "checksum",
        "customProperties", "signature", "url"
    };

    memset(&release, 0, sizeof(lu_release_t));

    release.id = deployment->release_id;
    release.kind = (kind & 1) ? LU_KIND_MANIFEST
                              : LU_KIND_ZIP;

    if (kind & 2) {
        release.checksum = fuzz_str("abc");
        release.properties = fuzz_str("{\"a\":\"\\\"\"}");
    }

    if (kind & 4) {
        release.signature = fuzz_str("c2ln+/==");
        release.url = channel->name;
    }

    deployment->release = &release;

    require(lu_app_render(arena, app, channel, deployment) == LU_OK);

    require((deployment->tail.len == 0) == (release.url.len != 0));

    text.data = malloc(deployment->head.len + sizeof(BASE)
                       + deployment->tail.len);
    p = (char *) text.data;

    p += sprintf(p, "%s", (char *) deployment->head.data);

    if (deployment->tail.len) {
        p += sprintf(p, "%s%s", BASE, (char *) deployment->tail.data);
    }

    text.len = (size_t) ((unsigned char *) p - text.data);

    require(lu_json_parse(&json, &text, &err) == LU_OK);

    i = 0;

    cJSON_ArrayForEach(item, json) {
        require(i < 7 && strcmp(item->string, members[i]) == 0);
        i++;
    }

    require(i == 7);

    require(lu_json_string(json, "bundleId", &value) == LU_OK
            && lu_str_eq(&value, &release.id));
    require(lu_json_string(json, "channelName", &value) == LU_OK
            && lu_str_eq(&value, &channel->name));
    require(lu_json_string(json, "url", &value) == LU_OK
            && (release.url.len
                ? lu_str_eq(&value, &release.url)
                : value.len > sizeof(BASE) - 1
                  && memcmp(value.data, BASE "/artifacts/",
                            sizeof(BASE "/artifacts/") - 1)
                     == 0));

    cJSON_Delete(json);
    free(text.data);

    require((deployment->mandatory == NULL) == (channel->minimum == NULL));

    deployment->release = NULL;
    deployment->mandatory = NULL;
    memset(&deployment->tail, 0, sizeof(lu_str_t));
}


static void
check_same(const lu_app_t *app, const lu_app_t *again)
{
    size_t               i, j;
    const lu_channel_t  *one, *two;

    require(lu_str_eq(&app->id, &again->id)
            && app->discovery == again->discovery
            && app->nchannels == again->nchannels
            && app->nforced == again->nforced
            && (app->channel == NULL) == (again->channel == NULL));

    for (i = 0; i < app->nchannels; i++) {
        one = &app->channels[i];
        two = &again->channels[i];

        require(lu_str_eq(&one->id, &two->id)
                && lu_str_eq(&one->name, &two->name)
                && one->expires == two->expires
                && one->paused == two->paused
                && one->is_protected == two->is_protected
                && one->ndeployments >= two->ndeployments);

        /* a rollout next to 1 is printed as 1, and then for everyone */

        for (j = 0; j < two->ndeployments; j++) {
            require(lu_str_eq(&one->deployments[j].id, &two->deployments[j].id)
                    && lu_str_eq(&one->deployments[j].release_id,
                                 &two->deployments[j].release_id));
        }
    }

    for (i = 0; i < app->nforced; i++) {
        require(lu_str_eq(&app->forced[i].device, &again->forced[i].device)
                && lu_str_eq(&app->forced[i].channel->id,
                             &again->forced[i].channel->id));
    }
}


static void
check_accepted(const lu_arena_t *arena, lu_app_t *app, const lu_str_t *text)
{
    char          *printed;
    cJSON         *json;
    size_t         i, j;
    lu_str_t       again_text;
    lu_app_t       again;
    lu_error_t     err;
    lu_channel_t  *channel;

    require(lu_json_parse(&json, text, &err) == LU_OK);

    check_app(app, json);

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        for (j = 0; j < channel->ndeployments; j++) {
            check_answer(arena, app, channel, &channel->deployments[j],
                         (unsigned) (i + j));
        }
    }

    printed = cJSON_Print(json);
    again_text = fuzz_str(printed);

    require(lu_app_parse(arena, &again_text, &again, &err) == LU_OK);
    check_same(app, &again);

    cJSON_free(printed);
    cJSON_Delete(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_rc_e        rc;
    lu_app_t       app;
    lu_str_t       text;
    lu_arena_t     arena;
    lu_error_t     err;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text = fuzz_copy(data, size);

    rc = lu_app_parse(&arena, &text, &app, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
    }

    free(text.data);

    if (rc == LU_OK) {
        text.len = size;
        text.data = (unsigned char *) data;

        check_accepted(&arena, &app, &text);
    }

    fuzz_free(blocks);

    return 0;
}
