
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap_json.h"
#include "lu_app.h"
#include "lu_change.h"

/* so that a short history shows what a long one does */

#undef LU_HISTORY
#define LU_HISTORY  6

#include "../../src/core/lu_change.c"


#define STEPS       6000
#define NOW         "2025-02-10T13:00:25.000Z"
#define LATER       "2025-02-10T13:00:26.000Z"

#define TEN(text)                                                             \
    text text text text text text text text text text

#define OK          LU_OK
#define INVALID     LU_INVALID
#define NOT_FOUND   LU_NOT_FOUND
#define CONFLICT    LU_CONFLICT
#define FORBIDDEN   LU_FORBIDDEN


typedef struct {
    const char       *body;
    lu_rc_e           rc;
    const char       *expected;     /* of the result, or of the reason */
} change_case_t;


static cJSON *
new_app(void)
{
    return lu_change_app_create("app", "Demo", "capacitor", "org", "c1",
                                "default",
                                NOW);
}


/* The tree as a text, which the caller frees. */

static char *
print(const cJSON *tree)
{
    char  *text;

    text = cJSON_PrintUnformatted(tree);

    if (text == NULL) {
        printf("Bail out! no memory\n");
        exit(1);
    }

    return text;
}


static int
contains(const cJSON *tree, const char *part)
{
    int    found;
    char  *text;

    text = print(tree);
    found = (strstr(text, part) != NULL);

    cJSON_free(text);

    return found;
}


static int
parses(const cJSON *tree)
{
    char       *text;
    lu_rc_e     rc;
    lu_app_t    app;
    lu_str_t    str;
    lu_error_t  err;

    text = print(tree);
    str = tap_str(text);

    rc = lu_app_parse(&tap_arena, &str, &app, &err);

    if (rc != LU_OK) {
        printf("# \"%.*s\" %s\n", (int) err.subject.len,
               (char *) err.subject.data, err.text);
    }

    cJSON_free(text);
    tap_free();

    return rc == LU_OK;
}


static void
test_create(void)
{
    cJSON     *app;
    uint64_t   number;

    app = new_app();

    ok(contains(app, "{\"id\":\"app\",\"name\":\"Demo\","
                     "\"type\":\"capacitor\",\"organizationId\":\"org\","
                     "\"generation\":0,\"nextBuildNumber\":1,"
                     "\"appChannelId\":\"c1\","
                     "\"appChannelDiscoveryEnabled\":false,"
                     "\"createdAt\":\"" NOW "\",\"updatedAt\":\"" NOW "\","
                     "\"channels\":[{\"id\":\"c1\",\"name\":\"default\","
                     "\"protectedAt\":null,\"pausedAt\":null,"
                     "\"expiresAt\":null,\"createdAt\":\"" NOW "\","
                     "\"updatedAt\":\"" NOW "\",\"deployments\":[]}],"
                     "\"forcedDevices\":{}}")
       && parses(app), "a new app");

    ok(lu_change_build_number(app, &number) == OK && number == 1
       && lu_change_build_number(app, &number) == OK && number == 2
       && contains(app, "\"nextBuildNumber\":3,"), "builds have numbers");

    cJSON_DeleteItemFromObjectCaseSensitive(app, "nextBuildNumber");

    ok(lu_change_build_number(app, &number) == OK && number == 1
       && contains(app, "\"nextBuildNumber\":2}"), "the first number is 1");

    cJSON_Delete(app);

    ok(lu_change_app_create("app", "Demo", "capacitor", "org", "c1", "",
                            NOW) == NULL, "an app needs a channel's name");
}


