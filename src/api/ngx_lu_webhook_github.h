
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Deliveries of GitHub.
 */


#ifndef _NGX_LU_WEBHOOK_GITHUB_H_INCLUDED_
#define _NGX_LU_WEBHOOK_GITHUB_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The action for a delivery whose signature is right, and whose body is
 * call->json.  A push to the base branch, or a merge into it, has the approved
 * releases looked up: 202.  A pull request that was closed rejects its release:
 * 200.  Anything else is ignored: 200.  Or a status: 400, 404, 409, 500, 507.
 */

ngx_int_t ngx_lu_webhook_github(ngx_lu_call_t *call);


#endif /* _NGX_LU_WEBHOOK_GITHUB_H_INCLUDED_ */
