
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"

#include "core/lu_builds.h"


static ngx_int_t ngx_lu_rules_change(ngx_lu_call_t *call, cJSON *app);


ngx_int_t
ngx_lu_rules_get(ngx_lu_call_t *call)
{
    cJSON      *app, *releases;
    ngx_int_t   status;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    releases = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    call->answer = releases ? cJSON_Duplicate(releases, 1)
                            : cJSON_CreateObject();
    cJSON_Delete(app);

    return call->answer ? NGX_HTTP_OK : ngx_lu_nomem(call);
}


ngx_int_t
ngx_lu_rules_put(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_rules_change);
}


static ngx_int_t
ngx_lu_rules_change(ngx_lu_call_t *call, cJSON *app)
{
    ngx_int_t   status;
    lu_arena_t  arena;

    call->change = "rules.update";
    call->subject = (char *) call->route.app.data;

    arena = ngx_lu_arena(call->io.pool);

    status = ngx_lu_core_status(call,
                                lu_builds_set_rules(app, call->json, &arena,
                                                    &call->error));
    if (status != NGX_OK) {
        return status;
    }

    call->answer = cJSON_Duplicate(
                     cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                     1);

    return call->answer ? NGX_HTTP_OK : ngx_lu_nomem(call);
}
