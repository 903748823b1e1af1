
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_blockmap.h"
#include "ngx_lu_stage_builder.h"
#include "ngx_lu_stage_names.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"


static ngx_int_t ngx_lu_stage_builder_manifest(ngx_lu_stage_t *stage,
    ngx_uint_t n);
static ngx_int_t ngx_lu_stage_builder_file(ngx_lu_stage_t *stage,
    const lu_builder_file_t *built);
static ngx_int_t ngx_lu_stage_builder_compare(ngx_lu_stage_t *stage,
    const lu_builder_file_t *built);


ngx_int_t
ngx_lu_stage_builder(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i, found;
    ngx_lu_stage_file_t  *file;

    found = 0;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (file->is_merged
            || file->is_without
            || !ngx_lu_stage_files_is_manifest(&file->name))
        {
            continue;
        }

        status = ngx_lu_stage_builder_manifest(stage, i);
        if (status != NGX_OK) {
            return status;
        }

        found = 1;
    }

    if (!found) {
        return ngx_lu_task_refuse(stage->task, 422,
                                  "The release has no latest.yml, "
                                  "latest-mac.yml or latest-linux.yml; for "
                                  "the target \"nsis-web\", and for a second "
                                  "publisher, it is in a folder of \"dist\".");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_builder_manifest(ngx_lu_stage_t *stage, ngx_uint_t n)
{
    size_t                    i;
    lu_rc_e                   parsed;
    lu_str_t                  text;
    ngx_int_t                 status;
    lu_arena_t                arena;
    lu_builder_t              builder;
    ngx_lu_task_t            *task;
    ngx_lu_stage_file_t      *file;
    ngx_lu_stage_manifest_t  *manifest;

    task = stage->task;
    file = (ngx_lu_stage_file_t *) stage->files.elts + n;

    stage->by = file->upload;

    status = ngx_lu_stage_builder_read(stage, file, &text);
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_builder_parse(&arena, &text, &builder, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_stage_files_wrong(stage, parsed);
    }

    status = ngx_lu_stage_files_version(stage, &file->name, &builder.version);
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < builder.nfiles; i++) {
        status = ngx_lu_stage_builder_file(stage, &builder.files[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    file->is_listed = 1;
    file->is_manifest = 1;

    manifest = ngx_array_push(&stage->manifests);
    if (manifest == NULL) {
        return ngx_lu_task_nomem(task);
    }

    manifest->name = file->name;

    (void) lu_update_parse(&file->name, &manifest->update);

    manifest->builder = builder;

    return ngx_lu_stage_names_rename(stage, file);
}


ngx_int_t
ngx_lu_stage_builder_read(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file,
    lu_str_t *text)
{
    ngx_int_t        rc;
    ngx_lu_task_t   *task;
    ngx_file_info_t  fi;

    task = stage->task;

    if (file->data) {

        /* several of that name were merged */

        text->data = file->data;
        text->len = (size_t) file->size;

        return NGX_OK;
    }

    if (file->size > LU_BUILDER_SIZE) {
        (void) lu_error(&task->error, &file->upload,
                        "is larger than 1 MB, as no update manifest may be");
        return 422;
    }

    rc = ngx_lu_file_read(&task->io, file->path, text, &fi);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_unread(task, rc);
}


static ngx_int_t
ngx_lu_stage_builder_file(ngx_lu_stage_t *stage,
    const lu_builder_file_t *built)
{
    ngx_int_t             status;
    ngx_lu_stage_file_t  *file;

    file = ngx_lu_stage_files_listed(stage, &built->name, &status);
    if (file == NULL) {
        return status;
    }

    /* what ToDesktop has built may be fetched from there */

    if (built->is_absolute && stage->digests == NULL) {
        (void) lu_error(&stage->task->error, &built->name,
                        "has a URL of another server in its manifest: "
                        "electron-updater would not ask the feed for it");
        return 422;
    }

    file->is_listed = 1;

    if (built->blockmap == 0 || file->is_mapped || stage->digests) {
        return NGX_OK;
    }

    file->is_mapped = 1;

    return ngx_lu_stage_blockmap_inside(stage, file, built->blockmap);
}


ngx_int_t
ngx_lu_stage_builder_check(ngx_lu_stage_t *stage)
{
    size_t                    n;
    ngx_int_t                 status;
    ngx_uint_t                i;
    ngx_lu_stage_manifest_t  *manifest;

    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts; i++) {
        for (n = 0; n < manifest[i].builder.nfiles; n++) {

            status = ngx_lu_stage_builder_compare(stage,
                                                  &manifest[i].builder
                                                                .files[n]);
            if (status != NGX_OK) {
                return status;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_builder_compare(ngx_lu_stage_t *stage,
    const lu_builder_file_t *built)
{
    lu_error_t           *error;
    ngx_lu_stage_file_t  *file;

    error = &stage->task->error;

    file = ngx_lu_stage_files_find(stage, &built->name);

    if (built->size != UINT64_MAX && built->size != file->size) {
        (void) lu_error(error, &built->name,
                        "has another size than its manifest says");
        return 422;
    }

    if (ngx_memcmp(built->sha512, file->sha512, SHA512_DIGEST_LENGTH) != 0) {
        (void) lu_error(error, &built->name,
                        "has another SHA-512 than its manifest says");
        return 422;
    }

    return NGX_OK;
}
