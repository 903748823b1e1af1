
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Are the files of a desktop release what its update manifests say.
 */


#ifndef _NGX_LU_STAGE_H_INCLUDED_
#define _NGX_LU_STAGE_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"


/*
 * Compares what lies in uploads/ of a release, which is locked, with its
 * update manifests, and stages it; or writes down why not.  Digests, an array
 * of ngx_lu_digest_t that may be NULL, spare the reading of files that have
 * not changed since.  Of the wishes, an object or NULL, "without" has the names
 * of files that are to be left out, and "with" those of files that no manifest
 * lists and that people shall be able to download; "commit" and the like say
 * where the release comes from.  NGX_OK, or a status: 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_stage(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_array_t *digests, const cJSON *wishes);


#endif /* _NGX_LU_STAGE_H_INCLUDED_ */
