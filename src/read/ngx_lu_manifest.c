
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_catalog.h"
#include "ngx_lu_manifest.h"
#include "ngx_lu_static.h"

#include "core/lu_minimum.h"


static ngx_int_t ngx_lu_manifest_etag(ngx_http_request_t *r, u_char *line,
    u_char *last);


ngx_int_t
ngx_lu_manifest_find(ngx_http_request_t *r, ngx_str_t *app, ngx_str_t *name,
    ngx_lu_manifest_t **manifest)
{
    ngx_int_t  rc;

#if (NGX_HAVE_OPENAT)
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* only nginx's static handler looks at each part of the path */

    if (clcf->disable_symlinks != NGX_DISABLE_SYMLINKS_OFF) {
        *manifest = NULL;
        return NGX_OK;
    }
#endif

    rc = ngx_lu_catalog_manifest(r, app, name, manifest);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK || (*manifest && (*manifest)->bytes == NULL)) {
        *manifest = NULL;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_manifest_send(ngx_http_request_t *r, ngx_lu_manifest_t *manifest,
    const lu_str_t *minimum)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    /* a slow client may still be reading when the copy is replaced */

    b = ngx_create_temp_buf(r->pool, manifest->size + LU_MINIMUM_LINE);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->pos, manifest->bytes, manifest->size);

    if (minimum && manifest->may_follow) {
        b->last = lu_minimum_line(b->last, minimum);
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.last_modified_time = manifest->mtime;
    r->allow_ranges = 1;

    if (ngx_http_set_etag(r) != NGX_OK
        || ngx_lu_manifest_etag(r, b->pos + manifest->size, b->last) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return ngx_lu_static_finish(r, rc);
    }

    out.buf = b;
    out.next = NULL;

    return ngx_lu_static_finish(r, ngx_http_output_filter(r, &out));
}


/* Two minimums may have the same length. */

static ngx_int_t
ngx_lu_manifest_etag(ngx_http_request_t *r, u_char *line, u_char *last)
{
    u_char           *p;
    ngx_table_elt_t  *etag;

    etag = r->headers_out.etag;

    if (line == last || etag == NULL) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, etag->value.len + 1 + NGX_INT32_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    etag->value.len = ngx_sprintf(p, "%*s-%xD\"", etag->value.len - 1,
                                  etag->value.data,
                                  ngx_crc32_short(line, last - line))
                      - p;
    etag->value.data = p;

    return NGX_OK;
}
