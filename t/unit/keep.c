
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Policies, and what they decide about an app: examples, and 1,000 random
 * histories, after which everything that anybody may still need is there.
 */


#include "tap_json.h"
#include "lu_builds.h"
#include "lu_change_deployment.h"
#include "../../src/core/lu_keep.c"


#define NOW      1790000000
#define DAY      86400
#define MAX      64
#define STEPS    60


/* The facts of an app whose releases are r00, r01, ... */

typedef struct {
    char             names[MAX][8];
    lu_keep_fact_t   facts[MAX];
    size_t           n;
} keep_app_t;


static unsigned     keep_seed;
static const char  *keep_limits = "";   /* bundles for some versions only */
static unsigned     keep_asked;


static int keep_has(const cJSON *object, const char *key, const char *value);


static lu_keep_t
keep_policy(const char *text)
{
    lu_str_t    str;
    lu_keep_t   keep;
    lu_error_t  err;

    str = tap_str(text);

    if (lu_keep_parse(&str, &keep, &err) != LU_OK) {
        printf("Bail out! %s: %s\n", text, err.text);
        exit(1);
    }

    return keep;
}


static void
keep_refused(const char *text, const char *subject)
{
    lu_str_t    str;
    lu_keep_t   keep;
    lu_error_t  err;

    memset(&err, 0, sizeof(lu_error_t));

    str = tap_str(text);

    ok(lu_keep_parse(&str, &keep, &err) == LU_INVALID
       && lu_str_is(&err.subject, subject), "\"%s\" is refused", text);
}


static void
keep_parse(void)
{
    lu_keep_t  keep;

    keep = keep_policy("off");
    ok(!keep.on && !keep.published, "off");

    keep = keep_policy("releases=20  time=90d ");
    ok(keep.on && keep.published && keep.releases == 20
       && keep.time == 90 * DAY && keep.rollback == 5
       && keep.blockmaps == 10 && keep.uploads == 7 * DAY
       && keep.failed == 30 * DAY && keep.channels == 30 * DAY,
       "what is not given has a default");

    keep = keep_policy("uploads=off failed=2h channels=1w rollback=0"
                       " blockmaps=0");
    ok(keep.on && !keep.published && keep.uploads == LU_KEEP_NEVER
       && keep.failed == 7200 && keep.channels == 7 * DAY
       && keep.rollback == 0 && keep.blockmaps == 0,
       "without a number or a time published releases stay");

    keep = keep_policy("time=1y uploads=3M failed=5m channels=7");
    ok(keep.time == 365 * DAY && keep.uploads == 90 * DAY
       && keep.failed == 300 && keep.channels == 7, "units");

    keep = keep_policy("releases=0 time=0");
    ok(keep.published && keep.releases == 0 && keep.time == 0, "nothing");

    keep_refused("", "");
    keep_refused("  ", "");
    keep_refused("on", "on");
    keep_refused("off releases=1", "off");
    keep_refused("releases", "releases");
    keep_refused("releases=", "releases=");
    keep_refused("releases=-1", "releases=-1");
    keep_refused("releases=1x", "releases=1x");
    keep_refused("releases=100001", "releases=100001");
    keep_refused("releases=99999999999999999999",
                 "releases=99999999999999999999");
    keep_refused("releases=1 releases=2", "releases=2");
    keep_refused("rollback=101", "rollback=101");
    keep_refused("time=off", "time=off");
    keep_refused("time=d", "time=d");
    keep_refused("time=101y", "time=101y");
    keep_refused("time=90d\ttime=1d", "time=90d\ttime=1d");
    keep_refused("uploads=never", "uploads=never");
}


static void
keep_facts(keep_app_t *app, size_t n)
{
    size_t  i;

    app->n = n;

    for (i = 0; i < n; i++) {
        snprintf(app->names[i], sizeof(app->names[i]), "r%02u",
                 (unsigned) i % 100);

        memset(&app->facts[i], 0, sizeof(lu_keep_fact_t));

        app->facts[i].id = tap_str(app->names[i]);
        app->facts[i].state = LU_STATE_STAGED;
        app->facts[i].since = NOW - 1000 * (time_t) DAY;
        app->facts[i].is_live = 1;
    }
}


