
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was approved in the repository becomes what is released: first it is
 * seen whether all of it can be done, then each app is changed.
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_job.h"

#include "core/lu_builds.h"
#include "core/lu_github.h"


typedef struct {
    cJSON                 *builds;
    cJSON                 *rules;
    ngx_array_t            apps;         /* of ngx_str_t, terminated */
    ngx_str_t             *app;          /* whose rules these are */
    ngx_uint_t             pending;      /* builds in rules, not staged yet */
    lu_error_t             rejected;     /* a build that is listed, too */
} ngx_lu_reconcile_t;


static ngx_int_t ngx_lu_reconcile_parse(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_app(ngx_lu_call_t *call, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_reconcile_check(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_check_rules(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_check_rule(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec, const cJSON *rule, const char *key);
static ngx_int_t ngx_lu_reconcile_where(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec, const char *id, ngx_str_t **app,
    const char **state);
static ngx_int_t ngx_lu_reconcile_state(ngx_lu_call_t *call, ngx_str_t *app,
    const char *id, const char **state);
static ngx_int_t ngx_lu_reconcile_promote(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_rules(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_set(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_reconcile_withdraw(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec);
static ngx_int_t ngx_lu_reconcile_removed(ngx_lu_call_t *call,
    ngx_lu_reconcile_t *rec, const cJSON *app);
static ngx_lu_call_t *ngx_lu_reconcile_call(ngx_lu_call_t *call,
    const u_char *app, const char *id);
static ngx_int_t ngx_lu_reconcile_run(ngx_lu_call_t *call, ngx_lu_call_t *one,
    ngx_int_t status);


ngx_int_t
ngx_lu_reconcile(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_lu_reconcile_t  rec;

    ngx_memzero(&rec, sizeof(ngx_lu_reconcile_t));

    call->by = "github";

    if (ngx_array_init(&rec.apps, call->io.pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return ngx_lu_nomem(call);
    }

    status = ngx_lu_apps_each(call, ngx_lu_reconcile_app, &rec);

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_parse(call, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_check(call, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_check_rules(call, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_promote(call, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_rules(call, &rec);
    }

    if (status == NGX_OK) {
        status = ngx_lu_reconcile_withdraw(call, &rec);
    }

    if (status == NGX_OK && rec.rejected.text) {
        call->error = rec.rejected;
        status = 422;
    }

    /* what cannot be done is no reason to try it again: a commit is */

    if (status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        status = ngx_lu_approved_write(call, &rec.apps, status);
    }

    if (status == NGX_OK) {
        status = ngx_lu_approved_over(call);
    }

    cJSON_Delete(rec.builds);
    cJSON_Delete(rec.rules);

    return status;
}


/* All apps of the store: a repository's builds may be of more than one. */

static ngx_int_t
ngx_lu_reconcile_app(ngx_lu_call_t *call, cJSON *app, void *data)
{
    ngx_lu_reconcile_t *rec = data;

    ngx_str_t  *name;
    lu_str_t    id;

    if (lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    name = ngx_array_push(&rec->apps);
    if (name == NULL) {
        return ngx_lu_nomem(call);
    }

    name->data = ngx_lu_path(call->io.pool, "%s", id.data);
    name->len = id.len;

    return name->data ? NGX_OK : ngx_lu_nomem(call);
}


static ngx_int_t
ngx_lu_reconcile_parse(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    ngx_int_t           status;
    lu_arena_t          arena;
    lu_desktop_t        desktop;
    ngx_lu_approved_t  *approved;

    approved = call->job->approved;

    if (approved->builds.len == 0) {
        return ngx_lu_refuse(call, 422,
                             "There is no "
                             LU_GITHUB_BUILDS
                             " in the base branch, or it is "
                             "empty.");
    }

    status = ngx_lu_core_status(call,
                 lu_github_builds(&approved->builds, &rec->builds,
                                  &call->error));
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_core_status(call,
                                lu_github_rules(&approved->rules, &rec->rules,
                                                &call->error));
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(call->io.pool);

    return ngx_lu_core_status(call,
               lu_desktop_parse(&arena, NULL, rec->rules, &desktop,
                                &call->error));
}


/*
 * Nothing is changed by a list that names a build which is not here.  One that
 * was rejected stays so, and does not keep the others.
 */

static ngx_int_t
ngx_lu_reconcile_check(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    cJSON       *build, *next;
    ngx_int_t    status;
    ngx_str_t   *app;
    const char  *state;
    lu_str_t     id;
    lu_arena_t   arena;

    arena = ngx_lu_arena(call->io.pool);

    for (build = rec->builds->child; build; build = next) {

        next = build->next;

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(rec->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_reconcile_where(call, rec, (char *) id.data, &app,
                                        &state);
        if (status != NGX_OK) {
            return status;
        }

        if (app == NULL) {
            (void) lu_error(&call->error, &id, "is listed in " LU_GITHUB_BUILDS
                            ", but there is no such release here");
            return 422;
        }

        if (ngx_strcmp(state, "rejected") == 0) {

            id = lu_str_dup(&arena, id.data, id.len);
            if (id.data == NULL) {
                return ngx_lu_nomem(call);
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
ngx_lu_reconcile_check_rules(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    ngx_int_t     status;
    const cJSON  *rule;

    status = ngx_lu_reconcile_check_rule(call, rec, rec->rules,
                                         "latestReleaseBuildId");

    cJSON_ArrayForEach(rule,
                       cJSON_GetObjectItemCaseSensitive(rec->rules,
                                                      "releaseRedirections"))
    {
        if (status != NGX_OK) {
            break;
        }

        status = ngx_lu_reconcile_check_rule(call, rec, rule, "buildId");
    }

    return status;
}


static ngx_int_t
ngx_lu_reconcile_check_rule(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec,
    const cJSON *rule, const char *key)
{
    ngx_int_t    status;
    ngx_str_t   *app;
    const char  *state;
    lu_str_t     id;

    if (lu_json_string(rule, key, &id) != LU_OK) {
        return NGX_OK;
    }

    status = ngx_lu_reconcile_where(call, rec, (char *) id.data, &app, &state);
    if (status != NGX_OK) {
        return status;
    }

    if (app == NULL) {
        (void) lu_error(&call->error, &id, "is in " LU_GITHUB_RELEASES
                        ", but there is no such release here");
        return 422;
    }

    if (rec->app && rec->app != app) {
        (void) lu_error(&call->error, &id, "is in " LU_GITHUB_RELEASES
                        ", but is a build of another app than the latest one");
        return 422;
    }

    rec->app = app;

    if (lu_github_has_build(rec->builds, (char *) id.data)
        && ngx_strcmp(state, "staged") != 0
        && ngx_strcmp(state, "live") != 0
        && ngx_strcmp(state, "withdrawn") != 0)
    {
        rec->pending++;
    }

    return NGX_OK;
}


/* The app that has the release, NULL if none has. */

static ngx_int_t
ngx_lu_reconcile_where(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec,
    const char *id, ngx_str_t **app, const char **state)
{
    ngx_int_t    status;
    ngx_str_t   *apps;
    ngx_uint_t   i;

    apps = rec->apps.elts;

    for (i = 0; i < rec->apps.nelts; i++) {

        status = ngx_lu_reconcile_state(call, &apps[i], id, state);
        if (status != NGX_OK) {
            return status;
        }

        if (*state) {
            *app = &apps[i];
            return NGX_OK;
        }
    }

    *app = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_state(ngx_lu_call_t *call, ngx_str_t *app, const char *id,
    const char **state)
{
    cJSON       *tree, *release;
    u_char      *path;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const char  *places[] = { "live", "staging", "live", NULL };

    *state = NULL;

    for (i = 0; places[i]; i++) {

        path = ngx_lu_path(call->io.pool, "%V/%s/%V/%s/release.json",
                           &call->store->path, places[i], app, id);

        rc = ngx_lu_store_read_json(&call->io, path, &release);

        if (rc == NGX_ERROR) {
            return ngx_lu_failed(call);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (!ngx_lu_is_desktop(release)) {
            cJSON_Delete(release);
            return NGX_OK;
        }

        path = ngx_lu_path(call->io.pool, "%V/apps/%V/app.json",
                           &call->store->path, app);

        rc = ngx_lu_store_read_json(&call->io, path, &tree);

        if (rc != NGX_OK) {
            cJSON_Delete(release);
            return ngx_lu_unread(call, rc);
        }

        *state = (char *) ngx_lu_path(call->io.pool, "%s",
                                      ngx_lu_release_state(tree, release,
                                                           places[i]));
        cJSON_Delete(tree);
        cJSON_Delete(release);

        return *state ? NGX_OK : ngx_lu_nomem(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_promote(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    ngx_int_t       status;
    ngx_str_t      *app;
    const char     *state;
    const cJSON    *build;
    lu_str_t        id;
    ngx_lu_call_t  *one;

    cJSON_ArrayForEach(build, rec->builds) {

        (void) lu_json_string(build, "id", &id);

        if (!lu_github_has_build(rec->builds, (char *) id.data)) {
            continue;
        }

        status = ngx_lu_reconcile_where(call, rec, (char *) id.data, &app,
                                        &state);
        if (status != NGX_OK) {
            return status;
        }

        /* what was withdrawn comes back */

        if (app == NULL
            || (ngx_strcmp(state, "staged") != 0
                && ngx_strcmp(state, "withdrawn") != 0))
        {
            continue;
        }

        one = ngx_lu_reconcile_call(call, app->data, (char *) id.data);
        if (one == NULL) {
            return ngx_lu_nomem(call);
        }

        status = ngx_lu_reconcile_run(call, one,
                                      ngx_lu_release_promote_post(one));
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* As long as one of their builds is on its way, rules stay what they are. */

static ngx_int_t
ngx_lu_reconcile_rules(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    ngx_lu_call_t  *one;

    if (rec->app == NULL || rec->pending) {
        return NGX_OK;
    }

    one = ngx_lu_reconcile_call(call, rec->app->data, NULL);
    if (one == NULL) {
        return ngx_lu_nomem(call);
    }

    one->data = rec;

    return ngx_lu_reconcile_run(call, one,
                                ngx_lu_change(one, ngx_lu_reconcile_set));
}


static ngx_int_t
ngx_lu_reconcile_set(ngx_lu_call_t *call,
    cJSON *app)
{
    cJSON               *was, *rules;
    ngx_int_t            status;
    lu_arena_t           arena;
    ngx_lu_reconcile_t  *rec;

    rec = call->data;

    call->change = "rules.update";
    call->subject = (char *) call->route.app.data;

    rules = lu_github_rules_of(rec->rules, rec->builds, lu_builds_latest(app));
    if (rules == NULL) {
        return ngx_lu_nomem(call);
    }

    was = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(app,
                                                         "desktopReleases"),
                          1);

    arena = ngx_lu_arena(call->io.pool);

    status = ngx_lu_core_status(call,
                 lu_builds_set_rules(app, rules, &arena, &call->error));

    if (status == NGX_OK
        && cJSON_Compare(was,
                         cJSON_GetObjectItemCaseSensitive(app,
                                                         "desktopReleases"),
                         1))
    {
        /* it is so already, and nothing is to be written */

        status = NGX_HTTP_NOT_MODIFIED;
    }

    cJSON_Delete(was);
    cJSON_Delete(rules);

    return status;
}


static ngx_int_t
ngx_lu_reconcile_withdraw(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec)
{
    cJSON          *app;
    ngx_int_t       status;
    ngx_str_t      *apps;
    ngx_uint_t      i;
    ngx_lu_call_t  *one;

    apps = rec->apps.elts;

    for (i = 0; i < rec->apps.nelts; i++) {

        one = ngx_lu_reconcile_call(call, apps[i].data, NULL);
        if (one == NULL) {
            return ngx_lu_nomem(call);
        }

        status = ngx_lu_app_read(one, &app);

        if (status == NGX_HTTP_NOT_FOUND) {
            continue;
        }

        if (status != NGX_OK) {
            return ngx_lu_reconcile_run(call, one, status);
        }

        status = ngx_lu_reconcile_removed(call, rec, app);

        cJSON_Delete(app);

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_reconcile_removed(ngx_lu_call_t *call, ngx_lu_reconcile_t *rec,
    const cJSON *app)
{
    ngx_int_t       status;
    const cJSON    *build;
    lu_str_t        app_id, id;
    ngx_lu_call_t  *one;

    (void) lu_json_string(app, "id", &app_id);

    cJSON_ArrayForEach(build,
                       cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds"))
    {
        if (lu_json_string(build, "id", &id) != LU_OK
            || lu_github_has_build(rec->builds, (char *) id.data))
        {
            continue;
        }

        one = ngx_lu_reconcile_call(call, app_id.data, (char *) id.data);
        if (one == NULL) {
            return ngx_lu_nomem(call);
        }

        status = ngx_lu_reconcile_run(call, one,
                                      ngx_lu_release_withdraw_post(one));
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_lu_call_t *
ngx_lu_reconcile_call(ngx_lu_call_t *call, const u_char *app, const char *id)
{
    lu_arena_t      arena;
    ngx_lu_call_t  *one;

    one = ngx_lu_call_of_job(call->job, call->io.pool);
    if (one == NULL) {
        return NULL;
    }

    arena = ngx_lu_arena(call->io.pool);

    one->by = call->by;
    one->listed = 1;
    one->route.app = lu_str_dup(&arena, app, ngx_strlen(app));
    one->route.id = lu_str_dup(&arena, id ? id : "", id ? ngx_strlen(id) : 0);
    one->subject = (char *) one->route.id.data;

    return one->route.app.data && one->route.id.data ? one : NULL;
}


/* Its error becomes that of the whole. */

static ngx_int_t
ngx_lu_reconcile_run(ngx_lu_call_t *call, ngx_lu_call_t *one, ngx_int_t status)
{
    cJSON_Delete(one->answer);
    one->answer = NULL;

    if (status < NGX_HTTP_BAD_REQUEST) {
        return NGX_OK;
    }

    call->error = one->error;
    call->io.err = one->io.err;
    call->io.operation = one->io.operation;
    call->io.path = one->io.path;

    return status;
}
