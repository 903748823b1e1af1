
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A build is ordered by writing it down; the rest is a job's.
 */


#include "ngx_lu_job.h"
#include "ngx_lu_order.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_staging.h"


static ngx_int_t ngx_lu_order_locked(ngx_lu_task_t *task,
    ngx_lu_release_t *order, u_char *live, lu_state_e *state);
static ngx_int_t ngx_lu_order_known(ngx_lu_task_t *task,
    ngx_lu_release_t *order, ngx_lu_release_t *known, lu_state_e *state);
static ngx_int_t ngx_lu_order_live(ngx_lu_task_t *task, cJSON *order,
    lu_state_e *state);
static ngx_int_t ngx_lu_order_write(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_order_job(ngx_lu_task_t *task);


cJSON *
ngx_lu_order_release(ngx_lu_task_t *task)
{
    cJSON  *release;

    release = cJSON_CreateObject();

    if (cJSON_AddStringToObject(release, "id", (char *) task->id.data) == NULL
        || cJSON_AddStringToObject(release, "app", (char *) task->app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", "desktop") == NULL
        || cJSON_AddStringToObject(release, "state",
                                   lu_release_state_name(LU_STATE_FETCHING))
           == NULL
        || cJSON_AddStringToObject(release, "createdBy", task->by) == NULL
        || cJSON_AddStringToObject(release, "createdAt", task->now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt", task->now) == NULL)
    {
        cJSON_Delete(release);
        return NULL;
    }

    return release;
}


ngx_int_t
ngx_lu_order(ngx_lu_task_t *task, cJSON *json, lu_state_e *state)
{
    u_char           *live, *path;
    ngx_int_t         rc, status;
    ngx_lu_release_t  order;

    task->change = NULL;
    task->subject = (char *) task->id.data;

    live = ngx_lu_path(&task->io, "%V/live/%s/%s", &task->store->path,
                       task->app.data, task->subject);
    if (live == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (access((char *) live, F_OK) == 0) {
        return ngx_lu_order_live(task, json, state);
    }

    order.json = json;
    order.is_live = 0;
    order.folder = ngx_lu_path(&task->io, "%V/staging/%s/%s",
                               &task->store->path, task->app.data,
                               task->subject);

    if (ngx_lu_file_mkdir(&task->io, order.folder) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    path = ngx_lu_path_in(&task->io, order.folder, "lock");

    rc = ngx_lu_lock(&task->io, path, &order.lock);

    if (rc == NGX_DECLINED) {

        /* promoted at this very moment */

        return ngx_lu_order_live(task, json, state);
    }

    if (rc != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_order_locked(task, &order, live, state);

    ngx_lu_lock_release(order.lock);

    return status;
}


static ngx_int_t
ngx_lu_order_locked(ngx_lu_task_t *task, ngx_lu_release_t *order,
    u_char *live, lu_state_e *state)
{
    u_char           *path;
    ngx_int_t         rc, status;
    ngx_lu_release_t  known;

    known = *order;

    path = ngx_lu_path_in(&task->io, order->folder, "release.json");

    rc = ngx_lu_file_read_json(&task->io, path, &known.json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {
        status = ngx_lu_order_known(task, order, &known, state);
        cJSON_Delete(known.json);

        return status;
    }

    if (access((char *) live, F_OK) == 0) {

        /* promoted before its folder was made anew */

        rc = ngx_lu_tree_remove(&task->io, task->store, order->folder);

        return rc == NGX_ERROR ? ngx_lu_task_failed(task)
                               : ngx_lu_order_live(task, order->json, state);
    }

    /* what lies there already was verified by nobody */

    status = ngx_lu_staging_clean(task, order->folder, "uploads");
    if (status != NGX_OK) {
        return status;
    }

    *state = LU_STATE_FETCHING;

    return ngx_lu_order_write(task, order);
}


/*
 * A build is ordered once: whoever orders it again is told its state, and one
 * that has failed is fetched again.
 */

static ngx_int_t
ngx_lu_order_known(ngx_lu_task_t *task, ngx_lu_release_t *order,
    ngx_lu_release_t *known, lu_state_e *state)
{

    if (lu_release_kind(known->json) != LU_KIND_DESKTOP) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "There is a bundle with this id.");
    }

    *state = lu_release_state(known->json);

    if (*state == LU_STATE_FAILED || *state == LU_STATE_UNKNOWN) {
        *state = LU_STATE_FETCHING;

        return ngx_lu_order_write(task, order);
    }

    if (*state != LU_STATE_FETCHING) {
        return NGX_HTTP_OK;
    }

    /* who orders it again knows that the origin is back: it does not wait */

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

    /* a staged one may wait for its pull request, but not in live/ */

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

    } else if ((!waits
                && lu_json_set_string(release.json, "state",
                                      lu_release_state_name(LU_STATE_FETCHING))
                   != LU_OK)
               || lu_json_set_string(release.json, "updatedAt", task->now)
                  != LU_OK)
    {
        status = ngx_lu_task_nomem(task);

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release.json, "nextAttemptAt");

        *state = lu_release_state(release.json);

        status = ngx_lu_order_write(task, &release);
    }

    ngx_lu_release_close(&release);

    return status;
}


/* The job's file comes first: without a release it is nothing. */

static ngx_int_t
ngx_lu_order_write(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    ngx_int_t  rc, status;

    status = ngx_lu_order_job(task);

    if (status != NGX_HTTP_ACCEPTED) {
        return status;
    }

    rc = ngx_lu_release_save(task, release);

    return rc == NGX_OK ? status : rc;
}


static ngx_int_t
ngx_lu_order_job(ngx_lu_task_t *task)
{
    if (ngx_lu_file_touch(&task->io, ngx_lu_release_job(task)) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_HTTP_ACCEPTED;
}
