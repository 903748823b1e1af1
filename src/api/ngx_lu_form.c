
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_body.h"
#include "ngx_lu_form.h"

#include "write/ngx_lu_task.h"


/* bytes of the value of a field, at most */

#define NGX_LU_FORM_FIELD_MAX  4096


static const char  *ngx_lu_form_fields[] = {
    "checksum", "href", "mimeType", "name", "signature", "sizeInBytes",
    "partNumber"
};


static ngx_int_t ngx_lu_form_take(ngx_lu_call_t *call);
static void ngx_lu_form_drop(void *data);
static ngx_int_t ngx_lu_form_begin(ngx_lu_form_t *form);
static lu_rc_e ngx_lu_form_piece(void *data, const u_char *bytes, size_t len);
static lu_rc_e ngx_lu_form_part(void *data, const lu_str_t *name);
static lu_rc_e ngx_lu_form_body(void *data, const unsigned char *bytes,
    size_t len);


ngx_int_t
ngx_lu_form_expect(ngx_lu_call_t *call, const char *file_name)
{
    ngx_lu_form_t  *form;

    form = ngx_pcalloc(call->task.io.pool, sizeof(ngx_lu_form_t));
    if (form == NULL) {
        return NGX_ERROR;
    }

    form->call = call;
    form->file_name = file_name;

    call->form = form;
    call->take = ngx_lu_form_take;
    call->drop = ngx_lu_form_drop;

    return NGX_OK;
}


ngx_int_t
ngx_lu_form_read(ngx_lu_call_t *call)
{
    ngx_int_t       status;
    ngx_lu_form_t  *form;

    form = call->form;

    if (form->complete) {
        return NGX_OK;
    }

    status = ngx_lu_form_take(call);
    if (status != NGX_OK) {
        return status;
    }

    if (lu_multipart_done(&form->multipart, &call->task.error) != LU_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (form->has_file) {
        lu_sha256_hex(&form->temp.sha256, form->sha256);
    }

    form->complete = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_form_take(ngx_lu_call_t *call)
{
    ngx_int_t       status;
    ngx_lu_form_t  *form;

    form = call->form;

    status = ngx_lu_form_begin(form);

    if (status == NGX_OK) {
        status = ngx_lu_body(call, ngx_lu_form_piece, form);
    }

    return form->failed ? ngx_lu_task_failed(&call->task) : status;
}


static ngx_int_t
ngx_lu_form_begin(ngx_lu_form_t *form)
{
    lu_str_t                 content_type;
    ngx_lu_call_t           *call;
    lu_multipart_handler_t   handler;

    if (form->begun) {
        return NGX_OK;
    }

    call = form->call;

    handler.part = ngx_lu_form_part;
    handler.body = ngx_lu_form_body;
    handler.data = form;

    content_type = ngx_lu_to_core(&call->content_type);

    if (lu_multipart_init(&form->multipart, &content_type, &handler,
                          &call->task.error)
        != LU_OK)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    form->begun = 1;

    return NGX_OK;
}


static lu_rc_e
ngx_lu_form_piece(void *data, const u_char *bytes, size_t len)
{
    ngx_lu_form_t *form = data;

    return lu_multipart_feed(&form->multipart, bytes, len,
                             &form->call->task.error);
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


static void
ngx_lu_form_drop(void *data)
{
    ngx_lu_call_t *call = data;

    if (call->form->has_file) {
        ngx_lu_temp_discard(&call->form->temp);
        call->form->has_file = 0;
    }
}
