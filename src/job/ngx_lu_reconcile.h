
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was approved on GitHub becomes what is released here.
 */


#ifndef _NGX_LU_RECONCILE_H_INCLUDED_
#define _NGX_LU_RECONCILE_H_INCLUDED_


#include "ngx_lu_job.h"

#include "write/ngx_lu_task.h"


/*
 * Reconcile, an action of a job: makes the store what job->approved says.
 * NGX_OK, also if that cannot be done: apps/{app}/github.json says why; or a
 * status.
 */

ngx_int_t ngx_lu_reconcile(ngx_lu_step_t *step);

/*
 * Approved: ask() for it, with the lock() of those who do; write() what came
 * of it into the apps' folders; over() ends the job, if nobody has asked since
 * it began.  NGX_OK or a status.
 */

ngx_int_t ngx_lu_approved_lock(ngx_lu_task_t *task, ngx_fd_t *lock);
ngx_int_t ngx_lu_approved_ask(ngx_lu_task_t *task);
ngx_int_t ngx_lu_approved_write(ngx_lu_step_t *step, ngx_array_t *apps,
    ngx_int_t status);
ngx_int_t ngx_lu_approved_over(ngx_lu_step_t *step);


#endif /* _NGX_LU_RECONCILE_H_INCLUDED_ */
