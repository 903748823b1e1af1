
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which files a build has.
 */


#ifndef _NGX_LU_PLAN_H_INCLUDED_
#define _NGX_LU_PLAN_H_INCLUDED_


#include "ngx_lu_job.h"


/*
 * Plan, actions of a job: open() says which manifests are to be fetched, and
 * files() what they list; both leave out what is there already.  clean()
 * removes, before the next try, what is not worth to be kept; the release is
 * locked.  NGX_OK; NGX_DONE: there is nothing to do any more; or a status.
 */

ngx_int_t ngx_lu_plan_open(ngx_lu_step_t *step);
ngx_int_t ngx_lu_plan_files(ngx_lu_step_t *step);
ngx_int_t ngx_lu_plan_clean(ngx_lu_step_t *step);


#endif /* _NGX_LU_PLAN_H_INCLUDED_ */
