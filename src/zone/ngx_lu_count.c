
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Counters in shared memory: the numbers of a store, and its series.  A series
 * counts the checks of one release in one channel of an app, or the requests
 * for one desktop build.  Pointers to a series may be kept: its place is never
 * freed, but may be given to another series, which then has another serial.
 */


#include "ngx_lu_count.h"
#include "ngx_lu_zone.h"

#include "core/lu_name.h"

#include <openssl/rand.h>


/* a 16th of the zone is for series, a quarter for sketches */

#define NGX_LU_SERIES_PART    16
#define NGX_LU_SKETCHES_PART  4

#define NGX_LU_SERIES_MAX     4096

/* series and sketches used within that many hours keep their places */

#define NGX_LU_IDLE  2

/* the longest id of a device, in bytes */

#define NGX_LU_DEVICE_ID_LEN  128

/* so many hours are over when the machine starts; 0 is no hour */

#define NGX_LU_HOURS  10000


static ngx_lu_numbers_t *ngx_lu_numbers_find(ngx_lu_store_t *store);
static void ngx_lu_series_init(ngx_lu_numbers_t *numbers,
    ngx_lu_series_t *series, lu_str_t *labels);
static ngx_inline ngx_lu_series_t *ngx_lu_count_marked(const lu_mark_t *mark);
static ngx_lu_noinline ngx_lu_series_t *ngx_lu_count_labels(
    ngx_lu_store_t *store, const lu_mark_t *mark, const lu_str_t *app,
    const lu_str_t *channel, const lu_str_t *release);
static ngx_lu_series_t *ngx_lu_series_find(ngx_lu_numbers_t *numbers,
    lu_mark_t *mark, lu_str_t *labels, uint32_t hour);
static ngx_lu_series_t *ngx_lu_series_lookup(ngx_lu_numbers_t *numbers,
    lu_str_t *labels, uint32_t hour);
static ngx_uint_t ngx_lu_series_is(ngx_lu_series_t *series,
    ngx_lu_numbers_t *numbers, lu_str_t *labels);
static ngx_lu_series_t *ngx_lu_series_place(ngx_lu_count_t *count,
    uint32_t hour);
static void ngx_lu_series_retire(ngx_lu_count_t *count,
    ngx_lu_series_t *series);
static ngx_lu_sketch_t *ngx_lu_sketch_find(ngx_lu_series_t *series,
    ngx_uint_t n, uint32_t hour);
static ngx_lu_sketch_t *ngx_lu_sketch_place(ngx_lu_count_t *count,
    uint32_t hour);
static void ngx_lu_count_device(ngx_lu_series_t *series, ngx_uint_t n,
    uint64_t hash);
static ngx_int_t ngx_lu_count_request(ngx_http_request_t *r);
static ngx_lu_noinline ngx_int_t ngx_lu_count_other(ngx_http_request_t *r,
    ngx_lu_ctx_t *ctx);
static void ngx_lu_count_fetched(ngx_http_request_t *r, ngx_lu_ctx_t *ctx);
static void ngx_lu_count_downloaded(ngx_http_request_t *r, ngx_lu_ctx_t *ctx);
static ngx_uint_t ngx_lu_count_is_sent(ngx_http_request_t *r);
static ngx_lu_kind_e ngx_lu_count_kind(ngx_http_request_t *r);
static ngx_lu_result_e ngx_lu_count_result(ngx_http_request_t *r);


ngx_str_t  ngx_lu_count_checks[] = {
    ngx_string("update"),
    ngx_string("current"),
    ngx_string("no_channel"),
    ngx_string("paused"),
    ngx_string("expired"),
    ngx_string("empty"),
    ngx_string("version"),
    ngx_string("unsigned")
};


