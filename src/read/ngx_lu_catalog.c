
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Each worker keeps what it was asked for, parsed and immutable.  Threads load
 * it; requests that need the same load wait for it together, and a new copy
 * replaces the old one as a whole.
 */


#include "ngx_lu_catalog.h"
#include "ngx_lu_wait.h"

#include "zone/ngx_lu_count.h"
#include "zone/ngx_lu_zone.h"


/* the pool of a copy: an app with a channel or two fits into one block */

#define NGX_LU_POOL  2048

/*
 * how long a request waits for a newer copy than the one that there is, and how
 * long while another load does not come back (milliseconds)
 */

#define NGX_LU_PATIENCE    1000
#define NGX_LU_IMPATIENCE  100

/* looks that are not urgent wait that long (milliseconds) for that many */

#define NGX_LU_LOOK   50
#define NGX_LU_LOOKS  64

/* the way through a single tree would have many cold cache lines */

#define NGX_LU_TREES  1024


struct ngx_lu_catalog_s {
    ngx_rbtree_t          trees[NGX_LU_TREES];
    ngx_rbtree_node_t     sentinel;
    ngx_lu_node_t        *last;         /* app that was asked for; or NULL */

    ngx_queue_t           evictable;    /* most recently used first */
    size_t                size;         /* of what is evictable */
    size_t                limit;        /* liveupdate_cache */

    ngx_lu_load_t        *looks;        /* loads that wait for "look" */
    ngx_uint_t            nlooks;
    ngx_uint_t            nlate;        /* of its nodes */
    ngx_event_t           look;
    ngx_thread_pool_t    *readers;      /* of these loads */
};


struct ngx_lu_node_s {
    ngx_str_node_t        sn;           /* "app", or "app/name" and kind */

    /* read by each request */

    void                 *copy;         /* NULL: it does not exist */
    size_t                size;         /* of the copy */
    ngx_atomic_t         *current;      /* generation, in the zone */
    ngx_atomic_uint_t     generation;   /* of the copy */
    ngx_msec_t            checked;      /* of ngx_current_msec */

    unsigned              loaded:1;
    unsigned              loading:1;
    unsigned              evictable:1;
    unsigned              failed:1;     /* and there is no copy */
    unsigned              hangs:1;      /* the load does not come back */
    unsigned              late:1;       /* nobody waits for it any more */
    unsigned              absent:1;     /* the disk did not give it */
    unsigned              damaged:1;    /* the copy lacks a release */

    ngx_lu_copy_e         kind;
    ngx_lu_store_t       *store;
    ngx_queue_t           queue;        /* if evictable */
    ngx_queue_t           waiters;
    ngx_pool_t           *pool;         /* of the copy */
    ngx_lu_origin_t       origin;       /* of the copy */
};


/* What a request asks for. */

typedef struct {
    ngx_lu_copy_e         kind;
    ngx_str_t            *app;
    ngx_str_t            *name;         /* of a release, or of a file */
    ngx_lu_table_page_t        *page;
} ngx_lu_want_t;


static ngx_int_t ngx_lu_catalog_get(ngx_http_request_t *r,
    ngx_lu_want_t *want, void **copy);
static ngx_lu_node_t *ngx_lu_node_app(ngx_lu_store_t *store,
    ngx_lu_want_t *want);
static void ngx_lu_node_prefetch(ngx_lu_node_t *node);
static ngx_lu_node_t *ngx_lu_node_find(ngx_lu_store_t *store,
    ngx_lu_want_t *want);
static u_char *ngx_lu_node_name(u_char *buf, ngx_lu_want_t *want);
static ngx_int_t ngx_lu_catalog_wait(ngx_http_request_t *r,
    ngx_lu_node_t *node);
static void ngx_lu_node_back(ngx_lu_node_t *node);
static ngx_int_t ngx_lu_load_start(ngx_lu_node_t *node, ngx_thread_pool_t *tp,
    ngx_lu_want_t *want);
static void ngx_lu_look_later(ngx_lu_node_t *node, ngx_thread_pool_t *tp,
    ngx_lu_want_t *want);
