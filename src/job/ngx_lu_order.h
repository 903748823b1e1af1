
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A build is ordered: its release and its job are written, and the job does
 * the rest.
 */


#ifndef _NGX_LU_ORDER_H_INCLUDED_
#define _NGX_LU_ORDER_H_INCLUDED_


#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_release.h"


/*
 * Returns release.json of the task's build, state "fetching", which the caller
 * completes and frees; NULL: no memory.
 */

cJSON *ngx_lu_order_release(ngx_lu_task_t *task);

/*
 * Orders the task's build with that release.json, which the caller frees: it
 * is written, with a job, unless the build was ordered before and has not
 * failed.
 *
 * 202: there is a job, and the caller wakes the jobs; 200: there is nothing to
 * do.  In both cases *state is that of the release.  Or a status: 404, 409,
 * 500, 503, 507; 503 before anything is written: another has the release
 * locked.
 */

ngx_int_t ngx_lu_order(ngx_lu_task_t *task, cJSON *json, lu_state_e *state);

/*
 * Orders a failed release, or a staged one whose pull request was not opened,
 * once more, as it was ordered: 202 with *state, or a status: 404, 409, 500,
 * 503, 507.
 */

ngx_int_t ngx_lu_order_again(ngx_lu_task_t *task, lu_state_e *state);


#endif /* _NGX_LU_ORDER_H_INCLUDED_ */
