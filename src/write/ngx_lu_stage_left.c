
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_left.h"
#include "ngx_lu_task.h"

#include "core/lu_platform.h"
#include "core/lu_put.h"
#include "core/lu_twin.h"


#define NGX_LU_STAGE_LEFT_MAX  100     /* in release.json */
#define NGX_LU_BLOCKMAP        ".blockmap"


static ngx_int_t ngx_lu_stage_left_file(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);
static ngx_lu_stage_file_t *ngx_lu_stage_left_twin(ngx_lu_stage_t *stage,
    const lu_str_t *name);
static ngx_uint_t ngx_lu_stage_left_has_blockmap(ngx_lu_stage_t *stage,
    const lu_str_t *name);
static const char *ngx_lu_stage_left_reason(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);


ngx_int_t
ngx_lu_stage_left(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_left_t  *left;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (file->is_listed || file->is_merged) {
            continue;
        }

        if (!file->is_without) {
            status = ngx_lu_stage_left_file(stage, file);
            if (status != NGX_OK) {
                return status;
            }
        }

        left = ngx_array_push(&stage->left);
        if (left == NULL) {
            return ngx_lu_task_nomem(stage->task);
        }

        left->upload = file->upload;
        left->reason = ngx_lu_stage_left_reason(stage, file);
    }

    return NGX_OK;
}


/*
 * Uploads of two builds into one folder: each brings its files, but the second
 * manifest has replaced the first one.  What that listed cannot be known, but
 * electron-builder lists each architecture of an artifact that it lists at all,
 * makes blockmaps only of what it lists, and lists each AppImage.
 */

static ngx_int_t
ngx_lu_stage_left_file(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    u_char               *text;
    ngx_pool_t           *pool;
    ngx_lu_stage_file_t  *twin;

    pool = stage->task->io.pool;

    if (lu_str_ends(&file->name, NGX_LU_BLOCKMAP)
        || lu_str_ends(&file->name, ".yml")
        || lu_str_ends(&file->name, ".json"))
    {
        return NGX_OK;
    }

    twin = ngx_lu_stage_left_twin(stage, &file->name);

    if (twin) {
        text = ngx_lu_format(pool,
                             "is in no update manifest, while \"%*s\", the "
                             "same for another architecture, is in \"%*s\": "
                             "one upload of this manifest has replaced "
                             "another. Upload each build into a folder of its "
                             "own, or name the file in \"without\"",
                             twin->upload.len, twin->upload.data,
                             twin->by.len, twin->by.data);

    } else if (lu_twin_has_version(&file->name, stage->version)
               && (ngx_lu_stage_left_has_blockmap(stage, &file->name)
                   || ((stage->platforms & LU_LINUX)
                       && lu_str_ends(&file->name, ".AppImage"))))
    {
        text = ngx_lu_format(pool,
                             "was built to be updated, and is in no update "
                             "manifest: its manifest was not uploaded, or "
                             "another upload has replaced it. Upload each "
                             "build into a folder of its own, or name the file "
                             "in \"without\"");

    } else {
        return NGX_OK;
    }

    if (text == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    (void) lu_error(&stage->task->error, &file->upload, (char *) text);

    return 422;
}


static ngx_lu_stage_file_t *
ngx_lu_stage_left_twin(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {
        if (file[i].is_listed
            && file[i].by.len
            && lu_twin_is(&file[i].name, name))
        {
            return &file[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_lu_stage_left_has_blockmap(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    size_t                len;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;
    len = sizeof(NGX_LU_BLOCKMAP) - 1;

    for (i = 0; i < stage->nfiles; i++) {
        if (file[i].name.len == name->len + len
            && ngx_strncmp(file[i].name.data, name->data, name->len) == 0
            && lu_str_ends(&file[i].name, NGX_LU_BLOCKMAP))
        {
            return 1;
        }
    }

    return 0;
}


static const char *
ngx_lu_stage_left_reason(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    if (file->is_without) {
        return "was named in \"without\"";
    }

    if (lu_str_ends(&file->name, NGX_LU_BLOCKMAP)) {
        return "is the blockmap of a file that is not part of the release";
    }

    if (lu_str_ends(&file->name, ".yml") || lu_str_ends(&file->name, ".yaml"))
    {
        return "is electron-builder's own";
    }

    return lu_twin_has_version(&file->name, stage->version)
           ? "is in no update manifest"
           : "is in no update manifest, and does not have the version in its "
             "name";
}


ngx_int_t
ngx_lu_stage_left_describe(ngx_lu_stage_t *stage)
{
    cJSON                *json, *list, *item;
    lu_put_t              put;
    ngx_uint_t            i;
    ngx_lu_stage_left_t  *left;

    json = stage->release->json;

    cJSON_DeleteItemFromObjectCaseSensitive(json, "leftOut");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "leftOutCount");

    if (stage->left.nelts == 0) {
        return NGX_OK;
    }

    lu_put_init(&put);

    list = lu_put_array(&put, json, "leftOut");
    left = stage->left.elts;

    for (i = 0; i < stage->left.nelts && i < NGX_LU_STAGE_LEFT_MAX; i++) {
        item = lu_put_object(&put, list, NULL);

        lu_put_str(&put, item, "name", &left[i].upload);
        lu_put_string(&put, item, "reason", left[i].reason);
    }

    lu_put_number(&put, json, "leftOutCount", (double) stage->left.nelts);

    return put.failed ? ngx_lu_task_nomem(stage->task) : NGX_OK;
}
