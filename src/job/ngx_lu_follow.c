
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_follow.h"
#include "ngx_lu_follow_rules.h"

#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"

#include "core/lu_desktop.h"
#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


#define NGX_LU_FOLLOW_ERRORS  100      /* that are reported singly */


static ngx_int_t ngx_lu_follow_app(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_follow_parse(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_parse_rules(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_invalid(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_begin(ngx_lu_follow_t *follow);
static ngx_uint_t ngx_lu_follow_is_new(ngx_lu_follow_t *follow,
    const lu_str_t *id);
static ngx_uint_t ngx_lu_follow_is_gone(ngx_lu_follow_t *follow,
    const lu_str_t *id);
static ngx_int_t ngx_lu_follow_state(ngx_lu_follow_t *follow,
    const ngx_str_t *app, const lu_str_t *id, lu_state_e *state);
static ngx_int_t ngx_lu_follow_listed(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_staged(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_build(ngx_lu_follow_t *follow,
    const lu_str_t *id);
static ngx_int_t ngx_lu_follow_promote(ngx_lu_follow_t *follow,
    const ngx_str_t *app, const lu_str_t *id);
static ngx_int_t ngx_lu_follow_withdraw(ngx_lu_follow_t *follow);
static ngx_int_t ngx_lu_follow_removed(ngx_lu_follow_t *follow,
    const ngx_str_t *name, const cJSON *app);
static ngx_int_t ngx_lu_follow_failed(ngx_lu_follow_t *follow,
    const ngx_str_t *app, const lu_str_t *id, const char *what);
static ngx_int_t ngx_lu_follow_damaged(ngx_lu_follow_t *follow,
    ngx_int_t status, const ngx_str_t *app, const lu_str_t *id,
    const char *what);
static ngx_int_t ngx_lu_follow_result(ngx_lu_follow_t *follow);


ngx_int_t
ngx_lu_follow(ngx_lu_follow_t *follow)
{
    size_t      i;
    ngx_int_t   status;

    static ngx_int_t  (*const steps[])(ngx_lu_follow_t *follow) = {
        ngx_lu_follow_parse,
        ngx_lu_follow_invalid,
        ngx_lu_follow_begin,

        /* up to here nothing was changed */

        ngx_lu_follow_listed,
        ngx_lu_follow_staged,
        ngx_lu_follow_rules,
        ngx_lu_follow_withdraw,
        ngx_lu_follow_result,
        NULL
    };

    follow->errors = cJSON_CreateArray();
    follow->applied = cJSON_CreateArray();
    follow->now = cJSON_CreateObject();

    if (follow->errors == NULL
        || follow->applied == NULL
        || follow->now == NULL
        || ngx_array_init(&follow->apps, follow->task->io.pool, 4,
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        return ngx_lu_task_nomem(follow->task);
    }

    status = ngx_lu_app_each(follow->task, ngx_lu_follow_app, follow);

    for (i = 0; status == NGX_OK && steps[i]; i++) {
        status = steps[i](follow);
    }

    cJSON_Delete(follow->builds);
    cJSON_Delete(follow->rules);
    cJSON_Delete(follow->applied);

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

    name = ngx_array_push(&follow->apps);
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
    lu_rc_e         rc;
    lu_arena_t      arena;
    const cJSON    *was;
    ngx_lu_task_t  *task;

    task = follow->task;
    arena = ngx_lu_arena(task->io.pool);

    if (follow->approved->builds.text.len == 0) {
        return ngx_lu_task_refuse(task, 422,
                                  "The base branch has no "
                                  LU_GITHUB_BUILDS ", or it is empty.");
    }

    rc = lu_github_builds(&follow->approved->builds.text, &follow->builds,
                          &task->error);

    if (rc == LU_OK) {
        rc = lu_listed_parse(&arena, follow->builds, &follow->listed);
    }

    if (rc == LU_OK) {
        was = cJSON_GetObjectItemCaseSensitive(follow->followed, "builds");

        rc = lu_listed_parse(&arena, was, &follow->was);
    }

    if (rc == LU_OK) {
        rc = lu_listed_parse(&arena, follow->before, &follow->earlier);
    }

    if (rc == LU_OK) {
        was = cJSON_GetObjectItemCaseSensitive(follow->begun, "builds");

        rc = lu_listed_parse(&arena, was, &follow->unsure);
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    return ngx_lu_follow_parse_rules(follow);
}


/* Rules that are wrong do not keep builds from being followed. */

static ngx_int_t
ngx_lu_follow_parse_rules(ngx_lu_follow_t *follow)
{
    u_char         *sentence;
    lu_rc_e         rc;
    lu_arena_t      arena;
    lu_error_t      err;
    lu_desktop_t    desktop;
    ngx_lu_task_t  *task;

    task = follow->task;

    if (follow->approved->rules.text.len == 0) {
        return NGX_OK;
    }

    rc = lu_github_rules(&follow->approved->rules.text, &follow->rules, &err);

    if (rc == LU_OK) {
        arena = ngx_lu_arena(task->io.pool);

        rc = lu_desktop_parse(&arena, NULL, follow->rules, &desktop, &err);
    }

    if (rc == LU_OK) {
        return NGX_OK;
    }

    if (rc == LU_NOMEM) {
        return ngx_lu_task_nomem(task);
    }

    sentence = ngx_lu_reply_sentence(task->io.pool, &err);

    if (sentence) {
        sentence = ngx_lu_format(task->io.pool, LU_GITHUB_RELEASES
                                 " was not followed: %s", sentence);
    }

    cJSON_Delete(follow->rules);
    follow->rules = NULL;

    return ngx_lu_follow_report(follow, NULL, NULL, sentence);
}


/*
 * An entry that cannot be read may be meant for any build.  So nothing is
 * withdrawn as long as there is one.
 */

static ngx_int_t
ngx_lu_follow_invalid(ngx_lu_follow_t *follow)
{
    u_char       *sentence;
    lu_listed_t  *listed;

    listed = &follow->listed;

    if (listed->invalid == 0) {
        return NGX_OK;
    }

    sentence = ngx_lu_format(follow->task->io.pool,
                   "Entry %uL of " LU_GITHUB_BUILDS " has no valid \"id\" and "
                   "was skipped. Nothing is withdrawn until this is corrected.",
                   (uint64_t) listed->first);

    follow->nerrors += listed->invalid - 1;

    return ngx_lu_follow_report(follow, NULL, NULL, sentence);
}


/*
 * A crash may come between a change and the end, when it is written down that
 * it was followed.  So what is about to be changed is written down before.
 */

static ngx_int_t
ngx_lu_follow_begin(ngx_lu_follow_t *follow)
{
    size_t        i;
    cJSON        *begun, *builds;
    lu_put_t      put;
    lu_listed_t  *listed, *was, *unsure;

    listed = &follow->listed;
    was = &follow->was;
    unsure = &follow->unsure;

    lu_put_init(&put);

    begun = cJSON_CreateObject();
    builds = lu_put_array(&put, begun, "builds");

    for (i = 0; i < listed->n; i++) {
        if (ngx_lu_follow_is_new(follow, &listed->ids[i])) {
            lu_put_str(&put, builds, NULL, &listed->ids[i]);
        }
    }

    for (i = 0; i < was->n; i++) {
        if (ngx_lu_follow_is_gone(follow, &was->ids[i])) {
            lu_put_str(&put, builds, NULL, &was->ids[i]);
        }
    }

    for (i = 0; i < unsure->n; i++) {
        if (!lu_listed_has(was, &unsure->ids[i])
            && !lu_listed_has(listed, &unsure->ids[i]))
        {
            lu_put_str(&put, builds, NULL, &unsure->ids[i]);
        }
    }

    if (ngx_lu_follow_rules_changed(follow)) {
        lu_put_item(&put, begun, "rules", cJSON_Duplicate(follow->rules, 1));
    }

    if (!put.failed
        && builds->child == NULL
        && !cJSON_HasObjectItem(begun, "rules"))
    {
        cJSON_Delete(begun);
        return NGX_OK;
    }

    begun = lu_put_done(&put, begun);

    return begun ? follow->begin(follow, begun)
                 : ngx_lu_task_nomem(follow->task);
}


/* It was not listed before, a new rule names it, or that was cut short. */

static ngx_uint_t
ngx_lu_follow_is_new(ngx_lu_follow_t *follow, const lu_str_t *id)
{
    return !lu_listed_has(&follow->was, id)
           || lu_listed_has(&follow->unsure, id)
           || ngx_lu_follow_rules_name(follow, id);
}


static ngx_uint_t
ngx_lu_follow_is_gone(ngx_lu_follow_t *follow, const lu_str_t *id)
{
    return !follow->listed.invalid
           && !lu_listed_has(&follow->listed, id)
           && (lu_listed_has(&follow->was, id)
               || lu_listed_has(&follow->earlier, id)
               || lu_listed_has(&follow->unsure, id));
}


static ngx_int_t
ngx_lu_follow_listed(ngx_lu_follow_t *follow)
{
    lu_str_t      id;
    ngx_int_t     status;
    const cJSON  *build;

    cJSON_ArrayForEach(build, follow->builds) {

        if (lu_json_string(build, "id", &id) != LU_OK
            || !lu_listed_has(&follow->listed, &id))
        {
            continue;
        }

        if (!ngx_lu_follow_is_new(follow, &id)) {
            continue;
        }

        status = ngx_lu_follow_build(follow, &id);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/*
 * A listed build that is staged was approved, even if it was listed before: it
 * was deleted here and fetched again.
 */

static ngx_int_t
ngx_lu_follow_staged(ngx_lu_follow_t *follow)
{
    u_char         *path;
    lu_str_t        id;
    ngx_int_t       status;
    ngx_str_t      *app, *name;
    ngx_uint_t      i, k;
    ngx_array_t     names;
    ngx_lu_task_t  *task;

    task = follow->task;
    app = follow->apps.elts;

    for (i = 0; i < follow->apps.nelts; i++) {

        path = ngx_lu_path(&task->io, "%V/staging/%V", &task->store->path,
                           &app[i]);

        if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        name = names.elts;

        for (k = 0; k < names.nelts; k++) {
            id = ngx_lu_to_core(&name[k]);

            if (!lu_listed_has(&follow->listed, &id)
                || !lu_listed_has(&follow->was, &id))
            {
                continue;
            }

            status = ngx_lu_follow_build(follow, &id);
            if (status != NGX_OK) {
                return status;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_follow_build(ngx_lu_follow_t *follow, const lu_str_t *id)
{
    u_char         *sentence;
    lu_put_t        put;
    ngx_int_t       status;
    ngx_str_t      *app;
    lu_state_e      state;
    ngx_lu_task_t  *task;

    task = follow->task;

    status = ngx_lu_follow_where(follow, id, &app, &state);

    if (status != NGX_OK) {
        return app ? ngx_lu_follow_damaged(follow, status, app, id, "followed")
                   : status;
    }

    if (app == NULL) {
        sentence = ngx_lu_format(task->io.pool, "\"%s\" is listed in "
                                 LU_GITHUB_BUILDS ", but there is no such "
                                 "release here.", id->data);

        return ngx_lu_follow_report(follow, NULL, id, sentence);
    }

    if (state == LU_STATE_REJECTED) {
        sentence = ngx_lu_format(task->io.pool, "\"%s\" of app \"%V\" is "
                                 "listed in " LU_GITHUB_BUILDS ", but was "
                                 "rejected.", id->data, app);

        return ngx_lu_follow_report(follow, app, id, sentence);
    }

    /* who has withdrawn a build before the list was followed knew the list */

    if (state == LU_STATE_STAGED
        || (state == LU_STATE_WITHDRAWN
            && (follow->followed || lu_listed_has(&follow->unsure, id))))
    {
        return ngx_lu_follow_promote(follow, app, id);
    }

    if (state != LU_STATE_LIVE && state != LU_STATE_WITHDRAWN) {

        /* it is still on its way */

        return NGX_OK;
    }

    lu_put_init(&put);
    lu_put_str(&put, follow->applied, NULL, id);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


static ngx_int_t
ngx_lu_follow_promote(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *id)
{
    lu_put_t            put;
    ngx_int_t           status;
    ngx_lu_promotion_t  promotion;

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    promotion.listed = 1;

    status = ngx_lu_follow_of(follow, app, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_approval_promote(follow->task, &promotion);

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return ngx_lu_follow_damaged(follow, status, app, id, "promoted");
    }

    if (status >= NGX_HTTP_BAD_REQUEST) {
        return ngx_lu_follow_failed(follow, app, id, "promoted");
    }

    lu_put_init(&put);
    lu_put_str(&put, follow->applied, NULL, id);

    return put.failed ? ngx_lu_task_nomem(follow->task) : NGX_OK;
}


/* Finds the app that has the release; *app is NULL if none has. */

ngx_int_t
ngx_lu_follow_where(ngx_lu_follow_t *follow, const lu_str_t *id,
    ngx_str_t **app, lu_state_e *state)
{
    ngx_int_t   status;
    ngx_str_t  *apps;
    ngx_uint_t  i;

    apps = follow->apps.elts;

    for (i = 0; i < follow->apps.nelts; i++) {

        status = ngx_lu_follow_state(follow, &apps[i], id, state);
        if (status != NGX_OK || *state != LU_STATE_UNKNOWN) {
            *app = &apps[i];
            return status;
        }
    }

    *app = NULL;

    /* it may belong to an app that is left out because it is damaged */

    return follow->task->unread ? ngx_lu_task_failed(follow->task) : NGX_OK;
}


static ngx_int_t
ngx_lu_follow_state(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *id, lu_state_e *state)
{
    cJSON            *tree;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    *state = LU_STATE_UNKNOWN;

    status = ngx_lu_follow_of(follow, app, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(follow->task, (char *) id->data, &release);

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

    return status == NGX_HTTP_NOT_FOUND ? NGX_OK : status;
}


/* Nothing is withdrawn because it is not listed, only if it was before. */

static ngx_int_t
ngx_lu_follow_withdraw(ngx_lu_follow_t *follow)
{
    cJSON       *app;
    ngx_int_t    status;
    ngx_str_t   *apps;
    ngx_uint_t   i;

    static const lu_str_t  none = lu_string("");

    if (follow->listed.invalid) {
        return NGX_OK;
    }

    apps = follow->apps.elts;

    for (i = 0; i < follow->apps.nelts; i++) {

        status = ngx_lu_follow_of(follow, &apps[i], &none);
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
ngx_lu_follow_removed(ngx_lu_follow_t *follow, const ngx_str_t *name,
    const cJSON *app)
{
    lu_str_t      id;
    lu_put_t      put;
    ngx_int_t     status;
    const cJSON  *build, *builds;

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(build, builds) {

        if (lu_json_string(build, "id", &id) != LU_OK
            || !ngx_lu_follow_is_gone(follow, &id))
        {
            continue;
        }

        status = ngx_lu_follow_of(follow, name, &id);
        if (status != NGX_OK) {
            return status;
        }

        status = ngx_lu_approval_withdraw(follow->task);

        if (status < NGX_HTTP_BAD_REQUEST || status == NGX_HTTP_NOT_FOUND) {
            continue;
        }

        status = (status < NGX_HTTP_INTERNAL_SERVER_ERROR)
                 ? ngx_lu_follow_failed(follow, name, &id, "withdrawn")
                 : ngx_lu_follow_damaged(follow, status, name, &id,
                                        "withdrawn");

        if (status != NGX_OK) {
            return status;
        }

        lu_put_init(&put);
        lu_put_str(&put, follow->applied, NULL, &id);

        if (put.failed) {
            return ngx_lu_task_nomem(follow->task);
        }
    }

    return NGX_OK;
}


/* The task's error is the reason. */

static ngx_int_t
ngx_lu_follow_failed(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *id, const char *what)
{
    u_char      *sentence;
    ngx_pool_t  *pool;

    pool = follow->task->io.pool;

    sentence = ngx_lu_reply_sentence(pool, &follow->task->error);

    if (sentence) {
        sentence = ngx_lu_format(pool, "\"%s\" of app \"%V\" was not %s: %s",
                                 id->data, app, what, sentence);
    }

    return ngx_lu_follow_report(follow, app, id, sentence);
}


/* A file that is no JSON stops nothing but its own release. */

static ngx_int_t
ngx_lu_follow_damaged(ngx_lu_follow_t *follow, ngx_int_t status,
    const ngx_str_t *app, const lu_str_t *id, const char *what)
{
    u_char       *sentence;
    ngx_lu_io_t  *io;

    io = &follow->task->io;

    if (io->err != NGX_EINVAL || io->path == NULL) {
        return status;
    }

    sentence = ngx_lu_format(io->pool, "\"%s\" of app \"%V\" was not %s: "
                             "\"%s\" is damaged.",
                             id->data, app, what, io->path);

    ngx_lu_io_clear(io);

    return ngx_lu_follow_report(follow, app, id, sentence);
}


ngx_int_t
ngx_lu_follow_report(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *build, const u_char *sentence)
{
    cJSON     *error;
    lu_str_t   name;
    lu_put_t   put;

    if (sentence == NULL) {
        return ngx_lu_task_nomem(follow->task);
    }

    if (follow->nerrors++ >= NGX_LU_FOLLOW_ERRORS) {
        return NGX_OK;
    }

    lu_put_init(&put);

    error = lu_put_object(&put, follow->errors, NULL);

    if (app) {
        name = ngx_lu_to_core(app);
        lu_put_str(&put, error, "app", &name);
    }

    if (build) {
        lu_put_str(&put, error, "build", build);
    }

    lu_put_string(&put, error, "error", (char *) sentence);

    return put.failed ? ngx_lu_task_nomem(follow->task) : NGX_OK;
}


/*
 * What holds now, for the next time.  A build that could not be promoted is
 * not among it, and one that could not be withdrawn is.
 */

static ngx_int_t
ngx_lu_follow_result(ngx_lu_follow_t *follow)
{
    size_t        i;
    cJSON        *builds;
    lu_put_t      put;
    lu_arena_t    arena;
    lu_listed_t   applied, *was, *listed;

    was = &follow->was;
    listed = &follow->listed;
    arena = ngx_lu_arena(follow->task->io.pool);

    if (lu_listed_parse(&arena, follow->applied, &applied) != LU_OK) {
        return ngx_lu_task_nomem(follow->task);
    }

    lu_put_init(&put);

    builds = lu_put_array(&put, follow->now, "builds");

    for (i = 0; i < listed->n; i++) {
        if (lu_listed_has(was, &listed->ids[i])
            || lu_listed_has(&applied, &listed->ids[i]))
        {
            lu_put_str(&put, builds, NULL, &listed->ids[i]);
        }
    }

    for (i = 0; i < was->n; i++) {
        if (!lu_listed_has(listed, &was->ids[i])
            && (listed->invalid || lu_listed_has(&applied, &was->ids[i])))
        {
            lu_put_str(&put, builds, NULL, &was->ids[i]);
        }
    }

    return put.failed ? ngx_lu_task_nomem(follow->task) : NGX_OK;
}


ngx_int_t
ngx_lu_follow_of(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *id)
{
    ngx_lu_task_t  *task;

    task = follow->task;

    task->app = ngx_lu_to_core(app);

    task->id.len = id->len;
    task->id.data = ngx_lu_format(task->io.pool, "%*s", id->len, id->data);

    if (task->id.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->subject = (char *) task->id.data;
    task->from = NULL;
    task->to = NULL;

    return NGX_OK;
}
