
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * ToDesktop's release webhook: its signature and its body.
 */


#ifndef _LU_WEBHOOK_H_INCLUDED_
#define _LU_WEBHOOK_H_INCLUDED_


#include "lu_json.h"


#define LU_HMAC_SIZE  32


/*
 * HMAC-SHA256 (RFC 2104) of a body that comes in pieces, with one of several
 * secrets: all of them are computed and compared, in constant time.
 */

typedef struct lu_hmac_s  lu_hmac_t;

/* NULL: out of memory. */

lu_hmac_t *lu_hmac_create(const lu_arena_t *arena, const lu_str_t *secrets,
    size_t n);
void lu_hmac_update(lu_hmac_t *hmac, const void *data, size_t len);

/*
 * 1 if the signature is 64 hex digits of either case, and right.  prefix is
 * what must stand before it: "" (ToDesktop) or "sha256=" (GitHub).
 */

int lu_hmac_verify(lu_hmac_t *hmac, const lu_str_t *signature,
    const char *prefix);


/* What is missing or null in the body is empty. */

typedef struct {
    lu_str_t            app_id;
    lu_str_t            build_id;
    lu_str_t            app_name;
    lu_str_t            app_version;
    lu_str_t            user_id;
    lu_str_t            started;          /* buildStartedAt */
    lu_str_t            ended;
    lu_str_t            electron;         /* electronVersionUsed */
    lu_str_t            commit;
    lu_str_t            commit_message;
    lu_str_t            branch;
    lu_str_t            remote;
    const cJSON        *release_info;     /* an object, or NULL */
} lu_webhook_t;


/*
 * The strings and the object are parts of the tree.  LU_INVALID: no
 * appId or buildId that is a valid id, a member of another type than it must
 * be, or releaseInfo whose rules are not right (lu_desktop_parse()).
 */

lu_rc_e lu_webhook_parse(const lu_arena_t *arena, const cJSON *body,
    lu_webhook_t *webhook, lu_error_t *err);


#endif /* _LU_WEBHOOK_H_INCLUDED_ */
