
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_api_deployment.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_name.h"
#include "core/lu_release.h"


typedef struct {
    const cJSON  *channel;
    const cJSON  *next;
} ngx_lu_history_t;


static ngx_lu_history_t *ngx_lu_api_deployment_newest(
    ngx_lu_history_t *histories, ngx_uint_t n);
static ngx_uint_t ngx_lu_api_deployment_is(const cJSON *object,
    const char *key, const char *wanted);
static ngx_int_t ngx_lu_api_deployment_add(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_deployment_channel(ngx_lu_call_t *call, cJSON *app,
    cJSON **channel);
static char *ngx_lu_api_deployment_id(ngx_lu_call_t *call, const cJSON *head,
    lu_str_t *release, double rollout);
static ngx_int_t ngx_lu_api_deployment_release(ngx_lu_call_t *call,
    const char *id, int *is_signed);
static ngx_int_t ngx_lu_api_deployment_rollout(ngx_lu_task_t *task, cJSON *app,
    void *data);


/*
 * Newest first.  The history of a channel is in its own order, which does not
 * depend on the clock: a rollback counts on it.
 */

ngx_int_t
ngx_lu_api_deployments_get(ngx_lu_call_t *call)
{
    char              *channel_id, *build_id;
    cJSON             *app, *item;
    ngx_int_t          status;
    ngx_uint_t         n, limit, offset;
    const cJSON       *channels, *channel, *deployment;
    ngx_lu_history_t  *histories, *history;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &limit, &offset);

    channel_id = ngx_lu_arg(call, "appChannelId");
    build_id = ngx_lu_arg(call, "appBuildId");

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");
    n = cJSON_GetArraySize(channels);

    histories = ngx_palloc(call->task.io.pool,
                           (n + 1) * sizeof(ngx_lu_history_t));
    call->answer = cJSON_CreateArray();

    if (histories == NULL || call->answer == NULL) {
        cJSON_Delete(app);
        return ngx_lu_task_nomem(&call->task);
    }

    n = 0;

    cJSON_ArrayForEach(channel, channels) {

        if (!ngx_lu_api_deployment_is(channel, "id", channel_id)) {
            continue;
        }

        item = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

        histories[n].channel = channel;
        histories[n++].next = item ? item->child : NULL;
    }

    status = NGX_HTTP_OK;

    while (limit) {
        history = ngx_lu_api_deployment_newest(histories, n);
        if (history == NULL) {
            break;
        }

        deployment = history->next;
        history->next = deployment->next;

        if (!ngx_lu_api_deployment_is(deployment, "release", build_id)) {
            continue;
        }

        if (offset) {
            offset--;
            continue;
        }

        limit--;

        item = ngx_lu_api_deployment_json(call, deployment, history->channel);

        if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
            cJSON_Delete(item);
            status = ngx_lu_task_nomem(&call->task);
            break;
        }
    }

    cJSON_Delete(app);

    return status;
}


static ngx_lu_history_t *
ngx_lu_api_deployment_newest(ngx_lu_history_t *histories, ngx_uint_t n)
{
    lu_str_t           created, newest;
    ngx_uint_t         i;
    ngx_lu_history_t  *history;

    history = NULL;
    newest.data = (u_char *) "";

    for (i = 0; i < n; i++) {

        if (histories[i].next == NULL) {
            continue;
        }

        if (lu_json_string(histories[i].next, "createdAt", &created) != LU_OK)
        {
            created.data = (u_char *) "";
        }

        if (history == NULL || ngx_strcmp(created.data, newest.data) > 0) {
            history = &histories[i];
            newest = created;
        }
    }

    return history;
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
    cJSON     *app, *channel, *deployment;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    deployment = lu_change_deployment_find(app, (char *) call->task.id.data,
                                           &channel);
    if (deployment == NULL) {
        cJSON_Delete(app);
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Deployment not found.");
    }

    call->answer = ngx_lu_api_deployment_json(call, deployment, channel);
    cJSON_Delete(app);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_api_deployments_post(ngx_lu_call_t *call)
{
    if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(call->json,
                                                   "appDestinationName"))
        && cJSON_HasObjectItem(call->json, "appDestinationName"))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "This server deploys to channels "
                                  "only, not to app stores.");
    }

    return ngx_lu_change(&call->task, ngx_lu_api_deployment_add, NULL, call);
}


