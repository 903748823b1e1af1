
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_LATEST_H_INCLUDED_
#define _NGX_LU_LATEST_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Answers an update check of a device, which is remembered and counted.  The
 * request has a context.  Returns NGX_AGAIN with ctx->waiting set if it is to
 * be called again, or what a content handler returns.
 */

ngx_int_t ngx_lu_latest(ngx_http_request_t *r, ngx_str_t *app);


#endif /* _NGX_LU_LATEST_H_INCLUDED_ */
