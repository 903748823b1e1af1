
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_LATEST_H_INCLUDED_
#define _NGX_LU_LATEST_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Answers an update check and channel discovery.  The id need not be the one
 * of an app.  They return what a content handler returns.
 */

ngx_int_t ngx_lu_latest_handler(ngx_http_request_t *r, ngx_str_t *app);
ngx_int_t ngx_lu_discovery_handler(ngx_http_request_t *r, ngx_str_t *app);


#endif /* _NGX_LU_LATEST_H_INCLUDED_ */
