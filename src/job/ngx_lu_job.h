
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A job brings a build into the store, in the background: its files are
 * fetched and verified, and the release is staged and, where nobody has to
 * approve it, promoted.  One more job, jobs/github, follows what was approved
 * on GitHub.  docs/store.md describes the files of jobs.
 */


#ifndef _NGX_LU_JOB_H_INCLUDED_
#define _NGX_LU_JOB_H_INCLUDED_


#include "store/ngx_lu_claim.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_run.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"


#define NGX_LU_JOBS       4         /* of a worker, at once */
#define NGX_LU_LOOK_SIZE  256

/* what an origin may ask for: no job waits longer, in milliseconds */

#define NGX_LU_JOB_WAIT_MAX  3600000


typedef struct ngx_lu_step_s     ngx_lu_step_t;
typedef struct ngx_lu_plan_s     ngx_lu_plan_t;
typedef struct ngx_lu_collect_s  ngx_lu_collect_t;
typedef struct ngx_lu_github_s   ngx_lu_github_t;


/*
 * A step runs in a thread and returns a status; its end in the event loop.  It
 * may be run again, see ngx_lu_run_start().
 */

typedef ngx_int_t (*ngx_lu_step_pt)(ngx_lu_step_t *step);
typedef void (*ngx_lu_job_pt)(ngx_lu_job_t *job, ngx_int_t status);


/* The jobs of a store: how they are done, and what a worker does of them. */

struct ngx_lu_jobs_s {
    ngx_lu_store_t          *store;
    ngx_lu_fetch_conf_t     *fetch;
    ngx_http_conf_ctx_t     *conf_ctx;     /* of the server */
    ngx_thread_pool_t       *threads;
    ngx_thread_pool_t       *readers;
    ngx_uint_t               approval;     /* NGX_LU_APPROVAL_... */
    off_t                    quota;        /* of each app, or 0 */
    off_t                    reserve;      /* of the disk */
    ngx_lu_github_conf_t    *github;       /* or NULL */
    ngx_uint_t               github_approves;

    /* of a worker; wake() looks for jobs */
    void                   (*wake)(ngx_lu_jobs_t *jobs);
    ngx_uint_t               nrunning;
    ngx_uint_t               nfetched;     /* names temporary files */
    ngx_event_t              sweep;
    ngx_msec_t               pause;        /* no job is claimed until then */
    ngx_msec_t               pause_github; /* nor is jobs/github */
    ngx_msec_t               limited;      /* GitHub is not asked until then */
    ngx_uint_t               github_attempts;
    uint32_t                 unread;       /* hash of a path that was logged */
    ngx_uint_t               looks;        /* at what GitHub shows late */
    ngx_msec_t               look_next;    /* nor is it, if nobody asks */
    off_t                    look_size;    /* of jobs/github at that time */
    u_char                   look[NGX_LU_LOOK_SIZE];  /* what was found */
    ngx_msec_t               clean_next;   /* claims without a job go then */
    unsigned                 cleaned:1;    /* they have, once */
    unsigned                 unreadable:1; /* the token's end; it was logged */
    unsigned                 sweeping:1;
    unsigned                 again:1;      /* one more sweep after this one */
};


/* Why a job cannot go on, and so how often it is tried again. */

typedef enum {
    NGX_LU_JOB_OK = 0,
    NGX_LU_JOB_OUTAGE,                     /* it may pass */
    NGX_LU_JOB_WRONG,                      /* the origin has to change */
    NGX_LU_JOB_REFUSED                     /* no other try will do better */
} ngx_lu_job_e;


/* A claimed job.  Its memory is the pool's; only one thread works at it. */

struct ngx_lu_job_s {
    ngx_pool_t              *pool;
    ngx_lu_jobs_t           *jobs;
    lu_str_t                 app;          /* terminated, as id is */
    lu_str_t                 id;           /* of the release */
    const char              *by;           /* who asked for it */
    u_char                  *folder;       /* of the release in staging/ */
    u_char                  *path;         /* of the job's file */
    ngx_lu_claim_t           claim;        /* of that file */
    off_t                    seen;         /* size of jobs/github */
    unsigned                 platforms;    /* LU_WINDOWS, ... */
    unsigned                 staged:1;     /* all was fetched */
    unsigned                 progressed:1; /* a file was fetched */
    unsigned                 is_github:1;  /* jobs/github: no release */