static int
keep_limited(void *data, const lu_str_t *id)
{
    (void) data;

    keep_asked++;

    return strcmp(keep_limits, "all") == 0
           || strstr(keep_limits, (char *) id->data) != NULL;
}


static int
keep_is(keep_app_t *app, const char *policy, const char *text,
    const char *expected)
{
    cJSON      *json;
    char        is[1024];
    size_t      i;
    lu_keep_t   keep;

    static const lu_keep_ask_t  ask = { keep_limited, NULL };

    keep = keep_policy(policy);
    json = tap_json(text);

    for (i = 0; i < app->n; i++) {
        app->facts[i].asked = 0;
    }

    if (lu_keep_decide(&tap_arena, &keep, json, NULL, NOW, &ask, app->facts,
                       app->n)
        != LU_OK)
    {
        cJSON_Delete(json);
        return 0;
    }

    cJSON_Delete(json);

    is[0] = '\0';

    for (i = 0; i < app->n; i++) {
        strcat(is, i ? " " : "");
        strcat(is, lu_keep_name(app->facts[i].why));
    }

    if (strcmp(is, expected) != 0) {
        printf("# is        %s\n# should be %s\n", is, expected);
        return 0;
    }

    return 1;
}


#define FULL(id, at)                                                          \
    "{\"release\":\"" id "\",\"rollout\":1,\"createdAt\":\"" at "\"}"
#define PART(id, at)                                                          \
    "{\"release\":\"" id "\",\"rollout\":0.5,\"createdAt\":\"" at "\"}"
#define LONG_AGO  "2020-01-01T00:00:00.000Z"
#define RECENTLY  "2026-09-21T00:00:00.000Z"    /* 13 hours before */


