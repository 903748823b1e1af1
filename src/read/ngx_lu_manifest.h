
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Update manifests, which all desktop apps ask for each time they start: small
 * ones are sent from memory.
 */


#ifndef _NGX_LU_MANIFEST_H_INCLUDED_
#define _NGX_LU_MANIFEST_H_INCLUDED_


#include "ngx_lu_load.h"


/*
 * Finds the app's manifest of that name.  Returns NGX_OK with the manifest, or
 * with NULL if nginx's static handler has to send it or to say why not;
 * NGX_AGAIN as ngx_lu_catalog_manifest() does.
 */

ngx_int_t ngx_lu_manifest_find(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, ngx_lu_manifest_t **manifest);

/*
 * Sends the manifest, with all headers that nginx's static handler would send,
 * and with the minimum, or NULL, if a line may follow its text.  Returns what a
 * handler of the precontent phase returns.
 */

ngx_int_t ngx_lu_manifest_send(ngx_http_request_t *r,
    ngx_lu_manifest_t *manifest, const lu_str_t *minimum);


#endif /* _NGX_LU_MANIFEST_H_INCLUDED_ */
