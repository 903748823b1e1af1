
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_event.h"
#include "ngx_lu_staging.h"

#include "zone/ngx_lu_count.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_put.h"
#include "core/lu_release.h"
#include "core/lu_table.h"


static ngx_int_t ngx_lu_staging_move(ngx_lu_task_t *task, u_char *folder,
    u_char *make, const char *name, ngx_uint_t is_made);
static ngx_int_t ngx_lu_staging_table(ngx_lu_task_t *task, u_char *folder,
    const lu_file_t *files, size_t n);
static ngx_int_t ngx_lu_staging_index(ngx_lu_task_t *task, u_char *path,
    const lu_str_t *files);


ngx_int_t
ngx_lu_staging_clean(ngx_lu_task_t *task, u_char *folder, const char *name)
{
    u_char  *path;

    path = ngx_lu_path_in(&task->io, folder, "%s", name);

    if (ngx_lu_tree_remove(&task->io, task->store, path) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_begin(ngx_lu_task_t *task, ngx_lu_release_t *release,
    u_char **make)
{
    u_char  *path;

    path = ngx_lu_path_in(&task->io, release->folder, "files");

    return ngx_lu_turn_make(&task->io, path, make) == NGX_OK
           ? NGX_OK : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_staging_place(ngx_lu_task_t *task, u_char *make, u_char *data,
    const lu_str_t *href)
{
    u_char  *path;

    path = ngx_lu_path_in(&task->io, make, "files/%*s", href->len,
                          href->data);

    /* names are there once: one that is taken is that of a lost answer */

    if (ngx_lu_file_mkdirs(&task->io, make, path) != NGX_OK
        || ngx_lu_file_link(&task->io, data, path) == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_complete(ngx_lu_task_t *task, ngx_lu_release_t *release,
    u_char *make, const lu_file_t *files, size_t n)
{
    size_t             i;
    lu_put_t           put;
    uint64_t           size;
    ngx_int_t          status;
    ngx_uint_t         gzip;
    ngx_lu_numbers_t  *numbers;

    /* the files are on the disk before the state says so */

    if (ngx_lu_tree_sync(&task->io, make) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    size = 0;
    gzip = 0;

    for (i = 0; i < n; i++) {
        size += files[i].size;
        gzip |= files[i].gzip;
    }

    status = ngx_lu_staging_move(task, release->folder, make, "files", n != 0);

    if (status == NGX_OK) {
        status = ngx_lu_staging_move(task, release->folder, make, "gzip",
                                     gzip);
    }

    if (status == NGX_OK) {
        status = ngx_lu_staging_table(task, release->folder, files, n);
    }

    if (status != NGX_OK) {
        return status;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(release->json, "reason");

    lu_put_init(&put);

    lu_put_string(&put, release->json, "state",
                  lu_release_state_name(LU_STATE_STAGED));
    lu_put_string(&put, release->json, "updatedAt", task->now);
    lu_put_number(&put, release->json, "size", (double) size);

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    /* a bundle may go on: ngx_lu_ready() tells */

    if (task->approval && lu_release_kind(release->json) == LU_KIND_DESKTOP) {

        status = ngx_lu_event(task, "release.staged", release->json, NULL,
                              NULL, "staged");
        if (status != NGX_OK) {
            return status;
        }
    }

    status = ngx_lu_release_save(task, release);
    if (status != NGX_OK) {
        return status;
    }

    numbers = ngx_lu_count_numbers(task->store);

    ngx_lu_count_add(numbers->staged, 1);
    ngx_lu_count_add(numbers->stage_bytes, size);

    return NGX_OK;
}


/* Those of an earlier try go, whether or not there are others now. */

static ngx_int_t
ngx_lu_staging_move(ngx_lu_task_t *task, u_char *folder, u_char *make,
    const char *name, ngx_uint_t is_made)
{
    ngx_int_t  rc, status;

    status = ngx_lu_staging_clean(task, folder, name);

    if (status != NGX_OK || !is_made) {
        return status;
    }

    rc = ngx_lu_file_rename(&task->io, ngx_lu_path_in(&task->io, make, name),
                            ngx_lu_path_in(&task->io, folder, name));

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    /* it was moved away, or its place is taken: another has the turn */

    if (rc == NGX_DECLINED || task->io.err == ENOTEMPTY) {
        (void) ngx_lu_io_error(&task->io, NGX_ECANCELED, "rename()", make);
    }

    return ngx_lu_task_failed(task);
}


/* The index of an earlier try must not lie beside another table. */

static ngx_int_t
ngx_lu_staging_table(ngx_lu_task_t *task, u_char *folder,
    const lu_file_t *files, size_t n)
{
    char       *printed;
    u_char     *path, *index;
    lu_str_t    text;
    ngx_int_t   status;

    path = ngx_lu_path_in(&task->io, folder, "files.json");
    index = ngx_lu_path_in(&task->io, folder, "files.index");

    if (ngx_lu_file_unlink(&task->io, index) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    printed = lu_file_table_print(files, n);
    if (printed == NULL) {
        return ngx_lu_task_nomem(task);
    }

    text = lu_str(printed);

    if (ngx_lu_file_write_text(&task->io, task->store, path, printed)
        != NGX_OK)
    {
        status = ngx_lu_task_failed(task);

    } else {
        status = ngx_lu_staging_index(task, index, &text);
    }

    cJSON_free(printed);

    return status;
}


static ngx_int_t
ngx_lu_staging_index(ngx_lu_task_t *task, u_char *path, const lu_str_t *files)
{
    lu_rc_e     rc;
    lu_str_t    text;
    lu_arena_t  arena;
    lu_table_t  table;

    if (files->len <= LU_TABLE_WHOLE) {
        return NGX_OK;
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_table_scan(&arena, files, &table);

    if (rc == LU_OK) {
        rc = lu_table_print(&arena, &table, &text);
    }

    if (rc != LU_OK) {
        return rc == LU_NOMEM ? ngx_lu_task_nomem(task) : NGX_OK;
    }

    if (ngx_lu_file_write(&task->io, task->store, path, (char *) text.data,
                          text.len)
        != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/* A refused release stays where it is with the reason, to be mended. */

ngx_int_t
ngx_lu_staging_refuse(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_int_t status)
{
    u_char            *reason;
    lu_put_t           put;
    ngx_int_t          rc;
    ngx_lu_numbers_t  *numbers;

    numbers = ngx_lu_count_numbers(task->store);

    ngx_lu_count_add(numbers->stages_failed, 1);

    /* what could not be read may be read the next time */

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR
        || status == NGX_HTTP_NOT_FOUND)
    {
        return status;
    }

    reason = ngx_lu_reply_sentence(task->io.pool, &task->error);

    lu_put_init(&put);

    lu_put_string(&put, release->json, "state",
                  lu_release_state_name(LU_STATE_FAILED));
    lu_put_string(&put, release->json, "reason", (char *) reason);

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_event(task, "release.failed", release->json, task->now,
                      (char *) reason, "failed");

    if (rc == NGX_OK) {
        rc = ngx_lu_release_save(task, release);
    }

    return rc == NGX_OK ? status : rc;
}
