
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of a bundle, uploaded whole or in parts.
 */


#ifndef _NGX_LU_API_UPLOAD_H_INCLUDED_
#define _NGX_LU_API_UPLOAD_H_INCLUDED_


#include "ngx_lu_call.h"


/* The actions of files and uploads of a bundle. */

ngx_int_t ngx_lu_api_upload_file_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_upload_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_upload_delete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_upload_put(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_UPLOAD_H_INCLUDED_ */
