
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_BEARER_H_INCLUDED_
#define _NGX_LU_BEARER_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Returns the location's token that the request presents in its "Authorization:
 * Bearer" header, or NULL if it presents none or an unknown one.  The token
 * belongs to the configuration.  *presented is set to 1 if the request has an
 * Authorization header of any kind, and to 0 otherwise.
 */

const lu_token_t *ngx_lu_bearer(ngx_http_request_t *r, ngx_uint_t *presented);


#endif /* _NGX_LU_BEARER_H_INCLUDED_ */
