
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_catalog.h"
#include "ngx_lu_everyone.h"
#include "ngx_lu_latest.h"

#include "zone/ngx_lu_count.h"
#include "zone/ngx_lu_device.h"

#include "core/lu_app.h"
#include "core/lu_latest.h"
#include "core/lu_mark.h"


static ngx_int_t ngx_lu_latest_send(ngx_http_request_t *r,
    const lu_deployment_t *deployment, const lu_str_t *head);
static uint64_t ngx_lu_latest_seen(ngx_http_request_t *r, lu_check_t *check,
    const lu_channel_t *channel, const lu_deployment_t *deployment);
static void ngx_lu_latest_cohort(ngx_lu_device_t *device,
    const lu_check_t *check, const lu_channel_t *channel,
    const lu_deployment_t *deployment, ngx_lu_cohort_check_t *cohort);
static ngx_int_t ngx_lu_latest_copy(ngx_http_request_t *r, ngx_str_t *dst,
    const lu_str_t *src);


static ngx_str_t  ngx_lu_platforms[] = {
    ngx_string("android"),
    ngx_string("ios"),
    ngx_string("electron")
};


static ngx_str_t  ngx_lu_no_update =
    ngx_string("{\"message\":\"No update available.\"}\n");


ngx_int_t
ngx_lu_latest(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char                 *buf;
    uint64_t                device;
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
    ngx_lu_loc_conf_t      *lucf;
    const lu_deployment_t  *deployment;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ctx->app = *id;
    ctx->kind = r->headers_in.authorization ? NGX_LU_KIND_PROBE
                                            : NGX_LU_KIND_CHECK;

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
                      "invalid update check: %s", err.text);

        ngx_str_set(&ctx->result, "invalid");

        return ngx_lu_reply_error(r, NGX_HTTP_BAD_REQUEST, &err);
    }

    if (lucf->everyone) {
        check.passes = ngx_lu_everyone(r);
        check.keeps = 1;
    }

    if (app->next <= ngx_time()) {
        lu_app_turn(app, ngx_time());
    }

    result = lu_latest(app, &check, ngx_time(), &channel, &deployment);

    mark = deployment ? &deployment->mark
           : channel ? &channel->mark : &app->mark;

    ngx_lu_prefetch(mark->series);

    ctx->result = ngx_lu_count_checks[result];
    ctx->platform = ngx_lu_platforms[check.platform];

    if (channel
        && ngx_lu_latest_copy(r, &ctx->channel, &channel->name) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a check with a token is a publisher's, and not by a device */

    if (r->headers_in.authorization == NULL) {
        device = ngx_lu_latest_seen(r, &check, channel, deployment);
        ngx_lu_count_check(r, mark, app, channel, deployment, result, device);

    } else if (ngx_lu_bearer(r, &presented) == NULL) {
        return ngx_lu_reply_message(r, NGX_HTTP_UNAUTHORIZED, "Invalid token.");
    }

    if (deployment == NULL) {
        return ngx_lu_reply_json(r, NGX_HTTP_NOT_FOUND, &ngx_lu_no_update);
    }

    if (ngx_lu_latest_copy(r, &ctx->release, &deployment->release_id)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_latest_send(r, deployment,
                              lu_latest_head(channel, &check, deployment));
}


/* The answer is copied, since the catalog may soon replace the app. */

static ngx_int_t
ngx_lu_latest_send(ngx_http_request_t *r, const lu_deployment_t *deployment,
    const lu_str_t *head)
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

    text.len = head->len + base.len + deployment->tail.len + 1;
    text.data = ngx_pnalloc(r->pool, text.len);
    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_lu_cpymem(text.data, head->data, head->len);
    p = ngx_lu_cpymem(p, base.data, base.len);
    p = ngx_lu_cpymem(p, deployment->tail.data, deployment->tail.len);
    *p = LF;

    return ngx_lu_reply_json(r, NGX_HTTP_OK, &text);
}


static uint64_t
ngx_lu_latest_seen(ngx_http_request_t *r, lu_check_t *check,
    const lu_channel_t *channel, const lu_deployment_t *deployment)
{
    ngx_lu_ctx_t           *ctx;
    ngx_lu_device_t         device;
    ngx_lu_loc_conf_t      *lucf;
    ngx_lu_cohort_check_t   cohort;

    if (check->device_id.len == 0) {
        return 0;
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

    if (channel && channel->is_guarded) {
        ngx_lu_latest_cohort(&device, check, channel, deployment, &cohort);
    }

    return ngx_lu_device_seen(lucf->store, &device);
}


/*
 * Whoever gets an older deployment than the newest one, which would fit as
 * well, is not in its share, and so in the control group.
 */

static void
ngx_lu_latest_cohort(ngx_lu_device_t *device, const lu_check_t *check,
    const lu_channel_t *channel, const lu_deployment_t *deployment,
    ngx_lu_cohort_check_t *cohort)
{
    const lu_deployment_t  *newest;

    newest = &channel->deployments[0];

    if (!lu_latest_is_comparable(channel, check, deployment)) {
        device->leaves = 1;
        return;
    }

    if (deployment == NULL || (newest->is_halted && deployment != newest)) {
        return;
    }

    cohort->check.tag = newest->tag;
    cohort->check.start = newest->created;
    cohort->check.now = ngx_time();
    cohort->check.group = (deployment == newest) ? LU_COHORT_ROLLOUT
                                                 : LU_COHORT_CONTROL;
    cohort->check.platform = check->platform;
    cohort->check.step = lu_rollout_step(&newest->rollout);
    cohort->check.runs = lu_cohort_hash(&check->bundle_id);
    cohort->check.gets = deployment->bundle;
    cohort->check.updated = 0;
    cohort->check.is_mute = 0;

    cohort->deployment = ngx_lu_from_core(&newest->id);
    cohort->release = ngx_lu_from_core(&newest->release_id);
    cohort->channel = ngx_lu_from_core(&channel->name);

    device->cohort = cohort;
}


static ngx_int_t
ngx_lu_latest_copy(ngx_http_request_t *r, ngx_str_t *dst, const lu_str_t *src)
{
    dst->data = ngx_pnalloc(r->pool, src->len);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    dst->len = src->len;
    ngx_memcpy(dst->data, src->data, src->len);

    return NGX_OK;
}
