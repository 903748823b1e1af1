
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The filter behind nginx's static handler, and answers in its place.
 */


#include "zone/ngx_lu_count.h"

#include "ngx_lu_static.h"


#define NGX_LU_SMALL  4096


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t ngx_lu_static_filter(ngx_http_request_t *r);
static ngx_int_t ngx_lu_static_no_store(ngx_http_request_t *r);
static ngx_int_t ngx_lu_static_harmless(ngx_http_request_t *r);


ngx_int_t
ngx_lu_static_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_lu_static_filter;

    return NGX_OK;
}


ngx_int_t
ngx_lu_static_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_int_t      rc;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->result.len == 0) {

        if (status == NGX_HTTP_NOT_FOUND) {
            ngx_str_set(&ctx->result, "not_found");

        } else {
            ngx_str_set(&ctx->result, "invalid");
        }
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_lu_static_finish(r, ngx_lu_reply_message(r, status, text));
}


ngx_int_t
ngx_lu_static_unavailable(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_lu_static_finish(r, ngx_lu_reply_unavailable(r));
}


/* The phases of a request that was answered must not go on. */

ngx_int_t
ngx_lu_static_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/*
 * The file table may be newer than the files, in a replica of the store, or
 * older, after the release was deleted.  So only a file that nginx has found is
 * described, and may be cached.
 */

static ngx_int_t
ngx_lu_static_filter(ngx_http_request_t *r)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;
    ngx_lu_ctx_t     *ctx;

    if (r->headers_out.status != NGX_HTTP_OK
        && r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT
        && r->headers_out.status != NGX_HTTP_NOT_MODIFIED)
    {
        return ngx_lu_static_no_store(r);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx == NULL || !ctx->located) {
        return ngx_http_next_header_filter(r);
    }

#if (NGX_HTTP_GZIP)

    /* the digest is that of the bytes: "gzip" must not change them */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    if (ngx_lu_static_harmless(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->series) {
        ngx_lu_count_add(ctx->series->counts[ctx->count], 1);
    }

    /* the plugin 7.0.0 to 7.2.2 for iOS finds them in lower case only */

    if (ctx->checksum.len
        && ngx_lu_header_add(r, "x-checksum", &ctx->checksum) == NULL)
    {
        return NGX_ERROR;
    }

    if (ctx->signature.len
        && ngx_lu_header_add(r, "x-signature", &ctx->signature) == NULL)
    {
        return NGX_ERROR;
    }

    if (ngx_lu_header_add(r, "Cache-Control", &ctx->cache) == NULL) {
        return NGX_ERROR;
    }

    if (ctx->disposition.len
        && ngx_lu_header_add(r, "Content-Disposition",
                             &ctx->disposition)
           == NULL)
    {
        return NGX_ERROR;
    }

    if (ctx->vary) {
        ngx_str_set(&value, "Accept-Encoding");

        if (ngx_lu_header_add(r, "Vary", &value) == NULL) {
            return NGX_ERROR;
        }
    }

    if (ctx->gzip && r->headers_out.status == NGX_HTTP_OK) {
        ngx_str_set(&value, "gzip");

        h = ngx_lu_header_add(r, "Content-Encoding", &value);
        if (h == NULL) {
            return NGX_ERROR;
        }

        r->headers_out.content_encoding = h;
    }

    /* without sendfile() the header and a small body are written together */

    if (r->headers_out.content_length_n <= NGX_LU_SMALL) {
        r->connection->sendfile = 0;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * What is not there now may be there soon, and what is refused may be allowed.
 * Nginx sends its own errors with the headers of the answer that they replace,
 * such as that of a file of which no range was left.
 */

static ngx_int_t
ngx_lu_static_no_store(ngx_http_request_t *r)
{
    ngx_str_t           value;
    ngx_uint_t          i;
    ngx_lu_ctx_t       *ctx;
    ngx_table_elt_t    *h;
    ngx_lu_loc_conf_t  *lucf;

    static const char *const  names[] = {
        "Cache-Control", "Content-Disposition", "Content-Encoding", "Vary",
        "X-Checksum", "X-Signature"
    };

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (!lucf->artifacts && lucf->feed == NULL && lucf->download == NULL) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx
        && ctx->located
        && r->headers_out.status == NGX_HTTP_NOT_FOUND)
    {
        ngx_str_set(&ctx->result, "not_found");
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        h = NULL;

        while ((h = ngx_lu_header_find(&r->headers_out.headers, names[i], h))
               != NULL)
        {
            h->hash = 0;
        }
    }

    r->headers_out.content_encoding = NULL;

    ngx_str_set(&value, "no-store");

    if (ngx_lu_header_add(r, "Cache-Control", &value) == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * Publishers decide what the bytes are.  In a browser they are not a page of
 * this host, whose scripts could call the API with a token of the console.
 */

static ngx_int_t
ngx_lu_static_harmless(ngx_http_request_t *r)
{
    ngx_str_t  value;

    ngx_str_set(&value, "sandbox");

    if (ngx_lu_header_add(r, "Content-Security-Policy", &value) == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "nosniff");

    if (ngx_lu_header_add(r, "X-Content-Type-Options", &value) == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
