
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_files.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_name.h"
#include "core/lu_sha256.h"
#include "core/lu_twin.h"


#define NGX_LU_STAGE_FILES_MAX  2000


#define NGX_LU_STAGE_SKIPPED    1000


static ngx_int_t ngx_lu_stage_files_folder(ngx_lu_stage_t *stage,
    ngx_str_t *part, ngx_array_t *parts);
static ngx_int_t ngx_lu_stage_files_part(ngx_lu_stage_t *stage,
    ngx_str_t *part);
static ngx_int_t ngx_lu_stage_files_push(ngx_lu_stage_t *stage,
    lu_str_t *upload, u_char *path, ngx_file_info_t *fi);
static ngx_int_t ngx_lu_stage_files_skip(ngx_lu_stage_t *stage,
    const lu_str_t *upload, const char *reason);
static ngx_int_t ngx_lu_stage_files_wishes(ngx_lu_stage_t *stage,
    const cJSON *names, ngx_uint_t with);
static ngx_uint_t ngx_lu_stage_files_is_made(const lu_str_t *name);
static ngx_int_t ngx_lu_stage_files_hash(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);
static ngx_int_t ngx_lu_stage_files_absent(ngx_lu_stage_t *stage,
    const lu_str_t *name);


ngx_int_t
ngx_lu_stage_files(ngx_lu_stage_t *stage)
{
    ngx_int_t     status;
    ngx_str_t    *part;
    ngx_uint_t    i;
    ngx_array_t   parts;

    if (ngx_array_init(&parts, stage->task->io.pool, 8, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(stage->task);
    }

    status = ngx_lu_stage_files_folder(stage, NULL, &parts);

    part = parts.elts;

    for (i = 0; status == NGX_OK && i < parts.nelts; i++) {
        status = ngx_lu_stage_files_part(stage, &part[i]);
    }

    stage->nfiles = stage->files.nelts;

    if (status == NGX_OK) {
        status = ngx_lu_stage_files_wishes(stage, stage->without, 0);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_files_wishes(stage, stage->with, 1);
    }

    return status;
}


/* The files in uploads/ or a part; the folders in it are added to parts. */

static ngx_int_t
ngx_lu_stage_files_folder(ngx_lu_stage_t *stage, ngx_str_t *part,
    ngx_array_t *parts)
{
    u_char           *path, *upload;
    lu_str_t          str;
    ngx_int_t         rc, status;
    ngx_str_t        *name, *folder;
    ngx_uint_t        i;
    ngx_array_t       names;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;

    task = stage->task;

    path = ngx_lu_path_in(&task->io, stage->release->folder,
                          part ? "uploads/%V" : "uploads", part);

    ngx_lu_turn_refresh(&task->io, path);

    rc = ngx_lu_tree_list(&task->io, path, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; rc == NGX_OK && i < names.nelts; i++) {

        upload = part ? ngx_lu_path(&task->io, "%V/%V", part, &name[i])
                      : ngx_lu_path(&task->io, "%V", &name[i]);

        path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads/%s",
                              upload);

        if (upload == NULL || path == NULL) {
            return ngx_lu_task_failed(task);
        }

        str = lu_str((char *) upload);

        if (ngx_link_info(path, &fi) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(&task->io, ngx_link_info_n, path);
            return ngx_lu_task_failed(task);
        }

        if (ngx_is_dir(&fi) && parts) {
            folder = ngx_array_push(parts);
            if (folder == NULL) {
                return ngx_lu_task_nomem(task);
            }

            *folder = name[i];
            continue;
        }

        if (ngx_is_file(&fi)) {
            status = ngx_lu_stage_files_push(stage, &str, path, &fi);

        } else {
            status = ngx_lu_stage_files_skip(stage, &str,
                                             ngx_is_dir(&fi)
                                             ? "is a folder in a folder"
                                             : "is neither a file nor a "
                                               "folder");
        }

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* electron-builder leaves folders beside the files that are of no use here. */

static ngx_int_t
ngx_lu_stage_files_part(ngx_lu_stage_t *stage, ngx_str_t *part)
{
    u_char         *path;
    lu_str_t        str;
    ngx_str_t      *name;
    ngx_uint_t      i;
    ngx_array_t     names;
    ngx_lu_task_t  *task;

    task = stage->task;

    path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads/%V",
                          part);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        str = ngx_lu_to_core(&name[i]);

        if (!ngx_lu_stage_files_is_manifest(&str)) {
            continue;
        }

        str = ngx_lu_to_core(part);

        return lu_name_file_check(&str, &task->error) == LU_OK
               ? ngx_lu_stage_files_folder(stage, part, NULL) : 422;
    }

    str = ngx_lu_to_core(part);

    return ngx_lu_stage_files_skip(stage, &str,
                                   "is a folder without an update manifest");
}


