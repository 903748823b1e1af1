
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Work in threads.  Whoever waits for a disk gets a place in a thread pool, or
 * waits for one: a store, and each of its apps, has so many places for each
 * kind of work, so that a disk that does not answer holds only these.
 */


#ifndef _NGX_LU_THREAD_H_INCLUDED_
#define _NGX_LU_THREAD_H_INCLUDED_


#include "ngx_lu.h"


typedef enum {
    NGX_LU_THREAD_LOAD = 0,         /* devices wait for it */
    NGX_LU_THREAD_OPEN,             /* a file that is sent */
    NGX_LU_THREAD_READ,             /* a piece of it */
    NGX_LU_THREAD_CLOSE,
    NGX_LU_THREAD_READY,            /* whether the disk can be written */
    NGX_LU_THREAD_STATUS,           /* it needs no disk */
    NGX_LU_THREAD_SHORT,            /* changes, lists */
    NGX_LU_THREAD_NOTIFY,           /* others are told what happens */

    /* from here on at the lowest priority */
    NGX_LU_THREAD_BODY,             /* a piece of one that is received */

    /* from here on in the pool of liveupdate_threads */
    NGX_LU_THREAD_UPLOAD,
    NGX_LU_THREAD_LONG,             /* a whole release is verified */
    NGX_LU_THREAD_JOB,
    NGX_LU_THREAD_KEEP,             /* what may go is removed */
    NGX_LU_THREAD_KINDS
} ngx_lu_thread_e;


typedef struct ngx_lu_thread_s  ngx_lu_thread_t;

typedef void (*ngx_lu_thread_pt)(void *data);


/* The memory is the caller's, is zeroed first, and lives until done(). */

struct ngx_lu_thread_s {

    /* set by the caller */
    ngx_lu_store_t           *store;
    ngx_thread_pool_t        *pool;
    lu_str_t                  app;       /* empty: it is about all of them */
    ngx_lu_thread_e           kind;
    ngx_atomic_t             *beats;     /* run() counts there; or NULL */
    ngx_lu_thread_pt          run;       /* in the thread */
    ngx_lu_thread_pt          done;      /* afterwards, in the event loop */
    ngx_lu_thread_pt          late;      /* or NULL */
    void                     *data;      /* of all three */

    /* for done() */
    unsigned                  refused:1; /* run() was not called */

    /* private */
    unsigned                  waiting:1;
    unsigned                  told:1;
    ngx_thread_task_t         task;
    ngx_queue_t               queue;     /* of its store and kind */
    ngx_queue_t               all;       /* of the worker */
    ngx_msec_t                moved;     /* when it was seen at work */
    ngx_msec_t                looked;
    ngx_atomic_uint_t         beat;
    ngx_msec_t                cpu;
    clockid_t                 clock;     /* of the thread, once it has begun */
    ngx_atomic_t              begun;
};


/* Returns the places of a store in this worker, or NULL: no memory. */

ngx_lu_threads_t *ngx_lu_thread_create(ngx_pool_t *pool);

/*
 * Has run() called in a thread, now or when there is a place, and then done()
 * in the event loop, never before it has returned.  NGX_OK; or else neither of
 * them is called: NGX_BUSY if too many wait already, or if all who have a place
 * hang; NGX_ERROR if the thread pool takes no more.
 *
 * A thread hangs if it has neither counted a beat nor used the processor for
 * long.  late() is called when it does, once, in the event loop; done() still
 * follows if the thread ever returns.  Who waits for a place behind threads
 * that hang is refused: done() is called with refused set.
 *
 * A worker that is told to quit waits for all of it, but for a thread that
 * hangs only as long as worker_shutdown_timeout, or a minute.
 */

ngx_int_t ngx_lu_thread_start(ngx_lu_thread_t *thread);

/*
 * Returns how many threads of the pool "default" of a worker one store takes at
 * most: those which are lost while its file system hangs.
 */

ngx_uint_t ngx_lu_thread_most(void);

/* Returns 1 if a thread that works for this app hangs. */

ngx_uint_t ngx_lu_thread_hangs(ngx_lu_store_t *store, const lu_str_t *app);

/*
 * Something of the store has waited since then for a thread of nginx's own: if
 * the worker is told to quit and has waited long enough, and if nothing else
 * goes on, it exits.
 */

void ngx_lu_thread_leave(ngx_lu_store_t *store, ngx_msec_t since);

/*
 * Returns the milliseconds of a clock that nobody sets.  In a thread this is
 * the present; the worker updates ngx_current_msec only now and then.
 */

ngx_msec_t ngx_lu_thread_msec(void);


#endif /* _NGX_LU_THREAD_H_INCLUDED_ */
