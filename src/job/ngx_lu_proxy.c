
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Read and compared for this file: the sources of nginx 1.22.1 (Debian
 * bookworm), 1.26.3 (trixie), 1.30.4 and 1.31.5.  Another version needs:
 *
 * - ngx_http_create_request() takes a connection whose data is an
 *   ngx_http_connection_t with conf_ctx, and whose log->data is an
 *   ngx_http_log_ctx_t.  ngx_http_free_request() destroys the request's pool
 *   and leaves the connection alone; it logs the request unless r->logged is
 *   set, and runs a lingering close only if c->timedout is set.
 *
 * - ngx_http_upstream_init() adds a write event of the client's connection
 *   unless c->write->active is set, and ngx_handle_read_event() and
 *   ngx_handle_write_event() add none while active is set, so that the fd -1
 *   never reaches the event module.
 *
 * - ngx_free_connection() puts a connection back that has no fd, and
 *   ngx_shutdown_timer_handler() skips fd -1.
 *
 * - ngx_http_upstream_send_response() stops at the header if r->header_only is
 *   set, unless u->store is set: then the body is read and stored, and not
 *   sent.
 *
 * - ngx_event_pipe_write_to_downstream() passes a buffered response on before
 *   its end only if the connection's data is the request.  Otherwise one that
 *   is larger than proxy_buffers, and may not go into a file, never ends.
 *
 * - u->store is 1 with proxy_store until ngx_http_upstream_store() has renamed
 *   the complete temporary file, also if that failed.  It is called only
 *   for status 200, and for a body that is closed by the origin even if that
 *   was too early: only size and digest show whether the file is complete.
 *
 * - u->pipe is NULL until a buffered response begins.  read_length counts the
 *   bytes of the body as they come, with the framing of chunks.  upstream_done
 *   is set when length or chunks tell that the body is complete, upstream_eof
 *   when the origin closes, upstream_error when reading fails or times out;
 *   none of them if nginx ends the response because it cannot write.
 *
 * - ngx_http_upstream_process_upstream() and ..._process_header() treat
 *   read->timedout as a timeout of the origin, before read->delayed, which
 *   proxy_limit_rate sets.  u->peer.connection is NULL when it is closed.
 *
 * - ngx_shutdown_timer_handler() sets close of each connection with a socket.
 */


#include "ngx_lu_proxy.h"


static ngx_str_t  ngx_lu_proxy_address = ngx_string("unix:");

static struct sockaddr  ngx_lu_proxy_sockaddr = {
    .sa_family = AF_UNIX
};


ngx_connection_t *
ngx_lu_proxy_connect(ngx_pool_t *pool, ngx_http_conf_ctx_t *conf_ctx,
    ngx_log_t *log)
{
    ngx_connection_t       *c;
    ngx_http_log_ctx_t     *ctx;
    ngx_http_connection_t  *hc;

    hc = ngx_pcalloc(pool, sizeof(ngx_http_connection_t));
    if (hc == NULL) {
        return NULL;
    }

    hc->conf_ctx = conf_ctx;

    c = ngx_get_connection(0, log);
    if (c == NULL) {
        return NULL;
    }

    c->fd = (ngx_socket_t) -1;
    c->data = hc;
    c->pool = pool;

    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->log_error = NGX_ERROR_INFO;

    c->read->handler = ngx_http_empty_handler;
    c->write->handler = ngx_http_empty_handler;

    c->read->active = 1;
    c->write->active = 1;
    c->write->ready = 1;

    c->sockaddr = &ngx_lu_proxy_sockaddr;
    c->socklen = sizeof(struct sockaddr);
    c->local_sockaddr = c->sockaddr;
    c->local_socklen = c->socklen;
    c->addr_text = ngx_lu_proxy_address;

    ctx = log->data;
    ctx->connection = c;

    return c;
}


ngx_http_request_t *
ngx_lu_proxy_request(ngx_connection_t *c, ngx_str_t *uri)
{
    ngx_http_request_t  *r;

    r = ngx_http_create_request(c);
    if (r == NULL) {
        return NULL;
    }

    c->data = r;
    c->destroyed = 0;

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");
    r->uri = *uri;
    r->unparsed_uri = *uri;
    r->request_line = *uri;
    r->internal = 1;
    r->logged = 1;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        ngx_http_free_request(r, 0);
        return NULL;
    }

    return r;
}


ngx_int_t
ngx_lu_proxy_body(ngx_http_request_t *sr, ngx_str_t *body, ngx_uint_t stores)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    sr->request_body = rb;
    sr->header_only = stores;

    if (!stores) {
        sr->connection->data = sr;
    }

    if (body->len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(sr->pool);
    rb->bufs = ngx_alloc_chain_link(sr->pool);

    if (b == NULL || rb->bufs == NULL) {
        return NGX_ERROR;
    }

    b->start = body->data;
    b->pos = b->start;
    b->last = b->start + body->len;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->buf = b;
    rb->bufs->buf = b;
    rb->bufs->next = NULL;

    return NGX_OK;
}


void
ngx_lu_proxy_free(ngx_connection_t *c, ngx_http_request_t *r)
{
    if (r) {
        ngx_http_free_request(r, 0);
    }

    c->destroyed = 1;
    c->read->active = 0;
    c->write->active = 0;

    ngx_free_connection(c);
}


off_t
ngx_lu_proxy_received(ngx_http_upstream_t *u)
{
    ngx_event_pipe_t  *p;

    p = u->pipe;

    if (p == NULL) {
        return 0;
    }

    if (u->headers_in.chunked) {
        return p->temp_file ? p->temp_file->offset : 0;
    }

    return p->read_length;
}


ngx_uint_t
ngx_lu_proxy_stored(ngx_http_upstream_t *u)
{
    return u->headers_in.status_n == NGX_HTTP_OK && !u->store;
}


ngx_uint_t
ngx_lu_proxy_received_all(ngx_http_upstream_t *u)
{
    ngx_event_pipe_t  *p;

    p = u->pipe;

    if (p == NULL) {
        return 0;
    }

    return p->upstream_done
           || (!p->upstream_eof && !p->upstream_error)
           || p->read_length == u->headers_in.content_length_n;
}


ngx_uint_t
ngx_lu_proxy_is_late(ngx_http_upstream_t *u)
{
    return u->peer.connection && u->peer.connection->close;
}


void
ngx_lu_proxy_abort(ngx_http_upstream_t *u)
{
    ngx_event_t  *rev;

    if (u->peer.connection == NULL) {
        return;
    }

    rev = u->peer.connection->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    rev->delayed = 0;
    rev->timedout = 1;

    ngx_post_event(rev, &ngx_posted_events);
}
