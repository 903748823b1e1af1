
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Apps, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_APP_H_INCLUDED_
#define _NGX_LU_API_APP_H_INCLUDED_


#include "ngx_lu_call.h"


/* The actions of /v1/apps and /v1/apps/{app}. */

ngx_int_t ngx_lu_api_apps_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_apps_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_app_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_APP_H_INCLUDED_ */
