
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_page.h"


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t ngx_lu_page_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_lu_page_is_ours(ngx_http_request_t *r);


ngx_int_t
ngx_lu_page_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_lu_page_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_page_filter(ngx_http_request_t *r)
{
    ngx_buf_t          *b;
    ngx_int_t           rc;
    ngx_str_t           value, text;
    ngx_chain_t         out;
    ngx_lu_loc_conf_t  *lucf;

    static ngx_str_t  xml =
        ngx_string("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<Error><Code>EntityTooLarge</Code><Message>The file is too"
                   " large for this server. Its limit is client_max_body_size."
                   "</Message></Error>");

    static ngx_str_t  json =
        ngx_string("{\"message\":\"The file is too large for this server. Its"
                   " limit is client_max_body_size.\"}\n");

    if (r->err_status != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
        || r != r->main
        || !ngx_lu_page_is_ours(r))
    {
        return ngx_http_next_header_filter(r);
    }

    ngx_str_set(&value, "no-store");

    if (ngx_lu_header_add(r, "Cache-Control", &value) == NULL) {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->s3) {
        text = xml;
        ngx_str_set(&r->headers_out.content_type, "application/xml");

    } else {
        text = json;
        ngx_str_set(&r->headers_out.content_type, "application/json");
    }

    r->headers_out.content_length_n = text.len;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_next_header_filter(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    /* the page itself is not sent then */

    r->header_only = 1;

    return rc;
}


/* error_page leads to another location, or to another type. */

static ngx_uint_t
ngx_lu_page_is_ours(ngx_http_request_t *r)
{
    ngx_str_t          *type;
    ngx_lu_loc_conf_t  *lucf;

    static ngx_str_t  html = ngx_string("text/html");

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (!lucf->api
        && !lucf->artifacts
        && !lucf->status
        && lucf->feed == NULL
        && lucf->download == NULL
        && lucf->webhook == NULL
        && lucf->s3 == NULL)
    {
        return 0;
    }

    type = &r->headers_out.content_type;

    return type->len == html.len
           && ngx_strncmp(type->data, html.data, html.len) == 0;
}
