
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_history.h"
#include "ngx_lu_snapshot.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_run.h"

#include "core/lu_history.h"


/* between two looks at all counters, milliseconds */

#define NGX_LU_HISTORY_PAUSE  300000


/* The looks of a worker at a store: one app after the other. */

typedef struct {
    ngx_lu_store_t      *store;
    ngx_str_t           *machine;
    ngx_event_t          timer;
    ngx_pool_t          *pool;          /* of a look */
    ngx_lu_snapshot_t    snapshot;
    ngx_uint_t           next;          /* row of the snapshot */
    ngx_lu_task_t        task;
    ngx_lu_run_t         run;
    unsigned             taken:1;       /* the snapshot */
    unsigned             failed:1;      /* and that was logged */
} ngx_lu_history_t;


static void ngx_lu_history_timer(ngx_event_t *ev);
static void ngx_lu_history_next(ngx_lu_history_t *history);
static void ngx_lu_history_end(ngx_lu_history_t *history);
static ngx_int_t ngx_lu_history_run(void *data);
static ngx_int_t ngx_lu_history_write(ngx_lu_history_t *history,
    lu_history_row_t *rows, ngx_uint_t n);
static ngx_int_t ngx_lu_history_note(ngx_lu_history_t *history, u_char *path,
    lu_history_row_t *rows, ngx_uint_t n);
static void ngx_lu_history_row(lu_history_row_t *rows, ngx_uint_t *n,
    const ngx_lu_row_t *row);
static void ngx_lu_history_done(void *data);


ngx_int_t
ngx_lu_history_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_lu_history_t    *history;
    ngx_lu_main_conf_t  *lumcf;

    if (store->quick == NULL || store->is_read_only) {
        return NGX_OK;
    }

    history = ngx_pcalloc(cycle->pool, sizeof(ngx_lu_history_t));
    if (history == NULL) {
        return NGX_ERROR;
    }

    lumcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_liveupdate_module);
    history->store = store;
    history->machine = &lumcf->machine;

    history->timer.handler = ngx_lu_history_timer;
    history->timer.data = history;
    history->timer.log = cycle->log;
    history->timer.cancelable = 1;

    ngx_add_timer(&history->timer, NGX_LU_HISTORY_PAUSE);

    return NGX_OK;
}


static void
ngx_lu_history_timer(ngx_event_t *ev)
{
    ngx_lu_history_t *history = ev->data;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    history->taken = 0;
    history->next = 0;
    history->pool = ngx_create_pool(4096, ngx_cycle->log);

    if (history->pool == NULL) {
        ngx_add_timer(&history->timer, NGX_LU_HISTORY_PAUSE);
        return;
    }

    ngx_lu_history_next(history);
}


static void
ngx_lu_history_next(ngx_lu_history_t *history)
{
    if (ngx_exiting || ngx_terminate
        || (history->taken && history->next == history->snapshot.rows.nelts))
    {
        ngx_lu_history_end(history);
        return;
    }

    ngx_lu_task_init(&history->task, history->pool, history->store, "history");

    ngx_memzero(&history->run, sizeof(ngx_lu_run_t));

    history->run.task = &history->task;
    history->run.kind = NGX_LU_THREAD_SHORT;
    history->run.threads = history->store->quick;
    history->run.quick = history->store->quick;
    history->run.handler = ngx_lu_history_run;
    history->run.done = ngx_lu_history_done;
    history->run.data = history;

    if (ngx_lu_run_start(&history->run) != NGX_OK) {
        ngx_lu_history_end(history);
    }
}


static void
ngx_lu_history_end(ngx_lu_history_t *history)
{
    ngx_destroy_pool(history->pool);

    if (!ngx_exiting && !ngx_terminate) {
        ngx_add_timer(&history->timer, NGX_LU_HISTORY_PAUSE);
    }
}


/* The counters of all apps are copied at once, and written app by app. */

