
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * liveupdate_status: what was counted and what is on the disk, for programs
 * that watch (Prometheus) and for people (JSON, which the console reads).
 */


#include "api/ngx_lu_api.h"
#include "zone/ngx_lu_count.h"


static ngx_int_t ngx_http_liveupdate_status_refuse(ngx_http_request_t *r);
static ngx_int_t ngx_http_liveupdate_status_get(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_status_json(
    ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_snapshot_t *snapshot);
static cJSON *ngx_http_liveupdate_status_requests(
    ngx_http_liveupdate_snapshot_t *snapshot);
static cJSON *ngx_http_liveupdate_status_apps(
    ngx_http_liveupdate_snapshot_t *snapshot);
static cJSON *ngx_http_liveupdate_status_group(cJSON *array, const char *key,
    liveupdate_str_t *name, ngx_http_liveupdate_row_t *row);
static cJSON *ngx_http_liveupdate_status_build(
    ngx_http_liveupdate_row_t *row);
static cJSON *ngx_http_liveupdate_status_release(
    ngx_http_liveupdate_row_t *row);
static cJSON *ngx_http_liveupdate_status_checks(ngx_atomic_uint_t *counts);
static cJSON *ngx_http_liveupdate_status_desktop(ngx_atomic_uint_t *counts);
static ngx_int_t ngx_http_liveupdate_status_devices(cJSON *json,
    const char *key, ngx_http_liveupdate_row_t *row, double *devices);
static cJSON *ngx_http_liveupdate_status_releases(
    ngx_http_liveupdate_snapshot_t *snapshot);
static cJSON *ngx_http_liveupdate_status_refusals(
    ngx_http_liveupdate_snapshot_t *snapshot);
static cJSON *ngx_http_liveupdate_status_numbers(const char **names,
    ngx_atomic_t *values, ngx_uint_t n);
static cJSON *ngx_http_liveupdate_status_zone(
    ngx_http_liveupdate_snapshot_t *snapshot);
static ngx_int_t ngx_http_liveupdate_put(cJSON *json, const char *key,
    cJSON *value);
static ngx_int_t ngx_http_liveupdate_put_number(cJSON *json, const char *key,
    double value);


const char  *ngx_http_liveupdate_kind_names[] = {
    "",
    "check",
    "probe",
    "discovery",
    "artifact",
    "feed",
    "download",
    "api",
    "releases",
    "webhook",
    "status"
};


const char  *ngx_http_liveupdate_result_names[] = {
    "ok",
    "redirect",
    "not_modified",
    "invalid",
    "unauthorized",
    "forbidden",
    "not_found",
    "not_allowed",
    "conflict",
    "too_large",
    "refused",
    "limited",
    "closed",
    "failed"
};


const char  *ngx_http_liveupdate_load_names[] = {
    "loaded",
    "unchanged",
    "absent",
    "failed"
};


ngx_int_t
ngx_http_liveupdate_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    liveupdate_route_t               route;
    const liveupdate_token_t        *token;
    ngx_http_liveupdate_ctx_t       *ctx;
    ngx_http_liveupdate_call_t      *call;
    ngx_http_liveupdate_loc_conf_t  *lucf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_liveupdate_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_liveupdate_status_refuse(r);
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ngx_memzero(&route, sizeof(liveupdate_route_t));

    rc = ngx_http_liveupdate_authorize(r, &route,
                                       lucf->status_token
                                           ? LIVEUPDATE_ROLE_READ : 0,
                                       &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    call = ngx_http_liveupdate_call_create(r, &route, token,
                                           ngx_http_liveupdate_status_get);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->call = call;

    return ngx_http_liveupdate_call_run(r, call,
                                        NGX_HTTP_LIVEUPDATE_BODY_NONE);
}


static ngx_int_t
ngx_http_liveupdate_status_refuse(ngx_http_request_t *r)
{
    ngx_str_t  allow;

    ngx_str_set(&allow, "GET, HEAD");

    if (ngx_http_liveupdate_header(r, "Allow", &allow) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_liveupdate_send_message(r, NGX_HTTP_NOT_ALLOWED,
                                            "Method not allowed.");
}


static ngx_int_t
ngx_http_liveupdate_status_get(ngx_http_liveupdate_call_t *call)
{
    char                            *format;
    ngx_http_liveupdate_snapshot_t   snapshot;

    format = ngx_http_liveupdate_arg(call, "format");

    if (format
        && ngx_strcmp(format, "json") != 0
        && ngx_strcmp(format, "prometheus") != 0)
    {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_BAD_REQUEST,
                                          "\"format\" must be \"json\" or "
                                          "\"prometheus\".");
    }

    /* what was counted is told also if the disk cannot be read */

    ngx_http_liveupdate_scan(call);

    if (ngx_http_liveupdate_snapshot(call->store, call->io.pool,
                                     ngx_http_liveupdate_arg(call, "app"),
                                     call->token, &snapshot)
        != NGX_OK)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    if (format && ngx_strcmp(format, "json") == 0) {
        return ngx_http_liveupdate_status_json(call, &snapshot);
    }

    call->text_type = "text/plain; version=0.0.4; charset=utf-8";
    call->text = ngx_http_liveupdate_metrics(&snapshot);

    if (call->text == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    return NGX_HTTP_OK;
}


double
ngx_http_liveupdate_waiting(ngx_http_liveupdate_snapshot_t *snapshot)
{
    time_t  since;

    since = snapshot->numbers->scan.oldest;

    if (since == 0 || snapshot->now <= since) {
        return since ? 1 : 0;
    }

    return (double) (snapshot->now - since);
}


static ngx_int_t
ngx_http_liveupdate_status_json(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_snapshot_t *snapshot)
{
    cJSON                          *json, *other, *stages, *webhook;
    ngx_http_liveupdate_numbers_t  *numbers;

    numbers = snapshot->numbers;

    json = cJSON_CreateObject();

    call->answer = json;

    if (ngx_http_liveupdate_put(json, "time", cJSON_CreateString(call->now))
        != NGX_OK
        || ngx_http_liveupdate_put_number(json, "generation",
                                          snapshot->changes) != NGX_OK
        || ngx_http_liveupdate_put(json, "requests",
                     ngx_http_liveupdate_status_requests(snapshot)) != NGX_OK
        || ngx_http_liveupdate_put(json, "apps",
                     ngx_http_liveupdate_status_apps(snapshot)) != NGX_OK
        || ngx_http_liveupdate_put(json, "releases",
                     ngx_http_liveupdate_status_releases(snapshot)) != NGX_OK
        || ngx_http_liveupdate_put(json, "catalog",
                     ngx_http_liveupdate_status_numbers(
                                  ngx_http_liveupdate_load_names,
                                  numbers->loads, NGX_HTTP_LIVEUPDATE_LOADS))
           != NGX_OK
        || ngx_http_liveupdate_put(json, "zone",
                     ngx_http_liveupdate_status_zone(snapshot)) != NGX_OK)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    other = cJSON_AddObjectToObject(json, "other");
    stages = cJSON_AddObjectToObject(json, "stages");
    webhook = cJSON_AddObjectToObject(json, "webhook");

    if (ngx_http_liveupdate_put(other, "checks",
                     ngx_http_liveupdate_status_checks(snapshot->other))
        != NGX_OK
        || ngx_http_liveupdate_put(other, "desktop",
                     ngx_http_liveupdate_status_desktop(snapshot->other))
           != NGX_OK
        || ngx_http_liveupdate_put_number(stages, "staged", numbers->staged)
           != NGX_OK
        || ngx_http_liveupdate_put_number(stages, "failed",
                                          numbers->stages_failed) != NGX_OK
        || ngx_http_liveupdate_put_number(stages, "bytes",
                                          numbers->stage_bytes) != NGX_OK
        || ngx_http_liveupdate_put(webhook, "refusals",
                     ngx_http_liveupdate_status_refusals(snapshot)) != NGX_OK)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    return NGX_HTTP_OK;
}


static cJSON *
ngx_http_liveupdate_status_requests(ngx_http_liveupdate_snapshot_t *snapshot)
{
    cJSON                          *json, *kind;
    ngx_uint_t                      i, n;
    ngx_http_liveupdate_numbers_t  *numbers;

    numbers = snapshot->numbers;

    json = cJSON_CreateObject();

    for (i = NGX_HTTP_LIVEUPDATE_KIND_CHECK;
         i < NGX_HTTP_LIVEUPDATE_KINDS;
         i++)
    {
        if (i == NGX_HTTP_LIVEUPDATE_KIND_CHECK) {
            kind = ngx_http_liveupdate_status_checks(snapshot->checks);

            if (numbers->no_app) {
                (void) ngx_http_liveupdate_put_number(kind, "no_app",
                                                      numbers->no_app);
            }

        } else {
            kind = cJSON_CreateObject();
        }

        for (n = 0; n < NGX_HTTP_LIVEUPDATE_RESULTS; n++) {
            if (numbers->requests[i][n]) {
                (void) ngx_http_liveupdate_put_number(kind,
                                           ngx_http_liveupdate_result_names[n],
                                           numbers->requests[i][n]);
            }
        }

        if (ngx_http_liveupdate_put(json, ngx_http_liveupdate_kind_names[i],
                                    kind)
            != NGX_OK)
        {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_apps(ngx_http_liveupdate_snapshot_t *snapshot)
{
    cJSON                      *apps, *app, *channels, *channel, *releases,
                               *desktop;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_liveupdate_row_t  *row;

    apps = cJSON_CreateArray();

    row = snapshot->rows.elts;

    channels = NULL;
    releases = NULL;
    desktop = NULL;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        switch (row[i].level) {

        case NGX_HTTP_LIVEUPDATE_ROW_APP:
            app = ngx_http_liveupdate_status_group(apps, "app", &row[i].app,
                                                   &row[i]);

            channels = cJSON_AddArrayToObject(app, "channels");
            desktop = cJSON_AddArrayToObject(app, "desktop");

            rc = app ? NGX_OK : NGX_ERROR;
            break;

        case NGX_HTTP_LIVEUPDATE_ROW_CHANNEL:
            channel = ngx_http_liveupdate_status_group(channels, "channel",
                                                       &row[i].channel,
                                                       &row[i]);

            releases = cJSON_AddArrayToObject(channel, "releases");

            rc = channel ? NGX_OK : NGX_ERROR;
            break;

        case NGX_HTTP_LIVEUPDATE_ROW_RELEASE:
            rc = ngx_http_liveupdate_put(releases, NULL,
                                 ngx_http_liveupdate_status_release(&row[i]));
            break;

        default: /* NGX_HTTP_LIVEUPDATE_ROW_DESKTOP */
            rc = ngx_http_liveupdate_put(desktop, NULL,
                                 ngx_http_liveupdate_status_build(&row[i]));
            break;
        }

        if (rc != NGX_OK) {
            cJSON_Delete(apps);
            return NULL;
        }
    }

    return apps;
}


/* An app or a channel, in its array; NULL: out of memory. */

static cJSON *
ngx_http_liveupdate_status_group(cJSON *array, const char *key,
    liveupdate_str_t *name, ngx_http_liveupdate_row_t *row)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_http_liveupdate_put(json, key,
                                cJSON_CreateString((char *) name->data))
        != NGX_OK
        || ngx_http_liveupdate_status_devices(json, "devices", row,
                                              row->devices)
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return ngx_http_liveupdate_put(array, NULL, json) == NGX_OK ? json : NULL;
}


static cJSON *
ngx_http_liveupdate_status_build(ngx_http_liveupdate_row_t *row)
{
    cJSON  *json;

    json = ngx_http_liveupdate_status_desktop(row->counts);

    if (ngx_http_liveupdate_put(json, "release",
                             cJSON_CreateString((char *) row->release.data))
        != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_release(ngx_http_liveupdate_row_t *row)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_http_liveupdate_put(json, "release",
                             cJSON_CreateString((char *) row->release.data))
        != NGX_OK
        || ngx_http_liveupdate_status_devices(json, "devices", row,
                                              row->devices)
           != NGX_OK
        || ngx_http_liveupdate_status_devices(json, "running", row,
                                              row->running)
           != NGX_OK
        || ngx_http_liveupdate_put(json, "checks",
                             ngx_http_liveupdate_status_checks(row->counts))
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_checks(ngx_atomic_uint_t *counts)
{
    cJSON       *json;
    ngx_uint_t   i;

    json = cJSON_CreateObject();

    for (i = 0; i < NGX_HTTP_LIVEUPDATE_CHECKS; i++) {

        if (counts[i] == 0) {
            continue;
        }

        if (ngx_http_liveupdate_put_number(json,
                              (char *) ngx_http_liveupdate_results[i].data,
                              counts[i])
            != NGX_OK)
        {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_desktop(ngx_atomic_uint_t *counts)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_http_liveupdate_put_number(json, "manifests",
                                  counts[NGX_HTTP_LIVEUPDATE_COUNT_MANIFEST])
        != NGX_OK
        || ngx_http_liveupdate_put_number(json, "files",
                                  counts[NGX_HTTP_LIVEUPDATE_COUNT_FILE])
           != NGX_OK
        || ngx_http_liveupdate_put_number(json, "downloads",
                                  counts[NGX_HTTP_LIVEUPDATE_COUNT_DOWNLOAD])
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static ngx_int_t
ngx_http_liveupdate_status_devices(cJSON *json, const char *key,
    ngx_http_liveupdate_row_t *row, double *devices)
{
    cJSON  *item;

    if (!row->estimated) {
        return ngx_http_liveupdate_put(json, key, cJSON_CreateNull());
    }

    item = cJSON_CreateObject();

    if (ngx_http_liveupdate_put(json, key, item) != NGX_OK
        || ngx_http_liveupdate_put_number(item, "day", devices[0]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_liveupdate_put_number(item, "month", devices[1]);
}


static cJSON *
ngx_http_liveupdate_status_releases(ngx_http_liveupdate_snapshot_t *snapshot)
{
    cJSON                       *json;
    ngx_http_liveupdate_scan_t  *scan;

    scan = &snapshot->numbers->scan;

    json = cJSON_CreateObject();

    if (ngx_http_liveupdate_put(json, "states",
                  ngx_http_liveupdate_status_numbers(
                                              ngx_http_liveupdate_state_names,
                                              scan->states,
                                              NGX_HTTP_LIVEUPDATE_STATES))
        != NGX_OK
        || ngx_http_liveupdate_put(json, "oldestWaitingSeconds",
                  scan->oldest
                  ? cJSON_CreateNumber(ngx_http_liveupdate_waiting(snapshot))
                  : cJSON_CreateNull())
           != NGX_OK
        || ngx_http_liveupdate_put(json, "complete",
                                   cJSON_CreateBool(scan->complete != 0))
           != NGX_OK
        || ngx_http_liveupdate_put(json, "ageSeconds",
                  scan->at
                  ? cJSON_CreateNumber(ngx_max((ngx_atomic_int_t)
                                               (snapshot->now - scan->at), 0))
                  : cJSON_CreateNull())
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_refusals(ngx_http_liveupdate_snapshot_t *snapshot)
{
    ngx_atomic_t  *requests;

    requests = snapshot->numbers->requests[NGX_HTTP_LIVEUPDATE_KIND_WEBHOOK];

    return ngx_http_liveupdate_status_numbers(
               &ngx_http_liveupdate_result_names[
                                         NGX_HTTP_LIVEUPDATE_RESULT_INVALID],
               &requests[NGX_HTTP_LIVEUPDATE_RESULT_INVALID],
               NGX_HTTP_LIVEUPDATE_RESULTS
               - NGX_HTTP_LIVEUPDATE_RESULT_INVALID);
}


static cJSON *
ngx_http_liveupdate_status_numbers(const char **names, ngx_atomic_t *values,
    ngx_uint_t n)
{
    cJSON       *json;
    ngx_uint_t   i;

    json = cJSON_CreateObject();

    for (i = 0; i < n; i++) {
        if (ngx_http_liveupdate_put_number(json, names[i], values[i])
            != NGX_OK)
        {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
ngx_http_liveupdate_status_zone(ngx_http_liveupdate_snapshot_t *snapshot)
{
    cJSON                        *json;
    ngx_http_liveupdate_count_t  *count;

    count = snapshot->numbers->count;

    json = cJSON_CreateObject();

    if (ngx_http_liveupdate_put_number(json, "size", count->size) != NGX_OK
        || ngx_http_liveupdate_put_number(json, "free", snapshot->free)
           != NGX_OK
        || ngx_http_liveupdate_put_number(json, "series", snapshot->series)
           != NGX_OK
        || ngx_http_liveupdate_put_number(json, "seriesMax", count->nseries)
           != NGX_OK
        || ngx_http_liveupdate_put_number(json, "sketches",
                                          snapshot->sketches)
           != NGX_OK
        || ngx_http_liveupdate_put_number(json, "sketchesMax",
                                          count->nsketches)
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


/*
 * To an object, or to an array, that takes the value, whatever comes of it.
 * Either may be NULL for want of memory.
 */

static ngx_int_t
ngx_http_liveupdate_put(cJSON *json, const char *key, cJSON *value)
{
    if (json == NULL || value == NULL
        || !(key ? cJSON_AddItemToObject(json, key, value)
                 : cJSON_AddItemToArray(json, value)))
    {
        cJSON_Delete(value);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_put_number(cJSON *json, const char *key, double value)
{
    return ngx_http_liveupdate_put(json, key, cJSON_CreateNumber(value));
}
