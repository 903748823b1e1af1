
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_FEED_H_INCLUDED_
#define _NGX_LU_FEED_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Picks a file of a desktop app.  Returns NGX_DECLINED if r->uri is now that
 * file, below the root of the store, and the context describes it; NGX_AGAIN
 * if it is to be called again when ctx->waiting is cleared; anything else is
 * what a handler of the precontent phase returns.  The request has a context.
 */

ngx_int_t ngx_lu_feed_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_FEED_H_INCLUDED_ */
