
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * In the folder "uploads" of a bundle, the parts of a file are called
 * {file}.{upload}.{number} until they are joined, and while there is a file
 * {file}.{upload} the upload goes on.  The app's staging folder has a list of
 * the uploads that go on, ".uploads", with empty files that are called
 * {bundle}.{file}.{upload}; those of bundles that are ready or were deleted may
 * still be there.
 */


#include "ngx_lu_api_upload.h"
#include "ngx_lu_arg.h"
#include "ngx_lu_form.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_usage.h"

#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_sha256.h"


#define NGX_LU_API_UPLOAD_PARTS  10000


/* A part that is read, and added to the whole file if there is one. */

typedef struct {
    ngx_lu_io_t             *io;
    ngx_lu_temp_t           *whole;     /* NULL: only the digest is wanted */
    lu_sha256_t              sha256;
} ngx_lu_api_part_t;


static ngx_int_t ngx_lu_api_upload_create(ngx_lu_call_t *call, u_char *folder);
static u_char *ngx_lu_api_upload_list(ngx_lu_task_t *task);
static u_char *ngx_lu_api_upload_listed(ngx_lu_call_t *call, const char *id);
static ngx_int_t ngx_lu_api_upload_room(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_api_upload_goes_on(ngx_lu_task_t *task,
    const ngx_str_t *name);
static ngx_int_t ngx_lu_api_upload_mark(ngx_lu_task_t *task, u_char *path);
static ngx_int_t ngx_lu_api_upload_keep(ngx_lu_call_t *call, u_char *folder,
    ngx_lu_form_t *form, ngx_int_t number);
static ngx_int_t ngx_lu_api_upload_complete(ngx_lu_call_t *call,
    u_char *folder);
static ngx_int_t ngx_lu_api_upload_announced(ngx_lu_call_t *call,
    u_char *folder, lu_file_t *file);
static ngx_int_t ngx_lu_api_upload_assemble(ngx_lu_call_t *call,
    u_char *folder, const lu_file_t *file, u_char *path);
static ngx_int_t ngx_lu_api_upload_join(ngx_lu_call_t *call, u_char *folder,
    ngx_lu_temp_t *whole);
static ngx_int_t ngx_lu_api_upload_part(ngx_lu_task_t *task, u_char *path,
    const lu_str_t *etag, ngx_lu_temp_t *whole);
static ngx_int_t ngx_lu_api_upload_piece(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_api_upload_abort(ngx_lu_call_t *call, u_char *folder);
static ngx_int_t ngx_lu_api_upload_find(ngx_lu_call_t *call, u_char *folder,
    char **id);


ngx_int_t
ngx_lu_api_upload_post(ngx_lu_call_t *call)
{
    char             *action;
    ngx_int_t         status;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    action = ngx_lu_arg(call, "action");

    status = ngx_lu_bundle_open(task, &release);
    if (status != NGX_OK) {
        return status;
    }

    if (action && ngx_strcmp(action, "mpu-create") == 0) {
        status = ngx_lu_api_upload_create(call, release.folder);

    } else if (action && ngx_strcmp(action, "mpu-complete") == 0) {
        status = ngx_lu_api_upload_complete(call, release.folder);

    } else if (action && ngx_strcmp(action, "mpu-abort") == 0) {
        status = ngx_lu_api_upload_abort(call, release.folder);

    } else {
        status = ngx_lu_task_refuse(task, 422,
                                    "\"action\" must be mpu-create, "
                                    "mpu-complete or mpu-abort.");
    }

    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_api_upload_put(ngx_lu_call_t *call)
{
    char             *action;
    cJSON            *json;
    lu_put_t          put;
    lu_str_t         *field;
    ngx_int_t         number, status;
    ngx_lu_form_t    *form;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    action = ngx_lu_arg(call, "action");

    if (action == NULL || ngx_strcmp(action, "mpu-uploadpart") != 0) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"action\" must be mpu-uploadpart.");
    }

    status = ngx_lu_form_read(call);
    if (status != NGX_OK) {
        return status;
    }

    form = call->form;
    field = &form->fields[NGX_LU_FIELD_PART];
    number = ngx_atoi(field->data, field->len);

    if (!form->has_file || number < 1 || number > NGX_LU_API_UPLOAD_PARTS) {
        return ngx_lu_task_refuse(task, 422,
                                  "A part needs a \"blob\" and a "
                                  "\"partNumber\" from 1 to 10000.");
    }

    status = ngx_lu_usage_room(task, (off_t) form->temp.sha256.size);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_open(task, &release);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_upload_keep(call, release.folder, form, number);

    ngx_lu_release_close(&release);

    if (status != NGX_OK) {
        return status;
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "etag", form->sha256);
    lu_put_number(&put, json, "partNumber", (double) number);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
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

    status = ngx_lu_api_upload_abort(call, release.folder);

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_api_upload_create(ngx_lu_call_t *call, u_char *folder)
{
    char           *id;
    u_char         *path;
    ngx_int_t       status;
    lu_file_t       file;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_upload_announced(call, folder, &file);
    if (status != NGX_OK) {
        return status;
    }

    /* its parts, and all of it, before they go */

    status = ngx_lu_usage_disk(task, 2 * (off_t) file.size);

    if (status == NGX_OK) {
        status = ngx_lu_api_upload_room(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    id = ngx_lu_task_uuid(task);
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.%s",
                          call->route.sub.data, id);

    /* in this order: what is listed and does not go on may be forgotten */

    status = ngx_lu_api_upload_mark(task, path);

    if (status == NGX_OK) {
        status = ngx_lu_api_upload_mark(task,
                                        ngx_lu_api_upload_listed(call, id));
    }

    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_call_string(call, NGX_HTTP_CREATED, "uploadId", id);
}


static u_char *
ngx_lu_api_upload_list(ngx_lu_task_t *task)
{
    return ngx_lu_path(&task->io, "%V/staging/%s/.uploads", &task->store->path,
                       task->app.data);
}


static u_char *
ngx_lu_api_upload_listed(ngx_lu_call_t *call, const char *id)
{
    ngx_lu_task_t  *task;

    task = &call->task;

    return ngx_lu_path_in(&task->io, ngx_lu_api_upload_list(task), "%s.%s.%s",
                          task->id.data, call->route.sub.data, id);
}


/* NGX_OK: the app may have one more. */

static ngx_int_t
ngx_lu_api_upload_room(ngx_lu_task_t *task)
{
    u_char       *path;
    ngx_int_t     rc;
    ngx_str_t    *name;
    ngx_uint_t    i, n;
    ngx_array_t   names;

    path = ngx_lu_api_upload_list(task);

    if (ngx_lu_file_mkdir(&task->io, path) == NGX_ERROR
        || ngx_lu_tree_count(&task->io, path, LU_LIMIT_UPLOADS, &n)
           == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    if (n < LU_LIMIT_UPLOADS) {
        return NGX_OK;
    }

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;
    n = names.nelts;

    for (i = 0; i < names.nelts; i++) {
        rc = ngx_lu_api_upload_goes_on(task, &name[i]);

        if (rc == NGX_DECLINED) {
            rc = ngx_lu_file_unlink(&task->io,
                                    ngx_lu_path_in(&task->io, path, "%V",
                                                   &name[i]));
            n--;
        }

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }
    }

    if (n < LU_LIMIT_UPLOADS) {
        return NGX_OK;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "The app has " lu_value(LU_LIMIT_UPLOADS)
                              " open uploads in parts, the most that it can "
                              "have: complete or abort them, or delete their "
                              "bundles.");
}


/* NGX_OK; NGX_DECLINED: it was aborted, or its bundle is ready or gone. */

static ngx_int_t
ngx_lu_api_upload_goes_on(ngx_lu_task_t *task, const ngx_str_t *name)
{
    size_t      bundle;
    ngx_str_t   id, upload;
    u_char     *path;

    bundle = NGX_LU_UUID_LEN;

    if (name->len <= bundle || name->data[bundle] != '.') {
        return NGX_DECLINED;
    }

    id.data = name->data;
    id.len = bundle;
    upload.data = name->data + bundle + 1;
    upload.len = name->len - bundle - 1;

    path = ngx_lu_path(&task->io, "%V/staging/%s/%V/uploads/%V",
                       &task->store->path, task->app.data, &id, &upload);

    return ngx_lu_file_exists(&task->io, path);
}


static ngx_int_t
ngx_lu_api_upload_mark(ngx_lu_task_t *task, u_char *path)
{
    ngx_lu_temp_t  temp;

    if (ngx_lu_temp_create(&task->io, task->store, &temp) != NGX_OK
        || ngx_lu_file_place(&task->io, &temp, path) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/* The form's file becomes the part of that number. */

static ngx_int_t
ngx_lu_api_upload_keep(ngx_lu_call_t *call, u_char *folder,
    ngx_lu_form_t *form, ngx_int_t number)
{
    char           *id;
    u_char         *path;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_upload_find(call, folder, &id);
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.%s.%i",
                          call->route.sub.data, id, number);

    form->has_file = 0;

    if (ngx_lu_file_place(&task->io, &form->temp, path) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_upload_complete(ngx_lu_call_t *call, u_char *folder)
{
    u_char         *path;
    ngx_int_t       status;
    lu_file_t       file;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_upload_announced(call, folder, &file);
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.data",
                          call->route.sub.data);

    /* a call before this one may have been cut short among the parts */

    status = ngx_lu_api_upload_part(task, path, &file.sha256, NULL);

    if (status == 422) {
        status = ngx_lu_api_upload_assemble(call, folder, &file, path);
    }

    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_upload_abort(call, folder);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE && status != NGX_HTTP_NOT_FOUND) {
        return status;
    }

    return ngx_lu_call_string(call, NGX_HTTP_OK, "id",
                              (char *) call->route.sub.data);
}


/* What was announced of the file, as NGX_OK, or a status. */

static ngx_int_t
ngx_lu_api_upload_announced(ngx_lu_call_t *call, u_char *folder,
    lu_file_t *file)
{
    cJSON          *json;
    u_char         *path;
    lu_rc_e         rc;
    lu_arena_t      arena;
    ngx_lu_task_t  *task;

    task = &call->task;

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.json",
                          call->route.sub.data);

    switch (ngx_lu_file_read_json(&task->io, path, &json)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "File not found.");

    default:
        return ngx_lu_task_failed(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_file_parse(&arena, json, file, &task->error);

    cJSON_Delete(json);

    return ngx_lu_task_core(task, rc);
}


/* Joins the parts, and gives the file its name if it is what was announced. */

static ngx_int_t
ngx_lu_api_upload_assemble(ngx_lu_call_t *call, u_char *folder,
    const lu_file_t *file, u_char *path)
{
    char            hex[LU_SHA256_HEX + 1];
    ngx_int_t       status;
    ngx_lu_temp_t   whole;
    ngx_lu_task_t  *task;

    task = &call->task;

    /* the parts go when all of it is there */

    status = ngx_lu_usage_disk(task, (off_t) file->size);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_temp_create(&task->io, task->store, &whole) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_api_upload_join(call, folder, &whole);
    if (status != NGX_OK) {
        goto failed;
    }

    lu_sha256_hex(&whole.sha256, hex);

    if (whole.sha256.size != file->size || !lu_str_is(&file->sha256, hex)) {
        (void) lu_error(&task->error, &file->href,
                        "has another size or SHA-256 than was announced: "
                        "upload it again");
        status = 422;
        goto failed;
    }

    if (ngx_lu_temp_sync(&task->io, &whole) != NGX_OK) {
        status = ngx_lu_task_failed(task);
        goto failed;
    }

    if (ngx_lu_file_place(&task->io, &whole, path) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;

failed:

    ngx_lu_temp_discard(&whole);

    return status;
}


static ngx_int_t
ngx_lu_api_upload_join(ngx_lu_call_t *call, u_char *folder,
    ngx_lu_temp_t *whole)
{
    char           *id;
    u_char         *path;
    uint64_t        number, last;
    lu_str_t        etag;
    ngx_int_t       status;
    const cJSON    *parts, *part;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_upload_find(call, folder, &id);
    if (status != NGX_OK) {
        return status;
    }

    parts = cJSON_GetObjectItemCaseSensitive(call->json, "parts");

    if (!cJSON_IsArray(parts) || parts->child == NULL) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"parts\" must be a list with at least "
                                  "one part.");
    }

    last = 0;

    cJSON_ArrayForEach(part, parts) {

        if (lu_json_size(part, "partNumber", &number) != LU_OK
            || lu_json_string(part, "etag", &etag) != LU_OK
            || number <= last
            || number > NGX_LU_API_UPLOAD_PARTS)
        {
            return ngx_lu_task_refuse(task, 422,
                                      "\"parts\" must be a list of parts "
                                      "with a \"partNumber\", in ascending "
                                      "order, and an \"etag\".");
        }

        last = number;

        path = ngx_lu_path_in(&task->io, folder, "uploads/%s.%s.%L",
                              call->route.sub.data, id, (int64_t) number);

        status = ngx_lu_api_upload_part(task, path, &etag, whole);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* NGX_OK: the part has that digest; or a status, 422 if not. */

static ngx_int_t
ngx_lu_api_upload_part(ngx_lu_task_t *task, u_char *path, const lu_str_t *etag,
    ngx_lu_temp_t *whole)
{
    char               hex[LU_SHA256_HEX + 1];
    ngx_int_t          rc;
    ngx_lu_api_part_t  part;

    part.io = &task->io;
    part.whole = whole;

    lu_sha256_init(&part.sha256);

    rc = ngx_lu_file_pieces(&task->io, path, ngx_lu_api_upload_piece, &part);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"parts\" lists a part that was not "
                                  "uploaded.");
    }

    lu_sha256_hex(&part.sha256, hex);

    if (!lu_str_is(etag, hex)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"parts\" has another \"etag\" than a "
                                  "part that was uploaded.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_upload_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_api_part_t *part = data;

    lu_sha256_update(&part->sha256, bytes, len);

    if (part->whole == NULL) {
        return NGX_OK;
    }

    return ngx_lu_temp_write(part->io, part->whole, bytes, len);
}


/* Ends an upload, and removes its parts: 204, or a status. */

static ngx_int_t
ngx_lu_api_upload_abort(ngx_lu_call_t *call, u_char *folder)
{
    char           *id;
    u_char         *path, *prefix;
    size_t          len;
    ngx_int_t       status;
    ngx_str_t      *name;
    ngx_uint_t      i;
    ngx_array_t     names;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_upload_find(call, folder, &id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_task_prove(task);
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads");

    ngx_lu_turn_refresh(&task->io, path);

    if (ngx_lu_tree_list(&task->io, path, &names) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    prefix = ngx_lu_format(task->io.pool, "%s.%s", call->route.sub.data, id);
    if (prefix == NULL) {
        return ngx_lu_task_nomem(task);
    }

    len = ngx_strlen(prefix);
    name = names.elts;

    /* sorted: the name that says that the upload goes on comes first */

    for (i = names.nelts; i-- > 0; /* void */) {

        if (name[i].len < len || ngx_memcmp(name[i].data, prefix, len) != 0) {
            continue;
        }

        path = ngx_lu_path_in(&task->io, folder, "uploads/%V", &name[i]);

        if (ngx_lu_file_unlink(&task->io, path) == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }
    }

    if (ngx_lu_file_unlink(&task->io, ngx_lu_api_upload_listed(call, id))
        == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_HTTP_NO_CONTENT;
}


/* NGX_OK with the id of the call's upload, which goes on; or a status. */

static ngx_int_t
ngx_lu_api_upload_find(ngx_lu_call_t *call, u_char *folder, char **id)
{
    u_char          *path;
    lu_str_t         text, name;
    ngx_lu_task_t   *task;
    ngx_file_info_t  fi;

    task = &call->task;

    *id = ngx_lu_arg(call, "uploadId");

    if (*id == NULL) {
        goto not_found;
    }

    /* shorter and longer names belong to files and parts */

    name = lu_str(*id);

    if (name.len != NGX_LU_UUID_LEN || !lu_name_id_valid(&name)) {
        goto not_found;
    }

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.%s",
                          call->route.sub.data, *id);

    switch (ngx_lu_file_read(&task->io, path, &text, &fi)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        break;

    default:
        return ngx_lu_task_failed(task);
    }

not_found:

    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "Upload not found.");
}
