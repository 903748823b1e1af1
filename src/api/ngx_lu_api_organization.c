
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
#include "core/lu_name.h"


static ngx_int_t ngx_lu_api_organizations_read(ngx_lu_call_t *call,
    cJSON **organizations);
static ngx_int_t ngx_lu_api_organizations_change(ngx_lu_call_t *call,
    ngx_int_t (*change)(ngx_lu_call_t *call, cJSON *organizations));
static ngx_int_t ngx_lu_api_organization_add(ngx_lu_call_t *call,
    cJSON *organizations);
static ngx_int_t ngx_lu_api_organization_rename(ngx_lu_call_t *call,
    cJSON *organizations);
static ngx_int_t ngx_lu_api_organization_remove(ngx_lu_call_t *call,
    cJSON *organizations);
static ngx_int_t ngx_lu_api_organization_app(
    ngx_lu_task_t *task, cJSON *app, void *data);
static cJSON *ngx_lu_api_organization_find(cJSON *organizations,
    const char *id);


ngx_int_t
ngx_lu_api_organizations_get(ngx_lu_call_t *call)
{
    cJSON      *organizations;
    ngx_int_t   status;
    ngx_uint_t  limit, offset;

    status = ngx_lu_api_organizations_read(call, &organizations);
    if (status != NGX_HTTP_OK) {
        return status;
    }

    ngx_lu_arg_page(call, &limit, &offset);

    for ( /* void */ ; offset && organizations->child; offset--) {
        cJSON_DeleteItemFromArray(organizations, 0);
    }

    while ((ngx_uint_t) cJSON_GetArraySize(organizations) > limit) {
        cJSON_DeleteItemFromArray(organizations, (int) limit);
    }

    call->answer = organizations;

    return NGX_HTTP_OK;
}


ngx_int_t
ngx_lu_api_organizations_post(ngx_lu_call_t *call)
{
    return ngx_lu_api_organizations_change(call, ngx_lu_api_organization_add);
}


ngx_int_t
ngx_lu_api_organization_get(ngx_lu_call_t *call)
{
    cJSON     *organizations, *organization;
    ngx_int_t  status;

    status = ngx_lu_api_organizations_read(call, &organizations);
    if (status != NGX_HTTP_OK) {
        return status;
    }

    organization = ngx_lu_api_organization_find(organizations,
                                                (char *) call->task.id.data);
    if (organization) {
        call->answer = cJSON_DetachItemViaPointer(organizations,
                                                  organization);
    }

    cJSON_Delete(organizations);

    return call->answer ? NGX_HTTP_OK : ngx_lu_api_organization_none(call);
}


ngx_int_t
ngx_lu_api_organization_patch(ngx_lu_call_t *call)
{
    return ngx_lu_api_organizations_change(call,
                                           ngx_lu_api_organization_rename);
}


ngx_int_t
ngx_lu_api_organization_delete(ngx_lu_call_t *call)
{
    return ngx_lu_api_organizations_change(call,
                                           ngx_lu_api_organization_remove);
}


