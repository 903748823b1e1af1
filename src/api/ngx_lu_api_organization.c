
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_organization.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_name.h"
#include "core/lu_put.h"


/* Changes the list of organizations, and answers: a status. */

typedef ngx_int_t (*ngx_lu_api_organization_pt)(ngx_lu_call_t *call,
    cJSON *list);


static ngx_int_t ngx_lu_api_organization_change(ngx_lu_call_t *call,
    ngx_lu_api_organization_pt change);
static ngx_int_t ngx_lu_api_organization_add(ngx_lu_call_t *call, cJSON *list);
static ngx_int_t ngx_lu_api_organization_rename(ngx_lu_call_t *call,
    cJSON *list);
static ngx_int_t ngx_lu_api_organization_remove(ngx_lu_call_t *call,
    cJSON *list);
static ngx_int_t ngx_lu_api_organization_unused(ngx_lu_task_t *task,
    cJSON *app, void *data);
static ngx_int_t ngx_lu_api_organization_name(ngx_lu_call_t *call,
    lu_str_t *name);
static ngx_int_t ngx_lu_api_organization_read(ngx_lu_task_t *task,
    cJSON **list);
static ngx_int_t ngx_lu_api_organization_visible(ngx_lu_call_t *call,
    cJSON **list);
static ngx_int_t ngx_lu_api_organization_of_token(ngx_lu_call_t *call,
    cJSON *ids);
static cJSON *ngx_lu_api_organization_default(void);
static cJSON *ngx_lu_api_organization_find(const cJSON *list, const char *id);
static ngx_int_t ngx_lu_api_organization_none(ngx_lu_task_t *task);


ngx_int_t
ngx_lu_api_organizations_get(ngx_lu_call_t *call)
{
    cJSON         *list, *json, *item;
    lu_put_t       put;
    ngx_int_t      status;
    ngx_lu_page_t  page;

    status = ngx_lu_api_organization_visible(call, &list);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &page);

    lu_put_init(&put);

    json = cJSON_CreateArray();

    cJSON_ArrayForEach(item, list) {
        if (ngx_lu_arg_page_take(&page)) {
            lu_put_item(&put, json, NULL, cJSON_Duplicate(item, 1));
        }
    }

    cJSON_Delete(list);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_organizations_post(ngx_lu_call_t *call)
{
    return ngx_lu_api_organization_change(call, ngx_lu_api_organization_add);
}


ngx_int_t
ngx_lu_api_organization_get(ngx_lu_call_t *call)
{
    cJSON          *list, *item;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_organization_visible(call, &list);
    if (status != NGX_OK) {
        return status;
    }

    item = ngx_lu_api_organization_find(list, (char *) task->id.data);

    if (item) {
        status = ngx_lu_call_answer(call, NGX_HTTP_OK,
                                    cJSON_Duplicate(item, 1));
    } else {
        status = ngx_lu_api_organization_none(task);
    }

    cJSON_Delete(list);

    return status;
}


ngx_int_t
ngx_lu_api_organization_patch(ngx_lu_call_t *call)
{
    return ngx_lu_api_organization_change(call, ngx_lu_api_organization_rename);
}


ngx_int_t
ngx_lu_api_organization_delete(ngx_lu_call_t *call)
{
    return ngx_lu_api_organization_change(call, ngx_lu_api_organization_remove);
}


ngx_int_t
ngx_lu_api_organization_check(ngx_lu_call_t *call, const char *id)
{
    cJSON     *list;
    ngx_int_t  status;

    status = ngx_lu_api_organization_read(&call->task, &list);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_api_organization_find(list, id) == NULL) {
        status = ngx_lu_api_organization_none(&call->task);
    }

    cJSON_Delete(list);

    return status;
}


ngx_uint_t
ngx_lu_api_organization_any(ngx_lu_call_t *call)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = &call->task;

    path = ngx_lu_path(&task->io, "%V/organizations.json", &task->store->path);

    return ngx_lu_file_exists(&task->io, path) != NGX_DECLINED;
}


static ngx_int_t
ngx_lu_api_organization_change(ngx_lu_call_t *call,
    ngx_lu_api_organization_pt change)
{
    cJSON          *list;
    u_char         *path;
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (ngx_lu_app_lock_all(task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_api_organization_read(task, &list);

    if (status != NGX_OK) {
        ngx_lu_lock_release(lock);
        return status;
    }

    status = change(call, list);

    if (status < NGX_HTTP_SPECIAL_RESPONSE) {

        path = ngx_lu_path(&task->io, "%V/organizations.json",
                           &task->store->path);

        if (ngx_lu_file_write_json(&task->io, task->store, path, list)
            != NGX_OK)
        {
            status = ngx_lu_task_failed(task);
        }
    }

    cJSON_Delete(list);
    ngx_lu_lock_release(lock);

    return status;
}


static ngx_int_t
ngx_lu_api_organization_add(ngx_lu_call_t *call, cJSON *list)
{
    cJSON     *item;
    lu_put_t   put;
    lu_str_t   name;
    ngx_int_t  status;

    status = ngx_lu_api_organization_name(call, &name);
    if (status != NGX_OK) {
        return status;
    }

    if (cJSON_GetArraySize(list) >= LU_LIMIT_ORGANIZATIONS) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_CONFLICT,
                                  "There are "
                                  lu_value(LU_LIMIT_ORGANIZATIONS)
                                  " organizations, the most that there can be; "
                                  "delete one first.");
    }

    lu_put_init(&put);

    item = lu_put_object(&put, list, NULL);

    lu_put_string(&put, item, "id", ngx_lu_task_uuid(&call->task));
    lu_put_str(&put, item, "name", &name);

    if (put.failed) {
        return ngx_lu_task_nomem(&call->task);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_CREATED, cJSON_Duplicate(item, 1));
}


