
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "job/ngx_lu_job.h"

#include "core/lu_query.h"

#include <openssl/rand.h>


#define NGX_LU_READ_SIZE  (256 * 1024)

#define NGX_LU_PAGE       50
#define NGX_LU_PAGE_MAX   1000


static ngx_int_t ngx_lu_call_str(ngx_lu_call_t *call, lu_str_t *str);
static void ngx_lu_call_cleanup(void *data);
static ngx_int_t ngx_lu_call_too_large(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static void ngx_lu_call_body(ngx_http_request_t *r);
static ngx_int_t ngx_lu_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static ngx_int_t ngx_lu_call_start(ngx_http_request_t *r, ngx_lu_call_t *call);
static void ngx_lu_call_wait(ngx_http_request_t *r);
static void ngx_lu_call_thread(void *data, ngx_log_t *log);
static ngx_int_t ngx_lu_call_json(ngx_lu_call_t *call);
static lu_rc_e ngx_lu_call_piece(void *data, const u_char *bytes, size_t len);
static void ngx_lu_call_done(ngx_event_t *ev);
static ngx_int_t ngx_lu_call_reply(ngx_lu_call_t *call);


static ngx_http_request_body_filter_pt  ngx_lu_next_body_filter;


ngx_lu_call_t *
ngx_lu_call_create(ngx_http_request_t *r, lu_route_t *route,
    const lu_token_t *token, ngx_lu_action_pt action)
{
    ngx_pool_t          *pool;
    ngx_time_t          *tp;
    lu_str_t             by;
    ngx_pool_cleanup_t  *cln;
    ngx_lu_call_t       *call;
    ngx_lu_loc_conf_t   *lucf;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    /* a thread must not touch the request's pool */

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_lu_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    cln->handler = ngx_lu_call_cleanup;
    cln->data = call;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    call->io.pool = pool;
    call->store = lucf->store;
    call->approval = (lucf->approval != NGX_LU_APPROVAL_OFF);
    call->request = r;
    call->token = token;
    call->action = action;
    call->route = *route;
    call->args.len = r->args.len;
    call->args.data = r->args.data;

    if (ngx_lu_call_str(call, &call->route.app) != NGX_OK
        || ngx_lu_call_str(call, &call->route.id) != NGX_OK
        || ngx_lu_call_str(call, &call->route.sub) != NGX_OK)
    {
        return NULL;
    }

    if (token) {
        by.len = token->name.len;
        by.data = token->name.data;

        if (ngx_lu_call_str(call, &by) != NGX_OK) {
            return NULL;
        }

        call->by = (char *) by.data;
    }

    if (r->headers_in.content_type) {
        call->content_type = r->headers_in.content_type->value;
    }

    if (ngx_lu_url_base(r, &call->base_url) != NGX_OK) {
        ngx_str_null(&call->base_url);
    }

    tp = ngx_timeofday();
    lu_time_print(call->now, tp->sec, (unsigned) tp->msec);

    return call;
}


ngx_lu_call_t *
ngx_lu_call_of_job(ngx_lu_job_t *job, ngx_pool_t *pool)
{
    ngx_time_t     *tp;
    ngx_lu_call_t  *call;

    call = ngx_pcalloc(pool, sizeof(ngx_lu_call_t));
    if (call == NULL) {
        return NULL;
    }

    call->io.pool = pool;
    call->job = job;
    call->store = job->jobs->store;
    call->approval = (job->jobs->approval
                      != NGX_LU_APPROVAL_OFF);
    call->by = job->by;
    call->subject = (char *) job->id.data;

    call->route.resource = LU_ROUTE_RELEASE;
    call->route.app = job->app;
    call->route.id = job->id;

    tp = ngx_timeofday();
    lu_time_print(call->now, tp->sec, (unsigned) tp->msec);

    return call;
}


static ngx_int_t
ngx_lu_call_str(ngx_lu_call_t *call, lu_str_t *str)
{
    u_char  *p;

    p = ngx_pnalloc(call->io.pool, str->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, str->data, str->len);
    p[str->len] = '\0';

    str->data = p;

    return NGX_OK;
}


static void
ngx_lu_call_cleanup(void *data)
{
    ngx_lu_call_t *call = data;

    cJSON_free(call->text);
    cJSON_Delete(call->json);
    cJSON_Delete(call->answer);

    ngx_destroy_pool(call->io.pool);
}


ngx_int_t
ngx_lu_call_run(ngx_http_request_t *r, ngx_lu_call_t *call, ngx_uint_t body)
{
    ngx_int_t  rc;

    if (body == NGX_LU_BODY_NONE) {

        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_lu_call_start(r, call);
    }

    call->parse = (body == NGX_LU_BODY_JSON);

    call->body_max = (body == NGX_LU_BODY_FORM) ? 0
                     : (body == NGX_LU_BODY_EVENT)
                     ? NGX_LU_EVENT_SIZE
                     : NGX_LU_JSON_SIZE;

    if (call->body_max && r->headers_in.content_length_n > call->body_max) {
        (void) ngx_http_discard_request_body(r);

        return ngx_lu_call_too_large(r, call);
    }

    /* bodies in files are what is wanted here, and no news */

    r->request_body_file_log_level = 0;

    rc = ngx_http_read_client_request_body(r, ngx_lu_call_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static ngx_int_t
ngx_lu_call_too_large(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    return ngx_lu_reply_message(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                call->body_max == NGX_LU_EVENT_SIZE
                                ? "The body is larger than 25 MB."
                                : "The body is larger than 1 MB.");
}


static void
ngx_lu_call_body(ngx_http_request_t *r)
{
    off_t           size;
    ngx_int_t       rc;
    ngx_chain_t    *cl;
    ngx_lu_ctx_t   *ctx;
    ngx_lu_call_t  *call;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    call = ctx->call;

    if (ctx->body_err) {
        call->io.err = ctx->body_err;

        rc = ngx_lu_reply_error(r, ngx_lu_failed(call), &call->error);
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* a subrequest has none, unless its parent's was read */

    call->body = r->request_body ? r->request_body->bufs : NULL;
    size = 0;

    for (cl = call->body; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (call->body_max && size > call->body_max) {
        rc = ngx_lu_call_too_large(r, call);
        ngx_http_finalize_request(r, rc);
        return;
    }

    call->body_size = size;

    rc = ngx_lu_call_start(r, call);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* call_start() took a reference, and reading the body did */

    ngx_http_finalize_request(r, NGX_DONE);
}


/*
 * nginx ends a request whose body it could not write to the disk with a page
 * of its own.  Our clients are told as for any other file, when they have sent
 * the rest.
 */

void
ngx_lu_body_init(void)
{
    ngx_lu_next_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_lu_body_filter;
}


static ngx_int_t
ngx_lu_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                 rc;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;
    ngx_lu_ctx_t             *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx == NULL || ctx->call == NULL) {
        return ngx_lu_next_body_filter(r, in);
    }

    if (!ctx->body_err) {
        ngx_set_errno(0);

        rc = ngx_lu_next_body_filter(r, in);

        if (rc != NGX_HTTP_INTERNAL_SERVER_ERROR) {
            return rc;
        }

        /* nginx sees less written than it wanted, and no error */

        ctx->body_err = ngx_errno ? ngx_errno : NGX_ENOSPC;
    }

    rb = r->request_body;

    /* the buffers are free for what is still to come */

    for (cl = rb->bufs; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    rb->bufs = NULL;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;

        if (cl->buf->last_buf) {
            rb->last_saved = 1;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_call_start(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_thread_task_t  *task;
    ngx_lu_loc_conf_t  *lucf;

    task = ngx_thread_task_alloc(r->pool, 0);
    if (task == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    task->ctx = call;
    task->handler = ngx_lu_call_thread;
    task->event.data = call;
    task->event.handler = ngx_lu_call_done;
    task->event.log = r->connection->log;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    call->aside = (lucf->threads != lucf->readers);

    if (ngx_lu_thread_post(lucf->threads, task) != NGX_OK) {
        return ngx_lu_reply_message(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "Too many requests wait.");
    }

    r->main->count++;
    r->main->blocked++;
    r->aio = 1;
    r->write_event_handler = ngx_lu_call_wait;

    return NGX_DONE;
}


static void
ngx_lu_call_wait(ngx_http_request_t *r)
{
    /* a write event while the thread works */
}


static void
ngx_lu_call_thread(void *data, ngx_log_t *log)
{
    ngx_lu_call_t *call = data;

    if (call->aside) {
        ngx_lu_thread_aside();
    }

    if (call->parse) {
        call->status = ngx_lu_call_json(call);
    }

    if (call->status == 0) {
        call->status = call->action(call);
    }

    if (call->answer == NULL) {
        return;
    }

    call->text = cJSON_PrintUnformatted(call->answer);

    if (call->text == NULL) {
        call->status = ngx_lu_nomem(call);
    }
}


/* A JSON body is an object; none at all is an empty one. */

static ngx_int_t
ngx_lu_call_json(ngx_lu_call_t *call)
{
    ngx_int_t  rc;
    lu_rc_e    parsed;
    lu_str_t   text;

    if (call->body_size == 0) {
        call->json = cJSON_CreateObject();
        return call->json ? 0 : ngx_lu_nomem(call);
    }

    rc = ngx_lu_body_text(call, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    parsed = lu_json_parse(&call->json, &text, &call->error);

    if (parsed != LU_OK) {
        return (parsed == LU_NOMEM) ? ngx_lu_nomem(call)
                                    : NGX_HTTP_BAD_REQUEST;
    }

    if (!cJSON_IsObject(call->json)) {
        return ngx_lu_refuse(call, NGX_HTTP_BAD_REQUEST,
                             "The body must be a JSON object.");
    }

    return 0;
}


ngx_int_t
ngx_lu_body_text(ngx_lu_call_t *call, lu_str_t *text)
{
    text->len = 0;
    text->data = ngx_pnalloc(call->io.pool, (size_t) call->body_size + 1);

    if (text->data == NULL) {
        return ngx_lu_nomem(call);
    }

    return ngx_lu_body(call, ngx_lu_call_piece, text);
}


static lu_rc_e
ngx_lu_call_piece(void *data, const u_char *bytes, size_t len)
{
    lu_str_t *text = data;

    ngx_memcpy(text->data + text->len, bytes, len);
    text->len += len;

    return LU_OK;
}


ngx_int_t
ngx_lu_body(ngx_lu_call_t *call,
    lu_rc_e (*handler)(void *data, const u_char *bytes, size_t len),
    void *data)
{
    off_t         pos;
    u_char       *piece;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;
    lu_rc_e       rc;

    piece = NULL;

    for (cl = call->body; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (b->last == b->pos) {
                continue;
            }

            rc = handler(data, b->pos, b->last - b->pos);
            if (rc != LU_OK) {
                return ngx_lu_core_status(call, rc);
            }

            continue;
        }

        if (piece == NULL) {
            piece = ngx_palloc(call->io.pool, NGX_LU_READ_SIZE);
            if (piece == NULL) {
                return ngx_lu_nomem(call);
            }
        }

        for (pos = b->file_pos; pos < b->file_last; pos += n) {

            n = pread(b->file->fd, piece,
                      (size_t) ngx_min(b->file_last - pos,
                                       NGX_LU_READ_SIZE),
                      pos);

            if (n <= 0) {
                call->io.err = n ? ngx_errno : 0;
                call->io.operation = "pread()";
                call->io.path = b->file->name.data;

                return ngx_lu_failed(call);
            }

            rc = handler(data, piece, n);
            if (rc != LU_OK) {
                return ngx_lu_core_status(call, rc);
            }
        }
    }

    return NGX_OK;
}


static void
ngx_lu_call_done(ngx_event_t *ev)
{
    ngx_lu_call_t *call = ev->data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;
    ngx_lu_store_t      *store;

    if (!ngx_lu_thread_over(ev)) {
        return;
    }

    r = call->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;
    r->aio = 0;

    store = call->wake ? call->store : NULL;

    if (r->write_event_handler != ngx_lu_call_wait) {

        /* the request was terminated meanwhile */

        r->write_event_handler(r);

    } else {
        r->write_event_handler = ngx_http_request_empty_handler;

        ngx_http_finalize_request(r, ngx_lu_call_reply(call));
    }

    ngx_http_run_posted_requests(c);

    if (store) {
        ngx_lu_jobs_wake(store);
    }
}


static ngx_int_t
ngx_lu_call_reply(ngx_lu_call_t *call)
{
    u_char              *sentence;
    ngx_str_t            text, type;
    ngx_http_request_t  *r;

    r = call->request;

    if (call->io.operation
        && (call->status >= NGX_HTTP_INTERNAL_SERVER_ERROR
            || call->status < NGX_HTTP_SPECIAL_RESPONSE))
    {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, call->io.err,
                      "%s \"%s\" failed", call->io.operation, call->io.path);
    }

    if (call->status >= NGX_HTTP_BAD_REQUEST) {

        sentence = ngx_lu_reply_sentence(r->pool, &call->error);
        if (sentence == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "call refused with %i: %s", call->status, sentence);

        return ngx_lu_reply_error(r, call->status, &call->error);
    }

    if (call->change) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "\"%s\" changed app \"%*s\": %s \"%s\"",
                      call->by,
                      call->route.app.len, call->route.app.data,
                      call->change, call->subject);
    }

    if (call->location) {
        text.data = call->location;
        text.len = ngx_strlen(call->location);

        if (ngx_lu_header_add(r, "Location", &text) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_str_null(&text);

    if (call->text) {
        text.data = (u_char *) call->text;
        text.len = ngx_strlen(call->text);
    }

    if (call->text_type) {
        type.data = (u_char *) call->text_type;
        type.len = ngx_strlen(call->text_type);

        return ngx_lu_reply_text(r, call->status, &type, &text);
    }

    return ngx_lu_reply_json(r, call->status, &text);
}


ngx_int_t
ngx_lu_refuse(ngx_lu_call_t *call, ngx_int_t status, const char *text)
{
    (void) lu_error(&call->error, NULL, text);

    return status;
}


ngx_int_t
ngx_lu_core_status(ngx_lu_call_t *call, lu_rc_e rc)
{
    switch (rc) {

    case LU_OK:
        return NGX_OK;

    case LU_NOMEM:
        return ngx_lu_nomem(call);

    case LU_NOT_FOUND:
        return NGX_HTTP_NOT_FOUND;

    case LU_CONFLICT:
        return NGX_HTTP_CONFLICT;

    case LU_FORBIDDEN:
        return NGX_HTTP_FORBIDDEN;

    default: /* LU_INVALID */
        return 422;
    }
}


ngx_int_t
ngx_lu_failed(ngx_lu_call_t *call)
{
    switch (call->io.err) {

    case NGX_ENOMEM:
        return ngx_lu_nomem(call);

    case NGX_ENOENT:
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                             "It was deleted meanwhile.");

    case NGX_ENOSPC:
#if (NGX_HAVE_EDQUOT)
    case EDQUOT:
#endif
        return ngx_lu_refuse(call,
                             NGX_HTTP_INSUFFICIENT_STORAGE,
                             "The disk of the server is full; "
                             "nothing was changed.");

    default:
        return ngx_lu_refuse(call,
                             NGX_HTTP_INTERNAL_SERVER_ERROR,
                             "The server could not use its disk; "
                             "its error log says more.");
    }
}


ngx_int_t
ngx_lu_unread(ngx_lu_call_t *call, ngx_int_t rc)
{
    if (rc == NGX_DECLINED) {
        call->io.err = NGX_ENOENT;
    }

    return ngx_lu_failed(call);
}


ngx_int_t
ngx_lu_nomem(ngx_lu_call_t *call)
{
    return ngx_lu_refuse(call, NGX_HTTP_INTERNAL_SERVER_ERROR,
                         "The server is out of memory.");
}


char *
ngx_lu_uuid(ngx_lu_call_t *call)
{
    u_char  bytes[16];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NULL;
    }

    return ngx_lu_uuid_of(call, bytes, 4);
}


/* RFC 9562: a version and the variant among 16 bytes */

char *
ngx_lu_uuid_of(ngx_lu_call_t *call, u_char *bytes, ngx_uint_t version)
{
    u_char  *p, *uuid, hex[32];

    bytes[6] = (u_char) ((bytes[6] & 0x0f) | (version << 4));
    bytes[8] = (bytes[8] & 0x3f) | 0x80;

    uuid = ngx_pnalloc(call->io.pool, NGX_LU_UUID_LEN + 1);
    if (uuid == NULL) {
        return NULL;
    }

    (void) ngx_hex_dump(hex, bytes, 16);

    p = ngx_sprintf(uuid, "%*s-%*s-%*s-%*s-%*s",
                    (size_t) 8, hex, (size_t) 4, hex + 8, (size_t) 4, hex + 12,
                    (size_t) 4, hex + 16, (size_t) 12, hex + 20);
    *p = '\0';

    return (char *) uuid;
}


char *
ngx_lu_arg(ngx_lu_call_t *call, const char *name)
{
    u_char   *buf;
    lu_str_t  value, decoded;

    if (!lu_query_find(&call->args, name, &value) || value.len == 0) {
        return NULL;
    }

    buf = ngx_pnalloc(call->io.pool, value.len + 1);
    if (buf == NULL) {
        return NULL;
    }

    /* publishers' programs use URLSearchParams */

    if (lu_query_decode(&decoded, buf, &value, 1) != LU_OK) {
        return NULL;
    }

    decoded.data[decoded.len] = '\0';

    return (char *) decoded.data;
}


void
ngx_lu_page(ngx_lu_call_t *call, ngx_uint_t *limit, ngx_uint_t *offset)
{
    char       *value;
    ngx_int_t   n;

    *limit = NGX_LU_PAGE;
    *offset = 0;

    value = ngx_lu_arg(call, "limit");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *limit = ngx_min(n, NGX_LU_PAGE_MAX);
        }
    }

    value = ngx_lu_arg(call, "offset");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *offset = n;
        }
    }
}
