
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_notify.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_event.h"
#include "job/ngx_lu_journal.h"

#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_target.h"


static ngx_int_t ngx_lu_api_notify_find(ngx_lu_call_t *call,
    const lu_target_t **target);
static ngx_int_t ngx_lu_api_notify_state(ngx_lu_call_t *call,
    const lu_target_t *target, cJSON **state);
static cJSON *ngx_lu_api_notify_json(const lu_target_t *target,
    const cJSON *state);
static void ngx_lu_api_notify_strings(lu_put_t *put, cJSON *json,
    const char *key, const lu_str_t *strings, size_t n);
static void ngx_lu_api_notify_count(lu_put_t *put, cJSON *json,
    const cJSON *state, const char *key);
static ngx_int_t ngx_lu_api_notify_keeps(ngx_lu_call_t *call,
    const cJSON *entry, const lu_str_t *id);
static ngx_int_t ngx_lu_api_notify_ask(ngx_lu_call_t *call, const char *what,
    const char *id);


ngx_int_t
ngx_lu_api_notify_list(ngx_lu_call_t *call)
{
    size_t                 i;
    cJSON                 *json, *state;
    lu_put_t               put;
    ngx_int_t              status;
    ngx_lu_page_t          page;
    ngx_lu_notify_t       *notify;
    ngx_lu_notify_conf_t  *conf;

    notify = call->task.store->notify;

    ngx_lu_arg_page(call, &page);

    lu_put_init(&put);

    json = cJSON_CreateArray();

    if (notify == NULL) {
        return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
    }

    conf = notify->conf;

    for (i = 0; i < conf->ntargets && page.limit; i++) {

        if (!ngx_lu_arg_page_take(&page)) {
            continue;
        }

        status = ngx_lu_api_notify_state(call, &conf->targets[i], &state);

        if (status != NGX_OK) {
            cJSON_Delete(json);
            return status;
        }

        lu_put_item(&put, json, NULL,
                    ngx_lu_api_notify_json(&conf->targets[i], state));
        cJSON_Delete(state);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


/* The same, with the last deliveries, newest first. */

ngx_int_t
ngx_lu_api_notify_get(ngx_lu_call_t *call)
{
    int                 i;
    cJSON              *json, *state, *list;
    lu_put_t            put;
    ngx_int_t           status;
    const cJSON        *recent, *entry, *again;
    const lu_target_t  *target;

    status = ngx_lu_api_notify_find(call, &target);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_notify_state(call, target, &state);
    if (status != NGX_OK) {
        return status;
    }

    lu_put_init(&put);

    json = ngx_lu_api_notify_json(target, state);

    list = lu_put_array(&put, json, "deliveries");
    recent = lu_json_get(state, "recent");

    for (i = cJSON_GetArraySize(recent) - 1; i >= 0; i--) {
        entry = cJSON_GetArrayItem(recent, i);

        lu_put_item(&put, list, NULL, cJSON_Duplicate(entry, 1));

        if (put.failed) {
            break;
        }

        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetArrayItem(list,
                                            cJSON_GetArraySize(list) - 1),
                                                "file");
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetArrayItem(list,
                                            cJSON_GetArraySize(list) - 1),
                                                "offset");
    }

    list = lu_put_array(&put, json, "again");
    again = lu_json_get(state, "again");

    for (entry = again ? again->child : NULL; entry; entry = entry->next) {
        lu_put_copy(&put, list, NULL, entry, "id");
    }

    cJSON_Delete(state);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


static ngx_int_t
ngx_lu_api_notify_find(ngx_lu_call_t *call, const lu_target_t **target)
{
    ngx_lu_notify_t  *notify;

    notify = call->task.store->notify;

    *target = notify ? lu_target_find(notify->conf->targets,
                                      notify->conf->ntargets,
                                      &call->task.id)
                     : NULL;

    return *target ? NGX_OK
                   : ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                        "Target not found.");
}


/* A target that nobody has begun to notify has an empty state. */

