
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_http_liveupdate.h"

#include "liveupdate_query.h"

#include <openssl/rand.h>


#define NGX_HTTP_LIVEUPDATE_BODY_NONE    0
#define NGX_HTTP_LIVEUPDATE_BODY_JSON    1
#define NGX_HTTP_LIVEUPDATE_BODY_FORM    2

#define NGX_HTTP_LIVEUPDATE_READ_SIZE    (256 * 1024)
#define NGX_HTTP_LIVEUPDATE_TICK         60000

#define NGX_HTTP_LIVEUPDATE_PAGE         50
#define NGX_HTTP_LIVEUPDATE_PAGE_MAX     1000


typedef struct {
    liveupdate_route_e   resource;
    ngx_uint_t           method;
    unsigned             role;
    ngx_uint_t           body;
    ngx_int_t          (*action)(ngx_http_liveupdate_call_t *call);
} ngx_http_liveupdate_action_t;


static ngx_http_liveupdate_action_t *ngx_http_liveupdate_action_find(
    ngx_http_request_t *r, liveupdate_route_e resource);
static ngx_int_t ngx_http_liveupdate_not_allowed(ngx_http_request_t *r,
    liveupdate_route_e resource);
static ngx_int_t ngx_http_liveupdate_authorize(ngx_http_request_t *r,
    liveupdate_route_t *route, unsigned role,
    const liveupdate_token_t **token);
static ngx_http_liveupdate_call_t *ngx_http_liveupdate_call_create(
    ngx_http_request_t *r, liveupdate_route_t *route,
    const liveupdate_token_t *token, ngx_http_liveupdate_action_t *action);
static ngx_int_t ngx_http_liveupdate_call_str(
    ngx_http_liveupdate_call_t *call, liveupdate_str_t *str);
static void ngx_http_liveupdate_call_cleanup(void *data);
static void ngx_http_liveupdate_call_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_liveupdate_call_start(ngx_http_request_t *r,
    ngx_http_liveupdate_call_t *call);
static void ngx_http_liveupdate_call_thread(void *data, ngx_log_t *log);
static ngx_int_t ngx_http_liveupdate_call_json(
    ngx_http_liveupdate_call_t *call);
static liveupdate_rc_e ngx_http_liveupdate_call_json_piece(void *data,
    const u_char *bytes, size_t len);
