
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Deployments, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_DEPLOYMENT_H_INCLUDED_
#define _NGX_LU_API_DEPLOYMENT_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/*
 * The actions of /v1/apps/{app}/deployments and deployments/{deployment} of the
 * Capawesome API.  GET lists deployments, the newest first, or returns one,
 * with its relations: 200.  POST puts a live bundle into a channel: 201.  PATCH
 * changes the rollout: 200.  Or a status: 403, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_deployments_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployment_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployments_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployment_patch(ngx_lu_call_t *call);

/*
 * Returns a deployment of a channel of the app as GET
 * /v1/apps/{app}/deployments/{deployment} of the Capawesome API has it, with
 * the relations that the call asks for; to be freed by the caller.  NULL: out
 * of memory.
 */

cJSON *ngx_lu_api_deployment_json(ngx_lu_call_t *call, const cJSON *app,
    const cJSON *deployment, const cJSON *channel);


#endif /* _NGX_LU_API_DEPLOYMENT_H_INCLUDED_ */
