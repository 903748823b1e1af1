
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "zone/ngx_lu_count.h"
#include "zone/ngx_lu_device.h"

#include "ngx_lu_catalog.h"
#include "ngx_lu_latest.h"

#include "core/lu_query.h"


#define NGX_LU_DISCOVERY_LIMIT  50
#define NGX_LU_DISCOVERY_MAX    1000


static ngx_int_t ngx_lu_wait(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume);
static void ngx_lu_latest_resume(ngx_http_request_t *r);
static ngx_int_t ngx_lu_latest_send(ngx_http_request_t *r,
    const lu_deployment_t *deployment);
static void ngx_lu_latest_seen(ngx_http_request_t *r, lu_check_t *check,
    const lu_channel_t *channel, const lu_deployment_t *deployment);
static ngx_int_t ngx_lu_copy(ngx_http_request_t *r, ngx_str_t *dst,
    const lu_str_t *src);
static void ngx_lu_discovery_resume(ngx_http_request_t *r);
static ngx_int_t ngx_lu_discovery_args(ngx_http_request_t *r,
    ngx_uint_t *limit, ngx_uint_t *offset, lu_str_t *query);
static ngx_int_t ngx_lu_discovery_send(ngx_http_request_t *r, lu_app_t *app,
    ngx_uint_t limit, ngx_uint_t offset, lu_str_t *query);
static ngx_uint_t ngx_lu_discovery_has(lu_channel_t *channel, lu_str_t *query);


static ngx_str_t  ngx_lu_platforms[] = {
    ngx_string("android"),
    ngx_string("ios"),
    ngx_string("electron")
};


static ngx_str_t  ngx_lu_no_update =
    ngx_string("{\"message\":\"No update available.\"}");


