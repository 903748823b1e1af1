
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_expects.h"
#include "ngx_lu_inlet.h"
#include "ngx_lu_stage_files.h"

#include "core/lu_builder.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_update.h"


static ngx_int_t ngx_lu_expects_has(ngx_lu_stage_t *stage,
    const ngx_array_t *expects);
static ngx_int_t ngx_lu_expects_has_own(ngx_lu_stage_t *stage,
    const lu_str_t *name, ngx_uint_t wanted);
static ngx_int_t ngx_lu_expects_version(ngx_lu_stage_t *stage,
    lu_str_t *version);
static ngx_uint_t ngx_lu_expects_counts(ngx_lu_stage_t *stage,
    const lu_str_t *name, ngx_uint_t wanted);
static ngx_int_t ngx_lu_expects_files(ngx_lu_stage_t *stage);
static ngx_uint_t ngx_lu_expects_files_of(ngx_lu_stage_t *stage,
    const lu_builder_t *builder);


ngx_int_t
ngx_lu_expects_check(ngx_lu_task_t *task, const cJSON *expects)
{
    lu_str_t      name;
    const cJSON  *item;

    if (!cJSON_IsArray(expects)
        || expects->child == NULL
        || cJSON_GetArraySize(expects) > NGX_LU_EXPECTS_MAX)
    {
        goto invalid;
    }

    cJSON_ArrayForEach(item, expects) {
        if (lu_json_value(item, &name) != LU_OK
            || !ngx_lu_expects_name_valid(&name))
        {
            goto invalid;
        }
    }

    return NGX_OK;

invalid:

    return ngx_lu_task_refuse(task, 422,
                              "\"expects\" must be a list of 1 to "
                              lu_value(NGX_LU_EXPECTS_MAX) " names of update "
                              "manifests, such as \"latest.yml\".");
}


ngx_uint_t
ngx_lu_expects_name_valid(const lu_str_t *name)
{
    lu_error_t  why;

    return lu_name_file_check(name, &why) == LU_OK
           && ngx_lu_stage_files_is_manifest(name);
}


ngx_int_t
ngx_lu_expects_put(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const cJSON *expects)
{
    lu_put_t  put;

    lu_put_init(&put);

    lu_put_item(&put, release->json, "expects", cJSON_Duplicate(expects, 1));

    return put.failed ? ngx_lu_task_nomem(task)
                      : ngx_lu_release_save(task, release);
}


ngx_int_t
ngx_lu_expects_met(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const ngx_array_t *expects)
{
    ngx_int_t       status;
    ngx_lu_stage_t  stage;

    if (expects == NULL
        && cJSON_GetObjectItemCaseSensitive(release->json, "expects") == NULL)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&stage, sizeof(ngx_lu_stage_t));

    stage.task = task;
    stage.release = release;

    if (ngx_array_init(&stage.files, task->io.pool, 64,
                       sizeof(ngx_lu_stage_file_t))
        != NGX_OK
        || ngx_array_init(&stage.left, task->io.pool, 16,
                          sizeof(ngx_lu_stage_left_t))
           != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_stage_files(&stage);

    if (status == NGX_OK) {
        status = ngx_lu_expects_has(&stage, expects);
    }

    return status == NGX_OK ? ngx_lu_expects_files(&stage) : status;
}


static ngx_int_t
ngx_lu_expects_has(ngx_lu_stage_t *stage, const ngx_array_t *expects)
{
    lu_str_t      *name, value, before;
    ngx_int_t      rc;
    ngx_uint_t     i, j, wanted;
    const cJSON   *list, *item, *other;

    list = cJSON_GetObjectItemCaseSensitive(stage->release->json, "expects");

    cJSON_ArrayForEach(item, list) {

        if (lu_json_value(item, &value) != LU_OK) {
            continue;
        }

        wanted = 1;

        for (other = item->next; other; other = other->next) {
            if (lu_json_value(other, &before) == LU_OK
                && lu_str_eq(&before, &value))
            {
                wanted++;
            }
        }

        if (!ngx_lu_expects_counts(stage, &value, wanted)) {
            return NGX_DECLINED;
        }
    }

    if (list) {
        return NGX_OK;
    }

    name = expects->elts;

    for (i = 0; i < expects->nelts; i++) {

        wanted = 1;

        for (j = i + 1; j < expects->nelts; j++) {
            if (lu_str_eq(&name[i], &name[j])) {
                wanted++;
            }
        }

        if (ngx_lu_expects_counts(stage, &name[i], wanted)) {
            continue;
        }

        rc = ngx_lu_expects_has_own(stage, &name[i], wanted);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/*
 * The configuration is the same for all versions, while electron-builder names
 * the manifests of a prerelease after its channel.
 */

static ngx_int_t
ngx_lu_expects_has_own(ngx_lu_stage_t *stage, const lu_str_t *name,
    ngx_uint_t wanted)
{
    lu_rc_e     rc;
    lu_str_t    version, own;
    ngx_int_t   status;
    lu_arena_t  arena;

    status = ngx_lu_expects_version(stage, &version);
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(stage->task->io.pool);

    rc = lu_update_prerelease(&arena, name, &version, &own);

    if (rc == LU_NOMEM) {
        return ngx_lu_task_nomem(stage->task);
    }

    return rc == LU_OK && ngx_lu_expects_counts(stage, &own, wanted)
           ? NGX_OK : NGX_DECLINED;
}


/* That of the first manifest; all of them are compared later. */

static ngx_int_t
ngx_lu_expects_version(ngx_lu_stage_t *stage, lu_str_t *version)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    lu_builder_t          builder;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {

        if (!ngx_lu_stage_files_is_manifest(&file[i].name)) {
            continue;
        }

        status = ngx_lu_inlet_manifest(stage->task, file[i].path, &builder);

        if (status == NGX_DECLINED) {
            continue;
        }

        *version = builder.version;

        return status;
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_lu_expects_counts(ngx_lu_stage_t *stage, const lu_str_t *name,
    ngx_uint_t wanted)
{
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; wanted && i < stage->nfiles; i++) {
        if (lu_str_eq(&file[i].name, name)) {
            wanted--;
        }
    }

    return wanted == 0;
}


/*
 * While manifests have different versions, some of them are going to be
 * replaced.  What is no manifest is not waited for: staging refuses it.
 */

static ngx_int_t
ngx_lu_expects_files(ngx_lu_stage_t *stage)
{
    lu_str_t              version;
    ngx_int_t             status;
    ngx_uint_t            i;
    lu_builder_t          builder;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;
    version.len = 0;

    for (i = 0; i < stage->nfiles; i++) {

        if (!ngx_lu_stage_files_is_manifest(&file[i].name)) {
            continue;
        }

        status = ngx_lu_inlet_manifest(stage->task, file[i].path, &builder);

        if (status == NGX_DECLINED) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        if (version.len && !lu_str_eq(&version, &builder.version)) {
            return NGX_DECLINED;
        }

        version = builder.version;

        if (!ngx_lu_expects_files_of(stage, &builder)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_expects_files_of(ngx_lu_stage_t *stage, const lu_builder_t *builder)
{
    size_t                i;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < builder->nfiles; i++) {

        file = ngx_lu_stage_files_find(stage, &builder->files[i].name);

        if (file == NULL
            || (builder->files[i].size != UINT64_MAX
                && builder->files[i].size != file->size))
        {
            return 0;
        }
    }

    return 1;
}
