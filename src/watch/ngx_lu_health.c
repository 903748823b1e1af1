
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_health.h"

#include "zone/ngx_lu_count.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_temp.h"


#define NGX_LU_HEALTH_WAIT   2000     /* milliseconds */
#define NGX_LU_HEALTH_VALID  1000

#define NGX_LU_HEALTH_POOL   4096


/* Of a store, in this worker. */

struct ngx_lu_health_s {
    ngx_lu_io_t        io;            /* its pool ends with the look */
    ngx_lu_thread_t    thread;
    ngx_lu_store_t    *store;
    ngx_queue_t        waits;         /* of ngx_lu_ctx_t */
    ngx_event_t        timer;
    ngx_msec_t         looked;        /* when a look was over */
    const char        *reason;        /* NULL: it is ready */
    ngx_int_t          rc;            /* of the thread */
    unsigned           known:1;
    unsigned           looking:1;
    unsigned           late:1;
};


static ngx_lu_health_t *ngx_lu_health_get(ngx_lu_store_t *store);
static ngx_int_t ngx_lu_health_look(ngx_lu_health_t *health,
    ngx_thread_pool_t *tp);
static void ngx_lu_health_run(void *data);
static void ngx_lu_health_done(void *data);
static const char *ngx_lu_health_reason(ngx_lu_io_t *io);
static void ngx_lu_health_late(ngx_event_t *ev);
static void ngx_lu_health_set(ngx_lu_health_t *health, const char *reason);
static void ngx_lu_health_log(ngx_lu_health_t *health);
static ngx_int_t ngx_lu_health_wait(ngx_http_request_t *r,
    ngx_lu_health_t *health);
static void ngx_lu_health_waiting(ngx_http_request_t *r);
static void ngx_lu_health_wake(ngx_lu_health_t *health);
static ngx_int_t ngx_lu_health_reply(ngx_http_request_t *r,
    ngx_lu_health_t *health);


ngx_int_t
ngx_lu_health_handler(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_str_t           allow;
    ngx_lu_health_t    *health;
    ngx_lu_loc_conf_t  *lucf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        ngx_str_set(&allow, "GET, HEAD");

        if (ngx_lu_header_add(r, "Allow", &allow) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_lu_reply_message(r, NGX_HTTP_NOT_ALLOWED,
                                    "Method not allowed.");
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    health = ngx_lu_health_get(lucf->store);

    if (health == NULL || ngx_lu_get_ctx(r) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (health->late
        || (health->known
            && ngx_current_msec - health->looked < NGX_LU_HEALTH_VALID))
    {
        return ngx_lu_health_reply(r, health);
    }

    if (!health->looking
        && ngx_lu_health_look(health, lucf->readers) != NGX_OK)
    {
        ngx_lu_health_set(health, "The disk of the store does not answer.");

        return ngx_lu_health_reply(r, health);
    }

    return ngx_lu_health_wait(r, health);
}


static ngx_lu_health_t *
ngx_lu_health_get(ngx_lu_store_t *store)
{
    ngx_lu_health_t  *health;

    if (store->health) {
        return store->health;
    }

    health = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_lu_health_t));
    if (health == NULL) {
        return NULL;
    }

    health->store = store;

    health->timer.handler = ngx_lu_health_late;
    health->timer.data = health;
    health->timer.log = ngx_cycle->log;

    ngx_queue_init(&health->waits);

    store->health = health;

    return health;
}


static ngx_int_t
ngx_lu_health_look(ngx_lu_health_t *health, ngx_thread_pool_t *tp)
{
    ngx_int_t         rc;
    ngx_lu_thread_t  *thread;

    ngx_memzero(&health->io, sizeof(ngx_lu_io_t));

    health->io.pool = ngx_create_pool(NGX_LU_HEALTH_POOL, ngx_cycle->log);
    if (health->io.pool == NULL) {
        return NGX_ERROR;
    }

    thread = &health->thread;

    ngx_memzero(thread, sizeof(ngx_lu_thread_t));

    thread->store = health->store;
    thread->pool = tp;
    thread->kind = NGX_LU_THREAD_READY;
    thread->beats = &health->io.beats;
    thread->run = ngx_lu_health_run;
    thread->done = ngx_lu_health_done;
    thread->data = health;

    rc = ngx_lu_thread_start(thread);

    if (rc != NGX_OK) {
        ngx_destroy_pool(health->io.pool);
        return rc;
    }

    health->looking = 1;

    ngx_add_timer(&health->timer, NGX_LU_HEALTH_WAIT);

    return NGX_OK;
}


/* As each change does: a file is created, written, synced, removed. */

static void
ngx_lu_health_run(void *data)
{
    ngx_lu_health_t *health = data;

    ngx_lu_io_t    *io;
    ngx_lu_temp_t   temp;

    static const u_char  text[] = "ready?\n";

    io = &health->io;

    health->rc = ngx_lu_mark_check(io, health->store);

    if (health->rc != NGX_OK) {
        return;
    }

    health->rc = ngx_lu_temp_create(io, health->store, &temp);

    if (health->rc != NGX_OK) {
        return;
    }

    health->rc = ngx_lu_temp_write(io, &temp, text, sizeof(text) - 1);

    if (health->rc == NGX_OK) {
        health->rc = ngx_lu_temp_sync(io, &temp);
    }

    ngx_lu_temp_discard(&temp);
}