static void
keep_decide(void)
{
    keep_app_t  app;

    keep_facts(&app, 6);

    ok(keep_is(&app, "off", "{}", "policy policy policy policy policy policy"),
       "off: nothing goes");

    ok(keep_is(&app, "uploads=1d", "{\"channels\":[{\"deployments\":["
               FULL("r05", LONG_AGO) "," FULL("r04", LONG_AGO) "]}]}",
               "policy policy policy policy rollback live"),
       "without \"releases\" and \"time\" what was published stays");

    ok(keep_is(&app, "releases=3 rollback=0",
               "{\"channels\":[{\"deployments\":["
               PART("r05", LONG_AGO) "," PART("r04", LONG_AGO) ","
               FULL("r03", LONG_AGO) "," FULL("r02", LONG_AGO) ","
               FULL("r01", LONG_AGO) "," FULL("r00", LONG_AGO) "]}]}",
               "old old old live live live"),
       "what a rollout falls back to is live");

    ok(keep_is(&app, "releases=1 rollback=2",
               "{\"channels\":[{\"deployments\":["
               FULL("r05", LONG_AGO) "," FULL("r04", LONG_AGO) ","
               FULL("r05", LONG_AGO) "," FULL("r03", LONG_AGO) ","
               FULL("r02", LONG_AGO) "," FULL("r00", LONG_AGO) "]}]}",
               "old newest rollback rollback old live"),
       "the way back is that of \"rollback\"");

    app.facts[1].since = NOW - DAY;

    ok(keep_is(&app, "releases=1 rollback=0 time=10d",
               "{\"channels\":[{\"deployments\":["
               FULL("r05", LONG_AGO) "," FULL("r04", LONG_AGO) "]},"
               "{\"deployments\":["
               FULL("r03", RECENTLY) "," FULL("r04", LONG_AGO) ","
               FULL("r02", LONG_AGO) "]}]}",
               "withdrawn newest old live recent live"),
       "time counts since another came for everyone");

    ok(keep_is(&app, "releases=0 rollback=0 blockmaps=0 channels=1d",
               "{\"appChannelId\":\"c1\",\"forcedDevices\":{\"d\":\"c2\"},"
               "\"channels\":["
               "{\"id\":\"c1\",\"expiresAt\":\"" LONG_AGO "\",\"deployments\":["
               FULL("r00", LONG_AGO) "]},"
               "{\"id\":\"c2\",\"expiresAt\":\"" LONG_AGO "\",\"deployments\":["
               FULL("r01", LONG_AGO) "]},"
               "{\"id\":\"c3\",\"expiresAt\":\"" LONG_AGO "\","
               "\"protectedAt\":\"" LONG_AGO "\",\"deployments\":["
               FULL("r02", LONG_AGO) "]},"
               "{\"id\":\"c4\",\"expiresAt\":\"" LONG_AGO "\",\"deployments\":["
               FULL("r03", LONG_AGO) "," FULL("r02", LONG_AGO) "]},"
               "{\"id\":\"c5\",\"expiresAt\":\"" RECENTLY "\",\"deployments\":["
               FULL("r04", LONG_AGO) "]},"
               "{\"id\":\"c6\",\"expiresAt\":null,\"deployments\":["
               FULL("r05", LONG_AGO) "]}]}",
               "live live live expired live live"),
       "a channel that has expired long ago goes with what only it had");

    ok(keep_is(&app, "channels=1d",
               "{\"channels\":["
               "{\"id\":\"c4\",\"expiresAt\":\"" LONG_AGO "\",\"deployments\":["
               FULL("r03", LONG_AGO) "," FULL("r02", LONG_AGO) "]},"
               "{\"id\":\"c5\",\"deployments\":["
               FULL("r04", LONG_AGO) "," FULL("r03", LONG_AGO) "]}]}",
               "policy policy expired rollback live policy"),
       "also if published releases stay");

    app.facts[1].since = NOW - 1000 * (time_t) DAY;

    app.facts[0].state = LU_STATE_UPLOADING;
    app.facts[1].state = LU_STATE_FAILED;
    app.facts[2].state = LU_STATE_REJECTED;
    app.facts[3].state = LU_STATE_STAGED;
    app.facts[4].state = LU_STATE_FETCHING;
    app.facts[5].state = LU_STATE_UNKNOWN;

    app.facts[0].is_live = app.facts[1].is_live = app.facts[2].is_live = 0;
    app.facts[3].is_live = app.facts[4].is_live = app.facts[5].is_live = 0;

    ok(keep_is(&app, "releases=0 time=0", "{}",
               "abandoned failed rejected waiting job unreadable"),
       "in staging");
    ok(keep_is(&app, "uploads=off failed=off", "{}",
               "policy policy policy waiting job unreadable"),
       "they stay if the policy says so");

    app.facts[0].has_job = 1;
    app.facts[1].since = app.facts[2].since = NOW - DAY;

    ok(keep_is(&app, "failed=2d", "{}",
               "job recent recent waiting job unreadable"),
       "what is younger, or has a job, stays");

    keep_facts(&app, 3);
    app.facts[1].since = app.facts[2].since = NOW - DAY;
    app.facts[2].gone = 1;

    ok(keep_is(&app, "releases=2 time=0", "{}", "newest newest old"),
       "what has gone is not counted");

    keep_facts(&app, 6);
    app.facts[4].state = LU_STATE_UNKNOWN;

    ok(keep_is(&app, "releases=0 time=0", "{}",
               "withdrawn withdrawn withdrawn withdrawn unreadable withdrawn"),
       "a release that cannot be read stays");

#define BUILD(id, names)                                                      \
    "{\"id\":\"" id "\",\"createdAt\":\"" LONG_AGO "\",\"wasLatest\":true,"   \
    "\"manifests\":[" names "]}"

    keep_facts(&app, 6);

    ok(keep_is(&app, "releases=0 rollback=1 blockmaps=2",
               "{\"desktopBuilds\":["
               BUILD("r00", "\"latest-mac.yml\"") ","
               BUILD("r01", "\"latest.yml\"") ","
               BUILD("r02", "\"latest.yml\"") ","
               BUILD("r03", "\"latest.yml\"") ","
               BUILD("r04", "\"latest.yml\"") ","
               BUILD("r05", "\"latest.yml\"") "],"
               "\"desktopReleases\":{\"latestReleaseBuildId\":\"r05\","
               "\"releaseRedirections\":[{\"rule\":\"build\","
               "\"buildId\":\"r01\"}]}}",
               "live rule old blockmap rollback live"),
       "desktop: each manifest has its releases");

    ok(keep_is(&app, "releases=0 rollback=1 blockmaps=2",
               "{\"desktopBuilds\":["
               BUILD("r01", "\"latest.yml\"") ","
               BUILD("r02", "\"latest.yml\"") ","
               "{\"id\":\"r03\",\"createdAt\":\"" LONG_AGO "\","
               "\"manifests\":[\"latest.yml\"]},"
               "{\"id\":\"r04\",\"createdAt\":\"" LONG_AGO "\","
               "\"manifests\":[\"latest.yml\"]},"
               BUILD("r05", "\"latest.yml\"") "],"
               "\"desktopReleases\":{\"latestReleaseBuildId\":\"r05\"}}",
               "withdrawn old rollback blockmap blockmap live"),
       "desktop: some have what was never for everyone");

    ok(keep_is(&app, "releases=0 rollback=0 blockmaps=0",
               "{\"desktopBuilds\":["
               BUILD("r03", "\"latest.yml\"") ","
               BUILD("r04", "\"latest.yml\"") ","
               BUILD("r05", "\"latest.yml\"") "],"
               "\"desktopReleases\":{\"latestReleaseBuildId\":\"r05\","
               "\"manifests\":{\"latest.yml\":\"r03\"}}}",
               "withdrawn withdrawn withdrawn live old live"),
       "desktop: a manifest that was rolled back");

    ok(keep_is(&app, "releases=0 rollback=0 blockmaps=0 time=1d",
               "{\"desktopBuilds\":["
               BUILD("r02", "\"latest.yml\"") ","
               BUILD("r03", "\"latest.yml\"") ","
               "{\"id\":\"r04\",\"createdAt\":\"" LONG_AGO "\","
               "\"updatedAt\":\"" RECENTLY "\",\"wasLatest\":true,"
               "\"manifests\":[\"latest.yml\"]},"
               BUILD("r05", "\"latest.yml\"") "],"
               "\"desktopReleases\":{\"latestReleaseBuildId\":\"r05\"}}",
               "withdrawn withdrawn old old recent live"),
       "desktop: time counts since a release was offered last");
}


