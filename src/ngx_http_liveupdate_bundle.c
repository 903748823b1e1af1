
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_http_liveupdate.h"

#include "liveupdate_manifest.h"


#define NGX_HTTP_LIVEUPDATE_URL_SIZE  2048


static ngx_int_t ngx_http_liveupdate_bundle_check(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_bundle_add(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_bundle_describe(
    ngx_http_liveupdate_call_t *call, cJSON *app, cJSON *release,
    const char *id);
static ngx_int_t ngx_http_liveupdate_bundle_target(
    ngx_http_liveupdate_call_t *call, cJSON *app, cJSON *release);
static ngx_int_t ngx_http_liveupdate_bundle_register(
    ngx_http_liveupdate_call_t *call, cJSON *release);
static ngx_int_t ngx_http_liveupdate_bundle_stage(
    ngx_http_liveupdate_call_t *call, cJSON *release, const char *id);
static ngx_int_t ngx_http_liveupdate_bundle_ready(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_bundle_verified(
    ngx_http_liveupdate_call_t *call, cJSON **release);
static ngx_int_t ngx_http_liveupdate_bundle_promote(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_bundle_rename(
    ngx_http_liveupdate_call_t *call, const char *id);
static ngx_int_t ngx_http_liveupdate_bundle_answer(
    ngx_http_liveupdate_call_t *call, const cJSON *release,
    const char *artifact_status, ngx_int_t status);
static ngx_int_t ngx_http_liveupdate_bundle_forget(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_int_t ngx_http_liveupdate_bundle_remove(
    ngx_http_liveupdate_call_t *call);
static char *ngx_http_liveupdate_member(ngx_http_liveupdate_call_t *call,
    const cJSON *object, const char *key);


ngx_int_t
ngx_http_liveupdate_bundles_post(ngx_http_liveupdate_call_t *call)
{
    ngx_int_t  status;

    status = ngx_http_liveupdate_bundle_check(call);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_change(call, ngx_http_liveupdate_bundle_add);
}


/* What can be said of the body without the app. */

static ngx_int_t
ngx_http_liveupdate_bundle_check(ngx_http_liveupdate_call_t *call)
{
    size_t             i;
    double             rollout;
    liveupdate_rc_e    rc;
    liveupdate_str_t   type, url, value;

    if (liveupdate_json_string(call->json, "artifactType", &type)
        != LIVEUPDATE_OK
        || (!liveupdate_str_is(&type, "zip")
            && !liveupdate_str_is(&type, "manifest")))
    {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"artifactType\" must be \"zip\" "
                                          "or \"manifest\".");
    }

    rc = liveupdate_json_number(call->json, "rolloutPercentage", &rollout);

    if (rc == LIVEUPDATE_INVALID
        || (rc == LIVEUPDATE_OK && !(rollout >= 0 && rollout <= 1)))
    {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"rolloutPercentage\" must be "
                                          "a number from 0 to 1.");
    }

    rc = liveupdate_json_string(call->json, "url", &url);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return NGX_OK;
    }

    if (rc != LIVEUPDATE_OK
        || url.len > NGX_HTTP_LIVEUPDATE_URL_SIZE
        || (ngx_strncasecmp(url.data, (u_char *) "https://", 8) != 0
            && ngx_strncasecmp(url.data, (u_char *) "http://", 7) != 0))
    {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"url\" must be absolute, with "
                                          "http or https.");
    }

    /* an URL that is not wholly encoded crashes old iOS apps */

    for (i = 0; i < url.len; i++) {
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f
            || strchr("\"<>\\^`{|}", url.data[i]))
        {
            return ngx_http_liveupdate_refuse(call, 422,
                                              "\"url\" must be "
                                              "percent-encoded.");
        }
    }

    if (!liveupdate_str_is(&type, "zip")) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "Only a \"zip\" can be registered "
                                          "with its \"url\".");
    }

    rc = liveupdate_json_string(call->json, "checksum", &value);

    if (rc == LIVEUPDATE_INVALID
        || (rc == LIVEUPDATE_OK && !liveupdate_sha256_valid(&value)))
    {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"checksum\" must be the file's "
                                          "SHA-256 in lower-case hex.");
    }

    rc = liveupdate_json_string(call->json, "signature", &value);

    if (rc == LIVEUPDATE_INVALID
        || (rc == LIVEUPDATE_OK && !liveupdate_signature_valid(&value)))
    {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "\"signature\" must be in base64.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_bundle_add(ngx_http_liveupdate_call_t *call, cJSON *app)
{
    char       *id;
    cJSON      *release;
    ngx_int_t   status;

    id = ngx_http_liveupdate_uuid(call);
    release = cJSON_CreateObject();

    if (id == NULL || release == NULL) {
        cJSON_Delete(release);
        return ngx_http_liveupdate_nomem(call);
    }

    call->change = "bundle.create";
    call->subject = id;

    status = ngx_http_liveupdate_bundle_describe(call, app, release, id);

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_bundle_stage(call, release, id);
    }

    if (status == NGX_OK
        && cJSON_GetObjectItemCaseSensitive(release, "url"))
    {
        call->data = release;
        status = ngx_http_liveupdate_bundle_promote(call, app);

        if (status == NGX_HTTP_OK) {
            status = ngx_http_liveupdate_bundle_answer(call, release, "ready",
                                                       NGX_HTTP_CREATED);
        }

    } else if (status == NGX_OK) {
        status = ngx_http_liveupdate_bundle_answer(call, release, "pending",
                                                   NGX_HTTP_CREATED);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_bundle_describe(ngx_http_liveupdate_call_t *call,
    cJSON *app, cJSON *release, const char *id)
{
    double             rollout;
    uint64_t           number;
    ngx_int_t          status;
    liveupdate_str_t   value, by;
    liveupdate_arena_t arena;

    arena = ngx_http_liveupdate_arena(call->io.pool);

    by = liveupdate_str_dup(&arena, call->token->name.data,
                            call->token->name.len);

    (void) liveupdate_json_string(call->json, "artifactType", &value);

    rollout = 1;
    (void) liveupdate_json_number(call->json, "rolloutPercentage", &rollout);

    if (by.data == NULL
        || liveupdate_app_number(app, &number) != LIVEUPDATE_OK
        || cJSON_AddStringToObject(release, "id", id) == NULL
        || cJSON_AddStringToObject(release, "app",
                                   (char *) call->route.app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", (char *) value.data)
           == NULL
        || cJSON_AddStringToObject(release, "state", "uploading") == NULL
        || cJSON_AddNumberToObject(release, "number", (double) number) == NULL
        || cJSON_AddNumberToObject(release, "rollout", rollout) == NULL
        || cJSON_AddStringToObject(release, "createdBy", (char *) by.data)
           == NULL
        || cJSON_AddStringToObject(release, "createdAt", call->now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt", call->now) == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    if (liveupdate_json_string(call->json, "gitRef", &value) == LIVEUPDATE_OK
        && cJSON_AddStringToObject(release, "gitRef", (char *) value.data)
           == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    status = ngx_http_liveupdate_core_status(call,
                                             liveupdate_release_set(release,
                                                 call->json, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_http_liveupdate_bundle_target(call, app, release);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_bundle_register(call, release);
}


/* The channel that it goes to when it is ready, and as which deployment. */

static ngx_int_t
ngx_http_liveupdate_bundle_target(ngx_http_liveupdate_call_t *call,
    cJSON *app, cJSON *release)
{
    char              *id;
    cJSON             *channel;
    liveupdate_rc_e    rc;
    liveupdate_str_t   name, channel_id;

    rc = liveupdate_json_string(call->json, "channelName", &name);

    if (rc == LIVEUPDATE_OK) {
        channel = liveupdate_app_channel_named(app, (char *) name.data);

        if (channel == NULL) {
            return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                              "Channel not found.");
        }

        rc = liveupdate_json_string(channel, "id", &channel_id);

    } else {
        rc = liveupdate_json_string(app, "appChannelId", &channel_id);
    }

    if (rc != LIVEUPDATE_OK) {
        return NGX_OK;
    }

    id = ngx_http_liveupdate_uuid(call);

    if (id == NULL
        || cJSON_AddStringToObject(release, "deployment", id) == NULL
        || cJSON_AddStringToObject(release, "channel",
                                   (char *) channel_id.data)
           == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_bundle_register(ngx_http_liveupdate_call_t *call,
    cJSON *release)
{
    ngx_uint_t         i;
    liveupdate_str_t   value;

    static const char  *members[] = { "url", "checksum", "signature", NULL };

    if (!cJSON_HasObjectItem(call->json, "url")) {
        return NGX_OK;
    }

    for (i = 0; members[i]; i++) {
        if (liveupdate_json_string(call->json, members[i], &value)
            == LIVEUPDATE_OK
            && cJSON_AddStringToObject(release, members[i],
                                       (char *) value.data)
               == NULL)
        {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    /* value is the signature, if there is one */

    if (cJSON_AddBoolToObject(release, "signed",
                              cJSON_HasObjectItem(release, "signature"))
        == NULL
        || !cJSON_ReplaceItemInObjectCaseSensitive(release, "state",
                                              cJSON_CreateString("staged")))
    {
        return ngx_http_liveupdate_nomem(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_bundle_stage(ngx_http_liveupdate_call_t *call,
    cJSON *release, const char *id)
{
    u_char      *root, *folder, *path;
    ngx_uint_t   i;

    root = ngx_http_liveupdate_path(call->io.pool, "%V/staging",
                                    &call->store->path);

    for (i = 0; i < 2; i++) {
        folder = ngx_http_liveupdate_path(call->io.pool, "%s/%s/%s%s", root,
                                          call->route.app.data, id,
                                          i ? "" : "/uploads/");

        if (i == 0
            && ngx_http_liveupdate_store_mkdirs(&call->io, root, folder)
               != NGX_OK)
        {
            return ngx_http_liveupdate_failed(call);
        }
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_liveupdate_bundle_lock(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock, cJSON **release, u_char **folder)
{
    u_char            *path;
    ngx_int_t          rc;
    liveupdate_str_t   state;

    *folder = ngx_http_liveupdate_path(call->io.pool, "%V/staging/%s/%s",
                                       &call->store->path,
                                       call->route.app.data,
                                       call->route.id.data);

    path = ngx_http_liveupdate_path(call->io.pool, "%s/lock", *folder);

    rc = ngx_http_liveupdate_store_lock(&call->io, path, lock);

    if (rc == NGX_OK) {
        path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json",
                                        *folder);

        rc = ngx_http_liveupdate_store_read_json(&call->io, path, release);

        if (rc == NGX_OK) {
            (void) liveupdate_json_string(*release, "state", &state);

            if (!liveupdate_str_is(&state, "staged")) {
                return NGX_OK;
            }

            cJSON_Delete(*release);
        }

        ngx_http_liveupdate_store_unlock(*lock);
    }

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    if (rc == NGX_DECLINED) {

        rc = ngx_http_liveupdate_release_read(call,
                                              (char *) call->route.id.data,
                                              release, folder);
        if (rc != NGX_OK) {
            return rc;
        }

        cJSON_Delete(*release);
    }

    return ngx_http_liveupdate_refuse(call, NGX_HTTP_CONFLICT,
                                      "The bundle is complete: its files do "
                                      "not change any more.");
}


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
 * again goes on from there.
 */

static ngx_int_t
ngx_http_liveupdate_bundle_ready(ngx_http_liveupdate_call_t *call)
{
    cJSON      *release;
    ngx_int_t   status;

    status = ngx_http_liveupdate_bundle_verified(call, &release);
    if (status != NGX_OK) {
        return status;
    }

    call->data = release;
    call->change = "bundle.ready";
    call->subject = (char *) call->route.id.data;

    status = ngx_http_liveupdate_change(call,
                                        ngx_http_liveupdate_bundle_promote);

    if (status == NGX_HTTP_OK) {
        status = ngx_http_liveupdate_bundle_answer(call, release, "ready",
                                                   NGX_HTTP_OK);
    }

    cJSON_Delete(release);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_bundle_verified(ngx_http_liveupdate_call_t *call,
    cJSON **release)
{
    u_char            *folder, *path;
    ngx_fd_t           lock;
    ngx_int_t          rc;
    liveupdate_str_t   state;

    folder = ngx_http_liveupdate_path(call->io.pool, "%V/staging/%s/%s",
                                      &call->store->path,
                                      call->route.app.data,
                                      call->route.id.data);

    path = ngx_http_liveupdate_path(call->io.pool, "%s/lock", folder);

    rc = ngx_http_liveupdate_store_lock(&call->io, path, &lock);

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_liveupdate_release_read(call,
                                                (char *) call->route.id.data,
                                                release, &folder);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    rc = ngx_http_liveupdate_store_read_json(&call->io, path, release);

    if (rc == NGX_OK) {
        rc = NGX_OK;

        (void) liveupdate_json_string(*release, "state", &state);

        if (!liveupdate_str_is(&state, "staged")) {
            rc = ngx_http_liveupdate_verify(call, folder, *release);
        }

        if (rc != NGX_OK) {
            cJSON_Delete(*release);
        }

    } else if (rc == NGX_DECLINED) {

        /* another call has been faster */

        rc = ngx_http_liveupdate_release_read(call,
                                              (char *) call->route.id.data,
                                              release, &folder);
    } else {
        rc = ngx_http_liveupdate_failed(call);
    }

    ngx_http_liveupdate_store_unlock(lock);

    return rc;
}


/* The app is locked.  call->data is the release, staged or live already. */

static ngx_int_t
ngx_http_liveupdate_bundle_promote(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    char               *id, *deployment, *channel;
    cJSON              *release;
    double              rollout;
    ngx_int_t           status;
    liveupdate_str_t    by;
    liveupdate_arena_t  arena;

    release = call->data;

    id = ngx_http_liveupdate_member(call, release, "id");
    deployment = ngx_http_liveupdate_member(call, release, "deployment");
    channel = ngx_http_liveupdate_member(call, release, "channel");

    arena = ngx_http_liveupdate_arena(call->io.pool);

    by = liveupdate_str_dup(&arena, call->token->name.data,
                            call->token->name.len);

    if (id == NULL || by.data == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    rollout = 1;
    (void) liveupdate_json_number(release, "rollout", &rollout);

    if (deployment && channel) {

        call->to = deployment;

        status = ngx_http_liveupdate_core_status(call,
                     liveupdate_deploy(app, channel, deployment, id, rollout,
                         cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
                                          release, "signed")),
                         (char *) by.data, call->now, &call->error));

        if (status != NGX_OK) {
            return status;
        }
    }

    return ngx_http_liveupdate_bundle_rename(call, id);
}


static ngx_int_t
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

    /* the lock is of no use there */

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


static ngx_int_t
ngx_http_liveupdate_bundle_answer(ngx_http_liveupdate_call_t *call,
    const cJSON *release, const char *artifact_status, ngx_int_t status)
{
    cJSON       *json, *item;
    ngx_uint_t   i;

    static const struct {
        const char  *to;
        const char  *from;
    } members[] = {
        { "id", "id" },
        { "appId", "app" },
        { "appBuildId", "id" },
        { "appDeploymentId", "deployment" },
        { "appChannelId", "channel" },
        { "artifactType", "kind" },
        { "rolloutPercentage", "rollout" },
        { "customProperties", "customProperties" },
        { "gitRef", "gitRef" },
        { "url", "url" },
        { "checksum", "checksum" },
        { "signature", "signature" },
        { "reason", "reason" },
        { "createdAt", "createdAt" },
        { "updatedAt", "updatedAt" },
        { NULL, NULL }
    };

    json = cJSON_CreateObject();

    call->answer = json;

    if (cJSON_AddStringToObject(json, "artifactStatus", artifact_status)
        == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    for (i = 0; members[i].to; i++) {
        item = cJSON_GetObjectItemCaseSensitive(release, members[i].from);
        item = item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull();

        if (item == NULL || !cJSON_AddItemToObject(json, members[i].to, item))
        {
            cJSON_Delete(item);
            return ngx_http_liveupdate_nomem(call);
        }
    }

    /* a deployment comes with the last call, not before */

    if (ngx_strcmp(artifact_status, "ready") != 0
        && !cJSON_ReplaceItemInObjectCaseSensitive(json, "appDeploymentId",
                                                   cJSON_CreateNull()))
    {
        return ngx_http_liveupdate_nomem(call);
    }

    return status;
}


ngx_int_t
ngx_http_liveupdate_bundle_get(ngx_http_liveupdate_call_t *call)
{
    cJSON             *release;
    u_char            *folder;
    ngx_int_t          status;
    const char        *artifact_status;
    liveupdate_str_t   state;

    status = ngx_http_liveupdate_release_read(call,
                                              (char *) call->route.id.data,
                                              &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    (void) liveupdate_json_string(release, "state", &state);

    artifact_status = ngx_strncmp(folder + call->store->path.len, "/live/", 6)
                      == 0
                      ? "ready"
                      : liveupdate_str_is(&state, "failed") ? "failed"
                                                            : "pending";

    status = ngx_http_liveupdate_bundle_answer(call, release, artifact_status,
                                               NGX_HTTP_OK);
    cJSON_Delete(release);

    return status;
}


/*
 * First nobody is told of it any more, then it goes; a call that was cut
 * short can be repeated.
 */

ngx_int_t
ngx_http_liveupdate_bundle_delete(ngx_http_liveupdate_call_t *call)
{
    cJSON      *release;
    u_char     *folder;
    ngx_int_t   status;

    status = ngx_http_liveupdate_release_read(call,
                                              (char *) call->route.id.data,
                                              &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(release);

    call->finish = ngx_http_liveupdate_bundle_remove;

    return ngx_http_liveupdate_change(call,
                                      ngx_http_liveupdate_bundle_forget);
}


static ngx_int_t
ngx_http_liveupdate_bundle_forget(ngx_http_liveupdate_call_t *call,
    cJSON *app)
{
    call->change = "bundle.delete";
    call->subject = (char *) call->route.id.data;

    (void) liveupdate_release_delete(app, call->subject);

    return NGX_HTTP_NO_CONTENT;
}


static ngx_int_t
ngx_http_liveupdate_bundle_remove(ngx_http_liveupdate_call_t *call)
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


/* A string member, copied: the tree may go before the call does. */

static char *
ngx_http_liveupdate_member(ngx_http_liveupdate_call_t *call,
    const cJSON *object, const char *key)
{
    liveupdate_str_t  value;

    if (liveupdate_json_string(object, key, &value) != LIVEUPDATE_OK) {
        return NULL;
    }

    return (char *) ngx_http_liveupdate_path(call->io.pool, "%s", value.data);
}
