
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"
#include "ngx_lu_api_app.h"
#include "ngx_lu_api_audit.h"
#include "ngx_lu_api_build.h"
#include "ngx_lu_api_bundle.h"
#include "ngx_lu_api_channel.h"
#include "ngx_lu_api_cleanup.h"
#include "ngx_lu_api_deployment.h"
#include "ngx_lu_api_device.h"
#include "ngx_lu_api_fetch.h"
#include "ngx_lu_api_file.h"
#include "ngx_lu_api_growth.h"
#include "ngx_lu_api_health.h"
#include "ngx_lu_api_history.h"
#include "ngx_lu_api_link.h"
#include "ngx_lu_api_list.h"
#include "ngx_lu_api_notify.h"
#include "ngx_lu_api_organization.h"
#include "ngx_lu_api_release.h"
#include "ngx_lu_api_rules.h"
#include "ngx_lu_api_upload.h"
#include "ngx_lu_call.h"
#include "ngx_lu_form.h"
#include "ngx_lu_origin.h"

#include "zone/ngx_lu_count.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_query.h"


/* room for all methods in a list */

#define NGX_LU_API_ALLOW  64


typedef struct {
    lu_route_e               resource;
    ngx_uint_t               method;
    unsigned                 role;      /* 0: no token is needed */
    ngx_lu_body_e            body;
    ngx_lu_action_pt         action;
} ngx_lu_api_action_t;


typedef struct {
    unsigned                 role;
    const char              *name;
    const char              *message;   /* to a token without the role */
    const char              *user;      /* to a user without it */
} ngx_lu_api_role_t;


typedef struct {
    ngx_uint_t               method;
    ngx_str_t                name;      /* in a list */
} ngx_lu_api_method_t;


static ngx_lu_api_action_t *ngx_lu_api_find(ngx_http_request_t *r,
    lu_route_e resource);
static ngx_lu_thread_e ngx_lu_api_kind(ngx_lu_api_action_t *action);
static unsigned ngx_lu_api_role(ngx_http_request_t *r,
    ngx_lu_api_action_t *action);
static ngx_int_t ngx_lu_api_identify(ngx_http_request_t *r,
    const lu_token_t **token);
static ngx_int_t ngx_lu_api_forbid(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);
static ngx_int_t ngx_lu_api_forbid_user(ngx_http_request_t *r,
    ngx_uint_t status, lu_error_t *err);
static ngx_uint_t ngx_lu_api_is_for_all(lu_route_t *route, unsigned role);
static ngx_int_t ngx_lu_api_page_checked(ngx_http_request_t *r);
static ngx_int_t ngx_lu_api_json_wanted(ngx_http_request_t *r,
    ngx_lu_api_action_t *action);
static ngx_int_t ngx_lu_api_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);
static ngx_int_t ngx_lu_api_not_allowed(ngx_http_request_t *r,
    lu_route_e resource);
