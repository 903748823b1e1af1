
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Who asks for a build: a signed webhook, or somebody with a token.  What is
 * answered is on the disk; the rest is a job's.
 */


#include "ngx_http_liveupdate.h"

#include "liveupdate_webhook.h"


#define NGX_HTTP_LIVEUPDATE_DELIVERY_ID  64


/* How a service signs. */

typedef struct {
    ngx_str_t                       signature;   /* the header */
    const char                     *prefix;      /* of its value */
    const char                     *by;
    const char                     *message;
} ngx_http_liveupdate_service_t;


static ngx_int_t ngx_http_liveupdate_webhook_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);
static ngx_int_t ngx_http_liveupdate_webhook_header(ngx_http_request_t *r,
    const ngx_str_t *name, liveupdate_str_t *value);
static ngx_int_t ngx_http_liveupdate_webhook_post(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_webhook_verify(
    ngx_http_liveupdate_call_t *call, liveupdate_str_t *text);
static ngx_int_t ngx_http_liveupdate_todesktop_event(
    ngx_http_liveupdate_call_t *call);
static ngx_uint_t ngx_http_liveupdate_webhook_has_app(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_webhook_facts(
    ngx_http_liveupdate_call_t *call, const liveupdate_webhook_t *webhook,
    cJSON *release);
static cJSON *ngx_http_liveupdate_request_release(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_request(ngx_http_liveupdate_call_t *call,
    cJSON *release);
static ngx_int_t ngx_http_liveupdate_request_live(
    ngx_http_liveupdate_call_t *call, const cJSON *release);
static ngx_int_t ngx_http_liveupdate_request_now(
    ngx_http_liveupdate_call_t *call, u_char *folder, cJSON *is);
static ngx_int_t ngx_http_liveupdate_request_write(
    ngx_http_liveupdate_call_t *call, u_char *folder, cJSON *release);
static ngx_int_t ngx_http_liveupdate_request_job(
    ngx_http_liveupdate_call_t *call, const char *state);
static ngx_int_t ngx_http_liveupdate_request_done(
    ngx_http_liveupdate_call_t *call, const char *state);
static ngx_int_t ngx_http_liveupdate_request_platforms(
    ngx_http_liveupdate_call_t *call, cJSON *release);


static const ngx_http_liveupdate_service_t  ngx_http_liveupdate_todesktop = {
    ngx_string("X-ToDesktop-HMAC-SHA256"), "", "todesktop",
    "The request needs one header X-ToDesktop-HMAC-SHA256, the HMAC of its "
    "body in hex."
};

static const ngx_http_liveupdate_service_t  ngx_http_liveupdate_github_com = {
    ngx_string("X-Hub-Signature-256"), "sha256=", "github",
    "The request needs one header X-Hub-Signature-256, \"sha256=\" and the "
    "HMAC of its body in hex."
};

static const ngx_str_t  ngx_http_liveupdate_event_header =
    ngx_string("X-GitHub-Event");

static const ngx_str_t  ngx_http_liveupdate_id_header =
    ngx_string("X-GitHub-Delivery");


ngx_int_t
ngx_http_liveupdate_webhook_handler(ngx_http_request_t *r)
{
    ngx_str_t                        allow;
    liveupdate_route_t               route;
    ngx_http_liveupdate_ctx_t       *ctx;
    ngx_http_liveupdate_call_t      *call;
    ngx_http_liveupdate_delivery_t  *delivery;
    ngx_http_liveupdate_loc_conf_t  *lucf;

    const ngx_http_liveupdate_service_t  *service;

    if (r->method != NGX_HTTP_POST) {
        ngx_str_set(&allow, "POST");

        if (ngx_http_liveupdate_header(r, "Allow", &allow) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_liveupdate_webhook_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                                  "Method not allowed.");
    }

    delivery = ngx_pcalloc(r->pool, sizeof(ngx_http_liveupdate_delivery_t));
    ctx = ngx_http_liveupdate_get_ctx(r);

    if (delivery == NULL || ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    delivery->conf = lucf->webhook;
    delivery->github = lucf->github;

    service = lucf->webhook->is_github ? &ngx_http_liveupdate_github_com
                                       : &ngx_http_liveupdate_todesktop;

    if (ngx_http_liveupdate_webhook_header(r, &service->signature,
                                           &delivery->signature)
        != NGX_OK)
    {
        return ngx_http_liveupdate_webhook_refuse(r, NGX_HTTP_UNAUTHORIZED,
                                                  service->message);
    }

    if (lucf->webhook->is_github
        && (ngx_http_liveupdate_webhook_header(r,
                                          &ngx_http_liveupdate_event_header,
                                          &delivery->event)
            != NGX_OK
            || ngx_http_liveupdate_webhook_header(r,
                                          &ngx_http_liveupdate_id_header,
                                          &delivery->id)
               != NGX_OK
            || delivery->id.len > NGX_HTTP_LIVEUPDATE_DELIVERY_ID))
    {
        return ngx_http_liveupdate_webhook_refuse(r, NGX_HTTP_BAD_REQUEST,
                                     "The request needs one header "
                                     "X-GitHub-Event and one "
                                     "X-GitHub-Delivery.");
    }

    ngx_memzero(&route, sizeof(liveupdate_route_t));
    route.resource = LIVEUPDATE_ROUTE_RELEASE;

    call = ngx_http_liveupdate_call_create(r, &route, NULL,
                                           ngx_http_liveupdate_webhook_post);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->by = service->by;
    call->data = delivery;

    ctx->call = call;

    return ngx_http_liveupdate_call_run(r, call,
                                        NGX_HTTP_LIVEUPDATE_BODY_TEXT);
}


static ngx_int_t
ngx_http_liveupdate_webhook_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_int_t  rc;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "webhook refused with %ui: %s", status, text);

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_http_liveupdate_send_message(r, status, text)
                        : rc;
}


/* NGX_DECLINED: there is none, an empty one, or more than one. */

static ngx_int_t
ngx_http_liveupdate_webhook_header(ngx_http_request_t *r,
    const ngx_str_t *name, liveupdate_str_t *value)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != name->len
            || ngx_strncasecmp(h[i].key.data, name->data, name->len) != 0)
        {
            continue;
        }

        if (value->data) {
            return NGX_DECLINED;
        }

        value->len = h[i].value.len;
        value->data = h[i].value.data;
    }

    return value->len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_liveupdate_webhook_post(ngx_http_liveupdate_call_t *call)
{
    ngx_int_t                        status;
    liveupdate_rc_e                  rc;
    liveupdate_str_t                 text;
    ngx_http_liveupdate_delivery_t  *delivery;

    status = ngx_http_liveupdate_webhook_verify(call, &text);
    if (status != NGX_OK) {
        return status;
    }

    rc = liveupdate_json_parse(&call->json, &text, &call->error);

    if (rc != LIVEUPDATE_OK) {
        return (rc == LIVEUPDATE_NOMEM) ? ngx_http_liveupdate_nomem(call)
                                        : NGX_HTTP_BAD_REQUEST;
    }

    delivery = call->data;

    if (delivery->conf->is_github) {
        return ngx_http_liveupdate_github_event(call);
    }

    return ngx_http_liveupdate_todesktop_event(call);
}


