
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_builds.c"


static char *builds_text(const cJSON *app);
static int builds_is(const cJSON *app, const char *text);
static void builds_release(void);
static void builds_withdraw(void);
static void builds_rollback(void);
static void builds_rollout(void);
static void builds_rules(void);
static void builds_plans(void);


#define NOW  "2026-03-01T12:00:00.000Z"

#define BUILD(id, version)                                                    \
    "{\"id\":\"" id "\","                                                     \
    "\"version\":\"" version "\",\"createdAt\":\"t\","                        \
    "\"updatedAt\":\"t\",\"isReleased\":true,"                                \
    "\"wasLatest\":true}"

#define BUILDS                                                                \
    "\"desktopBuilds\":[" BUILD("a", "1") "," BUILD("b", "2") ","             \
    BUILD("c", "3") "]"


int
main(void)
{
    builds_release();
    builds_withdraw();
    builds_rollback();
    builds_rollout();
    builds_rules();
    builds_plans();

    tap_free();

    return tap_done();
}


static char *
builds_text(const cJSON *app)
{
    return cJSON_PrintUnformatted(app);
}


static int
builds_is(const cJSON *app, const char *text)
{
    int    same;
    char  *is;

    is = builds_text(app);
    same = (strcmp(is, text) == 0);

    if (!same) {
        printf("# is        %s\n# should be %s\n", is, text);
    }

    cJSON_free(is);

    return same;
}


static void
builds_release(void)
{
    cJSON      *app, *info;
    lu_error_t  err;

    app = tap_json("{}");
    info = tap_json("{\"latestReleaseBuildId\":\"a\"}");

    ok(lu_builds_release(app, "a", "1", NULL, info, "t", &err)
       == LU_OK, "the first build");
    ok(builds_is(app, "{\"desktopBuilds\":[{\"id\":\"a\","
                         "\"version\":\"1\",\"createdAt\":\"t\","
                         "\"updatedAt\":\"t\",\"isReleased\":true,"
                         "\"wasLatest\":true}],"
                         "\"desktopReleases\":"
                         "{\"latestReleaseBuildId\":\"a\"}}"),
       "is listed and the latest");
    ok(strcmp(lu_builds_latest(app), "a") == 0, "is found");

    ok(lu_builds_release(app, "b", "2", NULL, NULL, "t", &err)
       == LU_OK, "a build without releaseInfo");
    ok(strcmp(lu_builds_latest(app), "a") == 0, "is not the latest");

    cJSON_Delete(info);
    info = tap_json("{\"latestReleaseBuildId\":\"b\"}");

    ok(lu_builds_release(app, "b", "2", NULL, info, "u", &err)
       == LU_OK, "the same again");
    ok(strcmp(lu_builds_latest(app), "a") == 0, "changes nothing");
    ok(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(app,
                                                       "desktopBuilds"))
       == 2, "and is listed once");

    cJSON_Delete(info);
    info = tap_json("{\"latestReleaseBuildId\":\"ghost\","
                    "\"releaseRedirections\":["
                    "{\"rule\":\"buildByRollout\",\"buildId\":\"c\","
                    "\"percentage\":10},"
                    "{\"rule\":\"buildByRollout\",\"buildId\":\"ghost\","
                    "\"percentage\":20}]}");

    ok(lu_builds_release(app, "c", "3", NULL, info, "u", &err) == LU_OK
       && strcmp(lu_builds_latest(app), "a") == 0
       && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
              cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
              "releaseRedirections"))
          == 1, "what is said of a build that is not released is left out");

    cJSON_Delete(info);
    cJSON_Delete(app);

    app = tap_json("{\"desktopBuilds\":{}}");

    ok(lu_builds_release(app, "a", "1", NULL, NULL, "t", &err)
       == LU_INVALID, "a damaged app");

    cJSON_Delete(app);

    app = tap_json("{}");

    ok(lu_builds_latest(app) == NULL, "no latest");

    cJSON_Delete(app);
}


