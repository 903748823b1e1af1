
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A body that comes in two pieces has the signature that OpenSSL's HMAC gives
 * it, and no other.
 */


#include "fuzz.h"
#include "lu_hmac.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>


/* The secret is the data's front, the body the rest of it. */

static void
check_signature(const lu_arena_t *arena, const uint8_t *data, size_t size)
{
    char           hex[65];
    size_t         i, cut, half;
    unsigned       n;
    lu_str_t       secrets[2], signature, sent;
    lu_hmac_t     *hmac;
    unsigned char  digest[32];

    cut = 1 + data[0] % size;
    half = (size - cut) / 2;

    secrets[0].len = cut;
    secrets[0].data = (unsigned char *) data;
    secrets[1].len = 2;
    secrets[1].data = (unsigned char *) "no";

    n = 0;
    require(HMAC(EVP_sha256(), data, (int) cut, data + cut, size - cut,
                 digest, &n) != NULL && n == 32);

    for (i = 0; i < 32; i++) {
        (void) sprintf(hex + 2 * i, (data[size - 1] & 1) ? "%02x" : "%02X",
                       digest[i]);
    }

    hmac = lu_hmac_create(arena, secrets, 2);
    lu_hmac_update(hmac, data + cut, half);
    lu_hmac_update(hmac, data + cut + half, size - cut - half);

    signature.len = 64;
    signature.data = (unsigned char *) hex;
    require(lu_hmac_verify(hmac, &signature, ""));
    require(!lu_hmac_verify(hmac, &signature, "sha256="));

    /* what was fuzzed is a wrong one */

    sent.len = size;
    sent.data = (unsigned char *) data;
    require(!lu_hmac_verify(hmac, &sent, ""));
    require(!lu_hmac_verify(hmac, &sent, "sha256="));

    /* and so is what differs in one bit of one digit's value */

    hex[data[0] % 64] = (hex[data[0] % 64] == '0') ? '1' : '0';
    require(!lu_hmac_verify(hmac, &signature, ""));

    hmac = lu_hmac_create(arena, secrets + 1, 1);
    lu_hmac_update(hmac, data + cut, size - cut);
    require(!lu_hmac_verify(hmac, &signature, ""));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    if (size) {
        check_signature(&arena, data, size);
    }

    fuzz_free(blocks);

    return 0;
}