static void ngx_http_liveupdate_call_done(ngx_event_t *ev);
static void ngx_http_liveupdate_call_wait(ngx_http_request_t *r);
static ngx_int_t ngx_http_liveupdate_call_reply(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_no_sessions(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_me(ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_logout(ngx_http_liveupdate_call_t *call);


#define GET     NGX_HTTP_GET
#define POST    NGX_HTTP_POST
#define PUT     NGX_HTTP_PUT
#define PATCH   NGX_HTTP_PATCH
#define DELETE  NGX_HTTP_DELETE

#define NONE    NGX_HTTP_LIVEUPDATE_BODY_NONE
#define JSON    NGX_HTTP_LIVEUPDATE_BODY_JSON
#define FORM    NGX_HTTP_LIVEUPDATE_BODY_FORM

#define read    LIVEUPDATE_ROLE_READ
#define publish LIVEUPDATE_ROLE_PUBLISH
#define admin   LIVEUPDATE_ROLE_ADMIN

static ngx_http_liveupdate_action_t  ngx_http_liveupdate_actions[] = {

    { LIVEUPDATE_ROUTE_ME, GET, read, NONE, ngx_http_liveupdate_me },

    { LIVEUPDATE_ROUTE_SESSIONS, POST, 0, JSON,
      ngx_http_liveupdate_no_sessions },
    { LIVEUPDATE_ROUTE_SESSION, DELETE, 0, NONE, ngx_http_liveupdate_logout },

    { LIVEUPDATE_ROUTE_ORGANIZATIONS, GET, read, NONE,
      ngx_http_liveupdate_organizations_get },
    { LIVEUPDATE_ROUTE_ORGANIZATIONS, POST, admin, JSON,
      ngx_http_liveupdate_organizations_post },
    { LIVEUPDATE_ROUTE_ORGANIZATION, GET, read, NONE,
      ngx_http_liveupdate_organization_get },
    { LIVEUPDATE_ROUTE_ORGANIZATION, PATCH, admin, JSON,
      ngx_http_liveupdate_organization_patch },
    { LIVEUPDATE_ROUTE_ORGANIZATION, DELETE, admin, NONE,
      ngx_http_liveupdate_organization_delete },

    { LIVEUPDATE_ROUTE_APPS, GET, read, NONE, ngx_http_liveupdate_apps_get },
    { LIVEUPDATE_ROUTE_APPS, POST, admin, JSON,
      ngx_http_liveupdate_apps_post },
    { LIVEUPDATE_ROUTE_APP, GET, read, NONE, ngx_http_liveupdate_app_get },
    { LIVEUPDATE_ROUTE_APP, PATCH, admin, JSON,
      ngx_http_liveupdate_app_patch },
    { LIVEUPDATE_ROUTE_APP, DELETE, admin, NONE,
      ngx_http_liveupdate_app_delete },

    { LIVEUPDATE_ROUTE_CHANNELS, GET, read, NONE,
      ngx_http_liveupdate_channels_get },
    { LIVEUPDATE_ROUTE_CHANNELS, POST, publish, JSON,
      ngx_http_liveupdate_channels_post },
    { LIVEUPDATE_ROUTE_CHANNELS, DELETE, publish, NONE,
      ngx_http_liveupdate_channels_delete },
    { LIVEUPDATE_ROUTE_CHANNEL, GET, read, NONE,
      ngx_http_liveupdate_channel_get },
    { LIVEUPDATE_ROUTE_CHANNEL, PATCH, publish, JSON,
      ngx_http_liveupdate_channel_patch },
    { LIVEUPDATE_ROUTE_CHANNEL, DELETE, publish, NONE,
      ngx_http_liveupdate_channel_remove },
    { LIVEUPDATE_ROUTE_PAUSE, POST, publish, JSON,
      ngx_http_liveupdate_channel_pause_post },
    { LIVEUPDATE_ROUTE_RESUME, POST, publish, JSON,
      ngx_http_liveupdate_channel_resume_post },

    { LIVEUPDATE_ROUTE_BUNDLES, POST, publish, JSON,
      ngx_http_liveupdate_bundles_post },
    { LIVEUPDATE_ROUTE_BUNDLE, GET, read, NONE,
      ngx_http_liveupdate_bundle_get },
    { LIVEUPDATE_ROUTE_BUNDLE, PATCH, publish, JSON,
      ngx_http_liveupdate_bundle_patch },
    { LIVEUPDATE_ROUTE_BUNDLE, DELETE, publish, NONE,
      ngx_http_liveupdate_bundle_delete },
    { LIVEUPDATE_ROUTE_DOWNLOAD, GET, 0, NONE,
      ngx_http_liveupdate_download_get },

    { LIVEUPDATE_ROUTE_FILES, POST, publish, FORM,
      ngx_http_liveupdate_files_post },
    { LIVEUPDATE_ROUTE_UPLOAD, POST, publish, JSON,
      ngx_http_liveupdate_upload_post },
    { LIVEUPDATE_ROUTE_UPLOAD, PUT, publish, FORM,
      ngx_http_liveupdate_upload_put },
    { LIVEUPDATE_ROUTE_UPLOAD, DELETE, publish, NONE,
      ngx_http_liveupdate_upload_delete },

    { LIVEUPDATE_ROUTE_DEPLOYMENTS, GET, read, NONE,
      ngx_http_liveupdate_deployments_get },
    { LIVEUPDATE_ROUTE_DEPLOYMENTS, POST, publish, JSON,
      ngx_http_liveupdate_deployments_post },
    { LIVEUPDATE_ROUTE_DEPLOYMENT, GET, read, NONE,
      ngx_http_liveupdate_deployment_get },
    { LIVEUPDATE_ROUTE_DEPLOYMENT, PATCH, publish, JSON,
      ngx_http_liveupdate_deployment_patch },

    { LIVEUPDATE_ROUTE_BUILDS, GET, read, NONE,
      ngx_http_liveupdate_builds_get },
    { LIVEUPDATE_ROUTE_BUILD, GET, read, NONE,
      ngx_http_liveupdate_build_get },
    { LIVEUPDATE_ROUTE_BUILD, PATCH, publish, JSON,
      ngx_http_liveupdate_build_patch },
    { LIVEUPDATE_ROUTE_BUILD_DOWNLOAD, GET, read, NONE,
      ngx_http_liveupdate_download_get },

    { LIVEUPDATE_ROUTE_DEVICES, GET, read, NONE,
      ngx_http_liveupdate_devices_get },
    { LIVEUPDATE_ROUTE_DEVICES, PATCH, publish, JSON,
      ngx_http_liveupdate_devices_patch },
    { LIVEUPDATE_ROUTE_DEVICE, GET, read, NONE,
      ngx_http_liveupdate_device_get },
    { LIVEUPDATE_ROUTE_DEVICE, PATCH, publish, JSON,
      ngx_http_liveupdate_device_patch },
    { LIVEUPDATE_ROUTE_DEVICE, DELETE, publish, NONE,
      ngx_http_liveupdate_device_delete },

    { LIVEUPDATE_ROUTE_NONE, 0, 0, 0, NULL }
};

#undef GET
#undef POST
#undef PUT
#undef PATCH
#undef DELETE
#undef NONE
#undef JSON
#undef FORM
#undef read
#undef publish
#undef admin


ngx_int_t
ngx_http_liveupdate_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_str_t                      app;
    ngx_uint_t                     is_get;
    liveupdate_str_t               path;
    liveupdate_route_t             route;
    const liveupdate_token_t      *token;
    ngx_http_liveupdate_ctx_t     *ctx;
    ngx_http_liveupdate_call_t    *call;
    ngx_http_liveupdate_action_t  *action;

    path.len = r->uri.len;
    path.data = r->uri.data;

    is_get = (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) ? 1 : 0;

    if (is_get) {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (liveupdate_route(&path, &route) != LIVEUPDATE_OK) {
        goto not_found;
    }

    app.len = route.app.len;
    app.data = route.app.data;

    if (is_get && route.resource == LIVEUPDATE_ROUTE_LATEST) {
        return ngx_http_liveupdate_latest_handler(r, &app);
    }

    if (is_get
        && route.resource == LIVEUPDATE_ROUTE_CHANNELS
        && r->headers_in.authorization == NULL)
    {
        return ngx_http_liveupdate_discovery_handler(r, &app);
    }

    action = ngx_http_liveupdate_action_find(r, route.resource);

    if (action == NULL && route.resource != LIVEUPDATE_ROUTE_CLOUD) {
        return ngx_http_liveupdate_not_allowed(r, route.resource);
    }

    ctx = ngx_http_liveupdate_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->app = app;

    rc = ngx_http_liveupdate_authorize(r, &route,
                                       action ? action->role
                                              : LIVEUPDATE_ROLE_READ,
                                       &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (action == NULL) {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_http_liveupdate_send_message(r, 422,
                           "This server hosts live updates and nothing else "
                           "of the Cloud: it has no builders, jobs, "
                           "certificates, environments, destinations, "
                           "automations or repositories. Build the app "
                           "elsewhere and publish it with "
                           "apps:liveupdates:upload.");
    }

    if (action->body == NGX_HTTP_LIVEUPDATE_BODY_JSON
        && r->headers_in.content_length_n > NGX_HTTP_LIVEUPDATE_JSON_SIZE)
    {
        (void) ngx_http_discard_request_body(r);

        return ngx_http_liveupdate_send_message(r,
                                         NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                         "The body is larger than 1 MB.");
    }

    call = ngx_http_liveupdate_call_create(r, &route, token, action);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (is_get) {
        return ngx_http_liveupdate_call_start(r, call);
    }

    ctx->call = call;

    /* bodies in files are what is wanted here, and no news */

    r->request_body_file_log_level = 0;

    rc = ngx_http_read_client_request_body(r, ngx_http_liveupdate_call_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;

not_found:

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_liveupdate_send_message(r, NGX_HTTP_NOT_FOUND,
                                            "Not found.");
}


static ngx_http_liveupdate_action_t *
ngx_http_liveupdate_action_find(ngx_http_request_t *r,
    liveupdate_route_e resource)
{
    ngx_uint_t                     method;
    ngx_http_liveupdate_action_t  *action;

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (action = ngx_http_liveupdate_actions; action->action; action++) {
        if (action->resource == resource && action->method == method) {
            return action;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_liveupdate_not_allowed(ngx_http_request_t *r,
    liveupdate_route_e resource)
{
    u_char                        *p;
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_table_elt_t               *h;
    ngx_http_liveupdate_action_t  *action;

    static const struct {
        ngx_uint_t  method;
        ngx_str_t   name;
    } methods[] = {
        { NGX_HTTP_GET, ngx_string("GET, HEAD, ") },
        { NGX_HTTP_POST, ngx_string("POST, ") },
        { NGX_HTTP_PUT, ngx_string("PUT, ") },
        { NGX_HTTP_PATCH, ngx_string("PATCH, ") },
        { NGX_HTTP_DELETE, ngx_string("DELETE, ") },
        { 0, ngx_null_string }
    };

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    h = ngx_list_push(&r->headers_out.headers);
    p = ngx_pnalloc(r->pool, 64);

    if (h == NULL || p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->hash = 1;
    ngx_http_liveupdate_header_end(h);
    ngx_str_set(&h->key, "Allow");
    h->value.data = p;

    if (resource == LIVEUPDATE_ROUTE_LATEST) {
        p = ngx_cpymem(p, methods[0].name.data, methods[0].name.len);
    }

    for (i = 0; methods[i].method; i++) {
        for (action = ngx_http_liveupdate_actions; action->action; action++) {
            if (action->resource == resource
                && action->method == methods[i].method)
            {
                p = ngx_cpymem(p, methods[i].name.data, methods[i].name.len);
            }
        }
    }

    h->value.len = p - h->value.data - 2;

    return ngx_http_liveupdate_send_message(r, NGX_HTTP_NOT_ALLOWED,
                                            "Method not allowed.");
}


/* NGX_DECLINED: the token will do; else what ends the request. */

static ngx_int_t
ngx_http_liveupdate_authorize(ngx_http_request_t *r,
    liveupdate_route_t *route, unsigned role,
    const liveupdate_token_t **token_out)
{
    ngx_int_t                  rc;
    ngx_uint_t                 presented, status;
    const char                *text;
    const liveupdate_token_t  *token;

    *token_out = NULL;

    if (role == 0) {
        return NGX_DECLINED;
    }

    token = ngx_http_liveupdate_token(r, &presented);

    if (token == NULL) {
        status = NGX_HTTP_UNAUTHORIZED;
        text = presented ? "Invalid token." : "A token is required.";
        goto refused;
    }

    if (!(token->roles & role)) {
        status = NGX_HTTP_FORBIDDEN;
        text = (role == LIVEUPDATE_ROLE_ADMIN)
               ? "This needs a token with the role \"admin\"."
               : (role == LIVEUPDATE_ROLE_PUBLISH)
               ? "This needs a token with the role \"publish\"."
               : "This needs a token with the role \"read\".";
        goto refused;
    }

    if (route->app.len && !liveupdate_token_has_app(token, &route->app)) {
        status = NGX_HTTP_FORBIDDEN;
        text = "This token is not for this app.";
        goto refused;
    }

    *token_out = token;

    return NGX_DECLINED;

refused:

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "access forbidden: %s", text);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_liveupdate_send_message(r, status, text);
}


static ngx_http_liveupdate_call_t *
ngx_http_liveupdate_call_create(ngx_http_request_t *r,
    liveupdate_route_t *route, const liveupdate_token_t *token,
    ngx_http_liveupdate_action_t *action)
{
    ngx_pool_t                      *pool;
    ngx_time_t                      *tp;
    ngx_pool_cleanup_t              *cln;
    ngx_http_liveupdate_call_t      *call;
    ngx_http_liveupdate_loc_conf_t  *lucf;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    /* a thread must not touch the request's pool */

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_http_liveupdate_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    cln->handler = ngx_http_liveupdate_call_cleanup;
    cln->data = call;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    call->io.pool = pool;
    call->store = lucf->store;
    call->request = r;
    call->token = token;
    call->action = action->action;
    call->parse = (action->body == NGX_HTTP_LIVEUPDATE_BODY_JSON);
    call->route = *route;
    call->args.len = r->args.len;
    call->args.data = r->args.data;

    if (ngx_http_liveupdate_call_str(call, &call->route.app) != NGX_OK
        || ngx_http_liveupdate_call_str(call, &call->route.id) != NGX_OK
        || ngx_http_liveupdate_call_str(call, &call->route.sub) != NGX_OK)
    {
        return NULL;
    }

    if (r->headers_in.content_type) {
        call->content_type = r->headers_in.content_type->value;
    }

    if (ngx_http_liveupdate_base_url(r, &call->base_url) != NGX_OK) {
        ngx_str_null(&call->base_url);
    }

    tp = ngx_timeofday();
    liveupdate_time_print(call->now, tp->sec, (unsigned) tp->msec);

    return call;
}


static ngx_int_t
ngx_http_liveupdate_call_str(ngx_http_liveupdate_call_t *call,
    liveupdate_str_t *str)
{
    u_char  *p;

    p = ngx_pnalloc(call->io.pool, str->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, str->data, str->len);
    p[str->len] = '\0';

    str->data = p;

    return NGX_OK;
}


static void
ngx_http_liveupdate_call_cleanup(void *data)
{
    ngx_http_liveupdate_call_t *call = data;

    cJSON_free(call->text);
    cJSON_Delete(call->json);
    cJSON_Delete(call->answer);

    ngx_destroy_pool(call->io.pool);
}


static void
ngx_http_liveupdate_call_body(ngx_http_request_t *r)
{
    off_t                        size;
    ngx_int_t                    rc;
    ngx_chain_t                 *cl;
    ngx_http_liveupdate_ctx_t   *ctx;
    ngx_http_liveupdate_call_t  *call;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    call = ctx->call;

    size = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (call->parse && size > NGX_HTTP_LIVEUPDATE_JSON_SIZE) {
        rc = ngx_http_liveupdate_send_message(r,
                                         NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                         "The body is larger than 1 MB.");
        ngx_http_finalize_request(r, rc);
        return;
    }

    call->body = r->request_body->bufs;
    call->body_size = size;

    rc = ngx_http_liveupdate_call_start(r, call);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* call_start() took a reference, and reading the body did */

    ngx_http_finalize_request(r, NGX_DONE);
}


static ngx_int_t
ngx_http_liveupdate_call_start(ngx_http_request_t *r,
    ngx_http_liveupdate_call_t *call)
{
    ngx_thread_task_t               *task;
    ngx_http_liveupdate_loc_conf_t  *lucf;

    task = ngx_thread_task_alloc(r->pool, 0);
    if (task == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    task->ctx = call;
    task->handler = ngx_http_liveupdate_call_thread;
    task->event.data = call;
    task->event.handler = ngx_http_liveupdate_call_done;
    task->event.log = r->connection->log;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (ngx_thread_task_post(lucf->threads, task) != NGX_OK) {
        return ngx_http_liveupdate_send_message(r,
                                                NGX_HTTP_SERVICE_UNAVAILABLE,
                                                "Too many requests wait.");
    }

    ngx_add_timer(&task->event, NGX_HTTP_LIVEUPDATE_TICK);

    r->main->count++;
    r->main->blocked++;
    r->aio = 1;
    r->write_event_handler = ngx_http_liveupdate_call_wait;

    return NGX_DONE;
}


static void
ngx_http_liveupdate_call_wait(ngx_http_request_t *r)
{
    /* a write event while the thread works */
}


static void
ngx_http_liveupdate_call_thread(void *data, ngx_log_t *log)
{
    ngx_http_liveupdate_call_t *call = data;

    if (call->parse) {
        call->status = ngx_http_liveupdate_call_json(call);
    }

    if (call->status == 0) {
        call->status = call->action(call);
    }

    if (call->answer == NULL) {
        return;
    }

    call->text = cJSON_PrintUnformatted(call->answer);

    if (call->text == NULL) {
        call->status = ngx_http_liveupdate_nomem(call);
    }
}


/* A JSON body is an object; none at all is an empty one. */

static ngx_int_t
ngx_http_liveupdate_call_json(ngx_http_liveupdate_call_t *call)
{
    ngx_int_t          rc;
    ngx_str_t          buf;
    liveupdate_rc_e    parsed;
    liveupdate_str_t   text;

    if (call->body_size == 0) {
        call->json = cJSON_CreateObject();
        return call->json ? 0 : ngx_http_liveupdate_nomem(call);
    }

    buf.len = 0;
    buf.data = ngx_pnalloc(call->io.pool, (size_t) call->body_size);
    if (buf.data == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    rc = ngx_http_liveupdate_body(call, ngx_http_liveupdate_call_json_piece,
                                  &buf);
    if (rc != NGX_OK) {
        return rc;
    }

    text.len = buf.len;
    text.data = buf.data;

    parsed = liveupdate_json_parse(&call->json, &text, &call->error);

    if (parsed != LIVEUPDATE_OK) {
        return (parsed == LIVEUPDATE_NOMEM) ? ngx_http_liveupdate_nomem(call)
                                            : NGX_HTTP_BAD_REQUEST;
    }

    if (!cJSON_IsObject(call->json)) {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_BAD_REQUEST,
                                          "The body must be a JSON object.");
    }

    return 0;
}


static liveupdate_rc_e
ngx_http_liveupdate_call_json_piece(void *data, const u_char *bytes,
    size_t len)
{
    ngx_str_t *text = data;

    ngx_memcpy(text->data + text->len, bytes, len);
    text->len += len;

    return LIVEUPDATE_OK;
}


ngx_int_t
ngx_http_liveupdate_body(ngx_http_liveupdate_call_t *call,
    liveupdate_rc_e (*handler)(void *data, const u_char *bytes, size_t len),
    void *data)
{
    off_t             pos;
    u_char           *piece;
    ssize_t           n;
    ngx_buf_t        *b;
    ngx_chain_t      *cl;
    liveupdate_rc_e   rc;

    piece = NULL;

    for (cl = call->body; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (b->last == b->pos) {
                continue;
            }

            rc = handler(data, b->pos, b->last - b->pos);
            if (rc != LIVEUPDATE_OK) {
                return ngx_http_liveupdate_core_status(call, rc);
            }

            continue;
        }

        if (piece == NULL) {
            piece = ngx_palloc(call->io.pool, NGX_HTTP_LIVEUPDATE_READ_SIZE);
            if (piece == NULL) {
                return ngx_http_liveupdate_nomem(call);
            }
        }

        for (pos = b->file_pos; pos < b->file_last; pos += n) {

            n = pread(b->file->fd, piece,
                      (size_t) ngx_min(b->file_last - pos,
                                       NGX_HTTP_LIVEUPDATE_READ_SIZE),
                      pos);

            if (n <= 0) {
                call->io.err = n ? ngx_errno : 0;
                call->io.operation = "pread()";
                call->io.path = b->file->name.data;

                return ngx_http_liveupdate_failed(call);
            }

            rc = handler(data, piece, n);
            if (rc != LIVEUPDATE_OK) {
                return ngx_http_liveupdate_core_status(call, rc);
            }
        }
    }

    return NGX_OK;
}


static void
ngx_http_liveupdate_call_done(ngx_event_t *ev)
{
    ngx_http_liveupdate_call_t *call = ev->data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (!ev->complete) {
        ev->timedout = 0;
        ngx_add_timer(ev, NGX_HTTP_LIVEUPDATE_TICK);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    r = call->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;
    r->aio = 0;

    if (r->write_event_handler != ngx_http_liveupdate_call_wait) {

        /* the request was terminated meanwhile */

        r->write_event_handler(r);
        ngx_http_run_posted_requests(c);
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, ngx_http_liveupdate_call_reply(call));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_liveupdate_call_reply(ngx_http_liveupdate_call_t *call)
{
    u_char              *sentence;
    ngx_str_t            text;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = call->request;

    if (call->io.operation
        && call->status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
    {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, call->io.err,
                      "%s \"%s\" failed", call->io.operation, call->io.path);
    }

    if (call->status >= NGX_HTTP_BAD_REQUEST) {

        sentence = ngx_http_liveupdate_sentence(r->pool, &call->error);
        if (sentence == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "call refused with %i: %s", call->status, sentence);

        return ngx_http_liveupdate_send_error(r, call->status, &call->error);
    }

    if (call->change) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "\"%*s\" changed app \"%*s\": %s \"%s\"",
                      call->token->name.len, call->token->name.data,
                      call->route.app.len, call->route.app.data,
                      call->change, call->subject);
    }

    if (call->location) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        h->hash = 1;
        ngx_http_liveupdate_header_end(h);
        ngx_str_set(&h->key, "Location");
        h->value.data = call->location;
        h->value.len = ngx_strlen(call->location);
    }

    ngx_str_null(&text);

    if (call->text) {
        text.data = (u_char *) call->text;
        text.len = ngx_strlen(call->text);
    }

    return ngx_http_liveupdate_send_json(r, call->status, &text);
}


ngx_int_t
ngx_http_liveupdate_refuse(ngx_http_liveupdate_call_t *call,
    ngx_int_t status, const char *text)
{
    (void) liveupdate_refuse(&call->error, NULL, text);

    return status;
}


ngx_int_t
ngx_http_liveupdate_core_status(ngx_http_liveupdate_call_t *call,
    liveupdate_rc_e rc)
{
    switch (rc) {

    case LIVEUPDATE_OK:
        return NGX_OK;

    case LIVEUPDATE_NOMEM:
        return ngx_http_liveupdate_nomem(call);

    case LIVEUPDATE_NOT_FOUND:
        return NGX_HTTP_NOT_FOUND;

    case LIVEUPDATE_CONFLICT:
        return NGX_HTTP_CONFLICT;

    case LIVEUPDATE_FORBIDDEN:
        return NGX_HTTP_FORBIDDEN;

    default: /* LIVEUPDATE_INVALID */
        return 422;
    }
}


ngx_int_t
ngx_http_liveupdate_failed(ngx_http_liveupdate_call_t *call)
{
    switch (call->io.err) {

    case NGX_ENOMEM:
        return ngx_http_liveupdate_nomem(call);

    case NGX_ENOENT:
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                          "It was deleted meanwhile.");

    case NGX_ENOSPC:
#if (NGX_HAVE_EDQUOT)
    case EDQUOT:
#endif
        return ngx_http_liveupdate_refuse(call,
                                          NGX_HTTP_INSUFFICIENT_STORAGE,
                                          "The disk of the server is full; "
                                          "nothing was changed.");

    default:
        return ngx_http_liveupdate_refuse(call,
                                          NGX_HTTP_INTERNAL_SERVER_ERROR,
                                          "The server could not use its disk; "
                                          "its error log says more.");
    }
}


ngx_int_t
ngx_http_liveupdate_nomem(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_refuse(call, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      "The server is out of memory.");
}


liveupdate_arena_t
ngx_http_liveupdate_arena(ngx_pool_t *pool)
{
    liveupdate_arena_t  arena;

    arena.alloc = (void *(*)(void *, size_t)) ngx_palloc;
    arena.data = pool;

    return arena;
}


char *
ngx_http_liveupdate_uuid(ngx_http_liveupdate_call_t *call)
{
    u_char  bytes[16];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NULL;
    }

    return ngx_http_liveupdate_uuid_of(call, bytes, 4);
}


/* RFC 9562: a version and the variant among 16 bytes */

char *
ngx_http_liveupdate_uuid_of(ngx_http_liveupdate_call_t *call, u_char *bytes,
    ngx_uint_t version)
{
    u_char  *p, *uuid, hex[32];

    bytes[6] = (u_char) ((bytes[6] & 0x0f) | (version << 4));
    bytes[8] = (bytes[8] & 0x3f) | 0x80;

    uuid = ngx_pnalloc(call->io.pool, NGX_HTTP_LIVEUPDATE_UUID_LEN + 1);
    if (uuid == NULL) {
        return NULL;
    }

    (void) ngx_hex_dump(hex, bytes, 16);

    p = ngx_sprintf(uuid, "%*s-%*s-%*s-%*s-%*s",
                    (size_t) 8, hex, (size_t) 4, hex + 8, (size_t) 4, hex + 12,
                    (size_t) 4, hex + 16, (size_t) 12, hex + 20);
    *p = '\0';

    return (char *) uuid;
}


char *
ngx_http_liveupdate_arg(ngx_http_liveupdate_call_t *call, const char *name)
{
    u_char            *buf;
    liveupdate_str_t   value, decoded;

    if (!liveupdate_query_find(&call->args, name, &value) || value.len == 0) {
        return NULL;
    }

    buf = ngx_pnalloc(call->io.pool, value.len + 1);
    if (buf == NULL) {
        return NULL;
    }

    /* publishers' programs use URLSearchParams */

    if (liveupdate_query_decode(&decoded, buf, &value, 1) != LIVEUPDATE_OK) {
        return NULL;
    }

    decoded.data[decoded.len] = '\0';

    return (char *) decoded.data;
}


void
ngx_http_liveupdate_page(ngx_http_liveupdate_call_t *call, ngx_uint_t *limit,
    ngx_uint_t *offset)
{
    char       *value;
    ngx_int_t   n;

    *limit = NGX_HTTP_LIVEUPDATE_PAGE;
    *offset = 0;

    value = ngx_http_liveupdate_arg(call, "limit");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *limit = ngx_min(n, NGX_HTTP_LIVEUPDATE_PAGE_MAX);
        }
    }

    value = ngx_http_liveupdate_arg(call, "offset");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *offset = n;
        }
    }
}


ngx_int_t
ngx_http_liveupdate_change(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_change_pt change)
{
    u_char     *path;
    cJSON      *app, *item;
    double      generation;
    ngx_fd_t    lock;
    ngx_int_t   status, rc;
    ngx_str_t   id;

    status = ngx_http_liveupdate_app_lock(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_http_liveupdate_app_read(call, &app);

    if (status != NGX_OK) {
        ngx_http_liveupdate_store_unlock(lock);
        return status;
    }

    status = change(call, app);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        goto done;
    }

    generation = 0;
    (void) liveupdate_json_number(app, "generation", &generation);
    generation++;

    item = cJSON_GetObjectItemCaseSensitive(app, "generation");

    if (item) {
        cJSON_SetNumberValue(item, generation);

    } else if (cJSON_AddNumberToObject(app, "generation", generation) == NULL)
    {
        status = ngx_http_liveupdate_nomem(call);
        goto done;
    }

    if (ngx_http_liveupdate_audit(call, generation) != NGX_OK) {
        status = ngx_http_liveupdate_failed(call);
        goto done;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%V/apps/%s/app.json",
                                    &call->store->path, call->route.app.data);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path, app)
        != NGX_OK)
    {
        status = ngx_http_liveupdate_failed(call);
    }

    /*
     * also when only the last sync has failed: the file is there by then,
     * and no two workers are to tell different things
     */

    id.len = call->route.app.len;
    id.data = call->route.app.data;

    (void) ngx_atomic_fetch_add(
                      ngx_http_liveupdate_generation(call->store, &id), 1);

    if (status < NGX_HTTP_SPECIAL_RESPONSE && call->finish) {
        rc = call->finish(call);

        if (rc != NGX_OK) {
            status = rc;
        }
    }

