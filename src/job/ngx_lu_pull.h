
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The pull request of a staged release.
 */


#ifndef _NGX_LU_PULL_H_INCLUDED_
#define _NGX_LU_PULL_H_INCLUDED_


#include "ngx_lu_job.h"

#include "write/ngx_lu_task.h"


/* Pull: finds or opens the pull request of the job's release, and ends it. */

void ngx_lu_pull(ngx_lu_github_t *github);

/* Rejects the task's release since its pull request was closed: a status. */

ngx_int_t ngx_lu_pull_closed(ngx_lu_task_t *task, uint64_t number);


#endif /* _NGX_LU_PULL_H_INCLUDED_ */
