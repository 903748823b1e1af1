
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_latest.c"


#define TEN(text)                                                             \
    text text text text text text text text text text

#define UPDATE      LU_CHECK_UPDATE
#define CURRENT     LU_CHECK_CURRENT
#define NO_CHANNEL  LU_CHECK_NO_CHANNEL
#define PAUSED      LU_CHECK_PAUSED
#define EXPIRED     LU_CHECK_EXPIRED
#define EMPTY       LU_CHECK_EMPTY
#define VERSION     LU_CHECK_VERSION
#define UNSIGNED    LU_CHECK_UNSIGNED


typedef struct {
    const char          *args;
    const char          *channel;       /* of the answer; NULL: none */
    const char          *release;       /* NULL: none */
    lu_check_e           result;
} latest_case_t;


static const char  latest_app[] =
    "{\"id\":\"app\",\"appChannelId\":\"c-default\",\"channels\":["
    "{\"id\":\"c-default\",\"name\":\"default\",\"deployments\":["
        "{\"id\":\"d2\",\"release\":\"r2\",\"rollout\":1},"
        "{\"id\":\"d1\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-empty\",\"name\":\"empty\",\"deployments\":[]},"
    "{\"id\":\"c-paused\",\"name\":\"paused\",\"deployments\":["
        "{\"id\":\"d3\",\"release\":\"r1\",\"rollout\":1}],"
        "\"pausedAt\":\"2025-01-01T00:00:00.000Z\"},"
    "{\"id\":\"c-expires\",\"name\":\"expires\",\"deployments\":["
        "{\"id\":\"d4\",\"release\":\"r1\",\"rollout\":1}],"
        "\"expiresAt\":\"1970-01-01T00:16:41.000Z\"},"
    "{\"id\":\"c-expired\",\"name\":\"expired\",\"deployments\":["
        "{\"id\":\"d5\",\"release\":\"r1\",\"rollout\":1}],"
        "\"expiresAt\":\"1970-01-01T00:16:40.000Z\"},"
    "{\"id\":\"c-epoch\",\"name\":\"epoch\",\"deployments\":["
        "{\"id\":\"d6\",\"release\":\"r1\",\"rollout\":1}],"
        "\"expiresAt\":\"1970-01-01T00:00:00.000Z\"},"
    "{\"id\":\"c-both\",\"name\":\"both\",\"deployments\":["
        "{\"id\":\"d7\",\"release\":\"r1\",\"rollout\":1}],"
        "\"expiresAt\":\"1970-01-01T00:00:00.000Z\","
        "\"pausedAt\":\"2025-01-01T00:00:00.000Z\"},"
    "{\"id\":\"c-nobody\",\"name\":\"nobody\",\"deployments\":["
        "{\"id\":\"d8\",\"release\":\"r2\",\"rollout\":0}]},"
    "{\"id\":\"c-back\",\"name\":\"back\",\"deployments\":["
        "{\"id\":\"d10\",\"release\":\"r2\",\"rollout\":0},"
        "{\"id\":\"d9\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-half\",\"name\":\"half\",\"deployments\":["
        "{\"id\":\"d12\",\"release\":\"r2\",\"rollout\":0.5},"
        "{\"id\":\"d11\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-halves\",\"name\":\"halves\",\"deployments\":["
        "{\"id\":\"d12\",\"release\":\"r2\",\"rollout\":0.5},"
        "{\"id\":\"d13\",\"release\":\"r1\",\"rollout\":0.5}]},"
    "{\"id\":\"c-gone\",\"name\":\"gone\",\"deployments\":["
        "{\"id\":\"d15\",\"release\":\"lost\",\"rollout\":0.999},"
        "{\"id\":\"d14\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-lost\",\"name\":\"lost\",\"deployments\":["
        "{\"id\":\"d16\",\"release\":\"lost\",\"rollout\":1}]},"
    "{\"id\":\"c-protected\",\"name\":\"protected\",\"deployments\":["
        "{\"id\":\"d17\",\"release\":\"r1\",\"rollout\":1}],"
        "\"protectedAt\":\"2025-01-01T00:00:00.000Z\"},"
    "{\"id\":\"c-signed\",\"name\":\"signed\",\"deployments\":["
        "{\"id\":\"d18\",\"release\":\"signed\",\"rollout\":1}],"
        "\"protectedAt\":\"2025-01-01T00:00:00.000Z\"},"
    "{\"id\":\"c-older\",\"name\":\"older\",\"deployments\":["
        "{\"id\":\"d31\",\"release\":\"limits\",\"rollout\":1},"
        "{\"id\":\"d30\",\"release\":\"r1\",\"rollout\":1},"
        "{\"id\":\"d29\",\"release\":\"r2\",\"rollout\":1}]},"
    "{\"id\":\"c-newest\",\"name\":\"newest\","
        "\"newestCompatible\":false,\"deployments\":["
        "{\"id\":\"d31\",\"release\":\"limits\",\"rollout\":1},"
        "{\"id\":\"d30\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-halted\",\"name\":\"halted\",\"deployments\":["
        "{\"id\":\"d33\",\"release\":\"r2\",\"rollout\":1,"
        "\"halted\":{\"at\":\"2025-01-01T00:00:00.000Z\"}},"
        "{\"id\":\"d32\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-plus\",\"name\":\"a+b\",\"deployments\":["
        "{\"id\":\"d19\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-space\",\"name\":\"a b\",\"deployments\":["
        "{\"id\":\"d20\",\"release\":\"r2\",\"rollout\":1}]},"
    "{\"id\":\"c-words\",\"name\":\"two words+1\",\"deployments\":["
        "{\"id\":\"d21\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-umlaut\",\"name\":\"pr\xc3\xbc" "fung\",\"deployments\":["
        "{\"id\":\"d22\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-limits\",\"name\":\"limits\",\"deployments\":["
        "{\"id\":\"d23\",\"release\":\"limits\",\"rollout\":1}]},"
    "{\"id\":\"c-min\",\"name\":\"min\",\"deployments\":["
        "{\"id\":\"d25\",\"release\":\"min\",\"rollout\":1},"
        "{\"id\":\"d24\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c-max\",\"name\":\"max\",\"deployments\":["
        "{\"id\":\"d26\",\"release\":\"max\",\"rollout\":1}]},"
    "{\"id\":\"c-eq\",\"name\":\"eq\",\"deployments\":["
        "{\"id\":\"d27\",\"release\":\"eq\",\"rollout\":1}]},"
    "{\"id\":\"c-sum\",\"name\":\"sum\",\"deployments\":["
        "{\"id\":\"d28\",\"release\":\"sum\",\"rollout\":1}]},"
    "{\"id\":\"c-files\",\"name\":\"files\",\"deployments\":["
        "{\"id\":\"d29\",\"release\":\"files\",\"rollout\":1}]}"
    "],\"forcedDevices\":{\"f1\":\"c-back\",\"f2\":\"c-paused\","
        "\"f/3 \xc3\xbc\":\"c-signed\",\"f4\":\"c-none\","
        "\"0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A10\":\"c-back\"}}";


