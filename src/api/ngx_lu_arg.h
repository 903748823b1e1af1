
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Parameters of an API call's query.
 */


#ifndef _NGX_LU_ARG_H_INCLUDED_
#define _NGX_LU_ARG_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The decoded parameter, terminated, from the call's pool; NULL if it is
 * absent or empty, cannot be decoded, or there is no memory.
 */

char *ngx_lu_arg(ngx_lu_call_t *call, const char *name);

/* "limit" (50 if absent, at most 1000) and "offset" of a list. */

void ngx_lu_arg_page(ngx_lu_call_t *call, ngx_uint_t *limit,
    ngx_uint_t *offset);


#endif /* _NGX_LU_ARG_H_INCLUDED_ */
