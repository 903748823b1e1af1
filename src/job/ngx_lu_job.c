
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_job.h"

#include "zone/ngx_lu_count.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_event.h"

#include "core/lu_put.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


#define NGX_LU_RETRY_MAX  600000   /* msec */
#define NGX_LU_WRONG_MAX  5        /* tries */
#define NGX_LU_PAUSE      10000    /* msec */

/* clocks of machines that share a store differ that much, in seconds */

#define NGX_LU_SKEW       60


static ngx_int_t ngx_lu_job_thread(void *data);
static void ngx_lu_job_done(void *data);
static void ngx_lu_job_told(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_job_pause(ngx_lu_job_t *job);
static ngx_int_t ngx_lu_job_postpone(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_job_again(ngx_lu_step_t *step, cJSON *release,
    ngx_uint_t *over);
static uint64_t ngx_lu_job_tries(ngx_lu_job_t *job);
static ngx_msec_t ngx_lu_job_wait(ngx_lu_jobs_t *jobs, uint64_t attempts);
static void ngx_lu_job_next(ngx_lu_job_t *job, uint64_t attempts, char *next);
static void ngx_lu_job_postponed(ngx_lu_job_t *job, ngx_int_t status);


void
ngx_lu_job_run(ngx_lu_job_t *job, ngx_lu_step_pt handler, ngx_lu_job_pt done)
{
    ngx_pool_t     *pool;
    ngx_lu_run_t   *run;
    ngx_lu_step_t  *step;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        goto failed;
    }

    step = ngx_pcalloc(pool, sizeof(ngx_lu_step_t));
    if (step == NULL) {
        goto failed;
    }

    ngx_lu_task_init(&step->task, pool, job->jobs->store, job->by);

    step->task.app = job->app;
    step->task.id = job->id;
    step->task.subject = (char *) job->id.data;
    step->task.io.claim = &job->claim.turn;
    step->task.approval = (job->jobs->approval != NGX_LU_APPROVAL_OFF);
    step->task.quota = job->jobs->quota;
    step->task.spare = job->jobs->reserve;

    step->job = job;
    step->handler = handler;
    step->done = done;

    run = &step->run;

    run->task = &step->task;
    run->kind = NGX_LU_THREAD_JOB;
    run->threads = job->jobs->threads;
    run->quick = job->jobs->readers;
    run->handler = ngx_lu_job_thread;
    run->done = ngx_lu_job_done;
    run->data = step;

    if (ngx_lu_run_start(run) != NGX_OK) {
        goto failed;
    }

    return;

failed:

    if (pool) {
        ngx_destroy_pool(pool);
    }

    /* the next sweep finds its file again */

    ngx_lu_job_free(job);
}


static ngx_int_t
ngx_lu_job_thread(void *data)
{
    ngx_lu_step_t *step = data;

    if (ngx_lu_mark_check(&step->task.io, step->task.store) != NGX_OK
        || ngx_lu_turn_prove(&step->task.io) != NGX_OK)
    {
        return ngx_lu_task_failed(&step->task);
    }

    return step->handler(step);
}


static void
ngx_lu_job_done(void *data)
{
    ngx_lu_step_t *step = data;

    ngx_int_t       status;
    ngx_lu_job_t   *job;
    ngx_lu_job_pt   done;
    ngx_lu_task_t  *task;

    job = step->job;
    done = step->done;
    task = &step->task;
    status = step->run.status;

    /* a release that was deleted meanwhile is no fault of the disk */

    if (!job->claim.turn.lost
        && (status < NGX_HTTP_SPECIAL_RESPONSE
            || status >= NGX_HTTP_INTERNAL_SERVER_ERROR))
    {
        ngx_lu_job_log(&task->io, "");
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_lu_job_fail(job, NGX_LU_JOB_OUTAGE, &task->error);

    } else if (status >= NGX_HTTP_BAD_REQUEST) {
        ngx_lu_job_fail(job,
                        status == NGX_HTTP_FORBIDDEN ? NGX_LU_JOB_REFUSED
                                                     : NGX_LU_JOB_WRONG,
                        &task->error);

    } else if (task->change) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "\"%s\" changed app \"%s\": %s \"%s\"",
                      task->by, job->app.data, task->change, task->subject);
    }

    ngx_destroy_pool(task->io.pool);

    done(job, status);
}


void
ngx_lu_job_fail(ngx_lu_job_t *job, ngx_lu_job_e error, lu_error_t *err)
{
    if (error <= job->error) {
        return;
    }

    job->error = error;
    job->reason = ngx_lu_reply_sentence(job->pool, err);

    if (job->reason == NULL) {
        job->reason = (u_char *) "The server is out of memory.";
    }
}


