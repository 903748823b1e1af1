
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_release.h"
#include "ngx_lu_stage.h"
#include "ngx_lu_stage_folder.h"
#include "ngx_lu_staging.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_put.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_stage_folder_locked(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const cJSON *wishes, cJSON **left);
static void ngx_lu_stage_folder_drop(ngx_lu_task_t *task);
static cJSON *ngx_lu_stage_folder_left(const cJSON *release);
static ngx_int_t ngx_lu_stage_folder_read(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_stage_folder_check(ngx_lu_task_t *task,
    const cJSON *json);


ngx_int_t
ngx_lu_stage_folder(ngx_lu_task_t *task, cJSON *json, const cJSON *wishes,
    cJSON **left)
{
    ngx_int_t         status;
    ngx_lu_release_t  release;

    *left = NULL;

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_release_named(task);

    if (status == NGX_OK) {
        status = ngx_lu_stage_folder_is_cut(task);
    }

    if (status != NGX_DECLINED) {
        cJSON_Delete(json);
        return status;
    }

    status = ngx_lu_release_lock(task, task->subject, &release);

    release.json = json;

    if (status == NGX_OK) {
        status = ngx_lu_stage_folder_locked(task, &release, wishes, left);

    } else if (status == NGX_DECLINED) {
        status = ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                    "The release has no folder in staging.");
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_stage_folder_locked(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const cJSON *wishes, cJSON **left)
{
    ngx_int_t  status;

    status = ngx_lu_stage_folder_read(task, release);

    /*
     * The job waits for the lock of the release, and ends if it has failed.
     * Without approval it promotes the release if this call is cut short.
     */

    if ((status == NGX_OK || status == NGX_DONE)
        && (task->pull || !task->approval)
        && ngx_lu_file_touch(&task->io, ngx_lu_release_job(task)) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage(task, release, NULL, wishes);
    }

    if (status != NGX_OK && status != NGX_DONE) {
        ngx_lu_stage_folder_drop(task);
        return status;
    }

    *left = ngx_lu_stage_folder_left(release->json);

    /* nobody can change a verified file through its other name */

    return ngx_lu_staging_clean(task, release->folder, "uploads");
}


/* There is nothing that could be promoted, and the job would find nothing. */

static void
ngx_lu_stage_folder_drop(ngx_lu_task_t *task)
{
    ngx_lu_io_t  io;

    /* after a lost turn the job is that of another call */

    if (task->pull || task->approval || task->io.err == NGX_ECANCELED) {
        return;
    }

    io = task->io;

    (void) ngx_lu_file_unlink(&io, ngx_lu_release_job(task));
}


ngx_int_t
ngx_lu_stage_folder_is_cut(ngx_lu_task_t *task)
{
    ngx_int_t  rc;

    if (task->approval) {
        return NGX_DECLINED;
    }

    rc = ngx_lu_file_exists(&task->io, ngx_lu_release_job(task));

    if (rc == NGX_OK) {
        rc = ngx_lu_file_exists(&task->io,
                                ngx_lu_release_path(&task->io,
                                                    ngx_lu_release_live(task,
                                                        task->subject)));
    }

    return rc == NGX_ERROR ? ngx_lu_task_failed(task) : rc;
}


static cJSON *
ngx_lu_stage_folder_left(const cJSON *release)
{
    cJSON     *left;
    lu_put_t   put;

    if (cJSON_GetObjectItemCaseSensitive(release, "leftOut") == NULL) {
        return NULL;
    }

    lu_put_init(&put);

    left = cJSON_CreateObject();

    lu_put_copy(&put, left, "leftOut", release, "leftOut");
    lu_put_copy(&put, left, "leftOutCount", release, "leftOutCount");

    return lu_put_done(&put, left);
}


/*
 * NGX_OK: the release is to be verified; NGX_DONE: it is staged, and was to be
 * released when the call was cut short; or a status.
 */

static ngx_int_t
ngx_lu_stage_folder_read(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    cJSON     *json;
    u_char    *path;
    ngx_int_t  rc, status;

    status = ngx_lu_app_read(task, &json);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(json);

    /* an id is used once */

    path = ngx_lu_release_live(task, task->subject);

    ngx_lu_turn_refresh(&task->io, ngx_lu_path_folder(&task->io, path));

    path = ngx_lu_release_path(&task->io, path);
    rc = ngx_lu_file_exists(&task->io, path);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A release with this id exists already: "
                                  "use another id.");
    }

    switch (ngx_lu_release_load(&task->io, release->folder, &json)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return NGX_OK;

    default:
        return ngx_lu_task_failed(task);
    }

    cJSON_Delete(release->json);
    release->json = json;

    return ngx_lu_stage_folder_check(task, json);
}


static ngx_int_t
ngx_lu_stage_folder_check(ngx_lu_task_t *task, const cJSON *json)
{
    lu_state_e  state;

    state = lu_release_state(json);

    if (lu_release_kind(json) == LU_KIND_DESKTOP) {

        if (state == LU_STATE_STAGED && !task->approval) {
            return NGX_DONE;
        }

        if (state != LU_STATE_UNKNOWN
            && state != LU_STATE_FETCHING
            && state != LU_STATE_REJECTED
            && state != LU_STATE_STAGED)
        {
            return NGX_OK;
        }
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "Only a desktop release that is not staged, "
                              "rejected or being fetched can be staged.");
}
