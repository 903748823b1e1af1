
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_event.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_change_channel.h"
#include "core/lu_event.h"
#include "core/lu_put.h"


static void ngx_lu_event_app(ngx_lu_task_t *task, lu_put_t *put, cJSON *json,
    cJSON *event, const cJSON *release);
static ngx_int_t ngx_lu_event_write(ngx_lu_task_t *task, cJSON *json);


ngx_int_t
ngx_lu_event(ngx_lu_task_t *task, const char *type, const cJSON *release,
    const char *stamp, const char *reason, const char *expect)
{
    char      id[LU_EVENT_ID + 1];
    cJSON    *json, *event;
    lu_put_t  put;
    lu_str_t  texts[5];

    if (task->store->notify == NULL) {
        return NGX_OK;
    }

    texts[0] = lu_str(type);
    texts[1] = task->app;
    texts[2] = lu_str("");
    texts[3] = lu_str("");
    texts[4] = lu_str(stamp ? stamp : "");

    (void) lu_json_string(release, "id", &texts[2]);
    (void) lu_json_string(release, "createdAt", &texts[3]);

    lu_event_id(id, texts, sizeof(texts) / sizeof(texts[0]));

    event = lu_event_make(id, type, task->now, (char *) task->app.data,
                          task->by,
                          texts[2].len ? (char *) texts[2].data : NULL,
                          reason);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_item(&put, json, "event", event);
    lu_put_copy(&put, event, "version", release, "version");

    ngx_lu_event_app(task, &put, json, event, release);

    lu_put_string(&put, json, "expect", expect);

    return ngx_lu_event_write(task, lu_put_done(&put, json));
}


/*
 * People know an app and a channel by their names.  They are told without them,
 * too.  Another app may get the id.
 */

static void
ngx_lu_event_app(ngx_lu_task_t *task, lu_put_t *put, cJSON *json,
    cJSON *event, const cJSON *release)
{
    cJSON        *app, *channel;
    lu_str_t      id;
    ngx_lu_io_t   io;

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = task->io.pool;

    if (ngx_lu_file_read_json(&io,
                              ngx_lu_path(&io, "%V/apps/%s/app.json",
                                          &task->store->path, task->app.data),
                              &app)
        != NGX_OK)
    {
        return;
    }

    lu_put_copy(put, event, "appName", app, "name");
    lu_put_copy(put, json, "createdAt", app, "createdAt");

    if (lu_json_string(release, "channel", &id) == LU_OK) {
        channel = lu_change_channel_find(app, (char *) id.data);
        lu_put_copy(put, event, "channel", channel, "name");
    }

    cJSON_Delete(app);
}


ngx_int_t
ngx_lu_event_ask(ngx_lu_task_t *task, const char *what, const char *target,
    const char *id)
{
    cJSON    *json;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "do", what);
    lu_put_string(&put, json, "target", target);
    lu_put_string(&put, json, "by", task->by);
    lu_put_string(&put, json, "at", task->now);

    if (id) {
        lu_put_string(&put, json, "id", id);
    }

    return ngx_lu_event_write(task, lu_put_done(&put, json));
}


/*
 * The name is new, so no turn protects it, and it is not beside what the turns
 * of the task are for.
 */

static ngx_int_t
ngx_lu_event_write(ngx_lu_task_t *task, cJSON *json)
{
    char         *uuid;
    u_char       *folder, *path;
    ngx_int_t     rc;
    ngx_lu_io_t   io;

    uuid = ngx_lu_task_uuid(task);

    if (json == NULL || uuid == NULL) {
        cJSON_Delete(json);
        return ngx_lu_task_nomem(task);
    }

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = task->io.pool;

    folder = ngx_lu_path(&io, "%V/notify/in", &task->store->path);

    /* in the order in which they sort */

    path = ngx_lu_path_in(&io, folder, "%s.%s", task->now, uuid);

    rc = ngx_lu_file_mkdirs(&io, ngx_lu_path(&io, "%V", &task->store->path),
                            path);

    if (rc == NGX_OK) {
        rc = ngx_lu_file_write_json(&io, task->store, path, json);
    }

    cJSON_Delete(json);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    (void) ngx_lu_io_error(&task->io, io.err, io.operation, io.path);

    return ngx_lu_task_failed(task);
}
