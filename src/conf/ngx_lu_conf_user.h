
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * liveupdate_user: whom a proxy has signed in, and what they may do.
 */


#ifndef _NGX_LU_CONF_USER_H_INCLUDED_
#define _NGX_LU_CONF_USER_H_INCLUDED_


#include "base/ngx_lu.h"


/* The setter. */

char *ngx_lu_conf_user(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_LU_CONF_USER_H_INCLUDED_ */
