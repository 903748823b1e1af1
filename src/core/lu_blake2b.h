
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * BLAKE2b without a key (RFC 7693), incrementally.  OpenSSL has it for digests
 * of 64 bytes only: those of other sizes are others.
 */


#ifndef _LU_BLAKE2B_H_INCLUDED_
#define _LU_BLAKE2B_H_INCLUDED_


#include "lu_str.h"


#define LU_BLAKE2B_BLOCK  128


typedef struct {
    uint64_t        h[8];
    uint64_t        size;                       /* bytes hashed so far */
    unsigned char   buf[LU_BLAKE2B_BLOCK];
    size_t          len;                        /* bytes in buf */
    size_t          out;
} lu_blake2b_t;


/* "out" is the size of the digest: 1 to 64 bytes. */

void lu_blake2b_init(lu_blake2b_t *blake2b, size_t out);
void lu_blake2b_update(lu_blake2b_t *blake2b, const void *data, size_t len);
void lu_blake2b_final(lu_blake2b_t *blake2b, unsigned char *digest);


#endif /* _LU_BLAKE2B_H_INCLUDED_ */
