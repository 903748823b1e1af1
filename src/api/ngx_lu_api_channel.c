
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_channel.h"
#include "ngx_lu_api_deployment.h"
#include "ngx_lu_arg.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_task.h"

#include "core/lu_change_channel.h"
#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_route.h"


static ngx_int_t ngx_lu_api_channel_create(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_update(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_drop(ngx_lu_task_t *task, cJSON *app,
    const char *id);
static ngx_int_t ngx_lu_api_channel_drop_id(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_drop_name(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_pause(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_none(ngx_lu_task_t *task);
static cJSON *ngx_lu_api_channel_json(ngx_lu_call_t *call, const cJSON *app,
    const cJSON *channel);


ngx_int_t
ngx_lu_api_channels_get(ngx_lu_call_t *call)
{
    char          *name, *query;
    cJSON         *app, *json;
    lu_put_t       put;
    lu_str_t       value;
    ngx_int_t      status;
    const cJSON   *channels, *channel;
    ngx_lu_page_t  page;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &page);

    name = ngx_lu_arg(call, "name");
    query = ngx_lu_arg(call, "query");

    lu_put_init(&put);

    json = cJSON_CreateArray();

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");

    cJSON_ArrayForEach(channel, channels) {

        if (lu_json_string(channel, "name", &value) != LU_OK
            || (name && !lu_str_is(&value, name))
            || (query && strstr((char *) value.data, query) == NULL))
        {
            continue;
        }

        if (ngx_lu_arg_page_take(&page)) {
            lu_put_item(&put, json, NULL,
                        ngx_lu_api_channel_json(call, app, channel));
        }
    }

    cJSON_Delete(app);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_channels_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_channel_create, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_create(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    char    *id;
    cJSON   *channel;
    lu_rc_e  rc;

    id = ngx_lu_task_uuid(task);
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->change = "channel.create";
    task->subject = id;

    rc = lu_change_channel_create(app, call->json, id, task->now, &channel,
                                  &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->channel = ngx_lu_task_member(task, channel, "name");

    return ngx_lu_call_answer(call, NGX_HTTP_CREATED,
                              ngx_lu_api_channel_json(call, app, channel));
}


ngx_int_t
ngx_lu_api_channel_get(ngx_lu_call_t *call)
{
    cJSON          *app, *channel;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = lu_change_channel_find(app, (char *) task->id.data);

    if (channel) {
        status = ngx_lu_call_answer(call, NGX_HTTP_OK,
                                    ngx_lu_api_channel_json(call, app,
                                                            channel));
    } else {
        status = ngx_lu_api_channel_none(task);
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_api_channel_patch(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_channel_update, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_update(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    char    *name;
    cJSON   *channel;
    lu_rc_e  rc;

    task->change = "channel.update";
    task->subject = (char *) task->id.data;

    channel = lu_change_channel_find(app, task->subject);

    if (ngx_lu_protect_channel(task, channel)) {
        return ngx_lu_protect_refuse(task);
    }

    name = ngx_lu_task_member(task, channel, "name");

    rc = lu_change_channel_update(app, call->json, task->subject, task->now,
                                  &channel, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->channel = ngx_lu_task_member(task, channel, "name");

    if (name == NULL || task->channel == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (ngx_strcmp(name, task->channel) != 0) {
        task->from = name;
        task->to = task->channel;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK,
                              ngx_lu_api_channel_json(call, app, channel));
}


ngx_int_t
ngx_lu_api_channel_delete(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_channel_drop_id, NULL, call);
}


ngx_int_t
ngx_lu_api_channels_delete(ngx_lu_call_t *call)
{
    char  *name;

    name = ngx_lu_arg(call, "name");

    if (name == NULL) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "The query parameter \"name\" is missing: "
                                  "it must name the channel to delete.");
    }

    return ngx_lu_change(&call->task, ngx_lu_api_channel_drop_name, NULL, name);
}


static ngx_int_t
ngx_lu_api_channel_drop_id(ngx_lu_task_t *task, cJSON *app, void *data)
{
    return ngx_lu_api_channel_drop(task, app, (char *) task->id.data);
}


static ngx_int_t
ngx_lu_api_channel_drop_name(ngx_lu_task_t *task, cJSON *app, void *data)
{
    char *name = data;

    char   *id;
    cJSON  *channel;

    channel = lu_change_channel_named(app, name);
    if (channel == NULL) {
        return ngx_lu_api_channel_none(task);
    }

    id = ngx_lu_task_member(task, channel, "id");
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_api_channel_drop(task, app, id);
}


static ngx_int_t
ngx_lu_api_channel_drop(ngx_lu_task_t *task, cJSON *app, const char *id)
{
    cJSON   *channel;
    lu_rc_e  rc;

    channel = lu_change_channel_find(app, id);

    task->change = "channel.delete";
    task->subject = id;
    task->channel = ngx_lu_task_member(task, channel, "name");

    if (ngx_lu_protect_channel(task, channel)) {
        return ngx_lu_protect_refuse(task);
    }

    rc = lu_change_channel_delete(app, id, &task->error);

    return rc == LU_OK ? NGX_HTTP_NO_CONTENT : ngx_lu_task_core(task, rc);
}


ngx_int_t
ngx_lu_api_channel_pause_post(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_channel_pause, NULL, call);
}


ngx_int_t
ngx_lu_api_channel_resume_post(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_channel_pause, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_pause(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    int      paused;
    cJSON   *channel;
    lu_rc_e  rc;

    paused = (call->route.resource == LU_ROUTE_PAUSE);

    task->change = paused ? "channel.pause" : "channel.resume";
    task->subject = (char *) task->id.data;

    channel = lu_change_channel_find(app, task->subject);
    task->channel = ngx_lu_task_member(task, channel, "name");

    if (ngx_lu_protect_channel(task, channel)) {
        return ngx_lu_protect_refuse(task);
    }

    rc = lu_change_channel_pause(app, task->subject, paused, task->now,
                                 &task->error);

    return rc == LU_OK ? NGX_HTTP_NO_CONTENT : ngx_lu_task_core(task, rc);
}


static ngx_int_t
ngx_lu_api_channel_none(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND, "Channel not found.");
}


/* A channel as the Capawesome API has it. */

static cJSON *
ngx_lu_api_channel_json(ngx_lu_call_t *call, const cJSON *app,
    const cJSON *channel)
{
    cJSON        *json;
    lu_put_t      put;
    const cJSON  *item, *deployments, *deployment, *since;

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    since = cJSON_GetObjectItemCaseSensitive(channel, "protectedAt");

    lu_put_init(&put);

    json = cJSON_CreateObject();

    cJSON_ArrayForEach(item, channel) {
        if (item != deployments) {
            lu_put_copy(&put, json, item->string, channel, item->string);
        }
    }

    lu_put_str(&put, json, "appId", &call->task.app);
    lu_put_bool(&put, json, "protected", cJSON_IsString(since));
    lu_put_copy_or_null(&put, json, "appDeploymentId", deployment, "id");
    lu_put_number(&put, json, "totalAppDeployments",
                  cJSON_GetArraySize(deployments));

    if (deployment && ngx_lu_arg_relation(call, "appDeployment")) {
        lu_put_item(&put, json, "appDeployment",
                    ngx_lu_api_deployment_json(call, app, deployment,
                                               channel));
    }

    return lu_put_done(&put, json);
}
