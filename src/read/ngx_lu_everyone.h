
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Requests that pass rollouts, such as those of a "check now" in an app.
 */


#ifndef _NGX_LU_EVERYONE_H_INCLUDED_
#define _NGX_LU_EVERYONE_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * 1 if the value of liveupdate_everyone is neither empty nor "0"; 0 without the
 * directive, or if there is no memory.
 */

ngx_uint_t ngx_lu_everyone(ngx_http_request_t *r);


#endif /* _NGX_LU_EVERYONE_H_INCLUDED_ */
