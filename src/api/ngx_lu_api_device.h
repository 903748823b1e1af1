
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Devices, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_DEVICE_H_INCLUDED_
#define _NGX_LU_API_DEVICE_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/apps/{app}/devices and devices/{device} of the Capawesome
 * API.  GET lists devices that have asked this server lately, or returns one;
 * PATCH of devices?ids= or of a device forces it to a channel: 200.  DELETE
 * forgets a device: 204.  Or a status: 403, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_devices_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_devices_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_device_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_DEVICE_H_INCLUDED_ */