const char  *ngx_lu_count_kinds[] = {
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


const char  *ngx_lu_count_results[] = {
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


const char  *ngx_lu_count_loads[] = {
    "loaded",
    "unchanged",
    "absent",
    "failed"
};


/* Here goes what a full zone has no room for; nobody reads it. */

static ngx_lu_count_t    ngx_lu_no_count;
static ngx_lu_numbers_t  ngx_lu_no_numbers;


ngx_lu_count_t *
ngx_lu_count_create(ngx_slab_pool_t *shpool, size_t size)
{
    ngx_lu_count_t  *count;

    count = ngx_slab_calloc(shpool, sizeof(ngx_lu_count_t));
    if (count == NULL) {
        return NULL;
    }

    count->mutex = &shpool->mutex;
    count->shpool = shpool;
    count->size = size;

    if (RAND_bytes((u_char *) &count->secret, sizeof(lu_sip_t)) != 1) {
        return NULL;
    }

    ngx_queue_init(&count->oldest);
    ngx_queue_init(&count->idle);

    count->nseries = ngx_min(size / NGX_LU_SERIES_PART
                             / sizeof(ngx_lu_series_t), NGX_LU_SERIES_MAX);

    count->buckets = ngx_slab_calloc(shpool,
                                     (count->nseries + 1) * sizeof(void *));
    count->series = ngx_slab_calloc(shpool,
                                    (count->nseries + 1)
                                    * sizeof(ngx_lu_series_t));

    if (count->buckets == NULL || count->series == NULL) {
        return NULL;
    }

    count->nsketches = size / NGX_LU_SKETCHES_PART / sizeof(ngx_lu_sketch_t);

    if (count->nsketches == 0) {
        return count;
    }

    /* they are cleared when drawn, so that unused pages take no memory */

    count->sketches = ngx_slab_alloc(shpool,
                                     count->nsketches
                                     * sizeof(ngx_lu_sketch_t));
    if (count->sketches == NULL) {
        return NULL;
    }

    return count;
}


ngx_lu_numbers_t *
ngx_lu_count_numbers(ngx_lu_store_t *store)
{
    if (store->numbers == NULL) {
        store->numbers = ngx_lu_numbers_find(store);
    }

    return store->numbers;
}


static ngx_lu_numbers_t *
ngx_lu_numbers_find(ngx_lu_store_t *store)
{
    lu_str_t           labels[NGX_LU_LABELS];
    ngx_lu_count_t    *count;
    ngx_lu_numbers_t  *numbers;

    count = ngx_lu_zone_count(store);

    ngx_shmtx_lock(count->mutex);

    for (numbers = count->numbers; numbers; numbers = numbers->next) {
        if (numbers->hash == store->hash) {
            goto done;
        }
    }

    numbers = ngx_slab_calloc_locked(count->shpool, sizeof(ngx_lu_numbers_t));
    if (numbers) {
        numbers->count = count;
        numbers->hash = store->hash;
        numbers->next = count->numbers;
        count->numbers = numbers;

    } else {
        numbers = &ngx_lu_no_numbers;
        numbers->count = &ngx_lu_no_count;
        numbers->count->mutex = count->mutex;
    }

    ngx_memzero(labels, sizeof(labels));

    ngx_lu_series_init(numbers, &numbers->other, labels);
    numbers->other.serial = 1;

done:

    ngx_shmtx_unlock(count->mutex);

    return numbers;
}


uint32_t
ngx_lu_count_hour(void)
{
    return (uint32_t) (ngx_current_msec / 3600000) + NGX_LU_HOURS;
}


static void
ngx_lu_series_init(ngx_lu_numbers_t *numbers, ngx_lu_series_t *series,
    lu_str_t *labels)
{
    u_char       *p;
    ngx_uint_t    i;
    ngx_queue_t   queue;

    /* whoever copies it meanwhile notices that */

    series->serial = 0;
    ngx_memory_barrier();

    queue = series->queue;

    ngx_memzero(series, sizeof(ngx_lu_series_t));

    series->queue = queue;
    series->numbers = numbers;

    p = series->data;

    for (i = 0; i < NGX_LU_LABELS; i++) {
        series->len[i] = (u_short) labels[i].len;
        p = ngx_lu_cpymem(p, labels[i].data, labels[i].len);
    }
}


ngx_uint_t
ngx_lu_count_copy(const ngx_lu_series_t *series, ngx_lu_series_t *copy)
{
    ngx_atomic_uint_t  serial;

    serial = series->serial;

    ngx_memory_barrier();

    *copy = *series;

    ngx_memory_barrier();

    return serial != 0 && serial == series->serial;
}


/*
 * The mark usually points to the series, which was used within this hour: then
 * nothing is looked up or written.
 */

ngx_lu_series_t *
ngx_lu_count_series(ngx_lu_store_t *store, const lu_mark_t *mark,
    const lu_str_t *app, const lu_str_t *channel, const lu_str_t *release)
{
    ngx_lu_series_t  *series;

    series = ngx_lu_count_marked(mark);

    return series ? series
                  : ngx_lu_count_labels(store, mark, app, channel, release);
}


static ngx_inline ngx_lu_series_t *
ngx_lu_count_marked(const lu_mark_t *mark)
{
    ngx_lu_series_t  *series;

    series = mark ? mark->series : NULL;

    return (series
            && series->serial == mark->serial
            && series->hour == ngx_lu_count_hour())
           ? series
           : NULL;
}


static ngx_lu_noinline ngx_lu_series_t *
ngx_lu_count_labels(ngx_lu_store_t *store, const lu_mark_t *mark,
    const lu_str_t *app, const lu_str_t *channel, const lu_str_t *release)
{
    lu_str_t   labels[NGX_LU_LABELS];
    lu_mark_t  none;

    if (mark == NULL) {
        ngx_memzero(&none, sizeof(lu_mark_t));
        mark = &none;
    }

    ngx_memzero(labels, sizeof(labels));

    labels[0].data = app->data;
    labels[0].len = ngx_min(app->len, NGX_LU_APP_ROOM);

    if (channel) {
        labels[1].data = channel->data;
        labels[1].len = ngx_min(channel->len, NGX_LU_CHANNEL_ROOM);
    }

    if (release) {
        labels[2].data = release->data;
        labels[2].len = ngx_min(release->len, NGX_LU_RELEASE_ROOM);
    }

    /* only the event loop of this worker uses the copy and its marks */

    return ngx_lu_series_find(ngx_lu_count_numbers(store), (lu_mark_t *) mark,
                              labels, ngx_lu_count_hour());
}


/*
 * The release is in the place of a channel, and "platform/arch/channel" in that
 * of a release: neither has a "/".  A long channel is cut.
 */

ngx_lu_series_t *
ngx_lu_count_desktop(ngx_lu_store_t *store, const lu_mark_t *mark,
    const lu_str_t *app, const lu_build_t *build, const lu_label_t *label)
{
    u_char           *p, buf[NGX_LU_RELEASE_ROOM];
    lu_str_t          whom;
    ngx_lu_series_t  *series;

    series = ngx_lu_count_marked(mark);

    if (series) {
        return series;
    }

    p = ngx_snprintf(buf, sizeof(buf), "%s/%s/%*s",
                     label->platform ? lu_platform_name(label->platform) : "",
                     label->arch ? label->arch : "",
                     label->channel.len, label->channel.data);

    whom.data = buf;
    whom.len = p - buf;

    return ngx_lu_count_labels(store, mark, app, build ? &build->id : NULL,
                               &whom);
}


static ngx_lu_series_t *
ngx_lu_series_find(ngx_lu_numbers_t *numbers, lu_mark_t *mark,
    lu_str_t *labels, uint32_t hour)
{
    ngx_lu_series_t  *series;

    ngx_shmtx_lock(numbers->count->mutex);

    /* whatever has no place looks for one once an hour */

    if (numbers->other.hour != hour) {
        numbers->other.hour = hour;
        numbers->other.serial++;
    }

    series = mark->series;

    if (series == NULL || series->serial != mark->serial) {
        series = ngx_lu_series_lookup(numbers, labels, hour);
    }

    series->hour = hour;

    if (series != &numbers->other) {
        ngx_queue_remove(&series->queue);
        ngx_queue_insert_tail(&numbers->count->oldest, &series->queue);
    }

    mark->series = series;
    mark->serial = series->serial;

    ngx_shmtx_unlock(numbers->count->mutex);

    return series;
}


static ngx_lu_series_t *
ngx_lu_series_lookup(ngx_lu_numbers_t *numbers, lu_str_t *labels,
    uint32_t hour)
{
    uint32_t          hash;
    ngx_uint_t        i;
    ngx_lu_count_t   *count;
    ngx_lu_series_t  *series, **bucket;

    count = numbers->count;

    if (count->nseries == 0) {
        return &numbers->other;
    }

    hash = numbers->hash;

    for (i = 0; i < NGX_LU_LABELS; i++) {
        hash = hash * 31 + (uint32_t) lu_sip(&count->secret, labels[i].data,
                                             labels[i].len);
    }

    bucket = &count->buckets[hash % count->nseries];

    for (series = *bucket; series; series = series->next) {
        if (series->hash == hash
            && ngx_lu_series_is(series, numbers, labels))
        {
            return series;
        }
    }

    series = ngx_lu_series_place(count, hour);
    if (series == NULL) {
        return &numbers->other;
    }

    ngx_lu_series_init(numbers, series, labels);

    series->hash = hash;
    series->next = *bucket;
    *bucket = series;

    ngx_memory_barrier();

    series->serial = ++count->serial;

    return series;
}


static ngx_uint_t
ngx_lu_series_is(ngx_lu_series_t *series, ngx_lu_numbers_t *numbers,
    lu_str_t *labels)
{
    u_char      *p;
    ngx_uint_t   i;

    if (series->numbers != numbers) {
        return 0;
    }

    p = series->data;

    for (i = 0; i < NGX_LU_LABELS; i++) {
        if (series->len[i] != labels[i].len
            || (labels[i].len
                && ngx_memcmp(p, labels[i].data, labels[i].len) != 0))
        {
            return 0;
        }

        p += series->len[i];
    }

    return 1;
}


/* A free place, or that of the least recently used series. */

static ngx_lu_series_t *
ngx_lu_series_place(ngx_lu_count_t *count, uint32_t hour)
{
    ngx_queue_t      *q;
    ngx_lu_series_t  *series;

    if (count->used < count->nseries) {
        series = &count->series[count->used++];

        ngx_queue_insert_tail(&count->oldest, &series->queue);

        return series;
    }

    q = ngx_queue_head(&count->oldest);
    series = ngx_queue_data(q, ngx_lu_series_t, queue);

    if (series->hour + NGX_LU_IDLE > hour) {
        return NULL;
    }

    ngx_lu_series_retire(count, series);

    return series;
}


/* Its counts stay in the sums. */

static void
ngx_lu_series_retire(ngx_lu_count_t *count, ngx_lu_series_t *series)
{
    ngx_uint_t         i;
    ngx_lu_series_t  **p;
    ngx_lu_sketch_t   *sketch;

    for (i = 0; i < NGX_LU_COUNTS; i++) {
        series->numbers->retired[i] += series->counts[i];
    }

    for (i = 0; i < NGX_LU_SKETCHES; i++) {
        sketch = series->sketches[i];

        if (sketch) {
            sketch->owner = NULL;
            sketch->hour = 0;

            ngx_queue_remove(&sketch->queue);
            ngx_queue_insert_head(&count->idle, &sketch->queue);
        }
    }

    p = &count->buckets[series->hash % count->nseries];

    while (*p != series) {
        p = &(*p)->next;
    }

    *p = series->next;
}


void
ngx_lu_count_check(ngx_http_request_t *r, const lu_mark_t *mark,
    const lu_app_t *app, const lu_channel_t *channel,
    const lu_deployment_t *deployment, lu_check_e result, uint64_t device)
{
#if (NGX_LU_COUNTING)

    ngx_lu_ctx_t       *ctx;
    ngx_lu_series_t    *series;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    series = ngx_lu_count_series(lucf->store, mark, &app->id,
                                 channel ? &channel->name : NULL,
                                 deployment ? &deployment->release_id
                                            : NULL);

    ngx_lu_count_add(series->counts[result], 1);

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    ctx->counted = 1;

    if (device) {
        ngx_lu_count_device(series, result == LU_CHECK_CURRENT
                            ? NGX_LU_SKETCH_RUNNING
                            : NGX_LU_SKETCH_TOLD, device);
    }

#endif
}


static void
ngx_lu_count_device(ngx_lu_series_t *series, ngx_uint_t n, uint64_t hash)
{
    uint32_t          hour;
    ngx_lu_sketch_t  *sketch;

    hour = series->hour;
    sketch = series->sketches[n];

    if (sketch == NULL || sketch->hour != hour) {

        sketch = ngx_lu_sketch_find(series, n, hour);

        if (sketch == NULL) {
            return;
        }
    }

    lu_hll_add(&sketch->hll, hash, hour);
}


static ngx_lu_sketch_t *
ngx_lu_sketch_find(ngx_lu_series_t *series, ngx_uint_t n, uint32_t hour)
{
    ngx_lu_count_t   *count;
    ngx_lu_sketch_t  *sketch;

    count = series->numbers->count;

    if (series->sketches[n] == NULL
        && (count->exhausted == hour || series == &series->numbers->other))
    {
        return NULL;
    }

    ngx_shmtx_lock(count->mutex);

    sketch = series->sketches[n];

    if (sketch == NULL) {
        sketch = ngx_lu_sketch_place(count, hour);

        if (sketch) {
            lu_hll_clear(&sketch->hll, hour);
            sketch->owner = series;
            series->sketches[n] = sketch;
        }
    }

    if (sketch) {
        sketch->hour = hour;

        ngx_queue_remove(&sketch->queue);
        ngx_queue_insert_tail(&count->idle, &sketch->queue);

        if (lu_hll_is_due(&sketch->hll, hour)) {
            lu_hll_sweep(&sketch->hll, hour);
        }
    }

    ngx_shmtx_unlock(count->mutex);

    return sketch;
}


static ngx_lu_sketch_t *
ngx_lu_sketch_place(ngx_lu_count_t *count, uint32_t hour)
{
    ngx_uint_t        n;
    ngx_queue_t      *q;
    ngx_lu_sketch_t  *sketch;

    if (count->drawn < count->nsketches) {
        sketch = &count->sketches[count->drawn++];

        ngx_queue_insert_tail(&count->idle, &sketch->queue);

        return sketch;
    }

    if (ngx_queue_empty(&count->idle)) {
        count->exhausted = hour;
        return NULL;
    }

    q = ngx_queue_head(&count->idle);
    sketch = ngx_queue_data(q, ngx_lu_sketch_t, queue);

    if (sketch->hour + NGX_LU_IDLE > hour) {
        count->exhausted = hour;
        return NULL;
    }

    if (sketch->owner) {
        for (n = 0; n < NGX_LU_SKETCHES; n++) {
            if (sketch->owner->sketches[n] == sketch) {
                sketch->owner->sketches[n] = NULL;
            }
        }
    }

    return sketch;
}


ngx_int_t
ngx_lu_count_init(ngx_conf_t *cf)
{
#if (NGX_LU_COUNTING)

    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_lu_count_request;

#endif

    return NGX_OK;
}


/* Counts each request once: a decided check has been counted before. */

static ngx_int_t
ngx_lu_count_request(ngx_http_request_t *r)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx && ctx->counted) {
        return NGX_OK;
    }

    return ngx_lu_count_other(r, ctx);
}


