
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of an app's desktop releases, as lu_change.h has them for
 * channels: "desktopBuilds" and "desktopReleases" of the app.json, with the
 * fields of desktop-builds.json and desktop-releases.json.
 */


#ifndef _LU_BUILDS_H_INCLUDED_
#define _LU_BUILDS_H_INCLUDED_


#include "lu_json.h"


/*
 * A build becomes a part of the feed; release_info (or NULL) says which one
 * is the latest then, and the redirections, where they are given and are about
 * builds that are released.  If the build is there already, nothing is
 * changed: the request was repeated.  "Before" a build, below, is what was
 * released before it, and was the latest once: what only a part had is not
 * given to all.
 */

lu_rc_e lu_builds_release(cJSON *app, const char *id, const char *version,
    const cJSON *release_info, const char *now, lu_error_t *err);

/*
 * Takes a build out: its redirections go, and if it was the latest then the
 * one before it is.  LU_NOT_FOUND.
 */

lu_rc_e lu_builds_withdraw(cJSON *app, const char *id, lu_error_t *err);

/*
 * Makes the build the latest that was released so many steps before the one
 * that is.  *id points into the app.  LU_NOT_FOUND: there is none.
 */

lu_rc_e lu_builds_rollback(cJSON *app, unsigned steps, const char **id,
    lu_error_t *err);

/*
 * Gives a released build to a part of the installations, from 0 to 1: to all
 * as the latest, to none, or by a rule "buildByRollout" behind the others.
 * Such a rule that it has already goes, unless it is for some platforms only.
 * If the build was the latest and is not to be for all, then the one before
 * it is the latest.  LU_NOT_FOUND: the build is not released;
 * LU_INVALID.
 */

lu_rc_e lu_builds_rollout(cJSON *app, const char *id, double rollout,
    lu_error_t *err);

/*
 * Replaces latestReleaseBuildId and releaseRedirections.  Refused with the
 * reason: what lu_desktop_parse() refuses, and builds that are not
 * released.
 */

lu_rc_e lu_builds_set_rules(cJSON *app, const cJSON *rules,
    const lu_arena_t *arena, lu_error_t *err);

/* The latest build's id, or NULL; points into the app. */

const char *lu_builds_latest(const cJSON *app);


#endif /* _LU_BUILDS_H_INCLUDED_ */
