
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * In the staging folder of a bundle, "uploads" has a {id}.json for each file,
 * which says what was announced, and a {id}.data with the bytes.
 */


#include "ngx_lu_api_file.h"
#include "ngx_lu_form.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"


static ngx_int_t ngx_lu_api_file_read(ngx_lu_form_t *form,
    const cJSON *release, lu_file_t *file);
static ngx_int_t ngx_lu_api_file_href(ngx_lu_form_t *form,
    const cJSON *release, lu_file_t *file);
static ngx_int_t ngx_lu_api_file_check(ngx_lu_form_t *form,
    const lu_file_t *file);
static char *ngx_lu_api_file_id(ngx_lu_task_t *task, const lu_str_t *href);
static ngx_int_t ngx_lu_api_file_write(ngx_lu_form_t *form,
    const lu_file_t *file, const char *id, u_char *folder);
static ngx_int_t ngx_lu_api_file_announce(ngx_lu_task_t *task,
    const lu_file_t *file, u_char *path);


ngx_int_t
ngx_lu_api_file_post(ngx_lu_call_t *call)
{
    char             *id;
    ngx_int_t         status;
    lu_file_t         file;
    ngx_lu_form_t    *form;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    status = ngx_lu_form_read(call, "file", &form);
    if (status != NGX_OK) {
        return status;
    }

    /* the slow part, before others have to wait for the lock */

    if (form->has_file
        && ngx_lu_temp_sync(&task->io, &form->temp) != NGX_OK)
    {
        status = ngx_lu_task_failed(task);
        goto done;
    }

    status = ngx_lu_bundle_open(task, &release);
    if (status != NGX_OK) {
        goto done;
    }

    status = ngx_lu_api_file_read(form, release.json, &file);

    if (status == NGX_OK) {
        id = ngx_lu_api_file_id(task, &file.href);

        status = id ? ngx_lu_api_file_write(form, &file, id, release.folder)
                    : ngx_lu_task_nomem(task);

        if (status == NGX_OK) {
            status = ngx_lu_call_string(call, NGX_HTTP_CREATED, "id", id);
        }
    }

    ngx_lu_release_close(&release);

done:

    ngx_lu_form_discard(form);

    return status;
}


/* What the fields say of the file, checked against the file if it came. */

static ngx_int_t
ngx_lu_api_file_read(ngx_lu_form_t *form, const cJSON *release,
    lu_file_t *file)
{
    off_t           size;
    lu_str_t       *fields;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &form->call->task;
    fields = form->fields;

    ngx_memzero(file, sizeof(lu_file_t));

    status = ngx_lu_api_file_href(form, release, file);
    if (status != NGX_OK) {
        return status;
    }

    file->sha256 = fields[NGX_LU_FIELD_CHECKSUM];

    if (!lu_sha256_hex_valid(&file->sha256)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"checksum\" must be the file's SHA-256 in "
                                  "lower-case hex.");
    }

    size = ngx_atoof(fields[NGX_LU_FIELD_SIZE].data,
                     fields[NGX_LU_FIELD_SIZE].len);

    if (size == NGX_ERROR) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"sizeInBytes\" must be the file's size "
                                  "in bytes.");
    }

    file->size = size;
    file->signature = fields[NGX_LU_FIELD_SIGNATURE];

    if (file->signature.len && !lu_file_signature_valid(&file->signature)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"signature\" must be an RSA signature of "
                                  "128 to 1024 bytes, in base64.");
    }

    file->type = fields[NGX_LU_FIELD_TYPE];

    if (file->type.len && !lu_file_type_valid(&file->type)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"mimeType\" must be a media type.");
    }

    return form->has_file ? ngx_lu_api_file_check(form, file) : NGX_OK;
}


/* A zip is the only file of its bundle. */

static ngx_int_t
ngx_lu_api_file_href(ngx_lu_form_t *form, const cJSON *release,
    lu_file_t *file)
{
    lu_rc_e         rc;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    if (lu_release_kind(release) != LU_KIND_MANIFEST) {
        file->href = lu_str(LU_ZIP_NAME);
        return NGX_OK;
    }

    file->href = form->fields[NGX_LU_FIELD_HREF];

    if (file->href.len == 0) {
        return ngx_lu_task_refuse(task, 422,
                                  "A file of a manifest bundle needs an "
                                  "\"href\".");
    }

    rc = lu_name_href_check(&file->href, &task->error);

    return ngx_lu_task_core(task, rc);
}


static ngx_int_t
ngx_lu_api_file_check(ngx_lu_form_t *form, const lu_file_t *file)
{
    const char     *text;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    if (form->temp.sha256.size != file->size) {
        text = "has another size than \"sizeInBytes\" says";

    } else if (!lu_str_is(&file->sha256, form->sha256)) {
        text = "has another SHA-256 than \"checksum\" says";

    } else {
        return NGX_OK;
    }

    return ngx_lu_task_core(task, lu_error(&task->error, &file->href, text));
}


/* The same file of the same bundle has the same id: a retry replaces it. */

static char *
ngx_lu_api_file_id(ngx_lu_task_t *task, const lu_str_t *href)
{
    u_char       digest[SHA256_DIGEST_LENGTH];
    lu_sha256_t  sha256;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, task->id.data, task->id.len);
    lu_sha256_update(&sha256, ":", 1);
    lu_sha256_update(&sha256, href->data, href->len);
    lu_sha256_final(&sha256, digest);

    return ngx_lu_task_uuid_of(task, digest, 8);
}


static ngx_int_t
ngx_lu_api_file_write(ngx_lu_form_t *form, const lu_file_t *file,
    const char *id, u_char *folder)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    if (form->has_file) {
        form->has_file = 0;

        path = ngx_lu_path_in(&task->io, folder, "uploads/%s.data", id);

        if (ngx_lu_temp_rename(&task->io, &form->temp, path) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.json", id);

    return ngx_lu_api_file_announce(task, file, path);
}


/* Not synced: the bundle is when it is complete. */

static ngx_int_t
ngx_lu_api_file_announce(ngx_lu_task_t *task, const lu_file_t *file,
    u_char *path)
{
    char          *text;
    cJSON         *json;
    ngx_int_t      rc;
    ngx_lu_temp_t  temp;

    json = lu_file_json(file);
    text = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);

    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_check(&task->io, path, text, ngx_strlen(text));

    if (rc == NGX_OK) {
        rc = ngx_lu_temp_create(&task->io, task->store, &temp);
    }

    if (rc == NGX_OK) {
        rc = ngx_lu_temp_write(&task->io, &temp, (u_char *) text,
                               ngx_strlen(text));
        if (rc == NGX_OK) {
            rc = ngx_lu_temp_rename(&task->io, &temp, path);

        } else {
            ngx_lu_temp_discard(&temp);
        }
    }

    cJSON_free(text);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}
