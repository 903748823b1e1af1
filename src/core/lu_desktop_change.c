
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_desktop.h"
#include "lu_desktop_change.h"
#include "lu_name.h"


static cJSON *liveupdate_member(cJSON *object, const char *key,
    cJSON *(*create)(void));
static cJSON *liveupdate_build_find(const cJSON *builds, const char *id);
static liveupdate_rc_e liveupdate_release_info(cJSON *releases,
    const cJSON *builds, const cJSON *info);
static liveupdate_rc_e liveupdate_latest_set(cJSON *releases, const char *id);
static liveupdate_rc_e liveupdate_latest_mark(cJSON *app);
static liveupdate_rc_e liveupdate_latest_before(cJSON *releases,
    const cJSON *builds, cJSON *build);
static cJSON *liveupdate_build_before(const cJSON *builds, cJSON *build);
static const char *liveupdate_build_id(const cJSON *build);
static void liveupdate_rollouts_delete(cJSON *redirections, const char *id);
static liveupdate_rc_e liveupdate_rollout_add(cJSON *redirections,
    const char *id, double rollout);
static liveupdate_rc_e liveupdate_copy(cJSON *to, const cJSON *from,
    const char *key);
static liveupdate_rc_e liveupdate_rules_check(const cJSON *app,
    const cJSON *rules, const liveupdate_arena_t *arena,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_rule_check(const cJSON *builds,
    const cJSON *rule, const char *key, const liveupdate_arena_t *arena,
    liveupdate_error_t *err);
static int liveupdate_rule_holds(const cJSON *builds, const cJSON *rule,
    const char *key);


liveupdate_rc_e
liveupdate_build_release(cJSON *app, const char *id, const char *version,
    const cJSON *release_info, const char *now, liveupdate_error_t *err)
{
    cJSON            *build, *builds, *releases;
    liveupdate_rc_e   rc;

    builds = liveupdate_member(app, "desktopBuilds", cJSON_CreateArray);
    releases = liveupdate_member(app, "desktopReleases", cJSON_CreateObject);

    if (builds == NULL || releases == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (!cJSON_IsArray(builds) || !cJSON_IsObject(releases)) {
        return liveupdate_refuse(err, NULL, "the app's desktop releases are "
                                            "damaged");
    }

    if (liveupdate_build_find(builds, id)) {
        return LIVEUPDATE_OK;
    }

    build = cJSON_CreateObject();

    if (cJSON_AddStringToObject(build, "id", id) == NULL
        || cJSON_AddStringToObject(build, "version", version) == NULL
        || cJSON_AddStringToObject(build, "createdAt", now) == NULL
        || cJSON_AddTrueToObject(build, "isReleased") == NULL
        || !cJSON_AddItemToArray(builds, build))
    {
        cJSON_Delete(build);
        return LIVEUPDATE_NOMEM;
    }

    if (release_info == NULL) {
        return LIVEUPDATE_OK;
    }

    rc = liveupdate_release_info(releases, builds, release_info);

    return rc == LIVEUPDATE_OK ? liveupdate_latest_mark(app) : rc;
}


/* What is said of builds that are not released here is left out. */

static liveupdate_rc_e
liveupdate_release_info(cJSON *releases, const cJSON *builds,
    const cJSON *info)
{
    cJSON            *item, *next, *redirections;
    liveupdate_rc_e   rc;

    if (liveupdate_rule_holds(builds, info, "latestReleaseBuildId")) {

        rc = liveupdate_copy(releases, info, "latestReleaseBuildId");
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    rc = liveupdate_copy(releases, info, "releaseRedirections");
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    redirections = cJSON_GetObjectItemCaseSensitive(releases,
                                                    "releaseRedirections");

    for (item = redirections ? redirections->child : NULL; item; item = next) {
        next = item->next;

        if (!liveupdate_rule_holds(builds, item, "buildId")) {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_build_withdraw(cJSON *app, const char *id, liveupdate_error_t *err)
{
    cJSON             *build, *builds, *item, *next, *releases,
                      *redirections;
    const char        *latest;
    liveupdate_rc_e    rc;
    liveupdate_str_t   value;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");
    releases = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    build = liveupdate_build_find(builds, id);

    if (build == NULL) {
        (void) liveupdate_refuse(err, NULL, "The build is not released.");
        return LIVEUPDATE_NOT_FOUND;
    }

    latest = liveupdate_build_latest(app);

    if (latest && strcmp(latest, id) == 0) {

        rc = liveupdate_latest_before(releases, builds, build);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    redirections = cJSON_GetObjectItemCaseSensitive(releases,
                                                    "releaseRedirections");

    for (item = redirections ? redirections->child : NULL; item; item = next) {
        next = item->next;

        if (liveupdate_json_string(item, "buildId", &value) == LIVEUPDATE_OK
            && liveupdate_str_is(&value, id))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(builds, build));

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_build_rollback(cJSON *app, unsigned steps, const char **id,
    liveupdate_error_t *err)
{
    cJSON       *build, *builds;
    const char  *latest;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");
    latest = liveupdate_build_latest(app);

    build = latest ? liveupdate_build_find(builds, latest) : NULL;

    while (build && steps) {
        build = liveupdate_build_before(builds, build);
        steps--;
    }

    if (build == NULL) {
        (void) liveupdate_refuse(err, NULL,
                                 "There is no release to go back to.");
        return LIVEUPDATE_NOT_FOUND;
    }

    *id = liveupdate_build_id(build);

    return liveupdate_latest_set(
                     cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                     *id);
}


liveupdate_rc_e
liveupdate_build_rollout(cJSON *app, const char *id, double rollout,
    liveupdate_error_t *err)
{
    cJSON            *build, *builds, *releases, *redirections;
    const char       *latest;
    liveupdate_rc_e   rc;

    if (!(rollout >= 0 && rollout <= 1)) {
        return liveupdate_refuse(err, NULL, "\"rollout\" must be a number"
                                            " from 0 to 1");
    }

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    build = liveupdate_build_find(builds, id);

    if (build == NULL) {
        (void) liveupdate_refuse(err, NULL, "The build is not released.");
        return LIVEUPDATE_NOT_FOUND;
    }

    releases = liveupdate_member(app, "desktopReleases", cJSON_CreateObject);
    if (releases == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    redirections = liveupdate_member(releases, "releaseRedirections",
                                     cJSON_CreateArray);
    if (redirections == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    liveupdate_rollouts_delete(redirections, id);

    if (rollout >= 1) {
        rc = liveupdate_latest_set(releases, id);

        return rc == LIVEUPDATE_OK ? liveupdate_latest_mark(app) : rc;
    }

    /* else it would be for all whom the rule does not choose, too */

    latest = liveupdate_build_latest(app);

    if (latest && strcmp(latest, id) == 0) {

        rc = liveupdate_latest_before(releases, builds, build);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    if (rollout == 0) {
        return LIVEUPDATE_OK;
    }

    return liveupdate_rollout_add(redirections, id, rollout);
}


static void
liveupdate_rollouts_delete(cJSON *redirections, const char *id)
{
    cJSON             *item, *next;
    liveupdate_str_t   value;

    for (item = redirections->child; item; item = next) {
        next = item->next;

        if (liveupdate_json_string(item, "rule", &value) == LIVEUPDATE_OK
            && liveupdate_str_is(&value, "buildByRollout")
            && liveupdate_json_string(item, "buildId", &value)
               == LIVEUPDATE_OK
            && liveupdate_str_is(&value, id)
            && !cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(item,
                                                               "platforms")))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }
}


static liveupdate_rc_e
liveupdate_rollout_add(cJSON *redirections, const char *id, double rollout)
{
    cJSON   *item;
    double   percentage;

    /* 0.07 * 100 is not 7 */

    percentage = (double) (int64_t) (rollout * 1e8 + 0.5) / 1e6;

    item = cJSON_CreateObject();

    if (cJSON_AddStringToObject(item, "rule", "buildByRollout") == NULL
        || cJSON_AddStringToObject(item, "buildId", id) == NULL
        || cJSON_AddNumberToObject(item, "percentage", percentage) == NULL
        || !cJSON_AddItemToArray(redirections, item))
    {
        cJSON_Delete(item);
        return LIVEUPDATE_NOMEM;
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_rules_set(cJSON *app, const cJSON *rules,
    const liveupdate_arena_t *arena, liveupdate_error_t *err)
{
    cJSON                 *releases;
    liveupdate_rc_e        rc;
    liveupdate_desktop_t   desktop;

    rc = liveupdate_desktop_parse(arena, NULL, rules, &desktop, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_rules_check(app, rules, arena, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    releases = liveupdate_member(app, "desktopReleases", cJSON_CreateObject);
    if (releases == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(releases, "latestReleaseBuildId");
    cJSON_DeleteItemFromObjectCaseSensitive(releases, "releaseRedirections");

    rc = liveupdate_copy(releases, rules, "latestReleaseBuildId");
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_copy(releases, rules, "releaseRedirections");

    return rc == LIVEUPDATE_OK ? liveupdate_latest_mark(app) : rc;
}


static liveupdate_rc_e
liveupdate_rules_check(const cJSON *app, const cJSON *rules,
    const liveupdate_arena_t *arena, liveupdate_error_t *err)
{
    const cJSON      *builds, *item;
    liveupdate_rc_e   rc;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    rc = liveupdate_rule_check(builds, rules, "latestReleaseBuildId", arena,
                               err);

    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(rules,
                                                      "releaseRedirections"))
    {
        if (rc != LIVEUPDATE_OK) {
            break;
        }

        rc = liveupdate_rule_check(builds, item, "buildId", arena, err);
    }

    return rc;
}


/* The reason outlives the rules. */

static liveupdate_rc_e
liveupdate_rule_check(const cJSON *builds, const cJSON *rule,
    const char *key, const liveupdate_arena_t *arena, liveupdate_error_t *err)
{
    liveupdate_str_t  id;

    if (liveupdate_rule_holds(builds, rule, key)) {
        return LIVEUPDATE_OK;
    }

    (void) liveupdate_json_string(rule, key, &id);

    id = liveupdate_str_dup(arena, id.data, id.len);
    if (id.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    return liveupdate_refuse(err, &id, "is not a released build");
}


/* Whether the build that it is about, if there is one, is released. */

static int
liveupdate_rule_holds(const cJSON *builds, const cJSON *rule, const char *key)
{
    liveupdate_str_t  id;

    return liveupdate_json_string(rule, key, &id) != LIVEUPDATE_OK
           || liveupdate_build_find(builds, (char *) id.data);
}


const char *
liveupdate_build_latest(const cJSON *app)
{
    liveupdate_str_t  id;

    if (liveupdate_json_string(
            cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
            "latestReleaseBuildId", &id)
        != LIVEUPDATE_OK)
    {
        return NULL;
    }

    return (char *) id.data;
}


static cJSON *
liveupdate_build_find(const cJSON *builds, const char *id)
{
    cJSON             *build;
    liveupdate_str_t   value;

    cJSON_ArrayForEach(build, builds) {
        if (liveupdate_json_string(build, "id", &value) == LIVEUPDATE_OK
            && liveupdate_str_is(&value, id))
        {
            return build;
        }
    }

    return NULL;
}


static liveupdate_rc_e
liveupdate_latest_set(cJSON *releases, const char *id)
{
    return liveupdate_json_set(releases, "latestReleaseBuildId",
                               id ? cJSON_CreateString(id)
                                  : cJSON_CreateNull());
}


/* What everybody had once is what everybody may get again. */

static liveupdate_rc_e
liveupdate_latest_mark(cJSON *app)
{
    cJSON       *build;
    const char  *latest;

    latest = liveupdate_build_latest(app);

    if (latest == NULL) {
        return LIVEUPDATE_OK;
    }

    build = liveupdate_build_find(cJSON_GetObjectItemCaseSensitive(app,
                                                          "desktopBuilds"),
                                  latest);

    if (build == NULL || cJSON_HasObjectItem(build, "wasLatest")) {
        return LIVEUPDATE_OK;
    }

    return cJSON_AddTrueToObject(build, "wasLatest") ? LIVEUPDATE_OK
                                                     : LIVEUPDATE_NOMEM;
}


/* The build before this one, or none, becomes the latest. */

static liveupdate_rc_e
liveupdate_latest_before(cJSON *releases, const cJSON *builds, cJSON *build)
{
    build = liveupdate_build_before(builds, build);

    return liveupdate_latest_set(releases, liveupdate_build_id(build));
}


/* The one before it that was the latest, or NULL. */

static cJSON *
liveupdate_build_before(const cJSON *builds, cJSON *build)
{
    do {
        /* the first item's "prev" is the last one */

        build = (build == builds->child) ? NULL : build->prev;

    } while (build && !cJSON_HasObjectItem(build, "wasLatest"));

    return build;
}


static const char *
liveupdate_build_id(const cJSON *build)
{
    liveupdate_str_t  id;

    return liveupdate_json_string(build, "id", &id) == LIVEUPDATE_OK
           ? (char *) id.data : NULL;
}


static liveupdate_rc_e
liveupdate_copy(cJSON *to, const cJSON *from, const char *key)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(from, key);

    if (item == NULL || cJSON_IsNull(item)) {
        return LIVEUPDATE_OK;
    }

    return liveupdate_json_set(to, key, cJSON_Duplicate(item, 1));
}


static cJSON *
liveupdate_member(cJSON *object, const char *key, cJSON *(*create)(void))
{
    cJSON  *member;

    member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (member) {
        return member;
    }

    member = create();

    if (member && !cJSON_AddItemToObject(object, key, member)) {
        cJSON_Delete(member);
        return NULL;
    }

    return member;
}
