
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_low.h"
#include "ngx_lu_thread.h"

#include <pthread.h>


#define NGX_LU_TICK      1000     /* milliseconds */

/* a thread that uses less than a tenth of a processor does not compute */

#define NGX_LU_BUSY      10

/* how long a worker that exits waits for a thread that hangs: milliseconds */

#define NGX_LU_GRACE     60000

/* an app has the fourth part of a queue at most */

#define NGX_LU_SHARE     4


typedef struct {
    ngx_uint_t           app;       /* threads, at once, for an app */
    ngx_uint_t           store;     /* for all of them */
    ngx_uint_t           waiting;   /* for a place; 0: any number */
    ngx_msec_t           late;      /* then a thread hangs */
} ngx_lu_thread_limit_t;


/* The places of a store. */

struct ngx_lu_threads_s {
    ngx_queue_t          running[NGX_LU_THREAD_KINDS];
    ngx_queue_t          waiting[NGX_LU_THREAD_KINDS];
    ngx_uint_t           nrunning[NGX_LU_THREAD_KINDS];
    ngx_uint_t           nwaiting[NGX_LU_THREAD_KINDS];
};


static ngx_uint_t ngx_lu_thread_has_place(ngx_lu_thread_t *thread);
static ngx_uint_t ngx_lu_thread_is_full(ngx_lu_thread_t *thread);
static ngx_uint_t ngx_lu_thread_of_app(ngx_lu_thread_t *thread,
    ngx_queue_t *queue);
static ngx_int_t ngx_lu_thread_post(ngx_lu_thread_t *thread);
static void ngx_lu_thread_run(void *data, ngx_log_t *log);
static void ngx_lu_thread_work(void *data);
static void ngx_lu_thread_over(ngx_event_t *ev);
static void ngx_lu_thread_next(ngx_lu_threads_t *threads,
    ngx_lu_thread_e kind);
static void ngx_lu_thread_watch(ngx_lu_thread_t *thread);
static void ngx_lu_thread_tick(ngx_event_t *ev);
static void ngx_lu_thread_look(ngx_lu_thread_t *thread);
static ngx_lu_thread_t *ngx_lu_thread_late(void);
static ngx_uint_t ngx_lu_thread_is_stuck(ngx_lu_thread_t *thread,
    ngx_msec_t limit);
static ngx_uint_t ngx_lu_thread_is_behind(ngx_lu_thread_t *thread);


/*
 * UPLOAD to KEEP are in a pool of 16 threads, the others in one of 32:
 * if one store hangs, all of its places leave some threads to other stores.
 * Of several stores, ngx_lu_advice_threads() warns.
 */

static const ngx_lu_thread_limit_t  ngx_lu_thread_limits[] = {
    { 6, 6, 0, 5000 },              /* LOAD */
    { 3, 4, 0, 5000 },              /* OPEN */
    { 4, 6, 0, 5000 },              /* READ */
    { 1, 1, 0, 5000 },              /* CLOSE */
    { 1, 1, 0, 5000 },              /* READY */
    { 2, 2, 1000, 30000 },          /* STATUS */
    { 4, 6, 1000, 30000 },          /* SHORT */
    { 1, 1, 0, 30000 },             /* NOTIFY */
    { 2, 2, 1000, 30000 },          /* BODY */
    { 3, 4, 1000, 30000 },          /* UPLOAD */
    { 2, 3, 1000, 30000 },          /* LONG */
    { 4, 4, 0, 30000 },             /* JOB */
    { 1, 1, 0, 30000 }              /* KEEP */
};


/* of the worker: those that run, and those that wait */

static ngx_queue_t       ngx_lu_thread_all;
static ngx_event_t       ngx_lu_thread_timer;

/* nginx logs the descriptor of a timer's connection */

static ngx_connection_t  ngx_lu_thread_dumb;


ngx_lu_threads_t *
ngx_lu_thread_create(ngx_pool_t *pool)
{
    ngx_uint_t         i;
    ngx_lu_threads_t  *threads;

    threads = ngx_pcalloc(pool, sizeof(ngx_lu_threads_t));
    if (threads == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_LU_THREAD_KINDS; i++) {
        ngx_queue_init(&threads->running[i]);
        ngx_queue_init(&threads->waiting[i]);
    }

    return threads;
}


