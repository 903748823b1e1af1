
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Tasks of thread pools that a worker completes before it exits.
 */


#ifndef _NGX_LU_THREAD_H_INCLUDED_
#define _NGX_LU_THREAD_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Posts a task whose handler, event.handler, event.data and event.log are set.
 * Returns NGX_OK, or NGX_ERROR if the queue of the pool is full.
 */

ngx_int_t ngx_lu_thread_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task);

/*
 * To be called first by the task's event handler, which runs once a minute
 * while the task does.  Returns 1 if the task is complete, 0 if the handler is
 * to return and wait.
 */

ngx_uint_t ngx_lu_thread_over(ngx_event_t *ev);

/*
 * Returns the milliseconds of a clock that nobody sets.  In a thread this is
 * the present; the worker updates ngx_current_msec only now and then.
 */

ngx_msec_t ngx_lu_thread_msec(void);

/*
 * Lowers the priority of the calling thread for good.  Only for threads of a
 * pool that answers no devices.
 */

void ngx_lu_thread_aside(void);


#endif /* _NGX_LU_THREAD_H_INCLUDED_ */
