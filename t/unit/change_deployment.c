
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap_change.h"
#include "lu_change_deployment.h"

/* so that a short history shows what a long one does */

#undef LU_HISTORY
#define LU_HISTORY  6

#include "../../src/core/lu_change_deployment.c"


#define STEPS       6000


static void
test_deploy(void)
{
    char       *before, *after;
    cJSON      *app, *body, *channel, *deployment;
    lu_error_t  err;

    app = new_app();
    body = tap_json("{\"name\":\"beta\",\"protected\":true}");

    (void) lu_change_channel_create(app, body, "c2", NOW, &channel, &err);

    cJSON_Delete(body);

    ok(lu_change_deployment_add(app, "c9", "d1", "r1", 1, 1, "ci", NOW, &err)
       == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0, "no such channel");

    ok(lu_change_deployment_add(app, "c1", "d1", "r1", -0.01, 1, "ci", NOW,
                                &err)
       == INVALID
       && strcmp(err.text, "\"rolloutPercentage\" must be a number from "
                           "0 to 1") == 0
       && lu_change_deployment_add(app, "c1", "d1", "r1", 1.01, 1, "ci", NOW,
                                   &err)
          == INVALID
       && lu_change_deployment_add(app, "c1", "d1", "r1", strtod("nan", NULL),
                                   1, "ci", NOW, &err)
          == INVALID, "a rollout is from 0 to 1");

    ok(lu_change_deployment_add(app, "c2", "d1", "r1", 1, 0, "ci", NOW, &err)
       == FORBIDDEN
       && strstr(err.text, "the channel is protected") != NULL
       && lu_change_deployment_add(app, "c2", "d1", "r1", 1, 1, "ci", NOW,
                                   &err)
          == OK, "a protected channel takes what is signed");

    ok(lu_change_deployment_add(app, "c1", "d2", "r1", 0, 0, "ci \"1\"", NOW,
                                &err) == OK
       && lu_change_deployment_add(app, "c1", "d3", "r2", 0.25, 0, "ci", LATER,
                                   &err) == OK
       && contains(app, "\"deployments\":[{\"id\":\"d3\",\"release\":\"r2\","
                        "\"rollout\":0.25,\"createdBy\":\"ci\","
                        "\"createdAt\":\"" LATER "\","
                        "\"updatedAt\":\"" LATER "\"},"
                        "{\"id\":\"d2\",\"release\":\"r1\",\"rollout\":0,"
                        "\"createdBy\":\"ci \\\"1\\\"\","
                        "\"createdAt\":\"" NOW "\",\"updatedAt\":\"" NOW "\"}]"
                   )
       && parses(app), "the newest is the first");

    before = print(app);

    ok(lu_change_deployment_add(app, "c1", "d2", "r1", 0, 0, "ci", LATER,
                                &err) == OK
       && lu_change_deployment_add(app, "c1", "d1", "r9", 2, 0, "ci", LATER,
                                   &err) == OK
       && lu_change_deployment_add(app, "c9", "d3", "r9", 2, 0, "ci", LATER,
                                   &err)
          == OK, "repeated");

    after = print(app);
    ok(strcmp(before, after) == 0, "leaves all as it was");

    cJSON_free(before);
    cJSON_free(after);

    deployment = lu_change_deployment_find(app, "d2", &channel);

    ok(deployment != NULL
       && contains(deployment, "{\"id\":\"d2\"")
       && channel == lu_change_channel_find(app, "c1")
       && lu_change_deployment_find(app, "r1", &channel) == NULL,
       "found by id, with its channel");

    ok(lu_change_deployment_update(app, "d9", 1, LATER, &err) == NOT_FOUND
       && strcmp(err.text, "Deployment not found.") == 0
       && lu_change_deployment_update(app, "d2", -1, LATER, &err) == INVALID
       && lu_change_deployment_update(app, "d2", strtod("nan", NULL), LATER,
                                      &err)
          == INVALID
       && strcmp(err.text, "\"rolloutPercentage\" must be a number from "
                           "0 to 1") == 0, "a rollout that can't be");

    ok(lu_change_deployment_update(app, "d2", 0.125, LATER, &err) == OK
       && contains(deployment = lu_change_deployment_find(app, "d2", &channel),
                   "\"rollout\":0.125,\"createdBy\":\"ci \\\"1\\\"\","
                   "\"createdAt\":\"" NOW "\",\"updatedAt\":\"" LATER "\"")
       && lu_change_deployment_update(app, "d2", 0, LATER, &err) == OK
       && lu_change_deployment_update(app, "d2", 1, LATER, &err) == OK
       && contains(deployment, "\"rollout\":1,")
       && parses(app), "a rollout that can");

    ok(lu_change_deployment_add(app, "c1", "d4", "r1", 1, 0, "ci", NOW, &err)
       == OK,
       "the same release again");

    lu_change_deployment_remove(app, "r1");

    ok(lu_change_deployment_find(app, "d1", &channel) == NULL
       && lu_change_deployment_find(app, "d2", &channel) == NULL
       && lu_change_deployment_find(app, "d4", &channel) == NULL
       && lu_change_deployment_find(app, "d3", &channel) != NULL
       && parses(app), "a release goes out of all channels");

    lu_change_deployment_remove(app, "r9");
    lu_change_deployment_remove(app, "r2");

    ok(!contains(app, "\"rollout\"") && parses(app), "the last one");

    cJSON_Delete(app);
}


