
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_key.h"
#include "lu_line.h"


typedef struct {
    const lu_arena_t  *arena;
    const lu_token_t  *tokens;
    size_t             ntokens;
} lu_key_ctx_t;


static lu_rc_e lu_key_line(void *data, void *list, size_t i, lu_str_t *line,
    lu_error_t *err);
static int lu_key_access_valid(const lu_str_t *access);
static int lu_key_secret_valid(const lu_str_t *secret);


lu_rc_e
lu_key_parse(const lu_arena_t *arena, const lu_str_t *text,
    const lu_token_t *tokens, size_t ntokens, lu_key_t **keys, size_t *n,
    lu_error_t *err)
{
    void          *list;
    lu_rc_e        rc;
    lu_key_ctx_t   ctx;

    ctx.arena = arena;
    ctx.tokens = tokens;
    ctx.ntokens = ntokens;

    rc = lu_line_list(arena, text, sizeof(lu_key_t), lu_key_line, &ctx, &list,
                      n, err);

    if (rc == LU_OK) {
        *keys = list;
    }

    return rc;
}


static lu_rc_e
lu_key_line(void *data, void *list, size_t i, lu_str_t *line, lu_error_t *err)
{
    size_t         j;
    lu_key_t      *keys, *key;
    lu_str_t       field;
    lu_key_ctx_t  *ctx;

    ctx = data;
    keys = list;
    key = &keys[i];

    memset(key, 0, sizeof(lu_key_t));

    if (!lu_line_field(line, &field) || !lu_key_access_valid(&field)) {
        return lu_error(err, NULL,
                        "has an access key that is not 1 to 128 letters, "
                        "digits, \"-\", \"_\" or \".\"");
    }

    if (lu_key_find(keys, i, &field)) {
        return lu_error(err, NULL, "has the access key of an earlier line");
    }

    key->access = lu_str_dup(ctx->arena, field.data, field.len);
    if (key->access.data == NULL) {
        return LU_NOMEM;
    }

    if (!lu_line_field(line, &field)) {
        return lu_error(err, NULL, "has no name of a token");
    }

    for (j = 0; j < ctx->ntokens; j++) {
        if (lu_str_eq(&ctx->tokens[j].name, &field)) {
            key->token = &ctx->tokens[j];
        }
    }

    if (!lu_line_field(line, &field) || !lu_key_secret_valid(&field)) {
        return lu_error(err, NULL,
                        "has a secret that is not 16 to 128 printable ASCII "
                        "characters");
    }

    key->secret = lu_str_dup(ctx->arena, field.data, field.len);
    if (key->secret.data == NULL) {
        return LU_NOMEM;
    }

    return lu_line_field(line, &field) ? lu_error(err, NULL,
                                                  "has more than three fields")
                                       : LU_OK;
}


/* It is part of a credential, whose fields are separated by "/". */

static int
lu_key_access_valid(const lu_str_t *access)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < access->len; i++) {
        c = access->data[i];

        if (!lu_str_is_alnum(c) && c != '-' && c != '_' && c != '.') {
            return 0;
        }
    }

    return access->len >= 1 && access->len <= LU_KEY_ACCESS;
}


static int
lu_key_secret_valid(const lu_str_t *secret)
{
    size_t  i;

    for (i = 0; i < secret->len; i++) {
        if (secret->data[i] <= ' ' || secret->data[i] >= 0x7f) {
            return 0;
        }
    }

    return secret->len >= LU_KEY_SECRET_MIN && secret->len <= LU_KEY_SECRET;
}


const lu_key_t *
lu_key_find(const lu_key_t *keys, size_t n, const lu_str_t *access)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (lu_str_eq(&keys[i].access, access)) {
            return &keys[i];
        }
    }

    return NULL;
}
