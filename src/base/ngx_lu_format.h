
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Short texts in memory of a pool.
 */


#ifndef _NGX_LU_FORMAT_H_INCLUDED_
#define _NGX_LU_FORMAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_lu.h"


/*
 * Returns a terminated text in memory of the pool; the format is that of
 * ngx_sprintf().  NULL: the memory is short (ENOMEM in errno), or the text is
 * longer than 4,094 bytes (ENAMETOOLONG), since a part of a path, an id or a
 * message would be another one.
 */

u_char *ngx_lu_format(ngx_pool_t *pool, const char *fmt, ...);

/* The same with a list of arguments. */

u_char *ngx_lu_format_args(ngx_pool_t *pool, const char *fmt, va_list args);


#endif /* _NGX_LU_FORMAT_H_INCLUDED_ */
