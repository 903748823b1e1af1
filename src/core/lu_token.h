
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The token file, which says who may do what.  It has lines of
 *
 *     name role[,role...] sha256-of-token [app...]
 *
 * separated by spaces or tabs.  Empty lines, and lines that begin with "#", are
 * ignored; lines may end in CR LF.  The roles are read, publish, approve and
 * admin.  Without apps, a token is valid for all of them.
 */


#ifndef _LU_TOKEN_H_INCLUDED_
#define _LU_TOKEN_H_INCLUDED_


#include "lu_error.h"


#define LU_ROLE_READ     0x01
#define LU_ROLE_PUBLISH  0x02
#define LU_ROLE_APPROVE  0x04
#define LU_ROLE_ADMIN    0x08


/*
 * The roles include those that they imply: publish and approve imply read,
 * admin implies all of them.
 */

typedef struct {
    lu_str_t            name;
    unsigned            roles;
    unsigned char       digest[32];      /* SHA-256 of the token */
    lu_str_t           *apps;
    size_t              napps;           /* 0: all apps */
    unsigned            is_user:1;       /* a person: see lu_user.h */
} lu_token_t;


/*
 * Reads a whole file into the arena and keeps nothing of the text.  There may
 * be no tokens in it.  LU_OK, LU_NOMEM, or LU_INVALID with the reason and, as
 * the subject, the number of the line: a field is missing, a role is unknown, a
 * digest is not 64 hex digits, an app is no valid id, or a name or a digest
 * occurs twice.
 */

lu_rc_e lu_token_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_token_t **tokens, size_t *n, lu_error_t *err);

/*
 * The token of that clear text, or NULL; an empty text is no token.  All
 * digests are compared, in constant time.
 */

const lu_token_t *lu_token_find(const lu_token_t *tokens, size_t n,
    const lu_str_t *clear);

/* Roles that are separated by commas; 0 if one is unknown, or empty. */

unsigned lu_token_roles(const lu_str_t *list);

/* 1 if the token is valid for that app. */

int lu_token_has_app(const lu_token_t *token, const lu_str_t *app);


#endif /* _LU_TOKEN_H_INCLUDED_ */
