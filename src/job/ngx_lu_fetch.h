
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Requests of our own, through nginx's proxy.
 */


#ifndef _NGX_LU_FETCH_H_INCLUDED_
#define _NGX_LU_FETCH_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Fetch: a request of our own, through an internal location and nginx's proxy.
 * With a path the answer is a file, which proxy_store puts there; what was
 * stored is as complete as the transport tells.  Without one the answer is
 * text.  The caller fills the first part in; the pool and the structure are
 * its own, and stay until handler() is called, which is never before start()
 * has returned NGX_OK.
 */

typedef struct ngx_lu_fetch_s  ngx_lu_fetch_t;

struct ngx_lu_fetch_s {
    ngx_pool_t                     *pool;
    ngx_http_conf_ctx_t            *conf_ctx;    /* of the server */
    ngx_str_t                       uri;         /* of the location */
    ngx_str_t                       target;      /* escaped; see variables */
    ngx_str_t                       path;        /* terminated, or empty */
    ngx_uint_t                      method;      /* 0: GET */
    ngx_str_t                       method_name;
    ngx_str_t                       body;
    ngx_keyval_t                   *headers;     /* the last one is empty */
    void                          (*handler)(ngx_lu_fetch_t *f);
    void                           *data;

    /* the result */
    ngx_uint_t                      status;      /* 0: no answer */
    off_t                           length;      /* Content-Length, or -1 */
    off_t                           received;
    ngx_str_t                       answer;
    time_t                          retry;       /* Retry-After, or 0 */
    time_t                          reset;       /* of a limit of requests */
    unsigned                        limited:1;   /* until then */
    unsigned                        asked:1;     /* the location has a proxy */
    unsigned                        stored:1;
    unsigned                        framed:1;    /* by a length or chunks */
    unsigned                        encoded:1;   /* Content-Encoding */
    unsigned                        received_all:1;  /* or we gave up */
    unsigned                        complete:1;  /* the answer */

    ngx_connection_t               *connection;
    ngx_http_request_t             *request;
    ngx_http_request_t             *subrequest;
    ngx_log_t                       log;
    ngx_http_log_ctx_t              log_ctx;
    ngx_event_t                     end;
};

ngx_int_t ngx_lu_fetch_start(ngx_lu_fetch_t *fetch);

/*
 * Bytes of the body so far (of one in chunks: those that are written already);
 * 1 if it has to end because the worker does; and an end, as if the origin had
 * timed out.
 */

off_t ngx_lu_fetch_received(ngx_lu_fetch_t *fetch);
ngx_uint_t ngx_lu_fetch_is_late(ngx_lu_fetch_t *fetch);
void ngx_lu_fetch_abort(ngx_lu_fetch_t *fetch);


#endif /* _NGX_LU_FETCH_H_INCLUDED_ */
