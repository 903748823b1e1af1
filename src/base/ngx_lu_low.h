
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Work at the lowest priority.  A thread of a pool keeps its priority, and
 * waits for another one that has none: if the work were its own, it could lose
 * the processor while it has the mutex of its pool, and the event loop would
 * wait for it.
 */


#ifndef _NGX_LU_LOW_H_INCLUDED_
#define _NGX_LU_LOW_H_INCLUDED_


#include "ngx_lu.h"


typedef enum {
    NGX_LU_LOW_NICE = 0,            /* people wait for it */
    NGX_LU_LOW_IDLE,                /* nobody does */
    NGX_LU_LOW_LEVELS
} ngx_lu_low_e;

typedef void (*ngx_lu_low_pt)(void *data);


/*
 * In a thread of a pool: has run(data) called by a thread of this priority, and
 * waits for its end.  On Linux, NICE is nice 19 and the longest slice, and IDLE
 * is SCHED_IDLE: see sched(7).  NGX_OK; or NGX_ERROR, and run() was not called:
 * there is no memory, or no thread.
 *
 * Such threads stay until the process ends.  There are as many as there were
 * calls at once.
 */

ngx_int_t ngx_lu_low_run(ngx_lu_low_e level, ngx_lu_low_pt run, void *data);


#endif /* _NGX_LU_LOW_H_INCLUDED_ */
