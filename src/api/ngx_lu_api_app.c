
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
#include "core/lu_put.h"


/* The apps that a list has. */

typedef struct {
    ngx_lu_call_t           *call;
    ngx_lu_page_t            page;
    char                    *organization;  /* id; NULL: any */
    char                    *name;          /* NULL: any */
    char                    *query;         /* a part of the name; NULL: any */
    cJSON                   *list;
    lu_put_t                 put;
} ngx_lu_api_apps_t;


static ngx_int_t ngx_lu_api_app_list(ngx_lu_api_apps_t *apps);
static ngx_uint_t ngx_lu_api_app_wanted(ngx_lu_api_apps_t *apps,
    const cJSON *app);
static ngx_int_t ngx_lu_api_app_create(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_api_app_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_app_set(ngx_lu_call_t *call, cJSON *app);
static cJSON *ngx_lu_api_app_json(const cJSON *app);


ngx_int_t
ngx_lu_api_apps_get(ngx_lu_call_t *call)
{
    ngx_int_t          status;
    ngx_lu_api_apps_t  apps;

    apps.call = call;

    ngx_lu_arg_page(call, &apps.page);

    status = ngx_lu_arg_after(call, "a", &apps.page);
    if (status != NGX_OK) {
        return status;
    }

    apps.organization = ngx_lu_arg(call, "organizationId");
    apps.name = ngx_lu_arg(call, "name");
    apps.query = ngx_lu_arg(call, "query");

    lu_put_init(&apps.put);

    apps.list = cJSON_CreateArray();

    status = ngx_lu_api_app_list(&apps);

    if (status != NGX_OK) {
        cJSON_Delete(apps.list);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK,
                              lu_put_done(&apps.put, apps.list));
}


/*
 * Without a filter, what is in front of the page need not be read.  A filter
 * may have to read many files for few items, or for none.
 */

static ngx_int_t
ngx_lu_api_app_list(ngx_lu_api_apps_t *apps)
{
    cJSON          *app;
    lu_str_t        id, after;
    ngx_int_t       status;
    ngx_str_t      *name, *last;
    ngx_uint_t      i, all;
    ngx_array_t     names;
    ngx_lu_task_t  *task;

    task = &apps->call->task;

    if (apps->organization && !ngx_lu_api_organization_any(apps->call)) {

        /* all apps are in the one that there is from the beginning */

        if (ngx_strcmp(apps->organization, NGX_LU_APP_ORGANIZATION) != 0) {
            return NGX_OK;
        }

        apps->organization = NULL;
    }

    all = (apps->organization == NULL
           && apps->name == NULL
           && apps->query == NULL);

    status = ngx_lu_app_ids(task, &names);
    if (status != NGX_OK) {
        return status;
    }

    name = names.elts;
    last = NULL;
    after = lu_str(apps->page.after ? apps->page.after : "");

    for (i = 0; i < names.nelts; i++) {

        id = ngx_lu_to_core(&name[i]);

        if (!lu_token_has_app(apps->call->token, &id)
            || lu_str_cmp(&id, &after) <= 0)
        {
            continue;
        }

        if (apps->page.limit == 0 || apps->page.reads == 0) {
            break;
        }

        last = &name[i];

        if (all && apps->page.offset) {

            if (ngx_lu_app_exists(task, &name[i])) {
                (void) ngx_lu_arg_page_take(&apps->page);
            }

            continue;
        }

        apps->page.reads--;

        status = ngx_lu_app_load(task, &name[i], &app);

        if (status == NGX_DECLINED) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        if (ngx_lu_api_app_wanted(apps, app)
            && ngx_lu_arg_page_take(&apps->page))
        {
            lu_put_item(&apps->put, apps->list, NULL, ngx_lu_api_app_json(app));
        }

        cJSON_Delete(app);
    }

    if (i == names.nelts || last == NULL) {
        return NGX_OK;
    }

    return ngx_lu_arg_next(apps->call, 'a', apps->page.offset, last);
}


static ngx_uint_t
ngx_lu_api_app_wanted(ngx_lu_api_apps_t *apps, const cJSON *app)
{
    lu_str_t  name, organization;

    if (lu_json_string(app, "name", &name) != LU_OK
        || lu_json_string(app, "organizationId", &organization) != LU_OK)
    {
        return 0;
    }

    return !((apps->organization
              && !lu_str_is(&organization, apps->organization))
             || (apps->name && !lu_str_is(&name, apps->name))
             || (apps->query
                 && strstr((char *) name.data, apps->query) == NULL));
}


ngx_int_t
ngx_lu_api_apps_post(ngx_lu_call_t *call)
{
    char           *id, *channel, *organization;
    cJSON          *app;
    lu_rc_e         rc;
    lu_str_t        name, value;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (lu_json_string(call->json, "name", &name) != LU_OK
        || !lu_name_label_valid(&name))
    {
        return ngx_lu_task_refuse(task, 422,
                                  "An app needs a \"name\" of 1 to 128 bytes.");
    }

    /* an app that moves here keeps the id that its devices know */

    rc = lu_json_string(call->json, "id", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_name_id_valid(&value))) {
        return ngx_lu_task_refuse(task, 422,
                                  "An \"id\" consists of 1 to 64 letters, "
                                  "digits, \"-\" and \"_\".");
    }

    id = (rc == LU_OK) ? (char *) value.data : ngx_lu_task_uuid(task);

    /* the organization of the body is checked where it is set */

    organization = ngx_lu_arg(call, "organizationId");

    if (organization) {
        status = ngx_lu_api_organization_check(call, organization);
        if (status != NGX_OK) {
            return status;
        }

    } else {
        organization = NGX_LU_APP_ORGANIZATION;
    }

    channel = ngx_lu_task_uuid(task);

    if (id == NULL || channel == NULL) {
        return ngx_lu_task_nomem(task);
    }

    app = lu_change_app_create(id, (char *) name.data, "capacitor",
                               organization, channel, NGX_LU_APP_CHANNEL,
                               task->now);
    if (app == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_app_set(call, app);

    if (status == NGX_OK) {
        status = ngx_lu_api_app_create(call, app);
    }

    cJSON_Delete(app);

    return status;
}


static ngx_int_t
ngx_lu_api_app_create(ngx_lu_call_t *call, cJSON *app)
{
    lu_str_t   id;
    ngx_int_t  status;

    if (lu_json_string(app, "id", &id) != LU_OK
        || !lu_token_has_app(call->token, &id))
    {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_FORBIDDEN,
                                  "This token is not for this app.");
    }

    status = ngx_lu_app_create(&call->task, app);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_CREATED, ngx_lu_api_app_json(app));
}


