
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The Capawesome API and the approval API: which action a request wants, and
 * whether its token, or its user, may do that.
 */


#ifndef _NGX_LU_API_H_INCLUDED_
#define _NGX_LU_API_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_route.h"


/*
 * The content handler of liveupdate_api and liveupdate_releases: 401, 403, 404,
 * 405, 415 or 422, or the call that the request is for, which answers.  Returns
 * what a content handler returns.
 */

ngx_int_t ngx_lu_api_handler(ngx_http_request_t *r);

/*
 * Returns NGX_DECLINED if the token of the request, or its user, has the role,
 * and is for the app of the route if there is one; *token is set then, and
 * lives as long as the request.  For the role 0 it is NULL: no token is needed.
 * Anything else is what a content handler returns: the request was answered
 * with 400, 401 or 403.
 */

ngx_int_t ngx_lu_api_authorize(ngx_http_request_t *r, lu_route_t *route,
    unsigned role, const lu_token_t **token);


#endif /* _NGX_LU_API_H_INCLUDED_ */