/*
 * However many partial rollouts there are, the deployment for everyone stays;
 * behind it there is no more than a history.
 */

static void
test_history(void)
{
    int         i;
    char        id[16];
    cJSON      *app, *channel, *deployments;
    lu_error_t  err;

    app = new_app();
    deployments = cJSON_GetObjectItemCaseSensitive(
                      lu_change_channel_find(app, "c1"), "deployments");

    for (i = 0; i < 3 * LU_HISTORY; i++) {
        sprintf(id, "all%d", i);
        (void) lu_change_deployment_add(app, "c1", id, "r", 1, 0, "ci", NOW,
                                        &err);
    }

    ok(cJSON_GetArraySize(deployments) == LU_HISTORY
       && lu_change_deployment_find(app, id, &channel)
          == deployments->child, "so many for everyone");

    for (i = 0; i < 3 * LU_HISTORY; i++) {
        sprintf(id, "part%d", i);
        (void) lu_change_deployment_add(app, "c1", id, "r", 0.5, 0, "ci", NOW,
                                        &err);
    }

    sprintf(id, "all%d", 3 * LU_HISTORY - 1);

    ok(cJSON_GetArraySize(deployments) == 3 * LU_HISTORY + 1
       && lu_change_deployment_find(app, id, &channel) != NULL
       && lu_change_deployment_find(app, "part0", &channel) != NULL,
       "partial ones, and the one behind them");

    (void) lu_change_deployment_update(app, "part0", 1, NOW, &err);
    (void) lu_change_deployment_add(app, "c1", "next", "r", 0, 0, "ci", NOW,
                                    &err);

    ok(cJSON_GetArraySize(deployments) == 3 * LU_HISTORY + 1
       && lu_change_deployment_find(app, id, &channel) == NULL
       && lu_change_deployment_find(app, "part0", &channel) != NULL,
       "the newest for everyone is enough");

    (void) lu_change_deployment_add(app, "c1", "last", "r", 1, 0, "ci", NOW,
                                    &err);

    ok(cJSON_GetArraySize(deployments) == LU_HISTORY
       && parses(app), "and what is before it is a history");

    cJSON_Delete(app);
}


/* What somebody has edited, and lu_app_parse() would refuse. */

