
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_disk.h"
#include "ngx_lu_open.h"
#include "ngx_lu_send.h"


/* a request with many ranges has many small parts */

#define NGX_LU_SEND_PARTS     64

/* no other filter of nginx that sends such files has this bit */

#define NGX_LU_SEND_BUFFERED  0x08


typedef struct {
    off_t                   offset;
    size_t                  size;
} ngx_lu_send_part_t;


/* Parts of the file, in memory of its own: a thread may outlive the request. */

typedef struct {
    ngx_lu_thread_t         thread;
    ngx_atomic_t            beats;
    ngx_http_request_t     *request;   /* NULL: it has gone */
    ngx_lu_opened_t        *file;
    ngx_lu_send_part_t      parts[NGX_LU_SEND_PARTS];
    ngx_uint_t              nparts;
    ngx_err_t               err;
    u_char                 *bytes;     /* of all parts */
    unsigned                running:1;
} ngx_lu_send_piece_t;


/* A file that is read in threads for a request. */

struct ngx_lu_send_s {
    ngx_lu_opened_t        *file;
    ngx_chain_t            *in;        /* not read yet */
    ngx_chain_t            *busy;      /* not sent yet */
    ngx_chain_t            *free;
    ngx_lu_send_piece_t    *piece;
    unsigned                ready:1;   /* the piece has its bytes */
    unsigned                failed:1;
};


static ngx_int_t ngx_lu_send_file(ngx_http_request_t *r,
    ngx_lu_opened_t *file);
static ngx_int_t ngx_lu_send_body(ngx_http_request_t *r,
    ngx_lu_opened_t *file, ngx_chain_t *out);
static void ngx_lu_send_resume(ngx_http_request_t *r);
static ngx_int_t ngx_lu_send_filter(ngx_http_request_t *r, ngx_chain_t *in);
static ngx_int_t ngx_lu_send_fill(ngx_http_request_t *r, ngx_lu_send_t *send,
    ngx_chain_t **out);
static ngx_uint_t ngx_lu_send_is_file(ngx_lu_send_t *send, ngx_buf_t *b);
static void ngx_lu_send_plan(ngx_lu_send_t *send);
static ngx_uint_t ngx_lu_send_known(ngx_lu_send_t *send);
static ngx_int_t ngx_lu_send_take(ngx_http_request_t *r, ngx_lu_send_t *send,
    ngx_chain_t **out);
static ngx_chain_t *ngx_lu_send_part(ngx_http_request_t *r,
    ngx_lu_send_t *send, ngx_buf_t *b, u_char *bytes, size_t size);
static ngx_lu_send_piece_t *ngx_lu_send_create(ngx_http_request_t *r,
    ngx_lu_opened_t *file);
static ngx_int_t ngx_lu_send_start(ngx_http_request_t *r,
    ngx_lu_send_piece_t *piece);
static void ngx_lu_send_run(void *data);
static void ngx_lu_send_done(void *data);
static void ngx_lu_send_late(void *data);
static void ngx_lu_send_go_on(ngx_http_request_t *r);
static void ngx_lu_send_cleanup(void *data);
static void ngx_lu_send_free(ngx_lu_send_piece_t *piece);


static ngx_http_output_body_filter_pt  ngx_lu_send_next_filter;


ngx_int_t
ngx_lu_send_init(ngx_conf_t *cf)
{
    ngx_lu_send_next_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_lu_send_filter;

    return NGX_OK;
}


ngx_int_t
ngx_lu_send_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_lu_ctx_t     *ctx;
    ngx_lu_opened_t  *file;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_lu_open(r, &file);

    switch (rc) {

    case NGX_OK:
        return ngx_lu_send_file(r, file);

    case NGX_AGAIN:
        r->main->count++;
        r->write_event_handler = ngx_lu_send_resume;
        return NGX_DONE;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
        ctx->located = 0;
        return ngx_lu_reply_unavailable(r);

    default:
        return rc;
    }
}


static void
ngx_lu_send_resume(ngx_http_request_t *r)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->waiting) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, ngx_lu_send_handler(r));
}


/* As nginx's static handler. */