static ngx_int_t
ngx_lu_stage_files_push(ngx_lu_stage_t *stage, lu_str_t *upload,
    u_char *path, ngx_file_info_t *fi)
{
    u_char               *slash;
    ngx_lu_task_t        *task;
    ngx_lu_stage_file_t  *file;

    task = stage->task;

    if (stage->files.nelts == NGX_LU_STAGE_FILES_MAX) {
        return ngx_lu_task_refuse(task, 422,
                                  "The release has too many files.");
    }

    file = ngx_array_push(&stage->files);
    if (file == NULL) {
        return ngx_lu_task_nomem(task);
    }

    ngx_memzero(file, sizeof(ngx_lu_stage_file_t));

    file->upload = *upload;
    file->name = *upload;

    slash = (u_char *) ngx_strchr(upload->data, '/');

    if (slash) {
        file->name.data = slash + 1;
        file->name.len -= slash + 1 - upload->data;
    }

    file->path = path;
    file->size = ngx_file_size(fi);
    file->uniq = ngx_file_uniq(fi);
    file->mtime = ngx_file_mtime(fi);

    return lu_name_file_check(&file->name, &task->error) == LU_OK ? NGX_OK
                                                                  : 422;
}


static ngx_int_t
ngx_lu_stage_files_skip(ngx_lu_stage_t *stage, const lu_str_t *upload,
    const char *reason)
{
    lu_error_t            why;
    ngx_lu_stage_left_t  *left;

    if (stage->left.nelts == NGX_LU_STAGE_SKIPPED) {
        return NGX_OK;
    }

    left = ngx_array_push(&stage->left);
    if (left == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    left->upload = *upload;
    left->reason = reason;

    /* nobody has checked its name */

    if (lu_name_href_check(upload, &why) != LU_OK) {
        left->upload = lu_str("?");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_files_wishes(ngx_lu_stage_t *stage, const cJSON *names,
    ngx_uint_t with)
{
    lu_str_t              name;
    ngx_uint_t            i, found;
    const cJSON          *item;
    ngx_lu_task_t        *task;
    ngx_lu_stage_file_t  *file;

    task = stage->task;
    file = stage->files.elts;

    if (names == NULL || cJSON_IsNull(names)) {
        return NGX_OK;
    }

    if (!cJSON_IsArray(names)) {
        goto invalid;
    }

    cJSON_ArrayForEach(item, names) {

        if (lu_json_value(item, &name) != LU_OK) {
            goto invalid;
        }

        if (with && ngx_lu_stage_files_is_made(&name)) {
            (void) lu_error(&task->error, &name,
                            "is in \"with\", and is a file for updaters: what "
                            "the manifests need comes by itself");
            return 422;
        }

        found = 0;

        for (i = 0; i < stage->nfiles; i++) {
            if (lu_str_eq(&file[i].upload, &name)) {

                if (with) {
                    file[i].is_with = 1;

                } else {
                    file[i].is_without = 1;
                }

                found = 1;
            }
        }

        if (!found) {
            (void) lu_error(&task->error, &name,
                            with ? "is a name in \"with\" that no uploaded "
                                   "file has"
                                 : "is a name in \"without\" that no uploaded "
                                   "file has");
            return 422;
        }
    }

    for (i = 0; i < stage->nfiles; i++) {
        if (file[i].is_with && file[i].is_without) {
            (void) lu_error(&task->error, &file[i].upload,
                            "is in \"with\" and in \"without\"");
            return 422;
        }
    }

    return NGX_OK;

invalid:

    return ngx_lu_task_refuse(task, 422,
                              with
                              ? "\"with\" must be a list of names of files "
                                "that were uploaded."
                              : "\"without\" must be a list of names of "
                                "files that were uploaded.");
}


/* Manifests, lists and blockmaps have their own way into the release. */

static ngx_uint_t
ngx_lu_stage_files_is_made(const lu_str_t *name)
{
    return lu_str_ends(name, ".yml")
           || lu_str_ends(name, ".yaml")
           || lu_str_ends(name, ".json")
           || lu_str_ends(name, ".blockmap");
}


ngx_uint_t
ngx_lu_stage_files_is_manifest(const lu_str_t *name)
{
    size_t  len;

    len = sizeof("builder-") - 1;

    /* electron-builder writes "builder-debug.yml" for its own use */

    return name->len > sizeof(".yml") - 1
           && lu_str_ends(name, ".yml")
           && (name->len < len
               || ngx_strncmp(name->data, "builder-", len) != 0);
}


ngx_lu_stage_file_t *
ngx_lu_stage_files_find(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {
        if (!file[i].is_merged
            && !file[i].is_without
            && lu_str_eq(&file[i].name, name))
        {
            return &file[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_lu_stage_files_once(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    u_char               *text;
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *other;

    other = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++, other++) {

        if (other == file
            || other->is_merged
            || other->is_without
            || !lu_str_eq(&other->name, &file->name))
        {
            continue;
        }

        status = ngx_lu_stage_files_hash(stage, file);

        if (status == NGX_OK) {
            status = ngx_lu_stage_files_hash(stage, other);
        }

        if (status != NGX_OK) {
            return status;
        }

        if (ngx_strcmp(file->sha256, other->sha256) == 0) {
            other->is_merged = 1;
            continue;
        }

        text = ngx_lu_format(stage->task->io.pool,
                             "has other bytes than \"%*s\": give one of them "
                             "another name", other->upload.len,
                             other->upload.data);
        if (text == NULL) {
            return ngx_lu_task_nomem(stage->task);
        }

        (void) lu_error(&stage->task->error, &file->upload, (char *) text);

        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_files_hash(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    ngx_int_t        rc;
    ngx_lu_digest_t  digest;

    if (ngx_lu_stage_files_known(stage, file)) {
        return NGX_OK;
    }

    rc = ngx_lu_digest(&stage->task->io, file->path, &digest);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(stage->task, rc);
    }

    ngx_lu_stage_files_digest(file, &digest);

    return NGX_OK;
}


ngx_uint_t
ngx_lu_stage_files_known(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    ngx_uint_t              i;
    const ngx_lu_digest_t  *known;

    if (file->is_hashed) {
        return 1;
    }

    if (stage->digests == NULL) {
        return 0;
    }

    known = stage->digests->elts;

    for (i = 0; i < stage->digests->nelts; i++) {
        if (known[i].uniq == file->uniq
            && known[i].mtime == file->mtime
            && known[i].size == file->size
            && lu_str_eq(&known[i].name, &file->name))
        {
            ngx_lu_stage_files_digest(file, &known[i]);
            return 1;
        }
    }

    return 0;
}


void
ngx_lu_stage_files_digest(ngx_lu_stage_file_t *file,
    const ngx_lu_digest_t *digest)
{
    file->size = digest->size;
    file->is_hashed = 1;

    ngx_memcpy(file->sha256, digest->sha256, sizeof(file->sha256));
    ngx_memcpy(file->sha512, digest->sha512, sizeof(file->sha512));
}


ngx_lu_stage_file_t *
ngx_lu_stage_files_listed(ngx_lu_stage_t *stage, const lu_str_t *name,
    ngx_int_t *status)
{
    lu_update_t           update;
    ngx_lu_stage_file_t  *file;

    /* by then it has another name, which the feed answers by its rules */

    if (lu_update_parse(name, &update)) {
        (void) lu_error(&stage->task->error, name,
                        "is listed, but has the name of an update manifest: "
                        "it could not be downloaded");

        *status = 422;
        return NULL;
    }

    file = ngx_lu_stage_files_find(stage, name);

    if (file == NULL) {
        *status = ngx_lu_stage_files_absent(stage, name);
        return NULL;
    }

    *status = ngx_lu_stage_files_once(stage, file);

    if (*status != NGX_OK) {
        return NULL;
    }

    file->by = stage->by;

    return file;
}


/* With two publishers, the manifests of the first one lie on top in "dist". */

static ngx_int_t
ngx_lu_stage_files_absent(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    u_char               *text;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;
    text = NULL;

    for (i = 0; i < stage->nfiles; i++) {

        if (!lu_twin_is_safe(name, &file[i].name)) {
            continue;
        }

        text = ngx_lu_format(stage->task->io.pool,
                             "is listed in \"%*s\", but is not there; \"%*s\" "
                             "is: the manifest was written for another "
                             "publisher, such as GitHub, and the one to upload "
                             "is in the folder \"generic\" of \"dist\"",
                             stage->by.len, stage->by.data,
                             file[i].upload.len, file[i].upload.data);
        break;
    }

    if (i == stage->nfiles) {
        text = ngx_lu_format(stage->task->io.pool,
                             "is listed in \"%*s\", but is not there",
                             stage->by.len, stage->by.data);
    }

    if (text == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    (void) lu_error(&stage->task->error, name, (char *) text);

    return 422;
}


ngx_int_t
ngx_lu_stage_files_wrong(ngx_lu_stage_t *stage, lu_rc_e rc)
{
    u_char         *text;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = stage->task;

    status = ngx_lu_task_core(task, rc);

    if (status < NGX_HTTP_BAD_REQUEST
        || status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
    {
        return status;
    }

    text = ngx_lu_reply_sentence(task->io.pool, &task->error);

    if (text) {
        text = ngx_lu_format(task->io.pool, "is invalid: %s", text);
    }

    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    (void) lu_error(&task->error, &stage->by, (char *) text);

    return status;
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
    const lu_str_t *bytes)
{
    lu_sha256_t           sha256;
    ngx_lu_stage_file_t  *file;

    file = ngx_array_push(&stage->files);
    if (file == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    ngx_memzero(file, sizeof(ngx_lu_stage_file_t));

    file->name = *name;
    file->data = bytes->data;
    file->size = bytes->len;
    file->is_hashed = 1;
    file->is_listed = 1;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, bytes->data, bytes->len);
    lu_sha256_hex(&sha256, file->sha256);

    return NGX_OK;
}
