
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * In uploads/ there is ".parts", which staging does not see.  It has a folder
 * {upload} for each upload in parts, with "name", which says of what file, and
 * the parts under their numbers.  Once the file is complete, "parts" of
 * release.json has its name and SHA-256: that goes where the release goes.
 */


#include "ngx_lu_inlet.h"
#include "ngx_lu_inlet_parts.h"
#include "ngx_lu_usage.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"


#define NGX_LU_INLET_UPLOADS  4000      /* of a release at once */


/* A part that is read, and added to the whole file. */

typedef struct {
    ngx_lu_io_t             *io;
    ngx_lu_temp_t           *whole;
    lu_sha256_t              sha256;
} ngx_lu_inlet_part_t;


static u_char *ngx_lu_inlet_parts_folder(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *upload);
static ngx_int_t ngx_lu_inlet_parts_find(ngx_lu_task_t *task, u_char *folder,
    const lu_str_t *file);
static ngx_int_t ngx_lu_inlet_parts_none(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_inlet_parts_add(ngx_lu_task_t *task, u_char *folder,
    const lu_s3_part_t *part, ngx_lu_temp_t *whole);
static ngx_int_t ngx_lu_inlet_parts_piece(void *data, u_char *bytes,
    size_t len);


ngx_int_t
ngx_lu_inlet_parts_create(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *file, char **upload)
{
    u_char      *path, *folder;
    lu_str_t     id;
    ngx_uint_t   n;

    path = ngx_lu_path_in(&task->io, release->folder, "uploads/.parts");

    if (ngx_lu_file_mkdir(&task->io, path) == NGX_ERROR
        || ngx_lu_tree_count(&task->io, path, NGX_LU_INLET_UPLOADS, &n)
           == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    if (n >= NGX_LU_INLET_UPLOADS) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release has "
                                  lu_value(NGX_LU_INLET_UPLOADS)
                                  " uploads in parts, the most that it can "
                                  "have.");
    }

    *upload = ngx_lu_task_uuid(task);
    if (*upload == NULL) {
        return ngx_lu_task_nomem(task);
    }

    id = lu_str(*upload);
    folder = ngx_lu_inlet_parts_folder(task, release, &id);
    path = ngx_lu_path_in(&task->io, folder, "name");

    if (ngx_lu_file_mkdir(&task->io, folder) != NGX_OK
        || ngx_lu_file_write(&task->io, task->store, path,
                             (char *) file->data, file->len)
           != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


static u_char *
ngx_lu_inlet_parts_folder(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *upload)
{
    return ngx_lu_path_in(&task->io, release->folder, "uploads/.parts/%*s",
                          upload->len, upload->data);
}


static ngx_int_t
ngx_lu_inlet_parts_find(ngx_lu_task_t *task, u_char *folder,
    const lu_str_t *file)
{
    u_char           *path;
    lu_str_t          name;
    ngx_int_t         rc;
    ngx_file_info_t   fi;

    path = ngx_lu_path_in(&task->io, folder, "name");

    rc = ngx_lu_file_read(&task->io, path, &name, &fi);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return (rc == NGX_OK && lu_str_eq(&name, file))
           ? NGX_OK : ngx_lu_inlet_parts_none(task);
}


static ngx_int_t
ngx_lu_inlet_parts_none(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                              "There is no such upload in parts.");
}


ngx_int_t
ngx_lu_inlet_parts_keep(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload, unsigned number,
    ngx_lu_temp_t *temp)
{
    u_char     *folder, *path;
    ngx_int_t   status;

    folder = ngx_lu_inlet_parts_folder(task, release, upload);

    status = ngx_lu_inlet_parts_find(task, folder, file);

    if (status != NGX_OK) {
        ngx_lu_temp_discard(temp);
        return status;
    }

    path = ngx_lu_path_in(&task->io, folder, "%ui", (ngx_uint_t) number);

    if (ngx_lu_file_place(&task->io, temp, path) != NGX_OK
        || ngx_lu_file_sync(&task->io, folder) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_inlet_parts_abort(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload)
{
    u_char     *folder;
    ngx_int_t   status;

    folder = ngx_lu_inlet_parts_folder(task, release, upload);

    status = ngx_lu_inlet_parts_find(task, folder, file);

    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_tree_remove(&task->io, task->store, folder) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_inlet_parts_join(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload, const lu_s3_part_t *parts,
    size_t n, off_t max, ngx_lu_temp_t *whole)
{
    size_t      i;
    u_char     *folder;
    ngx_int_t   status;

    folder = ngx_lu_inlet_parts_folder(task, release, upload);

    status = ngx_lu_inlet_parts_find(task, folder, file);

    for (i = 0; status == NGX_OK && i < n; i++) {
        status = ngx_lu_inlet_parts_add(task, folder, &parts[i], whole);

        if (status == NGX_OK && whole->sha256.size > (uint64_t) max) {
            status = ngx_lu_task_refuse(task,
                                        NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "The file is larger than \"size\" of "
                                        "liveupdate_publish_s3 allows.");
        }
    }

    return status;
}


static ngx_int_t
ngx_lu_inlet_parts_add(ngx_lu_task_t *task, u_char *folder,
    const lu_s3_part_t *part, ngx_lu_temp_t *whole)
{
    char                  hex[LU_SHA256_HEX + 1];
    u_char               *path;
    ngx_int_t             rc, status;
    ngx_file_info_t       fi;
    ngx_lu_inlet_part_t   piece;

    path = ngx_lu_path_in(&task->io, folder, "%ui",
                          (ngx_uint_t) part->number);

    rc = ngx_lu_file_info(&task->io, path, &fi);

    if (rc == NGX_OK) {
        status = ngx_lu_usage_disk(task, ngx_file_size(&fi));
        if (status != NGX_OK) {
            return status;
        }

        piece.io = &task->io;
        piece.whole = whole;

        lu_sha256_init(&piece.sha256);

        rc = ngx_lu_file_pieces(&task->io, path, ngx_lu_inlet_parts_piece,
                                &piece);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        lu_sha256_hex(&piece.sha256, hex);

        if (lu_str_is(&part->etag, hex)) {
            return NGX_OK;
        }
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_BAD_REQUEST,
                              "A part of the file was not uploaded, or has "
                              "another ETag.");
}


static ngx_int_t
ngx_lu_inlet_parts_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_inlet_part_t *piece = data;

    lu_sha256_update(&piece->sha256, bytes, len);

    return ngx_lu_temp_write(piece->io, piece->whole, bytes, len);
}


ngx_int_t
ngx_lu_inlet_parts_done(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload, const char *sha256)
{
    cJSON      *item;
    u_char     *folder;
    lu_put_t    put;
    ngx_int_t   status;

    lu_put_init(&put);

    item = cJSON_CreateObject();

    lu_put_str(&put, item, "upload", upload);
    lu_put_str(&put, item, "name", file);
    lu_put_string(&put, item, "sha256", sha256);

    ngx_lu_inlet_list(&put, release->json, "parts", item);

    status = put.failed ? ngx_lu_task_nomem(task)
                        : ngx_lu_release_save(task, release);

    if (status != NGX_OK) {
        return status;
    }

    folder = ngx_lu_inlet_parts_folder(task, release, upload);

    if (ngx_lu_tree_remove(&task->io, task->store, folder) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_inlet_parts_finished(const ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload,
    char sha256[LU_SHA256_HEX + 1])
{
    lu_str_t      id, name, digest;
    const cJSON  *item, *list;

    list = cJSON_GetObjectItemCaseSensitive(release->json, "parts");

    cJSON_ArrayForEach(item, list) {

        if (lu_json_string(item, "upload", &id) == LU_OK
            && lu_json_string(item, "name", &name) == LU_OK
            && lu_json_string(item, "sha256", &digest) == LU_OK
            && lu_str_eq(&id, upload)
            && lu_str_eq(&name, file)
            && lu_sha256_hex_valid(&digest))
        {
            ngx_memcpy(sha256, digest.data, LU_SHA256_HEX + 1);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
