
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
#include "core/lu_change_channel.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_query.h"
#include "core/lu_time.h"


#define NGX_LU_API_DEVICES  1000


/* Devices that are forced to a channel, or are not any more. */

typedef struct {
    char                    *ids;       /* separated by commas, if many */
    const char              *channel;   /* its id; NULL: none */
    unsigned                 many:1;
} ngx_lu_api_force_t;


static ngx_int_t ngx_lu_api_device_list(ngx_lu_call_t *call, const cJSON *app);
static ngx_int_t ngx_lu_api_device_force(ngx_lu_call_t *call, char *ids,
    ngx_uint_t many);
static void ngx_lu_api_device_fold(const cJSON *app);
static ngx_int_t ngx_lu_api_device_forced(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_device_deleted(ngx_lu_task_t *task, cJSON *app,
    void *data);
static cJSON *ngx_lu_api_device_json(ngx_lu_call_t *call, const cJSON *app,
    const ngx_lu_device_t *device);
static void ngx_lu_api_device_put(lu_put_t *put, cJSON *json, const char *key,
    const ngx_str_t *value);


ngx_int_t
ngx_lu_api_devices_get(ngx_lu_call_t *call)
{
    cJSON     *app;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_api_device_fold(app);

    status = ngx_lu_api_device_list(call, app);

    cJSON_Delete(app);

    return status;
}


/* An earlier version kept ids as they were written; devices fold theirs. */

static void
ngx_lu_api_device_fold(const cJSON *app)
{
    cJSON        *item;
    lu_str_t      id;
    const cJSON  *forced;

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    cJSON_ArrayForEach(item, forced) {
        id = lu_str(item->string);
        lu_name_device_id_fold(&id);
    }
}


static ngx_int_t
ngx_lu_api_device_list(ngx_lu_call_t *call, const cJSON *app)
{
    char             *id, *query;
    cJSON            *json;
    lu_put_t          put;
    lu_str_t          value;
    ngx_str_t         app_id;
    ngx_uint_t        i, n;
    ngx_pool_t       *pool;
    ngx_lu_page_t     page;
    ngx_lu_device_t  *devices, *device;

    pool = call->task.io.pool;

    ngx_lu_arg_page(call, &page);

    id = ngx_lu_arg(call, "id");
    query = ngx_lu_arg(call, "query");

    if (id) {
        value = lu_str(id);
        lu_name_device_id_fold(&value);
    }

    app_id = ngx_lu_from_core(&call->task.app);

    n = NGX_LU_API_DEVICES;

    if (id == NULL && query == NULL) {
        n = ngx_min(n, page.offset + page.limit);
    }

    devices = ngx_palloc(pool, (n + 1) * sizeof(ngx_lu_device_t));

    if (devices == NULL
        || ngx_lu_device_list(call->task.store, pool, &app_id, devices, &n)
           != NGX_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    lu_put_init(&put);

    json = cJSON_CreateArray();

    for (i = 0; i < n; i++) {
        device = &devices[i];

        if ((id && ngx_strcmp(device->id.data, id) != 0)
            || (query
                && strstr((char *) device->id.data, query) == NULL
                && strstr((char *) device->custom_id.data, query) == NULL))
        {
            continue;
        }

        if (ngx_lu_arg_page_take(&page)) {
            lu_put_item(&put, json, NULL,
                        ngx_lu_api_device_json(call, app, device));
        }
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_device_get(ngx_lu_call_t *call)
{
    cJSON           *app;
    ngx_int_t        status;
    ngx_str_t        app_id, id;
    ngx_lu_task_t   *task;
    ngx_lu_device_t  device;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_api_device_fold(app);
    lu_name_device_id_fold(&task->id);

    app_id = ngx_lu_from_core(&task->app);
    id = ngx_lu_from_core(&task->id);

    switch (ngx_lu_device_find(task->store, task->io.pool, &app_id, &id,
                               &device))
    {
    case NGX_OK:
        status = ngx_lu_call_answer(call, NGX_HTTP_OK,
                                    ngx_lu_api_device_json(call, app, &device));
        break;

    case NGX_DECLINED:
        status = ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                    "Device not found: it has not checked "
                                    "for updates lately.");
        break;

    default:
        status = ngx_lu_task_nomem(task);
    }

    cJSON_Delete(app);

    return status;
}


ngx_int_t
ngx_lu_api_devices_patch(ngx_lu_call_t *call)
{
    u_char         *buf;
    lu_str_t        value, ids;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (!lu_query_find(&call->args, "ids", &value) || value.len == 0) {
        return ngx_lu_task_refuse(task, 422,
                                  "The query parameter \"ids\" is missing: "
                                  "it must list device ids, separated by "
                                  "commas.");
    }

    buf = ngx_pnalloc(task->io.pool, value.len + 1);
    if (buf == NULL) {
        return ngx_lu_task_nomem(task);
    }

    /* the CLI does not encode them: a plus is a plus */

    if (lu_query_decode(&ids, buf, &value, 0) != LU_OK) {
        return ngx_lu_task_refuse(task, 422,
                                  "The query parameter \"ids\" must be "
                                  "percent-encoded.");
    }

    ids.data[ids.len] = '\0';

    return ngx_lu_api_device_force(call, (char *) ids.data, 1);
}


ngx_int_t
ngx_lu_api_device_patch(ngx_lu_call_t *call)
{
    return ngx_lu_api_device_force(call, (char *) call->task.id.data, 0);
}


static ngx_int_t
ngx_lu_api_device_force(ngx_lu_call_t *call, char *ids, ngx_uint_t many)
{
    lu_str_t            channel;
    ngx_int_t           status;
    const cJSON        *item;
    ngx_lu_api_force_t  force;

    channel.data = NULL;

    item = cJSON_GetObjectItemCaseSensitive(call->json, "forcedAppChannelId");

    if (item == NULL
        || (!cJSON_IsNull(item) && lu_json_value(item, &channel) != LU_OK))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"forcedAppChannelId\" must be the id of a "
                                  "channel, or null.");
    }

    force.ids = ids;
    force.channel = (char *) channel.data;
    force.many = many;

    call->task.again = 1;

    status = ngx_lu_change(&call->task, ngx_lu_api_device_forced, NULL, &force);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, cJSON_CreateObject());
}


