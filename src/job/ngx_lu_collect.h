
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of a build are fetched, several at a time, and the release is
 * staged.
 */


#ifndef _NGX_LU_COLLECT_H_INCLUDED_
#define _NGX_LU_COLLECT_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Fetches what the job's release needs and is not in uploads/ yet, stages it,
 * and promotes it unless it waits for a person.  progress.json of the release
 * tells meanwhile how much was fetched.  The job is ended, or, if releases are
 * approved on GitHub, handed to staged().
 */

void ngx_lu_collect(ngx_lu_job_t *job, void (*staged)(ngx_lu_job_t *job));

/*
 * Promotes a release that an earlier try has staged and not promoted, and ends
 * the job.
 */

void ngx_lu_collect_promote(ngx_lu_job_t *job);


#endif /* _NGX_LU_COLLECT_H_INCLUDED_ */
