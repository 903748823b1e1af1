
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Bundles, as the Capawesome API has them: announced, ready, deleted.
 */


#ifndef _NGX_LU_API_BUNDLE_H_INCLUDED_
#define _NGX_LU_API_BUNDLE_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/apps/{app}/bundles and bundles/{bundle} of the Capawesome
 * API.  Statuses of errors are 403, 404, 409, 422, 500 and 507.
 *
 * POST announces a bundle, to be uploaded, or registers one with its "url":
 * 201.  GET returns it: 200.  PATCH with "artifactStatus" verifies and
 * publishes what was uploaded, and any other PATCH is one of the build: 200.
 * DELETE removes it, also from its channels: 204.
 */

ngx_int_t ngx_lu_api_bundles_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_bundle_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_bundle_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_bundle_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_BUNDLE_H_INCLUDED_ */
