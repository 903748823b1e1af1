
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of a build: first its manifests, then what they list, four at a
 * time.  What lies in "uploads" was verified; it is not fetched again.
 */


#include "ngx_lu_collect.h"
#include "ngx_lu_fetch.h"
#include "ngx_lu_github.h"
#include "ngx_lu_plan.h"
#include "ngx_lu_transfer.h"

#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_digest.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_stage.h"
#include "write/ngx_lu_staging.h"

#include "core/lu_builder.h"
#include "core/lu_plan.h"
#include "core/lu_release.h"


#define NGX_LU_TRANSFERS  4
#define NGX_LU_LOOK       50       /* msec */
#define NGX_LU_REPORT     1000


static ngx_int_t ngx_lu_collect_stage(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_collect_over(ngx_lu_step_t *step, ngx_int_t status);

static void ngx_lu_collect_begin(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_collect_planned(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_collect_start(ngx_lu_collect_t *collect);
static uint64_t ngx_lu_collect_limit(ngx_lu_collect_t *collect,
    lu_plan_file_t *file);
static void ngx_lu_collect_done(ngx_lu_transfer_t *transfer);
static void ngx_lu_collect_look(ngx_event_t *ev);
static void ngx_lu_collect_end(ngx_lu_collect_t *collect);
static void ngx_lu_collect_staged(ngx_lu_job_t *job, ngx_int_t status);
static ngx_int_t ngx_lu_collect_release(ngx_lu_step_t *step);
static void ngx_lu_collect_released(ngx_lu_job_t *job, ngx_int_t status);


void
ngx_lu_collect(ngx_lu_job_t *job)
{
    ngx_lu_collect_t  *collect;

    collect = ngx_pcalloc(job->pool, sizeof(ngx_lu_collect_t));

    if (collect == NULL
        || ngx_array_init(&collect->files, job->pool, 32,
                          sizeof(lu_plan_file_t))
           != NGX_OK
        || ngx_array_init(&collect->digests, job->pool, 32,
                          sizeof(ngx_lu_digest_t))
           != NGX_OK)
    {
        ngx_lu_job_end(job);
        return;
    }

    collect->job = job;

    job->collect = collect;
    job->clean = ngx_lu_plan_clean;

    ngx_queue_init(&collect->transfers);

    collect->look.handler = ngx_lu_collect_look;
    collect->look.data = collect;
    collect->look.log = ngx_cycle->log;

    /* not cancelable: while a thread writes, nginx would exit without it */

    ngx_lu_job_run(job, ngx_lu_plan_open, ngx_lu_collect_begin);
}


/* All files are there. */

static ngx_int_t
ngx_lu_collect_stage(ngx_lu_step_t *step)
{
    ngx_int_t          rc, status;
    ngx_lu_collect_t  *collect;
    ngx_lu_release_t   release;

    collect = step->job->collect;

    rc = ngx_lu_job_lock(step, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (lu_release_state(release.json) != LU_STATE_FETCHING) {
        status = NGX_DONE;

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "nextAttemptAt");

        status = ngx_lu_plan_clean(step);

        if (status == NGX_OK) {
            status = ngx_lu_stage(&step->task, &release, &collect->digests);
        }
    }

    if (status == NGX_OK || status == NGX_DONE) {
        rc = ngx_lu_staging_clean(&step->task, release.folder, "uploads");

        if (rc != NGX_OK) {
            status = rc;
        }
    }

    /* under the lock, so that nobody orders it once more at this moment */

    status = ngx_lu_collect_over(step, status);

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_collect_over(ngx_lu_step_t *step, ngx_int_t status)
{
    ngx_int_t           rc;
    ngx_lu_promotion_t  promotion;

    if (status == NGX_OK && !step->task.approval) {
        ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

        status = ngx_lu_approval_promote_held(&step->task, &promotion);
    }

    /* a pull request is the same job's */

    if (status >= NGX_HTTP_BAD_REQUEST
        || (status == NGX_OK && step->job->jobs->github_approves))
    {
        return status;
    }

    rc = ngx_lu_job_remove(step);

    return rc == NGX_OK ? status : rc;
}


/* Something is to be fetched: manifests, or the files of the plan. */

static void
ngx_lu_collect_begin(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_collect_t *collect = job->collect;

    if (status != NGX_OK) {
        ngx_lu_collect_end(collect);
        return;
    }

    if (!collect->look.timer_set) {
        ngx_add_timer(&collect->look, NGX_LU_LOOK);
    }

    ngx_lu_collect_next(collect);
}


/* Not earlier: what the thread was making is looked at from now on. */

static void
ngx_lu_collect_planned(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_collect_t *collect = job->collect;

    collect->planned = (status == NGX_OK);

    ngx_lu_collect_begin(job, status);
}


void
ngx_lu_collect_next(ngx_lu_collect_t *collect)
{
    ngx_lu_job_t  *job;

    job = collect->job;

    while (job->error == NGX_LU_JOB_OK
           && !collect->unwanted
           && !ngx_exiting
           && !ngx_terminate
           && collect->nrunning < NGX_LU_TRANSFERS
           && collect->next < collect->files.nelts)
    {
        ngx_lu_collect_start(collect);
    }

    if (collect->nrunning || collect->reporting) {
        return;
    }

    if (job->error != NGX_LU_JOB_OK
        || collect->unwanted
        || ngx_exiting
        || ngx_terminate)
    {
        /* another worker goes on with what is in "uploads" */

        ngx_lu_collect_end(collect);
        return;
    }

    /* the job may end with job_run(), and the timer is in its pool */

    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    if (!collect->planned) {
        ngx_lu_job_run(job, ngx_lu_plan_files, ngx_lu_collect_planned);
        return;
    }

    ngx_lu_job_run(job, ngx_lu_collect_stage, ngx_lu_collect_staged);
}


static void
ngx_lu_collect_start(ngx_lu_collect_t *collect)
{
    uint64_t            limit;
    lu_plan_file_t     *file;
    ngx_lu_transfer_t  *transfer;

    file = (lu_plan_file_t *) collect->files.elts + collect->next++;

    limit = ngx_lu_collect_limit(collect, file);

    transfer = ngx_lu_transfer_start(collect->job, file, limit,
                                     ngx_lu_collect_done);
    if (transfer == NULL) {
        ngx_lu_job_exhausted(collect->job);
        return;
    }

    ngx_queue_insert_tail(&collect->transfers, &transfer->queue);
    collect->nrunning++;
}


static uint64_t
ngx_lu_collect_limit(ngx_lu_collect_t *collect, lu_plan_file_t *file)
{
    uint64_t  size;

    if (!collect->planned) {
        return LU_BUILDER_SIZE;
    }

    if (file->size != UINT64_MAX) {
        return file->size;
    }

    size = collect->job->jobs->fetch->size;

    return size - ngx_min(size, collect->size + collect->unsaid);
}


static void
ngx_lu_collect_done(ngx_lu_transfer_t *transfer)
{
    ngx_lu_job_t      *job;
    ngx_lu_digest_t   *digest;
    ngx_lu_collect_t  *collect;

    job = transfer->job;
    collect = job->collect;

    ngx_queue_remove(&transfer->queue);
    collect->nrunning--;

    if (transfer->error == NGX_LU_JOB_OK) {
        collect->ndone++;

    } else if (!ngx_exiting) {

        /* or else another worker goes on */

        ngx_lu_job_fail(job, transfer->error, &transfer->why);
    }

    if (transfer->error == NGX_LU_JOB_OK && !transfer->missing) {

        collect->done += transfer->digest.size;
        job->progressed = collect->planned;

        if (transfer->file->size == UINT64_MAX && collect->planned) {
            collect->unsaid += transfer->digest.size;
        }

        if (collect->size + collect->unsaid
            > (uint64_t) job->jobs->fetch->size)
        {
            (void) lu_error(&transfer->why, NULL, "The release is larger than "
                            "\"liveupdate_fetch\" allows.");
            ngx_lu_job_fail(job, NGX_LU_JOB_REFUSED, &transfer->why);
        }

        digest = ngx_array_push(&collect->digests);

        if (digest) {
            *digest = transfer->digest;
        }
    }

    ngx_lu_collect_next(collect);
}


/* What is received now: is it too much, and how much is it. */

static void
ngx_lu_collect_look(ngx_event_t *ev)
{
    ngx_lu_collect_t *collect = ev->data;

    uint64_t            unsaid, size;
    ngx_queue_t        *q;
    ngx_lu_transfer_t  *transfer;

    ngx_add_timer(ev, NGX_LU_LOOK);

    /* those whose size nobody has said share what is left */

    size = collect->job->jobs->fetch->size;
    unsaid = collect->size + collect->unsaid;

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        if (transfer->file->size == UINT64_MAX && collect->planned) {
            unsaid += ngx_lu_fetch_received(&transfer->fetch);

            if (unsaid > size) {
                transfer->limit = 0;
            }
        }

        ngx_lu_transfer_look(transfer);
    }

    if (collect->planned
        && !collect->reporting
        && ngx_current_msec - collect->reported >= NGX_LU_REPORT)
    {
        ngx_lu_report(collect);
    }
}


static void
ngx_lu_collect_end(ngx_lu_collect_t *collect)
{
    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    ngx_lu_job_end(collect->job);
}


static void
ngx_lu_collect_staged(ngx_lu_job_t *job, ngx_int_t status)
{
    if (status == NGX_OK && job->jobs->github_approves) {
        ngx_lu_github(job);
        return;
    }

    ngx_lu_job_end(job);
}


void
ngx_lu_collect_promote(ngx_lu_job_t *job)
{
    ngx_lu_job_run(job, ngx_lu_collect_release, ngx_lu_collect_released);
}


static ngx_int_t
ngx_lu_collect_release(ngx_lu_step_t *step)
{
    ngx_int_t           status;
    ngx_lu_promotion_t  promotion;

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    status = ngx_lu_approval_promote(&step->task, &promotion);

    return status == NGX_HTTP_OK ? ngx_lu_job_remove(step) : status;
}


static void
ngx_lu_collect_released(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_job_end(job);
}
