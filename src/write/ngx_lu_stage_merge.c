
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_builder.h"
#include "ngx_lu_stage_merge.h"
#include "ngx_lu_task.h"

#include "core/lu_builder.h"
#include "core/lu_merge.h"
#include "core/lu_sha256.h"


static ngx_int_t ngx_lu_stage_merge_name(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *first);
static ngx_int_t ngx_lu_stage_merge_read(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file, lu_str_t *text);
static void ngx_lu_stage_merge_replace(ngx_lu_stage_file_t *file,
    const lu_str_t *text);


ngx_int_t
ngx_lu_stage_merge(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {

        if (file[i].is_merged
            || file[i].is_without
            || !ngx_lu_stage_files_is_manifest(&file[i].name))
        {
            continue;
        }

        status = ngx_lu_stage_merge_name(stage, &file[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_merge_name(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *first)
{
    size_t                n;
    lu_rc_e               rc;
    lu_str_t              texts[LU_MERGE_MAX], merged;
    ngx_int_t             status;
    lu_arena_t            arena;
    ngx_lu_stage_file_t  *file, *last;

    n = 0;
    last = (ngx_lu_stage_file_t *) stage->files.elts + stage->nfiles;

    for (file = first + 1; file < last; file++) {

        if (file->is_without || !lu_str_eq(&file->name, &first->name)) {
            continue;
        }

        if (n == 0) {
            status = ngx_lu_stage_merge_read(stage, first, &texts[n++]);
            if (status != NGX_OK) {
                return status;
            }
        }

        if (n == LU_MERGE_MAX) {
            (void) lu_error(&stage->task->error, &first->name,
                            "is there more often than "
                            lu_value(LU_MERGE_MAX) " times");
            return 422;
        }

        status = ngx_lu_stage_merge_read(stage, file, &texts[n++]);
        if (status != NGX_OK) {
            return status;
        }

        file->is_merged = 1;
    }

    if (n == 0) {
        return NGX_OK;
    }

    stage->by = first->name;

    arena = ngx_lu_arena(stage->task->io.pool);

    rc = lu_merge(&arena, texts, n, &merged, &stage->task->error);
    if (rc != LU_OK) {
        return ngx_lu_stage_files_wrong(stage, rc);
    }

    ngx_lu_stage_merge_replace(first, &merged);

    return NGX_OK;
}


/* With its own name in what is wrong, before it is one of several. */

static ngx_int_t
ngx_lu_stage_merge_read(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file,
    lu_str_t *text)
{
    lu_rc_e        rc;
    ngx_int_t      status;
    lu_arena_t     arena;
    lu_builder_t   builder;

    stage->by = file->upload;

    status = ngx_lu_stage_builder_read(stage, file, text);
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(stage->task->io.pool);

    rc = lu_builder_parse(&arena, text, &builder, &stage->task->error);
    if (rc != LU_OK) {
        return ngx_lu_stage_files_wrong(stage, rc);
    }

    return ngx_lu_stage_files_version(stage, &file->upload, &builder.version);
}


static void
ngx_lu_stage_merge_replace(ngx_lu_stage_file_t *file, const lu_str_t *text)
{
    lu_sha256_t  sha256;

    file->data = text->data;
    file->size = text->len;
    file->upload = file->name;
    file->is_hashed = 1;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, text->data, text->len);
    lu_sha256_hex(&sha256, file->sha256);
}