static ngx_int_t
ngx_lu_api_device_forced(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_api_force_t *force = data;

    char       *id, *next;
    lu_rc_e     rc;
    lu_arena_t  arena;

    task->change = force->channel ? "device.force" : "device.unforce";
    task->to = force->channel;

    /* it has that channel then, whichever it asks for */

    if (force->channel && ngx_lu_protect_app(task, app, NULL)) {
        return ngx_lu_protect_refuse(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    task->subject = (char *) lu_str_dup(&arena, force->ids,
                                        ngx_strlen(force->ids)).data;
    if (task->subject == NULL) {
        return ngx_lu_task_nomem(task);
    }

    for (id = force->ids; id; id = next) {

        /* an id in the path may have commas */

        next = force->many ? strchr(id, ',') : NULL;

        if (next) {
            *next++ = '\0';
        }

        if (*id == '\0') {
            continue;
        }

        rc = lu_change_device_force(app, id, force->channel, &task->error);
        if (rc != LU_OK) {
            return ngx_lu_task_core(task, rc);
        }
    }

    return NGX_HTTP_OK;
}


ngx_int_t
ngx_lu_api_device_delete(ngx_lu_call_t *call)
{
    /* the zone forgets the device when that is done */

    call->forget = 1;

    lu_name_device_id_fold(&call->task.id);

    return ngx_lu_change(&call->task, ngx_lu_api_device_deleted, NULL, NULL);
}


static ngx_int_t
ngx_lu_api_device_deleted(ngx_lu_task_t *task, cJSON *app, void *data)
{
    lu_rc_e  rc;

    task->change = "device.delete";
    task->subject = (char *) task->id.data;

    rc = lu_change_device_force(app, task->subject, NULL, &task->error);

    return rc == LU_OK ? NGX_HTTP_NO_CONTENT : ngx_lu_task_core(task, rc);
}


/* A device as the Capawesome API has it. */

static cJSON *
ngx_lu_api_device_json(ngx_lu_call_t *call, const cJSON *app,
    const ngx_lu_device_t *device)
{
    char          created[LU_TIME_SIZE], seen[LU_TIME_SIZE];
    cJSON        *json, *item;
    lu_put_t      put;
    lu_str_t      name;
    const char   *id;
    const cJSON  *forced, *channel;

    lu_time_print(created, device->created, 0);
    lu_time_print(seen, device->seen, 0);

    id = (char *) device->id.data;

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    lu_put_init(&put);

    json = cJSON_CreateObject();

    ngx_lu_api_device_put(&put, json, "id", &device->id);
    lu_put_str(&put, json, "appId", &call->task.app);
    ngx_lu_api_device_put(&put, json, "appChannelId", &device->channel_id);
    ngx_lu_api_device_put(&put, json, "appDeploymentId",
                          &device->deployment_id);
    lu_put_string(&put, json, "appVersionCode",
                  (char *) device->app_version_code.data);
    lu_put_string(&put, json, "appVersionName",
                  (char *) device->app_version_name.data);
    lu_put_null(&put, json, "country");
    ngx_lu_api_device_put(&put, json, "customId", &device->custom_id);
    lu_put_copy_or_null(&put, json, "forcedAppChannelId", forced, id);
    lu_put_string(&put, json, "osVersion", (char *) device->os_version.data);
    lu_put_number(&put, json, "platform", (double) device->platform);
    lu_put_string(&put, json, "pluginVersion",
                  (char *) device->plugin_version.data);
    lu_put_string(&put, json, "createdAt", created);
    lu_put_string(&put, json, "updatedAt", seen);
    lu_put_string(&put, json, "lastSeenAt", seen);

    channel = device->channel_id.len
              ? lu_change_channel_find(app, (char *) device->channel_id.data)
              : NULL;

    if (lu_json_string(channel, "name", &name) != LU_OK) {
        lu_put_null(&put, json, "appChannel");

    } else {
        item = lu_put_object(&put, json, "appChannel");

        ngx_lu_api_device_put(&put, item, "id", &device->channel_id);
        lu_put_str(&put, item, "name", &name);
    }

    return lu_put_done(&put, json);
}


/* What a device does not say is null. */

static void
ngx_lu_api_device_put(lu_put_t *put, cJSON *json, const char *key,
    const ngx_str_t *value)
{
    lu_str_t  str;

    str = ngx_lu_to_core(value);

    lu_put_str_or_null(put, json, key, &str);
}
