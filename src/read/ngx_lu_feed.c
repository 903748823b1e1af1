
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Update feeds and downloads of desktop apps: a file of the app's feed is
 * picked.
 */


#include "ngx_lu_catalog.h"
#include "ngx_lu_everyone.h"
#include "ngx_lu_feed.h"
#include "ngx_lu_load.h"
#include "ngx_lu_manifest.h"
#include "ngx_lu_staged.h"
#include "ngx_lu_static.h"
#include "ngx_lu_table.h"
#include "ngx_lu_trial.h"

#include "zone/ngx_lu_count.h"

#include "core/lu_app.h"
#include "core/lu_desktop.h"
#include "core/lu_disposition.h"
#include "core/lu_download.h"
#include "core/lu_feed.h"
#include "core/lu_label.h"
#include "core/lu_name.h"
#include "core/lu_offer.h"
#include "core/lu_platform.h"
#include "core/lu_td.h"
#include "core/lu_version.h"


/* the longest name of a channel, bytes */

#define NGX_LU_FEED_CHANNEL  200


static ngx_int_t ngx_lu_feed_path(ngx_http_request_t *r, ngx_str_t *id,
    lu_str_t *path);
static ngx_int_t ngx_lu_feed_find(ngx_http_request_t *r, ngx_str_t *id,
    lu_app_t *app, lu_str_t *path);
static ngx_int_t ngx_lu_download_find(ngx_http_request_t *r, ngx_str_t *id,
    lu_app_t *app, lu_str_t *path);
static ngx_int_t ngx_lu_download_channel(ngx_http_request_t *r,
    lu_download_t *download);
static ngx_int_t ngx_lu_download_td(ngx_http_request_t *r, ngx_str_t *id,
    lu_app_t *app, lu_download_t *download, lu_feed_t *feed, lu_td_t **td);
static ngx_int_t ngx_lu_feed_owns(ngx_http_request_t *r, ngx_str_t *id,
    const lu_build_t *build, const lu_str_t *name);
static ngx_int_t ngx_lu_feed_locate(ngx_http_request_t *r, ngx_str_t *id,
    const lu_str_t *name, const lu_str_t *build_id);
static ngx_int_t ngx_lu_feed_describe(ngx_http_request_t *r, lu_app_t *app,
    const lu_build_t *build, ngx_uint_t count, const lu_label_t *label,
    const lu_mark_t *mark);
static ngx_int_t ngx_lu_feed_copy(ngx_http_request_t *r, ngx_str_t *to,
    const lu_str_t *from);
static void ngx_lu_feed_client(ngx_http_request_t *r, lu_client_t *client);
static ngx_int_t ngx_lu_feed_slash(ngx_http_request_t *r);
static ngx_int_t ngx_lu_feed_text(ngx_http_request_t *r, ngx_str_t *text);


