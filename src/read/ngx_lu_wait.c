
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_wait.h"


static void ngx_lu_wait_late(ngx_event_t *ev);
static void ngx_lu_wait_over(ngx_lu_ctx_t *ctx);


ngx_int_t
ngx_lu_wait(ngx_http_request_t *r, ngx_queue_t *queue, ngx_msec_t msec)
{
    ngx_event_t     *timer;
    ngx_lu_ctx_t    *ctx;
    ngx_msec_int_t   left;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->timer == NULL) {
        timer = ngx_pcalloc(r->pool, sizeof(ngx_event_t));
        if (timer == NULL) {
            return NGX_ERROR;
        }

        timer->handler = ngx_lu_wait_late;
        timer->data = ctx;
        timer->log = ngx_cycle->log;

        ctx->timer = timer;
        ctx->deadline = ngx_current_msec + NGX_LU_WAIT;
    }

    left = (ngx_msec_int_t) (ctx->deadline - ngx_current_msec);

    if (left <= 0) {
        return NGX_BUSY;
    }

    ngx_add_timer(ctx->timer, ngx_min(msec, (ngx_msec_t) left));

    ngx_queue_insert_tail(queue, &ctx->queue);

    ctx->waiting = 1;
    ctx->waited = 1;

    /* as for nginx's own threads: the request must not be freed */

    r->main->blocked++;
    r->aio = 1;

    return NGX_AGAIN;
}


static void
ngx_lu_wait_late(ngx_event_t *ev)
{
    ngx_lu_ctx_t *ctx = ev->data;

    ngx_queue_remove(&ctx->queue);

    ctx->late = 1;

    ngx_lu_wait_over(ctx);
}


void
ngx_lu_wait_wake(ngx_queue_t *queue)
{
    ngx_queue_t   *q, waiters;
    ngx_lu_ctx_t  *ctx;

    ngx_queue_init(&waiters);

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&waiters, q);
    }

    while (!ngx_queue_empty(&waiters)) {
        q = ngx_queue_head(&waiters);
        ngx_queue_remove(q);

        ctx = ngx_queue_data(q, ngx_lu_ctx_t, queue);

        ngx_del_timer(ctx->timer);

        ngx_lu_wait_over(ctx);
    }
}


static void
ngx_lu_wait_over(ngx_lu_ctx_t *ctx)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ctx->waiting = 0;

    r->main->blocked--;
    r->aio = 0;

    ngx_http_set_log_request(c->log, r);

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}
