
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_follow.h"
#include "ngx_lu_github.h"
#include "ngx_lu_job.h"
#include "ngx_lu_reconcile.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"

#include "core/lu_json.h"
#include "core/lu_put.h"


static void ngx_lu_reconcile_run(ngx_lu_github_t *github);
static void ngx_lu_reconcile_done(ngx_lu_job_t *job, ngx_int_t status);
static ngx_int_t ngx_lu_reconcile_step(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_write(ngx_lu_step_t *step,
    ngx_array_t *apps, ngx_int_t status);
static ngx_int_t ngx_lu_reconcile_over(ngx_lu_step_t *step);


void
ngx_lu_reconcile(ngx_lu_job_t *job)
{
    ngx_lu_github_t  *github;

    github = ngx_lu_github_create(job);

    if (github == NULL) {
        ngx_lu_job_exhausted(job);
        ngx_lu_job_end(job);
        return;
    }

    ngx_lu_github_read(github, ngx_lu_reconcile_run);
}


static void
ngx_lu_reconcile_run(ngx_lu_github_t *github)
{
    ngx_lu_job_run(github->job, ngx_lu_reconcile_step, ngx_lu_reconcile_done);
}


static void
ngx_lu_reconcile_done(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_approved_t  *approved;

    approved = &job->github->approved;

    if (approved->error) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "commit %s on GitHub cannot be followed: %s",
                      approved->commit, approved->error);
    }

    ngx_lu_job_end(job);
}


/* Writes github.json of each app: what came of the commit. */

static ngx_int_t
ngx_lu_reconcile_step(ngx_lu_step_t *step)
{
    ngx_int_t       status;
    ngx_array_t     apps;
    ngx_lu_task_t  *task;

    task = &step->task;
    task->by = "github";

    if (ngx_array_init(&apps, task->io.pool, 4, sizeof(ngx_str_t)) != NGX_OK) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_follow(task, &step->job->github->approved, &apps);

    /* the changes have their entries in the audit log already */

    task->change = NULL;

    /* only another commit can help what cannot be followed: no other try */

    if (status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        status = ngx_lu_reconcile_write(step, &apps, status);
    }

    return status == NGX_OK ? ngx_lu_reconcile_over(step) : status;
}


static ngx_int_t
ngx_lu_reconcile_write(ngx_lu_step_t *step, ngx_array_t *apps,
    ngx_int_t status)
{
    cJSON              *json;
    u_char             *path;
    lu_put_t            put;
    ngx_int_t           rc;
    ngx_str_t          *app;
    ngx_uint_t          i;
    ngx_lu_task_t      *task;
    ngx_lu_approved_t  *approved;

    task = &step->task;
    approved = &step->job->github->approved;

    approved->error = NULL;

    if (status != NGX_OK) {
        approved->error = ngx_lu_reply_sentence(step->job->pool, &task->error);

        if (approved->error == NULL) {
            return ngx_lu_task_nomem(task);
        }
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "at", task->now);
    lu_put_string(&put, json, "commit", (char *) approved->commit);

    if (approved->error) {
        lu_put_string(&put, json, "error", (char *) approved->error);
    }

    json = lu_put_done(&put, json);

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = NGX_OK;
    app = apps->elts;

    for (i = 0; i < apps->nelts && rc == NGX_OK; i++) {

        path = ngx_lu_path(&task->io, "%V/apps/%V/github.json",
                           &task->store->path, &app[i]);

        rc = ngx_lu_file_write_json(&task->io, task->store, path, json);
    }

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


/* Ends the job, unless somebody has asked again since it was claimed. */

static ngx_int_t
ngx_lu_reconcile_over(ngx_lu_step_t *step)
{
    ngx_fd_t         lock;
    ngx_int_t        status;
    ngx_lu_job_t    *job;
    ngx_file_info_t  fi;

    job = step->job;

    status = ngx_lu_reconcile_lock(&step->task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_fd_info(job->claim, &fi) != NGX_FILE_ERROR
        && ngx_file_size(&fi) == job->seen)
    {
        status = ngx_lu_job_remove(step);
    }

    ngx_lu_lock_release(lock);

    return status;
}


/* Whoever asks makes the file longer, so that its size counts the asking. */

ngx_int_t
ngx_lu_reconcile_ask(ngx_lu_task_t *task)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/jobs/github", &task->store->path);

    return ngx_lu_file_append(&task->io, path, "\n", 1) == NGX_OK
           ? NGX_OK : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_reconcile_lock(ngx_lu_task_t *task, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/jobs/.lock", &task->store->path);

    return ngx_lu_lock(&task->io, path, lock) == NGX_OK
           ? NGX_OK : ngx_lu_task_failed(task);
}
