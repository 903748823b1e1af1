
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A fetch is a request that no client has sent, and a background subrequest
 * of it to an internal location with proxy_pass.
 */


#include "ngx_lu_fetch.h"
#include "ngx_lu_proxy.h"

#include "core/lu_github.h"


#define NGX_LU_BLOCKED  10      /* msec */


static ngx_int_t ngx_lu_fetch_request(ngx_lu_fetch_t *fetch);
static ngx_int_t ngx_lu_fetch_subrequest(ngx_lu_fetch_t *fetch);
static ngx_int_t ngx_lu_fetch_headers(ngx_lu_fetch_t *fetch,
    ngx_http_request_t *r);
static ngx_int_t ngx_lu_fetch_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static void ngx_lu_fetch_response(ngx_lu_fetch_t *fetch,
    ngx_http_upstream_t *u);
static void ngx_lu_fetch_answer(ngx_lu_fetch_t *fetch, ngx_http_request_t *sr);
static time_t ngx_lu_fetch_date(ngx_http_upstream_t *u);
static ngx_int_t ngx_lu_fetch_retry(ngx_http_upstream_t *u, ngx_int_t *n);
static ngx_int_t ngx_lu_fetch_number(ngx_list_t *headers, const char *name,
    ngx_int_t *n);
static void ngx_lu_fetch_end(ngx_event_t *ev);
static void ngx_lu_fetch_free(ngx_lu_fetch_t *fetch);
static void ngx_lu_fetch_listen(ngx_lu_fetch_t *fetch);
static void ngx_lu_fetch_heard(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);
static u_char *ngx_lu_fetch_log(ngx_log_t *log, u_char *buf, size_t len);


ngx_int_t
ngx_lu_fetch_start(ngx_lu_fetch_t *fetch)
{
    if (ngx_lu_fetch_request(fetch) != NGX_OK) {
        return NGX_ERROR;
    }

    fetch->end.handler = ngx_lu_fetch_end;
    fetch->end.data = fetch;
    fetch->end.log = &fetch->log;

    ngx_http_run_posted_requests(fetch->connection);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_fetch_request(ngx_lu_fetch_t *fetch)
{
    fetch->log = *ngx_cycle->log;
    fetch->log.handler = ngx_lu_fetch_log;
    fetch->log.data = &fetch->log_ctx;
    fetch->log.action = "fetching from the origin";

    fetch->connection = ngx_lu_proxy_connect(fetch->pool, fetch->conf_ctx,
                                             &fetch->log);
    if (fetch->connection == NULL) {
        return NGX_ERROR;
    }

    fetch->request = ngx_lu_proxy_request(fetch->connection, &fetch->uri);

    ngx_lu_fetch_listen(fetch);

    if (fetch->request == NULL
        || ngx_lu_fetch_headers(fetch, fetch->request) != NGX_OK
        || ngx_lu_fetch_subrequest(fetch) != NGX_OK)
    {
        ngx_lu_fetch_free(fetch);
        return NGX_ERROR;
    }

    return NGX_OK;
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

    if (ngx_lu_proxy_body(sr, &fetch->body, fetch->path.len != 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fetch->method) {
        sr->method = fetch->method;
        sr->method_name = fetch->method_name;
        sr->headers_in.content_length_n = fetch->body.len;
    }

    fetch->subrequest = sr;

    return NGX_OK;
}


/*
 * Returns NGX_OK in any case, as it becomes the subrequest's result: nginx
 * would answer an error with an error page.
 */

static ngx_int_t
ngx_lu_fetch_done(ngx_http_request_t *sr, void *data, ngx_int_t rc)
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
        fetch->stored = (fetch->path.len && ngx_lu_proxy_stored(u));
        fetch->received = ngx_lu_proxy_received(u);
        fetch->received_all = ngx_lu_proxy_received_all(u);

        ngx_lu_fetch_response(fetch, u);

        if (rc == NGX_OK || rc == (ngx_int_t) fetch->status) {
            ngx_lu_fetch_answer(fetch, sr);
        }
    }

    /* the subrequest is still in use */

    ngx_post_event(&fetch->end, &ngx_posted_events);

    return NGX_OK;
}


/* What the headers of the response say. */

static void
ngx_lu_fetch_response(ngx_lu_fetch_t *fetch, ngx_http_upstream_t *u)
{
    lu_str_t          text;
    ngx_int_t         n;
    ngx_list_t       *headers;
    ngx_table_elt_t  *h;

    fetch->framed = (fetch->length != -1 || u->headers_in.chunked);

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

    /* GitHub tells in one of two ways when to return ("rate limits") */

    if (ngx_lu_fetch_retry(u, &n) == NGX_OK) {
        fetch->retry = n;
    }

    if (ngx_lu_fetch_number(headers, "X-RateLimit-Reset", &n) == NGX_OK) {
        fetch->reset = ngx_max(n - ngx_lu_fetch_date(u), 0);
    }

    if (ngx_lu_fetch_number(headers, "X-RateLimit-Remaining", &n) == NGX_OK) {
        fetch->limited = (n == 0);
    }

    h = ngx_lu_header_find(headers, "GitHub-Authentication-Token-Expiration",
                           NULL);
    if (h) {
        text = ngx_lu_to_core(&h->value);

        if (lu_github_until(&text, &fetch->expires) != LU_OK) {
            fetch->expires = NGX_ERROR;
        }
    }
}


/* Two clocks need not agree: both times are the origin's. */