static void
test_damaged(void)
{
    cJSON      *app, *body, *channel;
    lu_error_t  err;

    app = tap_json("{}");
    body = tap_json("{\"name\":\"beta\"}");

    ok(lu_change_channel_create(app, body, "c2", NOW, &channel, &err) == INVALID
       && strcmp(err.text, "the app has no \"channels\"") == 0
       && lu_change_channel_update(app, body, "c2", NOW, &channel,
                                   &err) == NOT_FOUND
       && lu_change_channel_delete(app, "c2", &err) == NOT_FOUND
       && lu_change_deployment_add(app, "c2", "d1", "r1", 1, 0, "ci", NOW,
                                   &err) == NOT_FOUND
       && lu_change_app_update(app, body, NOW, &err) == OK,
       "an app with nothing in it");

    lu_change_deployment_remove(app, "r1");

    cJSON_Delete(app);

    app = tap_json("{\"channels\":[7,{\"id\":7},{\"id\":\"c1\"},"
                   "{\"id\":\"c2\",\"name\":7,\"deployments\":[7,{},"
                   "{\"id\":7,\"release\":7},{\"id\":\"d1\"}]}],"
                   "\"forcedDevices\":{\"a\":7,\"b\":\"c2\"},"
                   "\"nextBuildNumber\":-1}");

    ok(lu_change_deployment_add(app, "c1", "d2", "r1", 1, 0, "ci", NOW, &err)
       == INVALID
       && strcmp(err.text, "the channel has no \"deployments\"") == 0
       && lu_change_deployment_add(app, "c2", "d2", "r1", 1, 0, "ci", NOW,
                                   &err) == OK
       && lu_change_deployment_find(app, "d1", &channel) != NULL
       && lu_change_channel_create(app, body, "c3", NOW, &channel, &err)
          == OK,
       "values of other types");

    lu_change_deployment_remove(app, "r1");

    ok(lu_change_channel_delete(app, "c2", &err) == OK
       && contains(app, "\"forcedDevices\":{\"a\":7}"), "are left alone");

    cJSON_Delete(app);

    app = tap_json("{\"channels\":[{\"id\":\"c1\",\"protectedAt\":true,"
                   "\"deployments\":[]}]}");

    ok(lu_change_deployment_add(app, "c1", "d2", "r1", 1, 0, "ci", NOW, &err)
       == FORBIDDEN
       && lu_change_channel_delete(app, "c1", &err) == OK,
       "a strange protection protects");

    cJSON_Delete(app);
    cJSON_Delete(body);
}


/* The same in a few lines of C. */

typedef struct {
    char      id[16];
    char      release[16];
    double    rollout;
} model_deployment_t;


typedef struct {
    char                 id[16];
    char                 name[32];
    int                  is_paused;
    int                  is_protected;
    time_t               expires;
    model_deployment_t   deployments[80];
    int                  n;
} model_channel_t;


typedef struct {
    model_channel_t      channels[8];
    int                  n;
    char                 channel[16];
    int                  discovery;
    char                 forced[5][16];      /* to which channel; or "" */
    int                  made;               /* ids until now */
    model_channel_t      spare;
} model_t;


static const char  *model_names[] = { "default", "beta", "a+b", "\xc3\xbc",
                                      "Beta", "", "tab\there", "x y" };
static const char  *model_devices[] = { "d0", "a/b", "\xc3\xbc", "D0", "0" };

static uint64_t     model_seed = 88172645463325252;


static unsigned
chance(unsigned n)
{
    model_seed ^= model_seed << 13;
    model_seed ^= model_seed >> 7;
    model_seed ^= model_seed << 17;

    return (unsigned) (model_seed >> 33) % n;
}


static model_channel_t *
model_find(model_t *model, const char *id)
{
    int  i;

    for (i = 0; i < model->n; i++) {
        if (strcmp(model->channels[i].id, id) == 0) {
            return &model->channels[i];
        }
    }

    return NULL;
}


static model_channel_t *
model_named(model_t *model, const char *name)
{
    int  i;

    for (i = 0; i < model->n; i++) {
        if (strcmp(model->channels[i].name, name) == 0) {
            return &model->channels[i];
        }
    }

    return NULL;
}


