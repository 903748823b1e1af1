
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_builds.h"
#include "lu_desktop.h"
#include "lu_guard.h"
#include "lu_limit.h"
#include "lu_name.h"
#include "lu_put.h"


/* More than none: the rule is made.  What it has comes after that. */

#define LU_BUILDS_LITTLE  0.5


/* How much work the rules are for a request. */

typedef struct {
    size_t                       rules;
    size_t                       rollouts;
    size_t                       addresses;
} lu_builds_size_t;


static void lu_builds_measure(const cJSON *rules, lu_builds_size_t *size);
static lu_rc_e lu_builds_fit(const lu_builds_size_t *before,
    const cJSON *rules, lu_error_t *err);
static cJSON *lu_builds_member(cJSON *object, const char *key,
    cJSON *(*create)(void));
static lu_rc_e lu_builds_release_info(cJSON *app, const cJSON *info,
    const char *now, lu_error_t *err);
static lu_rc_e lu_builds_latest_mark(cJSON *app);
static lu_rc_e lu_builds_was_latest(cJSON *build);
static lu_rc_e lu_builds_latest_set(cJSON *app, const cJSON *rules,
    lu_error_t *err);
static cJSON *lu_builds_ended(const cJSON *app, const char *now,
    time_t *ended);
static lu_rc_e lu_builds_offered(cJSON *app, const char *at);
static lu_rc_e lu_builds_offered_names(const cJSON *app, cJSON *names,
    const char *at);
static lu_rc_e lu_builds_touch(const cJSON *builds, const cJSON *object,
    const char *key, const char *at);
static lu_rc_e lu_builds_end(cJSON *app, cJSON *rule, const char *now,
    lu_error_t *err);
static void lu_builds_older_delete(cJSON *app, const char *id);
static int lu_builds_is_older(const cJSON *builds, const char *id,
    const char *other);
static int lu_builds_covers(const cJSON *build, const cJSON *older);
static int lu_builds_is_rollout(const cJSON *rule, const char *id);
static int lu_builds_is_plain(const cJSON *rule, const char *id);
static cJSON *lu_builds_plain(const cJSON *app, const char *id);
static lu_rc_e lu_builds_plan_set(cJSON *app, const char *id,
    const cJSON *was, double rollout, const cJSON *wanted, const char *now,
    lu_error_t *err);
static void lu_builds_rollouts_delete(cJSON *redirections, const char *id);
static lu_rc_e lu_builds_rollout_add(cJSON *redirections, const char *id,
    double rollout);
static lu_rc_e lu_builds_may_be(const cJSON *redirections, const char *id,
    double rollout, lu_error_t *err);
static lu_rc_e lu_builds_copy(cJSON *to, const cJSON *from, const char *key);
static void lu_builds_copy_rule(lu_put_t *put, cJSON *list,
    const cJSON *rule);
static void lu_builds_copy_strings(lu_put_t *put, cJSON *to,
    const cJSON *from, const char *key);
static lu_rc_e lu_builds_redirect(cJSON *app, const cJSON *rules,
    const char *now, lu_error_t *err);
static const cJSON *lu_builds_rule_before(const cJSON *was,
    const cJSON *rule);
static int lu_builds_is_same(const cJSON *one, const cJSON *two,
    const char *key);
static lu_rc_e lu_builds_rules_check(const cJSON *app, const cJSON *rules,
    const lu_arena_t *arena, lu_error_t *err);
static lu_rc_e lu_builds_rule_check(const cJSON *builds, const cJSON *rule,
    const char *key, const lu_arena_t *arena, lu_error_t *err);
static int lu_builds_rule_holds(const cJSON *builds, const cJSON *rule,
    const char *key);


