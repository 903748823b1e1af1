
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_catalog.h"
#include "ngx_lu_discovery.h"

#include "zone/ngx_lu_count.h"

#include "core/lu_app.h"
#include "core/lu_query.h"


#define NGX_LU_DISCOVERY_LIMIT  50
#define NGX_LU_DISCOVERY_MAX    1000

/* bytes that the name of a channel has at most */

#define NGX_LU_DISCOVERY_NAME   128


static ngx_int_t ngx_lu_discovery_args(ngx_http_request_t *r,
    ngx_uint_t *limit, ngx_uint_t *offset, lu_str_t *query);
static ngx_int_t ngx_lu_discovery_send(ngx_http_request_t *r, lu_app_t *app,
    ngx_uint_t limit, ngx_uint_t offset, lu_str_t *query);
static ngx_uint_t ngx_lu_discovery_page(lu_app_t *app, ngx_uint_t *page,
    ngx_uint_t limit, ngx_uint_t offset, lu_str_t *query);
static size_t ngx_lu_discovery_next(lu_app_t *app, size_t i, lu_str_t *query);


ngx_int_t
ngx_lu_discovery(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_int_t      rc;
    ngx_uint_t     limit, offset;
    lu_app_t      *app;
    lu_str_t       query[2];
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ctx->app = *id;
    ctx->kind = NGX_LU_KIND_DISCOVERY;

    rc = ngx_lu_catalog_app(r, id, &app);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_BUSY) {
        return ngx_lu_reply_unavailable(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* nobody learns from this whether the app exists */

    if (app == NULL || !app->discovery) {
        return ngx_lu_reply_message(r, NGX_HTTP_UNAUTHORIZED,
                                    "Channel discovery is not enabled.");
    }

    rc = ngx_lu_discovery_args(r, &limit, &offset, query);

    if (rc == NGX_DECLINED) {
        return ngx_lu_reply_message(r, NGX_HTTP_BAD_REQUEST, "Invalid query.");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_discovery_send(r, app, limit, offset, query);
}


static ngx_int_t
ngx_lu_discovery_args(ngx_http_request_t *r, ngx_uint_t *limit,
    ngx_uint_t *offset, lu_str_t *query)
{
    u_char    *buf;
    lu_str_t   args, value;
    uint64_t   n;

    args = ngx_lu_to_core(&r->args);

    *limit = NGX_LU_DISCOVERY_LIMIT;
    *offset = 0;

    /* a plugin may send what its app left out as a name alone */

    if (lu_query_find(&args, "limit", &value) && value.len) {
        if (lu_query_number(&args, "limit", &n) != LU_OK) {
            return NGX_DECLINED;
        }

        *limit = ngx_min(n, NGX_LU_DISCOVERY_MAX);
    }

    if (lu_query_find(&args, "offset", &value) && value.len) {
        if (lu_query_number(&args, "offset", &n) != LU_OK) {
            return NGX_DECLINED;
        }

        *offset = (ngx_uint_t) n;
    }

    (void) lu_query_find(&args, "query", &value);

    buf = ngx_pnalloc(r->pool, 2 * value.len + 1);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    /* "+" is a plus sign from iOS; if no channel has one, it is a space */

    return lu_query_decode(&query[0], buf, &value, 0) == LU_OK
           && lu_query_decode(&query[1], buf + value.len, &value, 1) == LU_OK
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_lu_discovery_send(ngx_http_request_t *r, lu_app_t *app, ngx_uint_t limit,
    ngx_uint_t offset, lu_str_t *query)
{
    u_char      *p;
    size_t       size;
    ngx_str_t    text;
    ngx_uint_t   i, n, *page;

    if (query->len && ngx_lu_discovery_next(app, 0, query) == app->nchannels) {
        query++;
    }

    limit = ngx_min(limit, app->nchannels);

    page = ngx_palloc(r->pool, (limit + 1) * sizeof(ngx_uint_t));
    if (page == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = ngx_lu_discovery_page(app, page, limit, offset, query);

    size = sizeof("[]\n");

    for (i = 0; i < n; i++) {
        size += app->channels[page[i]].item.len + 1;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;
    *p++ = '[';

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, app->channels[page[i]].item.data,
                       app->channels[page[i]].item.len);
    }

    *p++ = ']';
    *p++ = LF;

    text.len = p - text.data;

    return ngx_lu_reply_json(r, NGX_HTTP_OK, &text);
}


/* The numbers of the channels on a page, and how many they are. */

static ngx_uint_t
ngx_lu_discovery_page(lu_app_t *app, ngx_uint_t *page, ngx_uint_t limit,
    ngx_uint_t offset, lu_str_t *query)
{
    size_t      i;
    ngx_uint_t  n;

    /* without a query no channel in front of the page is looked at */

    i = 0;

    if (query->len == 0) {
        i = ngx_min(offset, app->nchannels);
        offset = 0;
    }

    n = 0;

    for ( /* void */ ; n < limit; i++) {

        i = ngx_lu_discovery_next(app, i, query);

        if (i == app->nchannels) {
            break;
        }

        if (offset) {
            offset--;
            continue;
        }

        page[n++] = i;
    }

    return n;
}


/*
 * The next channel from number i on that has the query in its name; the number
 * of channels if there is none.  All names are searched as one text.
 */

static size_t
ngx_lu_discovery_next(lu_app_t *app, size_t i, lu_str_t *query)
{
    size_t   at;
    u_char  *found;

    if (i == app->nchannels || query->len == 0) {
        return i;
    }

    /* the names are ended by zero bytes, which none of them has */

    if (query->len > NGX_LU_DISCOVERY_NAME
        || memchr(query->data, '\0', query->len))
    {
        return app->nchannels;
    }

    at = app->channels[i].at;

    found = memmem(app->names.data + at, app->names.len - at, query->data,
                   query->len);
    if (found == NULL) {
        return app->nchannels;
    }

    return lu_app_channel_at(app, found - app->names.data);
}
