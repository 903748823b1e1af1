
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_files.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_name.h"
#include "core/lu_sha256.h"


#define NGX_LU_STAGE_FILES_MAX  2000


static const ngx_lu_digest_t *ngx_lu_stage_files_known(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);


ngx_int_t
ngx_lu_stage_files(ngx_lu_stage_t *stage)
{
    u_char               *path;
    lu_str_t              str;
    ngx_int_t             rc;
    ngx_str_t            *name;
    ngx_uint_t            i;
    ngx_array_t           names;
    ngx_lu_task_t        *task;
    ngx_file_info_t       fi;
    ngx_lu_stage_file_t  *file;

    task = stage->task;

    path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads");

    rc = ngx_lu_tree_list(&task->io, path, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; rc == NGX_OK && i < names.nelts; i++) {

        path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads/%V",
                              &name[i]);

        if (path == NULL) {
            return ngx_lu_task_failed(task);
        }

        /* electron-builder leaves folders beside the files */

        if (ngx_link_info(path, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
            continue;
        }

        str = ngx_lu_to_core(&name[i]);

        if (lu_name_file_check(&str, &task->error) != LU_OK) {
            return 422;
        }

        if (stage->files.nelts == NGX_LU_STAGE_FILES_MAX) {
            return ngx_lu_task_refuse(task, 422,
                                      "The release has too many files.");
        }

        file = ngx_array_push(&stage->files);
        if (file == NULL) {
            return ngx_lu_task_nomem(task);
        }

        ngx_memzero(file, sizeof(ngx_lu_stage_file_t));

        file->name = str;
        file->path = path;
        file->size = ngx_file_size(&fi);
        file->uniq = ngx_file_uniq(&fi);
        file->mtime = ngx_file_mtime(&fi);
    }

    stage->nfiles = stage->files.nelts;

    return NGX_OK;
}


ngx_lu_stage_file_t *
ngx_lu_stage_files_find(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {
        if (lu_str_eq(&file[i].name, name)) {
            return &file[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_lu_stage_files_hash(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    ngx_int_t               rc;
    ngx_lu_digest_t         digest;
    const ngx_lu_digest_t  *known;

    if (file->is_hashed) {
        return NGX_OK;
    }

    known = ngx_lu_stage_files_known(stage, file);

    if (known == NULL) {

        rc = ngx_lu_digest(&stage->task->io, file->path, &digest);
        if (rc != NGX_OK) {
            return ngx_lu_task_unread(stage->task, rc);
        }

        known = &digest;
    }

    file->size = known->size;
    file->is_hashed = 1;

    ngx_memcpy(file->sha256, known->sha256, sizeof(file->sha256));
    ngx_memcpy(file->sha512, known->sha512, sizeof(file->sha512));

    return NGX_OK;
}


static const ngx_lu_digest_t *
ngx_lu_stage_files_known(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    ngx_uint_t              i;
    const ngx_lu_digest_t  *known;

    if (stage->digests == NULL) {
        return NULL;
    }

    known = stage->digests->elts;

    for (i = 0; i < stage->digests->nelts; i++) {
        if (known[i].uniq == file->uniq
            && known[i].mtime == file->mtime
            && known[i].size == file->size
            && lu_str_eq(&known[i].name, &file->name))
        {
            return &known[i];
        }
    }

    return NULL;
}


ngx_lu_stage_file_t *
ngx_lu_stage_files_listed(ngx_lu_stage_t *stage, const lu_str_t *name,
    ngx_int_t *status)
{
    ngx_lu_stage_file_t  *file;

    file = ngx_lu_stage_files_find(stage, name);

    if (file == NULL) {
        (void) lu_error(&stage->task->error, name,
                        "is listed, but is not there");
        *status = 422;
        return NULL;
    }

    *status = ngx_lu_stage_files_hash(stage, file);

    return *status == NGX_OK ? file : NULL;
}


ngx_int_t
ngx_lu_stage_files_version(ngx_lu_stage_t *stage, const lu_str_t *name,
    const lu_str_t *version)
{
    if (version->len == 0) {
        return NGX_OK;
    }

    if (stage->version == NULL) {
        stage->version = (char *) version->data;
        return NGX_OK;
    }

    if (!lu_str_is(version, stage->version)) {
        (void) lu_error(&stage->task->error, name,
                        "is of another version than the others");
        return 422;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_stage_files_add(ngx_lu_stage_t *stage, const lu_str_t *name,
    const char *text)
{
    lu_sha256_t           sha256;
    ngx_lu_stage_file_t  *file;

    file = ngx_array_push(&stage->files);
    if (file == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    ngx_memzero(file, sizeof(ngx_lu_stage_file_t));

    file->name = *name;
    file->size = ngx_strlen(text);
    file->is_hashed = 1;
    file->is_listed = 1;

    file->data = ngx_pnalloc(stage->task->io.pool, (size_t) file->size);
    if (file->data == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    ngx_memcpy(file->data, text, (size_t) file->size);

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, text, (size_t) file->size);
    lu_sha256_hex(&sha256, file->sha256);

    return NGX_OK;
}
