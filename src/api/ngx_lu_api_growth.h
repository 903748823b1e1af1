
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Rollouts that are halted and resumed.  The last part of the path is the
 * action.
 */


#ifndef _NGX_LU_API_GROWTH_H_INCLUDED_
#define _NGX_LU_API_GROWTH_H_INCLUDED_


#include "ngx_lu_call.h"


/* Of a deployment: 200 with the deployment; 404, 409, 422, ... */

ngx_int_t ngx_lu_api_growth_deployment_post(ngx_lu_call_t *call);

/*
 * Of a release: of a desktop release all rollouts, of a bundle the newest
 * deployment in the "channel" of the body.  200 with the id of the release or
 * the deployment; 404, 409, 422, ...
 */

ngx_int_t ngx_lu_api_growth_release_post(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_GROWTH_H_INCLUDED_ */
