
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files that S3 clients upload, whole and in parts.
 */


#ifndef _NGX_LU_S3_FILE_H_INCLUDED_
#define _NGX_LU_S3_FILE_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of calls with call->s3.  put() and complete() stage the release
 * as soon as all that is expected is there, and then answer for that, too.
 * Status: 200, 204, or 400, 403, 404, 409, 413, 422, 500, 503, 507.
 */

ngx_int_t ngx_lu_s3_file_put(ngx_lu_call_t *call);
ngx_int_t ngx_lu_s3_file_create(ngx_lu_call_t *call);
ngx_int_t ngx_lu_s3_file_part(ngx_lu_call_t *call);
ngx_int_t ngx_lu_s3_file_complete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_s3_file_abort(ngx_lu_call_t *call);

/*
 * take() and drop() of such a call: its file as a temporary one, with its
 * digests.
 */

ngx_int_t ngx_lu_s3_file_take(ngx_lu_call_t *call);
void ngx_lu_s3_file_drop(void *data);


#endif /* _NGX_LU_S3_FILE_H_INCLUDED_ */