/* The time counts from the end of a rollout, or of its plan. */

static void
keep_ends(void)
{
    cJSON        *app, *wanted, *channel, *names;
    lu_error_t    err;
    const cJSON  *item;

    app = tap_json("{\"channels\":[{\"id\":\"c\",\"name\":\"c\","
                   "\"deployments\":[]}]}");
    wanted = tap_json("{\"plan\":{\"steps\":[{\"share\":0.1,"
                      "\"for\":\"2d\"},{\"share\":1}]}}");

    ok(lu_change_deployment_add(app, "c", "1", "a", 1, 0, "me",
                                "2026-09-01T00:00:00.000Z", &err) == LU_OK
       && lu_change_deployment_add(app, "c", "2", "b", 0.1, 0, "me",
                                   "2026-09-02T00:00:00.000Z", &err) == LU_OK
       && lu_change_deployment_plan(app, "2", wanted,
                                    "2026-09-02T00:00:00.000Z", &err) == LU_OK
       && lu_change_deployment_add(app, "c", "3", "c", 1, 0, "me",
                                   "2026-09-10T00:00:00.000Z", &err) == LU_OK,
       "a plan has ended");

    item = lu_change_deployment_find(app, "2", &channel);

    ok(!lu_growth_is_partial(item)
       && keep_has(item, "updatedAt", "2026-09-04T00:00:00.000Z"),
       "its deployment is of the time of its end");

    cJSON_Delete(wanted);
    cJSON_Delete(app);

    app = tap_json("{}");
    names = tap_json("[\"latest.yml\"]");

    ok(lu_builds_release(app, "a", "1", names, NULL,
                         "2026-09-01T00:00:00.000Z", &err) == LU_OK
       && lu_builds_rollout(app, "a", 1, &err) == LU_OK
       && lu_builds_settle(app, "2026-09-02T00:00:00.000Z", &err) == LU_OK
       && lu_builds_release(app, "b", "2", names, NULL,
                            "2026-09-02T00:00:00.000Z", &err) == LU_OK
       && lu_builds_rollout(app, "b", 0.1, &err) == LU_OK
       && lu_builds_settle(app, "2026-09-10T00:00:00.000Z", &err) == LU_OK
       && lu_builds_rollout(app, "b", 1, &err) == LU_OK
       && lu_builds_settle(app, "2026-09-12T00:00:00.000Z", &err) == LU_OK,
       "a desktop release comes for some, and then for everyone");

    item = lu_json_get(app, "desktopBuilds")->child;

    ok(keep_has(item, "updatedAt", "2026-09-10T00:00:00.000Z")
       && keep_has(item->next, "updatedAt", "2026-09-12T00:00:00.000Z"),
       "the one before was offered until then");

    cJSON_Delete(names);
    cJSON_Delete(app);
}


