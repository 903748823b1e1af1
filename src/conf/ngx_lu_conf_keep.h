
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * liveupdate_keep: what may be cleaned up, and how often a store is passed
 * over.
 */


#ifndef _NGX_LU_CONF_KEEP_H_INCLUDED_
#define _NGX_LU_CONF_KEEP_H_INCLUDED_


#include "base/ngx_lu.h"


/* The setter. */

char *ngx_lu_conf_keep(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Sets up the passes of the store of a merged location.  NGX_CONF_OK, or
 * NGX_CONF_ERROR after it has logged why not.
 */

char *ngx_lu_conf_keep_store(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);


#endif /* _NGX_LU_CONF_KEEP_H_INCLUDED_ */
