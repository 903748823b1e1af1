
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Builds of an app, as the Capawesome API has them: its bundles.  There are no
 * other builds, and no jobs that make them.
 */


#ifndef _NGX_LU_API_BUILD_H_INCLUDED_
#define _NGX_LU_API_BUILD_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"
#include "core/lu_put.h"


/*
 * The actions of /v1/apps/{app}/builds/{build}: GET returns it; PATCH
 * changes version limits and custom properties.  200, or a status: 403, 404,
 * 409, 422, 500, 507.
 *
 * GET .../bundles/{bundle}/download and .../builds/{build}/artifacts/.../
 * download: 302 to the artifact of a live bundle, or 404, 422, 500.
 */

ngx_int_t ngx_lu_api_build_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_build_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_build_download_get(ngx_lu_call_t *call);

/*
 * Returns a build as GET /v1/apps/{app}/builds/{build} of the Capawesome API
 * has it, with the relations that the call asks for; to be freed by the
 * caller.  NULL: out of memory, or the release has no id.
 */

cJSON *ngx_lu_api_build_json(ngx_lu_call_t *call, const cJSON *release);

/* Puts "job" into the JSON: one of that id, which has ended at that time. */

void ngx_lu_api_build_job(lu_put_t *put, cJSON *json, const lu_str_t *id,
    const lu_str_t *at);


#endif /* _NGX_LU_API_BUILD_H_INCLUDED_ */
