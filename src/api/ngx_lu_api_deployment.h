
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Deployments, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_DEPLOYMENT_H_INCLUDED_
#define _NGX_LU_API_DEPLOYMENT_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/* The actions of /v1/apps/{app}/deployments. */

ngx_int_t ngx_lu_api_deployments_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployment_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployments_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_deployment_patch(ngx_lu_call_t *call);

/* A deployment, likewise; channel is the one that has it. */

cJSON *ngx_lu_api_deployment_json(ngx_lu_call_t *call, const cJSON *deployment,
    const cJSON *channel);


#endif /* _NGX_LU_API_DEPLOYMENT_H_INCLUDED_ */