lu_rc_e
lu_builds_release(cJSON *app, const char *id, const char *version,
    const cJSON *manifests, const cJSON *release_info, const char *now,
    lu_error_t *err)
{
    cJSON       *build, *builds, *releases;
    lu_rc_e      rc;
    lu_put_t     put;
    const char  *latest;

    builds = lu_builds_member(app, "desktopBuilds", cJSON_CreateArray);
    releases = lu_builds_member(app, "desktopReleases", cJSON_CreateObject);

    if (builds == NULL || releases == NULL) {
        return LU_NOMEM;
    }

    if (!cJSON_IsArray(builds) || !cJSON_IsObject(releases)) {
        return lu_error(err, NULL, "\"desktopBuilds\" must be an array, and "
                                   "\"desktopReleases\" an object");
    }

    if (lu_json_find(builds, "id", id)) {
        return LU_OK;
    }

    if (cJSON_GetArraySize(builds) >= LU_LIMIT_BUILDS) {
        (void) lu_error(err, NULL,
                        "the app has " lu_value(LU_LIMIT_BUILDS)
                        " released builds, the most that it can have; withdraw "
                        "one first");
        return LU_CONFLICT;
    }

    lu_put_init(&put);

    build = lu_put_object(&put, builds, NULL);

    lu_put_string(&put, build, "id", id);
    lu_put_string(&put, build, "version", version);
    lu_put_string(&put, build, "createdAt", now);
    lu_put_string(&put, build, "updatedAt", now);
    lu_put_bool(&put, build, "isReleased", 1);

    if (cJSON_IsArray(manifests)) {
        lu_put_item(&put, build, "manifests", cJSON_Duplicate(manifests, 1));
    }

    if (put.failed) {
        return LU_NOMEM;
    }

    if (release_info == NULL) {
        return LU_OK;
    }

    rc = lu_builds_release_info(app, release_info, now, err);
    if (rc != LU_OK) {
        return rc;
    }

    /* rules that came with the release are what somebody wants */

    latest = lu_builds_latest(app);

    if (latest
        && strcmp(latest, id) == 0
        && lu_json_get(release_info, "releaseRedirections") == NULL)
    {
        lu_builds_older_delete(app, id);
    }

    return lu_builds_latest_mark(app);
}


/* Ignores what it says about builds that are not released here. */