static void
builds_withdraw(void)
{
    cJSON      *app;
    lu_error_t  err;

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"c\","
                   "\"releaseRedirections\":["
                   "{\"rule\":\"buildByIp\",\"buildId\":\"c\"},"
                   "{\"rule\":\"buildByIp\",\"buildId\":\"a\"}]}}");

    ok(lu_builds_withdraw(app, "x", &err) == LU_NOT_FOUND, "an unknown build");
    ok(strcmp(err.text, "The build is not released.") == 0, "says so");

    ok(lu_builds_withdraw(app, "c", &err) == LU_OK, "the latest");
    ok(strcmp(lu_builds_latest(app), "b") == 0, "the one before is it");
    ok(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
           cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
           "releaseRedirections"))
       == 1, "its redirections are gone");

    ok(lu_builds_withdraw(app, "a", &err) == LU_OK, "another one");
    ok(strcmp(lu_builds_latest(app), "b") == 0, "the latest stays");

    ok(lu_builds_withdraw(app, "b", &err) == LU_OK, "the last one");
    ok(lu_builds_latest(app) == NULL, "there is no latest");

    cJSON_Delete(app);
}


static void
builds_rollback(void)
{
    cJSON       *app, *info;
    const char  *id;
    lu_error_t   err;

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"c\"}}");

    ok(lu_builds_rollback(app, 3, NULL, &id, &err) == LU_NOT_FOUND,
       "too many steps");

    cJSON_Delete(app);

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"c\"}}");

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_OK, "a step");
    ok(strcmp(id, "b") == 0 && strcmp(lu_builds_latest(app), "b") == 0,
       "to the one before");

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_OK, "a step more");
    ok(strcmp(id, "a") == 0, "to the first");
    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_NOT_FOUND,
       "and no further");

    cJSON_Delete(app);

    app = tap_json("{}");

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_NOT_FOUND,
       "nothing released");

    /* one that only a part had is not what was before */

    info = tap_json("{\"latestReleaseBuildId\":\"a\"}");

    ok(lu_builds_release(app, "a", "1", NULL, info, "t", &err) == LU_OK
       && lu_builds_release(app, "b", "2", NULL, NULL, "t", &err) == LU_OK
       && lu_builds_rollout(app, "b", 0.1, &err) == LU_OK
       && lu_builds_release(app, "c", "3", NULL, NULL, "t", &err) == LU_OK
       && lu_builds_rollout(app, "c", 1, &err) == LU_OK
       && strcmp(lu_builds_latest(app), "c") == 0,
       "one to a part, the next to all");

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_OK
       && strcmp(id, "a") == 0, "rolled back: the one that all had");
    ok(lu_builds_rollout(app, "c", 1, &err) == LU_OK
       && lu_builds_withdraw(app, "c", &err) == LU_OK
       && strcmp(lu_builds_latest(app), "a") == 0,
       "withdrawn: the one that all had");

    cJSON_Delete(info);
    cJSON_Delete(app);

    /* what was taken back of a channel is no step of all channels */

    app = tap_json("{\"desktopBuilds\":["
                   "{\"id\":\"a\",\"isReleased\":true,\"wasLatest\":true,"
                   "\"manifests\":[\"latest.yml\"]},"
                   "{\"id\":\"b\",\"isReleased\":true,\"wasLatest\":true,"
                   "\"manifests\":[\"latest.yml\"]},"
                   "{\"id\":\"c\",\"isReleased\":true,\"wasLatest\":true,"
                   "\"manifests\":[\"latest.yml\"]}],"
                   "\"desktopReleases\":{\"latestReleaseBuildId\":\"c\","
                   "\"manifests\":{\"latest.yml\":\"b\"}}}");

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_OK
       && strcmp(id, "a") == 0, "rolled back after a channel was");

    cJSON_Delete(app);
}


