
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

/*
 * The host and port that the client has addressed, as it says: of the Host
 * header, or of ":authority".  Empty if it does not say.
 */

ngx_str_t ngx_lu_url_host(ngx_http_request_t *r);

/*
 * 1 if the string has only characters that can stand in a URL, in JSON and in
 * headers as they are: printable ASCII without a space and without "\#<>?
 */

ngx_uint_t ngx_lu_url_valid(ngx_str_t *url);


#endif /* _NGX_LU_URL_H_INCLUDED_ */
