
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A change of an app as a transaction.
 */


#ifndef _NGX_LU_CHANGE_H_INCLUDED_
#define _NGX_LU_CHANGE_H_INCLUDED_


#include "ngx_lu_task.h"

#include "core/lu_json.h"


/*
 * Changes the tree of an app.json, which the caller has read under the app's
 * lock, and names the audit entry in the task.  A status below 300 has the
 * tree written; with any other nothing is changed, and task->error says why,
 * or the status is 304: there is nothing to change.
 */

typedef ngx_int_t (*ngx_lu_change_pt)(ngx_lu_task_t *task, cJSON *app,
    void *data);

/* NGX_OK or a status. */

typedef ngx_int_t (*ngx_lu_change_finish_pt)(ngx_lu_task_t *task, void *data);

/*
 * Runs a change of the task's app: lock, read, change(), audit entry, write,
 * generation, finish(), unlock.  finish(), which may be NULL, is called when
 * no client is told of the old app any more; if it fails, the change stands.
 * If task->expect is set, the app must have that generation: 409, or 422 if
 * it is not a number.  If task->again is set, a change that leaves the app as
 * it was is a repeated call: nothing is written, and task->change is NULL, but
 * finish() is called.  Returns the status of change(), of finish() if it
 * fails, or 404, 500, 507; or 503, and nothing was done, if another has the
 * lock: see ngx_lu_run_start().
 */

ngx_int_t ngx_lu_change(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data);

/* The same for a caller that has the lock, ngx_lu_app_lock(). */

ngx_int_t ngx_lu_change_locked(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data);

/*
 * Makes the reserve for the next change of the app, also without the lock: for
 * who frees space after a change.  It may fail.
 */

void ngx_lu_change_reserve(ngx_lu_task_t *task);


#endif /* _NGX_LU_CHANGE_H_INCLUDED_ */
