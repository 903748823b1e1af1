
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Prometheus' text-based exposition format, version 0.0.4.
 */


#include "ngx_lu_metrics.h"
#include "ngx_lu_scan.h"

#include "zone/ngx_lu_zone.h"
#include "job/ngx_lu_notify.h"

#include "core/lu_label.h"


#define NGX_LU_OTHER  "(other)"       /* no id has parentheses */

#define NGX_LU_METRICS_SENT  30000      /* msec */

/* name, label names and escaped labels, number; twice the labels, and more */

#define NGX_LU_LINE  (2 * NGX_MAX_PATH + 256)


typedef struct {
    char       *start;                  /* from cJSON_malloc() */
    size_t      len;
    size_t      size;
    unsigned    failed:1;
} ngx_lu_text_t;


/* Labels of one sample; a NULL name ends them. */

typedef struct {
    const char       *name;
    lu_str_t          value;
} ngx_lu_label_t;


static void ngx_lu_metrics_requests(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_checks(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_desktop(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_devices(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_level(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot, ngx_lu_row_e level, ngx_uint_t running,
    const char *metric);
static void ngx_lu_metrics_rollouts(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot, ngx_uint_t blamed, const char *metric);
static void ngx_lu_metrics_releases(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_notify(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_backlog(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_certificates(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_token(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_store(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_bytes(ngx_lu_text_t *text, ngx_lu_bytes_t *bytes,
    const char *only, const lu_token_t *token);
static void ngx_lu_metrics_zone(ngx_lu_text_t *text,
    ngx_lu_snapshot_t *snapshot);
static void ngx_lu_metrics_family(ngx_lu_text_t *text, const char *metric,
    const char *type, const char *help);
static void ngx_lu_metrics_single(ngx_lu_text_t *text, const char *metric,
    const char *type, const char *help, double value);
static void ngx_lu_metrics_sample(ngx_lu_text_t *text, const char *metric,
    ngx_lu_label_t *labels, double value);
static void ngx_lu_metrics_add(ngx_lu_text_t *text, u_char *line, size_t len);


char *
ngx_lu_metrics(ngx_lu_snapshot_t *snapshot, ngx_lu_bytes_t *bytes,
    const char *only, const lu_token_t *token)
{
    ngx_lu_text_t  text;

    ngx_memzero(&text, sizeof(ngx_lu_text_t));

    ngx_lu_metrics_requests(&text, snapshot);
    ngx_lu_metrics_checks(&text, snapshot);
    ngx_lu_metrics_desktop(&text, snapshot);
    ngx_lu_metrics_devices(&text, snapshot);

    ngx_lu_metrics_family(&text, "liveupdate_rollout_devices", "gauge",
                          "Devices in guarded rollouts and outside of them.");
    ngx_lu_metrics_rollouts(&text, snapshot, 0, "liveupdate_rollout_devices");

    ngx_lu_metrics_family(&text, "liveupdate_rollout_blamed", "gauge",
                          "Whether the guard has blamed the release.");
    ngx_lu_metrics_rollouts(&text, snapshot, 1, "liveupdate_rollout_blamed");

    ngx_lu_metrics_releases(&text, snapshot);
    ngx_lu_metrics_notify(&text, snapshot);

    if (token == NULL || token->napps == 0) {
        ngx_lu_metrics_backlog(&text, snapshot);
        ngx_lu_metrics_certificates(&text, snapshot);
    }

    ngx_lu_metrics_token(&text, snapshot);
    ngx_lu_metrics_store(&text, snapshot);

    if (bytes) {
        ngx_lu_metrics_bytes(&text, bytes, only, token);
    }

    ngx_lu_metrics_zone(&text, snapshot);

    ngx_lu_metrics_add(&text, (u_char *) "", 1);

    if (text.failed) {
        cJSON_free(text.start);
        return NULL;
    }

    return text.start;
}


static void
ngx_lu_metrics_requests(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t         i, n;
    ngx_lu_label_t     labels[3];
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    ngx_lu_metrics_family(text, "liveupdate_requests_total", "counter",
                          "Requests by kind and result.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "kind";
    labels[1].name = "result";

    labels[0].value = lu_str(ngx_lu_count_kinds[NGX_LU_KIND_CHECK]);

    for (i = 0; i < NGX_LU_CHECKS; i++) {
        labels[1].value = ngx_lu_to_core(&ngx_lu_count_checks[i]);

        ngx_lu_metrics_sample(text, "liveupdate_requests_total", labels,
                              snapshot->checks[i]);
    }

    labels[1].value = lu_str("no_app");

    ngx_lu_metrics_sample(text, "liveupdate_requests_total", labels,
                          numbers->no_app);

    for (i = NGX_LU_KIND_CHECK; i < NGX_LU_KINDS; i++) {
        labels[0].value = lu_str(ngx_lu_count_kinds[i]);

        for (n = 0; n < NGX_LU_RESULTS; n++) {

            /* from 0 on, or the first failure would be no increase */

            if (numbers->requests[i][n] == 0 && n != NGX_LU_RESULT_FAILED) {
                continue;
            }

            labels[1].value = lu_str(ngx_lu_count_results[n]);

            ngx_lu_metrics_sample(text, "liveupdate_requests_total", labels,
                                  numbers->requests[i][n]);
        }
    }

    ngx_lu_metrics_family(text, "liveupdate_webhook_refusals_total", "counter",
                          "Webhooks that were refused.");

    labels[0].name = "reason";
    labels[1].name = NULL;

    for (n = NGX_LU_RESULT_INVALID; n < NGX_LU_RESULTS; n++) {
        labels[0].value = lu_str(ngx_lu_count_results[n]);

        ngx_lu_metrics_sample(text, "liveupdate_webhook_refusals_total", labels,
                              numbers->requests[NGX_LU_KIND_WEBHOOK][n]);
    }
}


static void
ngx_lu_metrics_checks(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t      i, n;
    ngx_lu_row_t   *row;
    ngx_lu_label_t  labels[5];

    ngx_lu_metrics_family(text, "liveupdate_checks_total", "counter",
                          "Checks of devices by app, channel and release.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "app";
    labels[1].name = "channel";
    labels[2].name = "release";
    labels[3].name = "result";

    row = snapshot->rows.elts;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        if (row[i].level != NGX_LU_ROW_RELEASE) {
            continue;
        }

        labels[0].value = row[i].app;
        labels[1].value = row[i].channel;
        labels[2].value = row[i].release;

        for (n = 0; n < NGX_LU_CHECKS; n++) {
            if (row[i].counts[n] == 0) {
                continue;
            }

            labels[3].value = ngx_lu_to_core(&ngx_lu_count_checks[n]);

            ngx_lu_metrics_sample(text, "liveupdate_checks_total", labels,
                                  row[i].counts[n]);
        }
    }

    for (i = 0; i < 3; i++) {
        labels[i].value = lu_str(NGX_LU_OTHER);
    }

    for (n = 0; n < NGX_LU_CHECKS; n++) {
        if (snapshot->other[n] == 0) {
            continue;
        }

        labels[3].value = ngx_lu_to_core(&ngx_lu_count_checks[n]);

        ngx_lu_metrics_sample(text, "liveupdate_checks_total", labels,
                              snapshot->other[n]);
    }
}


static void
ngx_lu_metrics_desktop(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t      i, n;
    ngx_lu_row_t   *row;
    ngx_lu_label_t  labels[7];

    static const char  *types[] = { "manifest", "file", "download" };

    ngx_lu_metrics_family(text, "liveupdate_desktop_requests_total", "counter",
                          "Requests for desktop builds: manifests and files of "
                          "the feed, and downloads.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "app";
    labels[1].name = "release";
    labels[2].name = "platform";
    labels[3].name = "arch";
    labels[4].name = "channel";
    labels[5].name = "type";

    row = snapshot->rows.elts;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        if (row[i].level != NGX_LU_ROW_DESKTOP) {
            continue;
        }

        labels[0].value = row[i].app;
        labels[1].value = row[i].release;
        labels[2].value = row[i].platform;
        labels[3].value = row[i].arch;
        labels[4].value = row[i].channel;

        for (n = NGX_LU_CHECKS; n < NGX_LU_COUNTS; n++) {
            if (row[i].counts[n] == 0) {
                continue;
            }

            labels[5].value = lu_str(types[n - NGX_LU_CHECKS]);

            ngx_lu_metrics_sample(text, "liveupdate_desktop_requests_total",
                                  labels, row[i].counts[n]);
        }
    }

    for (i = 0; i < 5; i++) {
        labels[i].value = lu_str(NGX_LU_OTHER);
    }

    for (n = NGX_LU_CHECKS; n < NGX_LU_COUNTS; n++) {
        if (snapshot->other[n] == 0) {
            continue;
        }

        labels[5].value = lu_str(types[n - NGX_LU_CHECKS]);

        ngx_lu_metrics_sample(text, "liveupdate_desktop_requests_total", labels,
                              snapshot->other[n]);
    }
}


static void
ngx_lu_metrics_devices(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_lu_metrics_family(text, "liveupdate_app_devices", "gauge",
                          "Devices that have asked, estimated.");
    ngx_lu_metrics_level(text, snapshot, NGX_LU_ROW_APP, 0,
                         "liveupdate_app_devices");

    ngx_lu_metrics_family(text, "liveupdate_channel_devices", "gauge",
                          "Devices that have asked, estimated.");
    ngx_lu_metrics_level(text, snapshot, NGX_LU_ROW_CHANNEL, 0,
                         "liveupdate_channel_devices");

    ngx_lu_metrics_family(text, "liveupdate_active_devices", "gauge",
                          "Devices that were told of the release, estimated.");
    ngx_lu_metrics_level(text, snapshot, NGX_LU_ROW_RELEASE, 0,
                         "liveupdate_active_devices");

    ngx_lu_metrics_family(text, "liveupdate_running_devices",
                          "gauge",
                          "Devices that run the release, estimated.");
    ngx_lu_metrics_level(text, snapshot, NGX_LU_ROW_RELEASE, 1,
                         "liveupdate_running_devices");
}


static void
ngx_lu_metrics_level(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot,
    ngx_lu_row_e level, ngx_uint_t running, const char *metric)
{
    ngx_uint_t      i, n, w;
    ngx_lu_row_t   *row;
    ngx_lu_label_t  labels[5];

    static const char  *windows[] = { "day", "month" };

    row = snapshot->rows.elts;

    for (i = 0; i < snapshot->rows.nelts; i++) {

        if (row[i].level != level
            || !row[i].estimated
            || (running && row[i].release.len == 0))
        {
            continue;
        }

        for (w = 0; w < 2; w++) {
            ngx_memzero(labels, sizeof(labels));

            n = 0;

            labels[n].name = "app";
            labels[n++].value = row[i].app;

            if (level != NGX_LU_ROW_APP) {
                labels[n].name = "channel";
                labels[n++].value = row[i].channel;
            }

            if (level == NGX_LU_ROW_RELEASE) {
                labels[n].name = "release";
                labels[n++].value = row[i].release;
            }

            labels[n].name = "window";
            labels[n].value = lu_str(windows[w]);

            ngx_lu_metrics_sample(text, metric, labels,
                                  running ? row[i].running[w]
                                          : row[i].devices[w]);
        }
    }
}


static void
ngx_lu_metrics_rollouts(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot,
    ngx_uint_t blamed, const char *metric)
{
    ngx_uint_t               n, group, i;
    ngx_lu_label_t           labels[7];
    ngx_lu_cohorts_t        *cohorts;
    ngx_lu_cohort_sample_t   sample;

    cohorts = ngx_lu_zone_cohorts(snapshot->store);

    n = 0;

    while (ngx_lu_cohort_sample(cohorts, snapshot->store, &n, &sample)
           == NGX_OK)
    {
        if ((snapshot->app && !lu_str_is(&sample.app, snapshot->app))
            || (snapshot->token
                && !lu_token_has_app(snapshot->token, &sample.app)))
        {
            continue;
        }

        ngx_memzero(labels, sizeof(labels));

        labels[0].name = "app";
        labels[0].value = sample.app;
        labels[1].name = "channel";
        labels[1].value = sample.channel;
        labels[2].name = "release";
        labels[2].value = sample.release;
        labels[3].name = "deployment";
        labels[3].value = sample.deployment;

        if (blamed) {
            ngx_lu_metrics_sample(text, metric, labels, sample.blamed);
            continue;
        }

        labels[4].name = "group";
        labels[5].name = "state";

        for (group = 0; group < LU_COHORT_GROUPS; group++) {
            labels[4].value = lu_str(lu_funnel_groups[group]);

            for (i = 0; i < LU_FUNNEL_COUNTS; i++) {
                labels[5].value = lu_str(lu_funnel_names[i]);

                ngx_lu_metrics_sample(text, metric, labels,
                                      sample.funnel[group][i]);
            }
        }
    }
}


static void
ngx_lu_metrics_releases(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t      i;
    ngx_lu_scan_t  *scan;
    ngx_lu_label_t  labels[2];

    scan = &snapshot->numbers->scan;

    if (scan->at == 0) {
        return;
    }

    ngx_lu_metrics_family(text, "liveupdate_releases", "gauge",
                          "Releases on the disk by state.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "state";

    for (i = 0; i < LU_STATES; i++) {
        labels[0].value = lu_str(ngx_lu_scan_name(i));

        ngx_lu_metrics_sample(text, "liveupdate_releases", labels,
                              scan->states[i]);
    }

    ngx_lu_metrics_single(text, "liveupdate_oldest_waiting_seconds", "gauge",
                          "Age of the oldest staged release; 0 if none waits.",
                          ngx_lu_snapshot_waiting(snapshot));

    ngx_lu_metrics_single(text, "liveupdate_scan_age_seconds", "gauge",
                          "Since the releases were counted.",
                          ngx_lu_snapshot_scan_age(snapshot));

    ngx_lu_metrics_single(text, "liveupdate_scan_complete",
                          "gauge", "Whether all of them were.",
                          scan->complete);
}


static void
ngx_lu_metrics_notify(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t      i;
    ngx_lu_scan_t  *scan;
    ngx_lu_label_t  labels[2];

    static const char  *states[] = { "active", "failing", "paused" };

    scan = &snapshot->numbers->scan;

    if (snapshot->store->notify == NULL || scan->at == 0) {
        return;
    }

    ngx_lu_metrics_family(text, "liveupdate_notify_targets", "gauge",
                          "Targets of notifications by state.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "state";

    for (i = 0; i < NGX_LU_TARGETS; i++) {
        labels[0].value = lu_str(states[i]);

        ngx_lu_metrics_sample(text, "liveupdate_notify_targets", labels,
                              scan->targets[i]);
    }

    ngx_lu_metrics_single(text, "liveupdate_notify_failing_seconds", "gauge",
                          "Since a target does not answer; 0 if all do.",
                          scan->failing
                          ? ngx_max(snapshot->now - (time_t) scan->failing, 1)
                          : 0);

    ngx_lu_metrics_single(text, "liveupdate_notify_delivered_total", "counter",
                          "Events that targets have taken.",
                          scan->delivered);

    ngx_lu_metrics_single(text, "liveupdate_notify_refused_total", "counter",
                          "Events that targets have refused.",
                          scan->refused);

    ngx_lu_metrics_single(text, "liveupdate_notify_missed_total", "counter",
                          "Events that were too old when a target answered.",
                          scan->missed);
}


/* A worker that sends does so each second; that of another machine tells. */

static void
ngx_lu_metrics_backlog(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    size_t                 i, n;
    time_t                 since;
    ngx_lu_scan_t         *scan;
    ngx_lu_label_t         labels[2];
    ngx_atomic_int_t       age;
    ngx_lu_notify_conf_t  *conf;

    scan = &snapshot->numbers->scan;

    if (snapshot->store->notify == NULL || scan->notified == 0) {
        return;
    }

    conf = snapshot->store->notify->conf;

    /* the clock of the worker that sends may be ahead of this one's */

    age = ngx_current_msec - scan->notified;

    if (age > NGX_LU_METRICS_SENT || scan->names != conf->names) {
        return;
    }

    n = ngx_min(conf->ntargets, NGX_LU_BACKLOGS);

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "target";

    ngx_lu_metrics_family(text, "liveupdate_notify_waiting", "gauge",
                          "Events that wait for a target.");

    for (i = 0; i < n; i++) {
        labels[0].value = conf->targets[i].name;

        ngx_lu_metrics_sample(text, "liveupdate_notify_waiting", labels,
                              scan->waiting[i]);
    }

    ngx_lu_metrics_family(text, "liveupdate_notify_oldest_seconds", "gauge",
                          "Age of the first of them; 0 if none waits.");

    for (i = 0; i < n; i++) {
        labels[0].value = conf->targets[i].name;
        since = scan->since[i];

        ngx_lu_metrics_sample(text, "liveupdate_notify_oldest_seconds", labels,
                              since ? ngx_max(snapshot->now - since, 1) : 0);
    }
}


static void
ngx_lu_metrics_certificates(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t             i, n;
    ngx_lu_label_t         labels[2];
    ngx_lu_certificate_t  *certificate;

    certificate = snapshot->store->certificates->elts;
    n = ngx_min(snapshot->store->certificates->nelts, NGX_LU_CERTIFICATES);

    if (n == 0) {
        return;
    }

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "file";

    ngx_lu_metrics_family(text,
                          "liveupdate_certificate_expiry_timestamp_seconds",
                          "gauge",
                          "Until when a certificate of nginx is valid.");

    for (i = 0; i < n; i++) {
        labels[0].value = ngx_lu_to_core(&certificate[i].path);

        ngx_lu_metrics_sample(text,
                              "liveupdate_certificate_expiry_timestamp_seconds",
                              labels, certificate[i].end);
    }
}


static void
ngx_lu_metrics_token(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_atomic_uint_t  end;

    end = snapshot->numbers->scan.token;

    if (end) {
        ngx_lu_metrics_single(text,
                              "liveupdate_token_expiry_timestamp_seconds",
                              "gauge", "Until when GitHub takes the token.",
                              end);
    }
}


static void
ngx_lu_metrics_store(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t         i;
    ngx_lu_label_t     labels[2];
    ngx_lu_numbers_t  *numbers;

    numbers = snapshot->numbers;

    ngx_memzero(labels, sizeof(labels));

    ngx_lu_metrics_family(text, "liveupdate_stages_total", "counter",
                          "Releases that were verified, by result.");

    labels[0].name = "result";
    labels[0].value = lu_str("staged");
    ngx_lu_metrics_sample(text, "liveupdate_stages_total", labels,
                          numbers->staged);

    labels[0].value = lu_str("failed");
    ngx_lu_metrics_sample(text, "liveupdate_stages_total", labels,
                          numbers->stages_failed);

    ngx_lu_metrics_single(text, "liveupdate_stage_bytes_total", "counter",
                          "Bytes of releases that were staged.",
                          numbers->stage_bytes);

    ngx_lu_metrics_family(text, "liveupdate_catalog_loads_total", "counter",
                          "Loads into the workers' memory.");

    for (i = 0; i < NGX_LU_LOADS; i++) {
        labels[0].value = lu_str(ngx_lu_count_loads[i]);

        ngx_lu_metrics_sample(text, "liveupdate_catalog_loads_total", labels,
                              numbers->loads[i]);
    }

    ngx_lu_metrics_single(text, "liveupdate_generation", "gauge",
                          "Grows by one with each change of an app.",
                          snapshot->changes);
}


static void
ngx_lu_metrics_bytes(ngx_lu_text_t *text, ngx_lu_bytes_t *bytes,
    const char *only, const lu_token_t *token)
{
    ngx_uint_t           i;
    ngx_lu_label_t       labels[2];
    ngx_lu_bytes_app_t  *app;

    ngx_lu_metrics_family(text, "liveupdate_app_bytes", "gauge",
                          "What an app takes on the disk.");

    ngx_memzero(labels, sizeof(labels));

    labels[0].name = "app";

    app = bytes->apps.elts;

    for (i = 0; i < bytes->apps.nelts; i++) {

        if (!ngx_lu_bytes_shows(&app[i], only, token)) {
            continue;
        }

        labels[0].value = ngx_lu_to_core(&app[i].app);

        ngx_lu_metrics_sample(text, "liveupdate_app_bytes", labels,
                              app[i].bytes);
    }
}


static void
ngx_lu_metrics_zone(ngx_lu_text_t *text, ngx_lu_snapshot_t *snapshot)
{
    ngx_lu_count_t  *count;

    count = snapshot->numbers->count;

    ngx_lu_metrics_single(text, "liveupdate_zone_size_bytes", "gauge",
                          "Size of the zone.", count->size);
    ngx_lu_metrics_single(text, "liveupdate_zone_free_bytes", "gauge",
                          "Pages of the zone that are free.", snapshot->free);
    ngx_lu_metrics_single(text, "liveupdate_series", "gauge",
                          "Apps, channels and releases that are counted.",
                          snapshot->series);
    ngx_lu_metrics_single(text, "liveupdate_series_max", "gauge",
                          "How many can be.", count->nseries);
    ngx_lu_metrics_single(text, "liveupdate_sketches", "gauge",
                          "Estimates of devices in use.", snapshot->sketches);
    ngx_lu_metrics_single(text, "liveupdate_sketches_max", "gauge",
                          "How many there can be.", count->nsketches);
}


static void
ngx_lu_metrics_family(ngx_lu_text_t *text, const char *metric, const char *type,
    const char *help)
{
    u_char  *p, line[NGX_LU_LINE];

    p = ngx_snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n",
                     metric, help, metric, type);

    ngx_lu_metrics_add(text, line, p - line);
}


static void
ngx_lu_metrics_single(ngx_lu_text_t *text, const char *metric, const char *type,
    const char *help, double value)
{
    ngx_lu_metrics_family(text, metric, type, help);
    ngx_lu_metrics_sample(text, metric, NULL, value);
}


static void
ngx_lu_metrics_sample(ngx_lu_text_t *text, const char *metric,
    ngx_lu_label_t *labels, double value)
{
    u_char  *p, *last, c, line[NGX_LU_LINE];

    last = line + sizeof(line);

    p = ngx_slprintf(line, last, "%s", metric);

    for (c = '{'; labels && labels->name; labels++, c = ',') {

        p = ngx_slprintf(p, last, "%c%s=\"", c, labels->name);

        if ((size_t) (last - p) < 2 * labels->value.len + 64) {
            text->failed = 1;
            return;
        }

        p = lu_label_escape(p, &labels->value);
        *p++ = '"';
    }

    /* all of these are whole numbers; %.0f keeps those up to 2^53 exact */

    p = ngx_slprintf(p, last, "%s %.0f\n", c == ',' ? "}" : "", value);

    ngx_lu_metrics_add(text, line, p - line);
}


static void
ngx_lu_metrics_add(ngx_lu_text_t *text, u_char *line, size_t len)
{
    char   *start;
    size_t  size;

    if (text->failed) {
        return;
    }

    if (text->len + len > text->size) {
        size = ngx_max(2 * text->size, 16384);

        start = cJSON_malloc(size);
        if (start == NULL) {
            text->failed = 1;
            return;
        }

        if (text->len) {
            ngx_memcpy(start, text->start, text->len);
        }

        cJSON_free(text->start);

        text->start = start;
        text->size = size;
    }

    ngx_memcpy(text->start + text->len, line, len);
    text->len += len;
}