static void
builds_rollout(void)
{
    cJSON      *app;
    lu_error_t  err;

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"b\"}}");

    ok(lu_builds_rollout(app, "x", 0.5, &err) == LU_NOT_FOUND,
       "a rollout of a build that is not released");
    ok(lu_builds_rollout(app, "c", 1.01, &err) == LU_INVALID,
       "to more than all");
    ok(lu_builds_rollout(app, "c", -1, &err) == LU_INVALID,
       "to less than none");
    ok(lu_builds_rollout(app, "c", 0.0 / 0.0, &err)
       == LU_INVALID, "to no number");

    ok(lu_builds_rollout(app, "c", 0.07, &err) == LU_OK
       && builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                            "\"latestReleaseBuildId\":\"b\","
                            "\"releaseRedirections\":["
                            "{\"rule\":\"buildByRollout\","
                            "\"buildId\":\"c\",\"percentage\":7}]}}"),
       "to 7 %%: by a rule");

    ok(lu_builds_rollout(app, "c", 0.5, &err) == LU_OK
       && builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                            "\"latestReleaseBuildId\":\"b\","
                            "\"releaseRedirections\":["
                            "{\"rule\":\"buildByRollout\","
                            "\"buildId\":\"c\",\"percentage\":50}]}}"),
       "to 50 %%: by that rule");

    ok(lu_builds_rollout(app, "c", 1, &err) == LU_OK
       && builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                            "\"latestReleaseBuildId\":\"c\","
                            "\"releaseRedirections\":[]}}"),
       "to all: as the latest");

    ok(lu_builds_rollout(app, "c", 0.5, &err) == LU_OK
       && builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                            "\"latestReleaseBuildId\":\"b\","
                            "\"releaseRedirections\":["
                            "{\"rule\":\"buildByRollout\","
                            "\"buildId\":\"c\",\"percentage\":50}]}}"),
       "back to 50 %%: the others get the one before");

    ok(lu_builds_rollout(app, "c", 0, &err) == LU_OK
       && builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                            "\"latestReleaseBuildId\":\"b\","
                            "\"releaseRedirections\":[]}}"),
       "to nobody");

    cJSON_Delete(app);

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"a\","
                   "\"releaseRedirections\":["
                   "{\"rule\":\"buildByRollout\","
                   "\"buildId\":\"c\",\"percentage\":1,"
                   "\"platforms\":[\"mac\"]},"
                   "{\"rule\":\"buildByRollout\","
                   "\"buildId\":\"b\",\"percentage\":2}]}}");

    ok(lu_builds_rollout(app, "c", 0, &err) == LU_OK
       && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
                 cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                 "releaseRedirections")) == 2,
       "rules of a platform, and of other builds, stay");

    ok(lu_builds_rollout(app, "a", 0, &err) == LU_OK
       && lu_builds_latest(app) == NULL,
       "the first build to nobody: none is the latest");

    cJSON_Delete(app);
}