static ngx_int_t
ngx_lu_api_organization_rename(ngx_lu_call_t *call, cJSON *list)
{
    cJSON          *item;
    lu_put_t        put;
    lu_str_t        name;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    item = ngx_lu_api_organization_find(list, (char *) task->id.data);
    if (item == NULL) {
        return ngx_lu_api_organization_none(task);
    }

    status = ngx_lu_api_organization_name(call, &name);
    if (status != NGX_OK) {
        return status;
    }

    lu_put_init(&put);
    lu_put_str(&put, item, "name", &name);

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, cJSON_Duplicate(item, 1));
}


static ngx_int_t
ngx_lu_api_organization_remove(ngx_lu_call_t *call, cJSON *list)
{
    cJSON          *item;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    item = ngx_lu_api_organization_find(list, (char *) task->id.data);
    if (item == NULL) {
        return ngx_lu_api_organization_none(task);
    }

    status = ngx_lu_app_each(task, ngx_lu_api_organization_unused, NULL);
    if (status != NGX_OK) {
        return status;
    }

    if (task->unread) {
        return ngx_lu_task_refuse(task, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                  "An app that may belong to the "
                                  "organization cannot be read; the error log "
                                  "names its file.");
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(list, item));

    return NGX_HTTP_NO_CONTENT;
}


static ngx_int_t
ngx_lu_api_organization_unused(ngx_lu_task_t *task, cJSON *app, void *data)
{
    lu_str_t  organization;

    if (lu_json_string(app, "organizationId", &organization) == LU_OK
        && lu_str_eq(&organization, &task->id))
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The organization still has apps.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_organization_name(ngx_lu_call_t *call, lu_str_t *name)
{
    if (lu_json_string(call->json, "name", name) != LU_OK
        || !lu_name_label_valid(name))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "An organization needs a \"name\" of 1 to "
                                  "128 bytes.");
    }

    return NGX_OK;
}


/* The list is the caller's to free: NGX_OK, or a status. */

static ngx_int_t
ngx_lu_api_organization_read(ngx_lu_task_t *task, cJSON **list)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/organizations.json", &task->store->path);

    switch (ngx_lu_file_read_json(&task->io, path, list)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        *list = ngx_lu_api_organization_default();

        return *list ? NGX_OK : ngx_lu_task_nomem(task);

    default:
        return ngx_lu_task_failed(task);
    }
}


/*
 * The same for a reader: a token that is limited to some apps is told of their
 * organizations alone, or of the one in which it would make such an app.
 */

static ngx_int_t
ngx_lu_api_organization_visible(ngx_lu_call_t *call, cJSON **list)
{
    cJSON             *apps, *item, *next;
    lu_str_t           id;
    ngx_int_t          status;
    const lu_token_t  *token;

    status = ngx_lu_api_organization_read(&call->task, list);

    token = call->token;

    if (status != NGX_OK || token->napps == 0) {
        return status;
    }

    apps = cJSON_CreateObject();

    status = apps ? ngx_lu_api_organization_of_token(call, apps)
                  : ngx_lu_task_nomem(&call->task);

    if (status != NGX_OK) {
        cJSON_Delete(apps);
        cJSON_Delete(*list);
        return status;
    }

    for (item = (*list)->child; item; item = next) {
        next = item->next;

        if (lu_json_string(item, "id", &id) != LU_OK
            || !cJSON_GetObjectItemCaseSensitive(apps, (char *) id.data))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(*list, item));
        }
    }

    cJSON_Delete(apps);

    return NGX_OK;
}


/* Adds the ids of the organizations as members. */

static ngx_int_t
ngx_lu_api_organization_of_token(ngx_lu_call_t *call, cJSON *ids)
{
    cJSON             *app;
    size_t             i;
    lu_put_t           put;
    lu_str_t           own, id;
    ngx_int_t          status;
    ngx_lu_task_t     *task;
    const lu_token_t  *token;

    task = &call->task;
    token = call->token;
    own = task->app;

    lu_put_init(&put);

    for (i = 0; i < token->napps; i++) {

        task->app = token->apps[i];

        status = ngx_lu_app_read(task, &app);

        task->app = own;

        if (status == NGX_HTTP_NOT_FOUND) {
            lu_put_bool(&put, ids, NGX_LU_APP_ORGANIZATION, 1);
        }

        if (status != NGX_OK) {
            continue;
        }

        if (lu_json_string(app, "organizationId", &id) == LU_OK) {
            lu_put_bool(&put, ids, (char *) id.data, 1);
        }

        cJSON_Delete(app);
    }

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


static cJSON *
ngx_lu_api_organization_default(void)
{
    cJSON    *list, *item;
    lu_put_t  put;

    lu_put_init(&put);

    list = cJSON_CreateArray();

    item = lu_put_object(&put, list, NULL);

    lu_put_string(&put, item, "id", NGX_LU_APP_ORGANIZATION);
    lu_put_string(&put, item, "name", "Default");

    return lu_put_done(&put, list);
}


static cJSON *
ngx_lu_api_organization_find(const cJSON *list, const char *id)
{
    cJSON    *item;
    lu_str_t  value;

    cJSON_ArrayForEach(item, list) {
        if (lu_json_string(item, "id", &value) == LU_OK
            && lu_str_is(&value, id))
        {
            return item;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_lu_api_organization_none(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                              "Organization not found.");
}