static void ngx_lu_look_handler(ngx_event_t *ev);
static ngx_int_t ngx_lu_look_now(ngx_lu_catalog_t *catalog);
static ngx_lu_load_t *ngx_lu_load_create(ngx_lu_node_t *node,
    ngx_lu_want_t *want);
static ngx_int_t ngx_lu_load_str(ngx_pool_t *pool, ngx_str_t *str);
static ngx_int_t ngx_lu_load_post(ngx_lu_load_t *load, ngx_thread_pool_t *tp);
static void ngx_lu_load_free(ngx_lu_load_t *load);
static void ngx_lu_load_late(void *data);
static void ngx_lu_load_done(void *data);
static void ngx_lu_load_finish(ngx_lu_load_t *load);
static void ngx_lu_load_log(ngx_lu_load_t *load);
static void ngx_lu_node_update(ngx_lu_node_t *node, ngx_lu_load_t *load);
static size_t ngx_lu_node_memory(ngx_lu_node_t *node);
static void ngx_lu_node_evict(ngx_lu_catalog_t *catalog);


ngx_lu_catalog_t *
ngx_lu_catalog_create(ngx_pool_t *pool)
{
    ngx_uint_t         i;
    ngx_lu_catalog_t  *catalog;

    catalog = ngx_pcalloc(pool, sizeof(ngx_lu_catalog_t));
    if (catalog == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_LU_TREES; i++) {
        ngx_rbtree_init(&catalog->trees[i], &catalog->sentinel,
                        ngx_str_rbtree_insert_value);
    }

    ngx_queue_init(&catalog->evictable);

    return catalog;
}


void
ngx_lu_catalog_limit(ngx_lu_catalog_t *catalog, size_t size)
{
    catalog->limit = size;
}


ngx_int_t
ngx_lu_catalog_app(ngx_http_request_t *r, ngx_str_t *id, lu_app_t **app)
{
    void          *copy;
    ngx_int_t      rc;
    ngx_lu_want_t  want = { NGX_LU_COPY_APP, id, NULL, NULL };

    rc = ngx_lu_catalog_get(r, &want, &copy);
    *app = copy;

    return rc;
}


ngx_int_t
ngx_lu_catalog_files(ngx_http_request_t *r, ngx_str_t *app, ngx_str_t *release,
    ngx_lu_files_t **files)
{
    void          *copy;
    ngx_int_t      rc;
    ngx_lu_want_t  want = { NGX_LU_COPY_FILES, app, release, NULL };

    rc = ngx_lu_catalog_get(r, &want, &copy);
    *files = copy;

    return rc;
}


ngx_int_t
ngx_lu_catalog_page(ngx_http_request_t *r, ngx_str_t *app, ngx_str_t *release,
    ngx_lu_table_page_t *page, ngx_lu_files_t **files)
{
    void          *copy;
    ngx_int_t      rc;
    ngx_lu_want_t  want = { NGX_LU_COPY_PAGE, app, release, page };

    rc = ngx_lu_catalog_get(r, &want, &copy);
    *files = copy;

    return rc;
}


ngx_int_t
ngx_lu_catalog_td(ngx_http_request_t *r, ngx_str_t *app, ngx_str_t *name,
    lu_td_t **td)
{
    void          *copy;
    ngx_int_t      rc;
    ngx_lu_want_t  want = { NGX_LU_COPY_TD, app, name, NULL };

    rc = ngx_lu_catalog_get(r, &want, &copy);
    *td = copy;

    return rc;
}


ngx_int_t
ngx_lu_catalog_manifest(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, ngx_lu_manifest_t **manifest)
{
    void          *copy;
    ngx_int_t      rc;
    ngx_lu_want_t  want = { NGX_LU_COPY_MANIFEST, app, name, NULL };

    rc = ngx_lu_catalog_get(r, &want, &copy);
    *manifest = copy;

    return rc;
}


