
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Channels, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_CHANNEL_H_INCLUDED_
#define _NGX_LU_API_CHANNEL_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/* The actions of /v1/apps/{app}/channels. */

ngx_int_t ngx_lu_api_channels_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channels_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_remove(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channels_delete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_pause_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_channel_resume_post(ngx_lu_call_t *call);

/* A channel, for relations of others; to be freed, NULL: out of memory. */

cJSON *ngx_lu_api_channel_json(ngx_lu_call_t *call, const cJSON *channel);


#endif /* _NGX_LU_API_CHANNEL_H_INCLUDED_ */
