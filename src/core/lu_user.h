
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * People whom somebody else has signed in: a proxy, which names them.  For all
 * that they may do, they are like a token.
 */


#ifndef _LU_USER_H_INCLUDED_
#define _LU_USER_H_INCLUDED_


#include "lu_error.h"
#include "lu_token.h"


/*
 * LU_OK if somebody may have the name: 1 to 128 bytes of UTF-8 without control
 * characters, and without those that are not seen or turn the order of others.
 * LU_CONFLICT, with the reason, if it is the name of one of the tokens, or of
 * the server itself, in whatever case: the audit log would not tell them apart.
 * LU_INVALID, with the reason and without a subject, for any other name.
 */

lu_rc_e lu_user_name(const lu_str_t *name, const lu_token_t *tokens, size_t n,
    lu_error_t *err);

/*
 * Makes what stands for the person, in the memory of the caller; the name is
 * not copied, and the list of apps is in the arena.  The roles are separated by
 * commas.  So are the ids of apps; "*" or NULL means all of them.  The digest
 * is that of the name, and of no token.
 *
 * LU_OK, LU_NOMEM, LU_FORBIDDEN if there is no role or no app, or LU_INVALID
 * with the reason, and what is wrong as its subject: a role is unknown, or an
 * app is no valid id.
 */

lu_rc_e lu_user(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *roles, const lu_str_t *apps, lu_token_t *user,
    lu_error_t *err);


#endif /* _LU_USER_H_INCLUDED_ */
