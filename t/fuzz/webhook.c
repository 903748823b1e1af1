
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A body that comes in two pieces has the signature that OpenSSL's HMAC gives
 * it, and no other; what is accepted has valid ids, and printed anew it is
 * read as the same.
 */


#include "lu_webhook.h"
#include "lu_name.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>


typedef struct block_s  block_t;

struct block_s {
    block_t      *next;
    max_align_t   data[];
};


static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}


static void *
arena_alloc(void *data, size_t size)
{
    block_t  *block, **blocks;

    blocks = data;
    block = malloc(sizeof(block_t) + size);
    block->next = *blocks;
    *blocks = block;

    return block->data;
}


/* The secret is the data's front, the body the rest of it. */

static void
check_signature(const lu_arena_t *arena, const uint8_t *data, size_t size)
{
    char           hex[65];
    size_t         i, cut, half;
    unsigned       n;
    unsigned char  digest[32];
    lu_str_t       secrets[2], signature, sent;
    lu_hmac_t     *hmac;

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


static void
check_body(const lu_arena_t *arena, const cJSON *body,
    const lu_webhook_t *webhook)
{
    char         *printed;
    cJSON        *json;
    lu_str_t      text;
    lu_error_t    err;
    lu_webhook_t  again;

    require(lu_name_id_valid(&webhook->app_id));
    require(lu_name_id_valid(&webhook->build_id));
    require(webhook->release_info == NULL
            || cJSON_IsObject(webhook->release_info));

    printed = cJSON_PrintUnformatted(body);
    text.len = strlen(printed);
    text.data = (unsigned char *) printed;

    require(lu_json_parse(&json, &text, &err) == LU_OK);
    require(lu_webhook_parse(arena, json, &again, &err) == LU_OK);

    require(lu_str_eq(&again.app_id, &webhook->app_id));
    require(lu_str_eq(&again.build_id, &webhook->build_id));
    require(lu_str_eq(&again.app_name, &webhook->app_name));
    require(lu_str_eq(&again.app_version, &webhook->app_version));
    require(lu_str_eq(&again.user_id, &webhook->user_id));
    require(lu_str_eq(&again.started, &webhook->started));
    require(lu_str_eq(&again.ended, &webhook->ended));
    require(lu_str_eq(&again.electron, &webhook->electron));
    require(lu_str_eq(&again.commit, &webhook->commit));
    require(lu_str_eq(&again.commit_message, &webhook->commit_message));
    require(lu_str_eq(&again.branch, &webhook->branch));
    require(lu_str_eq(&again.remote, &webhook->remote));
    require((again.release_info == NULL) == (webhook->release_info == NULL));

    cJSON_Delete(json);
    free(printed);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON        *json;
    block_t      *blocks, *next;
    lu_rc_e       rc;
    lu_str_t      text;
    lu_error_t    err;
    lu_arena_t    arena;
    lu_webhook_t  webhook;

    blocks = NULL;
    arena.alloc = arena_alloc;
    arena.data = &blocks;
    err.text = NULL;

    if (size) {
        check_signature(&arena, data, size);
    }

    text.len = size;
    text.data = (unsigned char *) data;

    if (lu_json_parse(&json, &text, &err) == LU_OK) {
        err.text = NULL;

        rc = lu_webhook_parse(&arena, json, &webhook, &err);

        if (rc == LU_OK) {
            require(err.text == NULL);
            check_body(&arena, json, &webhook);

        } else {
            require(rc == LU_INVALID && err.text != NULL);
        }

        cJSON_Delete(json);
    }

    for ( /* void */ ; blocks; blocks = next) {
        next = blocks->next;
        free(blocks);
    }

    return 0;
}
