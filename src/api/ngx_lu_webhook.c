
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Deliveries of webhooks, which are believed because they are signed.
 */


#include "ngx_lu_api_fetch.h"
#include "ngx_lu_body.h"
#include "ngx_lu_webhook.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_order.h"

#include "core/lu_hmac.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_route.h"
#include "core/lu_webhook.h"


#define NGX_LU_DELIVERY_ID  64


/* How a service signs. */

typedef struct {
    ngx_str_t                       signature;   /* the header */
    const char                     *prefix;      /* of its value */
    const char                     *by;
    const char                     *message;
} ngx_lu_service_t;


static ngx_int_t ngx_lu_webhook_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);
static ngx_int_t ngx_lu_webhook_header(ngx_http_request_t *r,
    const ngx_str_t *name, lu_str_t *value);
static ngx_int_t ngx_lu_webhook_post(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_webhook_verify(ngx_lu_call_t *call);
static lu_rc_e ngx_lu_webhook_piece(void *data, const u_char *bytes,
    size_t len);
static ngx_int_t ngx_lu_todesktop_event(ngx_lu_call_t *call);
static ngx_uint_t ngx_lu_webhook_has_app(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_webhook_facts(ngx_lu_call_t *call,
    const lu_webhook_t *webhook, cJSON *release);


static const ngx_lu_service_t  ngx_lu_todesktop = {
    ngx_string("X-ToDesktop-HMAC-SHA256"), "", "todesktop",
    "The request needs one header X-ToDesktop-HMAC-SHA256, the HMAC of its "
    "body in hex."
};

static const ngx_lu_service_t  ngx_lu_github_com = {
    ngx_string("X-Hub-Signature-256"), "sha256=", "github",
    "The request needs one header X-Hub-Signature-256, \"sha256=\" and the "
    "HMAC of its body in hex."
};

static const ngx_str_t  ngx_lu_event_header = ngx_string("X-GitHub-Event");

static const ngx_str_t  ngx_lu_id_header = ngx_string("X-GitHub-Delivery");


ngx_int_t
ngx_lu_webhook_handler(ngx_http_request_t *r)
{
    ngx_str_t                allow;
    lu_route_t               route;
    ngx_lu_ctx_t            *ctx;
    ngx_lu_call_t           *call;
    ngx_lu_delivery_t       *delivery;
    ngx_lu_loc_conf_t       *lucf;
    const ngx_lu_service_t  *service;

    if (r->method != NGX_HTTP_POST) {
        ngx_str_set(&allow, "POST");

        if (ngx_lu_header_add(r, "Allow", &allow) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_lu_webhook_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                     "Method not allowed.");
    }

    delivery = ngx_pcalloc(r->pool, sizeof(ngx_lu_delivery_t));
    ctx = ngx_lu_get_ctx(r);

    if (delivery == NULL || ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    delivery->conf = lucf->webhook;
    delivery->github = lucf->github;

    service = lucf->webhook->is_github ? &ngx_lu_github_com
                                       : &ngx_lu_todesktop;

    if (ngx_lu_webhook_header(r, &service->signature,
                              &delivery->signature)
        != NGX_OK)
    {
        return ngx_lu_webhook_refuse(r, NGX_HTTP_UNAUTHORIZED,
                                     service->message);
    }

    if (lucf->webhook->is_github
        && (ngx_lu_webhook_header(r,
                                  &ngx_lu_event_header,
                                  &delivery->event)
            != NGX_OK
            || ngx_lu_webhook_header(r,
                                  &ngx_lu_id_header,
                                  &delivery->id)
               != NGX_OK
            || delivery->id.len > NGX_LU_DELIVERY_ID))
    {
        return ngx_lu_webhook_refuse(r, NGX_HTTP_BAD_REQUEST,
                                     "The request needs one header "
                                     "X-GitHub-Event and one "
                                     "X-GitHub-Delivery.");
    }

    ngx_memzero(&route, sizeof(lu_route_t));
    route.resource = LU_ROUTE_RELEASE;

    call = ngx_lu_call_create(r, &route, NULL, ngx_lu_webhook_post);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->task.by = service->by;
    call->delivery = delivery;

    ctx->call = call;

    return ngx_lu_call_run(r, call,
                           lucf->webhook->is_github
                           ? NGX_LU_BODY_EVENT
                           : NGX_LU_BODY_TEXT);
}


static ngx_int_t
ngx_lu_webhook_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_int_t  rc;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "webhook refused with %ui: %s", status, text);

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_lu_reply_message(r, status, text) : rc;
}


/* NGX_DECLINED: there is none, an empty one, or more than one. */

static ngx_int_t
ngx_lu_webhook_header(ngx_http_request_t *r, const ngx_str_t *name,
    lu_str_t *value)
{
    ngx_list_t       *headers;
    ngx_table_elt_t  *h;

    headers = &r->headers_in.headers;

    h = ngx_lu_header_find(headers, (char *) name->data, NULL);

    if (h == NULL
        || h->value.len == 0
        || ngx_lu_header_find(headers, (char *) name->data, h))
    {
        return NGX_DECLINED;
    }

    *value = ngx_lu_to_core(&h->value);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_webhook_post(ngx_lu_call_t *call)
{
    lu_rc_e             rc;
    lu_str_t            text;
    ngx_int_t           status;
    ngx_lu_delivery_t  *delivery;

    status = ngx_lu_webhook_verify(call);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_body_text(call, &text);
    if (status != NGX_OK) {
        return status;
    }

    rc = lu_json_parse(&call->json, &text, &call->task.error);

    if (rc != LU_OK) {
        return (rc == LU_NOMEM) ? ngx_lu_task_nomem(&call->task)
                                : NGX_HTTP_BAD_REQUEST;
    }

    delivery = call->delivery;

    if (delivery->conf->is_github) {
        return ngx_lu_webhook_github(call);
    }

    return ngx_lu_todesktop_event(call);
}


static ngx_int_t
ngx_lu_todesktop_event(ngx_lu_call_t *call)
{
    cJSON        *release;
    lu_rc_e       rc;
    ngx_int_t     status;
    lu_arena_t    arena;
    lu_webhook_t  webhook;

    arena = ngx_lu_arena(call->task.io.pool);

    rc = lu_webhook_parse(&arena, call->json, &webhook, &call->task.error);

    if (rc != LU_OK) {
        return (rc == LU_NOMEM) ? ngx_lu_task_nomem(&call->task)
                                : NGX_HTTP_BAD_REQUEST;
    }

    call->task.app = webhook.app_id;
    call->task.id = webhook.build_id;

    if (!ngx_lu_webhook_has_app(call)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_FORBIDDEN,
                                  "This webhook is not for this "
                                  "app.");
    }

    status = ngx_lu_app_ensure(&call->task,
                               lu_name_label_valid(&webhook.app_name)
                               ? (char *) webhook.app_name.data
                               : (char *) webhook.app_id.data);

    if (status != NGX_OK) {
        return status;
    }

    release = ngx_lu_order_release(&call->task);

    if (release == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_webhook_facts(call, &webhook, release);

    if (status == NGX_OK) {
        status = ngx_lu_api_fetch_order(call, release);
    }

    cJSON_Delete(release);

    return status;
}


/* Piece by piece: nobody else may have us keep a body in memory. */

static ngx_int_t
ngx_lu_webhook_verify(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    lu_hmac_t          *hmac;
    const char         *prefix;
    lu_arena_t          arena;
    ngx_lu_delivery_t  *delivery;

    delivery = call->delivery;

    arena = ngx_lu_arena(call->task.io.pool);

    hmac = lu_hmac_create(&arena, delivery->conf->secrets.elts,
                          delivery->conf->secrets.nelts);
    if (hmac == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_body(call, ngx_lu_webhook_piece, hmac);
    if (status != NGX_OK) {
        return status;
    }

    prefix = delivery->conf->is_github ? ngx_lu_github_com.prefix
                                       : ngx_lu_todesktop.prefix;

    if (!lu_hmac_verify(hmac, &delivery->signature, prefix)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_UNAUTHORIZED,
                                  "The signature is not that of the body.");
    }

    return NGX_OK;
}


static lu_rc_e
ngx_lu_webhook_piece(void *data, const u_char *bytes, size_t len)
{
    lu_hmac_update(data, bytes, len);

    return LU_OK;
}


static ngx_uint_t
ngx_lu_webhook_has_app(ngx_lu_call_t *call)
{
    ngx_str_t          *app;
    ngx_uint_t          i;
    ngx_lu_delivery_t  *delivery;

    delivery = call->delivery;

    if (delivery->conf->apps.nelts == 0) {
        return 1;
    }

    app = delivery->conf->apps.elts;

    for (i = 0; i < delivery->conf->apps.nelts; i++) {
        if (app[i].len == call->task.app.len
            && ngx_memcmp(app[i].data, call->task.app.data, app[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_lu_webhook_facts(ngx_lu_call_t *call, const lu_webhook_t *webhook,
    cJSON *release)
{
    cJSON      *info;
    ngx_uint_t  i;

    const struct {
        const char      *key;
        const lu_str_t  *value;
    } facts[] = {
        { "name", &webhook->app_name },
        { "appVersion", &webhook->app_version },
        { "electron", &webhook->electron },
        { "commit", &webhook->commit },
        { "commitMessage", &webhook->commit_message },
        { "branch", &webhook->branch },
        { "remote", &webhook->remote },
        { "buildStartedAt", &webhook->started },
        { "buildEndedAt", &webhook->ended },
        { NULL, NULL }
    };

    if (webhook->app_version.len
        && !lu_name_label_valid(&webhook->app_version))
    {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                                  "\"appVersion\" is not a version: up to 128 "
                                  "bytes of text.");
    }

    for (i = 0; facts[i].key; i++) {
        if (facts[i].value->len
            && cJSON_AddStringToObject(release, facts[i].key,
                                       (char *) facts[i].value->data)
               == NULL)
        {
            return ngx_lu_task_nomem(&call->task);
        }
    }

    if (webhook->release_info == NULL) {
        return NGX_OK;
    }

    info = cJSON_Duplicate(webhook->release_info, 1);

    return lu_json_set(release, "releaseInfo", info) == LU_OK
           ? NGX_OK : ngx_lu_task_nomem(&call->task);
}


