
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Devices, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_DEVICE_H_INCLUDED_
#define _NGX_LU_API_DEVICE_H_INCLUDED_


#include "ngx_lu_call.h"


/* The actions of /v1/apps/{app}/devices. */

ngx_int_t ngx_lu_api_devices_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_devices_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_DEVICE_H_INCLUDED_ */
