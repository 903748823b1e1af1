
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "write/ngx_lu_release.h"

#include "core/lu_multipart.h"


#define NGX_HTTP_LIVEUPDATE_FIELD_MAX  4096


typedef struct {
    liveupdate_multipart_t       *multipart;
    ngx_http_liveupdate_form_t   *form;
} ngx_http_liveupdate_form_feed_t;


static const char  *ngx_http_liveupdate_field_names[] = {
    "checksum", "href", "mimeType", "name", "signature", "sizeInBytes",
    "partNumber"
};


static liveupdate_rc_e ngx_http_liveupdate_form_piece(void *data,
    const u_char *bytes, size_t len);
static liveupdate_rc_e ngx_http_liveupdate_form_part(void *data,
    const liveupdate_str_t *name);
static liveupdate_rc_e ngx_http_liveupdate_form_body(void *data,
    const unsigned char *bytes, size_t len);


ngx_int_t
ngx_http_liveupdate_form_read(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_form_t *form, const char *file_name)
{
    ngx_int_t                         status;
    liveupdate_rc_e                   rc;
    liveupdate_str_t                  content_type;
    liveupdate_multipart_t           *multipart;
    liveupdate_multipart_handler_t    handler;
    ngx_http_liveupdate_form_feed_t   feed;

    ngx_memzero(form, sizeof(ngx_http_liveupdate_form_t));

    form->call = call;
    form->file_name = file_name;

    multipart = ngx_palloc(call->io.pool, sizeof(liveupdate_multipart_t));
    if (multipart == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    handler.part = ngx_http_liveupdate_form_part;
    handler.body = ngx_http_liveupdate_form_body;
    handler.data = form;

    content_type.len = call->content_type.len;
    content_type.data = call->content_type.data;

    rc = liveupdate_multipart_init(multipart, &content_type, &handler,
                                   &call->error);
    if (rc != LIVEUPDATE_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    feed.multipart = multipart;
    feed.form = form;

    status = ngx_http_liveupdate_body(call, ngx_http_liveupdate_form_piece,
                                      &feed);

    if (form->failed) {
        return ngx_http_liveupdate_failed(call);
    }

    if (status != NGX_OK) {
        return status;
    }

    if (liveupdate_multipart_done(multipart, &call->error) != LIVEUPDATE_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (form->has_file) {
        liveupdate_sha256_hex(&form->temp.sha256, form->sha256);
    }

    return NGX_OK;
}


static liveupdate_rc_e
ngx_http_liveupdate_form_piece(void *data, const u_char *bytes, size_t len)
{
    ngx_http_liveupdate_form_feed_t *feed = data;

    return liveupdate_multipart_feed(feed->multipart, bytes, len,
                                     &feed->form->call->error);
}


static liveupdate_rc_e
ngx_http_liveupdate_form_part(void *data, const liveupdate_str_t *name)
{
    ngx_http_liveupdate_form_t *form = data;

    ngx_uint_t                   i;
    ngx_http_liveupdate_call_t  *call;

    call = form->call;

    form->in_file = 0;
    form->field = NULL;

    if (liveupdate_str_is(name, form->file_name)) {

        if (form->has_file) {
            return liveupdate_refuse(&call->error, NULL,
                                     "the form has two files");
        }

        if (ngx_http_liveupdate_temp_create(&call->io, call->store,
                                            &form->temp)
            != NGX_OK)
        {
            form->failed = 1;
            return LIVEUPDATE_INVALID;
        }

        form->has_file = 1;
        form->in_file = 1;

        return LIVEUPDATE_OK;
    }

    for (i = 0; i < NGX_HTTP_LIVEUPDATE_FIELDS; i++) {

        if (!liveupdate_str_is(name, ngx_http_liveupdate_field_names[i])) {
            continue;
        }

        form->field = &form->fields[i];

        if (form->field->data == NULL) {
            form->field->data = ngx_pnalloc(call->io.pool,
                                          NGX_HTTP_LIVEUPDATE_FIELD_MAX + 1);
            if (form->field->data == NULL) {
                return LIVEUPDATE_NOMEM;
            }
        }

        form->field->len = 0;
        form->field->data[0] = '\0';

        return LIVEUPDATE_OK;
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
ngx_http_liveupdate_form_body(void *data, const unsigned char *bytes,
    size_t len)
{
    ngx_http_liveupdate_form_t *form = data;

    liveupdate_str_t            *field;
    ngx_http_liveupdate_call_t  *call;

    call = form->call;

    if (form->in_file) {

        if (ngx_http_liveupdate_temp_write(&call->io, &form->temp, bytes, len)
            != NGX_OK)
        {
            form->failed = 1;
            return LIVEUPDATE_INVALID;
        }

        return LIVEUPDATE_OK;
    }

    field = form->field;

    if (field == NULL) {
        return LIVEUPDATE_OK;
    }

    if (field->len + len > NGX_HTTP_LIVEUPDATE_FIELD_MAX) {
        return liveupdate_refuse(&call->error, NULL,
                                 "a field of the form is too long");
    }

    ngx_memcpy(field->data + field->len, bytes, len);
    field->len += len;
    field->data[field->len] = '\0';

    return LIVEUPDATE_OK;
}


void
ngx_http_liveupdate_form_discard(ngx_http_liveupdate_form_t *form)
{
    if (form->has_file) {
        ngx_http_liveupdate_temp_discard(&form->temp);
        form->has_file = 0;
    }
}
