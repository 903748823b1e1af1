
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"
#include "write/ngx_lu_release.h"

#include "core/lu_change.h"


static ngx_int_t ngx_lu_channel_add(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_channel_change(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_channel_drop(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_channel_pause(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_channel_answer(ngx_lu_call_t *call,
    const cJSON *channel, ngx_int_t status);
static ngx_int_t ngx_lu_no_channel(ngx_lu_call_t *call);


ngx_int_t
ngx_lu_channels_get(ngx_lu_call_t *call)
{
    char         *name, *query;
    cJSON        *app, *item;
    ngx_int_t     status;
    ngx_uint_t    limit, offset;
    const cJSON  *channel;
    lu_str_t      value;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_page(call, &limit, &offset);

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

        item = ngx_lu_channel_json(call, channel);

        if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
            cJSON_Delete(item);
            status = ngx_lu_nomem(call);
            break;
        }
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_channels_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_channel_add);
}


static ngx_int_t
ngx_lu_channel_add(ngx_lu_call_t *call, cJSON *app)
{
    char       *id;
    cJSON      *channel;
    ngx_int_t   status;

    id = ngx_lu_uuid(call);
    if (id == NULL) {
        return ngx_lu_nomem(call);
    }

    call->change = "channel.create";
    call->subject = id;

    status = ngx_lu_core_status(call,
                                lu_change_channel_create(app, call->json, id,
                                                         call->now, &channel,
                                                         &call->error));
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_channel_answer(call, channel,
                                 NGX_HTTP_CREATED);
}


ngx_int_t
ngx_lu_channel_get(ngx_lu_call_t *call)
{
    cJSON      *app, *channel;
    ngx_int_t   status;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = lu_change_channel_find(app, (char *) call->route.id.data);

    status = channel ? ngx_lu_channel_answer(call, channel, NGX_HTTP_OK)
                     : ngx_lu_no_channel(call);

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_channel_patch(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_channel_change);
}


static ngx_int_t
ngx_lu_channel_change(ngx_lu_call_t *call,
    cJSON *app)
{
    cJSON      *channel;
    ngx_int_t   status;

    call->change = "channel.update";
    call->subject = (char *) call->route.id.data;

    if (ngx_lu_protected(call, lu_change_channel_find(app, call->subject))) {
        return ngx_lu_refuse_protected(call);
    }

    status = ngx_lu_core_status(call,
                                lu_change_channel_update(app, call->json,
                                                  call->subject, call->now,
                                                  &channel, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_channel_answer(call, channel, NGX_HTTP_OK);
}


ngx_int_t
ngx_lu_channel_remove(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_channel_drop);
}


ngx_int_t
ngx_lu_channels_delete(ngx_lu_call_t *call)
{
    call->data = ngx_lu_arg(call, "name");

    if (call->data == NULL) {
        return ngx_lu_refuse(call, 422, "Which channel: \"?name=\"?");
    }

    return ngx_lu_change(call, ngx_lu_channel_drop);
}


static ngx_int_t
ngx_lu_channel_drop(ngx_lu_call_t *call, cJSON *app)
{
    char      *id;
    cJSON     *channel;
    ngx_int_t  status;
    lu_str_t   value;

    id = (char *) call->route.id.data;

    if (call->data) {
        channel = lu_change_channel_named(app, call->data);

        if (channel == NULL
            || lu_json_string(channel, "id", &value) != LU_OK)
        {
            return ngx_lu_no_channel(call);
        }

        id = (char *) ngx_lu_path(call->io.pool, "%s", value.data);
        if (id == NULL) {
            return ngx_lu_nomem(call);
        }
    }

    call->change = "channel.delete";
    call->subject = id;

    if (ngx_lu_protected(call, lu_change_channel_find(app, id))) {
        return ngx_lu_refuse_protected(call);
    }

    status = ngx_lu_core_status(call,
                                lu_change_channel_delete(app, id,
                                                         &call->error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


ngx_int_t
ngx_lu_channel_pause_post(ngx_lu_call_t *call)
{
    call->change = "channel.pause";

    return ngx_lu_change(call,
                         ngx_lu_channel_pause);
}


ngx_int_t
ngx_lu_channel_resume_post(ngx_lu_call_t *call)
{
    call->change = "channel.resume";

    return ngx_lu_change(call,
                         ngx_lu_channel_pause);
}


static ngx_int_t
ngx_lu_channel_pause(ngx_lu_call_t *call,
    cJSON *app)
{
    ngx_int_t  status;

    call->subject = (char *) call->route.id.data;

    if (ngx_lu_protected(call, lu_change_channel_find(app, call->subject))) {
        return ngx_lu_refuse_protected(call);
    }

    status = ngx_lu_core_status(call,
                                lu_change_channel_pause(app, call->subject,
                           call->route.resource == LU_ROUTE_PAUSE, call->now,
                           &call->error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static ngx_int_t
ngx_lu_channel_answer(ngx_lu_call_t *call, const cJSON *channel,
    ngx_int_t status)
{
    call->answer = ngx_lu_channel_json(call, channel);

    return call->answer ? status : ngx_lu_nomem(call);
}


static ngx_int_t
ngx_lu_no_channel(ngx_lu_call_t *call)
{
    return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "Channel not found.");
}


cJSON *
ngx_lu_channel_json(ngx_lu_call_t *call, const cJSON *channel)
{
    char         *relations;
    cJSON        *json, *item;
    const cJSON  *deployments, *deployment;
    lu_str_t      id;

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

    if (cJSON_AddStringToObject(json, "appId", (char *) call->route.app.data)
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

        item = ngx_lu_deployment_json(call, deployment, channel);

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
