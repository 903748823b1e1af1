
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_guards.h"
#include "ngx_lu_job.h"

#include "write/ngx_lu_guard.h"
#include "write/ngx_lu_run.h"
#include "zone/ngx_lu_zone.h"


/* between two looks at all cohorts of a store, milliseconds */

#define NGX_LU_GUARDS_PAUSE  10000


/* The looks of a worker at a store: one cohort after the other. */

typedef struct {
    ngx_lu_store_t         *store;
    ngx_str_t              *machine;
    ngx_event_t             timer;
    ngx_uint_t              next;       /* place in the zone */
    ngx_uint_t              failed;     /* and that was logged */
} ngx_lu_guards_t;


typedef struct {
    ngx_lu_task_t           task;
    ngx_lu_run_t            run;
    ngx_lu_guards_t        *guards;
    ngx_lu_cohort_copy_t    copy;
} ngx_lu_guards_look_t;


static void ngx_lu_guards_timer(ngx_event_t *ev);
static void ngx_lu_guards_next(ngx_lu_guards_t *guards);
static ngx_int_t ngx_lu_guards_run(void *data);
static void ngx_lu_guards_done(void *data);


ngx_int_t
ngx_lu_guards_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_lu_guards_t     *guards;
    ngx_lu_main_conf_t  *lumcf;

    if (store->quick == NULL || store->is_read_only) {
        return NGX_OK;
    }

    guards = ngx_pcalloc(cycle->pool, sizeof(ngx_lu_guards_t));
    if (guards == NULL) {
        return NGX_ERROR;
    }

    lumcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_liveupdate_module);
    guards->store = store;
    guards->machine = &lumcf->machine;

    guards->timer.handler = ngx_lu_guards_timer;
    guards->timer.data = guards;
    guards->timer.log = cycle->log;
    guards->timer.cancelable = 1;

    ngx_add_timer(&guards->timer, NGX_LU_GUARDS_PAUSE);

    return NGX_OK;
}


static void
ngx_lu_guards_timer(ngx_event_t *ev)
{
    ngx_lu_guards_t *guards = ev->data;

    guards->next = 0;

    ngx_lu_guards_next(guards);
}


static void
ngx_lu_guards_next(ngx_lu_guards_t *guards)
{
    ngx_pool_t            *pool;
    ngx_lu_guards_look_t  *look;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        goto pause;
    }

    look = ngx_pcalloc(pool, sizeof(ngx_lu_guards_look_t));

    if (look == NULL
        || ngx_lu_cohort_next(ngx_lu_zone_cohorts(guards->store),
                              guards->store, &guards->next, 1, &look->copy)
           != NGX_OK)
    {
        goto failed;
    }

    look->guards = guards;

    ngx_lu_task_init(&look->task, pool, guards->store, "guard");

    look->task.app = lu_str((char *) look->copy.app);
    look->task.id = lu_str((char *) look->copy.deployment);

    look->run.task = &look->task;
    look->run.kind = NGX_LU_THREAD_SHORT;
    look->run.threads = guards->store->quick;
    look->run.quick = guards->store->quick;
    look->run.handler = ngx_lu_guards_run;
    look->run.done = ngx_lu_guards_done;
    look->run.data = look;

    if (ngx_lu_run_start(&look->run) == NGX_OK) {
        return;
    }

failed:

    ngx_destroy_pool(pool);

pause:

    ngx_add_timer(&guards->timer, NGX_LU_GUARDS_PAUSE);
}


static ngx_int_t
ngx_lu_guards_run(void *data)
{
    ngx_lu_guards_look_t *look = data;

    return ngx_lu_guard(&look->task, &look->copy, look->guards->machine);
}


static void
ngx_lu_guards_done(void *data)
{
    ngx_lu_guards_look_t *look = data;

    ngx_uint_t        level;
    ngx_lu_task_t    *task;
    ngx_lu_guards_t  *guards;

    task = &look->task;
    guards = look->guards;

    if (look->run.status == NGX_OK) {
        ngx_lu_cohort_written(ngx_lu_zone_cohorts(guards->store),
                              &look->copy);
        guards->failed = 0;

    } else if (look->run.status >= NGX_HTTP_INTERNAL_SERVER_ERROR
               && !guards->failed)
    {
        ngx_lu_job_log(&task->io, " while a rollout was guarded");
        guards->failed = 1;
    }

    if (look->run.status == NGX_OK && task->change) {
        level = look->copy.blamed ? NGX_LOG_WARN : NGX_LOG_NOTICE;

        ngx_log_error(level, ngx_cycle->log, 0,
                      "\"%s\" changed app \"%s\": %s \"%s\": %s",
                      task->by, task->app.data, task->change, task->subject,
                      task->to);
    }

    ngx_destroy_pool(task->io.pool);

    ngx_lu_guards_next(guards);
}