void
ngx_lu_job_exhausted(ngx_lu_job_t *job)
{
    lu_error_t  why;

    (void) lu_error(&why, NULL,
                    "The server is short of memory or connections.");
    ngx_lu_job_fail(job, NGX_LU_JOB_OUTAGE, &why);
}


void
ngx_lu_job_end(ngx_lu_job_t *job)
{
    if (job->claim.turn.lost) {

        /* it is the job of another: this try counts for nothing */

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "job for \"%s\" of app \"%s\" was taken over by another "
                      "machine", job->id.data, job->app.data);

        ngx_lu_job_free(job);
        return;
    }

    if (job->error == NGX_LU_JOB_OK) {

        if (job->is_github) {
            job->jobs->github_attempts = 0;
            job->jobs->looks = 0;
            job->jobs->look_next = ngx_current_msec;
        }

        ngx_lu_job_free(job);
        return;
    }

    if (job->is_github && job->tell) {
        ngx_lu_job_run(job, job->tell, ngx_lu_job_told);
        return;
    }

    if (job->is_github) {
        ngx_lu_job_pause(job);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "\"%s\" of app \"%s\" has to wait: %s",
                  job->id.data, job->app.data, job->reason);

    ngx_lu_job_run(job, ngx_lu_job_postpone, ngx_lu_job_postponed);
}


static void
ngx_lu_job_told(ngx_lu_job_t *job, ngx_int_t status)
{
    if (job->claim.turn.lost) {
        ngx_lu_job_end(job);
        return;
    }

    ngx_lu_job_pause(job);
}


/* jobs/github has no release that could keep the time of its next try. */

static void
ngx_lu_job_pause(ngx_lu_job_t *job)
{
    ngx_msec_t      wait;
    ngx_lu_jobs_t  *jobs;

    jobs = job->jobs;

    wait = ngx_lu_job_wait(jobs, ++jobs->github_attempts);

    jobs->pause_github = ngx_current_msec + ngx_max(wait, job->wait);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "what was approved on GitHub has to wait: %s", job->reason);

    ngx_lu_job_free(job);
}


ngx_int_t
ngx_lu_job_find(ngx_lu_io_t *io, ngx_lu_job_t *job, cJSON **release)
{
    u_char    *live;
    ngx_int_t  rc;

    rc = ngx_lu_release_load(io, job->folder, release);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    live = ngx_lu_path(io, "%V/live/%s/%s", &job->jobs->store->path,
                       job->app.data, job->id.data);

    return ngx_lu_release_load(io, live, release);
}


ngx_int_t
ngx_lu_job_lock(ngx_lu_step_t *step, ngx_lu_release_t *release)
{
    return ngx_lu_release_open_staging(&step->task,
                                       (char *) step->job->id.data, release);
}


