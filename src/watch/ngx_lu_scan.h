
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The number of releases of each state on the disk.
 */


#ifndef _NGX_LU_SCAN_H_INCLUDED_
#define _NGX_LU_SCAN_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Counts the releases of each state into the numbers of the call's store,
 * unless a worker did so within the last seconds.  Runs in a thread.  If it
 * fails, call->io says why, and the numbers are marked as incomplete.
 */

void ngx_lu_scan(ngx_lu_call_t *call);


/* The names of the NGX_LU_STATES states. */

extern const char  *ngx_lu_scan_states[];


#endif /* _NGX_LU_SCAN_H_INCLUDED_ */
