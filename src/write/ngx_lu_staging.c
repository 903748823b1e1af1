
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_staging.h"

#include "zone/ngx_lu_count.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_put.h"
#include "core/lu_release.h"


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
ngx_lu_staging_place(ngx_lu_task_t *task, u_char *folder, u_char *data,
    const lu_str_t *href)
{
    u_char  *path;

    path = ngx_lu_path_in(&task->io, folder, "files/%*s", href->len,
                          href->data);

    if (ngx_lu_file_mkdirs(&task->io, folder, path) != NGX_OK
        || ngx_lu_file_link(&task->io, data, path) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_complete(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_file_t *files, size_t n)
{
    char              *text;
    size_t             i;
    u_char            *path;
    lu_put_t           put;
    uint64_t           size;
    ngx_int_t          rc, status;
    ngx_lu_numbers_t  *numbers;

    text = lu_file_table_print(files, n);
    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path_in(&task->io, release->folder, "files.json");

    rc = ngx_lu_file_write(&task->io, task->store, path, text,
                           ngx_strlen(text));
    cJSON_free(text);

    /* the files are on the disk before the state says so */

    if (rc != NGX_OK
        || ngx_lu_tree_sync(&task->io, release->folder) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    size = 0;

    for (i = 0; i < n; i++) {
        size += files[i].size;
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

    status = ngx_lu_release_save(task, release);
    if (status != NGX_OK) {
        return status;
    }

    numbers = ngx_lu_count_numbers(task->store);

    ngx_lu_count_add(numbers->staged, 1);
    ngx_lu_count_add(numbers->stage_bytes, size);

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

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
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

    rc = ngx_lu_release_save(task, release);

    return rc == NGX_OK ? status : rc;
}
