
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_remains.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"


static ngx_int_t ngx_lu_remains_in(ngx_lu_task_t *task, const char *place,
    ngx_array_t *names);
static ngx_int_t ngx_lu_remains_staged(ngx_lu_task_t *task,
    ngx_array_t *names);
static ngx_int_t ngx_lu_remains_refuse(ngx_lu_task_t *task,
    const char *place);
static ngx_int_t ngx_lu_remains_jobs(ngx_lu_task_t *task);
static u_char *ngx_lu_remains_folder(ngx_lu_task_t *task, const char *place);
static u_char *ngx_lu_remains_deleted(ngx_lu_task_t *task);


ngx_int_t
ngx_lu_remains_check(ngx_lu_task_t *task)
{
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    static const char  *places[] = { "live", "feed", NULL };

    rc = ngx_lu_file_exists(&task->io, ngx_lu_remains_deleted(task));

    if (rc != NGX_DECLINED) {
        return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
    }

    if (ngx_lu_remains_in(task, "apps", &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        /* whoever asked for the app has made its lock file */

        if (ngx_strcmp(name[i].data, "lock") != 0) {
            return ngx_lu_remains_refuse(task, "apps");
        }
    }

    for (i = 0; places[i]; i++) {

        if (ngx_lu_remains_in(task, places[i], &names) == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (names.nelts) {
            return ngx_lu_remains_refuse(task, places[i]);
        }
    }

    if (ngx_lu_remains_in(task, "staging", &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_remains_staged(task, &names);
}


static ngx_int_t
ngx_lu_remains_in(ngx_lu_task_t *task, const char *place, ngx_array_t *names)
{
    return ngx_lu_tree_list(&task->io, ngx_lu_remains_folder(task, place),
                            names);
}


/* Files may be put into staging before there is an app for them. */

static ngx_int_t
ngx_lu_remains_staged(ngx_lu_task_t *task, ngx_array_t *names)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {

        path = ngx_lu_path(&task->io, "%V/staging/%s/%V/release.json",
                           &task->store->path, task->app.data, &name[i]);

        rc = ngx_lu_file_exists(&task->io, path);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (rc == NGX_OK) {
            return ngx_lu_remains_refuse(task, "staging");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_remains_refuse(ngx_lu_task_t *task, const char *place)
{
    u_char    *name, *text;
    lu_str_t   subject;

    name = ngx_lu_format(task->io.pool, "apps/%s/app.json", task->app.data);
    text = ngx_lu_format(task->io.pool,
               "is missing, but \"%s/%s\" has files of the app: restore it "
               "from a backup. If nobody needs the app any more, delete it, "
               "or remove its folders in apps, live, staging and feed.",
               place, task->app.data);

    if (name == NULL || text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    subject = lu_str((char *) name);

    (void) lu_error(&task->error, &subject, (char *) text);

    return NGX_HTTP_CONFLICT;
}


ngx_int_t
ngx_lu_remains_mark(ngx_lu_task_t *task)
{
    u_char    *deleted, *folder;
    ngx_int_t  rc;

    folder = ngx_lu_remains_folder(task, "apps");
    deleted = ngx_lu_remains_deleted(task);

    /* a mark that is there already belongs to an app that was restored */

    rc = ngx_lu_tree_remove(&task->io, task->store, deleted);

    if (rc != NGX_ERROR) {
        rc = ngx_lu_turn_rename(&task->io, folder, deleted);
    }

    ngx_lu_task_changed(task);

    if (rc != NGX_ERROR) {
        rc = ngx_lu_file_sync(&task->io,
                              ngx_lu_path_folder(&task->io, folder));
    }

    return rc == NGX_ERROR ? ngx_lu_task_failed(task) : NGX_OK;
}


ngx_int_t
ngx_lu_remains_finish(ngx_lu_task_t *task)
{
    ngx_int_t  rc;

    rc = ngx_lu_file_exists(&task->io, ngx_lu_remains_deleted(task));

    if (rc == NGX_OK) {
        rc = ngx_lu_remains_remove(task);

        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    return rc == NGX_DECLINED ? NGX_OK : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_remains_remove(ngx_lu_task_t *task)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_uint_t   i, found;

    static const char  *places[] = { "feed", "live", "staging", NULL };

    found = 0;

    for (i = 0; places[i]; i++) {

        rc = ngx_lu_tree_remove(&task->io, task->store,
                                ngx_lu_remains_folder(task, places[i]));

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        found |= (rc == NGX_OK);
    }

    /* a build that is ordered meanwhile finds no folder in staging */

    if (ngx_lu_remains_jobs(task) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    path = ngx_lu_remains_deleted(task);

    rc = ngx_lu_tree_remove(&task->io, task->store, path);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    found |= (rc == NGX_OK);

    return found ? NGX_OK : NGX_DECLINED;
}


/* The files of its jobs: "{app}.{release}"; ids have no dots. */

static ngx_int_t
ngx_lu_remains_jobs(ngx_lu_task_t *task)
{
    size_t       len;
    u_char      *path;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    path = ngx_lu_path(&task->io, "%V/jobs", &task->store->path);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return NGX_ERROR;
    }

    name = names.elts;
    len = task->app.len;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len <= len
            || name[i].data[len] != '.'
            || ngx_memcmp(name[i].data, task->app.data, len) != 0)
        {
            continue;
        }

        if (ngx_lu_tree_unlink(&task->io, task->store,
                               ngx_lu_path_in(&task->io, path, "%V", &name[i]))
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static u_char *
ngx_lu_remains_folder(ngx_lu_task_t *task, const char *place)
{
    return ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                       task->app.data);
}


/* No id has a dot, and no list shows a name that begins with one. */

static u_char *
ngx_lu_remains_deleted(ngx_lu_task_t *task)
{
    return ngx_lu_path(&task->io, "%V/apps/.deleted.%s", &task->store->path,
                       task->app.data);
}