static const char  *latest_releases[] = {
    "{\"id\":\"r1\",\"kind\":\"zip\"}",
    "{\"id\":\"r2\",\"kind\":\"zip\"}",
    "{\"id\":\"signed\",\"kind\":\"zip\",\"signed\":true}",
    "{\"id\":\"limits\",\"kind\":\"zip\",\"minAndroidAppVersionCode\":\"10\","
        "\"maxAndroidAppVersionCode\":\"12\","
        "\"eqAndroidAppVersionCode\":\"11\","
        "\"minIosAppVersionCode\":\"1.2\",\"maxIosAppVersionCode\":\"2.0\","
        "\"eqIosAppVersionCode\":\"1.10.0\"}",
    "{\"id\":\"min\",\"kind\":\"zip\",\"minAndroidAppVersionCode\":\"10\"}",
    "{\"id\":\"max\",\"kind\":\"zip\",\"maxIosAppVersionCode\":\"1.0\"}",
    "{\"id\":\"eq\",\"kind\":\"zip\",\"eqIosAppVersionCode\":\"1.0\"}",
    "{\"id\":\"sum\",\"kind\":\"zip\",\"checksum\":\"0123\"}",
    "{\"id\":\"files\",\"kind\":\"manifest\"}"
};


static const latest_case_t  latest_cases[] = {

    /* the channel: forced, named, default */

    { "platform=0", "default", "r2", UPDATE },
    { "platform=0&channelName", "default", "r2", UPDATE },
    { "platform=0&channelName=&bundleId=", "default", "r2", UPDATE },
    { "platform=0&channelName=back", "back", "r1", UPDATE },
    { "platform=0&channelName=Back", NULL, NULL, NO_CHANNEL },
    { "platform=0&channelName=c-back", NULL, NULL, NO_CHANNEL },
    { "platform=0&channelName=nope", NULL, NULL, NO_CHANNEL },
    { "platform=0&channelName=%20", NULL, NULL, NO_CHANNEL },
    { "platform=0&channelName=pr%C3%BCfung", "pr\xc3\xbc" "fung", "r1",
      UPDATE },
    { "platform=0&deviceId=f1", "back", "r1", UPDATE },
    { "platform=0&deviceId=f1&channelName=default", "back", "r1", UPDATE },
    { "platform=0&deviceId=f1&channelName=nope", "back", "r1", UPDATE },
    { "platform=0&deviceId=f2", "paused", NULL, PAUSED },
    { "platform=0&deviceId=f%2F3%20%c3%bc", "signed", "signed", UPDATE },
    { "platform=0&deviceId=f4&channelName=back", "back", "r1", UPDATE },
    { "platform=0&deviceId=F1", "default", "r2", UPDATE },
    { "platform=0&deviceId=0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10", "back",
      "r1", UPDATE },
    { "platform=1&deviceId=0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A10", "back",
      "r1", UPDATE },
    { "platform=1&deviceId=0B3C8E1E%2D5B1A-4F0E-9A51-2F0E4D9B8A10", "back",
      "r1", UPDATE },
    { "platform=0&deviceId=f", "default", "r2", UPDATE },
    { "platform=0&deviceId=f11", "default", "r2", UPDATE },

    /* "+": a plus from iOS, a space from URLSearchParams */

    { "platform=0&channelName=a+b", "a+b", "r1", UPDATE },
    { "platform=0&channelName=a%2Bb", "a+b", "r1", UPDATE },
    { "platform=0&channelName=a%20b", "a b", "r2", UPDATE },
    { "platform=0&channelName=two+words%2B1", "two words+1", "r1", UPDATE },
    { "platform=0&channelName=two%20words+1", "two words+1", "r1", UPDATE },
    { "platform=0&channelName=two+words+1", NULL, NULL, NO_CHANNEL },
    { "platform=0&channelName=two%2Bwords%2B1", NULL, NULL, NO_CHANNEL },

    /* the bundle that the device has */

    { "platform=0&bundleId=r2", "default", "r2", CURRENT },
    { "platform=0&bundleId=r1", "default", "r2", UPDATE },
    { "platform=0&bundleId=public", "default", "r2", UPDATE },
    { "platform=0&bundleId=d2", "default", "r2", UPDATE },
    { "platform=0&bundleId=r", "default", "r2", UPDATE },

    /* the state of the channel */

    { "platform=0&channelName=paused", "paused", NULL, PAUSED },
    { "platform=0&channelName=both", "both", NULL, PAUSED },
    { "platform=0&channelName=expires", "expires", "r1", UPDATE },
    { "platform=0&channelName=expired", "expired", NULL, EXPIRED },
    { "platform=0&channelName=epoch", "epoch", NULL, EXPIRED },
    { "platform=0&channelName=empty", "empty", NULL, EMPTY },

    /* rollouts: bucket("d12", "in") is below 1/2, "out" above, see below */

    { "platform=0&channelName=nobody&deviceId=in", "nobody", NULL, EMPTY },
    { "platform=0&channelName=back&deviceId=in", "back", "r1", UPDATE },
    { "platform=0&channelName=half&deviceId=in", "half", "r2", UPDATE },
    { "platform=0&channelName=half&deviceId=out", "half", "r1", UPDATE },
    { "platform=0&channelName=half&deviceId=out&bundleId=r1", "half", "r1",
      CURRENT },
    { "platform=0&channelName=half", "half", "r1", UPDATE },
    { "platform=0&channelName=half&deviceId", "half", "r1", UPDATE },
    { "platform=0&channelName=halves", "halves", NULL, EMPTY },

    /* releases that are gone */

    { "platform=0&channelName=gone&deviceId=in", "gone", "r1", UPDATE },
    { "platform=0&channelName=lost", "lost", NULL, EMPTY },

    /* protected channels */

    { "platform=0&channelName=protected", "protected", NULL, UNSIGNED },
    { "platform=0&channelName=signed", "signed", "signed", UPDATE },

    /* native versions: all limits inclusive, "eq" excludes */

    { "platform=0&channelName=limits&appVersionCode=9", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=10", "limits", "limits",
      UPDATE },
    { "platform=0&channelName=limits&appVersionCode=11", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=11.0", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=12", "limits", "limits",
      UPDATE },
    { "platform=0&channelName=limits&appVersionCode=12&bundleId=limits",
      "limits", "limits", CURRENT },
    { "platform=0&channelName=limits&appVersionCode=12.0.1", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=13", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=100", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits", "limits", NULL, VERSION },
    { "platform=0&channelName=limits&appVersionCode=10a", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=-10", "limits", NULL,
      VERSION },
    { "platform=0&channelName=limits&appVersionCode=%2010", "limits", NULL,
      VERSION },
    { "platform=1&channelName=limits&appVersionCode=1.1.9", "limits", NULL,
      VERSION },
    { "platform=1&channelName=limits&appVersionCode=1.2.0", "limits",
      "limits", UPDATE },
    { "platform=1&channelName=limits&appVersionCode=1.10", "limits", NULL,
      VERSION },
    { "platform=1&channelName=limits&appVersionCode=1.9", "limits", "limits",
      UPDATE },
    { "platform=1&channelName=limits&appVersionCode=2", "limits", "limits",
      UPDATE },
    { "platform=1&channelName=limits&appVersionCode=2.0.1", "limits", NULL,
      VERSION },
    { "platform=1&channelName=limits&appVersionCode=10", "limits", NULL,
      VERSION },
    { "platform=2&channelName=limits&appVersionCode=9", "limits", "limits",
      UPDATE },
    { "platform=2&channelName=limits", "limits", "limits", UPDATE },

    /* the newest one that fits */

    { "platform=0&channelName=older&appVersionCode=10", "older", "limits",
      UPDATE },
    { "platform=0&channelName=older&appVersionCode=9", "older", "r1", UPDATE },
    { "platform=0&channelName=older&appVersionCode=9&bundleId=r1", "older",
      "r1", CURRENT },
    { "platform=0&channelName=newest&appVersionCode=10", "newest", "limits",
      UPDATE },
    { "platform=0&channelName=newest&appVersionCode=9", "newest", NULL,
      VERSION },

    /* who runs it keeps it */

    { "platform=0&channelName=halted&deviceId=d", "halted", "r1", UPDATE },
    { "platform=0&channelName=halted&deviceId=d&bundleId=r2", "halted", "r2",
      CURRENT },
    { "platform=0&channelName=halted&deviceId=d&bundleId=r1", "halted", "r1",
      CURRENT },

    { "platform=0&channelName=min&appVersionCode=11", "min", "min", UPDATE },
    { "platform=1&channelName=min&appVersionCode=9", "min", "min", UPDATE },
    { "platform=1&channelName=min&appVersionCode=junk", "min", "min",
      UPDATE },

    { "platform=1&channelName=max&appVersionCode=0.9", "max", "max", UPDATE },
    { "platform=1&channelName=max&appVersionCode=1", "max", "max", UPDATE },
    { "platform=1&channelName=max&appVersionCode=1.0.1", "max", NULL,
      VERSION },
    { "platform=1&channelName=max", "max", NULL, VERSION },
    { "platform=1&channelName=eq&appVersionCode=0.9", "eq", "eq", UPDATE },
    { "platform=1&channelName=eq&appVersionCode=1", "eq", NULL, VERSION },
    { "platform=1&channelName=eq&appVersionCode=1.0.1", "eq", "eq", UPDATE },

    /* no checksum: versions of the plugin that cannot do without */

    { "platform=0&pluginVersion=7.0.9", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=7.1.0", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.1", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.2.2", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.3.0", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.3.99", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.3.0-dev.1", "default", NULL, VERSION },
    { "platform=0&pluginVersion=7.4.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=7.10.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=71.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=6.9.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=8.1.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=junk", "default", "r2", UPDATE },
    { "platform=1&pluginVersion=7.2.0", "default", "r2", UPDATE },
    { "platform=2&pluginVersion=7.2.0", "default", "r2", UPDATE },
    { "platform=0&pluginVersion=7.2.0&channelName=sum", "sum", "sum",
      UPDATE },
    { "platform=0&pluginVersion=7.2.0&channelName=files", "files", "files",
      UPDATE },

    /* an older deployment, for another version */

    { "platform=0&channelName=min&appVersionCode=9", "min", "r1", UPDATE }
};


static lu_rc_e
check_parse(const char *args, lu_check_t *check, unsigned char **buf,
    lu_error_t *err)
{
    lu_str_t  str;

    /* the query string in front, the decoded values behind it */

    str.len = strlen(args);
    *buf = malloc(3 * str.len + 1);
    str.data = *buf;
    memcpy(str.data, args, str.len);

    err->text = NULL;

    return lu_latest_parse(check, &str, *buf + str.len, err);
}


static void
test_check(void)
{
    size_t          i;
    unsigned char  *buf;
    lu_check_t      check;
    lu_error_t      err;

    static const struct {
        const char  *args;
        const char  *reason;
    } refused[] = {
        { "", "\"platform\" must be" },
        { "platform", "\"platform\" must be" },
        { "platform=", "\"platform\" must be" },
        { "platform=3", "\"platform\" must be" },
        { "platform=-1", "\"platform\" must be" },
        { "platform=00", "\"platform\" must be" },
        { "platform=0x", "\"platform\" must be" },
        { "platform=android", "\"platform\" must be" },
        { "platform=/", "\"platform\" must be" },
        { "Platform=0", "\"platform\" must be" },
        { "platform=3&platform=0", "\"platform\" must be" },
        { "platform=0&channelName=%", "is not percent-encoded UTF-8" },
        { "platform=0&channelName=%2", "is not percent-encoded UTF-8" },
        { "platform=0&channelName=%zz", "is not percent-encoded UTF-8" },
        { "platform=0&channelName=%ff", "is not percent-encoded UTF-8" },
        { "platform=0&channelName=\xff", "is not percent-encoded UTF-8" },
        { "platform=0&channelName=%c3", "is not percent-encoded UTF-8" },
        { "platform=0&customId=a%00b", "is not percent-encoded UTF-8" },
        { "platform=0&bundleId=%ed%a0%80", "is not percent-encoded UTF-8" },
        { "platform=0&deviceId=a%0ab", "\"deviceId\" must be at most 128" },
        { "platform=0&deviceId=a\x7f", "\"deviceId\" must be at most 128" },
        { "platform=0&deviceId=" TEN("1234567890123"),
          "\"deviceId\" must be at most 128" }
    };

    ok(check_parse("appVersionCode=84&appVersionName=1.0.13&bundleId"
                   "&channelName&customId&deviceId=0b3c&osVersion=34"
                   "&platform=0&pluginVersion=8.4.1", &check, &buf, &err)
       == LU_OK
       && check.platform == LU_OS_ANDROID
       && lu_str_is(&check.app_version_code, "84")
       && lu_str_is(&check.app_version_name, "1.0.13")
       && check.bundle_id.len == 0
       && check.channel_name.len == 0
       && check.channel_name_form.len == 0
       && check.custom_id.len == 0
       && lu_str_is(&check.device_id, "0b3c")
       && lu_str_is(&check.os_version, "34")
       && lu_str_is(&check.plugin_version, "8.4.1"), "Android");
    free(buf);

    ok(check_parse("platform=1&deviceId=&osVersion=17.6&bundleId=b1"
                   "&channelName=a/b+c:%22d%22&customId=Ann%20Lee+%2B"
                   "&appVersionCode=1.2.3&appVersionName=&pluginVersion=8",
                   &check, &buf, &err)
       == LU_OK
       && check.platform == LU_OS_IOS
       && lu_str_is(&check.app_version_code, "1.2.3")
       && check.app_version_name.len == 0
       && lu_str_is(&check.bundle_id, "b1")
       && lu_str_is(&check.channel_name, "a/b+c:\"d\"")
       && lu_str_is(&check.channel_name_form, "a/b c:\"d\"")
       && lu_str_is(&check.custom_id, "Ann Lee++")
       && check.device_id.len == 0, "iOS");
    free(buf);

    ok(check_parse("runtime=electron&platform=2&x&=y&&platform=9&bundleId"
                   "&bundleId=one&bundleId=two&channelName=a%2Bb"
                   "&channelName=c+d", &check, &buf, &err)
       == LU_OK
       && check.platform == LU_OS_ELECTRON
       && lu_str_is(&check.bundle_id, "one")
       && lu_str_is(&check.channel_name, "a+b")
       && check.channel_name_form.len == 0,
       "unknown parameters are ignored, of equal ones the first counts");
    free(buf);

    ok(check_parse("platform=0&bundleId=public", &check, &buf, &err)
       == LU_OK && check.bundle_id.len == 0, "the built-in bundle is none");
    free(buf);

    ok(check_parse("platform=0&unknown=%zz&x=%ff", &check, &buf, &err)
       == LU_OK, "unknown parameters may be anything");
    free(buf);

    ok(check_parse("platform=0&deviceId=" TEN("123456789012") "12345678",
                   &check, &buf, &err) == LU_OK && check.device_id.len == 128,
       "a device id of 128 bytes");
    free(buf);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ok(check_parse(refused[i].args, &check, &buf, &err) == LU_INVALID
           && strstr(err.text, refused[i].reason) != NULL,
           "refused, case %d: %s", (int) i, refused[i].reason);
        free(buf);
    }

    ok(check_parse("platform=0&customId=%", &check, &buf, &err)
       == LU_INVALID && lu_str_is(&err.subject, "customId"),
       "the parameter is named");
    free(buf);
}


