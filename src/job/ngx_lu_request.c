
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Who asks for a build: what is answered is on the disk, the rest is a job's.
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_job.h"


static ngx_int_t ngx_lu_request_platforms(ngx_lu_call_t *call, cJSON *release);
static ngx_int_t ngx_lu_request_live(ngx_lu_call_t *call,
    const cJSON *release);
static ngx_int_t ngx_lu_request_now(ngx_lu_call_t *call, u_char *folder,
    cJSON *is);
static ngx_int_t ngx_lu_request_write(ngx_lu_call_t *call, u_char *folder,
    cJSON *release);
static ngx_int_t ngx_lu_request_job(ngx_lu_call_t *call, const char *state);
static ngx_int_t ngx_lu_request_done(ngx_lu_call_t *call, const char *state);


ngx_int_t
ngx_lu_release_fetch_post(ngx_lu_call_t *call)
{
    cJSON      *release, *info;
    ngx_int_t   status;

    if (call->store->jobs == NULL) {
        return ngx_lu_refuse(call, 422, "This server fetches nothing: "
                             "\"liveupdate_fetch\" is not configured.");
    }

    status = ngx_lu_app_ensure(call, (char *) call->route.app.data);
    if (status != NGX_OK) {
        return status;
    }

    release = ngx_lu_request_release(call);
    info = cJSON_AddObjectToObject(release, "releaseInfo");

    if (cJSON_AddStringToObject(info, "latestReleaseBuildId",
                                (char *) call->route.id.data)
        == NULL)
    {
        cJSON_Delete(release);
        return ngx_lu_nomem(call);
    }

    status = ngx_lu_request_platforms(call, release);

    if (status == NGX_OK) {
        status = ngx_lu_request(call, release);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_lu_request_platforms(ngx_lu_call_t *call, cJSON *release)
{
    cJSON    *list, *item;
    lu_str_t  name;

    list = cJSON_GetObjectItemCaseSensitive(call->json, "platforms");

    if (list == NULL || cJSON_IsNull(list)) {
        return NGX_OK;
    }

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        goto invalid;
    }

    cJSON_ArrayForEach(item, list) {
        if (lu_json_value(item, &name) != LU_OK
            || (!lu_str_is(&name, "windows")
                && !lu_str_is(&name, "mac")
                && !lu_str_is(&name, "linux")))
        {
            goto invalid;
        }
    }

    return lu_json_set(release, "platforms", cJSON_Duplicate(list, 1)) == LU_OK
           ? NGX_OK : ngx_lu_nomem(call);

invalid:

    return ngx_lu_refuse(call, 422,
                         "\"platforms\" is a list of "
                         "\"windows\", \"mac\" and \"linux\".");
}


cJSON *
ngx_lu_request_release(ngx_lu_call_t *call)
{
    cJSON  *release;

    release = cJSON_CreateObject();

    if (cJSON_AddStringToObject(release, "id", (char *) call->route.id.data)
        == NULL
        || cJSON_AddStringToObject(release, "app",
                                   (char *) call->route.app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", "desktop") == NULL
        || cJSON_AddStringToObject(release, "state", "fetching") == NULL
        || cJSON_AddStringToObject(release, "createdBy", call->by) == NULL
        || cJSON_AddStringToObject(release, "createdAt", call->now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt", call->now) == NULL)
    {
        cJSON_Delete(release);
        return NULL;
    }

    return release;
}


/*
 * A release is asked for once: whoever asks again is told how far it is, and
 * one that has failed is tried again.
 */

ngx_int_t
ngx_lu_request(ngx_lu_call_t *call, cJSON *release)
{
    cJSON     *is;
    u_char    *path, *live, *folder;
    ngx_fd_t   lock;
    ngx_int_t  rc, status;
    lu_str_t   state;

    call->change = NULL;
    call->subject = (char *) call->route.id.data;

    folder = ngx_lu_path(call->io.pool, "%V/staging/%s/%s",
                         &call->store->path,
                         call->route.app.data, call->subject);
    live = ngx_lu_path(call->io.pool, "%V/live/%s/%s", &call->store->path,
                       call->route.app.data, call->subject);

    if (live == NULL) {
        return ngx_lu_nomem(call);
    }

    if (access((char *) live, F_OK) == 0) {
        return ngx_lu_request_live(call, release);
    }

    if (ngx_lu_store_mkdir(&call->io, folder) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    rc = ngx_lu_store_lock(&call->io,
                           ngx_lu_path(call->io.pool, "%s/lock",
                                       folder),
                           &lock);

    if (rc == NGX_DECLINED) {

        /* promoted at this very moment */

        return ngx_lu_request_live(call, release);
    }

    if (rc != NGX_OK) {
        return ngx_lu_failed(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    rc = ngx_lu_store_read_json(&call->io, path, &is);

    if (rc == NGX_ERROR) {
        status = ngx_lu_failed(call);
        goto done;
    }

    if (rc == NGX_DECLINED) {

        if (access((char *) live, F_OK) == 0) {

            /* promoted before its folder was made anew */

            rc = ngx_lu_store_remove_tree(&call->io, call->store, folder);

            status = (rc == NGX_ERROR)
                     ? ngx_lu_failed(call)
                     : ngx_lu_request_live(call, release);
            goto done;
        }

        /* what lies there already was verified by nobody */

        status = ngx_lu_staging_clean(call, folder, "uploads");

        if (status == NGX_OK) {
            status = ngx_lu_request_write(call, folder, release);
        }

        goto done;
    }

    ngx_str_null(&state);

    (void) lu_json_string(is, "state", &state);

    if (!ngx_lu_is_desktop(is)) {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "There is a bundle with this "
                               "id.");

    } else if (lu_str_is(&state, "failed")) {
        status = ngx_lu_request_write(call, folder, release);

    } else if (lu_str_is(&state, "fetching")) {
        status = ngx_lu_request_now(call, folder, is);

    } else {
        status = ngx_lu_request_done(call, (char *) state.data);
    }

    cJSON_Delete(is);

done:

    ngx_lu_store_unlock(lock);

    return status;
}


static ngx_int_t
ngx_lu_request_live(ngx_lu_call_t *call, const cJSON *release)
{
    cJSON       *app;
    ngx_int_t    status;
    const char  *state;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_lu_release_state(app, release, "live");

    cJSON_Delete(app);

    return ngx_lu_request_done(call, state);
}


/* Whoever asks again knows that the origin is back: it is not waited for. */

static ngx_int_t
ngx_lu_request_now(ngx_lu_call_t *call, u_char *folder, cJSON *is)
{
    if (cJSON_GetObjectItemCaseSensitive(is, "nextAttemptAt") == NULL) {
        return ngx_lu_request_job(call, "fetching");
    }

    cJSON_DeleteItemFromObjectCaseSensitive(is, "nextAttemptAt");

    return ngx_lu_request_write(call, folder, is);
}


/* The job's file comes first: without a release it is nothing. */

static ngx_int_t
ngx_lu_request_write(ngx_lu_call_t *call, u_char *folder, cJSON *release)
{
    u_char    *path;
    ngx_int_t  status;
    lu_str_t   state;

    (void) lu_json_string(release, "state", &state);

    status = ngx_lu_request_job(call, (char *) state.data);

    if (status != NGX_HTTP_ACCEPTED) {
        return status;
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    if (ngx_lu_store_write_json(&call->io, call->store, path,
                                release)
        != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_HTTP_ACCEPTED;
}


static ngx_int_t
ngx_lu_request_job(ngx_lu_call_t *call, const char *state)
{
    ngx_int_t  status;

    if (ngx_lu_store_touch(&call->io, ngx_lu_job_path(call)) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    call->wake = 1;

    status = ngx_lu_request_done(call, state);

    return status == NGX_HTTP_OK ? NGX_HTTP_ACCEPTED : status;
}


u_char *
ngx_lu_job_path(ngx_lu_call_t *call)
{
    return ngx_lu_path(call->io.pool, "%V/jobs/%s.%s",
                       &call->store->path,
                       call->route.app.data, call->subject);
}


static ngx_int_t
ngx_lu_request_done(ngx_lu_call_t *call, const char *state)
{
    if (call->base_url.len) {
        call->location = ngx_lu_path(call->io.pool, "%V/releases/%s/%s",
                                     &call->base_url, call->route.app.data,
                                     call->subject);
    }

    return ngx_lu_release_done(call, state);
}


/* POST .../retry: the release stays what it was asked for. */

ngx_int_t
ngx_lu_release_retry_post(ngx_lu_call_t *call)
{
    cJSON      *release;
    u_char     *folder;
    ngx_fd_t    lock;
    ngx_int_t   status;
    ngx_uint_t  waits;
    lu_str_t    state;

    call->subject = (char *) call->route.id.data;

    status = ngx_lu_bundle_hold(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        ngx_lu_store_unlock(lock);
        return status;
    }

    ngx_str_null(&state);
    (void) lu_json_string(release, "state", &state);

    /* a staged one may wait for its pull request, but not in live/ */

    waits = (lu_str_is(&state, "staged")
             && !ngx_lu_release_is_live(call, folder)
             && call->store->jobs
             && call->store->jobs->github_approves);

    if (call->store->jobs == NULL
        || !ngx_lu_is_desktop(release)
        || !(waits || lu_str_is(&state, "failed")))
    {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "Only a desktop release that has failed can be "
                               "fetched again.");

    } else if ((!waits
                && lu_json_set_string(release, "state", "fetching") != LU_OK)
               || lu_json_set_string(release, "updatedAt", call->now) != LU_OK)
    {
        status = ngx_lu_nomem(call);

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release, "nextAttemptAt");

        status = ngx_lu_request_write(call, folder, release);
    }

    cJSON_Delete(release);
    ngx_lu_store_unlock(lock);

    return status;
}