static int
keep_has(const cJSON *object, const char *key, const char *value)
{
    lu_str_t  text;

    return lu_json_string(object, key, &text) == LU_OK
           && lu_str_is(&text, value);
}


/* Another release that has the id of one that was removed is not that one. */

static void
keep_leaving(void)
{
    cJSON  *app, *one, *two;

    app = tap_json("{\"leaving\":\"1.0.0\"}");
    one = tap_json("{\"id\":\"1.0.0\",\"createdAt\":\"" LONG_AGO "\"}");
    two = tap_json("{\"id\":\"1.0.0\",\"createdAt\":\"" RECENTLY "\"}");

    ok(!lu_keep_is_leaving(app, one), "of an older version nobody knows");
    ok(lu_keep_leave(app, one) == LU_OK && lu_keep_is_leaving(app, one),
       "a release is being removed");
    ok(!lu_keep_is_leaving(app, two), "another one has its id");

    cJSON_Delete(app);
    cJSON_Delete(one);
    cJSON_Delete(two);
}


/* Who a bundle is not for gets an older one, of ten behind it at most. */

static void
keep_older(void)
{
    char        text[2048];
    size_t      i;
    keep_app_t  app;

    keep_facts(&app, 6);

    keep_limits = "r05 r03";

    ok(keep_is(&app, "releases=0 rollback=0",
               "{\"channels\":[{\"deployments\":["
               FULL("r05", LONG_AGO) "," PART("r04", LONG_AGO) ","
               FULL("r03", LONG_AGO) "," FULL("r02", LONG_AGO) ","
               FULL("r01", LONG_AGO) "," FULL("r00", LONG_AGO) "]}]}",
               "old old live live live live"),
       "whom a bundle is not for gets one behind it");

    ok(keep_is(&app, "releases=0 rollback=0",
               "{\"channels\":[{\"newestCompatible\":false,"
               "\"deployments\":["
               FULL("r05", LONG_AGO) "," PART("r04", LONG_AGO) "]}]}",
               "withdrawn withdrawn withdrawn withdrawn old live"),
       "or nothing, if the channel says so");

    ok(keep_is(&app, "releases=0 rollback=0 time=10d",
               "{\"channels\":[{\"deployments\":["
               FULL("r04", RECENTLY) "," FULL("r03", LONG_AGO) ","
               FULL("r02", LONG_AGO) "," FULL("r01", LONG_AGO) "]}]}",
               "withdrawn old recent recent live withdrawn"),
       "a while ago as well");

    keep_facts(&app, 14);

    keep_limits = "all";
    keep_asked = 0;

    strcpy(text, "{\"channels\":[{\"deployments\":[");

    for (i = 14; i-- > 0; /* void */ ) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "{\"release\":\"r%02u\",\"rollout\":%s,"
                 "\"createdAt\":\"" LONG_AGO "\"}%s",
                 (unsigned) i, i == 13 ? "0.5" : "1", i ? "," : "]}]}");
    }

    ok(keep_is(&app, "releases=0 rollback=0", text,
               "old old live live live live live live live live live live "
               "live live"),
       "not more than ten behind one for everyone");

    ok(keep_asked <= 12, "about few of them somebody is asked");

    keep_limits = "";
}


