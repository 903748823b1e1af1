
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * HMAC-SHA256 (RFC 2104) of a body that comes in pieces, with one of several
 * secrets: all of them are computed and compared, in constant time.
 */


#ifndef _LU_HMAC_H_INCLUDED_
#define _LU_HMAC_H_INCLUDED_


#include "lu_str.h"


#define LU_HMAC_SIZE  32


typedef struct lu_hmac_s  lu_hmac_t;


/*
 * Starts with the n secrets, of which nothing is kept; empty ones do not
 * count.  In the arena; NULL if that is exhausted.
 */

lu_hmac_t *lu_hmac_create(const lu_arena_t *arena, const lu_str_t *secrets,
    size_t n);

/* Takes the next bytes of the body. */

void lu_hmac_update(lu_hmac_t *hmac, const void *data, size_t len);

/*
 * 1 if the signature is 64 hex digits of either case, and right for one of
 * the secrets.  prefix is what must stand before the digits: "" (ToDesktop)
 * or "sha256=" (GitHub).
 */

int lu_hmac_verify(lu_hmac_t *hmac, const lu_str_t *signature,
    const char *prefix);

/* The HMAC of a text that is there as a whole; the secret may be empty. */

void lu_hmac_of(const lu_str_t *secret, const void *data, size_t len,
    unsigned char digest[LU_HMAC_SIZE]);


#endif /* _LU_HMAC_H_INCLUDED_ */
