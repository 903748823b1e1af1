
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_artifact.h"
#include "ngx_lu_catalog.h"
#include "ngx_lu_load.h"
#include "ngx_lu_static.h"

#include "core/lu_file.h"
#include "core/lu_manifest.h"
#include "core/lu_name.h"
#include "core/lu_query.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_artifact_name(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, ngx_str_t *name);
static ngx_int_t ngx_lu_artifact_find(ngx_http_request_t *r, ngx_str_t *name,
    const lu_file_t **file);
static ngx_int_t ngx_lu_artifact_decode(ngx_http_request_t *r, ngx_str_t *name,
    lu_str_t *href);
static ngx_int_t ngx_lu_artifact_lookup(ngx_http_request_t *r, lu_str_t *href,
    const lu_file_t **file);
static ngx_int_t ngx_lu_artifact_page(ngx_http_request_t *r,
    ngx_lu_table_page_t *page, lu_str_t *href, const lu_file_t **file);
static ngx_int_t ngx_lu_artifact_locate(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, const lu_file_t *file);
static ngx_inline u_char *ngx_lu_artifact_path(u_char *p, ngx_str_t *app,
    ngx_str_t *release, const char *folder, const lu_str_t *href);
static ngx_int_t ngx_lu_artifact_describe(ngx_http_request_t *r,
    const lu_file_t *file, ngx_uint_t gzip);
static ngx_int_t ngx_lu_artifact_none(ngx_http_request_t *r);


/*
 * nginx's static handler sends the file under another URI.  A name that is not
 * in the file table of the release is not looked up on the disk.
 */

ngx_int_t
ngx_lu_artifact_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_str_t         app, release, name;
    const lu_file_t  *file;
    ngx_lu_ctx_t     *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ngx_lu_artifact_name(r, &app, &release, &name) != NGX_OK) {
        return ngx_lu_artifact_none(r);
    }

    ctx->app = app;
    ctx->release = release;

    rc = ngx_lu_artifact_find(r, &name, &file);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_BUSY) {
        return ngx_lu_static_unavailable(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (file == NULL) {
        return ngx_lu_artifact_none(r);
    }

    ctx->located = 1;
    ngx_str_set(&ctx->result, "file");

    return ngx_lu_artifact_locate(r, &app, &release, file);
}


/* "{app}/{release}/{name}", or "{app}/{release}?href={name}" */

static ngx_int_t
ngx_lu_artifact_name(ngx_http_request_t *r, ngx_str_t *app, ngx_str_t *release,
    ngx_str_t *name)
{
    u_char                    *p, *last;
    lu_str_t                   args, id, value;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->uri.len < clcf->name.len) {
        return NGX_DECLINED;
    }

    p = r->uri.data + clcf->name.len;
    last = r->uri.data + r->uri.len;

    if (p < last && *p == '/') {
        p++;
    }

    app->data = p;
    p = memchr(p, '/', last - p);

    if (p == NULL) {
        return NGX_DECLINED;
    }

    app->len = p++ - app->data;

    release->data = p;
    p = memchr(p, '/', last - p);
    release->len = (p ? p : last) - release->data;

    id = ngx_lu_to_core(app);

    if (!lu_name_id_valid(&id)) {
        return NGX_DECLINED;
    }

    id = ngx_lu_to_core(release);

    if (!lu_name_id_valid(&id)) {
        return NGX_DECLINED;
    }

    if (p && p + 1 < last) {
        name->data = p + 1;
        name->len = last - name->data;

        return NGX_OK;
    }

    args = ngx_lu_to_core(&r->args);

    if (!lu_query_find(&args, "href", &value) || value.len == 0) {
        return NGX_DECLINED;
    }

    *name = ngx_lu_from_core(&value);

    return NGX_OK;
}


/*
 * Sets the file, or NULL if there is none.  "+" is a plus sign from the
 * plugins, but a space from URLSearchParams.
 */

static ngx_int_t
ngx_lu_artifact_find(ngx_http_request_t *r, ngx_str_t *name,
    const lu_file_t **file)
{
    ngx_int_t      rc;
    lu_str_t       href;
    ngx_lu_ctx_t  *ctx;

    *file = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    for ( ;; ) {
        rc = ngx_lu_artifact_decode(r, name, &href);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : rc;
        }

        rc = ngx_lu_artifact_lookup(r, &href, file);

        if (rc != NGX_OK || *file) {
            return rc;
        }

        if (ctx->plus
            || href.data == name->data
            || ngx_strlchr(name->data, name->data + name->len, '+') == NULL)
        {
            return NGX_OK;
        }

        ctx->plus = 1;
        ctx->page = NULL;
    }
}


