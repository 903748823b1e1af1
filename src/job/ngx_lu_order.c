
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_job.h"
#include "ngx_lu_order.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_release.h"

#include "core/lu_put.h"


static ngx_int_t ngx_lu_order_locked(ngx_lu_task_t *task,
    ngx_lu_release_t *order, u_char *live, lu_state_e *state);
static ngx_int_t ngx_lu_order_vacant(ngx_lu_task_t *task,
    const ngx_lu_release_t *order);
static ngx_int_t ngx_lu_order_known(ngx_lu_task_t *task,
    ngx_lu_release_t *order, ngx_lu_release_t *known, lu_state_e *state);
static ngx_int_t ngx_lu_order_live(ngx_lu_task_t *task, cJSON *order,
    lu_state_e *state);
static ngx_int_t ngx_lu_order_reset(ngx_lu_task_t *task,
    ngx_lu_release_t *release, lu_state_e state);
static ngx_int_t ngx_lu_order_write(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_order_job(ngx_lu_task_t *task);


cJSON *
ngx_lu_order_release(ngx_lu_task_t *task)
{
    cJSON    *release;
    lu_put_t  put;

    lu_put_init(&put);

    release = cJSON_CreateObject();

    lu_put_str(&put, release, "id", &task->id);
    lu_put_str(&put, release, "app", &task->app);
    lu_release_put_kind(&put, release, LU_KIND_DESKTOP);
    lu_release_put_state(&put, release, LU_STATE_FETCHING);
    lu_put_string(&put, release, "createdBy", task->by);
    lu_put_string(&put, release, "createdAt", task->now);
    lu_put_string(&put, release, "updatedAt", task->now);

    return lu_put_done(&put, release);
}


ngx_int_t
ngx_lu_order(ngx_lu_task_t *task, cJSON *json, lu_state_e *state)
{
    u_char           *live, *folder;
    ngx_int_t         rc, status;
    ngx_lu_release_t  order;

    task->change = NULL;
    task->subject = (char *) task->id.data;

    status = ngx_lu_release_named(task);
    if (status != NGX_OK) {
        return status;
    }

    live = ngx_lu_release_live(task, task->subject);
    if (live == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_exists(&task->io, live);

    if (rc == NGX_OK) {
        return ngx_lu_order_live(task, json, state);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    folder = ngx_lu_release_staging(task, task->subject);

    rc = ngx_lu_file_exists(&task->io, folder);

    if (rc == NGX_DECLINED) {

        status = ngx_lu_release_room(task);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (rc != NGX_ERROR) {
        rc = ngx_lu_file_mkdir(&task->io, folder);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_release_lock(task, task->subject, &order);

    if (status == NGX_DECLINED) {

        /* another call has just promoted it */

        return ngx_lu_order_live(task, json, state);
    }

    if (status != NGX_OK) {
        return status;
    }

    order.json = json;

    status = ngx_lu_order_locked(task, &order, live, state);

    ngx_lu_lock_release(order.lock);

    return status;
}


static ngx_int_t
ngx_lu_order_locked(ngx_lu_task_t *task, ngx_lu_release_t *order,
    u_char *live, lu_state_e *state)
{
    ngx_int_t         rc, status;
    ngx_lu_release_t  known;

    known = *order;

    rc = ngx_lu_release_load(&task->io, order->folder, &known.json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        status = ngx_lu_order_known(task, order, &known, state);
        cJSON_Delete(known.json);

        return status;
    }

    ngx_lu_turn_refresh(&task->io, ngx_lu_path_folder(&task->io, live));

    rc = ngx_lu_file_exists(&task->io, live);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {

        /* another call promoted it before the folder was made here */

        rc = ngx_lu_tree_remove(&task->io, task->store, order->folder);

        return rc == NGX_ERROR ? ngx_lu_task_failed(task)
                               : ngx_lu_order_live(task, order->json, state);
    }

    status = ngx_lu_order_vacant(task, order);
    if (status != NGX_OK) {
        return status;
    }

    *state = LU_STATE_FETCHING;

    return ngx_lu_order_write(task, order);
}


/*
 * Nobody has verified what lies there without a release.json, and somebody may
 * need it.
 */

static ngx_int_t
ngx_lu_order_vacant(ngx_lu_task_t *task, const ngx_lu_release_t *order)
{
    u_char       *path;
    ngx_uint_t    i;
    ngx_array_t   names;

    static const char  *folders[] = { "uploads", "files", NULL };

    for (i = 0; folders[i]; i++) {
        path = ngx_lu_path_in(&task->io, order->folder, "%s", folders[i]);

        if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        if (names.nelts) {
            return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                      "The folder of the release in staging "
                                      "has files, but no release.json: stage "
                                      "the release, restore release.json "
                                      "from a backup, or remove the folder.");
        }
    }

    return NGX_OK;
}


/*
 * A build is ordered once: another order is answered with its state, and
 * fetches it again only if it has failed.
 */

static ngx_int_t
ngx_lu_order_known(ngx_lu_task_t *task, ngx_lu_release_t *order,
    ngx_lu_release_t *known, lu_state_e *state)
{
    if (lu_release_kind(known->json) != LU_KIND_DESKTOP) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A bundle has this id.");
    }

    *state = lu_release_state(known->json);

    if (*state == LU_STATE_FAILED || *state == LU_STATE_UNKNOWN) {
        *state = LU_STATE_FETCHING;

        return ngx_lu_order_write(task, order);
    }

    if (*state != LU_STATE_FETCHING) {
        return NGX_HTTP_OK;
    }

    /* another order means that the origin is back: the wait is over */

    if (!cJSON_HasObjectItem(known->json, "nextAttemptAt")) {
        return ngx_lu_order_job(task);
    }

    cJSON_DeleteItemFromObjectCaseSensitive(known->json, "nextAttemptAt");

    return ngx_lu_order_write(task, known);
}


static ngx_int_t
ngx_lu_order_live(ngx_lu_task_t *task, cJSON *order, lu_state_e *state)
{
    cJSON            *app;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    release.json = order;
    release.is_live = 1;

    *state = ngx_lu_release_state(app, &release);

    cJSON_Delete(app);

    return NGX_HTTP_OK;
}


ngx_int_t
ngx_lu_order_again(ngx_lu_task_t *task, lu_state_e *state)
{
    ngx_int_t         status;
    ngx_uint_t        waits;
    ngx_lu_jobs_t    *jobs;
    ngx_lu_release_t  release;

    task->subject = (char *) task->id.data;
    jobs = task->store->jobs;

    status = ngx_lu_release_open(task, &release);
    if (status != NGX_OK) {
        return status;
    }

    *state = lu_release_state(release.json);

    /* a staged release may wait for its pull request, but not in live/ */

    waits = (*state == LU_STATE_STAGED
             && !release.is_live
             && jobs
             && jobs->github_approves);

    if (jobs == NULL
        || lu_release_kind(release.json) != LU_KIND_DESKTOP
        || !(waits || *state == LU_STATE_FAILED))
    {
        status = ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                    "Only a desktop release that has failed "
                                    "can be fetched again.");

    } else {

        if (*state == LU_STATE_FAILED) {
            *state = LU_STATE_FETCHING;
        }

        status = ngx_lu_order_reset(task, &release, *state);
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_order_reset(ngx_lu_task_t *task, ngx_lu_release_t *release,
    lu_state_e state)
{
    lu_put_t  put;

    cJSON_DeleteItemFromObjectCaseSensitive(release->json, "attempts");
    cJSON_DeleteItemFromObjectCaseSensitive(release->json, "nextAttemptAt");

    lu_put_init(&put);

    lu_release_put_state(&put, release->json, state);
    lu_put_string(&put, release->json, "updatedAt", task->now);

    return put.failed ? ngx_lu_task_nomem(task)
                      : ngx_lu_order_write(task, release);
}


/*
 * The job's file comes first: without one, nobody would fetch the release.  It
 * goes again with an order that could not be written.
 */

static ngx_int_t
ngx_lu_order_write(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    ngx_int_t    rc, known, status;
    ngx_lu_io_t  io;

    known = ngx_lu_file_exists(&task->io, ngx_lu_release_job(task));

    if (known == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_order_job(task);

    if (status != NGX_HTTP_ACCEPTED) {
        return status;
    }

    rc = ngx_lu_release_save(task, release);

    if (rc == NGX_OK) {
        return status;
    }

    if (known == NGX_DECLINED) {

        /* the first failure is the one to log */

        io = task->io;
        (void) ngx_lu_file_unlink(&io, ngx_lu_release_job(task));
    }

    return rc;
}


static ngx_int_t
ngx_lu_order_job(ngx_lu_task_t *task)
{
    if (ngx_lu_file_touch(&task->io, ngx_lu_release_job(task)) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_HTTP_ACCEPTED;
}
