
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_receive.h"

#include "store/ngx_lu_mark.h"
#include "write/ngx_lu_usage.h"


/* One is filled while a thread has the other. */

#define NGX_LU_RECEIVE_PIECE   (256 * 1024)
#define NGX_LU_RECEIVE_PIECES  2

/* so much of a body is received before others have their turn */

#define NGX_LU_RECEIVE_TURN    (16 * 1024)


struct ngx_lu_receive_s {
    ngx_lu_thread_t      thread;
    ngx_buf_t           *pieces[NGX_LU_RECEIVE_PIECES];
    ngx_uint_t           n;             /* the piece that is being filled */
    ngx_chain_t          taken;         /* the piece that the thread has */
    off_t                size;          /* of what was received */
    off_t                announced;     /* Content-Length, or -1 */
    ngx_int_t            status;        /* other than NGX_OK: it is dropped */
    ngx_int_t            rc;            /* of the request, once it has ended */

    /* of the thread */
    ngx_int_t            result;        /* of take() */
    ngx_uint_t           begun;

    unsigned             busy:1;        /* the thread has a piece */
    unsigned             ended:1;       /* no more is received */
};


static ngx_buf_t *ngx_lu_receive_piece(ngx_lu_call_t *call);
static void ngx_lu_receive_read(ngx_http_request_t *r);
static ngx_int_t ngx_lu_receive_fill(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static void ngx_lu_receive_yield(ngx_http_request_t *r);
static void ngx_lu_receive_narrow(ngx_http_request_t *r);
static void ngx_lu_receive_start(ngx_lu_call_t *call);
static void ngx_lu_receive_thread(void *data);
static void ngx_lu_receive_late(void *data);
static void ngx_lu_receive_done(void *data);
static ngx_int_t ngx_lu_receive_next(ngx_http_request_t *r,
    ngx_lu_call_t *call, ngx_int_t rc);
static void ngx_lu_receive_pause(ngx_http_request_t *r);
static void ngx_lu_receive_end(ngx_http_request_t *r, ngx_lu_call_t *call);


void
ngx_lu_receive(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_lu_receive_t  *receive;

    receive = ngx_pcalloc(call->task.io.pool, sizeof(ngx_lu_receive_t));
    if (receive == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    receive->pieces[0] = ngx_lu_receive_piece(call);
    if (receive->pieces[0] == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    receive->status = NGX_OK;
    receive->announced = r->headers_in.content_length_n;

    call->receive = receive;

    ngx_lu_receive_read(r);
}


static ngx_buf_t *
ngx_lu_receive_piece(ngx_lu_call_t *call)
{
    return ngx_create_temp_buf(call->task.io.pool, NGX_LU_RECEIVE_PIECE);
}


/*
 * The read event handler.  What nginx has received is copied, since it may
 * receive more into the same memory while a thread has it.
 */

static void
ngx_lu_receive_read(ngx_http_request_t *r)
{
    ngx_int_t          rc;
    ngx_uint_t         turn;
    ngx_lu_ctx_t      *ctx;
    ngx_lu_call_t     *call;
    ngx_lu_receive_t  *receive;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    call = ctx->call;
    receive = call->receive;

    r->read_event_handler = ngx_lu_receive_read;

    ngx_lu_receive_narrow(r);

    for (turn = 0; /* void */ ; turn++) {

        if (ngx_lu_receive_fill(r, call) == NGX_AGAIN) {
            ngx_lu_receive_pause(r);
            return;
        }

        if (!r->reading_body) {
            rc = NGX_OK;
            break;
        }

        if (turn) {
            ngx_lu_receive_yield(r);
            return;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            break;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }

    ngx_lu_receive_pause(r);

    receive->rc = rc;
    receive->ended = 1;

    if (!receive->busy) {
        ngx_lu_receive_end(r, call);
    }
}


/* NGX_AGAIN: there is no room until the thread has ended. */

static ngx_int_t
ngx_lu_receive_fill(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    size_t             size;
    ngx_buf_t         *b, *piece;
    ngx_chain_t       *cl;
    ngx_lu_receive_t  *receive;

    receive = call->receive;

    for ( ;; ) {
        piece = receive->pieces[receive->n];

        if (piece->last == piece->end && receive->status == NGX_OK) {

            if (receive->busy) {
                return NGX_AGAIN;
            }

            ngx_lu_receive_start(call);
            continue;
        }

        cl = r->request_body->bufs;

        if (cl == NULL) {
            return NGX_OK;
        }

        b = cl->buf;
        size = b->last - b->pos;

        /* a body that cannot be taken is received, and dropped */

        if (receive->status == NGX_OK) {
            size = ngx_min(size, (size_t) (piece->end - piece->last));

            piece->last = ngx_lu_cpymem(piece->last, b->pos, size);
            receive->size += size;
        }

        b->pos += size;

        if (b->pos == b->last) {
            r->request_body->bufs = cl->next;
            ngx_free_chain(r->pool, cl);
        }
    }
}


/* A worker that quits exits as soon as there is no timer. */

static void
ngx_lu_receive_yield(ngx_http_request_t *r)
{
    ngx_event_t               *rev;
    ngx_http_core_loc_conf_t  *clcf;

    rev = r->connection->read;

    if (!rev->timer_set) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
        ngx_add_timer(rev, clcf->client_body_timeout);
    }

    ngx_post_event(rev, &ngx_posted_next_events);
}


/*
 * nginx fills its buffer in one go, as long as the client has something.  That
 * of HTTP/2 and HTTP/3 is what the client was allowed to send.
 */

static void
ngx_lu_receive_narrow(ngx_http_request_t *r)
{
    ngx_buf_t  *b;

    b = r->request_body->buf;

    if (b == NULL || r->http_version >= NGX_HTTP_VERSION_20) {
        return;
    }

    if (b->end - b->start > NGX_LU_RECEIVE_TURN) {
        b->end = ngx_max(b->last, b->start + NGX_LU_RECEIVE_TURN);
    }
}


/* The piece that is full gets a thread, and the other one is filled. */

static void
ngx_lu_receive_start(ngx_lu_call_t *call)
{
    ngx_uint_t         other;
    ngx_buf_t         *piece;
    ngx_lu_thread_t   *thread;
    ngx_lu_receive_t  *receive;

    receive = call->receive;

    piece = receive->pieces[receive->n];
    other = (receive->n + 1) % NGX_LU_RECEIVE_PIECES;

    /* not while a thread may use the pool */

    if (receive->pieces[other] == NULL) {
        receive->pieces[other] = ngx_lu_receive_piece(call);
    }

    if (receive->pieces[other] == NULL) {
        receive->status = ngx_lu_task_nomem(&call->task);
        return;
    }

    receive->taken.buf = piece;

    call->body = &receive->taken;
    call->body_size = receive->size;

    thread = &receive->thread;

    thread->store = call->task.store;
    thread->pool = call->run.quick;
    thread->app = call->task.app;
    thread->kind = NGX_LU_THREAD_BODY;
    thread->beats = &call->task.io.beats;
    thread->run = ngx_lu_receive_thread;
    thread->done = ngx_lu_receive_done;
    thread->late = ngx_lu_receive_late;
    thread->data = call;

    call->kept = 1;

    if (ngx_lu_thread_start(thread) != NGX_OK) {
        receive->status = ngx_lu_run_refuse(&call->task);
        return;
    }

    receive->busy = 1;
    receive->n = other;

    piece = receive->pieces[other];
    piece->last = piece->pos;

    (void) ngx_lu_call_hold(call);
}


static void
ngx_lu_receive_thread(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_lu_task_t     *task;
    ngx_lu_receive_t  *receive;

    task = &call->task;
    receive = call->receive;

    if (!receive->begun) {

        if (ngx_lu_mark_check(&task->io, task->store) != NGX_OK) {
            receive->result = ngx_lu_task_failed(task);
            return;
        }

        /* nothing of it is on the disk yet */

        receive->result = ngx_lu_usage_disk(task, receive->announced);

        if (receive->result != NGX_OK) {
            return;
        }
    }

    receive->begun = 1;

    receive->result = call->take(call);

    if (receive->result != NGX_OK) {
        call->drop(call);
    }
}


/* The rest of the body is left to the connection, which is closed. */

static void
ngx_lu_receive_late(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_lu_receive_pause(call->request);

    ngx_lu_call_late(call);
}


static void
ngx_lu_receive_done(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_lu_call_resume(call, ngx_lu_receive_next, NGX_OK);
}


static ngx_int_t
ngx_lu_receive_next(ngx_http_request_t *r, ngx_lu_call_t *call, ngx_int_t rc)
{
    ngx_lu_receive_t  *receive;

    receive = call->receive;

    receive->busy = 0;

    if (call->late) {
        ngx_http_finalize_request(r, NGX_DONE);
        return call->answered;
    }

    receive->status = receive->thread.refused ? ngx_lu_run_refuse(&call->task)
                                              : receive->result;

    /* both end the request, but for the reference of the thread */

    if (receive->ended) {
        ngx_lu_receive_end(r, call);

    } else {
        ngx_lu_receive_read(r);
    }

    return NGX_DONE;
}


/* No time passes for a client that is not read. */

static void
ngx_lu_receive_pause(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    r->read_event_handler = ngx_http_block_reading;
}


static void
ngx_lu_receive_end(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_int_t          rc;
    ngx_buf_t         *piece;
    ngx_lu_receive_t  *receive;

    receive = call->receive;
    rc = receive->rc;

    if (rc == NGX_OK && receive->status != NGX_OK) {
        rc = ngx_lu_call_reply(r, call, receive->status);

    } else if (rc == NGX_OK) {
        piece = receive->pieces[receive->n];

        receive->taken.buf = piece;

        call->body = (piece->last == piece->pos) ? NULL : &receive->taken;
        call->body_size = receive->size;

        rc = ngx_lu_call_received(r, call);
    }

    /* for the reference that reading the body took */

    ngx_http_finalize_request(r, rc);
}
