
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Each worker keeps what it was asked for, apps and the file tables of
 * releases, parsed and immutable.  Loads run in threads; requests that need
 * one wait for it together, and a new copy takes the old one's place whole.
 */


#include "ngx_http_liveupdate_count.h"


/* of file tables and of names that are not there; apps are always kept */

#define NGX_HTTP_LIVEUPDATE_CACHE  (8 * 1024 * 1024)

#define NGX_HTTP_LIVEUPDATE_TICK   60000


typedef enum {
    NGX_HTTP_LIVEUPDATE_NODE_APP = 0,
    NGX_HTTP_LIVEUPDATE_NODE_FILES,
    NGX_HTTP_LIVEUPDATE_NODE_TD
} ngx_http_liveupdate_node_e;


struct ngx_http_liveupdate_node_s {
    ngx_str_node_t                  sn;          /* "app" or "app/name" */
    ngx_queue_t                     queue;       /* if evictable */
    ngx_queue_t                     waiters;
    ngx_http_liveupdate_store_t    *store;
    ngx_http_liveupdate_node_e      kind;

    ngx_pool_t                     *pool;        /* of the copy */
    void                           *copy;        /* NULL: there is none */
    size_t                          size;

    ngx_atomic_t                   *current;     /* generation, in the zone */
    ngx_atomic_uint_t               generation;  /* of the copy */
    time_t                          checked;
    ngx_file_uniq_t                 uniq;
    struct timespec                 changed;

    unsigned                        loaded:1;
    unsigned                        loading:1;
    unsigned                        evictable:1;
};


typedef struct {
    ngx_http_liveupdate_io_t        io;          /* its pool ends with it */
    ngx_http_liveupdate_node_t     *node;
    ngx_http_liveupdate_node_e      kind;
    ngx_str_t                       path;        /* of the store */
    ngx_str_t                       app;
    ngx_str_t                       name;
    ngx_atomic_uint_t               generation;

    /* the file that the node has, then the one that was read */
    ngx_file_uniq_t                 uniq;
    struct timespec                 changed;
    ngx_uint_t                      compare;

    ngx_int_t                       rc;
    ngx_pool_t                     *pool;        /* of the copy */
    size_t                          size;
    void                           *copy;
    liveupdate_error_t              error;
} ngx_http_liveupdate_load_t;


static ngx_int_t ngx_http_liveupdate_catalog_get(ngx_http_request_t *r,
    ngx_http_liveupdate_node_e kind, ngx_str_t *app, ngx_str_t *name,
    void **copy);
static ngx_http_liveupdate_node_t *ngx_http_liveupdate_node_find(
    ngx_http_liveupdate_store_t *store, ngx_http_liveupdate_node_e kind,
    ngx_str_t *app, ngx_str_t *member);
static ngx_int_t ngx_http_liveupdate_catalog_wait(ngx_http_request_t *r,
    ngx_http_liveupdate_node_t *node);
static void ngx_http_liveupdate_catalog_wake(ngx_http_liveupdate_node_t *node);
static ngx_int_t ngx_http_liveupdate_load_start(
    ngx_http_liveupdate_node_t *node, ngx_thread_pool_t *tp, ngx_str_t *app,
    ngx_str_t *name, ngx_atomic_uint_t generation, ngx_log_t *log);
static void ngx_http_liveupdate_load_thread(void *data, ngx_log_t *log);
static void *ngx_http_liveupdate_load_alloc(void *data, size_t size);
static ngx_int_t ngx_http_liveupdate_load_text(
    ngx_http_liveupdate_load_t *load, u_char *path, liveupdate_str_t *text);
static ngx_uint_t ngx_http_liveupdate_load_same(
    ngx_http_liveupdate_load_t *load, u_char *path);
static ngx_int_t ngx_http_liveupdate_load_app(
    ngx_http_liveupdate_load_t *load);
static ngx_int_t ngx_http_liveupdate_load_releases(
    ngx_http_liveupdate_load_t *load, liveupdate_app_t *app);
static ngx_int_t ngx_http_liveupdate_load_files(
    ngx_http_liveupdate_load_t *load);
