
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_change.h"
#include "ngx_lu_guard.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_builds.h"
#include "core/lu_change_deployment.h"
#include "core/lu_put.h"


/* the deployments in the file of a machine, the last one counted first */

#define NGX_LU_GUARD_KEPT  8


/* A verdict on its way into the app. */

typedef struct {
    const char           *id;
    const char           *reason;
    lu_guard_verdict_t    verdict;
    double                enough;       /* devices that steps waited for */
} ngx_lu_guard_found_t;


/* What is guarded, in an app. */

typedef struct {
    cJSON                *owner;        /* deployment or build, has "guarded" */
    cJSON                *rollout;      /* deployment or rule, or NULL */
    lu_guard_t            guard;
    ngx_uint_t            is_desktop;
} ngx_lu_guard_ward_t;


static ngx_int_t ngx_lu_guard_find(const cJSON *app, const char *id,
    ngx_lu_guard_ward_t *ward);
static ngx_uint_t ngx_lu_guard_is_open(const ngx_lu_guard_ward_t *ward);
static double ngx_lu_guard_seen(const ngx_lu_guard_ward_t *ward,
    const lu_cohort_t *counts);
static ngx_int_t ngx_lu_guard_save(ngx_lu_task_t *task,
    ngx_lu_cohort_copy_t *copy, const ngx_str_t *machine);
static ngx_int_t ngx_lu_guard_read(ngx_lu_task_t *task, u_char *path,
    cJSON **json);
static ngx_int_t ngx_lu_guard_put(ngx_lu_task_t *task, cJSON *json,
    ngx_lu_cohort_copy_t *copy);
