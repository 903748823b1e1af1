
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_BEARER_H_INCLUDED_
#define _NGX_LU_BEARER_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Returns the location's token that the request presents in its "Authorization:
 * Bearer" header, or NULL if it presents none or an unknown one.  The token
 * belongs to the configuration.  *presented is set to NGX_LU_BEARER if the
 * request has such a header, to NGX_LU_BEARER_OTHER if it has an Authorization
 * header of another kind, and to 0 otherwise.
 */

#define NGX_LU_BEARER        1
#define NGX_LU_BEARER_OTHER  2

const lu_token_t *ngx_lu_bearer(ngx_http_request_t *r, ngx_uint_t *presented);


#endif /* _NGX_LU_BEARER_H_INCLUDED_ */
