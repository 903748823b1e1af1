
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A sweep looks through jobs/ for jobs that no process works at.  The lock of
 * a job's file is the claim, and ends with the process that has it.
 */


#ifndef _NGX_LU_SWEEP_H_INCLUDED_
#define _NGX_LU_SWEEP_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Prepares the jobs of a store in a worker; the first worker sweeps
 * periodically.
 */

void ngx_lu_sweep_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);

/* Sweeps soon, because a job was added; a store without jobs is left alone. */

void ngx_lu_sweep_wake(ngx_lu_store_t *store);


#endif /* _NGX_LU_SWEEP_H_INCLUDED_ */
