
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The table of strings, and the number of things in an app, wherever that is
 * checked: what fits, what does not, and a store that had more already.
 */


#include "tap_change.h"
#include "lu_builds.h"
#include "lu_webhook.h"
#include "../../src/core/lu_limit.c"


static cJSON *limit_string(const char *member, size_t len);
static void limit_strings(void);
static void limit_cuts(void);
static void limit_channels(void);
static void limit_forced(void);
static void limit_partials(void);
static void limit_all_partials(void);
static void limit_history(void);
static void limit_builds(void);
static void limit_rules(void);
static cJSON *limit_redirections(int rules, int rollouts, int addresses);
static lu_rc_e limit_set(cJSON *app, int rules, int rollouts, int addresses,
    lu_error_t *err);


int
main(void)
{
    limit_strings();
    limit_cuts();
    limit_channels();
    limit_forced();
    limit_partials();
    limit_all_partials();
    limit_history();
    limit_builds();
    limit_rules();

    tap_free();

    return tap_done();
}


static cJSON *
limit_string(const char *member, size_t len)
{
    char   *text;
    cJSON  *json;

    text = malloc(len + 1);

    memset(text, 'x', len);
    text[len] = '\0';

    json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, member, text);

    free(text);

    return json;
}


static void
limit_strings(void)
{
    int                fits, refused;
    char               words[32];
    cJSON             *json;
    lu_str_t           value;
    lu_error_t         err;
    const lu_limit_t  *limit;

    for (limit = lu_limits; limit->member; limit++) {

        json = limit_string(limit->member, limit->size);
        fits = (lu_limit_string(json, limit->member, &value, &err) == LU_OK
                && value.len == limit->size);
        cJSON_Delete(json);

        json = limit_string(limit->member, limit->size + 1);
        refused = (lu_limit_string(json, limit->member, &value, &err)
                   == LU_INVALID);
        cJSON_Delete(json);

        sprintf(words, " %u bytes", (unsigned) limit->size);

        ok(fits && refused
           && lu_str_is(&err.subject, limit->member)
           && strstr(err.text, words),
           "%s: the longest one fits, the next one is told", limit->member);
    }

    json = tap_json("{\"gitRef\":null,\"reason\":1}");

    ok(lu_limit_string(json, "gitRef", &value, &err) == LU_NOT_FOUND
       && lu_limit_string(json, "other", &value, &err) == LU_NOT_FOUND,
       "null and absent");
    ok(lu_limit_string(json, "reason", &value, &err) == LU_INVALID
       && strcmp(err.text, "must be a string of at most 4096 bytes") == 0,
       "a number");

    cJSON_Delete(json);

    json = limit_string("other", 257);

    ok(lu_limit_string(json, "other", &value, &err) == LU_INVALID,
       "a member that nobody has thought of has a limit, too");

    cJSON_Delete(json);
}


static void
limit_cuts(void)
{
    size_t    i;
    lu_str_t  value;
    char      text[128 + 8];

    value = tap_str("short");
    lu_limit_cut("commit", &value);

    ok(lu_str_is(&value, "short"), "nothing is cut");

    /* a character of three bytes, at each place across the limit */

    for (i = 0; i < 3; i++) {
        memset(text, 'x', sizeof(text));
        memcpy(text + 126 + i, "\xe2\x82\xac", 3);

        value.data = (unsigned char *) text;
        value.len = sizeof(text);

        lu_limit_cut("commit", &value);

        ok(value.len == 126 + i && lu_str_utf8_valid(&value),
           "cut before the character, %u", (unsigned) i);
    }
}


static void
limit_channels(void)
{
    int         i;
    char        id[16], body[64];
    cJSON      *app, *json, *channel;
    lu_rc_e     rc;
    lu_error_t  err;

    app = new_app();
    rc = LU_OK;

    for (i = 1; rc == LU_OK && i < 2 * LU_LIMIT_CHANNELS; i++) {
        sprintf(id, "x%d", i);
        sprintf(body, "{\"name\":\"n%d\"}", i);

        json = tap_json(body);
        rc = lu_change_channel_create(app, json, id, NOW, &channel, &err);
        cJSON_Delete(json);
    }

    ok(rc == LU_CONFLICT
       && cJSON_GetArraySize(cJSON_GetObjectItem(app, "channels")) == 1000
       && strstr(err.text, "has 1000 channels"), "1000 channels");

    json = tap_json("{\"name\":\"renamed\"}");

    ok(lu_change_channel_update(app, json, "x1", NOW, &channel, &err) == LU_OK,
       "they can be changed");
    ok(lu_change_channel_delete(app, "x1", &err) == LU_OK
       && lu_change_channel_create(app, json, "y", NOW, &channel, &err)
          == LU_OK,
       "and one deleted makes room for one");

    cJSON_Delete(json);
    cJSON_Delete(app);
}


