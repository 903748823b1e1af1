
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"
#include "zone/ngx_lu_zone.h"

#include "core/lu_change.h"
#include "core/lu_name.h"


#define NGX_LU_CHANNEL  "default"


static ngx_int_t ngx_lu_app_list(ngx_lu_call_t *call, cJSON *app, void *data);
static ngx_int_t ngx_lu_app_add(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_app_write(ngx_lu_call_t *call, cJSON *app,
    lu_str_t *id);
static ngx_int_t ngx_lu_app_change(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_app_set(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_app_remove(ngx_lu_call_t *call, ngx_uint_t *found);
static cJSON *ngx_lu_app_json(const cJSON *app);


typedef struct {
    ngx_uint_t   limit;
    ngx_uint_t   offset;
    char        *organization;
    char        *name;
    char        *query;
} ngx_lu_apps_page_t;


ngx_int_t
ngx_lu_apps_get(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_lu_apps_page_t  page;

    ngx_lu_page(call, &page.limit, &page.offset);

    page.organization = ngx_lu_arg(call, "organizationId");
    page.name = ngx_lu_arg(call, "name");
    page.query = ngx_lu_arg(call, "query");

    call->answer = cJSON_CreateArray();
    if (call->answer == NULL) {
        return ngx_lu_nomem(call);
    }

    status = ngx_lu_apps_each(call, ngx_lu_app_list, &page);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


static ngx_int_t
ngx_lu_app_list(ngx_lu_call_t *call, cJSON *app, void *data)
{
    ngx_lu_apps_page_t *page = data;

    cJSON    *item;
    lu_str_t  id, name, organization;

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

    item = ngx_lu_app_json(app);

    if (item == NULL || !cJSON_AddItemToArray(call->answer, item)) {
        cJSON_Delete(item);
        return ngx_lu_nomem(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_apps_each(ngx_lu_call_t *call,
    ngx_int_t (*handler)(ngx_lu_call_t *call, cJSON *app, void *data),
    void *data)
{
    cJSON        *app;
    u_char       *path;
    ngx_int_t     rc, status;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    path = ngx_lu_path(call->io.pool, "%V/apps", &call->store->path);

    if (ngx_lu_store_list(&call->io, path, &names) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path(call->io.pool, "%V/apps/%V/app.json",
                           &call->store->path, &name[i]);

        rc = ngx_lu_store_read_json(&call->io, path, &app);

        if (rc == NGX_ERROR) {
            return ngx_lu_failed(call);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        status = handler(call, app, data);

        cJSON_Delete(app);

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_apps_post(ngx_lu_call_t *call)
{
    char      *id, *channel, *organization;
    cJSON     *app;
    ngx_int_t  status;
    lu_rc_e    rc;
    lu_str_t   name, value;

    if (lu_json_string(call->json, "name", &name) != LU_OK
        || !lu_name_label_valid(&name))
    {
        return ngx_lu_refuse(call, 422, "An app needs a \"name\" of 1 to 128 "
                             "bytes.");
    }

    /* an app that moves here keeps the id that its devices know */

    id = NULL;
    rc = lu_json_string(call->json, "id", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_name_id_valid(&value))) {
        return ngx_lu_refuse(call, 422, "An \"id\" consists of 1 to 64 "
                             "letters, digits, \"-\" and \"_\".");
    }

    if (rc == LU_OK) {
        id = (char *) value.data;

    } else {
        id = ngx_lu_uuid(call);
    }

    /* the one in the body is checked where it is set */

    organization = ngx_lu_arg(call, "organizationId");

    if (organization) {
        status = ngx_lu_organization_check(call, organization);
        if (status != NGX_OK) {
            return status;
        }

    } else {
        organization = NGX_LU_ORGANIZATION;
    }

    channel = ngx_lu_uuid(call);

    if (id == NULL || channel == NULL) {
        return ngx_lu_nomem(call);
    }

    app = lu_change_app_create(id, (char *) name.data, "capacitor",
                               organization,
                               channel, NGX_LU_CHANNEL, call->now);
    if (app == NULL) {
        return ngx_lu_nomem(call);
    }

    status = ngx_lu_app_set(call, app);

    if (status == NGX_OK) {
        status = ngx_lu_app_add(call, app);
    }

    cJSON_Delete(app);

    return status;
}


/* The app is there when its app.json is; folders alone are of a crash. */

static ngx_int_t
ngx_lu_app_add(ngx_lu_call_t *call, cJSON *app)
{
    ngx_fd_t   lock;
    ngx_int_t  status;
    ngx_str_t  app_id;
    lu_str_t   id;

    (void) lu_json_string(app, "id", &id);

    if (!lu_token_has_app(call->token, &id)) {
        return ngx_lu_refuse(call, NGX_HTTP_FORBIDDEN,
                             "This token is not for this app.");
    }

    if (ngx_lu_apps_lock(call, &lock) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    status = ngx_lu_app_write(call, app, &id);

    ngx_lu_store_unlock(lock);

    app_id.len = id.len;
    app_id.data = id.data;

    (void) ngx_atomic_fetch_add(ngx_lu_zone_generation(call->store, &app_id),
                                1);

    if (status != NGX_OK) {
        return status;
    }

    call->answer = ngx_lu_app_json(app);

    return call->answer ? NGX_HTTP_CREATED : ngx_lu_nomem(call);
}


static ngx_int_t
ngx_lu_app_write(ngx_lu_call_t *call, cJSON *app, lu_str_t *id)
{
    u_char           *path, *folder;
    ngx_int_t         rc;
    ngx_str_t         text;
    ngx_uint_t        i;
    ngx_file_info_t   fi;

    static const char  *folders[] = { "live", "staging", "apps", NULL };

    path = ngx_lu_path(call->io.pool, "%V/apps/%s/app.json",
                       &call->store->path, id->data);

    rc = ngx_lu_store_read(&call->io, path, &text, &fi);

    if (rc == NGX_OK) {
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "An app with this id exists.");
    }

    /* what an app that was deleted has left is none of this one's */

    if (rc != NGX_ERROR) {
        path = ngx_lu_path(call->io.pool, "%V/feed/%s", &call->store->path,
                           id->data);
        rc = ngx_lu_store_remove_tree(&call->io, call->store, path);
    }

    for (i = 0; folders[i] && rc != NGX_ERROR; i++) {
        path = ngx_lu_path(call->io.pool, "%V/%s/%s", &call->store->path,
                           folders[i], id->data);
        rc = ngx_lu_store_remove_tree(&call->io, call->store, path);

        if (rc != NGX_ERROR) {
            rc = ngx_lu_store_mkdir(&call->io, path);
        }
    }

    folder = ngx_lu_path(call->io.pool, "%V/apps/%s", &call->store->path,
                         id->data);
    path = ngx_lu_path(call->io.pool, "%s/app.json", folder);

    /* the log tells of it when the tree is gone */

    call->route.app.len = id->len;
    call->route.app.data = ngx_lu_path(call->io.pool, "%s", id->data);
    call->change = "app.create";
    call->subject = (char *) call->route.app.data;

    if (rc == NGX_ERROR
        || ngx_lu_audit(call, folder, 0) != NGX_OK
        || ngx_lu_store_write_json(&call->io, call->store, path,
                                   app)
           != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


/* Who announces a release does not have to make the app first. */

ngx_int_t
ngx_lu_app_ensure(ngx_lu_call_t *call, const char *name)
{
    char       *channel;
    cJSON      *app;
    u_char     *path;
    ngx_fd_t    lock;
    ngx_int_t   status;
    ngx_str_t   id;

    path = ngx_lu_path(call->io.pool, "%V/apps/%s/app.json",
                       &call->store->path, call->route.app.data);
    channel = ngx_lu_uuid(call);

    if (path == NULL || channel == NULL) {
        return ngx_lu_nomem(call);
    }

    if (ngx_lu_apps_lock(call, &lock) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    if (access((char *) path, F_OK) == 0) {
        ngx_lu_store_unlock(lock);
        return NGX_OK;
    }

    app = lu_change_app_create((char *) call->route.app.data, name, "electron",
                               NGX_LU_ORGANIZATION, channel, NGX_LU_CHANNEL,
                               call->now);

    status = app ? ngx_lu_app_write(call, app, &call->route.app)
                 : ngx_lu_nomem(call);

    cJSON_Delete(app);

    ngx_lu_store_unlock(lock);

    id.len = call->route.app.len;
    id.data = call->route.app.data;

    (void) ngx_atomic_fetch_add(ngx_lu_zone_generation(call->store, &id), 1);

    return status;
}


ngx_int_t
ngx_lu_app_get(ngx_lu_call_t *call)
{
    cJSON      *app;
    double      generation;
    ngx_int_t   status;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    call->answer = ngx_lu_app_json(app);

    cJSON_Delete(app);

    /* what "expect" is compared with */

    return cJSON_AddNumberToObject(call->answer, "generation", generation)
           ? NGX_HTTP_OK : ngx_lu_nomem(call);
}


ngx_int_t
ngx_lu_app_patch(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_app_change);
}


static ngx_int_t
ngx_lu_app_change(ngx_lu_call_t *call, cJSON *app)
{
    ngx_int_t  status;

    call->change = "app.update";
    call->subject = (char *) call->route.app.data;

    status = ngx_lu_app_set(call, app);
    if (status != NGX_OK) {
        return status;
    }

    call->answer = ngx_lu_app_json(app);

    return call->answer ? NGX_HTTP_OK : ngx_lu_nomem(call);
}


static ngx_int_t
ngx_lu_app_set(ngx_lu_call_t *call, cJSON *app)
{
    ngx_int_t  status;
    lu_str_t   organization;

    status = ngx_lu_core_status(call,
                                lu_change_app_update(app, call->json, call->now,
                                                     &call->error));
    if (status != NGX_OK) {
        return status;
    }

    if (lu_json_string(call->json, "organizationId", &organization) != LU_OK) {
        return NGX_OK;
    }

    return ngx_lu_organization_check(call, (char *) organization.data);
}


/*
 * First what names the app, so that nobody is told of what is about to go;
 * a call that was cut short can be repeated until all is gone.
 */

ngx_int_t
ngx_lu_app_delete(ngx_lu_call_t *call)
{
    u_char      *store;
    ngx_fd_t     all, lock;
    ngx_int_t    status;
    ngx_uint_t   found;

    store = ngx_lu_path(call->io.pool, "%V",
                        &call->store->path);
    if (store == NULL) {
        return ngx_lu_nomem(call);
    }

    if (ngx_lu_apps_lock(call, &all) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    /* who waits for the app's lock finds no app behind it */

    status = ngx_lu_app_lock(call, &lock);

    call->change = "app.delete";
    call->subject = (char *) call->route.app.data;

    if (status == NGX_OK) {
        found = 1;

        /* the app's own log goes with it */

        status = (ngx_lu_audit(call, store, 0) == NGX_OK)
                 ? ngx_lu_app_remove(call, &found)
                 : ngx_lu_failed(call);

        ngx_lu_store_unlock(lock);

    } else if (status == NGX_HTTP_NOT_FOUND) {
        found = 0;
        status = ngx_lu_app_remove(call, &found);
    }

    ngx_lu_store_unlock(all);

    if (status != NGX_OK) {
        return status;
    }

    return found ? NGX_HTTP_NO_CONTENT
                 : ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "App not found.");
}


static ngx_int_t
ngx_lu_app_remove(ngx_lu_call_t *call, ngx_uint_t *found)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_str_t    id;
    ngx_uint_t   i;

    static const char  *folders[] = {
        "apps", "feed", "live", "staging", NULL
    };

    id.len = call->route.app.len;
    id.data = call->route.app.data;

    for (i = 0; folders[i]; i++) {
        path = ngx_lu_path(call->io.pool, "%V/%s/%V", &call->store->path,
                           folders[i], &id);

        rc = ngx_lu_store_remove_tree(&call->io, call->store, path);
        if (i == 0) {
            (void) ngx_atomic_fetch_add(ngx_lu_zone_generation(call->store,
                                                               &id),
                                        1);
        }

        if (rc == NGX_ERROR) {
            return ngx_lu_failed(call);
        }

        if (rc == NGX_OK) {
            *found = 1;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_apps_lock(ngx_lu_call_t *call,
    ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%V/apps/.lock", &call->store->path);

    return ngx_lu_store_lock(&call->io, path, lock);
}


static cJSON *
ngx_lu_app_json(const cJSON *app)
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
