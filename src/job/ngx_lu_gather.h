
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Where events come from: the audit logs of the apps, notify/in/, and the disk.
 */


#ifndef _NGX_LU_GATHER_H_INCLUDED_
#define _NGX_LU_GATHER_H_INCLUDED_


#include "ngx_lu_notify.h"


/*
 * Reads how far the logs were read.  In the pool of the claim.  NGX_OK, or
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_gather_open(ngx_lu_pass_t *pass);

/*
 * Writes what has happened into the journal, up to some hundred events.  What
 * was asked for a target is done: its state is changed and saved.  NGX_OK, or
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_gather(ngx_lu_pass_t *pass);


#endif /* _NGX_LU_GATHER_H_INCLUDED_ */
