
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The number of releases of each state on the disk, and since when the oldest
 * staged one has been waiting.  One thread of all workers scans, now and then.
 */


#ifndef _NGX_LU_SCAN_H_INCLUDED_
#define _NGX_LU_SCAN_H_INCLUDED_


#include "write/ngx_lu_task.h"


/*
 * Counts the releases of each state into the numbers of the task's store,
 * unless a worker did so within the last seconds.  Runs in a thread.  If it
 * fails, task->io says why, and the numbers are marked as incomplete.
 */

void ngx_lu_scan(ngx_lu_task_t *task);

/*
 * Returns the name of the state that is counted at that index, below
 * LU_STATES; the last one, "other", is for releases without a state.
 */

const char *ngx_lu_scan_name(ngx_uint_t i);


#endif /* _NGX_LU_SCAN_H_INCLUDED_ */
