
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Uploads: large files of a bundle that come in parts.
 */


#ifndef _NGX_LU_API_UPLOAD_H_INCLUDED_
#define _NGX_LU_API_UPLOAD_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/apps/{app}/bundles/{bundle}/files/{file}/upload of the
 * Capawesome API, with the query parameters "action" and "uploadId".
 *
 * POST with mpu-create begins an upload: 201 with its id.  PUT with
 * mpu-uploadpart takes a part: 200 with its etag.  POST with mpu-complete joins
 * the listed parts to the file that was announced: 200.  DELETE, or POST with
 * mpu-abort, removes the parts: 204.  Or a status: 400, 404, 409, 422, 500,
 * 507.
 */

ngx_int_t ngx_lu_api_upload_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_upload_put(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_upload_delete(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_UPLOAD_H_INCLUDED_ */