ngx_int_t
ngx_lu_feed_handler(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_str_t           id;
    lu_app_t           *app;
    lu_str_t            path, str;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (lucf->download && r->args.len && ngx_lu_staged_key(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_complex_value(r, lucf->feed ? lucf->feed : lucf->download,
                               &id)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    str = ngx_lu_to_core(&id);

    if (!lu_name_id_valid(&str)) {
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "App not found.");
    }

    ctx->app = id;

    rc = ngx_lu_catalog_app(r, &id, &app);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_BUSY) {
        return ngx_lu_static_unavailable(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (app == NULL) {
        ngx_str_set(&ctx->result, "no_app");

        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "App not found.");
    }

    if (app->next <= ngx_time()) {
        lu_app_turn(app, ngx_time());
    }

    if (ngx_lu_feed_path(r, &id, &path) != NGX_OK) {
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    return lucf->feed ? ngx_lu_feed_find(r, &id, app, &path)
                      : ngx_lu_download_find(r, &id, app, &path);
}


/*
 * The rest of the URI behind the name of the location or, if that is a regular
 * expression, behind "/{app}", without the "/" in front of it.
 */

static ngx_int_t
ngx_lu_feed_path(ngx_http_request_t *r, ngx_str_t *id, lu_str_t *path)
{
    u_char                    *p, *last;
    ngx_lu_loc_conf_t         *lucf;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    p = r->uri.data;
    last = p + r->uri.len;

    /* an "if" block has the name of its location, and not the expression */

    if (lucf->regex) {

        for ( ;; ) {
            p = ngx_strlchr(p, last, '/');

            if (p == NULL || (size_t) (last - p) <= id->len) {
                return NGX_DECLINED;
            }

            p++;

            if (ngx_strncmp(p, id->data, id->len) == 0
                && (p + id->len == last || p[id->len] == '/'))
            {
                break;
            }
        }

        p += id->len;

    } else {
        p += ngx_min(clcf->name.len, r->uri.len);
    }

    if (p < last && *p == '/') {
        p++;
    }

    path->data = p;
    path->len = last - p;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_feed_find(ngx_http_request_t *r, ngx_str_t *id, lu_app_t *app,
    lu_str_t *path)
{
    ngx_int_t           rc;
    ngx_str_t           name;
    lu_feed_t           feed;
    lu_label_t          label;
    lu_arena_t          arena;
    lu_client_t         client;
    ngx_lu_ctx_t       *ctx;
    const lu_mark_t    *mark;
    const lu_build_t   *build;
    ngx_lu_manifest_t  *manifest;

    if (lu_str_is(path, "my-ip")) {
        return ngx_lu_feed_text(r, &r->connection->addr_text);
    }

    arena = ngx_lu_arena(r->pool);

    ngx_lu_feed_client(r, &client);

    switch (lu_feed_name(&arena, &app->desktop, &client, path, &feed)) {

    case LU_OK:
        break;

    case LU_NOMEM:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    case LU_INVALID:
        return ngx_lu_static_refuse(r, NGX_HTTP_BAD_REQUEST,
                                    "The URL must end with the name of a "
                                    "file.");

    default:
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    if (feed.is_manifest || feed.build) {

        do {
            rc = ngx_lu_feed_owns(r, id, feed.build, &feed.name);

        } while (rc == NGX_DECLINED
                 && lu_feed_next(&arena, &app->desktop, &client, path, &feed)
                    == LU_OK);

        if (rc == NGX_DECLINED) {
            return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    manifest = NULL;

    if (feed.is_manifest) {
        name = ngx_lu_from_core(&feed.name);

        rc = ngx_lu_manifest_find(r, id, &name, &manifest);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (feed.is_fixed) {
        /* a cache that compresses a file takes its ranges away */

        ngx_str_set(&ctx->cache, "public, max-age=31536000, immutable, "
                                 "no-transform");

    } else {

        /*
         * the rules choose the file for this client, and may soon choose an
         * older one
         */

        ngx_str_set(&ctx->cache, "private, no-cache");

        r->headers_in.if_modified_since = NULL;
        r->headers_in.if_unmodified_since = NULL;
    }

    /* nginx would ignore any other unit and send the whole file */

    if (r->headers_in.range
        && ngx_strncasecmp(r->headers_in.range->value.data,
                           (u_char *) "bytes=", sizeof("bytes=") - 1)
           != 0)
    {
        return NGX_HTTP_RANGE_NOT_SATISFIABLE;
    }

    build = feed.build ? feed.build
                       : lu_label_build(&app->desktop, &feed.name);

    lu_label_parse(&feed.name, build, &label);

    if (feed.is_manifest) {
        ngx_lu_trial(r, app, &client, path, build);

    } else if (app->desktop.is_guarded && build) {
        ctx->whole = !lu_str_ends(&feed.name, ".blockmap");
    }

    mark = (feed.is_manifest && build)
           ? lu_offer_mark(&app->desktop, path, build) : NULL;

    if (ngx_lu_feed_describe(r, app, build,
                             feed.is_manifest
                                 ? NGX_LU_COUNT_MANIFEST
                                 : NGX_LU_COUNT_FILE,
                             &label, mark)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_lu_feed_locate(r, id, &feed.name, build ? &build->id : NULL);

    if (rc != NGX_DECLINED || manifest == NULL) {
        return rc;
    }

    if (app->minimum.len
        && build
        && lu_version_semantic_cmp(&build->version, &app->minimum) >= 0)
    {
        return ngx_lu_manifest_send(r, manifest, &app->minimum);
    }

    return ngx_lu_manifest_send(r, manifest, NULL);
}


static ngx_int_t
ngx_lu_download_find(ngx_http_request_t *r, ngx_str_t *id, lu_app_t *app,
    lu_str_t *path)
{
    ngx_int_t      rc;
    lu_td_t       *td;
    lu_str_t       route, agent, name, reason;
    lu_feed_t      feed;
    lu_error_t     err;
    lu_label_t     label;
    lu_arena_t     arena;
    lu_download_t  download;
    ngx_lu_ctx_t  *ctx;

    if (path->len > sizeof("staged/") - 1
        && ngx_strncmp(path->data, "staged/", sizeof("staged/") - 1) == 0)
    {
        path->data += sizeof("staged/") - 1;
        path->len -= sizeof("staged/") - 1;

        return ngx_lu_staged_handler(r, id, app, path);
    }

    arena = ngx_lu_arena(r->pool);

    /* routes begin with a "/" */

    route.len = path->len + 1;
    route.data = ngx_pnalloc(r->pool, route.len);
    if (route.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    route.data[0] = '/';
    ngx_memcpy(route.data + 1, path->data, path->len);

    ngx_memzero(&agent, sizeof(lu_str_t));

    if (r->headers_in.user_agent) {
        agent = ngx_lu_to_core(&r->headers_in.user_agent->value);
    }

    switch (lu_download_route(&arena, &route, &agent, &download, &reason)) {

    case LU_DOWNLOAD_OK:
        break;

    case LU_DOWNLOAD_SLASH:
        return ngx_lu_feed_slash(r);

    case LU_DOWNLOAD_NOT_FOUND:
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");

    default: /* LU_DOWNLOAD_REFUSED */

        if (reason.data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_lu_static_refuse(r, NGX_HTTP_BAD_REQUEST,
                                    (char *) reason.data);
    }

    if (ngx_lu_download_channel(r, &download) != NGX_OK) {
        return ngx_lu_static_refuse(r, NGX_HTTP_BAD_REQUEST,
                                    "Invalid channel");
    }

    name = lu_download_manifest(&arena, &download);
    if (name.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_lu_download_td(r, id, app, &download, &feed, &td);

    if (rc != NGX_OK) {
        return rc;
    }

    if (td == NULL) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
        ngx_str_set(&ctx->result, "not_found");

        err.subject = name;
        err.text = "was not found.";

        rc = ngx_lu_reply_error(r, NGX_HTTP_NOT_FOUND, &err);

        return ngx_lu_static_finish(r, rc);
    }

    switch (lu_download_pick(&arena, td, &download, &name, &reason)) {

    case LU_OK:
        break;

    case LU_NOT_FOUND:
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND,
                                    (char *) reason.data);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a list may not offer what another release has */

    rc = ngx_lu_feed_owns(r, id, feed.build, &name);

    if (rc == NGX_DECLINED) {
        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    /* the route leads to the latest release, which may soon be an older one */

    ngx_str_set(&ctx->cache, "private, no-cache");

    r->headers_in.if_modified_since = NULL;
    r->headers_in.if_unmodified_since = NULL;

    lu_label_parse(&name, feed.build, &label);

    label.platform = download.platform;
    label.channel = download.channel.len ? download.channel
                                         : lu_str("latest");

    if (ngx_lu_feed_describe(r, app, feed.build, NGX_LU_COUNT_DOWNLOAD, &label,
                             NULL)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_feed_locate(r, id, &name, NULL);
}


/* The channel of "?channel=", as the name of its manifests begins. */

static ngx_int_t
ngx_lu_download_channel(ngx_http_request_t *r, lu_download_t *download)
{
    u_char     *dst, *src;
    ngx_str_t   value;

    if (ngx_http_arg(r, (u_char *) "channel", sizeof("channel") - 1, &value)
        != NGX_OK)
    {
        return NGX_OK;
    }

    dst = ngx_pnalloc(r->pool, value.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    download->channel.data = dst;
    src = value.data;

    ngx_unescape_uri(&dst, &src, value.len, 0);

    download->channel.len = dst - download->channel.data;

    return (download->channel.len <= NGX_LU_FEED_CHANNEL) ? NGX_OK : NGX_ERROR;
}


/*
 * Finds the list to pick from.  Sets *td to NULL if there is none; anything but
 * NGX_OK is what the handler returns.
 */

static ngx_int_t
ngx_lu_download_td(ngx_http_request_t *r, ngx_str_t *id, lu_app_t *app,
    lu_download_t *download, lu_feed_t *feed, lu_td_t **td)
{
    size_t        n;
    lu_rc_e       found;
    lu_td_t      *other;
    ngx_int_t     rc;
    ngx_str_t     name;
    lu_feed_t     next;
    lu_arena_t    arena;
    lu_client_t   client;

    *td = NULL;

    arena = ngx_lu_arena(r->pool);

    ngx_lu_feed_client(r, &client);

    for (n = 0; /* void */ ; n++) {

        found = lu_download_list(&arena, &app->desktop, &client, download, n,
                                 &next);

        if (found == LU_NOMEM) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (found != LU_OK) {
            return NGX_OK;
        }

        rc = ngx_lu_feed_owns(r, id, next.build, &next.name);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        name = ngx_lu_from_core(&next.name);

        rc = ngx_lu_catalog_td(r, id, &name, &other);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_BUSY) {
            return ngx_lu_static_unavailable(r);
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (other == NULL) {
            continue;
        }

        if (*td == NULL || lu_download_suits(other, download)) {
            *td = other;
            *feed = next;
        }

        if (lu_download_suits(other, download)) {
            return NGX_OK;
        }
    }
}


/*
 * Is it a file of that build?  The feed has the files of all of them in one
 * folder.  NGX_OK; NGX_DECLINED: no; else what the handler returns.
 */

static ngx_int_t
ngx_lu_feed_owns(ngx_http_request_t *r, ngx_str_t *id,
    const lu_build_t *build, const lu_str_t *name)
{
    ngx_int_t             rc;
    ngx_str_t             release;
    ngx_lu_files_t       *files;
    ngx_lu_table_page_t   page;

    if (build == NULL) {
        return NGX_DECLINED;
    }

    release = ngx_lu_from_core(&build->id);

    rc = ngx_lu_catalog_files(r, id, &release, &files);

    if (rc == NGX_OK && files && files->table.n) {

        if (ngx_lu_table_find(&page, &files->table, &files->origin, name)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        rc = ngx_lu_catalog_page(r, id, &release, &page, &files);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_BUSY) {
        return ngx_lu_static_unavailable(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (files == NULL
        || lu_file_find(files->files, files->nfiles, name) == NULL)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Sets the variables, and what is counted if nginx finds the file. */

static ngx_int_t
ngx_lu_feed_describe(ngx_http_request_t *r, lu_app_t *app,
    const lu_build_t *build, ngx_uint_t count, const lu_label_t *label,
    const lu_mark_t *mark)
{
    ngx_lu_ctx_t       *ctx;
    ngx_lu_loc_conf_t  *lucf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    switch (label->platform) {

    case LU_WINDOWS:
        ngx_str_set(&ctx->platform, "windows");
        break;

    case LU_MAC:
        ngx_str_set(&ctx->platform, "mac");
        break;

    case LU_LINUX:
        ngx_str_set(&ctx->platform, "linux");
        break;
    }

    switch (count) {

    case NGX_LU_COUNT_MANIFEST:
        ngx_str_set(&ctx->result, "manifest");
        break;

    case NGX_LU_COUNT_FILE:
        ngx_str_set(&ctx->result, "file");
        break;

    default: /* NGX_LU_COUNT_DOWNLOAD */
        ngx_str_set(&ctx->result, "download");
        break;
    }

    if (label->arch) {
        ctx->arch.data = (u_char *) label->arch;
        ctx->arch.len = ngx_strlen(label->arch);
    }

    if (ngx_lu_feed_copy(r, &ctx->channel, &label->channel) != NGX_OK) {
        return NGX_ERROR;
    }

#if (NGX_LU_COUNTING)

    ctx->count = count;
    ctx->series = ngx_lu_count_desktop(lucf->store, mark, &app->id, build,
                                       label);

#endif

    return build ? ngx_lu_feed_copy(r, &ctx->release, &build->id) : NGX_OK;
}


/* The copies of the catalog do not live as long as the request. */

static ngx_int_t
ngx_lu_feed_copy(ngx_http_request_t *r, ngx_str_t *to, const lu_str_t *from)
{
    if (from->len == 0) {
        return NGX_OK;
    }

    to->data = ngx_pnalloc(r->pool, from->len);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, from->data, from->len);
    to->len = from->len;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_feed_locate(ngx_http_request_t *r, ngx_str_t *id, const lu_str_t *name,
    const lu_str_t *build_id)
{
    u_char        *p;
    lu_str_t       disposition;
    lu_arena_t     arena;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    arena = ngx_lu_arena(r->pool);

    disposition = lu_disposition(&arena, name, build_id);
    if (disposition.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->disposition = ngx_lu_from_core(&disposition);

    p = (u_char *) lu_feed_type(name);

    r->headers_out.content_type.data = p;
    r->headers_out.content_type.len = ngx_strlen(p);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    p = ngx_pnalloc(r->pool, sizeof("/feed//") + id->len + name->len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->uri.data = p;
    r->uri.len = ngx_sprintf(p, "/feed/%V/%*s", id, name->len, name->data) - p;
    r->valid_unparsed_uri = 0;

    ctx->located = 1;

    return NGX_DECLINED;
}


static void
ngx_lu_feed_client(ngx_http_request_t *r, lu_client_t *client)
{
    ngx_table_elt_t      *h;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(client, sizeof(lu_client_t));

    client->passes = ngx_lu_everyone(r);

    switch (r->connection->sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) r->connection->sockaddr;

        client->address.len = 4;
        ngx_memcpy(client->address.bytes, &sin->sin_addr, 4);
        break;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) r->connection->sockaddr;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            client->address.len = 4;
            ngx_memcpy(client->address.bytes, &sin6->sin6_addr.s6_addr[12], 4);

        } else {
            client->address.len = 16;
            ngx_memcpy(client->address.bytes, &sin6->sin6_addr, 16);
        }

        break;
#endif
    }

    client->address.bits = client->address.len * 8;

    h = ngx_lu_header_find(&r->headers_in.headers, "X-User-Staging-Id", NULL);

    if (h) {
        client->staging_id = ngx_lu_to_core(&h->value);
    }
}


static ngx_int_t
ngx_lu_feed_slash(ngx_http_request_t *r)
{
    ngx_str_t         location;
    ngx_table_elt_t  *h;

    location.len = r->uri.len + 2 * ngx_escape_uri(NULL, r->uri.data,
                                                   r->uri.len, NGX_ESCAPE_URI);
    location.data = ngx_pnalloc(r->pool, location.len);
    if (location.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) ngx_escape_uri(location.data, r->uri.data, r->uri.len,
                          NGX_ESCAPE_URI);

    location.len--;

    h = ngx_lu_header_add(r, "Location", &location);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.location = h;

    return NGX_HTTP_MOVED_PERMANENTLY;
}


static ngx_int_t
ngx_lu_feed_text(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_int_t                 rc;
    ngx_str_t                 value;
    ngx_http_complex_value_t  cv;

    static ngx_str_t  type = ngx_string("text/plain");

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_set(&value, "no-store");

    if (ngx_lu_header_add(r, "Cache-Control", &value) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = *text;

    return ngx_lu_static_finish(r,
                         ngx_http_send_response(r, NGX_HTTP_OK, &type, &cv));
}
