
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_fetch.h"
#include "ngx_lu_api_release.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_expects.h"
#include "write/ngx_lu_inlet.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_stage_folder.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_job.h"
#include "job/ngx_lu_order.h"

#include "core/lu_platform.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_api_fetch_app(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_api_fetch_platforms(ngx_lu_call_t *call,
    cJSON *release);
static ngx_int_t ngx_lu_api_fetch_expects(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_fetch_staged(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_fetch_answer(ngx_lu_call_t *call,
    ngx_int_t status, lu_state_e state);


ngx_int_t
ngx_lu_api_fetch_post(ngx_lu_call_t *call)
{
    cJSON          *release;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (task->store->jobs == NULL) {
        return ngx_lu_task_refuse(task, 422,
                                  "This server cannot fetch builds: "
                                  "\"liveupdate_fetch\" is not configured.");
    }

    /* before there is an app for nothing */

    status = ngx_lu_release_named(task);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_app(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    release = ngx_lu_api_fetch_release(task);
    if (release == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_fetch_platforms(call, release);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_order(call, release);
    }

    cJSON_Delete(release);

    return status;
}


/* A webhook creates its app, as it is signed; a call needs the role. */

static ngx_int_t
ngx_lu_api_fetch_app(ngx_lu_task_t *task)
{
    cJSON      *app;
    ngx_int_t   status;

    if (task->roles & LU_ROLE_ADMIN) {
        return ngx_lu_app_ensure(task, (char *) task->app.data);
    }

    status = ngx_lu_app_read(task, &app);

    if (status == NGX_OK) {
        cJSON_Delete(app);
    }

    if (status != NGX_HTTP_NOT_FOUND) {
        return status;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                              "There is no such app: it is created by a call "
                              "with the role \"admin\", or by the first "
                              "webhook for it.");
}


cJSON *
ngx_lu_api_fetch_release(ngx_lu_task_t *task)
{
    cJSON    *release, *info;
    lu_put_t  put;

    lu_put_init(&put);

    release = ngx_lu_order_release(task);

    info = lu_put_object(&put, release, "releaseInfo");

    lu_put_str(&put, info, "latestReleaseBuildId", &task->id);

    return lu_put_done(&put, release);
}


static ngx_int_t
ngx_lu_api_fetch_platforms(ngx_lu_call_t *call, cJSON *release)
{
    cJSON        *platforms;
    lu_put_t      put;
    unsigned      bit, bits;
    const cJSON  *list;

    list = cJSON_GetObjectItemCaseSensitive(call->json, "platforms");

    if (list == NULL || cJSON_IsNull(list)) {
        return NGX_OK;
    }

    if (lu_platform_list(list, &bits) != LU_OK || bits == 0) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"platforms\" must be a list of "
                                  "\"windows\", \"mac\" and \"linux\".");
    }

    /* each one once, however often the list has it */

    lu_put_init(&put);

    platforms = lu_put_array(&put, release, "platforms");

    for (bit = LU_WINDOWS; bit & LU_PLATFORMS; bit <<= 1) {
        if (bits & bit) {
            lu_put_string(&put, platforms, NULL, lu_platform_name(bit));
        }
    }

    return put.failed ? ngx_lu_task_nomem(&call->task) : NGX_OK;
}


ngx_int_t
ngx_lu_api_fetch_order(ngx_lu_call_t *call, cJSON *release)
{
    ngx_int_t   status;
    lu_state_e  state;

    state = LU_STATE_UNKNOWN;
    status = ngx_lu_order(&call->task, release, &state);

    return ngx_lu_api_fetch_answer(call, status, state);
}


ngx_int_t
ngx_lu_api_fetch_retry_post(ngx_lu_call_t *call)
{
    ngx_int_t   status;
    lu_state_e  state;

    state = LU_STATE_UNKNOWN;
    status = ngx_lu_order_again(&call->task, &state);

    return ngx_lu_api_fetch_answer(call, status, state);
}


static ngx_int_t
ngx_lu_api_fetch_answer(ngx_lu_call_t *call, ngx_int_t status,
    lu_state_e state)
{
    ngx_lu_task_t  *task;

    task = &call->task;

    call->wake = (status == NGX_HTTP_ACCEPTED);

    if (status < NGX_HTTP_SPECIAL_RESPONSE && call->base_url.len) {
        call->location = ngx_lu_path(&task->io, "%V/releases/%s/%s",
                                     &call->base_url, task->app.data,
                                     task->subject);
    }

    return ngx_lu_call_state(call, status, state);
}


ngx_int_t
ngx_lu_api_fetch_stage_post(ngx_lu_call_t *call)
{
    cJSON          *release, *left;
    lu_put_t        put;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    task->subject = (char *) task->id.data;

    status = ngx_lu_api_fetch_expects(call);
    if (status != NGX_OK) {
        return status;
    }

    task->pull = (task->store->jobs && task->store->jobs->github_approves);
    call->wake = task->pull;

    lu_put_init(&put);

    release = ngx_lu_api_fetch_release(task);

    lu_release_put_state(&put, release, LU_STATE_VERIFYING);

    status = ngx_lu_stage_folder(task, lu_put_done(&put, release),
                                 call->json, &left);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_staged(call);
    }

    if (status < NGX_HTTP_SPECIAL_RESPONSE && left) {
        lu_put_copy(&put, call->answer, "leftOut", left, "leftOut");
        lu_put_copy(&put, call->answer, "leftOutCount", left, "leftOutCount");
    }

    cJSON_Delete(left);

    return status;
}


/*
 * NGX_OK: the release is to be staged now, also since nothing is said of what
 * is expected; or a status: 202, it is staged when that is there.
 */

static ngx_int_t
ngx_lu_api_fetch_expects(ngx_lu_call_t *call)
{
    lu_put_t           put;
    ngx_int_t          status;
    lu_origin_t        origin;
    const cJSON       *expects;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    task = &call->task;
    expects = lu_json_get(call->json, "expects");

    if (lu_release_origin_parse(call->json, &origin, &task->error) != LU_OK) {
        return 422;
    }

    if (expects == NULL || cJSON_IsNull(expects)) {
        return NGX_OK;
    }

    status = ngx_lu_expects_check(task, expects);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_app(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_inlet_open(task, ngx_lu_api_fetch_release(task), &release);

    if (status == NGX_OK) {
        lu_put_init(&put);
        lu_release_origin_put(&put, release.json, &origin);

        status = put.failed ? ngx_lu_task_nomem(task)
                            : ngx_lu_expects_put(task, &release, expects);

        if (status == NGX_OK) {
            status = ngx_lu_expects_met(task, &release, NULL);
        }
    }

    ngx_lu_release_close(&release);

    if (status == NGX_DECLINED) {
        return ngx_lu_call_state(call, NGX_HTTP_ACCEPTED, LU_STATE_UPLOADING);
    }

    /* staging says what is wrong with a release that takes no files */

    return status == NGX_DONE ? NGX_OK : status;
}


static ngx_int_t
ngx_lu_api_fetch_staged(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_lu_io_t         io;
    ngx_lu_task_t      *task;
    ngx_lu_promotion_t  promotion;

    task = &call->task;

    if (task->approval) {
        return ngx_lu_call_state(call, NGX_HTTP_ACCEPTED, LU_STATE_STAGED);
    }

    status = ngx_lu_api_release_promotion(call, &promotion);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_approval_promote_held(task, &promotion);

    /* after an error of the disk, the job or another call goes on */

    if (status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        io = task->io;
        (void) ngx_lu_file_unlink(&io, ngx_lu_release_job(task));
    }

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}