done:

    cJSON_Delete(app);
    ngx_http_liveupdate_store_unlock(lock);

    return status;
}


ngx_int_t
ngx_http_liveupdate_app_lock(ngx_http_liveupdate_call_t *call, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_http_liveupdate_path(call->io.pool, "%V/apps/%s/lock",
                                    &call->store->path, call->route.app.data);

    switch (ngx_http_liveupdate_store_lock(&call->io, path, lock)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                          "App not found.");
    default:
        return ngx_http_liveupdate_failed(call);
    }
}


ngx_int_t
ngx_http_liveupdate_audit(ngx_http_liveupdate_call_t *call, double generation)
{
    char               *text;
    cJSON              *line;
    size_t              len;
    u_char             *path;
    ngx_int_t           rc;
    liveupdate_str_t    by;
    liveupdate_arena_t  arena;

    text = NULL;
    rc = NGX_ERROR;

    arena = ngx_http_liveupdate_arena(call->io.pool);
    by = liveupdate_str_dup(&arena, call->token->name.data,
                            call->token->name.len);

    line = cJSON_CreateObject();

    if (line == NULL
        || by.data == NULL
        || cJSON_AddStringToObject(line, "at", call->now) == NULL
        || cJSON_AddStringToObject(line, "by", (char *) by.data) == NULL
        || cJSON_AddStringToObject(line, "change", call->change) == NULL
        || cJSON_AddStringToObject(line, "subject", call->subject) == NULL
        || (call->from
            && cJSON_AddStringToObject(line, "from", call->from) == NULL)
        || (call->to
            && cJSON_AddStringToObject(line, "to", call->to) == NULL)
        || cJSON_AddNumberToObject(line, "generation", generation) == NULL)
    {
        call->io.err = NGX_ENOMEM;
        goto done;
    }

    text = cJSON_PrintUnformatted(line);
    if (text == NULL) {
        call->io.err = NGX_ENOMEM;
        goto done;
    }

    len = ngx_strlen(text);

    /* the terminating zero byte gives way to the line's end */

    text[len] = '\n';

    path = ngx_http_liveupdate_path(call->io.pool, "%V/apps/%s/audit.log",
                                    &call->store->path, call->route.app.data);

    rc = ngx_http_liveupdate_store_append(&call->io, path, text, len + 1);

done:

    cJSON_free(text);
    cJSON_Delete(line);

    return rc;
}


