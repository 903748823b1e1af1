
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
#include "core/lu_route.h"


static ngx_int_t ngx_lu_api_channel_add(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_drop(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_pause(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_channel_answer(ngx_lu_call_t *call,
    const cJSON *channel, ngx_int_t status);
static ngx_int_t ngx_lu_api_channel_none(ngx_lu_call_t *call);


ngx_int_t
ngx_lu_api_channels_get(ngx_lu_call_t *call)
{
    char         *name, *query;
    cJSON        *app, *item;
    lu_str_t      value;
    ngx_int_t     status;
    ngx_uint_t    limit, offset;
    const cJSON  *channel;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &limit, &offset);

    name = ngx_lu_arg(call, "name");
    query = ngx_lu_arg(call, "query");

    status = NGX_HTTP_OK;

    call->answer = cJSON_CreateArray();

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        if (lu_json_string(channel, "name", &value) != LU_OK
            || (name && !lu_str_is(&value, name))
            || (query && strstr((char *) value.data, query) == NULL))
        {
            continue;
        }

        if (offset) {
            offset--;
            continue;
        }

        if (limit-- == 0) {
            break;
        }

        item = ngx_lu_api_channel_json(call, channel);

        if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
            cJSON_Delete(item);
            status = ngx_lu_task_nomem(&call->task);
            break;
        }
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_api_channels_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_channel_add, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_add(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    char    *id;
    cJSON   *channel;
    lu_rc_e  rc;

    id = ngx_lu_task_uuid(&call->task);
    if (id == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    call->task.change = "channel.create";
    call->task.subject = id;

    rc = lu_change_channel_create(app, call->json, id, call->task.now,
                                  &channel, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    return ngx_lu_api_channel_answer(call, channel,
                                     NGX_HTTP_CREATED);
}


ngx_int_t
ngx_lu_api_channel_get(ngx_lu_call_t *call)
{
    cJSON     *app, *channel;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = lu_change_channel_find(app, (char *) call->task.id.data);

    status = channel ? ngx_lu_api_channel_answer(call, channel, NGX_HTTP_OK)
                     : ngx_lu_api_channel_none(call);

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_api_channel_patch(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_channel_change, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON   *channel;
    lu_rc_e  rc;

    call->task.change = "channel.update";
    call->task.subject = (char *) call->task.id.data;

    channel = lu_change_channel_find(app, call->task.subject);

    if (ngx_lu_protect_channel(&call->task, channel)) {
        return ngx_lu_protect_refuse(&call->task);
    }

    rc = lu_change_channel_update(app, call->json, call->task.subject,
                                  call->task.now, &channel, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    return ngx_lu_api_channel_answer(call, channel, NGX_HTTP_OK);
}


ngx_int_t
ngx_lu_api_channel_remove(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_channel_drop, NULL, call);
}


ngx_int_t
ngx_lu_api_channels_delete(ngx_lu_call_t *call)
{
    if (ngx_lu_arg(call, "name") == NULL) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "Which channel: \"?name=\"?");
    }

    return ngx_lu_change(&call->task, ngx_lu_api_channel_drop, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_drop(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    char      *id, *name;
    cJSON     *channel;
    lu_str_t   value;
    ngx_int_t  status;

    id = (char *) call->task.id.data;

    if (call->route.resource == LU_ROUTE_CHANNELS) {
        name = ngx_lu_arg(call, "name");
        channel = name ? lu_change_channel_named(app, name) : NULL;

        if (channel == NULL
            || lu_json_string(channel, "id", &value) != LU_OK)
        {
            return ngx_lu_api_channel_none(call);
        }

        id = (char *) ngx_lu_format(call->task.io.pool, "%s", value.data);
        if (id == NULL) {
            return ngx_lu_task_nomem(&call->task);
        }
    }

    call->task.change = "channel.delete";
    call->task.subject = id;

    if (ngx_lu_protect_channel(&call->task, lu_change_channel_find(app, id))) {
        return ngx_lu_protect_refuse(&call->task);
    }

    status = ngx_lu_task_core(&call->task,
                              lu_change_channel_delete(app, id,
                                                       &call->task.error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


ngx_int_t
ngx_lu_api_channel_pause_post(ngx_lu_call_t *call)
{
    call->task.change = "channel.pause";

    return ngx_lu_change(&call->task, ngx_lu_api_channel_pause, NULL, call);
}


ngx_int_t
ngx_lu_api_channel_resume_post(ngx_lu_call_t *call)
{
    call->task.change = "channel.resume";

    return ngx_lu_change(&call->task, ngx_lu_api_channel_pause, NULL, call);
}


static ngx_int_t
ngx_lu_api_channel_pause(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON     *channel;
    ngx_int_t  status;

    call->task.subject = (char *) call->task.id.data;

    channel = lu_change_channel_find(app, call->task.subject);

    if (ngx_lu_protect_channel(&call->task, channel)) {
        return ngx_lu_protect_refuse(&call->task);
    }

    status = ngx_lu_task_core(&call->task,
                              lu_change_channel_pause(app, call->task.subject,
                           call->route.resource == LU_ROUTE_PAUSE,
                           call->task.now,
                           &call->task.error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static ngx_int_t
ngx_lu_api_channel_answer(ngx_lu_call_t *call, const cJSON *channel,
    ngx_int_t status)
{
    call->answer = ngx_lu_api_channel_json(call, channel);

    return call->answer ? status : ngx_lu_task_nomem(&call->task);
}


static ngx_int_t
ngx_lu_api_channel_none(ngx_lu_call_t *call)
{
    return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                              "Channel not found.");
}


cJSON *
ngx_lu_api_channel_json(ngx_lu_call_t *call, const cJSON *channel)
{
    char         *relations;
    cJSON        *json, *item;
    lu_str_t      id;
    const cJSON  *deployments, *deployment;

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    json = cJSON_Duplicate(channel, 0);
    if (json == NULL) {
        return NULL;
    }

    cJSON_ArrayForEach(item, channel) {
        if (item != deployments
            && !cJSON_AddItemToObject(json, item->string,
                                      cJSON_Duplicate(item, 1)))
        {
            goto failed;
        }
    }

    if (cJSON_AddStringToObject(json, "appId", (char *) call->task.app.data)
        == NULL)
    {
        goto failed;
    }

    if (cJSON_AddBoolToObject(json, "protected",
                              cJSON_IsString(cJSON_GetObjectItemCaseSensitive(
                                                  channel, "protectedAt")))
        == NULL)
    {
        goto failed;
    }

    if (deployment && lu_json_string(deployment, "id", &id) == LU_OK) {
        item = cJSON_AddStringToObject(json, "appDeploymentId",
                                       (char *) id.data);
    } else {
        item = cJSON_AddNullToObject(json, "appDeploymentId");
    }

    if (item == NULL
        || cJSON_AddNumberToObject(json, "totalAppDeployments",
                                   cJSON_GetArraySize(deployments))
           == NULL)
    {
        goto failed;
    }

    relations = ngx_lu_arg(call, "relations");

    if (relations && deployment && strstr(relations, "appDeployment")) {

        item = ngx_lu_api_deployment_json(call, deployment, channel);

        if (item == NULL
            || !cJSON_AddItemToObject(json, "appDeployment", item))
        {
            cJSON_Delete(item);
            goto failed;
        }
    }

    return json;

failed:

    cJSON_Delete(json);

    return NULL;
}
