
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "../../src/core/lu_share.c"


static const lu_str_t  no_name = lu_string("");
#include "lu_latest.h"


#define INSTALLATIONS  20000

/* five standard deviations of the worst case, for so many */

#define NEAR           0.018


static cJSON *share_of(const cJSON *app, const char *release);
static double share_number(const cJSON *shares, const char *key,
    const char *value);
static int share_is(double a, double b);
static void share_channels(void);
static void share_rules(void);
static void share_rules_alike(const char *rules, const char *name);
static void share_manifests(void);
static void share_memory(void);


int
main(void)
{
    share_channels();
    share_rules();
    share_manifests();
    share_memory();

    tap_free();

    return tap_done();
}


static cJSON *
share_of(const cJSON *app, const char *release)
{
    char          text[256];
    cJSON        *shares, *json;
    lu_error_t    err;
    lu_desktop_t  desktop;

    /* an id, or all of it */

    snprintf(text, sizeof(text), release[0] == '{' ? "%s" : "{\"id\":\"%s\"}",
             release);

    json = tap_json(text);
    shares = cJSON_CreateArray();

    if (lu_desktop_parse(&tap_arena,
               cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds"),
               cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
               &desktop, &err)
        != LU_OK
        || lu_share_list(shares, app, &desktop, json, 0) != LU_OK)
    {
        printf("Bail out! no shares\n");
        exit(1);
    }

    cJSON_Delete(json);

    return shares;
}


/* The share of the entry whose member has the value; -1: there is none. */

static double
share_number(const cJSON *shares, const char *key, const char *value)
{
    double        share;
    const cJSON  *item;
    lu_str_t      str;

    cJSON_ArrayForEach(item, shares) {
        if (lu_json_string(item, key, &str) == LU_OK
            && lu_str_is(&str, value)
            && lu_json_number(item, "share", &share) == LU_OK)
        {
            return share;
        }
    }

    return -1;
}


static int
share_is(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}


static void
share_channels(void)
{
    char   *text;
    cJSON  *app, *shares;

    app = tap_json("{\"channels\":["
        "{\"id\":\"1\",\"name\":\"p\",\"deployments\":["
            "{\"id\":\"d5\",\"release\":\"c\",\"rollout\":0.1,"
             "\"createdBy\":\"me\",\"createdAt\":\"t\",\"updatedAt\":\"u\"},"
            "{\"id\":\"d4\",\"release\":\"b\",\"rollout\":0.5},"
            "{\"id\":\"d3\",\"release\":\"c\",\"rollout\":0.2},"
            "{\"id\":\"d2\",\"release\":\"a\",\"rollout\":1},"
            "{\"id\":\"d1\",\"release\":\"old\",\"rollout\":1}]},"
        "{\"id\":\"2\",\"name\":\"q\",\"deployments\":["
            "{\"id\":\"d7\",\"release\":\"b\",\"rollout\":0},"
            "{\"id\":\"d6\",\"release\":\"a\",\"rollout\":0.25}]},"
        "{\"id\":\"3\",\"name\":\"empty\",\"deployments\":[]},"
        "{\"id\":\"4\",\"name\":\"none\"}]}");

    shares = share_of(app, "c");
    ok(share_is(share_number(shares, "channel", "p"),
                0.1 + 0.9 * 0.5 * 0.2),
       "twice in a channel");
    ok(cJSON_GetArraySize(shares) == 1, "is one");

    text = cJSON_PrintUnformatted(cJSON_GetArrayItem(shares, 0));
    ok(strncmp(text, "{\"channel\":\"p\",\"channelId\":\"1\","
                     "\"deploymentId\":\"d5\",\"rollout\":0.1,\"share\":", 68)
       == 0
       && strstr(text, "\"createdBy\":\"me\",\"createdAt\":\"t\","
                       "\"updatedAt\":\"u\"}"),
       "with its newest deployment");
    cJSON_free(text);
    cJSON_Delete(shares);

    shares = share_of(app, "b");
    ok(share_is(share_number(shares, "channel", "p"), 0.9 * 0.5),
       "of what the first one has left");
    ok(share_is(share_number(shares, "channel", "q"), 0),
       "a rollout to nobody is told");
    cJSON_Delete(shares);

    shares = share_of(app, "a");
    ok(share_is(share_number(shares, "channel", "p"), 0.9 * 0.5 * 0.8),
       "the rest");
    ok(share_is(share_number(shares, "channel", "q"), 0.25),
       "where nobody gets the rest");
    cJSON_Delete(shares);

    shares = share_of(app, "old");
    ok(cJSON_GetArraySize(shares) == 0, "nothing of what was replaced");
    cJSON_Delete(shares);

    cJSON_Delete(app);

    app = tap_json("{}");
    shares = share_of(app, "a");
    ok(cJSON_GetArraySize(shares) == 0, "no channels");
    cJSON_Delete(shares);
    cJSON_Delete(app);
}


