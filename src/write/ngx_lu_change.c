
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_change.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_reserve.h"
#include "store/ngx_lu_temp.h"

#include "core/lu_builds.h"
#include "core/lu_change.h"


static ngx_int_t ngx_lu_change_expected(ngx_lu_task_t *task,
    double generation);
static ngx_int_t ngx_lu_change_keep(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_change_write(ngx_lu_task_t *task, cJSON *app,
    double generation);


ngx_int_t
ngx_lu_change(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data)
{
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;

    status = ngx_lu_app_lock(task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change_locked(task, change, finish, data);

    ngx_lu_lock_release(lock);

    return status;
}


ngx_int_t
ngx_lu_change_locked(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data)
{
    cJSON     *app, *before;
    double     generation;
    ngx_int_t  rc, status;

    status = ngx_lu_app_read(task, &app);

    if (status != NGX_OK && ngx_lu_task_again(task)) {
        status = ngx_lu_app_read(task, &app);
    }

    if (status != NGX_OK) {
        return status;
    }

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    status = ngx_lu_change_expected(task, generation);

    before = (status == NGX_OK && task->again) ? cJSON_Duplicate(app, 1)
                                               : NULL;

    task->release = NULL;
    task->channel = NULL;
    task->share = NULL;
    task->start = NULL;
    task->waited = 0;
    task->platforms = NULL;

    if (status == NGX_OK) {
        status = change(task, app, data);

        /* a change that frees space reads before it does anything else */

        if (status >= NGX_HTTP_SPECIAL_RESPONSE && ngx_lu_task_again(task)) {
            status = change(task, app, data);
        }
    }

    if (status < NGX_HTTP_SPECIAL_RESPONSE) {

        if (before && task->again && lu_change_same(before, app)) {
            rc = ngx_lu_change_keep(task);

        } else {
            rc = ngx_lu_change_write(task, app, generation + 1);
        }

        if (rc == NGX_OK && finish) {
            rc = finish(task, data);
        }

        if (rc != NGX_OK) {
            status = rc;

        } else {
            ngx_lu_change_reserve(task);
        }
    }

    cJSON_Delete(before);
    cJSON_Delete(app);

    return status;
}


static ngx_int_t
ngx_lu_change_expected(ngx_lu_task_t *task, double generation)
{
    if (task->expect == NULL || cJSON_IsNull(task->expect)) {
        return NGX_OK;
    }

    if (!cJSON_IsNumber(task->expect)) {
        return ngx_lu_task_refuse(task, 422, "\"expect\" must be a number.");
    }

    if (task->expect->valuedouble != generation) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The app was changed meanwhile: it has "
                                  "another generation than \"expect\" says.");
    }

    return NGX_OK;
}


/* What was deleted has made room for it, and what was added may need more. */

void
ngx_lu_change_reserve(ngx_lu_task_t *task)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/%s/app.json", &task->store->path,
                       task->app.data);

    ngx_lu_reserve_keep(&task->io, task->store, path);
}


/* The call before may have failed at its last sync. */

static ngx_int_t
ngx_lu_change_keep(ngx_lu_task_t *task)
{
    u_char  *folder;

    task->change = NULL;

    folder = ngx_lu_path(&task->io, "%V/apps/%s", &task->store->path,
                         task->app.data);

    return ngx_lu_file_sync(&task->io, folder) == NGX_OK
           ? NGX_OK : ngx_lu_task_failed(task);
}


static ngx_int_t
ngx_lu_change_write(ngx_lu_task_t *task, cJSON *app, double generation)
{
    u_char         *folder, *path;
    ngx_int_t       rc;
    ngx_lu_temp_t   temp;

    if (lu_json_set(app, "generation", cJSON_CreateNumber(generation))
        != LU_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    folder = ngx_lu_path(&task->io, "%V/apps/%s", &task->store->path,
                         task->app.data);

    path = ngx_lu_path_in(&task->io, folder, "app.json");

    rc = ngx_lu_file_prepare_json(&task->io, task->store, path, app, &temp);

    if (rc != NGX_OK && ngx_lu_task_again(task)) {
        rc = ngx_lu_file_prepare_json(&task->io, task->store, path, app,
                                      &temp);
    }

    if (rc != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    task->version = ngx_lu_task_member(task,
                                       lu_builds_find(app, task->subject),
                                       "version");

    rc = ngx_lu_audit(task, folder, generation);

    if (rc != NGX_OK && ngx_lu_task_again(task)) {
        rc = ngx_lu_audit(task, folder, generation);
    }

    if (rc != NGX_OK) {
        ngx_lu_temp_discard(&temp);
        return ngx_lu_task_failed(task);
    }

    rc = ngx_lu_file_commit(&task->io, &temp, path);

    /*
     * also when only the last sync has failed: the file is there by then,
     * and no two workers may answer differently
     */

    ngx_lu_task_changed(task);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}
