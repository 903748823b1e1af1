
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of a bundle on their way in.  In its staging folder, "uploads" holds
 * for each a {id}.json that says what was announced and a {id}.data with the
 * bytes; parts of a large file are {id}.{upload}.{number} until then, and
 * {id}.{upload} says that the upload goes on.
 */


#include "ngx_lu_api_upload.h"
#include "ngx_lu_arg.h"
#include "ngx_lu_form.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"


#define NGX_LU_PARTS  10000


/* A part of an upload, on its way into the whole file if there is one. */

typedef struct {
    ngx_lu_call_t                *call;
    ngx_lu_temp_t                *temp;
    lu_sha256_t                   sha256;
} ngx_lu_part_t;


static ngx_int_t ngx_lu_api_upload_file_announced(ngx_lu_form_t *form,
    cJSON *release, lu_file_t *file);
static ngx_int_t ngx_lu_api_upload_file_commit(ngx_lu_form_t *form,
    lu_file_t *file, char *id, u_char *folder);
static char *ngx_lu_api_upload_file_id(ngx_lu_call_t *call, lu_str_t *href);
static ngx_int_t ngx_lu_api_upload_create(ngx_lu_call_t *call, u_char *folder);
static ngx_int_t ngx_lu_api_upload_check(ngx_lu_call_t *call, u_char *folder,
    char *upload_id);
static ngx_int_t ngx_lu_api_upload_complete(ngx_lu_call_t *call,
    u_char *folder, char *upload_id);
static ngx_int_t ngx_lu_api_upload_assemble(ngx_lu_call_t *call,
    u_char *folder, char *upload_id, lu_file_t *file, u_char *path);
static ngx_int_t ngx_lu_api_upload_join(ngx_lu_call_t *call, u_char *folder,
    char *upload_id, ngx_lu_form_t *form);
static ngx_int_t ngx_lu_api_upload_part(ngx_lu_call_t *call, u_char *path,
    const lu_str_t *etag, ngx_lu_temp_t *temp);
