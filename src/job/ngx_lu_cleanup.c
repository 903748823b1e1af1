
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_job.h"
#include "ngx_lu_cleanup.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_keep.h"
#include "write/ngx_lu_run.h"
#include "write/ngx_lu_usage.h"


#define NGX_LU_CLEANUP_LOOK   60000   /* msec between two looks, at most */
#define NGX_LU_CLEANUP_STEP   20      /* releases that a step removes */


/* The pass of a store.  Each step has a task and a pool of its own. */

struct ngx_lu_cleanup_s {
    ngx_lu_store_t      *store;
    ngx_event_t          timer;
    ngx_pool_t          *pool;      /* of the pass at work, or NULL */
    ngx_lu_claim_t       claim;
    u_char              *path;
    ngx_array_t          apps;      /* of ngx_str_t */
    ngx_uint_t           next;
    ngx_uint_t           removed;
    ngx_uint_t           failed;
    time_t               begun;
    unsigned             claimed:1;
    unsigned             running:1;
};


typedef struct {
    ngx_lu_cleanup_t  *pass;
    ngx_lu_task_t      task;
    ngx_lu_run_t       run;
    ngx_uint_t         removed;
    ngx_uint_t         left;
} ngx_lu_cleanup_step_t;


static void ngx_lu_cleanup_look(ngx_event_t *ev);
static void ngx_lu_cleanup_start(ngx_lu_cleanup_t *pass, const lu_str_t *app,
    ngx_lu_run_pt handler, ngx_lu_thread_pt done);
static ngx_int_t ngx_lu_cleanup_due(ngx_lu_io_t *io, u_char *path);
static ngx_int_t ngx_lu_cleanup_begin(void *data);
static ngx_int_t ngx_lu_cleanup_list(ngx_lu_cleanup_step_t *step);
static void ngx_lu_cleanup_begun(void *data);
static void ngx_lu_cleanup_next(ngx_lu_cleanup_t *pass);
static ngx_int_t ngx_lu_cleanup_app(void *data);
static void ngx_lu_cleanup_app_done(void *data);
static ngx_int_t ngx_lu_cleanup_complete(void *data);
static void ngx_lu_cleanup_completed(void *data);
static void ngx_lu_cleanup_over(ngx_lu_cleanup_t *pass);
static ngx_uint_t ngx_lu_cleanup_log(ngx_lu_cleanup_step_t *step);


ngx_int_t
ngx_lu_cleanup_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_lu_cleanup_t  *pass;

    /* no app gets a policy where there is no API: a replica is left alone */

    if (ngx_lu_cleanup_is_off(store)
        || (store->keep.len == 0
            && (store->quick == NULL || store->is_read_only)))
    {
        return NGX_OK;
    }

    pass = ngx_pcalloc(cycle->pool, sizeof(ngx_lu_cleanup_t));
    if (pass == NULL) {
        return NGX_ERROR;
    }

    pass->store = store;

    pass->timer.handler = ngx_lu_cleanup_look;
    pass->timer.data = pass;
    pass->timer.log = cycle->log;
    pass->timer.cancelable = 1;

    store->cleanup = pass;

    /* most stores without a policy never have a pass */

    ngx_add_timer(&pass->timer,
                  store->keep.len ? 1000
                                  : ngx_min((ngx_msec_t) store->every * 1000,
                                            NGX_LU_CLEANUP_LOOK));

    return NGX_OK;
}


static void
ngx_lu_cleanup_look(ngx_event_t *ev)
{
    ngx_lu_cleanup_t *pass = ev->data;

    lu_str_t  none;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_add_timer(ev, ngx_min((ngx_msec_t) pass->store->every * 1000,
                              NGX_LU_CLEANUP_LOOK));

    if (pass->running) {
        return;
    }

    pass->pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pass->pool == NULL) {
        return;
    }

    pass->running = 1;
    pass->next = 0;
    pass->removed = 0;
    pass->failed = 0;
    pass->begun = ngx_time();

    none.len = 0;
    none.data = (u_char *) "";

    ngx_lu_cleanup_start(pass, &none, ngx_lu_cleanup_begin,
                         ngx_lu_cleanup_begun);
}


