
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_collect.h"
#include "ngx_lu_fetch.h"
#include "ngx_lu_job.h"
#include "ngx_lu_plan.h"
#include "ngx_lu_transfer.h"

#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_digest.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_stage.h"
#include "write/ngx_lu_staging.h"

#include "core/lu_builder.h"
#include "core/lu_json.h"
#include "core/lu_plan.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


#define NGX_LU_TRANSFERS  4
#define NGX_LU_LOOK       50       /* msec */
#define NGX_LU_REPORT     1000


struct ngx_lu_collect_s {
    ngx_lu_job_t      *job;
    void             (*staged)(ngx_lu_job_t *job);

    ngx_uint_t         next;           /* of plan->missing */
    ngx_queue_t        transfers;      /* that run */
    ngx_uint_t         nrunning;
    ngx_array_t        digests;        /* of what was fetched */
    ngx_event_t        look;

    /* progress: files, and bytes */
    ngx_uint_t         ndone;
    uint64_t           done;
    uint64_t           unlisted;       /* fetched, size not in the plan */
    uint64_t           last;           /* done at the last report */
    ngx_msec_t         reported;       /* its time */

    unsigned           reporting:1;    /* a thread writes progress.json */
    unsigned           planned:1;      /* the manifests were read */
    unsigned           unwanted:1;     /* the release was rejected or deleted */
};


/* progress.json, which a thread writes. */

typedef struct {
    ngx_lu_io_t        io;
    ngx_lu_thread_t    thread;
    ngx_lu_collect_t  *collect;
    u_char            *path;
    u_char            *text;
    unsigned           unwanted:1;
} ngx_lu_report_t;