static ngx_int_t
ngx_lu_send_file(ngx_http_request_t *r, ngx_lu_opened_t *file)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    r->root_tested = !r->error_page;

    r->connection->log->action = "sending response to client";

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = file->size;
    r->headers_out.last_modified_time = file->mtime;

    if (ngx_http_set_etag(r) != NGX_OK
        || ngx_http_set_content_type(r) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r != r->main && file->size == 0) {
        return ngx_http_send_header(r);
    }

    r->allow_ranges = 1;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->file_pos = 0;
    b->file_last = file->size;

    b->in_file = b->file_last ? 1 : 0;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    b->file->fd = file->fd;
    b->file->name = file->path;
    b->file->log = r->connection->log;
    b->file->directio = file->directio;

    out.buf = b;
    out.next = NULL;

    return file->local ? ngx_http_output_filter(r, &out)
                       : ngx_lu_send_body(r, file, &out);
}


/*
 * nginx's filters before ours divide the file into ranges.  They must not read
 * it, as they do for TLS and for filters that change what is sent: those get
 * memory from our filter.
 */

static ngx_int_t
ngx_lu_send_body(ngx_http_request_t *r, ngx_lu_opened_t *file,
    ngx_chain_t *out)
{
    ngx_int_t            rc;
    ngx_uint_t           sendfile;
    ngx_lu_ctx_t        *ctx;
    ngx_lu_send_t       *send;
    ngx_connection_t    *c;
    ngx_pool_cleanup_t  *cln;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_lu_send_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    send = cln->data;
    ngx_memzero(send, sizeof(ngx_lu_send_t));

    send->file = file;
    send->piece = ngx_lu_send_create(r, file);

    if (send->piece == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_lu_send_cleanup;

    ctx->send = send;

    c = r->connection;
    sendfile = c->sendfile;

    c->sendfile = 1;
    r->main_filter_need_in_memory = 0;
    r->filter_need_in_memory = 0;

    rc = ngx_http_output_filter(r, out);

    c->sendfile = sendfile;

    return rc;
}


static ngx_int_t
ngx_lu_send_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t       rc;
    ngx_chain_t    *out;
    ngx_lu_ctx_t   *ctx;
    ngx_lu_send_t  *send;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx == NULL || ctx->send == NULL) {
        return ngx_lu_send_next_filter(r, in);
    }

    send = ctx->send;

    if (in && ngx_chain_add_copy(r->pool, &send->in, in) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        if (send->failed) {
            return NGX_ERROR;
        }

        if (send->piece->running) {
            return NGX_AGAIN;
        }

        out = NULL;

        if (send->in && send->busy == NULL) {
            rc = ngx_lu_send_fill(r, send, &out);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_lu_send_next_filter(r, out);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_chain_update_chains(r->pool, &send->free, &send->busy, &out,
                                (ngx_buf_tag_t) &ngx_http_liveupdate_module);

        if (send->in == NULL) {
            r->buffered &= ~NGX_LU_SEND_BUFFERED;
            return rc;
        }

        if (send->busy) {
            r->buffered |= NGX_LU_SEND_BUFFERED;
            return NGX_AGAIN;
        }
    }
}


/* NGX_OK with what is to be sent next; NGX_AGAIN: a thread reads it. */

static ngx_int_t
ngx_lu_send_fill(ngx_http_request_t *r, ngx_lu_send_t *send,
    ngx_chain_t **out)
{
    ngx_uint_t     known;
    ngx_lu_ctx_t  *ctx;

    if (!send->ready) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

        ngx_lu_send_plan(send);

        known = ngx_lu_send_known(send);

        /* a slow client keeps the memory of one piece, not of two */

        ngx_lu_open_begun(ctx);

        if (!known) {

            if (ngx_lu_send_start(r, send->piece) != NGX_OK) {
                return NGX_ERROR;
            }

            r->aio = 1;
            r->buffered |= NGX_LU_SEND_BUFFERED;

            return NGX_AGAIN;
        }
    }

    send->ready = 0;

    return ngx_lu_send_take(r, send, out);
}


static ngx_uint_t
ngx_lu_send_is_file(ngx_lu_send_t *send, ngx_buf_t *b)
{
    return b->in_file && !ngx_buf_in_memory(b) && b->file
           && b->file->fd == send->file->fd;
}


