
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap.h"
#include "../../src/core/lu_app.c"


#define CHANNEL(id, name)                                                     \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"deployments\":[]}"

#define DEPLOYED(deployments)                                                 \
    "{\"id\":\"app\",\"channels\":[{\"id\":\"c\",\"name\":\"main\","          \
    "\"deployments\":[" deployments "]}]}"

#define WITH(members)                                                         \
    "{\"id\":\"app\",\"channels\":[{\"id\":\"c\",\"name\":\"main\","          \
    "\"deployments\":[]," members "}]}"

#define TEN(text)                                                             \
    text text text text text text text text text text


static const char  app_text[] =
    "{\"id\":\"app-1\",\"name\":\"Demo\",\"type\":\"capacitor\","
    "\"generation\":7,\"appChannelId\":\"c2\","
    "\"appChannelDiscoveryEnabled\":true,\"channels\":["
    "{\"id\":\"c1\",\"name\":\"production\",\"protectedAt\":null,"
        "\"pausedAt\":null,\"expiresAt\":null,\"deployments\":["
        "{\"id\":\"d3\",\"release\":\"r3\",\"rollout\":0.25},"
        "{\"id\":\"d2\",\"release\":\"r2\",\"rollout\":1},"
        "{\"id\":\"d1\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c2\",\"name\":\"default\",\"deployments\":["
        "{\"id\":\"d5\",\"release\":\"r1\",\"rollout\":0.5},"
        "{\"id\":\"d4\",\"release\":\"r2\",\"rollout\":0}]},"
    "{\"id\":\"c3\",\"name\":\"\xc3\xbc\",\"deployments\":[],"
        "\"pausedAt\":\"2025-01-01T00:00:00.000Z\","
        "\"protectedAt\":\"2025-01-01T00:00:00.000Z\","
        "\"expiresAt\":\"2025-02-10T13:00:25.000Z\"},"
    "{\"id\":\"c4\",\"name\":\"defaul\",\"deployments\":[]},"
    "{\"id\":\"c5\",\"name\":\"Default\",\"deployments\":[]}],"
    "\"forcedDevices\":{\"zz\":\"c1\",\"a\":\"c2\",\"a/b\":\"c3\","
        "\"lost\":\"c9\",\"\":\"c1\"}}";


static lu_rc_e
parse(const char *text, lu_app_t *app, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  str;

    /* nothing of the text is kept */

    str.len = strlen(text);
    str.data = malloc(str.len);
    memcpy(str.data, text, str.len);

    err->text = NULL;

    rc = lu_app_parse(&tap_arena, &str, app, err);

    memset(str.data, 'x', str.len);
    free(str.data);

    return rc;
}


static const lu_channel_t *
named(const lu_app_t *app, const char *name)
{
    lu_str_t  str;

    str = tap_str(name);

    return lu_app_channel_find(app, &str);
}


static const char *
forced(const lu_app_t *app, const char *device)
{
    lu_str_t             str;
    const lu_channel_t  *channel;

    str = tap_str(device);
    channel = lu_app_forced_find(app, &str);

    return channel ? (char *) channel->id.data : "";
}


