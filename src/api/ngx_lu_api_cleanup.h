
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * /releases/{app}/cleanup: what the policy lets go, and why, and how many
 * bytes; cleaning up; the policy and the quota of an app.
 */


#ifndef _NGX_LU_API_CLEANUP_H_INCLUDED_
#define _NGX_LU_API_CLEANUP_H_INCLUDED_


#include "ngx_lu_call.h"


ngx_int_t ngx_lu_api_cleanup_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_cleanup_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_cleanup_patch(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_CLEANUP_H_INCLUDED_ */
