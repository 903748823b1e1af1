
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What an approver decides about a release of any kind, and what is decided
 * for him: by a location without approval, or by a file on GitHub.
 */


#ifndef _NGX_LU_APPROVAL_H_INCLUDED_
#define _NGX_LU_APPROVAL_H_INCLUDED_


#include "ngx_lu_bundle.h"
#include "ngx_lu_task.h"


/*
 * Promotes the task's release: verified files become visible, and the app
 * says to whom.  200, or a status: 403, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_approval_promote(ngx_lu_task_t *task,
    const ngx_lu_promotion_t *promotion);

/* The same while the caller has the lock of the release, or needs none. */

ngx_int_t ngx_lu_approval_promote_held(ngx_lu_task_t *task,
    const ngx_lu_promotion_t *promotion);

/*
 * Rejects the task's release, which is in staging, with a reason.  200, or a
 * status: 404, 409, 500, 503, 507.
 */

ngx_int_t ngx_lu_approval_reject(ngx_lu_task_t *task, const char *reason);

/*
 * Withdraws the task's release, which is live: no client is told of it any
 * more.  200, or a status: 404, 409, 500, 503, 507.
 */

ngx_int_t ngx_lu_approval_withdraw(ngx_lu_task_t *task);


#endif /* _NGX_LU_APPROVAL_H_INCLUDED_ */