static ngx_int_t ngx_lu_api_upload_piece(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_api_upload_abort(ngx_lu_call_t *call, u_char *folder,
    char *upload_id);


ngx_int_t
ngx_lu_api_upload_file_post(ngx_lu_call_t *call)
{
    char             *id;
    ngx_int_t         status;
    lu_file_t         file;
    ngx_lu_form_t     form;
    ngx_lu_release_t  release;

    status = ngx_lu_form_read(call, &form, "file");

    if (status != NGX_OK) {
        ngx_lu_form_discard(&form);
        return status;
    }

    /* the slow part, before others have to wait for the lock */

    if (form.has_file
        && ngx_lu_temp_sync(&call->task.io, &form.temp) != NGX_OK)
    {
        ngx_lu_form_discard(&form);
        return ngx_lu_task_failed(&call->task);
    }

    status = ngx_lu_bundle_open(&call->task, &release);

    if (status != NGX_OK) {
        ngx_lu_form_discard(&form);
        return status;
    }

    status = ngx_lu_api_upload_file_announced(&form, release.json, &file);

    if (status == NGX_OK) {
        id = ngx_lu_api_upload_file_id(call, &file.href);

        status = id ? ngx_lu_api_upload_file_commit(&form, &file, id,
                                                    release.folder)
                    : ngx_lu_task_nomem(&call->task);
    }

    ngx_lu_release_close(&release);
    ngx_lu_form_discard(&form);

    return status;
}


/* What the fields say of the file, checked against the file if it came. */

static ngx_int_t
ngx_lu_api_upload_file_announced(ngx_lu_form_t *form, cJSON *release,
    lu_file_t *file)
{
    off_t           size;
    lu_str_t       *fields, kind;
    ngx_lu_call_t  *call;

    call = form->call;
    fields = form->fields;

    ngx_memzero(file, sizeof(lu_file_t));

    if (lu_json_string(release, "kind", &kind) == LU_OK
        && lu_str_is(&kind, "manifest"))
    {
        file->href = fields[NGX_LU_FIELD_HREF];

        if (file->href.len == 0) {
            return ngx_lu_task_refuse(&call->task, 422,
                                      "A file of a manifest bundle "
                                      "needs an \"href\".");
        }

        if (lu_name_href_check(&file->href, &call->task.error) != LU_OK)
        {
            return 422;
        }

    } else {
        file->href.data = (u_char *) LU_ZIP_NAME;
        file->href.len = sizeof(LU_ZIP_NAME) - 1;
    }

    file->sha256 = fields[NGX_LU_FIELD_CHECKSUM];

    if (!lu_sha256_hex_valid(&file->sha256)) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"checksum\" must be the file's "
                                  "SHA-256 in lower-case hex.");
    }

    size = ngx_atoof(fields[NGX_LU_FIELD_SIZE].data,
                     fields[NGX_LU_FIELD_SIZE].len);

    if (size == NGX_ERROR) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"sizeInBytes\" must be the file's "
                                  "size.");
    }

    file->size = size;
    file->signature = fields[NGX_LU_FIELD_SIGNATURE];

    if (file->signature.len && !lu_file_signature_valid(&file->signature))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"signature\" must be in base64.");
    }

    file->type = fields[NGX_LU_FIELD_TYPE];

    if (file->type.len && !lu_file_type_valid(&file->type)) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"mimeType\" must be a media type.");
    }

    if (!form->has_file) {
        return NGX_OK;
    }

    if (form->temp.sha256.size != file->size) {
        (void) lu_error(&call->task.error, &file->href,
                        "has another size than \"sizeInBytes\" says");
        return 422;
    }

    if (!lu_str_is(&file->sha256, form->sha256)) {
        (void) lu_error(&call->task.error, &file->href,
                        "has another SHA-256 than \"checksum\" says");
        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_upload_file_commit(ngx_lu_form_t *form, lu_file_t *file, char *id,
    u_char *folder)
{
    char           *text;
    cJSON          *json;
    u_char         *path;
    ngx_lu_temp_t   temp;
    ngx_lu_call_t  *call;

    call = form->call;

    if (form->has_file) {
        form->has_file = 0;

        path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.data", id);

        if (ngx_lu_temp_rename(&call->task.io, &form->temp, path) != NGX_OK) {
            return ngx_lu_task_failed(&call->task);
        }
    }

    json = lu_file_json(file);
    text = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);

    if (text == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    if (ngx_lu_temp_create(&call->task.io, call->task.store, &temp) != NGX_OK) {
        cJSON_free(text);
        return ngx_lu_task_failed(&call->task);
    }

    if (ngx_lu_temp_write(&call->task.io, &temp, (u_char *) text,
                          ngx_strlen(text))
        != NGX_OK)
    {
        cJSON_free(text);
        ngx_lu_temp_discard(&temp);
        return ngx_lu_task_failed(&call->task);
    }

    cJSON_free(text);

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.json", id);

    if (ngx_lu_temp_rename(&call->task.io, &temp, path) != NGX_OK) {
        return ngx_lu_task_failed(&call->task);
    }

    call->answer = cJSON_CreateObject();

    if (cJSON_AddStringToObject(call->answer, "id", id) == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_CREATED;
}


/* The same file of the same bundle has the same id: a retry replaces it. */

static char *
ngx_lu_api_upload_file_id(ngx_lu_call_t *call, lu_str_t *href)
{
    u_char       digest[SHA256_DIGEST_LENGTH];
    lu_sha256_t  sha256;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, call->task.id.data,
                     call->task.id.len);
    lu_sha256_update(&sha256, ":", 1);
    lu_sha256_update(&sha256, href->data, href->len);
    lu_sha256_final(&sha256, digest);

    return ngx_lu_task_uuid_of(&call->task, digest, 8);
}


ngx_int_t
ngx_lu_api_upload_post(ngx_lu_call_t *call)
{
    char             *action, *upload_id;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    action = ngx_lu_arg(call, "action");
    upload_id = ngx_lu_arg(call, "uploadId");

    status = ngx_lu_bundle_open(&call->task, &release);
    if (status != NGX_OK) {
        return status;
    }

    if (action && ngx_strcmp(action, "mpu-create") == 0) {
        status = ngx_lu_api_upload_create(call, release.folder);

    } else if (action && ngx_strcmp(action, "mpu-complete") == 0) {
        status = ngx_lu_api_upload_complete(call, release.folder, upload_id);

    } else if (action && ngx_strcmp(action, "mpu-abort") == 0) {
        status = ngx_lu_api_upload_abort(call, release.folder, upload_id);

    } else {
        status = ngx_lu_task_refuse(&call->task, 422,
                                    "\"action\" must be mpu-create, "
                                    "mpu-complete or mpu-abort.");
    }

    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_api_upload_delete(ngx_lu_call_t *call)
{
    ngx_int_t         status;
    ngx_lu_release_t  release;

    status = ngx_lu_bundle_open(&call->task, &release);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_upload_abort(call, release.folder,
                                     ngx_lu_arg(call, "uploadId"));

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_api_upload_create(ngx_lu_call_t *call, u_char *folder)
{
    char            *id;
    u_char          *path;
    lu_str_t         text;
    ngx_int_t        rc;
    ngx_lu_temp_t    temp;
    ngx_file_info_t  fi;

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.json",
                          call->route.sub.data);

    rc = ngx_lu_file_read(&call->task.io, path, &text, &fi);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "File not found.");
    }

    id = ngx_lu_task_uuid(&call->task);
    if (id == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.%s",
                          call->route.sub.data, id);

    if (ngx_lu_temp_create(&call->task.io, call->task.store, &temp) != NGX_OK
        || ngx_lu_temp_rename(&call->task.io, &temp, path) != NGX_OK)
    {
        return ngx_lu_task_failed(&call->task);
    }

    call->answer = cJSON_CreateObject();

    if (cJSON_AddStringToObject(call->answer, "uploadId", id) == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_CREATED;
}


/* NGX_OK if there is such an upload, else a status. */

static ngx_int_t
ngx_lu_api_upload_check(ngx_lu_call_t *call, u_char *folder, char *upload_id)
{
    u_char          *path;
    lu_str_t         text;
    lu_str_t         id;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (upload_id == NULL) {
        goto not_found;
    }

    id.data = (u_char *) upload_id;
    id.len = ngx_strlen(upload_id);

    /* other names are those of files */

    if (id.len != NGX_LU_UUID_LEN || !lu_name_id_valid(&id)) {
        goto not_found;
    }

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.%s",
                          call->route.sub.data, upload_id);

    rc = ngx_lu_file_read(&call->task.io, path, &text, &fi);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }


