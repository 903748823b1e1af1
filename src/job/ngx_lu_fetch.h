
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * HTTP requests to an origin, through an internal location and nginx's proxy,
 * as the administrator has configured it.
 */


#ifndef _NGX_LU_FETCH_H_INCLUDED_
#define _NGX_LU_FETCH_H_INCLUDED_


#include "base/ngx_lu.h"


#define NGX_LU_FETCH_WHY  256


typedef struct ngx_lu_fetch_s  ngx_lu_fetch_t;

struct ngx_lu_fetch_s {

    /* set by the caller, who owns the structure, the pool and all strings */
    ngx_pool_t           *pool;
    ngx_http_conf_ctx_t  *conf_ctx;       /* of the server */
    ngx_str_t             uri;            /* of the location */
    ngx_str_t             target;         /* $liveupdate_fetch_uri, escaped */
    ngx_str_t             path;           /* of the file; empty: in memory */
    ngx_uint_t            method;         /* NGX_HTTP_...; 0: GET */
    ngx_str_t             method_name;
    ngx_str_t             body;
    ngx_keyval_t         *headers;        /* the last key is empty; or NULL */
    ngx_str_t             secret_of;      /* logged in place of the target */
    void                (*handler)(ngx_lu_fetch_t *fetch);
    void                 *data;           /* the handler's */

    /* the result */
    ngx_uint_t            status;         /* 0: no answer */
    off_t                 length;         /* Content-Length, or -1 */
    off_t                 received;       /* bytes of the body */
    ngx_str_t             answer;         /* without a path; terminated */
    time_t                retry;          /* seconds of Retry-After, or 0 */
    time_t                reset;          /* until X-RateLimit-Reset, or 0 */
    time_t                expires;        /* the token; 0, NGX_ERROR: unread */
    u_char                why[NGX_LU_FETCH_WHY];  /* nginx's last error */
    unsigned              limited:1;      /* X-RateLimit-Remaining is 0 */
    unsigned              asked:1;        /* the location has a proxy */
    unsigned              stored:1;       /* the file should be there */
    unsigned              framed:1;       /* by a length or chunks */
    unsigned              encoded:1;      /* a Content-Encoding */
    unsigned              received_all:1; /* the origin did not cut it off */
    unsigned              complete:1;     /* the answer */

    /* private */
    ngx_connection_t     *connection;
    ngx_http_request_t   *request;
    ngx_http_request_t   *subrequest;
    ngx_log_t             log;
    ngx_log_t             log_next;
    ngx_http_log_ctx_t    log_ctx;
    u_char               *log_tail;       /* the context in a message */
    ngx_event_t           end;
    off_t                 seen;           /* bytes, and when these came */
    ngx_msec_t            moved;
};


/*
 * Starts a request; the structure is zeroed but for what the caller has set.
 * handler() is called once, from the event loop and never before start() has
 * returned NGX_OK; the fetch is over then.  NGX_ERROR: memory or connections
 * are short, and handler() is not called.
 *
 * A stored file is complete only as far as HTTP tells (RFC 9112, section 8):
 * the caller compares its size and digest.
 */

ngx_int_t ngx_lu_fetch_start(ngx_lu_fetch_t *fetch);

/* Bytes of the body so far; of a chunked one, those in the file. */

off_t ngx_lu_fetch_received(ngx_lu_fetch_t *fetch);

/*
 * To be called often: a worker that is told to quit does not wait for ever for
 * a thread of nginx that writes to the disk of the store and hangs.
 */

void ngx_lu_fetch_look(ngx_lu_fetch_t *fetch, ngx_lu_store_t *store);

/* 1 if the worker exits and worker_shutdown_timeout has passed. */

ngx_uint_t ngx_lu_fetch_is_late(ngx_lu_fetch_t *fetch);

/* Ends the request soon, as if the origin had timed out. */

void ngx_lu_fetch_abort(ngx_lu_fetch_t *fetch);


#endif /* _NGX_LU_FETCH_H_INCLUDED_ */
