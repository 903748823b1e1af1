
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Temporary files of workers that were killed.
 */


#ifndef _NGX_LU_CLEAN_H_INCLUDED_
#define _NGX_LU_CLEAN_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Has a thread of a new worker remove what killed workers of this machine have
 * left in tmp/ of the store.  To be called when the worker starts: what could
 * not be removed now goes at another start.
 */

void ngx_lu_clean_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);


#endif /* _NGX_LU_CLEAN_H_INCLUDED_ */