static void
test_parse(void)
{
    size_t               i;
    lu_app_t             app;
    lu_error_t           err;
    const lu_channel_t  *channel;

    static const char  *names[] = { "Default", "defaul", "default",
                                    "production", "\xc3\xbc" };

    ok(parse(app_text, &app, &err) == LU_OK
       && lu_str_is(&app.id, "app-1")
       && app.discovery == 1
       && app.nchannels == 5
       && app.nforced == 4, "an app");

    for (i = 0; i < 5; i++) {
        ok(lu_str_is(&app.channels[i].name, names[i])
           && named(&app, names[i]) == &app.channels[i],
           "channels are sorted by name: %s", names[i]);
    }

    ok(named(&app, "") == NULL
       && named(&app, "d") == NULL
       && named(&app, "defaultx") == NULL
       && named(&app, "c1") == NULL, "no such channel");

    ok(app.channel == named(&app, "default")
       && lu_str_is(&app.channel->id, "c2"), "the default channel");

    channel = named(&app, "production");

    ok(!channel->paused
       && !channel->is_protected
       && channel->expires == LU_TIME_MAX, "null is not set");

    ok(channel->ndeployments == 3
       && !lu_app_end(channel, 0) && lu_app_end(channel, 1)
       && lu_str_is(&channel->deployments[0].id, "d3")
       && lu_str_is(&channel->deployments[0].release_id, "r3")
       && channel->deployments[0].rollout.threshold == UINT64_C(1) << 62
       && !channel->deployments[0].rollout.everyone
       && lu_str_is(&channel->deployments[1].id, "d2")
       && channel->deployments[1].rollout.everyone
       && channel->deployments[0].release == NULL
       && channel->deployments[1].release == NULL,
       "deployments, as far as one for everyone, and older ones");

    channel = named(&app, "default");

    ok(channel->ndeployments == 2
       && channel->deployments[0].rollout.threshold == UINT64_C(1) << 63
       && channel->deployments[1].rollout.threshold == 0
       && !channel->deployments[1].rollout.everyone, "none is for everyone");

    channel = named(&app, "\xc3\xbc");

    ok(channel->paused
       && channel->is_protected
       && channel->expires == 1739192425
       && channel->ndeployments == 0, "paused, protected, expires");

    ok(strcmp(forced(&app, "zz"), "c1") == 0
       && strcmp(forced(&app, "a"), "c2") == 0
       && strcmp(forced(&app, "a/b"), "c3") == 0
       && strcmp(forced(&app, "lost"), "") == 0
       && strcmp(forced(&app, "A"), "") == 0
       && strcmp(forced(&app, "z"), "") == 0, "forced devices");

    ok(parse("{\"id\":\"a\",\"channels\":[]}", &app, &err) == LU_OK
       && app.channel == NULL
       && app.nchannels == 0
       && app.nforced == 0
       && app.discovery == 0
       && named(&app, "") == NULL
       && strcmp(forced(&app, ""), "") == 0, "the least that an app has");

    ok(parse("{\"id\":\"a\",\"channels\":[" CHANNEL("c", "n") "],"
             "\"appChannelId\":\"x\",\"appChannelDiscoveryEnabled\":false,"
             "\"forcedDevices\":{}}", &app, &err) == LU_OK
       && app.channel == NULL && app.discovery == 0,
       "a default that is no channel is none");

    tap_free();
}


