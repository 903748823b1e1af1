
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Desktop releases on their way in: fetched, fetched again, or staged by hand.
 */


#ifndef _NGX_LU_API_FETCH_H_INCLUDED_
#define _NGX_LU_API_FETCH_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/*
 * The actions of /releases/{app}/{release}/ of the approval API, which answer
 * with the state of the release, or with a status: 404, 409, 422, 500, 507.
 *
 * POST fetch orders the build of that id, and retry orders one again that has
 * failed: 202 if there is a job now, else 200.  POST stage stages what lies in
 * the release's folder: 202 if it waits for an approver, or 200: it is live.
 * If the body says what is expected, and that is not there, the release is
 * staged when it is: 202.
 */

ngx_int_t ngx_lu_api_fetch_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_fetch_retry_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_fetch_stage_post(ngx_lu_call_t *call);

/*
 * Returns the release.json of the task's release, which is to be the latest one
 * when it is promoted.  The caller frees it.  NULL: no memory.
 */

cJSON *ngx_lu_api_fetch_release(ngx_lu_task_t *task);

/*
 * Orders the task's build, whose release.json is the given tree, which stays
 * the caller's, and answers.  Returns a status as above.
 */

ngx_int_t ngx_lu_api_fetch_order(ngx_lu_call_t *call, cJSON *release);


#endif /* _NGX_LU_API_FETCH_H_INCLUDED_ */
