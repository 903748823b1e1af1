
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Hex digits (RFC 4648, section 8), of which two make a byte.
 */


#ifndef _LU_HEX_H_INCLUDED_
#define _LU_HEX_H_INCLUDED_


#include "lu_str.h"


/* The value of a digit of either case, 0 to 15; -1: it is none. */

int lu_hex_value(unsigned char c);

/* The byte that the two digits at p make; -1: one of them is none. */

int lu_hex_byte(const unsigned char *p);

/*
 * Decodes 2 * n digits of either case to n bytes.  Returns 1, or 0 if one of
 * them is none; then a part of dst may have been written.
 */

int lu_hex_decode(unsigned char *dst, const unsigned char *hex, size_t n);

/* Writes 2 * n lower-case digits to dst; they are not terminated. */

void lu_hex_encode(char *dst, const unsigned char *bytes, size_t n);

/* Writes "%XX", with upper-case digits, to p, and returns the end of it. */

unsigned char *lu_hex_percent(unsigned char *p, unsigned char c);

/* 1 if the string is nothing but lower-case digits, as many as that. */

int lu_hex_lower_valid(const lu_str_t *hex, size_t n);


#endif /* _LU_HEX_H_INCLUDED_ */
