
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Looks at guarded rollouts every now and then.
 */


#ifndef _NGX_LU_GUARDS_H_INCLUDED_
#define _NGX_LU_GUARDS_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Starts the timer in the first worker.  NGX_OK, or NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_guards_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);


#endif /* _NGX_LU_GUARDS_H_INCLUDED_ */
