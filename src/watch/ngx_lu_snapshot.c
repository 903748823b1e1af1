
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Series are copied without the zone's mutex: this thread may have a lower
 * priority than those that count, and they would have to wait for it.
 */


#include "ngx_lu_snapshot.h"

#include "zone/ngx_lu_zone.h"

#include "core/lu_hll.h"
#include "core/lu_latest.h"


#define NGX_LU_WINDOWS  2

#define NGX_LU_SNAPSHOT_TRIES  3


/* The union of sketches, for each window. */

typedef struct {
    u_char                          ranks[NGX_LU_WINDOWS]
                                         [LU_HLL_REGISTERS];
} ngx_lu_union_t;


/* A copy of a series, and its place in the zone. */

typedef struct {
    ngx_lu_series_t                 series;
    ngx_lu_series_t                *place;
    lu_str_t                        labels[NGX_LU_LABELS];
} ngx_lu_copy_t;


typedef struct {
    ngx_lu_snapshot_t              *snapshot;
    uint32_t                        hour;

    /* indexes of the current app and channel, or -1, and their devices */
    ngx_int_t                       app;
    ngx_int_t                       channel;
    ngx_lu_union_t                  of_app;
    ngx_lu_union_t                  of_channel;
    ngx_lu_union_t                  of_release;
    ngx_lu_union_t                  of_running;
} ngx_lu_rows_t;


static ngx_int_t ngx_lu_snapshot_copy(ngx_lu_snapshot_t *snapshot,
    ngx_pool_t *pool, const char *app, const lu_token_t *token,
    ngx_array_t *copies);
static ngx_int_t ngx_lu_snapshot_labels(ngx_lu_copy_t *copy, ngx_pool_t *pool);
static int ngx_libc_cdecl ngx_lu_snapshot_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_snapshot_add(ngx_lu_rows_t *rows, ngx_lu_copy_t *copy);
static ngx_lu_row_t *ngx_lu_snapshot_push(ngx_lu_rows_t *rows,
    ngx_lu_row_e level, ngx_lu_copy_t *copy);
static void ngx_lu_snapshot_whom(ngx_lu_row_t *row);
static void ngx_lu_snapshot_word(lu_str_t *rest, lu_str_t *word);
static void ngx_lu_snapshot_estimate(ngx_lu_rows_t *rows, ngx_lu_row_t *row,
    ngx_lu_copy_t *copy);
static ngx_uint_t ngx_lu_snapshot_read(ngx_lu_union_t *u, ngx_lu_copy_t *copy,
    ngx_uint_t n, uint32_t hour);
static void ngx_lu_snapshot_unite(ngx_lu_union_t *to, ngx_lu_union_t *from);
static void ngx_lu_snapshot_count(ngx_lu_union_t *u, double *devices);
static void ngx_lu_snapshot_end_channel(ngx_lu_rows_t *rows);
static void ngx_lu_snapshot_end_app(ngx_lu_rows_t *rows);
static ngx_uint_t ngx_lu_snapshot_any(ngx_atomic_t *counts, ngx_uint_t first,
    ngx_uint_t end);