static void
load(lu_app_t *app)
{
    size_t            i, j, k, n;
    lu_str_t          text;
    lu_error_t        err;
    lu_release_t     *releases;
    lu_deployment_t  *deployment;

    text = tap_str(latest_app);

    if (lu_app_parse(&tap_arena, &text, app, &err) != LU_OK) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }

    n = sizeof(latest_releases) / sizeof(latest_releases[0]);
    releases = tap_alloc(NULL, n * sizeof(lu_release_t));

    for (i = 0; i < n; i++) {
        text = tap_str(latest_releases[i]);

        if (lu_release_parse(&tap_arena, &text, &releases[i], &err) != LU_OK) {
            printf("Bail out! %s\n", err.text);
            exit(1);
        }
    }

    for (i = 0; i < app->nchannels; i++) {
        for (j = 0; j < app->channels[i].ndeployments; j++) {
            deployment = &app->channels[i].deployments[j];

            for (k = 0; k < n; k++) {
                if (lu_str_eq(&deployment->release_id, &releases[k].id)) {
                    deployment->release = &releases[k];
                }
            }
        }
    }
}


static void
test_latest(void)
{
    size_t                  i;
    unsigned char          *buf;
    lu_app_t                app;
    lu_rc_e                 rc;
    lu_check_t              check;
    lu_error_t              err;
    lu_check_e              result;
    const latest_case_t    *one;
    const lu_channel_t     *channel;
    const lu_deployment_t  *deployment;

    load(&app);

    for (i = 0; i < sizeof(latest_cases) / sizeof(latest_cases[0]); i++) {
        one = &latest_cases[i];

        channel = (void *) &app;
        deployment = (void *) &app;

        rc = check_parse(one->args, &check, &buf, &err);
        result = lu_latest(&app, &check, 1000, &channel, &deployment);

        ok(rc == LU_OK
           && result == one->result
           && (one->channel ? channel
                              && lu_str_is(&channel->name, one->channel)
                            : channel == NULL)
           && (one->release ? deployment
                              && lu_str_is(&deployment->release->id,
                                           one->release)
                            : deployment == NULL), "%s", one->args);

        free(buf);
    }

    (void) check_parse("platform=0&channelName=expires", &check, &buf, &err);

    ok(lu_latest(&app, &check, 1001, &channel, &deployment)
       == EXPIRED && deployment == NULL, "a channel expires");
    free(buf);

    app.channel = NULL;

    (void) check_parse("platform=0", &check, &buf, &err);

    ok(lu_latest(&app, &check, 1000, &channel, &deployment)
       == NO_CHANNEL && channel == NULL && deployment == NULL,
       "no default channel");
    free(buf);

    tap_free();
}


