
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _LU_SHA256_H_INCLUDED_
#define _LU_SHA256_H_INCLUDED_


/*
 * OpenSSL's EVP allocates, can fail, and looks the algorithm up each time,
 * which takes longer than to hash a line.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include "lu_str.h"


#define LU_SHA256_HEX  (2 * SHA256_DIGEST_LENGTH)


/* SHA-256 (FIPS 180-4) of what is fed, and how many bytes that were. */

typedef struct {
    SHA256_CTX   ctx;
    uint64_t     size;
} lu_sha256_t;


void lu_sha256_init(lu_sha256_t *sha256);
void lu_sha256_update(lu_sha256_t *sha256, const void *data, size_t len);

/* The digest's bytes, or a terminated string of 64 lower-case hex digits. */

void lu_sha256_final(lu_sha256_t *sha256,
    unsigned char digest[SHA256_DIGEST_LENGTH]);
void lu_sha256_hex(lu_sha256_t *sha256, char hex[LU_SHA256_HEX + 1]);

/* 1 if the string is 64 lower-case hex digits. */

int lu_sha256_hex_valid(const lu_str_t *hex);


#endif /* _LU_SHA256_H_INCLUDED_ */
