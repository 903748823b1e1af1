
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How far a fetch is, for those who ask other workers, and other machines.
 */


#include "ngx_lu_job.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"

#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


typedef struct {
    ngx_lu_io_t                       io;
    ngx_lu_collect_t                 *collect;
    u_char                           *path;
    u_char                           *text;
    unsigned                          unwanted:1;
} ngx_lu_report_t;


static void ngx_lu_report_thread(void *data, ngx_log_t *log);
static ngx_uint_t ngx_lu_report_unwanted(ngx_lu_report_t *report);
static void ngx_lu_report_done(ngx_event_t *ev);


/* Other workers, and machines, are asked how far it is, too. */

void
ngx_lu_report(ngx_lu_collect_t *collect)
{
    char                now[LU_TIME_SIZE];
    uint64_t            done, speed;
    ngx_pool_t         *pool;
    ngx_time_t         *tp;
    ngx_queue_t        *q;
    ngx_lu_report_t    *report;
    ngx_thread_task_t  *task;
    ngx_lu_transfer_t  *transfer;

    done = collect->done;

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        done += ngx_lu_fetch_received(&transfer->fetch);
    }

    speed = 0;

    if (collect->reported && done > collect->last) {
        speed = (done - collect->last) * 1000
                / (ngx_current_msec - collect->reported);
    }

    collect->last = done;
    collect->reported = ngx_current_msec;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    task = ngx_thread_task_alloc(pool, sizeof(ngx_lu_report_t));
    if (task == NULL) {
        goto failed;
    }

    tp = ngx_timeofday();
    lu_time_print(now, tp->sec, (unsigned) tp->msec);

    report = task->ctx;
    report->io.pool = pool;
    report->collect = collect;
    report->path = ngx_lu_format(pool, "%s/progress.json",
                                 collect->job->folder);
    report->text = ngx_lu_format(pool,
                       "{\"files\":%ui,\"filesDone\":%ui,\"bytes\":%uL,"
                       "\"bytesDone\":%uL,\"bytesPerSecond\":%uL,"
                       "\"updatedAt\":\"%s\"}\n",
                       collect->nfiles, collect->ndone,
                       collect->size + collect->unsaid, done, speed, now);

    if (report->path == NULL || report->text == NULL) {
        goto failed;
    }

    task->handler = ngx_lu_report_thread;
    task->event.data = report;
    task->event.handler = ngx_lu_report_done;
    task->event.log = ngx_cycle->log;

    if (ngx_thread_task_post(collect->job->jobs->threads, task) != NGX_OK) {
        goto failed;
    }

    collect->reporting = 1;

    return;

failed:

    ngx_destroy_pool(pool);
}


/* Nothing is lost with it: it is not synced. */

static void
ngx_lu_report_thread(void *data, ngx_log_t *log)
{
    ngx_lu_report_t *report = data;

    ngx_lu_temp_t    temp;
    ngx_lu_store_t  *store;

    if (ngx_lu_report_unwanted(report)) {
        report->unwanted = 1;
        return;
    }

    store = report->collect->job->jobs->store;

    if (ngx_lu_temp_create(&report->io, store, &temp) != NGX_OK) {
        return;
    }

    if (ngx_lu_temp_write(&report->io, &temp, report->text,
                          ngx_strlen(report->text))
        != NGX_OK)
    {
        ngx_lu_temp_discard(&temp);
        return;
    }

    (void) ngx_lu_temp_rename(&report->io, &temp, report->path);
}


/* Somebody has rejected it, or deleted it with its app. */

static ngx_uint_t
ngx_lu_report_unwanted(ngx_lu_report_t *report)
{
    cJSON      *release;
    u_char     *path;
    ngx_int_t   rc;
    ngx_uint_t  unwanted;

    path = ngx_lu_path_in(&report->io, report->collect->job->folder,
                          "release.json");

    rc = ngx_lu_file_read_json(&report->io, path, &release);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED;
    }

    unwanted = (lu_release_state(release) != LU_STATE_FETCHING);

    cJSON_Delete(release);

    return unwanted;
}


static void
ngx_lu_report_done(ngx_event_t *ev)
{
    ngx_lu_report_t *report = ev->data;

    ngx_queue_t        *q;
    ngx_lu_collect_t   *collect;
    ngx_lu_transfer_t  *transfer;

    collect = report->collect;
    collect->reporting = 0;
    collect->unwanted |= report->unwanted;

    ngx_destroy_pool(report->io.pool);

    for (q = ngx_queue_head(&collect->transfers);
         collect->unwanted && q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_lu_transfer_t, queue);

        ngx_lu_fetch_abort(&transfer->fetch);
    }

    ngx_lu_collect_next(collect);
}
