
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The Capawesome API and the approval API: which action a request wants, and
 * whether its token may do that.
 */


#ifndef _NGX_LU_API_H_INCLUDED_
#define _NGX_LU_API_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_route.h"


/* The content handler of liveupdate_api and liveupdate_releases. */

ngx_int_t ngx_lu_api_handler(ngx_http_request_t *r);

/*
 * NGX_DECLINED: the token, which is returned, has the role (0: none is
 * needed), and is for the route's app, if there is one.  Anything else ends
 * the request, and is what a content handler returns.
 */

ngx_int_t ngx_lu_api_authorize(ngx_http_request_t *r, lu_route_t *route,
    unsigned role, const lu_token_t **token);


#endif /* _NGX_LU_API_H_INCLUDED_ */