static ngx_int_t
ngx_lu_api_deployment_add(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    int        is_signed;
    char      *id;
    cJSON     *channel, *deployment, *deployments;
    double     rollout;
    lu_rc_e    rc;
    lu_str_t   release, channel_id;
    ngx_int_t  status;

    if (lu_json_string(call->json, "appBuildId", &release) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A deployment needs an "
                                  "\"appBuildId\".");
    }

    status = ngx_lu_api_deployment_channel(call, app, &channel);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_protect_channel(&call->task, channel)) {
        return ngx_lu_protect_refuse(&call->task);
    }

    is_signed = 0;

    status = ngx_lu_api_deployment_release(call, (char *) release.data,
                                           &is_signed);
    if (status != NGX_OK) {
        return status;
    }

    rollout = 1;

    if (lu_json_number(call->json, "rolloutPercentage", &rollout)
        == LU_INVALID)
    {
        rollout = -1;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

    if (lu_json_string(channel, "id", &channel_id)
        != LU_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    id = ngx_lu_api_deployment_id(call, deployments
                                        ? deployments->child : NULL, &release,
                                  rollout);
    if (id == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    call->task.change = "deployment.create";
    call->task.subject = id;
    call->task.from = deployments && deployments->child
               ? ngx_lu_task_member(&call->task, deployments->child, "release")
               : NULL;
    call->task.to = (char *) release.data;

    rc = lu_change_deployment_add(app, (char *) channel_id.data, id,
                                  (char *) release.data, rollout, is_signed,
                                  call->task.by, call->task.now,
                                  &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    deployment = lu_change_deployment_find(app, id, &channel);

    call->answer = ngx_lu_api_deployment_json(call, deployment, channel);

    return call->answer ? NGX_HTTP_CREATED : ngx_lu_task_nomem(&call->task);
}


/*
 * A publisher whose connection broke asks again.  What is at the head of the
 * channel already keeps its id, and so is not deployed twice.
 */

static char *
ngx_lu_api_deployment_id(ngx_lu_call_t *call, const cJSON *head,
    lu_str_t *release, double rollout)
{
    double    present;
    lu_str_t  value;

    if (lu_json_string(head, "release", &value) != LU_OK
        || !lu_str_is(&value, (char *) release->data)
        || lu_json_string(head, "createdBy", &value) != LU_OK
        || !lu_str_is(&value, call->task.by)
        || lu_json_number(head, "rollout", &present) != LU_OK
        || present != rollout)
    {
        return ngx_lu_task_uuid(&call->task);
    }

    return ngx_lu_task_member(&call->task, head, "id");
}


static ngx_int_t
ngx_lu_api_deployment_channel(ngx_lu_call_t *call, cJSON *app, cJSON **channel)
{
    lu_str_t  value;

    if (lu_json_string(call->json, "appChannelId", &value) == LU_OK) {
        *channel = lu_change_channel_find(app, (char *) value.data);

    } else if (lu_json_string(call->json, "appChannelName", &value) == LU_OK) {
        *channel = lu_change_channel_named(app, (char *) value.data);

    } else {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A deployment needs an "
                                  "\"appChannelName\".");
    }

    if (*channel == NULL) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Channel not found.");
    }

    return NGX_OK;
}


/* Only what is live was verified. */

static ngx_int_t
ngx_lu_api_deployment_release(ngx_lu_call_t *call, const char *id,
    int *is_signed)
{
    cJSON     *release;
    u_char    *folder, *path;
    lu_str_t   value;
    ngx_int_t  rc;

    value.data = (u_char *) id;
    value.len = ngx_strlen(id);

    if (!lu_name_id_valid(&value)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Build not found.");
    }

    folder = ngx_lu_path(&call->task.io, "%V/live/%s/%s",
                         &call->task.store->path,
                         call->task.app.data, id);
    path = ngx_lu_path_in(&call->task.io, folder, "release.json");

    rc = ngx_lu_file_read_json(&call->task.io, path, &release);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Build not found, or not ready.");
    }

    if (lu_release_kind(release) == LU_KIND_DESKTOP) {
        cJSON_Delete(release);
        return ngx_lu_task_refuse(&call->task, 422,
                                  "A desktop release does not go "
                                  "into a channel: promote it.");
    }

    *is_signed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(release,
                                                               "signed"));
    cJSON_Delete(release);

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_deployment_patch(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_deployment_rollout, NULL,
                         call);
}


