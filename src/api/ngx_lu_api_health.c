
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_health.h"
#include "ngx_lu_arg.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_guard.h"
#include "write/ngx_lu_task.h"

#include "core/lu_builds.h"
#include "core/lu_change_channel.h"
#include "core/lu_put.h"


/* What is asked for: a deployment of a channel, or a desktop build. */

typedef struct {
    const cJSON          *channel;      /* NULL: a build */
    const cJSON          *item;
    char                 *id;
    time_t                start;
} ngx_lu_api_health_t;


static ngx_int_t ngx_lu_api_health(ngx_lu_call_t *call,
    ngx_int_t (*find)(ngx_lu_call_t *call, const cJSON *app,
                      ngx_lu_api_health_t *health));
static ngx_int_t ngx_lu_api_health_channel(ngx_lu_call_t *call,
    const cJSON *app, ngx_lu_api_health_t *health);
static ngx_int_t ngx_lu_api_health_release(ngx_lu_call_t *call,
    const cJSON *app, ngx_lu_api_health_t *health);
static ngx_int_t ngx_lu_api_health_json(ngx_lu_call_t *call, const cJSON *app,
    const ngx_lu_api_health_t *health, cJSON *json);
static const cJSON *ngx_lu_api_health_deployment(ngx_lu_call_t *call,
    const cJSON *channel);
static void ngx_lu_api_health_windows(lu_put_t *put, cJSON *json,
    const lu_cohort_t *counts, time_t age);
static void ngx_lu_api_health_verdict(lu_put_t *put, cJSON *json,
    const lu_guard_t *guard, const lu_cohort_t *counts, time_t start,
    time_t now);


ngx_int_t
ngx_lu_api_health_get(ngx_lu_call_t *call)
{
    return ngx_lu_api_health(call, ngx_lu_api_health_channel);
}


ngx_int_t
ngx_lu_api_health_release_get(ngx_lu_call_t *call)
{
    return ngx_lu_api_health(call, ngx_lu_api_health_release);
}


static ngx_int_t
ngx_lu_api_health(ngx_lu_call_t *call,
    ngx_int_t (*find)(ngx_lu_call_t *call, const cJSON *app,
                      ngx_lu_api_health_t *health))
{
    cJSON                *app, *json;
    ngx_int_t             status;
    ngx_lu_api_health_t   health;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = find(call, app, &health);

    json = cJSON_CreateObject();

    if (status == NGX_OK) {
        status = json ? ngx_lu_api_health_json(call, app, &health, json)
                      : ngx_lu_task_nomem(&call->task);
    }

    cJSON_Delete(app);

    if (status != NGX_OK) {
        cJSON_Delete(json);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}


static ngx_int_t
ngx_lu_api_health_channel(ngx_lu_call_t *call, const cJSON *app,
    ngx_lu_api_health_t *health)
{
    lu_str_t        since;
    ngx_lu_task_t  *task;

    task = &call->task;

    health->channel = lu_change_channel_find(app, (char *) task->id.data);

    if (health->channel == NULL) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "Channel not found.");
    }

    health->item = ngx_lu_api_health_deployment(call, health->channel);

    if (lu_json_string(health->item, "createdAt", &since) != LU_OK
        || lu_time_parse(&since, &health->start) != LU_OK)
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "The channel has no such deployment.");
    }

    health->id = ngx_lu_task_member(task, health->item, "id");

    return health->id ? NGX_OK : ngx_lu_task_nomem(task);
}


