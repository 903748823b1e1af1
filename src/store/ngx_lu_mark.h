
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The mark that tells a store from the empty folder below its mount point.
 */


#ifndef _NGX_LU_MARK_H_INCLUDED_
#define _NGX_LU_MARK_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Whether the store is there, that is, has its mark, or, as one of an older
 * version or out of a backup, any app.  NGX_OK, or NGX_ERROR with io, ENODEV.
 */

ngx_int_t ngx_lu_mark_check(ngx_lu_io_t *io, ngx_lu_store_t *store);

/* The same when nginx reads its configuration: 1 if the store is there. */

ngx_uint_t ngx_lu_mark_found(ngx_lu_store_t *store, ngx_pool_t *pool);

/*
 * Makes the mark when nginx starts or reloads, unless it is there.  Where it
 * cannot be made, as in a read-only replica, the folder "apps" has to do.
 */

void ngx_lu_mark_make(ngx_lu_store_t *store, ngx_cycle_t *cycle);


#endif /* _NGX_LU_MARK_H_INCLUDED_ */