ngx_int_t
ngx_lu_thread_start(ngx_lu_thread_t *thread)
{
    ngx_lu_thread_e               kind;
    ngx_lu_threads_t             *threads;
    const ngx_lu_thread_limit_t  *limit;

    kind = thread->kind;
    threads = thread->store->threads;
    limit = &ngx_lu_thread_limits[kind];

    thread->refused = 0;
    thread->told = 0;
    thread->begun = 0;

    if (ngx_lu_thread_has_place(thread)) {
        return ngx_lu_thread_post(thread);
    }

    if ((limit->waiting && ngx_lu_thread_is_full(thread))
        || ngx_lu_thread_is_behind(thread))
    {
        return NGX_BUSY;
    }

    thread->waiting = 1;

    ngx_queue_insert_tail(&threads->waiting[kind], &thread->queue);
    threads->nwaiting[kind]++;

    ngx_lu_thread_watch(thread);

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_thread_has_place(ngx_lu_thread_t *thread)
{
    ngx_lu_thread_e               kind;
    ngx_lu_threads_t             *threads;
    const ngx_lu_thread_limit_t  *limit;

    kind = thread->kind;
    threads = thread->store->threads;
    limit = &ngx_lu_thread_limits[kind];

    return threads->nrunning[kind] < limit->store
           && ngx_lu_thread_of_app(thread, &threads->running[kind])
              < limit->app;
}


/* One app takes only a part of the queue. */

static ngx_uint_t
ngx_lu_thread_is_full(ngx_lu_thread_t *thread)
{
    ngx_uint_t         limit;
    ngx_lu_threads_t  *threads;

    threads = thread->store->threads;
    limit = ngx_lu_thread_limits[thread->kind].waiting;

    return threads->nwaiting[thread->kind] >= limit
           || (threads->nwaiting[thread->kind] >= limit / NGX_LU_SHARE
               && ngx_lu_thread_of_app(thread, &threads->waiting[thread->kind])
                  >= limit / NGX_LU_SHARE);
}


/* How many threads of its kind in the queue are for the same app. */

static ngx_uint_t
ngx_lu_thread_of_app(ngx_lu_thread_t *thread, ngx_queue_t *queue)
{
    ngx_uint_t        n;
    ngx_queue_t      *q;
    ngx_lu_thread_t  *other;

    n = 0;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_lu_thread_t, queue);

        if (lu_str_eq(&other->app, &thread->app)) {
            n++;
        }
    }

    return n;
}


static ngx_int_t
ngx_lu_thread_post(ngx_lu_thread_t *thread)
{
    ngx_thread_task_t  *task;
    ngx_lu_threads_t   *threads;

    threads = thread->store->threads;
    task = &thread->task;

    ngx_memzero(task, sizeof(ngx_thread_task_t));

    task->ctx = thread;
    task->handler = ngx_lu_thread_run;
    task->event.data = thread;
    task->event.handler = ngx_lu_thread_over;
    task->event.log = ngx_cycle->log;

    thread->waiting = 0;
    thread->moved = ngx_current_msec;
    thread->looked = ngx_current_msec;
    thread->cpu = 0;
    thread->beat = thread->beats ? *thread->beats : 0;

    if (ngx_thread_task_post(thread->pool, task) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&threads->running[thread->kind], &thread->queue);
    threads->nrunning[thread->kind]++;

    ngx_lu_thread_watch(thread);

    return NGX_OK;
}


static void
ngx_lu_thread_run(void *data, ngx_log_t *log)
{
    ngx_lu_thread_t *thread = data;

    ngx_lu_low_e  level;

    level = (thread->kind == NGX_LU_THREAD_KEEP) ? NGX_LU_LOW_IDLE
                                                 : NGX_LU_LOW_NICE;

    if (thread->kind >= NGX_LU_THREAD_BODY
        && ngx_lu_low_run(level, ngx_lu_thread_work, thread) == NGX_OK)
    {
        return;
    }

    ngx_lu_thread_work(thread);
}


static void
ngx_lu_thread_work(void *data)
{
    ngx_lu_thread_t *thread = data;

    if (pthread_getcpuclockid(pthread_self(), &thread->clock) == 0) {
        ngx_memory_barrier();
        thread->begun = 1;
    }

    thread->run(thread->data);
}


