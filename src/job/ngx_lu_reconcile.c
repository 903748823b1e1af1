
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was approved in the repository becomes what is released: first it is
 * seen whether all of it can be done, then each app is changed.
 */


#include "ngx_lu_github.h"
#include "ngx_lu_job.h"
#include "ngx_lu_reconcile.h"

#include "store/ngx_lu_store.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_release.h"

#include "core/lu_builds.h"
#include "core/lu_desktop.h"
#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_release.h"


typedef struct {
    cJSON                 *builds;
    cJSON                 *rules;
    ngx_array_t            apps;         /* of ngx_str_t, terminated */
    ngx_str_t             *app;          /* whose rules these are */
    ngx_uint_t             pending;      /* builds in rules, not staged yet */
    lu_error_t             rejected;     /* a build that is listed, too */
} ngx_lu_reconcile_t;


static void ngx_lu_reconcile_run(ngx_lu_github_t *github);
static void ngx_lu_reconcile_done(ngx_lu_job_t *job, ngx_int_t status);
static ngx_int_t ngx_lu_reconcile_step(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_parse(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_app(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_reconcile_check(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_check_rules(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_check_rule(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec, const cJSON *rule, const char *key);
static ngx_int_t ngx_lu_reconcile_where(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec, const char *id, ngx_str_t **app,
    lu_state_e *state);
static ngx_int_t ngx_lu_reconcile_state(ngx_lu_step_t *step, ngx_str_t *app,
    const char *id, lu_state_e *state);
static ngx_int_t ngx_lu_reconcile_promote(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_rules(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_set(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_reconcile_withdraw(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_removed(ngx_lu_step_t *step,
    ngx_lu_reconcile_t *rec, ngx_str_t *name, const cJSON *app);
static ngx_int_t ngx_lu_reconcile_write(ngx_lu_step_t *step,
    ngx_array_t *apps, ngx_int_t status);
static ngx_int_t ngx_lu_reconcile_over(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_reconcile_of(ngx_lu_step_t *step, ngx_str_t *app,
    const char *id);


ngx_int_t
ngx_lu_reconcile_lock(ngx_lu_task_t *task, ngx_fd_t *lock)
{
    return ngx_lu_store_lock(&task->io,
                             ngx_lu_path(task->io.pool, "%V/jobs/.lock",
                                         &task->store->path),
                             lock);
}


/*
 * To be done, or to be done again: who asks makes the file longer.  There is
 * one job for it, so that no older commit is followed after a newer one.
 */

ngx_int_t
ngx_lu_reconcile_ask(ngx_lu_task_t *task)
{
    u_char  *path;

    path = ngx_lu_path(task->io.pool, "%V/jobs/github",
                       &task->store->path);

    if (ngx_lu_store_append(&task->io, path, "\n", 1) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


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


static ngx_int_t
ngx_lu_reconcile_step(ngx_lu_step_t *step)
{
    ngx_int_t           status;
    ngx_lu_reconcile_t  rec;

    ngx_memzero(&rec, sizeof(ngx_lu_reconcile_t));

    step->task.by = "github";

    if (ngx_array_init(&rec.apps, step->task.io.pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(&step->task);
    }

    status = ngx_lu_app_each(&step->task, ngx_lu_reconcile_app, &rec);

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_parse(step, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_check(step, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_check_rules(step, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_promote(step, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_rules(step, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_withdraw(step, &rec);
    }

    if (status == NGX_OK && rec.rejected.text) {
        step->task.error = rec.rejected;
        status = 422;
    }

    /* each change has an entry of its own */

    step->task.change = NULL;

    /* what cannot be done is no reason to try it again: a commit is */

    if (status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        status = ngx_lu_reconcile_write(step, &rec.apps, status);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_over(step);
    }

    cJSON_Delete(rec.builds);
    cJSON_Delete(rec.rules);

    return status;
}


/* All apps of the store: a repository's builds may be of more than one. */

static ngx_int_t
ngx_lu_reconcile_app(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_reconcile_t *rec = data;

    lu_str_t    id;
    ngx_str_t  *name;

    if (lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    name = ngx_array_push(&rec->apps);
    if (name == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name->data = ngx_lu_path(task->io.pool, "%s", id.data);
    name->len = id.len;

    return name->data ? NGX_OK : ngx_lu_task_nomem(task);
}


static ngx_int_t
ngx_lu_reconcile_parse(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    lu_rc_e             rc;
    lu_arena_t          arena;
    lu_desktop_t        desktop;
    ngx_lu_approved_t  *approved;

    approved = &step->job->github->approved;

    if (approved->builds.len == 0) {
        return ngx_lu_task_refuse(&step->task, 422,
                                  "There is no "
                                  LU_GITHUB_BUILDS
                                  " in the base branch, or it is "
                                  "empty.");
    }

    rc = lu_github_builds(&approved->builds, &rec->builds, &step->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&step->task, rc);
    }

    rc = lu_github_rules(&approved->rules, &rec->rules, &step->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&step->task, rc);
    }

    arena = ngx_lu_arena(step->task.io.pool);

    return ngx_lu_task_core(&step->task,
               lu_desktop_parse(&arena, NULL, rec->rules, &desktop,
                                &step->task.error));
}


/*
 * Nothing is changed by a list that names a build which is not here.  One that
 * was rejected stays so, and does not keep the others.
 */

static ngx_int_t
ngx_lu_reconcile_check(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    cJSON      *build, *next;
    lu_str_t    id;
    ngx_int_t   status;
    ngx_str_t  *app;
    lu_state_e  state;
    lu_arena_t  arena;

    arena = ngx_lu_arena(step->task.io.pool);

    for (build = rec->builds->child; build; build = next) {

        next = build->next;

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(rec->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_reconcile_where(step, rec, (char *) id.data, &app,
                                        &state);
        if (status != NGX_OK) {
            return status;
        }

        if (app == NULL) {
            (void) lu_error(&step->task.error, &id,
                            "is listed in " LU_GITHUB_BUILDS
                            ", but there is no such release here");
            return 422;
        }

        if (state == LU_STATE_REJECTED) {

            id = lu_str_dup(&arena, id.data, id.len);
            if (id.data == NULL) {
                return ngx_lu_task_nomem(&step->task);
            }

            (void) lu_error(&rec->rejected, &id,
                            "is listed in " LU_GITHUB_BUILDS
                            ", but was rejected");

            cJSON_Delete(cJSON_DetachItemViaPointer(rec->builds, build));
        }
    }

    return NGX_OK;
}


/*
 * The rules are of one app, and about builds that are here.  Those that are
 * not listed are about to go, and their rules with them.
 */

static ngx_int_t
ngx_lu_reconcile_check_rules(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    ngx_int_t     status;
    const cJSON  *rule;

    status = ngx_lu_reconcile_check_rule(step, rec, rec->rules,
                                         "latestReleaseBuildId");

    cJSON_ArrayForEach(rule,
                       cJSON_GetObjectItemCaseSensitive(rec->rules,
                                                      "releaseRedirections"))
    {
        if (status != NGX_OK) {
            break;
        }

        status = ngx_lu_reconcile_check_rule(step, rec, rule, "buildId");
    }

    return status;
}


static ngx_int_t
ngx_lu_reconcile_check_rule(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec,
    const cJSON *rule, const char *key)
{
    lu_str_t    id;
    ngx_int_t   status;
    ngx_str_t  *app;
    lu_state_e  state;

    if (lu_json_string(rule, key, &id) != LU_OK) {
        return NGX_OK;
    }

    status = ngx_lu_reconcile_where(step, rec, (char *) id.data, &app, &state);
    if (status != NGX_OK) {
        return status;
    }

    if (app == NULL) {
        (void) lu_error(&step->task.error, &id, "is in " LU_GITHUB_RELEASES
                        ", but there is no such release here");
        return 422;
    }

    if (rec->app && rec->app != app) {
        (void) lu_error(&step->task.error, &id, "is in " LU_GITHUB_RELEASES
                        ", but is a build of another app than the latest one");
        return 422;
    }

    rec->app = app;

    if (lu_github_has_build(rec->builds, (char *) id.data)
        && state != LU_STATE_STAGED
        && state != LU_STATE_LIVE
        && state != LU_STATE_WITHDRAWN)
    {
        rec->pending++;
    }

    return NGX_OK;
}


/* The app that has the release, NULL if none has. */

static ngx_int_t
ngx_lu_reconcile_where(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec,
    const char *id, ngx_str_t **app, lu_state_e *state)
{
    ngx_int_t   status;
    ngx_str_t  *apps;
    ngx_uint_t  i;

    apps = rec->apps.elts;

    for (i = 0; i < rec->apps.nelts; i++) {

        status = ngx_lu_reconcile_state(step, &apps[i], id, state);
        if (status != NGX_OK) {
            return status;
        }

        if (*state != LU_STATE_UNKNOWN) {
            *app = &apps[i];
            return NGX_OK;
        }
    }

    *app = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_state(ngx_lu_step_t *step, ngx_str_t *app, const char *id,
    lu_state_e *state)
{
    cJSON            *tree;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    *state = LU_STATE_UNKNOWN;

    status = ngx_lu_reconcile_of(step, app, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(&step->task, id, &release);

    if (status != NGX_OK) {
        return status == NGX_HTTP_NOT_FOUND ? NGX_OK : status;
    }

    if (lu_release_kind(release.json) != LU_KIND_DESKTOP) {
        ngx_lu_release_close(&release);
        return NGX_OK;
    }

    status = ngx_lu_app_read(&step->task, &tree);

    if (status == NGX_OK) {
        *state = ngx_lu_release_state(tree, &release);

        cJSON_Delete(tree);
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_reconcile_promote(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    lu_str_t            id;
    ngx_int_t           status;
    ngx_str_t          *app;
    lu_state_e          state;
    const cJSON        *build;
    ngx_lu_promotion_t  promotion;

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    promotion.listed = 1;

    cJSON_ArrayForEach(build, rec->builds) {

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(rec->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_reconcile_where(step, rec, (char *) id.data, &app,
                                        &state);
        if (status != NGX_OK) {
            return status;
        }

        /* what was withdrawn comes back */

        if (app == NULL
            || (state != LU_STATE_STAGED && state != LU_STATE_WITHDRAWN))
        {
            continue;
        }

        status = ngx_lu_reconcile_of(step, app, (char *) id.data);
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_approval_promote(&step->task, &promotion);

        if (status >= NGX_HTTP_BAD_REQUEST) {
            return status;
        }
    }

    return NGX_OK;
}


/* As long as one of their builds is on its way, rules stay what they are. */

static ngx_int_t
ngx_lu_reconcile_rules(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    ngx_int_t  status;

    if (rec->app == NULL || rec->pending) {
        return NGX_OK;
    }

    status = ngx_lu_reconcile_of(step, rec->app, "");
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change(&step->task, ngx_lu_reconcile_set, NULL, rec);

    return status >= NGX_HTTP_BAD_REQUEST ? status : NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_set(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_reconcile_t *rec = data;

    cJSON      *was, *rules;
    lu_rc_e     rc;
    lu_arena_t  arena;
    ngx_uint_t  same;

    task->change = "rules.update";
    task->subject = (char *) task->app.data;

    rules = lu_github_rules_of(rec->rules, rec->builds, lu_builds_latest(app));
    if (rules == NULL) {
        return ngx_lu_task_nomem(task);
    }

    was = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(app,
                                                         "desktopReleases"),
                          1);

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_builds_set_rules(app, rules, &arena, &task->error);

    same = cJSON_Compare(was,
                         cJSON_GetObjectItemCaseSensitive(app,
                                                          "desktopReleases"),
                         1);
    cJSON_Delete(was);
    cJSON_Delete(rules);

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    /* if they are so already, nothing is to be written */

    return same ? NGX_HTTP_NOT_MODIFIED : NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_reconcile_withdraw(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec)
{
    cJSON      *app;
    ngx_int_t   status;
    ngx_str_t  *apps;
    ngx_uint_t  i;

    apps = rec->apps.elts;

    for (i = 0; i < rec->apps.nelts; i++) {

        status = ngx_lu_reconcile_of(step, &apps[i], "");
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_app_read(&step->task, &app);

        if (status == NGX_HTTP_NOT_FOUND) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_reconcile_removed(step, rec, &apps[i], app);

        cJSON_Delete(app);

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_removed(ngx_lu_step_t *step, ngx_lu_reconcile_t *rec,
    ngx_str_t *name, const cJSON *app)
{
    lu_str_t      id;
    ngx_int_t     status;
    const cJSON  *build, *builds;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(build, builds) {

        if (lu_json_string(build, "id", &id) != LU_OK
            || lu_github_has_build(rec->builds, (char *) id.data))
        {
            continue;
        }

        status = ngx_lu_reconcile_of(step, name, (char *) id.data);
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_approval_withdraw(&step->task);

        if (status >= NGX_HTTP_BAD_REQUEST) {
            return status;
        }
    }

    return NGX_OK;
}


/* What the step does next is about this app and this release, or none. */

static ngx_int_t
ngx_lu_reconcile_of(ngx_lu_step_t *step, ngx_str_t *app, const char *id)
{
    ngx_lu_task_t  *task;

    task = &step->task;

    task->app.len = app->len;
    task->app.data = app->data;

    task->id.len = ngx_strlen(id);
    task->id.data = ngx_lu_path(task->io.pool, "%s", id);

    if (task->id.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->subject = (char *) task->id.data;
    task->from = NULL;
    task->to = NULL;

    return NGX_OK;
}


/* For those who ask what came of their commit. */

static ngx_int_t
ngx_lu_reconcile_write(ngx_lu_step_t *step, ngx_array_t *apps, ngx_int_t status)
{
    cJSON      *json;
    u_char     *path, *sentence;
    ngx_int_t   rc;
    ngx_str_t  *app;
    ngx_uint_t  i;

    sentence = NULL;

    if (status != NGX_OK) {
        sentence = ngx_lu_reply_sentence(step->job->pool, &step->task.error);
        if (sentence == NULL) {
            return ngx_lu_task_nomem(&step->task);
        }
    }

    step->job->github->approved.error = sentence;

    json = cJSON_CreateObject();

    if (cJSON_AddStringToObject(json, "at", step->task.now) == NULL
        || cJSON_AddStringToObject(json, "commit",
                                   (char *) step->job->github->approved.commit)
           == NULL
        || (sentence
            && cJSON_AddStringToObject(json, "error", (char *) sentence)
               == NULL))
    {
        cJSON_Delete(json);
        return ngx_lu_task_nomem(&step->task);
    }

    rc = NGX_OK;
    app = apps->elts;

    for (i = 0; i < apps->nelts && rc == NGX_OK; i++) {

        path = ngx_lu_path(step->task.io.pool, "%V/apps/%V/github.json",
                           &step->task.store->path, &app[i]);

        rc = ngx_lu_store_write_json(&step->task.io, step->task.store, path,
                                     json);
    }

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(&step->task);
}


static ngx_int_t
ngx_lu_reconcile_over(ngx_lu_step_t *step)
{
    ngx_fd_t         lock;
    ngx_int_t        rc;
    ngx_lu_job_t    *job;
    ngx_file_info_t  fi;

    job = step->job;

    if (ngx_lu_reconcile_lock(&step->task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(&step->task);
    }

    rc = NGX_OK;

    if (ngx_fd_info(job->claim, &fi) != NGX_FILE_ERROR
        && ngx_file_size(&fi) == job->seen)
    {
        rc = ngx_lu_store_unlink(&step->task.io, job->path);
    }

    ngx_lu_store_unlock(lock);

    return rc == NGX_ERROR ? ngx_lu_task_failed(&step->task) : NGX_OK;
}
