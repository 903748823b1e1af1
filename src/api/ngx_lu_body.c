
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_body.h"
#include "ngx_lu_receive.h"

#include "store/ngx_lu_io.h"

#include "core/lu_json.h"


#define NGX_LU_BODY_PIECE  (256 * 1024)


static ngx_int_t ngx_lu_body_too_large(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static ngx_uint_t ngx_lu_body_is_large(ngx_http_request_t *r);
static void ngx_lu_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_lu_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static lu_rc_e ngx_lu_body_piece(void *data, const u_char *bytes, size_t len);
static ngx_int_t ngx_lu_body_file(ngx_lu_task_t *task, ngx_buf_t *b,
    u_char *piece, ngx_lu_body_pt handler, void *data);


static ngx_http_request_body_filter_pt  ngx_lu_body_next_filter;


ngx_int_t
ngx_lu_body_read(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body)
{
    ngx_int_t  rc;

    call->parse = (body == NGX_LU_BODY_JSON);

    switch (body) {

    case NGX_LU_BODY_FILE:
        r->request_body_no_buffering = ngx_lu_body_is_large(r);

        call->body_max = 0;
        break;

    case NGX_LU_BODY_EVENT:
        call->body_max = NGX_LU_EVENT_SIZE;
        break;

    default:
        call->body_max = NGX_LU_JSON_SIZE;
    }

    if (call->body_max && r->headers_in.content_length_n > call->body_max) {
        (void) ngx_http_discard_request_body(r);

        return ngx_lu_body_too_large(r, call);
    }

    /* what does not fit into memory is meant to go into a file: no warning */

    r->request_body_file_log_level = 0;

    rc = ngx_http_read_client_request_body(r, ngx_lu_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* One that nginx would write into a file, and wait for the disk. */

static ngx_uint_t
ngx_lu_body_is_large(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return r->headers_in.content_length_n < 0
           || r->headers_in.content_length_n
              > (off_t) clcf->client_body_buffer_size;
}


static ngx_int_t
ngx_lu_body_too_large(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    const char  *text;

    text = (call->body_max == NGX_LU_EVENT_SIZE)
           ? "The body is larger than 25 MB."
           : "The body is larger than 1 MB.";

    return ngx_lu_reply_message(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, text);
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

    if (r->reading_body) {
        ngx_lu_receive(r, call);
        return;
    }

    if (ctx->body_err) {
        /* nginx has logged it */
        (void) ngx_lu_io_error(&call->task.io, ctx->body_err, NULL, NULL);

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

    rc = ngx_lu_call_received(r, call);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* call_received() took a reference, and reading the body did */

    ngx_http_finalize_request(r, NGX_DONE);
}


/*
 * If nginx cannot write a body to the disk, it ends the request with a page of
 * its own.  The filter lets the client send the rest instead, so that the call
 * can answer as it does for any other file that could not be written.
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

    if (ctx == NULL || ctx->call == NULL || r->request_body_no_buffering) {
        return ngx_lu_body_next_filter(r, in);
    }

    if (!ctx->body_err) {
        ngx_set_errno(0);

        rc = ngx_lu_body_next_filter(r, in);

        if (rc != NGX_HTTP_INTERNAL_SERVER_ERROR) {
            return rc;
        }

        /* a write that was cut short leaves no error */

        ctx->body_err = ngx_errno ? ngx_errno : NGX_ENOSPC;
    }

    rb = r->request_body;

    /* the rest of the body is read into the same buffers, and dropped */

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


ngx_int_t
ngx_lu_body_json(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    if (call->body_size == 0) {
        call->json = cJSON_CreateObject();

        return call->json ? NGX_OK : ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_body_parse(call);
    if (status != NGX_OK) {
        return status;
    }

    if (!cJSON_IsObject(call->json)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                                  "The body must be a JSON object.");
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_body_parse(ngx_lu_call_t *call)
{
    lu_rc_e         rc;
    lu_str_t        text;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_body_text(call, &text);
    if (status != NGX_OK) {
        return status;
    }

    rc = lu_json_parse(&call->json, &text, &task->error);

    return ngx_lu_body_status(task, rc);
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

    (void) ngx_lu_cpymem(text->data + text->len, bytes, len);
    text->len += len;

    return LU_OK;
}


ngx_int_t
ngx_lu_body_status(ngx_lu_task_t *task, lu_rc_e rc)
{
    return rc == LU_INVALID ? NGX_HTTP_BAD_REQUEST : ngx_lu_task_core(task, rc);
}


ngx_int_t
ngx_lu_body(ngx_lu_call_t *call, ngx_lu_body_pt handler, void *data)
{
    u_char         *piece;
    lu_rc_e         rc;
    ngx_buf_t      *b;
    ngx_int_t       status;
    ngx_chain_t    *cl;
    ngx_lu_task_t  *task;

    task = &call->task;
    piece = NULL;

    for (cl = call->body; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (b->last == b->pos) {
                continue;
            }

            rc = handler(data, b->pos, b->last - b->pos);
            if (rc != LU_OK) {
                return ngx_lu_task_core(task, rc);
            }

            continue;
        }

        if (piece == NULL) {
            piece = ngx_palloc(task->io.pool, NGX_LU_BODY_PIECE);
            if (piece == NULL) {
                return ngx_lu_task_nomem(task);
            }
        }

        status = ngx_lu_body_file(task, b, piece, handler, data);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_body_file(ngx_lu_task_t *task, ngx_buf_t *b, u_char *piece,
    ngx_lu_body_pt handler, void *data)
{
    off_t    pos;
    size_t   size;
    ssize_t  n;
    lu_rc_e  rc;

    for (pos = b->file_pos; pos < b->file_last; pos += n) {

        size = (size_t) ngx_min(b->file_last - pos, NGX_LU_BODY_PIECE);

        task->io.beats++;

        n = pread(b->file->fd, piece, size, pos);

        if (n <= 0) {
            if (n == 0) {
                ngx_set_errno(0);
            }

            (void) ngx_lu_io_failed(&task->io, "pread()", b->file->name.data);
            return ngx_lu_task_failed(task);
        }

        rc = handler(data, piece, n);
        if (rc != LU_OK) {
            return ngx_lu_task_core(task, rc);
        }
    }

    return NGX_OK;
}
