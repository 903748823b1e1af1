
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which files a build has: up to two manifests for each platform, and what
 * they list.
 */


#ifndef _NGX_LU_PLAN_H_INCLUDED_
#define _NGX_LU_PLAN_H_INCLUDED_


#include "ngx_lu_job.h"


/* What a step has found out; all of it is allocated from the job's pool. */

struct ngx_lu_plan_s {
    ngx_array_t    missing;    /* of lu_plan_file_t, to be fetched */
    ngx_uint_t     nkept;      /* files that an earlier try has fetched */
    uint64_t       kept;       /* their bytes */

    /* the whole build, after ngx_lu_plan_files() */
    ngx_uint_t     nfiles;
    uint64_t       size;       /* bytes of the files whose size is listed */
};


/* Gives the job an empty plan: NGX_OK, or NGX_ERROR without memory. */

ngx_int_t ngx_lu_plan_create(ngx_lu_job_t *job);

/*
 * Steps of a job, which fill job->plan in, without what is in uploads/
 * already.  manifests() plans the manifests that may exist, and files() what
 * the fetched manifests list.
 *
 * NGX_OK; NGX_DONE: the release has gone, or is no longer being fetched; or a
 * status: 403 if the build exceeds the limits of "liveupdate_fetch", 422 if
 * its manifests are wrong, 404, 500, 507.
 */

ngx_int_t ngx_lu_plan_manifests(ngx_lu_step_t *step);
ngx_int_t ngx_lu_plan_files(ngx_lu_step_t *step);

/*
 * Removes from the release, which is locked, what the next try must not find:
 * progress.json, and the manifests if the origin has to change.  NGX_OK, or a
 * status: 404, 500, 507.
 */

ngx_int_t ngx_lu_plan_clean(ngx_lu_step_t *step);


#endif /* _NGX_LU_PLAN_H_INCLUDED_ */
