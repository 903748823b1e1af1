
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The file with the keys of S3 clients.  A key stands for a token of the token
 * file.  The file has lines of
 *
 *     access-key token-name secret
 *
 * as lu_line.h reads them.  Secrets are in clear text, since signatures are
 * computed with them.
 */


#ifndef _LU_KEY_H_INCLUDED_
#define _LU_KEY_H_INCLUDED_


#include "lu_error.h"
#include "lu_token.h"


#define LU_KEY_ACCESS      128      /* bytes, at most */
#define LU_KEY_SECRET_MIN  16
#define LU_KEY_SECRET      128


typedef struct {
    lu_str_t            access;
    lu_str_t            secret;
    const lu_token_t   *token;      /* or NULL: it has been removed */
} lu_key_t;


/*
 * Reads a whole file into the arena and keeps nothing of the text; the keys
 * refer to the n tokens.  There may be no keys in it.  LU_OK, LU_NOMEM, or
 * LU_INVALID with the reason and, as the subject, the number of the line: a
 * field is missing or one too many, an access key is not 1 to 128 letters,
 * digits, "-", "_" or ".", or occurs twice, or a secret is not 16 to 128
 * printable ASCII characters.
 */

lu_rc_e lu_key_parse(const lu_arena_t *arena, const lu_str_t *text,
    const lu_token_t *tokens, size_t ntokens, lu_key_t **keys, size_t *n,
    lu_error_t *err);

/* The key with that access key, or NULL. */

const lu_key_t *lu_key_find(const lu_key_t *keys, size_t n,
    const lu_str_t *access);


#endif /* _LU_KEY_H_INCLUDED_ */