static void
share_rules(void)
{
    cJSON  *app, *shares;

    app = tap_json("{\"desktopReleases\":{\"latestReleaseBuildId\":\"a\","
        "\"releaseRedirections\":["
        "{\"rule\":\"buildByRollout\",\"buildId\":\"b\",\"percentage\":10},"
        "{\"rule\":\"buildByPlatform\",\"buildId\":\"c\","
         "\"platforms\":[\"mac\"]},"
        "{\"rule\":\"buildByIp\",\"buildId\":\"d\",\"ipList\":[]}]}}");

    shares = share_of(app, "a");
    ok(share_is(share_number(shares, "platform", "windows"), 0.9)
       && share_is(share_number(shares, "platform", "linux"), 0.9)
       && share_number(shares, "platform", "mac") == -1, "the latest");
    cJSON_Delete(shares);

    shares = share_of(app, "b");
    ok(share_is(share_number(shares, "platform", "windows"), 0.1)
       && share_number(shares, "platform", "mac") == -1, "a rollout");
    cJSON_Delete(shares);

    shares = share_of(app, "c");
    ok(share_is(share_number(shares, "platform", "mac"), 1)
       && share_number(shares, "platform", "linux") == -1, "a platform");
    cJSON_Delete(shares);

    shares = share_of(app, "{\"id\":\"a\",\"platforms\":[\"linux\",\"mac\"]}");
    ok(cJSON_GetArraySize(shares) == 1
       && share_is(share_number(shares, "platform", "linux"), 0.9),
       "only where it has something");
    cJSON_Delete(shares);

    shares = share_of(app, "d");
    ok(cJSON_GetArraySize(shares) == 0, "addresses do not count");
    cJSON_Delete(shares);

    cJSON_Delete(app);

#define ROLLOUT(id, n)                                                        \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"" id "\",\"percentage\":" n "}"
#define ROLLOUT_MAC(id, n)                                                    \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"" id "\",\"percentage\":" n   \
    ",\"platforms\":[\"mac\"]}"
#define MAC(id)                                                               \
    "{\"rule\":\"buildByPlatform\",\"buildId\":\"" id "\","                   \
    "\"platforms\":[\"mac\"]}"
#define BUILD(id)  "{\"rule\":\"build\",\"buildId\":\"" id "\"}"
#define IP(id)                                                                \
    "{\"rule\":\"buildByIp\",\"buildId\":\"" id "\",\"ipList\":[\"::1\"]}"

    share_rules_alike(ROLLOUT("b", "30") "," ROLLOUT("c", "40"),
                      "two rollouts");
    share_rules_alike(ROLLOUT("b", "30") "," ROLLOUT("c", "40") ","
                      ROLLOUT("b", "60"), "a rollout around another");
    share_rules_alike(ROLLOUT("b", "60") "," ROLLOUT("c", "40") ","
                      ROLLOUT("b", "30"), "the smaller one last");
    share_rules_alike(IP("b") "," ROLLOUT("c", "50") "," ROLLOUT("b", "50"),
                      "addresses first");
    share_rules_alike(MAC("b") "," ROLLOUT("c", "50") "," BUILD("d"),
                      "a platform, and the rest");
    share_rules_alike(ROLLOUT("c", "50") "," MAC("b"),
                      "a platform for all of what was rolled out");
    share_rules_alike(BUILD("b") "," ROLLOUT("a", "25"),
                      "the latest to a part");
    share_rules_alike(ROLLOUT("b", "100") "," ROLLOUT("c", "10"),
                      "a rollout to all");
    share_rules_alike(ROLLOUT("b", "0") "," ROLLOUT_MAC("c", "70"),
                      "a rollout to none, and one of a platform");
}


/* The shares must be what so many installations get. */

static void
share_rules_alike(const char *rules, const char *name)
{
    int              k, n, wrong;
    char             text[1024], id[32];
    cJSON           *app, *shares[4];
    double           share, sum;
    unsigned         platform, counts[4];
    lu_error_t       err;
    lu_client_t      client;
    lu_desktop_t     desktop;
    const lu_str_t  *chosen;

    static const char  *builds[] = { "a", "b", "c", "d" };

    snprintf(text, sizeof(text), "{\"desktopReleases\":{"
             "\"latestReleaseBuildId\":\"a\",\"releaseRedirections\":[%s]}}",
             rules);

    app = tap_json(text);

    if (lu_desktop_parse(&tap_arena, NULL,
               cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
               &desktop, &err)
        != LU_OK)
    {
        printf("Bail out! %s\n", text);
        exit(1);
    }

    for (k = 0; k < 4; k++) {
        shares[k] = share_of(app, builds[k]);
    }

    wrong = 0;

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {

        memset(counts, 0, sizeof(counts));
        memset(&client, 0, sizeof(client));

        for (n = 0; n < INSTALLATIONS; n++) {
            snprintf(id, sizeof(id), "installation-%d", n);
            client.staging_id = tap_str(id);

            chosen = lu_desktop_choose(&desktop, &client, &no_name, platform,
                                       0);
            counts[chosen->data[0] - 'a']++;
        }

        sum = 0;

        for (k = 0; k < 4; k++) {
            share = share_number(shares[k], "platform",
                                 lu_platform_name(platform));
            share = (share == -1) ? 0 : share;
            sum += share;
            share -= (double) counts[k] / INSTALLATIONS;

            if (share > NEAR || share < -NEAR) {
                wrong++;
            }
        }

        if (!share_is(sum, 1)) {
            wrong++;
        }
    }

    ok(wrong == 0, "%s", name);

    for (k = 0; k < 4; k++) {
        cJSON_Delete(shares[k]);
    }

    cJSON_Delete(app);
}


