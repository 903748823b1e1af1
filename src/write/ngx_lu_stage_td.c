
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_names.h"
#include "ngx_lu_stage_td.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"

#include "core/lu_artifact.h"
#include "core/lu_platform.h"
#include "core/lu_sha256.h"
#include "core/lu_td.h"


static ngx_int_t ngx_lu_stage_td_list(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *list);
static ngx_int_t ngx_lu_stage_td_compare(ngx_lu_stage_t *stage,
    const lu_td_artifact_t *artifact);
static ngx_int_t ngx_lu_stage_td_add(ngx_lu_stage_t *stage,
    unsigned platform);
static char *ngx_lu_stage_td_print(ngx_lu_stage_t *stage, unsigned platform,
    size_t n);
static size_t ngx_lu_stage_td_extra(ngx_lu_stage_t *stage, unsigned platform,
    lu_td_artifact_t *to);
static ngx_uint_t ngx_lu_stage_td_is_latest(
    const ngx_lu_stage_manifest_t *manifest);
static lu_td_artifact_t *ngx_lu_stage_td_files(ngx_lu_stage_t *stage,
    const ngx_lu_stage_manifest_t *manifest, lu_td_artifact_t *file);


ngx_int_t
ngx_lu_stage_td(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!lu_update_is_td(&file->name)) {
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
    lu_td_t              *td;
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

    td = ngx_array_push(&stage->lists);
    if (td == NULL) {
        return ngx_lu_task_nomem(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_td_parse(&arena, &text, td, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_stage_files_wrong(stage, parsed);
    }

    status = ngx_lu_stage_files_version(stage, &list->name, &td->version);
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < td->nartifacts; i++) {

        file = ngx_lu_stage_files_listed(stage, &td->artifacts[i].name,
                                         &status);
        if (file == NULL) {
            return status;
        }

        file->is_listed = 1;
    }

    list->is_listed = 1;
    list->is_manifest = 1;

    return ngx_lu_stage_names_rename(stage, list);
}


ngx_int_t
ngx_lu_stage_td_check(ngx_lu_stage_t *stage)
{
    size_t       n;
    lu_td_t     *td;
    unsigned     platform;
    ngx_int_t    status;
    ngx_uint_t   i;

    td = stage->lists.elts;

    for (i = 0; i < stage->lists.nelts; i++) {
        for (n = 0; n < td[i].nartifacts; n++) {

            status = ngx_lu_stage_td_compare(stage, &td[i].artifacts[n]);
            if (status != NGX_OK) {
                return status;
            }
        }
    }

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {
        status = ngx_lu_stage_td_add(stage, platform);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_td_compare(ngx_lu_stage_t *stage,
    const lu_td_artifact_t *artifact)
{
    ngx_lu_stage_file_t  *file;

    file = ngx_lu_stage_files_find(stage, &artifact->name);

    if ((artifact->size == UINT64_MAX || artifact->size == file->size)
        && (artifact->sha256.len == 0
            || lu_str_is(&artifact->sha256, file->sha256)))
    {
        return NGX_OK;
    }

    (void) lu_error(&stage->task->error, &artifact->name,
                    "has another size or SHA-256 than its list says");

    return 422;
}


/* Lists the files of all manifests for a platform, unless a list came. */

static ngx_int_t
ngx_lu_stage_td_add(ngx_lu_stage_t *stage, unsigned platform)
{
    char                     *text;
    u_char                   *p;
    size_t                    n;
    lu_str_t                  name, bytes;
    lu_arena_t                arena;
    ngx_uint_t                i;
    ngx_lu_stage_manifest_t  *manifest;

    n = 0;
    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts; i++) {
        if (manifest[i].update.platform == platform) {
            n += manifest[i].builder.nfiles;
        }
    }

    n += ngx_lu_stage_td_extra(stage, platform, NULL);

    if (n == 0) {
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

    text = ngx_lu_stage_td_print(stage, platform, n);
    if (text == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    arena = ngx_lu_arena(stage->task->io.pool);
    bytes = lu_str_dup(&arena, text, strlen(text));

    cJSON_free(text);

    return bytes.data ? ngx_lu_stage_files_add(stage, &name, &bytes)
                      : ngx_lu_task_nomem(stage->task);
}


static char *
ngx_lu_stage_td_print(ngx_lu_stage_t *stage, unsigned platform, size_t n)
{
    ngx_uint_t                i;
    lu_td_artifact_t         *files, *file;
    ngx_lu_stage_manifest_t  *manifest;

    files = ngx_pcalloc(stage->task->io.pool, n * sizeof(lu_td_artifact_t));
    if (files == NULL) {
        return NULL;
    }

    /* what most installations ask for counts, if channels differ */

    file = files;
    manifest = stage->manifests.elts;

    for (i = 0; i < stage->manifests.nelts; i++) {
        if (manifest[i].update.platform == platform
            && ngx_lu_stage_td_is_latest(&manifest[i]))
        {
            file = ngx_lu_stage_td_files(stage, &manifest[i], file);
        }
    }

    for (i = 0; i < stage->manifests.nelts; i++) {
        if (manifest[i].update.platform == platform
            && !ngx_lu_stage_td_is_latest(&manifest[i]))
        {
            file = ngx_lu_stage_td_files(stage, &manifest[i], file);
        }
    }

    (void) ngx_lu_stage_td_extra(stage, platform, file);

    return lu_td_print(stage->version, stage->id, stage->task->now, files, n);
}


/*
 * The files for the platform that no manifest lists: their number, and with
 * "to" their description.  The .exe of the target "nsis" always is in one.
 */

static size_t
ngx_lu_stage_td_extra(ngx_lu_stage_t *stage, unsigned platform,
    lu_td_artifact_t *to)
{
    size_t                n;
    lu_str_t              version, id;
    ngx_uint_t            i;
    lu_artifact_t         artifact;
    ngx_lu_stage_file_t  *file;

    n = 0;
    file = stage->files.elts;

    version = lu_str(stage->version);
    id = lu_str(stage->id);

    for (i = 0; i < stage->nfiles; i++) {

        if (!file[i].is_extra || file[i].is_merged) {
            continue;
        }

        lu_artifact_parse(&file[i].name, &version, &id, &artifact);

        if (artifact.platform != platform || artifact.kind == NULL) {
            continue;
        }

        n++;

        if (to == NULL) {
            continue;
        }

        if (lu_str_ends(&file[i].name, ".exe")) {
            to->artifact = lu_str("portable");
        }

        to->name = file[i].name;
        to->sha256.len = LU_SHA256_HEX;
        to->sha256.data = (u_char *) file[i].sha256;
        to->size = file[i].size;

        to++;
    }

    return n;
}


/* "latest.yml", and "latest-arm64.yml" */

static ngx_uint_t
ngx_lu_stage_td_is_latest(const ngx_lu_stage_manifest_t *manifest)
{
    return manifest->update.channel.len >= sizeof("latest") - 1
           && ngx_strncmp(manifest->update.channel.data, "latest",
                          sizeof("latest") - 1)
              == 0;
}


static lu_td_artifact_t *
ngx_lu_stage_td_files(ngx_lu_stage_t *stage,
    const ngx_lu_stage_manifest_t *manifest, lu_td_artifact_t *file)
{
    size_t                i;
    ngx_lu_stage_file_t  *staged;

    for (i = 0; i < manifest->builder.nfiles; i++, file++) {

        staged = ngx_lu_stage_files_find(stage,
                                         &manifest->builder.files[i].name);

        file->name = staged->name;
        file->sha256.len = LU_SHA256_HEX;
        file->sha256.data = (u_char *) staged->sha256;
        file->size = staged->size;

        if (manifest->update.arch) {
            file->arch = lu_str(manifest->update.arch);
        }
    }

    return file;
}
