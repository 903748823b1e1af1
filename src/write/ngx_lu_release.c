
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_release.h"
#include "ngx_lu_usage.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_limit.h"
#include "core/lu_route.h"


static ngx_int_t ngx_lu_release_find(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release, ngx_uint_t sure);
static ngx_uint_t ngx_lu_release_is_old(const ngx_lu_release_t *release);
static void ngx_lu_release_refresh(ngx_lu_task_t *task);
static ngx_uint_t ngx_lu_release_is_deployed(const cJSON *app,
    const lu_str_t *id);
static void ngx_lu_release_return(ngx_lu_task_t *task, u_char *staging,
    u_char *live);


u_char *
ngx_lu_release_live(ngx_lu_task_t *task, const char *id)
{
    return ngx_lu_path(&task->io, "%V/live/%s/%s", &task->store->path,
                       task->app.data, id);
}


u_char *
ngx_lu_release_staging(ngx_lu_task_t *task, const char *id)
{
    return ngx_lu_path(&task->io, "%V/staging/%s/%s", &task->store->path,
                       task->app.data, id);
}


u_char *
ngx_lu_release_path(ngx_lu_io_t *io, u_char *folder)
{
    return ngx_lu_path_in(io, folder, "release.json");
}


ngx_int_t
ngx_lu_release_room(ngx_lu_task_t *task)
{
    u_char      *staging, *live;
    ngx_uint_t   n;

    staging = ngx_lu_path(&task->io, "%V/staging/%s", &task->store->path,
                          task->app.data);
    live = ngx_lu_path(&task->io, "%V/live/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_tree_count(&task->io, staging, LU_LIMIT_STAGED, &n)
        == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    if (n >= LU_LIMIT_STAGED) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The app has " lu_value(LU_LIMIT_STAGED)
                                  " releases in staging, the most that it can "
                                  "have: delete those that have failed or were "
                                  "rejected, and unfinished uploads.");
    }

    if (ngx_lu_tree_count(&task->io, live, LU_LIMIT_RELEASES, &n)
        == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    if (n >= LU_LIMIT_RELEASES) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The app has " lu_value(LU_LIMIT_RELEASES)
                                  " releases, the most that it can have: "
                                  "delete old ones.");
    }

    return ngx_lu_usage_room(task, 0);
}


