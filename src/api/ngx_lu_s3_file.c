
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_fetch.h"
#include "ngx_lu_body.h"
#include "ngx_lu_s3.h"
#include "ngx_lu_s3_file.h"

#include "store/ngx_lu_temp.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_expects.h"
#include "write/ngx_lu_inlet.h"
#include "write/ngx_lu_inlet_parts.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_stage_folder.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_usage.h"

#include "core/lu_release.h"
#include "core/lu_s3.h"


static ngx_int_t ngx_lu_s3_file_receive(ngx_lu_call_t *call);
static lu_rc_e ngx_lu_s3_file_copy(void *data, const u_char *bytes,
    size_t len);
static ngx_int_t ngx_lu_s3_file_checked(ngx_lu_call_t *call,
    const char *sha256);
static ngx_int_t ngx_lu_s3_file_open(ngx_lu_call_t *call,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_s3_file_app(ngx_lu_call_t *call);
static ngx_uint_t ngx_lu_s3_file_begins(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_begun(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_no_upload(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_closed(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_place(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_known(ngx_lu_call_t *call,
    ngx_lu_release_t *release, ngx_lu_inlet_t *inlet);
static ngx_int_t ngx_lu_s3_file_is_cut(ngx_lu_call_t *call,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_s3_file_placed(ngx_lu_call_t *call,
    ngx_lu_release_t *release, ngx_lu_inlet_t *inlet);
static ngx_int_t ngx_lu_s3_file_stage(ngx_lu_call_t *call);
static ngx_uint_t ngx_lu_s3_file_waits(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_join(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_joined(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_s3_file_list(ngx_lu_call_t *call,
    lu_s3_part_t **parts, size_t *n);
static ngx_int_t ngx_lu_s3_file_answer(ngx_lu_call_t *call,
    const lu_str_t *xml);
static ngx_int_t ngx_lu_s3_file_etag(ngx_lu_call_t *call);


ngx_int_t
ngx_lu_s3_file_put(ngx_lu_call_t *call)
{
    ngx_int_t     status;
    ngx_lu_s3_t  *s3;

    s3 = call->s3;

    status = ngx_lu_s3_file_receive(call);

    /* the slow part, before others have to wait for the lock */

    if (status == NGX_OK
        && s3->has_temp
        && ngx_lu_temp_sync(&call->task.io, &s3->temp) != NGX_OK)
    {
        status = ngx_lu_task_failed(&call->task);
    }

    if (status == NGX_OK) {
        status = ngx_lu_s3_file_place(call);
    }

    return status == NGX_OK ? ngx_lu_s3_file_etag(call) : status;
}


/* The rest of the body is taken, unless an earlier run did. */

static ngx_int_t
ngx_lu_s3_file_receive(ngx_lu_call_t *call)
{
    ngx_int_t     status;
    ngx_lu_s3_t  *s3;

    s3 = call->s3;

    if (s3->received) {
        return NGX_OK;
    }

    status = ngx_lu_s3_file_take(call);
    if (status != NGX_OK) {
        return status;
    }

    lu_sha256_hex(&s3->temp.sha256, s3->sha256);

    status = ngx_lu_s3_file_checked(call, s3->sha256);

    s3->received = (status == NGX_OK);

    return status;
}


ngx_int_t
ngx_lu_s3_file_take(ngx_lu_call_t *call)
{
    ngx_int_t       status;
    ngx_lu_s3_t    *s3;
    ngx_lu_task_t  *task;

    s3 = call->s3;
    task = &call->task;

    if (call->body_size > s3->conf->size) {
        return ngx_lu_task_refuse(task, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                  "The file is larger than \"size\" of "
                                  "liveupdate_publish_s3 allows.");
    }

    if (!s3->has_temp) {

        if (ngx_lu_temp_create(&task->io, task->store, &s3->temp) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }

        s3->has_temp = 1;

        lu_checksum_begin(&s3->checksum);
    }

    status = ngx_lu_body(call, ngx_lu_s3_file_copy, call);

    return task->io.operation ? ngx_lu_task_failed(task) : status;
}


static lu_rc_e
ngx_lu_s3_file_copy(void *data, const u_char *bytes, size_t len)
{
    ngx_lu_call_t *call = data;

    lu_checksum_update(&call->s3->checksum, bytes, len);

    return ngx_lu_temp_write(&call->task.io, &call->s3->temp, bytes, len)
           == NGX_OK ? LU_OK : LU_INVALID;
}


/* The whole body was read. */

static ngx_int_t
ngx_lu_s3_file_checked(ngx_lu_call_t *call, const char *sha256)
{
    ngx_lu_s3_t  *s3;

    s3 = call->s3;

    if (s3->payload.len && !lu_str_is(&s3->payload, sha256)) {
        call->s3_code = "XAmzContentSHA256Mismatch";

        if (lu_str_is(&s3->payload, LU_SHA256_EMPTY)) {
            return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                                      "The file was signed as if it were "
                                      "empty, as electron-builder 26.13 to "
                                      "26.15.2 do it: use a newer version.");
        }

        return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                                  "The body has another SHA-256 than the "
                                  "header x-amz-content-sha256 says.");
    }

    if (lu_checksum_end(&s3->checksum, &call->task.error) != LU_OK) {
        call->s3_code = "BadDigest";

        return NGX_HTTP_BAD_REQUEST;
    }

    return NGX_OK;
}


/* NGX_OK, or NGX_DONE, or a status, as ngx_lu_inlet_open(). */

static ngx_int_t
ngx_lu_s3_file_open(ngx_lu_call_t *call, ngx_lu_release_t *release)
{
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    release->json = NULL;
    release->lock = NULL;

    status = ngx_lu_s3_file_app(call);

    if (status == NGX_OK) {
        status = ngx_lu_s3_file_begun(call);
    }

    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_inlet_open(task, ngx_lu_api_fetch_release(task), release);
}


static ngx_int_t
ngx_lu_s3_file_app(ngx_lu_call_t *call)
{
    cJSON          *app;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    if ((task->roles & LU_ROLE_ADMIN) && ngx_lu_s3_file_begins(call)) {
        status = ngx_lu_app_ensure(task, (char *) task->app.data);

    } else {
        status = ngx_lu_app_read(task, &app);

        if (status == NGX_OK) {
            cJSON_Delete(app);
        }
    }

    if (status != NGX_HTTP_NOT_FOUND) {
        return status;
    }

    call->s3_code = "NoSuchBucket";

    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                              "There is no such app. A key of a token with "
                              "the role \"admin\" creates it.");
}


/* An upload in parts that never was begins neither an app nor a release. */

static ngx_uint_t
ngx_lu_s3_file_begins(ngx_lu_call_t *call)
{
    return call->s3->request.op == LU_S3_PUT
           || call->s3->request.op == LU_S3_CREATE;
}


static ngx_int_t
ngx_lu_s3_file_begun(ngx_lu_call_t *call)
{
    ngx_int_t          status;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    task = &call->task;

    if (ngx_lu_s3_file_begins(call)) {
        return NGX_OK;
    }

    status = ngx_lu_release_read(task, (char *) task->id.data, &release);

    ngx_lu_release_close(&release);

    return status == NGX_HTTP_NOT_FOUND ? ngx_lu_s3_file_no_upload(call)
                                        : status;
}


static ngx_int_t
ngx_lu_s3_file_no_upload(ngx_lu_call_t *call)
{
    call->s3_code = "NoSuchUpload";

    return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                              "There is no such upload in parts.");
}


static ngx_int_t
ngx_lu_s3_file_closed(ngx_lu_call_t *call)
{
    return ngx_lu_task_refuse(&call->task, NGX_HTTP_CONFLICT,
                              "The release is complete, and takes no more "
                              "files: use another \"path\", such as that of a "
                              "new version. If it has more manifests, name "
                              "them all in \"expects\".");
}


static ngx_int_t
ngx_lu_s3_file_place(ngx_lu_call_t *call)
{
    ngx_int_t         rc, status;
    ngx_lu_s3_t      *s3;
    ngx_lu_task_t    *task;
    ngx_lu_inlet_t    inlet;
    ngx_lu_release_t  release;

    s3 = call->s3;
    task = &call->task;

    ngx_memzero(&inlet, sizeof(ngx_lu_inlet_t));

    inlet.file = s3->request.file;
    inlet.temp = &s3->temp;
    inlet.sha256 = s3->sha256;

    rc = NGX_DECLINED;

    status = ngx_lu_s3_file_open(call, &release);

    if (status == NGX_DONE) {
        status = ngx_lu_s3_file_known(call, &release, &inlet);
        rc = ngx_lu_s3_file_is_cut(call, &release);

    } else if (status == NGX_OK) {
        status = ngx_lu_s3_file_placed(call, &release, &inlet);

        if (status == NGX_OK) {
            rc = ngx_lu_expects_met(task, &release, s3->conf->expects);
        }
    }

    ngx_lu_release_close(&release);

    if (status != NGX_OK || rc == NGX_DECLINED) {
        return status;
    }

    return rc == NGX_OK ? ngx_lu_s3_file_stage(call) : rc;
}


/* The release takes no more files: NGX_OK if it has this one. */

static ngx_int_t
ngx_lu_s3_file_known(ngx_lu_call_t *call, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet)
{
    ngx_int_t  status;

    /* another call may have staged it after this one's first run */

    if (call->s3->placed) {
        return NGX_OK;
    }

    status = NGX_DECLINED;

    if (lu_release_state(release->json) == LU_STATE_STAGED) {
        status = ngx_lu_inlet_known(&call->task, release, inlet);
    }

    return status == NGX_DECLINED ? ngx_lu_s3_file_closed(call) : status;
}


/*
 * NGX_OK: without approval, a call has verified the release and could not
 * promote it; NGX_DECLINED: there is nothing left to do; or a status.
 */

static ngx_int_t
ngx_lu_s3_file_is_cut(ngx_lu_call_t *call, ngx_lu_release_t *release)
{
    if (call->task.approval) {
        return NGX_DECLINED;
    }

    return release->is_live ? ngx_lu_stage_folder_is_cut(&call->task) : NGX_OK;
}


static ngx_int_t
ngx_lu_s3_file_placed(ngx_lu_call_t *call, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet)
{
    ngx_int_t       status;
    ngx_lu_s3_t    *s3;
    ngx_lu_task_t  *task;

    s3 = call->s3;
    task = &call->task;

    if (s3->placed) {
        return NGX_OK;
    }

    status = ngx_lu_usage_room(task, (off_t) inlet->temp->sha256.size);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_inlet_place(task, release, inlet);

    if (inlet->taken) {
        s3->has_temp = 0;
    }

    if (status != NGX_OK) {
        return status;
    }

    if (inlet->replaced) {
        call->note = ngx_lu_format(task->io.pool,
                                   "\"%s\" replaced the file \"%s\" of the "
                                   "release \"%s\" of the app \"%s\"",
                                   task->by, inlet->file.data, task->id.data,
                                   task->app.data);
    }

    if (s3->request.op == LU_S3_COMPLETE) {
        status = ngx_lu_inlet_parts_done(task, release, &inlet->file,
                                         &s3->request.upload, s3->sha256);
    }

    s3->placed = (status == NGX_OK);

    return status;
}


/* Who uploads the last file is told what is wrong with the whole. */

static ngx_int_t
ngx_lu_s3_file_stage(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    status = ngx_lu_api_fetch_stage_post(call);

    cJSON_Delete(call->answer);
    call->answer = NULL;

    if (status < NGX_HTTP_SPECIAL_RESPONSE
        || (status == NGX_HTTP_CONFLICT && ngx_lu_s3_file_waits(call)))
    {
        return NGX_OK;
    }

    return status;
}


/*
 * 1 if another call has staged the release for approval at the same time, or
 * has promoted it with this file, maybe on another machine.
 */

static ngx_uint_t
ngx_lu_s3_file_waits(ngx_lu_call_t *call)
{
    ngx_uint_t         waits;
    ngx_lu_task_t     *task;
    ngx_lu_inlet_t     inlet;
    ngx_lu_release_t   release;

    task = &call->task;

    if (ngx_lu_release_read(task, (char *) task->id.data, &release) != NGX_OK)
    {
        return 0;
    }

    if (release.is_live) {
        ngx_memzero(&inlet, sizeof(ngx_lu_inlet_t));

        inlet.file = call->s3->request.file;
        inlet.sha256 = call->s3->sha256;

        waits = (ngx_lu_inlet_known(task, &release, &inlet) == NGX_OK);

    } else {
        waits = (task->approval
                 && lu_release_state(release.json) == LU_STATE_STAGED);
    }

    ngx_lu_release_close(&release);

    return waits;
}


ngx_int_t
ngx_lu_s3_file_create(ngx_lu_call_t *call)
{
    char              *upload;
    lu_str_t           xml;
    ngx_int_t          status;
    lu_arena_t         arena;
    ngx_lu_s3_t       *s3;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    s3 = call->s3;
    task = &call->task;
    upload = NULL;

    status = ngx_lu_s3_file_open(call, &release);

    if (status == NGX_DONE) {
        status = ngx_lu_s3_file_closed(call);

    } else if (status == NGX_OK) {
        status = ngx_lu_inlet_parts_create(task, &release, &s3->request.file,
                                           &upload);
    }

    ngx_lu_release_close(&release);

    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(task->io.pool);

    xml = lu_s3_created(&arena, &s3->request.app, &s3->request.key, upload);

    return ngx_lu_s3_file_answer(call, &xml);
}


ngx_int_t
ngx_lu_s3_file_part(ngx_lu_call_t *call)
{
    ngx_int_t          status;
    ngx_lu_s3_t       *s3;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    s3 = call->s3;
    task = &call->task;

    status = ngx_lu_s3_file_receive(call);

    if (status == NGX_OK) {
        status = ngx_lu_s3_file_open(call, &release);

        if (status == NGX_DONE) {
            status = ngx_lu_s3_file_closed(call);

        } else if (status == NGX_OK) {
            status = ngx_lu_usage_room(task, (off_t) s3->temp.sha256.size);
        }

        if (status == NGX_OK) {
            s3->has_temp = 0;

            status = ngx_lu_inlet_parts_keep(task, &release,
                                             &s3->request.file,
                                             &s3->request.upload,
                                             s3->request.part, &s3->temp);

            if (status == NGX_HTTP_NOT_FOUND) {
                call->s3_code = "NoSuchUpload";
            }
        }

        ngx_lu_release_close(&release);
    }

    return status == NGX_OK ? ngx_lu_s3_file_etag(call) : status;
}


ngx_int_t
ngx_lu_s3_file_complete(ngx_lu_call_t *call)
{
    lu_str_t      xml;
    ngx_int_t     status;
    lu_arena_t    arena;
    ngx_lu_s3_t  *s3;

    s3 = call->s3;

    status = ngx_lu_s3_file_join(call);

    if (status == NGX_OK) {
        status = ngx_lu_s3_file_place(call);
    }

    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(call->task.io.pool);

    xml = lu_s3_completed(&arena, &s3->request.app, &s3->request.key,
                          s3->sha256);

    return ngx_lu_s3_file_answer(call, &xml);
}


/* Without the lock: nobody else changes the parts of this upload. */

static ngx_int_t
ngx_lu_s3_file_join(ngx_lu_call_t *call)
{
    size_t             n;
    ngx_int_t          status;
    ngx_lu_s3_t       *s3;
    lu_s3_part_t      *parts;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    s3 = call->s3;
    task = &call->task;

    if (s3->received) {
        return NGX_OK;
    }

    status = ngx_lu_s3_file_list(call, &parts, &n);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_temp_create(&task->io, task->store, &s3->temp) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    s3->has_temp = 1;

    release.folder = ngx_lu_release_staging(task, (char *) task->id.data);

    status = ngx_lu_inlet_parts_join(task, &release, &s3->request.file,
                                     &s3->request.upload, parts, n,
                                     s3->conf->size, &s3->temp);

    if (status == NGX_HTTP_NOT_FOUND) {
        ngx_lu_s3_file_drop(call);

        return ngx_lu_s3_file_joined(call);
    }

    if (status == NGX_HTTP_BAD_REQUEST) {
        call->s3_code = "InvalidPart";
    }

    if (status != NGX_OK) {
        return status;
    }

    lu_sha256_hex(&s3->temp.sha256, s3->sha256);

    if (ngx_lu_temp_sync(&task->io, &s3->temp) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    s3->received = 1;

    return NGX_OK;
}


/* There are no parts: NGX_OK if it was completed before, or a status. */

static ngx_int_t
ngx_lu_s3_file_joined(ngx_lu_call_t *call)
{
    ngx_int_t          status;
    ngx_lu_s3_t       *s3;
    ngx_lu_release_t   release;

    s3 = call->s3;

    status = ngx_lu_s3_file_open(call, &release);

    if (status == NGX_OK || status == NGX_DONE) {

        status = ngx_lu_inlet_parts_finished(&release, &s3->request.file,
                                             &s3->request.upload, s3->sha256);

        if (status == NGX_OK) {
            s3->received = 1;
            s3->placed = 1;

        } else {
            status = ngx_lu_s3_file_no_upload(call);
        }
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_s3_file_list(ngx_lu_call_t *call, lu_s3_part_t **parts, size_t *n)
{
    char            hex[LU_SHA256_HEX + 1];
    lu_rc_e         rc;
    lu_str_t        text;
    ngx_int_t       status;
    lu_arena_t      arena;
    lu_sha256_t     sha256;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_body_text(call, &text);

    if (status == NGX_OK) {
        lu_sha256_init(&sha256);
        lu_sha256_update(&sha256, text.data, text.len);
        lu_sha256_hex(&sha256, hex);

        lu_checksum_begin(&call->s3->checksum);
        lu_checksum_update(&call->s3->checksum, text.data, text.len);

        status = ngx_lu_s3_file_checked(call, hex);
    }

    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_s3_parts(&arena, &text, parts, n, &task->error);

    if (rc == LU_INVALID) {
        call->s3_code = "MalformedXML";
    }

    return ngx_lu_body_status(task, rc);
}


ngx_int_t
ngx_lu_s3_file_abort(ngx_lu_call_t *call)
{
    ngx_int_t          status;
    ngx_lu_s3_t       *s3;
    ngx_lu_release_t   release;

    s3 = call->s3;

    status = ngx_lu_s3_file_open(call, &release);

    if (status == NGX_DONE) {
        status = ngx_lu_s3_file_closed(call);

    } else if (status == NGX_OK) {
        status = ngx_lu_inlet_parts_abort(&call->task, &release,
                                          &s3->request.file,
                                          &s3->request.upload);

        if (status == NGX_HTTP_NOT_FOUND) {
            call->s3_code = "NoSuchUpload";
        }
    }

    ngx_lu_release_close(&release);

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static ngx_int_t
ngx_lu_s3_file_answer(ngx_lu_call_t *call, const lu_str_t *xml)
{
    if (xml->data == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    call->text = ngx_alloc(xml->len + 1, ngx_cycle->log);
    if (call->text == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    ngx_memcpy(call->text, xml->data, xml->len + 1);

    call->text_type = "application/xml";

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_s3_file_etag(ngx_lu_call_t *call)
{
    call->etag = ngx_lu_format(call->task.io.pool, "\"%s\"",
                               call->s3->sha256);

    return call->etag ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


void
ngx_lu_s3_file_drop(void *data)
{
    ngx_lu_call_t *call = data;

    if (call->s3->has_temp) {
        ngx_lu_temp_discard(&call->s3->temp);
        call->s3->has_temp = 0;
    }
}