static void
ngx_lu_cleanup_start(ngx_lu_cleanup_t *pass, const lu_str_t *app,
    ngx_lu_run_pt handler, ngx_lu_thread_pt done)
{
    ngx_pool_t             *pool;
    ngx_lu_task_t          *task;
    ngx_lu_cleanup_step_t  *step;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        ngx_lu_cleanup_over(pass);
        return;
    }

    step = ngx_pcalloc(pool, sizeof(ngx_lu_cleanup_step_t));
    if (step == NULL) {
        ngx_destroy_pool(pool);
        ngx_lu_cleanup_over(pass);
        return;
    }

    step->pass = pass;

    task = &step->task;

    ngx_lu_task_init(task, pool, pass->store, "cleanup");

    task->app = *app;

    if (pass->claimed) {
        task->io.claim = &pass->claim.turn;
    }

    step->run.task = task;
    step->run.kind = NGX_LU_THREAD_KEEP;
    step->run.threads = pass->store->threads_keep;
    step->run.quick = pass->store->readers_keep;
    step->run.handler = handler;
    step->run.done = done;
    step->run.data = step;

    if (ngx_lu_run_start(&step->run) != NGX_OK) {
        ngx_destroy_pool(pool);
        ngx_lu_cleanup_over(pass);
    }
}