static void ngx_lu_collect_begin(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_collect_planned(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_collect_next(ngx_lu_collect_t *collect);
static ngx_uint_t ngx_lu_collect_stops(ngx_lu_collect_t *collect);
static void ngx_lu_collect_start(ngx_lu_collect_t *collect);
static uint64_t ngx_lu_collect_limit(ngx_lu_collect_t *collect,
    lu_plan_file_t *file);
static uint64_t ngx_lu_collect_size(ngx_lu_collect_t *collect);
static void ngx_lu_collect_done(ngx_lu_transfer_t *transfer);
static void ngx_lu_collect_keep(ngx_lu_collect_t *collect,
    ngx_lu_transfer_t *transfer);
static void ngx_lu_collect_look(ngx_event_t *ev);
static void ngx_lu_collect_report(ngx_lu_collect_t *collect);
static ngx_int_t ngx_lu_collect_progress(ngx_lu_collect_t *collect,
    ngx_lu_report_t *report);
static void ngx_lu_collect_write(void *data);
static ngx_uint_t ngx_lu_collect_is_unwanted(ngx_lu_report_t *report);
static void ngx_lu_collect_reported(void *data);
static void ngx_lu_collect_end(ngx_lu_collect_t *collect);
static ngx_int_t ngx_lu_collect_stage(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_collect_over(ngx_lu_step_t *step, ngx_int_t status);
static void ngx_lu_collect_staged(ngx_lu_job_t *job, ngx_int_t status);
static ngx_int_t ngx_lu_collect_release(ngx_lu_step_t *step);
static void ngx_lu_collect_released(ngx_lu_job_t *job, ngx_int_t status);


void
ngx_lu_collect(ngx_lu_job_t *job, void (*staged)(ngx_lu_job_t *job))
{
    ngx_lu_collect_t  *collect;

    collect = ngx_pcalloc(job->pool, sizeof(ngx_lu_collect_t));

    if (collect == NULL
        || ngx_lu_plan_create(job) != NGX_OK
        || ngx_array_init(&collect->digests, job->pool, 32,
                          sizeof(ngx_lu_digest_t))
           != NGX_OK)
    {
        ngx_lu_job_exhausted(job);
        ngx_lu_job_end(job);
        return;
    }

    collect->job = job;
    collect->staged = staged;

    job->collect = collect;
    job->clean = ngx_lu_plan_clean;

    ngx_queue_init(&collect->transfers);

    collect->look.handler = ngx_lu_collect_look;
    collect->look.data = collect;
    collect->look.log = ngx_cycle->log;

    ngx_lu_job_run(job, ngx_lu_plan_manifests, ngx_lu_collect_begin);
}


static void
ngx_lu_collect_begin(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_collect_t *collect = job->collect;

    if (status != NGX_OK) {
        ngx_lu_collect_end(collect);
        return;
    }

    collect->next = 0;
    collect->ndone = job->plan->nkept;
    collect->done = job->plan->kept;

    if (!collect->look.timer_set) {
        ngx_add_timer(&collect->look, NGX_LU_LOOK);
    }

    ngx_lu_collect_next(collect);
}


static void
ngx_lu_collect_planned(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_collect_t *collect = job->collect;

    /* the event loop may use the whole plan only when the thread is done */

    collect->planned = (status == NGX_OK);

    ngx_lu_collect_begin(job, status);
}


static void
ngx_lu_collect_next(ngx_lu_collect_t *collect)
{
    ngx_lu_job_t  *job;

    job = collect->job;

    while (!ngx_lu_collect_stops(collect)
           && collect->nrunning < NGX_LU_TRANSFERS
           && collect->next < job->plan->missing.nelts)
    {
        ngx_lu_collect_start(collect);
    }

    if (collect->nrunning || collect->reporting) {
        return;
    }

    if (ngx_lu_collect_stops(collect)) {
        ngx_lu_collect_end(collect);
        return;
    }

    /* the timer is in the job's pool, which ngx_lu_job_run() may free */

    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    if (!collect->planned) {
        ngx_lu_job_run(job, ngx_lu_plan_files, ngx_lu_collect_planned);
        return;
    }

    ngx_lu_job_run(job, ngx_lu_collect_stage, ngx_lu_collect_staged);
}


/* When the worker exits, another one goes on with what is in uploads/. */

static ngx_uint_t
ngx_lu_collect_stops(ngx_lu_collect_t *collect)
{
    return collect->job->error != NGX_LU_JOB_OK
           || collect->unwanted
           || ngx_exiting
           || ngx_terminate;
}


static void
ngx_lu_collect_start(ngx_lu_collect_t *collect)
{
    uint64_t            limit;
    lu_plan_file_t     *file;
    ngx_lu_transfer_t  *transfer;

    file = collect->job->plan->missing.elts;
    file += collect->next++;

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

    return size - ngx_min(size, ngx_lu_collect_size(collect));
}


/* Bytes of the release, as far as they are known. */

static uint64_t
ngx_lu_collect_size(ngx_lu_collect_t *collect)
{
    return collect->job->plan->size + collect->unlisted;
}


static void
ngx_lu_collect_done(ngx_lu_transfer_t *transfer)
{
    ngx_lu_job_t      *job;
    ngx_lu_collect_t  *collect;

    job = transfer->job;
    collect = job->collect;

    ngx_queue_remove(&transfer->queue);
    collect->nrunning--;

    if (transfer->error == NGX_LU_JOB_OK) {
        collect->ndone++;

        if (!transfer->missing) {
            ngx_lu_collect_keep(collect, transfer);
        }

    } else if (!ngx_exiting) {

        /* or else another worker goes on */

        ngx_lu_job_fail(job, transfer->error, &transfer->why);
    }

    ngx_lu_collect_next(collect);
}


static void
ngx_lu_collect_keep(ngx_lu_collect_t *collect, ngx_lu_transfer_t *transfer)
{
    uint64_t          max;
    lu_error_t        why;
    ngx_lu_job_t     *job;
    ngx_lu_digest_t  *digest;

    job = collect->job;
    max = job->jobs->fetch->size;

    collect->done += transfer->digest.size;
    job->progressed = collect->planned;

    if (transfer->file->size == UINT64_MAX && collect->planned) {
        collect->unlisted += transfer->digest.size;
    }

    if (ngx_lu_collect_size(collect) > max) {
        (void) lu_error(&why, NULL, "The release is larger than "
                        "\"liveupdate_fetch\" allows.");
        ngx_lu_job_fail(job, NGX_LU_JOB_REFUSED, &why);
    }

    /* a digest that is not kept is computed again */

    digest = ngx_array_push(&collect->digests);

    if (digest) {
        *digest = transfer->digest;
    }
}


/* Ends transfers that receive too much, and reports. */

static void
ngx_lu_collect_look(ngx_event_t *ev)
{
    ngx_lu_collect_t *collect = ev->data;

    uint64_t            max, size;
    ngx_uint_t          fetching;
    ngx_queue_t        *q;
    ngx_lu_transfer_t  *transfer;

    fetching = 0;

    /* files without a listed size share what the limit leaves */

    max = collect->job->jobs->fetch->size;
    size = ngx_lu_collect_size(collect);

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        if (transfer->file->size == UINT64_MAX && collect->planned) {
            size += ngx_lu_fetch_received(&transfer->fetch);

            if (size > max) {
                transfer->limit = 0;
            }
        }

        ngx_lu_transfer_look(transfer);

        if (transfer->fetch.request) {
            fetching = 1;
        }
    }

    if (collect->planned
        && !collect->reporting
        && ngx_current_msec - collect->reported >= NGX_LU_REPORT)
    {
        ngx_lu_collect_report(collect);
    }

    /* a worker that is told to quit waits for what is fetched */

    ev->cancelable = !fetching;

    ngx_add_timer(ev, NGX_LU_LOOK);
}


/* Writes progress.json, in which other workers and machines look it up. */

static void
ngx_lu_collect_report(ngx_lu_collect_t *collect)
{
    ngx_pool_t       *pool;
    ngx_lu_jobs_t    *jobs;
    ngx_lu_report_t  *report;
    ngx_lu_thread_t  *thread;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    report = ngx_pcalloc(pool, sizeof(ngx_lu_report_t));
    if (report == NULL) {
        goto failed;
    }

    report->io.pool = pool;
    report->io.claim = &collect->job->claim.turn;
    report->collect = collect;

    if (ngx_lu_collect_progress(collect, report) != NGX_OK) {
        goto failed;
    }

    jobs = collect->job->jobs;
    thread = &report->thread;

    thread->store = jobs->store;
    thread->pool = jobs->threads;
    thread->app = collect->job->app;
    thread->kind = NGX_LU_THREAD_JOB;
    thread->beats = &report->io.beats;
    thread->run = ngx_lu_collect_write;
    thread->done = ngx_lu_collect_reported;
    thread->data = report;

    if (ngx_lu_thread_start(thread) != NGX_OK) {
        goto failed;
    }

    collect->reporting = 1;

    return;

failed:

    ngx_destroy_pool(pool);
}


static ngx_int_t
ngx_lu_collect_progress(ngx_lu_collect_t *collect, ngx_lu_report_t *report)
{
    char                now[LU_TIME_SIZE];
    uint64_t            done, size, speed, received;
    ngx_time_t         *tp;
    ngx_queue_t        *q;
    ngx_lu_job_t       *job;
    ngx_lu_transfer_t  *transfer;

    job = collect->job;
    done = collect->done;
    size = ngx_lu_collect_size(collect);

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        received = ngx_lu_fetch_received(&transfer->fetch);
        done += received;

        if (transfer->file->size == UINT64_MAX) {
            size += received;
        }
    }

    /* the body of an error counted until it was known to be one */

    done = ngx_max(done, collect->last);
    size = ngx_max(size, done);

    speed = 0;

    if (collect->reported && done > collect->last) {
        speed = (done - collect->last) * 1000
                / (ngx_current_msec - collect->reported);
    }

    collect->last = done;
    collect->reported = ngx_current_msec;

    tp = ngx_timeofday();
    lu_time_print(now, tp->sec, (unsigned) tp->msec);

    report->path = ngx_lu_path_in(&report->io, job->folder, "progress.json");
    report->text = ngx_lu_format(report->io.pool,
                       "{\"files\":%ui,\"filesDone\":%ui,\"bytes\":%uL,"
                       "\"bytesDone\":%uL,\"bytesPerSecond\":%uL,"
                       "\"updatedAt\":\"%s\"}\n",
                       job->plan->nfiles, collect->ndone,
                       size, done, speed, now);

    return (report->path && report->text) ? NGX_OK : NGX_ERROR;
}


/* A report may get lost, so it is not synced. */

static void
ngx_lu_collect_write(void *data)
{
    ngx_lu_report_t *report = data;

    ngx_lu_temp_t    temp;
    ngx_lu_store_t  *store;

    if (ngx_lu_collect_is_unwanted(report)) {
        report->unwanted = 1;
        return;
    }

    store = report->collect->job->jobs->store;

    if (ngx_lu_temp_create(&report->io, store, &temp) != NGX_OK) {
        return;
    }

    if (ngx_lu_temp_write(&report->io, &temp, report->text,
                          ngx_strlen(report->text))
        != NGX_OK)
    {
        ngx_lu_temp_discard(&temp);
        return;
    }

    (void) ngx_lu_temp_rename(&report->io, &temp, report->path);
}


/*
 * 1 if the release was rejected, or deleted with its app, or if another machine
 * has taken the job over.
 */

static ngx_uint_t
ngx_lu_collect_is_unwanted(ngx_lu_report_t *report)
{
    cJSON      *release;
    ngx_int_t   rc;
    ngx_uint_t  unwanted;

    if (ngx_lu_turn_prove(&report->io) != NGX_OK) {
        return report->io.claim->lost != 0;
    }

    rc = ngx_lu_release_load(&report->io, report->collect->job->folder,
                             &release);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED;
    }

    unwanted = (lu_release_state(release) != LU_STATE_FETCHING);

    cJSON_Delete(release);

    return unwanted;
}


