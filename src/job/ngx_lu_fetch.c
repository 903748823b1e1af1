
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Requests of our own, by nginx's proxy: each is a request which no client has
 * sent, and a background subrequest of it.
 */


#include "ngx_lu_fetch.h"


#define NGX_LU_BLOCKED  10      /* msec */


static ngx_int_t ngx_lu_fetch_connect(ngx_lu_fetch_t *fetch);
static ngx_int_t ngx_lu_fetch_request(ngx_lu_fetch_t *fetch);
static ngx_int_t ngx_lu_fetch_subrequest(ngx_lu_fetch_t *fetch);
static ngx_int_t ngx_lu_fetch_headers(ngx_lu_fetch_t *fetch,
    ngx_http_request_t *r);
static ngx_int_t ngx_lu_fetch_body(ngx_lu_fetch_t *fetch,
    ngx_http_request_t *sr);
static ngx_int_t ngx_lu_fetch_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static void ngx_lu_fetch_framing(ngx_lu_fetch_t *fetch,
    ngx_http_upstream_t *u);
static void ngx_lu_fetch_answer(ngx_lu_fetch_t *fetch, ngx_http_request_t *sr);
static ngx_int_t ngx_lu_fetch_number(ngx_list_t *headers, const char *name,
    ngx_int_t *n);
static void ngx_lu_fetch_end(ngx_event_t *ev);
static void ngx_lu_fetch_free(
    ngx_lu_fetch_t *fetch);
static u_char *ngx_lu_fetch_log(ngx_log_t *log, u_char *buf, size_t len);


static ngx_str_t  ngx_lu_fetch_address =
    ngx_string("unix:");

static struct sockaddr  ngx_lu_fetch_sockaddr = {
    .sa_family = AF_UNIX
};


ngx_int_t
ngx_lu_fetch_start(ngx_lu_fetch_t *fetch)
{
    if (ngx_lu_fetch_connect(fetch) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_fetch_request(fetch) != NGX_OK
        || ngx_lu_fetch_subrequest(fetch) != NGX_OK)
    {
        ngx_lu_fetch_free(fetch);
        return NGX_ERROR;
    }

    fetch->end.handler = ngx_lu_fetch_end;
    fetch->end.data = fetch;
    fetch->end.log = &fetch->log;

    ngx_http_run_posted_requests(fetch->connection);

    return NGX_OK;
}


/* A connection that is none: nothing of it must reach the event module. */

