
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * liveupdate_status: what was counted and what is on the disk, for programs
 * that watch (Prometheus) and for people (JSON, which the console reads).
 */


#include "ngx_lu_metrics.h"
#include "ngx_lu_scan.h"
#include "ngx_lu_snapshot.h"
#include "ngx_lu_status.h"

#include "zone/ngx_lu_count.h"
#include "write/ngx_lu_task.h"
#include "api/ngx_lu_api.h"
#include "api/ngx_lu_arg.h"
#include "api/ngx_lu_call.h"

#include "core/lu_json.h"
#include "core/lu_route.h"


static ngx_int_t ngx_lu_status_refuse(ngx_http_request_t *r);
static ngx_int_t ngx_lu_status_get(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_status_json(ngx_lu_call_t *call,
    ngx_lu_snapshot_t *snapshot);
static cJSON *ngx_lu_status_requests(ngx_lu_snapshot_t *snapshot);
static cJSON *ngx_lu_status_apps(ngx_lu_snapshot_t *snapshot);
static cJSON *ngx_lu_status_group(cJSON *array, const char *key,
    lu_str_t *name, ngx_lu_row_t *row);
static cJSON *ngx_lu_status_build(
    ngx_lu_row_t *row);
static cJSON *ngx_lu_status_release(ngx_lu_row_t *row);
static cJSON *ngx_lu_status_checks(ngx_atomic_uint_t *counts);
static cJSON *ngx_lu_status_desktop(ngx_atomic_uint_t *counts);
static ngx_int_t ngx_lu_status_devices(cJSON *json, const char *key,
    ngx_lu_row_t *row, double *devices);
static cJSON *ngx_lu_status_releases(ngx_lu_snapshot_t *snapshot);
static cJSON *ngx_lu_status_refusals(ngx_lu_snapshot_t *snapshot);
static cJSON *ngx_lu_status_numbers(const char **names, ngx_atomic_t *values,
    ngx_uint_t n);
static cJSON *ngx_lu_status_zone(ngx_lu_snapshot_t *snapshot);
static ngx_int_t ngx_lu_put(cJSON *json, const char *key, cJSON *value);
static ngx_int_t ngx_lu_put_number(cJSON *json, const char *key, double value);


ngx_int_t
ngx_lu_status_handler(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    lu_route_t          route;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_call_t      *call;
    const lu_token_t   *token;
    ngx_lu_loc_conf_t  *lucf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_lu_status_refuse(r);
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ngx_memzero(&route, sizeof(lu_route_t));

    rc = ngx_lu_api_authorize(r, &route,
                          lucf->status_token
                              ? LU_ROLE_READ : 0,
                          &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    call = ngx_lu_call_create(r, &route, token, ngx_lu_status_get);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->call = call;

    return ngx_lu_call_run(r, call, NGX_LU_BODY_NONE);
}


static ngx_int_t
ngx_lu_status_refuse(ngx_http_request_t *r)
{
    ngx_str_t  allow;

    ngx_str_set(&allow, "GET, HEAD");

    if (ngx_lu_header_add(r, "Allow", &allow) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_lu_reply_message(r, NGX_HTTP_NOT_ALLOWED, "Method not allowed.");
}


static ngx_int_t
ngx_lu_status_get(ngx_lu_call_t *call)
{
    char              *format;
    ngx_lu_snapshot_t  snapshot;

    format = ngx_lu_arg(call, "format");

    if (format
        && ngx_strcmp(format, "json") != 0
        && ngx_strcmp(format, "prometheus") != 0)
    {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                             "\"format\" must be \"json\" or \"prometheus\".");
    }

    /* what was counted is told also if the disk cannot be read */

    ngx_lu_scan(call);

    if (ngx_lu_snapshot(call->task.store, call->task.io.pool,
                        ngx_lu_arg(call, "app"),
                        call->token, &snapshot)
        != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    if (format && ngx_strcmp(format, "json") == 0) {
        return ngx_lu_status_json(call, &snapshot);
    }

    call->text_type = "text/plain; version=0.0.4; charset=utf-8";
    call->text = ngx_lu_metrics(&snapshot);

    if (call->text == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_status_json(ngx_lu_call_t *call, ngx_lu_snapshot_t *snapshot)
{
    cJSON             *json, *other, *stages, *webhook;
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    json = cJSON_CreateObject();

    call->answer = json;

    if (ngx_lu_put(json, "time", cJSON_CreateString(call->task.now)) != NGX_OK
        || ngx_lu_put_number(json, "generation", snapshot->changes) != NGX_OK
        || ngx_lu_put(json, "requests",
                      ngx_lu_status_requests(snapshot)) != NGX_OK
        || ngx_lu_put(json, "apps", ngx_lu_status_apps(snapshot)) != NGX_OK
        || ngx_lu_put(json, "releases",
                      ngx_lu_status_releases(snapshot)) != NGX_OK
        || ngx_lu_put(json, "catalog",
                      ngx_lu_status_numbers(ngx_lu_count_loads, numbers->loads,
                     NGX_LU_LOADS)) != NGX_OK
        || ngx_lu_put(json, "zone", ngx_lu_status_zone(snapshot)) != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    other = cJSON_AddObjectToObject(json, "other");
    stages = cJSON_AddObjectToObject(json, "stages");
    webhook = cJSON_AddObjectToObject(json, "webhook");

    if (ngx_lu_put(other, "checks", ngx_lu_status_checks(snapshot->other))
        != NGX_OK
        || ngx_lu_put(other, "desktop", ngx_lu_status_desktop(snapshot->other))
           != NGX_OK
        || ngx_lu_put_number(stages, "staged", numbers->staged) != NGX_OK
        || ngx_lu_put_number(stages, "failed",
                             numbers->stages_failed) != NGX_OK
        || ngx_lu_put_number(stages, "bytes", numbers->stage_bytes) != NGX_OK
        || ngx_lu_put(webhook, "refusals",
                   ngx_lu_status_refusals(snapshot)) != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static cJSON *
ngx_lu_status_requests(ngx_lu_snapshot_t *snapshot)
{
    cJSON             *json, *kind;
    ngx_uint_t         i, n;
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    json = cJSON_CreateObject();

    for (i = NGX_LU_KIND_CHECK; i < NGX_LU_KINDS; i++) {
        if (i == NGX_LU_KIND_CHECK) {
            kind = ngx_lu_status_checks(snapshot->checks);

            if (numbers->no_app) {
                (void) ngx_lu_put_number(kind, "no_app", numbers->no_app);
            }

        } else {
            kind = cJSON_CreateObject();
        }

        for (n = 0; n < NGX_LU_RESULTS; n++) {
            if (numbers->requests[i][n]) {
                (void) ngx_lu_put_number(kind, ngx_lu_count_results[n],
                                         numbers->requests[i][n]);
            }
        }

        if (ngx_lu_put(json, ngx_lu_count_kinds[i], kind) != NGX_OK) {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
ngx_lu_status_apps(ngx_lu_snapshot_t *snapshot)
{
    cJSON                      *apps, *app, *channels, *channel, *releases,
                               *desktop;
    ngx_int_t      rc;
    ngx_uint_t     i;
    ngx_lu_row_t  *row;

    apps = cJSON_CreateArray();

    row = snapshot->rows.elts;

    channels = NULL;
    releases = NULL;
    desktop = NULL;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        switch (row[i].level) {

        case NGX_LU_ROW_APP:
            app = ngx_lu_status_group(apps, "app", &row[i].app, &row[i]);

            channels = cJSON_AddArrayToObject(app, "channels");
            desktop = cJSON_AddArrayToObject(app, "desktop");

            rc = app ? NGX_OK : NGX_ERROR;
            break;

        case NGX_LU_ROW_CHANNEL:
            channel = ngx_lu_status_group(channels, "channel", &row[i].channel,
                                          &row[i]);

            releases = cJSON_AddArrayToObject(channel, "releases");

            rc = channel ? NGX_OK : NGX_ERROR;
            break;

        case NGX_LU_ROW_RELEASE:
            rc = ngx_lu_put(releases, NULL, ngx_lu_status_release(&row[i]));
            break;

        default: /* NGX_LU_ROW_DESKTOP */
            rc = ngx_lu_put(desktop, NULL, ngx_lu_status_build(&row[i]));
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
ngx_lu_status_group(cJSON *array, const char *key, lu_str_t *name,
    ngx_lu_row_t *row)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_lu_put(json, key,
                   cJSON_CreateString((char *) name->data))
        != NGX_OK
        || ngx_lu_status_devices(json, "devices", row,
                                 row->devices)
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return ngx_lu_put(array, NULL, json) == NGX_OK ? json : NULL;
}


static cJSON *
ngx_lu_status_build(ngx_lu_row_t *row)
{
    cJSON  *json;

    json = ngx_lu_status_desktop(row->counts);

    if (ngx_lu_put(json, "release",
                   cJSON_CreateString((char *) row->release.data)) != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
ngx_lu_status_release(ngx_lu_row_t *row)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_lu_put(json, "release",
                   cJSON_CreateString((char *) row->release.data))
        != NGX_OK
        || ngx_lu_status_devices(json, "devices", row,
                                 row->devices)
           != NGX_OK
        || ngx_lu_status_devices(json, "running", row,
                                 row->running)
           != NGX_OK
        || ngx_lu_put(json, "checks",
                   ngx_lu_status_checks(row->counts))
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
ngx_lu_status_checks(ngx_atomic_uint_t *counts)
{
    cJSON      *json;
    ngx_uint_t  i;

    json = cJSON_CreateObject();

    for (i = 0; i < NGX_LU_CHECKS; i++) {

        if (counts[i] == 0) {
            continue;
        }

        if (ngx_lu_put_number(json,
                              (char *) ngx_lu_count_checks[i].data,
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
ngx_lu_status_desktop(ngx_atomic_uint_t *counts)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    if (ngx_lu_put_number(json, "manifests", counts[NGX_LU_COUNT_MANIFEST])
        != NGX_OK
        || ngx_lu_put_number(json, "files", counts[NGX_LU_COUNT_FILE])
           != NGX_OK
        || ngx_lu_put_number(json, "downloads", counts[NGX_LU_COUNT_DOWNLOAD])
           != NGX_OK)
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static ngx_int_t
ngx_lu_status_devices(cJSON *json, const char *key, ngx_lu_row_t *row,
    double *devices)
{
    cJSON  *item;

    if (!row->estimated) {
        return ngx_lu_put(json, key, cJSON_CreateNull());
    }

    item = cJSON_CreateObject();

    if (ngx_lu_put(json, key, item) != NGX_OK
        || ngx_lu_put_number(item, "day", devices[0]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_put_number(item, "month", devices[1]);
}


static cJSON *
ngx_lu_status_releases(ngx_lu_snapshot_t *snapshot)
{
    cJSON          *json;
    ngx_lu_scan_t  *scan;

    scan = &snapshot->numbers->scan;

    json = cJSON_CreateObject();

    if (ngx_lu_put(json, "states",
                   ngx_lu_status_numbers(
                                 ngx_lu_scan_states,
                                 scan->states,
                                 NGX_LU_STATES))
        != NGX_OK
        || ngx_lu_put(json, "oldestWaitingSeconds",
                   scan->oldest
                   ? cJSON_CreateNumber(ngx_lu_snapshot_waiting(snapshot))
                   : cJSON_CreateNull())
           != NGX_OK
        || ngx_lu_put(json, "complete",
                      cJSON_CreateBool(scan->complete != 0))
           != NGX_OK
        || ngx_lu_put(json, "ageSeconds",
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
ngx_lu_status_refusals(ngx_lu_snapshot_t *snapshot)
{
    ngx_atomic_t  *requests;

    requests = snapshot->numbers->requests[NGX_LU_KIND_WEBHOOK];

    return ngx_lu_status_numbers(
                                 &ngx_lu_count_results[
                                                       NGX_LU_RESULT_INVALID],
                                 &requests[NGX_LU_RESULT_INVALID],
                                 NGX_LU_RESULTS - NGX_LU_RESULT_INVALID);
}


static cJSON *
ngx_lu_status_numbers(const char **names, ngx_atomic_t *values, ngx_uint_t n)
{
    cJSON      *json;
    ngx_uint_t  i;

    json = cJSON_CreateObject();

    for (i = 0; i < n; i++) {
        if (ngx_lu_put_number(json, names[i], values[i]) != NGX_OK) {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
ngx_lu_status_zone(ngx_lu_snapshot_t *snapshot)
{
    cJSON           *json;
    ngx_lu_count_t  *count;

    count = snapshot->numbers->count;

    json = cJSON_CreateObject();

    if (ngx_lu_put_number(json, "size", count->size) != NGX_OK
        || ngx_lu_put_number(json, "free", snapshot->free)
           != NGX_OK
        || ngx_lu_put_number(json, "series", snapshot->series)
           != NGX_OK
        || ngx_lu_put_number(json, "seriesMax", count->nseries)
           != NGX_OK
        || ngx_lu_put_number(json, "sketches",
                             snapshot->sketches)
           != NGX_OK
        || ngx_lu_put_number(json, "sketchesMax",
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
ngx_lu_put(cJSON *json, const char *key, cJSON *value)
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
ngx_lu_put_number(cJSON *json, const char *key, double value)
{
    return ngx_lu_put(json, key, cJSON_CreateNumber(value));
}