static ngx_int_t
ngx_lu_artifact_decode(ngx_http_request_t *r, ngx_str_t *name, lu_str_t *href)
{
    u_char        *buf;
    lu_str_t       src;
    ngx_lu_ctx_t  *ctx;

    src = ngx_lu_to_core(name);

    /* nginx has decoded a name that is part of the path */

    if (name->data >= r->uri.data && name->data < r->uri.data + r->uri.len) {
        *href = src;
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    buf = ngx_pnalloc(r->pool, src.len);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    return lu_query_decode(href, buf, &src, ctx->plus) == LU_OK
           ? NGX_OK
           : NGX_DECLINED;
}


static ngx_int_t
ngx_lu_artifact_lookup(ngx_http_request_t *r, lu_str_t *href,
    const lu_file_t **file)
{
    ngx_int_t            rc;
    ngx_lu_ctx_t        *ctx;
    ngx_lu_table_page_t  page;
    ngx_lu_files_t      *files;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->page) {
        return ngx_lu_artifact_page(r, ctx->page, href, file);
    }

    rc = ngx_lu_catalog_files(r, &ctx->app, &ctx->release, &files);

    if (rc != NGX_OK || files == NULL) {
        return rc;
    }

    if (files->table.n == 0) {
        *file = lu_file_find(files->files, files->nfiles, href);
        return NGX_OK;
    }

    if (ngx_lu_table_find(&page, &files->table, &files->origin, href)
        != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_lu_artifact_page(r, &page, href, file);
}


/*
 * A request that waits for a page keeps what it knows of it: the table may be
 * evicted before the page is there.
 */

static ngx_int_t
ngx_lu_artifact_page(ngx_http_request_t *r, ngx_lu_table_page_t *page,
    lu_str_t *href, const lu_file_t **file)
{
    ngx_int_t             rc;
    ngx_lu_ctx_t         *ctx;
    ngx_lu_table_page_t  *kept;
    ngx_lu_files_t       *files;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    rc = ngx_lu_catalog_page(r, &ctx->app, &ctx->release, page, &files);

    if (rc == NGX_AGAIN && page != ctx->page) {

        kept = ngx_palloc(r->pool, sizeof(ngx_lu_table_page_t));

        if (kept) {
            *kept = *page;

            if (ngx_lu_table_keep(kept, r->pool) == NGX_OK) {
                ctx->page = kept;
            }
        }
    }

    if (rc == NGX_OK && files) {
        *file = lu_file_find(files->files, files->nfiles, href);
    }

    return rc;
}


static ngx_int_t
ngx_lu_artifact_locate(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, const lu_file_t *file)
{
    u_char     *p, *uri;
    ngx_uint_t  gzip;

    gzip = 0;

#if (NGX_HTTP_GZIP)
    if (file->gzip && ngx_http_gzip_ok(r) == NGX_OK) {
        gzip = 1;
    }
#endif

    uri = ngx_pnalloc(r->pool, sizeof("/live///files/.gz")
                               + app->len + release->len + file->href.len);
    if (uri == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_lu_artifact_path(uri, app, release, "/files/", &file->href);

    r->uri.data = uri;
    r->uri.len = p - uri;
    r->valid_unparsed_uri = 0;

    ngx_http_set_exten(r);

    if (ngx_lu_artifact_describe(r, file, gzip) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (gzip) {
        p = ngx_lu_artifact_path(uri, app, release, "/gzip/", &file->href);
        p = ngx_cpymem(p, ".gz", sizeof(".gz") - 1);

        r->uri.len = p - uri;
    }

    return NGX_DECLINED;
}


static ngx_inline u_char *
ngx_lu_artifact_path(u_char *p, ngx_str_t *app, ngx_str_t *release,
    const char *folder, const lu_str_t *href)
{
    p = ngx_cpymem(p, "/live/", sizeof("/live/") - 1);
    p = ngx_cpymem(p, app->data, app->len);
    *p++ = '/';
    p = ngx_cpymem(p, release->data, release->len);
    p = ngx_cpymem(p, folder, ngx_strlen(folder));

    return ngx_cpymem(p, href->data, href->len);
}


/* The table may be evicted before the headers are sent. */

static ngx_int_t
ngx_lu_artifact_describe(ngx_http_request_t *r, const lu_file_t *file,
    ngx_uint_t gzip)
{
    u_char        *p;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    p = ngx_pnalloc(r->pool, file->sha256.len + file->signature.len
                             + file->type.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->checksum.data = p;
    ctx->checksum.len = file->sha256.len;
    p = ngx_lu_cpymem(p, file->sha256.data, file->sha256.len);

    ctx->signature.data = p;
    ctx->signature.len = file->signature.len;
    p = ngx_lu_cpymem(p, file->signature.data, file->signature.len);

    ngx_str_set(&ctx->cache, "public, max-age=31536000, immutable, "
                             "no-transform");

    ctx->whole = lu_str_is(&file->href, LU_ZIP_NAME)
                 || lu_str_is(&file->href, LU_MANIFEST_NAME);
    ctx->vary = file->gzip;
    ctx->gzip = gzip;

    /* the static handler would use the name, which may end in ".gz" */

    if (file->type.len) {
        r->headers_out.content_type.data = p;
        r->headers_out.content_type.len = file->type.len;
        r->headers_out.content_type_len = file->type.len;
        r->headers_out.content_type_lowcase = NULL;

        ngx_memcpy(p, file->type.data, file->type.len);

        return NGX_OK;
    }

    return ngx_http_set_content_type(r);
}


static ngx_int_t
ngx_lu_artifact_none(ngx_http_request_t *r)
{
    return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "File not found.");
}
