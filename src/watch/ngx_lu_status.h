
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The location of "liveupdate_status": the counters and the releases of a
 * store, for Prometheus and, as JSON, for the console.
 */


#ifndef _NGX_LU_STATUS_H_INCLUDED_
#define _NGX_LU_STATUS_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * The content handler of the location.  Returns what a content handler
 * returns: NGX_DONE while a thread works, or an HTTP status.
 */

ngx_int_t ngx_lu_status_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_STATUS_H_INCLUDED_ */
