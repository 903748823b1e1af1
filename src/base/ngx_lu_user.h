
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * People whom a proxy, or nginx itself, has signed in: liveupdate_user.
 */


#ifndef _NGX_LU_USER_H_INCLUDED_
#define _NGX_LU_USER_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Returns 1 if the request comes from an address that may name a user, and
 * names one, whatever becomes of that.
 */

ngx_uint_t ngx_lu_user_is_named(ngx_http_request_t *r);

/*
 * Sets *user to what stands for the user, in the memory of the request.
 *
 * NGX_OK; NGX_DECLINED if nobody is named, or by an address that may not; or
 * the HTTP status of a refusal, with the reason, which does not outlive the
 * request: a name or a header that is not to be trusted, a user without a role.
 * 500, without a reason, if memory is short.
 */

ngx_int_t ngx_lu_user(ngx_http_request_t *r, const lu_token_t **user,
    lu_error_t *err);


#endif /* _NGX_LU_USER_H_INCLUDED_ */
