
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


#endif /* _NGX_LU_AUDIT_H_INCLUDED_ */
