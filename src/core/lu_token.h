
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The token file: who may do what.  Lines of
 *
 *     name role[,role...] sha256-of-token [app...]
 *
 * separated by spaces or tabs; empty lines and lines that begin with "#" are
 * passed over, and lines may end in CR LF.  Roles: read, publish, approve,
 * admin.  Without apps a token is good for all of them.
 */


#ifndef _LU_TOKEN_H_INCLUDED_
#define _LU_TOKEN_H_INCLUDED_


#include "lu_error.h"


#define LU_ROLE_READ     0x01
#define LU_ROLE_PUBLISH  0x02
#define LU_ROLE_APPROVE  0x04
#define LU_ROLE_ADMIN    0x08


/*
 * The roles hold what they imply: publish and approve imply read, admin
 * implies all.
 */

typedef struct {
    lu_str_t            name;
    unsigned            roles;
    unsigned char       digest[32];      /* SHA-256 of the token */
    lu_str_t           *apps;
    size_t              napps;           /* 0: all apps */
} lu_token_t;


/*
 * Reads the whole file.  Refused with the reason (the subject is the line
 * number as text, from the arena): a field that is missing, a role that is
 * unknown, a digest that is not 64 hex digits, a name or a digest that
 * occurs twice, an app that is no valid id.  A file without tokens is fine.
 */

lu_rc_e lu_token_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_token_t **tokens, size_t *n, lu_error_t *err);

/*
 * The token whose clear text is given, or NULL; an empty one is nobody's.
 * Every digest is compared, in constant time.
 */

const lu_token_t *lu_token_find(const lu_token_t *tokens, size_t n,
    const lu_str_t *clear);

/* 1 if the token may be used for that app. */

int lu_token_has_app(const lu_token_t *token, const lu_str_t *app);


#endif /* _LU_TOKEN_H_INCLUDED_ */
