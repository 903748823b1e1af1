
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_URL_H_INCLUDED_
#define _NGX_LU_URL_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Sets *base to what absolute URLs of this server begin with, without a "/" at
 * the end: the value of liveupdate_base_url, or else the scheme of the
 * connection and the host of the request.  The string lives as long as the
 * request, and can be put into JSON and into headers as it is.
 *
 * Returns NGX_OK; NGX_DECLINED if the result would be no valid URL, usually
 * because of the Host header; NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_url_base(ngx_http_request_t *r, ngx_str_t *base);


#endif /* _NGX_LU_URL_H_INCLUDED_ */