static model_deployment_t *
model_deployment(model_t *model, const char *id)
{
    int  i, j;

    for (i = 0; i < model->n; i++) {
        for (j = 0; j < model->channels[i].n; j++) {
            if (strcmp(model->channels[i].deployments[j].id, id) == 0) {
                return &model->channels[i].deployments[j];
            }
        }
    }

    return NULL;
}


/* One of the ids that there have been, or one that there has not. */

static void
model_id(model_t *model, char prefix, char *id)
{
    sprintf(id, "%c%u", prefix, chance((unsigned) model->made + 2));
}


/* A channel that there is, mostly. */

static void
model_channel_id(model_t *model, char *id)
{
    if (model->n && chance(8)) {
        strcpy(id, model->channels[chance((unsigned) model->n)].id);

    } else {
        model_id(model, 'c', id);
    }
}


static lu_rc_e
model_channel_set(model_t *model, model_channel_t *channel, cJSON *body)
{
    int               i, protect;
    time_t            expires;
    const char       *name;
    model_channel_t  *same;

    i = (int) chance(12);
    name = i < 8 ? model_names[i] : NULL;
    protect = (int) chance(4);
    expires = (time_t) chance(3);

    if (name) {
        cJSON_AddStringToObject(body, "name", name);
    }

    if (protect < 2) {
        cJSON_AddBoolToObject(body, "protected", protect);
    }

    if (expires == 1) {
        expires = (time_t) chance(2000000000);
        cJSON_AddNumberToObject(body, "expiresAt", (double) expires * 1000);

    } else if (expires == 2) {
        expires = LU_TIME_MAX;
        cJSON_AddNullToObject(body, "expiresAt");

    } else {
        expires = channel->expires;
    }

    if (name) {

        if (i == 5 || i == 6) {
            return INVALID;
        }

        same = model_named(model, name);

        if (same && same != channel) {
            return CONFLICT;
        }

        strcpy(channel->name, name);

    } else if (channel->name[0] == '\0') {
        return INVALID;
    }

    if (protect < 2) {
        channel->is_protected = protect;
    }

    channel->expires = expires;

    return OK;
}


static void
model_trim(model_channel_t *channel)
{
    int  keep, everyone;

    for (everyone = 0; everyone < channel->n; everyone++) {
        if (channel->deployments[everyone].rollout >= 1) {
            break;
        }
    }

    keep = everyone + 1 > LU_HISTORY ? everyone + 1 : LU_HISTORY;

    if (channel->n > keep) {
        channel->n = keep;
    }
}


/*
 * One change of the model and of the tree.  What the model says must be what
 * the function says; if it is not LU_OK, both are thrown away.
 */

