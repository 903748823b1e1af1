
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Releases that go.  First no client is told of one any more, then its files
 * go; a call that was cut short can be repeated.
 */


#ifndef _NGX_LU_REMOVE_H_INCLUDED_
#define _NGX_LU_REMOVE_H_INCLUDED_


#include "ngx_lu_keep.h"
#include "ngx_lu_task.h"


/*
 * Removes the task's bundle, also from its channels.  204, or a status: 403,
 * 404, 500, 507.
 */

ngx_int_t ngx_lu_remove_bundle(ngx_lu_task_t *task);

/*
 * Removes the task's release, of any kind, that is withdrawn, rejected or
 * failed.  204, or a status: 404, 409, 500, 507.
 */

ngx_int_t ngx_lu_remove_release(ngx_lu_task_t *task);

/*
 * Removes the task's release if the policy, asked again, still lets it go: 204,
 * or a status: 404, 409 if somebody needs it again, 500, 503, 507.
 */

ngx_int_t ngx_lu_remove_kept(ngx_lu_task_t *task, ngx_lu_keep_t *keep);


#endif /* _NGX_LU_REMOVE_H_INCLUDED_ */