static void
keep_listed(void)
{
    cJSON       *app, *followed;
    lu_keep_t    keep;
    keep_app_t   facts;

    keep_facts(&facts, 5);

    keep = keep_policy("releases=0 time=0");
    app = tap_json("{}");
    followed = tap_json("{\"builds\":[\"r00\"],\"rules\":{\"latest\":{\"a\":"
                        "\"r01\"},\"releaseRedirections\":[{\"buildId\":"
                        "\"r02\"}]},\"begun\":{\"builds\":[\"r03\",7]}}");

    ok(lu_keep_decide(&tap_arena, &keep, app, followed, NOW, NULL,
                      facts.facts, 5)
       == LU_OK
       && facts.facts[0].why == LU_KEEP_LISTED
       && facts.facts[1].why == LU_KEEP_LISTED
       && facts.facts[2].why == LU_KEEP_LISTED
       && facts.facts[3].why == LU_KEEP_LISTED
       && facts.facts[4].why == LU_KEEP_WITHDRAWN, "what GitHub lists stays");

    tap_left = 0;

    ok(lu_keep_decide(&tap_arena, &keep, app, followed, NOW, NULL,
                      facts.facts, 5)
       == LU_NOMEM, "no memory");

    tap_left = -1;

    cJSON_Delete(app);
    cJSON_Delete(followed);
}


static unsigned
keep_random(unsigned n)
{
    keep_seed = keep_seed * 1103515245 + 12345;

    return (keep_seed >> 16) % n;
}


/* A history, made by the functions that change an app. */

