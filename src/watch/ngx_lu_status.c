
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bytes.h"
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
#include "core/lu_put.h"
#include "core/lu_route.h"


static ngx_int_t ngx_lu_status_refuse(ngx_http_request_t *r);
static ngx_int_t ngx_lu_status_scan(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static void ngx_lu_status_scanned(void *data);
static ngx_int_t ngx_lu_status_start(ngx_http_request_t *r,
    ngx_lu_call_t *call, ngx_int_t rc);
static ngx_int_t ngx_lu_status_call(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static ngx_int_t ngx_lu_status_get(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_status_json(ngx_lu_call_t *call,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_certificates(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_requests(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_apps(lu_put_t *put, cJSON *apps,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_release(lu_put_t *put, cJSON *json,
    ngx_lu_row_t *row);
static ngx_uint_t ngx_lu_status_build(lu_put_t *put, cJSON *json,
    ngx_lu_row_t *row, ngx_uint_t left);
static void ngx_lu_status_devices(lu_put_t *put, cJSON *json, const char *key,
    ngx_lu_row_t *row, double *devices);
static void ngx_lu_status_checks(lu_put_t *put, cJSON *json,
    ngx_atomic_uint_t *counts);
static void ngx_lu_status_desktop(lu_put_t *put, cJSON *json,
    ngx_atomic_uint_t *counts);
static void ngx_lu_status_releases(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_other(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_webhook(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_numbers(lu_put_t *put, cJSON *json,
    const char **names, ngx_atomic_t *values, ngx_uint_t n);
static void ngx_lu_status_zone(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_status_disk(lu_put_t *put, cJSON *json,
    ngx_lu_call_t *call);


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
                              lucf->status_token ? LU_ROLE_READ : 0, &token);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    call = ngx_lu_call_create(r, &route, token, ngx_lu_status_get);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->storeless = 1;
    ctx->call = call;

    call->kind = NGX_LU_THREAD_STATUS;

    return ngx_lu_status_scan(r, call);
}


/* A disk that does not answer delays the answer, but does not prevent it. */

static ngx_int_t
ngx_lu_status_scan(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_lu_loc_conf_t   *lucf;
    ngx_lu_scan_wait_t  *wait;

    wait = ngx_pcalloc(r->pool, sizeof(ngx_lu_scan_wait_t));
    if (wait == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    wait->handler = ngx_lu_status_scanned;
    wait->data = call;

    if (!ngx_lu_scan(lucf->store, lucf->readers, wait)) {
        return ngx_lu_status_call(r, call);
    }

    return ngx_lu_call_hold(call);
}


static void
ngx_lu_status_scanned(void *data)
{
    ngx_lu_call_resume(data, ngx_lu_status_start, NGX_OK);
}


static ngx_int_t
ngx_lu_status_start(ngx_http_request_t *r, ngx_lu_call_t *call, ngx_int_t rc)
{
    return ngx_lu_status_call(r, call);
}


/* The thread gets the list that there is now. */

static ngx_int_t
ngx_lu_status_call(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    call->data = ngx_lu_bytes(call->task.store, call->task.io.pool);

    return ngx_lu_call_start(r, call);
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
                                  "\"format\" must be \"json\" or "
                                  "\"prometheus\".");
    }

    if (ngx_lu_snapshot(call->task.store, call->task.io.pool,
                        ngx_lu_arg(call, "app"), call->token, &snapshot)
        != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    if (format && ngx_strcmp(format, "json") == 0) {
        return ngx_lu_status_json(call, &snapshot);
    }

    call->text_type = "text/plain; version=0.0.4; charset=utf-8";
    call->text = ngx_lu_metrics(&snapshot, call->data,
                                ngx_lu_arg(call, "app"), call->token);

    if (call->text == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_status_json(ngx_lu_call_t *call, ngx_lu_snapshot_t *snapshot)
{
    char               until[LU_TIME_SIZE];
    cJSON             *json, *stages;
    lu_put_t           put;
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "time", call->task.now);
    lu_put_number(&put, json, "generation", snapshot->changes);

    if (numbers->scan.token) {
        lu_time_print(until, (time_t) numbers->scan.token, 0);
        lu_put_string(&put, json, "tokenExpiresAt", until);
    }

    if (snapshot->token == NULL || snapshot->token->napps == 0) {
        ngx_lu_status_certificates(&put,
                                   lu_put_array(&put, json, "certificates"),
                                   snapshot);
    }

    ngx_lu_status_requests(&put, lu_put_object(&put, json, "requests"),
                           snapshot);
    ngx_lu_status_apps(&put, lu_put_array(&put, json, "apps"), snapshot);
    ngx_lu_status_releases(&put, lu_put_object(&put, json, "releases"),
                           snapshot);
    ngx_lu_status_numbers(&put, lu_put_object(&put, json, "catalog"),
                          ngx_lu_count_loads, numbers->loads, NGX_LU_LOADS);
    ngx_lu_status_zone(&put, lu_put_object(&put, json, "zone"), snapshot);
    ngx_lu_status_other(&put, lu_put_object(&put, json, "other"), snapshot);

    stages = lu_put_object(&put, json, "stages");

    lu_put_number(&put, stages, "staged", numbers->staged);
    lu_put_number(&put, stages, "failed", numbers->stages_failed);
    lu_put_number(&put, stages, "bytes", numbers->stage_bytes);

    ngx_lu_status_webhook(&put, lu_put_object(&put, json, "webhook"),
                          snapshot);
    ngx_lu_status_disk(&put, json, call);

    call->answer = lu_put_done(&put, json);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


static void
ngx_lu_status_certificates(lu_put_t *put, cJSON *json,
    ngx_lu_snapshot_t *snapshot)
{
    char                   until[LU_TIME_SIZE];
    cJSON                 *item;
    ngx_uint_t             i, n;
    ngx_lu_certificate_t  *certificate;

    certificate = snapshot->store->certificates->elts;
    n = ngx_min(snapshot->store->certificates->nelts, NGX_LU_CERTIFICATES);

    for (i = 0; i < n; i++) {
        item = lu_put_object(put, json, NULL);

        lu_time_print(until, certificate[i].end, 0);

        lu_put_string(put, item, "file", (char *) certificate[i].path.data);
        lu_put_string(put, item, "expiresAt", until);
    }
}


static void
ngx_lu_status_requests(lu_put_t *put, cJSON *json, ngx_lu_snapshot_t *snapshot)
{
    cJSON             *kind;
    ngx_uint_t         i, n;
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    for (i = NGX_LU_KIND_CHECK; i < NGX_LU_KINDS; i++) {

        kind = lu_put_object(put, json, ngx_lu_count_kinds[i]);

        if (i == NGX_LU_KIND_CHECK) {
            ngx_lu_status_checks(put, kind, snapshot->checks);

            if (numbers->no_app) {
                lu_put_number(put, kind, "no_app", numbers->no_app);
            }
        }

        for (n = 0; n < NGX_LU_RESULTS; n++) {
            if (numbers->requests[i][n]) {
                lu_put_number(put, kind, ngx_lu_count_results[n],
                              numbers->requests[i][n]);
            }
        }
    }
}


static void
ngx_lu_status_apps(lu_put_t *put, cJSON *apps, ngx_lu_snapshot_t *snapshot)
{
    cJSON         *app, *channels, *channel, *releases, *desktop;
    ngx_uint_t     i;
    ngx_lu_row_t  *row;

    row = snapshot->rows.elts;

    channels = NULL;
    releases = NULL;
    desktop = NULL;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        switch (row[i].level) {

        case NGX_LU_ROW_APP:
            app = lu_put_object(put, apps, NULL);

            lu_put_str(put, app, "app", &row[i].app);
            ngx_lu_status_devices(put, app, "devices", &row[i],
                                  row[i].devices);

            channels = lu_put_array(put, app, "channels");
            desktop = lu_put_array(put, app, "desktop");
            break;

        case NGX_LU_ROW_CHANNEL:
            channel = lu_put_object(put, channels, NULL);

            lu_put_str(put, channel, "channel", &row[i].channel);
            ngx_lu_status_devices(put, channel, "devices", &row[i],
                                  row[i].devices);

            releases = lu_put_array(put, channel, "releases");
            break;

        case NGX_LU_ROW_RELEASE:
            ngx_lu_status_release(put, lu_put_object(put, releases, NULL),
                                  &row[i]);
            break;

        default: /* NGX_LU_ROW_DESKTOP */
            i += ngx_lu_status_build(put, lu_put_object(put, desktop, NULL),
                                     &row[i], snapshot->rows.nelts - i) - 1;
            break;
        }
    }
}


static void
ngx_lu_status_release(lu_put_t *put, cJSON *json, ngx_lu_row_t *row)
{
    lu_put_str(put, json, "release", &row->release);

    ngx_lu_status_devices(put, json, "devices", row, row->devices);
    ngx_lu_status_devices(put, json, "running", row, row->running);
    ngx_lu_status_checks(put, lu_put_object(put, json, "checks"), row->counts);
}


/* The rows of a release, which come one after the other: how many. */

static ngx_uint_t
ngx_lu_status_build(lu_put_t *put, cJSON *json, ngx_lu_row_t *row,
    ngx_uint_t left)
{
    cJSON              *by, *item;
    ngx_uint_t          i, n;
    ngx_atomic_uint_t   counts[NGX_LU_COUNTS];

    ngx_memzero(counts, sizeof(counts));

    lu_put_str(put, json, "release", &row->release);

    by = lu_put_array(put, json, "by");

    for (i = 0; i < left; i++) {

        if (row[i].level != NGX_LU_ROW_DESKTOP
            || !lu_str_eq(&row[i].app, &row->app)
            || !lu_str_eq(&row[i].release, &row->release))
        {
            break;
        }

        for (n = 0; n < NGX_LU_COUNTS; n++) {
            counts[n] += row[i].counts[n];
        }

        item = lu_put_object(put, by, NULL);

        lu_put_str_or_null(put, item, "platform", &row[i].platform);
        lu_put_str_or_null(put, item, "channel", &row[i].channel);
        lu_put_str_or_null(put, item, "arch", &row[i].arch);

        ngx_lu_status_desktop(put, item, row[i].counts);
    }

    ngx_lu_status_desktop(put, json, counts);

    return i;
}


static void
ngx_lu_status_devices(lu_put_t *put, cJSON *json, const char *key,
    ngx_lu_row_t *row, double *devices)
{
    cJSON  *item;

    if (!row->estimated) {
        lu_put_null(put, json, key);
        return;
    }

    item = lu_put_object(put, json, key);

    lu_put_number(put, item, "day", devices[0]);
    lu_put_number(put, item, "month", devices[1]);
}


static void
ngx_lu_status_checks(lu_put_t *put, cJSON *json, ngx_atomic_uint_t *counts)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_LU_CHECKS; i++) {
        if (counts[i]) {
            lu_put_number(put, json, (char *) ngx_lu_count_checks[i].data,
                          counts[i]);
        }
    }
}


static void
ngx_lu_status_desktop(lu_put_t *put, cJSON *json, ngx_atomic_uint_t *counts)
{
    lu_put_number(put, json, "manifests", counts[NGX_LU_COUNT_MANIFEST]);
    lu_put_number(put, json, "files", counts[NGX_LU_COUNT_FILE]);
    lu_put_number(put, json, "downloads", counts[NGX_LU_COUNT_DOWNLOAD]);
}


static void
ngx_lu_status_releases(lu_put_t *put, cJSON *json, ngx_lu_snapshot_t *snapshot)
{
    cJSON          *states;
    ngx_uint_t      i;
    ngx_lu_scan_t  *scan;

    scan = &snapshot->numbers->scan;

    states = lu_put_object(put, json, "states");

    for (i = 0; i < LU_STATES; i++) {
        lu_put_number(put, states, ngx_lu_scan_name(i), scan->states[i]);
    }

    if (scan->oldest) {
        lu_put_number(put, json, "oldestWaitingSeconds",
                      ngx_lu_snapshot_waiting(snapshot));

    } else {
        lu_put_null(put, json, "oldestWaitingSeconds");
    }

    lu_put_bool(put, json, "complete", scan->complete != 0);

    if (scan->at) {
        lu_put_number(put, json, "ageSeconds",
                      ngx_lu_snapshot_scan_age(snapshot));

    } else {
        lu_put_null(put, json, "ageSeconds");
    }
}


static void
ngx_lu_status_other(lu_put_t *put, cJSON *json, ngx_lu_snapshot_t *snapshot)
{
    ngx_lu_status_checks(put, lu_put_object(put, json, "checks"),
                         snapshot->other);
    ngx_lu_status_desktop(put, lu_put_object(put, json, "desktop"),
                          snapshot->other);
}


static void
ngx_lu_status_webhook(lu_put_t *put, cJSON *json, ngx_lu_snapshot_t *snapshot)
{
    ngx_atomic_t  *requests;

    requests = snapshot->numbers->requests[NGX_LU_KIND_WEBHOOK];

    ngx_lu_status_numbers(put, lu_put_object(put, json, "refusals"),
                          &ngx_lu_count_results[NGX_LU_RESULT_INVALID],
                          &requests[NGX_LU_RESULT_INVALID],
                          NGX_LU_RESULTS - NGX_LU_RESULT_INVALID);
}


static void
ngx_lu_status_numbers(lu_put_t *put, cJSON *json, const char **names,
    ngx_atomic_t *values, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        lu_put_number(put, json, names[i], values[i]);
    }
}


static void
ngx_lu_status_zone(lu_put_t *put, cJSON *json, ngx_lu_snapshot_t *snapshot)
{
    ngx_lu_count_t  *count;

    count = snapshot->numbers->count;

    lu_put_number(put, json, "size", count->size);
    lu_put_number(put, json, "free", snapshot->free);
    lu_put_number(put, json, "series", snapshot->series);
    lu_put_number(put, json, "seriesMax", count->nseries);
    lu_put_number(put, json, "sketches", snapshot->sketches);
    lu_put_number(put, json, "sketchesMax", count->nsketches);
}


/* Bytes of whole blocks, as of du; null: they were not measured yet. */

static void
ngx_lu_status_disk(lu_put_t *put, cJSON *json, ngx_lu_call_t *call)
{
    char                *only;
    cJSON               *disk, *apps, *item;
    lu_str_t             id;
    ngx_uint_t           i;
    ngx_lu_bytes_t      *bytes;
    ngx_lu_bytes_app_t  *app;

    bytes = call->data;

    if (bytes == NULL) {
        lu_put_null(put, json, "disk");
        return;
    }

    only = ngx_lu_arg(call, "app");

    disk = lu_put_object(put, json, "disk");

    lu_put_bool(put, disk, "complete", bytes->complete);
    lu_put_number(put, disk, "ageSeconds",
                  (double) ((ngx_lu_thread_msec() - bytes->at) / 1000));

    apps = lu_put_array(put, disk, "apps");
    app = bytes->apps.elts;

    for (i = 0; i < bytes->apps.nelts; i++) {

        if (!ngx_lu_bytes_shows(&app[i], only, call->token)) {
            continue;
        }

        id = ngx_lu_to_core(&app[i].app);
        item = lu_put_object(put, apps, NULL);

        lu_put_str(put, item, "app", &id);
        lu_put_number(put, item, "bytes",
                      (double) (uint64_t) app[i].bytes);
    }
}
