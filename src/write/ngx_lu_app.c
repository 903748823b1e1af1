
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_event.h"
#include "ngx_lu_remains.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_change.h"


static ngx_int_t ngx_lu_app_absent(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_app_write(ngx_lu_task_t *task, cJSON *app);
static void ngx_lu_app_refresh(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_app_place(ngx_lu_task_t *task, cJSON *app);
static ngx_int_t ngx_lu_app_vacate(ngx_lu_task_t *task, u_char *folder);
static ngx_int_t ngx_lu_app_tell(ngx_lu_task_t *task);
static u_char *ngx_lu_app_folder(ngx_lu_task_t *task, const char *place);


ngx_int_t
ngx_lu_app_lock(ngx_lu_task_t *task, ngx_lu_lock_t **lock)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path(&task->io, "%V/apps/%s/lock", &task->store->path,
                       task->app.data);

    rc = ngx_lu_lock(&task->io, task->store, path, lock);

    /* it is the first one that has the turn */

    if (rc == NGX_ERROR && ngx_lu_task_again(task)) {
        rc = ngx_lu_lock(&task->io, task->store, path, lock);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_app_absent(task);

    default:
        return ngx_lu_task_failed(task);
    }
}


ngx_int_t
ngx_lu_app_read(ngx_lu_task_t *task, cJSON **app)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/%s/app.json", &task->store->path,
                       task->app.data);

    switch (ngx_lu_file_read_json(&task->io, path, app)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_app_absent(task);

    default:
        return ngx_lu_task_failed(task);
    }
}


static ngx_int_t
ngx_lu_app_absent(ngx_lu_task_t *task)
{
    ngx_int_t  status;

    status = ngx_lu_remains_check(task);

    return status == NGX_OK
           ? ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "App not found.")
           : status;
}


ngx_int_t
ngx_lu_app_ids(ngx_lu_task_t *task, ngx_array_t *ids)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps", &task->store->path);

    /* who is going to change something must not miss an app */

    if (task->io.turns) {
        ngx_lu_turn_refresh(&task->io, path);
    }

    if (ngx_lu_tree_list(&task->io, path, ids) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    task->unread = 0;

    return NGX_OK;
}


ngx_int_t
ngx_lu_app_load(ngx_lu_task_t *task, const ngx_str_t *id, cJSON **app)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path(&task->io, "%V/apps/%V/app.json", &task->store->path,
                       id);

    rc = ngx_lu_file_read_json(&task->io, path, app);

    if (rc != NGX_ERROR) {
        return rc;
    }

    if (!ngx_lu_io_is_damage(&task->io)) {
        return ngx_lu_task_failed(task);
    }

    task->unread++;

    return NGX_DECLINED;
}


ngx_uint_t
ngx_lu_app_exists(ngx_lu_task_t *task, const ngx_str_t *id)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/%V/app.json", &task->store->path,
                       id);

    return ngx_lu_file_exists(&task->io, path) == NGX_OK;
}


