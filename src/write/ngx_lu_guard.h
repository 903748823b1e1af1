
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The guard of a rollout, which is that of a deployment or of a desktop
 * release.  Each machine writes what it has counted into a file of its own,
 * apps/{app}/guard/{machine}.json; whoever decides adds them up.
 */


#ifndef _NGX_LU_GUARD_H_INCLUDED_
#define _NGX_LU_GUARD_H_INCLUDED_


#include "ngx_lu_task.h"

#include "zone/ngx_lu_cohort.h"

#include "core/lu_funnel.h"
#include "core/lu_guard.h"


/* What all machines have counted of a deployment. */

typedef struct {
    lu_cohort_t           counts;
    lu_funnel_series_t    series;
} ngx_lu_guard_sum_t;


/*
 * Writes the counts of this machine, and judges those of all machines: halts
 * the rollout, or notes in the deployment or build that it should be halted.
 * Either is done once: after that it is up to people.  Does nothing if there is
 * no guard any more, or the deployment or build has gone.
 *
 * NGX_OK, or a status; with task->change the app was changed, and task->to is
 * the reason.  The copy gets what ngx_lu_cohort_written() wants to know.
 */

ngx_int_t ngx_lu_guard(ngx_lu_task_t *task, ngx_lu_cohort_copy_t *copy,
    const ngx_str_t *machine);

/*
 * Adds up what all machines have written about a deployment, or a desktop
 * release, of the task's app.  NGX_OK, also if that is nothing, or a status.
 */

ngx_int_t ngx_lu_guard_sum(ngx_lu_task_t *task, const char *deployment,
    ngx_lu_guard_sum_t *sum);


#endif /* _NGX_LU_GUARD_H_INCLUDED_ */
