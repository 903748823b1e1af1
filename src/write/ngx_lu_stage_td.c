
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_td.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"

#include "core/lu_platform.h"
#include "core/lu_sha256.h"
#include "core/lu_td.h"


static ngx_int_t ngx_lu_stage_td_list(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *list);
static char *ngx_lu_stage_td_print(ngx_lu_stage_t *stage,
    const lu_builder_t *builder);


ngx_int_t
ngx_lu_stage_td(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (file->name.len < sizeof("td-latest.json") - 1
            || ngx_strncmp(file->name.data, "td-latest",
                           sizeof("td-latest") - 1)
               != 0
            || !lu_str_ends(&file->name, ".json"))
        {
            continue;
        }

        if (file->is_merged || file->is_without) {
            continue;
        }

        stage->by = file->upload;

        status = ngx_lu_stage_files_once(stage, file);

        if (status == NGX_OK) {
            status = ngx_lu_stage_td_list(stage, file);
        }

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_td_list(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *list)
{
    size_t                i;
    lu_rc_e               parsed;
    lu_td_t               td;
    lu_str_t              text;
    ngx_int_t             rc, status;
    lu_arena_t            arena;
    ngx_lu_task_t        *task;
    ngx_file_info_t       fi;
    ngx_lu_stage_file_t  *file;

    task = stage->task;

    rc = ngx_lu_file_read(&task->io, list->path, &text, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_td_parse(&arena, &text, &td, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_stage_files_wrong(stage, parsed);
    }

    status = ngx_lu_stage_files_version(stage, &list->name, &td.version);
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < td.nartifacts; i++) {

        file = ngx_lu_stage_files_listed(stage, &td.artifacts[i].name,
                                         &status);
        if (file == NULL) {
            return status;
        }

        if ((td.artifacts[i].size != UINT64_MAX
             && td.artifacts[i].size != file->size)
            || (td.artifacts[i].sha256.len
                && !lu_str_is(&td.artifacts[i].sha256, file->sha256)))
        {
            (void) lu_error(&task->error, &td.artifacts[i].name,
                            "has another size or SHA-256 than its list says");
            return 422;
        }

        file->is_listed = 1;
    }

    list->is_listed = 1;

    return ngx_lu_stage_files_hash(stage, list);
}


ngx_int_t
ngx_lu_stage_td_add(ngx_lu_stage_t *stage, const lu_str_t *manifest,
    const lu_builder_t *builder)
{
    char      *text;
    u_char    *p;
    unsigned   platform;
    lu_str_t   name;
    ngx_int_t  status;

    platform = lu_str_has(manifest, "-mac-") ? LU_MAC
               : lu_str_has(manifest, "-linux-") ? LU_LINUX
               : LU_WINDOWS;

    if (stage->platforms & platform) {
        return NGX_OK;
    }

    stage->platforms |= platform;

    p = ngx_lu_format(stage->task->io.pool, "td-latest%s-build-%s.json",
                      lu_platform_suffix(platform), stage->id);
    if (p == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    name = lu_str((char *) p);

    if (ngx_lu_stage_files_find(stage, &name)) {
        return NGX_OK;
    }

    text = ngx_lu_stage_td_print(stage, builder);
    if (text == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    status = ngx_lu_stage_files_add(stage, &name, text);

    cJSON_free(text);

    return status;
}


static char *
ngx_lu_stage_td_print(ngx_lu_stage_t *stage, const lu_builder_t *builder)
{
    size_t                i;
    lu_td_artifact_t     *files;
    ngx_lu_stage_file_t  *staged;

    files = ngx_pcalloc(stage->task->io.pool,
                        builder->nfiles * sizeof(lu_td_artifact_t));
    if (files == NULL) {
        return NULL;
    }

    for (i = 0; i < builder->nfiles; i++) {

        staged = ngx_lu_stage_files_find(stage, &builder->files[i].name);

        files[i].name = builder->files[i].name;
        files[i].sha256.len = LU_SHA256_HEX;
        files[i].sha256.data = (u_char *) staged->sha256;
        files[i].size = staged->size;
    }

    return lu_td_print(stage->version, stage->task->now, files,
                       builder->nfiles);
}
