
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_change.h"


static ngx_int_t ngx_lu_app_write(ngx_lu_task_t *task, cJSON *app);
static ngx_int_t ngx_lu_app_remove(ngx_lu_task_t *task, ngx_uint_t *found);


ngx_int_t
ngx_lu_app_lock(ngx_lu_task_t *task, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/%s/lock", &task->store->path,
                       task->app.data);

    switch (ngx_lu_lock(&task->io, path, lock)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "App not found.");
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
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "App not found.");
    default:
        return ngx_lu_task_failed(task);
    }
}


ngx_int_t
ngx_lu_app_each(ngx_lu_task_t *task, ngx_lu_app_pt handler, void *data)
{
    cJSON       *app;
    u_char      *path;
    ngx_int_t    rc, status;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    path = ngx_lu_path(&task->io, "%V/apps", &task->store->path);

    if (ngx_lu_tree_list(&task->io, path, &names) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path(&task->io, "%V/apps/%V/app.json",
                           &task->store->path, &name[i]);

        rc = ngx_lu_file_read_json(&task->io, path, &app);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (rc == NGX_DECLINED) {
            continue;
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
ngx_lu_app_lock_all(ngx_lu_task_t *task, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/apps/.lock", &task->store->path);

    return ngx_lu_lock(&task->io, path, lock);
}


ngx_int_t
ngx_lu_app_create(ngx_lu_task_t *task, cJSON *app)
{
    ngx_fd_t   lock;
    lu_str_t   id;
    ngx_int_t  status;

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
    char      *channel;
    cJSON     *app;
    u_char    *path;
    ngx_fd_t   lock;
    ngx_int_t  status;

    path = ngx_lu_path(&task->io, "%V/apps/%s/app.json", &task->store->path,
                       task->app.data);
    channel = ngx_lu_task_uuid(task);

    if (path == NULL || channel == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_lu_app_lock_all(task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    if (access((char *) path, F_OK) == 0) {
        ngx_lu_lock_release(lock);
        return NGX_OK;
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


/* The app is there when its app.json is; folders alone are of a crash. */

static ngx_int_t
ngx_lu_app_write(ngx_lu_task_t *task, cJSON *app)
{
    u_char          *path, *folder;
    lu_str_t         text;
    ngx_int_t        rc;
    ngx_uint_t       i;
    ngx_file_info_t  fi;

    static const char  *folders[] = { "live", "staging", "apps", NULL };

    folder = ngx_lu_path(&task->io, "%V/apps/%s", &task->store->path,
                         task->app.data);
    path = ngx_lu_path_in(&task->io, folder, "app.json");

    rc = ngx_lu_file_read(&task->io, path, &text, &fi);

    if (rc == NGX_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "An app with this id exists.");
    }

    /* what an app that was deleted has left is none of this one's */

    if (rc != NGX_ERROR) {
        rc = ngx_lu_tree_remove(&task->io, task->store,
                                ngx_lu_path(&task->io, "%V/feed/%s",
                                            &task->store->path,
                                            task->app.data));
    }

    for (i = 0; folders[i] && rc != NGX_ERROR; i++) {
        path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path,
                           folders[i], task->app.data);
        rc = ngx_lu_tree_remove(&task->io, task->store, path);

        if (rc != NGX_ERROR) {
            rc = ngx_lu_file_mkdir(&task->io, path);
        }
    }

    task->change = "app.create";
    task->subject = (char *) task->app.data;

    path = ngx_lu_path_in(&task->io, folder, "app.json");

    if (rc == NGX_ERROR
        || ngx_lu_audit(task, folder, 0) != NGX_OK
        || ngx_lu_file_write_json(&task->io, task->store, path, app) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/*
 * First what names the app, so that nobody is told of what is about to go;
 * a call that was cut short can be repeated until all is gone.
 */

ngx_int_t
ngx_lu_app_delete(ngx_lu_task_t *task)
{
    u_char     *store;
    ngx_fd_t    all, lock;
    ngx_int_t   status;
    ngx_uint_t  found;

    store = ngx_lu_format(task->io.pool, "%V", &task->store->path);
    if (store == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_lu_app_lock_all(task, &all) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    /* a call that waits for the app's lock finds no app then */

    status = ngx_lu_app_lock(task, &lock);

    task->change = "app.delete";
    task->subject = (char *) task->app.data;

    if (status == NGX_OK) {
        found = 1;

        /* the app's own log is removed with the app */

        status = (ngx_lu_audit(task, store, 0) == NGX_OK)
                 ? ngx_lu_app_remove(task, &found)
                 : ngx_lu_task_failed(task);

        ngx_lu_lock_release(lock);

    } else if (status == NGX_HTTP_NOT_FOUND) {
        found = 0;
        status = ngx_lu_app_remove(task, &found);
    }

    ngx_lu_lock_release(all);

    if (status != NGX_OK) {
        return status;
    }

    return found ? NGX_OK
                 : ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "App not found.");
}


static ngx_int_t
ngx_lu_app_remove(ngx_lu_task_t *task, ngx_uint_t *found)
{
    u_char     *path;
    ngx_int_t   rc;
    ngx_uint_t  i;

    static const char  *folders[] = {
        "apps", "feed", "live", "staging", NULL
    };

    for (i = 0; folders[i]; i++) {
        path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path,
                           folders[i], task->app.data);

        rc = ngx_lu_tree_remove(&task->io, task->store, path);

        if (i == 0) {
            ngx_lu_task_changed(task);
        }

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (rc == NGX_OK) {
            *found = 1;
        }
    }

    return NGX_OK;
}
