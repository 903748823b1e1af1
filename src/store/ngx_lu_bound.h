
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A look at a file system by a process that has no thread pool: when the
 * configuration is read, and before any worker runs.
 */


#ifndef _NGX_LU_BOUND_H_INCLUDED_
#define _NGX_LU_BOUND_H_INCLUDED_


#include "ngx_lu_io.h"


#define NGX_LU_BOUND_WAIT     5         /* seconds */
#define NGX_LU_BOUND_THREADS  8         /* that hang, in a process */


typedef void (*ngx_lu_bound_pt)(void *data);


/*
 * Calls run() in a thread of its own, and waits for it for 5 seconds.  "data"
 * is of malloc(): if the file system hangs, the thread outlives the
 * configuration, and calls release() in the end.
 *
 * NGX_OK: run() has returned.  NGX_BUSY: it has not, and "data" is the
 * thread's.  NGX_DECLINED: run() is not called, since eight earlier calls
 * still hang.  NGX_ERROR: it is not called, errno is set.
 */

ngx_int_t ngx_lu_bound(ngx_lu_bound_pt run, ngx_lu_bound_pt release,
    void *data);


#endif /* _NGX_LU_BOUND_H_INCLUDED_ */
