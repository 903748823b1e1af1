
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_disk.h"
#include "ngx_lu_open.h"
#include "ngx_lu_wait.h"


/* behind the path in a key: its "\0", and options of disable_symlinks */

#define NGX_LU_OPEN_KEY  (1 + 1 + sizeof(size_t))


struct ngx_lu_opener_s {
    ngx_rbtree_t        tree;          /* opened, or being opened */
    ngx_rbtree_node_t   sentinel;

    ngx_queue_t         kept;          /* most recently used first */
    ngx_uint_t          nkept;

    ngx_queue_t         closing;       /* for the next thread */
    ngx_queue_t         closed;        /* of the thread that runs */
    ngx_lu_thread_t     closer;
    ngx_atomic_t        beats;
    unsigned            closes:1;
};


static ngx_int_t ngx_lu_open_get(ngx_http_request_t *r);
static ngx_lu_opened_t *ngx_lu_open_find(ngx_lu_opener_t *opener,
    ngx_str_t *key, ngx_http_core_loc_conf_t *clcf);
static ngx_lu_opened_t *ngx_lu_open_make(ngx_http_request_t *r,
    ngx_str_t *key, size_t len, ngx_open_file_info_t *of);
static ngx_int_t ngx_lu_open_start(ngx_http_request_t *r,
    ngx_lu_opened_t *file);
static void ngx_lu_open_run(void *data);
static void ngx_lu_open_begin(ngx_lu_opened_t *file);
static void ngx_lu_open_done(void *data);
static void ngx_lu_open_late(void *data);
static ngx_int_t ngx_lu_open_status(ngx_http_request_t *r,
    ngx_lu_opened_t *file);
static void ngx_lu_open_keep(ngx_lu_opener_t *opener, ngx_lu_opened_t *file,
    ngx_open_file_cache_t *cache);
static void ngx_lu_open_forget(ngx_lu_opener_t *opener,
    ngx_lu_opened_t *file);
static void ngx_lu_open_cleanup(void *data);
static void ngx_lu_open_drop(ngx_lu_opened_t *file);
static void ngx_lu_open_close(ngx_lu_opened_t *file);
static void ngx_lu_open_free(ngx_lu_opened_t *file);
static void ngx_lu_open_close_start(ngx_lu_opener_t *opener,
    ngx_lu_store_t *store, ngx_thread_pool_t *pool);
static void ngx_lu_open_close_run(void *data);
static void ngx_lu_open_close_done(void *data);


ngx_lu_opener_t *
ngx_lu_open_create(ngx_pool_t *pool)
{
    ngx_lu_opener_t  *opener;

    opener = ngx_pcalloc(pool, sizeof(ngx_lu_opener_t));
    if (opener == NULL) {
        return NULL;
    }

    ngx_rbtree_init(&opener->tree, &opener->sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&opener->kept);
    ngx_queue_init(&opener->closing);
    ngx_queue_init(&opener->closed);

    return opener;
}


