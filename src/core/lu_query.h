
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Query strings as the clients send them (RFC 3986, section 3.4): pairs in any
 * order, names without "=", and "+" for a plus (the plugins) or for a space
 * (URLSearchParams).
 */


#ifndef _LU_QUERY_H_INCLUDED_
#define _LU_QUERY_H_INCLUDED_


#include "lu_error.h"


/*
 * Takes the next pair from the front of *rest.  Name and value point into it
 * and are still encoded; a name without "=" has an empty value.  Empty pairs
 * ("&&") are skipped.  Returns 1, or 0 at the end.
 */

int lu_query_next(lu_str_t *rest, lu_str_t *name, lu_str_t *value);

/*
 * The values of n names, for a query whose pairs are expected in the order of
 * the names, which costs least; in another order all are found, too.  Values
 * point into the query, and are still encoded.  Of several pairs of one name,
 * the first that is not empty counts; without one, the value is empty.
 */

void lu_query_values(const lu_str_t *args, const lu_str_t *names, size_t n,
    lu_str_t *values);

/*
 * Finds the first pair of a name, which is ASCII and not encoded, but may be
 * encoded in args.  Returns 1 with the value, still encoded, or 0 with an empty
 * one.
 */

int lu_query_find(const lu_str_t *args, const char *name, lu_str_t *value);

/*
 * Decodes "%XX" and, if plus_is_space is set, "+".  dst must have room for
 * src->len bytes and may be src->data.  LU_OK with dst as *out, or LU_INVALID:
 * a "%" without two hex digits, or a NUL.
 */

lu_rc_e lu_query_decode(lu_str_t *out, unsigned char *dst, const lu_str_t *src,
    int plus_is_space);

/*
 * The number of the first pair of that name: decimal digits, INT64_MAX at most.
 * LU_OK, LU_NOT_FOUND, or LU_INVALID if it is no such number.
 */

lu_rc_e lu_query_number(const lu_str_t *args, const char *name, uint64_t *n);


#endif /* _LU_QUERY_H_INCLUDED_ */