static void
test_app_update(void)
{
    cJSON      *app, *body;
    size_t      i;
    lu_rc_e     rc;
    lu_error_t  err;

    static const change_case_t  cases[] = {
        { "{}", OK, "\"updatedAt\":\"" LATER "\"" },
        { "{\"id\":\"x\",\"generation\":9}", OK,
          "{\"id\":\"app\",\"name\":\"Demo\"" },
        { "{\"name\":\"\xc3\xbc\"}", OK, "\"name\":\"\xc3\xbc\"" },
        { "{\"name\":null,\"type\":null,\"organizationId\":null,"
          "\"appChannelDiscoveryEnabled\":null}", OK,
          "\"name\":\"Demo\",\"type\":\"capacitor\","
          "\"organizationId\":\"org\"" },
        { "{\"name\":\"\"}", INVALID, "\"name\" must be a string of 1 to" },
        { "{\"name\":7}", INVALID, "\"name\" must be a string of 1 to" },
        { "{\"name\":\"a \"}", INVALID, "\"name\" must be a string of 1 to" },
        { "{\"name\":\"a\\nb\"}", INVALID,
          "\"name\" must be a string of 1 to" },

        { "{\"type\":\"android\"}", OK, "\"type\":\"android\"" },
        { "{\"type\":\"capacitor\"}", OK, "\"type\":\"capacitor\"" },
        { "{\"type\":\"cordova\"}", OK, "\"type\":\"cordova\"" },
        { "{\"type\":\"electron\"}", OK, "\"type\":\"electron\"" },
        { "{\"type\":\"ios\"}", OK, "\"type\":\"ios\"" },
        { "{\"type\":\"iOS\"}", INVALID, "\"type\" must be android" },
        { "{\"type\":\"\"}", INVALID, "\"type\" must be android" },
        { "{\"type\":7}", INVALID, "\"type\" must be android" },

        { "{\"appChannelId\":null}", OK, "\"appChannelId\":null" },
        { "{\"appChannelId\":\"c2\"}", OK, "\"appChannelId\":\"c2\"" },
        { "{\"appChannelId\":\"c9\"}", INVALID,
          "\"appChannelId\" must be the id of a channel" },
        { "{\"appChannelId\":\"beta\"}", INVALID,
          "\"appChannelId\" must be the id of a channel" },
        { "{\"appChannelId\":7}", INVALID,
          "\"appChannelId\" must be the id of a channel" },

        { "{\"appChannelDiscoveryEnabled\":true}", OK,
          "\"appChannelDiscoveryEnabled\":true" },
        { "{\"appChannelDiscoveryEnabled\":1}", INVALID,
          "\"appChannelDiscoveryEnabled\" must be true or false" },

        { "{\"organizationId\":\"o2\"}", OK, "\"organizationId\":\"o2\"" },
        { "{\"organizationId\":\"a/b\"}", INVALID,
          "\"organizationId\" must be the id of an organization" },
        { "{\"organizationId\":7}", INVALID,
          "\"organizationId\" must be the id of an organization" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        app = new_app();
        body = tap_json("{\"name\":\"beta\"}");

        (void) lu_change_channel_create(app, body, "c2", NOW, &(cJSON *) {0},
                                        &err);
        cJSON_Delete(body);

        body = tap_json(cases[i].body);
        err.text = "";

        rc = lu_change_app_update(app, body, LATER, &err);

        ok(rc == cases[i].rc
           && (rc == OK ? contains(app, cases[i].expected) && parses(app)
                        : strstr(err.text, cases[i].expected) != NULL),
           "app: %s", cases[i].body);

        cJSON_Delete(body);
        cJSON_Delete(app);
    }
}


static void
test_channel_create(void)
{
    cJSON      *app, *body, *channel;
    size_t      i;
    lu_rc_e     rc;
    lu_error_t  err;

    static const change_case_t  cases[] = {
        { "{\"name\":\"beta\",\"appId\":\"x\",\"id\":\"y\"}", OK,
          "{\"id\":\"c2\",\"name\":\"beta\",\"protectedAt\":null,"
          "\"pausedAt\":null,\"expiresAt\":null,\"createdAt\":\"" LATER "\","
          "\"updatedAt\":\"" LATER "\",\"deployments\":[]}" },
        { "{\"name\":\"beta\",\"protected\":true}", OK,
          "\"protectedAt\":\"" LATER "\"" },
        { "{\"name\":\"beta\",\"protected\":false}", OK,
          "\"protectedAt\":null" },
        { "{\"name\":\"beta\",\"protected\":null,\"expiresAt\":null}", OK,
          "\"protectedAt\":null,\"pausedAt\":null,\"expiresAt\":null" },
        { "{\"name\":\"Default\"}", OK, "\"name\":\"Default\"" },

        { "{}", INVALID, "a channel must have a \"name\"" },
        { "{\"name\":null}", INVALID, "a channel must have a \"name\"" },
        { "{\"name\":7}", INVALID, "a channel must have a \"name\"" },
        { "{\"name\":\"\"}", INVALID, "\"name\" must be a string of 1 to" },
        { "{\"name\":\" a\"}", INVALID, "\"name\" must be a string of 1 to" },
        { "{\"name\":\"" TEN("1234567890123") "\"}", INVALID,
          "\"name\" must be a string of 1 to" },
        { "{\"name\":\"default\"}", CONFLICT,
          "is the name of another channel already" },
        { "{\"name\":\"beta\",\"protected\":\"yes\"}", INVALID,
          "\"protected\" must be true or false" },

        { "{\"name\":\"beta\",\"expiresAt\":\"2030-01-31T12:00:00Z\"}", OK,
          "\"expiresAt\":\"2030-01-31T12:00:00.000Z\"" },
        { "{\"name\":\"beta\",\"expiresAt\":\"2030-01-31T12:00:00.5+01:00\"}",
          OK, "\"expiresAt\":\"2030-01-31T11:00:00.000Z\"" },
        { "{\"name\":\"beta\",\"expiresAt\":1739192425999}", OK,
          "\"expiresAt\":\"2025-02-10T13:00:25.000Z\"" },
        { "{\"name\":\"beta\",\"expiresAt\":0}", OK,
          "\"expiresAt\":\"1970-01-01T00:00:00.000Z\"" },
        { "{\"name\":\"beta\",\"expiresAt\":253402300799999}", OK,
          "\"expiresAt\":\"9999-12-31T23:59:59.000Z\"" },
        { "{\"name\":\"beta\",\"expiresAt\":253402300800000}", INVALID,
          "\"expiresAt\" must be a timestamp" },
        { "{\"name\":\"beta\",\"expiresAt\":1e300}", INVALID,
          "\"expiresAt\" must be a timestamp" },
        { "{\"name\":\"beta\",\"expiresAt\":-1}", INVALID,
          "\"expiresAt\" must be a timestamp" },
        { "{\"name\":\"beta\",\"expiresAt\":\"tomorrow\"}", INVALID,
          "\"expiresAt\" must be a timestamp" },
        { "{\"name\":\"beta\",\"expiresAt\":\"\"}", INVALID,
          "\"expiresAt\" must be a timestamp" },
        { "{\"name\":\"beta\",\"expiresAt\":true}", INVALID,
          "\"expiresAt\" must be a timestamp" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        app = new_app();
        body = tap_json(cases[i].body);
        err.text = "";
        channel = NULL;

        rc = lu_change_channel_create(app, body, "c2", LATER, &channel, &err);

        ok(rc == cases[i].rc
           && (rc == OK ? contains(channel, cases[i].expected) && parses(app)
                          && lu_change_channel_find(app, "c2") == channel
                        : channel == NULL
                          && strstr(err.text, cases[i].expected) != NULL),
           "new channel: %s", cases[i].body);

        cJSON_Delete(body);
        cJSON_Delete(app);
    }
}


static lu_rc_e
channel_update(cJSON *app, const char *id, const char *members,
    const char *now, cJSON **channel, lu_error_t *err)
{
    cJSON   *body;
    lu_rc_e  rc;

    body = tap_json(members);
    rc = lu_change_channel_update(app, body, id, now, channel, err);

    cJSON_Delete(body);

    return rc;
}


static void
test_channel(void)
{
    cJSON      *app, *body, *channel;
    lu_error_t  err;

    app = new_app();
    body = tap_json("{\"name\":\"beta\"}");

    (void) lu_change_channel_create(app, body, "c2", NOW, &channel, &err);

    cJSON_Delete(body);

    ok(channel_update(app, "c9", "{}", LATER, &channel, &err) == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0, "no such channel");

    ok(channel_update(app, "c2", "{}", LATER, &channel, &err) == OK
       && channel == lu_change_channel_find(app, "c2")
       && contains(channel, "\"createdAt\":\"" NOW "\","
                            "\"updatedAt\":\"" LATER "\""),
       "an empty change is one");

    ok(channel_update(app, "c2", "{\"name\":\"beta\"}", NOW, &channel, &err)
       == OK, "a channel may keep its name");

    ok(channel_update(app, "c2", "{\"name\":\"default\"}", NOW, &channel,
                      &err)
       == CONFLICT
       && strcmp(err.text, "is the name of another channel already") == 0,
       "and not take another's");

    ok(channel_update(app, "c2", "{\"name\":\"Beta 2\",\"protected\":true,"
                      "\"expiresAt\":\"2030-01-31T12:00:00Z\"}", NOW,
                      &channel, &err)
       == OK
       && contains(channel, "{\"id\":\"c2\",\"name\":\"Beta 2\","
                            "\"protectedAt\":\"" NOW "\",\"pausedAt\":null,"
                            "\"expiresAt\":\"2030-01-31T12:00:00.000Z\"")
       && parses(app), "name, protection and end");

    ok(channel_update(app, "c2", "{\"protected\":true}", LATER, &channel, &err)
       == OK
       && contains(channel, "\"protectedAt\":\"" NOW "\""),
       "protected since the first time");

    ok(channel_update(app, "c2", "{\"protected\":false,\"expiresAt\":null}",
                      LATER, &channel, &err)
       == OK
       && contains(channel, "\"protectedAt\":null,\"pausedAt\":null,"
                            "\"expiresAt\":null"), "and not any more");

    ok(channel_update(app, "c2", "{\"name\":\"\"}", NOW, &channel, &err)
       == INVALID
       && channel_update(app, "c2", "{\"protected\":7}", NOW, &channel, &err)
          == INVALID
       && channel_update(app, "c2", "{\"expiresAt\":{}}", NOW, &channel, &err)
          == INVALID, "refused");

    ok(lu_change_channel_pause(app, "c9", 1, NOW, &err) == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0,
       "no channel to pause");
    ok(lu_change_channel_pause(app, "c2", 0, NOW, &err) == OK
       && contains(channel, "\"pausedAt\":null"), "resumed, not paused");
    ok(lu_change_channel_pause(app, "c2", 1, NOW, &err) == OK
       && contains(channel, "\"pausedAt\":\"" NOW "\""), "paused");
    ok(lu_change_channel_pause(app, "c2", 1, LATER, &err) == OK
       && contains(channel, "\"pausedAt\":\"" NOW "\"")
       && contains(channel, "\"updatedAt\":\"" LATER "\""),
       "paused since the first time");
    ok(lu_change_channel_pause(app, "c2", 0, LATER, &err) == OK
       && contains(channel, "\"pausedAt\":null")
       && parses(app), "resumed");

    ok(lu_change_channel_named(app, "Beta 2") == channel
       && lu_change_channel_named(app, "beta 2") == NULL
       && lu_change_channel_named(app, "c2") == NULL
       && lu_change_channel_find(app, "Beta 2") == NULL,
       "found by id or by name");

    cJSON_Delete(app);
}


static void
test_channel_delete(void)
{
    cJSON      *app, *body, *channel;
    lu_error_t  err;

    app = new_app();
    body = tap_json("{\"name\":\"beta\"}");

    (void) lu_change_channel_create(app, body, "c2", NOW, &channel, &err);

    cJSON_Delete(body);

    ok(lu_change_device_force(app, "one", "c1", &err) == OK
       && lu_change_device_force(app, "two", "c2", &err) == OK
       && lu_change_device_force(app, "three", "c1", &err) == OK
       && lu_change_deploy(app, "c1", "d1", "r1", 1, 0, "ci", NOW, &err)
          == OK, "two channels, three devices");

    ok(lu_change_channel_delete(app, "c9", &err) == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0, "no such channel");

    ok(lu_change_channel_delete(app, "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"two\":\"c2\"}")
       && contains(app, "\"appChannelId\":null")
       && lu_change_channel_find(app, "c1") == NULL
       && lu_change_deployment_find(app, "d1", &channel) == NULL
       && lu_change_channel_find(app, "c2") != NULL
       && parses(app), "a channel goes with all that points to it");

    ok(lu_change_channel_delete(app, "c1", &err) == NOT_FOUND,
       "it can't go twice");

    ok(lu_change_channel_delete(app, "c2", &err) == OK
       && contains(app, "\"channels\":[]")
       && contains(app, "\"forcedDevices\":{}")
       && parses(app), "the last one");

    cJSON_Delete(app);
}


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

    ok(lu_change_deploy(app, "c9", "d1", "r1", 1, 1, "ci", NOW,
                        &err) == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0, "no such channel");

    ok(lu_change_deploy(app, "c1", "d1", "r1", -0.01, 1, "ci", NOW, &err)
       == INVALID
       && strcmp(err.text, "\"rolloutPercentage\" must be a number from "
                           "0 to 1") == 0
       && lu_change_deploy(app, "c1", "d1", "r1", 1.01, 1, "ci", NOW, &err)
          == INVALID
       && lu_change_deploy(app, "c1", "d1", "r1", strtod("nan", NULL), 1,
                           "ci", NOW, &err)
          == INVALID, "a rollout is from 0 to 1");

    ok(lu_change_deploy(app, "c2", "d1", "r1", 1, 0, "ci", NOW,
                        &err) == FORBIDDEN
       && strstr(err.text, "the channel is protected") != NULL
       && lu_change_deploy(app, "c2", "d1", "r1", 1, 1, "ci", NOW, &err)
          == OK, "a protected channel takes what is signed");

    ok(lu_change_deploy(app, "c1", "d2", "r1", 0, 0, "ci \"1\"", NOW,
                        &err) == OK
       && lu_change_deploy(app, "c1", "d3", "r2", 0.25, 0, "ci", LATER,
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

    ok(lu_change_deploy(app, "c1", "d2", "r1", 0, 0, "ci", LATER, &err) == OK
       && lu_change_deploy(app, "c1", "d1", "r9", 2, 0, "ci", LATER, &err) == OK
       && lu_change_deploy(app, "c9", "d3", "r9", 2, 0, "ci", LATER, &err)
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

    ok(lu_change_deploy(app, "c1", "d4", "r1", 1, 0, "ci", NOW, &err) == OK,
       "the same release again");

    lu_change_release_remove(app, "r1");

    ok(lu_change_deployment_find(app, "d1", &channel) == NULL
       && lu_change_deployment_find(app, "d2", &channel) == NULL
       && lu_change_deployment_find(app, "d4", &channel) == NULL
       && lu_change_deployment_find(app, "d3", &channel) != NULL
       && parses(app), "a release goes out of all channels");

    lu_change_release_remove(app, "r9");
    lu_change_release_remove(app, "r2");

    ok(!contains(app, "\"rollout\"") && parses(app), "the last one");

    cJSON_Delete(app);
}


static void
test_force(void)
{
    cJSON      *app;
    lu_error_t  err;

    app = new_app();

    ok(lu_change_device_force(app, "", "c1", &err) == INVALID
       && lu_change_device_force(app, "a\nb", "c1", &err) == INVALID
       && lu_change_device_force(app, "\xff", NULL, &err) == INVALID
       && lu_change_device_force(app, TEN("1234567890123"), "c1",
                                 &err) == INVALID
       && strstr(err.text, "a device id must have 1 to 128 bytes") != NULL,
       "no device's id");

    ok(lu_change_device_force(app, "d", "c9", &err) == NOT_FOUND
       && strcmp(err.text, "Channel not found.") == 0, "no such channel");

    ok(lu_change_device_force(app, "a/b \xc3\xbc", "c1", &err) == OK
       && lu_change_device_force(app, "A", "c1", &err) == OK
       && lu_change_device_force(app, "a", "c1", &err) == OK
       && lu_change_device_force(app, "a", "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"a/b \xc3\xbc\":\"c1\","
                        "\"A\":\"c1\",\"a\":\"c1\"}")
       && parses(app), "forced, each once");

    ok(lu_change_device_force(app, "A", NULL, &err) == OK
       && lu_change_device_force(app, "A", NULL, &err) == OK
       && contains(app, "\"forcedDevices\":{\"a/b \xc3\xbc\":\"c1\","
                        "\"a\":\"c1\"}"), "not any more");

    cJSON_DeleteItemFromObjectCaseSensitive(app, "forcedDevices");

    ok(lu_change_device_force(app, "a", "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"a\":\"c1\"}"),
       "an app that has had none");

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
        (void) lu_change_deploy(app, "c1", id, "r", 1, 0, "ci", NOW, &err);
    }

    ok(cJSON_GetArraySize(deployments) == LU_HISTORY
       && lu_change_deployment_find(app, id, &channel)
          == deployments->child, "so many for everyone");

    for (i = 0; i < 3 * LU_HISTORY; i++) {
        sprintf(id, "part%d", i);
        (void) lu_change_deploy(app, "c1", id, "r", 0.5, 0, "ci", NOW, &err);
    }

    sprintf(id, "all%d", 3 * LU_HISTORY - 1);

    ok(cJSON_GetArraySize(deployments) == 3 * LU_HISTORY + 1
       && lu_change_deployment_find(app, id, &channel) != NULL
       && lu_change_deployment_find(app, "part0", &channel) != NULL,
       "partial ones, and the one behind them");

    (void) lu_change_deployment_update(app, "part0", 1, NOW, &err);
    (void) lu_change_deploy(app, "c1", "next", "r", 0, 0, "ci", NOW, &err);

    ok(cJSON_GetArraySize(deployments) == 3 * LU_HISTORY + 1
       && lu_change_deployment_find(app, id, &channel) == NULL
       && lu_change_deployment_find(app, "part0", &channel) != NULL,
       "the newest for everyone is enough");

    (void) lu_change_deploy(app, "c1", "last", "r", 1, 0, "ci", NOW, &err);

    ok(cJSON_GetArraySize(deployments) == LU_HISTORY
       && parses(app), "and what is before it is a history");

    cJSON_Delete(app);
}


/* What somebody has edited, and lu_app_parse() would refuse. */

/* By the letter: each deployment is one of the release of that name. */

static void
test_before(void)
{
    char           *p, found[2], text[1024];
    size_t          i, len;
    cJSON          *channel;
    const cJSON    *item;

    static const struct {
        const char  *history;        /* the newest one first */
        unsigned     steps;
        const char  *expected;
    } cases[] = {
        { "", 1, "" },
        { "a", 1, "" },
        { "ba", 1, "a" },
        { "cba", 1, "b" },
        { "cba", 2, "a" },
        { "cba", 3, "" },
        { "bcba", 1, "a" },
        { "abcba", 1, "" },
        { "dabcba", 1, "a" },
        { "bba", 1, "a" },
        { "cbab", 1, "b" },
        { "cbab", 2, "" },
        { "ba", 500, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        len = sprintf(text, "{\"deployments\":[");

        for (p = (char *) cases[i].history; *p; p++) {
            len += sprintf(text + len, "%s{\"release\":\"%c\"}",
                           p == cases[i].history ? "" : ",", *p);
        }

        strcpy(text + len, "]}");

        channel = tap_json(text);
        item = lu_change_channel_before(channel, cases[i].steps);

        found[0] = item ? *item->child->valuestring : '\0';
        found[1] = '\0';

        ok(strcmp(found, cases[i].expected) == 0, "%u before \"%s\"",
           cases[i].steps, cases[i].history);

        cJSON_Delete(channel);
    }

    channel = tap_json("{\"deployments\":[7,{}]}");
    ok(lu_change_channel_before(channel, 1) == NULL, "no deployments");
    cJSON_Delete(channel);
}


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
       && lu_change_deploy(app, "c2", "d1", "r1", 1, 0, "ci", NOW,
                           &err) == NOT_FOUND
       && lu_change_app_update(app, body, NOW, &err) == OK,
       "an app with nothing in it");

    lu_change_release_remove(app, "r1");

    cJSON_Delete(app);

    app = tap_json("{\"channels\":[7,{\"id\":7},{\"id\":\"c1\"},"
                   "{\"id\":\"c2\",\"name\":7,\"deployments\":[7,{},"
                   "{\"id\":7,\"release\":7},{\"id\":\"d1\"}]}],"
                   "\"forcedDevices\":{\"a\":7,\"b\":\"c2\"},"
                   "\"nextBuildNumber\":-1}");

    ok(lu_change_deploy(app, "c1", "d2", "r1", 1, 0, "ci", NOW, &err)
       == INVALID
       && strcmp(err.text, "the channel has no \"deployments\"") == 0
       && lu_change_deploy(app, "c2", "d2", "r1", 1, 0, "ci", NOW, &err) == OK
       && lu_change_deployment_find(app, "d1", &channel) != NULL
       && lu_change_channel_create(app, body, "c3", NOW, &channel, &err)
          == OK,
       "values of other types");

    lu_change_release_remove(app, "r1");

    ok(lu_change_channel_delete(app, "c2", &err) == OK
       && contains(app, "\"forcedDevices\":{\"a\":7}"), "are left alone");

    cJSON_Delete(app);

    app = tap_json("{\"channels\":[{\"id\":\"c1\",\"protectedAt\":true,"
                   "\"deployments\":[]}]}");

    ok(lu_change_deploy(app, "c1", "d2", "r1", 1, 0, "ci", NOW,
                        &err) == FORBIDDEN
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

        lu_change_release_remove(app, release);
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

        *rc = lu_change_deploy(app, channel_id, id, release, rollout,
                               is_signed, "ci",
                               NOW, &err);

        if (*rc != OK) {
            break;
        }

        before = print(app);

        if (lu_change_deploy(app, channel_id, id, release, rollout,
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

    return n == model->n || (n && model->deployments[n - 1].rollout >= 1);
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
        rc = lu_change_deploy(app, "c1", "d1", "r1", 1, 0, "ci", NOW, &err);
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
    test_create();
    test_app_update();
    test_channel_create();
    test_channel();
    test_channel_delete();
    test_deploy();
    test_force();
    test_history();
    test_before();
    test_damaged();
    test_model();
    test_nomem();

    return tap_done();
}
