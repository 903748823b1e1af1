
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Channels, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_CHANNEL_H_INCLUDED_
#define _NGX_LU_API_CHANNEL_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/apps/{app}/channels and channels/{channel} of the
 * Capawesome API.  GET lists channels or returns one, with its relations, and
 * PATCH changes one: 200.  POST creates one: 201.  DELETE of channels?name= or
 * of a channel removes it with its deployments, pause and resume stop and
 * start its updates: 204.  Or a status: 403, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_channels_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channels_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_delete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channels_delete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_pause_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_resume_post(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_CHANNEL_H_INCLUDED_ */
