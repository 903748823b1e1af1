
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bytes.h"
#include "ngx_lu_scan.h"

#include "zone/ngx_lu_count.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_release.h"
#include "job/ngx_lu_job.h"
#include "job/ngx_lu_expiry.h"
#include "job/ngx_lu_notify.h"

#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


#define NGX_LU_SCAN_VALID  5000      /* milliseconds */
#define NGX_LU_SCAN_PART   20        /* a scan takes 1/20 of the time at most */
#define NGX_LU_SCAN_LEASE  60000     /* milliseconds; it has crashed then */
#define NGX_LU_SCAN_MAX    100000    /* folders that a scan looks at */
#define NGX_LU_SCAN_WAIT   2000      /* milliseconds; then it goes without */


/* A scan; the memory of an app ends with it. */

typedef struct {
    ngx_lu_io_t                     io;
    ngx_lu_store_t                 *store;
    ngx_pool_t                     *pool;
    ngx_lu_thread_t                 thread;
    ngx_queue_t                     queue;       /* of the worker */
    ngx_queue_t                     waits;
    ngx_msec_t                      begin;
    ngx_uint_t                      states[LU_STATES];
    time_t                          oldest;
    ngx_uint_t                      left;
    ngx_uint_t                      unread;      /* apps */
    ngx_uint_t                      count;       /* claimed: releases, too */
    ngx_lu_bytes_t                 *bytes;
} ngx_lu_look_t;


static ngx_lu_look_t *ngx_lu_scan_find(ngx_lu_store_t *store);
static ngx_lu_look_t *ngx_lu_scan_start(ngx_lu_store_t *store,
    ngx_thread_pool_t *tp, ngx_uint_t count);
static void ngx_lu_scan_thread(void *data);
static void ngx_lu_scan_count(ngx_lu_look_t *look);
static void ngx_lu_scan_targets(ngx_lu_look_t *look, ngx_lu_scan_t *scan);
static void ngx_lu_scan_target(const cJSON *state, ngx_lu_scan_t *scan);
static void ngx_lu_scan_done(void *data);
static void ngx_lu_scan_timer(ngx_event_t *ev);
static void ngx_lu_scan_wake(ngx_lu_scan_wait_t *wait);
static lu_state_e ngx_lu_scan_state(ngx_uint_t i);
static ngx_uint_t ngx_lu_scan_claim(ngx_lu_scan_t *scan);
static ngx_int_t ngx_lu_scan_store(ngx_lu_look_t *look, ngx_pool_t *pool);
static ngx_int_t ngx_lu_scan_each(ngx_lu_look_t *look, ngx_pool_t *pool,
    const char *place,
    ngx_int_t (*handler)(ngx_lu_look_t *look, ngx_str_t *app));
static ngx_int_t ngx_lu_scan_staging(ngx_lu_look_t *look, ngx_str_t *app);
static void ngx_lu_scan_release(ngx_lu_look_t *look, const cJSON *release);
static ngx_int_t ngx_lu_scan_live(ngx_lu_look_t *look, ngx_str_t *app);
static ngx_int_t ngx_lu_scan_named(ngx_lu_look_t *look, ngx_str_t *app,
    ngx_array_t *ids);
static ngx_int_t ngx_lu_scan_ids(ngx_array_t *ids, const cJSON *list,
    const char *key);
static int ngx_libc_cdecl ngx_lu_scan_cmp(const void *one, const void *two);


/* of the worker */

static ngx_queue_t  ngx_lu_scan_looks;


ngx_uint_t
ngx_lu_scan(ngx_lu_store_t *store, ngx_thread_pool_t *tp,
    ngx_lu_scan_wait_t *wait)
{
    ngx_uint_t      count;
    ngx_lu_look_t  *look;

    if (ngx_lu_scan_looks.next == NULL) {
        ngx_queue_init(&ngx_lu_scan_looks);
    }

    look = ngx_lu_scan_find(store);

    if (look == NULL) {

        count = ngx_lu_scan_claim(&ngx_lu_count_numbers(store)->scan);

        if (!count && !ngx_lu_bytes_is_old(store)) {
            return 0;
        }

        look = ngx_lu_scan_start(store, tp, count);

        if (look == NULL) {

            if (count) {
                ngx_lu_count_numbers(store)->scan.claimed = 0;
            }

            return 0;
        }
    }

    /* a disk that does not answer is not waited for each time */

    if (ngx_current_msec - look->begin >= NGX_LU_SCAN_WAIT) {
        return 0;
    }

    wait->timer.handler = ngx_lu_scan_timer;
    wait->timer.data = wait;
    wait->timer.log = ngx_cycle->log;

    ngx_add_timer(&wait->timer, NGX_LU_SCAN_WAIT);

    ngx_queue_insert_tail(&look->waits, &wait->queue);

    return 1;
}


