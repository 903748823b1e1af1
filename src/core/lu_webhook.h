
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * ToDesktop's release webhook: its signature and its body.
 */


#ifndef _LIVEUPDATE_WEBHOOK_H_INCLUDED_
#define _LIVEUPDATE_WEBHOOK_H_INCLUDED_


#include "lu_json.h"


#define LIVEUPDATE_HMAC_SIZE  32


/*
 * HMAC-SHA256 (RFC 2104) of a body that comes in pieces, with one of several
 * secrets: all of them are computed and compared, in constant time.
 */

typedef struct liveupdate_hmac_s  liveupdate_hmac_t;

/* NULL: out of memory. */

liveupdate_hmac_t *liveupdate_hmac_create(const liveupdate_arena_t *arena,
    const liveupdate_str_t *secrets, size_t n);
void liveupdate_hmac_update(liveupdate_hmac_t *hmac, const void *data,
    size_t len);

/*
 * 1 if the signature is 64 hex digits of either case, and right.  prefix is
 * what must stand before it: "" (ToDesktop) or "sha256=" (GitHub).
 */

int liveupdate_hmac_verify(liveupdate_hmac_t *hmac,
    const liveupdate_str_t *signature, const char *prefix);


/* What is missing or null in the body is empty. */

typedef struct {
    liveupdate_str_t    app_id;
    liveupdate_str_t    build_id;
    liveupdate_str_t    app_name;
    liveupdate_str_t    app_version;
    liveupdate_str_t    user_id;
    liveupdate_str_t    started;          /* buildStartedAt */
    liveupdate_str_t    ended;
    liveupdate_str_t    electron;         /* electronVersionUsed */
    liveupdate_str_t    commit;
    liveupdate_str_t    commit_message;
    liveupdate_str_t    branch;
    liveupdate_str_t    remote;
    const cJSON        *release_info;     /* an object, or NULL */
} liveupdate_webhook_t;


/*
 * The strings and the object are parts of the tree.  LIVEUPDATE_INVALID: no
 * appId or buildId that is a valid id, a member of another type than it must
 * be, or releaseInfo whose rules are not right (liveupdate_desktop_parse()).
 */

liveupdate_rc_e liveupdate_webhook_parse(const liveupdate_arena_t *arena,
    const cJSON *body, liveupdate_webhook_t *webhook,
    liveupdate_error_t *err);


#endif /* _LIVEUPDATE_WEBHOOK_H_INCLUDED_ */
