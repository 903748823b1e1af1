
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_delta.h"
#include "ngx_lu_gzip.h"
#include "ngx_lu_once.h"
#include "ngx_lu_staging.h"
#include "ngx_lu_usage.h"
#include "ngx_lu_verify.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_change_channel.h"
#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_manifest.h"
#include "core/lu_put.h"
#include "core/lu_sha256.h"
#include "core/lu_zip.h"


#define NGX_LU_VERIFY_CONTENT  ((uint64_t) 4 * 1024 * 1024 * 1024)


/* A file that was uploaded, and where. */

typedef struct {
    lu_file_t            file;
    u_char              *data;
} ngx_lu_verify_upload_t;


typedef struct {
    ngx_lu_task_t                   *task;
    ngx_lu_release_t                *release;
    ngx_lu_verify_upload_t          *uploaded;   /* sorted by href */
    lu_file_t                       *files;      /* the same */
    size_t                           n;
    ngx_uint_t                       is_manifest;
    ngx_uint_t                       is_signed;
} ngx_lu_verify_t;


static ngx_int_t ngx_lu_verify_uploads(ngx_lu_verify_t *verify);
static int ngx_lu_verify_upload_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_verify_upload(ngx_lu_verify_t *verify, ngx_str_t *name,
    ngx_lu_verify_upload_t *uploaded);
static ngx_int_t ngx_lu_verify_digest(ngx_lu_verify_t *verify,
    ngx_lu_verify_upload_t *uploaded);
static ngx_int_t ngx_lu_verify_bytes(ngx_lu_verify_t *verify,
    ngx_lu_verify_upload_t *uploaded);
