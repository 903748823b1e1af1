
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_hmac.h"
#include "lu_sha256.h"

#include <openssl/crypto.h>


#define LU_HMAC_BLOCK  64


/* The two hashes, after the block of the key. */

typedef struct {
    lu_sha256_t      inner;
    lu_sha256_t      outer;
} lu_hmac_key_t;


struct lu_hmac_s {
    size_t           n;
    lu_hmac_key_t    keys[];
};


static void lu_hmac_key(lu_hmac_key_t *key, const lu_str_t *secret);
static void lu_hmac_digest(const lu_hmac_key_t *key,
    unsigned char digest[LU_HMAC_SIZE]);
static int lu_hmac_decode(const lu_str_t *signature, const char *prefix,
    unsigned char digest[LU_HMAC_SIZE]);


lu_hmac_t *
lu_hmac_create(const lu_arena_t *arena, const lu_str_t *secrets, size_t n)
{
    size_t      i;
    lu_hmac_t  *hmac;

    hmac = arena->alloc(arena->data, sizeof(lu_hmac_t)
                                     + n * sizeof(lu_hmac_key_t));
    if (hmac == NULL) {
        return NULL;
    }

    hmac->n = 0;

    for (i = 0; i < n; i++) {

        /* anyone can sign with an empty secret */

        if (secrets[i].len) {
            lu_hmac_key(&hmac->keys[hmac->n++], &secrets[i]);
        }
    }

    return hmac;
}


static void
lu_hmac_key(lu_hmac_key_t *key, const lu_str_t *secret)
{
    size_t         i;
    lu_sha256_t    sha256;
    unsigned char  block[LU_HMAC_BLOCK];

    memset(block, 0, LU_HMAC_BLOCK);

    if (secret->len > LU_HMAC_BLOCK) {
        lu_sha256_init(&sha256);
        lu_sha256_update(&sha256, secret->data, secret->len);
        lu_sha256_final(&sha256, block);

        OPENSSL_cleanse(&sha256, sizeof(lu_sha256_t));

    } else {
        memcpy(block, secret->data, secret->len);
    }

    for (i = 0; i < LU_HMAC_BLOCK; i++) {
        block[i] ^= 0x36;
    }

    lu_sha256_init(&key->inner);
    lu_sha256_update(&key->inner, block, LU_HMAC_BLOCK);

    for (i = 0; i < LU_HMAC_BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }

    lu_sha256_init(&key->outer);
    lu_sha256_update(&key->outer, block, LU_HMAC_BLOCK);

    OPENSSL_cleanse(block, LU_HMAC_BLOCK);
}


void
lu_hmac_update(lu_hmac_t *hmac, const void *data, size_t len)
{
    size_t  i;

    for (i = 0; i < hmac->n; i++) {
        lu_sha256_update(&hmac->keys[i].inner, data, len);
    }
}


int
lu_hmac_verify(lu_hmac_t *hmac, const lu_str_t *signature, const char *prefix)
{
    int            right;
    size_t         i;
    unsigned char  sent[LU_HMAC_SIZE], digest[LU_HMAC_SIZE];

    if (!lu_hmac_decode(signature, prefix, sent)) {
        return 0;
    }

    right = 0;

    for (i = 0; i < hmac->n; i++) {
        lu_hmac_digest(&hmac->keys[i], digest);

        right |= CRYPTO_memcmp(sent, digest, LU_HMAC_SIZE) == 0;
    }

    OPENSSL_cleanse(digest, LU_HMAC_SIZE);

    return right;
}


void
lu_hmac_of(const lu_str_t *secret, const void *data, size_t len,
    unsigned char digest[LU_HMAC_SIZE])
{
    lu_hmac_key_t  key;

    lu_hmac_key(&key, secret);
    lu_sha256_update(&key.inner, data, len);
    lu_hmac_digest(&key, digest);

    OPENSSL_cleanse(&key, sizeof(lu_hmac_key_t));
}


/* The hashes of the key are copied, so that more bytes can follow. */

static void
lu_hmac_digest(const lu_hmac_key_t *key, unsigned char digest[LU_HMAC_SIZE])
{
    lu_sha256_t  sha256;

    sha256 = key->inner;
    lu_sha256_final(&sha256, digest);

    sha256 = key->outer;
    lu_sha256_update(&sha256, digest, LU_HMAC_SIZE);
    lu_sha256_final(&sha256, digest);

    OPENSSL_cleanse(&sha256, sizeof(lu_sha256_t));
}


static int
lu_hmac_decode(const lu_str_t *signature, const char *prefix,
    unsigned char digest[LU_HMAC_SIZE])
{
    size_t  len;

    len = strlen(prefix);

    if (signature->len != len + 2 * LU_HMAC_SIZE
        || memcmp(signature->data, prefix, len) != 0)
    {
        return 0;
    }

    return lu_hex_decode(digest, signature->data + len, LU_HMAC_SIZE);
}
