
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Links to the files of a release that waits for approval, for people without a
 * token: a key opens one release, and only for a while.
 */


#ifndef _LU_LINK_H_INCLUDED_
#define _LU_LINK_H_INCLUDED_


#include <time.h>

#include "lu_str.h"


/* in an app.json, as hex digits, and its bytes */

#define LU_LINK_MEMBER  "linkSecret"
#define LU_LINK_SECRET  32

/* of a key with its terminating zero */

#define LU_LINK_SIZE    96

/* for how long a link may be good, seconds */

#define LU_LINK_MIN     60
#define LU_LINK_MAX     (7 * 86400)


typedef enum {
    LU_LINK_OK = 0,
    LU_LINK_WRONG,
    LU_LINK_EXPIRED
} lu_link_e;


/*
 * Writes the key of a release into a buffer of LU_LINK_SIZE bytes:
 * "{expires}.{HMAC-SHA256 of that and of the release, in hex}".  expires is in
 * seconds since 1970, and above 0.  The secret is that of the app.
 */

void lu_link_key(char *key, const lu_str_t *secret, const lu_str_t *release,
    time_t expires);

/* Compares in constant time.  An empty secret opens nothing. */

lu_link_e lu_link_check(const lu_str_t *key, const lu_str_t *secret,
    const lu_str_t *release, time_t now);


#endif /* _LU_LINK_H_INCLUDED_ */
