
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * liveupdate_notify, and the file with the targets that it names.
 */


#ifndef _NGX_LU_CONF_NOTIFY_H_INCLUDED_
#define _NGX_LU_CONF_NOTIFY_H_INCLUDED_


#include "base/ngx_lu.h"


/* The setter of liveupdate_notify. */

char *ngx_lu_conf_notify(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * For a merged location that changes the store or shows it: who is told of its
 * changes.  Returns NGX_CONF_OK, or NGX_CONF_ERROR after it has logged why not.
 */

char *ngx_lu_conf_notify_start(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);


#endif /* _NGX_LU_CONF_NOTIFY_H_INCLUDED_ */