static ngx_int_t ngx_http_liveupdate_load_td(ngx_http_liveupdate_load_t *load);
static ngx_int_t ngx_http_liveupdate_load_status(
    ngx_http_liveupdate_load_t *load, liveupdate_rc_e rc);
static void ngx_http_liveupdate_load_done(ngx_event_t *ev);
static void ngx_http_liveupdate_node_update(ngx_http_liveupdate_node_t *node,
    ngx_http_liveupdate_load_t *load);
static void ngx_http_liveupdate_node_evict(ngx_http_liveupdate_store_t *store);


void
ngx_http_liveupdate_catalog_init(ngx_http_liveupdate_store_t *store)
{
    ngx_rbtree_init(&store->rbtree, &store->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&store->evictable);
}


ngx_int_t
ngx_http_liveupdate_catalog_app(ngx_http_request_t *r, ngx_str_t *id,
    liveupdate_app_t **app)
{
    void       *copy;
    ngx_int_t   rc;

    rc = ngx_http_liveupdate_catalog_get(r, NGX_HTTP_LIVEUPDATE_NODE_APP, id,
                                         NULL, &copy);
    *app = copy;

    return rc;
}


ngx_int_t
ngx_http_liveupdate_catalog_files(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, ngx_http_liveupdate_files_t **files)
{
    void       *copy;
    ngx_int_t   rc;

    rc = ngx_http_liveupdate_catalog_get(r, NGX_HTTP_LIVEUPDATE_NODE_FILES,
                                         app, release, &copy);
    *files = copy;

    return rc;
}


ngx_int_t
ngx_http_liveupdate_catalog_td(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, liveupdate_td_t **td)
{
    void       *copy;
    ngx_int_t   rc;

    rc = ngx_http_liveupdate_catalog_get(r, NGX_HTTP_LIVEUPDATE_NODE_TD, app,
                                         name, &copy);
    *td = copy;

    return rc;
}


