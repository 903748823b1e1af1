
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_follow.h"

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


/* The files, parsed, and what was found out about them. */

typedef struct {
    ngx_lu_task_t            *task;
    const ngx_lu_approved_t  *approved;
    ngx_array_t              *apps;      /* of ngx_str_t, terminated */
    cJSON                    *builds;
    cJSON                    *rules;
    ngx_str_t                *app;       /* that the rules are for, or NULL */
    ngx_uint_t                pending;   /* builds in rules, not staged yet */
    lu_error_t                rejected;  /* a build that is listed, too */
} ngx_lu_follow_t;


static ngx_int_t ngx_lu_follow_all(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_app(ngx_lu_task_t *task, cJSON *app, void *data);
static ngx_int_t ngx_lu_follow_parse(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_check(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_check_rules(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_check_rule(ngx_lu_follow_t *follow,
    const cJSON *rule, const char *key);
static ngx_int_t ngx_lu_follow_where(ngx_lu_follow_t *follow, const char *id,
    ngx_str_t **app, lu_state_e *state);
static ngx_int_t ngx_lu_follow_state(ngx_lu_follow_t *follow, ngx_str_t *app,
    const char *id, lu_state_e *state);
static ngx_int_t ngx_lu_follow_promote(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_rules(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_set(ngx_lu_task_t *task, cJSON *app, void *data);
static ngx_int_t ngx_lu_follow_withdraw(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_removed(ngx_lu_follow_t *follow,
    ngx_str_t *name, const cJSON *app);
static ngx_int_t ngx_lu_follow_of(ngx_lu_follow_t *follow, ngx_str_t *app,
    const char *id);


ngx_int_t
ngx_lu_follow(ngx_lu_task_t *task, const ngx_lu_approved_t *approved,
    ngx_array_t *apps)
{
    ngx_int_t        status;
    lu_arena_t       arena;
    lu_error_t      *err;
    ngx_lu_follow_t  follow;

    ngx_memzero(&follow, sizeof(ngx_lu_follow_t));

    follow.task = task;
    follow.approved = approved;
    follow.apps = apps;

    status = ngx_lu_follow_all(&follow);

    if (status == NGX_OK && follow.rejected.text) {
        task->error = follow.rejected;
        status = 422;
    }

    /* the subject may be a part of the trees */

    err = &task->error;

    if (status != NGX_OK && err->subject.len) {
        arena = ngx_lu_arena(task->io.pool);
        err->subject = lu_str_dup(&arena, err->subject.data, err->subject.len);

        if (err->subject.data == NULL) {
            status = ngx_lu_task_nomem(task);
        }
    }

    cJSON_Delete(follow.builds);
    cJSON_Delete(follow.rules);

    return status;
}


static ngx_int_t
ngx_lu_follow_all(ngx_lu_follow_t *follow)
{
    ngx_int_t  status;

    status = ngx_lu_app_each(follow->task, ngx_lu_follow_app, follow);

    if (status == NGX_OK) {
        status = ngx_lu_follow_parse(follow);
    }

    if (status == NGX_OK) {
        status = ngx_lu_follow_check(follow);
    }

    if (status == NGX_OK) {
        status = ngx_lu_follow_check_rules(follow);
    }

    /* up to here nothing was changed */

    if (status == NGX_OK) {
        status = ngx_lu_follow_promote(follow);
    }

    if (status == NGX_OK) {
        status = ngx_lu_follow_rules(follow);
    }

    if (status == NGX_OK) {
        status = ngx_lu_follow_withdraw(follow);
    }

    return status;
}


/* A repository may approve builds of several apps, so all are looked at. */

static ngx_int_t
ngx_lu_follow_app(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_follow_t *follow = data;

    lu_str_t    id;
    ngx_str_t  *name;

    if (lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    name = ngx_array_push(follow->apps);
    if (name == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name->data = ngx_lu_format(task->io.pool, "%s", id.data);
    name->len = id.len;

    return name->data ? NGX_OK : ngx_lu_task_nomem(task);
}


static ngx_int_t
ngx_lu_follow_parse(ngx_lu_follow_t *follow)
{
    lu_rc_e                   rc;
    lu_arena_t                arena;
    lu_desktop_t              desktop;
    ngx_lu_task_t            *task;
    const ngx_lu_approved_t  *approved;

    task = follow->task;
    approved = follow->approved;

    if (approved->builds.len == 0) {
        return ngx_lu_task_refuse(task, 422,
                                  "The base branch has no "
                                  LU_GITHUB_BUILDS ", or it is empty.");
    }

    rc = lu_github_builds(&approved->builds, &follow->builds, &task->error);

    if (rc == LU_OK) {
        rc = lu_github_rules(&approved->rules, &follow->rules, &task->error);
    }

    if (rc == LU_OK) {
        arena = ngx_lu_arena(task->io.pool);

        rc = lu_desktop_parse(&arena, NULL, follow->rules, &desktop,
                              &task->error);
    }

    return ngx_lu_task_core(task, rc);
}


/*
 * A list that names an unknown build changes nothing.  A rejected build stays
 * rejected and is taken out of the list, so that the others are followed.
 */

static ngx_int_t
ngx_lu_follow_check(ngx_lu_follow_t *follow)
{
    cJSON      *build, *next;
    lu_str_t    id;
    ngx_int_t   status;
    ngx_str_t  *app;
    lu_state_e  state;
    lu_arena_t  arena;

    arena = ngx_lu_arena(follow->task->io.pool);

    for (build = follow->builds->child; build; build = next) {

        next = build->next;

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(follow->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_follow_where(follow, (char *) id.data, &app, &state);
        if (status != NGX_OK) {
            return status;
        }

        if (app == NULL) {
            (void) lu_error(&follow->task->error, &id,
                            "is listed in " LU_GITHUB_BUILDS
                            ", but there is no such release here");
            return 422;
        }

        if (state == LU_STATE_REJECTED) {

            id = lu_str_dup(&arena, id.data, id.len);
            if (id.data == NULL) {
                return ngx_lu_task_nomem(follow->task);
            }

            (void) lu_error(&follow->rejected, &id,
                            "is listed in " LU_GITHUB_BUILDS
                            ", but was rejected");

            cJSON_Delete(cJSON_DetachItemViaPointer(follow->builds, build));
        }
    }

    return NGX_OK;
}


/*
 * The rules must name known builds of a single app.  Rules for builds that are
 * not listed go with these builds.
 */

static ngx_int_t
ngx_lu_follow_check_rules(ngx_lu_follow_t *follow)
{
    ngx_int_t     status;
    const cJSON  *rule;

    status = ngx_lu_follow_check_rule(follow, follow->rules,
                                      "latestReleaseBuildId");

    cJSON_ArrayForEach(rule,
                       cJSON_GetObjectItemCaseSensitive(follow->rules,
                                                        "releaseRedirections"))
    {
        if (status != NGX_OK) {
            break;
        }

        status = ngx_lu_follow_check_rule(follow, rule, "buildId");
    }

    return status;
}


static ngx_int_t
ngx_lu_follow_check_rule(ngx_lu_follow_t *follow, const cJSON *rule,
    const char *key)
{
    lu_str_t    id;
    ngx_int_t   status;
    ngx_str_t  *app;
    lu_state_e  state;

    if (lu_json_string(rule, key, &id) != LU_OK) {
        return NGX_OK;
    }

    status = ngx_lu_follow_where(follow, (char *) id.data, &app, &state);
    if (status != NGX_OK) {
        return status;
    }

    if (app == NULL) {
        (void) lu_error(&follow->task->error, &id, "is in " LU_GITHUB_RELEASES
                        ", but there is no such release here");
        return 422;
    }

    if (follow->app && follow->app != app) {
        (void) lu_error(&follow->task->error, &id, "is in " LU_GITHUB_RELEASES
                        ", but belongs to another app than its other builds");
        return 422;
    }

    follow->app = app;

    if (lu_github_has_build(follow->builds, (char *) id.data)
        && state != LU_STATE_STAGED
        && state != LU_STATE_LIVE
        && state != LU_STATE_WITHDRAWN)
    {
        follow->pending++;
    }

    return NGX_OK;
}


/* Finds the app that has the release; *app is NULL if none has. */

static ngx_int_t
ngx_lu_follow_where(ngx_lu_follow_t *follow, const char *id, ngx_str_t **app,
    lu_state_e *state)
{
    ngx_int_t   status;
    ngx_str_t  *apps;
    ngx_uint_t  i;

    apps = follow->apps->elts;

    for (i = 0; i < follow->apps->nelts; i++) {

        status = ngx_lu_follow_state(follow, &apps[i], id, state);
        if (status != NGX_OK) {
            return status;
        }

        if (*state != LU_STATE_UNKNOWN) {
            *app = &apps[i];
            return NGX_OK;
        }
    }

    *app = NULL;

    /* it may belong to an app that is left out because it is damaged */

    return follow->task->unread ? ngx_lu_task_failed(follow->task) : NGX_OK;
}


static ngx_int_t
ngx_lu_follow_state(ngx_lu_follow_t *follow, ngx_str_t *app, const char *id,
    lu_state_e *state)
{
    cJSON            *tree;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    *state = LU_STATE_UNKNOWN;

    status = ngx_lu_follow_of(follow, app, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(follow->task, id, &release);

    if (status != NGX_OK) {
        return status == NGX_HTTP_NOT_FOUND ? NGX_OK : status;
    }

    if (lu_release_kind(release.json) != LU_KIND_DESKTOP) {
        ngx_lu_release_close(&release);
        return NGX_OK;
    }

    status = ngx_lu_app_read(follow->task, &tree);

    if (status == NGX_OK) {
        *state = ngx_lu_release_state(tree, &release);

        cJSON_Delete(tree);
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_follow_promote(ngx_lu_follow_t *follow)
{
    lu_str_t            id;
    ngx_int_t           status;
    ngx_str_t          *app;
    lu_state_e          state;
    const cJSON        *build;
    ngx_lu_promotion_t  promotion;

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    promotion.listed = 1;

    cJSON_ArrayForEach(build, follow->builds) {

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(follow->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_follow_where(follow, (char *) id.data, &app, &state);
        if (status != NGX_OK) {
            return status;
        }

        /* a withdrawn build that is listed again comes back */

        if (app == NULL
            || (state != LU_STATE_STAGED && state != LU_STATE_WITHDRAWN))
        {
            continue;
        }

        status = ngx_lu_follow_of(follow, app, (char *) id.data);
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_approval_promote(follow->task, &promotion);

        if (status >= NGX_HTTP_BAD_REQUEST) {
            return status;
        }
    }

    return NGX_OK;
}


/* The rules stay as they are while one of their builds is on its way. */

static ngx_int_t
ngx_lu_follow_rules(ngx_lu_follow_t *follow)
{
    ngx_int_t  status;

    if (follow->app == NULL || follow->pending) {
        return NGX_OK;
    }

    status = ngx_lu_follow_of(follow, follow->app, "");
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change(follow->task, ngx_lu_follow_set, NULL, follow);

    return status >= NGX_HTTP_BAD_REQUEST ? status : NGX_OK;
}


static ngx_int_t
ngx_lu_follow_set(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_follow_t *follow = data;

    cJSON      *was, *rules;
    lu_rc_e     rc;
    lu_arena_t  arena;
    ngx_uint_t  same;

    task->change = "rules.update";
    task->subject = (char *) task->app.data;

    rules = lu_github_rules_of(follow->rules, follow->builds,
                               lu_builds_latest(app));
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

    /* rules that have not changed are not written */

    return same ? NGX_HTTP_NOT_MODIFIED : NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_follow_withdraw(ngx_lu_follow_t *follow)
{
    cJSON      *app;
    ngx_int_t   status;
    ngx_str_t  *apps;
    ngx_uint_t  i;

    apps = follow->apps->elts;

    for (i = 0; i < follow->apps->nelts; i++) {

        status = ngx_lu_follow_of(follow, &apps[i], "");
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_app_read(follow->task, &app);

        if (status == NGX_HTTP_NOT_FOUND) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_follow_removed(follow, &apps[i], app);

        cJSON_Delete(app);

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_follow_removed(ngx_lu_follow_t *follow, ngx_str_t *name,
    const cJSON *app)
{
    lu_str_t      id;
    ngx_int_t     status;
    const cJSON  *build, *builds;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(build, builds) {

        if (lu_json_string(build, "id", &id) != LU_OK
            || lu_github_has_build(follow->builds, (char *) id.data))
        {
            continue;
        }

        status = ngx_lu_follow_of(follow, name, (char *) id.data);
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_approval_withdraw(follow->task);

        if (status >= NGX_HTTP_BAD_REQUEST) {
            return status;
        }
    }

    return NGX_OK;
}


/* Makes the task about this app and this release; "" is none. */

static ngx_int_t
ngx_lu_follow_of(ngx_lu_follow_t *follow, ngx_str_t *app, const char *id)
{
    ngx_lu_task_t  *task;

    task = follow->task;

    task->app = ngx_lu_to_core(app);

    task->id.len = ngx_strlen(id);
    task->id.data = ngx_lu_format(task->io.pool, "%s", id);

    if (task->id.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->subject = (char *) task->id.data;
    task->from = NULL;
    task->to = NULL;

    return NGX_OK;
}