static void
ngx_lu_collect_reported(void *data)
{
    ngx_lu_report_t *report = data;

    ngx_queue_t        *q;
    ngx_lu_collect_t   *collect;
    ngx_lu_transfer_t  *transfer;

    collect = report->collect;
    collect->reporting = 0;
    collect->unwanted |= report->unwanted;

    ngx_destroy_pool(report->io.pool);

    for (q = ngx_queue_head(&collect->transfers);
         collect->unwanted && q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        ngx_lu_fetch_abort(&transfer->fetch);
    }

    ngx_lu_collect_next(collect);
}


static void
ngx_lu_collect_end(ngx_lu_collect_t *collect)
{
    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    ngx_lu_job_end(collect->job);
}


static ngx_int_t
ngx_lu_collect_stage(ngx_lu_step_t *step)
{
    ngx_int_t          rc, status;
    lu_state_e         state;
    ngx_lu_collect_t  *collect;
    ngx_lu_release_t   release;

    collect = step->job->collect;

    rc = ngx_lu_job_lock(step, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    state = lu_release_state(release.json);

    if (state == LU_STATE_STAGED && step->job->staged) {

        /* the app was locked when it was to be promoted */

        status = NGX_OK;

    } else if (state != LU_STATE_FETCHING) {
        status = NGX_DONE;

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "nextAttemptAt");

        status = ngx_lu_plan_clean(step);

        if (status == NGX_OK) {
            status = ngx_lu_stage(&step->task, &release, &collect->digests,
                                  NULL);
            step->job->staged = (status == NGX_OK);
        }
    }

    if (status == NGX_OK || status == NGX_DONE) {
        rc = ngx_lu_staging_clean(&step->task, release.folder, "uploads");

        if (rc != NGX_OK) {
            status = rc;
        }
    }

    /* the lock keeps others from ordering the build at this moment */

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

    /* the same job opens the pull request */

    if (status >= NGX_HTTP_BAD_REQUEST
        || (status == NGX_OK && step->job->jobs->github_approves))
    {
        return status;
    }

    rc = ngx_lu_job_remove(step);

    return rc == NGX_OK ? status : rc;
}


static void
ngx_lu_collect_staged(ngx_lu_job_t *job, ngx_int_t status)
{
    if (status == NGX_OK && job->jobs->github_approves) {
        job->collect->staged(job);
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