static ngx_int_t
ngx_lu_api_notify_state(ngx_lu_call_t *call, const lu_target_t *target,
    cJSON **state)
{
    u_char         *path;
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = &call->task;

    path = ngx_lu_path(&task->io, "%V/notify/targets/%s.json",
                       &task->store->path, target->name.data);

    rc = ngx_lu_file_read_json(&task->io, path, state);

    if (rc == NGX_DECLINED) {
        *state = cJSON_CreateObject();
        return *state ? NGX_OK : ngx_lu_task_nomem(task);
    }

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


static cJSON *
ngx_lu_api_notify_json(const lu_target_t *target, const cJSON *state)
{
    cJSON       *json;
    lu_put_t     put;
    lu_str_t     text;
    const char  *name;

    if (lu_json_string(state, "pausedAt", &text) == LU_OK) {
        name = "paused";

    } else if (lu_json_string(state, "failingSince", &text) == LU_OK) {
        name = "failing";

    } else {
        name = "active";
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_str(&put, json, "id", &target->name);
    lu_put_string(&put, json, "form", lu_target_form(target));
    lu_put_str(&put, json, "host", &target->host);
    ngx_lu_api_notify_strings(&put, json, "apps", target->apps,
                              target->napps);
    ngx_lu_api_notify_strings(&put, json, "events", target->events,
                              target->nevents);
    lu_put_string(&put, json, "state", name);

    lu_put_copy_or_null(&put, json, "error", state, "error");
    lu_put_copy_or_null(&put, json, "answeredAt", state, "answeredAt");
    lu_put_copy_or_null(&put, json, "failingSince", state, "failingSince");
    lu_put_copy_or_null(&put, json, "nextAttemptAt", state, "nextAttemptAt");
    lu_put_copy_or_null(&put, json, "pausedAt", state, "pausedAt");

    ngx_lu_api_notify_count(&put, json, state, "attempts");
    ngx_lu_api_notify_count(&put, json, state, "delivered");
    ngx_lu_api_notify_count(&put, json, state, "refused");
    ngx_lu_api_notify_count(&put, json, state, "missed");

    return lu_put_done(&put, json);
}


static void
ngx_lu_api_notify_strings(lu_put_t *put, cJSON *json, const char *key,
    const lu_str_t *strings, size_t n)
{
    size_t  i;
    cJSON  *array;

    array = lu_put_array(put, json, key);

    for (i = 0; i < n; i++) {
        lu_put_str(put, array, NULL, &strings[i]);
    }
}


static void
ngx_lu_api_notify_count(lu_put_t *put, cJSON *json, const cJSON *state,
    const char *key)
{
    uint64_t  n;

    n = 0;
    (void) lu_json_size(state, key, &n);

    lu_put_number(put, json, key, (double) n);
}


ngx_int_t
ngx_lu_api_notify_post(ngx_lu_call_t *call)
{
    switch (call->route.resource) {

    case LU_ROUTE_TARGET_PAUSE:
        return ngx_lu_api_notify_ask(call, "pause", NULL);

    case LU_ROUTE_TARGET_RESUME:
        return ngx_lu_api_notify_ask(call, "resume", NULL);

    default: /* LU_ROUTE_TARGET_TEST */
        return ngx_lu_api_notify_ask(call, "test", NULL);
    }
}


ngx_int_t
ngx_lu_api_notify_again(ngx_lu_call_t *call)
{
    cJSON              *state;
    lu_str_t            id;
    ngx_int_t           status;
    const cJSON        *entry;
    const lu_target_t  *target;

    status = ngx_lu_api_notify_find(call, &target);
    if (status != NGX_OK) {
        return status;
    }

    if (lu_json_string(call->json, "id", &id) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"id\" must be that of a delivery.");
    }

    status = ngx_lu_api_notify_state(call, target, &state);
    if (status != NGX_OK) {
        return status;
    }

    entry = lu_json_find(lu_json_get(state, "recent"), "id",
                         (char *) id.data);

    status = entry ? ngx_lu_api_notify_keeps(call, entry, &id)
                   : ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                        "Only the last 50 deliveries of a "
                                        "target can be sent again, and this "
                                        "is none of them.");
    cJSON_Delete(state);

    return status == NGX_OK
           ? ngx_lu_api_notify_ask(call, "again", (char *) id.data) : status;
}


static ngx_int_t
ngx_lu_api_notify_keeps(ngx_lu_call_t *call, const cJSON *entry,
    const lu_str_t *id)
{
    uint64_t         file, offset;
    ngx_int_t        rc;
    ngx_lu_task_t   *task;
    ngx_lu_place_t   place;

    task = &call->task;
    rc = NGX_DECLINED;

    if (lu_json_size(entry, "file", &file) == LU_OK
        && lu_json_size(entry, "offset", &offset) == LU_OK)
    {
        place.segment = (ngx_uint_t) file;
        place.offset = (off_t) offset;

        rc = ngx_lu_journal_keeps(&task->io, task->store, &place, id);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(task, 410, "The journal does not have this "
                                  "event any more.");

    default:
        return ngx_lu_task_failed(task);
    }
}


static ngx_int_t
ngx_lu_api_notify_ask(ngx_lu_call_t *call, const char *what, const char *id)
{
    ngx_int_t           status;
    const lu_target_t  *target;

    status = ngx_lu_api_notify_find(call, &target);

    if (status == NGX_OK) {
        status = ngx_lu_event_ask(&call->task, what,
                                  (char *) target->name.data, id);
    }

    return status == NGX_OK ? ngx_lu_call_string(call, NGX_HTTP_ACCEPTED,
                                                 "asked", what)
                            : status;
}
