
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A bundle on its way from staging to live.
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_release.h"

#include "core/lu_change.h"


static ngx_int_t ngx_http_liveupdate_bundle_ready(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_bundle_protect(
    ngx_http_liveupdate_call_t *call, const cJSON *release);
static ngx_int_t ngx_http_liveupdate_bundle_verified(
    ngx_http_liveupdate_call_t *call, cJSON **release);
static ngx_int_t ngx_http_liveupdate_bundle_complete(
    ngx_http_liveupdate_call_t *call, cJSON **release, ngx_uint_t *is_live);
static ngx_int_t ngx_http_liveupdate_bundle_again(
    ngx_http_liveupdate_call_t *call, cJSON *app, const cJSON *release);


ngx_int_t
ngx_http_liveupdate_bundle_patch(ngx_http_liveupdate_call_t *call)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  value;

    rc = liveupdate_json_string(call->json, "artifactStatus", &value);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return ngx_http_liveupdate_build_patch(call);
    }

    if (rc != LIVEUPDATE_OK || !liveupdate_str_is(&value, "ready")) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"artifactStatus\" must be "
                                          "\"ready\".");
    }

    return ngx_http_liveupdate_bundle_ready(call);
}


/*
 * What was verified stays verified: whenever this is cut short, the same call
 * again goes on from there.  Who waits for the lock finds the bundle live.
 */

static ngx_int_t
ngx_http_liveupdate_bundle_ready(ngx_http_liveupdate_call_t *call)
{
    cJSON       *release;
    ngx_fd_t     lock;
    ngx_int_t    status;
    ngx_uint_t   is_live;

    status = ngx_http_liveupdate_bundle_hold(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    is_live = 0;

    status = (lock == NGX_INVALID_FILE)
             ? ngx_http_liveupdate_bundle_complete(call, &release, &is_live)
             : ngx_http_liveupdate_bundle_verified(call, &release);

    if (status != NGX_OK) {
        ngx_http_liveupdate_store_unlock(lock);
        return status;
    }

    status = ngx_http_liveupdate_bundle_protect(call, release);

    if (status != NGX_OK) {
        ngx_http_liveupdate_store_unlock(lock);
        cJSON_Delete(release);
        return status;
    }

    if (call->approval) {

        /* it is complete, and waits for a person, or has waited */

        ngx_http_liveupdate_store_unlock(lock);

        status = ngx_http_liveupdate_bundle_answer(call, release,
                                                   is_live ? "ready"
                                                           : "staged",
                                                   NGX_HTTP_OK);
        cJSON_Delete(release);

        return status;
    }

    call->data = release;
    call->change = "bundle.ready";
    call->subject = (char *) call->route.id.data;

    status = ngx_http_liveupdate_change(call,
                                        ngx_http_liveupdate_bundle_promote);

    ngx_http_liveupdate_store_unlock(lock);

    if (status == NGX_HTTP_OK) {
        status = ngx_http_liveupdate_bundle_answer(call, release, "ready",
                                                   NGX_HTTP_OK);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_bundle_protect(ngx_http_liveupdate_call_t *call,
    const cJSON *release)
{
    cJSON      *app;
    ngx_int_t   status;

    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(release, "channel")))
    {
        return NGX_OK;
    }

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_http_liveupdate_protect(call, app, release);

    cJSON_Delete(app);

    return NGX_OK;
}


void
ngx_http_liveupdate_protect(ngx_http_liveupdate_call_t *call,
    const cJSON *app, const cJSON *release)
{
    liveupdate_str_t  channel;

    if (liveupdate_json_string(release, "channel", &channel) == LIVEUPDATE_OK
        && ngx_http_liveupdate_protected(call,
                  liveupdate_app_channel_find(app, (char *) channel.data)))
    {
        call->approval = 1;
    }
}


/* Who may approve decides with what he does himself. */

ngx_uint_t
ngx_http_liveupdate_protected(ngx_http_liveupdate_call_t *call,
    const cJSON *channel)
{
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                         "protectedAt")))
    {
        return 0;
    }

    return call->token == NULL
           || !(call->token->roles & LIVEUPDATE_ROLE_APPROVE);
}


