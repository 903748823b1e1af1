
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whether the store answers and can be written, for load balancers.
 */


#ifndef _NGX_LU_HEALTH_H_INCLUDED_
#define _NGX_LU_HEALTH_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * The content handler of liveupdate_ready: 200, or 503 with the reason, after 2
 * seconds at the latest.  A thread looks at the store and writes a file there,
 * at most once a second in each worker.
 */

ngx_int_t ngx_lu_health_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_HEALTH_H_INCLUDED_ */