static cJSON *
keep_history(keep_app_t *facts)
{
    char             id[16], release[8], at[LU_TIME_SIZE];
    cJSON           *app, *manifests, *info;
    time_t           time;
    unsigned         i, c;
    const char      *before;
    lu_error_t       err;
    lu_pin_scope_t   scope;

    static const char  *ids[] = { "c0", "c1", "c2" };
    static const char  *names[] = { "latest.yml", "latest-mac.yml",
                                    "beta.yml" };

    app = tap_json("{\"appChannelId\":\"c0\",\"channels\":["
                   "{\"id\":\"c0\",\"name\":\"c0\",\"deployments\":[]},"
                   "{\"id\":\"c1\",\"name\":\"c1\",\"deployments\":[]},"
                   "{\"id\":\"c2\",\"name\":\"c2\",\"deployments\":[],"
                   "\"expiresAt\":\"2026-08-01T00:00:00.000Z\"}]}");

    time = NOW - 200 * (time_t) DAY;

    keep_facts(facts, MAX);

    for (i = 0; i < STEPS; i++) {

        time += (time_t) keep_random(7 * DAY);
        lu_time_print(at, time > NOW ? NOW : time, 0);

        snprintf(release, sizeof(release), "r%02u", i % 100);
        snprintf(id, sizeof(id), "d%u", i);

        facts->facts[i].since = time > NOW ? NOW : time;

        c = keep_random(3);

        switch (keep_random(12)) {

        case 0:
            snprintf(release, sizeof(release), "r%02u", keep_random(MAX));
            lu_change_deployment_remove(app, release);
            (void) lu_builds_withdraw(app, release, &err);
            break;

        case 1:
            memset(&scope, 0, sizeof(lu_pin_scope_t));
            (void) lu_builds_rollback(app, 1 + keep_random(2), &scope,
                                      &before, &err);
            break;

        case 2:
            snprintf(release, sizeof(release), "r%02u", keep_random(i + 1));
            (void) lu_builds_rollout(app, release, keep_random(5) / 4.0,
                                     &err);
            break;

        case 3:
            snprintf(id, sizeof(id), "d%u", keep_random(i + 1));
            (void) lu_change_deployment_update(app, id, keep_random(5) / 4.0,
                                               at, &err);
            break;

        case 4:
            snprintf(release, sizeof(release), "r%02u", keep_random(i + 1));

            /* fall through */

        case 5:
        case 6:
        case 7:
            (void) lu_change_deployment_add(app, ids[c], id, release,
                                            keep_random(3) ? 1 : 0.5, 1, "me",
                                            at, &err);
            break;

        case 8:
            snprintf(id, sizeof(id), "d%u", keep_random(i + 1));
            (void) lu_change_deployment_grow(app, id,
                                             keep_random(2) ? LU_GROWTH_HALT
                                                            : LU_GROWTH_RESUME,
                                             NULL, "me", at, &err);
            break;

        default:
            manifests = cJSON_CreateArray();
            info = cJSON_CreateObject();

            cJSON_AddItemToArray(manifests, cJSON_CreateString(names[c]));

            if (keep_random(2)) {
                cJSON_AddItemToArray(manifests,
                                     cJSON_CreateString(names[(c + 1) % 3]));
            }

            if (keep_random(4)) {
                cJSON_AddStringToObject(info, "latestReleaseBuildId", release);
            }

            (void) lu_builds_release(app, release, "1.0.0", manifests, info,
                                     at, &err);

            cJSON_Delete(manifests);
            cJSON_Delete(info);
            break;
        }
    }

    return app;
}


static int
keep_stays(keep_app_t *facts, const cJSON *object, const char *key)
{
    lu_str_t         id;
    lu_keep_fact_t  *fact, like;

    if (lu_json_string(object, key, &id) != LU_OK) {
        return 1;
    }

    like.id = id;

    fact = bsearch(&like, facts->facts, facts->n, sizeof(lu_keep_fact_t),
                   lu_keep_fact_cmp);

    return fact == NULL || !lu_keep_goes(fact->why);
}


/* What a device gets, and what it gets after a rollback. */

static int
keep_serves(keep_app_t *facts, const cJSON *app, const lu_keep_t *keep)
{
    cJSON           *copy;
    unsigned         steps, i;
    const char      *id;
    const cJSON     *channel, *item, *build;
    lu_error_t       err;
    lu_pin_scope_t   scope;

    static const char  *names[] = { "latest.yml", "latest-mac.yml",
                                    "beta.yml" };

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {

        if (lu_keep_channel_goes(keep, app, channel, NOW)) {
            continue;
        }

        cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {

            if (!keep_stays(facts, item, "release")) {
                return 0;
            }

            if (!lu_growth_is_partial(item)) {
                break;
            }
        }

        for (steps = 1; steps <= keep->rollback; steps++) {
            if (!keep_stays(facts, lu_change_channel_before(channel, steps),
                            "release"))
            {
                return 0;
            }
        }
    }

    for (i = 0; i < 3; i++) {
        if (!keep_stays(facts, lu_pin_release(app, names[i]), "id")) {
            return 0;
        }
    }

    for (steps = 1; steps <= keep->rollback; steps++) {

        copy = cJSON_Duplicate(app, 1);

        memset(&scope, 0, sizeof(lu_pin_scope_t));
        scope.platforms = keep_random(2) ? 0 : LU_WINDOWS;

        if (lu_builds_rollback(copy, steps, &scope, &id, &err) == LU_OK) {

            for (i = 0; i < 3; i++) {
                build = lu_pin_release(copy, names[i]);

                if (!keep_stays(facts, build, "id")) {
                    printf("# %u steps, %s\n", steps, names[i]);
                    cJSON_Delete(copy);
                    return 0;
                }
            }
        }

        cJSON_Delete(copy);
    }

    cJSON_ArrayForEach(item,
                       lu_json_get(lu_json_get(app, "desktopReleases"),
                                   "releaseRedirections"))
    {
        if (!keep_stays(facts, item, "buildId")) {
            return 0;
        }
    }

    return 1;
}


