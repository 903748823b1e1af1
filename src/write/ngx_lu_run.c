
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_run.h"

#include "store/ngx_lu_lock.h"


/* between two questions; while one is asked; in all: milliseconds */

#define NGX_LU_RUN_PAUSE      2
#define NGX_LU_RUN_PAUSE_MAX  100
#define NGX_LU_RUN_LOOK       1000
#define NGX_LU_RUN_LIMIT      60000

/* that wait for locks, in a worker, and for one of them */

#define NGX_LU_RUN_WAITING    1000
#define NGX_LU_RUN_OF_LOCK    250


/* A lock that another has, and who waits for it in this worker. */

struct ngx_lu_run_wait_s {
    ngx_queue_t              queue;     /* of the worker */
    ngx_queue_t              runs;      /* the first one asks */
    ngx_uint_t               n;
    uint32_t                 hash;
    ngx_event_t              timer;
    ngx_msec_t               pause;
    unsigned                 asking:1;  /* in a thread */
    u_char                   path[1];
};


static ngx_int_t ngx_lu_run_begin(ngx_lu_run_t *run);
static void ngx_lu_run_thread(void *data);
static ngx_int_t ngx_lu_run_ask(ngx_lu_run_t *run);
static void ngx_lu_run_late(void *data);
static void ngx_lu_run_over(void *data);
static void ngx_lu_run_again(ngx_lu_run_t *run);
static ngx_lu_run_wait_t *ngx_lu_run_find(uint32_t hash, const u_char *path);
static ngx_lu_run_wait_t *ngx_lu_run_add(uint32_t hash, const u_char *path);
static void ngx_lu_run_leave(ngx_lu_run_t *run);
static void ngx_lu_run_released(ngx_lu_io_t *io);
static void ngx_lu_run_next(ngx_lu_run_wait_t *wait);
static void ngx_lu_run_pause(ngx_lu_run_wait_t *wait);
static void ngx_lu_run_set(ngx_lu_run_wait_t *wait, ngx_msec_t msec);
static void ngx_lu_run_timer(ngx_event_t *ev);
static ngx_lu_run_t *ngx_lu_run_expired(ngx_lu_run_wait_t *wait);
static void ngx_lu_run_drop(ngx_lu_run_t *run);
static void ngx_lu_run_give_up(ngx_lu_run_t *run);


/* of the worker */

static ngx_queue_t  ngx_lu_run_waits;
static ngx_uint_t   ngx_lu_run_waiting;


ngx_int_t
ngx_lu_run_start(ngx_lu_run_t *run)
{
    ngx_lu_thread_t  *thread;

    if (ngx_lu_run_waits.next == NULL) {
        ngx_queue_init(&ngx_lu_run_waits);
    }

    run->fresh = *run->task;

    thread = &run->thread;

    thread->store = run->task->store;
    thread->app = run->task->app;
    thread->beats = &run->task->io.beats;
    thread->run = ngx_lu_run_thread;
    thread->done = ngx_lu_run_over;
    thread->late = run->late ? ngx_lu_run_late : NULL;
    thread->data = run;

    return ngx_lu_run_begin(run) == NGX_OK ? NGX_OK
                                           : ngx_lu_run_refuse(run->task);
}


/* Each time the task is what it was at first, and a later one. */

static ngx_int_t
ngx_lu_run_begin(ngx_lu_run_t *run)
{
    ngx_lu_thread_t    *thread;
    ngx_atomic_uint_t   beats;

    beats = run->task->io.beats;

    *run->task = run->fresh;

    run->task->io.beats = beats;
    ngx_lu_task_stamp(run->task);

    thread = &run->thread;

    thread->kind = run->kind;
    thread->pool = (run->kind < NGX_LU_THREAD_UPLOAD) ? run->quick
                                                      : run->threads;

    return ngx_lu_thread_start(thread);
}


static void
ngx_lu_run_thread(void *data)
{
    ngx_lu_run_t *run = data;

    run->asked = 0;

    if (run->dropped) {
        run->drop(run->data);
        return;
    }

    if (run->wait) {

        if (ngx_lu_run_ask(run) == NGX_BUSY) {
            run->asked = 1;
            return;
        }

        run->task->io.first = 1;
    }

    run->status = run->handler(run->data);
}


/*
 * What the task does before it asks for the lock is not done in vain.  The lock
 * is not kept: the task may need another one first.
 */

static ngx_int_t
ngx_lu_run_ask(ngx_lu_run_t *run)
{
    ngx_fd_t      lock;
    ngx_int_t     rc;
    ngx_lu_io_t  *io;

    io = &run->task->io;

    rc = ngx_lu_lock_try(io, run->wait->path, &lock);

    ngx_lu_lock_close(lock);
    ngx_lu_io_clear(io);

    return rc;
}


