
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which release is the latest one of each manifest, in the tree of an app.json.
 *
 * Without a pin, it is the newest one that has the manifest among
 * "latestReleaseBuildId" and the releases listed before it that were for
 * everyone once.  A pin, a member of "manifests" of "desktopReleases", says
 * otherwise: the id of a release, or null for none.  Pins come of rollbacks and
 * go with the next release that has the manifest.
 *
 * If a call does not return LU_OK, the tree may be half changed and must be
 * thrown away.
 */


#ifndef _LU_PIN_H_INCLUDED_
#define _LU_PIN_H_INCLUDED_


#include "lu_platform.h"


/* What is taken back of a release. */

typedef struct {
    const char        *channel;         /* NULL: all channels */
    unsigned           platforms;       /* 0: all platforms */
    const cJSON       *archs;           /* a list, as of rules; NULL: all */
} lu_pin_scope_t;


/* The release that everyone gets for a manifest, a part of the app; or NULL. */

const cJSON *lu_pin_release(const cJSON *app, const char *manifest);

/*
 * 1 if the build has the manifest.  One of which nobody knows what it has may
 * have it.
 */

int lu_pin_has(const cJSON *build, const char *manifest);

/*
 * Makes a released build the latest of all manifests that it has, or, with
 * NULL, makes all manifests have none.  Those that it does not have stay where
 * they are.  LU_OK, LU_NOMEM, or LU_CONFLICT: the app has all the pins that it
 * can have.
 */

lu_rc_e lu_pin_latest(cJSON *app, const char *id, lu_error_t *err);

/*
 * Gives a released build that is not the latest one, and was for everyone once,
 * those of its manifests that have none or an older one.  Results as above.
 */

lu_rc_e lu_pin_fill(cJSON *app, const char *id, lu_error_t *err);

/*
 * Takes a release back: everyone gets the one before it for each manifest in
 * the scope for which it is the latest, or nothing.  *before is the newest of
 * those that take its place, a part of the app; NULL: there is none.  Results
 * as above.
 */

lu_rc_e lu_pin_back(cJSON *app, const char *id, const lu_pin_scope_t *scope,
    const cJSON **before, lu_error_t *err);

/* The newest release that is the latest of a manifest in the scope, or NULL. */

const cJSON *lu_pin_newest(const cJSON *app, const lu_pin_scope_t *scope);

/* 1 if the build, a part of the app, is the latest of one in the scope. */

int lu_pin_is_latest(const cJSON *app, const cJSON *build,
    const lu_pin_scope_t *scope);


#endif /* _LU_PIN_H_INCLUDED_ */
