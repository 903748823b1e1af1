
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api.h"
#include "write/ngx_lu_release.h"

#include "core/lu_change.h"
#include "core/lu_url.h"


#define NGX_LU_REPEATED  60      /* seconds */


static ngx_int_t ngx_lu_bundle_check(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_bundle_add(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_bundle_describe(ngx_lu_call_t *call, cJSON *app,
    cJSON *release, const char *id);
static ngx_int_t ngx_lu_bundle_target(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static ngx_int_t ngx_lu_bundle_register(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static ngx_int_t ngx_lu_bundle_repeated(ngx_lu_call_t *call, cJSON *app);
static ngx_uint_t ngx_lu_bundle_same(const cJSON *one, const cJSON *two);
static ngx_int_t ngx_lu_bundle_stage(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_bundle_publish(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_bundle_place(ngx_lu_call_t *call, const char *place);
static ngx_int_t ngx_lu_bundle_write(ngx_lu_call_t *call, u_char *folder);


/*
 * First the app gives away a number, so that no crash can make it give that
 * one again; then there is something of that number.
 */

ngx_int_t
ngx_lu_bundles_post(ngx_lu_call_t *call)
{
    cJSON      *release;
    ngx_int_t   status;

    status = ngx_lu_bundle_check(call);
    if (status != NGX_OK) {
        return status;
    }

    release = cJSON_CreateObject();
    if (release == NULL) {
        return ngx_lu_nomem(call);
    }

    call->data = release;
    call->finish = ngx_lu_bundle_stage;

    status = ngx_lu_change(call, ngx_lu_bundle_add);

    if (status == NGX_HTTP_CREATED && call->answer == NULL) {

        if (call->approval) {
            status = ngx_lu_bundle_answer(call, release, "staged",
                                          NGX_HTTP_CREATED);
            cJSON_Delete(release);

            return status;
        }

        /* what was expected was there when the number was taken */

        cJSON_DeleteItemFromObjectCaseSensitive(call->json, "expect");

        call->finish = NULL;
        status = ngx_lu_change(call, ngx_lu_bundle_publish);
    }

    cJSON_Delete(release);

    return status;
}


/* What can be said of the body without the app. */

static ngx_int_t
ngx_lu_bundle_check(ngx_lu_call_t *call)
{
    double    rollout;
    lu_rc_e   rc;
    lu_str_t  type, url, value;

    if (lu_json_string(call->json, "artifactType", &type) != LU_OK
        || (!lu_str_is(&type, "zip")
            && !lu_str_is(&type, "manifest")))
    {
        return ngx_lu_refuse(call, 422, "\"artifactType\" must be \"zip\" or "
                             "\"manifest\".");
    }

    rc = lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (rc == LU_INVALID || (rc == LU_OK && !(rollout >= 0 && rollout <= 1))) {
        return ngx_lu_refuse(call, 422,
                             "\"rolloutPercentage\" must be "
                             "a number from 0 to 1.");
    }

    rc = lu_json_string(call->json, "url", &url);

    if (rc == LU_NOT_FOUND) {
        return NGX_OK;
    }

    if (rc != LU_OK || !lu_url_valid(&url)) {
        return ngx_lu_refuse(call, 422, "\"url\" must be an absolute URL with "
                             "http or https, percent-encoded, of up to 2048 "
                             "bytes.");
    }

    if (!lu_str_is(&type, "zip")) {
        return ngx_lu_refuse(call, 422, "Only a \"zip\" can be registered "
                             "with its \"url\".");
    }

    rc = lu_json_string(call->json, "checksum", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_sha256_hex_valid(&value))) {
        return ngx_lu_refuse(call, 422, "\"checksum\" must be the file's "
                             "SHA-256 in lower-case hex.");
    }

    rc = lu_json_string(call->json, "signature", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_file_signature_valid(&value))) {
        return ngx_lu_refuse(call, 422, "\"signature\" must be in base64.");
    }

    return NGX_OK;
}


/* What is uploaded is answered here, what is registered is still to be. */

static ngx_int_t
ngx_lu_bundle_add(ngx_lu_call_t *call, cJSON *app)
{
    char       *id;
    cJSON      *release;
    uint64_t    number;
    ngx_int_t   status;

    release = call->data;

    id = ngx_lu_uuid(call);
    if (id == NULL) {
        return ngx_lu_nomem(call);
    }

    call->change = "bundle.create";
    call->subject = id;

    status = ngx_lu_bundle_describe(call, app, release, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_repeated(call, app);
    if (status != NGX_DECLINED) {
        return status;
    }

    if (lu_change_build_number(app, &number) != LU_OK
        || cJSON_AddNumberToObject(release, "number", (double) number)
           == NULL)
    {
        return ngx_lu_nomem(call);
    }

    if (cJSON_GetObjectItemCaseSensitive(release, "url")) {
        ngx_lu_protect(call, app, release);

        return NGX_HTTP_CREATED;
    }

    return ngx_lu_bundle_answer(call, release, "pending", NGX_HTTP_CREATED);
}


static ngx_int_t
ngx_lu_bundle_describe(ngx_lu_call_t *call, cJSON *app, cJSON *release,
    const char *id)
{
    double     rollout;
    ngx_int_t  status;
    lu_str_t   value;

    (void) lu_json_string(call->json, "artifactType", &value);

    rollout = 1;
    (void) lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (cJSON_AddStringToObject(release, "id", id) == NULL
        || cJSON_AddStringToObject(release, "app",
                                   (char *) call->route.app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", (char *) value.data)
           == NULL
        || cJSON_AddStringToObject(release, "state", "uploading") == NULL
        || cJSON_AddNumberToObject(release, "rollout", rollout) == NULL
        || cJSON_AddStringToObject(release, "createdBy", call->by)
           == NULL
        || cJSON_AddStringToObject(release, "createdAt", call->now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt", call->now) == NULL)
    {
        return ngx_lu_nomem(call);
    }

    if (lu_json_string(call->json, "gitRef", &value) == LU_OK
        && cJSON_AddStringToObject(release, "gitRef", (char *) value.data)
           == NULL)
    {
        return ngx_lu_nomem(call);
    }

    status = ngx_lu_core_status(call,
                                lu_release_set(release, call->json,
                                    &call->error));
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_target(call, app, release);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_bundle_register(call, app, release);
}


/* The channel that it goes to when it is ready, and as which deployment. */

static ngx_int_t
ngx_lu_bundle_target(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    char     *id;
    cJSON    *channel;
    lu_rc_e   rc;
    lu_str_t  name, channel_id;

    rc = lu_json_string(call->json, "channelName", &name);

    if (rc == LU_OK) {
        channel = lu_change_channel_named(app, (char *) name.data);

        if (channel == NULL) {
            return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                                 "Channel not found.");
        }

        rc = lu_json_string(channel, "id", &channel_id);

    } else if (rc == LU_INVALID) {
        return ngx_lu_refuse(call, 422, "\"channelName\" must be a string.");

    } else {
        rc = lu_json_string(app, "appChannelId", &channel_id);
    }

    if (rc != LU_OK) {
        return NGX_OK;
    }

    id = ngx_lu_uuid(call);

    if (id == NULL
        || cJSON_AddStringToObject(release, "deployment", id) == NULL
        || cJSON_AddStringToObject(release, "channel",
                                   (char *) channel_id.data)
           == NULL)
    {
        return ngx_lu_nomem(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_bundle_register(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    cJSON      *channel;
    ngx_uint_t  i, is_signed;
    lu_str_t    value;

    static const char  *members[] = { "url", "checksum", "signature", NULL };

    if (lu_json_string(call->json, "url", &value) != LU_OK) {
        return NGX_OK;
    }

    for (i = 0; members[i]; i++) {
        if (lu_json_string(call->json, members[i], &value)
            == LU_OK
            && cJSON_AddStringToObject(release, members[i],
                                       (char *) value.data)
               == NULL)
        {
            return ngx_lu_nomem(call);
        }
    }

    is_signed = (lu_json_string(release, "signature", &value) == LU_OK);

    /* it is to be deployed at once: nothing is taken that could not be */

    if (!is_signed && lu_json_string(release, "channel", &value) == LU_OK) {
        channel = lu_change_channel_find(app, (char *) value.data);

        if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                            "protectedAt")))
        {
            return ngx_lu_refuse(call, NGX_HTTP_FORBIDDEN,
                                 "The channel is protected: it takes only "
                                 "signed bundles (register with "
                                 "--private-key).");
        }
    }

    if (cJSON_AddBoolToObject(release, "signed", is_signed) == NULL
        || lu_json_set(release, "state", cJSON_CreateString("staged"))
           != LU_OK)
    {
        return ngx_lu_nomem(call);
    }

    return NGX_OK;
}


/*
 * A publisher whose connection broke asks again, and what it registers may be
 * at the head of the channel already.  NGX_DECLINED if not, else a status.
 */

static ngx_int_t
ngx_lu_bundle_repeated(ngx_lu_call_t *call, cJSON *app)
{
    char         *channel, *id;
    cJSON        *twin;
    u_char       *path;
    ngx_int_t     rc;
    const cJSON  *deployments;

    channel = ngx_lu_member(call, call->data, "channel");

    if (channel == NULL
        || !cJSON_HasObjectItem(call->data, "url"))
    {
        return NGX_DECLINED;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(
                                    lu_change_channel_find(app, channel),
                                    "deployments");

    if (deployments == NULL || deployments->child == NULL) {
        return NGX_DECLINED;
    }

    id = ngx_lu_member(call, deployments->child, "release");
    if (id == NULL) {
        return ngx_lu_nomem(call);
    }

    path = ngx_lu_path(call->io.pool, "%V/live/%s/%s/release.json",
                       &call->store->path, call->route.app.data, id);

    rc = ngx_lu_store_read_json(&call->io, path, &twin);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    if (ngx_lu_bundle_same(twin, call->data)) {
        call->subject = id;
        call->finish = NULL;
        rc = ngx_lu_bundle_answer(call, twin, "ready", NGX_HTTP_CREATED);
    } else {
        rc = NGX_DECLINED;
    }

    cJSON_Delete(twin);

    return rc;
}


static ngx_uint_t
ngx_lu_bundle_same(const cJSON *one, const cJSON *two)
{
    time_t        first, second;
    ngx_uint_t    i;
    const cJSON  *a, *b;
    lu_str_t      text;

    static const char  *members[] = {
        "kind", "channel", "rollout", "url", "checksum", "signature",
        "customProperties", "gitRef", "createdBy",
        "minAndroidAppVersionCode", "maxAndroidAppVersionCode",
        "eqAndroidAppVersionCode", "minIosAppVersionCode",
        "maxIosAppVersionCode", "eqIosAppVersionCode", NULL
    };

    for (i = 0; members[i]; i++) {
        a = cJSON_GetObjectItemCaseSensitive(one, members[i]);
        b = cJSON_GetObjectItemCaseSensitive(two, members[i]);

        if ((a || b) && !cJSON_Compare(a, b, 1)) {
            return 0;
        }
    }

    /* later it is meant, since the bytes at the URL may be others */

    return lu_json_string(one, "createdAt", &text) == LU_OK
           && lu_time_parse(&text, &first) == LU_OK
           && lu_json_string(two, "createdAt", &text) == LU_OK
           && lu_time_parse(&text, &second) == LU_OK
           && ngx_abs(second - first) < NGX_LU_REPEATED;
}


/* The number is taken. */

static ngx_int_t
ngx_lu_bundle_stage(ngx_lu_call_t *call)
{
    if (cJSON_HasObjectItem(call->data, "url") && !call->approval) {
        return NGX_OK;
    }

    return ngx_lu_bundle_place(call, "staging");
}


static ngx_int_t
ngx_lu_bundle_publish(ngx_lu_call_t *call,
    cJSON *app)
{
    ngx_int_t  status;

    status = ngx_lu_bundle_repeated(call, app);
    if (status != NGX_DECLINED) {
        return status;
    }

    call->change = "bundle.ready";

    status = ngx_lu_bundle_deploy(call, app);

    if (status == NGX_OK) {
        status = ngx_lu_bundle_place(call, "live");
    }

    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_bundle_answer(call, call->data, "ready", NGX_HTTP_CREATED);
}


/* It is made aside, so that it is there at once, or not at all. */

static ngx_int_t
ngx_lu_bundle_place(ngx_lu_call_t *call, const char *place)
{
    u_char     *temp, *folder, *path;
    ngx_int_t   status;

    if (ngx_lu_store_mkdtemp(&call->io, call->store, &temp) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    folder = ngx_lu_path(call->io.pool, "%V/%s/%s", &call->store->path, place,
                         call->route.app.data);
    path = ngx_lu_path(call->io.pool, "%s/%s", folder, call->subject);

    status = ngx_lu_bundle_write(call, temp);

    if (status == NGX_OK
        && (ngx_lu_store_mkdir(&call->io, folder) == NGX_ERROR
            || ngx_lu_store_rename(&call->io, temp, path) != NGX_OK
            || ngx_lu_store_sync(&call->io, folder) != NGX_OK))
    {
        status = ngx_lu_failed(call);
    }

    if (status != NGX_OK) {
        ngx_lu_store_discard(temp);
    }

    return status;
}


/* The lock of an upload is made here and never again. */

static ngx_int_t
ngx_lu_bundle_write(ngx_lu_call_t *call, u_char *folder)
{
    u_char    *path;
    ngx_fd_t   lock;

    if (!cJSON_HasObjectItem(call->data, "url")) {

        path = ngx_lu_path(call->io.pool, "%s/lock", folder);

        if (ngx_lu_store_lock(&call->io, path, &lock) != NGX_OK) {
            return ngx_lu_failed(call);
        }

        ngx_lu_store_unlock(lock);

        path = ngx_lu_path(call->io.pool, "%s/uploads", folder);

        if (ngx_lu_store_mkdir(&call->io, path) != NGX_OK) {
            return ngx_lu_failed(call);
        }
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    if (ngx_lu_store_write_json(&call->io, call->store, path,
                                call->data)
        != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_bundle_hold(ngx_lu_call_t *call, ngx_fd_t *lock)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%V/staging/%s/%s/lock",
                       &call->store->path, call->route.app.data,
                       call->route.id.data);

    switch (ngx_lu_store_lock_existing(&call->io, path, lock)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        *lock = NGX_INVALID_FILE;
        return NGX_OK;

    default:
        return ngx_lu_failed(call);
    }
}


ngx_int_t
ngx_lu_bundle_staged(ngx_lu_call_t *call, u_char *folder, cJSON **release)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    rc = ngx_lu_store_read_json(&call->io, path, release);

    if (rc == NGX_OK && ngx_lu_is_desktop(*release)) {
        cJSON_Delete(*release);
        return NGX_DECLINED;
    }

    return rc;
}


ngx_int_t
ngx_lu_bundle_lock(ngx_lu_call_t *call, ngx_fd_t *lock, cJSON **release,
    u_char **folder)
{
    u_char    *path;
    ngx_int_t  rc;
    lu_str_t   state;

    *folder = ngx_lu_path(call->io.pool, "%V/staging/%s/%s",
                          &call->store->path, call->route.app.data,
                          call->route.id.data);

    path = ngx_lu_path(call->io.pool, "%s/lock", *folder);

    rc = ngx_lu_store_lock_existing(&call->io, path, lock);

    if (rc == NGX_OK) {
        rc = ngx_lu_bundle_staged(call, *folder, release);

        if (rc == NGX_OK) {
            ngx_str_null(&state);
            (void) lu_json_string(*release, "state", &state);

            if (!lu_str_is(&state, "staged")) {
                return NGX_OK;
            }

            cJSON_Delete(*release);
        }

        ngx_lu_store_unlock(*lock);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {

        rc = ngx_lu_release_read(call, (char *) call->route.id.data, release,
                                 folder);
        if (rc != NGX_OK) {
            return rc;
        }

        cJSON_Delete(*release);
    }

    return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                         "The bundle is complete: its files do not change any "
                         "more.");
}


ngx_int_t
ngx_lu_bundle_answer(ngx_lu_call_t *call, const cJSON *release,
    const char *artifact_status, ngx_int_t status)
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
        return ngx_lu_nomem(call);
    }

    for (i = 0; members[i].to; i++) {
        item = cJSON_GetObjectItemCaseSensitive(release, members[i].from);
        item = item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull();

        if (item == NULL || !cJSON_AddItemToObject(json, members[i].to, item))
        {
            cJSON_Delete(item);
            return ngx_lu_nomem(call);
        }
    }

    /* a deployment comes with the last call, not before */

    if (ngx_strcmp(artifact_status, "ready") != 0
        && lu_json_set(json, "appDeploymentId", cJSON_CreateNull()) != LU_OK)
    {
        return ngx_lu_nomem(call);
    }

    return status;
}


ngx_int_t
ngx_lu_bundle_get(ngx_lu_call_t *call)
{
    cJSON       *release;
    u_char      *folder;
    ngx_int_t    status;
    const char  *artifact_status;
    lu_str_t     state;

    status = ngx_lu_release_read(call, (char *) call->route.id.data, &release,
                                 &folder);
    if (status != NGX_OK) {
        return status;
    }

    (void) lu_json_string(release, "state", &state);

    artifact_status = ngx_strncmp(folder + call->store->path.len, "/live/", 6)
                      == 0
                      ? "ready"
                      : lu_str_is(&state, "failed") ? "failed"
                                                    : "pending";

    status = ngx_lu_bundle_answer(call, release, artifact_status, NGX_HTTP_OK);
    cJSON_Delete(release);

    return status;
}


/* A string member, copied: the tree may go before the call does. */

char *
ngx_lu_member(ngx_lu_call_t *call, const cJSON *object, const char *key)
{
    lu_str_t  value;

    if (lu_json_string(object, key, &value) != LU_OK) {
        return NULL;
    }

    return (char *) ngx_lu_path(call->io.pool, "%s", value.data);
}