ngx_int_t
ngx_lu_snapshot(ngx_lu_store_t *store, ngx_pool_t *pool, const char *app,
    const lu_token_t *token, ngx_lu_snapshot_t *snapshot)
{
    ngx_uint_t      i;
    ngx_array_t     copies;
    ngx_lu_copy_t  *copy;
    ngx_lu_rows_t  *rows;

    ngx_memzero(snapshot, sizeof(ngx_lu_snapshot_t));

    snapshot->store = store;
    snapshot->app = app;
    snapshot->token = token;
    snapshot->numbers = ngx_lu_count_numbers(store);
    snapshot->changes = ngx_lu_zone_changes(store);
    snapshot->now = ngx_time();

    rows = ngx_pcalloc(pool, sizeof(ngx_lu_rows_t));

    if (rows == NULL
        || ngx_array_init(&snapshot->rows, pool, 64, sizeof(ngx_lu_row_t))
           != NGX_OK
        || ngx_array_init(&copies, pool, 64, sizeof(ngx_lu_copy_t)) != NGX_OK
        || ngx_lu_snapshot_copy(snapshot, pool, app, token, &copies) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_qsort(copies.elts, copies.nelts, sizeof(ngx_lu_copy_t),
              ngx_lu_snapshot_cmp);

    rows->snapshot = snapshot;
    rows->hour = ngx_lu_count_hour();
    rows->app = -1;
    rows->channel = -1;

    copy = copies.elts;

    for (i = 0; i < copies.nelts; i++) {
        if (ngx_lu_snapshot_add(rows, &copy[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_lu_snapshot_end_app(rows);

    return NGX_OK;
}


/* The sums are of all apps, even if only one of them was asked for. */

static ngx_int_t
ngx_lu_snapshot_copy(ngx_lu_snapshot_t *snapshot, ngx_pool_t *pool,
    const char *app, const lu_token_t *token, ngx_array_t *copies)
{
    lu_str_t           id;
    ngx_uint_t         i, n, used, tries;
    ngx_lu_copy_t     *copy, one;
    ngx_lu_count_t    *count;
    ngx_lu_series_t   *place;
    ngx_lu_numbers_t  *numbers;
    ngx_atomic_uint_t  serial;

    numbers = snapshot->numbers;
    count = numbers->count;

    tries = 0;

again:

    serial = count->serial;
    copies->nelts = 0;

    for (n = 0; n < NGX_LU_COUNTS; n++) {
        snapshot->other[n] = numbers->other.counts[n];
    }

    used = count->used;
    snapshot->series = used;
    snapshot->sketches = count->drawn;

    if (count->shpool) {
        snapshot->free = count->shpool->pfree * ngx_pagesize;
    }

    for (n = 0; n < NGX_LU_CHECKS; n++) {
        snapshot->checks[n] = numbers->retired[n] + snapshot->other[n];
    }

    for (i = 0; i < used; i++) {
        place = &count->series[i];

        if (!ngx_lu_count_copy(place, &one.series)
            || one.series.numbers != numbers)
        {
            continue;
        }

        for (n = 0; n < NGX_LU_CHECKS; n++) {
            snapshot->checks[n] += one.series.counts[n];
        }

        id.data = one.series.data;
        id.len = one.series.len[0];

        if ((app && !lu_str_is(&id, app))
            || (token && !lu_token_has_app(token, &id)))
        {
            continue;
        }

        copy = ngx_array_push(copies);
        if (copy == NULL) {
            return NGX_ERROR;
        }

        copy->series = one.series;
        copy->place = place;

        if (ngx_lu_snapshot_labels(copy, pool) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* the counts of a series that has lost its place may be in no sum */

    if (count->serial != serial && ++tries < NGX_LU_SNAPSHOT_TRIES) {
        goto again;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_snapshot_labels(ngx_lu_copy_t *copy, ngx_pool_t *pool)
{
    u_char     *p, *src;
    ngx_uint_t  i;

    p = ngx_pnalloc(pool, sizeof(copy->series.data) + NGX_LU_LABELS);
    if (p == NULL) {
        return NGX_ERROR;
    }

    src = copy->series.data;

    for (i = 0; i < NGX_LU_LABELS; i++) {
        copy->labels[i].data = p;
        copy->labels[i].len = copy->series.len[i];

        p = ngx_cpymem(p, src, copy->series.len[i]);
        *p++ = '\0';

        src += copy->series.len[i];
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_lu_snapshot_cmp(const void *one, const void *two)
{
    int                   rc;
    ngx_uint_t            i;
    const ngx_lu_copy_t  *a, *b;

    a = one;
    b = two;

    for (i = 0; i < NGX_LU_LABELS; i++) {
        rc = ngx_strcmp(a->labels[i].data, b->labels[i].data);

        if (rc) {
            return rc;
        }
    }

    return 0;
}


static ngx_int_t
ngx_lu_snapshot_add(ngx_lu_rows_t *rows, ngx_lu_copy_t *copy)
{
    ngx_lu_row_t  *row;

    row = rows->snapshot->rows.elts;

    if (rows->app < 0 || !lu_str_eq(&row[rows->app].app, &copy->labels[0])) {
        ngx_lu_snapshot_end_app(rows);

        row = ngx_lu_snapshot_push(rows, NGX_LU_ROW_APP, copy);
        if (row == NULL) {
            return NGX_ERROR;
        }

        rows->app = rows->snapshot->rows.nelts - 1;
        row = rows->snapshot->rows.elts;
    }

    if (ngx_lu_snapshot_any(copy->series.counts, NGX_LU_CHECKS,
                            NGX_LU_COUNTS))
    {
        row = ngx_lu_snapshot_push(rows, NGX_LU_ROW_DESKTOP, copy);
        if (row == NULL) {
            return NGX_ERROR;
        }

        ngx_lu_snapshot_whom(row);
    }

    if (!ngx_lu_snapshot_any(copy->series.counts, 0, NGX_LU_CHECKS)) {
        return NGX_OK;
    }

    row = rows->snapshot->rows.elts;

    if (rows->channel < 0
        || !lu_str_eq(&row[rows->channel].channel, &copy->labels[1]))
    {
        ngx_lu_snapshot_end_channel(rows);

        if (ngx_lu_snapshot_push(rows, NGX_LU_ROW_CHANNEL, copy) == NULL) {
            return NGX_ERROR;
        }

        rows->channel = rows->snapshot->rows.nelts - 1;
    }

    row = ngx_lu_snapshot_push(rows, NGX_LU_ROW_RELEASE, copy);
    if (row == NULL) {
        return NGX_ERROR;
    }

    ngx_lu_snapshot_estimate(rows, row, copy);

    return NGX_OK;
}


static ngx_lu_row_t *
ngx_lu_snapshot_push(ngx_lu_rows_t *rows, ngx_lu_row_e level,
    ngx_lu_copy_t *copy)
{
    ngx_uint_t     i;
    ngx_lu_row_t  *row;

    row = ngx_array_push(&rows->snapshot->rows);
    if (row == NULL) {
        return NULL;
    }

    ngx_memzero(row, sizeof(ngx_lu_row_t));

    row->level = level;
    row->app = copy->labels[0];
    row->channel = copy->labels[1];
    row->release = copy->labels[2];

    for (i = 0; i < NGX_LU_COUNTS; i++) {
        row->counts[i] = copy->series.counts[i];
    }

    return row;
}


/* What ngx_lu_count_desktop() has put together. */

static void
ngx_lu_snapshot_whom(ngx_lu_row_t *row)
{
    lu_str_t  rest;

    rest = row->release;
    row->release = row->channel;

    ngx_lu_snapshot_word(&rest, &row->platform);
    ngx_lu_snapshot_word(&rest, &row->arch);

    row->channel = rest;
}


/* Takes what is in front of the next "/". */

static void
ngx_lu_snapshot_word(lu_str_t *rest, lu_str_t *word)
{
    word->data = rest->data;
    word->len = lu_str_find(rest, 0, "/");

    rest->data += ngx_min(word->len + 1, rest->len);
    rest->len -= ngx_min(word->len + 1, rest->len);
}


/*
 * One sketch has the devices that were told of a release, the other one those
 * that run it.  A device that is in both of them is counted once.
 */

static void
ngx_lu_snapshot_estimate(ngx_lu_rows_t *rows, ngx_lu_row_t *row,
    ngx_lu_copy_t *copy)
{
    ngx_uint_t     told, running;
    ngx_lu_row_t  *all;

    ngx_memzero(&rows->of_release, sizeof(ngx_lu_union_t));
    ngx_memzero(&rows->of_running, sizeof(ngx_lu_union_t));

    told = ngx_lu_snapshot_read(&rows->of_release, copy, NGX_LU_SKETCH_TOLD,
                                rows->hour);
    running = ngx_lu_snapshot_read(&rows->of_running, copy,
                                   NGX_LU_SKETCH_RUNNING, rows->hour);

    if (!told && !running) {
        return;
    }

    /* the zone had no room for the sketch: no estimate is better than 0 */

    if (!running && row->counts[LU_CHECK_CURRENT]) {
        return;
    }

    ngx_lu_snapshot_unite(&rows->of_release, &rows->of_running);
    ngx_lu_snapshot_unite(&rows->of_channel, &rows->of_release);

    row->estimated = 1;

    ngx_lu_snapshot_count(&rows->of_release, row->devices);
    ngx_lu_snapshot_count(&rows->of_running, row->running);

    all = rows->snapshot->rows.elts;

    all[rows->channel].estimated = 1;
    all[rows->app].estimated = 1;
}


/* 0: there is no sketch, or another series has taken it meanwhile. */

static ngx_uint_t
ngx_lu_snapshot_read(ngx_lu_union_t *u, ngx_lu_copy_t *copy, ngx_uint_t n,
    uint32_t hour)
{
    ngx_lu_sketch_t  *sketch;

    sketch = copy->series.sketches[n];

    if (sketch == NULL) {
        return 0;
    }

    lu_hll_merge(u->ranks[0], &sketch->hll, hour, LU_HLL_DAY);
    lu_hll_merge(u->ranks[1], &sketch->hll, hour, LU_HLL_MONTH);

    if (copy->place->serial != copy->series.serial
        || copy->place->sketches[n] != sketch)
    {
        ngx_memzero(u, sizeof(ngx_lu_union_t));
        return 0;
    }

    return 1;
}


static void
ngx_lu_snapshot_unite(ngx_lu_union_t *to, ngx_lu_union_t *from)
{
    ngx_uint_t  i, n;

    for (i = 0; i < NGX_LU_WINDOWS; i++) {
        for (n = 0; n < LU_HLL_REGISTERS; n++) {
            to->ranks[i][n] = ngx_max(to->ranks[i][n], from->ranks[i][n]);
        }
    }
}


static void
ngx_lu_snapshot_count(ngx_lu_union_t *u, double *devices)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_LU_WINDOWS; i++) {

        /* devices are whole numbers */

        devices[i] = (double) (uint64_t) (lu_hll_estimate(u->ranks[i]) + 0.5);
    }
}


static void
ngx_lu_snapshot_end_channel(ngx_lu_rows_t *rows)
{
    ngx_lu_row_t  *row;

    if (rows->channel < 0) {
        return;
    }

    row = rows->snapshot->rows.elts;

    ngx_lu_snapshot_count(&rows->of_channel, row[rows->channel].devices);
    ngx_lu_snapshot_unite(&rows->of_app, &rows->of_channel);

    ngx_memzero(&rows->of_channel, sizeof(ngx_lu_union_t));
    rows->channel = -1;
}


static void
ngx_lu_snapshot_end_app(ngx_lu_rows_t *rows)
{
    ngx_lu_row_t  *row;

    ngx_lu_snapshot_end_channel(rows);

    if (rows->app < 0) {
        return;
    }

    row = rows->snapshot->rows.elts;

    ngx_lu_snapshot_count(&rows->of_app, row[rows->app].devices);

    ngx_memzero(&rows->of_app, sizeof(ngx_lu_union_t));
    rows->app = -1;
}


static ngx_uint_t
ngx_lu_snapshot_any(ngx_atomic_t *counts, ngx_uint_t first, ngx_uint_t end)
{
    while (first < end) {
        if (counts[first++]) {
            return 1;
        }
    }

    return 0;
}


double
ngx_lu_snapshot_waiting(ngx_lu_snapshot_t *snapshot)
{
    time_t  since;

    since = snapshot->numbers->scan.oldest;

    if (since == 0 || snapshot->now <= since) {
        return since ? 1 : 0;
    }

    return (double) (snapshot->now - since);
}


double
ngx_lu_snapshot_scan_age(ngx_lu_snapshot_t *snapshot)
{
    ngx_atomic_int_t  age;

    age = ngx_current_msec - snapshot->numbers->scan.at;

    return (double) (ngx_max(age, 0) / 1000);
}