static void
builds_rules(void)
{
    cJSON      *app, *rules;
    lu_error_t  err;

    app = tap_json("{" BUILDS ",\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"c\",\"other\":1,"
                   "\"releaseRedirections\":[]}}");

    rules = tap_json("{\"latestReleaseBuildId\":\"x\"}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err)
       == LU_INVALID, "an unknown latest");
    cJSON_Delete(rules);
    ok(lu_str_is(&err.subject, "x"), "is named, without the rules");

    rules = tap_json("{\"latestReleaseBuildId\":\"a\","
                     "\"releaseRedirections\":[{\"rule\":"
                     "\"buildByPlatform\",\"buildId\":\"x\","
                     "\"platforms\":[\"mac\"]}]}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err)
       == LU_INVALID, "a redirection to an unknown build");
    cJSON_Delete(rules);
    ok(lu_str_is(&err.subject, "x"), "is named, without the rules");

    rules = tap_json("{\"releaseRedirections\":[{\"rule\":"
                     "\"buildByIp\",\"buildId\":\"a\","
                     "\"ipList\":[\"nonsense\"]}]}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err)
       == LU_INVALID, "a rule that is not right");
    cJSON_Delete(rules);

    rules = tap_json("{\"latestReleaseBuildId\":\"a\","
                     "\"releaseRedirections\":[{\"rule\":"
                     "\"buildByPlatform\",\"buildId\":\"b\","
                     "\"platforms\":[\"mac\"]}]}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err) == LU_OK,
       "rules");
    ok(builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                         "\"latestReleaseBuildId\":\"a\",\"other\":1,"
                         "\"releaseRedirections\":[{\"rule\":"
                         "\"buildByPlatform\",\"buildId\":\"b\","
                         "\"platforms\":[\"mac\"]}]}}"),
       "are written, what is not known stays");
    cJSON_Delete(rules);

    /* by a stranger: the largest number, and depth */

    rules = tap_json("{\"note\":1.79769313486231e308,"
                     "\"latestReleaseBuildId\":\"a\",\"releaseRedirections\":["
                     "{\"rule\":\"appByIp\",\"feedUrl\":\"u\",\"ipList\":[],"
                     "\"percentage\":1e300,\"note\":1.79769313486231e308},"
                     "{\"rule\":\"own\",\"platforms\":{\"a\":[[[1]]]},"
                     "\"ipList\":[\"x\",1.79769313486231e308,[[[]]]]},"
                     "{\"rule\":\"buildByRollout\",\"buildId\":\"b\","
                     "\"percentage\":12.5,\"platforms\":[\"mac\"],"
                     "\"deep\":[[[[[[[[[[[[[[[[[[[[[[[[[["
                     "]]]]]]]]]]]]]]]]]]]]]]]]]]}]}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err) == LU_OK,
       "rules with members that nobody knows");
    ok(builds_is(app, "{" BUILDS ",\"desktopReleases\":{"
                         "\"latestReleaseBuildId\":\"a\",\"other\":1,"
                         "\"releaseRedirections\":["
                         "{\"rule\":\"appByIp\",\"feedUrl\":\"u\","
                         "\"ipList\":[]},"
                         "{\"rule\":\"own\",\"ipList\":[\"x\"]},"
                         "{\"rule\":\"buildByRollout\",\"buildId\":\"b\","
                         "\"platforms\":[\"mac\"],\"percentage\":12.5}]}}"),
       "are written without these");
    cJSON_Delete(rules);

    rules = tap_json("{}");
    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err) == LU_OK,
       "no rules");
    ok(lu_builds_latest(app) == NULL, "nothing is the latest");
    cJSON_Delete(rules);

    cJSON_Delete(app);
}


/* A step of two hours began at 9, and was held up from 10 on; it is 12. */