static void
ngx_lu_run_late(void *data)
{
    ngx_lu_run_t *run = data;

    run->late(run->data);
}


static void
ngx_lu_run_over(void *data)
{
    ngx_lu_run_t *run = data;

    ngx_lu_task_t    *task;
    ngx_lu_thread_t  *thread;

    task = run->task;
    thread = &run->thread;

    if (run->dropped) {
        ngx_lu_run_give_up(run);
        return;
    }

    if (thread->refused) {
        run->status = ngx_lu_task_refuse(task, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "The disk of the server does not "
                                         "answer: try again later.");

    } else if (run->asked) {
        ngx_lu_run_again(run);
        return;

    } else {
        ngx_lu_run_released(&task->io);

        if (run->status == NGX_HTTP_SERVICE_UNAVAILABLE
            && ngx_lu_task_is_busy(task)
            && !thread->told)
        {
            /* who has found a second lock busy has done the long part */

            if (task->io.nlocks && run->kind == NGX_LU_THREAD_LONG) {
                run->kind = NGX_LU_THREAD_SHORT;
            }

            run->busy = task->io.busy;

            ngx_lu_run_again(run);
            return;
        }
    }

    ngx_lu_run_leave(run);

    run->done(run->data);
}


/* Waits for the lock that is busy, at the place that it has, or as the last. */

static void
ngx_lu_run_again(ngx_lu_run_t *run)
{
    uint32_t            hash;
    ngx_lu_run_wait_t  *wait;

    wait = run->wait;

    if (wait && ngx_strcmp(wait->path, run->busy) == 0) {
        wait->asking = 0;
        ngx_lu_run_pause(wait);
        return;
    }

    ngx_lu_run_leave(run);

    if (ngx_lu_run_waiting == NGX_LU_RUN_WAITING) {
        ngx_lu_run_drop(run);
        return;
    }

    hash = ngx_lu_lock_hash(run->busy);
    wait = ngx_lu_run_find(hash, run->busy);

    if (wait == NULL) {
        wait = ngx_lu_run_add(hash, run->busy);

        if (wait == NULL) {
            ngx_lu_run_drop(run);
            return;
        }

    } else if (wait->n == NGX_LU_RUN_OF_LOCK) {
        ngx_lu_run_drop(run);
        return;
    }

    run->wait = wait;
    run->since = ngx_current_msec;

    ngx_queue_insert_tail(&wait->runs, &run->queue);
    wait->n++;

    ngx_lu_run_waiting++;
    ngx_lu_lock_waits(hash, 1);

    if (wait->n == 1) {
        ngx_lu_run_pause(wait);
    }
}


/* NULL as the path: whichever lock has that hash. */

static ngx_lu_run_wait_t *
ngx_lu_run_find(uint32_t hash, const u_char *path)
{
    ngx_queue_t        *q;
    ngx_lu_run_wait_t  *wait;

    for (q = ngx_queue_head(&ngx_lu_run_waits);
         q != ngx_queue_sentinel(&ngx_lu_run_waits);
         q = ngx_queue_next(q))
    {
        wait = ngx_queue_data(q, ngx_lu_run_wait_t, queue);

        if (wait->hash == hash
            && (path == NULL || ngx_strcmp(wait->path, path) == 0))
        {
            return wait;
        }
    }

    return NULL;
}


static ngx_lu_run_wait_t *
ngx_lu_run_add(uint32_t hash, const u_char *path)
{
    size_t              len;
    ngx_lu_run_wait_t  *wait;

    len = ngx_strlen(path);

    wait = ngx_calloc(sizeof(ngx_lu_run_wait_t) + len, ngx_cycle->log);
    if (wait == NULL) {
        return NULL;
    }

    ngx_memcpy(wait->path, path, len);

    wait->hash = hash;
    wait->pause = NGX_LU_RUN_PAUSE;

    wait->timer.handler = ngx_lu_run_timer;
    wait->timer.data = wait;
    wait->timer.log = ngx_cycle->log;

    ngx_queue_init(&wait->runs);
    ngx_queue_insert_tail(&ngx_lu_run_waits, &wait->queue);

    return wait;
}


