
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The audit log: an entry for each change.
 */


#ifndef _NGX_LU_AUDIT_H_INCLUDED_
#define _NGX_LU_AUDIT_H_INCLUDED_


#include "ngx_lu_task.h"


/*
 * Adds the task's entry to the audit.log of a folder, durably: that of the
 * app, or the store if the app goes.  NGX_OK, or NGX_ERROR with task->io.
 */

ngx_int_t ngx_lu_audit(ngx_lu_task_t *task, u_char *folder, double generation);

/*
 * Writes down in the task which rollout of an app it is about, and who gets
 * that.  channel: that of the deployment, or NULL; rollout: see lu_growth.h,
 * or NULL: there is none.
 */

void ngx_lu_audit_rollout(ngx_lu_task_t *task, const cJSON *app,
    const cJSON *channel, const cJSON *rollout);

/*
 * Writes down in the task for which platforms the decision is: those of the
 * array "platforms" of an object, a desktop release or a body.  Nothing is
 * written down if it has none.
 */

void ngx_lu_audit_platforms(ngx_lu_task_t *task, const cJSON *object);


#endif /* _NGX_LU_AUDIT_H_INCLUDED_ */
