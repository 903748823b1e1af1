
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The guard of a rollout.  Each machine writes what it has counted into a file
 * of its own, apps/{app}/guard/{machine}.json; whoever decides adds them up.
 */


#ifndef _NGX_LU_GUARD_H_INCLUDED_
#define _NGX_LU_GUARD_H_INCLUDED_


#include "ngx_lu_task.h"

#include "zone/ngx_lu_cohort.h"

#include "core/lu_guard.h"


/*
 * Writes the counts of this machine, and judges those of all machines: halts
 * the rollout, or notes in the deployment that it should be halted.  Either is
 * done once for each deployment: after that it is up to people.  Does nothing
 * if the channel has no guard any more, or the deployment has gone.
 *
 * NGX_OK, or a status; with task->change the app was changed, and task->to is
 * the reason.
 */

ngx_int_t ngx_lu_guard(ngx_lu_task_t *task, const ngx_lu_cohort_copy_t *copy,
    const ngx_str_t *machine);

/*
 * Adds up what all machines have written about a deployment of the task's app.
 * NGX_OK, also if that is nothing, or a status.
 */

ngx_int_t ngx_lu_guard_sum(ngx_lu_task_t *task, const char *deployment,
    lu_cohort_t *sum);


#endif /* _NGX_LU_GUARD_H_INCLUDED_ */
