
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Releases that go.  First nobody is told of one any more, then its files go;
 * a call that was cut short can be repeated.
 */


#include "ngx_lu_api.h"
#include "write/ngx_lu_release.h"

#include "core/lu_change.h"


static ngx_int_t ngx_lu_bundle_forget(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_release_forget(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_desktop_remove(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_release_remove(ngx_lu_call_t *call);


ngx_int_t
ngx_lu_bundle_delete(ngx_lu_call_t *call)
{
    return ngx_lu_release_change(call, ngx_lu_bundle_forget);
}


static ngx_int_t
ngx_lu_bundle_forget(ngx_lu_call_t *call,
    cJSON *app)
{
    cJSON      *release;
    u_char     *folder;
    ngx_int_t   status;

    call->change = "bundle.delete";
    call->subject = (char *) call->route.id.data;

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(release);

    /* without it a protected channel would be rolled back */

    if (ngx_lu_app_protected(call, app, call->subject)) {
        return ngx_lu_refuse_protected(call);
    }

    lu_change_release_remove(app, call->subject);

    call->data = folder;
    call->finish = ngx_lu_release_remove;

    return NGX_HTTP_NO_CONTENT;
}


/*
 * What is released or waits is decided about first, so that it is known why.
 * A job that is still at work would go on with the next release of this id.
 */

ngx_int_t
ngx_lu_release_delete(ngx_lu_call_t *call)
{
    ngx_fd_t   claim;
    ngx_int_t  status;

    call->subject = (char *) call->route.id.data;

    switch (ngx_lu_store_try_lock(&call->io, ngx_lu_job_path(call), &claim)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        claim = NGX_INVALID_FILE;
        break;

    case NGX_BUSY:
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "A job is at work with the "
                             "release: reject it, or try again "
                             "in a moment.");
    default:
        return ngx_lu_failed(call);
    }

    status = ngx_lu_release_change(call, ngx_lu_release_forget);

    ngx_lu_store_unlock(claim);

    return status;
}


static ngx_int_t
ngx_lu_release_forget(ngx_lu_call_t *call,
    cJSON *app)
{
    cJSON       *release;
    u_char      *folder;
    ngx_int_t    status;
    const char  *state;
    lu_str_t     kind;

    call->change = "release.delete";

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_lu_release_state(app, release,
                                 ngx_lu_release_is_live(call, folder)
                                 ? "live" : "staging");

    (void) lu_json_string(release, "kind", &kind);

    if (ngx_strcmp(state, "withdrawn") == 0
        || ngx_strcmp(state, "rejected") == 0
        || ngx_strcmp(state, "failed") == 0)
    {
        call->data = folder;
        call->finish = lu_str_is(&kind, "desktop")
                       ? ngx_lu_desktop_remove
                       : ngx_lu_release_remove;

        status = NGX_HTTP_NO_CONTENT;

    } else {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "Only a release that is withdrawn, rejected or "
                               "failed can be deleted.");
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_lu_desktop_remove(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    if (ngx_lu_release_is_live(call, call->data)) {

        /* a crash may have left files in the feed when it was withdrawn */

        status = ngx_lu_desktop_withdraw(call);
        if (status != NGX_OK) {
            return status;
        }

    } else if (ngx_lu_store_unlink(&call->io, ngx_lu_job_path(call))
               == NGX_ERROR)
    {
        return ngx_lu_failed(call);
    }

    return ngx_lu_release_remove(call);
}


static ngx_int_t
ngx_lu_release_remove(ngx_lu_call_t *call)
{
    return ngx_lu_store_remove_tree(&call->io, call->store,
                                    call->data)
           == NGX_ERROR
           ? ngx_lu_failed(call) : NGX_OK;
}
