
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The history of apps: every few minutes the counters of the zone are written
 * into apps/{app}/history/{machine}.json, see core/lu_history.h.
 */


#ifndef _NGX_LU_HISTORY_H_INCLUDED_
#define _NGX_LU_HISTORY_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Starts to write the history of a store, in one worker of a machine.  NGX_OK,
 * or NGX_ERROR without memory.
 */

ngx_int_t ngx_lu_history_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);


#endif /* _NGX_LU_HISTORY_H_INCLUDED_ */