static void
test_rollout(void)
{
    char        text[256];
    size_t      i;
    lu_app_t    app;
    lu_error_t  err;

    static const struct {
        const char  *rollout;
        uint64_t     threshold;
        unsigned     everyone;
    } cases[] = {
        { "0", 0, 0 },
        { "-0.0", 0, 0 },
        { "5e-324", 0, 0 },
        { "0.000000000000000000054210108624275222", 1, 0 },
        { "0.5", UINT64_C(1) << 63, 0 },
        { "0.75", UINT64_C(3) << 62, 0 },
        { "0.99999999999999989", UINT64_MAX - 2047, 0 },
        { "1", 0, 1 },
        { "1.0", 0, 1 },
        { "0.99999999999999999", 0, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sprintf(text, DEPLOYED("{\"id\":\"d\",\"release\":\"r\","
                               "\"rollout\":%s}"), cases[i].rollout);

        ok(parse(text, &app, &err) == LU_OK
           && app.channels[0].deployments[0].rollout.threshold
              == cases[i].threshold
           && app.channels[0].deployments[0].rollout.everyone
              == cases[i].everyone,
           "rollout %s", cases[i].rollout);
    }

    tap_free();
}


static void
test_refused(void)
{
    size_t      i;
    lu_app_t    app;
    lu_error_t  err;

    static const struct {
        const char  *text;
        const char  *subject;
        const char  *reason;
    } cases[] = {
        { "", "", "is empty" },
        { "[]", "id", "is missing or is not a valid id" },
        { "7", "id", "is missing or is not a valid id" },
        { "null", "id", "is missing or is not a valid id" },
        { "{\"id\":7}", "id", "is missing or is not a valid id" },
        { "{\"id\":\"..\"}", "id", "is missing or is not a valid id" },
        { "{\"id\":\"\"}", "id", "is missing or is not a valid id" },
        { "{\"ID\":\"a\",\"channels\":[]}", "id",
          "is missing or is not a valid id" },

        { "{\"id\":\"a\",\"appChannelDiscoveryEnabled\":1}", "",
          "\"appChannelDiscoveryEnabled\" must be true or false" },
        { "{\"id\":\"a\"}", "", "the app has no \"channels\"" },
        { "{\"id\":\"a\",\"channels\":{}}", "",
          "the app has no \"channels\"" },
        { "{\"id\":\"a\",\"channels\":null}", "",
          "the app has no \"channels\"" },
        { "{\"id\":\"a\",\"channels\":[],\"appChannelId\":7}", "",
          "\"appChannelId\" must be a string" },

        { "{\"id\":\"a\",\"channels\":[7]}", "id",
          "is missing or is not a valid id" },
        { "{\"id\":\"a\",\"channels\":[{\"name\":\"n\"}]}", "id",
          "is missing or is not a valid id" },
        { "{\"id\":\"a\",\"channels\":[{\"id\":\"c\"}]}", "c",
          "is a channel without a valid \"name\"" },
        { "{\"id\":\"a\",\"channels\":[{\"id\":\"c\",\"name\":7}]}", "c",
          "is a channel without a valid \"name\"" },
        { "{\"id\":\"a\",\"channels\":[" CHANNEL("c", "") "]}", "c",
          "is a channel without a valid \"name\"" },
        { "{\"id\":\"a\",\"channels\":[" CHANNEL("c", " n") "]}", "c",
          "is a channel without a valid \"name\"" },
        { "{\"id\":\"a\",\"channels\":[" CHANNEL("c", TEN("1234567890123"))
          "]}", "c", "is a channel without a valid \"name\"" },
        { "{\"id\":\"a\",\"channels\":[" CHANNEL("c1", "n") ","
          CHANNEL("c2", "m") "," CHANNEL("c3", "n") "]}", "n",
          "is the name of two channels" },
        { "{\"id\":\"a\",\"channels\":[{\"id\":\"c\",\"name\":\"n\"}]}", "n",
          "has no \"deployments\"" },
        { "{\"id\":\"a\",\"channels\":[{\"id\":\"c\",\"name\":\"n\","
          "\"deployments\":{}}]}", "n", "has no \"deployments\"" },
        { WITH("\"expiresAt\":\"soon\""), "main",
          "has an \"expiresAt\" that is not a timestamp" },
        { WITH("\"expiresAt\":1739192425000"), "main",
          "has an \"expiresAt\" that is not a timestamp" },

        { DEPLOYED("7"), "id", "is missing or is not a valid id" },
        { DEPLOYED("{\"id\":\"d\",\"rollout\":1}"), "release",
          "is missing or is not a valid id" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"../r\",\"rollout\":1}"),
          "release", "is missing or is not a valid id" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"r\"}"), "d",
          "must have a \"rollout\" from 0 to 1" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"r\",\"rollout\":\"1\"}"), "d",
          "must have a \"rollout\" from 0 to 1" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"r\",\"rollout\":-0.1}"), "d",
          "must have a \"rollout\" from 0 to 1" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"r\",\"rollout\":1.1}"), "d",
          "must have a \"rollout\" from 0 to 1" },
        { DEPLOYED("{\"id\":\"d\",\"release\":\"r\",\"rollout\":0.5},"
                   "{\"id\":\"e\",\"release\":\"r\",\"rollout\":1e300}"), "e",
          "must have a \"rollout\" from 0 to 1" },

        { "{\"id\":\"a\",\"channels\":[],\"forcedDevices\":[]}", "",
          "\"forcedDevices\" must be an object" },
        { "{\"id\":\"a\",\"channels\":[],\"forcedDevices\":null}", "",
          "\"forcedDevices\" must be an object" },
        { "{\"id\":\"a\",\"channels\":[],\"forcedDevices\":{\"d\":null}}", "",
          "a forced device's channel must be a string" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(parse(cases[i].text, &app, &err) == LU_INVALID
           && strstr(err.text, cases[i].reason) != NULL
           && lu_str_is(&err.subject, cases[i].subject),
           "refused, case %d: \"%s\" %s", (int) i, cases[i].subject,
           cases[i].reason);
    }

    tap_free();

    /* what is not null is paused and protected, whatever it is */

    ok(parse(WITH("\"pausedAt\":true,\"protectedAt\":0"), &app, &err) == LU_OK
       && app.channels[0].paused
       && app.channels[0].is_protected, "a strange value is on the safe side");

    tap_free();
}


static int
is_string(const cJSON *json, const char *key, const char *text)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(json, key);

    return text ? cJSON_IsString(item)
                  && strcmp(cJSON_GetStringValue(item), text) == 0
                : cJSON_IsNull(item);
}


/* What a device is sent: head, base URL, tail. */