static ngx_int_t
ngx_lu_fetch_connect(ngx_lu_fetch_t *fetch)
{
    ngx_connection_t       *c;
    ngx_http_connection_t  *hc;

    hc = ngx_pcalloc(fetch->pool, sizeof(ngx_http_connection_t));
    if (hc == NULL) {
        return NGX_ERROR;
    }

    hc->conf_ctx = fetch->conf_ctx;

    fetch->log = *ngx_cycle->log;
    fetch->log.handler = ngx_lu_fetch_log;
    fetch->log.data = &fetch->log_ctx;
    fetch->log.action = "fetching from the origin";

    c = ngx_get_connection(0, &fetch->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->fd = (ngx_socket_t) -1;
    c->data = hc;
    c->pool = fetch->pool;

    c->log = &fetch->log;
    c->read->log = &fetch->log;
    c->write->log = &fetch->log;
    c->log_error = NGX_ERROR_INFO;

    c->read->handler = ngx_http_empty_handler;
    c->write->handler = ngx_http_empty_handler;

    c->read->active = 1;
    c->write->active = 1;
    c->write->ready = 1;

    c->sockaddr = &ngx_lu_fetch_sockaddr;
    c->socklen = sizeof(struct sockaddr);
    c->local_sockaddr = c->sockaddr;
    c->local_socklen = c->socklen;
    c->addr_text = ngx_lu_fetch_address;

    fetch->connection = c;
    fetch->log_ctx.connection = c;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_fetch_request(ngx_lu_fetch_t *fetch)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = fetch->connection;

    r = ngx_http_create_request(c);
    if (r == NULL) {
        return NGX_ERROR;
    }

    fetch->request = r;

    c->data = r;
    c->destroyed = 0;

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");
    r->uri = fetch->uri;
    r->unparsed_uri = fetch->uri;
    r->request_line = fetch->uri;
    r->internal = 1;
    r->logged = 1;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_fetch_headers(fetch, r);
}


static ngx_int_t
ngx_lu_fetch_headers(ngx_lu_fetch_t *fetch, ngx_http_request_t *r)
{
    ngx_keyval_t     *header;
    ngx_table_elt_t  *h;

    for (header = fetch->headers; header && header->key.len; header++) {

        h = ngx_lu_header_push(&r->headers_in.headers, &header->key,
                               &header->value);
        if (h == NULL) {
            return NGX_ERROR;
        }

        h->lowcase_key = ngx_pnalloc(r->pool, h->key.len);
        if (h->lowcase_key == NULL) {
            return NGX_ERROR;
        }

        h->hash = ngx_hash_strlow(h->lowcase_key, h->key.data, h->key.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_fetch_subrequest(ngx_lu_fetch_t *fetch)
{
    ngx_uint_t                   flags;
    ngx_lu_ctx_t                *ctx;
    ngx_http_request_t          *r, *sr;
    ngx_http_post_subrequest_t  *ps;

    r = fetch->request;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    ps->handler = ngx_lu_fetch_done;
    ps->data = fetch;

    flags = NGX_HTTP_SUBREQUEST_BACKGROUND;

    if (fetch->path.len == 0) {
        flags |= NGX_HTTP_SUBREQUEST_IN_MEMORY;
    }

    if (ngx_http_subrequest(r, &fetch->uri, NULL, &sr, ps, flags) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx = ngx_lu_get_ctx(sr);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->fetch_uri = fetch->target;
    ctx->fetch_path = fetch->path;

    /* proxy_store reads on for a request that wants no body */

    sr->header_only = (fetch->path.len != 0);

    if (ngx_lu_fetch_body(fetch, sr) != NGX_OK) {
        return NGX_ERROR;
    }

    fetch->subrequest = sr;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_fetch_body(ngx_lu_fetch_t *fetch, ngx_http_request_t *sr)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    sr->request_body = rb;

    if (fetch->method == 0) {
        return NGX_OK;
    }

    sr->method = fetch->method;
    sr->method_name = fetch->method_name;
    sr->headers_in.content_length_n = fetch->body.len;

    if (fetch->body.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(sr->pool);
    rb->bufs = ngx_alloc_chain_link(sr->pool);

    if (b == NULL || rb->bufs == NULL) {
        return NGX_ERROR;
    }

    b->start = fetch->body.data;
    b->pos = b->start;
    b->last = b->start + fetch->body.len;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->buf = b;
    rb->bufs->buf = b;
    rb->bufs->next = NULL;

    return NGX_OK;
}


/*
 * What is returned becomes the result of the subrequest: with an error nginx
 * would make a page of it.
 */

static ngx_int_t
ngx_lu_fetch_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_lu_fetch_t *fetch = data;

    ngx_http_upstream_t  *u;

    if (fetch->subrequest == NULL) {
        return NGX_OK;
    }

    fetch->subrequest = NULL;

    u = sr->upstream;

    if (u) {
        fetch->asked = 1;
        fetch->status = u->headers_in.status_n;
        fetch->length = u->headers_in.content_length_n;
        fetch->stored = (fetch->path.len
                         && fetch->status == NGX_HTTP_OK
                         && !u->store);

        ngx_lu_fetch_framing(fetch, u);

        if (rc == NGX_OK || rc == (ngx_int_t) fetch->status) {
            ngx_lu_fetch_answer(fetch, sr);
        }
    }

    fetch->received = ngx_lu_fetch_received(fetch);

    /* the subrequest is still in use */

    ngx_post_event(&fetch->end, &ngx_posted_events);

    return NGX_OK;
}


/* What tells a whole body from one that was cut off, and by whom. */

static void
ngx_lu_fetch_framing(ngx_lu_fetch_t *fetch, ngx_http_upstream_t *u)
{
    ngx_int_t          n;
    ngx_list_t        *headers;
    ngx_table_elt_t   *h;
    ngx_event_pipe_t  *pipe;

    fetch->framed = (fetch->length != -1 || u->headers_in.chunked);

    pipe = u->pipe;

    if (pipe) {
        fetch->received_all = (pipe->upstream_done
                               || (!pipe->upstream_eof
                                   && !pipe->upstream_error)
                               || pipe->read_length == fetch->length);
    }

    headers = &u->headers_in.headers;

    for (h = ngx_lu_header_find(headers, "Content-Encoding", NULL);
         h;
         h = ngx_lu_header_find(headers, "Content-Encoding", h))
    {
        if (h->value.len != sizeof("identity") - 1
            || ngx_strncasecmp(h->value.data, (u_char *) "identity",
                               h->value.len)
               != 0)
        {
            fetch->encoded = 1;
        }
    }

    /* a client that asks too often is told in one of two ways when to return */

    if (ngx_lu_fetch_number(headers, "Retry-After", &n) == NGX_OK) {
        fetch->retry = ngx_time() + n;
    }

    if (ngx_lu_fetch_number(headers, "X-RateLimit-Reset", &n) == NGX_OK) {
        fetch->reset = n;
    }

    if (ngx_lu_fetch_number(headers, "X-RateLimit-Remaining", &n) == NGX_OK) {
        fetch->limited = (n == 0);
    }
}


static ngx_int_t
ngx_lu_fetch_number(ngx_list_t *headers, const char *name, ngx_int_t *n)
{
    ngx_table_elt_t  *h;

    h = ngx_lu_header_find(headers, name, NULL);
    if (h == NULL) {
        return NGX_DECLINED;
    }

    *n = ngx_atoi(h->value.data, h->value.len);

    return *n == NGX_ERROR ? NGX_DECLINED : NGX_OK;
}


/* It is the request's, and goes with it. */

static void
ngx_lu_fetch_answer(ngx_lu_fetch_t *fetch, ngx_http_request_t *sr)
{
    ngx_buf_t  *b;

    if (fetch->path.len) {
        return;
    }

    if (sr->out) {
        b = sr->out->buf;

        fetch->answer.len = b->last - b->pos;
        fetch->answer.data = ngx_pnalloc(fetch->pool, fetch->answer.len + 1);

        if (fetch->answer.data == NULL) {
            return;
        }

        ngx_memcpy(fetch->answer.data, b->pos, fetch->answer.len);
        fetch->answer.data[fetch->answer.len] = '\0';
    }

    fetch->complete = (fetch->length == -1
                       || fetch->length == (off_t) fetch->answer.len);
}


off_t
ngx_lu_fetch_received(ngx_lu_fetch_t *fetch)
{
    ngx_http_upstream_t  *u;

    if (fetch->subrequest == NULL) {
        return fetch->received;
    }

    u = fetch->subrequest->upstream;

    if (u == NULL || u->pipe == NULL) {
        return 0;
    }

    /* of what comes in chunks nginx counts the framing, too */

    if (u->headers_in.chunked) {
        return u->pipe->temp_file ? u->pipe->temp_file->offset : 0;
    }

    return u->pipe->read_length;
}


ngx_uint_t
ngx_lu_fetch_is_late(ngx_lu_fetch_t *fetch)
{
    ngx_http_upstream_t  *u;

    if (!ngx_exiting || fetch->subrequest == NULL) {
        return 0;
    }

    /* worker_shutdown_timeout has passed */

    u = fetch->subrequest->upstream;

    return u && u->peer.connection && u->peer.connection->close;
}


/*
 * There is no other way into a running upstream than that of its timer, which
 * is also that of proxy_limit_rate.
 */

void
ngx_lu_fetch_abort(ngx_lu_fetch_t *fetch)
{
    ngx_event_t          *rev;
    ngx_http_upstream_t  *u;

    if (fetch->subrequest == NULL) {
        return;
    }

    u = fetch->subrequest->upstream;

    if (u == NULL || u->peer.connection == NULL) {
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


static void
ngx_lu_fetch_end(ngx_event_t *ev)
{
    ngx_lu_fetch_t *fetch = ev->data;

    if (fetch->request->blocked) {

        /* a thread still writes to the file */

        ngx_add_timer(ev, NGX_LU_BLOCKED);
        return;
    }

    ngx_lu_fetch_free(fetch);

    fetch->handler(fetch);
}


static void
ngx_lu_fetch_free(ngx_lu_fetch_t *fetch)
{
    ngx_connection_t  *c;

    c = fetch->connection;

    if (fetch->request) {
        ngx_http_free_request(fetch->request, 0);
    }

    c->destroyed = 1;
    c->read->active = 0;
    c->write->active = 0;

    ngx_free_connection(c);

    fetch->request = NULL;
    fetch->subrequest = NULL;
    fetch->connection = NULL;
}


static u_char *
ngx_lu_fetch_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_http_request_t  *r;
    ngx_http_log_ctx_t  *ctx;

    p = buf;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
    }

    ctx = log->data;
    r = ctx->request;

    return r ? r->log_handler(r, ctx->current_request, p, len) : p;
}