static ngx_int_t
ngx_lu_catalog_get(ngx_http_request_t *r, ngx_lu_want_t *want, void **copy)
{
    ngx_int_t           rc;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_node_t      *node;
    ngx_lu_loc_conf_t  *lucf;

    *copy = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    node = (want->kind == NGX_LU_COPY_APP)
           ? ngx_lu_node_app(lucf->store, want)
           : ngx_lu_node_find(lucf->store, want);

    if (node == NULL) {
        return NGX_ERROR;
    }

    /* another version of the table has pages of other names */

    if (want->kind == NGX_LU_COPY_PAGE && node->copy) {
        goto found;
    }

    /* a request that has waited accepts what was current when it arrived */

    if (!ctx->waited) {
        ctx->generation = *node->current;
    }

    if (!node->loaded
        || (ngx_atomic_int_t) (node->generation - ctx->generation) < 0)
    {
        rc = ngx_lu_load_start(node, lucf->readers, want);

        if (rc == NGX_OK) {
            rc = ngx_lu_catalog_wait(r, node);
        }

        /* while the disk does not answer, the memory does */

        if (rc != NGX_BUSY || !node->loaded) {
            return rc;
        }
    }

    if (ngx_current_msec - node->checked >= (ngx_msec_t) lucf->valid * 1000
        && !node->loading)
    {

        /* another machine may have changed the file: look, but do not wait */

        ngx_lu_look_later(node, lucf->readers, want);
    }

found:

    if (node->evictable) {
        ngx_queue_remove(&node->queue);
        ngx_queue_insert_head(&lucf->store->catalog->evictable, &node->queue);
    }

    *copy = node->copy;

    if (node->failed) {
        return node->absent ? NGX_BUSY : NGX_ERROR;
    }

    return NGX_OK;
}


/* Many servers have one app, or one that nearly all devices ask for. */

static ngx_lu_node_t *
ngx_lu_node_app(ngx_lu_store_t *store, ngx_lu_want_t *want)
{
    ngx_lu_node_t     *node;
    ngx_lu_catalog_t  *catalog;

    catalog = store->catalog;
    node = catalog->last;

    if (node
        && node->sn.str.len == want->app->len
        && ngx_memcmp(node->sn.str.data, want->app->data, want->app->len) == 0)
    {
        return node;
    }

    node = ngx_lu_node_find(store, want);

    if (node) {
        ngx_lu_node_prefetch(node);
        catalog->last = node;
    }

    return node;
}


/*
 * A thousand apps do not fit into the caches of a CPU: the copy is fetched
 * while the request is parsed.
 */

static void
ngx_lu_node_prefetch(ngx_lu_node_t *node)
{
    u_char  *p, *last;

    p = node->copy;

    if (p == NULL) {
        return;
    }

    last = p + ngx_min(node->size, NGX_LU_POOL);

    for ( /* void */ ; p < last; p += ngx_cacheline_size) {
        ngx_lu_prefetch(p);
    }
}


static ngx_lu_node_t *
ngx_lu_node_find(ngx_lu_store_t *store, ngx_lu_want_t *want)
{
    u_char         *p, buf[64 + 1 + 255 + NGX_LU_TABLE_KEY + 1];
    uint32_t        hash;
    ngx_str_t       name;
    ngx_rbtree_t   *tree;
    ngx_lu_node_t  *node;

    if (want->name) {
        p = ngx_lu_node_name(buf, want);

        name.data = buf;
        name.len = p - buf;

    } else {
        name = *want->app;
    }

    hash = lu_str_hash(name.data, name.len);
    tree = &store->catalog->trees[hash % NGX_LU_TREES];

    node = (ngx_lu_node_t *) ngx_str_rbtree_lookup(tree, &name, hash);
    if (node) {
        return node;
    }

    node = ngx_calloc(sizeof(ngx_lu_node_t) + name.len, ngx_cycle->log);
    if (node == NULL) {
        return NULL;
    }

    node->sn.node.key = hash;
    node->sn.str.len = name.len;
    node->sn.str.data = (u_char *) node + sizeof(ngx_lu_node_t);
    ngx_memcpy(node->sn.str.data, name.data, name.len);

    node->store = store;
    node->kind = want->kind;
    node->current = ngx_lu_zone_generation(store, want->app);

    ngx_queue_init(&node->waiters);
    ngx_rbtree_insert(tree, &node->sn.node);

    return node;
}


/* A file of the feed may be there twice: as it is, and parsed. */

