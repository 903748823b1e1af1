
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_path.h"
#include "ngx_lu_probe.h"

#include <sys/statvfs.h>


#define NGX_LU_PROBE_VALID  1000     /* milliseconds */


/* Of a store, in this worker. */

struct ngx_lu_probe_s {
    ngx_lu_io_t          io;         /* its pool is that of the cycle */
    ngx_lu_thread_t      thread;
    u_char              *path;
    ngx_queue_t          waits;
    ngx_msec_t           answered;
    unsigned             asking:1;
    unsigned             hangs:1;
};


static ngx_lu_probe_t *ngx_lu_probe_create(ngx_lu_store_t *store);
static void ngx_lu_probe_run(void *data);
static void ngx_lu_probe_done(void *data);
static void ngx_lu_probe_late(void *data);
static void ngx_lu_probe_wake(ngx_lu_probe_t *probe, ngx_int_t rc);


ngx_int_t
ngx_lu_probe(ngx_lu_store_t *store, ngx_thread_pool_t *tp,
    ngx_lu_probe_wait_t *wait)
{
    ngx_int_t         rc;
    ngx_lu_probe_t   *probe;
    ngx_lu_thread_t  *thread;

    if (store->probe == NULL) {
        store->probe = ngx_lu_probe_create(store);

        if (store->probe == NULL) {
            return NGX_ERROR;
        }
    }

    probe = store->probe;

    if (probe->hangs) {
        return NGX_BUSY;
    }

    if (probe->answered
        && ngx_current_msec - probe->answered < NGX_LU_PROBE_VALID)
    {
        return NGX_OK;
    }

    if (!probe->asking) {
        thread = &probe->thread;

        thread->store = store;
        thread->pool = tp;
        thread->kind = NGX_LU_THREAD_LOAD;
        thread->beats = &probe->io.beats;
        thread->run = ngx_lu_probe_run;
        thread->done = ngx_lu_probe_done;
        thread->late = ngx_lu_probe_late;
        thread->data = probe;

        rc = ngx_lu_thread_start(thread);
        if (rc != NGX_OK) {
            return NGX_BUSY;
        }

        probe->asking = 1;
    }

    ngx_queue_insert_tail(&probe->waits, &wait->queue);

    return NGX_AGAIN;
}


static ngx_lu_probe_t *
ngx_lu_probe_create(ngx_lu_store_t *store)
{
    ngx_lu_probe_t  *probe;

    probe = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_lu_probe_t));
    if (probe == NULL) {
        return NULL;
    }

    probe->io.pool = ngx_cycle->pool;
    probe->path = ngx_lu_path(&probe->io, "%V/tmp", &store->path);

    if (probe->path == NULL) {
        return NULL;
    }

    ngx_queue_init(&probe->waits);

    return probe;
}


/* The server of a network file system is asked, and no cache. */

static void
ngx_lu_probe_run(void *data)
{
    ngx_lu_probe_t *probe = data;

    struct statvfs  fs;

    (void) statvfs((char *) probe->path, &fs);
}


static void
ngx_lu_probe_done(void *data)
{
    ngx_lu_probe_t *probe = data;

    probe->asking = 0;
    probe->hangs = 0;

    if (probe->thread.refused) {
        ngx_lu_probe_wake(probe, NGX_BUSY);
        return;
    }

    probe->answered = ngx_current_msec;

    ngx_lu_probe_wake(probe, NGX_OK);
}


static void
ngx_lu_probe_late(void *data)
{
    ngx_lu_probe_t *probe = data;

    probe->hangs = 1;

    ngx_lu_probe_wake(probe, NGX_BUSY);
}


static void
ngx_lu_probe_wake(ngx_lu_probe_t *probe, ngx_int_t rc)
{
    ngx_queue_t          *q;
    ngx_lu_probe_wait_t  *wait;

    while (!ngx_queue_empty(&probe->waits)) {
        q = ngx_queue_head(&probe->waits);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_lu_probe_wait_t, queue);

        wait->handler(wait->data, rc);
    }
}
