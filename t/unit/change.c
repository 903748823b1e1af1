
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_change.h"
#include "../../src/core/lu_change.c"


#define UUID_UPPER  "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A10"
#define UUID_LOWER  "0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10"

#define TEN(text)                                                             \
    text text text text text text text text text text


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
test_same(void)
{
    size_t  i;
    cJSON  *one, *two;

    static const struct {
        const char  *one;
        const char  *two;
        int          same;
    } cases[] = {
        { "{}", "{}", 1 },
        { "{\"a\":1}", "{\"a\":1}", 1 },
        { "{\"a\":1}", "{\"a\":2}", 0 },
        { "{\"a\":1}", "{}", 0 },
        { "{}", "{\"a\":1}", 0 },
        { "{\"a\":1}", "{\"b\":1}", 0 },
        { "{\"a\":null}", "{\"a\":false}", 0 },
        { "{\"a\":[]}", "{\"a\":{}}", 0 },
        { "{\"a\":[1,2]}", "{\"a\":[1]}", 0 },
        { "{\"a\":[1,2]}", "{\"a\":[2,1]}", 0 },
        { "{\"updatedAt\":\"x\"}", "{\"updatedAt\":\"y\"}", 1 },
        { "{\"updatedAt\":\"x\"}", "{}", 0 },
        { "{\"createdAt\":\"x\"}", "{\"createdAt\":\"y\"}", 0 },
        { "[{\"a\":{\"updatedAt\":1,\"b\":2}}]",
          "[{\"a\":{\"updatedAt\":2,\"b\":2}}]", 1 },
        { "[{\"a\":{\"updatedAt\":1,\"b\":2}}]",
          "[{\"a\":{\"updatedAt\":1,\"b\":3}}]", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        one = tap_json(cases[i].one);
        two = tap_json(cases[i].two);

        ok(lu_change_same(one, two) == cases[i].same, "%s and %s",
           cases[i].one, cases[i].two);

        cJSON_Delete(one);
        cJSON_Delete(two);
    }
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

    /* as older versions have written them, too */

    ok(lu_change_device_force(app, UUID_UPPER, "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"" UUID_LOWER "\":\"c1\"}"),
       "a UUID in upper case");

    (void) lu_json_set_string(lu_json_get(app, "forcedDevices"), UUID_UPPER,
                              "c1");

    ok(lu_change_device_force(app, UUID_LOWER, "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"" UUID_LOWER "\":\"c1\"}"),
       "forced in both letter cases");

    (void) lu_json_set_string(lu_json_get(app, "forcedDevices"), UUID_UPPER,
                              "c1");

    ok(lu_change_device_force(app, UUID_LOWER, NULL, &err) == OK
       && contains(app, "\"forcedDevices\":{}"), "freed in both letter cases");

    cJSON_DeleteItemFromObjectCaseSensitive(app, "forcedDevices");

    ok(lu_change_device_force(app, "a", "c1", &err) == OK
       && contains(app, "\"forcedDevices\":{\"a\":\"c1\"}"),
       "an app that has had none");

    cJSON_Delete(app);
}


int
main(void)
{
    test_create();
    test_app_update();
    test_same();
    test_force();

    return tap_done();
}