not_found:

    return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                              "Upload not found.");
}


ngx_int_t
ngx_lu_api_upload_put(ngx_lu_call_t *call)
{
    char             *action, *upload_id;
    u_char           *path;
    lu_str_t         *field;
    ngx_int_t         number, status;
    ngx_lu_form_t     form;
    ngx_lu_release_t  release;

    action = ngx_lu_arg(call, "action");
    upload_id = ngx_lu_arg(call, "uploadId");

    if (action == NULL || ngx_strcmp(action, "mpu-uploadpart") != 0) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"action\" must be mpu-uploadpart.");
    }

    status = ngx_lu_form_read(call, &form, "blob");

    if (status != NGX_OK) {
        ngx_lu_form_discard(&form);
        return status;
    }

    field = &form.fields[NGX_LU_FIELD_PART];
    number = ngx_atoi(field->data, field->len);

    if (!form.has_file || number < 1 || number > NGX_LU_PARTS) {
        ngx_lu_form_discard(&form);
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A part needs a \"blob\" and "
                                  "a \"partNumber\" from 1 to 10000.");
    }

    status = ngx_lu_bundle_open(&call->task, &release);

    if (status != NGX_OK) {
        ngx_lu_form_discard(&form);
        return status;
    }

    status = ngx_lu_api_upload_check(call, release.folder, upload_id);

    if (status == NGX_OK) {
        form.has_file = 0;

        path = ngx_lu_path_in(&call->task.io, release.folder,
                              "uploads/%s.%s.%i", call->route.sub.data,
                              upload_id, number);

        if (ngx_lu_temp_rename(&call->task.io, &form.temp, path) != NGX_OK) {
            status = ngx_lu_task_failed(&call->task);
        }
    }

    ngx_lu_release_close(&release);

    ngx_lu_form_discard(&form);

    if (status != NGX_OK) {
        return status;
    }

    call->answer = cJSON_CreateObject();

    if (cJSON_AddStringToObject(call->answer, "etag", form.sha256) == NULL
        || cJSON_AddNumberToObject(call->answer, "partNumber",
                                   (double) number)
           == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_api_upload_complete(ngx_lu_call_t *call, u_char *folder, char *upload_id)
{
    cJSON      *json;
    u_char     *path;
    ngx_int_t   rc, status;
    lu_file_t   file;
    lu_arena_t  arena;

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.json",
                          call->route.sub.data);

    rc = ngx_lu_file_read_json(&call->task.io, path, &json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "File not found.");
    }

    arena = ngx_lu_arena(call->task.io.pool);

    status = ngx_lu_task_core(&call->task,
                              lu_file_parse(&arena, json, &file,
                                            &call->task.error));
    cJSON_Delete(json);

    if (status != NGX_OK) {
        return status;
    }

    /* a call before this one may have been cut short among the parts */

    path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.data",
                          call->route.sub.data);

    status = ngx_lu_api_upload_part(call, path, &file.sha256, NULL);

    if (status == 422) {
        status = ngx_lu_api_upload_assemble(call, folder, upload_id, &file,
                                            path);
    }

    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_upload_abort(call, folder, upload_id);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE && status != NGX_HTTP_NOT_FOUND) {
        return status;
    }

    call->answer = cJSON_CreateObject();

    if (cJSON_AddStringToObject(call->answer, "id",
                                (char *) call->route.sub.data)
        == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_api_upload_assemble(ngx_lu_call_t *call, u_char *folder,
    char *upload_id, lu_file_t *file, u_char *path)
{
    ngx_int_t      status;
    ngx_lu_form_t  form;

    status = ngx_lu_api_upload_check(call, folder, upload_id);
    if (status != NGX_OK) {
        return status;
    }

    ngx_memzero(&form, sizeof(ngx_lu_form_t));
    form.call = call;

    status = ngx_lu_api_upload_join(call, folder, upload_id, &form);

    if (status == NGX_OK
        && (form.temp.sha256.size != file->size
            || !lu_str_is(&file->sha256, form.sha256)))
    {
        (void) lu_error(&call->task.error, &file->href,
                        "has another size or SHA-256 than was announced: "
                        "upload it again");
        status = 422;
    }

    if (status == NGX_OK
        && ngx_lu_temp_sync(&call->task.io, &form.temp) != NGX_OK)
    {
        status = ngx_lu_task_failed(&call->task);
    }

    if (status == NGX_OK) {
        form.has_file = 0;

        if (ngx_lu_temp_rename(&call->task.io, &form.temp, path) != NGX_OK) {
            status = ngx_lu_task_failed(&call->task);
        }
    }

    ngx_lu_form_discard(&form);

    return status;
}


static ngx_int_t
ngx_lu_api_upload_join(ngx_lu_call_t *call, u_char *folder, char *upload_id,
    ngx_lu_form_t *form)
{
    u_char       *path;
    uint64_t      number, last;
    lu_str_t      etag;
    ngx_int_t     status;
    const cJSON  *parts, *part;

    parts = cJSON_GetObjectItemCaseSensitive(call->json, "parts");

    if (!cJSON_IsArray(parts) || parts->child == NULL) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"parts\" must be a list.");
    }

    if (ngx_lu_temp_create(&call->task.io, call->task.store,
                           &form->temp) != NGX_OK) {
        return ngx_lu_task_failed(&call->task);
    }

    form->has_file = 1;
    last = 0;

    cJSON_ArrayForEach(part, parts) {

        if (lu_json_size(part, "partNumber", &number) != LU_OK
            || lu_json_string(part, "etag", &etag) != LU_OK
            || number <= last
            || number > NGX_LU_PARTS)
        {
            return ngx_lu_task_refuse(&call->task, 422,
                                      "\"parts\" must be a list of "
                                 "\"partNumber\", ascending, and \"etag\".");
        }

        last = number;

        path = ngx_lu_path_in(&call->task.io, folder, "uploads/%s.%s.%L",
                              call->route.sub.data, upload_id,
                              (int64_t) number);

        status = ngx_lu_api_upload_part(call, path, &etag, &form->temp);
        if (status != NGX_OK) {
            return status;
        }
    }

    lu_sha256_hex(&form->temp.sha256, form->sha256);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_upload_part(ngx_lu_call_t *call, u_char *path, const lu_str_t *etag,
    ngx_lu_temp_t *temp)
{
    char           hex[LU_SHA256_HEX + 1];
    ngx_int_t      rc;
    ngx_lu_part_t  part;

    part.call = call;
    part.temp = temp;
    lu_sha256_init(&part.sha256);

    rc = ngx_lu_file_pieces(&call->task.io, path, ngx_lu_api_upload_piece,
                            &part);
    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A part of the list was not "
                                  "uploaded.");
    }

    lu_sha256_hex(&part.sha256, hex);

    if (!lu_str_is(etag, hex)) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A part has another \"etag\".");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_upload_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_part_t *part = data;

    lu_sha256_update(&part->sha256, bytes, len);

    if (part->temp == NULL) {
        return NGX_OK;
    }

    return ngx_lu_temp_write(&part->call->task.io, part->temp, bytes, len);
}


static ngx_int_t
ngx_lu_api_upload_abort(ngx_lu_call_t *call, u_char *folder, char *upload_id)
{
    u_char      *path, *prefix;
    size_t       len;
    ngx_int_t    status;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    status = ngx_lu_api_upload_check(call, folder, upload_id);
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_lu_path_in(&call->task.io, folder, "uploads");
    prefix = ngx_lu_format(call->task.io.pool, "%s.%s", call->route.sub.data,
                           upload_id);

    if (prefix == NULL
        || ngx_lu_tree_list(&call->task.io, path, &names) != NGX_OK)
    {
        return ngx_lu_task_failed(&call->task);
    }

    len = ngx_strlen(prefix);
    name = names.elts;

    /* sorted: the name that says that the upload goes on comes first */

    for (i = names.nelts; i-- > 0; /* void */) {

        if (name[i].len < len || ngx_memcmp(name[i].data, prefix, len) != 0) {
            continue;
        }

        path = ngx_lu_path_in(&call->task.io, folder, "uploads/%V", &name[i]);

        if (ngx_lu_file_unlink(&call->task.io, path) == NGX_ERROR) {
            return ngx_lu_task_failed(&call->task);
        }
    }

    return NGX_HTTP_NO_CONTENT;
}