static ngx_int_t
ngx_lu_api_organizations_read(ngx_lu_call_t *call, cJSON **organizations)
{
    cJSON     *item;
    u_char    *path;
    ngx_int_t  rc;

    path = ngx_lu_path(&call->task.io, "%V/organizations.json",
                       &call->task.store->path);

    rc = ngx_lu_file_read_json(&call->task.io, path, organizations);

    if (rc == NGX_OK) {
        return NGX_HTTP_OK;
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    *organizations = cJSON_CreateArray();
    item = cJSON_CreateObject();

    if (*organizations == NULL
        || cJSON_AddStringToObject(item, "id",
                                   NGX_LU_APP_ORGANIZATION)
           == NULL
        || cJSON_AddStringToObject(item, "name", "Default") == NULL
        || !cJSON_AddItemToArray(*organizations, item))
    {
        cJSON_Delete(item);
        cJSON_Delete(*organizations);
        *organizations = NULL;

        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_api_organizations_change(ngx_lu_call_t *call,
    ngx_int_t (*change)(ngx_lu_call_t *call, cJSON *organizations))
{
    cJSON     *organizations;
    u_char    *path;
    ngx_fd_t   lock;
    ngx_int_t  status;

    if (ngx_lu_app_lock_all(&call->task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(&call->task);
    }

    status = ngx_lu_api_organizations_read(call, &organizations);

    if (status != NGX_HTTP_OK) {
        ngx_lu_lock_release(lock);
        return status;
    }

    status = change(call, organizations);

    if (status < NGX_HTTP_SPECIAL_RESPONSE) {

        path = ngx_lu_path(&call->task.io,
                           "%V/organizations.json",
                           &call->task.store->path);

        if (ngx_lu_file_write_json(&call->task.io, call->task.store, path,
                                   organizations)
            != NGX_OK)
        {
            status = ngx_lu_task_failed(&call->task);
        }
    }

    cJSON_Delete(organizations);
    ngx_lu_lock_release(lock);

    return status;
}


static ngx_int_t
ngx_lu_api_organization_add(ngx_lu_call_t *call, cJSON *organizations)
{
    char     *id;
    cJSON    *item;
    lu_str_t  name;

    if (lu_json_string(call->json, "name", &name) != LU_OK
        || !lu_name_label_valid(&name))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "An organization needs a \"name\" of "
                                  "1 to 128 bytes.");
    }

    id = ngx_lu_task_uuid(&call->task);
    item = cJSON_CreateObject();

    if (id == NULL
        || cJSON_AddStringToObject(item, "id", id) == NULL
        || cJSON_AddStringToObject(item, "name", (char *) name.data) == NULL
        || !cJSON_AddItemToArray(organizations, item))
    {
        cJSON_Delete(item);
        return ngx_lu_task_nomem(&call->task);
    }

    call->answer = cJSON_Duplicate(item, 1);

    return call->answer ? NGX_HTTP_CREATED : ngx_lu_task_nomem(&call->task);
}


static ngx_int_t
ngx_lu_api_organization_rename(ngx_lu_call_t *call, cJSON *organizations)
{
    cJSON    *item;
    lu_str_t  name;

    item = ngx_lu_api_organization_find(organizations,
                                        (char *) call->task.id.data);
    if (item == NULL) {
        return ngx_lu_api_organization_none(call);
    }

    if (lu_json_string(call->json, "name", &name) != LU_OK
        || !lu_name_label_valid(&name))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "An organization needs a \"name\" of "
                                  "1 to 128 bytes.");
    }

    if (lu_json_set(item, "name", cJSON_CreateString((char *) name.data))
        != LU_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    call->answer = cJSON_Duplicate(item, 1);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


static ngx_int_t
ngx_lu_api_organization_remove(ngx_lu_call_t *call, cJSON *organizations)
{
    cJSON     *item;
    ngx_int_t  status;

    item = ngx_lu_api_organization_find(organizations,
                                        (char *) call->task.id.data);
    if (item == NULL) {
        return ngx_lu_api_organization_none(call);
    }

    status = ngx_lu_app_each(&call->task,
                             ngx_lu_api_organization_app,
                              call->task.id.data);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(organizations, item));

    return NGX_HTTP_NO_CONTENT;
}


static ngx_int_t
ngx_lu_api_organization_app(ngx_lu_task_t *task, cJSON *app,
    void *data)
{
    lu_str_t  organization;

    if (lu_json_string(app, "organizationId", &organization) == LU_OK
        && lu_str_is(&organization, data))
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The organization still has apps.");
    }

    return NGX_OK;
}


static cJSON *
ngx_lu_api_organization_find(cJSON *organizations, const char *id)
{
    cJSON    *item;
    lu_str_t  value;

    cJSON_ArrayForEach(item, organizations) {
        if (lu_json_string(item, "id", &value) == LU_OK
            && lu_str_is(&value, id))
        {
            return item;
        }
    }

    return NULL;
}


ngx_int_t
ngx_lu_api_organization_check(ngx_lu_call_t *call, const char *id)
{
    cJSON     *organizations, *organization;
    ngx_int_t  status;

    status = ngx_lu_api_organizations_read(call, &organizations);
    if (status != NGX_HTTP_OK) {
        return status;
    }

    organization = ngx_lu_api_organization_find(organizations, id);

    cJSON_Delete(organizations);

    return organization ? NGX_OK : ngx_lu_api_organization_none(call);
}


ngx_int_t
ngx_lu_api_organization_none(ngx_lu_call_t *call)
{
    return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                              "Organization not found.");
}