static u_char *
ngx_lu_node_name(u_char *buf, ngx_lu_want_t *want)
{
    u_char  *p;

    p = ngx_cpymem(buf, want->app->data, want->app->len);
    *p++ = '/';
    p = ngx_cpymem(p, want->name->data, want->name->len);

    if (want->page) {
        p = ngx_lu_table_key(want->page, p);
    }

    *p++ = (u_char) want->kind;

    return p;
}


/*
 * Whoever has waited for this load once has waited for all who follow: they are
 * answered at once, from memory.
 */

static ngx_int_t
ngx_lu_catalog_wait(ngx_http_request_t *r, ngx_lu_node_t *node)
{
    ngx_msec_t         msec;
    ngx_lu_ctx_t      *ctx;
    ngx_lu_catalog_t  *catalog;

    if (!node->loaded) {
        return ngx_lu_wait(r, &node->waiters, NGX_LU_WAIT);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    catalog = node->store->catalog;

    if (ctx->late && !node->late) {
        node->late = 1;
        catalog->nlate++;
    }

    if (node->late) {
        return NGX_BUSY;
    }

    msec = catalog->nlate ? NGX_LU_IMPATIENCE : NGX_LU_PATIENCE;

    return ngx_lu_wait(r, &node->waiters, msec);
}


static ngx_int_t
ngx_lu_load_start(ngx_lu_node_t *node, ngx_thread_pool_t *tp,
    ngx_lu_want_t *want)
{
    ngx_lu_load_t  *load;

    if (node->hangs) {
        return NGX_BUSY;
    }

    if (node->loading) {

        /* the load may be one that was not urgent until now */

        return ngx_lu_look_now(node->store->catalog);
    }

    load = ngx_lu_load_create(node, want);
    if (load == NULL) {
        return NGX_ERROR;
    }

    return ngx_lu_load_post(load, tp);
}


/* Waking a thread costs more than a look, so it is woken for many. */

static void
ngx_lu_look_later(ngx_lu_node_t *node, ngx_thread_pool_t *tp,
    ngx_lu_want_t *want)
{
    ngx_lu_load_t     *load;
    ngx_lu_catalog_t  *catalog;

    node->checked = ngx_current_msec;

    load = ngx_lu_load_create(node, want);
    if (load == NULL) {
        return;
    }

    catalog = node->store->catalog;

    load->next = catalog->looks;
    catalog->looks = load;
    catalog->readers = tp;

    if (++catalog->nlooks == NGX_LU_LOOKS) {
        (void) ngx_lu_look_now(catalog);
        return;
    }

    if (!catalog->look.timer_set) {
        catalog->look.handler = ngx_lu_look_handler;
        catalog->look.data = catalog;
        catalog->look.log = ngx_cycle->log;
        catalog->look.cancelable = 1;

        ngx_add_timer(&catalog->look, NGX_LU_LOOK);
    }
}


static void
ngx_lu_look_handler(ngx_event_t *ev)
{
    (void) ngx_lu_look_now(ev->data);
}


static ngx_int_t
ngx_lu_look_now(ngx_lu_catalog_t *catalog)
{
    ngx_lu_load_t  *load;

    load = catalog->looks;

    catalog->looks = NULL;
    catalog->nlooks = 0;

    return load ? ngx_lu_load_post(load, catalog->readers) : NGX_OK;
}


static ngx_lu_load_t *
ngx_lu_load_create(ngx_lu_node_t *node, ngx_lu_want_t *want)
{
    ngx_pool_t     *pool;
    ngx_lu_load_t  *load;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    load = ngx_pcalloc(pool, sizeof(ngx_lu_load_t));
    if (load == NULL) {
        goto failed;
    }

    load->app = *want->app;

    if (ngx_lu_load_str(pool, &load->app) != NGX_OK) {
        goto failed;
    }

    if (want->name) {
        load->name = *want->name;

        if (ngx_lu_load_str(pool, &load->name) != NGX_OK) {
            goto failed;
        }
    }

    if (want->page) {
        load->page = *want->page;

        if (ngx_lu_table_keep(&load->page, pool) != NGX_OK) {
            goto failed;
        }
    }

    load->io.pool = pool;
    load->node = node;
    load->kind = node->kind;
    load->store = node->store;
    load->path = node->store->path;
    load->origin = node->origin;

    load->pool = ngx_create_pool(NGX_LU_POOL, ngx_cycle->log);
    if (load->pool == NULL) {
        goto failed;
    }

    node->loading = 1;

    return load;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_lu_load_str(ngx_pool_t *pool, ngx_str_t *str)
{
    str->data = ngx_pstrdup(pool, str);

    return str->data ? NGX_OK : NGX_ERROR;
}


/* Posts a list of loads as one task. */

static ngx_int_t
ngx_lu_load_post(ngx_lu_load_t *load, ngx_thread_pool_t *tp)
{
    ngx_int_t         rc;
    ngx_lu_load_t    *next;
    ngx_lu_node_t    *node;
    ngx_lu_thread_t  *thread;

    for (next = load; next; next = next->next) {
        node = next->node;
        next->generation = *node->current;

        /* releases of an app may have changed, though app.json has not */

        next->compare = node->copy
                        && (node->kind != NGX_LU_COPY_APP
                            || node->generation == next->generation);
    }

    thread = &load->thread;

    thread->store = load->node->store;
    thread->pool = tp;
    thread->kind = NGX_LU_THREAD_LOAD;
    thread->beats = &load->io.beats;
    thread->run = ngx_lu_load_thread;
    thread->done = ngx_lu_load_done;
    thread->late = ngx_lu_load_late;
    thread->data = load;

    if (load->next == NULL) {
        thread->app = ngx_lu_to_core(&load->app);
    }

    rc = ngx_lu_thread_start(thread);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    for ( /* void */ ; load; load = next) {
        next = load->next;

        if (rc == NGX_ERROR) {
            ngx_lu_io_clear(&load->io);
            ngx_lu_load_log(load);
        }

        ngx_lu_load_free(load);
    }

    return rc;
}


static void
ngx_lu_load_free(ngx_lu_load_t *load)
{
    ngx_lu_node_back(load->node);

    ngx_destroy_pool(load->pool);
    ngx_destroy_pool(load->io.pool);
}


/* Who waits for it is answered from memory, as far as there is a copy. */

static void
ngx_lu_load_late(void *data)
{
    ngx_lu_load_t *load = data;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "liveupdate: the disk of \"%V\" does not answer",
                  &load->app);

    for ( /* void */ ; load; load = load->next) {
        load->node->hangs = 1;
        ngx_lu_wait_wake(&load->node->waiters);
    }
}


static void
ngx_lu_load_done(void *data)
{
    ngx_lu_load_t *load = data;

    ngx_uint_t      refused;
    ngx_lu_load_t  *next;
    ngx_lu_node_t  *node;

    refused = load->thread.refused;

    for ( /* void */ ; load; load = next) {
        next = load->next;

        if (!refused) {
            ngx_lu_load_finish(load);
            continue;
        }

        node = load->node;

        ngx_lu_load_free(load);
        ngx_lu_wait_wake(&node->waiters);
    }
}


static void
ngx_lu_load_finish(ngx_lu_load_t *load)
{
    ngx_lu_node_t  *node;

    node = load->node;

    ngx_lu_count_add(ngx_lu_count_numbers(node->store)->loads[
                  load->rc == NGX_OK ? NGX_LU_LOADED
                  : load->rc == NGX_DONE ? NGX_LU_LOAD_UNCHANGED
                  : load->rc == NGX_DECLINED ? NGX_LU_LOAD_ABSENT
                  : NGX_LU_LOAD_FAILED], 1);

    if (load->rc == NGX_ERROR) {
        ngx_lu_load_log(load);

    } else if (load->damaged && !node->damaged) {
        ngx_lu_load_log(load);
    }

    if (load->rc == NGX_OK) {
        node->damaged = (load->damaged != NULL);
    }

    ngx_lu_node_update(node, load);

    ngx_destroy_pool(load->io.pool);

    ngx_lu_wait_wake(&node->waiters);
    ngx_lu_node_evict(node->store->catalog);
}


static void
ngx_lu_load_log(ngx_lu_load_t *load)
{
    u_char    *sentence;
    ngx_str_t  name;

    if (load->damaged) {
        name.data = load->damaged;
        name.len = ngx_strlen(load->damaged);

    } else {
        name = load->node->sn.str;

        if (load->kind != NGX_LU_COPY_APP) {
            name.len = load->app.len + 1 + load->name.len;
        }
    }

    if (load->error.text) {
        sentence = ngx_lu_reply_sentence(load->io.pool, &load->error);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "liveupdate could not load \"%V\": %s",
                      &name, sentence ? (char *) sentence : load->error.text);
        return;
    }

    /* without a path memory was too short for one */

    if (load->io.path) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, load->io.err,
                      "liveupdate could not load \"%V\": %s \"%s\" failed",
                      &name, load->io.operation, load->io.path);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, load->io.err,
                  "liveupdate could not load \"%V\"", &name);
}