ngx_int_t
ngx_lu_api_app_get(ngx_lu_call_t *call)
{
    cJSON     *app, *json;
    double     generation;
    lu_put_t   put;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    /* "expect" of a change is compared with it */

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    json = ngx_lu_api_app_json(app);

    cJSON_Delete(app);

    lu_put_init(&put);
    lu_put_number(&put, json, "generation", generation);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_api_app_patch(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_app_change, NULL, call);
}


static ngx_int_t
ngx_lu_api_app_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t  status;

    task->change = "app.update";
    task->subject = (char *) task->app.data;

    status = ngx_lu_api_app_set(call, app);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, ngx_lu_api_app_json(app));
}


static ngx_int_t
ngx_lu_api_app_set(ngx_lu_call_t *call, cJSON *app)
{
    lu_rc_e         rc;
    lu_str_t        organization;
    ngx_lu_task_t  *task;

    task = &call->task;

    rc = lu_change_app_update(app, call->json, task->now, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
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
    cJSON      *json;
    lu_put_t    put;
    ngx_uint_t  i;

    static const char  *members[] = {
        "id", "name", "type", "organizationId", "appChannelId",
        "appChannelDiscoveryEnabled", "nextBuildNumber", "createdAt",
        "updatedAt", "freezes", "minimumVersion", "guard", NULL
    };

    lu_put_init(&put);

    json = cJSON_CreateObject();

    for (i = 0; members[i]; i++) {
        lu_put_copy(&put, json, members[i], app, members[i]);
    }

    lu_put_null(&put, json, "appEnvironmentId");

    return lu_put_done(&put, json);
}