/* The next parts of the file that have room in the piece. */

static void
ngx_lu_send_plan(ngx_lu_send_t *send)
{
    off_t                 size;
    size_t                room;
    ngx_buf_t            *b;
    ngx_chain_t          *cl;
    ngx_lu_send_part_t   *part;
    ngx_lu_send_piece_t  *piece;

    piece = send->piece;
    piece->nparts = 0;

    room = NGX_LU_DISK_PIECE;

    for (cl = send->in; cl && room; cl = cl->next) {
        b = cl->buf;

        if (!ngx_lu_send_is_file(send, b)) {
            continue;
        }

        if (piece->nparts == NGX_LU_SEND_PARTS) {
            return;
        }

        size = b->file_last - b->file_pos;

        part = &piece->parts[piece->nparts++];

        part->offset = b->file_pos;
        part->size = (size_t) ngx_min(size, (off_t) room);

        room -= part->size;
    }
}


/* The beginning of the file was read when it was opened. */

static ngx_uint_t
ngx_lu_send_known(ngx_lu_send_t *send)
{
    u_char               *p;
    ngx_uint_t            i;
    ngx_lu_opened_t      *file;
    ngx_lu_send_part_t   *part;
    ngx_lu_send_piece_t  *piece;

    file = send->file;
    piece = send->piece;

    for (i = 0; i < piece->nparts; i++) {
        part = &piece->parts[i];

        if (part->offset + (off_t) part->size > (off_t) file->nbytes) {
            return 0;
        }
    }

    p = piece->bytes;

    for (i = 0; i < piece->nparts; i++) {
        part = &piece->parts[i];
        p = ngx_cpymem(p, file->bytes + part->offset, part->size);
    }

    return 1;
}


/* In the order of the plan. */

static ngx_int_t
ngx_lu_send_take(ngx_http_request_t *r, ngx_lu_send_t *send,
    ngx_chain_t **out)
{
    u_char               *p;
    size_t                size;
    ngx_buf_t            *b;
    ngx_uint_t            n;
    ngx_chain_t          *cl, *part, **last;
    ngx_lu_send_piece_t  *piece;

    piece = send->piece;
    p = piece->bytes;
    last = out;
    n = 0;

    while (send->in) {
        cl = send->in;
        b = cl->buf;

        if (!ngx_lu_send_is_file(send, b)) {
            send->in = cl->next;
            cl->next = NULL;

            *last = cl;
            last = &cl->next;

            continue;
        }

        if (n == piece->nparts) {
            break;
        }

        size = piece->parts[n++].size;

        part = ngx_lu_send_part(r, send, b, p, size);
        if (part == NULL) {
            return NGX_ERROR;
        }

        p += size;

        *last = part;
        last = &part->next;

        if (b->file_pos == b->file_last) {
            send->in = cl->next;
            ngx_free_chain(r->pool, cl);
            continue;
        }

        /* what follows needs the same memory: this must not be kept back */

        part->buf->flush = 1;

        return NGX_OK;
    }

    if (send->in && *out) {
        for (cl = *out; cl->next; cl = cl->next) { /* void */ }

        cl->buf->flush = 1;
    }

    return NGX_OK;
}


static ngx_chain_t *
ngx_lu_send_part(ngx_http_request_t *r, ngx_lu_send_t *send, ngx_buf_t *b,
    u_char *bytes, size_t size)
{
    ngx_buf_t    *part;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &send->free);
    if (cl == NULL) {
        return NULL;
    }

    part = cl->buf;
    ngx_memzero(part, sizeof(ngx_buf_t));

    part->start = bytes;
    part->pos = bytes;
    part->last = bytes + size;
    part->end = bytes + size;
    part->temporary = 1;
    part->tag = (ngx_buf_tag_t) &ngx_http_liveupdate_module;

    b->file_pos += size;

    if (b->file_pos == b->file_last) {
        part->flush = b->flush;
        part->last_buf = b->last_buf;
        part->last_in_chain = b->last_in_chain;
    }

    return cl;
}


