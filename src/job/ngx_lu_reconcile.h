
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was approved on GitHub becomes what is released here.  The job is the
 * file jobs/github: there is one for the whole store, so that no older commit
 * is followed after a newer one.
 */


#ifndef _NGX_LU_RECONCILE_H_INCLUDED_
#define _NGX_LU_RECONCILE_H_INCLUDED_


#include "write/ngx_lu_task.h"

#include "core/lu_github.h"


/*
 * Reads the two files of the base branch and follows them, and looks again
 * later if GitHub does not show what it has told of.  What cannot be followed
 * is written into apps/{app}/github.json and logged.
 */

void ngx_lu_reconcile(ngx_lu_job_t *job);

/*
 * Asks for another look at the files, because of the event, or of something
 * else for NULL; the caller has the lock, and wakes the jobs afterwards.  Runs
 * in a thread.  NGX_OK, or a status: 404, 500, 507.
 */

ngx_int_t ngx_lu_reconcile_ask(ngx_lu_task_t *task,
    const lu_github_event_t *event);

/*
 * The lock of those who ask and of the job when it ends, to be given to
 * ngx_lu_lock_release().  NGX_OK, or a status: 404, 500, 507; 503 if another
 * has it.
 */

ngx_int_t ngx_lu_reconcile_lock(ngx_lu_task_t *task, ngx_lu_lock_t **lock);


#endif /* _NGX_LU_RECONCILE_H_INCLUDED_ */