ngx_int_t
ngx_lu_latest_handler(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char                 *buf;
    ngx_int_t               rc;
    ngx_uint_t              presented;
    lu_app_t               *app;
    lu_str_t                args;
    lu_error_t              err;
    lu_check_t              check;
    lu_check_e              result;
    const lu_mark_t        *mark;
    ngx_lu_ctx_t           *ctx;
    const lu_channel_t     *channel;
    const lu_deployment_t  *deployment;

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->app = *id;
    ctx->kind = r->headers_in.authorization ? NGX_LU_KIND_PROBE
                                            : NGX_LU_KIND_CHECK;

    rc = ngx_lu_catalog_app(r, id, &app);

    if (rc == NGX_AGAIN) {
        return ngx_lu_wait(r, ngx_lu_latest_resume);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (app == NULL) {
        ngx_str_set(&ctx->result, "no_app");
        ctx->no_app = 1;

        return ngx_lu_reply_message(r, NGX_HTTP_NOT_FOUND, "App not found.");
    }

    args = ngx_lu_to_core(&r->args);

    buf = ngx_pnalloc(r->pool, 2 * args.len + 1);
    if (buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (lu_latest_parse(&check, &args, buf, &err) != LU_OK) {

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "invalid check for an update: %s", err.text);

        ngx_str_set(&ctx->result, "invalid");

        return ngx_lu_reply_error(r, NGX_HTTP_BAD_REQUEST, &err);
    }

    result = lu_latest(app, &check, ngx_time(), &channel,
                       &deployment);

    mark = deployment ? &deployment->mark
           : channel ? &channel->mark : &app->mark;

    ngx_lu_prefetch(mark->series);

    ctx->result = ngx_lu_count_checks[result];
    ctx->platform = ngx_lu_platforms[check.platform];

    if (channel && ngx_lu_copy(r, &ctx->channel, &channel->name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a publisher who asks is a probe and not the device */

    if (r->headers_in.authorization == NULL) {
        ngx_lu_latest_seen(r, &check, channel, deployment);
        ngx_lu_count_check(r, mark, app, channel, deployment, result,
                           &check.device_id);

    } else if (ngx_lu_bearer(r, &presented) == NULL) {
        return ngx_lu_reply_message(r, NGX_HTTP_UNAUTHORIZED, "Invalid token.");
    }

    if (deployment == NULL) {
        return ngx_lu_reply_json(r, NGX_HTTP_NOT_FOUND, &ngx_lu_no_update);
    }

    if (ngx_lu_copy(r, &ctx->release, &deployment->release_id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_latest_send(r, deployment);
}


static ngx_int_t
ngx_lu_wait(ngx_http_request_t *r, ngx_http_event_handler_pt resume)
{
    r->main->count++;
    r->write_event_handler = resume;

    return NGX_DONE;
}


static void
ngx_lu_latest_resume(ngx_http_request_t *r)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->waiting) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, ngx_lu_latest_handler(r, &ctx->app));
}


/* The copy may be gone with the next event: the answer is the request's. */

static ngx_int_t
ngx_lu_latest_send(ngx_http_request_t *r, const lu_deployment_t *deployment)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   base, text;

    ngx_str_null(&base);

    if (deployment->tail.len) {

        rc = ngx_lu_url_base(r, &base);

        if (rc == NGX_DECLINED) {
            return ngx_lu_reply_message(r, NGX_HTTP_BAD_REQUEST,
                                        "Invalid Host header.");
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    text.len = deployment->head.len + base.len + deployment->tail.len;
    text.data = ngx_pnalloc(r->pool, text.len);
    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(text.data, deployment->head.data, deployment->head.len);
    p = ngx_cpymem(p, base.data, base.len);
    ngx_memcpy(p, deployment->tail.data, deployment->tail.len);

    return ngx_lu_reply_json(r, NGX_HTTP_OK, &text);
}


static void
ngx_lu_latest_seen(ngx_http_request_t *r, lu_check_t *check,
    const lu_channel_t *channel, const lu_deployment_t *deployment)
{
    ngx_lu_ctx_t       *ctx;
    ngx_lu_device_t     device;
    ngx_lu_loc_conf_t  *lucf;

    if (check->device_id.len == 0) {
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ngx_memzero(&device, sizeof(ngx_lu_device_t));

    device.app = ctx->app;
    device.id = ngx_lu_from_core(&check->device_id);
    device.app_version_code = ngx_lu_from_core(&check->app_version_code);
    device.app_version_name = ngx_lu_from_core(&check->app_version_name);
    device.os_version = ngx_lu_from_core(&check->os_version);
    device.plugin_version = ngx_lu_from_core(&check->plugin_version);
    device.custom_id = ngx_lu_from_core(&check->custom_id);

    if (channel) {
        device.channel_id = ngx_lu_from_core(&channel->id);
    }

    if (deployment) {
        device.deployment_id = ngx_lu_from_core(&deployment->id);
    }

    device.platform = check->platform;

    ngx_lu_device_seen(lucf->store, &device);
}


static ngx_int_t
ngx_lu_copy(ngx_http_request_t *r, ngx_str_t *dst, const lu_str_t *src)
{
    dst->data = ngx_pnalloc(r->pool, src->len);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    dst->len = src->len;
    ngx_memcpy(dst->data, src->data, src->len);

    return NGX_OK;
}


ngx_int_t
ngx_lu_discovery_handler(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_int_t      rc;
    ngx_uint_t     limit, offset;
    lu_app_t      *app;
    lu_str_t       query[2];
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->app = *id;
    ctx->kind = NGX_LU_KIND_DISCOVERY;

    rc = ngx_lu_catalog_app(r, id, &app);

    if (rc == NGX_AGAIN) {
        return ngx_lu_wait(r, ngx_lu_discovery_resume);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* an unknown app is not told apart */

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


static void
ngx_lu_discovery_resume(ngx_http_request_t *r)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->waiting) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, ngx_lu_discovery_handler(r, &ctx->app));
}


static ngx_int_t
ngx_lu_discovery_args(ngx_http_request_t *r, ngx_uint_t *limit,
    ngx_uint_t *offset, lu_str_t *query)
{
    u_char    *buf;
    ngx_int_t  n;
    lu_str_t   args, value;

    args = ngx_lu_to_core(&r->args);

    *limit = NGX_LU_DISCOVERY_LIMIT;
    *offset = 0;

    if (lu_query_find(&args, "limit", &value) && value.len) {
        n = ngx_atoi(value.data, value.len);
        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        *limit = ngx_min(n, NGX_LU_DISCOVERY_MAX);
    }

    if (lu_query_find(&args, "offset", &value) && value.len) {
        n = ngx_atoi(value.data, value.len);
        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        *offset = n;
    }

    (void) lu_query_find(&args, "query", &value);

    buf = ngx_pnalloc(r->pool, 2 * value.len + 1);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    /* "+" is a plus from iOS; if there is none, a space as in a form */

    return lu_query_decode(&query[0], buf, &value, 0) == LU_OK
           && lu_query_decode(&query[1], buf + value.len, &value, 1) == LU_OK
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_lu_discovery_send(ngx_http_request_t *r, lu_app_t *app, ngx_uint_t limit,
    ngx_uint_t offset, lu_str_t *query)
{
    u_char        *p;
    size_t         size;
    ngx_str_t      text;
    ngx_uint_t     i, n;
    lu_channel_t  *channel;

    for (i = 0; i < app->nchannels; i++) {
        if (ngx_lu_discovery_has(&app->channels[i], query)) {
            break;
        }
    }

    if (i == app->nchannels) {
        query++;
    }

    size = sizeof("[]");

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        size += sizeof("{\"id\":\"\",\"name\":\"\"},")
                + channel->id.len + channel->name.len
                + ngx_escape_json(NULL, channel->name.data,
                                  channel->name.len);
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;
    *p++ = '[';

    n = 0;

    for (i = 0; i < app->nchannels && n < offset + limit; i++) {
        channel = &app->channels[i];

        if (!ngx_lu_discovery_has(channel, query)) {
            continue;
        }

        if (n++ < offset) {
            continue;
        }

        if (p[-1] == '}') {
            *p++ = ',';
        }

        p = ngx_sprintf(p, "{\"id\":\"%*s\",\"name\":\"",
                        channel->id.len, channel->id.data);
        p = (u_char *) ngx_escape_json(p, channel->name.data,
                                       channel->name.len);
        p = ngx_cpymem(p, "\"}", 2);
    }

    *p++ = ']';

    text.len = p - text.data;

    return ngx_lu_reply_json(r, NGX_HTTP_OK, &text);
}


static ngx_uint_t
ngx_lu_discovery_has(lu_channel_t *channel, lu_str_t *query)
{
    return query->len == 0
           || memmem(channel->name.data, channel->name.len, query->data,
                     query->len)
              != NULL;
}
