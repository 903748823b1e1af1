
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_api_deployment.h"
#include "ngx_lu_arg.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_audit.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_timezone.h"

#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


/* A channel, and the newest of its deployments that is not listed yet. */

typedef struct {
    const cJSON             *channel;
    const cJSON             *next;
    lu_str_t                 created;   /* that one was */
    ngx_uint_t               order;     /* of the channel in the app */
} ngx_lu_history_t;


static ngx_int_t ngx_lu_api_deployment_list(ngx_lu_call_t *call,
    const cJSON *app);
static void ngx_lu_api_deployment_next(ngx_lu_history_t *history,
    const cJSON *deployment);
static void ngx_lu_api_deployment_sink(ngx_lu_history_t *histories,
    ngx_uint_t n, ngx_uint_t i);
static ngx_uint_t ngx_lu_api_deployment_newer(const ngx_lu_history_t *one,
    const ngx_lu_history_t *two);
static ngx_uint_t ngx_lu_api_deployment_is(const cJSON *object,
    const char *key, const char *wanted);
static ngx_int_t ngx_lu_api_deployment_create(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_deployment_channel(ngx_lu_call_t *call,
    const cJSON *app, cJSON **channel);
static ngx_int_t ngx_lu_api_deployment_release(ngx_lu_task_t *task,
    const lu_str_t *id, int *is_signed);
static char *ngx_lu_api_deployment_id(ngx_lu_task_t *task, const cJSON *head,
    const lu_str_t *release, double rollout, const cJSON *wanted);
static ngx_int_t ngx_lu_api_deployment_rollout(ngx_lu_task_t *task, cJSON *app,
    void *data);
static cJSON *ngx_lu_api_deployment_build(ngx_lu_call_t *call, const char *id);


ngx_int_t
ngx_lu_api_deployments_get(ngx_lu_call_t *call)
{
    cJSON     *app;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_deployment_list(call, app);

    cJSON_Delete(app);

    return status;
}


/*
 * Newest first.  The history of a channel is in its own order, which does not
 * depend on the clock: a rollback counts on it.  The channels are a heap, with
 * the one at its top whose next deployment is the newest.
 */

static ngx_int_t
ngx_lu_api_deployment_list(ngx_lu_call_t *call, const cJSON *app)
{
    char              *channel_id, *build_id;
    cJSON             *json;
    lu_put_t           put;
    ngx_uint_t         i, n;
    const cJSON       *channels, *channel, *deployments, *deployment;
    ngx_lu_page_t      page;
    ngx_lu_history_t  *heap;

    ngx_lu_arg_page(call, &page);

    channel_id = ngx_lu_arg(call, "appChannelId");
    build_id = ngx_lu_arg(call, "appBuildId");

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");
    n = cJSON_GetArraySize(channels);

    heap = ngx_palloc(call->task.io.pool, (n + 1) * sizeof(ngx_lu_history_t));
    if (heap == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    n = 0;

    cJSON_ArrayForEach(channel, channels) {

        deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

        if (deployments == NULL
            || deployments->child == NULL
            || !ngx_lu_api_deployment_is(channel, "id", channel_id))
        {
            continue;
        }

        heap[n].channel = channel;
        heap[n].order = n;
        ngx_lu_api_deployment_next(&heap[n++], deployments->child);
    }

    for (i = n / 2; i; i--) {
        ngx_lu_api_deployment_sink(heap, n, i - 1);
    }

    lu_put_init(&put);

    json = cJSON_CreateArray();

    while (n && page.limit) {

        deployment = heap->next;

        if (ngx_lu_api_deployment_is(deployment, "release", build_id)
            && ngx_lu_arg_page_take(&page))
        {
            lu_put_item(&put, json, NULL,
                        ngx_lu_api_deployment_json(call, app, deployment,
                                                   heap->channel));
        }

        if (deployment->next) {
            ngx_lu_api_deployment_next(heap, deployment->next);

        } else {
            *heap = heap[--n];
        }

        ngx_lu_api_deployment_sink(heap, n, 0);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


static void
ngx_lu_api_deployment_next(ngx_lu_history_t *history, const cJSON *deployment)
{
    history->next = deployment;
    history->created = lu_str("");

    (void) lu_json_string(deployment, "createdAt", &history->created);
}


/* Puts item i of a heap of n items where it belongs, below it. */

static void
ngx_lu_api_deployment_sink(ngx_lu_history_t *histories, ngx_uint_t n,
    ngx_uint_t i)
{
    ngx_uint_t        child;
    ngx_lu_history_t  history;

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= n) {
            return;
        }

        if (child + 1 < n
            && ngx_lu_api_deployment_newer(&histories[child + 1],
                                           &histories[child]))
        {
            child++;
        }

        if (!ngx_lu_api_deployment_newer(&histories[child], &histories[i])) {
            return;
        }

        history = histories[i];
        histories[i] = histories[child];
        histories[child] = history;

        i = child;
    }
}


/* Of the same time, those of one channel come one after the other. */

static ngx_uint_t
ngx_lu_api_deployment_newer(const ngx_lu_history_t *one,
    const ngx_lu_history_t *two)
{
    int  rc;

    rc = lu_str_cmp(&one->created, &two->created);

    return rc ? rc > 0 : one->order < two->order;
}


/* What is not asked for is everything. */

static ngx_uint_t
ngx_lu_api_deployment_is(const cJSON *object, const char *key,
    const char *wanted)
{
    lu_str_t  value;

    if (wanted == NULL) {
        return 1;
    }

    return lu_json_string(object, key, &value) == LU_OK
           && lu_str_is(&value, wanted);
}


ngx_int_t
ngx_lu_api_deployment_get(ngx_lu_call_t *call)
{
    cJSON          *app, *channel, *deployment, *json;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    deployment = lu_change_deployment_find(app, (char *) task->id.data,
                                           &channel);
    if (deployment == NULL) {
        cJSON_Delete(app);
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "Deployment not found.");
    }

    json = ngx_lu_api_deployment_json(call, app, deployment, channel);

    cJSON_Delete(app);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}


ngx_int_t
ngx_lu_api_deployments_post(ngx_lu_call_t *call)
{
    const cJSON  *destination;

    destination = cJSON_GetObjectItemCaseSensitive(call->json,
                                                   "appDestinationName");

    if (destination && !cJSON_IsNull(destination)) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "This server deploys to channels only, not "
                                  "to app stores.");
    }

    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_deployment_create, NULL, call);
}