static ngx_lu_send_piece_t *
ngx_lu_send_create(ngx_http_request_t *r, ngx_lu_opened_t *file)
{
    u_char               *app;
    size_t                size;
    ngx_lu_ctx_t         *ctx;
    ngx_lu_thread_t      *thread;
    ngx_lu_loc_conf_t    *lucf;
    ngx_lu_send_piece_t  *piece;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    /* ranges that overlap may be longer than the file */

    size = r->headers_in.range
           ? NGX_LU_DISK_PIECE
           : (size_t) ngx_min(file->size, NGX_LU_DISK_PIECE);

    piece = ngx_calloc(sizeof(ngx_lu_send_piece_t) + ctx->app.len + size,
                       r->connection->log);
    if (piece == NULL) {
        return NULL;
    }

    app = (u_char *) piece + sizeof(ngx_lu_send_piece_t);

    ngx_memcpy(app, ctx->app.data, ctx->app.len);

    piece->bytes = app + ctx->app.len;
    piece->request = r;
    piece->file = ngx_lu_open_hold(file);

    thread = &piece->thread;

    thread->store = lucf->store;
    thread->pool = lucf->readers;
    thread->app.len = ctx->app.len;
    thread->app.data = app;
    thread->kind = NGX_LU_THREAD_READ;
    thread->beats = &piece->beats;
    thread->run = ngx_lu_send_run;
    thread->done = ngx_lu_send_done;
    thread->late = ngx_lu_send_late;
    thread->data = piece;

    return piece;
}


static ngx_int_t
ngx_lu_send_start(ngx_http_request_t *r, ngx_lu_send_piece_t *piece)
{
    piece->err = 0;

    if (ngx_lu_thread_start(&piece->thread) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the disk does not answer: \"%s\" is not sent to its "
                      "end", piece->file->path.data);
        return NGX_ERROR;
    }

    piece->running = 1;

    return NGX_OK;
}


static void
ngx_lu_send_run(void *data)
{
    ngx_lu_send_piece_t *piece = data;

    u_char              *p;
    ngx_uint_t           i;
    ngx_lu_send_part_t  *part;

    p = piece->bytes;

    for (i = 0; i < piece->nparts; i++) {
        part = &piece->parts[i];

        piece->beats++;

        if (ngx_lu_disk_read(piece->file->fd, p, part->size, part->offset,
                             &piece->err)
            != NGX_OK)
        {
            return;
        }

        p += part->size;
    }
}


static void
ngx_lu_send_done(void *data)
{
    ngx_lu_send_piece_t *piece = data;

    ngx_lu_ctx_t        *ctx;
    ngx_http_request_t  *r;

    piece->running = 0;

    r = piece->request;

    if (r == NULL) {
        ngx_lu_send_free(piece);
        return;
    }

    ngx_http_set_log_request(r->connection->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ctx->send->ready = 1;

    if (piece->thread.refused) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the disk does not answer: \"%s\" is not sent to its "
                      "end", piece->file->path.data);

        ctx->send->failed = 1;

    } else if (piece->err) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, piece->err,
                      "pread() \"%s\" failed", piece->file->path.data);

        ctx->send->failed = 1;
    }

    ngx_lu_send_go_on(r);
}


/* The thread stays with its piece, and the request ends. */

static void
ngx_lu_send_late(void *data)
{
    ngx_lu_send_piece_t *piece = data;

    ngx_lu_ctx_t        *ctx;
    ngx_http_request_t  *r;

    r = piece->request;

    if (r == NULL) {
        return;
    }

    ngx_http_set_log_request(r->connection->log, r);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "the disk does not answer: \"%s\" is not sent to its end",
                  piece->file->path.data);

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ctx->send->failed = 1;

    ngx_lu_send_go_on(r);
}


static void
ngx_lu_send_go_on(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    r->aio = 0;

#if (NGX_HTTP_V2)

    if (r->stream) {

        /* as nginx does after it has read a file in a thread */

        c->write->ready = 1;
        c->write->active = 0;
    }

#endif

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


static void
ngx_lu_send_cleanup(void *data)
{
    ngx_lu_send_t *send = data;

    if (send->piece->running) {
        send->piece->request = NULL;
        return;
    }

    ngx_lu_send_free(send->piece);
}


static void
ngx_lu_send_free(ngx_lu_send_piece_t *piece)
{
    ngx_lu_open_release(piece->file);

    ngx_free(piece);
}
