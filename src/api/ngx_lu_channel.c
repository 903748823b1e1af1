
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"
#include "write/ngx_lu_release.h"

#include "core/lu_change.h"


static ngx_int_t ngx_http_liveupdate_channel_add(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_channel_change(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_channel_drop(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_channel_pause(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_channel_answer(
    ngx_http_liveupdate_call_t *call, const cJSON *channel,
    ngx_int_t status);
static ngx_int_t ngx_http_liveupdate_no_channel(
    ngx_http_liveupdate_call_t *call);


ngx_int_t
ngx_http_liveupdate_channels_get(ngx_http_liveupdate_call_t *call)
{
    char              *name, *query;
    cJSON             *app, *item;
    ngx_int_t          status;
    ngx_uint_t         limit, offset;
    const cJSON       *channel;
    liveupdate_str_t   value;

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_http_liveupdate_page(call, &limit, &offset);

    name = ngx_http_liveupdate_arg(call, "name");
    query = ngx_http_liveupdate_arg(call, "query");

    status = NGX_HTTP_OK;

    call->answer = cJSON_CreateArray();

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        if (liveupdate_json_string(channel, "name", &value) != LIVEUPDATE_OK
            || (name && !liveupdate_str_is(&value, name))
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

        item = ngx_http_liveupdate_channel_json(call, channel);

        if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
            cJSON_Delete(item);
            status = ngx_http_liveupdate_nomem(call);
            break;
        }
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_http_liveupdate_channels_post(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_change(call, ngx_http_liveupdate_channel_add);
}


static ngx_int_t
ngx_http_liveupdate_channel_add(ngx_http_liveupdate_call_t *call, cJSON *app)
{
    char       *id;
    cJSON      *channel;
    ngx_int_t   status;

    id = ngx_http_liveupdate_uuid(call);
    if (id == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    call->change = "channel.create";
    call->subject = id;

    status = ngx_http_liveupdate_core_status(call,
                                             liveupdate_channel_create(app,
                                                  call->json, id, call->now,
                                                  &channel, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_channel_answer(call, channel,
                                              NGX_HTTP_CREATED);
}


ngx_int_t
ngx_http_liveupdate_channel_get(ngx_http_liveupdate_call_t *call)
{
    cJSON      *app, *channel;
    ngx_int_t   status;

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = liveupdate_app_channel_find(app, (char *) call->route.id.data);

    status = channel ? ngx_http_liveupdate_channel_answer(call, channel,
                                                          NGX_HTTP_OK)
                     : ngx_http_liveupdate_no_channel(call);

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_http_liveupdate_channel_patch(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_change(call,
                                      ngx_http_liveupdate_channel_change);
}


static ngx_int_t
ngx_http_liveupdate_channel_change(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    cJSON      *channel;
    ngx_int_t   status;

    call->change = "channel.update";
    call->subject = (char *) call->route.id.data;

    if (ngx_http_liveupdate_protected(call,
                     liveupdate_app_channel_find(app, call->subject)))
    {
        return ngx_http_liveupdate_refuse_protected(call);
    }

    status = ngx_http_liveupdate_core_status(call,
                                             liveupdate_channel_update(app,
                                                  call->json, call->subject,
                                                  call->now, &channel,
                                                  &call->error));
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_channel_answer(call, channel, NGX_HTTP_OK);
}


ngx_int_t
ngx_http_liveupdate_channel_remove(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_change(call, ngx_http_liveupdate_channel_drop);
}


ngx_int_t
ngx_http_liveupdate_channels_delete(ngx_http_liveupdate_call_t *call)
{
    call->data = ngx_http_liveupdate_arg(call, "name");

    if (call->data == NULL) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "Which channel: \"?name=\"?");
    }

    return ngx_http_liveupdate_change(call, ngx_http_liveupdate_channel_drop);
}


static ngx_int_t
ngx_http_liveupdate_channel_drop(ngx_http_liveupdate_call_t *call, cJSON *app)
{
    char              *id;
    cJSON             *channel;
    ngx_int_t          status;
    liveupdate_str_t   value;

    id = (char *) call->route.id.data;

    if (call->data) {
        channel = liveupdate_app_channel_named(app, call->data);

        if (channel == NULL
            || liveupdate_json_string(channel, "id", &value) != LIVEUPDATE_OK)
        {
            return ngx_http_liveupdate_no_channel(call);
        }

        id = (char *) ngx_http_liveupdate_path(call->io.pool, "%s",
                                               value.data);
        if (id == NULL) {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    call->change = "channel.delete";
    call->subject = id;

    if (ngx_http_liveupdate_protected(call,
                                      liveupdate_app_channel_find(app, id)))
    {
        return ngx_http_liveupdate_refuse_protected(call);
    }

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_channel_delete(app, id, &call->error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


ngx_int_t
ngx_http_liveupdate_channel_pause_post(ngx_http_liveupdate_call_t *call)
{
    call->change = "channel.pause";

    return ngx_http_liveupdate_change(call,
                                      ngx_http_liveupdate_channel_pause);
}


ngx_int_t
ngx_http_liveupdate_channel_resume_post(ngx_http_liveupdate_call_t *call)
{
    call->change = "channel.resume";

    return ngx_http_liveupdate_change(call,
                                      ngx_http_liveupdate_channel_pause);
}


static ngx_int_t
ngx_http_liveupdate_channel_pause(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    ngx_int_t  status;

    call->subject = (char *) call->route.id.data;

    if (ngx_http_liveupdate_protected(call,
                     liveupdate_app_channel_find(app, call->subject)))
    {
        return ngx_http_liveupdate_refuse_protected(call);
    }

    status = ngx_http_liveupdate_core_status(call,
                      liveupdate_channel_pause(app, call->subject,
                           call->route.resource == LIVEUPDATE_ROUTE_PAUSE,
                           call->now, &call->error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static ngx_int_t
ngx_http_liveupdate_channel_answer(ngx_http_liveupdate_call_t *call,
    const cJSON *channel, ngx_int_t status)
{
    call->answer = ngx_http_liveupdate_channel_json(call, channel);

    return call->answer ? status : ngx_http_liveupdate_nomem(call);
}


static ngx_int_t
ngx_http_liveupdate_no_channel(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                      "Channel not found.");
}


cJSON *
ngx_http_liveupdate_channel_json(ngx_http_liveupdate_call_t *call,
    const cJSON *channel)
{
    char               *relations;
    cJSON              *json, *item;
    const cJSON        *deployments, *deployment;
    liveupdate_str_t    id;

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

    if (deployment
        && liveupdate_json_string(deployment, "id", &id) == LIVEUPDATE_OK)
    {
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

    relations = ngx_http_liveupdate_arg(call, "relations");

    if (relations && deployment && strstr(relations, "appDeployment")) {

        item = ngx_http_liveupdate_deployment_json(call, deployment, channel);

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
