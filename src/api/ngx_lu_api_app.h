
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Apps, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_APP_H_INCLUDED_
#define _NGX_LU_API_APP_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/apps and apps/{app} of the Capawesome API.  GET lists the
 * apps that the token is for, or returns one, PATCH changes one: 200.  POST
 * creates one: 201.  DELETE removes one with all its releases: 204.  Or a
 * status: 403, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_apps_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_apps_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_APP_H_INCLUDED_ */
