
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How long the strings are that others may have stored, and how many things an
 * app can have.  Names, ids, addresses and versions have their limits where
 * they are checked.  docs/api.md has all limits.
 *
 * A limit is for what is new.  A store that has more stays readable, and only
 * what would make it grow is refused.
 */


#ifndef _LU_LIMIT_H_INCLUDED_
#define _LU_LIMIT_H_INCLUDED_


#include "lu_json.h"


/* In a store. */

#define LU_LIMIT_ORGANIZATIONS  1000

/* In an app: in live/, in staging/, and what its app.json has. */

#define LU_LIMIT_RELEASES       100000
#define LU_LIMIT_STAGED         10000
#define LU_LIMIT_CHANNELS       1000
#define LU_LIMIT_FORCED         10000
#define LU_LIMIT_BUILDS         10000

/* Of a bundle, with its manifest. */

#define LU_LIMIT_FILES          20001

/* Uploads in parts that are open, in an app. */

#define LU_LIMIT_UPLOADS        1000

/*
 * In all channels of an app.  If there are more, a channel keeps a shorter
 * history.
 */

#define LU_LIMIT_DEPLOYMENTS    20000

/*
 * Partial deployments in front of the newest one for everyone: in a channel,
 * where each one costs a check a SHA-256, and in all channels of an app, where
 * each one costs a file that is read whenever the app is loaded.
 */

#define LU_LIMIT_PARTIALS       50
#define LU_LIMIT_ALL_PARTIALS   1000

/*
 * Of a desktop app: rules; those of them by rollout; addresses in all rules;
 * manifests with a latest release of their own.
 */

#define LU_LIMIT_RULES          200
#define LU_LIMIT_ROLLOUTS       50
#define LU_LIMIT_ADDRESSES      1000
#define LU_LIMIT_PINS           1000


/*
 * The string of a member of a request, unless it is longer than the table
 * allows for a member of that name.  LU_OK; LU_NOT_FOUND: it is absent or null;
 * LU_INVALID with the reason, which names the member and its limit.
 */

lu_rc_e lu_limit_string(const cJSON *object, const char *member,
    lu_str_t *value, lu_error_t *err);

/*
 * Cuts a string to the limit of that member, between two characters, for those
 * whose senders cannot be told that it is too long.
 */

void lu_limit_cut(const char *member, lu_str_t *value);


#endif /* _LU_LIMIT_H_INCLUDED_ */
