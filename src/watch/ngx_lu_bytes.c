
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bytes.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_usage.h"


#define NGX_LU_BYTES_VALID  5000     /* milliseconds */
#define NGX_LU_BYTES_PART   20       /* 1/20 of the time at most */
#define NGX_LU_BYTES_APPS   10000


static ngx_lu_bytes_t *ngx_lu_bytes_find(ngx_lu_store_t *store);
static void ngx_lu_bytes_free(void *data);


/* of the worker */

static ngx_queue_t  ngx_lu_bytes_lists;


ngx_uint_t
ngx_lu_bytes_is_old(ngx_lu_store_t *store)
{
    ngx_lu_bytes_t  *bytes;

    bytes = ngx_lu_bytes_find(store);

    return bytes == NULL
           || ngx_lu_thread_msec() - bytes->at
              >= NGX_LU_BYTES_VALID + bytes->took * NGX_LU_BYTES_PART;
}


static ngx_lu_bytes_t *
ngx_lu_bytes_find(ngx_lu_store_t *store)
{
    ngx_queue_t     *q;
    ngx_lu_bytes_t  *bytes;

    if (ngx_lu_bytes_lists.next == NULL) {
        ngx_queue_init(&ngx_lu_bytes_lists);
    }

    for (q = ngx_queue_head(&ngx_lu_bytes_lists);
         q != ngx_queue_sentinel(&ngx_lu_bytes_lists);
         q = ngx_queue_next(q))
    {
        bytes = ngx_queue_data(q, ngx_lu_bytes_t, queue);

        if (bytes->store == store) {
            return bytes;
        }
    }

    return NULL;
}


/* The memory of an app ends with it. */

ngx_lu_bytes_t *
ngx_lu_bytes_measure(ngx_lu_store_t *store, ngx_lu_io_t *io)
{
    ngx_str_t            *id;
    ngx_uint_t            i;
    ngx_pool_t           *pool;
    ngx_array_t           ids;
    ngx_lu_task_t         task;
    ngx_lu_usage_t        usage;
    ngx_lu_bytes_t       *bytes;
    ngx_lu_bytes_app_t   *app;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    bytes = ngx_pcalloc(pool, sizeof(ngx_lu_bytes_t));

    if (bytes == NULL
        || ngx_array_init(&bytes->apps, pool, 64, sizeof(ngx_lu_bytes_app_t))
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    bytes->store = store;
    bytes->pool = pool;
    bytes->refs = 1;
    bytes->complete = 1;
    bytes->at = ngx_lu_thread_msec();

    ngx_lu_task_init(&task, pool, store, "status");

    if (ngx_lu_app_ids(&task, &ids) != NGX_OK) {
        bytes->complete = 0;
        return bytes;
    }

    id = ids.elts;

    for (i = 0; i < ids.nelts; i++) {

        if (i == NGX_LU_BYTES_APPS) {
            bytes->complete = 0;
            break;
        }

        io->beats++;

        task.io.pool = ngx_create_pool(4096, ngx_cycle->log);
        if (task.io.pool == NULL) {
            bytes->complete = 0;
            break;
        }

        task.app = ngx_lu_to_core(&id[i]);

        app = ngx_array_push(&bytes->apps);

        if (app == NULL || ngx_lu_usage(&task, 0, &usage) != NGX_OK) {
            bytes->complete = 0;

            if (app) {
                bytes->apps.nelts--;
            }

        } else {
            app->app = id[i];
            app->bytes = usage.bytes;
        }

        ngx_destroy_pool(task.io.pool);
    }

    bytes->took = ngx_lu_thread_msec() - bytes->at;

    return bytes;
}


void
ngx_lu_bytes_keep(ngx_lu_bytes_t *bytes)
{
    ngx_lu_bytes_t  *before;

    before = ngx_lu_bytes_find(bytes->store);

    if (before) {
        ngx_queue_remove(&before->queue);
        ngx_lu_bytes_free(before);
    }

    ngx_queue_insert_tail(&ngx_lu_bytes_lists, &bytes->queue);
}


ngx_lu_bytes_t *
ngx_lu_bytes(ngx_lu_store_t *store, ngx_pool_t *pool)
{
    ngx_lu_bytes_t      *bytes;
    ngx_pool_cleanup_t  *cln;

    bytes = ngx_lu_bytes_find(store);

    if (bytes == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_lu_bytes_free;
    cln->data = bytes;

    bytes->refs++;

    return bytes;
}


ngx_uint_t
ngx_lu_bytes_shows(const ngx_lu_bytes_app_t *app, const char *only,
    const lu_token_t *token)
{
    lu_str_t  id;

    id = ngx_lu_to_core(&app->app);

    return (only == NULL || lu_str_is(&id, only))
           && (token == NULL || lu_token_has_app(token, &id));
}


static void
ngx_lu_bytes_free(void *data)
{
    ngx_lu_bytes_t *bytes = data;

    if (--bytes->refs == 0) {
        ngx_destroy_pool(bytes->pool);
    }
}
