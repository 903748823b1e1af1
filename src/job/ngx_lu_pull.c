
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_branch.h"
#include "ngx_lu_expiry.h"
#include "ngx_lu_github.h"
#include "ngx_lu_job.h"
#include "ngx_lu_pull.h"
#include "ngx_lu_reconcile.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_desktop.h"
#include "write/ngx_lu_event.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_review.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_pull_open(ngx_lu_step_t *step);
static void ngx_lu_pull_effects(ngx_lu_step_t *step);
static void ngx_lu_pull_opened(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_pull_head(ngx_lu_github_t *github);
static void ngx_lu_pull_compare(ngx_lu_github_t *github);
static ngx_int_t ngx_lu_pull_hand_over(ngx_lu_step_t *step);
static void ngx_lu_pull_handed_over(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_pull_find(ngx_lu_github_t *github, ngx_lu_github_pt next);
static ngx_int_t ngx_lu_pull_is(ngx_lu_github_t *github, const cJSON *pull);
static void ngx_lu_pull_found(ngx_lu_github_t *github);
static void ngx_lu_pull_known(ngx_lu_github_t *github, const cJSON *pull);
static void ngx_lu_pull_begin(ngx_lu_github_t *github);
static void ngx_lu_pull_begun(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_pull_taken(ngx_lu_github_t *github);
static void ngx_lu_pull_request(ngx_lu_github_t *github);
static void ngx_lu_pull_requested(ngx_lu_github_t *github);
static void ngx_lu_pull_exists(ngx_lu_github_t *github);
static ngx_int_t ngx_lu_pull_reject(ngx_lu_step_t *step);
static void ngx_lu_pull_rejected(ngx_lu_job_t *job, ngx_int_t status);
static ngx_int_t ngx_lu_pull_write(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_pull_save(ngx_lu_step_t *step,
    ngx_lu_release_t *release);
static void ngx_lu_pull_written(ngx_lu_job_t *job, ngx_int_t status);


void
ngx_lu_pull(ngx_lu_job_t *job)
{
    if (ngx_lu_github_create(job) == NULL) {
        ngx_lu_job_exhausted(job);
        ngx_lu_job_end(job);
        return;
    }

    ngx_lu_job_run(job, ngx_lu_pull_open, ngx_lu_pull_opened);
}


/* NGX_DONE: the release is no longer staged, or has gone. */

static ngx_int_t
ngx_lu_pull_open(ngx_lu_step_t *step)
{
    cJSON            *pull;
    u_char           *path, *p;
    ngx_int_t         rc;
    ngx_lu_github_t  *github;
    ngx_lu_release_t  release;

    github = step->job->github;

    rc = ngx_lu_job_lock(step, &release);

    if (rc == NGX_OK) {
        github->release = release.json;

        ngx_lu_lock_release(release.lock);

        if (lu_release_state(github->release) != LU_STATE_STAGED) {
            rc = NGX_DECLINED;
        }
    }

    if (rc == NGX_DECLINED) {

        /* a person has decided */

        rc = ngx_lu_job_remove(step);

        return rc == NGX_OK ? NGX_DONE : rc;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    path = ngx_lu_path_in(&step->task.io, step->job->folder, "files.json");

    rc = ngx_lu_file_read_json(&step->task.io, path, &github->files);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(&step->task, rc);
    }

    ngx_lu_pull_effects(step);

    pull = cJSON_GetObjectItemCaseSensitive(github->release, "pullRequest");

    if (pull) {
        github->branch = ngx_lu_github_member(github, pull, "branch");
        github->sha = ngx_lu_github_member(github, pull, "sha");
        github->begun = (github->branch && github->sha);
    }

    if (!github->begun) {
        github->branch = ngx_lu_format(step->job->pool, "release-build-%s",
                                       step->job->id.data);
        if (github->branch == NULL) {
            return ngx_lu_task_nomem(&step->task);
        }

        /* a "+" is a space in GitHub's parameters */

        for (p = github->branch; *p; p++) {
            if (*p == '+') {
                *p = '_';
            }
        }
    }

    return NGX_OK;
}


/* Whether or not this is known, there is a pull request. */

static void
ngx_lu_pull_effects(ngx_lu_step_t *step)
{
    cJSON               *app;
    ngx_lu_task_t       *task;
    ngx_lu_github_t     *github;
    ngx_lu_release_t     release;
    ngx_lu_promotion_t   promotion;

    task = &step->task;
    github = step->job->github;

    task->subject = (char *) step->job->id.data;

    if (ngx_lu_app_read(task, &app) != NGX_OK) {
        return;
    }

    ngx_memzero(&release, sizeof(ngx_lu_release_t));
    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    release.json = github->release;
    release.folder = step->job->folder;

    github->effects = cJSON_CreateArray();

    if (github->effects
        && ngx_lu_desktop_effect(task, app, &release, &promotion,
                                 github->effects)
           != NGX_OK)
    {
        cJSON_Delete(github->effects);
        github->effects = NULL;
    }

    cJSON_Delete(app);

    github->warnings = cJSON_CreateArray();

    if (github->warnings) {
        (void) ngx_lu_review(task, github->release, github->effects,
                             github->warnings);
    }

    task->change = NULL;
}


static void
ngx_lu_pull_opened(ngx_lu_job_t *job, ngx_int_t status)
{
    if (status != NGX_OK) {
        ngx_lu_job_end(job);
        return;
    }

    ngx_lu_github_head(job->github, ngx_lu_pull_head);
}


static void
ngx_lu_pull_head(ngx_lu_github_t *github)
{
    ngx_lu_github_files(github, ngx_lu_pull_compare);
}


/*
 * A build that the base branch lists was approved, whoever listed it.  No
 * branch begins where the files do not parse, or it would keep the mistake.
 */

static void
ngx_lu_pull_compare(ngx_lu_github_t *github)
{
    cJSON         *builds, *rules;
    lu_rc_e        rc;
    ngx_uint_t     approved;
    lu_error_t     why;
    ngx_lu_job_t  *job;

    job = github->job;
    approved = 0;
    rules = NULL;

    rc = lu_github_builds(&github->approved.builds.text, &builds, &why);

    if (rc == LU_OK) {
        approved = lu_github_has_build(builds, (char *) job->id.data);
        cJSON_Delete(builds);
    }

    if (approved) {
        ngx_lu_job_run(job, ngx_lu_pull_hand_over, ngx_lu_pull_handed_over);
        return;
    }

    if (rc == LU_OK) {
        rc = lu_github_rules(&github->approved.rules.text, &rules, &why);
    }

    if (rc == LU_OK) {
        cJSON_Delete(rules);
        ngx_lu_pull_find(github, ngx_lu_pull_found);
        return;
    }

    if (rc == LU_INVALID) {
        ngx_lu_job_fail(job, NGX_LU_JOB_OUTAGE, &why);

    } else {
        ngx_lu_job_exhausted(job);
    }

    ngx_lu_job_end(job);
}


/* jobs/github does the rest. */

static ngx_int_t
ngx_lu_pull_hand_over(ngx_lu_step_t *step)
{
    ngx_int_t          status;
    ngx_lu_lock_t     *lock;
    lu_github_event_t  event;

    status = ngx_lu_reconcile_lock(&step->task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    /* another server of GitHub may not know this commit yet */

    ngx_memzero(&event, sizeof(lu_github_event_t));

    event.after = lu_str((char *) step->job->github->approved.commit);

    status = ngx_lu_reconcile_ask(&step->task, &event);

    ngx_lu_lock_release(lock);

    return status == NGX_OK ? ngx_lu_job_remove(step) : status;
}


static void
ngx_lu_pull_handed_over(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_jobs_t  *jobs;

    jobs = job->jobs;

    ngx_lu_job_end(job);

    jobs->wake(jobs);
}


/*
 * Looks for a pull request of the branch.  If the branch is ours, the request
 * may have been closed after a crash, before it was written down.
 */

static void
ngx_lu_pull_find(ngx_lu_github_t *github, ngx_lu_github_pt next)
{
    size_t  owner;

    owner = (u_char *) ngx_strchr(github->name, '/') - github->name;

    ngx_lu_github_ask(github, 0, NULL, next, "/pulls?state=%s&head=%*s:%s",
                      github->begun ? "all" : "open", owner, github->name,
                      github->branch);
}


/* NGX_OK: the answer is a pull request; its number and URL are kept. */

static ngx_int_t
ngx_lu_pull_is(ngx_lu_github_t *github, const cJSON *pull)
{
    if (lu_json_size(pull, "number", &github->number) != LU_OK) {
        return NGX_DECLINED;
    }

    github->url = ngx_lu_github_member(github, pull, "html_url");

    return github->url ? NGX_OK : NGX_DECLINED;
}


static void
ngx_lu_pull_found(ngx_lu_github_t *github)
{
    if (github->fetch->status != NGX_HTTP_OK
        || !cJSON_IsArray(github->answer))
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    if (ngx_lu_pull_is(github, github->answer->child) == NGX_OK) {
        ngx_lu_pull_known(github, github->answer->child);
        return;
    }

    ngx_lu_pull_begin(github);
}


static void
ngx_lu_pull_known(ngx_lu_github_t *github, const cJSON *pull)
{
    lu_str_t  value;

    if (lu_json_string(pull, "state", &value) == LU_OK
        && lu_str_is(&value, "closed")
        && lu_json_string(pull, "merged_at", &value) != LU_OK)
    {
        ngx_lu_job_run(github->job, ngx_lu_pull_reject, ngx_lu_pull_rejected);
        return;
    }

    ngx_lu_job_run(github->job, ngx_lu_pull_write, ngx_lu_pull_written);
}


/* Writes down which branch is ours before it is created. */

static void
ngx_lu_pull_begin(ngx_lu_github_t *github)
{
    if (github->begun) {
        ngx_lu_branch(github, ngx_lu_pull_request, ngx_lu_pull_taken);
        return;
    }

    github->sha = github->approved.commit;

    ngx_lu_job_run(github->job, ngx_lu_pull_write, ngx_lu_pull_begun);
}


static void
ngx_lu_pull_begun(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_github_t *github = job->github;

    if (status != NGX_OK) {
        ngx_lu_job_end(github->job);
        return;
    }

    github->begun = 1;
    ngx_lu_branch(github, ngx_lu_pull_request, ngx_lu_pull_taken);
}


static void
ngx_lu_pull_taken(ngx_lu_github_t *github)
{
    github->begun = 0;

    ngx_lu_pull_find(github, ngx_lu_pull_found);
}


static void
ngx_lu_pull_request(ngx_lu_github_t *github)
{
    ngx_lu_github_ask(github, NGX_HTTP_POST,
                      lu_github_pull(github->release, github->files,
                                     github->effects, github->warnings,
                                     (char *) github->branch,
                                     (char *) github->base),
                      ngx_lu_pull_requested, "/pulls");
}


static void
ngx_lu_pull_requested(ngx_lu_github_t *github)
{
    if (github->fetch->status == 422) {
        ngx_lu_github_refused(github);
        ngx_lu_pull_find(github, ngx_lu_pull_exists);
        return;
    }

    if (github->fetch->status != NGX_HTTP_CREATED
        || ngx_lu_pull_is(github, github->answer) != NGX_OK)
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_job_run(github->job, ngx_lu_pull_write, ngx_lu_pull_written);
}


static void
ngx_lu_pull_exists(ngx_lu_github_t *github)
{
    if (github->fetch->status != NGX_HTTP_OK
        || !cJSON_IsArray(github->answer)
        || ngx_lu_pull_is(github, github->answer->child) != NGX_OK)
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_pull_known(github, github->answer->child);
}


/* The pull request was closed without being merged. */

static ngx_int_t
ngx_lu_pull_reject(ngx_lu_step_t *step)
{
    ngx_int_t         rc, status;
    ngx_lu_github_t  *github;

    github = step->job->github;

    step->task.by = "github";

    status = ngx_lu_pull_closed(&step->task, github->number);

    if (status >= NGX_HTTP_BAD_REQUEST) {
        return status;
    }

    rc = ngx_lu_job_remove(step);

    return rc == NGX_OK ? status : rc;
}


ngx_int_t
ngx_lu_pull_closed(ngx_lu_task_t *task, uint64_t number)
{
    u_char  *reason;

    reason = ngx_lu_format(task->io.pool, "pull request #%uL was closed",
                           number);

    return reason ? ngx_lu_approval_reject(task, (char *) reason)
                  : ngx_lu_task_nomem(task);
}


static void
ngx_lu_pull_rejected(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_job_end(job);
}


/* Writes the branch, and later the pull request, into the release. */

static ngx_int_t
ngx_lu_pull_write(ngx_lu_step_t *step)
{
    ngx_int_t         rc, status;
    ngx_lu_release_t  release;

    ngx_lu_expiry_note(step);

    rc = ngx_lu_job_lock(step, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (lu_release_state(release.json) == LU_STATE_STAGED) {
        status = ngx_lu_pull_save(step, &release);

    } else {
        status = NGX_DONE;
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_pull_save(ngx_lu_step_t *step, ngx_lu_release_t *release)
{
    cJSON            *pull;
    lu_put_t          put;
    ngx_int_t         status;
    ngx_lu_github_t  *github;

    github = step->job->github;

    lu_put_init(&put);

    pull = lu_put_object(&put, release->json, "pullRequest");

    lu_put_string(&put, pull, "branch", (char *) github->branch);

    if (github->sha) {
        lu_put_string(&put, pull, "sha", (char *) github->sha);
    }

    if (github->url) {
        lu_put_number(&put, pull, "number", (double) github->number);
        lu_put_string(&put, pull, "url", (char *) github->url);
    }

    if (put.failed) {
        return ngx_lu_task_nomem(&step->task);
    }

    if (github->url) {
        cJSON_DeleteItemFromObjectCaseSensitive(release->json, "reason");
        cJSON_DeleteItemFromObjectCaseSensitive(release->json, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release->json,
                                                "nextAttemptAt");
    }

    status = NGX_OK;

    if (github->url) {
        status = ngx_lu_event(&step->task, "pull_request.opened",
                              release->json, (char *) github->url,
                              (char *) github->url, "pullRequest");
    }

    if (status == NGX_OK) {
        status = ngx_lu_release_save(&step->task, release);
    }

    return (status == NGX_OK && github->url) ? ngx_lu_job_remove(step)
                                             : status;
}


static void
ngx_lu_pull_written(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_github_t *github = job->github;

    if (status == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "\"%s\" of app \"%s\" waits for %s",
                      job->id.data, job->app.data, github->url);
    }

    ngx_lu_job_end(github->job);
}