static void
ngx_lu_thread_over(ngx_event_t *ev)
{
    ngx_lu_thread_t *thread = ev->data;

    ngx_lu_threads_t  *threads;

    threads = thread->store->threads;

    ngx_queue_remove(&thread->queue);
    ngx_queue_remove(&thread->all);
    threads->nrunning[thread->kind]--;

    ngx_lu_thread_next(threads, thread->kind);

    /* a worker does not exit while it has a timer that is not cancelable */

    if (ngx_queue_empty(&ngx_lu_thread_all) && ngx_lu_thread_timer.timer_set) {
        ngx_del_timer(&ngx_lu_thread_timer);
    }

    thread->done(thread->data);
}


/* The place goes to the first who may have it: others have enough of them. */

static void
ngx_lu_thread_next(ngx_lu_threads_t *threads, ngx_lu_thread_e kind)
{
    ngx_queue_t      *q, *waiting;
    ngx_lu_thread_t  *thread;

    waiting = &threads->waiting[kind];

    for (q = ngx_queue_head(waiting);
         q != ngx_queue_sentinel(waiting);
         q = ngx_queue_next(q))
    {
        thread = ngx_queue_data(q, ngx_lu_thread_t, queue);

        if (!ngx_lu_thread_has_place(thread)) {
            continue;
        }

        ngx_queue_remove(&thread->queue);
        ngx_queue_remove(&thread->all);
        threads->nwaiting[kind]--;

        if (ngx_lu_thread_post(thread) != NGX_OK) {
            thread->refused = 1;
            thread->done(thread->data);
        }

        return;
    }
}


static void
ngx_lu_thread_watch(ngx_lu_thread_t *thread)
{
    ngx_event_t  *timer;

    if (ngx_lu_thread_all.next == NULL) {
        ngx_queue_init(&ngx_lu_thread_all);
    }

    ngx_queue_insert_tail(&ngx_lu_thread_all, &thread->all);

    timer = &ngx_lu_thread_timer;

    if (!timer->timer_set) {
        timer->handler = ngx_lu_thread_tick;
        timer->data = &ngx_lu_thread_dumb;
        timer->log = ngx_cycle->log;

        ngx_lu_thread_dumb.fd = (ngx_socket_t) -1;

        ngx_add_timer(timer, NGX_LU_TICK);
    }
}


static void
ngx_lu_thread_tick(ngx_event_t *ev)
{
    ngx_queue_t      *q;
    ngx_lu_thread_t  *thread;

    for (q = ngx_queue_head(&ngx_lu_thread_all);
         q != ngx_queue_sentinel(&ngx_lu_thread_all);
         q = ngx_queue_next(q))
    {
        ngx_lu_thread_look(ngx_queue_data(q, ngx_lu_thread_t, all));
    }

    /* what is called may end others, or begin them */

    for ( ;; ) {
        thread = ngx_lu_thread_late();

        if (thread == NULL) {
            break;
        }

        if (!thread->waiting) {
            thread->told = 1;
            thread->late(thread->data);
            continue;
        }

        ngx_queue_remove(&thread->queue);
        ngx_queue_remove(&thread->all);
        thread->store->threads->nwaiting[thread->kind]--;

        thread->refused = 1;
        thread->done(thread->data);
    }

    if (ngx_queue_empty(&ngx_lu_thread_all)) {
        return;
    }

    q = ngx_queue_head(&ngx_lu_thread_all);
    thread = ngx_queue_data(q, ngx_lu_thread_t, all);

    ngx_lu_thread_leave(thread->store, thread->moved);

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_LU_TICK);
    }
}