ngx_int_t
ngx_lu_job_remove(ngx_lu_step_t *step)
{
    ngx_lu_task_t  *task;

    task = &step->task;

    if (ngx_lu_tree_unlink(&task->io, task->store, step->job->path)
        == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    ngx_lu_claim_end(&task->io, &step->job->claim);

    return NGX_OK;
}


/* Writes the reason and the next try into the release, for the next sweep. */

static ngx_int_t
ngx_lu_job_postpone(ngx_lu_step_t *step)
{
    ngx_int_t          rc, status;
    lu_state_e         state;
    ngx_uint_t         over;
    ngx_lu_numbers_t  *numbers;
    ngx_lu_release_t   release;

    rc = ngx_lu_job_lock(step, &release);

    if (rc == NGX_DECLINED) {

        /* half promoted, deleted, or lost: the job's file tells nothing */

        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    state = lu_release_state(release.json);

    if (state != LU_STATE_FETCHING && state != LU_STATE_STAGED) {

        /* a person has decided, or ngx_lu_stage() has */

        status = ngx_lu_job_remove(step);
        goto done;
    }

    step->job->staged = (state == LU_STATE_STAGED);

    over = 0;
    status = ngx_lu_job_again(step, release.json, &over);

    if (status == NGX_OK && step->job->clean) {
        status = step->job->clean(step);
    }

    if (status == NGX_OK && over && !step->job->staged) {
        status = ngx_lu_event(&step->task, "release.failed", release.json,
                              step->task.now, (char *) step->job->reason,
                              "failed");
    }

    if (status == NGX_OK) {
        status = ngx_lu_release_save(&step->task, &release);
    }

    if (status == NGX_OK && over) {
        numbers = ngx_lu_count_numbers(step->task.store);
        ngx_lu_count_add(numbers->stages_failed, 1);

        status = ngx_lu_job_remove(step);
    }

done:

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_job_again(ngx_lu_step_t *step, cJSON *release, ngx_uint_t *over)
{
    char           next[LU_TIME_SIZE];
    lu_put_t       put;
    uint64_t       attempts;
    ngx_lu_job_t  *job;

    job = step->job;
    attempts = 0;

    /* an origin that fails now and then has files for us all the same */

    if (!(job->progressed && job->error == NGX_LU_JOB_OUTAGE)) {
        (void) lu_json_size(release, "attempts", &attempts);
    }

    attempts++;

    *over = (attempts >= ngx_lu_job_tries(job));

    lu_put_init(&put);

    lu_put_string(&put, release, "reason", (char *) job->reason);
    lu_put_string(&put, release, "updatedAt", step->task.now);
    lu_put_number(&put, release, "attempts", (double) attempts);

    if (!*over) {
        ngx_lu_job_next(job, attempts, next);
        lu_put_string(&put, release, "nextAttemptAt", next);

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "nextAttemptAt");

        if (!job->staged) {
            lu_release_put_state(&put, release, LU_STATE_FAILED);
        }
    }

    return put.failed ? ngx_lu_task_nomem(&step->task) : NGX_OK;
}


static uint64_t
ngx_lu_job_tries(ngx_lu_job_t *job)
{
    switch (job->error) {

    case NGX_LU_JOB_OUTAGE:
        return job->jobs->fetch->tries;

    case NGX_LU_JOB_WRONG:
        return ngx_min(job->jobs->fetch->tries, NGX_LU_WRONG_MAX);

    default: /* NGX_LU_JOB_REFUSED */
        return 0;
    }
}


static ngx_msec_t
ngx_lu_job_wait(ngx_lu_jobs_t *jobs, uint64_t attempts)
{
    uint64_t  wait;

    wait = (uint64_t) jobs->fetch->retry << ngx_min(attempts - 1, 20);

    return (ngx_msec_t) ngx_min(wait, NGX_LU_RETRY_MAX);
}


static void
ngx_lu_job_next(ngx_lu_job_t *job, uint64_t attempts, char *next)
{
    ngx_msec_t      wait;
    struct timeval  tv;

    wait = ngx_lu_job_wait(job->jobs, attempts);
    wait = ngx_max(wait, job->wait);

    ngx_gettimeofday(&tv);

    wait += tv.tv_usec / 1000;

    lu_time_print(next, tv.tv_sec + (time_t) (wait / 1000),
                  (unsigned) (wait % 1000));
}


ngx_uint_t
ngx_lu_job_is_due(ngx_lu_jobs_t *jobs, const cJSON *release, const char *now)
{
    time_t      next, present, wait;
    lu_str_t    text, instant;
    uint64_t    attempts;

    instant = lu_str(now);

    /* times of this format sort as text */

    if (lu_json_string(release, "nextAttemptAt", &text) != LU_OK
        || lu_str_cmp(&text, &instant) <= 0
        || lu_time_parse(&text, &next) != LU_OK
        || lu_time_parse(&instant, &present) != LU_OK)
    {
        return 1;
    }

    attempts = 0;
    (void) lu_json_size(release, "attempts", &attempts);

    wait = ngx_lu_job_wait(jobs, ngx_max(attempts, 1)) / 1000;

    /* GitHub may have asked for a longer one */

    if (jobs->github && lu_release_state(release) == LU_STATE_STAGED) {
        wait = ngx_max(wait, NGX_LU_JOB_WAIT_MAX / 1000);
    }

    return next - present > wait + NGX_LU_SKEW;
}


static void
ngx_lu_job_postponed(ngx_lu_job_t *job, ngx_int_t status)
{
    if (job->claim.turn.lost) {
        ngx_lu_job_end(job);
        return;
    }

    if (status != NGX_OK) {

        /* a disk that cannot store this can store no files either */

        job->jobs->pause = ngx_current_msec + NGX_LU_PAUSE;
    }

    ngx_lu_job_free(job);
}


void
ngx_lu_job_free(ngx_lu_job_t *job)
{
    ngx_lu_jobs_t  *jobs;

    jobs = job->jobs;

    jobs->nrunning--;

    ngx_lu_claim_close(&job->claim);
    ngx_destroy_pool(job->pool);

    if (jobs->nrunning == NGX_LU_JOBS - 1) {

        /* a job may wait for this place */

        jobs->wake(jobs);
    }
}


void
ngx_lu_job_log(const ngx_lu_io_t *io, const char *doing)
{
    if (io->operation == NULL) {
        return;
    }

    if (io->path == NULL) {

        /* memory was too short for the path */

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, io->err,
                      "%s failed%s", io->operation, doing);
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, io->err,
                  "%s \"%s\" failed%s", io->operation, io->path, doing);
}
