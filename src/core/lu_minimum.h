
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is older must update: the "minimum" of a channel, and the
 * "minimumVersion" of a desktop app.
 *
 * The answer to a device's check says so in the custom properties, from which
 * the code of the app learns it: "mandatory" if the bundle that is offered has
 * to be installed, "mandatoryApp" if the app itself is too old, both with the
 * value "true".  electron-updater hands all members of an update manifest to
 * the app: a line with the version is added there.
 */


#ifndef _LU_MINIMUM_H_INCLUDED_
#define _LU_MINIMUM_H_INCLUDED_


#include "lu_put.h"


typedef struct {
    uint64_t                     bundle;        /* its number; 0: any will do */
    lu_str_t                     versions[2];   /* Android, iOS; empty: any */
} lu_minimum_t;


/* What a device misses, as bits. */

#define LU_MINIMUM_BUNDLE  1
#define LU_MINIMUM_APP     2
#define LU_MINIMUM_BOTH    (LU_MINIMUM_BUNDLE | LU_MINIMUM_APP)


/*
 * Reads a "minimum": "buildNumber", "androidAppVersionCode" and
 * "iosAppVersionCode", each of which may be missing or null.  The strings point
 * into the tree.  LU_OK, or LU_INVALID with the reason.
 */

lu_rc_e lu_minimum_parse(const cJSON *json, lu_minimum_t *minimum,
    lu_error_t *err);

/*
 * What a device misses that runs one bundle (an empty id: the built-in one) and
 * is offered another, or the same.  A bundle whose id tells no number is older
 * than any that has one.  Where the offered one is too old as well, it would
 * not help, and is not missed.  A text that is no version of the app misses
 * nothing.
 */

unsigned lu_minimum_misses(const lu_minimum_t *minimum, const lu_str_t *runs,
    const lu_str_t *offered, unsigned platform, const lu_str_t *version);

/* Puts them into an object of custom properties. */

void lu_minimum_put(lu_put_t *put, cJSON *properties, unsigned misses);

/*
 * Reads the "minimumVersion" of an object: *version is empty if there is none,
 * or points into the tree.  LU_OK, or LU_INVALID with the reason: electron's
 * updater would not read it, or it has more than LU_MINIMUM_VERSION bytes.
 */

#define LU_MINIMUM_VERSION  64

lu_rc_e lu_minimum_desktop(const cJSON *json, lu_str_t *version,
    lu_error_t *err);

/*
 * 1 if lu_minimum_line() may follow the text of an update manifest: it is read
 * without an error, ends where a line ends, and has no such member yet.
 */

int lu_minimum_may_follow(const lu_arena_t *arena, const lu_str_t *manifest);

/* Prints the line to p, of LU_MINIMUM_LINE bytes at most; returns its end. */

#define LU_MINIMUM_LINE  (sizeof("minimumVersion: \"\"\n") + LU_MINIMUM_VERSION)

unsigned char *lu_minimum_line(unsigned char *p, const lu_str_t *version);


#endif /* _LU_MINIMUM_H_INCLUDED_ */
