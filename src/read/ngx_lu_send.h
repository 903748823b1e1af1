
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Sends the file that was picked.
 */


#ifndef _NGX_LU_SEND_H_INCLUDED_
#define _NGX_LU_SEND_H_INCLUDED_


#include "base/ngx_lu.h"


/* Adds the body filter.  Returns NGX_OK. */

ngx_int_t ngx_lu_send_init(ngx_conf_t *cf);

/*
 * A content handler that sends the file of r->uri, below the root of the
 * location, as nginx's static handler does: with an ETag, ranges, conditions.
 * nginx reads a local file.  Any other file is read in threads, piece by piece;
 * if one does not come, the connection is closed.
 */

ngx_int_t ngx_lu_send_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_SEND_H_INCLUDED_ */
