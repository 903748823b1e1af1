
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The directive liveupdate_publish_s3, and the keys of S3 clients.
 */


#ifndef _NGX_LU_CONF_S3_H_INCLUDED_
#define _NGX_LU_CONF_S3_H_INCLUDED_


#include "base/ngx_lu.h"


/* The setter of liveupdate_publish_s3. */

char *ngx_lu_conf_s3(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * For a merged location whose tokens were read: reads its keys.  Returns
 * NGX_CONF_OK, or NGX_CONF_ERROR after it has logged why not.
 */

char *ngx_lu_conf_s3_keys(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);


#endif /* _NGX_LU_CONF_S3_H_INCLUDED_ */
