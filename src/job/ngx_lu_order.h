
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A build is ordered by writing it down; the rest is a job's.
 */


#ifndef _NGX_LU_ORDER_H_INCLUDED_
#define _NGX_LU_ORDER_H_INCLUDED_


#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_release.h"


/*
 * A new release of the task's build, to be freed by the caller; NULL: out of
 * memory.
 */

cJSON *ngx_lu_order_release(ngx_lu_task_t *task);

/*
 * Orders a build: writes its release and its job, if it was not ordered
 * before or has failed.  202: there is a job, which the caller has to wake;
 * 200: there is nothing to do.  In both cases *state is that of the
 * release.  Or a status: 404, 409, 500, 507.
 */

ngx_int_t ngx_lu_order(ngx_lu_task_t *task, cJSON *json, lu_state_e *state);

/*
 * The same of a release that has failed, or that waits for its pull request,
 * as it was ordered.
 */

ngx_int_t ngx_lu_order_again(ngx_lu_task_t *task, lu_state_e *state);


#endif /* _NGX_LU_ORDER_H_INCLUDED_ */