static int
step(model_t *model, cJSON *app, lu_rc_e *rc)
{
    int                  i, j, is_signed, pause;
    char                 id[16], channel_id[16], release[16];
    char                *before, *after;
    cJSON               *body, *item;
    double               rollout;
    lu_rc_e              expected;
    model_channel_t     *channel;
    lu_error_t           err;
    model_deployment_t  *deployment;

    static const double  rollouts[] = { 0, 0.125, 0.25, 0.5, 0.75, 1, 1, 1,
                                        -0.5, 1.5 };

    err.text = NULL;
    body = cJSON_CreateObject();

    switch (chance(12)) {

    case 0:
        sprintf(id, "c%d", ++model->made);

        if (model->n == 8) {
            channel = &model->spare;

        } else {
            channel = &model->channels[model->n];
        }

        memset(channel, 0, sizeof(model_channel_t));
        strcpy(channel->id, id);
        channel->expires = LU_TIME_MAX;

        expected = model_channel_set(model, channel, body);

        if (channel == &model->spare) {
            *rc = OK;
            expected = OK;
            break;
        }

        model->n += (expected == OK);

        *rc = lu_change_channel_create(app, body, id, NOW, &item, &err);
        break;

    case 1:
        model_channel_id(model, channel_id);
        channel = model_find(model, channel_id);

        expected = channel ? model_channel_set(model, channel, body)
                           : NOT_FOUND;

        *rc = lu_change_channel_update(app, body, channel_id, NOW, &item, &err);
        break;

    case 2:
        model_channel_id(model, channel_id);
        channel = model_find(model, channel_id);
        pause = (int) chance(2);

        if (channel) {
            channel->is_paused = pause;
        }

        expected = channel ? OK : NOT_FOUND;

        *rc = lu_change_channel_pause(app, channel_id, pause, NOW, &err);
        break;

    case 3:
        model_channel_id(model, channel_id);
        channel = model_find(model, channel_id);

        expected = channel ? OK : NOT_FOUND;

        if (channel) {
            i = (int) (channel - model->channels);
            model->n--;
            memmove(channel, channel + 1,
                    (size_t) (model->n - i) * sizeof(model_channel_t));

            if (strcmp(model->channel, channel_id) == 0) {
                model->channel[0] = '\0';
            }

            for (i = 0; i < 5; i++) {
                if (strcmp(model->forced[i], channel_id) == 0) {
                    model->forced[i][0] = '\0';
                }
            }
        }

        *rc = lu_change_channel_delete(app, channel_id, &err);
        break;

    case 4:
        if (chance(2)) {
            model_channel_id(model, channel_id);
            cJSON_AddStringToObject(body, "appChannelId", channel_id);

            expected = model_find(model, channel_id) ? OK : INVALID;
            strcpy(model->channel, channel_id);

        } else {
            cJSON_AddNullToObject(body, "appChannelId");

            expected = OK;
            model->channel[0] = '\0';
        }

        if (chance(2)) {
            model->discovery = (int) chance(2);
            cJSON_AddBoolToObject(body, "appChannelDiscoveryEnabled",
                                  model->discovery);
        }

        *rc = lu_change_app_update(app, body, NOW, &err);
        break;

    case 5:
        i = (int) chance(5);
        model_channel_id(model, channel_id);

        if (chance(3)) {
            expected = model_find(model, channel_id) ? OK : NOT_FOUND;
            strcpy(model->forced[i], channel_id);

            *rc = lu_change_device_force(app, model_devices[i], channel_id,
                                         &err);

        } else {
            expected = OK;
            model->forced[i][0] = '\0';

            *rc = lu_change_device_force(app, model_devices[i], NULL, &err);
        }

        break;

    case 6:
        model_id(model, 'd', id);
        rollout = rollouts[chance(10)];
        deployment = model_deployment(model, id);

        if (deployment) {
            deployment->rollout = rollout;
        }

        expected = (deployment == NULL) ? NOT_FOUND
                   : (rollout < 0 || rollout > 1) ? INVALID : OK;

        *rc = lu_change_deployment_update(app, id, rollout, NOW, &err);
        break;

    case 7:
        sprintf(release, "r%u", chance(12));

        for (i = 0; i < model->n; i++) {
            channel = &model->channels[i];

            for (j = 0; j < channel->n; /* void */) {

                if (strcmp(channel->deployments[j].release, release) != 0) {
                    j++;
                    continue;
                }

                channel->n--;
                memmove(&channel->deployments[j], &channel->deployments[j + 1],
                        (size_t) (channel->n - j)
                        * sizeof(model_deployment_t));
            }
        }

        lu_change_deployment_remove(app, release);
        *rc = OK;
        expected = OK;
        break;

    default:
        model_channel_id(model, channel_id);
        channel = model_find(model, channel_id);
        rollout = rollouts[chance(10)];
        is_signed = (int) chance(2);
        sprintf(release, "r%u", chance(12));

        if (chance(4)) {
            sprintf(id, "d%d", ++model->made);

        } else {
            model_id(model, 'd', id);
        }

        if (channel && channel->n > 70) {
            rollout = 1;
        }

        if (model_deployment(model, id)) {
            expected = OK;

        } else if (channel == NULL) {
            expected = NOT_FOUND;

        } else if (rollout < 0 || rollout > 1) {
            expected = INVALID;

        } else if (channel->is_protected && !is_signed) {
            expected = FORBIDDEN;

        } else {
            memmove(&channel->deployments[1], &channel->deployments[0],
                    (size_t) channel->n++ * sizeof(model_deployment_t));

            strcpy(channel->deployments[0].id, id);
            strcpy(channel->deployments[0].release, release);
            channel->deployments[0].rollout = rollout;

            model_trim(channel);
            expected = OK;
        }

        *rc = lu_change_deployment_add(app, channel_id, id, release, rollout,
                                       is_signed, "ci", NOW, &err);

        if (*rc != OK) {
            break;
        }

        before = print(app);

        if (lu_change_deployment_add(app, channel_id, id, release, rollout,
                                     is_signed, "ci", LATER, &err)
            != OK)
        {
            *rc = CONFLICT;
        }

        after = print(app);

        if (strcmp(before, after) != 0) {
            *rc = CONFLICT;
        }

        cJSON_free(before);
        cJSON_free(after);
    }

    cJSON_Delete(body);

    return *rc == expected && (*rc == OK || err.text != NULL);
}


