
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The bytes of each app on the disk, as a worker has measured them last.
 */


#ifndef _NGX_LU_BYTES_H_INCLUDED_
#define _NGX_LU_BYTES_H_INCLUDED_


#include "store/ngx_lu_io.h"


typedef struct {
    ngx_str_t            app;
    double               bytes;
} ngx_lu_bytes_app_t;


/* It has a pool of its own, and goes when nobody uses it any more. */

typedef struct {
    ngx_queue_t          queue;      /* of the worker */
    ngx_lu_store_t      *store;
    ngx_pool_t          *pool;
    ngx_array_t          apps;       /* of ngx_lu_bytes_app_t, by id */
    ngx_uint_t           refs;
    ngx_msec_t           at;
    ngx_msec_t           took;
    ngx_uint_t           complete;
} ngx_lu_bytes_t;


/* 1 if the apps of the store are to be measured: in the event loop. */

ngx_uint_t ngx_lu_bytes_is_old(ngx_lu_store_t *store);

/*
 * Measures all apps, in a thread whose beats are counted in io.  NULL: no
 * memory.
 */

ngx_lu_bytes_t *ngx_lu_bytes_measure(ngx_lu_store_t *store, ngx_lu_io_t *io);

/*
 * Puts a list in the place of the one before: in the event loop, as the others
 * below.
 */

void ngx_lu_bytes_keep(ngx_lu_bytes_t *bytes);

/*
 * The list of the store, which stays until the pool is destroyed; NULL: there
 * is none, or no memory.
 */

ngx_lu_bytes_t *ngx_lu_bytes(ngx_lu_store_t *store, ngx_pool_t *pool);

/*
 * 1 if an app is the one that somebody asks about, or "only" is NULL, and the
 * token, if there is one, is for it.
 */

ngx_uint_t ngx_lu_bytes_shows(const ngx_lu_bytes_app_t *app, const char *only,
    const lu_token_t *token);


#endif /* _NGX_LU_BYTES_H_INCLUDED_ */