static ngx_int_t
ngx_lu_api_deployment_rollout(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON   *channel, *deployment;
    double   rollout, before;
    lu_rc_e  rc;

    if (lu_json_number(call->json, "rolloutPercentage", &rollout) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"rolloutPercentage\" must be "
                                  "a number from 0 to 1.");
    }

    call->task.change = "deployment.rollout";
    call->task.subject = (char *) call->task.id.data;

    deployment = lu_change_deployment_find(app, call->task.subject, &channel);

    if (deployment && ngx_lu_protect_channel(&call->task, channel)) {
        return ngx_lu_protect_refuse(&call->task);
    }

    before = 0;

    if (deployment) {
        (void) lu_json_number(deployment, "rollout", &before);
    }

    call->task.from = (char *) ngx_lu_format(call->task.io.pool, "%.4f",
                                             before);
    call->task.to = (char *) ngx_lu_format(call->task.io.pool, "%.4f", rollout);

    rc = lu_change_deployment_update(app, call->task.subject, rollout,
                                     call->task.now, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    call->answer = ngx_lu_api_deployment_json(call, deployment, channel);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


cJSON *
ngx_lu_api_deployment_json(ngx_lu_call_t *call, const cJSON *deployment,
    const cJSON *channel)
{
    char             *relations;
    cJSON            *json, *item;
    double            rollout;
    lu_str_t          id, release_id, channel_id, created, updated;
    ngx_lu_release_t  release;

    json = cJSON_CreateObject();
    rollout = 1;

    (void) lu_json_number(deployment, "rollout", &rollout);

    if (lu_json_string(deployment, "id", &id) != LU_OK
        || lu_json_string(deployment, "release", &release_id)
           != LU_OK
        || lu_json_string(channel, "id", &channel_id)
           != LU_OK
        || lu_json_string(deployment, "createdAt", &created)
           != LU_OK
        || lu_json_string(deployment, "updatedAt", &updated)
           != LU_OK
        || cJSON_AddStringToObject(json, "id", (char *) id.data) == NULL
        || cJSON_AddStringToObject(json, "appId",
                                   (char *) call->task.app.data)
           == NULL
        || cJSON_AddStringToObject(json, "appBuildId",
                                   (char *) release_id.data)
           == NULL
        || cJSON_AddStringToObject(json, "appChannelId",
                                   (char *) channel_id.data)
           == NULL
        || cJSON_AddNullToObject(json, "appDestinationId") == NULL
        || cJSON_AddNullToObject(json, "jobId") == NULL
        || cJSON_AddNumberToObject(json, "rolloutPercentage", rollout) == NULL
        || cJSON_AddStringToObject(json, "createdAt", (char *) created.data)
           == NULL
        || cJSON_AddStringToObject(json, "updatedAt", (char *) updated.data)
           == NULL
        || ngx_lu_api_build_job(call, json, (char *) id.data,
                                (char *) created.data)
           != NGX_OK)
    {
        goto failed;
    }

    relations = ngx_lu_arg(call, "relations");

    if (relations == NULL || strstr(relations, "appBuild") == NULL) {
        return json;
    }

    if (ngx_lu_release_read(&call->task, (char *) release_id.data, &release)
        != NGX_OK)
    {
        item = cJSON_CreateNull();

    } else {
        item = ngx_lu_api_build_json(call, release.json);
        ngx_lu_release_close(&release);
    }

    if (item && cJSON_AddItemToObject(json, "appBuild", item)) {
        return json;
    }

    cJSON_Delete(item);

failed:

    cJSON_Delete(json);

    return NULL;
}
