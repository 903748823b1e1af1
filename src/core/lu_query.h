
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Query strings as the clients send them (RFC 3986, section 3.4): names
 * without "=", any order, "+" that means a plus for the plugins and a space
 * for URLSearchParams.
 */


#ifndef _LU_QUERY_H_INCLUDED_
#define _LU_QUERY_H_INCLUDED_


#include "lu_error.h"


/*
 * Takes the next pair from the front of *rest: name and value point into it,
 * still encoded; a bare name has an empty value.  Empty pairs ("&&") are
 * passed over.  Returns 1, or 0 at the end.
 */

int lu_query_next(lu_str_t *rest, lu_str_t *name, lu_str_t *value);

/*
 * The first pair of that (unencoded ASCII) name, whether or not it is encoded
 * in args; 1 if there is one, else 0 with an empty value.
 */

int lu_query_find(const lu_str_t *args, const char *name, lu_str_t *value);

/*
 * Decodes %XX, and "+" to a space where plus_is_space is set.  dst has room
 * for src->len bytes and may be src->data itself.  LU_INVALID: "%"
 * without two hex digits, or a decoded NUL.
 */

lu_rc_e lu_query_decode(lu_str_t *out, unsigned char *dst, const lu_str_t *src,
    int plus_is_space);


#endif /* _LU_QUERY_H_INCLUDED_ */
