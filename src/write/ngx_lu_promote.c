
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A bundle on its way from staging to live.
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_release.h"

#include "core/lu_change.h"


static ngx_int_t ngx_lu_bundle_ready(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_bundle_protect(ngx_lu_call_t *call,
    const cJSON *release);
static ngx_int_t ngx_lu_bundle_verified(ngx_lu_call_t *call, cJSON **release);
static ngx_int_t ngx_lu_bundle_complete(ngx_lu_call_t *call, cJSON **release,
    ngx_uint_t *is_live);
static ngx_int_t ngx_lu_bundle_again(ngx_lu_call_t *call, cJSON *app,
    const cJSON *release);


ngx_int_t
ngx_lu_bundle_patch(ngx_lu_call_t *call)
{
    lu_rc_e   rc;
    lu_str_t  value;

    rc = lu_json_string(call->json, "artifactStatus", &value);

    if (rc == LU_NOT_FOUND) {
        return ngx_lu_build_patch(call);
    }

    if (rc != LU_OK || !lu_str_is(&value, "ready")) {
        return ngx_lu_refuse(call, 422, "\"artifactStatus\" must be "
                             "\"ready\".");
    }

    return ngx_lu_bundle_ready(call);
}


/*
 * What was verified stays verified: whenever this is cut short, the same call
 * again goes on from there.  Who waits for the lock finds the bundle live.
 */

static ngx_int_t
ngx_lu_bundle_ready(ngx_lu_call_t *call)
{
    cJSON       *release;
    ngx_fd_t     lock;
    ngx_int_t    status;
    ngx_uint_t   is_live;

    status = ngx_lu_bundle_hold(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    is_live = 0;

    status = (lock == NGX_INVALID_FILE)
             ? ngx_lu_bundle_complete(call, &release, &is_live)
             : ngx_lu_bundle_verified(call, &release);

    if (status != NGX_OK) {
        ngx_lu_store_unlock(lock);
        return status;
    }

    status = ngx_lu_bundle_protect(call, release);

    if (status != NGX_OK) {
        ngx_lu_store_unlock(lock);
        cJSON_Delete(release);
        return status;
    }

    if (call->approval) {

        /* it is complete, and waits for a person, or has waited */

        ngx_lu_store_unlock(lock);

        status = ngx_lu_bundle_answer(call, release, is_live ? "ready"
                                              : "staged", NGX_HTTP_OK);
        cJSON_Delete(release);

        return status;
    }

    call->data = release;
    call->change = "bundle.ready";
    call->subject = (char *) call->route.id.data;

    status = ngx_lu_change(call, ngx_lu_bundle_promote);

    ngx_lu_store_unlock(lock);

    if (status == NGX_HTTP_OK) {
        status = ngx_lu_bundle_answer(call, release, "ready", NGX_HTTP_OK);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_lu_bundle_protect(ngx_lu_call_t *call, const cJSON *release)
{
    cJSON      *app;
    ngx_int_t   status;

    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(release, "channel")))
    {
        return NGX_OK;
    }

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_protect(call, app, release);

    cJSON_Delete(app);

    return NGX_OK;
}


void
ngx_lu_protect(ngx_lu_call_t *call, const cJSON *app, const cJSON *release)
{
    lu_str_t  channel;

    if (lu_json_string(release, "channel", &channel) == LU_OK
        && ngx_lu_protected(call,
                            lu_change_channel_find(app, (char *) channel.data)))
    {
        call->approval = 1;
    }
}


/* Who may approve decides with what he does himself. */

ngx_uint_t
ngx_lu_protected(ngx_lu_call_t *call, const cJSON *channel)
{
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                         "protectedAt")))
    {
        return 0;
    }

    return call->token == NULL || !(call->token->roles & LU_ROLE_APPROVE);
}


