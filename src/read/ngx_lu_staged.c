
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_staged.h"
#include "ngx_lu_static.h"

#include "core/lu_disposition.h"
#include "core/lu_feed.h"
#include "core/lu_link.h"
#include "core/lu_name.h"


static void ngx_lu_staged_hide(ngx_str_t *where, ngx_str_t *key);


ngx_int_t
ngx_lu_staged_key(ngx_http_request_t *r)
{
    ngx_str_t      key;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->key.len
        || ngx_http_arg(r, (u_char *) "key", sizeof("key") - 1, &key) != NGX_OK
        || key.len == 0)
    {
        return NGX_OK;
    }

    ctx->key.data = ngx_pstrdup(r->pool, &key);
    if (ctx->key.data == NULL) {
        return NGX_ERROR;
    }

    ctx->key.len = key.len;

    ngx_memset(key.data, '*', key.len);

    /* over HTTP/1 all of them are one text, but not over HTTP/2 and 3 */

    ngx_lu_staged_hide(&r->unparsed_uri, &ctx->key);
    ngx_lu_staged_hide(&r->request_line, &ctx->key);

    return NGX_OK;
}


static void
ngx_lu_staged_hide(ngx_str_t *where, ngx_str_t *key)
{
    u_char  *p, *last;

    last = where->data + where->len;

    for (p = where->data; (size_t) (last - p) >= key->len; p++) {
        if (ngx_memcmp(p, key->data, key->len) == 0) {
            ngx_memset(p, '*', key->len);
            return;
        }
    }
}


ngx_int_t
ngx_lu_staged_handler(ngx_http_request_t *r, ngx_str_t *id,
    const lu_app_t *app, const lu_str_t *path)
{
    u_char        *p;
    lu_str_t       release, name, key, disposition;
    lu_error_t     err;
    lu_arena_t     arena;
    ngx_lu_ctx_t  *ctx;

    release.data = path->data;
    release.len = lu_str_find(path, 0, "/");

    name.data = path->data + ngx_min(release.len + 1, path->len);
    name.len = path->data + path->len - name.data;

    if (!lu_name_release_valid(&release)
        || lu_name_href_check(&name, &err) != LU_OK)
    {
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    key = ngx_lu_to_core(&ctx->key);

    switch (lu_link_check(&key, &app->link, &release, ngx_time())) {

    case LU_LINK_OK:
        break;

    case LU_LINK_EXPIRED:
        return ngx_lu_static_refuse(r, NGX_HTTP_FORBIDDEN,
                                    "The link has expired: ask for a new "
                                    "one.");

    default: /* LU_LINK_WRONG */
        return ngx_lu_static_refuse(r, NGX_HTTP_FORBIDDEN,
                                    "The link is not valid for this "
                                    "release.");
    }

    arena = ngx_lu_arena(r->pool);

    disposition = lu_disposition(&arena, &name, NULL);

    p = ngx_pnalloc(r->pool, sizeof("/staging///files/") + id->len
                             + release.len + name.len);

    if (disposition.data == NULL || p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->uri.len = ngx_sprintf(p, "/staging/%V/%*s/files/%*s", id, release.len,
                             release.data, name.len, name.data)
                 - p;
    r->uri.data = p;
    r->valid_unparsed_uri = 0;

    p = (u_char *) lu_feed_type(&name);

    r->headers_out.content_type.data = p;
    r->headers_out.content_type.len = ngx_strlen(p);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    ctx->disposition = ngx_lu_from_core(&disposition);

    ngx_str_set(&ctx->result, "staged");
    ngx_str_set(&ctx->cache, "private, no-store");

    ctx->located = 1;

    return NGX_DECLINED;
}