static ngx_lu_noinline ngx_int_t
ngx_lu_count_other(ngx_http_request_t *r, ngx_lu_ctx_t *ctx)
{
    ngx_lu_kind_e       kind;
    ngx_lu_numbers_t   *numbers;
    ngx_lu_loc_conf_t  *lucf;

    kind = ngx_lu_count_kind(r);

    if (kind == NGX_LU_KIND_NONE) {
        return NGX_OK;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    numbers = ngx_lu_count_numbers(lucf->store);

    if (kind == NGX_LU_KIND_ARTIFACT && ctx && ctx->whole) {
        ngx_lu_count_fetched(r, ctx);
    }

    if (kind == NGX_LU_KIND_FEED && ctx && ctx->whole) {
        ngx_lu_count_downloaded(r, ctx);
    }

    if (kind == NGX_LU_KIND_CHECK && ctx->no_app) {
        ngx_lu_count_add(numbers->no_app, 1);
        return NGX_OK;
    }

    ngx_lu_count_add(numbers->requests[kind][ngx_lu_count_result(r)], 1);

    return NGX_OK;
}


/*
 * The plugin says who it is since version 8.2.0.  Of a bundle with a manifest,
 * only the manifest is looked at: which files follow depends on the device.
 */

static void
ngx_lu_count_fetched(ngx_http_request_t *r, ngx_lu_ctx_t *ctx)
{
    u_char              buf[NGX_LU_DEVICE_ID_LEN];
    lu_str_t            id;
    ngx_str_t           device;
    ngx_table_elt_t    *h;
    ngx_lu_loc_conf_t  *lucf;

    if (r->headers_out.status != NGX_HTTP_OK || !ngx_lu_count_is_sent(r)) {
        return;
    }

    h = ngx_lu_header_find(&r->headers_in.headers, "X-Capawesome-Device-Id",
                           NULL);

    if (h == NULL) {
        h = ngx_lu_header_find(&r->headers_in.headers, "X-Device-Id", NULL);
    }

    if (h == NULL || h->value.len == 0 || h->value.len > sizeof(buf)) {
        return;
    }

    id.data = buf;
    id.len = h->value.len;

    ngx_memcpy(buf, h->value.data, h->value.len);

    if (!lu_name_device_id_valid(&id)) {
        return;
    }

    lu_name_device_id_fold(&id);

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    device = ngx_lu_from_core(&id);

    ngx_lu_device_fetched(lucf->store, &ctx->app, &device, &ctx->release);
}


/*
 * An updater asks for the parts that it does not have, if it can: there may be
 * further ones.
 */

static void
ngx_lu_count_downloaded(ngx_http_request_t *r, ngx_lu_ctx_t *ctx)
{
    ngx_lu_loc_conf_t  *lucf;

    if ((r->headers_out.status != NGX_HTTP_OK
         && r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT)
        || !ngx_lu_count_is_sent(r))
    {
        return;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ngx_lu_device_downloaded(lucf->store, &ctx->app, &r->connection->addr_text,
                             &ctx->release);
}


static ngx_uint_t
ngx_lu_count_is_sent(ngx_http_request_t *r)
{
    off_t  sent;

    sent = r->connection->sent - (off_t) r->header_size;

    return !r->header_only
           && !r->connection->error
           && sent >= r->headers_out.content_length_n;
}


/* A request that nginx refused itself has the kind of its location. */

static ngx_lu_kind_e
ngx_lu_count_kind(ngx_http_request_t *r)
{
    ngx_lu_ctx_t       *ctx;
    ngx_lu_loc_conf_t  *lucf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->status) {
        return NGX_LU_KIND_STATUS;
    }

    if (lucf->webhook) {
        return NGX_LU_KIND_WEBHOOK;
    }

    if (lucf->artifacts) {
        return NGX_LU_KIND_ARTIFACT;
    }

    if (lucf->feed) {
        return NGX_LU_KIND_FEED;
    }

    if (lucf->download) {
        return NGX_LU_KIND_DOWNLOAD;
    }

    if (!lucf->api) {
        return NGX_LU_KIND_NONE;
    }

    if (ctx && ctx->kind) {
        return ctx->kind;
    }

    return lucf->releases ? NGX_LU_KIND_RELEASES : NGX_LU_KIND_API;
}


static ngx_lu_result_e
ngx_lu_count_result(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    status = r->err_status ? r->err_status : r->headers_out.status;

    switch (status) {

    case NGX_HTTP_NOT_MODIFIED:
        return NGX_LU_RESULT_NOT_MODIFIED;

    case NGX_HTTP_BAD_REQUEST:
    case 422:
        return NGX_LU_RESULT_INVALID;

    case NGX_HTTP_UNAUTHORIZED:
        return NGX_LU_RESULT_UNAUTHORIZED;

    case NGX_HTTP_FORBIDDEN:
        return NGX_LU_RESULT_FORBIDDEN;

    case NGX_HTTP_NOT_FOUND:
        return NGX_LU_RESULT_NOT_FOUND;

    case NGX_HTTP_NOT_ALLOWED:
        return NGX_LU_RESULT_NOT_ALLOWED;

    case NGX_HTTP_CONFLICT:
        return NGX_LU_RESULT_CONFLICT;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return NGX_LU_RESULT_TOO_LARGE;

    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return NGX_LU_RESULT_LIMITED;

    case NGX_HTTP_CLIENT_CLOSED_REQUEST:
        return NGX_LU_RESULT_CLOSED;
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_LU_RESULT_FAILED;
    }

    if (status >= NGX_HTTP_BAD_REQUEST) {
        return NGX_LU_RESULT_REFUSED;
    }

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return NGX_LU_RESULT_REDIRECT;
    }

    return status ? NGX_LU_RESULT_OK : NGX_LU_RESULT_CLOSED;
}
