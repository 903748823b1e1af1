
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_body.h"

#include "store/ngx_lu_io.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"


#define NGX_LU_BODY_PIECE  (256 * 1024)


static ngx_int_t ngx_lu_body_too_large(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static void ngx_lu_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_lu_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static lu_rc_e ngx_lu_body_piece(void *data, const u_char *bytes, size_t len);


static ngx_http_request_body_filter_pt  ngx_lu_body_next_filter;


ngx_int_t
ngx_lu_body_read(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body)
{
    ngx_int_t  rc;

    call->parse = (body == NGX_LU_BODY_JSON);

    call->body_max = (body == NGX_LU_BODY_FORM) ? 0
                     : (body == NGX_LU_BODY_EVENT) ? NGX_LU_EVENT_SIZE
                                                   : NGX_LU_JSON_SIZE;

    if (call->body_max && r->headers_in.content_length_n > call->body_max) {
        (void) ngx_http_discard_request_body(r);

        return ngx_lu_body_too_large(r, call);
    }

    /* bodies in files are what is wanted here, and no news */

    r->request_body_file_log_level = 0;

    rc = ngx_http_read_client_request_body(r, ngx_lu_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static ngx_int_t
ngx_lu_body_too_large(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    return ngx_lu_reply_message(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                call->body_max == NGX_LU_EVENT_SIZE
                                ? "The body is larger than 25 MB."
                                : "The body is larger than 1 MB.");
}


static void
ngx_lu_body_handler(ngx_http_request_t *r)
{
    off_t           size;
    ngx_int_t       rc;
    ngx_chain_t    *cl;
    ngx_lu_ctx_t   *ctx;
    ngx_lu_call_t  *call;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    call = ctx->call;

    if (ctx->body_err) {
        call->task.io.err = ctx->body_err;

        rc = ngx_lu_reply_error(r, ngx_lu_task_failed(&call->task),
                                &call->task.error);
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
        rc = ngx_lu_body_too_large(r, call);
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
    ngx_lu_body_next_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_lu_body_filter;
}


static ngx_int_t
ngx_lu_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                 rc;
    ngx_chain_t              *cl;
    ngx_lu_ctx_t             *ctx;
    ngx_http_request_body_t  *rb;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx == NULL || ctx->call == NULL) {
        return ngx_lu_body_next_filter(r, in);
    }

    if (!ctx->body_err) {
        ngx_set_errno(0);

        rc = ngx_lu_body_next_filter(r, in);

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


/* A JSON body is an object; none at all is an empty one. */

ngx_int_t
ngx_lu_body_json(ngx_lu_call_t *call)
{
    lu_rc_e    parsed;
    lu_str_t   text;
    ngx_int_t  rc;

    if (call->body_size == 0) {
        call->json = cJSON_CreateObject();
        return call->json ? 0 : ngx_lu_task_nomem(&call->task);
    }

    rc = ngx_lu_body_text(call, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    parsed = lu_json_parse(&call->json, &text, &call->task.error);

    if (parsed != LU_OK) {
        return (parsed == LU_NOMEM) ? ngx_lu_task_nomem(&call->task)
                                    : NGX_HTTP_BAD_REQUEST;
    }

    if (!cJSON_IsObject(call->json)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                                  "The body must be a JSON object.");
    }

    return 0;
}


ngx_int_t
ngx_lu_body_text(ngx_lu_call_t *call, lu_str_t *text)
{
    text->len = 0;
    text->data = ngx_pnalloc(call->task.io.pool, (size_t) call->body_size + 1);

    if (text->data == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    return ngx_lu_body(call, ngx_lu_body_piece, text);
}


static lu_rc_e
ngx_lu_body_piece(void *data, const u_char *bytes, size_t len)
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
    lu_rc_e       rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    piece = NULL;

    for (cl = call->body; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (b->last == b->pos) {
                continue;
            }

            rc = handler(data, b->pos, b->last - b->pos);
            if (rc != LU_OK) {
                return ngx_lu_task_core(&call->task, rc);
            }

            continue;
        }

        if (piece == NULL) {
            piece = ngx_palloc(call->task.io.pool, NGX_LU_BODY_PIECE);
            if (piece == NULL) {
                return ngx_lu_task_nomem(&call->task);
            }
        }

        for (pos = b->file_pos; pos < b->file_last; pos += n) {

            n = pread(b->file->fd, piece,
                      (size_t) ngx_min(b->file_last - pos,
                                       NGX_LU_BODY_PIECE),
                      pos);

            if (n <= 0) {
                (void) ngx_lu_io_error(&call->task.io, n ? ngx_errno : 0,
                                       "pread()", b->file->name.data);

                return ngx_lu_task_failed(&call->task);
            }

            rc = handler(data, piece, n);
            if (rc != LU_OK) {
                return ngx_lu_task_core(&call->task, rc);
            }
        }
    }

    return NGX_OK;
}