static ngx_int_t
ngx_http_liveupdate_catalog_get(ngx_http_request_t *r,
    ngx_http_liveupdate_node_e kind, ngx_str_t *app, ngx_str_t *name,
    void **copy)
{
    ngx_atomic_uint_t                generation;
    ngx_http_liveupdate_ctx_t       *ctx;
    ngx_http_liveupdate_node_t      *node;
    ngx_http_liveupdate_loc_conf_t  *lucf;

    *copy = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    node = ngx_http_liveupdate_node_find(lucf->store, kind, app, name);
    if (node == NULL) {
        return NGX_ERROR;
    }

    generation = *node->current;

    /* what has waited once is content with what was current when it came */

    if (!ctx->waited) {
        ctx->generation = generation;
    }

    if (!node->loaded
        || (ngx_atomic_int_t) (node->generation - ctx->generation) < 0)
    {
        if (!node->loading
            && ngx_http_liveupdate_load_start(node, lucf->readers, app,
                                              name, generation,
                                              r->connection->log)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_liveupdate_catalog_wait(r, node);
    }

    if (ngx_time() - node->checked >= lucf->valid && !node->loading) {

        /* other machines tell nobody of their changes: look, meanwhile serve */

        node->checked = ngx_time();

        (void) ngx_http_liveupdate_load_start(node, lucf->readers, app,
                                              name, generation,
                                              r->connection->log);
    }

    if (node->evictable) {
        ngx_queue_remove(&node->queue);
        ngx_queue_insert_head(&lucf->store->evictable, &node->queue);
    }

    *copy = node->copy;

    return NGX_OK;
}


static ngx_http_liveupdate_node_t *
ngx_http_liveupdate_node_find(ngx_http_liveupdate_store_t *store,
    ngx_http_liveupdate_node_e kind, ngx_str_t *app, ngx_str_t *member)
{
    u_char                      *p, buf[64 + 1 + 255];
    uint32_t                     hash;
    ngx_str_t                    name;
    ngx_http_liveupdate_node_t  *node;

    if (member) {
        p = ngx_cpymem(buf, app->data, app->len);
        *p++ = '/';
        p = ngx_cpymem(p, member->data, member->len);

        name.data = buf;
        name.len = p - buf;

    } else {
        name = *app;
    }

    hash = ngx_murmur_hash2(name.data, name.len);

    node = (ngx_http_liveupdate_node_t *)
                            ngx_str_rbtree_lookup(&store->rbtree, &name, hash);
    if (node) {
        return node;
    }

    node = ngx_calloc(sizeof(ngx_http_liveupdate_node_t) + name.len,
                      ngx_cycle->log);
    if (node == NULL) {
        return NULL;
    }

    node->sn.node.key = hash;
    node->sn.str.len = name.len;
    node->sn.str.data = (u_char *) node + sizeof(ngx_http_liveupdate_node_t);
    ngx_memcpy(node->sn.str.data, name.data, name.len);

    node->store = store;
    node->kind = kind;
    node->current = ngx_http_liveupdate_generation(store, app);

    ngx_queue_init(&node->waiters);
    ngx_rbtree_insert(&store->rbtree, &node->sn.node);

    return node;
}


static ngx_int_t
ngx_http_liveupdate_catalog_wait(ngx_http_request_t *r,
    ngx_http_liveupdate_node_t *node)
{
    ngx_http_liveupdate_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ngx_queue_insert_tail(&node->waiters, &ctx->queue);

    ctx->waiting = 1;
    ctx->waited = 1;

    /* as for nginx's own threads: the request is not to be freed meanwhile */

    r->main->blocked++;
    r->aio = 1;

    return NGX_AGAIN;
}


static void
ngx_http_liveupdate_catalog_wake(ngx_http_liveupdate_node_t *node)
{
    ngx_queue_t                *q, waiters;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_liveupdate_ctx_t  *ctx;

    /* those who wait again are not in this round */

    ngx_queue_init(&waiters);

    while (!ngx_queue_empty(&node->waiters)) {
        q = ngx_queue_head(&node->waiters);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&waiters, q);
    }

    while (!ngx_queue_empty(&waiters)) {
        q = ngx_queue_head(&waiters);
        ngx_queue_remove(q);

        ctx = ngx_queue_data(q, ngx_http_liveupdate_ctx_t, queue);

        r = ctx->request;
        c = r->connection;

        ctx->waiting = 0;

        r->main->blocked--;
        r->aio = 0;

        ngx_http_set_log_request(c->log, r);

        r->write_event_handler(r);

        ngx_http_run_posted_requests(c);
    }
}


static ngx_int_t
ngx_http_liveupdate_load_start(ngx_http_liveupdate_node_t *node,
    ngx_thread_pool_t *tp, ngx_str_t *app, ngx_str_t *name,
    ngx_atomic_uint_t generation, ngx_log_t *log)
{
    ngx_pool_t                  *pool;
    ngx_thread_task_t           *task;
    ngx_http_liveupdate_load_t  *load;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    task = ngx_thread_task_alloc(pool, sizeof(ngx_http_liveupdate_load_t));
    if (task == NULL) {
        goto failed;
    }

    load = task->ctx;

    ngx_memzero(load, sizeof(ngx_http_liveupdate_load_t));

    load->app.len = app->len;
    load->app.data = ngx_pstrdup(pool, app);

    if (load->app.data == NULL) {
        goto failed;
    }

    if (name) {
        load->name.len = name->len;
        load->name.data = ngx_pstrdup(pool, name);

        if (load->name.data == NULL) {
            goto failed;
        }
    }

    load->io.pool = pool;
    load->node = node;
    load->kind = node->kind;
    load->path = node->store->path;
    load->generation = generation;
    load->uniq = node->uniq;
    load->changed = node->changed;

    /* an app's releases may have changed without it; a table has none */

    load->compare = node->copy
                    && (node->kind != NGX_HTTP_LIVEUPDATE_NODE_APP
                        || node->generation == generation);

    load->pool = ngx_create_pool(1024, ngx_cycle->log);
    if (load->pool == NULL) {
        goto failed;
    }

    task->handler = ngx_http_liveupdate_load_thread;
    task->event.data = load;
    task->event.handler = ngx_http_liveupdate_load_done;
    task->event.log = ngx_cycle->log;

    if (ngx_thread_task_post(tp, task) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "app \"%V\" could not be loaded", app);
        ngx_destroy_pool(load->pool);
        goto failed;
    }

    /* a worker does not exit while there is a timer */

    ngx_add_timer(&task->event, NGX_HTTP_LIVEUPDATE_TICK);

    node->loading = 1;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