static time_t
ngx_lu_fetch_date(ngx_http_upstream_t *u)
{
    time_t            date;
    ngx_table_elt_t  *h;

    h = ngx_lu_header_find(&u->headers_in.headers, "Date", NULL);

    date = h ? ngx_parse_http_time(h->value.data, h->value.len) : NGX_ERROR;

    return date == NGX_ERROR ? ngx_time() : date;
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


/* Seconds, of which some send fractions, or a date: RFC 9110, 10.2.3. */

static ngx_int_t
ngx_lu_fetch_retry(ngx_http_upstream_t *u, ngx_int_t *n)
{
    u_char           *p, *last;
    time_t            date;
    ngx_table_elt_t  *h;

    h = ngx_lu_header_find(&u->headers_in.headers, "Retry-After", NULL);
    if (h == NULL) {
        return NGX_DECLINED;
    }

    last = h->value.data + h->value.len;

    p = ngx_strlchr(h->value.data, last, '.');
    if (p == NULL) {
        p = last;
    }

    *n = ngx_atoi(h->value.data, p - h->value.data);

    if (*n != NGX_ERROR) {
        *n += (p != last);
        return NGX_OK;
    }

    date = ngx_parse_http_time(h->value.data, h->value.len);
    if (date == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *n = ngx_max(date - ngx_lu_fetch_date(u), 0);

    return NGX_OK;
}


/* Copies the answer, which goes with the request. */

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

    return u ? ngx_lu_proxy_received(u) : 0;
}


void
ngx_lu_fetch_look(ngx_lu_fetch_t *fetch, ngx_lu_store_t *store)
{
    off_t  received;

    received = ngx_lu_fetch_received(fetch);

    if (fetch->request == NULL
        || !fetch->request->blocked
        || received != fetch->seen)
    {
        fetch->seen = received;
        fetch->moved = ngx_current_msec;

        return;
    }

    ngx_lu_thread_leave(store, fetch->moved);
}


ngx_uint_t
ngx_lu_fetch_is_late(ngx_lu_fetch_t *fetch)
{
    ngx_http_upstream_t  *u;

    if (!ngx_exiting || fetch->subrequest == NULL) {
        return 0;
    }

    u = fetch->subrequest->upstream;

    return u && ngx_lu_proxy_is_late(u);
}


void
ngx_lu_fetch_abort(ngx_lu_fetch_t *fetch)
{
    if (fetch->subrequest && fetch->subrequest->upstream) {
        ngx_lu_proxy_abort(fetch->subrequest->upstream);
    }
}


static void
ngx_lu_fetch_end(ngx_event_t *ev)
{
    ngx_lu_fetch_t *fetch = ev->data;

    if (fetch->request->blocked) {

        /* a thread is still writing to the file; see ngx_lu_fetch_look() */

        ev->cancelable = 1;
        ngx_add_timer(ev, NGX_LU_BLOCKED);
        return;
    }

    ngx_lu_fetch_free(fetch);

    fetch->handler(fetch);
}


static void
ngx_lu_fetch_free(ngx_lu_fetch_t *fetch)
{
    ngx_lu_proxy_free(fetch->connection, fetch->request);

    fetch->request = NULL;
    fetch->subrequest = NULL;
    fetch->connection = NULL;
}


/*
 * Only nginx's messages tell a name that is not resolved from a refused
 * connection or a certificate that is not trusted.  So the last error is kept
 * for the reason of the job.  The request has got the server's log by now.
 */

static void
ngx_lu_fetch_listen(ngx_lu_fetch_t *fetch)
{
    fetch->log_next = fetch->log;

    fetch->log.writer = ngx_lu_fetch_heard;
    fetch->log.wdata = fetch;
    fetch->log.next = &fetch->log_next;
    fetch->log.log_level = ngx_max(fetch->log.log_level, NGX_LOG_ERR);
}


static void
ngx_lu_fetch_heard(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    ngx_lu_fetch_t *fetch = log->wdata;

    size_t   i, n;
    u_char  *p, *end;

    static u_char  dead[] = "no live upstreams";

    end = buf + len;

    if (fetch->log_tail >= buf && fetch->log_tail < end) {
        end = fetch->log_tail;
    }

    /* "2026/11/29 10:00:00 [error] 1#1: *1 message" */

    p = ngx_strlchr(buf, end, '#');
    p = p ? ngx_strlchr(p, end, ' ') : NULL;

    if (p && end - p > 1 && p[1] == '*') {
        p = ngx_strlchr(p + 1, end, ' ');
    }

    if (p == NULL || level > NGX_LOG_ERR) {
        return;
    }

    p++;
    n = end - p;

    /* it follows the message that says why */

    if (fetch->why[0]
        && n >= sizeof(dead) - 1
        && ngx_strncmp(p, dead, sizeof(dead) - 1) == 0)
    {
        return;
    }

    n = ngx_min(n, NGX_LU_FETCH_WHY - 1);

    for (i = 0; i < n; i++) {
        fetch->why[i] = (p[i] < ' ' || p[i] > '~') ? '?' : p[i];
    }

    fetch->why[n] = '\0';
}


static u_char *
ngx_lu_fetch_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_lu_fetch_t      *fetch;
    ngx_http_request_t  *r;
    ngx_http_log_ctx_t  *ctx;

    p = buf;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
    }

    ctx = log->data;
    r = ctx->request;

    fetch = (ngx_lu_fetch_t *) ((u_char *) log
                                - offsetof(ngx_lu_fetch_t, log));
    fetch->log_tail = p;

    /* nginx would log the address, which may be a secret */

    if (fetch->secret_of.len) {
        return ngx_snprintf(p, len, ", target: \"%V\"", &fetch->secret_of);
    }

    if (r == NULL) {
        return p;
    }

#ifdef ANGIE_VERSION
    return r->log_handler(log, p, p + len, ctx);
#else
    return r->log_handler(r, ctx->current_request, p, len);
#endif
}
