
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted has unique names and digests, roles with all that they
 * imply and valid apps.  A made-up secret finds nobody; with a line of its
 * own it finds that one.
 */


#include "fuzz.h"
#include "lu_token.h"
#include "lu_name.h"

#include <stdio.h>

#include <openssl/evp.h>


static void
check_token(const lu_token_t *tokens, size_t i)
{
    size_t             j;
    const lu_token_t  *token;

    token = &tokens[i];

    require(lu_name_label_valid(&token->name));
    require(token->roles == 0x01 || token->roles == 0x03
            || token->roles == 0x05 || token->roles == 0x07
            || token->roles == 0x0f);

    for (j = 0; j < token->napps; j++) {
        require(lu_name_id_valid(&token->apps[j]));
        require(lu_token_has_app(token, &token->apps[j]));
    }

    for (j = 0; j < i; j++) {
        require(!lu_str_eq(&token->name, &tokens[j].name));
        require(memcmp(token->digest, tokens[j].digest, 32) != 0);
    }
}


/* The text with a line for that secret behind. */

static lu_str_t
with_line(const uint8_t *data, size_t size, const lu_str_t *clear)
{
    char          *p;
    size_t         i;
    lu_str_t       text;
    unsigned char  digest[32];

    EVP_Digest(clear->data, clear->len, digest, NULL, EVP_sha256(), NULL);

    text.data = malloc(size + 128);
    memcpy(text.data, data, size);

    p = (char *) text.data + size;
    p += sprintf(p, "\nits-own read ");

    for (i = 0; i < 32; i++) {
        p += sprintf(p, "%02x", digest[i]);
    }

    text.len = (size_t) ((unsigned char *) p - text.data);

    return text;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             i, n, more;
    lu_rc_e            rc;
    lu_str_t           text, clear;
    lu_error_t         err;
    lu_arena_t         arena;
    lu_token_t        *tokens;
    fuzz_block_t      *blocks;
    const lu_token_t  *found;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    clear = (lu_str_t) lu_string("made up, in no corpus");
    text = with_line(data, size, &clear);

    text.len = size;
    rc = lu_token_parse(&arena, &text, &tokens, &n, &err);

    if (rc == LU_OK) {
        for (i = 0; i < n; i++) {
            check_token(tokens, i);
        }

        require(lu_token_find(tokens, n, &clear) == NULL);
        require(lu_token_find(tokens, n, &text) == NULL);

    } else {
        require(rc == LU_INVALID && err.text != NULL);
        require(err.subject.len != 0 && err.subject.data[0] != '0');
    }

    free(text.data);
    text = with_line(data, size, &clear);

    if (lu_token_parse(&arena, &text, &tokens, &more, &err) == LU_OK) {
        require(rc == LU_OK && more == n + 1);

        found = lu_token_find(tokens, more, &clear);
        require(found == &tokens[n] && found->roles == LU_ROLE_READ);
        require(lu_str_is(&found->name, "its-own"));
    }

    free(text.data);

    fuzz_free(blocks);

    return 0;
}