static ngx_int_t
ngx_lu_history_run(void *data)
{
    ngx_lu_history_t *history = data;

    ngx_uint_t         i, n;
    ngx_array_t       *all;
    ngx_lu_row_t      *row;
    lu_history_row_t  *rows;

    if (!history->taken) {
        if (ngx_lu_snapshot(history->store, history->pool, NULL, NULL,
                            &history->snapshot)
            != NGX_OK)
        {
            return ngx_lu_task_nomem(&history->task);
        }

        history->taken = 1;
    }

    all = &history->snapshot.rows;
    row = all->elts;

    rows = ngx_palloc(history->pool,
                      (all->nelts - history->next + 1)
                      * sizeof(lu_history_row_t));
    if (rows == NULL) {
        return ngx_lu_task_nomem(&history->task);
    }

    n = 0;

    for (i = history->next; i < all->nelts; i++) {

        if (i > history->next && row[i].level == NGX_LU_ROW_APP) {
            break;
        }

        ngx_lu_history_row(rows, &n, &row[i]);
    }

    if (i == history->next) {
        return NGX_OK;
    }

    history->task.app = row[history->next].app;
    history->next = i;

    return n ? ngx_lu_history_write(history, rows, n) : NGX_OK;
}


/* A release may be in several channels, and for several platforms. */

static void
ngx_lu_history_row(lu_history_row_t *rows, ngx_uint_t *n,
    const ngx_lu_row_t *row)
{
    double      checks;
    ngx_uint_t  i;

    if (row->level != NGX_LU_ROW_RELEASE && row->level != NGX_LU_ROW_DESKTOP) {
        return;
    }

    checks = 0;

    for (i = 0; i < NGX_LU_CHECKS; i++) {
        checks += row->counts[i];
    }

    if (row->level == NGX_LU_ROW_DESKTOP) {
        checks = row->counts[NGX_LU_COUNT_MANIFEST];
    }

    for (i = 0; i < *n; i++) {
        if (lu_str_is(&row->release, rows[i].release)) {
            break;
        }
    }

    if (i == *n) {
        rows[i].release = (char *) row->release.data;
        rows[i].checks = 0;
        rows[i].devices = -1;
        (*n)++;
    }

    rows[i].checks += checks;

    if (row->estimated) {
        rows[i].devices = ngx_max(rows[i].devices, 0) + row->running[0];
    }
}


/* Only this machine writes its file, in one worker: no lock is needed. */

static ngx_int_t
ngx_lu_history_write(ngx_lu_history_t *history, lu_history_row_t *rows,
    ngx_uint_t n)
{
    cJSON          *app;
    u_char         *folder;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &history->task;

    /* an app that was deleted gets no folder */

    status = ngx_lu_app_read(task, &app);

    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    folder = ngx_lu_path(&task->io, "%V/apps/%s/history",
                         &task->store->path, task->app.data);

    if (ngx_lu_file_mkdir(&task->io, folder) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_history_note(history,
                               ngx_lu_path_in(&task->io, folder, "%V.json",
                                              history->machine),
                               rows, n);
}


static ngx_int_t
ngx_lu_history_note(ngx_lu_history_t *history, u_char *path,
    lu_history_row_t *rows, ngx_uint_t n)
{
    cJSON          *json;
    double          serial;
    time_t          now;
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = &history->task;

    rc = ngx_lu_file_read_json(&task->io, path, &json);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&task->io)) {
        ngx_lu_io_clear(&task->io);
        rc = NGX_DECLINED;
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc != NGX_OK || !cJSON_IsObject(json)) {
        if (rc == NGX_OK) {
            cJSON_Delete(json);
        }

        json = cJSON_CreateObject();
    }

    /* shared memory begins anew when nginx is started; JSON has 15 digits */

    serial = (double) (lu_sip(&history->snapshot.numbers->count->secret,
                              "history", sizeof("history") - 1)
                       >> 32);
    now = lu_time_of(task->now);

    if (lu_history_note(json, rows, n, serial,
                        (double) (now / LU_HISTORY_HOUR))
        != LU_OK)
    {
        cJSON_Delete(json);
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_write_json(&task->io, task->store, path, json);

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


static void
ngx_lu_history_done(void *data)
{
    ngx_lu_history_t *history = data;

    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &history->task;
    status = history->run.status;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {

        if (!history->failed) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, task->io.err,
                          "%s \"%s\" failed while the history was written",
                          task->io.operation ? task->io.operation : "memory",
                          task->io.path ? task->io.path : (u_char *) "");
            history->failed = 1;
        }

        ngx_lu_history_end(history);
        return;
    }

    history->failed = 0;

    ngx_lu_history_next(history);
}