ngx_int_t
ngx_lu_release_named(ngx_lu_task_t *task)
{
    if (lu_route_takes(&task->id)) {
        return ngx_lu_task_core(task,
                                lu_error(&task->error, &task->id,
                                         "cannot be the id of a release: the "
                                         "API uses this name"));
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_release_load(ngx_lu_io_t *io, u_char *folder, cJSON **json)
{
    return ngx_lu_file_read_json(io, ngx_lu_release_path(io, folder), json);
}


ngx_int_t
ngx_lu_release_read(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release)
{
    return ngx_lu_release_find(task, id, release, task->io.turns != NULL);
}


static ngx_int_t
ngx_lu_release_find(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release, ngx_uint_t sure)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    release->json = NULL;
    release->lock = NULL;

    /* in live/, in staging/, or in live/ if it has just gone there */

    for (i = 0; i < 5; i++) {

        /* it may have come, or gone, by another machine */

        if (sure && (i == 2 || i == 4)) {
            ngx_lu_release_refresh(task);
        }

        release->is_live = (i % 2 == 0);
        release->folder = release->is_live ? ngx_lu_release_live(task, id)
                                           : ngx_lu_release_staging(task, id);

        rc = ngx_lu_release_load(&task->io, release->folder, &release->json);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (task->bundles
            && lu_release_kind(release->json) == LU_KIND_DESKTOP)
        {
            ngx_lu_release_close(release);
            break;
        }

        return NGX_OK;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                              task->bundles ? "Bundle not found."
                                            : "Release not found.");
}


/* In live/ all are staged, and what may be uploaded has a lock. */

static ngx_uint_t
ngx_lu_release_is_old(const ngx_lu_release_t *release)
{
    lu_state_e  state;

    state = lu_release_state(release->json);

    return release->is_live ? state != LU_STATE_STAGED
                            : state == LU_STATE_UPLOADING;
}


static void
ngx_lu_release_refresh(ngx_lu_task_t *task)
{
    ngx_lu_turn_refresh(&task->io,
                        ngx_lu_path(&task->io, "%V/live/%s",
                                    &task->store->path, task->app.data));
    ngx_lu_turn_refresh(&task->io,
                        ngx_lu_path(&task->io, "%V/staging/%s",
                                    &task->store->path, task->app.data));
}


ngx_int_t
ngx_lu_release_open(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;

    status = ngx_lu_release_hold(task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_find(task, (char *) task->id.data, release, 1);

    if (status == NGX_OK
        && lock == NULL
        && ngx_lu_release_is_old(release))
    {
        ngx_lu_release_close(release);

        (void) ngx_lu_io_error(&task->io, ESTALE, ngx_open_file_n,
                               release->folder);
        return ngx_lu_task_failed(task);
    }

    if (status != NGX_OK) {
        ngx_lu_lock_release(lock);
        return status;
    }

    release->lock = lock;

    return NGX_OK;
}


ngx_int_t
ngx_lu_release_open_staging(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release)
{
    u_char    *path;
    ngx_int_t  rc;

    release->json = NULL;
    release->is_live = 0;
    release->folder = ngx_lu_release_staging(task, id);

    path = ngx_lu_path_in(&task->io, release->folder, "lock");

    rc = ngx_lu_lock_existing(&task->io, task->store, path, &release->lock);

    if (rc == NGX_OK) {
        rc = ngx_lu_release_load(&task->io, release->folder, &release->json);
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_lu_release_close(release);

    return rc == NGX_DECLINED ? NGX_DECLINED : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_release_lock(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release)
{
    u_char    *path;
    ngx_int_t  rc;

    release->json = NULL;
    release->is_live = 0;
    release->folder = ngx_lu_release_staging(task, id);

    path = ngx_lu_path_in(&task->io, release->folder, "lock");

    rc = ngx_lu_lock(&task->io, task->store, path, &release->lock);

    return rc == NGX_ERROR ? ngx_lu_task_failed(task) : rc;
}


ngx_int_t
ngx_lu_release_save(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_release_path(&task->io, release->folder);

    rc = ngx_lu_file_write_json(&task->io, task->store, path, release->json);

    if (rc != NGX_OK && ngx_lu_task_again(task)) {
        rc = ngx_lu_file_write_json(&task->io, task->store, path,
                                    release->json);
    }

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


void
ngx_lu_release_close(ngx_lu_release_t *release)
{
    cJSON_Delete(release->json);
    release->json = NULL;

    ngx_lu_lock_release(release->lock);
    release->lock = NULL;
}


ngx_int_t
ngx_lu_release_hold(ngx_lu_task_t *task, ngx_lu_lock_t **lock)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path_in(&task->io,
                          ngx_lu_release_staging(task, (char *) task->id.data),
                          "lock");

    rc = ngx_lu_lock_existing(&task->io, task->store, path, lock);

    /* it is the first one that has the turn */

    if (rc == NGX_ERROR && ngx_lu_task_again(task)) {
        rc = ngx_lu_lock_existing(&task->io, task->store, path, lock);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        *lock = NULL;
        return NGX_OK;

    default:
        return ngx_lu_task_failed(task);
    }
}


ngx_int_t
ngx_lu_release_change(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data)
{
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;

    status = ngx_lu_release_hold(task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change(task, change, finish, data);

    ngx_lu_lock_release(lock);

    return status;
}


lu_state_e
ngx_lu_release_state(const cJSON *app, const ngx_lu_release_t *release)
{
    lu_str_t    id;
    lu_state_e  state;

    if (!release->is_live) {
        state = lu_release_state(release->json);

        return state == LU_STATE_UNKNOWN ? LU_STATE_FAILED : state;
    }

    if (lu_json_string(release->json, "id", &id) != LU_OK) {
        return LU_STATE_FAILED;
    }

    return ngx_lu_release_is_deployed(app, &id) ? LU_STATE_LIVE
                                                : LU_STATE_WITHDRAWN;
}


static ngx_uint_t
ngx_lu_release_is_deployed(const cJSON *app, const lu_str_t *id)
{
    lu_str_t      value;
    const cJSON  *channel, *channels, *item, *list;

    list = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(item, list) {
        if (lu_json_string(item, "id", &value) == LU_OK
            && lu_str_eq(&value, id))
        {
            return 1;
        }
    }

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");

    cJSON_ArrayForEach(channel, channels) {
        list = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

        cJSON_ArrayForEach(item, list) {
            if (lu_json_string(item, "release", &value) == LU_OK
                && lu_str_eq(&value, id))
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_lu_release_publish(ngx_lu_task_t *task, const char *id)
{
    u_char     *staging, *live, *path;
    ngx_int_t   rc, status;

    staging = ngx_lu_release_staging(task, id);
    live = ngx_lu_release_live(task, id);

    status = ngx_lu_task_prove(task);
    if (status != NGX_OK) {
        return status;
    }

    rc = ngx_lu_file_rename(&task->io, staging, live);

    if (rc == NGX_ERROR
        && (task->io.err == ENOTEMPTY || task->io.err == NGX_EEXIST))
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A release with this id is live already.");
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {

        /* an interrupted call moved it to live/, or it was deleted */

        ngx_lu_release_refresh(task);

        path = ngx_lu_release_path(&task->io, live);

        rc = ngx_lu_file_exists(&task->io, path);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (rc == NGX_DECLINED) {
            status = ngx_lu_task_prove(task);

            return status != NGX_OK
                   ? status
                   : ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                        "Bundle not found.");
        }
    }

    /* the turn has moved along: nobody has taken it before, or it is lost */

    ngx_lu_turn_follow(&task->io, staging, live);

    status = ngx_lu_task_prove(task);

    if (status != NGX_OK) {
        ngx_lu_release_return(task, staging, live);
        return status;
    }

    /* the app's lock and turn are those of a release in live/ */

    ngx_lu_turn_follow(&task->io, live, NULL);

    path = ngx_lu_path_in(&task->io, live, "lock");

    if (ngx_lu_file_unlink(&task->io, path) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    ngx_lu_turn_drop(&task->io, live);

    if (ngx_lu_file_sync(&task->io, ngx_lu_path_folder(&task->io, live))
        != NGX_OK
        || ngx_lu_file_sync(&task->io, ngx_lu_path_folder(&task->io, staging))
           != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/*
 * Moved here too late: it may have been rejected, or be another one, which
 * nobody has promoted then.  What is staged stays: it may have been promoted.
 */

static void
ngx_lu_release_return(ngx_lu_task_t *task, u_char *staging, u_char *live)
{
    cJSON        *json;
    ngx_int_t     rc;
    lu_state_e    state;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    rc = ngx_lu_release_load(&local, live, &json);

    if (rc == NGX_OK) {
        state = lu_release_state(json);
        cJSON_Delete(json);

        if (state != LU_STATE_STAGED) {
            (void) ngx_lu_file_rename(&local, live, staging);
        }
    }
}


u_char *
ngx_lu_release_job(ngx_lu_task_t *task)
{
    return ngx_lu_path(&task->io, "%V/jobs/%s.%s", &task->store->path,
                       task->app.data, task->subject);
}