static ngx_int_t
ngx_http_liveupdate_todesktop_event(ngx_http_liveupdate_call_t *call)
{
    cJSON                 *release;
    ngx_int_t              status;
    liveupdate_rc_e        rc;
    liveupdate_arena_t     arena;
    liveupdate_webhook_t   webhook;

    arena = ngx_http_liveupdate_arena(call->io.pool);

    rc = liveupdate_webhook_parse(&arena, call->json, &webhook, &call->error);

    if (rc != LIVEUPDATE_OK) {
        return (rc == LIVEUPDATE_NOMEM) ? ngx_http_liveupdate_nomem(call)
                                        : NGX_HTTP_BAD_REQUEST;
    }

    call->route.app = webhook.app_id;
    call->route.id = webhook.build_id;

    if (!ngx_http_liveupdate_webhook_has_app(call)) {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_FORBIDDEN,
                                          "This webhook is not for this "
                                          "app.");
    }

    status = ngx_http_liveupdate_app_ensure(call,
                 liveupdate_label_valid(&webhook.app_name)
                 ? (char *) webhook.app_name.data
                 : (char *) webhook.app_id.data);

    if (status != NGX_OK) {
        return status;
    }

    release = ngx_http_liveupdate_request_release(call);

    if (release == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    status = ngx_http_liveupdate_webhook_facts(call, &webhook, release);

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_request(call, release);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_webhook_verify(ngx_http_liveupdate_call_t *call,
    liveupdate_str_t *text)
{
    ngx_int_t                        status;
    const char                      *prefix;
    liveupdate_arena_t               arena;
    liveupdate_hmac_t               *hmac;
    ngx_http_liveupdate_delivery_t  *delivery;

    delivery = call->data;

    status = ngx_http_liveupdate_body_text(call, text);
    if (status != NGX_OK) {
        return status;
    }

    arena = ngx_http_liveupdate_arena(call->io.pool);

    hmac = liveupdate_hmac_create(&arena, delivery->conf->secrets.elts,
                                  delivery->conf->secrets.nelts);
    if (hmac == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    liveupdate_hmac_update(hmac, text->data, text->len);

    prefix = delivery->conf->is_github ? ngx_http_liveupdate_github_com.prefix
                                       : ngx_http_liveupdate_todesktop.prefix;

    if (!liveupdate_hmac_verify(hmac, &delivery->signature, prefix)) {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_UNAUTHORIZED,
                                          "The signature is not that of the "
                                          "body.");
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_liveupdate_webhook_has_app(ngx_http_liveupdate_call_t *call)
{
    ngx_str_t                       *app;
    ngx_uint_t                       i;
    ngx_http_liveupdate_delivery_t  *delivery;

    delivery = call->data;

    if (delivery->conf->apps.nelts == 0) {
        return 1;
    }

    app = delivery->conf->apps.elts;

    for (i = 0; i < delivery->conf->apps.nelts; i++) {
        if (app[i].len == call->route.app.len
            && ngx_memcmp(app[i].data, call->route.app.data, app[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_liveupdate_webhook_facts(ngx_http_liveupdate_call_t *call,
    const liveupdate_webhook_t *webhook, cJSON *release)
{
    cJSON       *info;
    ngx_uint_t   i;

    const struct {
        const char              *key;
        const liveupdate_str_t  *value;
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
        && !liveupdate_label_valid(&webhook->app_version))
    {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_BAD_REQUEST,
                                          "\"appVersion\" is not a version: "
                                          "up to 128 bytes of text.");
    }

    for (i = 0; facts[i].key; i++) {
        if (facts[i].value->len
            && cJSON_AddStringToObject(release, facts[i].key,
                                       (char *) facts[i].value->data)
               == NULL)
        {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    if (webhook->release_info == NULL) {
        return NGX_OK;
    }

    info = cJSON_Duplicate(webhook->release_info, 1);

    return liveupdate_json_set(release, "releaseInfo", info) == LIVEUPDATE_OK
           ? NGX_OK : ngx_http_liveupdate_nomem(call);
}


ngx_int_t
ngx_http_liveupdate_release_fetch_post(ngx_http_liveupdate_call_t *call)
{
    cJSON      *release, *info;
    ngx_int_t   status;

    if (call->store->jobs == NULL) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "This server fetches nothing: "
                                          "\"liveupdate_fetch\" is not "
                                          "configured.");
    }

    status = ngx_http_liveupdate_app_ensure(call,
                                            (char *) call->route.app.data);
    if (status != NGX_OK) {
        return status;
    }

    release = ngx_http_liveupdate_request_release(call);
    info = cJSON_AddObjectToObject(release, "releaseInfo");

    if (cJSON_AddStringToObject(info, "latestReleaseBuildId",
                                (char *) call->route.id.data)
        == NULL)
    {
        cJSON_Delete(release);
        return ngx_http_liveupdate_nomem(call);
    }

    status = ngx_http_liveupdate_request_platforms(call, release);

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_request(call, release);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_request_platforms(ngx_http_liveupdate_call_t *call,
    cJSON *release)
{
    cJSON             *list, *item;
    liveupdate_str_t   name;

    list = cJSON_GetObjectItemCaseSensitive(call->json, "platforms");

    if (list == NULL || cJSON_IsNull(list)) {
        return NGX_OK;
    }

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        goto invalid;
    }

    cJSON_ArrayForEach(item, list) {
        if (liveupdate_json_value(item, &name) != LIVEUPDATE_OK
            || (!liveupdate_str_is(&name, "windows")
                && !liveupdate_str_is(&name, "mac")
                && !liveupdate_str_is(&name, "linux")))
        {
            goto invalid;
        }
    }

    return liveupdate_json_set(release, "platforms", cJSON_Duplicate(list, 1))
           == LIVEUPDATE_OK
           ? NGX_OK : ngx_http_liveupdate_nomem(call);

invalid:

    return ngx_http_liveupdate_refuse(call, 422,
                                      "\"platforms\" is a list of "
                                      "\"windows\", \"mac\" and \"linux\".");
}


static cJSON *
ngx_http_liveupdate_request_release(ngx_http_liveupdate_call_t *call)
{
    cJSON  *release;

    release = cJSON_CreateObject();

    if (cJSON_AddStringToObject(release, "id", (char *) call->route.id.data)
        == NULL
        || cJSON_AddStringToObject(release, "app",
                                   (char *) call->route.app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", "desktop") == NULL
        || cJSON_AddStringToObject(release, "state", "fetching") == NULL
        || cJSON_AddStringToObject(release, "createdBy", call->by) == NULL
        || cJSON_AddStringToObject(release, "createdAt", call->now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt", call->now) == NULL)
    {
        cJSON_Delete(release);
        return NULL;
    }

    return release;
}


/*
 * A release is asked for once: whoever asks again is told how far it is, and
 * one that has failed is tried again.
 */

static ngx_int_t
ngx_http_liveupdate_request(ngx_http_liveupdate_call_t *call, cJSON *release)
{
    cJSON             *is;
    u_char            *path, *folder;
    ngx_fd_t           lock;
    ngx_int_t          rc, status;
    liveupdate_str_t   state, kind;

    call->change = NULL;
    call->subject = (char *) call->route.id.data;

    folder = ngx_http_liveupdate_path(call->io.pool, "%V/staging/%s/%s",
                                      &call->store->path,
                                      call->route.app.data, call->subject);
    path = ngx_http_liveupdate_path(call->io.pool, "%V/live/%s/%s",
                                    &call->store->path, call->route.app.data,
                                    call->subject);

    if (path == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    if (access((char *) path, F_OK) == 0) {
        return ngx_http_liveupdate_request_live(call, release);
    }

    if (ngx_http_liveupdate_store_mkdir(&call->io, folder) == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    rc = ngx_http_liveupdate_store_lock(&call->io,
                         ngx_http_liveupdate_path(call->io.pool, "%s/lock",
                                                  folder),
                         &lock);

    if (rc == NGX_DECLINED) {

        /* promoted at this very moment */

        return ngx_http_liveupdate_request_live(call, release);
    }

    if (rc != NGX_OK) {
        return ngx_http_liveupdate_failed(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    rc = ngx_http_liveupdate_store_read_json(&call->io, path, &is);

    if (rc == NGX_ERROR) {
        status = ngx_http_liveupdate_failed(call);
        goto done;
    }

    if (rc == NGX_DECLINED) {

        /* what lies there already was verified by nobody */

        status = ngx_http_liveupdate_staging_clean(call, folder, "uploads");

        if (status == NGX_OK) {
            status = ngx_http_liveupdate_request_write(call, folder, release);
        }

        goto done;
    }

    ngx_str_null(&state);

    (void) liveupdate_json_string(is, "state", &state);

    if (liveupdate_json_string(is, "kind", &kind) != LIVEUPDATE_OK
        || !liveupdate_str_is(&kind, "desktop"))
    {
        status = ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                            "There is a bundle with this "
                                            "id.");

    } else if (liveupdate_str_is(&state, "failed")) {
        status = ngx_http_liveupdate_request_write(call, folder, release);

    } else if (liveupdate_str_is(&state, "fetching")) {
        status = ngx_http_liveupdate_request_now(call, folder, is);

    } else {
        status = ngx_http_liveupdate_request_done(call, (char *) state.data);
    }

    cJSON_Delete(is);

done:

    ngx_http_liveupdate_store_unlock(lock);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_request_live(ngx_http_liveupdate_call_t *call,
    const cJSON *release)
{
    cJSON       *app;
    ngx_int_t    status;
    const char  *state;

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_http_liveupdate_release_state(app, release, "live");

    cJSON_Delete(app);

    return ngx_http_liveupdate_request_done(call, state);
}


/* Whoever asks again knows that the origin is back: it is not waited for. */

static ngx_int_t
ngx_http_liveupdate_request_now(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *is)
{
    if (cJSON_GetObjectItemCaseSensitive(is, "nextAttemptAt") == NULL) {
        return ngx_http_liveupdate_request_job(call, "fetching");
    }

    cJSON_DeleteItemFromObjectCaseSensitive(is, "nextAttemptAt");

    return ngx_http_liveupdate_request_write(call, folder, is);
}


/* The job's file comes first: without a release it is nothing. */

static ngx_int_t
ngx_http_liveupdate_request_write(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release)
{
    u_char            *path;
    ngx_int_t          status;
    liveupdate_str_t   state;

    (void) liveupdate_json_string(release, "state", &state);

    status = ngx_http_liveupdate_request_job(call, (char *) state.data);

    if (status != NGX_HTTP_ACCEPTED) {
        return status;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_HTTP_ACCEPTED;
}


static ngx_int_t
ngx_http_liveupdate_request_job(ngx_http_liveupdate_call_t *call,
    const char *state)
{
    ngx_int_t   status;
    u_char     *path;

    path = ngx_http_liveupdate_path(call->io.pool, "%V/jobs/%s.%s",
                                    &call->store->path,
                                    call->route.app.data, call->subject);

    if (ngx_http_liveupdate_store_touch(&call->io, path) != NGX_OK) {
        return ngx_http_liveupdate_failed(call);
    }

    call->wake = 1;

    status = ngx_http_liveupdate_request_done(call, state);

    return status == NGX_HTTP_OK ? NGX_HTTP_ACCEPTED : status;
}


static ngx_int_t
ngx_http_liveupdate_request_done(ngx_http_liveupdate_call_t *call,
    const char *state)
{
    if (call->base_url.len) {
        call->location = ngx_http_liveupdate_path(call->io.pool,
                                                  "%V/releases/%s/%s",
                                                  &call->base_url,
                                                  call->route.app.data,
                                                  call->subject);
    }

    return ngx_http_liveupdate_release_done(call, state);
}


/* POST .../retry: the release stays what it was asked for. */

ngx_int_t
ngx_http_liveupdate_release_retry_post(ngx_http_liveupdate_call_t *call)
{
    cJSON             *release;
    u_char            *folder;
    ngx_fd_t           lock;
    ngx_int_t          status;
    ngx_uint_t         waits;
    liveupdate_str_t   kind, state;

    call->subject = (char *) call->route.id.data;

    status = ngx_http_liveupdate_bundle_hold(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_http_liveupdate_release_read(call, call->subject, &release,
                                              &folder);
    if (status != NGX_OK) {
        ngx_http_liveupdate_store_unlock(lock);
        return status;
    }

    ngx_str_null(&state);
    (void) liveupdate_json_string(release, "state", &state);

    /* a staged one may wait for its pull request */

    waits = (liveupdate_str_is(&state, "staged")
             && call->store->jobs
             && call->store->jobs->github_approves);

    if (call->store->jobs == NULL
        || liveupdate_json_string(release, "kind", &kind) != LIVEUPDATE_OK
        || !liveupdate_str_is(&kind, "desktop")
        || !(waits || liveupdate_str_is(&state, "failed")))
    {
        status = ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                            "Only a desktop release that has "
                                            "failed can be fetched again.");

    } else if ((!waits
                && liveupdate_json_set_string(release, "state", "fetching")
                   != LIVEUPDATE_OK)
               || liveupdate_json_set_string(release, "updatedAt", call->now)
                  != LIVEUPDATE_OK)
    {
        status = ngx_http_liveupdate_nomem(call);

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release, "nextAttemptAt");

        status = ngx_http_liveupdate_request_write(call, folder, release);
    }

    cJSON_Delete(release);
    ngx_http_liveupdate_store_unlock(lock);

    return status;
}