static ngx_int_t
ngx_lu_api_health_release(ngx_lu_call_t *call, const cJSON *app,
    ngx_lu_api_health_t *health)
{
    lu_str_t        since;
    ngx_lu_task_t  *task;

    task = &call->task;

    health->channel = NULL;
    health->id = (char *) task->id.data;
    health->item = lu_builds_find(app, health->id);

    if (lu_json_string(health->item, "createdAt", &since) != LU_OK
        || lu_time_parse(&since, &health->start) != LU_OK)
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "The app has no such desktop release that "
                                  "is released.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_health_json(ngx_lu_call_t *call, const cJSON *app,
    const ngx_lu_api_health_t *health, cJSON *json)
{
    int                  group;
    cJSON               *item;
    time_t               start, now;
    lu_rc_e              rc;
    lu_put_t             put;
    ngx_int_t            status;
    lu_error_t           err;
    lu_guard_t           guard;
    lu_funnel_t          funnel;
    ngx_lu_task_t       *task;
    ngx_lu_guard_sum_t  *sum;

    task = &call->task;
    start = health->start;

    sum = ngx_palloc(task->io.pool, sizeof(ngx_lu_guard_sum_t));
    if (sum == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_guard_sum(task, health->id, sum);
    if (status != NGX_OK) {
        return status;
    }

    now = lu_time_of(task->now);

    lu_put_init(&put);

    lu_put_str(&put, json, "appId", &task->app);

    if (health->channel) {
        lu_put_str(&put, json, "appChannelId", &task->id);
        lu_put_string(&put, json, "appDeploymentId", health->id);
        lu_put_copy(&put, json, "bundleId", health->item, "release");

    } else {
        lu_put_string(&put, json, "releaseId", health->id);
    }

    lu_put_copy(&put, json, "createdAt", health->item, "createdAt");

    lu_funnel(&sum->counts, now - start, 0, funnel);

    for (group = 0; group < LU_COHORT_GROUPS; group++) {
        item = lu_put_object(&put, json, lu_funnel_groups[group]);
        lu_funnel_put(&put, item, funnel[group]);
    }

    ngx_lu_api_health_windows(&put, json, &sum->counts, now - start);

    rc = lu_guard_of(app, health->channel, &guard, &err);

    if (rc == LU_OK) {
        lu_guard_put(&put, json, &guard);
        ngx_lu_api_health_verdict(&put, json, &guard, &sum->counts, start,
                                  now);

    } else {
        lu_put_null(&put, json, "guard");
        lu_put_null(&put, json, "verdict");
    }

    lu_put_copy(&put, json, "guarded", health->item, "guarded");
    lu_put_copy(&put, json, "halted",
                health->channel ? health->item
                                : lu_builds_share(app, health->id),
                "halted");

    lu_funnel_put_series(&put, lu_put_array(&put, json, "series"),
                         &sum->series, start, now);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


static const cJSON *
ngx_lu_api_health_deployment(ngx_lu_call_t *call, const cJSON *channel)
{
    char         *id;
    const cJSON  *list;

    list = lu_json_get(channel, "deployments");
    id = ngx_lu_arg(call, "deploymentId");

    return id ? lu_json_find(list, "id", id) : cJSON_GetArrayItem(list, 0);
}


static void
ngx_lu_api_health_windows(lu_put_t *put, cJSON *json,
    const lu_cohort_t *counts, time_t age)
{
    int          group;
    cJSON       *list, *window, *item;
    unsigned     i;
    lu_funnel_t  funnel;

    list = lu_put_array(put, json, "silence");

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {

        window = lu_put_object(put, list, NULL);

        lu_put_number(put, window, "days", lu_cohort_windows[i] / 86400.0);

        lu_funnel(counts, age, i, funnel);

        for (group = 0; group < LU_COHORT_GROUPS; group++) {
            item = lu_put_object(put, window, lu_funnel_groups[group]);

            lu_put_number(put, item, "due", funnel[group][LU_FUNNEL_DUE]);
            lu_put_number(put, item, "silent",
                          funnel[group][LU_FUNNEL_SILENT]);
        }
    }
}


static void
ngx_lu_api_health_verdict(lu_put_t *put, cJSON *json, const lu_guard_t *guard,
    const lu_cohort_t *counts, time_t start, time_t now)
{
    char                 reason[LU_GUARD_REASON];
    cJSON               *item, *list, *window;
    unsigned             i;
    lu_guard_verdict_t   verdict;

    static const char  *results[] = { "content", "comeback", "silence" };

    lu_guard_judge(guard, counts, start, now, &verdict);

    item = lu_put_object(put, json, "verdict");

    lu_put_string(put, item, "result", results[verdict.result]);

    if (verdict.result != LU_GUARD_CONTENT) {
        lu_guard_reason(guard, &verdict, reason, sizeof(reason));
        lu_put_string(put, item, "reason", reason);
    }

    lu_guard_put_test(put, lu_put_object(put, item, "comeback"),
                      &verdict.comeback);

    list = lu_put_array(put, item, "silence");

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        window = lu_put_object(put, list, NULL);

        lu_put_number(put, window, "days", lu_cohort_windows[i] / 86400.0);
        lu_guard_put_test(put, window, &verdict.silence[i]);
    }
}