static void
ngx_lu_node_update(ngx_lu_node_t *node, ngx_lu_load_t *load)
{
    ngx_lu_catalog_t  *catalog;

    catalog = node->store->catalog;

    ngx_lu_node_back(node);

    node->loaded = 1;
    node->generation = load->generation;
    node->checked = ngx_current_msec;
    node->absent = (load->rc == NGX_ERROR && load->error.text == NULL);

    if (load->rc == NGX_DONE || load->rc == NGX_ERROR) {

        /* a file that does not parse does not replace a copy */

        ngx_destroy_pool(load->pool);

        if (node->copy || (node->evictable && load->rc == NGX_DONE)) {
            return;
        }

        load->copy = NULL;
        load->pool = NULL;
        load->size = 0;
        load->origin.uniq = 0;
    }

    if (load->rc == NGX_DECLINED) {
        ngx_destroy_pool(load->pool);

        load->copy = NULL;
        load->pool = NULL;
        load->size = 0;
    }

    if (node->evictable) {
        ngx_queue_remove(&node->queue);
        catalog->size -= ngx_lu_node_memory(node);
        node->evictable = 0;
    }

    if (node->pool) {
        ngx_destroy_pool(node->pool);
    }

    node->pool = load->pool;
    node->copy = load->copy;
    node->size = load->size;
    node->failed = (load->rc == NGX_ERROR);
    node->origin = load->origin;

    if (node->copy == NULL || node->kind != NGX_LU_COPY_APP) {
        ngx_queue_insert_head(&catalog->evictable, &node->queue);
        catalog->size += ngx_lu_node_memory(node);
        node->evictable = 1;
    }
}


