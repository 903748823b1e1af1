
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_change.h"
#include "../../src/core/lu_change_channel.c"


#define TEN(text)                                                             \
    text text text text text text text text text text


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
       && lu_change_deployment_add(app, "c1", "d1", "r1", 1, 0, "ci", NOW,
                                   &err)
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


int
main(void)
{
    test_channel_create();
    test_channel();
    test_channel_delete();
    test_before();

    return tap_done();
}
