
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A build is what the API calls a release that can be deployed; both have
 * the same id.
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_app.h"
#include "core/lu_change_deployment.h"
#include "core/lu_query.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_api_builds_read(ngx_lu_call_t *call, const char *place,
    cJSON *builds);
static ngx_int_t ngx_lu_api_builds_answer(ngx_lu_call_t *call, cJSON *builds);
static int ngx_lu_api_build_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_api_build_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_build_set(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static ngx_int_t ngx_lu_api_build_allowed(ngx_lu_task_t *task,
    const cJSON *app, ngx_lu_release_t *release);
static ngx_int_t ngx_lu_api_build_relations(ngx_lu_call_t *call, cJSON *json,
    const cJSON *release);


ngx_int_t
ngx_lu_api_builds_get(ngx_lu_call_t *call)
{
    char      *platform;
    cJSON     *app, *builds;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    builds = cJSON_CreateArray();
    call->answer = cJSON_CreateArray();

    if (builds == NULL || call->answer == NULL) {
        cJSON_Delete(builds);
        return ngx_lu_task_nomem(&call->task);
    }

    status = NGX_OK;
    platform = ngx_lu_arg(call, "platform");

    if (platform == NULL || ngx_strcmp(platform, "web") == 0) {

        status = ngx_lu_api_builds_read(call, "live", builds);

        if (status == NGX_OK) {
            status = ngx_lu_api_builds_read(call, "staging", builds);
        }

        if (status == NGX_OK) {
            status = ngx_lu_api_builds_answer(call, builds);
        }
    }

    cJSON_Delete(builds);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


static ngx_int_t
ngx_lu_api_builds_read(ngx_lu_call_t *call, const char *place, cJSON *builds)
{
    char        *wanted, text[NGX_INT64_LEN + 1];
    cJSON       *release;
    u_char      *folder, *path;
    uint64_t     number;
    lu_str_t     id;
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    wanted = ngx_lu_arg(call, "numberAsString");

    folder = ngx_lu_path(&call->task.io, "%V/%s/%s",
                         &call->task.store->path, place,
                         call->task.app.data);

    rc = ngx_lu_tree_list(&call->task.io, folder, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path_in(&call->task.io, folder, "%V/release.json",
                              &name[i]);

        rc = ngx_lu_file_read_json(&call->task.io, path, &release);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(&call->task);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        number = 0;
        (void) lu_json_size(release, "number", &number);

        *ngx_sprintf((u_char *) text, "%L", (int64_t) number) = '\0';

        if (lu_json_string(release, "id", &id) != LU_OK
            || number == 0
            || (wanted && ngx_strcmp(text, wanted) != 0))
        {
            cJSON_Delete(release);
            continue;
        }

        if (!cJSON_AddItemToArray(builds, release)) {
            cJSON_Delete(release);
            return ngx_lu_task_nomem(&call->task);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_builds_answer(ngx_lu_call_t *call, cJSON *builds)
{
    cJSON      *item, **sorted;
    ngx_uint_t  i, n, limit, offset;

    n = cJSON_GetArraySize(builds);

    sorted = ngx_palloc(call->task.io.pool, (n + 1) * sizeof(cJSON *));
    if (sorted == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    i = 0;

    cJSON_ArrayForEach(item, builds) {
        sorted[i++] = item;
    }

    qsort(sorted, n, sizeof(cJSON *), ngx_lu_api_build_cmp);

    ngx_lu_arg_page(call, &limit, &offset);

    for (i = offset; i < n && i - offset < limit; i++) {

        item = ngx_lu_api_build_json(call, sorted[i]);

        if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
            cJSON_Delete(item);
            return ngx_lu_task_nomem(&call->task);
        }
    }

    return NGX_OK;
}


/* newest first */

static int
ngx_lu_api_build_cmp(const void *one, const void *two)
{
    uint64_t  a, b;

    a = 0;
    b = 0;

    (void) lu_json_size(*(cJSON **) one, "number", &a);
    (void) lu_json_size(*(cJSON **) two, "number", &b);

    return (a < b) - (a > b);
}


ngx_int_t
ngx_lu_api_build_get(ngx_lu_call_t *call)
{
    ngx_int_t         status;
    ngx_lu_release_t  release;

    status = ngx_lu_release_read(&call->task, (char *) call->task.id.data,
                                 &release);
    if (status != NGX_OK) {
        return status;
    }

    call->answer = ngx_lu_api_build_json(call, release.json);

    ngx_lu_release_close(&release);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


/* A release that is being verified is described by who verifies it. */

ngx_int_t
ngx_lu_api_build_patch(ngx_lu_call_t *call)
{
    return ngx_lu_release_change(&call->task, ngx_lu_api_build_change, NULL,
                                 call);
}


/*
 * The release's description is replaced first; the app's, which follows,
 * tells the readers to look.
 */

static ngx_int_t
ngx_lu_api_build_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t         status;
    ngx_lu_release_t  release;

    status = ngx_lu_release_read(task, (char *) task->id.data, &release);
    if (status != NGX_OK) {
        return status;
    }

    task->change = "build.update";
    task->subject = (char *) task->id.data;

    status = ngx_lu_api_build_allowed(task, app, &release);

    if (status == NGX_OK) {
        status = ngx_lu_api_build_set(call, app, release.json);
    }

    if (status == NGX_OK) {
        status = ngx_lu_release_save(task, &release);
    }

    if (status == NGX_OK) {
        call->answer = ngx_lu_api_build_json(call, release.json);
        status = call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(task);
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_api_build_set(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    cJSON          *channel;
    double          rollout;
    lu_rc_e         rc;
    lu_str_t        deployment;
    ngx_lu_task_t  *task;

    task = &call->task;

    rc = lu_release_set(release, call->json, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    /* old CLIs change the rollout of the bundle's own deployment here */

    if (!task->approval
        && lu_json_number(call->json, "rolloutPercentage", &rollout) == LU_OK
        && lu_json_string(release, "deployment", &deployment) == LU_OK
        && lu_change_deployment_find(app, (char *) deployment.data, &channel)
        && !ngx_lu_protect_channel(task, channel))
    {
        rc = lu_change_deployment_update(app, (char *) deployment.data,
                                         rollout, task->now, &task->error);
        if (rc != LU_OK) {
            return ngx_lu_task_core(task, rc);
        }
    }

    return lu_json_set_string(release, "updatedAt", task->now) == LU_OK
           ? NGX_OK : ngx_lu_task_nomem(task);
}


/* Limits and properties of what was approved are approved, too. */

static ngx_int_t
ngx_lu_api_build_allowed(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_release_t *release)
{
    if (!release->is_live) {
        return NGX_OK;
    }

    if (ngx_lu_protect_app(task, app, task->subject)) {
        return ngx_lu_protect_refuse(task);
    }

    if (task->approval && !(task->roles & LU_ROLE_APPROVE)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                                  "The bundle was approved: this needs a token "
                                  "with the role \"approve\".");
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_build_download_get(ngx_lu_call_t *call)
{
    char            *href;
    cJSON           *json;
    u_char          *folder, *path;
    lu_rc_e          rc;
    lu_str_t         text, str, args, value;
    ngx_int_t        status;
    lu_arena_t       arena;
    lu_release_t     release;
    ngx_file_info_t  fi;

    folder = ngx_lu_path(&call->task.io, "%V/live/%s/%s",
                         &call->task.store->path,
                         call->task.app.data,
                         call->task.id.data);
    path = ngx_lu_path_in(&call->task.io, folder, "release.json");

    switch (ngx_lu_file_read(&call->task.io, path, &text, &fi)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Bundle not found.");
    default:
        return ngx_lu_task_failed(&call->task);
    }

    arena = ngx_lu_arena(call->task.io.pool);

    rc = lu_release_parse(&arena, &text, &release, &call->task.error);

    status = ngx_lu_task_core(&call->task, rc);
    if (status != NGX_OK) {
        return status;
    }

    if (release.url.len) {
        call->location = release.url.data;

    } else {
        str = lu_app_artifact_path(&arena, &call->task.app, &release.id,
                                   release.kind);

        args = call->args;
        (void) lu_query_find(&args, "href", &value);

        href = "?href=";

        if (value.len == 0 || release.kind != LU_KIND_MANIFEST) {
            href = "";
            value.len = 0;
        }

        call->location = ngx_pnalloc(call->task.io.pool,
                                     call->base_url.len + str.len
                                     + ngx_strlen(href) + value.len + 1);
        if (call->location) {
            ngx_sprintf(call->location, "%V%*s%s%*s%Z", &call->base_url,
                        str.len, str.data, href, value.len, value.data);
        }
    }

    json = cJSON_CreateObject();
    call->answer = json;

    if (call->location == NULL
        || cJSON_AddStringToObject(json, "url", (char *) call->location)
           == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_MOVED_TEMPORARILY;
}


cJSON *
ngx_lu_api_build_json(ngx_lu_call_t *call, const cJSON *release)
{
    char        text[NGX_INT64_LEN + 1];
    cJSON      *json, *item;
    uint64_t    number;
    lu_str_t    id;
    ngx_uint_t  i;

    static const char  *members[] = {
        "createdAt", "updatedAt", "gitRef", "customProperties",
        "minAndroidAppVersionCode", "maxAndroidAppVersionCode",
        "eqAndroidAppVersionCode", "minIosAppVersionCode",
        "maxIosAppVersionCode", "eqIosAppVersionCode", NULL
    };

    number = 0;
    (void) lu_json_size(release, "number", &number);

    *ngx_sprintf((u_char *) text, "%L", (int64_t) number) = '\0';

    json = cJSON_CreateObject();

    if (lu_json_string(release, "id", &id) != LU_OK
        || cJSON_AddStringToObject(json, "id", (char *) id.data) == NULL
        || cJSON_AddStringToObject(json, "appId",
                                   (char *) call->task.app.data)
           == NULL
        || cJSON_AddStringToObject(json, "platform", "web") == NULL
        || cJSON_AddNullToObject(json, "type") == NULL
        || cJSON_AddStringToObject(json, "jobId", (char *) id.data) == NULL
        || cJSON_AddStringToObject(json, "appBuildArtifactId",
                                   (char *) id.data)
           == NULL
        || cJSON_AddStringToObject(json, "numberAsString", text) == NULL
        || cJSON_AddNullToObject(json, "packageName") == NULL
        || cJSON_AddNullToObject(json, "packageVersion") == NULL)
    {
        goto failed;
    }

    for (i = 0; members[i]; i++) {
        item = cJSON_GetObjectItemCaseSensitive(release, members[i]);
        item = item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull();

        if (item == NULL || !cJSON_AddItemToObject(json, members[i], item)) {
            cJSON_Delete(item);
            goto failed;
        }
    }

    if (ngx_lu_api_build_relations(call, json, release) != NGX_OK) {
        goto failed;
    }

    return json;

failed:

    cJSON_Delete(json);

    return NULL;
}


/*
 * There are no jobs here: to those who ask for one it has succeeded, and who
 * waits for the end of its log has waited enough.
 */

ngx_int_t
ngx_lu_api_build_job(ngx_lu_call_t *call, cJSON *json, const char *id,
    const char *at)
{
    char   *relations;
    cJSON  *job;

    relations = ngx_lu_arg(call, "relations");

    if (relations == NULL || strstr(relations, "job") == NULL) {
        return NGX_OK;
    }

    job = cJSON_AddObjectToObject(json, "job");

    if (cJSON_AddStringToObject(job, "id", id) == NULL
        || cJSON_AddStringToObject(job, "status", "succeeded") == NULL
        || cJSON_AddStringToObject(job, "createdAt", at) == NULL
        || cJSON_AddStringToObject(job, "finishedAt", at) == NULL
        || cJSON_AddArrayToObject(job, "jobLogs") == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_build_relations(ngx_lu_call_t *call, cJSON *json,
    const cJSON *release)
{
    char     *relations;
    cJSON    *item, *array;
    uint64_t  size;
    lu_str_t  id, kind, created;

    relations = ngx_lu_arg(call, "relations");

    if (relations == NULL) {
        return NGX_OK;
    }

    if (lu_json_string(release, "id", &id) != LU_OK
        || lu_json_string(release, "kind", &kind) != LU_OK
        || lu_json_string(release, "createdAt", &created) != LU_OK)
    {
        return NGX_OK;
    }

    if (ngx_lu_api_build_job(call, json, (char *) id.data,
                             (char *) created.data)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (strstr(relations, "appBuildArtifacts")) {
        array = cJSON_AddArrayToObject(json, "appBuildArtifacts");
        item = cJSON_CreateObject();

        if (array == NULL || !cJSON_AddItemToArray(array, item)) {
            cJSON_Delete(item);
            return NGX_ERROR;
        }

        size = 0;
        (void) lu_json_size(release, "size", &size);

        if (cJSON_AddStringToObject(item, "id", (char *) id.data) == NULL
            || cJSON_AddStringToObject(item, "appBuildId", (char *) id.data)
               == NULL
            || cJSON_AddStringToObject(item, "type", (char *) kind.data)
               == NULL
            || cJSON_AddStringToObject(item, "status",
                                       lu_release_state(release)
                                           == LU_STATE_STAGED
                                           ? "ready" : "pending")
               == NULL
            || cJSON_AddStringToObject(item, "fileName", LU_ZIP_NAME)
               == NULL
            || cJSON_AddNumberToObject(item, "totalSizeInBytes",
                                       (double) size)
               == NULL)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
