
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_body.h"
#include "ngx_lu_form.h"

#include "write/ngx_lu_task.h"

#include "core/lu_multipart.h"


/* bytes of the value of a field, at most */

#define NGX_LU_FORM_FIELD_MAX  4096


typedef struct {
    lu_multipart_t          *multipart;
    ngx_lu_form_t           *form;
} ngx_lu_form_feed_t;


static const char  *ngx_lu_form_fields[] = {
    "checksum", "href", "mimeType", "name", "signature", "sizeInBytes",
    "partNumber"
};


static ngx_int_t ngx_lu_form_parse(ngx_lu_form_t *form);
static lu_rc_e ngx_lu_form_piece(void *data, const u_char *bytes, size_t len);
static lu_rc_e ngx_lu_form_part(void *data, const lu_str_t *name);
static lu_rc_e ngx_lu_form_body(void *data, const unsigned char *bytes,
    size_t len);


ngx_int_t
ngx_lu_form_read(ngx_lu_call_t *call, const char *file_name,
    ngx_lu_form_t **out)
{
    ngx_int_t       status;
    ngx_lu_form_t  *form;

    if (call->form == NULL) {

        form = ngx_pcalloc(call->task.io.pool, sizeof(ngx_lu_form_t));
        if (form == NULL) {
            return ngx_lu_task_nomem(&call->task);
        }

        form->call = call;
        form->file_name = file_name;

        status = ngx_lu_form_parse(form);

        if (status != NGX_OK) {
            ngx_lu_form_discard(form);
            return status;
        }

        call->form = form;
    }

    *out = call->form;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_form_parse(ngx_lu_form_t *form)
{
    lu_rc_e                 rc;
    lu_str_t                content_type;
    ngx_int_t               status;
    ngx_lu_call_t          *call;
    ngx_lu_task_t          *task;
    lu_multipart_t         *multipart;
    ngx_lu_form_feed_t      feed;
    lu_multipart_handler_t  handler;

    call = form->call;
    task = &call->task;

    multipart = ngx_palloc(task->io.pool, sizeof(lu_multipart_t));
    if (multipart == NULL) {
        return ngx_lu_task_nomem(task);
    }

    handler.part = ngx_lu_form_part;
    handler.body = ngx_lu_form_body;
    handler.data = form;

    content_type = ngx_lu_to_core(&call->content_type);

    rc = lu_multipart_init(multipart, &content_type, &handler, &task->error);
    if (rc != LU_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    feed.multipart = multipart;
    feed.form = form;

    status = ngx_lu_body(call, ngx_lu_form_piece, &feed);

    if (form->failed) {
        return ngx_lu_task_failed(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    if (lu_multipart_done(multipart, &task->error) != LU_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (form->has_file) {
        lu_sha256_hex(&form->temp.sha256, form->sha256);
    }

    return NGX_OK;
}


static lu_rc_e
ngx_lu_form_piece(void *data, const u_char *bytes, size_t len)
{
    ngx_lu_form_feed_t *feed = data;

    return lu_multipart_feed(feed->multipart, bytes, len,
                             &feed->form->call->task.error);
}


static lu_rc_e
ngx_lu_form_part(void *data, const lu_str_t *name)
{
    ngx_lu_form_t *form = data;

    lu_str_t       *field;
    ngx_uint_t      i;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    form->in_file = 0;
    form->field = NULL;

    if (lu_str_is(name, form->file_name)) {

        if (form->has_file) {
            return lu_error(&task->error, NULL,
                            "the form has more than one file");
        }

        if (ngx_lu_temp_create(&task->io, task->store, &form->temp) != NGX_OK) {
            form->failed = 1;
            return LU_INVALID;
        }

        form->has_file = 1;
        form->in_file = 1;

        return LU_OK;
    }

    for (i = 0; i < NGX_LU_FIELDS; i++) {
        if (lu_str_is(name, ngx_lu_form_fields[i])) {
            break;
        }
    }

    if (i == NGX_LU_FIELDS) {
        return LU_OK;
    }

    field = &form->fields[i];

    if (field->data == NULL) {
        field->data = ngx_pnalloc(task->io.pool, NGX_LU_FORM_FIELD_MAX + 1);
        if (field->data == NULL) {
            return LU_NOMEM;
        }
    }

    field->len = 0;
    field->data[0] = '\0';

    form->field = field;

    return LU_OK;
}


static lu_rc_e
ngx_lu_form_body(void *data, const unsigned char *bytes, size_t len)
{
    ngx_lu_form_t *form = data;

    lu_str_t       *field;
    ngx_lu_task_t  *task;

    task = &form->call->task;

    if (form->in_file) {

        if (ngx_lu_temp_write(&task->io, &form->temp, bytes, len) != NGX_OK) {
            form->failed = 1;
            return LU_INVALID;
        }

        return LU_OK;
    }

    field = form->field;

    if (field == NULL) {
        return LU_OK;
    }

    if (field->len + len > NGX_LU_FORM_FIELD_MAX) {
        return lu_error(&task->error, NULL, "a field of the form is too long");
    }

    (void) ngx_lu_cpymem(field->data + field->len, bytes, len);

    field->len += len;
    field->data[field->len] = '\0';

    return LU_OK;
}


void
ngx_lu_form_discard(ngx_lu_form_t *form)
{
    if (form->has_file && !ngx_lu_task_is_busy(&form->call->task)) {
        ngx_lu_temp_discard(&form->temp);
        form->has_file = 0;
    }
}


void
ngx_lu_form_drop(void *data)
{
    ngx_lu_call_t *call = data;

    if (call->form && call->form->has_file) {
        ngx_lu_temp_discard(&call->form->temp);
        call->form->has_file = 0;
    }
}
