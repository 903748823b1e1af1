
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_names.h"
#include "ngx_lu_stage.h"
#include "ngx_lu_stage_blockmap.h"
#include "ngx_lu_stage_builder.h"
#include "ngx_lu_stage_files.h"
#include "ngx_lu_stage_left.h"
#include "ngx_lu_stage_merge.h"
#include "ngx_lu_stage_names.h"
#include "ngx_lu_stage_read.h"
#include "ngx_lu_stage_sign.h"
#include "ngx_lu_stage_td.h"
#include "ngx_lu_staging.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_name.h"
#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_platform.h"
#include "core/lu_put.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"
#include "core/lu_td.h"


static ngx_int_t ngx_lu_stage_with(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_blockmaps(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_table(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_commit(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_make(ngx_lu_stage_t *stage, u_char *make);
static ngx_int_t ngx_lu_stage_place(ngx_lu_stage_t *stage, u_char *make,
    ngx_lu_stage_file_t *file);
static lu_str_t ngx_lu_stage_notes(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_describe(ngx_lu_stage_t *stage);
static void ngx_lu_stage_origin(ngx_lu_stage_t *stage, lu_put_t *put);
static void ngx_lu_stage_conditions(ngx_lu_stage_t *stage, lu_put_t *put);


ngx_int_t
ngx_lu_stage(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_array_t *digests, const cJSON *wishes)
{
    lu_str_t        id;
    ngx_int_t       status;
    ngx_lu_stage_t  stage;

    ngx_memzero(&stage, sizeof(ngx_lu_stage_t));

    (void) lu_json_string(release->json, "id", &id);

    stage.task = task;
    stage.release = release;
    stage.digests = digests;
    stage.wishes = wishes;
    stage.without = lu_json_get(wishes, "without");
    stage.with = lu_json_get(wishes, "with");
    stage.id = (char *) id.data;

    if (ngx_array_init(&stage.files, task->io.pool, 64,
                       sizeof(ngx_lu_stage_file_t))
        != NGX_OK
        || ngx_array_init(&stage.left, task->io.pool, 16,
                          sizeof(ngx_lu_stage_left_t))
           != NGX_OK
        || ngx_array_init(&stage.manifests, task->io.pool, 8,
                          sizeof(ngx_lu_stage_manifest_t))
           != NGX_OK
        || ngx_array_init(&stage.lists, task->io.pool, 4, sizeof(lu_td_t))
           != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_stage_files(&stage);

    if (status == NGX_OK) {
        status = ngx_lu_stage_merge(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_builder(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_with(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_td(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_blockmaps(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_read(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_builder_check(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_td_check(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_blockmap_check(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_names(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_left(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_table(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_names_check(task, stage.table, stage.ntable, NULL);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_sign(&stage);
    }

    if (status != NGX_OK) {
        return ngx_lu_staging_refuse(task, release, status);
    }

    return ngx_lu_stage_commit(&stage);
}


/* Files that the publisher wants in the release, and that no manifest lists. */

static ngx_int_t
ngx_lu_stage_with(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!file->is_with || file->is_listed || file->is_merged) {
            continue;
        }

        status = ngx_lu_stage_files_once(stage, file);
        if (status != NGX_OK) {
            return status;
        }

        file->is_listed = 1;
        file->is_extra = 1;
    }

    return NGX_OK;
}


/* A blockmap belongs to the file that its name begins with. */

static ngx_int_t
ngx_lu_stage_blockmaps(ngx_lu_stage_t *stage)
{
    size_t                len;
    lu_str_t              name;
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file, *whole;

    len = sizeof(".blockmap") - 1;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (file->is_listed
            || file->is_merged
            || file->is_without
            || file->name.len <= len
            || !lu_str_ends(&file->name, ".blockmap"))
        {
            continue;
        }

        name.len = file->name.len - len;
        name.data = file->name.data;

        whole = ngx_lu_stage_files_find(stage, &name);

        if (whole == NULL || !whole->is_listed) {
            continue;
        }

        status = ngx_lu_stage_files_once(stage, file);

        /* nobody could mend what was fetched, and updaters can do without */

        if (status == NGX_OK && stage->digests == NULL) {
            status = ngx_lu_stage_blockmap(stage, file, whole);
        }

        if (status != NGX_OK) {
            return status;
        }

        file->is_listed = 1;
    }

    if (!stage->task->blockmaps || stage->digests) {
        return NGX_OK;
    }

    return ngx_lu_stage_blockmap_make(stage);
}


/* What becomes part of the release, sorted by name. */

static ngx_int_t
ngx_lu_stage_table(ngx_lu_stage_t *stage)
{
    lu_file_t            *row;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    stage->table = ngx_pcalloc(stage->task->io.pool, (stage->files.nelts + 1)
                                                     * sizeof(lu_file_t));
    if (stage->table == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    stage->ntable = 0;

    for (i = 0; i < stage->files.nelts; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!file->is_listed) {
            continue;
        }

        row = &stage->table[stage->ntable++];

        row->href = file->name;
        row->size = file->size;
        row->sha256.len = LU_SHA256_HEX;
        row->sha256.data = (u_char *) file->sha256;
    }

    ngx_qsort(stage->table, stage->ntable, sizeof(lu_file_t), lu_file_cmp);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_commit(ngx_lu_stage_t *stage)
{
    u_char     *make;
    ngx_int_t   status;

    status = ngx_lu_staging_begin(stage->task, stage->release, &make);

    if (status == NGX_OK) {
        status = ngx_lu_stage_make(stage, make);

        ngx_lu_tree_discard(make);
    }

    return status;
}


static ngx_int_t
ngx_lu_stage_make(ngx_lu_stage_t *stage, u_char *make)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->files.nelts; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!file->is_listed) {
            continue;
        }

        status = ngx_lu_stage_place(stage, make, file);
        if (status != NGX_OK) {
            return status;
        }
    }

    status = ngx_lu_stage_describe(stage);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_staging_complete(stage->task, stage->release, make,
                                   stage->table, stage->ntable);
}


static ngx_int_t
ngx_lu_stage_place(ngx_lu_stage_t *stage, u_char *make,
    ngx_lu_stage_file_t *file)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = stage->task;

    if (file->data) {
        path = ngx_lu_path_in(&task->io, make, "files/%*s", file->name.len,
                              file->name.data);

        if (ngx_lu_file_mkdirs(&task->io, make, path) != NGX_OK
            || ngx_lu_file_write(&task->io, task->store, path,
                                 (char *) file->data,
                                 (size_t) file->size)
               != NGX_OK)
        {
            return ngx_lu_task_failed(task);
        }

        return NGX_OK;
    }

    /* files that came by a copy or WebDAV were not synced yet */

    if (ngx_lu_file_sync(&task->io, file->path) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_staging_place(task, make, file->path, &file->name);
}


/* Those of the first manifest that has some. */

static lu_str_t
ngx_lu_stage_notes(ngx_lu_stage_t *stage)
{
    lu_str_t                  notes;
    ngx_uint_t                i;
    ngx_lu_stage_manifest_t  *manifest;

    ngx_memzero(&notes, sizeof(lu_str_t));

    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts && notes.len == 0; i++) {
        notes = manifest[i].builder.notes;
    }

    lu_limit_cut("releaseNotes", &notes);

    return notes;
}


static ngx_int_t
ngx_lu_stage_describe(ngx_lu_stage_t *stage)
{
    cJSON    *json, *platforms;
    lu_put_t  put;
    lu_str_t  notes;
    unsigned  platform;

    json = stage->release->json;

    lu_put_init(&put);

    lu_put_string(&put, json, "version", stage->version);

    notes = ngx_lu_stage_notes(stage);

    if (notes.len) {
        lu_put_str(&put, json, "releaseNotes", &notes);
    }

    platforms = lu_put_array(&put, json, "platforms");

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {
        if (stage->platforms & platform) {
            lu_put_string(&put, platforms, NULL, lu_platform_name(platform));
        }
    }

    ngx_lu_stage_origin(stage, &put);
    ngx_lu_stage_conditions(stage, &put);

    return put.failed ? ngx_lu_task_nomem(stage->task)
                      : ngx_lu_stage_left_describe(stage);
}


/* The call says it, or else the first manifest that does. */

static void
ngx_lu_stage_origin(ngx_lu_stage_t *stage, lu_put_t *put)
{
    cJSON                    *json;
    lu_error_t                err;
    ngx_uint_t                i;
    lu_origin_t               origin;
    ngx_lu_stage_manifest_t  *manifest;

    json = stage->release->json;

    if (lu_release_origin_parse(stage->wishes, &origin, &err) == LU_OK) {
        lu_release_origin_put(put, json, &origin);
    }

    /* an earlier call, or a webhook */

    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts; i++) {

        if (lu_json_get(json, "commit")) {
            break;
        }

        lu_release_origin_put(put, json, &manifest[i].builder.origin);
    }
}


/* What keeps updaters from a release that the server gives them. */

static void
ngx_lu_stage_conditions(ngx_lu_stage_t *stage, lu_put_t *put)
{
    cJSON                    *json, *list, *item;
    ngx_uint_t                i, has_system;
    ngx_lu_stage_manifest_t  *manifest;

    json = stage->release->json;
    list = NULL;

    cJSON_DeleteItemFromObjectCaseSensitive(json, "conditions");

    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts; i++) {

        has_system = lu_name_label_valid(&manifest[i].builder.system);

        if (!has_system && manifest[i].builder.percent == 100) {
            continue;
        }

        if (list == NULL) {
            list = lu_put_array(put, json, "conditions");
        }

        item = cJSON_CreateObject();

        lu_put_str(put, item, "manifest", &manifest[i].name);

        if (has_system) {
            lu_put_str(put, item, "minimumSystemVersion",
                       &manifest[i].builder.system);
        }

        if (manifest[i].builder.percent != 100) {
            lu_put_number(put, item, "stagingPercentage",
                          manifest[i].builder.percent);
        }

        lu_put_item(put, list, NULL, item);
    }
}
