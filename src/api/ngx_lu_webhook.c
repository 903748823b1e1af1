
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A delivery needs no token: it is trusted because of its signature.
 */


#include "ngx_lu_body.h"
#include "ngx_lu_webhook.h"
#include "ngx_lu_webhook_github.h"
#include "ngx_lu_webhook_todesktop.h"

#include "write/ngx_lu_task.h"

#include "core/lu_hmac.h"
#include "core/lu_route.h"


#define NGX_LU_WEBHOOK_ID    64    /* bytes of a delivery's id, at most */
#define NGX_LU_WEBHOOK_FORM  "payload="


static ngx_int_t ngx_lu_webhook_headers(ngx_http_request_t *r,
    ngx_lu_delivery_t *delivery);
static ngx_int_t ngx_lu_webhook_header(ngx_http_request_t *r,
    const ngx_str_t *name, lu_str_t *value);
static ngx_int_t ngx_lu_webhook_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);
static ngx_int_t ngx_lu_webhook_post(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_webhook_verify(ngx_lu_call_t *call);
static lu_rc_e ngx_lu_webhook_piece(void *data, const u_char *bytes,
    size_t len);


static const ngx_lu_webhook_service_t  ngx_lu_webhook_services[] = {

    { ngx_string("X-ToDesktop-HMAC-SHA256"), "", "todesktop",
      "The request must have one header X-ToDesktop-HMAC-SHA256: the HMAC of "
      "its body in hex.",
      NGX_LU_BODY_TEXT, ngx_lu_webhook_todesktop },

    { ngx_string("X-Hub-Signature-256"), "sha256=", "github",
      "The request must have one header X-Hub-Signature-256: \"sha256=\" and "
      "the HMAC of its body in hex.",
      NGX_LU_BODY_EVENT, ngx_lu_webhook_github }
};

static const ngx_str_t  ngx_lu_webhook_event = ngx_string("X-GitHub-Event");
static const ngx_str_t  ngx_lu_webhook_id = ngx_string("X-GitHub-Delivery");


ngx_int_t
ngx_lu_webhook_handler(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_str_t           allow;
    lu_route_t          route;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_call_t      *call;
    ngx_lu_delivery_t  *delivery;
    ngx_lu_loc_conf_t  *lucf;

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

    delivery->service = &ngx_lu_webhook_services[lucf->webhook->is_github];
    delivery->conf = lucf->webhook;
    delivery->github = lucf->github;

    rc = ngx_lu_webhook_headers(r, delivery);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    ngx_memzero(&route, sizeof(lu_route_t));
    route.resource = LU_ROUTE_RELEASE;

    call = ngx_lu_call_create(r, &route, NULL, ngx_lu_webhook_post);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->task.by = delivery->service->by;
    call->delivery = delivery;

    ctx->call = call;

    return ngx_lu_call_run(r, call, delivery->service->body);
}


/* NGX_DECLINED: all are there; else what ends the request. */

static ngx_int_t
ngx_lu_webhook_headers(ngx_http_request_t *r, ngx_lu_delivery_t *delivery)
{
    const ngx_lu_webhook_service_t  *service;

    service = delivery->service;

    if (ngx_lu_webhook_header(r, &service->signature, &delivery->signature)
        != NGX_OK)
    {
        return ngx_lu_webhook_refuse(r, NGX_HTTP_UNAUTHORIZED,
                                     service->message);
    }

    if (!delivery->conf->is_github) {
        return NGX_DECLINED;
    }

    if (ngx_lu_webhook_header(r, &ngx_lu_webhook_event, &delivery->event)
        != NGX_OK
        || ngx_lu_webhook_header(r, &ngx_lu_webhook_id, &delivery->id)
           != NGX_OK
        || delivery->id.len > NGX_LU_WEBHOOK_ID)
    {
        return ngx_lu_webhook_refuse(r, NGX_HTTP_BAD_REQUEST,
                                     "The request must have one header "
                                     "X-GitHub-Event and one header "
                                     "X-GitHub-Delivery.");
    }

    return NGX_DECLINED;
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
ngx_lu_webhook_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_int_t  rc;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "webhook refused with %ui: %s", status, text);

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_lu_reply_message(r, status, text) : rc;
}


static ngx_int_t
ngx_lu_webhook_post(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    status = ngx_lu_webhook_verify(call);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_body_parse(call);

    if (status == NGX_HTTP_BAD_REQUEST && call->delivery->is_form) {
        return ngx_lu_task_refuse(&call->task,
                                  NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                  "The delivery is a form: set the \"Content "
                                  "type\" of the webhook to "
                                  "application/json.");
    }

    if (status != NGX_OK) {
        return status;
    }

    return call->delivery->service->action(call);
}


/* Piece by piece: only a signed body is read into memory as a whole. */

static ngx_int_t
ngx_lu_webhook_verify(ngx_lu_call_t *call)
{
    lu_hmac_t          *hmac;
    ngx_int_t           status;
    lu_arena_t          arena;
    ngx_array_t        *secrets;
    ngx_lu_delivery_t  *delivery;

    delivery = call->delivery;
    secrets = &delivery->conf->secrets;

    arena = ngx_lu_arena(call->task.io.pool);

    hmac = lu_hmac_create(&arena, secrets->elts, secrets->nelts);
    if (hmac == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    delivery->hmac = hmac;

    status = ngx_lu_body(call, ngx_lu_webhook_piece, delivery);
    if (status != NGX_OK) {
        return status;
    }

    if (!lu_hmac_verify(hmac, &delivery->signature, delivery->service->prefix))
    {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_UNAUTHORIZED,
                                  "The signature does not match the body.");
    }

    return NGX_OK;
}


static lu_rc_e
ngx_lu_webhook_piece(void *data, const u_char *bytes, size_t len)
{
    ngx_lu_delivery_t *delivery = data;

    static const char  form[] = NGX_LU_WEBHOOK_FORM;

    if (!delivery->begun && len) {
        delivery->begun = 1;
        delivery->is_form = len >= sizeof(form) - 1
                            && ngx_memcmp(bytes, form, sizeof(form) - 1) == 0;
    }

    lu_hmac_update(delivery->hmac, bytes, len);

    return LU_OK;
}
