
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_reply.h"

#include "core/lu_s3.h"


#define NGX_LU_SUBJECT      256

#define NGX_LU_RETRY_AFTER  "10"    /* seconds */


static ngx_int_t ngx_lu_reply_s3(ngx_http_request_t *r, ngx_uint_t status,
    u_char *sentence);


static ngx_str_t  ngx_lu_json_type = ngx_string("application/json");


/*
 * Errors are sent from here as well: the error pages of nginx are HTML, and
 * close the connection.
 */

ngx_int_t
ngx_lu_reply_json(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *text)
{
    return ngx_lu_reply_text(r, status, &ngx_lu_json_type, text);
}


ngx_int_t
ngx_lu_reply_text(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_str_t     value;
    ngx_chain_t   out;

    ngx_str_set(&value, "no-store");

    if (ngx_lu_header_add(r, "Cache-Control", &value) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_str_set(&value, NGX_LU_RETRY_AFTER);

        if (ngx_lu_header_add(r, "Retry-After", &value) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = text->len;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    if (text->len == 0) {
        r->headers_out.content_type.len = 0;
        r->header_only = 1;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_lu_reply_error(ngx_http_request_t *r, ngx_uint_t status, lu_error_t *err)
{
    u_char             *p, *sentence;
    size_t              len;
    ngx_str_t           text;
    ngx_lu_loc_conf_t  *lucf;

    sentence = ngx_lu_reply_sentence(r->pool, err);
    if (sentence == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->s3) {
        return ngx_lu_reply_s3(r, status, sentence);
    }

    len = ngx_strlen(sentence);

    p = ngx_pnalloc(r->pool, sizeof("{\"message\":\"\"}\n") + len
                             + ngx_escape_json(NULL, sentence, len));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;

    p = ngx_cpymem(p, "{\"message\":\"", sizeof("{\"message\":\"") - 1);
    p = (u_char *) ngx_escape_json(p, sentence, len);
    p = ngx_cpymem(p, "\"}\n", 3);

    text.len = p - text.data;

    return ngx_lu_reply_json(r, status, &text);
}


static ngx_int_t
ngx_lu_reply_s3(ngx_http_request_t *r, ngx_uint_t status, u_char *sentence)
{
    lu_str_t       xml;
    ngx_str_t      text, type;
    lu_arena_t     arena;
    const char    *code;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    code = (ctx && ctx->s3_code) ? ctx->s3_code
                                 : lu_s3_code((unsigned) status);

    arena = ngx_lu_arena(r->pool);

    xml = lu_s3_error(&arena, code, (char *) sentence);
    if (xml.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = ngx_lu_from_core(&xml);
    ngx_str_set(&type, "application/xml");

    return ngx_lu_reply_text(r, lu_s3_status((unsigned) status), &type, &text);
}


ngx_int_t
ngx_lu_reply_unavailable(ngx_http_request_t *r)
{
    return ngx_lu_reply_message(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                "The disk of the server does not answer: try "
                                "again later.");
}


u_char *
ngx_lu_reply_sentence(ngx_pool_t *pool, lu_error_t *err)
{
    u_char      *p, *sentence;
    size_t       i, n;
    ngx_uint_t   ascii;

    n = ngx_min(err->subject.len, NGX_LU_SUBJECT);

    sentence = ngx_pnalloc(pool, sizeof("\"\" ") + n + ngx_strlen(err->text));
    if (sentence == NULL) {
        return NULL;
    }

    p = sentence;

    if (n) {
        ascii = (n < err->subject.len || !lu_str_utf8_valid(&err->subject));

        *p++ = '"';

        for (i = 0; i < n; i++) {
            *p = err->subject.data[i];

            if (*p < 0x20 || *p == 0x7f || (ascii && *p > 0x7f)) {
                *p = '?';
            }

            p++;
        }

        *p++ = '"';
        *p++ = ' ';
    }

    ngx_memcpy(p, err->text, ngx_strlen(err->text) + 1);

    return sentence;
}


ngx_int_t
ngx_lu_reply_message(ngx_http_request_t *r, ngx_uint_t status, const char *text)
{
    lu_error_t  err;

    (void) lu_error(&err, NULL, text);

    return ngx_lu_reply_error(r, status, &err);
}