static ngx_int_t ngx_lu_verify_piece(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_verify_zip(ngx_lu_verify_t *verify);
static ngx_int_t ngx_lu_verify_manifest(ngx_lu_verify_t *verify);
static ngx_int_t ngx_lu_verify_channel(ngx_lu_verify_t *verify);
static ngx_int_t ngx_lu_verify_stage(ngx_lu_verify_t *verify);
static ngx_int_t ngx_lu_verify_make(ngx_lu_verify_t *verify, u_char *make);
static ngx_int_t ngx_lu_verify_describe(ngx_lu_verify_t *verify);


ngx_int_t
ngx_lu_verify(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    lu_str_t         kind;
    ngx_int_t        status;
    ngx_lu_verify_t  verify;

    ngx_memzero(&verify, sizeof(ngx_lu_verify_t));

    verify.task = task;
    verify.release = release;

    (void) lu_json_string(release->json, "kind", &kind);
    verify.is_manifest = lu_str_is(&kind, "manifest");

    status = ngx_lu_verify_uploads(&verify);

    if (status == NGX_OK) {
        status = verify.is_manifest
                 ? ngx_lu_verify_manifest(&verify)
                 : ngx_lu_verify_zip(&verify);
    }

    if (status == NGX_OK) {
        status = ngx_lu_verify_channel(&verify);
    }

    if (status != NGX_OK) {
        return ngx_lu_staging_refuse(task, release, status);
    }

    return ngx_lu_verify_stage(&verify);
}


static ngx_int_t
ngx_lu_verify_uploads(ngx_lu_verify_t *verify)
{
    size_t                   n;
    u_char                  *path;
    ngx_int_t                rc, status;
    ngx_str_t               *name;
    ngx_uint_t               i;
    ngx_array_t              names;
    ngx_lu_task_t           *task;
    ngx_lu_verify_upload_t  *uploaded;

    task = verify->task;

    path = ngx_lu_path_in(&task->io, verify->release->folder, "uploads");

    ngx_lu_turn_refresh(&task->io, path);

    rc = ngx_lu_tree_list(&task->io, path, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    uploaded = ngx_pcalloc(task->io.pool, (names.nelts + 1)
                                    * sizeof(ngx_lu_verify_upload_t));
    verify->files = ngx_pcalloc(task->io.pool, (names.nelts + 1)
                                               * sizeof(lu_file_t));

    if (uploaded == NULL || verify->files == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name = names.elts;
    n = 0;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len < sizeof(".json")
            || ngx_strcmp(name[i].data + name[i].len - (sizeof(".json") - 1),
                          ".json")
               != 0)
        {
            continue;
        }

        if (n > LU_MANIFEST_FILES) {
            return ngx_lu_task_refuse(task, 422,
                                      "The bundle has too many files.");
        }

        status = ngx_lu_verify_upload(verify, &name[i], &uploaded[n++]);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (n == 0) {
        return ngx_lu_task_refuse(task, 422, "The bundle has no files.");
    }

    qsort(uploaded, n, sizeof(ngx_lu_verify_upload_t),
          ngx_lu_verify_upload_cmp);

    verify->uploaded = uploaded;
    verify->n = n;
    verify->is_signed = 1;

    for (i = 0; i < n; i++) {
        verify->files[i] = uploaded[i].file;
    }

    return NGX_OK;
}


static int
ngx_lu_verify_upload_cmp(const void *one, const void *two)
{
    const ngx_lu_verify_upload_t  *first = one, *second = two;

    return lu_file_cmp(&first->file, &second->file);
}


static ngx_int_t
ngx_lu_verify_upload(ngx_lu_verify_t *verify, ngx_str_t *name,
    ngx_lu_verify_upload_t *uploaded)
{
    cJSON          *json;
    u_char         *path;
    ngx_int_t       rc, status;
    lu_arena_t      arena;
    ngx_lu_task_t  *task;

    task = verify->task;

    path = ngx_lu_path_in(&task->io, verify->release->folder, "uploads/%V",
                          name);

    rc = ngx_lu_file_read_json(&task->io, path, &json);

    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    status = ngx_lu_task_core(task,
                              lu_file_parse(&arena, json,
                                            &uploaded->file,
                                            &task->error));
    cJSON_Delete(json);

    if (status != NGX_OK) {
        return status;
    }

    uploaded->data = ngx_lu_path_in(&task->io, verify->release->folder,
                                    "uploads/%*s.data",
                                    name->len - (sizeof(".json") - 1),
                                    name->data);
    if (uploaded->data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_verify_digest(verify, uploaded);
}


static ngx_int_t
ngx_lu_verify_digest(ngx_lu_verify_t *verify, ngx_lu_verify_upload_t *uploaded)
{
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = verify->task;

    /* what this machine remembers may be wrong, but not right by chance */

    task->io.plain = 1;
    status = ngx_lu_verify_bytes(verify, uploaded);
    task->io.plain = 0;

    if (status == NGX_OK || status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    return ngx_lu_verify_bytes(verify, uploaded);
}


static ngx_int_t
ngx_lu_verify_bytes(ngx_lu_verify_t *verify, ngx_lu_verify_upload_t *uploaded)
{
    char            hex[LU_SHA256_HEX + 1];
    ngx_int_t       rc;
    lu_sha256_t     sha256;
    ngx_lu_task_t  *task;

    task = verify->task;

    lu_sha256_init(&sha256);

    rc = ngx_lu_file_pieces(&task->io, uploaded->data, ngx_lu_verify_piece,
                            &sha256);
    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        (void) lu_error(&task->error, &uploaded->file.href,
                        "was announced, but not uploaded");
        return 422;
    }

    lu_sha256_hex(&sha256, hex);

    if (sha256.size != uploaded->file.size
        || !lu_str_is(&uploaded->file.sha256, hex))
    {
        (void) lu_error(&task->error, &uploaded->file.href,
                        "is not on the disk as it was announced: upload it "
                        "again");
        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_verify_piece(void *data, u_char *bytes, size_t len)
{
    lu_sha256_update(data, bytes, len);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_verify_zip(ngx_lu_verify_t *verify)
{
    FILE           *file;
    ngx_fd_t        fd;
    ngx_int_t       rc;
    lu_arena_t      arena;
    zip_error_t     error;
    zip_source_t   *source;
    ngx_lu_task_t  *task;

    task = verify->task;

    if (verify->n != 1) {
        return ngx_lu_task_refuse(task, 422,
                                  "A zip bundle consists of one file.");
    }

    rc = ngx_lu_file_open(&task->io, verify->uploaded[0].data, &fd);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    file = fdopen(fd, "rb");

    if (file == NULL) {
        (void) ngx_close_file(fd);
        return ngx_lu_task_nomem(task);
    }

    zip_error_init(&error);

    source = zip_source_filep_create(file, 0, -1, &error);

    zip_error_fini(&error);

    if (source == NULL) {
        (void) fclose(file);
        return ngx_lu_task_nomem(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    verify->is_signed = (verify->files[0].signature.len != 0);

    return ngx_lu_task_core(task,
                            lu_zip_check(&arena, source, NGX_LU_VERIFY_CONTENT,
                                         &task->error));
}


static ngx_int_t
ngx_lu_verify_manifest(ngx_lu_verify_t *verify)
{
    size_t            i, n;
    lu_rc_e           parsed;
    lu_str_t         *names, href, text;
    ngx_int_t         rc, status;
    lu_file_t        *entries;
    lu_arena_t        arena;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;
    const lu_file_t  *file;

    task = verify->task;

    href = lu_str(LU_MANIFEST_NAME);

    file = lu_file_find(verify->files, verify->n, &href);

    if (file == NULL) {
        return ngx_lu_task_refuse(task, 422,
                                  "The manifest itself ("
                                  LU_MANIFEST_NAME
                                  ") was not uploaded.");
    }

    rc = ngx_lu_file_read(&task->io,
                          verify->uploaded[file - verify->files].data, &text,
                          &fi);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_manifest_parse(&arena, &text, &entries, &n, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_task_core(task, parsed);
    }

    parsed = lu_manifest_check(entries, n, verify->files, verify->n,
                               &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_task_core(task, parsed);
    }

    status = ngx_lu_delta_check(task, verify->release, entries, n);
    if (status != NGX_OK) {
        return status;
    }

    verify->is_signed = (file->signature.len != 0);

    /* files that the manifest does not list must not collide, either */

    names = ngx_palloc(task->io.pool, verify->n * sizeof(lu_str_t));
    if (names == NULL) {
        return ngx_lu_task_nomem(task);
    }

    for (i = 0; i < verify->n; i++) {
        names[i] = verify->files[i].href;
    }

    return ngx_lu_task_core(task,
                            lu_file_tree_check(names, verify->n,
                                               &task->error));
}


static ngx_int_t
ngx_lu_verify_channel(ngx_lu_verify_t *verify)
{
    cJSON          *app, *channel;
    lu_str_t        id;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = verify->task;

    if (verify->is_signed
        || lu_json_string(verify->release->json, "channel", &id) != LU_OK)
    {
        return NGX_OK;
    }

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = lu_change_channel_find(app, (char *) id.data);

    if (channel
        && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                           "protectedAt")))
    {
        status = ngx_lu_task_refuse(task, 422,
                                    "The channel is protected: it takes "
                                    "only signed bundles (upload with "
                                    "--private-key).");
    }

    cJSON_Delete(app);

    return status;
}


static ngx_int_t
ngx_lu_verify_stage(ngx_lu_verify_t *verify)
{
    u_char     *make;
    ngx_int_t   status;

    status = ngx_lu_staging_begin(verify->task, verify->release, &make);

    if (status == NGX_OK) {
        status = ngx_lu_verify_make(verify, make);

        ngx_lu_tree_discard(make);
    }

    /* it may have been linked to what is released, or was before */

    ngx_lu_usage_changed(verify->task);

    return status;
}


static ngx_int_t
ngx_lu_verify_make(ngx_lu_verify_t *verify, u_char *make)
{
    size_t          i;
    u_char        **data;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = verify->task;

    data = ngx_palloc(task->io.pool, verify->n * sizeof(u_char *));
    if (data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    for (i = 0; i < verify->n; i++) {
        data[i] = verify->uploaded[i].data;

        status = ngx_lu_staging_place(task, make, data[i],
                                      &verify->files[i].href);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (verify->is_manifest) {
        status = ngx_lu_gzip(task, make, verify->files, data, verify->n);
        if (status != NGX_OK) {
            return status;
        }
    }

    status = ngx_lu_once(task, verify->release, make, verify->files,
                         verify->n);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_verify_describe(verify);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_staging_complete(task, verify->release, make, verify->files,
                                   verify->n);
}


static ngx_int_t
ngx_lu_verify_describe(ngx_lu_verify_t *verify)
{
    cJSON      *release;
    lu_put_t    put;
    lu_file_t  *zip;

    release = verify->release->json;

    cJSON_DeleteItemFromObjectCaseSensitive(release, "checksum");
    cJSON_DeleteItemFromObjectCaseSensitive(release, "signature");

    lu_put_init(&put);

    lu_put_bool(&put, release, "signed", verify->is_signed);

    if (!verify->is_manifest) {
        zip = &verify->files[0];

        lu_put_str(&put, release, "checksum", &zip->sha256);

        if (zip->signature.len) {
            lu_put_str(&put, release, "signature", &zip->signature);
        }
    }

    return put.failed ? ngx_lu_task_nomem(verify->task) : NGX_OK;
}
