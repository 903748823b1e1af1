
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Where requests of devices enter.  Nothing behind it waits for the disk, for a
 * lock other than that of the zone, or for anyone who publishes.
 */


#ifndef _NGX_LU_ENTRY_H_INCLUDED_
#define _NGX_LU_ENTRY_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Adds the handler of the precontent phase, which picks the files that are
 * sent.  Returns NGX_OK, or NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_entry_init(ngx_conf_t *cf);

/*
 * The content handler of the routes that devices use: update checks, and
 * channel discovery without a token.  Returns NGX_DECLINED for any other
 * request, which it leaves as it is, or what a content handler returns.
 */

ngx_int_t ngx_lu_entry_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_ENTRY_H_INCLUDED_ */
