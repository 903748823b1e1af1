
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_device.h"
#include "ngx_lu_arg.h"

#include "zone/ngx_lu_device.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_task.h"

#include "core/lu_change.h"
#include "core/lu_json.h"
#include "core/lu_change_channel.h"
#include "core/lu_query.h"
#include "core/lu_route.h"
#include "core/lu_time.h"


#define NGX_LU_DEVICES  1000


typedef struct {
    ngx_lu_call_t  *call;
    char        *ids;         /* separated by commas */
    const char  *channel;     /* NULL: not any more */
} ngx_lu_force_t;


static ngx_int_t ngx_lu_api_device_force(ngx_lu_call_t *call, char *ids);
static ngx_int_t ngx_lu_api_device_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_device_unforce(ngx_lu_task_t *task, cJSON *app,
    void *data);
static cJSON *ngx_lu_api_device_json(ngx_lu_call_t *call, cJSON *app,
    ngx_lu_device_t *device);
static cJSON *ngx_lu_api_device_string(cJSON *json, const char *key,
    ngx_str_t *value);


ngx_int_t
ngx_lu_api_devices_get(ngx_lu_call_t *call)
{
    char             *id, *query;
    cJSON            *app, *item;
    ngx_int_t         status;
    ngx_str_t         app_id;
    ngx_uint_t        i, n, limit, offset;
    ngx_lu_device_t  *devices;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &limit, &offset);

    id = ngx_lu_arg(call, "id");
    query = ngx_lu_arg(call, "query");

    app_id.len = call->task.app.len;
    app_id.data = call->task.app.data;

    n = NGX_LU_DEVICES;
    status = NGX_HTTP_OK;

    devices = ngx_palloc(call->task.io.pool, n * sizeof(ngx_lu_device_t));
    call->answer = cJSON_CreateArray();

    if (devices == NULL
        || call->answer == NULL
        || ngx_lu_device_list(call->task.store, call->task.io.pool,
                              &app_id, devices, &n)
           != NGX_OK)
    {
        status = ngx_lu_task_nomem(&call->task);
        n = 0;
    }

    for (i = 0; i < n; i++) {

        if ((id && ngx_strcmp(devices[i].id.data, id) != 0)
            || (query
                && strstr((char *) devices[i].id.data, query) == NULL
                && strstr((char *) devices[i].custom_id.data, query) == NULL))
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

        item = ngx_lu_api_device_json(call, app, &devices[i]);

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
ngx_lu_api_device_get(ngx_lu_call_t *call)
{
    cJSON           *app;
    ngx_int_t        rc, status;
    ngx_str_t        app_id, id;
    ngx_lu_device_t  device;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    app_id.len = call->task.app.len;
    app_id.data = call->task.app.data;
    id.len = call->task.id.len;
    id.data = call->task.id.data;

    rc = ngx_lu_device_find(call->task.store, call->task.io.pool, &app_id, &id,
                            &device);
    if (rc == NGX_OK) {
        call->answer = ngx_lu_api_device_json(call, app, &device);
        status = call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);

    } else if (rc == NGX_DECLINED) {
        status = ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                    "Device not found: it has not asked this "
                                    "server lately.");
    } else {
        status = ngx_lu_task_nomem(&call->task);
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_api_devices_patch(ngx_lu_call_t *call)
{
    u_char   *buf;
    lu_str_t  value, ids;

    if (!lu_query_find(&call->args, "ids", &value) || value.len == 0) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "Which devices: \"?ids=\"?");
    }

    buf = ngx_pnalloc(call->task.io.pool, value.len + 1);
    if (buf == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    /* the CLI does not encode them: a plus is a plus */

    if (lu_query_decode(&ids, buf, &value, 0) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"ids\" is not percent-encoded.");
    }

    ids.data[ids.len] = '\0';

    return ngx_lu_api_device_force(call, (char *) ids.data);
}


ngx_int_t
ngx_lu_api_device_patch(ngx_lu_call_t *call)
{
    return ngx_lu_api_device_force(call, (char *) call->task.id.data);
}


static ngx_int_t
ngx_lu_api_device_force(ngx_lu_call_t *call, char *ids)
{
    lu_str_t        channel;
    ngx_int_t       rc;
    const cJSON    *item;
    ngx_lu_force_t  force;

    item = cJSON_GetObjectItemCaseSensitive(call->json, "forcedAppChannelId");

    if (item == NULL) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"forcedAppChannelId\" must be "
                                  "the id of a channel, or null.");
    }

    force.ids = ids;
    force.channel = NULL;

    if (!cJSON_IsNull(item)) {

        if (lu_json_value(item, &channel) != LU_OK) {
            return ngx_lu_task_refuse(&call->task, 422,
                                      "\"forcedAppChannelId\" must be "
                                      "the id of a channel, or null.");
        }

        force.channel = (char *) channel.data;
    }

    force.call = call;

    rc = ngx_lu_change(&call->task, ngx_lu_api_device_change, NULL, &force);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    call->answer = cJSON_CreateObject();

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


