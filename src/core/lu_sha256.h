
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * SHA-256 (FIPS 180-4), incrementally.
 */


#ifndef _LU_SHA256_H_INCLUDED_
#define _LU_SHA256_H_INCLUDED_


/*
 * OpenSSL's EVP interface allocates memory, can fail, and looks the algorithm
 * up each time, which takes longer than the hashing of a short text.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include "lu_str.h"


#define LU_SHA256_HEX  (2 * SHA256_DIGEST_LENGTH)

/* of nothing */

#define LU_SHA256_EMPTY                                                       \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


typedef struct {
    SHA256_CTX   ctx;
    uint64_t     size;          /* bytes hashed so far */
} lu_sha256_t;


void lu_sha256_init(lu_sha256_t *sha256);
void lu_sha256_update(lu_sha256_t *sha256, const void *data, size_t len);

/* End with the digest, or with 64 lower-case hex digits, terminated. */

void lu_sha256_final(lu_sha256_t *sha256,
    unsigned char digest[SHA256_DIGEST_LENGTH]);
void lu_sha256_hex(lu_sha256_t *sha256, char hex[LU_SHA256_HEX + 1]);

/* 1 if the string is 64 lower-case hex digits. */

int lu_sha256_hex_valid(const lu_str_t *hex);


#endif /* _LU_SHA256_H_INCLUDED_ */