ngx_int_t
ngx_lu_open(ngx_http_request_t *r, ngx_lu_opened_t **file)
{
    ngx_int_t                  rc;
    ngx_lu_ctx_t              *ctx;
    ngx_lu_opened_t           *opened;
    ngx_lu_loc_conf_t         *lucf;
    ngx_http_core_loc_conf_t  *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx->opened == NULL) {
        rc = ngx_lu_open_get(r);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    opened = ctx->opened;

    if (opened->opening) {
        rc = opened->hangs ? NGX_BUSY
                           : ngx_lu_wait(r, &opened->waiters, NGX_LU_WAIT);

        if (rc == NGX_BUSY) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "the disk does not answer: \"%s\" is being opened",
                          opened->path.data);
            return NGX_HTTP_SERVICE_UNAVAILABLE;
        }

        return rc == NGX_AGAIN ? rc : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_lu_open_status(r, opened);
    if (rc != NGX_OK) {
        return rc;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    opened->used = ngx_current_msec;

    if (opened->local && opened->listed && clcf->open_file_cache) {
        ngx_lu_open_keep(lucf->store->opener, opened, clcf->open_file_cache);
    }

    *file = opened;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_open_get(ngx_http_request_t *r)
{
    u_char                    *p;
    size_t                     root, len;
    ngx_str_t                  key;
    ngx_int_t                  rc;
    ngx_lu_ctx_t              *ctx;
    ngx_lu_opened_t           *opened;
    ngx_lu_loc_conf_t         *lucf;
    ngx_pool_cleanup_t        *cln;
    ngx_open_file_info_t       of;
    ngx_http_core_loc_conf_t  *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    p = ngx_http_map_uri_to_path(r, &key, &root, NGX_LU_OPEN_KEY);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    len = p - key.data;
    key.len = len;

    ngx_memzero(&of, sizeof(ngx_open_file_info_t));

    of.read_ahead = clcf->read_ahead;
    of.directio = clcf->directio;

    if (ngx_http_set_disable_symlinks(r, clcf, &key, &of) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *p++ = '\0';

#if (NGX_HAVE_OPENAT)
    *p++ = (u_char) of.disable_symlinks;
    p = ngx_cpymem(p, &of.disable_symlinks_from, sizeof(size_t));
#endif

    key.len = p - key.data;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    opened = ngx_lu_open_find(lucf->store->opener, &key, clcf);

    if (opened == NULL) {
        opened = ngx_lu_open_make(r, &key, len, &of);
        if (opened == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_lu_open_start(r, opened);

        if (rc != NGX_OK) {
            ngx_destroy_pool(opened->pool);

            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "the disk does not answer: \"%*s\" was not opened",
                          len, key.data);

            return NGX_HTTP_SERVICE_UNAVAILABLE;
        }
    }

    cln->handler = ngx_lu_open_cleanup;
    cln->data = ctx;

    ctx->opened = ngx_lu_open_hold(opened);
    ctx->begins = 1;
    opened->begins++;

    return NGX_OK;
}


static ngx_lu_opened_t *
ngx_lu_open_find(ngx_lu_opener_t *opener, ngx_str_t *key,
    ngx_http_core_loc_conf_t *clcf)
{
    uint32_t          hash;
    ngx_str_node_t   *sn;
    ngx_lu_opened_t  *file;

    hash = lu_str_hash(key->data, key->len);

    sn = ngx_str_rbtree_lookup(&opener->tree, key, hash);

    if (sn == NULL) {
        return NULL;
    }

    file = (ngx_lu_opened_t *) ((u_char *) sn - offsetof(ngx_lu_opened_t, sn));

    if (file->opening) {
        return file;
    }

    if (clcf->open_file_cache
        && ngx_current_msec - file->opened
           < (ngx_msec_t) clcf->open_file_cache_valid * 1000)
    {
        return file;
    }

    ngx_lu_open_forget(opener, file);

    return NULL;
}


static ngx_lu_opened_t *
ngx_lu_open_make(ngx_http_request_t *r, ngx_str_t *key, size_t len,
    ngx_open_file_info_t *of)
{
    ngx_pool_t         *pool;
    ngx_lu_opened_t    *file;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    file = ngx_pcalloc(pool, sizeof(ngx_lu_opened_t));
    if (file == NULL) {
        goto failed;
    }

    file->sn.str.len = key->len;
    file->sn.str.data = ngx_pstrdup(pool, key);

    if (file->sn.str.data == NULL) {
        goto failed;
    }

    file->sn.node.key = lu_str_hash(key->data, key->len);

    file->path.len = len;
    file->path.data = file->sn.str.data;

    file->fd = NGX_INVALID_FILE;
    file->pool = pool;
    file->store = lucf->store;
    file->of = *of;

    /* of one that begins elsewhere it is enough to know that it can be read */

    file->wanted = r->headers_in.range ? 1 : NGX_LU_DISK_PIECE;

    ngx_queue_init(&file->waiters);

    return file;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_lu_open_start(ngx_http_request_t *r, ngx_lu_opened_t *file)
{
    ngx_int_t           rc;
    ngx_lu_ctx_t       *ctx;
    ngx_lu_thread_t    *thread;
    ngx_lu_loc_conf_t  *lucf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    thread = &file->thread;

    thread->store = file->store;
    thread->pool = lucf->readers;
    thread->kind = NGX_LU_THREAD_OPEN;
    thread->beats = &file->beats;
    thread->run = ngx_lu_open_run;
    thread->done = ngx_lu_open_done;
    thread->late = ngx_lu_open_late;
    thread->data = file;

    thread->app.len = ctx->app.len;
    thread->app.data = ngx_pstrdup(file->pool, &ctx->app);

    if (thread->app.data == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_lu_thread_start(thread);
    if (rc != NGX_OK) {
        return rc;
    }

    file->opening = 1;
    file->listed = 1;

    /* of the thread */

    (void) ngx_lu_open_hold(file);

    ngx_rbtree_insert(&file->store->opener->tree, &file->sn.node);

    return NGX_OK;
}


static void
ngx_lu_open_run(void *data)
{
    ngx_lu_opened_t *file = data;

    ngx_err_t              err;
    ngx_open_file_info_t  *of;

    of = &file->of;

    if (ngx_lu_disk_open(&file->path, of, file->pool) != NGX_OK) {
        file->err = of->err;
        file->failed = of->failed ? of->failed : "malloc()";

        if (of->err != NGX_ENOENT && of->err != NGX_ENOTDIR) {
            return;
        }

        /* nothing is known to have gone if the whole store has */

        err = ngx_lu_disk_absent(file->store, file->pool);

        if (err) {
            file->err = err;
        }

        return;
    }

    file->fd = of->fd;

    if (!of->is_file) {
        file->err = NGX_ENOENT;
        file->failed = ngx_open_file_n " of a regular file";
        return;
    }

    file->size = of->size;
    file->mtime = of->mtime;
    file->directio = of->is_directio;
    file->local = ngx_lu_disk_is_local(of->fd);

    if (!file->local) {
        ngx_lu_open_begin(file);
    }
}


/* That it can be read is known before the answer begins with 200. */

static void
ngx_lu_open_begin(ngx_lu_opened_t *file)
{
    size_t  size;

    file->beats++;

#if (NGX_HAVE_DIRECTIO || NGX_HAVE_O_DIRECT || NGX_HAVE_F_NOCACHE)

    if (file->directio) {
        (void) ngx_directio_off(file->fd);
    }

#endif

    file->directio = 0;

    size = (size_t) ngx_min(file->size, (off_t) file->wanted);

    if (size == 0) {
        return;
    }

    file->bytes = ngx_alloc(size, file->pool->log);

    if (file->bytes == NULL) {
        file->failed = "malloc()";
        return;
    }

    if (ngx_lu_disk_read(file->fd, file->bytes, size, 0, &file->err)
        != NGX_OK)
    {
        file->failed = "pread()";
        return;
    }

    file->nbytes = size;
}


static void
ngx_lu_open_done(void *data)
{
    ngx_lu_opened_t *file = data;

    ngx_lu_opener_t  *opener;

    opener = file->store->opener;

    file->opening = 0;
    file->hangs = 0;
    file->opened = ngx_current_msec;
    file->used = ngx_current_msec;
    file->refused = file->thread.refused;

    if (file->refused || file->failed || file->err || !file->local) {
        ngx_rbtree_delete(&opener->tree, &file->sn.node);
        file->listed = 0;
    }

    ngx_lu_wait_wake(&file->waiters);

    /* if nobody has kept it, nobody will */

    if (file->listed && !file->kept) {
        ngx_rbtree_delete(&opener->tree, &file->sn.node);
        file->listed = 0;
    }

    ngx_lu_open_release(file);
}


static void
ngx_lu_open_late(void *data)
{
    ngx_lu_opened_t *file = data;

    file->hangs = 1;

    ngx_lu_wait_wake(&file->waiters);
}


/* NGX_OK if the file is open; else the status, and the reason is logged. */

static ngx_int_t
ngx_lu_open_status(ngx_http_request_t *r, ngx_lu_opened_t *file)
{
    ngx_int_t                  rc;
    ngx_uint_t                 level;
    ngx_http_core_loc_conf_t  *clcf;

    if (file->refused) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the disk does not answer: \"%s\" was not opened",
                      file->path.data);

        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (file->failed == NULL) {
        return file->err ? NGX_HTTP_INTERNAL_SERVER_ERROR : NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    switch (file->err) {

    case 0:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_ENOENT:
    case NGX_ENOTDIR:
    case NGX_ENAMETOOLONG:
        level = NGX_LOG_ERR;
        rc = NGX_HTTP_NOT_FOUND;
        break;

    case NGX_EACCES:
#if (NGX_HAVE_OPENAT)
    case NGX_EMLINK:
    case NGX_ELOOP:
#endif
        level = NGX_LOG_ERR;
        rc = NGX_HTTP_FORBIDDEN;
        break;

    default:

        /* whatever it is, it is the server's, and may be over soon */

        level = NGX_LOG_CRIT;
        rc = NGX_HTTP_SERVICE_UNAVAILABLE;
        break;
    }

    if (rc != NGX_HTTP_NOT_FOUND || clcf->log_not_found) {
        ngx_log_error(level, r->connection->log, file->err,
                      "%s \"%s\" failed", file->failed, file->path.data);
    }

    return rc;
}


/* As open_file_cache does: so many files, and none that nobody asks for. */

static void
ngx_lu_open_keep(ngx_lu_opener_t *opener, ngx_lu_opened_t *file,
    ngx_open_file_cache_t *cache)
{
    ngx_uint_t        i;
    ngx_queue_t      *q;
    ngx_lu_opened_t  *last;

    if (file->kept) {
        ngx_queue_remove(&file->queue);
        ngx_queue_insert_head(&opener->kept, &file->queue);
        return;
    }

    file->kept = 1;

    ngx_queue_insert_head(&opener->kept, &ngx_lu_open_hold(file)->queue);
    opener->nkept++;

    for (i = 0; i < 2; i++) {
        q = ngx_queue_last(&opener->kept);
        last = ngx_queue_data(q, ngx_lu_opened_t, queue);

        if (opener->nkept <= cache->max
            && ngx_current_msec - last->used
               < (ngx_msec_t) cache->inactive * 1000)
        {
            return;
        }

        if (last == file) {
            return;
        }

        ngx_lu_open_forget(opener, last);
    }
}


static void
ngx_lu_open_forget(ngx_lu_opener_t *opener, ngx_lu_opened_t *file)
{
    if (file->listed) {
        ngx_rbtree_delete(&opener->tree, &file->sn.node);
        file->listed = 0;
    }

    if (!file->kept) {
        return;
    }

    ngx_queue_remove(&file->queue);
    file->kept = 0;
    opener->nkept--;

    ngx_lu_open_release(file);
}


ngx_lu_opened_t *
ngx_lu_open_hold(ngx_lu_opened_t *file)
{
    file->refs++;

    return file;
}


static void
ngx_lu_open_cleanup(void *data)
{
    ngx_lu_ctx_t *ctx = data;

    ngx_lu_open_begun(ctx);
    ngx_lu_open_release(ctx->opened);
}


void
ngx_lu_open_begun(ngx_lu_ctx_t *ctx)
{
    ngx_lu_opened_t  *file;

    if (!ctx->begins) {
        return;
    }

    ctx->begins = 0;

    file = ctx->opened;

    /* a thread that opens the file has its memory */

    if (--file->begins == 0 && !file->opening) {
        ngx_lu_open_drop(file);
    }
}


static void
ngx_lu_open_drop(ngx_lu_opened_t *file)
{
    if (file->bytes) {
        ngx_free(file->bytes);
        file->bytes = NULL;
        file->nbytes = 0;
    }
}


void
ngx_lu_open_release(ngx_lu_opened_t *file)
{
    if (--file->refs == 0) {
        ngx_lu_open_close(file);
    }
}


/* A network file system tells its server, and waits for it. */

static void
ngx_lu_open_close(ngx_lu_opened_t *file)
{
    ngx_lu_opener_t  *opener;

    ngx_lu_open_drop(file);

    if (file->local || file->fd == NGX_INVALID_FILE) {
        ngx_lu_open_free(file);
        return;
    }

    opener = file->store->opener;

    ngx_queue_insert_tail(&opener->closing, &file->queue);

    if (!opener->closes) {
        ngx_lu_open_close_start(opener, file->store, file->thread.pool);
    }
}


static void
ngx_lu_open_free(ngx_lu_opened_t *file)
{
    if (file->fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(file->fd);
    }

    ngx_destroy_pool(file->pool);
}


/* If it cannot be done now, it is done with the next file. */

static void
ngx_lu_open_close_start(ngx_lu_opener_t *opener, ngx_lu_store_t *store,
    ngx_thread_pool_t *pool)
{
    ngx_queue_t      *q;
    ngx_lu_thread_t  *thread;

    while (!ngx_queue_empty(&opener->closing)) {
        q = ngx_queue_head(&opener->closing);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&opener->closed, q);
    }

    thread = &opener->closer;

    ngx_memzero(thread, sizeof(ngx_lu_thread_t));

    thread->store = store;
    thread->pool = pool;
    thread->kind = NGX_LU_THREAD_CLOSE;
    thread->beats = &opener->beats;
    thread->run = ngx_lu_open_close_run;
    thread->done = ngx_lu_open_close_done;
    thread->data = opener;

    opener->closes = (ngx_lu_thread_start(thread) == NGX_OK);
}


static void
ngx_lu_open_close_run(void *data)
{
    ngx_lu_opener_t *opener = data;

    ngx_queue_t      *q;
    ngx_lu_opened_t  *file;

    while (!ngx_queue_empty(&opener->closed)) {
        q = ngx_queue_head(&opener->closed);
        ngx_queue_remove(q);

        file = ngx_queue_data(q, ngx_lu_opened_t, queue);

        opener->beats++;

        ngx_lu_open_free(file);
    }
}


static void
ngx_lu_open_close_done(void *data)
{
    ngx_lu_opener_t *opener = data;

    opener->closes = 0;

    if (!ngx_queue_empty(&opener->closing)) {
        ngx_lu_open_close_start(opener, opener->closer.store,
                                opener->closer.pool);
    }
}
