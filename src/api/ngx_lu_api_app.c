
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_app.h"
#include "ngx_lu_api_organization.h"
#include "ngx_lu_arg.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_task.h"

#include "core/lu_change.h"
#include "core/lu_json.h"
#include "core/lu_name.h"


static ngx_int_t ngx_lu_api_app_list(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_app_add(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_api_app_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_app_set(ngx_lu_call_t *call, cJSON *app);
static cJSON *ngx_lu_api_app_json(const cJSON *app);


typedef struct {
    ngx_lu_call_t  *call;
    ngx_uint_t   limit;
    ngx_uint_t   offset;
    char        *organization;
    char        *name;
    char        *query;
} ngx_lu_apps_page_t;


ngx_int_t
ngx_lu_api_apps_get(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_lu_apps_page_t  page;

    page.call = call;

    ngx_lu_arg_page(call, &page.limit, &page.offset);

    page.organization = ngx_lu_arg(call, "organizationId");
    page.name = ngx_lu_arg(call, "name");
    page.query = ngx_lu_arg(call, "query");

    call->answer = cJSON_CreateArray();
    if (call->answer == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_app_each(&call->task, ngx_lu_api_app_list, &page);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


static ngx_int_t
ngx_lu_api_app_list(ngx_lu_task_t *task, cJSON *app,
    void *data)
{
    ngx_lu_apps_page_t *page = data;

    cJSON          *item;
    lu_str_t        id, name, organization;
    ngx_lu_call_t  *call;

    call = page->call;

    if (lu_json_string(app, "id", &id) != LU_OK
        || lu_json_string(app, "name", &name) != LU_OK
        || lu_json_string(app, "organizationId", &organization) != LU_OK)
    {
        return NGX_OK;
    }

    if (!lu_token_has_app(call->token, &id)
        || (page->organization
            && !lu_str_is(&organization, page->organization))
        || (page->name && !lu_str_is(&name, page->name))
        || (page->query && strstr((char *) name.data, page->query) == NULL))
    {
        return NGX_OK;
    }

    if (page->offset) {
        page->offset--;
        return NGX_OK;
    }

    if (page->limit == 0) {
        return NGX_OK;
    }

    page->limit--;

    item = ngx_lu_api_app_json(app);

    if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
        cJSON_Delete(item);
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_apps_post(ngx_lu_call_t *call)
{
    char      *id, *channel, *organization;
    cJSON     *app;
    lu_rc_e    rc;
    lu_str_t   name, value;
    ngx_int_t  status;

    if (lu_json_string(call->json, "name", &name) != LU_OK
        || !lu_name_label_valid(&name))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "An app needs a \"name\" of 1 to 128 "
                                  "bytes.");
    }

    /* an app that moves here keeps the id that its devices know */

    id = NULL;
    rc = lu_json_string(call->json, "id", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_name_id_valid(&value))) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "An \"id\" consists of 1 to 64 "
                                  "letters, digits, \"-\" and \"_\".");
    }

    if (rc == LU_OK) {
        id = (char *) value.data;

    } else {
        id = ngx_lu_task_uuid(&call->task);
    }

    /* the one in the body is checked where it is set */

    organization = ngx_lu_arg(call, "organizationId");

    if (organization) {
        status = ngx_lu_api_organization_check(call, organization);
        if (status != NGX_OK) {
            return status;
        }

    } else {
        organization = NGX_LU_APP_ORGANIZATION;
    }

    channel = ngx_lu_task_uuid(&call->task);

    if (id == NULL || channel == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    app = lu_change_app_create(id, (char *) name.data, "capacitor",
                               organization,
                               channel, NGX_LU_APP_CHANNEL, call->task.now);
    if (app == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_api_app_set(call, app);

    if (status == NGX_OK) {
        status = ngx_lu_api_app_add(call, app);
    }

    cJSON_Delete(app);

    return status;
}


static ngx_int_t
ngx_lu_api_app_add(ngx_lu_call_t *call, cJSON *app)
{
    lu_str_t   id;
    ngx_int_t  status;

    (void) lu_json_string(app, "id", &id);

    if (!lu_token_has_app(call->token, &id)) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_FORBIDDEN,
                                  "This token is not for this app.");
    }

    status = ngx_lu_app_create(&call->task, app);
    if (status != NGX_OK) {
        return status;
    }

    call->answer = ngx_lu_api_app_json(app);

    return call->answer ? NGX_HTTP_CREATED : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_api_app_get(ngx_lu_call_t *call)
{
    cJSON     *app;
    double     generation;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    call->answer = ngx_lu_api_app_json(app);

    cJSON_Delete(app);

    /* what "expect" is compared with */

    return cJSON_AddNumberToObject(call->answer, "generation", generation)
           ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_api_app_patch(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_app_change, NULL, call);
}


static ngx_int_t
ngx_lu_api_app_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t  status;

    call->task.change = "app.update";
    call->task.subject = (char *) call->task.app.data;

    status = ngx_lu_api_app_set(call, app);
    if (status != NGX_OK) {
        return status;
    }

    call->answer = ngx_lu_api_app_json(app);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


static ngx_int_t
ngx_lu_api_app_set(ngx_lu_call_t *call, cJSON *app)
{
    lu_rc_e   rc;
    lu_str_t  organization;

    rc = lu_change_app_update(app, call->json, call->task.now,
                              &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    if (lu_json_string(call->json, "organizationId", &organization) != LU_OK) {
        return NGX_OK;
    }

    return ngx_lu_api_organization_check(call, (char *) organization.data);
}


ngx_int_t
ngx_lu_api_app_delete(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    status = ngx_lu_app_delete(&call->task);

    return status == NGX_OK ? NGX_HTTP_NO_CONTENT : status;
}


static cJSON *
ngx_lu_api_app_json(const cJSON *app)
{
    cJSON        *json, *copy;
    ngx_uint_t    i;
    const cJSON  *item;

    static const char  *members[] = {
        "id", "name", "type", "organizationId", "appChannelId",
        "appChannelDiscoveryEnabled", "nextBuildNumber", "createdAt",
        "updatedAt", NULL
    };

    json = cJSON_CreateObject();
    if (json == NULL) {
        return NULL;
    }

    for (i = 0; members[i]; i++) {
        item = cJSON_GetObjectItemCaseSensitive(app, members[i]);
        if (item == NULL) {
            continue;
        }

        copy = cJSON_Duplicate(item, 1);

        if (copy == NULL || !cJSON_AddItemToObject(json, members[i], copy)) {
            cJSON_Delete(copy);
            cJSON_Delete(json);
            return NULL;
        }
    }

    if (cJSON_AddNullToObject(json, "appEnvironmentId") == NULL) {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}
