
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of the store, which nginx's static handler sends.
 */


#ifndef _NGX_LU_STATIC_H_INCLUDED_
#define _NGX_LU_STATIC_H_INCLUDED_


#include "base/ngx_lu.h"


/* Adds the header filter that describes a file.  Returns NGX_OK. */

ngx_int_t ngx_lu_static_init(ngx_conf_t *cf);

/*
 * For handlers of the precontent phase: refuse() answers the request with that
 * status and message, unavailable() with 503, and finish() ends a request that
 * was answered with rc.  All return what the handler returns.
 */

ngx_int_t ngx_lu_static_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);
ngx_int_t ngx_lu_static_unavailable(ngx_http_request_t *r);
ngx_int_t ngx_lu_static_finish(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_LU_STATIC_H_INCLUDED_ */
