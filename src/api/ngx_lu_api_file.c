
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * In the staging folder of a bundle, "uploads" has a {id}.json for each file,
 * which says what was announced, and a {id}.data with the bytes.  The size of
 * ".count" is the number of the files that were announced.
 */


#include "ngx_lu_api_file.h"
#include "ngx_lu_form.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_usage.h"

#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
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
static ngx_int_t ngx_lu_api_file_room(ngx_lu_task_t *task, u_char *folder,
    u_char *path);
static ngx_int_t ngx_lu_api_file_count(ngx_lu_task_t *task, u_char *folder,
    ngx_fd_t fd, u_char *path);
static ngx_int_t ngx_lu_api_file_announced(ngx_lu_task_t *task,
    u_char *folder, off_t *n);
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

    status = ngx_lu_form_read(call);
    if (status != NGX_OK) {
        return status;
    }

    form = call->form;

    /* the slow part, before others have to wait for the lock */

    if (form->has_file
        && ngx_lu_temp_sync(&task->io, &form->temp) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    if (form->has_file) {
        status = ngx_lu_usage_room(task, (off_t) form->temp.sha256.size);
        if (status != NGX_OK) {
            return status;
        }
    }

    status = ngx_lu_bundle_open(task, &release);
    if (status != NGX_OK) {
        return status;
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
    u_char         *path, *data;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    path = ngx_lu_path_in(&task->io, folder, "uploads/%s.json", id);

    status = ngx_lu_api_file_room(task, folder, path);
    if (status != NGX_OK) {
        return status;
    }

    if (form->has_file) {
        form->has_file = 0;

        data = ngx_lu_path_in(&task->io, folder, "uploads/%s.data", id);

        if (ngx_lu_file_place(&task->io, &form->temp, data) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }
    }

    return ngx_lu_api_file_announce(task, file, path);
}


/* One more file is counted, unless it takes the place of an earlier one. */

static ngx_int_t
ngx_lu_api_file_room(ngx_lu_task_t *task, u_char *folder, u_char *path)
{
    u_char     *count;
    ngx_fd_t    fd;
    ngx_int_t   status;

    switch (ngx_lu_file_exists(&task->io, path)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        break;

    default:
        return ngx_lu_task_failed(task);
    }

    count = ngx_lu_path_in(&task->io, folder, "uploads/.count");

    if (count == NULL) {
        return ngx_lu_task_nomem(task);
    }

    fd = ngx_open_file(count, NGX_FILE_RDWR, NGX_FILE_CREATE_OR_OPEN, 0600);

    if (fd == NGX_INVALID_FILE) {
        (void) ngx_lu_io_failed(&task->io, ngx_open_file_n, count);
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_api_file_count(task, folder, fd, count);

    (void) ngx_close_file(fd);

    return status;
}


/*
 * To list the folder for each file would take longer with each one.  A crash
 * may leave a file that was counted and not announced, and a store of an
 * earlier version has no count.
 */

static ngx_int_t
ngx_lu_api_file_count(ngx_lu_task_t *task, u_char *folder, ngx_fd_t fd,
    u_char *path)
{
    off_t            n;
    ngx_int_t        status;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(&task->io, ngx_fd_info_n, path);
        return ngx_lu_task_failed(task);
    }

    n = ngx_file_size(&fi);

    if (n == 0 || n >= LU_LIMIT_FILES) {
        status = ngx_lu_api_file_announced(task, folder, &n);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (n >= LU_LIMIT_FILES) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The bundle has " lu_value(LU_LIMIT_FILES)
                                  " files, with its manifest, the most that it "
                                  "can have.");
    }

    if (ngx_lu_file_resize(&task->io, fd, path, n + 1) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_file_announced(ngx_lu_task_t *task, u_char *folder, off_t *n)
{
    size_t        len;
    u_char       *path;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    path = ngx_lu_path_in(&task->io, folder, "uploads");

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;
    len = sizeof(".json") - 1;
    *n = 0;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len > len
            && ngx_memcmp(name[i].data + name[i].len - len, ".json", len) == 0)
        {
            (*n)++;
        }
    }

    return NGX_OK;
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
            rc = ngx_lu_file_place(&task->io, &temp, path);

        } else {
            ngx_lu_temp_discard(&temp);
        }
    }

    cJSON_free(text);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}
