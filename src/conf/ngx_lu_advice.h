
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What cannot work is refused, and what hardly can is warned of, when nginx
 * reads its configuration: in a sentence that names the directive and tells
 * what to do.
 */


#ifndef _NGX_LU_ADVICE_H_INCLUDED_
#define _NGX_LU_ADVICE_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * For a store that a directive names for the first time: "given" is the path
 * in the directive, "path" the full one.  Warns only.
 */

void ngx_lu_advice_store(ngx_conf_t *cf, ngx_str_t *given, ngx_str_t *path);

/*
 * For all of the configuration: warns if there are several stores and nobody
 * has said how large the pool "default" is.
 */

void ngx_lu_advice_threads(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf);

/*
 * For all of the configuration, when paths are final: warns of temporary files
 * of a fetch that do not lie in the file system of their store.
 */

void ngx_lu_advice_temp(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf);

/*
 * For a merged location of the directive "name" which has a name or is a regex.
 * "handler" is what must answer there, or NULL if nginx's own handlers do.
 * Returns NGX_CONF_OK, or NGX_CONF_ERROR after it has logged why not.
 */

char *ngx_lu_advice_location(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    const char *name, ngx_http_handler_pt handler);

/*
 * For the location "uri" of the directive "name", which requests of jobs are
 * sent through: looks for it in the server that is merged.  Returns the
 * location, or NULL after it has logged why there is none.
 */

ngx_http_core_loc_conf_t *ngx_lu_advice_jobs(ngx_conf_t *cf, ngx_str_t *uri,
    const char *name);


#endif /* _NGX_LU_ADVICE_H_INCLUDED_ */
