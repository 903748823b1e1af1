
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_artifact.h"
#include "ngx_lu_catalog.h"
#include "ngx_lu_discovery.h"
#include "ngx_lu_entry.h"
#include "ngx_lu_feed.h"
#include "ngx_lu_latest.h"
#include "ngx_lu_send.h"
#include "ngx_lu_static.h"

#include "core/lu_route.h"


typedef ngx_int_t (*ngx_lu_entry_pt)(ngx_http_request_t *r, ngx_str_t *app);


static ngx_int_t ngx_lu_entry_precontent(ngx_http_request_t *r);
static ngx_lu_noinline ngx_int_t ngx_lu_entry_file(ngx_http_request_t *r);
static ngx_lu_entry_pt ngx_lu_entry_find(ngx_http_request_t *r,
    ngx_str_t *app);
static ngx_int_t ngx_lu_entry_answer(ngx_http_request_t *r,
    ngx_lu_entry_pt handler, ngx_str_t *app);
static void ngx_lu_entry_resume(ngx_http_request_t *r);


ngx_int_t
ngx_lu_entry_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_lu_entry_precontent;

    return NGX_OK;
}


/* All requests to nginx come here. */

static ngx_int_t
ngx_lu_entry_precontent(ngx_http_request_t *r)
{
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->artifacts || lucf->feed || lucf->download) {
        return ngx_lu_entry_file(r);
    }

    return NGX_DECLINED;
}


static ngx_lu_noinline ngx_int_t
ngx_lu_entry_file(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_str_t           allow;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->waiting) {
        return NGX_AGAIN;
    }

    if (ctx->located) {
        return NGX_DECLINED;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        ngx_str_set(&allow, "GET, HEAD");

        if (ngx_lu_header_add(r, "Allow", &allow) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_lu_static_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                    "Method not allowed.");
    }

    rc = lucf->artifacts ? ngx_lu_artifact_handler(r)
                         : ngx_lu_feed_handler(r);

    if (rc == NGX_AGAIN) {
        r->write_event_handler = ngx_http_core_run_phases;
    }

    if (rc == NGX_DECLINED && ctx->located) {
        r->content_handler = ngx_lu_send_handler;
    }

    return rc;
}


ngx_int_t
ngx_lu_entry_handler(ngx_http_request_t *r)
{
    ngx_int_t        rc;
    ngx_str_t        app;
    ngx_lu_entry_pt  handler;

    handler = ngx_lu_entry_find(r, &app);
    if (handler == NULL) {
        return NGX_DECLINED;
    }

    /* people see more of the channels than devices do */

    if (handler == ngx_lu_discovery && ngx_lu_user_is_named(r)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_lu_get_ctx(r) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_entry_answer(r, handler, &app);
}


static ngx_lu_entry_pt
ngx_lu_entry_find(ngx_http_request_t *r, ngx_str_t *app)
{
    lu_str_t    path;
    lu_route_t  route;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NULL;
    }

    path = ngx_lu_to_core(&r->uri);

    if (lu_route(&path, &route) != LU_OK) {
        return NULL;
    }

    *app = ngx_lu_from_core(&route.app);

    if (route.resource == LU_ROUTE_LATEST) {
        return ngx_lu_latest;
    }

    if (route.resource == LU_ROUTE_CHANNELS
        && r->headers_in.authorization == NULL)
    {
        return ngx_lu_discovery;
    }

    return NULL;
}


static ngx_int_t
ngx_lu_entry_answer(ngx_http_request_t *r, ngx_lu_entry_pt handler,
    ngx_str_t *app)
{
    ngx_int_t      rc;
    ngx_lu_ctx_t  *ctx;

    rc = handler(r, app);

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    /* NGX_AGAIN alone may also mean that the client is slow to read */

    if (!ctx->waiting) {
        return rc;
    }

    r->main->count++;
    r->write_event_handler = ngx_lu_entry_resume;

    return NGX_DONE;
}


static void
ngx_lu_entry_resume(ngx_http_request_t *r)
{
    ngx_str_t         app;
    ngx_lu_ctx_t     *ctx;
    ngx_lu_entry_pt   handler;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->waiting) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    handler = ngx_lu_entry_find(r, &app);

    ngx_http_finalize_request(r, ngx_lu_entry_answer(r, handler, &app));
}
