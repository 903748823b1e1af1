
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_cleanup.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_measure.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_keep.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_usage.h"
#include "job/ngx_lu_cleanup.h"

#include "core/lu_keep.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


/* releases that a call removes, and files and folders that it measures */

#define NGX_LU_API_CLEANUP_MAX      100
#define NGX_LU_API_CLEANUP_MEASURE  200000


static ngx_int_t ngx_lu_api_cleanup_answer(ngx_lu_call_t *call,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_api_cleanup_usage(ngx_lu_call_t *call,
    lu_put_t *put, cJSON *json, ngx_lu_keep_t *keep);
static void ngx_lu_api_cleanup_stays(lu_put_t *put, cJSON *json,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_api_cleanup_goes(ngx_lu_call_t *call, lu_put_t *put,
    cJSON *json, ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_api_cleanup_release(ngx_lu_call_t *call,
    lu_put_t *put, cJSON *list, const lu_keep_fact_t *fact, double bytes);
static void ngx_lu_api_cleanup_channels(lu_put_t *put, cJSON *json,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_api_cleanup_change(ngx_lu_task_t *task, cJSON *app,
    void *data);


ngx_int_t
ngx_lu_api_cleanup_get(ngx_lu_call_t *call)
{
    ngx_int_t      status;
    ngx_lu_keep_t  keep;

    /* a policy of the query is tried */

    status = ngx_lu_keep_open(&call->task, ngx_lu_arg(call, "keep"), &keep);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_cleanup_answer(call, &keep);

    ngx_lu_keep_close(&keep);

    return status;
}


static ngx_int_t
ngx_lu_api_cleanup_answer(ngx_lu_call_t *call, ngx_lu_keep_t *keep)
{
    cJSON      *json;
    lu_put_t    put;
    ngx_int_t   status;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_str(&put, json, "keep", &keep->text);
    lu_put_bool(&put, json, "own", keep->own);
    lu_put_bool(&put, json, "passes",
                keep->policy.on
                && !ngx_lu_cleanup_is_off(call->task.store));

    status = ngx_lu_api_cleanup_usage(call, &put, json, keep);

    if (status == NGX_OK) {
        ngx_lu_api_cleanup_stays(&put, json, keep);

        status = ngx_lu_api_cleanup_goes(call, &put, json, keep);
    }

    if (status != NGX_OK) {
        cJSON_Delete(json);
        return status;
    }

    ngx_lu_api_cleanup_channels(&put, json, keep);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


static ngx_int_t
ngx_lu_api_cleanup_usage(ngx_lu_call_t *call, lu_put_t *put, cJSON *json,
    ngx_lu_keep_t *keep)
{
    ngx_lu_usage_t  usage;

    if (ngx_lu_usage(&call->task, 0, &usage) != NGX_OK) {
        return ngx_lu_task_failed(&call->task);
    }

    lu_put_number(put, json, "bytes", (double) (uint64_t) usage.bytes);

    if (usage.quota) {
        lu_put_number(put, json, "quota", usage.quota);

    } else {
        lu_put_null(put, json, "quota");
    }

    lu_put_bool(put, json, "ownQuota",
                cJSON_HasObjectItem(keep->app, "quota"));

    return NGX_OK;
}


static void
ngx_lu_api_cleanup_stays(lu_put_t *put, cJSON *json, ngx_lu_keep_t *keep)
{
    cJSON       *stays;
    size_t       n[LU_KEEPS], i;
    ngx_uint_t   why;

    ngx_memzero(n, sizeof(n));

    for (i = 0; i < keep->n; i++) {
        n[keep->facts[i].why]++;
    }

    stays = lu_put_object(put, json, "stays");

    for (why = 0; !lu_keep_goes(why); why++) {
        if (n[why]) {
            lu_put_number(put, stays, lu_keep_name(why), (double) n[why]);
        }
    }
}


/* Bytes that several of them share are freed by all of them together. */

static ngx_int_t
ngx_lu_api_cleanup_goes(ngx_lu_call_t *call, lu_put_t *put, cJSON *json,
    ngx_lu_keep_t *keep)
{
    cJSON             *goes, *list;
    double             before;
    size_t             i, n;
    ngx_int_t          rc, status;
    ngx_array_t        names;
    ngx_lu_page_t      page;
    ngx_lu_measure_t   measure;

    ngx_lu_arg_page(call, &page);

    ngx_memzero(&measure, sizeof(ngx_lu_measure_t));

    if (ngx_array_init(&names, call->task.io.pool, 64,
                       sizeof(ngx_lu_measure_name_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    measure.left = NGX_LU_API_CLEANUP_MEASURE;
    measure.names = &names;

    goes = lu_put_object(put, json, "goes");
    list = lu_put_array(put, json, "releases");

    n = 0;
    rc = NGX_OK;

    for (i = 0; i < keep->n; i++) {

        if (!lu_keep_goes(keep->facts[i].why)) {
            continue;
        }

        n++;
        before = measure.bytes;

        if (rc == NGX_OK) {
            rc = ngx_lu_keep_measure(&call->task, &keep->facts[i], &measure);
        }

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(&call->task);
        }

        if (ngx_lu_arg_page_take(&page)) {
            status = ngx_lu_api_cleanup_release(call, put, list,
                                                &keep->facts[i],
                                                measure.bytes - before);
            if (status != NGX_OK) {
                return status;
            }
        }
    }

    lu_put_number(put, goes, "count", (double) n);
    lu_put_number(put, goes, "bytes",
                  measure.bytes + ngx_lu_measure_freed(&names));

    /* otherwise there are more bytes than were measured */

    lu_put_bool(put, goes, "complete", rc == NGX_OK);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_cleanup_release(ngx_lu_call_t *call, lu_put_t *put, cJSON *list,
    const lu_keep_fact_t *fact, double bytes)
{
    cJSON             *item;
    ngx_lu_release_t   release;

    item = lu_put_object(put, list, NULL);

    lu_put_str(put, item, "id", &fact->id);
    lu_put_string(put, item, "why", lu_keep_name(fact->why));

    /* those that only this one has */

    lu_put_number(put, item, "bytes", bytes);

    if (ngx_lu_release_read(&call->task, (char *) fact->id.data, &release)
        == NGX_OK)
    {
        lu_put_copy(put, item, "kind", release.json, "kind");
        lu_put_copy(put, item, "version", release.json, "version");
        lu_put_copy(put, item, "number", release.json, "number");
        lu_put_copy(put, item, "createdAt", release.json, "createdAt");

        ngx_lu_release_close(&release);

    } else {

        /* it has gone meanwhile, or cannot be read */

        if (ngx_lu_io_is_damage(&call->task.io)) {
            lu_put_bool(put, item, "damaged", 1);
        }

        ngx_lu_io_clear(&call->task.io);
    }

    return put->failed ? ngx_lu_task_nomem(&call->task) : NGX_OK;
}


static void
ngx_lu_api_cleanup_channels(lu_put_t *put, cJSON *json, ngx_lu_keep_t *keep)
{
    cJSON        *list;
    lu_str_t      name;
    const cJSON  *channel;

    list = lu_put_array(put, json, "channels");

    cJSON_ArrayForEach(channel, cJSON_GetObjectItemCaseSensitive(keep->app,
                                                                 "channels"))
    {
        if (lu_keep_channel_goes(&keep->policy, keep->app, channel, keep->now)
            && lu_json_string(channel, "name", &name) == LU_OK)
        {
            lu_put_str(put, list, NULL, &name);
        }
    }
}


ngx_int_t
ngx_lu_api_cleanup_post(ngx_lu_call_t *call)
{
    cJSON           *json, *list;
    u_char          *path;
    lu_put_t         put;
    lu_str_t        *id;
    ngx_int_t        rc, status;
    ngx_uint_t       removed, left, i;
    ngx_array_t      damaged;
    ngx_lu_task_t   *task;
    ngx_lu_claim_t   claim;

    task = &call->task;

    rc = ngx_lu_cleanup_claim(&task->io, task->store, task->io.pool, &claim,
                              &path);

    if (rc == NGX_BUSY) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The store is being cleaned up already: try "
                                  "again later.");
    }

    if (rc != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    task->io.claim = &claim.turn;

    status = ngx_lu_keep_clean(task, NGX_LU_API_CLEANUP_MAX, &removed, &left,
                               &damaged);

    ngx_lu_cleanup_end(&task->io, &claim);

    /* each release that was removed has its entry already */

    task->change = NULL;

    if (status != NGX_OK) {
        return status;
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_number(&put, json, "removed", (double) removed);
    lu_put_number(&put, json, "left", (double) left);

    if (damaged.nelts) {
        id = damaged.elts;
        list = lu_put_array(&put, json, "damaged");

        for (i = 0; i < ngx_min(damaged.nelts, NGX_LU_API_CLEANUP_MAX); i++) {
            lu_put_str(&put, list, NULL, &id[i]);
        }
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_cleanup_patch(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    call->task.again = 1;

    status = ngx_lu_change(&call->task, ngx_lu_api_cleanup_change, NULL, call);

    return status == NGX_HTTP_OK ? ngx_lu_api_cleanup_get(call) : status;
}


static ngx_int_t
ngx_lu_api_cleanup_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    uint64_t      quota;
    lu_rc_e       rc;
    lu_put_t      put;
    lu_str_t      text;
    lu_keep_t     keep;
    const cJSON  *item;

    task->change = "app.cleanup";
    task->subject = (char *) task->app.data;

    lu_put_init(&put);

    item = cJSON_GetObjectItemCaseSensitive(call->json, "keep");

    if (item && cJSON_IsNull(item)) {
        cJSON_DeleteItemFromObjectCaseSensitive(app, "keep");

    } else if (item) {

        if (lu_json_value(item, &text) != LU_OK) {
            return ngx_lu_task_refuse(task, 422,
                                      "\"keep\" must be a policy such as "
                                      "\"releases=20 time=90d\", or null.");
        }

        rc = lu_keep_parse(&text, &keep, &task->error);
        if (rc != LU_OK) {
            return ngx_lu_task_core(task, rc);
        }

        lu_put_str(&put, app, "keep", &text);

        if (keep.on
            && !ngx_lu_cleanup_is_off(task->store)
            && ngx_lu_cleanup_wanted(&task->io, task->store) != NGX_OK)
        {
            return ngx_lu_task_failed(task);
        }

        task->to = (char *) text.data;
    }

    rc = lu_json_size(call->json, "quota", &quota);

    if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"quota\" must be a number of bytes, 0 for "
                                  "none, or null for that of the server.");
    }

    if (rc == LU_OK) {
        lu_put_number(&put, app, "quota", (double) quota);

    } else if (cJSON_HasObjectItem(call->json, "quota")) {
        cJSON_DeleteItemFromObjectCaseSensitive(app, "quota");
    }

    return put.failed ? ngx_lu_task_nomem(task) : NGX_HTTP_OK;
}
