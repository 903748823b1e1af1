
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Desktop releases on their way in: fetched, fetched again, or staged by hand.
 */


#include "ngx_lu_api_fetch.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_stage.h"
#include "write/ngx_lu_staging.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_order.h"

#include "core/lu_release.h"


static ngx_int_t ngx_lu_api_fetch_platforms(ngx_lu_call_t *call,
    cJSON *release);
static ngx_int_t ngx_lu_api_fetch_ordered(ngx_lu_call_t *call,
    ngx_int_t status, lu_state_e state);
static ngx_int_t ngx_lu_api_fetch_stage(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_api_fetch_open(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_api_fetch_describe(ngx_lu_task_t *task,
    ngx_lu_release_t *release);


ngx_int_t
ngx_lu_api_fetch_post(ngx_lu_call_t *call)
{
    cJSON          *release, *info;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (task->store->jobs == NULL) {
        return ngx_lu_task_refuse(task, 422,
                                  "This server fetches nothing: "
                                  "\"liveupdate_fetch\" is not configured.");
    }

    status = ngx_lu_app_ensure(task, (char *) task->app.data);
    if (status != NGX_OK) {
        return status;
    }

    release = ngx_lu_order_release(task);
    info = cJSON_AddObjectToObject(release, "releaseInfo");

    if (cJSON_AddStringToObject(info, "latestReleaseBuildId",
                                (char *) task->id.data)
        == NULL)
    {
        cJSON_Delete(release);
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_fetch_platforms(call, release);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_order(call, release);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_lu_api_fetch_platforms(ngx_lu_call_t *call, cJSON *release)
{
    cJSON    *list, *item;
    lu_str_t  name;

    list = cJSON_GetObjectItemCaseSensitive(call->json, "platforms");

    if (list == NULL || cJSON_IsNull(list)) {
        return NGX_OK;
    }

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        goto invalid;
    }

    cJSON_ArrayForEach(item, list) {
        if (lu_json_value(item, &name) != LU_OK
            || (!lu_str_is(&name, "windows")
                && !lu_str_is(&name, "mac")
                && !lu_str_is(&name, "linux")))
        {
            goto invalid;
        }
    }

    return lu_json_set(release, "platforms", cJSON_Duplicate(list, 1)) == LU_OK
           ? NGX_OK : ngx_lu_task_nomem(&call->task);

invalid:

    return ngx_lu_task_refuse(&call->task, 422,
                              "\"platforms\" is a list of \"windows\", "
                              "\"mac\" and \"linux\".");
}


ngx_int_t
ngx_lu_api_fetch_order(ngx_lu_call_t *call, cJSON *release)
{
    ngx_int_t   status;
    lu_state_e  state;

    state = LU_STATE_UNKNOWN;
    status = ngx_lu_order(&call->task, release, &state);

    return ngx_lu_api_fetch_ordered(call, status, state);
}


/* POST .../retry: the release stays what it was ordered as. */

ngx_int_t
ngx_lu_api_fetch_retry_post(ngx_lu_call_t *call)
{
    ngx_int_t   status;
    lu_state_e  state;

    state = LU_STATE_UNKNOWN;
    status = ngx_lu_order_again(&call->task, &state);

    return ngx_lu_api_fetch_ordered(call, status, state);
}


static ngx_int_t
ngx_lu_api_fetch_ordered(ngx_lu_call_t *call, ngx_int_t status,
    lu_state_e state)
{
    call->wake = (status == NGX_HTTP_ACCEPTED);

    if (status < NGX_HTTP_SPECIAL_RESPONSE && call->base_url.len) {
        call->location = ngx_lu_path(&call->task.io, "%V/releases/%s/%s",
                                     &call->base_url, call->task.app.data,
                                     call->task.subject);
    }

    return ngx_lu_call_state(call, status, state);
}


/*
 * POST .../stage: what lies in uploads/ of a folder in staging is a release,
 * put there by nginx's own DAV or a copy.
 */

ngx_int_t
ngx_lu_api_fetch_stage_post(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_lu_promotion_t  promotion;

    call->task.subject = (char *) call->task.id.data;

    status = ngx_lu_api_fetch_stage(&call->task);
    if (status != NGX_OK) {
        return status;
    }

    if (call->task.approval) {
        return ngx_lu_call_state(call, NGX_HTTP_ACCEPTED, LU_STATE_STAGED);
    }

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    status = ngx_lu_approval_promote_held(&call->task, &promotion);

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}


static ngx_int_t
ngx_lu_api_fetch_stage(ngx_lu_task_t *task)
{
    u_char           *path;
    ngx_int_t         rc, status;
    ngx_lu_release_t  release;

    release.json = NULL;
    release.is_live = 0;
    release.folder = ngx_lu_path(&task->io, "%V/staging/%s/%s",
                                 &task->store->path, task->app.data,
                                 task->subject);
    path = ngx_lu_path_in(&task->io, release.folder, "lock");

    rc = ngx_lu_lock(&task->io, path, &release.lock);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "There is no such folder in staging.");
    }

    status = ngx_lu_api_fetch_open(task, &release);

    if (status == NGX_OK) {
        status = ngx_lu_stage(task, &release, NULL);

    } else if (status == NGX_DONE) {
        status = NGX_OK;
    }

    /* nobody writes to what was verified through its other name */

    if (status == NGX_OK) {
        status = ngx_lu_staging_clean(task, release.folder, "uploads");
    }

    ngx_lu_release_close(&release);

    return status;
}


/*
 * The description of a release that is staged by hand is made here.  NGX_DONE:
 * it is staged, and was to be released when the call was cut short.
 */

static ngx_int_t
ngx_lu_api_fetch_open(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    cJSON      *app;
    u_char     *path;
    ngx_int_t   rc, status;
    lu_state_e  state;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    /* an id is used once */

    path = ngx_lu_path(&task->io, "%V/live/%s/%s/release.json",
                       &task->store->path, task->app.data, task->subject);

    if (path == NULL || access((char *) path, F_OK) == 0) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "There is a release with this id: use "
                                  "another one.");
    }

    path = ngx_lu_path_in(&task->io, release->folder, "release.json");

    rc = ngx_lu_file_read_json(&task->io, path, &release->json);

    if (rc == NGX_ERROR) {
        release->json = NULL;
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_api_fetch_describe(task, release);
    }

    state = lu_release_state(release->json);

    if (lu_release_kind(release->json) == LU_KIND_DESKTOP
        && state != LU_STATE_UNKNOWN
        && state != LU_STATE_FETCHING
        && state != LU_STATE_REJECTED)
    {
        if (state != LU_STATE_STAGED) {
            return NGX_OK;
        }

        if (!task->approval) {
            return NGX_DONE;
        }
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "The release is staged already, was rejected, "
                              "is being fetched, or is no desktop release.");
}


static ngx_int_t
ngx_lu_api_fetch_describe(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    cJSON  *info;

    release->json = ngx_lu_order_release(task);
    info = cJSON_AddObjectToObject(release->json, "releaseInfo");

    if (lu_json_set_string(release->json, "state",
                           lu_release_state_name(LU_STATE_VERIFYING))
        != LU_OK
        || cJSON_AddStringToObject(info, "latestReleaseBuildId", task->subject)
           == NULL)
    {
        return ngx_lu_task_nomem(task);
    }

    return NGX_OK;
}
