
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_line.h"
#include "lu_name.h"
#include "lu_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>


static lu_rc_e lu_token_line(void *data, void *list, size_t i,
    lu_str_t *line, lu_error_t *err);
static lu_rc_e lu_token_apps(const lu_arena_t *arena, lu_str_t *line,
    lu_token_t *token, lu_error_t *err);
static lu_rc_e lu_token_unique(const lu_token_t *tokens, size_t n,
    lu_error_t *err);


static const struct {
    const char  *name;
    unsigned     roles;
} lu_token_role[] = {

    { "read",    LU_ROLE_READ },

    { "publish", LU_ROLE_PUBLISH | LU_ROLE_READ },

    { "approve", LU_ROLE_APPROVE | LU_ROLE_READ },

    { "admin",   LU_ROLE_ADMIN | LU_ROLE_APPROVE
                 | LU_ROLE_PUBLISH | LU_ROLE_READ },

    { NULL, 0 }
};


lu_rc_e
lu_token_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_token_t **tokens, size_t *n, lu_error_t *err)
{
    void        *list;
    lu_rc_e      rc;
    lu_arena_t   own;

    own = *arena;

    rc = lu_line_list(arena, text, sizeof(lu_token_t), lu_token_line, &own,
                      &list, n, err);

    if (rc == LU_OK) {
        *tokens = list;
    }

    return rc;
}


static lu_rc_e
lu_token_line(void *data, void *list, size_t i, lu_str_t *line,
    lu_error_t *err)
{
    lu_rc_e            rc;
    lu_str_t           field;
    lu_token_t        *tokens, *token;
    const lu_arena_t  *arena;

    arena = data;
    tokens = list;
    token = &tokens[i];

    memset(token, 0, sizeof(lu_token_t));

    if (!lu_line_field(line, &field) || !lu_name_label_valid(&field)) {
        return lu_error(err, NULL,
                        "has a name that is not 1 to 128 bytes of UTF-8");
    }

    token->name = lu_str_dup(arena, field.data, field.len);
    if (token->name.data == NULL) {
        return LU_NOMEM;
    }

    if (!lu_line_field(line, &field)) {
        return lu_error(err, NULL, "has no role");
    }

    token->roles = lu_token_roles(&field);
    if (token->roles == 0) {
        return lu_error(err, NULL,
                   "has a role that is not read, publish, approve or admin");
    }

    if (!lu_line_field(line, &field)) {
        return lu_error(err, NULL, "has no SHA-256 of a token");
    }

    if (field.len != 2 * sizeof(token->digest)
        || !lu_hex_decode(token->digest, field.data, sizeof(token->digest)))
    {
        return lu_error(err, NULL, "has a SHA-256 that is not 64 hex digits");
    }

    rc = lu_token_apps(arena, line, token, err);

    return rc == LU_OK ? lu_token_unique(tokens, i, err) : rc;
}


static lu_rc_e
lu_token_apps(const lu_arena_t *arena, lu_str_t *line, lu_token_t *token,
    lu_error_t *err)
{
    size_t    n;
    lu_str_t  field, rest, *app;

    rest = *line;

    for (n = 0; lu_line_field(&rest, &field); n++) {
        if (!lu_name_id_valid(&field)) {
            return lu_error(err, NULL, "has an app that is not a valid id");
        }
    }

    if (n == 0) {
        return LU_OK;
    }

    token->apps = arena->alloc(arena->data, n * sizeof(lu_str_t));
    if (token->apps == NULL) {
        return LU_NOMEM;
    }

    while (lu_line_field(line, &field)) {
        app = &token->apps[token->napps];

        *app = lu_str_dup(arena, field.data, field.len);
        if (app->data == NULL) {
            return LU_NOMEM;
        }

        token->napps++;
    }

    return LU_OK;
}


/* The audit log has the names of tokens, so that they must be unique. */

static lu_rc_e
lu_token_unique(const lu_token_t *tokens, size_t n, lu_error_t *err)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (lu_str_eq(&tokens[i].name, &tokens[n].name)) {
            return lu_error(err, NULL, "has the name of an earlier token");
        }

        if (memcmp(tokens[i].digest, tokens[n].digest, 32) == 0) {
            return lu_error(err, NULL, "has the SHA-256 of an earlier token");
        }
    }

    return LU_OK;
}


unsigned
lu_token_roles(const lu_str_t *list)
{
    size_t          i;
    unsigned        roles;
    lu_str_t        name;
    unsigned char  *comma, *end;

    roles = 0;
    end = list->data + list->len;

    for (name.data = list->data; /* void */ ; name.data = comma + 1) {
        comma = memchr(name.data, ',', (size_t) (end - name.data));
        name.len = (size_t) (((comma) ? comma : end) - name.data);

        for (i = 0; lu_token_role[i].name; i++) {
            if (lu_str_is(&name, lu_token_role[i].name)) {
                break;
            }
        }

        if (lu_token_role[i].name == NULL) {
            return 0;
        }

        roles |= lu_token_role[i].roles;

        if (comma == NULL) {
            return roles;
        }
    }
}


const lu_token_t *
lu_token_find(const lu_token_t *tokens, size_t n, const lu_str_t *clear)
{
    size_t             i;
    unsigned char      digest[EVP_MAX_MD_SIZE];
    const lu_token_t  *found;

    /* the digest of an empty text gets into such files by mistake */

    if (clear->len == 0) {
        return NULL;
    }

    if (EVP_Digest(clear->data, clear->len, digest, NULL, EVP_sha256(), NULL)
        != 1)
    {
        return NULL;
    }

    found = NULL;

    for (i = 0; i < n; i++) {
        if (CRYPTO_memcmp(tokens[i].digest, digest, 32) == 0) {
            found = &tokens[i];
        }
    }

    return found;
}


int
lu_token_has_app(const lu_token_t *token, const lu_str_t *app)
{
    size_t  i;

    if (token->napps == 0) {
        return 1;
    }

    for (i = 0; i < token->napps; i++) {
        if (lu_str_eq(&token->apps[i], app)) {
            return 1;
        }
    }

    return 0;
}
