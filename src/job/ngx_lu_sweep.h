
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Jobs are found by their files, claimed and started.
 */


#ifndef _NGX_LU_SWEEP_H_INCLUDED_
#define _NGX_LU_SWEEP_H_INCLUDED_


#include "base/ngx_lu.h"


/* At the start of each worker; when there may be something new to do; now. */

ngx_int_t ngx_lu_sweep_init(ngx_cycle_t *cycle);
void ngx_lu_sweep_wake(ngx_lu_store_t *store);
void ngx_lu_sweep(ngx_lu_jobs_t *jobs);


#endif /* _NGX_LU_SWEEP_H_INCLUDED_ */
