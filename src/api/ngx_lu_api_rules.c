
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_release.h"
#include "ngx_lu_api_rules.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_desktop.h"

#include "core/lu_builds.h"
#include "core/lu_growth.h"
#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_query.h"
#include "core/lu_share.h"
#include "core/lu_time.h"


static ngx_int_t ngx_lu_api_rules_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_rules_set(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_api_rules_dry_run(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_rules_given(ngx_lu_task_t *task, const cJSON *app,
    cJSON *given);
static ngx_uint_t ngx_lu_api_rules_may(const lu_desktop_t *desktop,
    const lu_build_t *build);


ngx_int_t
ngx_lu_api_rules_get(ngx_lu_call_t *call)
{
    cJSON        *app, *json, *rule;
    lu_put_t      put;
    ngx_int_t     status;
    const cJSON  *rules;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    rules = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    json = rules ? cJSON_Duplicate(rules, 1) : cJSON_CreateObject();

    lu_put_init(&put);

    cJSON_ArrayForEach(rule, lu_json_get(json, "releaseRedirections")) {
        lu_growth_put_next(&put, rule, lu_json_get(app, "freezes"),
                           lu_time_of(call->task.now));
    }

    cJSON_Delete(app);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_rules_put(ngx_lu_call_t *call)
{
    lu_str_t  value;

    if (lu_query_find(&call->args, "dry-run", &value)) {
        return ngx_lu_api_rules_dry_run(call);
    }

    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_rules_change, NULL, call);
}


static ngx_int_t
ngx_lu_api_rules_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t     status;
    const cJSON  *rules;

    task->change = "rules.update";
    task->subject = (char *) task->app.data;

    status = ngx_lu_api_rules_set(call, app);
    if (status != NGX_OK) {
        return status;
    }

    rules = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    return ngx_lu_call_answer(call, NGX_HTTP_OK, cJSON_Duplicate(rules, 1));
}


static ngx_int_t
ngx_lu_api_rules_set(ngx_lu_call_t *call, cJSON *app)
{
    lu_rc_e         rc;
    ngx_int_t       status;
    lu_arena_t      arena;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_desktop_learn(task, app);
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_builds_set_rules(app, call->json, task->now, &arena,
                             &task->error);

    return rc == LU_OK ? NGX_OK : ngx_lu_task_core(task, rc);
}


static ngx_int_t
ngx_lu_api_rules_dry_run(ngx_lu_call_t *call)
{
    cJSON          *app, *json, *given;
    double          generation;
    lu_put_t        put;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_number(&put, json, "generation", generation);
    given = lu_put_array(&put, json, "releases");

    status = put.failed ? ngx_lu_task_nomem(task)
                        : ngx_lu_api_rules_set(call, app);

    if (status == NGX_OK) {
        status = ngx_lu_api_rules_given(task, app, given);
    }

    cJSON_Delete(app);

    if (status != NGX_OK) {
        cJSON_Delete(json);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}


/* The builds that somebody gets, each with its shares. */

static ngx_int_t
ngx_lu_api_rules_given(ngx_lu_task_t *task, const cJSON *app, cJSON *given)
{
    cJSON             *item, *shares;
    lu_put_t           put;
    const cJSON       *build;
    lu_desktop_t      *desktop;
    const lu_build_t  *known;
    lu_str_t           id;

    desktop = ngx_lu_api_release_rules(task, app);
    if (desktop == NULL) {
        return ngx_lu_task_nomem(task);
    }

    lu_put_init(&put);

    cJSON_ArrayForEach(build, lu_json_get(app, "desktopBuilds")) {

        if (lu_json_string(build, "id", &id) != LU_OK) {
            continue;
        }

        known = lu_desktop_build_of_id(desktop, &id);

        if (known == NULL || !ngx_lu_api_rules_may(desktop, known)) {
            continue;
        }

        item = lu_put_object(&put, given, NULL);

        lu_put_str(&put, item, "id", &known->id);
        lu_put_str(&put, item, "version", &known->version);

        shares = lu_put_array(&put, item, "shares");

        if (put.failed
            || lu_share_list(shares, app, desktop, build, ngx_time())
               != LU_OK)
        {
            return ngx_lu_task_nomem(task);
        }
    }

    return NGX_OK;
}


/* Only the builds of rules, and the latest ones, are given to anybody. */

static ngx_uint_t
ngx_lu_api_rules_may(const lu_desktop_t *desktop, const lu_build_t *build)
{
    size_t  i, n;

    for (i = 0; i < desktop->nrules; i++) {
        if (lu_str_eq(&desktop->rules[i].build_id, &build->id)) {
            return 1;
        }
    }

    for (i = 0; i < desktop->noffers; i++) {
        for (n = 0; n < desktop->offers[i].nlatest; n++) {
            if (desktop->offers[i].latest[n] == build) {
                return 1;
            }
        }
    }

    return 0;
}