static void
ngx_lu_health_done(void *data)
{
    ngx_lu_health_t *health = data;

    health->looking = 0;
    health->late = 0;

    if (health->timer.timer_set) {
        ngx_del_timer(&health->timer);
    }

    if (health->thread.refused) {
        ngx_lu_health_set(health, "The disk of the store does not answer.");

    } else if (health->rc != NGX_OK) {
        ngx_lu_health_set(health, ngx_lu_health_reason(&health->io));

    } else {
        ngx_lu_health_set(health, NULL);
    }

    ngx_destroy_pool(health->io.pool);

    ngx_lu_health_wake(health);
}


static const char *
ngx_lu_health_reason(ngx_lu_io_t *io)
{
    switch (io->err) {

    case ENODEV:
        return "The store is not there: is its file system mounted?";

    case NGX_ENOSPC:
#ifdef EDQUOT
    case EDQUOT:
#endif
        return "The disk of the store is full.";

    case EROFS:
        return "The file system of the store is read-only.";

    case NGX_EACCES:
    case NGX_EPERM:
        return "The user of nginx may not write into the store.";

    default:
        return ngx_lu_io_is_away(io)
               ? "The disk of the store is not there."
               : "The disk of the store cannot be written.";
    }
}


static void
ngx_lu_health_late(ngx_event_t *ev)
{
    ngx_lu_health_t *health = ev->data;

    health->late = 1;

    ngx_lu_health_set(health, "The disk of the store does not answer.");
    ngx_lu_health_wake(health);
}


static void
ngx_lu_health_set(ngx_lu_health_t *health, const char *reason)
{
    health->known = 1;
    health->looked = ngx_current_msec;
    health->reason = reason;

    ngx_lu_health_log(health);
}


/* Once, by the worker that is the first to find out. */

static void
ngx_lu_health_log(ngx_lu_health_t *health)
{
    ngx_lu_io_t   *io;
    ngx_atomic_t  *unready;

    unready = &ngx_lu_count_numbers(health->store)->unready;

    if (health->reason == NULL) {

        if (ngx_atomic_cmp_set(unready, 1, 0)) {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "liveupdate: the store \"%V\" is ready again",
                          &health->store->path);
        }

        return;
    }

    if (!ngx_atomic_cmp_set(unready, 0, 1)) {
        return;
    }

    io = &health->io;

    if (health->looking || io->operation == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "liveupdate: the store \"%V\" is not ready: %s",
                      &health->store->path, health->reason);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, io->err,
                  "liveupdate: the store \"%V\" is not ready: %s \"%s\" failed",
                  &health->store->path, io->operation, io->path);
}


static ngx_int_t
ngx_lu_health_wait(ngx_http_request_t *r, ngx_lu_health_t *health)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ngx_queue_insert_tail(&health->waits, &ctx->queue);

    /* as for nginx's own threads: the request must not be freed */

    r->main->count++;
    r->main->blocked++;
    r->aio = 1;
    r->write_event_handler = ngx_lu_health_waiting;

    return NGX_DONE;
}


static void
ngx_lu_health_waiting(ngx_http_request_t *r)
{
    /* a write event while the request waits */
}


static void
ngx_lu_health_wake(ngx_lu_health_t *health)
{
    ngx_queue_t         *q;
    ngx_lu_ctx_t        *ctx;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    while (!ngx_queue_empty(&health->waits)) {
        q = ngx_queue_head(&health->waits);
        ngx_queue_remove(q);

        ctx = ngx_queue_data(q, ngx_lu_ctx_t, queue);

        r = ctx->request;
        c = r->connection;

        ngx_http_set_log_request(c->log, r);

        r->main->blocked--;
        r->aio = 0;

        if (r->write_event_handler != ngx_lu_health_waiting) {

            /* the request was terminated meanwhile */

            r->write_event_handler(r);

        } else {
            r->write_event_handler = ngx_http_request_empty_handler;

            ngx_http_finalize_request(r, ngx_lu_health_reply(r, health));
        }

        ngx_http_run_posted_requests(c);
    }
}


static ngx_int_t
ngx_lu_health_reply(ngx_http_request_t *r, ngx_lu_health_t *health)
{
    size_t     len;
    ngx_str_t  text;

    if (health->reason == NULL) {
        ngx_str_set(&text, "{\"ready\":true}\n");

        return ngx_lu_reply_json(r, NGX_HTTP_OK, &text);
    }

    len = sizeof("{\"ready\":false,\"message\":\"\"}\n")
          + ngx_strlen(health->reason);

    text.data = ngx_pnalloc(r->pool, len);
    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.len = ngx_sprintf(text.data,
                           "{\"ready\":false,\"message\":\"%s\"}\n",
                           health->reason)
               - text.data;

    return ngx_lu_reply_json(r, NGX_HTTP_SERVICE_UNAVAILABLE, &text);
}
