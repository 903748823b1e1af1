
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The background: builds are asked for, fetched, verified, proposed on GitHub
 * and approved there.
 */


#ifndef _NGX_LU_JOB_H_INCLUDED_
#define _NGX_LU_JOB_H_INCLUDED_


#include "store/ngx_lu_io.h"
#include "write/ngx_lu_digest.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_plan.h"


/* The two files, as they are at a commit of the base branch. */

typedef struct {
    u_char                         *commit;
    lu_str_t                        builds;
    lu_str_t                        rules;
    u_char                         *error;       /* why that cannot be done */
} ngx_lu_approved_t;


/*
 * Fetch: a request of our own, through an internal location and nginx's proxy.
 * With a path the answer is a file, which proxy_store puts there; what was
 * stored is as complete as the transport tells.  Without one the answer is
 * text.  The caller fills the first part in; the pool and the structure are
 * its own, and stay until handler() is called, which is never before start()
 * has returned NGX_OK.
 */

typedef struct ngx_lu_fetch_s  ngx_lu_fetch_t;

struct ngx_lu_fetch_s {
    ngx_pool_t                     *pool;
    ngx_http_conf_ctx_t            *conf_ctx;    /* of the server */
    ngx_str_t                       uri;         /* of the location */
    ngx_str_t                       target;      /* escaped; see variables */
    ngx_str_t                       path;        /* terminated, or empty */
    ngx_uint_t                      method;      /* 0: GET */
    ngx_str_t                       method_name;
    ngx_str_t                       body;
    ngx_keyval_t                   *headers;     /* the last one is empty */
    void                          (*handler)(ngx_lu_fetch_t *f);
    void                           *data;

    /* the result */
    ngx_uint_t                      status;      /* 0: no answer */
    off_t                           length;      /* Content-Length, or -1 */
    off_t                           received;
    ngx_str_t                       answer;
    time_t                          retry;       /* Retry-After, or 0 */
    time_t                          reset;       /* of a limit of requests */
    unsigned                        limited:1;   /* until then */
    unsigned                        asked:1;     /* the location has a proxy */
    unsigned                        stored:1;
    unsigned                        framed:1;    /* by a length or chunks */
    unsigned                        encoded:1;   /* Content-Encoding */
    unsigned                        received_all:1;  /* or we gave up */
    unsigned                        complete:1;  /* the answer */

    ngx_connection_t               *connection;
    ngx_http_request_t             *request;
    ngx_http_request_t             *subrequest;
    ngx_log_t                       log;
    ngx_http_log_ctx_t              log_ctx;
    ngx_event_t                     end;
};

ngx_int_t ngx_lu_fetch_start(ngx_lu_fetch_t *fetch);

/*
 * Bytes of the body so far (of one in chunks: those that are written already);
 * 1 if it has to end because the worker does; and an end, as if the origin had
 * timed out.
 */

off_t ngx_lu_fetch_received(ngx_lu_fetch_t *fetch);
ngx_uint_t ngx_lu_fetch_is_late(ngx_lu_fetch_t *fetch);
void ngx_lu_fetch_abort(ngx_lu_fetch_t *fetch);


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

/* At the start of each worker; when there may be something new to do; now. */

ngx_int_t ngx_lu_jobs_init(ngx_cycle_t *cycle);
void ngx_lu_jobs_wake(ngx_lu_store_t *store);
void ngx_lu_sweep(ngx_lu_jobs_t *jobs);

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

/*
 * Transfer: one file from the origin into "uploads" of the job's release, once
 * it has the size and the digests that the file says.  *transfer is freed
 * after handler() was called: with error 0 there is the file, and its digest,
 * or it is missing and may be.  look() ends a transfer of more than limit
 * bytes.  NULL: it could not be started.
 */

typedef struct ngx_lu_transfer_s  ngx_lu_transfer_t;

typedef void (*ngx_lu_transfer_pt)(ngx_lu_transfer_t *transfer);

struct ngx_lu_transfer_s {
    ngx_queue_t                       queue;
    ngx_lu_job_t                     *job;
    lu_plan_file_t                   *file;
    uint64_t                          limit;
    ngx_lu_transfer_pt                handler;

    ngx_lu_fetch_t                    fetch;
    ngx_lu_io_t                       io;
    ngx_lu_digest_t                   digest;
    ngx_lu_job_e                      error;
    lu_error_t                        why;
    unsigned                          missing:1;
    unsigned                          too_large:1;
};

ngx_lu_transfer_t *ngx_lu_transfer_start(ngx_lu_job_t *job,
    lu_plan_file_t *file, uint64_t limit, ngx_lu_transfer_pt handler);
void ngx_lu_transfer_look(ngx_lu_transfer_t *transfer);

/*
 * Collect: fetches the files of a job's build and has them staged.  next() is
 * called when something has ended that it waits for.
 */