/* What everyone gets, as a text. */

static void
keep_answers(const cJSON *app, const lu_keep_t *keep, char *text)
{
    lu_str_t      id;
    unsigned      i;
    const cJSON  *channel, *item;

    static const char  *names[] = { "latest.yml", "latest-mac.yml",
                                    "beta.yml" };

    text[0] = '\0';

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {

        if (lu_keep_channel_goes(keep, app, channel, NOW)) {
            continue;
        }

        cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {
            (void) lu_json_string(item, "release", &id);
            strcat(text, (char *) id.data);

            if (!lu_growth_is_partial(item)) {
                break;
            }
        }

        strcat(text, "/");
    }

    for (i = 0; i < 3; i++) {
        if (lu_json_string(lu_pin_release(app, names[i]), "id", &id) == LU_OK)
        {
            strcat(text, (char *) id.data);
        }

        strcat(text, "/");
    }
}


static void
keep_histories(void)
{
    char         before[4096], after[4096], policy[128];
    cJSON       *app;
    size_t       i, n, gone;
    unsigned     history, serves, same, twice, all;
    lu_keep_t    keep;
    keep_app_t   facts;
    lu_error_t   err;

    serves = same = twice = 0;
    gone = all = 0;

    for (history = 0; history < 1000; history++) {

        keep_seed = history;

        app = keep_history(&facts);

        snprintf(policy, sizeof(policy),
                 "releases=%u time=%ud rollback=%u blockmaps=%u",
                 keep_random(10), keep_random(60), keep_random(6),
                 keep_random(6));

        keep = keep_policy(policy);

        if (lu_keep_decide(&tap_arena, &keep, app, NULL, NOW, NULL,
                           facts.facts, facts.n)
            != LU_OK)
        {
            break;
        }

        if (keep_serves(&facts, app, &keep)) {
            serves++;

        } else {
            printf("# history %u, %s\n", history, policy);
        }

        keep_answers(app, &keep, before);

        n = 0;

        for (i = 0; i < facts.n; i++) {

            if (!lu_keep_goes(facts.facts[i].why)) {
                facts.facts[n++] = facts.facts[i];
                continue;
            }

            gone++;

            lu_change_deployment_remove(app, (char *) facts.facts[i].id.data);
            (void) lu_builds_withdraw(app, (char *) facts.facts[i].id.data,
                                      &err);
        }

        all += (unsigned) facts.n;
        facts.n = n;

        keep_answers(app, &keep, after);

        same += (strcmp(before, after) == 0);

        (void) lu_keep_decide(&tap_arena, &keep, app, NULL, NOW, NULL,
                              facts.facts, facts.n);

        for (i = 0; i < facts.n; i++) {
            if (lu_keep_goes(facts.facts[i].why)) {
                printf("# history %u, %s: %s\n", history, policy,
                       facts.facts[i].id.data);
                break;
            }
        }

        twice += (i == facts.n);

        cJSON_Delete(app);
        tap_free();
    }

    ok(serves == 1000, "what anybody gets, now or after a rollback, stays");
    ok(same == 1000, "nobody gets anything else afterwards");
    ok(twice == 1000, "a second pass finds nothing");
    ok(gone > all / 4, "%u of %u releases have gone", (unsigned) gone, all);
}


int
main(void)
{
    keep_parse();
    keep_decide();
    keep_ends();
    keep_leaving();
    keep_older();
    keep_listed();
    keep_histories();

    tap_free();

    return tap_done();
}
