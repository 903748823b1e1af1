
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A job: a build on its way into the store, and the steps of it that
 * threads do.
 */


#ifndef _NGX_LU_JOB_H_INCLUDED_
#define _NGX_LU_JOB_H_INCLUDED_


#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"


/* The two files, as they are at a commit of the base branch. */

typedef struct {
    u_char                         *commit;
    lu_str_t                        builds;
    lu_str_t                        rules;
    u_char                         *error;       /* why that cannot be done */
} ngx_lu_approved_t;


/*
 * Jobs: builds that are to be fetched, verified and, where nobody has to
 * approve, promoted.  A job is a file jobs/{app}.{release}; who works at it
 * has its lock.
 */

#define NGX_LU_JOBS  4              /* of a worker, at once */

struct ngx_lu_jobs_s {
    ngx_lu_store_t                      *store;
    ngx_lu_fetch_conf_t                 *fetch;
    ngx_http_conf_ctx_t                 *conf_ctx;
    ngx_thread_pool_t                   *threads;
    ngx_uint_t                           aside;       /* they are its own */
    ngx_uint_t                           approval;
    ngx_lu_github_conf_t                *github;
    ngx_uint_t                           github_approves;

    /* of a worker */
    ngx_queue_t                          running;
    ngx_uint_t                           nrunning;
    ngx_uint_t                           nfetched;
    ngx_event_t                          sweep;
    time_t                               pause;       /* until then */
    time_t                               pause_github;
    ngx_uint_t                           github_attempts;
    unsigned                             sweeping:1;
    unsigned                             again:1;
};

/* What keeps a job from going on: how often it is tried again. */

typedef enum {
    NGX_LU_JOB_OK = 0,
    NGX_LU_JOB_OUTAGE,                  /* may pass */
    NGX_LU_JOB_WRONG,                   /* what the origin has is not right */
    NGX_LU_JOB_REFUSED                  /* will not become better */
} ngx_lu_job_e;

struct ngx_lu_job_s {
    ngx_queue_t                     queue;
    ngx_pool_t                     *pool;
    ngx_lu_jobs_t                  *jobs;
    lu_str_t                        app;         /* terminated, as id is */
    lu_str_t                        id;
    const char                     *by;
    u_char                         *folder;      /* in staging */
    u_char                         *path;        /* of the job's file */
    ngx_fd_t                        claim;
    unsigned                        platforms;
    unsigned                        staged:1;    /* all was fetched */
    unsigned                        progressed:1;  /* something was fetched */
    unsigned                        is_github:1; /* jobs/github: no release */

    ngx_lu_job_e                    error;
    u_char                         *reason;
    time_t                          not_before;  /* it may be tried again */

    void                           *data;        /* collect.c, github.c */

    /* see reconcile */
    ngx_lu_approved_t *approved;
    off_t                           seen;        /* size of the job's file */
};

typedef void (*ngx_lu_job_pt)(ngx_lu_job_t *job, ngx_int_t status);

/* A step of a job, which a thread does: its handler returns a status. */

typedef struct ngx_lu_step_s  ngx_lu_step_t;

typedef ngx_int_t (*ngx_lu_step_pt)(ngx_lu_step_t *step);

struct ngx_lu_step_s {
    ngx_lu_task_t                   task;
    ngx_lu_job_t                   *job;
    ngx_lu_step_pt                  handler;
    ngx_lu_job_pt                   done;
    ngx_int_t                       status;
};

/*
 * Runs an action in a thread, and then done(); NGX_ERROR: it could not be
 * started.  fail() keeps the first reason of the gravest kind, exhausted() that
 * memory or connections are short; end() writes down how the job ended, or
 * when it is tried again, and frees it.
 */

void ngx_lu_job_run(ngx_lu_job_t *job, ngx_lu_step_pt handler,
    ngx_lu_job_pt done);
void ngx_lu_job_fail(ngx_lu_job_t *job, ngx_lu_job_e error, lu_error_t *err);
void ngx_lu_job_exhausted(ngx_lu_job_t *job);
void ngx_lu_job_end(ngx_lu_job_t *job);

/* One that was claimed begins; or its claim is given back at once. */

void ngx_lu_job_start(ngx_lu_job_t *job);
void ngx_lu_job_free(ngx_lu_job_t *job);

/* The job's release, wherever it lies: NGX_OK, NGX_DECLINED or NGX_ERROR. */

ngx_int_t ngx_lu_job_find(ngx_lu_io_t *io, ngx_lu_job_t *job, cJSON **release);

/* For actions of a job: its release, locked.  NGX_DECLINED: it has gone. */

ngx_int_t ngx_lu_job_lock(ngx_lu_step_t *step, ngx_lu_release_t *release);

/* Removes the job's file, so that nobody takes it up again: NGX_OK or 500. */

ngx_int_t ngx_lu_job_remove(ngx_lu_step_t *step);


#endif /* _NGX_LU_JOB_H_INCLUDED_ */