static void
ngx_lu_run_leave(ngx_lu_run_t *run)
{
    ngx_uint_t          first;
    ngx_lu_run_wait_t  *wait;

    wait = run->wait;

    if (wait == NULL) {
        return;
    }

    first = (ngx_queue_head(&wait->runs) == &run->queue);

    run->wait = NULL;

    ngx_queue_remove(&run->queue);
    wait->n--;

    ngx_lu_run_waiting--;
    ngx_lu_lock_waits(wait->hash, -1);

    if (wait->n == 0) {

        if (wait->timer.timer_set) {
            ngx_del_timer(&wait->timer);
        }

        ngx_queue_remove(&wait->queue);
        ngx_free(wait);

        return;
    }

    if (first) {
        wait->asking = 0;
        wait->pause = NGX_LU_RUN_PAUSE;

        ngx_lu_run_next(wait);
    }
}


/* Whoever waits for what this task has had does not wait for the timer. */

static void
ngx_lu_run_released(ngx_lu_io_t *io)
{
    ngx_uint_t          i;
    ngx_lu_run_wait_t  *wait;

    for (i = 0; i < io->nlocks; i++) {

        wait = ngx_lu_run_find(io->locks[i], NULL);

        if (wait && !wait->asking) {
            wait->pause = NGX_LU_RUN_PAUSE;
            ngx_lu_run_next(wait);
        }
    }
}


static void
ngx_lu_run_next(ngx_lu_run_wait_t *wait)
{
    ngx_queue_t   *q;
    ngx_lu_run_t  *run;

    q = ngx_queue_head(&wait->runs);
    run = ngx_queue_data(q, ngx_lu_run_t, queue);

    if (ngx_lu_run_begin(run) != NGX_OK) {
        ngx_lu_run_pause(wait);
        return;
    }

    wait->asking = 1;

    /* if the thread hangs, the others do not wait for ever */

    ngx_lu_run_set(wait, NGX_LU_RUN_LOOK);
}


static void
ngx_lu_run_pause(ngx_lu_run_wait_t *wait)
{
    ngx_lu_run_set(wait, wait->pause);

    wait->pause = ngx_min(wait->pause * 2, NGX_LU_RUN_PAUSE_MAX);
}


/* A worker that is told to quit waits for the timer, or for the thread. */

static void
ngx_lu_run_set(ngx_lu_run_wait_t *wait, ngx_msec_t msec)
{
    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    wait->timer.cancelable = (wait->asking && wait->n == 1);

    ngx_add_timer(&wait->timer, msec);
}


static void
ngx_lu_run_timer(ngx_event_t *ev)
{
    ngx_lu_run_wait_t *wait = ev->data;

    ngx_uint_t     last;
    ngx_lu_run_t  *run;

    for ( ;; ) {
        run = ngx_lu_run_expired(wait);

        if (run == NULL) {
            break;
        }

        last = (wait->n == 1);

        ngx_lu_run_leave(run);
        ngx_lu_run_drop(run);

        if (last) {
            return;
        }
    }

    if (!wait->asking) {
        ngx_lu_run_next(wait);
        return;
    }

    if (!ev->timer_set) {
        ngx_lu_run_set(wait, NGX_LU_RUN_LOOK);
    }
}


static ngx_lu_run_t *
ngx_lu_run_expired(ngx_lu_run_wait_t *wait)
{
    ngx_msec_t        limit;
    ngx_queue_t      *q;
    ngx_lu_run_t     *run;
    ngx_core_conf_t  *ccf;

    limit = NGX_LU_RUN_LIMIT;

    if (ngx_exiting) {
        ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_core_module);
        if (ccf->shutdown_timeout) {
            limit = ngx_min(limit, ccf->shutdown_timeout);
        }
    }

    q = ngx_queue_head(&wait->runs);

    if (wait->asking) {
        q = ngx_queue_next(q);
    }

    for ( /* void */ ;
         q != ngx_queue_sentinel(&wait->runs);
         q = ngx_queue_next(q))
    {
        run = ngx_queue_data(q, ngx_lu_run_t, queue);

        if (ngx_current_msec - run->since >= limit) {
            return run;
        }
    }

    return NULL;
}


/* What was kept lies on the disk: a thread removes it. */

static void
ngx_lu_run_drop(ngx_lu_run_t *run)
{
    run->kind = NGX_LU_THREAD_SHORT;
    run->dropped = 1;

    if (run->drop == NULL || ngx_lu_run_begin(run) != NGX_OK) {
        ngx_lu_run_give_up(run);
    }
}


static void
ngx_lu_run_give_up(ngx_lu_run_t *run)
{
    (void) ngx_lu_io_busy(&run->task->io, run->busy);

    run->status = ngx_lu_task_failed(run->task);

    run->done(run->data);
}


ngx_int_t
ngx_lu_run_refuse(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_SERVICE_UNAVAILABLE,
                              "Too many calls are waiting, or the disk of the "
                              "server does not answer: try again later.");
}