/* What a device says of the rollout of the newest deployment. */

static void
test_comparable(void)
{
    size_t                  i;
    unsigned char          *buf;
    lu_app_t                app;
    lu_check_t              check;
    lu_error_t              err;
    const lu_channel_t     *channel;
    const lu_deployment_t  *deployment;

    static const struct {
        const char  *args;
        unsigned     passes;
        int          comparable;
    } cases[] = {
        { "platform=0&channelName=half&deviceId=in", 0, 1 },
        { "platform=0&channelName=half&deviceId=out", 0, 1 },
        { "platform=0&channelName=half&deviceId=in", 1, 1 },
        { "platform=0&channelName=half&deviceId=out", 1, 0 },
        { "platform=0&channelName=min&appVersionCode=10", 0, 1 },
        { "platform=0&channelName=min&appVersionCode=9", 0, 0 },
        { "platform=1&channelName=min&appVersionCode=9", 0, 1 },
        { "platform=0&channelName=half&pluginVersion=7.2.0", 0, 0 },
        { "platform=0&channelName=limits&appVersionCode=9", 0, 0 },
        { "platform=0&channelName=gone&deviceId=in", 0, 0 }
    };

    load(&app);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) check_parse(cases[i].args, &check, &buf, &err);

        check.passes = cases[i].passes;
        check.keeps = cases[i].passes;

        (void) lu_latest(&app, &check, 1000, &channel, &deployment);

        ok(lu_latest_is_comparable(channel, &check, deployment)
           == cases[i].comparable, "%s, passes %u: comparable %d",
           cases[i].args, cases[i].passes, cases[i].comparable);

        free(buf);
    }

    tap_free();
}


int
main(void)
{
    test_check();
    test_latest();
    test_comparable();

    return tap_done();
}