static void
limit_forced(void)
{
    int         i;
    char        id[16];
    cJSON      *app, *forced;
    lu_error_t  err;

    app = new_app();
    forced = cJSON_GetObjectItem(app, "forcedDevices");

    for (i = 0; i < LU_LIMIT_FORCED - 1; i++) {
        sprintf(id, "d%d", i);
        cJSON_AddStringToObject(forced, id, "c1");
    }

    ok(lu_change_device_force(app, "last", "c1", &err) == LU_OK,
       "10000 forced devices");
    ok(lu_change_device_force(app, "more", "c1", &err) == LU_CONFLICT
       && strstr(err.text, "has 10000 devices"), "not one more");
    ok(lu_change_device_force(app, "last", "c1", &err) == LU_OK,
       "one of them again");

    cJSON_AddStringToObject(forced, "old1", "c1");
    cJSON_AddStringToObject(forced, "old2", "c1");

    ok(lu_change_device_force(app, "old1", "c1", &err) == LU_OK
       && lu_change_device_force(app, "old1", NULL, &err) == LU_OK
       && lu_change_device_force(app, "old1", "c1", &err) == LU_CONFLICT,
       "an app that had more can only shrink");

    cJSON_Delete(app);
}


static void
limit_partials(void)
{
    int         i;
    char        id[16];
    cJSON      *app, *channel, *one;
    lu_rc_e     rc;
    lu_error_t  err;

    app = new_app();

    (void) lu_change_deployment_add(app, "c1", "all", "r", 1, 0, "ci", NOW,
                                    &err);
    rc = LU_OK;

    for (i = 0; rc == LU_OK && i < 2 * LU_LIMIT_PARTIALS; i++) {
        sprintf(id, "p%d", i);
        rc = lu_change_deployment_add(app, "c1", id, "r", 0.5, 0, "ci", NOW,
                                      &err);
    }

    ok(rc == LU_CONFLICT && i == 51
       && strstr(err.text, "has 50 deployments"), "50 partial deployments");
    ok(lu_change_deployment_add(app, "c1", "p7", "r", 0.5, 0, "ci", NOW, &err)
       == LU_OK, "a repeated one is none");
    ok(lu_change_deployment_update(app, "p49", 0.25, NOW, &err) == LU_OK,
       "they can be changed");
    ok(lu_change_deployment_update(app, "all", 0.5, NOW, &err) == LU_CONFLICT,
       "but none that is for everyone can become one");

    cJSON_Delete(app);

    app = new_app();

    for (i = 0; i < 50; i++) {
        sprintf(id, "p%d", i);
        (void) lu_change_deployment_add(app, "c1", id, "r", 0.5, 0, "ci", NOW,
                                        &err);
    }

    ok(lu_change_deployment_add(app, "c1", "all", "r", 1, 0, "ci", NOW, &err)
       == LU_OK
       && lu_change_deployment_add(app, "c1", "q", "r", 0, 0, "ci", NOW, &err)
          == LU_OK,
       "one for everyone is never refused, and is a new beginning");
    ok(lu_change_deployment_update(app, "all", 0.5, NOW, &err) == LU_CONFLICT,
       "those behind it count again without it");

    /* a store that had more than that */

    cJSON_Delete(app);

    app = new_app();

    for (i = 0; i < 70; i++) {
        sprintf(id, "p%d", i);
        (void) lu_change_deployment_add(app, "c1", id, "r", 1, 0, "ci", NOW,
                                        &err);
    }

    for (i = 0; i < 70; i++) {
        sprintf(id, "p%d", i);
        one = lu_change_deployment_find(app, id, &channel);
        cJSON_SetNumberValue(cJSON_GetObjectItem(one, "rollout"), 0.5);
    }

    ok(parses(app), "70 partial deployments can be read");
    ok(lu_change_deployment_update(app, "p69", 0.7, NOW, &err) == LU_OK
       && lu_change_deployment_add(app, "c1", "more", "r", 0.5, 0, "ci", NOW,
                                   &err)
          == LU_CONFLICT
       && lu_change_deployment_update(app, "p60", 1, NOW, &err) == LU_OK
       && lu_change_deployment_add(app, "c1", "more", "r", 0.5, 0, "ci", NOW,
                                   &err)
          == LU_OK,
       "changed, but not grown, until one is complete");

    cJSON_Delete(app);
}