static u_char *ngx_lu_guard_folder(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_guard_act(ngx_lu_task_t *task, cJSON *app, void *data);
static cJSON *ngx_lu_guard_why(const ngx_lu_guard_found_t *found);
static ngx_int_t ngx_lu_guard_content(ngx_lu_task_t *task, cJSON *app,
    void *data);


ngx_int_t
ngx_lu_guard(ngx_lu_task_t *task, ngx_lu_cohort_copy_t *copy,
    const ngx_str_t *machine)
{
    char                  *reason;
    cJSON                 *app;
    double                 waits;
    ngx_int_t              status, rc;
    ngx_uint_t             open;
    ngx_lu_guard_sum_t    *sum;
    ngx_lu_guard_ward_t    ward;
    ngx_lu_guard_found_t   found;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    rc = ngx_lu_guard_find(app, (char *) copy->deployment, &ward);

    open = (rc == NGX_OK && ngx_lu_guard_is_open(&ward));

    copy->blamed = (rc == NGX_OK
                    && lu_json_get(ward.owner, "guarded") != NULL);

    waits = open ? lu_growth_waits(ward.rollout) : 0;

    cJSON_Delete(app);

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    status = ngx_lu_guard_save(task, copy, machine);

    if (status != NGX_OK || !open) {
        return status;
    }

    sum = ngx_palloc(task->io.pool, sizeof(ngx_lu_guard_sum_t));
    reason = ngx_pnalloc(task->io.pool, LU_GUARD_REASON);

    if (sum == NULL || reason == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_guard_sum(task, (char *) copy->deployment, sum);
    if (status != NGX_OK) {
        return status;
    }

    lu_guard_judge(&ward.guard, &sum->counts, copy->start,
                   lu_time_of(task->now), &found.verdict);

    found.id = (char *) copy->deployment;

    if (found.verdict.result == LU_GUARD_CONTENT) {

        found.enough = ngx_lu_guard_seen(&ward, &sum->counts);

        if (waits == 0 || found.enough < waits) {
            return NGX_OK;
        }

        status = ngx_lu_change(task, ngx_lu_guard_content, NULL, &found);

        return status == NGX_HTTP_NOT_MODIFIED ? NGX_OK : status;
    }

    lu_guard_reason(&ward.guard, &found.verdict, reason, LU_GUARD_REASON);

    found.reason = reason;

    status = ngx_lu_change(task, ngx_lu_guard_act, NULL, &found);

    if (status == NGX_OK) {
        copy->blamed = 1;
    }

    return status == NGX_HTTP_NOT_MODIFIED ? NGX_OK : status;
}


/* NGX_DECLINED: there is nothing to guard any more. */

static ngx_int_t
ngx_lu_guard_find(const cJSON *app, const char *id, ngx_lu_guard_ward_t *ward)
{
    cJSON       *channel;
    lu_error_t   err;

    ward->is_desktop = 0;
    ward->owner = lu_change_deployment_find(app, id, &channel);
    ward->rollout = ward->owner;

    if (ward->owner == NULL) {
        ward->is_desktop = 1;
        ward->owner = lu_builds_find(app, id);
        ward->rollout = lu_builds_share(app, id);
        channel = NULL;
    }

    if (ward->owner == NULL
        || lu_guard_of(app, channel, &ward->guard, &err) != LU_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* The guard has its say once, and nothing to say of what is halted. */

static ngx_uint_t
ngx_lu_guard_is_open(const ngx_lu_guard_ward_t *ward)
{
    return ward->rollout
           && lu_json_get(ward->owner, "guarded") == NULL
           && !lu_growth_is_halted(ward->rollout);
}


/* Devices of which it is known that they got along with the release. */

static double
ngx_lu_guard_seen(const ngx_lu_guard_ward_t *ward, const lu_cohort_t *counts)
{
    lu_funnel_t  funnel;

    lu_funnel(counts, 0, 0, funnel);

    return funnel[LU_COHORT_ROLLOUT]
                 [ward->is_desktop ? LU_COHORT_AGAIN : LU_COHORT_RAN];
}


/*
 * Only this machine writes its file, and workers that do so at once write the
 * same: no lock is needed.
 */

static ngx_int_t
ngx_lu_guard_save(ngx_lu_task_t *task, ngx_lu_cohort_copy_t *copy,
    const ngx_str_t *machine)
{
    u_char     *folder, *path;
    cJSON      *json;
    ngx_int_t   rc;

    folder = ngx_lu_guard_folder(task);
    path = ngx_lu_path_in(&task->io, folder, "%V.json", machine);

    if (ngx_lu_file_mkdir(&task->io, folder) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    rc = ngx_lu_guard_read(task, path, &json);
    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (json == NULL) {
        json = cJSON_CreateObject();
    }

    rc = ngx_lu_guard_put(task, json, copy);

    if (rc == NGX_OK) {
        rc = ngx_lu_file_write_json(&task->io, task->store, path, json);
    }

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


/* *json is NULL if there is no such file, or none that can be read. */

static ngx_int_t
ngx_lu_guard_read(ngx_lu_task_t *task, u_char *path, cJSON **json)
{
    ngx_int_t  rc;

    *json = NULL;

    rc = ngx_lu_file_read_json(&task->io, path, json);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&task->io)) {
        ngx_lu_io_clear(&task->io);
        rc = NGX_DECLINED;
    }

    if (rc == NGX_OK && !cJSON_IsObject(*json)) {
        cJSON_Delete(*json);
        *json = NULL;
    }

    return rc;
}


/*
 * Shared memory begins anew when nginx is started: what was counted until then
 * is kept beside what was counted since.
 */

static ngx_int_t
ngx_lu_guard_put(ngx_lu_task_t *task, cJSON *json, ngx_lu_cohort_copy_t *copy)
{
    int           n;
    cJSON        *list, *entry;
    double        serial;
    time_t        age;
    lu_put_t      put;
    lu_cohort_t  *all;

    all = ngx_pcalloc(task->io.pool, sizeof(lu_cohort_t));
    if (all == NULL) {
        return ngx_lu_io_nomem(&task->io);
    }

    lu_put_init(&put);

    list = lu_json_get(json, "deployments");

    if (!cJSON_IsArray(list)) {
        list = lu_put_array(&put, json, "deployments");
    }

    entry = lu_json_find(list, "id", (char *) copy->deployment);

    if (entry) {
        cJSON_DetachItemViaPointer(list, entry);

    } else {
        entry = cJSON_CreateObject();

        lu_put_string(&put, entry, "id", (char *) copy->deployment);
        lu_put_string(&put, entry, "release", (char *) copy->release);
        (void) lu_put_array(&put, entry, "before");
        (void) lu_put_array(&put, entry, "since");
    }

    serial = 0;
    (void) lu_json_number(entry, "serial", &serial);

    lu_cohort_parse(all, lu_json_get(entry, "before"));

    if ((uint64_t) serial != copy->serial) {
        lu_cohort_parse(all, lu_json_get(entry, "since"));

        lu_put_item(&put, entry, "before", lu_cohort_json(all));
    }

    lu_cohort_add(all, &copy->counts);

    age = lu_time_of(task->now) - copy->start;

    lu_funnel(all, age, 0, copy->funnel);

    lu_put_number(&put, entry, "serial", (double) copy->serial);
    lu_put_string(&put, entry, "countedAt", task->now);
    lu_put_item(&put, entry, "since", lu_cohort_json(&copy->counts));
    lu_put_item(&put, entry, "series",
                lu_funnel_note(lu_json_get(entry, "series"), copy->funnel,
                               age));

    if (put.failed || !cJSON_InsertItemInArray(list, 0, entry)) {
        cJSON_Delete(entry);
        return ngx_lu_io_nomem(&task->io);
    }

    for (n = cJSON_GetArraySize(list); n > NGX_LU_GUARD_KEPT; n--) {
        cJSON_DeleteItemFromArray(list, n - 1);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_guard_sum(ngx_lu_task_t *task, const char *deployment,
    ngx_lu_guard_sum_t *sum)
{
    cJSON        *json;
    u_char       *folder;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;
    const cJSON  *entry;

    ngx_memzero(sum, sizeof(ngx_lu_guard_sum_t));

    folder = ngx_lu_guard_folder(task);

    if (ngx_lu_tree_list(&task->io, folder, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (ngx_lu_guard_read(task, ngx_lu_path_in(&task->io, folder, "%V",
                                                   &name[i]),
                              &json)
            == NGX_ERROR)
        {
            return ngx_lu_task_failed(task);
        }

        entry = lu_json_find(lu_json_get(json, "deployments"), "id",
                             deployment);

        lu_cohort_parse(&sum->counts, lu_json_get(entry, "before"));
        lu_cohort_parse(&sum->counts, lu_json_get(entry, "since"));
        lu_funnel_add(&sum->series, lu_json_get(entry, "series"));

        cJSON_Delete(json);
    }

    return NGX_OK;
}


static u_char *
ngx_lu_guard_folder(ngx_lu_task_t *task)
{
    return ngx_lu_path(&task->io, "%V/apps/%s/guard", &task->store->path,
                       task->app.data);
}


/* Another machine, or a person, may have been faster. */

static ngx_int_t
ngx_lu_guard_act(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_guard_found_t *found = data;

    cJSON                *why, *channel;
    lu_rc_e               rc;
    lu_put_t              put;
    ngx_lu_guard_ward_t   ward;

    if (ngx_lu_guard_find(app, found->id, &ward) != NGX_OK
        || !ngx_lu_guard_is_open(&ward))
    {
        return NGX_HTTP_NOT_MODIFIED;
    }

    why = ngx_lu_guard_why(found);
    if (why == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = LU_OK;

    if (ward.guard.halts && ward.is_desktop) {
        rc = lu_builds_grow(app, found->id, LU_GROWTH_HALT, why, task->by,
                            task->now, &task->error);

    } else if (ward.guard.halts) {
        rc = lu_change_deployment_grow(app, found->id, LU_GROWTH_HALT, why,
                                       task->by, task->now, &task->error);
    }

    lu_put_init(&put);

    lu_put_string(&put, why, "at", task->now);
    lu_put_item(&put, ward.owner, "guarded", why);

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    if (ward.is_desktop) {
        task->change = ward.guard.halts ? "release.halt" : "release.warn";

    } else {
        task->change = ward.guard.halts ? "deployment.halt"
                                        : "deployment.warn";
    }

    task->subject = found->id;
    task->to = found->reason;

    channel = NULL;
    (void) lu_change_deployment_find(app, found->id, &channel);

    ngx_lu_audit_rollout(task, app, channel, ward.rollout);

    return NGX_OK;
}


static cJSON *
ngx_lu_guard_why(const ngx_lu_guard_found_t *found)
{
    cJSON                  *why;
    lu_put_t                put;
    const lu_guard_test_t  *test;

    lu_put_init(&put);

    why = cJSON_CreateObject();

    lu_put_string(&put, why, "reason", found->reason);

    if (found->verdict.result == LU_GUARD_COMEBACK) {
        test = &found->verdict.comeback;
        lu_put_string(&put, why, "sign", "comeback");

    } else {
        test = &found->verdict.silence[found->verdict.window];
        lu_put_string(&put, why, "sign", "silence");
        lu_put_number(&put, why, "days",
                      lu_cohort_windows[found->verdict.window] / 86400.0);
    }

    lu_guard_put_test(&put, why, test);

    return lu_put_done(&put, why);
}


/* Enough devices got along with the release for steps of its plan. */

static ngx_int_t
ngx_lu_guard_content(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_guard_found_t *found = data;

    double                waits;
    lu_rc_e               rc;
    ngx_lu_guard_ward_t   ward;

    if (ngx_lu_guard_find(app, found->id, &ward) != NGX_OK
        || !ngx_lu_guard_is_open(&ward))
    {
        return NGX_HTTP_NOT_MODIFIED;
    }

    waits = lu_growth_waits(ward.rollout);

    if (waits == 0 || found->enough < waits) {
        return NGX_HTTP_NOT_MODIFIED;
    }

    rc = lu_growth_enough(ward.rollout, found->enough, task->now);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->change = ward.is_desktop ? "release.enough" : "deployment.enough";
    task->subject = found->id;
    task->to = (char *) ngx_lu_format(task->io.pool, "%.0f devices",
                                      found->enough);

    return task->to ? NGX_OK : ngx_lu_task_nomem(task);
}
