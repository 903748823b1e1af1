
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files that keep space for the deletions which make a full disk empty again.
 */


#ifndef _NGX_LU_RESERVE_H_INCLUDED_
#define _NGX_LU_RESERVE_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Makes the reserve, or makes it larger, so that a file like the one at that
 * path can be replaced.  A disk without the space for that is no error.
 */

void ngx_lu_reserve_keep(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path);

/*
 * Spends the reserve if io failed because the disk was full: 1 if there was
 * one, and what has failed is worth another try.
 */

ngx_uint_t ngx_lu_reserve_spend(ngx_lu_io_t *io, ngx_lu_store_t *store);


#endif /* _NGX_LU_RESERVE_H_INCLUDED_ */