static cJSON *
answer(const lu_deployment_t *deployment)
{
    char        buf[2048];
    cJSON      *json;
    lu_str_t    text;
    lu_error_t  err;

    text.len = snprintf(buf, sizeof(buf), "%.*s%s%.*s",
                        (int) deployment->head.len,
                        (char *) deployment->head.data,
                        deployment->tail.len ? "https://example.com" : "",
                        (int) deployment->tail.len,
                        (char *) deployment->tail.data);
    text.data = (unsigned char *) buf;

    return (lu_json_parse(&json, &text, &err) == LU_OK) ? json : NULL;
}


static int
complete(const cJSON *json)
{
    size_t        i;
    const cJSON  *item;

    static const char  *members[] = {
        "artifactType", "bundleId", "channelName", "checksum",
        "customProperties", "signature", "url"
    };

    i = 0;

    cJSON_ArrayForEach(item, json) {
        if (i == 7 || strcmp(item->string, members[i++]) != 0) {
            return 0;
        }
    }

    return i == 7;
}


static void
test_render(void)
{
    cJSON            *json;
    lu_app_t          app;
    lu_error_t        err;
    lu_channel_t     *channel;
    lu_release_t      release;
    lu_deployment_t  *deployment;

    (void) parse("{\"id\":\"app\",\"channels\":[{\"id\":\"c\","
                 "\"name\":\"a \\\"b\\\" \\\\ \xc3\xbc/+\",\"deployments\":["
                 "{\"id\":\"d\",\"release\":\"r\",\"rollout\":1}]}]}", &app,
                 &err);

    channel = &app.channels[0];
    deployment = &channel->deployments[0];
    deployment->release = &release;

    memset(&release, 0, sizeof(lu_release_t));
    release.id = tap_str("r");
    release.kind = LU_KIND_ZIP;

    ok(lu_app_render(&tap_arena, &app, channel, deployment) == LU_OK, "a zip");

    json = answer(deployment);

    ok(complete(json)
       && is_string(json, "artifactType", "zip")
       && is_string(json, "bundleId", "r")
       && is_string(json, "channelName", "a \"b\" \\ \xc3\xbc/+")
       && is_string(json, "checksum", NULL)
       && is_string(json, "customProperties", NULL)
       && is_string(json, "signature", NULL)
       && is_string(json, "url",
                    "https://example.com/artifacts/app/r/bundle.zip"),
       "its members, null where there is nothing");

    cJSON_Delete(json);

    release.kind = LU_KIND_MANIFEST;
    release.properties = tap_str("{\"notes\":\"\\\"hi\\\"\",\"b\":\"\"}");

    ok(lu_app_render(&tap_arena, &app, channel, deployment)
       == LU_OK, "a manifest");

    json = answer(deployment);

    ok(complete(json)
       && is_string(json, "artifactType", "manifest")
       && is_string(cJSON_GetObjectItemCaseSensitive(json,
                                                     "customProperties"),
                    "notes", "\"hi\"")
       && is_string(json, "url", "https://example.com/artifacts/app/r"),
       "its members, with custom properties");

    cJSON_Delete(json);

    release.kind = LU_KIND_ZIP;
    release.checksum = tap_str("abc");
    release.signature = tap_str("c2lnbmF0dXJl+/==");
    release.url = tap_str("https://cdn.example.com/b.zip?a=\"1\"&b=2");
    memset(&deployment->tail, 0, sizeof(lu_str_t));

    ok(lu_app_render(&tap_arena, &app, channel, deployment)
       == LU_OK && deployment->tail.len == 0, "a registered zip");

    json = answer(deployment);

    ok(complete(json)
       && is_string(json, "checksum", "abc")
       && is_string(json, "signature", "c2lnbmF0dXJl+/==")
       && is_string(json, "url",
                    "https://cdn.example.com/b.zip?a=\"1\"&b=2"),
       "its members, with its own URL, a checksum and a signature");

    cJSON_Delete(json);
    tap_free();
}


static void
test_path(void)
{
    lu_str_t  app, release, path;

    app = tap_str(TEN("123456") "1234");
    release = tap_str(TEN("abcdef") "abcd");

    path = lu_app_artifact_path(&tap_arena, &app, &release, LU_KIND_ZIP);

    ok(lu_str_is(&path, "/artifacts/" TEN("123456") "1234/"
                        TEN("abcdef") "abcd/bundle.zip"), "the path of a zip");

    memcpy(path.data + path.len, "\"}", 3);
    ok(strlen((char *) path.data) == path.len + 2, "room for 3 bytes more");

    path = lu_app_artifact_path(&tap_arena, &app, &release, LU_KIND_MANIFEST);

    ok(lu_str_is(&path, "/artifacts/" TEN("123456") "1234/"
                        TEN("abcdef") "abcd"),
       "the path of a manifest's files");

    tap_left = 0;
    path = lu_app_artifact_path(&tap_arena, &app, &release, LU_KIND_ZIP);
    tap_left = -1;

    ok(path.data == NULL && path.len == 0, "no memory");

    tap_free();
}


