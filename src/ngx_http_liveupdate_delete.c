
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Releases that go.  First nobody is told of one any more, then its files go;
 * a call that was cut short can be repeated.
 */


#include "ngx_http_liveupdate.h"


static ngx_int_t ngx_http_liveupdate_bundle_forget(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_release_forget(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_desktop_remove(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_release_remove(
    ngx_http_liveupdate_call_t *call);


ngx_int_t
ngx_http_liveupdate_bundle_delete(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_release_change(call,
                                           ngx_http_liveupdate_bundle_forget);
}


static ngx_int_t
ngx_http_liveupdate_bundle_forget(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    cJSON      *release;
    u_char     *folder;
    ngx_int_t   status;

    call->change = "bundle.delete";
    call->subject = (char *) call->route.id.data;

    status = ngx_http_liveupdate_release_read(call, call->subject, &release,
                                              &folder);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(release);

    liveupdate_release_delete(app, call->subject);

    call->finish = ngx_http_liveupdate_release_remove;

    return NGX_HTTP_NO_CONTENT;
}


/* What is released or waits is decided about first, so that it is known why. */

ngx_int_t
ngx_http_liveupdate_release_delete(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_release_change(call,
                                          ngx_http_liveupdate_release_forget);
}


static ngx_int_t
ngx_http_liveupdate_release_forget(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    cJSON             *release;
    u_char            *folder;
    ngx_int_t          status;
    ngx_uint_t         is_live;
    const char        *state;
    liveupdate_str_t   kind;

    call->change = "release.delete";
    call->subject = (char *) call->route.id.data;

    status = ngx_http_liveupdate_release_read(call, call->subject, &release,
                                              &folder);
    if (status != NGX_OK) {
        return status;
    }

    is_live = ngx_http_liveupdate_release_is_live(call, folder);
    state = ngx_http_liveupdate_release_state(app, release,
                                              is_live ? "live" : "staging");

    (void) liveupdate_json_string(release, "kind", &kind);

    if (ngx_strcmp(state, "withdrawn") == 0
        || ngx_strcmp(state, "rejected") == 0
        || ngx_strcmp(state, "failed") == 0)
    {
        call->finish = is_live && liveupdate_str_is(&kind, "desktop")
                       ? ngx_http_liveupdate_desktop_remove
                       : ngx_http_liveupdate_release_remove;

        status = NGX_HTTP_NO_CONTENT;

    } else {
        status = ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                            "Only a release that is "
                                            "withdrawn, rejected or failed "
                                            "can be deleted.");
    }

    cJSON_Delete(release);

    return status;
}


/* A crash may have left files in the feed when it was withdrawn. */

static ngx_int_t
ngx_http_liveupdate_desktop_remove(ngx_http_liveupdate_call_t *call)
{
    ngx_int_t  status;

    status = ngx_http_liveupdate_desktop_withdraw(call);

    return status == NGX_OK ? ngx_http_liveupdate_release_remove(call)
                            : status;
}


static ngx_int_t
ngx_http_liveupdate_release_remove(ngx_http_liveupdate_call_t *call)
{
    u_char      *path;
    ngx_uint_t   i;

    static const char  *places[] = { "live", "staging", NULL };

    for (i = 0; places[i]; i++) {
        path = ngx_http_liveupdate_path(call->io.pool, "%V/%s/%s/%s",
                                        &call->store->path, places[i],
                                        call->route.app.data,
                                        call->route.id.data);

        if (ngx_http_liveupdate_store_remove_tree(&call->io, call->store,
                                                  path)
            == NGX_ERROR)
        {
            return ngx_http_liveupdate_failed(call);
        }
    }

    return NGX_OK;
}