typedef struct {
    ngx_lu_job_t                     *job;

    ngx_array_t                       files;     /* of plan_file_t */
    ngx_uint_t                        next;
    ngx_queue_t                       transfers;
    ngx_uint_t                        nrunning;
    ngx_array_t                       digests;   /* of what was fetched */
    ngx_event_t                       look;

    /* the plan: all files, and what is there of them */
    ngx_uint_t                        nfiles;
    ngx_uint_t                        ndone;
    uint64_t                          size;
    uint64_t                          done;
    uint64_t                          unsaid;    /* done, size not listed */
    uint64_t                          last;      /* done then */
    ngx_msec_t                        reported;
    unsigned                          reporting:1;
    unsigned                          planned:1;
    unsigned                          unwanted:1;
} ngx_lu_collect_t;

void ngx_lu_collect(ngx_lu_job_t *job);
void ngx_lu_collect_next(ngx_lu_collect_t *collect);

/* Report: writes down how far it is; one at a time. */

void ngx_lu_report(ngx_lu_collect_t *collect);

/*
 * Plan, actions of a job: open() says which manifests are to be fetched, and
 * files() what they list; both leave out what is there already.  clean()
 * removes, before the next try, what is not worth to be kept; the release is
 * locked.  NGX_OK; NGX_DONE: there is nothing to do any more; or a status.
 */

ngx_int_t ngx_lu_plan_open(ngx_lu_step_t *step);
ngx_int_t ngx_lu_plan_files(ngx_lu_step_t *step);
ngx_int_t ngx_lu_plan_clean(ngx_lu_step_t *step);


/*
 * Github: opens the pull request of a job's staged release, or does what was
 * approved; and, for jobs/github, only the latter.
 */

void ngx_lu_github(ngx_lu_job_t *job);

typedef struct ngx_lu_github_s  ngx_lu_github_t;

typedef void (*ngx_lu_github_pt)(ngx_lu_github_t *github);

struct ngx_lu_github_s {
    ngx_lu_job_t                        *job;
    ngx_lu_github_conf_t                *conf;
    ngx_lu_approved_t                    approved;

    /* the pull request */
    cJSON                               *release;
    cJSON                               *files;
    u_char                              *base;
    u_char                              *branch;
    u_char                              *sha;        /* it begins there */
    u_char                              *url;
    uint64_t                             number;
    ngx_uint_t                           suffix;
    ngx_uint_t                           conflicts;
    ngx_uint_t                           file;       /* of edits */
    lu_error_t                           refused;
    unsigned                             begun:1;    /* branch is written */

    /* the request that runs */
    ngx_lu_fetch_t                      *fetch;
    ngx_lu_github_pt                     next;
    cJSON                               *answer;
};

/*
 * ask() for something below /repos/{owner}/{name}; the body is from malloc(),
 * and freed, methods other than GET need one.  next() finds the answer.  text()
 * is that of a file, empty if there is none; member() a string of an answer, in
 * the job's pool, or NULL.  unexpected() and end() end the job.  refused() is
 * for a 422, until it is known whether what was asked for is there already.
 */

void ngx_lu_github_ask(ngx_lu_github_t *github, ngx_uint_t method, char *body,
    ngx_lu_github_pt next, const char *path, ...);
ngx_int_t ngx_lu_github_text(ngx_lu_github_t *github, lu_str_t *text,
    lu_str_t *sha);
u_char *ngx_lu_github_member(ngx_lu_github_t *github, const cJSON *object,
    const char *key);
void ngx_lu_github_unexpected(ngx_lu_github_t *github);
void ngx_lu_github_refused(ngx_lu_github_t *github);
void ngx_lu_github_end(ngx_lu_github_t *github);

/* Pull: finds or opens the pull request of the job's release, and ends it. */

void ngx_lu_pull(ngx_lu_github_t *github);

/* Rejects the task's release since its pull request was closed: a status. */

ngx_int_t ngx_lu_pull_closed(ngx_lu_task_t *task, uint64_t number);


/*
 * Reconcile, an action of a job: makes the store what job->approved says.
 * NGX_OK, also if that cannot be done: apps/{app}/github.json says why; or a
 * status.
 */

ngx_int_t ngx_lu_reconcile(ngx_lu_step_t *step);

/*
 * Approved: ask() for it, with the lock() of those who do; write() what came
 * of it into the apps' folders; over() ends the job, if nobody has asked since
 * it began.  NGX_OK or a status.
 */

ngx_int_t ngx_lu_approved_lock(ngx_lu_task_t *task, ngx_fd_t *lock);
ngx_int_t ngx_lu_approved_ask(ngx_lu_task_t *task);
ngx_int_t ngx_lu_approved_write(ngx_lu_step_t *step, ngx_array_t *apps,
    ngx_int_t status);
ngx_int_t ngx_lu_approved_over(ngx_lu_step_t *step);



#endif /* _NGX_LU_JOB_H_INCLUDED_ */
