
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Passes over a store: one app after the other, what its policy lets go is
 * removed.  One machine at a time makes a pass, by the claim jobs/.cleanup,
 * whose time is that of the last complete one.
 */


#ifndef _NGX_LU_CLEANUP_H_INCLUDED_
#define _NGX_LU_CLEANUP_H_INCLUDED_


#include "store/ngx_lu_claim.h"
#include "write/ngx_lu_task.h"


/*
 * Has the first worker pass over a store, unless its policy is "off", or it has
 * none and nobody publishes here.  NGX_OK, or NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_cleanup_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);

/*
 * Claims the store for a pass, or for one app, so that nobody else removes
 * anything meanwhile; the claim is to be ended.  The path is that of its file.
 * NGX_OK; NGX_BUSY, without io: a pass is at work; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_cleanup_claim(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_pool_t *pool, ngx_lu_claim_t *claim, u_char **path);
void ngx_lu_cleanup_end(ngx_lu_io_t *io, ngx_lu_claim_t *claim);

/*
 * Has a store that has no policy passed over from now on, since an app is going
 * to have one of its own.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_lu_cleanup_wanted(ngx_lu_io_t *io, ngx_lu_store_t *store);

/* 1 if the server's policy is "off": there are no passes. */

ngx_uint_t ngx_lu_cleanup_is_off(const ngx_lu_store_t *store);


#endif /* _NGX_LU_CLEANUP_H_INCLUDED_ */
