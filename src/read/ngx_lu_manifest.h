
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_MANIFEST_H_INCLUDED_
#define _NGX_LU_MANIFEST_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Sends the file that r->uri is from memory, if it is small.  Returns
 * NGX_DECLINED if nginx's static handler has to send it; anything else is what
 * a handler of the precontent phase returns.
 */

ngx_int_t ngx_lu_manifest_send(ngx_http_request_t *r);


#endif /* _NGX_LU_MANIFEST_H_INCLUDED_ */