/* Each allocation of the arena's and of cJSON's fails once. */

static void
test_nomem(void)
{
    long              n, wrong;
    size_t            i;
    lu_rc_e           rc;
    lu_app_t          app;
    lu_error_t        err;
    lu_release_t      release;
    lu_deployment_t  *deployment;

    memory_init();

    wrong = 0;

    for (n = 0; n < 1000; n++) {
        tap_left = n;
        rc = parse(app_text, &app, &err);

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    tap_left = -1;

    ok(rc == LU_OK && n > 20 && wrong == 0 && memory_used == 0,
       "parse: the arena fails %ld times", n);

    tap_free();

    for (n = 0; n < 1000; n++) {
        memory_left = n;
        rc = parse(app_text, &app, &err);

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    memory_left = -1;

    ok(rc == LU_OK && n > 100 && wrong == 0 && memory_used == 0,
       "parse: cJSON fails %ld times", n);

    deployment = &app.channels[2].deployments[0];
    deployment->release = &release;

    memset(&release, 0, sizeof(lu_release_t));
    release.id = tap_str("r");

    for (i = 0; i < 2; i++) {

        for (n = 0; n < 1000; n++) {
            memory_left = n;
            rc = lu_app_render(&tap_arena, &app, &app.channels[2], deployment);
            if (rc == LU_OK) {
                break;
            }

            wrong += (rc != LU_NOMEM || memory_used != 0);
        }

        memory_left = -1;

        ok(rc == LU_OK && n > 15 && wrong == 0 && memory_used == 0,
           "render: cJSON fails %ld times", n);

        release.checksum = tap_str("abc");
        release.signature = tap_str("def");
        release.properties = tap_str("{}");
    }

    for (n = 0; n < 1000; n++) {
        tap_left = n;
        rc = lu_app_render(&tap_arena, &app, &app.channels[2], deployment);
        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
    }

    tap_left = -1;

    ok(rc == LU_OK && n == 2 && wrong == 0 && memory_used == 0,
       "render: the arena fails %ld times", n);

    cJSON_InitHooks(NULL);
    tap_free();
}


/* What devices may list, and how a name is found. */

static void
test_discovery(void)
{
    size_t         i;
    lu_app_t       app;
    lu_error_t     err;
    lu_channel_t  *channel;

    static const char  *items[] = {
        "{\"id\":\"c5\",\"name\":\"Default\"}",
        "{\"id\":\"c4\",\"name\":\"a\\\"b\\\\\"}",
        "{\"id\":\"c1\",\"name\":\"\xc3\xbc\"}"
    };

    ok(parse("{\"id\":\"a\",\"appChannelDiscoveryEnabled\":true,\"channels\":["
             "{\"id\":\"c1\",\"name\":\"\xc3\xbc\",\"deployments\":[]},"
             "{\"id\":\"c5\",\"name\":\"Default\",\"deployments\":[]},"
             "{\"id\":\"c4\",\"name\":\"a\\\"b\\\\\",\"deployments\":[]}]}",
             &app, &err)
       == LU_OK
       && app.names.len == 16
       && memcmp(app.names.data, "Default\0a\"b\\\0\xc3\xbc\0", 16) == 0,
       "names, one behind the other");

    for (i = 0; i < 3; i++) {
        channel = &app.channels[i];

        ok(lu_str_is(&channel->item, items[i])
           && lu_app_channel_at(&app, channel->at) == i
           && lu_app_channel_at(&app, channel->at + channel->name.len - 1)
              == i,
           "%s", items[i]);
    }

    ok(parse("{\"id\":\"a\",\"appChannelDiscoveryEnabled\":true,"
             "\"channels\":[]}", &app, &err)
       == LU_OK && app.names.len == 0, "no channels");

    ok(parse("{\"id\":\"a\",\"channels\":["
             "{\"id\":\"c1\",\"name\":\"a\",\"deployments\":[]}]}", &app, &err)
       == LU_OK && app.names.len == 0 && app.channels[0].item.len == 0,
       "nothing of that without discovery");
}


int
main(void)
{
    test_parse();
    test_rollout();
    test_refused();
    test_render();
    test_path();
    test_discovery();
    test_nomem();

    return tap_done();
}
