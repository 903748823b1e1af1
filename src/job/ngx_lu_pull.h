
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The pull request that approves a staged release when it is merged: a branch
 * with two commits.
 */


#ifndef _NGX_LU_PULL_H_INCLUDED_
#define _NGX_LU_PULL_H_INCLUDED_


#include "write/ngx_lu_task.h"


/*
 * Opens the pull request of the job's staged release, or finds it again after
 * a crash, writes it into the release, and ends the job.  A build that is
 * listed in the base branch already is left to jobs/github; a release whose
 * pull request was closed is rejected.
 */

void ngx_lu_pull(ngx_lu_job_t *job);

/*
 * Rejects the task's release because its pull request, of that number, was
 * closed.  Runs in a thread.  200, or a status: 404, 409, 500, 507.
 */

ngx_int_t ngx_lu_pull_closed(ngx_lu_task_t *task, uint64_t number);


#endif /* _NGX_LU_PULL_H_INCLUDED_ */