static ngx_int_t
ngx_lu_api_device_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_force_t *force = data;

    char           *id, *next;
    lu_rc_e         rc;
    lu_arena_t      arena;
    ngx_lu_call_t  *call;

    call = force->call;

    call->task.change = force->channel ? "device.force" : "device.unforce";
    call->task.to = force->channel;

    /* it has that channel then, whichever it asks for */

    if (force->channel && ngx_lu_protect_app(&call->task, app, NULL)) {
        return ngx_lu_protect_refuse(&call->task);
    }

    arena = ngx_lu_arena(call->task.io.pool);
    call->task.subject = (char *) lu_str_dup(&arena, force->ids,
                                ngx_strlen(force->ids)).data;
    if (call->task.subject == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    for (id = force->ids; id; id = next) {

        /* an id in the path is one, whatever it is made of */

        next = (call->route.resource == LU_ROUTE_DEVICES)
               ? strchr(id, ',') : NULL;

        if (next) {
            *next++ = '\0';
        }

        if (*id == '\0') {
            continue;
        }

        rc = lu_change_device_force(app, id, force->channel,
                                    &call->task.error);
        if (rc != LU_OK) {
            return ngx_lu_task_core(&call->task, rc);
        }
    }

    return NGX_HTTP_OK;
}


ngx_int_t
ngx_lu_api_device_delete(ngx_lu_call_t *call)
{
    ngx_int_t  status;
    ngx_str_t  app, id;

    status = ngx_lu_change(&call->task, ngx_lu_api_device_unforce, NULL, call);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return status;
    }

    app.len = call->task.app.len;
    app.data = call->task.app.data;
    id.len = call->task.id.len;
    id.data = call->task.id.data;

    ngx_lu_device_forget(call->task.store, &app, &id);

    return NGX_HTTP_NO_CONTENT;
}


static ngx_int_t
ngx_lu_api_device_unforce(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t  status;

    call->task.change = "device.delete";
    call->task.subject = (char *) call->task.id.data;

    status = ngx_lu_task_core(&call->task,
                              lu_change_device_force(app, call->task.subject,
                                                     NULL, &call->task.error));

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static cJSON *
ngx_lu_api_device_json(ngx_lu_call_t *call, cJSON *app, ngx_lu_device_t *device)
{
    char  created[LU_TIME_SIZE],
                       seen[LU_TIME_SIZE];
    cJSON        *json, *channel, *item;
    const cJSON  *forced;
    lu_str_t      id, name;

    lu_time_print(created, device->created, 0);
    lu_time_print(seen, device->seen, 0);

    forced = cJSON_GetObjectItemCaseSensitive(
                 cJSON_GetObjectItemCaseSensitive(app, "forcedDevices"),
                 (char *) device->id.data);

    if (forced == NULL || lu_json_value(forced, &id) != LU_OK)
    {
        id.len = 0;
    }

    json = cJSON_CreateObject();

    if (ngx_lu_api_device_string(json, "id", &device->id) == NULL
        || cJSON_AddStringToObject(json, "appId",
                                   (char *) call->task.app.data)
           == NULL
        || ngx_lu_api_device_string(json, "appChannelId",
                                    &device->channel_id)
           == NULL
        || ngx_lu_api_device_string(json, "appDeploymentId",
                                    &device->deployment_id)
           == NULL
        || cJSON_AddStringToObject(json, "appVersionCode",
                                   (char *) device->app_version_code.data)
           == NULL
        || cJSON_AddStringToObject(json, "appVersionName",
                                   (char *) device->app_version_name.data)
           == NULL
        || cJSON_AddNullToObject(json, "country") == NULL
        || ngx_lu_api_device_string(json, "customId",
                                    &device->custom_id)
           == NULL
        || (id.len
            ? cJSON_AddStringToObject(json, "forcedAppChannelId",
                                      (char *) id.data)
            : cJSON_AddNullToObject(json, "forcedAppChannelId"))
           == NULL
        || cJSON_AddStringToObject(json, "osVersion",
                                   (char *) device->os_version.data)
           == NULL
        || cJSON_AddNumberToObject(json, "platform",
                                   (double) device->platform)
           == NULL
        || cJSON_AddStringToObject(json, "pluginVersion",
                                   (char *) device->plugin_version.data)
           == NULL
        || cJSON_AddStringToObject(json, "createdAt", created) == NULL
        || cJSON_AddStringToObject(json, "updatedAt", seen) == NULL
        || cJSON_AddStringToObject(json, "lastSeenAt", seen) == NULL)
    {
        goto failed;
    }

    channel = device->channel_id.len
              ? lu_change_channel_find(app, (char *) device->channel_id.data)
              : NULL;

    if (channel == NULL || lu_json_string(channel, "name", &name) != LU_OK) {
        if (cJSON_AddNullToObject(json, "appChannel") == NULL) {
            goto failed;
        }

        return json;
    }

    item = cJSON_AddObjectToObject(json, "appChannel");

    if (cJSON_AddStringToObject(item, "id", (char *) device->channel_id.data)
        == NULL
        || cJSON_AddStringToObject(item, "name", (char *) name.data) == NULL)
    {
        goto failed;
    }

    return json;

failed:

    cJSON_Delete(json);

    return NULL;
}


static cJSON *
ngx_lu_api_device_string(cJSON *json, const char *key, ngx_str_t *value)
{
    return value->len ? cJSON_AddStringToObject(json, key,
                                                (char *) value->data)
                      : cJSON_AddNullToObject(json, key);
}
