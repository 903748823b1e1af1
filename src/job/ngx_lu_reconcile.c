
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_await.h"
#include "ngx_lu_expiry.h"
#include "ngx_lu_follow.h"
#include "ngx_lu_followed.h"
#include "ngx_lu_github.h"
#include "ngx_lu_job.h"
#include "ngx_lu_reconcile.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


/* With a "retry" of 5s or more these are five minutes. */

#define NGX_LU_RECONCILE_LOOKS  32
#define NGX_LU_RECONCILE_WAIT   5000     /* msec */


/* A look at the files. */

struct ngx_lu_reconcile_s {
    ngx_lu_text_t          builds;       /* of the commit before */
    ngx_lu_text_t          rules;
    cJSON                 *followed;     /* NULL: nothing was followed */
    cJSON                 *errors;       /* see ngx_lu_follow_t */
    ngx_uint_t             nerrors;
    u_char                *error;        /* why nothing was followed */
    unsigned               upgraded:1;   /* it was, but not written down */
    unsigned               unsure:1;     /* GitHub may show something else */
    unsigned               last:1;       /* this is the last look */
};


static ngx_int_t ngx_lu_reconcile_begin(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_upgraded(ngx_lu_task_t *task, cJSON *app,
    void *data);
static void ngx_lu_reconcile_begun(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_reconcile_head(ngx_lu_github_t *github);
static void ngx_lu_reconcile_awaited(ngx_lu_github_t *github);
static void ngx_lu_reconcile_read(ngx_lu_github_t *github);
static void ngx_lu_reconcile_before(ngx_lu_github_t *github);
static void ngx_lu_reconcile_run(ngx_lu_github_t *github);
static ngx_uint_t ngx_lu_reconcile_is_unsure(ngx_lu_github_t *github);
static ngx_uint_t ngx_lu_reconcile_is_old(ngx_lu_github_t *github);
static const char *ngx_lu_reconcile_blob(const cJSON *followed,
    const char *name);
static ngx_uint_t ngx_lu_reconcile_is_seen(ngx_lu_github_t *github);
static void ngx_lu_reconcile_again(ngx_lu_job_t *job);
static void ngx_lu_reconcile_done(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_reconcile_log(ngx_lu_github_t *github);
static ngx_int_t ngx_lu_reconcile_step(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_follow(ngx_lu_step_t *step,
    ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_reconcile_change(ngx_lu_follow_t *follow,
    cJSON *begun);
static ngx_int_t ngx_lu_reconcile_write(ngx_lu_step_t *step,
    const ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_reconcile_write_app(ngx_lu_step_t *step,
    const ngx_str_t *app);
static ngx_int_t ngx_lu_reconcile_tell(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_tell_app(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_reconcile_over(ngx_lu_step_t *step);
static void ngx_lu_reconcile_cleanup(void *data);


void
ngx_lu_reconcile(ngx_lu_job_t *job)
{
    ngx_lu_github_t     *github;
    ngx_pool_cleanup_t  *cln;

    github = ngx_lu_github_create(job);
    cln = ngx_pool_cleanup_add(job->pool, sizeof(ngx_lu_reconcile_t));

    if (github == NULL || cln == NULL) {
        ngx_lu_job_exhausted(job);
        ngx_lu_job_end(job);
        return;
    }

    ngx_memzero(cln->data, sizeof(ngx_lu_reconcile_t));

    cln->handler = ngx_lu_reconcile_cleanup;

    github->reconcile = cln->data;

    job->tell = ngx_lu_reconcile_tell;

    ngx_lu_job_run(job, ngx_lu_reconcile_begin, ngx_lu_reconcile_begun);
}


static void
ngx_lu_reconcile_cleanup(void *data)
{
    ngx_lu_reconcile_t *reconcile = data;

    cJSON_Delete(reconcile->followed);
    cJSON_Delete(reconcile->errors);
}


/* What was asked for, and what was followed. */

static ngx_int_t
ngx_lu_reconcile_begin(ngx_lu_step_t *step)
{
    u_char              *followed;
    lu_str_t             text;
    ngx_int_t            rc, status;
    ngx_lu_job_t        *job;
    ngx_lu_task_t       *task;
    ngx_file_info_t      fi;
    ngx_lu_github_t     *github;
    ngx_lu_reconcile_t  *reconcile;

    job = step->job;
    task = &step->task;
    github = job->github;
    reconcile = github->reconcile;

    rc = ngx_lu_file_read(&task->io, job->path, &text, &fi);

    if (rc == NGX_DECLINED) {
        return NGX_DONE;
    }

    if (rc != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    job->seen = text.len;

    status = ngx_lu_followed_read(task, &reconcile->followed);
    if (status != NGX_OK) {
        return status;
    }

    if (reconcile->followed == NULL) {
        status = ngx_lu_app_each(task, ngx_lu_reconcile_upgraded, reconcile);

        if (status != NGX_OK) {
            return status;
        }
    }

    followed = ngx_lu_github_member(github, reconcile->followed, "commit");

    return ngx_lu_await_read(github, &text, followed) == NGX_OK
           ? NGX_OK : ngx_lu_task_nomem(task);
}


/* Earlier versions wrote down only which commit was followed. */

static ngx_int_t
ngx_lu_reconcile_upgraded(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_reconcile_t *reconcile = data;

    cJSON      *json;
    u_char     *path;
    lu_str_t    id;
    ngx_int_t   rc;

    if (lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    path = ngx_lu_path(&task->io, "%V/apps/%s/github.json",
                       &task->store->path, id.data);

    rc = ngx_lu_file_read_json(&task->io, path, &json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        reconcile->upgraded |= (cJSON_HasObjectItem(json, "commit") != 0);
        cJSON_Delete(json);
    }

    return NGX_OK;
}


static void
ngx_lu_reconcile_begun(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_jobs_t  *jobs;

    jobs = job->jobs;

    if (status != NGX_OK) {
        ngx_lu_job_end(job);
        return;
    }

    if (jobs->look_size != job->seen) {

        /* somebody has asked since the last look */

        jobs->looks = 0;
        jobs->look_size = job->seen;
    }

    job->github->reconcile->last = (jobs->looks >= NGX_LU_RECONCILE_LOOKS);

    ngx_lu_github_head(job->github, ngx_lu_reconcile_head);
}


/* What was followed elsewhere says nothing of this repository and branch. */

static void
ngx_lu_reconcile_head(ngx_lu_github_t *github)
{
    lu_str_t             branch;
    ngx_lu_reconcile_t  *reconcile;

    reconcile = github->reconcile;

    if (!ngx_lu_followed_is(reconcile->followed, github->id, github->name,
                            ngx_strlen(github->name))
        || lu_json_string(reconcile->followed, "branch", &branch) != LU_OK
        || !lu_str_is(&branch, (char *) github->base))
    {
        cJSON_Delete(reconcile->followed);
        reconcile->followed = NULL;

        github->await->followed = NULL;
    }

    ngx_lu_await(github, ngx_lu_reconcile_awaited);
}


static void
ngx_lu_reconcile_awaited(ngx_lu_github_t *github)
{
    if (github->await->stale && !github->reconcile->last) {
        ngx_lu_reconcile_again(github->job);
        return;
    }

    ngx_lu_github_files(github, ngx_lu_reconcile_read);
}


/* Before anything was written down, the commit before tells what there was. */

static void
ngx_lu_reconcile_read(ngx_lu_github_t *github)
{
    ngx_lu_reconcile_t  *reconcile;

    reconcile = github->reconcile;

    if (github->await->before == NULL
        || cJSON_HasObjectItem(reconcile->followed, "builds"))
    {
        ngx_lu_reconcile_run(github);
        return;
    }

    ngx_lu_github_file(github, LU_GITHUB_BUILDS, github->await->before,
                       &reconcile->builds, ngx_lu_reconcile_before);
}


static void
ngx_lu_reconcile_before(ngx_lu_github_t *github)
{
    ngx_lu_github_file(github, LU_GITHUB_RELEASES, github->await->before,
                       &github->reconcile->rules, ngx_lu_reconcile_run);
}


static void
ngx_lu_reconcile_run(ngx_lu_github_t *github)
{
    github->reconcile->unsure = ngx_lu_reconcile_is_unsure(github);

    ngx_lu_job_run(github->job, ngx_lu_reconcile_step, ngx_lu_reconcile_done);
}


/*
 * One delivery of a push that began where we are, and files that it has
 * changed: that is all there is to see.  Otherwise the files are looked at
 * until two looks have found the same.
 */

static ngx_uint_t
ngx_lu_reconcile_is_unsure(ngx_lu_github_t *github)
{
    ngx_uint_t       i, seen;
    ngx_lu_wait_t   *wait;
    ngx_lu_await_t  *await;

    await = github->await;

    seen = ngx_lu_reconcile_is_seen(github);

    if (await->nunknown || ngx_lu_reconcile_is_old(github)) {
        return 1;
    }

    if (seen) {
        return 0;
    }

    wait = await->waits.elts;

    for (i = 0; i < await->waits.nelts; i++) {
        if (!wait[i].over) {
            break;
        }
    }

    return await->nwaits != 1
           || await->waits.nelts != 1
           || await->followed == NULL
           || wait[i].before == NULL
           || ngx_strcmp(wait[i].before, await->followed) != 0
           || ngx_strcmp(wait[i].after, github->approved.commit) != 0;
}


/* A file that was changed, as GitHub says, and is as it was, is an old one. */

static ngx_uint_t
ngx_lu_reconcile_is_old(ngx_lu_github_t *github)
{
    const char      *builds, *rules;
    ngx_uint_t       i;
    ngx_lu_wait_t   *wait;
    ngx_lu_await_t  *await;
    const cJSON     *followed;

    await = github->await;
    followed = github->reconcile->followed;

    if (await->followed
        && ngx_strcmp(await->followed, github->approved.commit) == 0)
    {
        return 0;
    }

    builds = ngx_lu_reconcile_blob(followed, LU_GITHUB_BUILDS);
    rules = ngx_lu_reconcile_blob(followed, LU_GITHUB_RELEASES);

    wait = await->waits.elts;

    for (i = 0; i < await->waits.nelts; i++) {

        if (wait[i].over) {
            continue;
        }

        if (wait[i].builds
            && (github->approved.builds.sha.len == 0
                || (builds
                    && lu_str_is(&github->approved.builds.sha, builds))))
        {
            return 1;
        }

        if (wait[i].rules
            && rules
            && lu_str_is(&github->approved.rules.sha, rules))
        {
            return 1;
        }
    }

    return 0;
}


static const char *
ngx_lu_reconcile_blob(const cJSON *followed, const char *name)
{
    lu_str_t  sha;

    return lu_json_string(cJSON_GetObjectItemCaseSensitive(followed, "files"),
                          name, &sha)
           == LU_OK ? (char *) sha.data : NULL;
}


/* 1 if the last look of this worker has found the same. */

static ngx_uint_t
ngx_lu_reconcile_is_seen(ngx_lu_github_t *github)
{
    u_char          look[NGX_LU_LOOK_SIZE], *p;
    ngx_uint_t      seen;
    ngx_lu_jobs_t  *jobs;

    jobs = github->job->jobs;

    p = ngx_snprintf(look, NGX_LU_LOOK_SIZE - 1, "%s %*s %*s",
                     github->approved.commit,
                     github->approved.builds.sha.len,
                     github->approved.builds.sha.data,
                     github->approved.rules.sha.len,
                     github->approved.rules.sha.data);
    *p = '\0';

    seen = (ngx_strcmp(look, jobs->look) == 0);

    ngx_memcpy(jobs->look, look, NGX_LU_LOOK_SIZE);

    return seen;
}


/* The file of the job stays: the next look is at its time, or when asked. */

static void
ngx_lu_reconcile_again(ngx_lu_job_t *job)
{
    ngx_msec_t      wait, retry;
    ngx_lu_jobs_t  *jobs;

    jobs = job->jobs;
    retry = ngx_min(jobs->fetch->retry, NGX_LU_RECONCILE_WAIT);

    wait = ngx_min((retry / 4) << ngx_min(jobs->looks, 10), 2 * retry);

    jobs->looks++;
    jobs->look_next = ngx_current_msec + wait;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "GitHub may not show the last push yet, asking again in "
                  "%M ms", wait);

    jobs->github_attempts = 0;

    ngx_lu_job_free(job);
}


static void
ngx_lu_reconcile_done(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_github_t  *github;

    github = job->github;

    if (status == NGX_OK || status == NGX_AGAIN) {
        ngx_lu_reconcile_log(github);
    }

    if (status == NGX_AGAIN) {
        ngx_lu_reconcile_again(job);
        return;
    }

    ngx_lu_job_end(job);
}


static void
ngx_lu_reconcile_log(ngx_lu_github_t *github)
{
    lu_str_t             error;
    const cJSON         *item;
    ngx_lu_reconcile_t  *reconcile;

    reconcile = github->reconcile;

    if (reconcile->error) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "commit %s on GitHub cannot be followed: %s",
                      github->approved.commit, reconcile->error);
    }

    cJSON_ArrayForEach(item, reconcile->errors) {

        if (lu_json_string(item, "error", &error) == LU_OK) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "commit %s on GitHub cannot be followed completely: "
                          "%s", github->approved.commit, error.data);
        }
    }

    if (reconcile->nerrors
        > (ngx_uint_t) cJSON_GetArraySize(reconcile->errors))
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "commit %s on GitHub has %ui errors in all",
                      github->approved.commit, reconcile->nerrors);
    }
}


/* Writes github.json of each app: what came of the commit. */

static ngx_int_t
ngx_lu_reconcile_step(ngx_lu_step_t *step)
{
    ngx_int_t            status;
    ngx_lu_task_t       *task;
    ngx_lu_github_t     *github;
    ngx_lu_follow_t      follow;
    ngx_lu_reconcile_t  *reconcile;

    task = &step->task;
    task->by = "github";

    ngx_lu_expiry_note(step);

    github = step->job->github;
    reconcile = github->reconcile;

    ngx_memzero(&follow, sizeof(ngx_lu_follow_t));

    follow.task = task;
    follow.approved = &github->approved;

    status = ngx_lu_reconcile_follow(step, &follow);

    /* the step may have been run before, and found a lock busy */

    cJSON_Delete(reconcile->errors);

    reconcile->errors = follow.errors;
    reconcile->nerrors = follow.nerrors;

    /* the changes have their entries in the audit log already */

    task->change = NULL;

    /* only another commit can help what cannot be followed: no other try */

    if (status >= NGX_HTTP_BAD_REQUEST
        && status < NGX_HTTP_INTERNAL_SERVER_ERROR)
    {
        reconcile->error = ngx_lu_reply_sentence(step->job->pool,
                                                 &task->error);

        status = reconcile->error ? NGX_OK : ngx_lu_task_nomem(task);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_write(step, &follow);
    }

    if (status != NGX_OK) {
        return status;
    }

    return (reconcile->unsure && !reconcile->last)
           ? NGX_AGAIN : ngx_lu_reconcile_over(step);
}


/* What was followed is written down behind what was done. */

static ngx_int_t
ngx_lu_reconcile_follow(ngx_lu_step_t *step, ngx_lu_follow_t *follow)
{
    u_char              *commit;
    cJSON               *before, *tree;
    ngx_int_t            status;
    lu_error_t           why;
    ngx_lu_github_t     *github;
    ngx_lu_reconcile_t  *reconcile;

    github = step->job->github;
    reconcile = github->reconcile;

    before = NULL;

    follow->begin = ngx_lu_reconcile_change;
    follow->data = github;
    follow->begun = cJSON_GetObjectItemCaseSensitive(reconcile->followed,
                                                     "begun");

    if (cJSON_HasObjectItem(reconcile->followed, "builds")) {
        follow->followed = reconcile->followed;

    } else if (reconcile->builds.text.len) {

        before = cJSON_CreateObject();

        if (lu_github_builds(&reconcile->builds.text, &tree, &why) == LU_OK) {
            (void) lu_json_set(before, "builds", tree);
        }

        if (lu_github_rules(&reconcile->rules.text, &tree, &why) == LU_OK) {
            (void) lu_json_set(before, "rules", tree);
        }

        follow->before = cJSON_GetObjectItemCaseSensitive(before, "builds");

        /* or else nobody has followed the commit before, as far as we know */

        if (reconcile->upgraded && follow->before) {
            follow->followed = before;
        }
    }

    status = ngx_lu_follow(follow);

    cJSON_Delete(before);

    if (status != NGX_OK) {
        cJSON_Delete(follow->now);
        return status;
    }

    /* a file that may be an old one is compared with this one again */

    commit = github->approved.commit;

    if (!reconcile->last && github->await->followed
        && ngx_lu_reconcile_is_old(github))
    {
        commit = github->await->followed;
    }

    return ngx_lu_followed_write(&step->task, github, commit, follow->now);
}


static ngx_int_t
ngx_lu_reconcile_change(ngx_lu_follow_t *follow, cJSON *begun)
{
    ngx_lu_github_t *github = follow->data;

    return ngx_lu_followed_begin(follow->task, github,
                                 github->reconcile->followed, begun);
}


static ngx_int_t
ngx_lu_reconcile_write(ngx_lu_step_t *step, const ngx_lu_follow_t *follow)
{
    ngx_int_t            rc;
    ngx_str_t           *app;
    ngx_uint_t           i;
    ngx_lu_github_t     *github;
    ngx_lu_reconcile_t  *reconcile;

    github = step->job->github;
    reconcile = github->reconcile;

    if (reconcile->last
        && reconcile->error == NULL
        && (github->await->stale || github->await->nunknown))
    {
        reconcile->error = ngx_lu_format(step->job->pool,
                               "GitHub announced a commit that its API does "
                               "not show: let GitHub deliver the last push "
                               "again.");

        if (reconcile->error == NULL) {
            return ngx_lu_task_nomem(&step->task);
        }
    }

    rc = NGX_OK;
    app = follow->apps.elts;

    for (i = 0; i < follow->apps.nelts && rc == NGX_OK; i++) {
        rc = ngx_lu_reconcile_write_app(step, &app[i]);
    }

    return rc;
}


/* The errors that are about this app, or about none. */

static ngx_int_t
ngx_lu_reconcile_write_app(ngx_lu_step_t *step, const ngx_str_t *app)
{
    cJSON               *json, *errors;
    u_char              *path;
    lu_put_t             put;
    lu_str_t             name, text;
    ngx_int_t            rc;
    const cJSON         *item;
    ngx_lu_task_t       *task;
    ngx_lu_github_t     *github;
    ngx_lu_reconcile_t  *reconcile;

    task = &step->task;
    github = step->job->github;
    reconcile = github->reconcile;

    lu_put_init(&put);

    json = cJSON_CreateObject();
    errors = cJSON_CreateArray();

    lu_put_string(&put, json, "at", task->now);
    lu_put_string(&put, json, "commit", (char *) github->approved.commit);

    cJSON_ArrayForEach(item, reconcile->errors) {

        if (lu_json_string(item, "app", &name) == LU_OK
            && !lu_str_is(&name, (char *) app->data))
        {
            continue;
        }

        lu_put_item(&put, errors, NULL, cJSON_Duplicate(item, 1));
    }

    ngx_str_null(&text);

    if (reconcile->error) {
        text = lu_str((char *) reconcile->error);

    } else if (errors && errors->child) {
        (void) lu_json_string(errors->child, "error", &text);
    }

    if (text.len) {
        lu_put_str(&put, json, "error", &text);
    }

    if (errors && errors->child) {
        lu_put_item(&put, json, "errors", errors);

    } else {
        cJSON_Delete(errors);
    }

    json = lu_put_done(&put, json);

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path(&task->io, "%V/apps/%V/github.json",
                       &task->store->path, app);

    rc = ngx_lu_file_write_json(&task->io, task->store, path, json);

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


/* An outage: the last commit stays, and the reason is told beside it. */

static ngx_int_t
ngx_lu_reconcile_tell(ngx_lu_step_t *step)
{
    return ngx_lu_app_each(&step->task, ngx_lu_reconcile_tell_app, step);
}


static ngx_int_t
ngx_lu_reconcile_tell_app(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_step_t *step = data;

    cJSON      *json;
    u_char     *path;
    lu_str_t    id, error;
    lu_put_t    put;
    ngx_int_t   rc;

    if (lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    path = ngx_lu_path(&task->io, "%V/apps/%s/github.json",
                       &task->store->path, id.data);

    rc = ngx_lu_file_read_json(&task->io, path, &json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        json = cJSON_CreateObject();
    }

    if (lu_json_string(json, "error", &error) == LU_OK
        && lu_str_is(&error, (char *) step->job->reason))
    {
        cJSON_Delete(json);
        return NGX_OK;
    }

    lu_put_init(&put);

    lu_put_string(&put, json, "at", task->now);
    lu_put_string(&put, json, "error", (char *) step->job->reason);

    cJSON_DeleteItemFromObjectCaseSensitive(json, "errors");

    json = lu_put_done(&put, json);

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_write_json(&task->io, task->store, path, json);

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


/* Ends the job, unless somebody has asked again since it was claimed. */

static ngx_int_t
ngx_lu_reconcile_over(ngx_lu_step_t *step)
{
    ngx_int_t        rc, status;
    ngx_lu_job_t    *job;
    ngx_lu_lock_t   *lock;
    ngx_file_info_t  fi;

    job = step->job;

    status = ngx_lu_reconcile_lock(&step->task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    rc = ngx_lu_file_info(&step->task.io, job->path, &fi);

    if (rc == NGX_ERROR) {
        status = ngx_lu_task_failed(&step->task);

    } else if (rc == NGX_OK && ngx_file_size(&fi) == job->seen) {
        status = ngx_lu_job_remove(step);
    }

    ngx_lu_lock_release(lock);

    return status;
}


/* Whoever asks makes the file longer, so that its size counts the asking. */

ngx_int_t
ngx_lu_reconcile_ask(ngx_lu_task_t *task, const lu_github_event_t *event)
{
    u_char  *path, *line;

    path = ngx_lu_path(&task->io, "%V/jobs/github", &task->store->path);
    line = ngx_lu_await_line(&task->io, event);

    if (line == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_file_append(&task->io, path, (char *) line,
                              ngx_strlen(line))
           == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_reconcile_lock(ngx_lu_task_t *task, ngx_lu_lock_t **lock)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/jobs/.lock", &task->store->path);

    return ngx_lu_lock(&task->io, task->store, path, lock) == NGX_OK
           ? NGX_OK : ngx_lu_task_failed(task);
}