static void
ngx_http_liveupdate_load_thread(void *data, ngx_log_t *log)
{
    ngx_http_liveupdate_load_t *load = data;

    switch (load->kind) {

    case NGX_HTTP_LIVEUPDATE_NODE_APP:
        load->rc = ngx_http_liveupdate_load_app(load);
        break;

    case NGX_HTTP_LIVEUPDATE_NODE_FILES:
        load->rc = ngx_http_liveupdate_load_files(load);
        break;

    default: /* NGX_HTTP_LIVEUPDATE_NODE_TD */
        load->rc = ngx_http_liveupdate_load_td(load);
        break;
    }
}


static void *
ngx_http_liveupdate_load_alloc(void *data, size_t size)
{
    ngx_http_liveupdate_load_t *load = data;

    load->size += size;

    return ngx_palloc(load->pool, size);
}


/* NGX_DECLINED: there is no such file; NGX_DONE: it did not change. */

static ngx_int_t
ngx_http_liveupdate_load_text(ngx_http_liveupdate_load_t *load, u_char *path,
    liveupdate_str_t *text)
{
    ngx_int_t        rc;
    ngx_str_t        file;
    ngx_file_info_t  fi;

    if (load->compare && ngx_http_liveupdate_load_same(load, path)) {
        return NGX_DONE;
    }

    rc = ngx_http_liveupdate_store_read(&load->io, path, &file, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    load->uniq = ngx_file_uniq(&fi);
    load->changed = fi.st_ctim;

    text->len = file.len;
    text->data = file.data;

    return NGX_OK;
}


/* On a network's file system only open() asks the server; stat() may not. */

static ngx_uint_t
ngx_http_liveupdate_load_same(ngx_http_liveupdate_load_t *load, u_char *path)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (path == NULL) {
        return 0;
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    rc = ngx_fd_info(fd, &fi);

    (void) ngx_close_file(fd);

    return rc != NGX_FILE_ERROR
           && load->uniq == ngx_file_uniq(&fi)
           && load->changed.tv_sec == fi.st_ctim.tv_sec
           && load->changed.tv_nsec == fi.st_ctim.tv_nsec;
}


static ngx_int_t
ngx_http_liveupdate_load_app(ngx_http_liveupdate_load_t *load)
{
    u_char              *path;
    ngx_int_t            rc;
    liveupdate_rc_e      parsed;
    liveupdate_str_t     text;
    liveupdate_app_t    *app;
    liveupdate_arena_t   arena;

    path = ngx_http_liveupdate_path(load->io.pool, "%V/apps/%V/app.json",
                                    &load->path, &load->app);

    rc = ngx_http_liveupdate_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_http_liveupdate_load_alloc;
    arena.data = load;

    app = arena.alloc(load, sizeof(liveupdate_app_t));
    if (app == NULL) {
        return ngx_http_liveupdate_load_status(load, LIVEUPDATE_NOMEM);
    }

    parsed = liveupdate_app_parse(&arena, &text, app, &load->error);

    if (parsed != LIVEUPDATE_OK) {
        return ngx_http_liveupdate_load_status(load, parsed);
    }

    if (app->id.len != load->app.len
        || ngx_memcmp(app->id.data, load->app.data, app->id.len) != 0)
    {
        return ngx_http_liveupdate_load_status(load,
                   liveupdate_refuse(&load->error, &app->id,
                                     "is not the app that its folder names"));
    }

    load->copy = app;

    return ngx_http_liveupdate_load_releases(load, app);
}


static ngx_int_t
ngx_http_liveupdate_load_releases(ngx_http_liveupdate_load_t *load,
    liveupdate_app_t *app)
{
    u_char                    *path;
    size_t                     i, n;
    ngx_int_t                  rc;
    ngx_str_t                  file;
    liveupdate_rc_e            parsed;
    ngx_file_info_t            fi;
    liveupdate_str_t           text;
    liveupdate_arena_t         arena;
    liveupdate_release_t      *release;
    liveupdate_channel_t      *channel;
    liveupdate_deployment_t   *deployment;

    arena.alloc = ngx_http_liveupdate_load_alloc;
    arena.data = load;

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        for (n = 0; n < channel->ndeployments; n++) {
            deployment = &channel->deployments[n];

            path = ngx_http_liveupdate_path(load->io.pool,
                                            "%V/live/%V/%*s/release.json",
                                            &load->path, &load->app,
                                            deployment->release_id.len,
                                            deployment->release_id.data);

            rc = ngx_http_liveupdate_store_read(&load->io, path, &file, &fi);

            if (rc == NGX_DECLINED) {

                /* a copy of a store: it may come yet, so look again */

                load->uniq = 0;
                continue;
            }

            if (rc != NGX_OK) {
                return rc;
            }

            release = arena.alloc(load, sizeof(liveupdate_release_t));
            if (release == NULL) {
                return ngx_http_liveupdate_load_status(load,
                                                       LIVEUPDATE_NOMEM);
            }

            text.len = file.len;
            text.data = file.data;

            parsed = liveupdate_release_parse(&arena, &text, release,
                                              &load->error);
            if (parsed != LIVEUPDATE_OK) {
                return ngx_http_liveupdate_load_status(load, parsed);
            }

            deployment->release = release;

            if (liveupdate_deployment_render(&arena, app, channel, deployment)
                != LIVEUPDATE_OK)
            {
                return ngx_http_liveupdate_load_status(load,
                                                       LIVEUPDATE_NOMEM);
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_load_files(ngx_http_liveupdate_load_t *load)
{
    u_char                       *path;
    ngx_int_t                     rc;
    liveupdate_rc_e               parsed;
    liveupdate_str_t              text;
    liveupdate_arena_t            arena;
    ngx_http_liveupdate_files_t  *files;

    path = ngx_http_liveupdate_path(load->io.pool, "%V/live/%V/%V/files.json",
                                    &load->path, &load->app, &load->name);

    rc = ngx_http_liveupdate_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_http_liveupdate_load_alloc;
    arena.data = load;

    files = arena.alloc(load, sizeof(ngx_http_liveupdate_files_t));
    if (files == NULL) {
        return ngx_http_liveupdate_load_status(load, LIVEUPDATE_NOMEM);
    }

    parsed = liveupdate_files_parse(&arena, &text, &files->files,
                                    &files->nfiles, &load->error);
    if (parsed != LIVEUPDATE_OK) {
        return ngx_http_liveupdate_load_status(load, parsed);
    }

    load->copy = files;

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_load_td(ngx_http_liveupdate_load_t *load)
{
    u_char              *path;
    ngx_int_t            rc;
    liveupdate_td_t     *td;
    liveupdate_rc_e      parsed;
    liveupdate_str_t     text;
    liveupdate_arena_t   arena;

    path = ngx_http_liveupdate_path(load->io.pool, "%V/feed/%V/%V",
                                    &load->path, &load->app, &load->name);

    rc = ngx_http_liveupdate_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_http_liveupdate_load_alloc;
    arena.data = load;

    td = arena.alloc(load, sizeof(liveupdate_td_t));
    if (td == NULL) {
        return ngx_http_liveupdate_load_status(load, LIVEUPDATE_NOMEM);
    }

    parsed = liveupdate_td_parse(&arena, &text, td, &load->error);

    if (parsed != LIVEUPDATE_OK) {
        return ngx_http_liveupdate_load_status(load, parsed);
    }

    load->copy = td;

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_load_status(ngx_http_liveupdate_load_t *load,
    liveupdate_rc_e rc)
{
    if (rc == LIVEUPDATE_NOMEM) {
        load->io.err = NGX_ENOMEM;
        load->io.operation = "malloc()";
        load->error.text = NULL;
    }

    return NGX_ERROR;
}


static void
ngx_http_liveupdate_load_done(ngx_event_t *ev)
{
    ngx_http_liveupdate_load_t *load = ev->data;

    u_char                      *sentence;
    ngx_http_liveupdate_node_t  *node;

    if (!ev->complete) {
        ev->timedout = 0;
        ngx_add_timer(ev, NGX_HTTP_LIVEUPDATE_TICK);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    node = load->node;

    ngx_http_liveupdate_add(ngx_http_liveupdate_numbers(node->store)->loads[
                  load->rc == NGX_OK ? NGX_HTTP_LIVEUPDATE_LOADED
                  : load->rc == NGX_DONE ? NGX_HTTP_LIVEUPDATE_LOAD_UNCHANGED
                  : load->rc == NGX_DECLINED ? NGX_HTTP_LIVEUPDATE_LOAD_ABSENT
                  : NGX_HTTP_LIVEUPDATE_LOAD_FAILED], 1);

    if (load->rc == NGX_ERROR) {

        sentence = load->error.text
                   ? ngx_http_liveupdate_sentence(load->io.pool, &load->error)
                   : NULL;

        if (sentence) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "liveupdate could not load \"%V\": %s",
                          &node->sn.str, sentence);

        } else {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, load->io.err,
                          "liveupdate could not load \"%V\": %s \"%s\" "
                          "failed", &node->sn.str, load->io.operation,
                          load->io.path);
        }
    }

    ngx_http_liveupdate_node_update(node, load);

    ngx_destroy_pool(load->io.pool);

    ngx_http_liveupdate_catalog_wake(node);
    ngx_http_liveupdate_node_evict(node->store);
}


static void
ngx_http_liveupdate_node_update(ngx_http_liveupdate_node_t *node,
    ngx_http_liveupdate_load_t *load)
{
    ngx_http_liveupdate_store_t  *store;

    store = node->store;

    node->loading = 0;
    node->loaded = 1;
    node->generation = load->generation;
    node->checked = ngx_time();

    if (load->rc == NGX_DONE || load->rc == NGX_ERROR) {

        /* what does not parse does not replace what did */

        ngx_destroy_pool(load->pool);

        if (node->copy || node->evictable) {
            return;
        }

        load->copy = NULL;
        load->pool = NULL;
        load->size = 0;
    }

    if (load->rc == NGX_DECLINED) {
        ngx_destroy_pool(load->pool);

        load->copy = NULL;
        load->pool = NULL;
        load->size = 0;
    }

    if (node->evictable) {
        ngx_queue_remove(&node->queue);
        store->size -= node->size;
        node->evictable = 0;
    }

    if (node->pool) {
        ngx_destroy_pool(node->pool);
    }

    node->pool = load->pool;
    node->copy = load->copy;
    node->size = load->size + sizeof(ngx_http_liveupdate_node_t);
    node->uniq = load->uniq;
    node->changed = load->changed;

    if (node->copy == NULL || node->kind != NGX_HTTP_LIVEUPDATE_NODE_APP) {
        ngx_queue_insert_head(&store->evictable, &node->queue);
        store->size += node->size;
        node->evictable = 1;
    }
}


static void
ngx_http_liveupdate_node_evict(ngx_http_liveupdate_store_t *store)
{
    ngx_queue_t                 *q, *prev;
    ngx_http_liveupdate_node_t  *node;

    for (q = ngx_queue_last(&store->evictable);
         q != ngx_queue_sentinel(&store->evictable)
         && store->size > NGX_HTTP_LIVEUPDATE_CACHE;
         q = prev)
    {
        prev = ngx_queue_prev(q);

        node = ngx_queue_data(q, ngx_http_liveupdate_node_t, queue);

        if (node->loading || !ngx_queue_empty(&node->waiters)) {
            continue;
        }

        ngx_queue_remove(&node->queue);
        ngx_rbtree_delete(&store->rbtree, &node->sn.node);

        store->size -= node->size;

        if (node->pool) {
            ngx_destroy_pool(node->pool);
        }

        ngx_free(node);
    }
}