ngx_int_t
ngx_lu_app_each(ngx_lu_task_t *task, ngx_lu_app_pt handler, void *data)
{
    cJSON       *app;
    ngx_int_t    status;
    ngx_str_t   *id;
    ngx_uint_t   i;
    ngx_array_t  ids;

    status = ngx_lu_app_ids(task, &ids);
    if (status != NGX_OK) {
        return status;
    }

    id = ids.elts;

    for (i = 0; i < ids.nelts; i++) {

        status = ngx_lu_app_load(task, &id[i], &app);

        if (status == NGX_DECLINED) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        status = handler(task, app, data);

        cJSON_Delete(app);

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_app_lock_all(ngx_lu_task_t *task, ngx_lu_lock_t **lock)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/.lock", &task->store->path);

    return ngx_lu_lock(&task->io, task->store, path, lock);
}


ngx_int_t
ngx_lu_app_create(ngx_lu_task_t *task, cJSON *app)
{
    lu_str_t        id;
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;

    (void) lu_json_string(app, "id", &id);

    /* the log line is written after the tree is freed */

    task->app.len = id.len;
    task->app.data = ngx_lu_format(task->io.pool, "%s", id.data);

    if (task->app.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_lu_app_lock_all(task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_app_write(task, app);

    ngx_lu_lock_release(lock);

    ngx_lu_task_changed(task);

    return status;
}


/* An announced release creates its app. */

ngx_int_t
ngx_lu_app_ensure(ngx_lu_task_t *task, const char *name)
{
    char           *channel;
    cJSON          *app;
    u_char         *path;
    ngx_int_t       rc, status;
    ngx_lu_lock_t  *lock;

    path = ngx_lu_path_in(&task->io, ngx_lu_app_folder(task, "apps"),
                          "app.json");
    channel = ngx_lu_task_uuid(task);

    if (path == NULL || channel == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_lu_file_exists(&task->io, path) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_lu_app_lock_all(task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    rc = ngx_lu_file_exists(&task->io, path);

    if (rc == NGX_DECLINED) {
        ngx_lu_app_refresh(task);

        rc = ngx_lu_file_exists(&task->io, path);
    }

    if (rc != NGX_DECLINED) {
        ngx_lu_lock_release(lock);
        return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
    }

    app = lu_change_app_create((char *) task->app.data, name, "electron",
                               NGX_LU_APP_ORGANIZATION, channel,
                               NGX_LU_APP_CHANNEL, task->now);

    status = app ? ngx_lu_app_write(task, app) : ngx_lu_task_nomem(task);

    cJSON_Delete(app);

    ngx_lu_lock_release(lock);

    ngx_lu_task_changed(task);

    return status;
}


/* Nothing is made anew that may have been lost. */

static ngx_int_t
ngx_lu_app_write(ngx_lu_task_t *task, cJSON *app)
{
    u_char     *path;
    ngx_int_t   rc, status;

    path = ngx_lu_path_in(&task->io, ngx_lu_app_folder(task, "apps"),
                          "app.json");

    ngx_lu_app_refresh(task);

    rc = ngx_lu_file_exists(&task->io, path);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "An app with this id exists.");
    }

    status = ngx_lu_remains_finish(task);

    if (status == NGX_OK) {
        status = ngx_lu_remains_check(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    task->change = "app.create";
    task->subject = (char *) task->app.data;

    return ngx_lu_app_place(task, app) == NGX_OK ? NGX_OK
                                                 : ngx_lu_task_failed(task);
}


/* Another machine may have made or deleted it. */

static void
ngx_lu_app_refresh(ngx_lu_task_t *task)
{
    u_char  *folder;

    folder = ngx_lu_app_folder(task, "apps");

    ngx_lu_turn_refresh(&task->io, ngx_lu_path_folder(&task->io, folder));
    ngx_lu_turn_refresh(&task->io, folder);
}


/* Its folder is made aside, so that it is there at once, or not at all. */

static ngx_int_t
ngx_lu_app_place(ngx_lu_task_t *task, cJSON *app)
{
    u_char  *temp, *folder;

    folder = ngx_lu_app_folder(task, "apps");

    if (ngx_lu_temp_mkdir(&task->io, task->store, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_audit(task, temp, 0) != NGX_OK
        || ngx_lu_file_write_json(&task->io, task->store,
                                  ngx_lu_path_in(&task->io, temp, "app.json"),
                                  app)
           != NGX_OK
        || ngx_lu_file_mkdir(&task->io, ngx_lu_app_folder(task, "live"))
           == NGX_ERROR
        || ngx_lu_file_mkdir(&task->io, ngx_lu_app_folder(task, "staging"))
           == NGX_ERROR
        || ngx_lu_app_vacate(task, folder) != NGX_OK
        || ngx_lu_turn_prove(&task->io) != NGX_OK
        || ngx_lu_file_rename(&task->io, temp, folder) != NGX_OK)
    {
        ngx_lu_tree_discard(temp);
        return NGX_ERROR;
    }

    return ngx_lu_file_sync(&task->io, ngx_lu_path_folder(&task->io, folder));
}


/* In the place of the new folder there may be one that has a lock at most. */

static ngx_int_t
ngx_lu_app_vacate(ngx_lu_task_t *task, u_char *folder)
{
    ngx_int_t       rc;
    ngx_lu_lock_t  *lock;

    rc = ngx_lu_lock_existing(&task->io, task->store,
                              ngx_lu_path_in(&task->io, folder, "lock"),
                              &lock);

    if (rc == NGX_OK) {
        rc = ngx_lu_tree_remove(&task->io, task->store, folder);

        ngx_lu_lock_release(lock);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * First what names the app, so that nobody is told of what is about to go;
 * a call that was cut short can be repeated until all is gone.
 */

ngx_int_t
ngx_lu_app_delete(ngx_lu_task_t *task)
{
    u_char         *path, *store;
    ngx_int_t       rc, status;
    ngx_uint_t      found;
    ngx_lu_lock_t  *all, *lock;

    store = ngx_lu_format(task->io.pool, "%V", &task->store->path);
    if (store == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_lu_app_lock_all(task, &all) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    /* a call that waits for the app's lock finds no app then */

    path = ngx_lu_path_in(&task->io, ngx_lu_app_folder(task, "apps"), "lock");

    rc = ngx_lu_lock(&task->io, task->store, path, &lock);

    found = (rc == NGX_OK);
    status = (rc == NGX_ERROR) ? ngx_lu_task_failed(task) : NGX_OK;

    task->frees = 1;
    task->change = "app.delete";
    task->subject = (char *) task->app.data;

    if (found) {

        /* the app's own log is removed with the app */

        rc = ngx_lu_audit(task, store, 0);

        if (rc != NGX_OK && ngx_lu_task_again(task)) {
            rc = ngx_lu_audit(task, store, 0);
        }

        status = (rc == NGX_OK) ? ngx_lu_app_tell(task)
                                : ngx_lu_task_failed(task);

        if (status == NGX_OK) {
            status = ngx_lu_remains_mark(task);
        }

        ngx_lu_lock_release(lock);
    }

    if (status == NGX_OK) {
        status = ngx_lu_remains_remove(task);
    }

    ngx_lu_lock_release(all);

    if (status == NGX_DECLINED) {
        return found ? NGX_OK
                     : ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                          "App not found.");
    }

    return status;
}


/* A full disk does not prevent what frees space. */

static ngx_int_t
ngx_lu_app_tell(ngx_lu_task_t *task)
{
    ngx_int_t  status;

    status = ngx_lu_event(task, "app.deleted", NULL, task->now, NULL, "gone");

    if (status != NGX_OK && ngx_lu_task_again(task)) {
        status = ngx_lu_event(task, "app.deleted", NULL, task->now, NULL,
                              "gone");
    }

    return status;
}


static u_char *
ngx_lu_app_folder(ngx_lu_task_t *task, const char *place)
{
    return ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                       task->app.data);
}