static ngx_int_t
ngx_lu_api_deployment_create(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    int           is_signed;
    char         *id;
    cJSON        *channel, *deployment, *wanted;
    double        rollout;
    lu_rc_e       rc;
    lu_str_t      release, channel_id;
    ngx_int_t     status;
    const cJSON  *deployments, *head;

    if (lu_json_string(call->json, "appBuildId", &release) != LU_OK) {
        return ngx_lu_task_refuse(task, 422,
                                  "A deployment needs an \"appBuildId\".");
    }

    status = ngx_lu_api_deployment_channel(call, app, &channel);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_protect_channel(task, channel)) {
        return ngx_lu_protect_refuse(task);
    }

    is_signed = 0;

    status = ngx_lu_api_deployment_release(task, &release, &is_signed);
    if (status != NGX_OK) {
        return status;
    }

    rollout = 1;
    rc = lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (rc == LU_INVALID) {
        rollout = -1;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    head = deployments ? deployments->child : NULL;

    status = ngx_lu_timezone_wanted(task, call->json, rollout, &wanted);
    if (status != NGX_OK) {
        return status;
    }

    id = ngx_lu_api_deployment_id(task, head, &release, rollout, wanted);

    if (id == NULL || lu_json_string(channel, "id", &channel_id) != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    task->change = "deployment.create";
    task->subject = id;
    task->from = ngx_lu_task_member(task, head, "release");
    task->to = (char *) release.data;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment == NULL) {

        /* a plan says how many get it */

        rc = lu_change_deployment_add(app, (char *) channel_id.data, id,
                                      task->to,
                                      lu_json_get(wanted, "plan") ? 0
                                                                  : rollout,
                                      is_signed, task->by, task->now,
                                      &task->error);

        if (rc == LU_OK && wanted) {
            rc = lu_change_deployment_plan(app, id, wanted, task->now,
                                           &task->error);
        }

        if (rc != LU_OK) {
            return ngx_lu_task_core(task, rc);
        }
    }

    deployment = lu_change_deployment_find(app, id, &channel);

    ngx_lu_audit_rollout(task, app, channel, deployment);

    return ngx_lu_call_answer(call, NGX_HTTP_CREATED,
                              ngx_lu_api_deployment_json(call, app, deployment,
                                                         channel));
}


