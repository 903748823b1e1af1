
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The catalog: what a worker was asked for, parsed and immutable.
 *
 * The functions below set the pointer to a copy and return NGX_OK, or set it
 * to NULL and return
 *
 *     NGX_OK      if there is no such app, release or file;
 *     NGX_AGAIN   if the request has to wait for a thread, with ctx->waiting
 *                 set.  The caller sets r->write_event_handler, which is
 *                 called, with ctx->waiting cleared, when it is worth asking
 *                 again;
 *     NGX_BUSY    if there is no copy, and the disk does not answer, or the
 *                 store is not there, which has been logged;
 *     NGX_ERROR   if it could not be read or parsed, which has been logged, or
 *                 if memory is short.
 *
 * While the disk does not answer, a copy may be older than what has changed.  A
 * copy is valid until the current event has been handled.  The request needs
 * a context.
 */


#ifndef _NGX_LU_CATALOG_H_INCLUDED_
#define _NGX_LU_CATALOG_H_INCLUDED_


#include "ngx_lu_load.h"

#include "core/lu_app.h"
#include "core/lu_td.h"


/*
 * Creates the empty catalog of a store, which lives as long as the pool, or
 * returns NULL if memory is short.
 */

ngx_lu_catalog_t *ngx_lu_catalog_create(ngx_pool_t *pool);

/* Sets liveupdate_cache, in bytes. */

void ngx_lu_catalog_limit(ngx_lu_catalog_t *catalog, size_t size);

ngx_int_t ngx_lu_catalog_app(ngx_http_request_t *r, ngx_str_t *id,
    lu_app_t **app);

/* The file table of a release, and a page of one that has pages. */

ngx_int_t ngx_lu_catalog_files(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, ngx_lu_files_t **files);
ngx_int_t ngx_lu_catalog_page(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, ngx_lu_table_page_t *page, ngx_lu_files_t **files);

/* A td-latest-*.json of the app's feed, by its name. */

ngx_int_t ngx_lu_catalog_td(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, lu_td_t **td);

/* Any file of the app's feed, unparsed, by its name. */

ngx_int_t ngx_lu_catalog_manifest(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, ngx_lu_manifest_t **manifest);


#endif /* _NGX_LU_CATALOG_H_INCLUDED_ */