ngx_uint_t
ngx_http_liveupdate_app_protected(ngx_http_liveupdate_call_t *call,
    const cJSON *app, const char *release)
{
    const cJSON       *channel, *deployment;
    liveupdate_str_t   id;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        if (!ngx_http_liveupdate_protected(call, channel)) {
            continue;
        }

        if (release == NULL) {
            return 1;
        }

        cJSON_ArrayForEach(deployment,
                           cJSON_GetObjectItemCaseSensitive(channel,
                                                            "deployments"))
        {
            if (liveupdate_json_string(deployment, "release", &id)
                == LIVEUPDATE_OK
                && liveupdate_str_is(&id, release))
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_http_liveupdate_refuse_protected(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_refuse(call, NGX_HTTP_FORBIDDEN,
                                      "The channel is protected: this needs a "
                                      "token with the role \"approve\".");
}


static ngx_int_t
ngx_http_liveupdate_bundle_verified(ngx_http_liveupdate_call_t *call,
    cJSON **release)
{
    u_char            *folder, *path;
    ngx_int_t          status;
    liveupdate_str_t   state;

    folder = ngx_http_liveupdate_path(call->io.pool, "%V/staging/%s/%s",
                                      &call->store->path,
                                      call->route.app.data,
                                      call->route.id.data);

    switch (ngx_http_liveupdate_bundle_staged(call, folder, release)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                          "Bundle not found.");
    default:
        return ngx_http_liveupdate_failed(call);
    }

    if (liveupdate_json_string(*release, "state", &state) != LIVEUPDATE_OK) {
        ngx_str_set(&state, "failed");
    }

    if (liveupdate_str_is(&state, "rejected")) {
        cJSON_Delete(*release);
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                          "The bundle was rejected: publish "
                                          "another one.");
    }

    if (!liveupdate_str_is(&state, "staged")) {
        status = ngx_http_liveupdate_verify(call, folder, *release);

        if (status != NGX_OK) {
            cJSON_Delete(*release);
            return status;
        }
    }

    /* the files have other names by now */

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads", folder);

    if (ngx_http_liveupdate_store_remove_tree(&call->io, call->store, path)
        == NGX_ERROR)
    {
        cJSON_Delete(*release);
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


/* Live, on the way there when a crash came, or registered and waiting. */

static ngx_int_t
ngx_http_liveupdate_bundle_complete(ngx_http_liveupdate_call_t *call,
    cJSON **release, ngx_uint_t *is_live)
{
    u_char            *folder;
    ngx_int_t          status;
    liveupdate_str_t   state;

    status = ngx_http_liveupdate_release_read(call,
                                              (char *) call->route.id.data,
                                              release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    if (liveupdate_json_string(*release, "state", &state) != LIVEUPDATE_OK
        || !liveupdate_str_is(&state, "staged"))
    {
        cJSON_Delete(*release);

        return ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                          "The bundle is not complete.");
    }

    *is_live = ngx_http_liveupdate_release_is_live(call, folder);

    return NGX_OK;
}


/* A bundle: into the channel that it was made for, or another one. */

ngx_int_t
ngx_http_liveupdate_bundle_release(ngx_http_liveupdate_call_t *call,
    cJSON *app, cJSON *release, ngx_uint_t is_live)
{
    char              *id;
    cJSON             *channel;
    double             rollout;
    ngx_int_t          status;
    liveupdate_rc_e    rc;
    liveupdate_str_t   name, channel_id;

    rc = liveupdate_json_string(call->json, "channel", &name);

    if (rc == LIVEUPDATE_INVALID) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"channel\" must be the name of a "
                                          "channel.");
    }

    if (rc == LIVEUPDATE_OK) {
        channel = liveupdate_app_channel_named(app, (char *) name.data);

        if (channel == NULL
            || liveupdate_json_string(channel, "id", &channel_id)
               != LIVEUPDATE_OK)
        {
            return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                              "Channel not found.");
        }

        if (liveupdate_json_set_string(release, "channel",
                                       (char *) channel_id.data)
            != LIVEUPDATE_OK)
        {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    if (ngx_http_liveupdate_release_rollout(call, &rollout) == NGX_OK) {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "rollout");

        if (cJSON_AddNumberToObject(release, "rollout", rollout) == NULL) {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    if (is_live) {
        status = ngx_http_liveupdate_bundle_again(call, app, release);

        if (status != NGX_DECLINED) {
            return status;
        }
    }

    if (is_live || rc == LIVEUPDATE_OK) {

        /* not the deployment that its publisher was told of */

        id = ngx_http_liveupdate_uuid(call);

        if (id == NULL
            || liveupdate_json_set_string(release, "deployment", id)
               != LIVEUPDATE_OK)
        {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    call->data = release;

    status = ngx_http_liveupdate_bundle_promote(call, app);

    return status == NGX_HTTP_OK ? ngx_http_liveupdate_release_done(call,
                                                                    "live")
                                 : status;
}


/* What is at the head of its channel already is given to another part. */

static ngx_int_t
ngx_http_liveupdate_bundle_again(ngx_http_liveupdate_call_t *call,
    cJSON *app, const cJSON *release)
{
    cJSON             *channel, *deployment, *deployments;
    double             before, rollout;
    ngx_int_t          status;
    liveupdate_str_t   id, value;

    if (liveupdate_json_string(release, "channel", &id) != LIVEUPDATE_OK) {
        return NGX_DECLINED;
    }

    channel = liveupdate_app_channel_find(app, (char *) id.data);
    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    if (liveupdate_json_string(deployment, "release", &value) != LIVEUPDATE_OK
        || !liveupdate_str_is(&value, call->subject)
        || liveupdate_json_string(deployment, "id", &id) != LIVEUPDATE_OK)
    {
        return NGX_DECLINED;
    }

    before = 0;
    rollout = 1;

    (void) liveupdate_json_number(deployment, "rollout", &before);
    (void) liveupdate_json_number(release, "rollout", &rollout);

    call->change = "release.rollout";
    call->from = (char *) ngx_http_liveupdate_path(call->io.pool, "%.4f",
                                                   before);
    call->to = (char *) ngx_http_liveupdate_path(call->io.pool, "%.4f",
                                                 rollout);

    status = ngx_http_liveupdate_core_status(call,
                          liveupdate_deployment_update(app, (char *) id.data,
                                                       rollout, call->now,
                                                       &call->error));

    return status == NGX_OK ? ngx_http_liveupdate_release_done(call, "live")
                            : status;
}


/* The app is locked.  call->data is the release, staged or live already. */

ngx_int_t
ngx_http_liveupdate_bundle_promote(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    ngx_int_t  status;

    status = ngx_http_liveupdate_bundle_deploy(call, app);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_bundle_rename(call, call->subject);
}


ngx_int_t
ngx_http_liveupdate_bundle_deploy(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    char               *id, *deployment, *channel;
    cJSON              *release;
    double              rollout;

    release = call->data;

    id = ngx_http_liveupdate_member(call, release, "id");
    deployment = ngx_http_liveupdate_member(call, release, "deployment");
    channel = ngx_http_liveupdate_member(call, release, "channel");

    if (id == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    rollout = 1;
    (void) liveupdate_json_number(release, "rollout", &rollout);

    if (deployment == NULL || channel == NULL) {
        return NGX_OK;
    }

    call->to = deployment;

    return ngx_http_liveupdate_core_status(call,
                     liveupdate_deploy(app, channel, deployment, id, rollout,
                         cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
                                          release, "signed")),
                         call->by, call->now, &call->error));
}


ngx_int_t
ngx_http_liveupdate_bundle_rename(ngx_http_liveupdate_call_t *call,
    const char *id)
{
    u_char     *staging, *live, *path;
    ngx_int_t   rc;

    staging = ngx_http_liveupdate_path(call->io.pool, "%V/staging/%s",
                                       &call->store->path,
                                       call->route.app.data);
    live = ngx_http_liveupdate_path(call->io.pool, "%V/live/%s",
                                    &call->store->path,
                                    call->route.app.data);

    /* the lock, which is held, is of no use there */

    path = ngx_http_liveupdate_path(call->io.pool, "%s/%s/lock", staging, id);

    if (ngx_http_liveupdate_store_unlink(&call->io, path) == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    rc = ngx_http_liveupdate_store_rename(&call->io,
             ngx_http_liveupdate_path(call->io.pool, "%s/%s", staging, id),
             ngx_http_liveupdate_path(call->io.pool, "%s/%s", live, id));

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    if (rc == NGX_DECLINED) {

        /* it went live in a call that was cut short, or was deleted */

        path = ngx_http_liveupdate_path(call->io.pool, "%s/%s/release.json",
                                        live, id);

        if (access((char *) path, F_OK) == -1) {
            return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                              "Bundle not found.");
        }
    }

    if (ngx_http_liveupdate_store_sync(&call->io, live) != NGX_OK
        || ngx_http_liveupdate_store_sync(&call->io, staging) != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_HTTP_OK;
}