/* Per manifest, too. */

static void
share_manifests(void)
{
    char             text[4096], id[32];
    int              n, wrong;
    cJSON           *app, *shares;
    size_t           i, k, m;
    double           share;
    lu_str_t         name;
    unsigned         counts[4];
    lu_error_t       err;
    lu_client_t      client;
    lu_desktop_t     desktop;
    lu_update_t      update;
    const lu_str_t  *chosen;

    static const char  *ids[] = { "a", "b", "c", "d" };

#define ONLY(id, n, words)                                                    \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"" id "\",\"percentage\":" n   \
    "," words "}"

    static const char  *manifests[] = {
        "latest.yml", "latest-mac.yml", "latest-linux-arm64.yml", "beta.yml"
    };

    static const char  *rules[] = {
        "", ROLLOUT("d", "30"), ROLLOUT("b", "30") "," ROLLOUT("d", "50"),
        MAC("b") "," ROLLOUT("d", "20"), BUILD("b") "," ROLLOUT("a", "10"),
        ONLY("d", "40", "\"channels\":[\"latest\"]") ","
        ONLY("d", "80", "\"archs\":[\"arm64\"]"),
        ONLY("d", "70", "\"channels\":[\"beta\"]") "," ROLLOUT("a", "10")
    };

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {

        snprintf(text, sizeof(text), "{\"desktopBuilds\":["
                 "{\"id\":\"a\",\"wasLatest\":true,\"manifests\":["
                  "\"latest.yml\",\"latest-mac.yml\","
                  "\"latest-linux-arm64.yml\"]},"
                 "{\"id\":\"b\",\"wasLatest\":true,"
                  "\"manifests\":[\"latest.yml\"]},"
                 "{\"id\":\"c\",\"wasLatest\":true,"
                  "\"manifests\":[\"beta.yml\"]},"
                 "{\"id\":\"d\",\"manifests\":["
                  "\"latest.yml\",\"latest-linux-arm64.yml\"]}],"
                 "\"desktopReleases\":{\"latestReleaseBuildId\":\"c\","
                 "\"releaseRedirections\":[%s]}}", rules[i]);

        app = tap_json(text);

        if (lu_desktop_parse(&tap_arena, lu_json_get(app, "desktopBuilds"),
                             lu_json_get(app, "desktopReleases"), &desktop,
                             &err)
            != LU_OK)
        {
            printf("Bail out! %s\n", text);
            exit(1);
        }

        wrong = 0;

        for (m = 0; m < 4; m++) {
            name = tap_str(manifests[m]);
            (void) lu_update_parse(&name, &update);

            memset(counts, 0, sizeof(counts));
            memset(&client, 0, sizeof(client));

            for (n = 0; n < INSTALLATIONS; n++) {
                snprintf(id, sizeof(id), "installation-%d", n);
                client.staging_id = tap_str(id);

                chosen = lu_desktop_choose(&desktop, &client, &name,
                                           update.platform, 0);
                counts[chosen->data[0] - 'a']++;
            }

            for (k = 0; k < 4; k++) {
                shares = share_of(app, ids[k]);

                share = share_number(shares, "manifest", manifests[m]);
                share = (share == -1) ? 0 : share;
                share -= (double) counts[k] / INSTALLATIONS;

                wrong += (share > NEAR || share < -NEAR);

                cJSON_Delete(shares);
            }
        }

        ok(wrong == 0, "per manifest: %s", rules[i]);

        if (i == 0) {
            shares = share_of(app, "a");
            ok(share_number(shares, "manifest", "latest.yml") == -1
               && share_number(shares, "arch", "arm64") == 1
               && share_number(shares, "channel", "latest") == 1
               && cJSON_GetArraySize(shares) == 2, "what each one is for");
            cJSON_Delete(shares);
        }

        cJSON_Delete(app);
    }
}


static void
share_memory(void)
{
    cJSON  *app, *release;

    release = tap_json("{\"id\":\"a\"}");
    app = tap_json("{\"channels\":[{\"name\":\"p\",\"deployments\":["
                   "{\"release\":\"a\",\"rollout\":1}]}]}");

    ok(lu_share_list(NULL, app, NULL, release, 0) == LU_NOMEM,
       "nothing to add to");

    cJSON_Delete(release);
    cJSON_Delete(app);
}