static void
ngx_lu_thread_look(ngx_lu_thread_t *thread)
{
    ngx_msec_t         cpu, passed;
    struct timespec    ts;
    ngx_atomic_uint_t  beat;

    if (thread->waiting || !thread->begun) {
        return;
    }

    passed = ngx_current_msec - thread->looked;
    thread->looked = ngx_current_msec;

    beat = thread->beats ? *thread->beats : 0;

    if (clock_gettime(thread->clock, &ts) == -1) {
        return;
    }

    cpu = (ngx_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

    if (beat != thread->beat || (cpu - thread->cpu) * NGX_LU_BUSY > passed) {
        thread->moved = ngx_current_msec;
    }

    thread->beat = beat;
    thread->cpu = cpu;
}


/* One whose owner is to be told that it hangs, or that it waits in vain. */

static ngx_lu_thread_t *
ngx_lu_thread_late(void)
{
    ngx_queue_t      *q;
    ngx_lu_thread_t  *thread;

    for (q = ngx_queue_head(&ngx_lu_thread_all);
         q != ngx_queue_sentinel(&ngx_lu_thread_all);
         q = ngx_queue_next(q))
    {
        thread = ngx_queue_data(q, ngx_lu_thread_t, all);

        if (thread->waiting) {
            if (ngx_lu_thread_is_behind(thread)) {
                return thread;
            }

            continue;
        }

        if (thread->late
            && !thread->told
            && ngx_lu_thread_is_stuck(thread,
                                   ngx_lu_thread_limits[thread->kind].late))
        {
            return thread;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_lu_thread_is_stuck(ngx_lu_thread_t *thread, ngx_msec_t limit)
{
    return ngx_current_msec - thread->moved >= limit;
}


/* All who have the places that it could get hang. */

static ngx_uint_t
ngx_lu_thread_is_behind(ngx_lu_thread_t *thread)
{
    ngx_uint_t                    of_app;
    ngx_queue_t                  *q, *running;
    ngx_lu_thread_t              *other;
    const ngx_lu_thread_limit_t  *limit;

    limit = &ngx_lu_thread_limits[thread->kind];
    running = &thread->store->threads->running[thread->kind];
    of_app = (ngx_lu_thread_of_app(thread, running) >= limit->app);

    for (q = ngx_queue_head(running);
         q != ngx_queue_sentinel(running);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_lu_thread_t, queue);

        if ((!of_app || lu_str_eq(&other->app, &thread->app))
            && !ngx_lu_thread_is_stuck(other, limit->late))
        {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_lu_thread_most(void)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_LU_THREAD_UPLOAD; i++) {
        n += ngx_lu_thread_limits[i].store;
    }

    return n;
}


ngx_uint_t
ngx_lu_thread_hangs(ngx_lu_store_t *store, const lu_str_t *app)
{
    ngx_uint_t        i;
    ngx_queue_t      *q, *running;
    ngx_lu_thread_t  *thread;

    /* a look at one app, or at all jobs, says nothing of the next call */

    if (app->len == 0) {
        return 0;
    }

    for (i = 0; i < NGX_LU_THREAD_KINDS; i++) {
        running = &store->threads->running[i];

        for (q = ngx_queue_head(running);
             q != ngx_queue_sentinel(running);
             q = ngx_queue_next(q))
        {
            thread = ngx_queue_data(q, ngx_lu_thread_t, queue);

            if (lu_str_eq(&thread->app, app)
                && ngx_lu_thread_is_stuck(thread,
                                          ngx_lu_thread_limits[i].late))
            {
                return 1;
            }
        }
    }

    return 0;
}


/*
 * nginx would wait for the thread in a loop, for ever.  Whatever else goes on
 * in the worker has a timer.
 */

void
ngx_lu_thread_leave(ngx_lu_store_t *store, ngx_msec_t since)
{
    ngx_int_t         rc;
    ngx_msec_t        grace;
    ngx_queue_t      *q;
    ngx_core_conf_t  *ccf;
    ngx_lu_thread_t  *thread;

    if (!ngx_exiting) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    grace = ccf->shutdown_timeout ? ccf->shutdown_timeout : NGX_LU_GRACE;

    if (ngx_current_msec - since < grace) {
        return;
    }

    for (q = ngx_lu_thread_all.next;
         q && q != ngx_queue_sentinel(&ngx_lu_thread_all);
         q = ngx_queue_next(q))
    {
        thread = ngx_queue_data(q, ngx_lu_thread_t, all);

        if (thread->waiting || !ngx_lu_thread_is_stuck(thread, grace)) {
            return;
        }
    }

    ngx_lu_thread_timer.cancelable = 1;

    rc = ngx_event_no_timers_left();

    ngx_lu_thread_timer.cancelable = 0;

    if (rc != NGX_OK) {
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "liveupdate: a thread hangs in the store \"%V\", "
                  "the worker exits without it", &store->path);

    _exit(0);
}


ngx_msec_t
ngx_lu_thread_msec(void)
{
#if (NGX_HAVE_CLOCK_MONOTONIC)

    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (ngx_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

#else

    return ngx_current_msec;

#endif
}