static void
limit_all_partials(void)
{
    int         i, k;
    char        id[16], body[32];
    cJSON      *app, *json, *channel;
    lu_rc_e     rc;
    lu_error_t  err;

    app = new_app();
    rc = LU_OK;

    for (i = 0; i < 20; i++) {
        sprintf(id, "x%d", i);
        sprintf(body, "{\"name\":\"n%d\"}", i);

        json = tap_json(body);
        (void) lu_change_channel_create(app, json, id, NOW, &channel, &err);
        cJSON_Delete(json);

        for (k = 0; rc == LU_OK && k < 50; k++) {
            sprintf(body, "p%d-%d", i, k);
            rc = lu_change_deployment_add(app, id, body, "r", 0.5, 0, "ci",
                                          NOW, &err);
        }
    }

    ok(rc == LU_OK, "1000 partial deployments in 20 channels");
    ok(lu_change_deployment_add(app, "c1", "more", "r", 0.5, 0, "ci", NOW,
                                &err)
       == LU_CONFLICT
       && strstr(err.text, "the app has 1000 deployments"),
       "not one more in the next one");
    ok(lu_change_deployment_add(app, "c1", "all", "r", 1, 0, "ci", NOW, &err)
       == LU_OK, "one for everyone is none");
    ok(lu_change_deployment_update(app, "all", 0.5, NOW, &err) == LU_CONFLICT
       && lu_change_deployment_update(app, "p3-7", 0.7, NOW, &err) == LU_OK,
       "and does not become one");

    cJSON_Delete(app);
}


/* An app.json with the longest histories would be larger than is read. */

static void
limit_history(void)
{
    int         i, k, n;
    char        id[24], body[32];
    cJSON      *app, *json, *channel, *list, *one;
    lu_error_t  err;

    app = new_app();

    for (i = 1; i < LU_LIMIT_CHANNELS; i++) {
        sprintf(id, "x%d", i);
        sprintf(body, "{\"name\":\"n%d\"}", i);

        json = tap_json(body);
        (void) lu_change_channel_create(app, json, id, NOW, &channel, &err);
        cJSON_Delete(json);

        list = cJSON_GetObjectItem(channel, "deployments");

        for (k = 0; k < 30; k++) {
            one = cJSON_CreateObject();
            cJSON_AddStringToObject(one, "release", "r");
            cJSON_AddNumberToObject(one, "rollout", 1);
            cJSON_AddItemToArray(list, one);
        }
    }

    for (i = 1; i < LU_LIMIT_CHANNELS; i++) {
        sprintf(body, "new%d", i);
        sprintf(id, "x%d", i);
        (void) lu_change_deployment_add(app, id, body, "r", 1, 0, "ci", NOW,
                                        &err);
    }

    n = 0;

    cJSON_ArrayForEach(channel, cJSON_GetObjectItem(app, "channels")) {
        n += cJSON_GetArraySize(cJSON_GetObjectItem(channel, "deployments"));
    }

    ok(n > LU_LIMIT_DEPLOYMENTS - LU_HISTORY && n <= LU_LIMIT_DEPLOYMENTS + 30,
       "%d deployments: histories become shorter", n);

    cJSON_Delete(app);
}