/* What the reading half makes of the tree is what the model says. */

static int
same_channel(const lu_channel_t *channel, const model_channel_t *model,
    const cJSON *tree)
{
    int                     i, n;
    const lu_deployment_t  *deployment;

    if (channel == NULL
        || !lu_str_is(&channel->id, model->id)
        || channel->paused != (unsigned) model->is_paused
        || channel->is_protected != (unsigned) model->is_protected
        || channel->expires != model->expires
        || cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree,
                                                               "deployments"))
           != model->n)
    {
        return 0;
    }

    n = (int) channel->ndeployments;

    for (i = 0; i < n; i++) {
        deployment = &channel->deployments[i];

        if (i >= model->n
            || !lu_str_is(&deployment->id, model->deployments[i].id)
            || !lu_str_is(&deployment->release_id,
                          model->deployments[i].release)
            || deployment->rollout.everyone
               != (model->deployments[i].rollout >= 1)
            || deployment->rollout.threshold >> 32
               != (uint64_t) (model->deployments[i].rollout * 4294967296.0)
                  % 4294967296)
        {
            return 0;
        }
    }

    return n == model->n || n > LU_APP_OLDER;
}


static int
same(const model_t *model, const cJSON *tree)
{
    int                  i, equal;
    char                *text;
    lu_app_t             app;
    lu_str_t             str;
    lu_error_t           err;
    const lu_channel_t  *channel;

    text = print(tree);
    str = tap_str(text);

    equal = (lu_app_parse(&tap_arena, &str, &app, &err) == OK
             && app.nchannels == (size_t) model->n
             && app.discovery == (unsigned) model->discovery);

    for (i = 0; equal && i < model->n; i++) {
        str = tap_str(model->channels[i].name);

        equal = same_channel(lu_app_channel_find(&app, &str),
                             &model->channels[i],
                             lu_change_channel_find(tree,
                                                    model->channels[i].id));
    }

    for (i = 0; equal && i < 5; i++) {
        str = tap_str(model_devices[i]);
        channel = lu_app_forced_find(&app, &str);

        equal = channel ? lu_str_is(&channel->id, model->forced[i])
                        : model->forced[i][0] == '\0';
    }

    if (equal) {
        equal = app.channel ? lu_str_is(&app.channel->id, model->channel)
                            : model->channel[0] == '\0';
    }

    cJSON_free(text);
    tap_free();

    return equal;
}