ngx_int_t
ngx_http_liveupdate_app_read(ngx_http_liveupdate_call_t *call, cJSON **app)
{
    u_char  *path;

    path = ngx_http_liveupdate_path(call->io.pool, "%V/apps/%s/app.json",
                                    &call->store->path, call->route.app.data);

    switch (ngx_http_liveupdate_store_read_json(&call->io, path, app)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                          "App not found.");
    default:
        return ngx_http_liveupdate_failed(call);
    }
}


ngx_int_t
ngx_http_liveupdate_release_read(ngx_http_liveupdate_call_t *call,
    const char *id, cJSON **release, u_char **folder)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const char  *places[] = { "live", "staging", "live" };

    /* between two looks it may go from staging to live */

    for (i = 0; i < 3; i++) {

        *folder = ngx_http_liveupdate_path(call->io.pool, "%V/%s/%s/%s",
                                           &call->store->path, places[i],
                                           call->route.app.data, id);
        path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json",
                                        *folder);

        rc = ngx_http_liveupdate_store_read_json(&call->io, path, release);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            return ngx_http_liveupdate_failed(call);
        }
    }

    return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                      "Bundle not found.");
}


static ngx_int_t
ngx_http_liveupdate_me(ngx_http_liveupdate_call_t *call)
{
    char                *id;
    u_char               digest[32];
    liveupdate_str_t     name;
    liveupdate_arena_t   arena;

    arena = ngx_http_liveupdate_arena(call->io.pool);

    name = liveupdate_str_dup(&arena, call->token->name.data,
                              call->token->name.len);
    ngx_memcpy(digest, call->token->digest, 32);
    id = ngx_http_liveupdate_uuid_of(call, digest, 8);

    call->answer = cJSON_CreateObject();

    /* tokens have names and no addresses; the CLI prints "email" */

    if (name.data == NULL
        || id == NULL
        || cJSON_AddStringToObject(call->answer, "id", id) == NULL
        || cJSON_AddStringToObject(call->answer, "email", (char *) name.data)
           == NULL
        || cJSON_AddStringToObject(call->answer, "name", (char *) name.data)
           == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_http_liveupdate_no_sessions(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_refuse(call, NGX_HTTP_FORBIDDEN,
                                      "This server has no login page: use "
                                      "a token of its token file, with "
                                      "\"login --token\" or in "
                                      "CAPAWESOME_TOKEN.");
}


static ngx_int_t
ngx_http_liveupdate_logout(ngx_http_liveupdate_call_t *call)
{
    return NGX_HTTP_NO_CONTENT;
}