static void
limit_builds(void)
{
    int         i;
    char        id[16];
    cJSON      *app, *builds, *build;
    lu_error_t  err;

    app = cJSON_CreateObject();
    builds = cJSON_AddArrayToObject(app, "desktopBuilds");

    for (i = 0; i < LU_LIMIT_BUILDS - 1; i++) {
        sprintf(id, "b%d", i);

        build = cJSON_CreateObject();
        cJSON_AddStringToObject(build, "id", id);
        cJSON_AddItemToArray(builds, build);
    }

    ok(lu_builds_release(app, "last", "1", NULL, NULL, NOW, &err) == LU_OK,
       "10000 desktop builds");
    ok(lu_builds_release(app, "more", "1", NULL, NULL, NOW, &err) == LU_CONFLICT
       && strstr(err.text, "has 10000 released builds"), "not one more");
    ok(lu_builds_release(app, "b7", "1", NULL, NULL, NOW, &err) == LU_OK,
       "one of them again");
    ok(lu_builds_withdraw(app, "b7", &err) == LU_OK
       && lu_builds_release(app, "more", "1", NULL, NULL, NOW, &err) == LU_OK,
       "one withdrawn makes room for one");

    cJSON_Delete(app);
}


static void
limit_rules(void)
{
    cJSON         *app, *body, *releases;
    lu_error_t     err;
    lu_webhook_t   webhook;

    app = tap_json("{\"desktopBuilds\":[{\"id\":\"a\",\"wasLatest\":true},"
                   "{\"id\":\"b\"}]}");

    ok(limit_set(app, 200, 50, 1000, &err) == LU_OK, "the most of all");
    ok(limit_set(app, 201, 0, 0, &err) == LU_INVALID
       && strstr(err.text, "at most 200 rules"), "a rule more");
    ok(limit_set(app, 51, 51, 0, &err) == LU_INVALID
       && strstr(err.text, "at most 50 rules"), "a rollout more");
    ok(limit_set(app, 2, 0, 1001, &err) == LU_INVALID
       && strstr(err.text, "at most 1000 addresses"), "an address more");

    ok(lu_builds_rollout(app, "b", 0.5, &err) == LU_CONFLICT,
       "a promotion cannot add one either");

    (void) limit_set(app, 199, 0, 0, &err);

    ok(lu_builds_rollout(app, "b", 0.5, &err) == LU_OK
       && lu_builds_rollout(app, "b", 0.7, &err) == LU_OK,
       "while there is room it can, and change it then");

    /* a store that had more */

    releases = cJSON_GetObjectItem(app, "desktopReleases");
    cJSON_ReplaceItemInObject(releases, "releaseRedirections",
                              limit_redirections(300, 0, 0));

    ok(limit_set(app, 300, 0, 0, &err) == LU_OK
       && limit_set(app, 301, 0, 0, &err) == LU_INVALID
       && limit_set(app, 250, 0, 0, &err) == LU_OK
       && limit_set(app, 251, 0, 0, &err) == LU_INVALID,
       "an app that had more can only shrink");

    cJSON_Delete(app);

    body = tap_json("{\"appId\":\"a\",\"buildId\":\"b\",\"releaseInfo\":{}}");
    cJSON_AddItemToObject(cJSON_GetObjectItem(body, "releaseInfo"),
                          "releaseRedirections",
                          limit_redirections(201, 0, 0));

    ok(lu_webhook_parse(&tap_arena, body, &webhook, &err) == LU_INVALID
       && strstr(err.text, "at most 200 rules"), "nor can a webhook");

    cJSON_Delete(body);
}


static cJSON *
limit_redirections(int rules, int rollouts, int addresses)
{
    int     i;
    cJSON  *list, *rule, *ips;

    list = cJSON_CreateArray();

    for (i = 0; i < rules; i++) {
        rule = cJSON_CreateObject();
        cJSON_AddStringToObject(rule, "buildId", "a");

        if (i < rollouts) {
            cJSON_AddStringToObject(rule, "rule", "buildByRollout");
            cJSON_AddNumberToObject(rule, "percentage", 1);

        } else {
            cJSON_AddStringToObject(rule, "rule", "buildByIp");
            ips = cJSON_AddArrayToObject(rule, "ipList");

            /* as many in each as in the others */

            for (/* void */ ; addresses > (rules - 1 - i) * 10; addresses--) {
                cJSON_AddItemToArray(ips, cJSON_CreateString("192.0.2.1"));
            }
        }

        cJSON_AddItemToArray(list, rule);
    }

    return list;
}


static lu_rc_e
limit_set(cJSON *app, int rules, int rollouts, int addresses, lu_error_t *err)
{
    cJSON       *json;
    lu_rc_e      rc;

    json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "releaseRedirections",
                          limit_redirections(rules, rollouts, addresses));

    rc = lu_builds_set_rules(app, json, NOW, &tap_arena, err);

    cJSON_Delete(json);

    return rc;
}