static ngx_lu_look_t *
ngx_lu_scan_find(ngx_lu_store_t *store)
{
    ngx_queue_t    *q;
    ngx_lu_look_t  *look;

    for (q = ngx_queue_head(&ngx_lu_scan_looks);
         q != ngx_queue_sentinel(&ngx_lu_scan_looks);
         q = ngx_queue_next(q))
    {
        look = ngx_queue_data(q, ngx_lu_look_t, queue);

        if (look->store == store) {
            return look;
        }
    }

    return NULL;
}


static ngx_lu_look_t *
ngx_lu_scan_start(ngx_lu_store_t *store, ngx_thread_pool_t *tp,
    ngx_uint_t count)
{
    ngx_pool_t       *pool;
    ngx_lu_look_t    *look;
    ngx_lu_thread_t  *thread;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    look = ngx_pcalloc(pool, sizeof(ngx_lu_look_t));
    if (look == NULL) {
        goto failed;
    }

    look->pool = pool;
    look->store = store;
    look->left = NGX_LU_SCAN_MAX;
    look->count = count;
    look->begin = ngx_current_msec;

    thread = &look->thread;

    thread->store = store;
    thread->pool = tp;
    thread->kind = NGX_LU_THREAD_SHORT;
    thread->beats = &look->io.beats;
    thread->run = ngx_lu_scan_thread;
    thread->done = ngx_lu_scan_done;
    thread->data = look;

    if (ngx_lu_thread_start(thread) != NGX_OK) {
        goto failed;
    }

    ngx_queue_init(&look->waits);
    ngx_queue_insert_tail(&ngx_lu_scan_looks, &look->queue);

    return look;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static void
ngx_lu_scan_thread(void *data)
{
    ngx_lu_look_t *look = data;

    if (look->count) {
        ngx_lu_scan_count(look);
    }

    look->bytes = ngx_lu_bytes_measure(look->store, &look->io);
}


static void
ngx_lu_scan_count(ngx_lu_look_t *look)
{
    ngx_int_t       rc;
    ngx_msec_t      begin, end;
    ngx_uint_t      i;
    ngx_lu_scan_t  *scan;

    scan = &ngx_lu_count_numbers(look->store)->scan;

    begin = ngx_lu_thread_msec();

    rc = ngx_lu_scan_store(look, look->pool);

    if (rc == NGX_OK) {
        ngx_lu_scan_targets(look, scan);

        look->io.pool = look->pool;
        scan->token = ngx_lu_expiry(&look->io, look->store);
    }

    end = ngx_lu_thread_msec();

    if (rc == NGX_OK) {
        for (i = 0; i < LU_STATES; i++) {
            scan->states[i] = look->states[ngx_lu_scan_state(i)];
        }

        scan->oldest = look->oldest;
        scan->complete = (look->left != 0 && look->unread == 0);
        scan->took = end - begin;
        scan->at = end;

        ngx_lu_io_clear(&look->io);
    }

    if (rc == NGX_ERROR) {
        scan->complete = 0;
    }

    scan->claimed = 0;
}


/* Nobody has sent anything yet to a target without a file. */

static void
ngx_lu_scan_targets(ngx_lu_look_t *look, ngx_lu_scan_t *scan)
{
    cJSON                 *state;
    size_t                 i;
    u_char                *path;
    ngx_uint_t             n;
    ngx_lu_scan_t          found;
    ngx_lu_notify_conf_t  *conf;

    if (look->store->notify == NULL) {
        return;
    }

    ngx_memzero(&found, sizeof(ngx_lu_scan_t));

    conf = look->store->notify->conf;
    look->io.pool = look->pool;

    for (i = 0; i < conf->ntargets; i++) {

        path = ngx_lu_path(&look->io, "%V/notify/targets/%s.json",
                           &look->store->path, conf->targets[i].name.data);

        if (ngx_lu_file_read_json(&look->io, path, &state) != NGX_OK) {
            ngx_lu_io_clear(&look->io);
            state = NULL;
        }

        ngx_lu_scan_target(state, &found);

        cJSON_Delete(state);
    }

    for (n = 0; n < NGX_LU_TARGETS; n++) {
        scan->targets[n] = found.targets[n];
    }

    scan->failing = found.failing;
    scan->delivered = found.delivered;
    scan->refused = found.refused;
    scan->missed = found.missed;
}


static void
ngx_lu_scan_target(const cJSON *state, ngx_lu_scan_t *scan)
{
    time_t    since;
    uint64_t  n;
    lu_str_t  text;

    if (lu_json_size(state, "delivered", &n) == LU_OK) {
        scan->delivered += n;
    }

    if (lu_json_size(state, "refused", &n) == LU_OK) {
        scan->refused += n;
    }

    if (lu_json_size(state, "missed", &n) == LU_OK) {
        scan->missed += n;
    }

    if (lu_json_string(state, "pausedAt", &text) == LU_OK) {
        scan->targets[NGX_LU_TARGET_PAUSED]++;
        return;
    }

    if (lu_json_string(state, "failingSince", &text) != LU_OK
        || lu_time_parse(&text, &since) != LU_OK)
    {
        scan->targets[NGX_LU_TARGET_ACTIVE]++;
        return;
    }

    scan->targets[NGX_LU_TARGET_FAILING]++;

    if (scan->failing == 0 || since < (time_t) scan->failing) {
        scan->failing = since;
    }
}


static void
ngx_lu_scan_done(void *data)
{
    ngx_lu_look_t *look = data;

    ngx_queue_t  *q;

    ngx_queue_remove(&look->queue);

    if (look->thread.refused && look->count) {
        ngx_lu_count_numbers(look->store)->scan.claimed = 0;
    }

    if (look->bytes) {
        ngx_lu_bytes_keep(look->bytes);
    }

    ngx_lu_job_log(&look->io, " while counting releases");

    while (!ngx_queue_empty(&look->waits)) {
        q = ngx_queue_head(&look->waits);

        ngx_lu_scan_wake(ngx_queue_data(q, ngx_lu_scan_wait_t, queue));
    }

    ngx_destroy_pool(look->pool);
}


static void
ngx_lu_scan_timer(ngx_event_t *ev)
{
    ngx_lu_scan_wake(ev->data);
}


static void
ngx_lu_scan_wake(ngx_lu_scan_wait_t *wait)
{
    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    ngx_queue_remove(&wait->queue);

    wait->handler(wait->data);
}


const char *
ngx_lu_scan_name(ngx_uint_t i)
{
    lu_state_e  state;

    state = ngx_lu_scan_state(i);

    return state == LU_STATE_UNKNOWN ? "other" : lu_release_state_name(state);
}


static lu_state_e
ngx_lu_scan_state(ngx_uint_t i)
{
    return (lu_state_e) ((i + 1) % LU_STATES);
}


/* Before the first scan has ended, each call scans for itself. */

static ngx_uint_t
ngx_lu_scan_claim(ngx_lu_scan_t *scan)
{
    ngx_atomic_uint_t  now, claimed, valid;

    now = ngx_lu_thread_msec();

    if (scan->at == 0) {
        return 1;
    }

    valid = NGX_LU_SCAN_VALID + scan->took * NGX_LU_SCAN_PART;

    if (now < scan->at + valid && now + valid >= scan->at) {
        return 0;
    }

    claimed = scan->claimed;

    if (claimed && now < claimed + NGX_LU_SCAN_LEASE) {
        return 0;
    }

    return ngx_atomic_cmp_set(&scan->claimed, claimed, now);
}


static ngx_int_t
ngx_lu_scan_store(ngx_lu_look_t *look, ngx_pool_t *pool)
{
    ngx_int_t  rc;

    rc = ngx_lu_scan_each(look, pool, "staging", ngx_lu_scan_staging);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_lu_scan_each(look, pool, "live", ngx_lu_scan_live);
}


/* Each app has a pool of its own, which is destroyed after it. */

static ngx_int_t
ngx_lu_scan_each(ngx_lu_look_t *look, ngx_pool_t *pool, const char *place,
    ngx_int_t (*handler)(ngx_lu_look_t *look, ngx_str_t *app))
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_str_t   *app;
    ngx_uint_t   i;
    ngx_array_t  apps;

    look->io.pool = pool;

    path = ngx_lu_format(pool, "%V/%s", &look->store->path, place);

    rc = ngx_lu_tree_list(&look->io, path, &apps);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    app = apps.elts;

    for (i = 0; i < apps.nelts && look->left; i++) {

        look->io.pool = ngx_create_pool(4096, ngx_cycle->log);
        if (look->io.pool == NULL) {
            return ngx_lu_io_nomem(&look->io);
        }

        look->left--;

        if (handler(look, &app[i]) == NGX_ERROR) {
            look->unread++;
        }

        ngx_destroy_pool(look->io.pool);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_scan_staging(ngx_lu_look_t *look, ngx_str_t *app)
{
    cJSON       *release;
    u_char      *path, *folder;
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;

    path = ngx_lu_path(&look->io, "%V/staging/%V", &look->store->path, app);

    rc = ngx_lu_tree_list(&look->io, path, &names);
    if (rc != NGX_OK) {
        return rc;
    }

    name = names.elts;

    for (i = 0; i < names.nelts && look->left; i++) {

        look->left--;

        folder = ngx_lu_path_in(&look->io, path, "%V", &name[i]);

        rc = ngx_lu_release_load(&look->io, folder, &release);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_ERROR) {
            look->states[LU_STATE_UNKNOWN]++;
            continue;
        }

        ngx_lu_scan_release(look, release);

        cJSON_Delete(release);
    }

    return NGX_OK;
}


static void
ngx_lu_scan_release(ngx_lu_look_t *look, const cJSON *release)
{
    time_t      since;
    lu_str_t    updated;
    lu_state_e  state;

    state = lu_release_state(release);

    look->states[state]++;

    if (state != LU_STATE_STAGED) {
        return;
    }

    if (lu_json_string(release, "updatedAt", &updated) != LU_OK
        || lu_time_parse(&updated, &since) != LU_OK)
    {
        return;
    }

    if (look->oldest == 0 || since < look->oldest) {
        look->oldest = since;
    }
}


/* A release that app.json names is live, the others were withdrawn. */

static ngx_int_t
ngx_lu_scan_live(ngx_lu_look_t *look, ngx_str_t *app)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_str_t   *name, *id;
    ngx_uint_t   i, n, live;
    ngx_array_t  names, ids;

    path = ngx_lu_path(&look->io, "%V/live/%V", &look->store->path, app);

    rc = ngx_lu_tree_list(&look->io, path, &names);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_array_init(&ids, look->io.pool, 16, sizeof(ngx_str_t)) != NGX_OK
        || ngx_lu_scan_named(look, app, &ids) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ngx_qsort(ids.elts, ids.nelts, sizeof(ngx_str_t), ngx_lu_scan_cmp);
    ngx_qsort(names.elts, names.nelts, sizeof(ngx_str_t), ngx_lu_scan_cmp);

    id = ids.elts;
    name = names.elts;

    live = 0;
    n = 0;

    for (i = 0; i < names.nelts; i++) {

        rc = 1;

        while (n < ids.nelts) {
            rc = ngx_lu_scan_cmp(&id[n], &name[i]);

            if (rc >= 0) {
                break;
            }

            n++;
        }

        if (rc == 0) {
            live++;
        }
    }

    look->states[LU_STATE_LIVE] += live;
    look->states[LU_STATE_WITHDRAWN] += names.nelts - live;

    look->left -= ngx_min(look->left, names.nelts);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_scan_named(ngx_lu_look_t *look, ngx_str_t *app, ngx_array_t *ids)
{
    cJSON     *json, *channel;
    u_char    *path;
    ngx_int_t  rc;

    path = ngx_lu_path(&look->io, "%V/apps/%V/app.json", &look->store->path,
                       app);

    rc = ngx_lu_file_read_json(&look->io, path, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_lu_scan_ids(ids,
                       cJSON_GetObjectItemCaseSensitive(json, "desktopBuilds"),
                       "id");

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(json, "channels"))
    {
        if (rc == NGX_OK) {
            rc = ngx_lu_scan_ids(ids,
                     cJSON_GetObjectItemCaseSensitive(channel, "deployments"),
                     "release");
        }
    }

    cJSON_Delete(json);

    return rc;
}


static ngx_int_t
ngx_lu_scan_ids(ngx_array_t *ids, const cJSON *list, const char *key)
{
    lu_str_t      value;
    ngx_str_t    *id, src;
    const cJSON  *item;

    cJSON_ArrayForEach(item, list) {

        if (lu_json_string(item, key, &value) != LU_OK) {
            continue;
        }

        id = ngx_array_push(ids);
        if (id == NULL) {
            return NGX_ERROR;
        }

        src = ngx_lu_from_core(&value);

        id->len = value.len;
        id->data = ngx_pstrdup(ids->pool, &src);

        if (id->data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_lu_scan_cmp(const void *one, const void *two)
{
    const ngx_str_t  *a, *b;

    a = one;
    b = two;

    return ngx_memn2cmp(a->data, b->data, a->len, b->len);
}
