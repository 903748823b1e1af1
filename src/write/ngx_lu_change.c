
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "api/ngx_lu_call.h"
#include "zone/ngx_lu_zone.h"


ngx_int_t
ngx_lu_change(ngx_lu_call_t *call, ngx_lu_change_pt change)
{
    u_char    *path, *folder;
    cJSON     *app, *item;
    double     generation, expect;
    ngx_fd_t   lock;
    ngx_int_t  status, rc;
    ngx_str_t  id;
    lu_rc_e    expected;

    status = ngx_lu_app_lock(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_app_read(call, &app);

    if (status != NGX_OK) {
        ngx_lu_store_unlock(lock);
        return status;
    }

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    expected = call->json
               ? lu_json_number(call->json, "expect", &expect)
               : LU_NOT_FOUND;

    if (expected == LU_INVALID) {
        status = ngx_lu_refuse(call, 422, "\"expect\" must be a number.");
        goto done;
    }

    if (expected == LU_OK && expect != generation) {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "The app was changed meanwhile: it has another "
                               "generation than \"expect\" says.");
        goto done;
    }

    status = change(call, app);

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        goto done;
    }

    generation++;

    item = cJSON_GetObjectItemCaseSensitive(app, "generation");

    if (item) {
        cJSON_SetNumberValue(item, generation);

    } else if (cJSON_AddNumberToObject(app, "generation", generation) == NULL)
    {
        status = ngx_lu_nomem(call);
        goto done;
    }

    folder = ngx_lu_path(call->io.pool, "%V/apps/%s", &call->store->path,
                         call->route.app.data);

    if (ngx_lu_audit(call, folder, generation) != NGX_OK) {
        status = ngx_lu_failed(call);
        goto done;
    }

    path = ngx_lu_path(call->io.pool, "%s/app.json", folder);

    if (ngx_lu_store_write_json(&call->io, call->store, path, app) != NGX_OK) {
        status = ngx_lu_failed(call);
    }

    /*
     * also when only the last sync has failed: the file is there by then,
     * and no two workers are to tell different things
     */

    id.len = call->route.app.len;
    id.data = call->route.app.data;

    (void) ngx_atomic_fetch_add(ngx_lu_zone_generation(call->store, &id), 1);

    if (status < NGX_HTTP_SPECIAL_RESPONSE && call->finish) {
        rc = call->finish(call);

        if (rc != NGX_OK) {
            status = rc;
        }
    }

done:

    cJSON_Delete(app);
    ngx_lu_store_unlock(lock);

    return status;
}


ngx_int_t
ngx_lu_app_lock(ngx_lu_call_t *call, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%V/apps/%s/lock", &call->store->path,
                       call->route.app.data);

    switch (ngx_lu_store_lock(&call->io, path, lock)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "App not found.");
    default:
        return ngx_lu_failed(call);
    }
}


ngx_int_t
ngx_lu_app_read(ngx_lu_call_t *call, cJSON **app)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%V/apps/%s/app.json",
                       &call->store->path, call->route.app.data);

    switch (ngx_lu_store_read_json(&call->io, path, app)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "App not found.");
    default:
        return ngx_lu_failed(call);
    }
}


ngx_uint_t
ngx_lu_is_desktop(const cJSON *release)
{
    lu_str_t  kind;

    return lu_json_string(release, "kind", &kind) == LU_OK
           && lu_str_is(&kind, "desktop");
}


ngx_int_t
ngx_lu_release_read(ngx_lu_call_t *call, const char *id, cJSON **release,
    u_char **folder)
{
    u_char      *path;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const char  *places[] = { "live", "staging", "live" };

    /* between two looks it may go from staging to live */

    for (i = 0; i < 3; i++) {

        *folder = ngx_lu_path(call->io.pool, "%V/%s/%s/%s", &call->store->path,
                              places[i], call->route.app.data, id);
        path = ngx_lu_path(call->io.pool, "%s/release.json", *folder);

        rc = ngx_lu_store_read_json(&call->io, path, release);

        if (rc == NGX_ERROR) {
            return ngx_lu_failed(call);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        /* to the Capawesome API a desktop release is none of its bundles */

        if (call->route.resource < LU_ROUTE_RELEASES
            && ngx_lu_is_desktop(*release))
        {
            cJSON_Delete(*release);
            break;
        }

        return NGX_OK;
    }

    return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                         call->route.resource < LU_ROUTE_RELEASES
                         ? "Bundle not found." : "Release not found.");
}