ngx_int_t
ngx_lu_cleanup_claim(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_pool_t *pool,
    ngx_lu_claim_t *claim, u_char **path)
{
    ngx_int_t    rc;
    ngx_lu_io_t  local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = pool;

    *path = ngx_lu_path(&local, "%V/jobs/.cleanup", &store->path);

    rc = ngx_lu_claim_open(io, *path, claim);

    if (rc == NGX_DECLINED) {
        if (ngx_lu_cleanup_due(io, *path) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_lu_claim_open(io, *path, claim);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_BUSY : rc;
    }

    rc = ngx_lu_claim_take(io, store, pool, *path, claim);

    if (rc != NGX_OK) {
        ngx_lu_claim_close(claim);
    }

    return rc;
}


/* The first pass is due at once. */

static ngx_int_t
ngx_lu_cleanup_due(ngx_lu_io_t *io, u_char *path)
{
    if (ngx_lu_file_touch(io, path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_stamp(io, path, 0);
}


ngx_int_t
ngx_lu_cleanup_wanted(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path(io, "%V/jobs/.cleanup", &store->path);

    rc = ngx_lu_file_exists(io, path);

    return rc == NGX_DECLINED ? ngx_lu_cleanup_due(io, path) : rc;
}


ngx_uint_t
ngx_lu_cleanup_is_off(const ngx_lu_store_t *store)
{
    return store->keep.len == 3
           && ngx_strncmp(store->keep.data, "off", 3) == 0;
}


void
ngx_lu_cleanup_end(ngx_lu_io_t *io, ngx_lu_claim_t *claim)
{
    io->claim = NULL;

    ngx_lu_claim_end(io, claim);
    ngx_lu_claim_close(claim);
}


/* NGX_DONE: not now. */

static ngx_int_t
ngx_lu_cleanup_begin(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    time_t             last;
    u_char            *path;
    ngx_int_t          rc;
    ngx_lu_io_t       *io;
    ngx_lu_cleanup_t  *pass;
    ngx_file_info_t    fi;

    pass = step->pass;
    io = &step->task.io;

    if (ngx_lu_mark_check(io, pass->store) != NGX_OK) {
        return ngx_lu_task_failed(&step->task);
    }

    path = ngx_lu_path(io, "%V/jobs/.cleanup", &pass->store->path);

    rc = ngx_lu_file_info(io, path, &fi);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&step->task);
    }

    /* neither the server nor an app has a policy */

    if (rc == NGX_DECLINED && pass->store->keep.len == 0) {
        return NGX_DONE;
    }

    /* a time to come is that of a clock that was wrong */

    if (rc == NGX_OK) {
        last = ngx_file_mtime(&fi);

        if (last <= pass->begun && pass->begun - last < pass->store->every) {
            return NGX_DONE;
        }
    }

    rc = ngx_lu_cleanup_claim(io, pass->store, pass->pool, &pass->claim,
                              &pass->path);

    if (rc != NGX_OK) {
        return rc == NGX_BUSY ? NGX_DONE : ngx_lu_task_failed(&step->task);
    }

    pass->claimed = 1;

    return ngx_lu_cleanup_list(step);
}


static ngx_int_t
ngx_lu_cleanup_list(ngx_lu_cleanup_step_t *step)
{
    ngx_int_t      status;
    ngx_lu_task_t  task;

    /* the list lives as long as the pass */

    task = step->task;
    task.io.pool = step->pass->pool;

    status = ngx_lu_app_ids(&task, &step->pass->apps);

    if (status != NGX_OK) {
        step->task.io = task.io;
        step->task.error = task.error;
    }

    return status;
}


static void
ngx_lu_cleanup_begun(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    ngx_int_t          status;
    ngx_lu_cleanup_t  *pass;

    pass = step->pass;
    status = step->run.status;

    if (status != NGX_OK && status != NGX_DONE) {
        (void) ngx_lu_cleanup_log(step);
    }

    ngx_destroy_pool(step->task.io.pool);

    if (status == NGX_OK) {
        ngx_lu_cleanup_next(pass);

    } else {
        ngx_lu_cleanup_over(pass);
    }
}


static void
ngx_lu_cleanup_next(ngx_lu_cleanup_t *pass)
{
    lu_str_t    id;
    ngx_str_t  *app;

    if (ngx_exiting || ngx_terminate) {
        ngx_lu_cleanup_over(pass);
        return;
    }

    if (pass->next == pass->apps.nelts) {
        id.len = 0;
        id.data = (u_char *) "";

        ngx_lu_cleanup_start(pass, &id, ngx_lu_cleanup_complete,
                             ngx_lu_cleanup_completed);
        return;
    }

    app = pass->apps.elts;
    id = ngx_lu_to_core(&app[pass->next]);

    ngx_lu_cleanup_start(pass, &id, ngx_lu_cleanup_app,
                         ngx_lu_cleanup_app_done);
}


static ngx_int_t
ngx_lu_cleanup_app(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    ngx_int_t       status;
    ngx_array_t     damaged;
    ngx_lu_usage_t  usage;

    /* what a busy lock has cut short is begun anew */

    step->pass->removed += step->removed;

    status = ngx_lu_keep_clean(&step->task, NGX_LU_CLEANUP_STEP, &step->removed,
                               &step->left, &damaged);

    if (status == NGX_OK
        && step->pass->store->keep.len
        && ngx_lu_usage(&step->task, 1, &usage) != NGX_OK)
    {
        status = ngx_lu_task_failed(&step->task);
    }

    return status;
}


static void
ngx_lu_cleanup_app_done(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    ngx_uint_t         lost;
    ngx_int_t          status;
    ngx_lu_cleanup_t  *pass;

    pass = step->pass;
    status = step->run.status;

    pass->removed += step->removed;
    lost = 0;

    /* an app that was deleted meanwhile is none */

    if (status != NGX_OK && status != NGX_HTTP_NOT_FOUND) {
        lost = ngx_lu_cleanup_log(step);
        pass->failed++;

    } else if (status == NGX_OK && step->task.io.operation) {

        /* a release that is damaged was left out */

        lost = ngx_lu_cleanup_log(step);
    }

    if (status != NGX_OK || step->left == 0) {
        pass->next++;
    }

    ngx_destroy_pool(step->task.io.pool);

    if (lost) {
        ngx_lu_cleanup_over(pass);

    } else {
        ngx_lu_cleanup_next(pass);
    }
}


/* Apps that failed are looked at in the next pass, as all others are. */

static ngx_int_t
ngx_lu_cleanup_complete(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    ngx_lu_io_t  *io;

    io = &step->task.io;

    if (ngx_lu_turn_prove(io) != NGX_OK
        || ngx_lu_file_stamp(io, step->pass->path, time(NULL)) != NGX_OK)
    {
        return ngx_lu_task_failed(&step->task);
    }

    ngx_lu_cleanup_end(io, &step->pass->claim);

    step->pass->claimed = 0;

    return NGX_OK;
}


static void
ngx_lu_cleanup_completed(void *data)
{
    ngx_lu_cleanup_step_t *step = data;

    ngx_lu_cleanup_t  *pass;

    pass = step->pass;

    if (step->run.status != NGX_OK) {
        (void) ngx_lu_cleanup_log(step);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cleanup of \"%V\": %ui apps, %ui releases removed, "
                      "%ui apps failed, %T s",
                      &pass->store->path, pass->apps.nelts, pass->removed,
                      pass->failed, ngx_time() - pass->begun);
    }

    ngx_destroy_pool(step->task.io.pool);

    ngx_lu_cleanup_over(pass);
}


/* Whoever makes the next pass takes a turn that was left. */

static void
ngx_lu_cleanup_over(ngx_lu_cleanup_t *pass)
{
    if (pass->claimed) {
        ngx_lu_claim_close(&pass->claim);
        pass->claimed = 0;
    }

    ngx_destroy_pool(pass->pool);

    pass->pool = NULL;
    pass->running = 0;
}


/* 1 if another machine has taken the claim. */

static ngx_uint_t
ngx_lu_cleanup_log(ngx_lu_cleanup_step_t *step)
{
    u_char  *sentence;

    if (step->task.io.operation) {
        ngx_lu_job_log(&step->task.io, " while cleaning up");

    } else {
        sentence = ngx_lu_reply_sentence(step->task.io.pool,
                                         &step->task.error);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "%s while cleaning up app \"%s\"",
                      sentence ? sentence : (u_char *) "",
                      step->task.app.data);
    }

    return step->pass->claimed && step->pass->claim.turn.lost;
}
