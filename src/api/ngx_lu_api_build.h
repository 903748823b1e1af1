
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Builds of an app, as the Capawesome API has them: its bundles.
 */


#ifndef _NGX_LU_API_BUILD_H_INCLUDED_
#define _NGX_LU_API_BUILD_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/* The actions of /v1/apps/{app}/builds, and of downloads of bundles. */

ngx_int_t ngx_lu_api_builds_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_build_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_build_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_build_download_get(ngx_lu_call_t *call);

/* A build, for relations of others; to be freed, NULL: out of memory. */

cJSON *ngx_lu_api_build_json(ngx_lu_call_t *call, const cJSON *release);

/* Adds "job" to the JSON, if the call asks for it.  NGX_OK or NGX_ERROR. */

ngx_int_t ngx_lu_api_build_job(ngx_lu_call_t *call, cJSON *json,
    const char *id, const char *at);


#endif /* _NGX_LU_API_BUILD_H_INCLUDED_ */
