
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of an app's desktop releases, in the tree of its app.json:
 * "desktopBuilds" and "desktopReleases", with the fields of
 * desktop-builds.json and desktop-releases.json.  If a call does not return
 * LU_OK, the tree may be half changed and must be thrown away.  "now" is a
 * timestamp as lu_time_print() writes it.
 *
 * The release before a release, below, is the newest of those that were
 * released earlier and have been the latest once: what only a share of the
 * installations had is never given to all of them.
 */


#ifndef _LU_BUILDS_H_INCLUDED_
#define _LU_BUILDS_H_INCLUDED_


#include "lu_growth.h"
#include "lu_pin.h"


/*
 * Adds a build to the feed, with the names of its manifests as lu_offer_names()
 * returns them, which are copied; NULL: nobody knows them.  release_info (or
 * NULL) may have a new "latestReleaseBuildId" and new "releaseRedirections";
 * what it says about builds that are not released is ignored.  If the build is
 * released already, nothing changes: the request was repeated.  LU_INVALID;
 * LU_CONFLICT: the app has all the builds, rules or pins that it can have; or
 * LU_NOMEM.
 */

lu_rc_e lu_builds_release(cJSON *app, const char *id, const char *version,
    const cJSON *manifests, const cJSON *release_info, const char *now,
    lu_error_t *err);

/*
 * Removes a build from the feed, with its redirections.  If it was the latest
 * release, the release before it becomes the latest.  LU_NOT_FOUND: the build
 * is not released.
 */

lu_rc_e lu_builds_withdraw(cJSON *app, const char *id, lu_error_t *err);

/*
 * Makes an earlier release the latest: the one before it, for each step.  With
 * a scope, the newest release of the channel and platforms is taken back, and
 * there only.  *id is the release that takes its place, and points into the
 * app.  LU_NOT_FOUND: there are not so many.
 */

lu_rc_e lu_builds_rollback(cJSON *app, unsigned steps,
    const lu_pin_scope_t *scope, const char **id, lu_error_t *err);

/*
 * Gives a released build to a share of the installations, from 0 to 1: for 1
 * the build becomes the latest release, and the rules that promotions have made
 * for a share of older ones are removed, unless these have a manifest that the
 * build does not have; for less, except 0, it gets a rule "buildByRollout"
 * behind the others.  An earlier such rule is removed, unless it lists
 * platforms, channels or architectures.  If the build was the latest
 * and the share is below 1, the release before it becomes the latest.
 * LU_NOT_FOUND: the build is not released; LU_INVALID: the share is not from 0
 * to 1; LU_CONFLICT: the app has all the rules or pins that it can have, or the
 * rollout is halted: then only the share 0 is left.
 */

lu_rc_e lu_builds_rollout(cJSON *app, const char *id, double rollout,
    lu_error_t *err);

/*
 * Gives a released build to a share of the installations by such a rule, also
 * to all of them, with what is wanted: lu_growth_wanted().  LU_NOT_FOUND;
 * LU_INVALID; LU_CONFLICT.
 */

lu_rc_e lu_builds_plan(cJSON *app, const char *id, double rollout,
    const cJSON *wanted, const char *now, lu_error_t *err);

/*
 * A build whose plan has given it to all installations becomes the latest
 * release, in place of its rule, or, if a newer one is the latest, that of the
 * manifests that the newer one does not have: what a change of releases begins
 * with.  LU_OK, LU_CONFLICT or LU_NOMEM.
 */

lu_rc_e lu_builds_settle(cJSON *app, const char *now, lu_error_t *err);

/*
 * Acts on all rollouts of a build, those for platforms or channels included, as
 * lu_growth_act() does.  LU_CONFLICT: it has none, or none with a plan where
 * that is needed; LU_INVALID.
 */

lu_rc_e lu_builds_grow(cJSON *app, const char *id, lu_growth_e action,
    const cJSON *why, const char *by, const char *now, lu_error_t *err);

/*
 * The released build of an id, a part of the app, or NULL; and the first
 * rollout of a build, its rule "buildByRollout", or NULL.
 */

cJSON *lu_builds_find(const cJSON *app, const char *id);
cJSON *lu_builds_share(const cJSON *app, const char *id);

/*
 * Replaces "latestReleaseBuildId" and "releaseRedirections" by those of the
 * rules.  LU_INVALID with the reason: lu_desktop_parse() refuses them, or a
 * build is not released, or there are more than an app can have.  The subject
 * is in the arena.  Plans go on where they were: lu_growth_replace().
 */

lu_rc_e lu_builds_set_rules(cJSON *app, const cJSON *rules, const char *now,
    const lu_arena_t *arena, lu_error_t *err);

/*
 * LU_OK if the rules, which may come with a build, are not more than an app can
 * have; LU_INVALID with the reason.
 */

lu_rc_e lu_builds_rules_fit(const cJSON *rules, lu_error_t *err);

/*
 * A copy of rules, for cJSON_Delete(): "latestReleaseBuildId", and of each
 * redirection "rule", "buildId", "feedUrl", "ipList", "platforms", "channels",
 * "archs", "percentage" and what lu_pace.h describes, as far as they have the
 * right type; other members are left out.  NULL: no memory.
 */

cJSON *lu_builds_rules(const cJSON *rules);

/* The id of the latest release, a part of the app; or NULL. */

const char *lu_builds_latest(const cJSON *app);


#endif /* _LU_BUILDS_H_INCLUDED_ */
