
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The end of an upload: its publisher says that the bundle is ready.
 */


#ifndef _NGX_LU_READY_H_INCLUDED_
#define _NGX_LU_READY_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"


/*
 * Verifies the task's bundle, unless that was done before, and publishes it,
 * unless it has to wait for an approver: task->approval is set then.  200,
 * with the release, to be closed; or a status: 403, 404, 409, 422, 500, 503,
 * 507.  A call that was cut short, or found a lock busy, can be repeated: what
 * was verified is not verified again.
 */

ngx_int_t ngx_lu_ready(ngx_lu_task_t *task, ngx_lu_release_t *release);


#endif /* _NGX_LU_READY_H_INCLUDED_ */