ngx_uint_t
ngx_lu_app_protected(ngx_lu_call_t *call, const cJSON *app,
    const char *release)
{
    const cJSON  *channel, *deployment;
    lu_str_t      id;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        if (!ngx_lu_protected(call, channel)) {
            continue;
        }

        if (release == NULL) {
            return 1;
        }

        cJSON_ArrayForEach(deployment,
                           cJSON_GetObjectItemCaseSensitive(channel,
                                                            "deployments"))
        {
            if (lu_json_string(deployment, "release", &id) == LU_OK
                && lu_str_is(&id, release))
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_lu_refuse_protected(ngx_lu_call_t *call)
{
    return ngx_lu_refuse(call, NGX_HTTP_FORBIDDEN,
                         "The channel is protected: this needs a token with "
                         "the role \"approve\".");
}


static ngx_int_t
ngx_lu_bundle_verified(ngx_lu_call_t *call, cJSON **release)
{
    u_char    *folder, *path;
    ngx_int_t  status;
    lu_str_t   state;

    folder = ngx_lu_path(call->io.pool, "%V/staging/%s/%s",
                         &call->store->path,
                         call->route.app.data,
                         call->route.id.data);

    switch (ngx_lu_bundle_staged(call, folder, release)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "Bundle not found.");
    default:
        return ngx_lu_failed(call);
    }

    if (lu_json_string(*release, "state", &state) != LU_OK) {
        ngx_str_set(&state, "failed");
    }

    if (lu_str_is(&state, "rejected")) {
        cJSON_Delete(*release);
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "The bundle was rejected: publish another one.");
    }

    if (!lu_str_is(&state, "staged")) {
        status = ngx_lu_verify(call, folder, *release);

        if (status != NGX_OK) {
            cJSON_Delete(*release);
            return status;
        }
    }

    /* the files have other names by now */

    path = ngx_lu_path(call->io.pool, "%s/uploads", folder);

    if (ngx_lu_store_remove_tree(&call->io, call->store, path) == NGX_ERROR) {
        cJSON_Delete(*release);
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


/* Live, on the way there when a crash came, or registered and waiting. */

static ngx_int_t
ngx_lu_bundle_complete(ngx_lu_call_t *call, cJSON **release,
    ngx_uint_t *is_live)
{
    u_char    *folder;
    ngx_int_t  status;
    lu_str_t   state;

    status = ngx_lu_release_read(call, (char *) call->route.id.data, release,
                                 &folder);
    if (status != NGX_OK) {
        return status;
    }

    if (lu_json_string(*release, "state", &state) != LU_OK
        || !lu_str_is(&state, "staged"))
    {
        cJSON_Delete(*release);

        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "The bundle is not complete.");
    }

    *is_live = ngx_lu_release_is_live(call, folder);

    return NGX_OK;
}


/* A bundle: into the channel that it was made for, or another one. */

ngx_int_t
ngx_lu_bundle_release(ngx_lu_call_t *call, cJSON *app, cJSON *release,
    ngx_uint_t is_live)
{
    char      *id;
    cJSON     *channel;
    double     rollout;
    ngx_int_t  status;
    lu_rc_e    rc;
    lu_str_t   name, channel_id;

    rc = lu_json_string(call->json, "channel", &name);

    if (rc == LU_INVALID) {
        return ngx_lu_refuse(call, 422, "\"channel\" must be the name of a "
                             "channel.");
    }

    if (rc == LU_OK) {
        channel = lu_change_channel_named(app, (char *) name.data);

        if (channel == NULL
            || lu_json_string(channel, "id", &channel_id) != LU_OK)
        {
            return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                                 "Channel not found.");
        }

        if (lu_json_set_string(release, "channel", (char *) channel_id.data)
            != LU_OK)
        {
            return ngx_lu_nomem(call);
        }
    }

    if (ngx_lu_release_rollout(call, &rollout) == NGX_OK) {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "rollout");

        if (cJSON_AddNumberToObject(release, "rollout", rollout) == NULL) {
            return ngx_lu_nomem(call);
        }
    }

    if (is_live) {
        status = ngx_lu_bundle_again(call, app, release);

        if (status != NGX_DECLINED) {
            return status;
        }
    }

    if (is_live || rc == LU_OK) {

        /* not the deployment that its publisher was told of */

        id = ngx_lu_uuid(call);

        if (id == NULL
            || lu_json_set_string(release, "deployment", id) != LU_OK)
        {
            return ngx_lu_nomem(call);
        }
    }

    call->data = release;

    status = ngx_lu_bundle_promote(call, app);

    return status == NGX_HTTP_OK ? ngx_lu_release_done(call, "live") : status;
}