/* Its load is over, whatever came of it. */

static void
ngx_lu_node_back(ngx_lu_node_t *node)
{
    node->loading = 0;
    node->hangs = 0;

    if (node->late) {
        node->late = 0;
        node->store->catalog->nlate--;
    }
}


/* However small the copy, its pool has a block. */

static size_t
ngx_lu_node_memory(ngx_lu_node_t *node)
{
    size_t  size;

    size = sizeof(ngx_lu_node_t) + node->sn.str.len;

    return node->pool ? size + ngx_max(node->size, NGX_LU_POOL) : size;
}


static void
ngx_lu_node_evict(ngx_lu_catalog_t *catalog)
{
    ngx_queue_t    *q, *prev;
    ngx_lu_node_t  *node;

    for (q = ngx_queue_last(&catalog->evictable);
         q != ngx_queue_sentinel(&catalog->evictable)
         && catalog->size > catalog->limit;
         q = prev)
    {
        prev = ngx_queue_prev(q);

        node = ngx_queue_data(q, ngx_lu_node_t, queue);

        if (node->loading || !ngx_queue_empty(&node->waiters)) {
            continue;
        }

        ngx_queue_remove(&node->queue);
        ngx_rbtree_delete(&catalog->trees[node->sn.node.key % NGX_LU_TREES],
                          &node->sn.node);

        catalog->size -= ngx_lu_node_memory(node);

        if (catalog->last == node) {
            catalog->last = NULL;
        }

        if (node->pool) {
            ngx_destroy_pool(node->pool);
        }

        ngx_free(node);
    }
}