static void
builds_plans(void)
{
    size_t      i;
    char        text[1024];
    cJSON      *app, *rules, *rule, *plan;
    lu_error_t  err;
    lu_str_t    begun;

#define RULE(build, more, first)                                              \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"" build "\","                 \
    "\"percentage\":10," more "\"plan\":{"                                    \
    "\"start\":\"2026-03-01T09:00:00.000Z\",\"steps\":["                      \
    "{\"share\":" first ",\"for\":\"2h\"},"                                    \
    "{\"share\":0.5,\"for\":\"5d\"},{\"share\":1}]}}"

#define PAUSED  "\"paused\":{\"at\":\"2026-03-01T10:00:00.000Z\"},"
#define HALTED  "\"halted\":{\"at\":\"2026-03-01T10:00:00.000Z\"},"
#define MAC     "\"platforms\":[\"mac\"],"

    static const struct {
        const char  *was;
        const char  *now;
        const char  *begun;             /* NULL: it is not written down */
        const char  *name;
    } cases[] = {
        { RULE("b", PAUSED, "0.1"), RULE("b", "", "0.1"),
          "2026-03-01T11:00:00.000Z", "a pause goes" },
        { RULE("b", HALTED, "0.1"), RULE("b", "", "0.1"),
          "2026-03-01T11:00:00.000Z", "a halt goes" },
        { RULE("b", MAC PAUSED, "0.1"), RULE("b", MAC, "0.1"),
          "2026-03-01T11:00:00.000Z", "for a platform" },
        { RULE("a", "", "0.1") "," RULE("b", PAUSED, "0.1"),
          RULE("b", "", "0.1"),
          "2026-03-01T11:00:00.000Z", "another rule goes" },
        { RULE("b", PAUSED, "0.1"), RULE("b", PAUSED, "0.1"),
          NULL, "a pause stays" },
        { RULE("b", "", "0.1"), RULE("b", PAUSED, "0.1"),
          NULL, "a pause begins" },
        { RULE("b", PAUSED, "0.1"), RULE("b", "", "0.2"),
          NULL, "another plan" },
        { RULE("a", PAUSED, "0.1"), RULE("b", "", "0.1"),
          NULL, "another build" },
        { RULE("b", MAC PAUSED, "0.1"), RULE("b", "", "0.1"),
          NULL, "another platform" },
        { RULE("b", "", "0.1"), RULE("b", "", "0.1"),
          NULL, "nothing changes" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        snprintf(text, sizeof(text), "{" BUILDS ",\"desktopReleases\":{"
                 "\"latestReleaseBuildId\":\"c\","
                 "\"releaseRedirections\":[%s]}}", cases[i].was);

        app = tap_json(text);

        snprintf(text, sizeof(text), "{\"latestReleaseBuildId\":\"c\","
                 "\"releaseRedirections\":[%s]}", cases[i].now);

        rules = tap_json(text);

        ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err) == LU_OK,
           "plans, %s", cases[i].name);

        rule = cJSON_GetArrayItem(lu_json_get(lu_json_get(app,
                                                          "desktopReleases"),
                                              "releaseRedirections"), 0);
        plan = lu_json_get(rule, "plan");

        ok(cases[i].begun
           ? lu_json_string(plan, "begun", &begun) == LU_OK
             && lu_str_is(&begun, cases[i].begun)
           : plan && lu_json_get(plan, "begun") == NULL,
           "the step, %s", cases[i].name);

        cJSON_Delete(rules);
        cJSON_Delete(app);
    }

    /* a plan that is over, of a release that was given to fewer again */

    app = tap_json("{\"desktopBuilds\":["
                   "{\"id\":\"a\",\"manifests\":[\"latest.yml\"],"
                   "\"wasLatest\":true},"
                   "{\"id\":\"b\",\"manifests\":[\"latest-mac.yml\"],"
                   "\"wasLatest\":true}],\"desktopReleases\":{"
                   "\"latestReleaseBuildId\":\"b\","
                   "\"manifests\":{\"latest.yml\":null}}}");

    rules = tap_json("{\"latestReleaseBuildId\":\"b\","
                     "\"releaseRedirections\":[{"
                     "\"rule\":\"buildByRollout\",\"buildId\":\"a\","
                     "\"percentage\":10,\"plan\":{"
                     "\"start\":\"2026-03-01T09:00:00.000Z\","
                     "\"steps\":[{\"share\":1}]}}]}");

    ok(lu_builds_set_rules(app, rules, NOW, &tap_arena, &err) == LU_OK
       && lu_builds_share(app, "a") == NULL, "a plan that is over has no rule");
    ok(lu_pin_release(app, "latest.yml")
       == lu_json_find(lu_json_get(app, "desktopBuilds"), "id", "a"),
       "everyone gets the release, where no newer one is");

    cJSON_Delete(rules);
    cJSON_Delete(app);
    tap_free();
}