static void
test_model(void)
{
    int       i, accepted, longest;
    cJSON    *app, *copy;
    model_t  *model, *next;
    lu_rc_e   rc;

    model = calloc(1, sizeof(model_t));
    next = calloc(1, sizeof(model_t));

    app = new_app();

    model->n = 1;
    model->made = 1;
    strcpy(model->channel, "c1");
    strcpy(model->channels[0].id, "c1");
    strcpy(model->channels[0].name, "default");
    model->channels[0].expires = LU_TIME_MAX;

    accepted = 0;
    longest = 0;

    for (i = 0; i < STEPS; i++) {
        memcpy(next, model, sizeof(model_t));
        copy = cJSON_Duplicate(app, 1);

        if (!step(next, copy, &rc)) {
            break;
        }

        model->made = next->made;

        if (rc != OK) {
            cJSON_Delete(copy);
            continue;
        }

        memcpy(model, next, sizeof(model_t));
        cJSON_Delete(app);
        app = copy;

        if (!same(model, app)) {
            break;
        }

        accepted++;

        if (model->n && model->channels[0].n > longest) {
            longest = model->channels[0].n;
        }
    }

    ok(i == STEPS && accepted > STEPS / 4 && longest > LU_HISTORY,
       "%d changes, %d refused, up to %d deployments: as the model", i,
       i - accepted, longest);

    cJSON_Delete(app);
    free(model);
    free(next);
}


/* All changes in a row: out of memory, or done. */

static lu_rc_e
all(cJSON *bodies, cJSON **out)
{
    cJSON      *app, *channel, *body;
    uint64_t    number;
    lu_rc_e     rc;
    lu_error_t  err;

    app = new_app();
    *out = app;

    if (app == NULL) {
        return LU_NOMEM;
    }

    body = bodies->child;

    rc = lu_change_build_number(app, &number);

    if (rc == OK) {
        rc = lu_change_channel_create(app, body, "c2", NOW, &channel, &err);
    }

    if (rc == OK) {
        rc = lu_change_channel_create(app, body->next, "c3", NOW, &channel,
                                      &err);
    }

    if (rc == OK) {
        rc = lu_change_channel_update(app, body->next->next, "c2", NOW,
                                      &channel,
                                      &err);
    }

    if (rc == OK) {
        rc = lu_change_channel_pause(app, "c2", 1, LATER, &err);
    }

    if (rc == OK) {
        rc = lu_change_app_update(app, body->next->next->next, LATER, &err);
    }

    if (rc == OK) {
        rc = lu_change_deployment_add(app, "c1", "d1", "r1", 1, 0, "ci", NOW,
                                      &err);
    }

    if (rc == OK) {
        rc = lu_change_deployment_update(app, "d1", 0.5, LATER, &err);
    }

    if (rc == OK) {
        cJSON_DeleteItemFromObjectCaseSensitive(app, "forcedDevices");
        rc = lu_change_device_force(app, "one", "c2", &err);
    }

    if (rc == OK) {
        rc = lu_change_device_force(app, "two", "c3", &err);
    }

    if (rc == OK) {
        rc = lu_change_device_force(app, "one", "c1", &err);
    }

    if (rc == OK) {
        rc = lu_change_channel_delete(app, "c3", &err);
    }

    return rc;
}


static void
test_nomem(void)
{
    long     n, wrong;
    cJSON   *app, *bodies, *expected;
    lu_rc_e  rc;

    memory_init();

    bodies = tap_json("[{\"name\":\"beta\"},{\"name\":\"gamma\"},"
                      "{\"name\":\"b\",\"protected\":true,\"expiresAt\":0},"
                      "{\"name\":\"A\",\"type\":\"ios\","
                      "\"appChannelId\":\"c3\","
                      "\"appChannelDiscoveryEnabled\":true,"
                      "\"organizationId\":\"o\"}]");

    (void) all(bodies, &expected);

    wrong = 0;

    for (n = 0; n < 1000; n++) {
        memory_left = n;
        rc = all(bodies, &app);
        memory_left = -1;

        if (rc == OK) {
            break;
        }

        wrong += (rc != LU_NOMEM);
        cJSON_Delete(app);
    }

    ok(rc == OK && n > 150 && wrong == 0
       && cJSON_Compare(app, expected, 1) && parses(app),
       "cJSON fails %ld times", n);

    cJSON_Delete(app);
    cJSON_Delete(bodies);
    cJSON_Delete(expected);

    ok(memory_used == 0, "all freed");

    cJSON_InitHooks(NULL);
}


int
main(void)
{
    test_deploy();
    test_history();
    test_damaged();
    test_model();
    test_nomem();

    return tap_done();
}
