
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_sha256.h"


void
lu_sha256_init(lu_sha256_t *sha256)
{
    sha256->size = 0;

    (void) SHA256_Init(&sha256->ctx);
}


void
lu_sha256_update(lu_sha256_t *sha256, const void *data, size_t len)
{
    sha256->size += len;

    (void) SHA256_Update(&sha256->ctx, data, len);
}


void
lu_sha256_final(lu_sha256_t *sha256,
    unsigned char digest[SHA256_DIGEST_LENGTH])
{
    (void) SHA256_Final(digest, &sha256->ctx);
}


void
lu_sha256_hex(lu_sha256_t *sha256, char hex[LU_SHA256_HEX + 1])
{
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    lu_sha256_final(sha256, digest);
    lu_hex_encode(hex, digest, SHA256_DIGEST_LENGTH);

    hex[LU_SHA256_HEX] = '\0';
}


int
lu_sha256_hex_valid(const lu_str_t *hex)
{
    return lu_hex_lower_valid(hex, LU_SHA256_HEX);
}