static ngx_int_t ngx_lu_api_me(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_login(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_logout(ngx_lu_call_t *call);


#define GET      NGX_HTTP_GET
#define POST     NGX_HTTP_POST
#define PUT      NGX_HTTP_PUT
#define PATCH    NGX_HTTP_PATCH
#define DELETE   NGX_HTTP_DELETE

#define NONE     NGX_LU_BODY_NONE
#define JSON     NGX_LU_BODY_JSON
#define FILE     NGX_LU_BODY_FILE

#define READ     LU_ROLE_READ
#define PUBLISH  LU_ROLE_PUBLISH
#define APPROVE  LU_ROLE_APPROVE
#define ADMIN    LU_ROLE_ADMIN

static ngx_lu_api_action_t  ngx_lu_api_actions[] = {

    { LU_ROUTE_ME, GET, READ, NONE, ngx_lu_api_me },

    { LU_ROUTE_SESSIONS, POST, 0, NONE, ngx_lu_api_login },
    { LU_ROUTE_SESSION, DELETE, 0, NONE, ngx_lu_api_logout },

    { LU_ROUTE_ORGANIZATIONS, GET, READ, NONE, ngx_lu_api_organizations_get },
    { LU_ROUTE_ORGANIZATIONS, POST, ADMIN, JSON,
      ngx_lu_api_organizations_post },
    { LU_ROUTE_ORGANIZATION, GET, READ, NONE, ngx_lu_api_organization_get },
    { LU_ROUTE_ORGANIZATION, PATCH, ADMIN, JSON,
      ngx_lu_api_organization_patch },
    { LU_ROUTE_ORGANIZATION, DELETE, ADMIN, NONE,
      ngx_lu_api_organization_delete },

    { LU_ROUTE_APPS, GET, READ, NONE, ngx_lu_api_apps_get },
    { LU_ROUTE_APPS, POST, ADMIN, JSON, ngx_lu_api_apps_post },
    { LU_ROUTE_APP, GET, READ, NONE, ngx_lu_api_app_get },
    { LU_ROUTE_APP, PATCH, ADMIN, JSON, ngx_lu_api_app_patch },
    { LU_ROUTE_APP, DELETE, ADMIN, NONE, ngx_lu_api_app_delete },

    { LU_ROUTE_CHANNELS, GET, READ, NONE, ngx_lu_api_channels_get },
    { LU_ROUTE_CHANNELS, POST, PUBLISH, JSON, ngx_lu_api_channels_post },
    { LU_ROUTE_CHANNELS, DELETE, PUBLISH, NONE, ngx_lu_api_channels_delete },
    { LU_ROUTE_CHANNEL, GET, READ, NONE, ngx_lu_api_channel_get },
    { LU_ROUTE_CHANNEL, PATCH, PUBLISH, JSON, ngx_lu_api_channel_patch },
    { LU_ROUTE_CHANNEL, DELETE, PUBLISH, NONE, ngx_lu_api_channel_delete },
    { LU_ROUTE_HEALTH, GET, READ, NONE, ngx_lu_api_health_get },
    { LU_ROUTE_HISTORY, GET, READ, NONE, ngx_lu_api_history_get },
    { LU_ROUTE_PAUSE, POST, PUBLISH, JSON, ngx_lu_api_channel_pause_post },
    { LU_ROUTE_RESUME, POST, PUBLISH, JSON, ngx_lu_api_channel_resume_post },

    { LU_ROUTE_BUNDLES, POST, PUBLISH, JSON, ngx_lu_api_bundles_post },
    { LU_ROUTE_BUNDLE, GET, READ, NONE, ngx_lu_api_bundle_get },
    { LU_ROUTE_BUNDLE, PATCH, PUBLISH, JSON, ngx_lu_api_bundle_patch },
    { LU_ROUTE_BUNDLE, DELETE, PUBLISH, NONE, ngx_lu_api_bundle_delete },
    { LU_ROUTE_DOWNLOAD, GET, 0, NONE, ngx_lu_api_build_download_get },

    { LU_ROUTE_FILES, POST, PUBLISH, FILE, ngx_lu_api_file_post },
    { LU_ROUTE_UPLOAD, POST, PUBLISH, JSON, ngx_lu_api_upload_post },
    { LU_ROUTE_UPLOAD, PUT, PUBLISH, FILE, ngx_lu_api_upload_put },
    { LU_ROUTE_UPLOAD, DELETE, PUBLISH, NONE, ngx_lu_api_upload_delete },

    { LU_ROUTE_DEPLOYMENTS, GET, READ, NONE, ngx_lu_api_deployments_get },
    { LU_ROUTE_DEPLOYMENTS, POST, PUBLISH, JSON, ngx_lu_api_deployments_post },
    { LU_ROUTE_DEPLOYMENT, GET, READ, NONE, ngx_lu_api_deployment_get },
    { LU_ROUTE_DEPLOYMENT, PATCH, PUBLISH, JSON, ngx_lu_api_deployment_patch },
    { LU_ROUTE_DEPLOYMENT_GROWTH, POST, PUBLISH, JSON,
      ngx_lu_api_growth_deployment_post },

    { LU_ROUTE_BUILDS, GET, READ, NONE, ngx_lu_api_list_builds },
    { LU_ROUTE_BUILD, GET, READ, NONE, ngx_lu_api_build_get },
    { LU_ROUTE_BUILD, PATCH, PUBLISH, JSON, ngx_lu_api_build_patch },
    { LU_ROUTE_BUILD_DOWNLOAD, GET, READ, NONE,
      ngx_lu_api_build_download_get },

    { LU_ROUTE_DEVICES, GET, READ, NONE, ngx_lu_api_devices_get },
    { LU_ROUTE_DEVICES, PATCH, PUBLISH, JSON, ngx_lu_api_devices_patch },
    { LU_ROUTE_DEVICE, GET, READ, NONE, ngx_lu_api_device_get },
    { LU_ROUTE_DEVICE, PATCH, PUBLISH, JSON, ngx_lu_api_device_patch },
    { LU_ROUTE_DEVICE, DELETE, PUBLISH, NONE, ngx_lu_api_device_delete },

    { LU_ROUTE_TARGETS, GET, READ, NONE, ngx_lu_api_notify_list },
    { LU_ROUTE_TARGET, GET, READ, NONE, ngx_lu_api_notify_get },
    { LU_ROUTE_TARGET_PAUSE, POST, APPROVE, JSON, ngx_lu_api_notify_post },
    { LU_ROUTE_TARGET_RESUME, POST, APPROVE, JSON, ngx_lu_api_notify_post },
    { LU_ROUTE_TARGET_TEST, POST, APPROVE, JSON, ngx_lu_api_notify_post },
    { LU_ROUTE_TARGET_AGAIN, POST, APPROVE, JSON, ngx_lu_api_notify_again },

    { LU_ROUTE_RELEASES, GET, READ, NONE, ngx_lu_api_list_releases },
    { LU_ROUTE_RELEASE, GET, READ, NONE, ngx_lu_api_release_get },
    { LU_ROUTE_RELEASE, DELETE, APPROVE, NONE, ngx_lu_api_release_delete },
    { LU_ROUTE_STAGE, POST, PUBLISH, JSON, ngx_lu_api_fetch_stage_post },
    { LU_ROUTE_FETCH, POST, PUBLISH, JSON, ngx_lu_api_fetch_post },
    { LU_ROUTE_RETRY, POST, PUBLISH, JSON, ngx_lu_api_fetch_retry_post },
    { LU_ROUTE_PROMOTE, POST, APPROVE, JSON, ngx_lu_api_release_promote_post },
    { LU_ROUTE_REJECT, POST, APPROVE, JSON, ngx_lu_api_release_reject_post },
    { LU_ROUTE_LINK, POST, APPROVE, JSON, ngx_lu_api_link_post },
    { LU_ROUTE_WITHDRAW, POST, APPROVE, JSON,
      ngx_lu_api_release_withdraw_post },
    { LU_ROUTE_RELEASE_HEALTH, GET, READ, NONE,
      ngx_lu_api_health_release_get },
    { LU_ROUTE_GROWTH, POST, APPROVE, JSON, ngx_lu_api_growth_release_post },
    { LU_ROUTE_ROLLBACK, GET, READ, NONE,
      ngx_lu_api_releases_rollback_get },
    { LU_ROUTE_ROLLBACK, POST, APPROVE, JSON,
      ngx_lu_api_releases_rollback_post },
    { LU_ROUTE_CLEANUP, GET, READ, NONE, ngx_lu_api_cleanup_get },
    { LU_ROUTE_CLEANUP, POST, APPROVE, JSON, ngx_lu_api_cleanup_post },
    { LU_ROUTE_CLEANUP, PATCH, ADMIN, JSON, ngx_lu_api_cleanup_patch },
    { LU_ROUTE_RULES, GET, READ, NONE, ngx_lu_api_rules_get },
    { LU_ROUTE_RULES, PUT, APPROVE, JSON, ngx_lu_api_rules_put },
    { LU_ROUTE_AUDIT, GET, READ, NONE, ngx_lu_api_audit_get },
    { LU_ROUTE_APPROVED, GET, READ, NONE, ngx_lu_api_release_github_get },

    { LU_ROUTE_NONE, 0, 0, 0, NULL }
};

#undef GET
#undef POST
#undef PUT
#undef PATCH
#undef DELETE
#undef NONE
#undef JSON
#undef FILE
#undef READ
#undef PUBLISH
#undef APPROVE
#undef ADMIN


static const ngx_lu_api_role_t  ngx_lu_api_roles[] = {

    { LU_ROLE_READ, "read",
      "This needs a token with the role \"read\".",
      "This needs the role \"read\"." },

    { LU_ROLE_PUBLISH, "publish",
      "This needs a token with the role \"publish\".",
      "This needs the role \"publish\"." },

    { LU_ROLE_APPROVE, "approve",
      "This needs a token with the role \"approve\".",
      "This needs the role \"approve\"." },

    { LU_ROLE_ADMIN, "admin",
      "This needs a token with the role \"admin\".",
      "This needs the role \"admin\"." },

    { 0, NULL, "The token has another role.", "The user has another role." }
};


static const ngx_lu_api_method_t  ngx_lu_api_methods[] = {
    { NGX_HTTP_GET, ngx_string("GET, HEAD, ") },
    { NGX_HTTP_POST, ngx_string("POST, ") },
    { NGX_HTTP_PUT, ngx_string("PUT, ") },
    { NGX_HTTP_PATCH, ngx_string("PATCH, ") },
    { NGX_HTTP_DELETE, ngx_string("DELETE, ") },
    { 0, ngx_null_string }
};


ngx_int_t
ngx_lu_api_handler(ngx_http_request_t *r)
{
    lu_str_t              path;
    ngx_int_t             rc;
    lu_route_t            route;
    ngx_lu_ctx_t         *ctx;
    ngx_lu_call_t        *call;
    const lu_token_t     *token;
    ngx_lu_api_action_t  *action;

    path = ngx_lu_to_core(&r->uri);

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (lu_route(&path, &route) != LU_OK) {
        return ngx_lu_api_refuse(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    /* a build is made by a builder; here it comes with its bundle */

    if (r->method == NGX_HTTP_POST && route.resource == LU_ROUTE_BUILDS) {
        route.resource = LU_ROUTE_CLOUD;
    }

    action = ngx_lu_api_find(r, route.resource);

    if (action == NULL && route.resource != LU_ROUTE_CLOUD) {
        return ngx_lu_api_not_allowed(r, route.resource);
    }

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->app = ngx_lu_from_core(&route.app);

    if (route.resource >= LU_ROUTE_RELEASES
        && route.resource < LU_ROUTE_CLOUD)
    {
        ctx->kind = NGX_LU_KIND_RELEASES;
    }

    rc = ngx_lu_api_authorize(r, &route, ngx_lu_api_role(r, action), &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (action == NULL) {
        return ngx_lu_api_refuse(r, 422,
                                 "This server hosts live updates only: it "
                                 "has no builders, jobs, certificates, "
                                 "environments, destinations, automations or "
                                 "repositories. Build the app elsewhere and "
                                 "publish it with apps:liveupdates:upload.");
    }

    rc = ngx_lu_api_page_checked(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_lu_api_json_wanted(r, action);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    call = ngx_lu_call_create(r, &route, token, action->action);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->call = call;

    call->kind = ngx_lu_api_kind(action);

    if (action->body == NGX_LU_BODY_FILE
        && ngx_lu_form_expect(call, route.resource == LU_ROUTE_UPLOAD
                                    ? "blob" : "file")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_call_run(r, call, action->body);
}


static ngx_lu_thread_e
ngx_lu_api_kind(ngx_lu_api_action_t *action)
{
    switch (action->resource) {

    case LU_ROUTE_FILES:
    case LU_ROUTE_UPLOAD:
        return NGX_LU_THREAD_UPLOAD;

    case LU_ROUTE_STAGE:
        return NGX_LU_THREAD_LONG;

    case LU_ROUTE_CLEANUP:
        return action->method == NGX_HTTP_POST ? NGX_LU_THREAD_KEEP
                                               : NGX_LU_THREAD_SHORT;

    case LU_ROUTE_BUNDLE:

        if (action->method == NGX_HTTP_PATCH) {
            return NGX_LU_THREAD_LONG;
        }

        /* fall through */

    case LU_ROUTE_RELEASE:
    case LU_ROUTE_APP:

        if (action->method == NGX_HTTP_DELETE) {
            return NGX_LU_THREAD_LONG;
        }

        /* fall through */

    default:
        return NGX_LU_THREAD_SHORT;
    }
}


static ngx_lu_api_action_t *
ngx_lu_api_find(ngx_http_request_t *r, lu_route_e resource)
{
    ngx_uint_t            method;
    ngx_lu_api_action_t  *action;

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (action = ngx_lu_api_actions; action->action; action++) {
        if (action->resource == resource && action->method == method) {
            return action;
        }
    }

    return NULL;
}


/* With approval, a publisher does not decide what devices get. */

static unsigned
ngx_lu_api_role(ngx_http_request_t *r, ngx_lu_api_action_t *action)
{
    ngx_lu_loc_conf_t  *lucf;

    if (action == NULL) {
        return LU_ROLE_READ;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->approval
        && action->role == LU_ROLE_PUBLISH
        && (action->resource == LU_ROUTE_DEPLOYMENTS
            || action->resource == LU_ROUTE_DEPLOYMENT
            || action->resource == LU_ROUTE_DEPLOYMENT_GROWTH))
    {
        return LU_ROLE_APPROVE;
    }

    return action->role;
}


ngx_int_t
ngx_lu_api_authorize(ngx_http_request_t *r, lu_route_t *route, unsigned role,
    const lu_token_t **token_out)
{
    ngx_int_t                 rc;
    const lu_token_t         *token;
    const ngx_lu_api_role_t  *known;

    *token_out = NULL;

    if (role == 0) {
        return NGX_DECLINED;
    }

    rc = ngx_lu_api_identify(r, &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (!(token->roles & role)) {

        for (known = ngx_lu_api_roles; known->role; known++) {
            if (known->role == role) {
                break;
            }
        }

        return ngx_lu_api_forbid(r, NGX_HTTP_FORBIDDEN,
                                 token->is_user ? known->user
                                                : known->message);
    }

    if (route->app.len && !lu_token_has_app(token, &route->app)) {
        return ngx_lu_api_forbid(r, NGX_HTTP_FORBIDDEN,
                                 token->is_user
                                 ? "The app is none of the user's."
                                 : "This token is not for this app.");
    }

    if (ngx_lu_api_is_for_all(route, role) && token->napps) {
        return ngx_lu_api_forbid(r, NGX_HTTP_FORBIDDEN,
                                 token->is_user
                                 ? "This needs a user who has all apps."
                                 : "This needs a token that is for all apps.");
    }

    *token_out = token;

    return NGX_DECLINED;
}


/*
 * A token, which somebody has chosen to send, comes before the user.  A proxy
 * may send an Authorization header of its own.
 */

static ngx_int_t
ngx_lu_api_identify(ngx_http_request_t *r, const lu_token_t **token)
{
    ngx_int_t    rc;
    lu_error_t   err;
    ngx_uint_t   presented;
    const char  *text;

    *token = ngx_lu_bearer(r, &presented);

    if (*token) {
        return NGX_DECLINED;
    }

    rc = (presented == NGX_LU_BEARER) ? NGX_DECLINED
                                      : ngx_lu_user(r, token, &err);
    switch (rc) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_api_forbid(r, NGX_HTTP_UNAUTHORIZED,
                                 presented ? "Invalid token."
                                           : "A token is required.");

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        return rc;

    default:
        return ngx_lu_api_forbid_user(r, rc, &err);
    }

    text = ngx_lu_origin_refused(r);

    return text ? ngx_lu_api_forbid(r, NGX_HTTP_FORBIDDEN, text)
                : NGX_DECLINED;
}


static ngx_int_t
ngx_lu_api_forbid(ngx_http_request_t *r, ngx_uint_t status, const char *text)
{
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "access forbidden: %s", text);

    return ngx_lu_api_refuse(r, status, text);
}


static ngx_int_t
ngx_lu_api_forbid_user(ngx_http_request_t *r, ngx_uint_t status,
    lu_error_t *err)
{
    u_char     *sentence;
    ngx_int_t   rc;

    sentence = ngx_lu_reply_sentence(r->pool, err);
    if (sentence == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "access forbidden: %s", sentence);

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_lu_reply_error(r, status, err) : rc;
}


/* What changes more than one app: organizations.  Who makes an app names it. */

static ngx_uint_t
ngx_lu_api_is_for_all(lu_route_t *route, unsigned role)
{
    /* notifications are about all apps */

    if (route->resource >= LU_ROUTE_TARGETS
        && route->resource <= LU_ROUTE_TARGET_AGAIN)
    {
        return 1;
    }

    return role != LU_ROLE_READ
           && route->app.len == 0
           && route->resource != LU_ROUTE_APPS;
}


/* Both belong to lists, and mean the same in each of them. */

static ngx_int_t
ngx_lu_api_page_checked(ngx_http_request_t *r)
{
    uint64_t  n;
    lu_str_t  args;

    args = ngx_lu_to_core(&r->args);

    if (lu_query_number(&args, "limit", &n) == LU_INVALID) {
        return ngx_lu_api_refuse(r, NGX_HTTP_BAD_REQUEST,
                                 "\"limit\" must be a number of entries, in "
                                 "decimal digits.");
    }

    if (lu_query_number(&args, "offset", &n) == LU_INVALID) {
        return ngx_lu_api_refuse(r, NGX_HTTP_BAD_REQUEST,
                                 "\"offset\" must be a number of entries, in "
                                 "decimal digits.");
    }

    return NGX_DECLINED;
}


/*
 * A decision about releases must say that it is JSON, as no form of another
 * site can.  NGX_DECLINED: it does, or need not; else what ends the request.
 */

static ngx_int_t
ngx_lu_api_json_wanted(ngx_http_request_t *r, ngx_lu_api_action_t *action)
{
    ngx_str_t  *value;

    static ngx_str_t  json = ngx_string("application/json");

    if (action->resource < LU_ROUTE_RELEASES
        || action->body != NGX_LU_BODY_JSON)
    {
        return NGX_DECLINED;
    }

    if (r->headers_in.content_type) {
        value = &r->headers_in.content_type->value;

        if (value->len >= json.len
            && ngx_strncasecmp(value->data, json.data, json.len) == 0
            && (value->len == json.len
                || value->data[json.len] == ';'
                || value->data[json.len] == ' '))
        {
            return NGX_DECLINED;
        }
    }

    return ngx_lu_api_refuse(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "The body must be JSON, with the Content-Type "
                             "application/json.");
}


static ngx_int_t
ngx_lu_api_refuse(ngx_http_request_t *r, ngx_uint_t status, const char *text)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_lu_reply_message(r, status, text) : rc;
}


static ngx_int_t
ngx_lu_api_not_allowed(ngx_http_request_t *r, lu_route_e resource)
{
    u_char                     *p;
    ngx_str_t                   allow;
    ngx_lu_api_action_t        *action;
    const ngx_lu_api_method_t  *known;

    p = ngx_pnalloc(r->pool, NGX_LU_API_ALLOW);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allow.data = p;

    /* the check for updates is no action of this file */

    if (resource == LU_ROUTE_LATEST) {
        p = ngx_cpymem(p, ngx_lu_api_methods[0].name.data,
                       ngx_lu_api_methods[0].name.len);
    }

    for (known = ngx_lu_api_methods; known->method; known++) {

        for (action = ngx_lu_api_actions; action->action; action++) {

            if (action->resource == resource
                && action->method == known->method)
            {
                p = ngx_cpymem(p, known->name.data, known->name.len);
            }
        }
    }

    allow.len = p - allow.data - (sizeof(", ") - 1);

    if (ngx_lu_header_add(r, "Allow", &allow) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_api_refuse(r, NGX_HTTP_NOT_ALLOWED, "Method not allowed.");
}


static ngx_int_t
ngx_lu_api_me(ngx_lu_call_t *call)
{
    char                     *id;
    cJSON                    *json, *roles;
    u_char                    digest[32];
    lu_put_t                  put;
    ngx_lu_task_t            *task;
    const ngx_lu_api_role_t  *known;

    task = &call->task;

    ngx_memcpy(digest, call->token->digest, sizeof(digest));
    id = ngx_lu_task_uuid_of(task, digest, 8);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    /* tokens have names and no addresses; the CLI prints "email" */

    lu_put_string(&put, json, "id", id);
    lu_put_string(&put, json, "email", task->by);
    lu_put_string(&put, json, "name", task->by);

    roles = lu_put_array(&put, json, "roles");

    for (known = ngx_lu_api_roles; known->role; known++) {
        if (call->token->roles & known->role) {
            lu_put_string(&put, roles, NULL, known->name);
        }
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


static ngx_int_t
ngx_lu_api_login(ngx_lu_call_t *call)
{
    return ngx_lu_task_refuse(&call->task, NGX_HTTP_FORBIDDEN,
                              "This server has no login page: use a token "
                              "from its token file with \"login --token\" or "
                              "in CAPAWESOME_TOKEN.");
}


static ngx_int_t
ngx_lu_api_logout(ngx_lu_call_t *call)
{
    return NGX_HTTP_NO_CONTENT;
}