static ngx_int_t
ngx_lu_api_deployment_channel(ngx_lu_call_t *call, const cJSON *app,
    cJSON **channel)
{
    lu_str_t  value;

    if (lu_json_string(call->json, "appChannelId", &value) == LU_OK) {
        *channel = lu_change_channel_find(app, (char *) value.data);

    } else if (lu_json_string(call->json, "appChannelName", &value) == LU_OK) {
        *channel = lu_change_channel_named(app, (char *) value.data);

    } else {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A deployment needs an \"appChannelId\" or "
                                  "an \"appChannelName\".");
    }

    if (*channel == NULL) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Channel not found.");
    }

    return NGX_OK;
}


/* Only a release that is live was verified. */

static ngx_int_t
ngx_lu_api_deployment_release(ngx_lu_task_t *task, const lu_str_t *id,
    int *is_signed)
{
    cJSON     *release;
    u_char    *live;
    lu_kind_e  kind;

    if (!lu_name_id_valid(id)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "Build not found.");
    }

    live = ngx_lu_release_live(task, (char *) id->data);

    switch (ngx_lu_release_load(&task->io, live, &release)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "Build not found, or not ready.");
    default:
        return ngx_lu_task_failed(task);
    }

    kind = lu_release_kind(release);

    *is_signed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(release,
                                                               "signed"));
    cJSON_Delete(release);

    if (kind == LU_KIND_DESKTOP) {
        return ngx_lu_task_refuse(task, 422,
                                  "A desktop release cannot be deployed to a "
                                  "channel: promote it instead.");
    }

    return NGX_OK;
}


/*
 * A publisher whose connection broke asks again.  What is at the head of the
 * channel already keeps its id, and so is not deployed twice.
 */

static char *
ngx_lu_api_deployment_id(ngx_lu_task_t *task, const cJSON *head,
    const lu_str_t *release, double rollout, const cJSON *wanted)
{
    double        present;
    lu_str_t      value;
    const cJSON  *steps, *plan;

    plan = lu_json_get(head, "plan");
    steps = lu_json_get(lu_json_get(wanted, "plan"), "steps");

    if (lu_json_string(head, "release", &value) != LU_OK
        || !lu_str_eq(&value, release)
        || lu_json_string(head, "createdBy", &value) != LU_OK
        || !lu_str_is(&value, task->by)
        || lu_json_number(head, "rollout", &present) != LU_OK
        || (plan ? !cJSON_Compare(lu_json_get(plan, "steps"), steps, 1)
                 : (steps || present != rollout)))
    {
        return ngx_lu_task_uuid(task);
    }

    return ngx_lu_task_member(task, head, "id");
}


ngx_int_t
ngx_lu_api_deployment_patch(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_deployment_rollout, NULL,
                         call);
}


