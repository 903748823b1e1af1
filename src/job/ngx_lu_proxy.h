
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * nginx's proxy without a client.  All that relies on how nginx works inside,
 * and not on its documented interfaces, is here; ngx_lu_proxy.c says on what,
 * and which versions of nginx were checked.
 */


#ifndef _NGX_LU_PROXY_H_INCLUDED_
#define _NGX_LU_PROXY_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Returns a connection without a socket, of the server with that
 * configuration, or NULL for lack of memory or of connections.  Log and pool
 * are the caller's; log->data must be an ngx_http_log_ctx_t.
 */

ngx_connection_t *ngx_lu_proxy_connect(ngx_pool_t *pool,
    ngx_http_conf_ctx_t *conf_ctx, ngx_log_t *log);

/*
 * Returns an internal GET request on the connection, for subrequests, without
 * headers; NULL: no memory.
 */

ngx_http_request_t *ngx_lu_proxy_request(ngx_connection_t *c, ngx_str_t *uri);

/*
 * Gives a subrequest, which has not run yet, its body, which may be empty.
 * With "stores" the response is left to proxy_store.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_lu_proxy_body(ngx_http_request_t *sr, ngx_str_t *body,
    ngx_uint_t stores);

/* Frees both; the request may be NULL.  Not while one of them is in use. */

void ngx_lu_proxy_free(ngx_connection_t *c, ngx_http_request_t *r);

/* Bytes of the response's body so far; of a chunked one, those in the file. */

off_t ngx_lu_proxy_received(ngx_http_upstream_t *u);

/* 1 if proxy_store has tried to give the file its name. */

ngx_uint_t ngx_lu_proxy_stored(ngx_http_upstream_t *u);

/*
 * 1 if it was not the origin that ended the body too early: it is complete, or
 * nginx gave up, as when the disk is full.
 */

ngx_uint_t ngx_lu_proxy_received_all(ngx_http_upstream_t *u);

/* 1 if worker_shutdown_timeout has closed the connection to the origin. */

ngx_uint_t ngx_lu_proxy_is_late(ngx_http_upstream_t *u);

/* Ends the response soon, as if the origin had timed out. */

void ngx_lu_proxy_abort(ngx_http_upstream_t *u);


#endif /* _NGX_LU_PROXY_H_INCLUDED_ */