    ngx_lu_job_e             error;
    u_char                  *reason;       /* never NULL with an error */
    ngx_msec_t               wait;         /* before the next try, or 0 */

    /* how far it is; NULL until then */
    ngx_lu_plan_t           *plan;
    ngx_lu_collect_t        *collect;
    ngx_lu_github_t         *github;

    /* what is not to be kept for the next try, with the release locked */
    ngx_lu_step_pt           clean;

    /* tells of an outage where there is no release; or NULL */
    ngx_lu_step_pt           tell;
};


/* A step of a job; the task and its memory go when the step has ended. */

struct ngx_lu_step_s {
    ngx_lu_task_t            task;
    ngx_lu_job_t            *job;
    ngx_lu_step_pt           handler;
    ngx_lu_job_pt            done;
    ngx_lu_run_t             run;
};


/*
 * Runs a step in a thread of jobs->threads.  Its status is NGX_OK, NGX_DONE
 * (there is nothing left to do), or an HTTP status: from 400 on the job has
 * failed with the task's error, 403 and 5xx being NGX_LU_JOB_REFUSED and
 * NGX_LU_JOB_OUTAGE, the others NGX_LU_JOB_WRONG.  done() is called in the
 * event loop afterwards.
 *
 * The claim is proved before the step, and with each turn that the step proves.
 * If another machine has taken it, the step fails, and the end of the job
 * writes nothing.
 *
 * A step that cannot be started frees the job, whose file is there for the
 * next sweep: the caller must not use the job after ngx_lu_job_run().
 */

void ngx_lu_job_run(ngx_lu_job_t *job, ngx_lu_step_pt handler,
    ngx_lu_job_pt done);

/*
 * fail() keeps the reason of the gravest error, of equal ones that of the
 * first; the sentence is copied.  exhausted() does so for lack of memory or of
 * connections.  Neither ends the job.
 */

void ngx_lu_job_fail(ngx_lu_job_t *job, ngx_lu_job_e error, lu_error_t *err);
void ngx_lu_job_exhausted(ngx_lu_job_t *job);

/*
 * Ends the job: a failed one is written into its release, with the time of the
 * next try, or as the last one.  Frees the job, now or later.
 */

void ngx_lu_job_end(ngx_lu_job_t *job);

/* Gives the claim back and frees the job; a waiting job takes its place. */

void ngx_lu_job_free(ngx_lu_job_t *job);

/*
 * Reads release.json, in staging/ or else in live/, into *release, which the
 * caller frees.  NGX_OK; NGX_DECLINED: there is none; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_job_find(ngx_lu_io_t *io, ngx_lu_job_t *job, cJSON **release);

/*
 * Locks and reads the release in staging/, for ngx_lu_release_close().  NGX_OK;
 * NGX_DECLINED: it is not there; or a status: 404, 500, 503, 507.
 */

ngx_int_t ngx_lu_job_lock(ngx_lu_step_t *step, ngx_lu_release_t *release);

/* Removes the job's file, so that no sweep finds it: NGX_OK, or a status. */

ngx_int_t ngx_lu_job_remove(ngx_lu_step_t *step);

/*
 * Returns 1 if it is time for the next try of a job, according to its release.
 * The clock may have been set since the release was written: a time that is
 * further away than the job can have been told to wait is over.
 */

ngx_uint_t ngx_lu_job_is_due(ngx_lu_jobs_t *jobs, const cJSON *release,
    const char *now);

/*
 * Logs the system call that failed, if one did; "doing" may be empty, or says
 * what it was done for: " while ...".
 */

void ngx_lu_job_log(const ngx_lu_io_t *io, const char *doing);


#endif /* _NGX_LU_JOB_H_INCLUDED_ */