static ngx_int_t
ngx_lu_api_deployment_rollout(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON      *channel, *deployment, *wanted;
    double      rollout;
    lu_rc_e     rc, given;
    ngx_int_t   status;

    rollout = 1;
    given = lu_json_number(call->json, "rolloutPercentage", &rollout);

    status = ngx_lu_timezone_wanted(task, call->json, rollout, &wanted);
    if (status != NGX_OK) {
        return status;
    }

    if (given == LU_INVALID || (given != LU_OK && wanted == NULL)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"rolloutPercentage\" must be a number from "
                                  "0 to 1.");
    }

    task->change = "deployment.rollout";
    task->subject = (char *) task->id.data;

    deployment = lu_change_deployment_find(app, task->subject, &channel);

    if (deployment && ngx_lu_protect_channel(task, channel)) {
        return ngx_lu_protect_refuse(task);
    }

    task->from = (char *) ngx_lu_format(task->io.pool, "%.4f",
                                        lu_growth_share(deployment));

    if (lu_json_get(wanted, "plan")) {
        given = LU_NOT_FOUND;
        task->to = "plan";

    } else if (given == LU_OK) {
        task->to = (char *) ngx_lu_format(task->io.pool, "%.4f", rollout);

    } else {
        task->to = "expires";
    }

    rc = LU_OK;

    if (given == LU_OK) {
        rc = lu_change_deployment_update(app, task->subject, rollout,
                                         task->now, &task->error);
    }

    if (rc == LU_OK && wanted) {
        rc = lu_change_deployment_plan(app, task->subject, wanted, task->now,
                                       &task->error);
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    ngx_lu_audit_rollout(task, app, channel, deployment);

    return ngx_lu_call_answer(call, NGX_HTTP_OK,
                              ngx_lu_api_deployment_json(call, app, deployment,
                                                         channel));
}


cJSON *
ngx_lu_api_deployment_json(ngx_lu_call_t *call, const cJSON *app,
    const cJSON *deployment, const cJSON *channel)
{
    cJSON        *json;
    time_t        now;
    lu_put_t      put;
    lu_str_t      id, release, at;
    const cJSON  *freezes;

    if (lu_json_string(deployment, "id", &id) != LU_OK
        || lu_json_string(deployment, "release", &release) != LU_OK
        || lu_json_string(deployment, "createdAt", &at) != LU_OK)
    {
        return NULL;
    }

    now = lu_time_of(call->task.now);
    freezes = lu_json_get(app, "freezes");

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_str(&put, json, "id", &id);
    lu_put_str(&put, json, "appId", &call->task.app);
    lu_put_str(&put, json, "appBuildId", &release);
    lu_put_copy(&put, json, "appChannelId", channel, "id");
    lu_put_null(&put, json, "appDestinationId");
    lu_put_null(&put, json, "jobId");
    lu_put_number(&put, json, "rolloutPercentage",
                  lu_growth_share_at(deployment, freezes, now));
    lu_put_str(&put, json, "createdAt", &at);
    lu_put_copy(&put, json, "updatedAt", deployment, "updatedAt");
    lu_growth_put(&put, json, deployment, freezes, now);

    if (ngx_lu_arg_relation(call, "job")) {
        ngx_lu_api_build_job(&put, json, &id, &at);
    }

    if (ngx_lu_arg_relation(call, "appBuild")) {
        lu_put_item(&put, json, "appBuild",
                    ngx_lu_api_deployment_build(call, (char *) release.data));
    }

    return lu_put_done(&put, json);
}


/* A build that was deleted is null. */

static cJSON *
ngx_lu_api_deployment_build(ngx_lu_call_t *call, const char *id)
{
    cJSON            *json;
    ngx_lu_release_t  release;

    if (ngx_lu_release_read(&call->task, id, &release) != NGX_OK) {
        return cJSON_CreateNull();
    }

    json = ngx_lu_api_build_json(call, release.json);

    ngx_lu_release_close(&release);

    return json;
}