static lu_rc_e
lu_builds_release_info(cJSON *app, const cJSON *info, const char *now,
    lu_error_t *err)
{
    cJSON             *item, *next, *releases, *redirections;
    lu_rc_e            rc;
    lu_str_t           id;
    const cJSON       *builds;
    lu_builds_size_t   before;

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    lu_builds_measure(releases, &before);

    if (lu_json_string(info, "latestReleaseBuildId", &id) == LU_OK
        && lu_builds_rule_holds(builds, info, "latestReleaseBuildId"))
    {
        rc = lu_pin_latest(app, (char *) id.data, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (cJSON_IsArray(lu_json_get(info, "releaseRedirections"))) {

        rc = lu_builds_redirect(app, info, now, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    redirections = lu_json_get(releases, "releaseRedirections");

    for (item = redirections ? redirections->child : NULL; item; item = next) {
        next = item->next;

        if (!lu_builds_rule_holds(builds, item, "buildId")) {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }

    return lu_builds_fit(&before, releases, err) == LU_OK ? LU_OK
                                                          : LU_CONFLICT;
}


lu_rc_e
lu_builds_withdraw(cJSON *app, const char *id, lu_error_t *err)
{
    cJSON           *build, *builds, *item, *next, *releases, *redirections;
    lu_rc_e          rc;
    lu_str_t         value;
    const cJSON     *before;
    lu_pin_scope_t   all;

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    build = lu_json_find(builds, "id", id);

    if (build == NULL) {
        (void) lu_error(err, NULL, "The build is not released.");
        return LU_NOT_FOUND;
    }

    memset(&all, 0, sizeof(lu_pin_scope_t));

    rc = lu_pin_back(app, id, &all, &before, err);
    if (rc != LU_OK) {
        return rc;
    }

    redirections = lu_json_get(releases, "releaseRedirections");

    for (item = redirections ? redirections->child : NULL; item; item = next) {
        next = item->next;

        if (lu_json_string(item, "buildId", &value) == LU_OK
            && lu_str_is(&value, id))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(builds, build));

    return LU_OK;
}


lu_rc_e
lu_builds_rollback(cJSON *app, unsigned steps, const lu_pin_scope_t *scope,
    const char **id, lu_error_t *err)
{
    lu_rc_e          rc;
    lu_str_t         value;
    const char      *latest;
    const cJSON     *build, *before;
    lu_pin_scope_t   all;

    if (scope == NULL) {
        memset(&all, 0, sizeof(lu_pin_scope_t));
        scope = &all;
    }

    do {
        latest = lu_builds_latest(app);

        build = latest ? lu_json_find(lu_json_get(app, "desktopBuilds"), "id",
                                      latest)
                       : NULL;

        /* what was taken back of all its manifests is no step any more */

        if (scope->channel
            || scope->platforms
            || scope->archs
            || (build && lu_json_get(build, "manifests")
                && !lu_pin_is_latest(app, build, scope)))
        {
            build = lu_pin_newest(app, scope);
        }

        before = NULL;

        if (build && lu_json_string(build, "id", &value) == LU_OK) {
            rc = lu_pin_back(app, (char *) value.data, scope, &before, err);
            if (rc != LU_OK) {
                return rc;
            }
        }

        if (before == NULL || lu_json_string(before, "id", &value) != LU_OK) {
            (void) lu_error(err, NULL, "There is no release to go back to.");
            return LU_NOT_FOUND;
        }

    } while (--steps);

    *id = (char *) value.data;

    return LU_OK;
}


lu_rc_e
lu_builds_rollout(cJSON *app, const char *id, double rollout, lu_error_t *err)
{
    cJSON             *build, *builds, *releases, *redirections;
    lu_rc_e            rc;
    const cJSON       *other;
    lu_pin_scope_t     all;
    lu_builds_size_t   before;

    if (!(rollout >= 0 && rollout <= 1)) {
        return lu_error(err, NULL, "\"rollout\" must be a number"
                                   " from 0 to 1");
    }

    builds = lu_json_get(app, "desktopBuilds");

    build = lu_json_find(builds, "id", id);

    if (build == NULL) {
        (void) lu_error(err, NULL, "The build is not released.");
        return LU_NOT_FOUND;
    }

    releases = lu_builds_member(app, "desktopReleases", cJSON_CreateObject);
    if (releases == NULL) {
        return LU_NOMEM;
    }

    redirections = lu_builds_member(releases, "releaseRedirections",
                                    cJSON_CreateArray);
    if (redirections == NULL) {
        return LU_NOMEM;
    }

    rc = lu_builds_may_be(redirections, id, rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    lu_builds_measure(releases, &before);
    lu_builds_rollouts_delete(redirections, id);

    if (rollout >= 1) {
        rc = lu_pin_latest(app, id, err);
        if (rc != LU_OK) {
            return rc;
        }

        lu_builds_older_delete(app, id);

        return lu_builds_latest_mark(app);
    }

    /* otherwise the installations outside of the rollout would get it, too */

    memset(&all, 0, sizeof(lu_pin_scope_t));

    rc = lu_pin_back(app, id, &all, &other, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (rollout == 0) {
        return LU_OK;
    }

    rc = lu_builds_rollout_add(redirections, id, rollout);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_builds_fit(&before, releases, err) == LU_OK ? LU_OK
                                                          : LU_CONFLICT;
}


/* The rule is made anew: one that is halted must be resumed first. */

static lu_rc_e
lu_builds_may_be(const cJSON *redirections, const char *id, double rollout,
    lu_error_t *err)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, redirections) {

        if (rollout > 0
            && lu_builds_is_plain(item, id)
            && lu_growth_is_halted(item))
        {
            (void) lu_error(err, NULL, "The rollout is halted, and does not "
                                       "grow: resume it first.");
            return LU_CONFLICT;
        }
    }

    return LU_OK;
}


lu_rc_e
lu_builds_plan(cJSON *app, const char *id, double rollout,
    const cJSON *wanted, const char *now, lu_error_t *err)
{
    cJSON    *was;
    lu_rc_e   rc;

    was = lu_builds_plain(app, id);

    if (was) {
        was = cJSON_Duplicate(was, 1);
        if (was == NULL) {
            return LU_NOMEM;
        }
    }

    rc = lu_builds_rollout(app, id, LU_BUILDS_LITTLE, err);

    if (rc == LU_OK) {
        rc = lu_builds_plan_set(app, id, was, rollout, wanted, now, err);
    }

    cJSON_Delete(was);

    return rc;
}


static lu_rc_e
lu_builds_plan_set(cJSON *app, const char *id, const cJSON *was,
    double rollout, const cJSON *wanted, const char *now, lu_error_t *err)
{
    cJSON        *item, *waits;
    lu_rc_e       rc;
    const cJSON  *freezes;

    freezes = lu_json_get(app, "freezes");

    item = lu_builds_plain(app, id);
    if (item == NULL) {
        return LU_NOMEM;
    }

    rc = lu_growth_set_share(item, rollout, freezes, now, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_guard_plan(app, NULL, wanted, &waits, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_growth_set(item, lu_json_get(wanted, "plan") ? was : NULL, waits,
                       freezes, now, err);

    cJSON_Delete(waits);

    return rc;
}


lu_rc_e
lu_builds_settle(cJSON *app, const char *now, lu_error_t *err)
{
    char      at[LU_TIME_SIZE];
    cJSON    *item;
    time_t    ended;
    lu_rc_e   rc;

    for ( ;; ) {
        item = lu_builds_ended(app, now, &ended);
        if (item == NULL) {
            break;
        }

        lu_time_print(at, ended, 0);

        rc = lu_builds_offered(app, at);

        if (rc == LU_OK) {
            rc = lu_builds_end(app, item, now, err);
        }

        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_builds_offered(app, now);
}


/* The rule whose plan has ended first, or NULL. */

static cJSON *
lu_builds_ended(const cJSON *app, const char *now, time_t *earliest)
{
    cJSON        *item, *first;
    time_t        ended;
    const cJSON  *releases;

    first = NULL;
    *earliest = LU_TIME_MAX;

    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {

        ended = lu_growth_ended(item, lu_json_get(app, "freezes"), now);

        if (ended < *earliest) {
            *earliest = ended;
            first = item;
        }
    }

    return first;
}


/*
 * Notes when somebody could get a release last, before a change that may be
 * the end of that: it is kept for a while from then on.
 */

static lu_rc_e
lu_builds_offered(cJSON *app, const char *at)
{
    cJSON        *names;
    lu_rc_e       rc;
    const cJSON  *builds, *releases, *item;

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    rc = lu_builds_touch(builds, releases, "latestReleaseBuildId", at);

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {
        if (rc == LU_OK) {
            rc = lu_builds_touch(builds, item, "buildId", at);
        }
    }

    if (rc != LU_OK) {
        return rc;
    }

    names = cJSON_CreateObject();
    if (names == NULL) {
        return LU_NOMEM;
    }

    rc = lu_builds_offered_names(app, names, at);

    cJSON_Delete(names);

    return rc;
}


static lu_rc_e
lu_builds_offered_names(const cJSON *app, cJSON *names, const char *at)
{
    lu_rc_e       rc;
    lu_str_t      name;
    const cJSON  *builds, *build, *item, *latest;

    builds = lu_json_get(app, "desktopBuilds");

    cJSON_ArrayForEach(build, builds) {
        cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {

            if (lu_json_value(item, &name) != LU_OK
                || lu_json_get(names, (char *) name.data))
            {
                continue;
            }

            if (!cJSON_AddTrueToObject(names, (char *) name.data)) {
                return LU_NOMEM;
            }

            latest = lu_pin_release(app, (char *) name.data);

            rc = lu_builds_touch(builds, latest, "id", at);
            if (rc != LU_OK) {
                return rc;
            }
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_builds_touch(const cJSON *builds, const cJSON *object, const char *key,
    const char *at)
{
    cJSON     *build;
    lu_str_t   id, last;

    build = (lu_json_string(object, key, &id) == LU_OK)
            ? lu_json_find(builds, "id", (char *) id.data) : NULL;

    if (build == NULL
        || (lu_json_string(build, "updatedAt", &last) == LU_OK
            && strcmp((char *) last.data, at) >= 0))
    {
        return LU_OK;
    }

    return lu_json_set_string(build, "updatedAt", at);
}


/*
 * If a newer release is for everyone already, the older one is for those who
 * ask for a manifest that the newer one does not have, also where it was taken
 * back when its plan was given.
 */

static lu_rc_e
lu_builds_end(cJSON *app, cJSON *rule, const char *now, lu_error_t *err)
{
    cJSON        *build;
    lu_rc_e       rc;
    lu_str_t      id;
    const cJSON  *builds, *releases;

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    if (!lu_growth_settle(rule, lu_json_get(app, "freezes"), now)) {
        return LU_NOMEM;
    }

    if (lu_growth_share(rule) < 1
        || lu_json_get(rule, "expires")
        || lu_json_string(rule, "buildId", &id) != LU_OK
        || !lu_builds_is_plain(rule, (char *) id.data))
    {
        return LU_OK;
    }

    build = lu_json_find(builds, "id", (char *) id.data);

    if (build == NULL) {
        return LU_OK;
    }

    /* the rule goes, and its id with it */

    cJSON_DetachItemViaPointer(lu_json_get(releases, "releaseRedirections"),
                               rule);

    if (lu_builds_is_older(builds, (char *) id.data, lu_builds_latest(app))) {
        rc = lu_builds_was_latest(build);

        if (rc == LU_OK) {
            rc = lu_pin_fill(app, (char *) id.data, err);
        }

    } else {
        rc = lu_builds_rollout(app, (char *) id.data, 1, err);
    }

    cJSON_Delete(rule);

    return rc;
}


/*
 * Rollouts that promotions have made of older releases end when a newer one is
 * for everyone: what is behind the latest release in the rules would go on
 * giving the older one to a share.  One of which the newer release does not
 * have all manifests goes on.
 */

static void
lu_builds_older_delete(cJSON *app, const char *id)
{
    cJSON        *item, *next, *redirections;
    lu_str_t      other;
    const cJSON  *build, *older, *builds;

    builds = lu_json_get(app, "desktopBuilds");
    build = lu_json_find(builds, "id", id);

    redirections = lu_json_get(lu_json_get(app, "desktopReleases"),
                               "releaseRedirections");

    for (item = redirections ? redirections->child : NULL; item; item = next) {
        next = item->next;

        if (lu_json_string(item, "buildId", &other) != LU_OK
            || !lu_builds_is_plain(item, (char *) other.data)
            || !lu_builds_is_older(builds, (char *) other.data, id))
        {
            continue;
        }

        older = lu_json_find(builds, "id", (char *) other.data);

        if (lu_builds_covers(build, older)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }
}


/* 1 if the release was promoted before the other one. */

static int
lu_builds_is_older(const cJSON *builds, const char *id, const char *other)
{
    lu_str_t      value;
    const cJSON  *build;

    build = lu_json_find(builds, "id", id);

    if (build == NULL || other == NULL) {
        return 0;
    }

    for (build = build->next; build; build = build->next) {
        if (lu_json_string(build, "id", &value) == LU_OK
            && lu_str_is(&value, other))
        {
            return 1;
        }
    }

    return 0;
}


/* It is known of both what manifests they have. */

static int
lu_builds_covers(const cJSON *build, const cJSON *older)
{
    lu_str_t      name;
    const cJSON  *item, *names;

    names = lu_json_get(older, "manifests");

    if (!cJSON_IsArray(names)
        || !cJSON_IsArray(lu_json_get(build, "manifests")))
    {
        return 0;
    }

    cJSON_ArrayForEach(item, names) {

        if (lu_json_value(item, &name) != LU_OK
            || !lu_pin_has(build, (char *) name.data))
        {
            return 0;
        }
    }

    return 1;
}


lu_rc_e
lu_builds_grow(cJSON *app, const char *id, lu_growth_e action,
    const cJSON *why, const char *by, const char *now, lu_error_t *err)
{
    size_t        n;
    cJSON        *item;
    lu_rc_e       rc;
    const cJSON  *releases;

    n = 0;
    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {

        if (!lu_builds_is_rollout(item, id)) {
            continue;
        }

        n++;

        rc = lu_growth_act(item, action, why, lu_json_get(app, "freezes"), by,
                           now, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (n == 0) {
        (void) lu_error(err, NULL, "The release is not rolled out to a share "
                                   "of the installations: it has no rule "
                                   "\"buildByRollout\".");
        return LU_CONFLICT;
    }

    return LU_OK;
}


cJSON *
lu_builds_find(const cJSON *app, const char *id)
{
    return lu_json_find(lu_json_get(app, "desktopBuilds"), "id", id);
}


cJSON *
lu_builds_share(const cJSON *app, const char *id)
{
    cJSON        *item;
    const cJSON  *releases;

    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {
        if (lu_builds_is_rollout(item, id)) {
            return item;
        }
    }

    return NULL;
}


static int
lu_builds_is_rollout(const cJSON *rule, const char *id)
{
    lu_str_t  value;

    return lu_json_string(rule, "rule", &value) == LU_OK
           && lu_str_is(&value, "buildByRollout")
           && lu_json_string(rule, "buildId", &value) == LU_OK
           && lu_str_is(&value, id);
}


/* One that promotions have made, and change. */

static int
lu_builds_is_plain(const cJSON *rule, const char *id)
{
    return lu_builds_is_rollout(rule, id)
           && !cJSON_IsArray(lu_json_get(rule, "platforms"))
           && !cJSON_IsArray(lu_json_get(rule, "channels"))
           && !cJSON_IsArray(lu_json_get(rule, "archs"));
}


static cJSON *
lu_builds_plain(const cJSON *app, const char *id)
{
    cJSON        *item;
    const cJSON  *releases;

    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {
        if (lu_builds_is_plain(item, id)) {
            break;
        }
    }

    return item;
}


static void
lu_builds_rollouts_delete(cJSON *redirections, const char *id)
{
    cJSON  *item, *next;

    for (item = redirections->child; item; item = next) {
        next = item->next;

        if (lu_builds_is_plain(item, id)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(redirections, item));
        }
    }
}


static lu_rc_e
lu_builds_rollout_add(cJSON *redirections, const char *id, double rollout)
{
    cJSON    *item;
    double    percentage;
    lu_put_t  put;

    /* 0.07 * 100 is not 7 */

    percentage = (double) (int64_t) (rollout * 1e8 + 0.5) / 1e6;

    lu_put_init(&put);

    item = lu_put_object(&put, redirections, NULL);

    lu_put_string(&put, item, "rule", "buildByRollout");
    lu_put_string(&put, item, "buildId", id);
    lu_put_number(&put, item, "percentage", percentage);

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_builds_set_rules(cJSON *app, const cJSON *rules, const char *now,
    const lu_arena_t *arena, lu_error_t *err)
{
    cJSON             *releases;
    lu_rc_e            rc;
    lu_desktop_t       desktop;
    lu_builds_size_t   before;

    lu_builds_measure(lu_json_get(app, "desktopReleases"), &before);

    rc = lu_builds_fit(&before, rules, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_desktop_parse(arena, NULL, rules, &desktop, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_builds_rules_check(app, rules, arena, err);
    if (rc != LU_OK) {
        return rc;
    }

    releases = lu_builds_member(app, "desktopReleases", cJSON_CreateObject);
    if (releases == NULL) {
        return LU_NOMEM;
    }

    rc = lu_builds_latest_set(app, rules, err);

    if (rc == LU_OK) {
        rc = lu_builds_redirect(app, rules, now, err);
    }

    if (rc == LU_OK) {
        rc = lu_builds_latest_mark(app);
    }

    /* who has seen a plan before its end may send it after that */

    return rc == LU_OK ? lu_builds_settle(app, now, err) : rc;
}


/* Plans of rules that stay go on where they were. */

static lu_rc_e
lu_builds_redirect(cJSON *app, const cJSON *rules, const char *now,
    lu_error_t *err)
{
    cJSON    *rule, *was, *releases;
    lu_rc_e   rc;

    releases = lu_json_get(app, "desktopReleases");

    was = cJSON_DetachItemFromObjectCaseSensitive(releases,
                                                  "releaseRedirections");

    rc = lu_builds_copy(releases, rules, "releaseRedirections");

    cJSON_ArrayForEach(rule, lu_json_get(releases, "releaseRedirections")) {

        if (rc == LU_OK) {
            rc = lu_growth_replace(rule, lu_builds_rule_before(was, rule),
                                   lu_json_get(app, "freezes"), now, err);
        }
    }

    cJSON_Delete(was);

    return rc;
}


/* The rule that had the place of this one, or NULL. */

static const cJSON *
lu_builds_rule_before(const cJSON *was, const cJSON *rule)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, was) {

        if (lu_builds_is_same(item, rule, "rule")
            && lu_builds_is_same(item, rule, "buildId")
            && lu_builds_is_same(item, rule, "platforms")
            && lu_builds_is_same(item, rule, "channels")
            && lu_builds_is_same(item, rule, "archs"))
        {
            return item;
        }
    }

    return NULL;
}


static int
lu_builds_is_same(const cJSON *one, const cJSON *two, const char *key)
{
    const cJSON  *a, *b;

    a = lu_json_get(one, key);
    b = lu_json_get(two, key);

    return (a == NULL && b == NULL) || cJSON_Compare(a, b, 1);
}


lu_rc_e
lu_builds_rules_fit(const cJSON *rules, lu_error_t *err)
{
    lu_builds_size_t  none;

    memset(&none, 0, sizeof(lu_builds_size_t));

    return lu_builds_fit(&none, rules, err);
}


/* Rules that were there before there was a limit may stay, but not grow. */

static lu_rc_e
lu_builds_fit(const lu_builds_size_t *before, const cJSON *rules,
    lu_error_t *err)
{
    lu_builds_size_t  size;

    lu_builds_measure(rules, &size);

    if (size.rules > LU_LIMIT_RULES && size.rules > before->rules) {
        return lu_error(err, NULL,
                        "\"releaseRedirections\" must have at most "
                        lu_value(LU_LIMIT_RULES) " rules");
    }

    if (size.rollouts > LU_LIMIT_ROLLOUTS
        && size.rollouts > before->rollouts)
    {
        return lu_error(err, NULL,
                        "\"releaseRedirections\" must have at most "
                        lu_value(LU_LIMIT_ROLLOUTS)
                        " rules \"buildByRollout\"");
    }

    if (size.addresses > LU_LIMIT_ADDRESSES
        && size.addresses > before->addresses)
    {
        return lu_error(err, NULL,
                        "\"releaseRedirections\" must have at most "
                        lu_value(LU_LIMIT_ADDRESSES)
                        " addresses in all \"ipList\" together");
    }

    return LU_OK;
}


static void
lu_builds_measure(const cJSON *rules, lu_builds_size_t *size)
{
    lu_str_t      name;
    const cJSON  *item;

    memset(size, 0, sizeof(lu_builds_size_t));

    cJSON_ArrayForEach(item, lu_json_get(rules, "releaseRedirections")) {
        size->rules++;
        size->addresses += (size_t) cJSON_GetArraySize(lu_json_get(item,
                                                                   "ipList"));

        if (lu_json_string(item, "rule", &name) == LU_OK
            && lu_str_is(&name, "buildByRollout"))
        {
            size->rollouts++;
        }
    }
}


static lu_rc_e
lu_builds_rules_check(const cJSON *app, const cJSON *rules,
    const lu_arena_t *arena, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *builds, *item;

    builds = lu_json_get(app, "desktopBuilds");

    rc = lu_builds_rule_check(builds, rules, "latestReleaseBuildId", arena,
                              err);

    cJSON_ArrayForEach(item, lu_json_get(rules, "releaseRedirections")) {
        if (rc != LU_OK) {
            break;
        }

        rc = lu_builds_rule_check(builds, item, "buildId", arena, err);
    }

    return rc;
}


/* The reason must outlive the rules, so that its subject is copied. */

static lu_rc_e
lu_builds_rule_check(const cJSON *builds, const cJSON *rule, const char *key,
    const lu_arena_t *arena, lu_error_t *err)
{
    lu_str_t  id;

    if (lu_builds_rule_holds(builds, rule, key)) {
        return LU_OK;
    }

    (void) lu_json_string(rule, key, &id);

    id = lu_str_dup(arena, id.data, id.len);
    if (id.data == NULL) {
        return LU_NOMEM;
    }

    return lu_error(err, &id, "is not a released build");
}


/* 1 if the rule names no build, or one that is released. */

static int
lu_builds_rule_holds(const cJSON *builds, const cJSON *rule, const char *key)
{
    lu_str_t  id;

    return lu_json_string(rule, key, &id) != LU_OK
           || lu_json_find(builds, "id", (char *) id.data);
}


const char *
lu_builds_latest(const cJSON *app)
{
    lu_str_t  id;

    if (lu_json_string(lu_json_get(app, "desktopReleases"),
                       "latestReleaseBuildId", &id)
        != LU_OK)
    {
        return NULL;
    }

    return (char *) id.data;
}


/* Rules that name the same release as before leave what was rolled back. */

static lu_rc_e
lu_builds_latest_set(cJSON *app, const cJSON *rules, lu_error_t *err)
{
    lu_rc_e      rc;
    lu_str_t     id;
    const char  *latest;

    if (lu_json_string(rules, "latestReleaseBuildId", &id) != LU_OK) {

        rc = lu_pin_latest(app, NULL, err);

        cJSON_DeleteItemFromObjectCaseSensitive(
                                    lu_json_get(app, "desktopReleases"),
                                    "latestReleaseBuildId");
        return rc;
    }

    latest = lu_builds_latest(app);

    if (latest && lu_str_is(&id, latest)) {
        return LU_OK;
    }

    return lu_pin_latest(app, (char *) id.data, err);
}


/*
 * Notes that the latest release was for everyone, so that everyone may get it
 * again.
 */

static lu_rc_e
lu_builds_latest_mark(cJSON *app)
{
    cJSON       *build;
    const char  *latest;

    latest = lu_builds_latest(app);

    if (latest == NULL) {
        return LU_OK;
    }

    build = lu_json_find(lu_json_get(app, "desktopBuilds"), "id", latest);

    return build ? lu_builds_was_latest(build) : LU_OK;
}


static lu_rc_e
lu_builds_was_latest(cJSON *build)
{
    if (cJSON_HasObjectItem(build, "wasLatest")) {
        return LU_OK;
    }

    return cJSON_AddTrueToObject(build, "wasLatest") ? LU_OK : LU_NOMEM;
}


static lu_rc_e
lu_builds_copy(cJSON *to, const cJSON *from, const char *key)
{
    cJSON   *copy, *item;
    lu_rc_e  rc;

    copy = lu_builds_rules(from);
    if (copy == NULL) {
        return LU_NOMEM;
    }

    item = cJSON_DetachItemFromObjectCaseSensitive(copy, key);

    rc = item ? lu_json_set(to, key, item) : LU_OK;

    cJSON_Delete(copy);

    return rc;
}


/*
 * Member by member: what a stranger has written, at any depth and with any
 * number, must not decide whether the app can be read again.
 */

cJSON *
lu_builds_rules(const cJSON *rules)
{
    cJSON        *copy, *list;
    lu_put_t      put;
    lu_str_t      id;
    const cJSON  *item, *redirections;

    lu_put_init(&put);

    copy = cJSON_CreateObject();

    if (lu_json_string(rules, "latestReleaseBuildId", &id) == LU_OK) {
        lu_put_str(&put, copy, "latestReleaseBuildId", &id);
    }

    redirections = lu_json_get(rules, "releaseRedirections");

    if (cJSON_IsArray(redirections)) {
        list = lu_put_array(&put, copy, "releaseRedirections");

        cJSON_ArrayForEach(item, redirections) {
            lu_builds_copy_rule(&put, list, item);
        }
    }

    return lu_put_done(&put, copy);
}


static void
lu_builds_copy_rule(lu_put_t *put, cJSON *list, const cJSON *rule)
{
    int       i;
    cJSON    *copy;
    double    percentage;
    lu_str_t  value;

    static const char  *strings[] = { "rule", "buildId", "feedUrl", NULL };

    if (!cJSON_IsObject(rule)) {
        return;
    }

    copy = lu_put_object(put, list, NULL);

    for (i = 0; strings[i]; i++) {
        if (lu_json_string(rule, strings[i], &value) == LU_OK) {
            lu_put_str(put, copy, strings[i], &value);
        }
    }

    lu_builds_copy_strings(put, copy, rule, "ipList");
    lu_builds_copy_strings(put, copy, rule, "platforms");
    lu_builds_copy_strings(put, copy, rule, "channels");
    lu_builds_copy_strings(put, copy, rule, "archs");

    if (lu_json_number(rule, "percentage", &percentage) == LU_OK
        && percentage >= 0
        && percentage <= 100)
    {
        lu_put_number(put, copy, "percentage", percentage);
    }

    lu_growth_copy(put, copy, rule);
}


static void
lu_builds_copy_strings(lu_put_t *put, cJSON *to, const cJSON *from,
    const char *key)
{
    cJSON        *list;
    lu_str_t      value;
    const cJSON  *item, *strings;

    strings = lu_json_get(from, key);

    if (!cJSON_IsArray(strings)) {
        return;
    }

    list = lu_put_array(put, to, key);

    cJSON_ArrayForEach(item, strings) {
        if (lu_json_value(item, &value) == LU_OK) {
            lu_put_str(put, list, NULL, &value);
        }
    }
}


static cJSON *
lu_builds_member(cJSON *object, const char *key, cJSON *(*create)(void))
{
    cJSON  *member;

    member = lu_json_get(object, key);
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
