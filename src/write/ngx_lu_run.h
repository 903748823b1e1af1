
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A task is run in a thread.  If another has a lock that it needs, the thread
 * goes on with something else, and the task is run again when it is its turn.
 */


#ifndef _NGX_LU_RUN_H_INCLUDED_
#define _NGX_LU_RUN_H_INCLUDED_


#include "ngx_lu_task.h"


typedef struct ngx_lu_run_s       ngx_lu_run_t;
typedef struct ngx_lu_run_wait_s  ngx_lu_run_wait_t;

typedef ngx_int_t (*ngx_lu_run_pt)(void *data);


/* The memory is the caller's, is zeroed first, and lives until done(). */

struct ngx_lu_run_s {

    /* set by the caller; what is called gets data */
    ngx_lu_task_t           *task;
    ngx_lu_thread_e          kind;
    ngx_thread_pool_t       *threads;
    ngx_thread_pool_t       *quick;     /* for short work */
    ngx_lu_run_pt            handler;   /* in a thread: a status */
    ngx_lu_thread_pt         drop;      /* in a thread; or NULL */
    ngx_lu_thread_pt         done;      /* in the event loop */
    ngx_lu_thread_pt         late;      /* or NULL */
    void                    *data;

    /* for done() */
    ngx_int_t                status;

    /* private */
    ngx_lu_thread_t          thread;
    ngx_lu_task_t            fresh;     /* before it was run */
    ngx_lu_run_wait_t       *wait;      /* for a lock, or NULL */
    ngx_queue_t              queue;     /* in the wait */
    ngx_msec_t               since;     /* it waits */
    u_char                  *busy;      /* the path of the lock */
    unsigned                 asked:1;   /* in vain */
    unsigned                 dropped:1;
};


/*
 * Has handler() called in a thread, and done() with the status that it has
 * returned.  NGX_OK; or else, with task->error, 503: nothing is called.
 *
 * If ngx_lu_task_is_busy(), handler() is called again, with the task as it was
 * at first but for the time: whoever waits for the same lock in this worker
 * has it in the order of arrival.  A lock is asked for again when its holder in
 * this worker has ended, and otherwise after pauses of up to 100 ms.  So a
 * handler takes its locks before it changes anything, or does nothing twice
 * that was done.  After a minute the status is 503, and drop() is called first
 * for what handler() has kept for the next time.
 *
 * For late(), see ngx_lu_thread_start().  A task that nobody runs since threads
 * hang ends with 503 and without drop().
 */

ngx_int_t ngx_lu_run_start(ngx_lu_run_t *run);

/* Returns 503, with task->error: there is no thread for it. */

ngx_int_t ngx_lu_run_refuse(ngx_lu_task_t *task);


#endif /* _NGX_LU_RUN_H_INCLUDED_ */