/* What is at the head of its channel already is given to another part. */

static ngx_int_t
ngx_lu_bundle_again(ngx_lu_call_t *call, cJSON *app, const cJSON *release)
{
    cJSON     *channel, *deployment, *deployments;
    double     before, rollout;
    ngx_int_t  status;
    lu_str_t   id, value;

    if (lu_json_string(release, "channel", &id) != LU_OK) {
        return NGX_DECLINED;
    }

    channel = lu_change_channel_find(app, (char *) id.data);
    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    if (lu_json_string(deployment, "release", &value) != LU_OK
        || !lu_str_is(&value, call->subject)
        || lu_json_string(deployment, "id", &id) != LU_OK)
    {
        return NGX_DECLINED;
    }

    before = 0;
    rollout = 1;

    (void) lu_json_number(deployment, "rollout", &before);
    (void) lu_json_number(release, "rollout", &rollout);

    call->change = "release.rollout";
    call->from = (char *) ngx_lu_path(call->io.pool, "%.4f", before);
    call->to = (char *) ngx_lu_path(call->io.pool, "%.4f", rollout);

    status = ngx_lu_core_status(call,
                                lu_change_deployment_update(app,
                                                            (char *) id.data,
                                                            rollout, call->now,
                                                            &call->error));

    return status == NGX_OK ? ngx_lu_release_done(call, "live") : status;
}


/* The app is locked.  call->data is the release, staged or live already. */

ngx_int_t
ngx_lu_bundle_promote(ngx_lu_call_t *call,
    cJSON *app)
{
    ngx_int_t  status;

    status = ngx_lu_bundle_deploy(call, app);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_bundle_rename(call, call->subject);
}


ngx_int_t
ngx_lu_bundle_deploy(ngx_lu_call_t *call,
    cJSON *app)
{
    char               *id, *deployment, *channel;
    cJSON              *release;
    double              rollout;

    release = call->data;

    id = ngx_lu_member(call, release, "id");
    deployment = ngx_lu_member(call, release, "deployment");
    channel = ngx_lu_member(call, release, "channel");

    if (id == NULL) {
        return ngx_lu_nomem(call);
    }

    rollout = 1;
    (void) lu_json_number(release, "rollout", &rollout);

    if (deployment == NULL || channel == NULL) {
        return NGX_OK;
    }

    call->to = deployment;

    return ngx_lu_core_status(call,
                              lu_change_deploy(app, channel, deployment, id,
                                               rollout,
                         cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
                                                  release, "signed")),
                         call->by, call->now, &call->error));
}


ngx_int_t
ngx_lu_bundle_rename(ngx_lu_call_t *call, const char *id)
{
    u_char     *staging, *live, *path;
    ngx_int_t   rc;

    staging = ngx_lu_path(call->io.pool, "%V/staging/%s", &call->store->path,
                          call->route.app.data);
    live = ngx_lu_path(call->io.pool, "%V/live/%s",
                       &call->store->path,
                       call->route.app.data);

    /* the lock, which is held, is of no use there */

    path = ngx_lu_path(call->io.pool, "%s/%s/lock", staging, id);

    if (ngx_lu_store_unlink(&call->io, path) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    rc = ngx_lu_store_rename(&call->io,
                             ngx_lu_path(call->io.pool, "%s/%s", staging, id),
                             ngx_lu_path(call->io.pool, "%s/%s", live, id));

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {

        /* it went live in a call that was cut short, or was deleted */

        path = ngx_lu_path(call->io.pool, "%s/%s/release.json", live, id);

        if (access((char *) path, F_OK) == -1) {
            return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                                 "Bundle not found.");
        }
    }

    if (ngx_lu_store_sync(&call->io, live) != NGX_OK
        || ngx_lu_store_sync(&call->io, staging) != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_HTTP_OK;
}
