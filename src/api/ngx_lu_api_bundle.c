
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_api_bundle.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_ready.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_remove.h"
#include "write/ngx_lu_task.h"

#include "core/lu_change.h"
#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"
#include "core/lu_time.h"
#include "core/lu_change_channel.h"
#include "core/lu_url.h"


#define NGX_LU_REPEATED  60      /* seconds */


/* A bundle that is announced, or registered with its URL. */

typedef struct {
    ngx_lu_call_t      *call;
    cJSON              *release;
    unsigned            registered:1;    /* nothing is uploaded */
    unsigned            repeated:1;      /* it is there already */
} ngx_lu_new_t;


static ngx_int_t ngx_lu_api_bundle_check(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_bundle_add(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_bundle_describe(ngx_lu_call_t *call, cJSON *app,
    cJSON *release, const char *id);
static ngx_int_t ngx_lu_api_bundle_target(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static ngx_int_t ngx_lu_api_bundle_register(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static ngx_int_t ngx_lu_api_bundle_repeated(ngx_lu_new_t *bundle, cJSON *app);
static ngx_uint_t ngx_lu_api_bundle_same(const cJSON *one, const cJSON *two);
static ngx_int_t ngx_lu_api_bundle_stage(ngx_lu_task_t *task, void *data);
static ngx_int_t ngx_lu_api_bundle_register_live(ngx_lu_task_t *task,
    cJSON *app, void *data);
static ngx_int_t ngx_lu_api_bundle_place(ngx_lu_task_t *task,
    ngx_lu_new_t *bundle, const char *place);
static ngx_int_t ngx_lu_api_bundle_write(ngx_lu_task_t *task,
    ngx_lu_new_t *bundle, u_char *folder);
static ngx_int_t ngx_lu_api_bundle_answer(ngx_lu_call_t *call,
    const cJSON *release, const char *artifact_status, ngx_int_t status);


/*
 * First the app gives away a number, so that no crash can make it give that
 * one again; then there is something of that number.
 */

ngx_int_t
ngx_lu_api_bundles_post(ngx_lu_call_t *call)
{
    ngx_int_t       status;
    ngx_lu_new_t    bundle;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_api_bundle_check(call);
    if (status != NGX_OK) {
        return status;
    }

    ngx_memzero(&bundle, sizeof(ngx_lu_new_t));

    bundle.call = call;
    bundle.release = cJSON_CreateObject();

    if (bundle.release == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_change(task, ngx_lu_api_bundle_add, ngx_lu_api_bundle_stage,
                           &bundle);

    if (status == NGX_HTTP_CREATED && call->answer == NULL) {

        if (task->approval) {
            status = ngx_lu_api_bundle_answer(call, bundle.release, "staged",
                                              NGX_HTTP_CREATED);

        } else {

            /* what was expected was there when the number was taken */

            task->expect = NULL;

            status = ngx_lu_change(task, ngx_lu_api_bundle_register_live, NULL,
                                   &bundle);
        }
    }

    cJSON_Delete(bundle.release);

    return status;
}


/* What can be said of the body without the app. */

static ngx_int_t
ngx_lu_api_bundle_check(ngx_lu_call_t *call)
{
    double    rollout;
    lu_rc_e   rc;
    lu_str_t  type, url, value;

    if (lu_json_string(call->json, "artifactType", &type) != LU_OK
        || (!lu_str_is(&type, "zip")
            && !lu_str_is(&type, "manifest")))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"artifactType\" must be \"zip\" or "
                                  "\"manifest\".");
    }

    rc = lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (rc == LU_INVALID || (rc == LU_OK && !(rollout >= 0 && rollout <= 1))) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"rolloutPercentage\" must be "
                                  "a number from 0 to 1.");
    }

    rc = lu_json_string(call->json, "url", &url);

    if (rc == LU_NOT_FOUND) {
        return NGX_OK;
    }

    if (rc != LU_OK || !lu_url_valid(&url)) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"url\" must be an absolute URL with "
                             "http or https, percent-encoded, of up to 2048 "
                                  "bytes.");
    }

    if (!lu_str_is(&type, "zip")) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "Only a \"zip\" can be registered "
                                  "with its \"url\".");
    }

    rc = lu_json_string(call->json, "checksum", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_sha256_hex_valid(&value))) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"checksum\" must be the file's "
                                  "SHA-256 in lower-case hex.");
    }

    rc = lu_json_string(call->json, "signature", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_file_signature_valid(&value))) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"signature\" must be in base64.");
    }

    return NGX_OK;
}


/* What is uploaded is answered here, what is registered is still to be. */

static ngx_int_t
ngx_lu_api_bundle_add(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_new_t *bundle = data;

    char      *id;
    uint64_t   number;
    ngx_int_t  status;

    id = ngx_lu_task_uuid(task);
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->change = "bundle.create";
    task->subject = id;

    status = ngx_lu_api_bundle_describe(bundle->call, app, bundle->release, id);
    if (status != NGX_OK) {
        return status;
    }

    bundle->registered = cJSON_HasObjectItem(bundle->release, "url");

    status = ngx_lu_api_bundle_repeated(bundle, app);
    if (status != NGX_DECLINED) {
        return status;
    }

    if (lu_change_build_number(app, &number) != LU_OK
        || cJSON_AddNumberToObject(bundle->release, "number", (double) number)
           == NULL)
    {
        return ngx_lu_task_nomem(task);
    }

    if (bundle->registered) {
        ngx_lu_protect(task, app, bundle->release);

        return NGX_HTTP_CREATED;
    }

    return ngx_lu_api_bundle_answer(bundle->call, bundle->release, "pending",
                                    NGX_HTTP_CREATED);
}


static ngx_int_t
ngx_lu_api_bundle_describe(ngx_lu_call_t *call, cJSON *app, cJSON *release,
    const char *id)
{
    double     rollout;
    lu_rc_e    rc;
    lu_str_t   value;
    ngx_int_t  status;

    (void) lu_json_string(call->json, "artifactType", &value);

    rollout = 1;
    (void) lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (cJSON_AddStringToObject(release, "id", id) == NULL
        || cJSON_AddStringToObject(release, "app",
                                   (char *) call->task.app.data)
           == NULL
        || cJSON_AddStringToObject(release, "kind", (char *) value.data)
           == NULL
        || cJSON_AddStringToObject(release, "state",
                                   lu_release_state_name(LU_STATE_UPLOADING))
           == NULL
        || cJSON_AddNumberToObject(release, "rollout", rollout) == NULL
        || cJSON_AddStringToObject(release, "createdBy", call->task.by)
           == NULL
        || cJSON_AddStringToObject(release, "createdAt", call->task.now) == NULL
        || cJSON_AddStringToObject(release, "updatedAt",
                                   call->task.now) == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    if (lu_json_string(call->json, "gitRef", &value) == LU_OK
        && cJSON_AddStringToObject(release, "gitRef", (char *) value.data)
           == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    rc = lu_release_set(release, call->json, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    status = ngx_lu_api_bundle_target(call, app, release);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_api_bundle_register(call, app, release);
}


/* The channel that it goes to when it is ready, and as which deployment. */

static ngx_int_t
ngx_lu_api_bundle_target(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    char     *id;
    cJSON    *channel;
    lu_rc_e   rc;
    lu_str_t  name, channel_id;

    rc = lu_json_string(call->json, "channelName", &name);

    if (rc == LU_OK) {
        channel = lu_change_channel_named(app, (char *) name.data);

        if (channel == NULL) {
            return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                      "Channel not found.");
        }

        rc = lu_json_string(channel, "id", &channel_id);

    } else if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"channelName\" must be a string.");

    } else {
        rc = lu_json_string(app, "appChannelId", &channel_id);
    }

    if (rc != LU_OK) {
        return NGX_OK;
    }

    id = ngx_lu_task_uuid(&call->task);

    if (id == NULL
        || cJSON_AddStringToObject(release, "deployment", id) == NULL
        || cJSON_AddStringToObject(release, "channel",
                                   (char *) channel_id.data)
           == NULL)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_bundle_register(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    cJSON      *channel;
    lu_str_t    value;
    ngx_uint_t  i, is_signed;

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
            return ngx_lu_task_nomem(&call->task);
        }
    }

    is_signed = (lu_json_string(release, "signature", &value) == LU_OK);

    /* it is to be deployed at once: nothing is taken that could not be */

    if (!is_signed && lu_json_string(release, "channel", &value) == LU_OK) {
        channel = lu_change_channel_find(app, (char *) value.data);

        if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                            "protectedAt")))
        {
            return ngx_lu_task_refuse(&call->task, NGX_HTTP_FORBIDDEN,
                                      "The channel is protected: it takes only "
                                      "signed bundles (register with "
                                      "--private-key).");
        }
    }

    if (cJSON_AddBoolToObject(release, "signed", is_signed) == NULL
        || lu_json_set_string(release, "state",
                              lu_release_state_name(LU_STATE_STAGED))
           != LU_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_OK;
}


/*
 * A publisher whose connection broke asks again, and what it registers may be
 * at the head of the channel already.  NGX_DECLINED if not, else a status.
 */

static ngx_int_t
ngx_lu_api_bundle_repeated(ngx_lu_new_t *bundle, cJSON *app)
{
    char             *channel, *id;
    ngx_int_t         status;
    const cJSON      *deployments;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  twin;

    task = &bundle->call->task;

    channel = ngx_lu_task_member(task, bundle->release, "channel");

    if (channel == NULL || !bundle->registered) {
        return NGX_DECLINED;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(
                                    lu_change_channel_find(app, channel),
                                    "deployments");

    if (deployments == NULL || deployments->child == NULL) {
        return NGX_DECLINED;
    }

    id = ngx_lu_task_member(task, deployments->child, "release");
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_release_read(task, id, &twin);

    if (status != NGX_OK) {
        return status == NGX_HTTP_NOT_FOUND ? NGX_DECLINED : status;
    }

    if (twin.is_live && ngx_lu_api_bundle_same(twin.json, bundle->release)) {
        task->subject = id;
        bundle->repeated = 1;

        status = ngx_lu_api_bundle_answer(bundle->call, twin.json, "ready",
                                          NGX_HTTP_CREATED);
    } else {
        status = NGX_DECLINED;
    }

    ngx_lu_release_close(&twin);

    return status;
}


static ngx_uint_t
ngx_lu_api_bundle_same(const cJSON *one, const cJSON *two)
{
    time_t        first, second;
    lu_str_t      text;
    ngx_uint_t    i;
    const cJSON  *a, *b;

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
ngx_lu_api_bundle_stage(ngx_lu_task_t *task, void *data)
{
    ngx_lu_new_t *bundle = data;

    if (bundle->repeated || (bundle->registered && !task->approval)) {
        return NGX_OK;
    }

    return ngx_lu_api_bundle_place(task, bundle, "staging");
}


static ngx_int_t
ngx_lu_api_bundle_register_live(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_new_t *bundle = data;

    ngx_int_t  status;

    status = ngx_lu_api_bundle_repeated(bundle, app);
    if (status != NGX_DECLINED) {
        return status;
    }

    task->change = "bundle.ready";

    status = ngx_lu_bundle_deploy(task, app, bundle->release);

    if (status == NGX_OK) {
        status = ngx_lu_api_bundle_place(task, bundle, "live");
    }

    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_api_bundle_answer(bundle->call, bundle->release, "ready",
                                    NGX_HTTP_CREATED);
}


/* It is made aside, so that it is there at once, or not at all. */

static ngx_int_t
ngx_lu_api_bundle_place(ngx_lu_task_t *task, ngx_lu_new_t *bundle,
    const char *place)
{
    u_char    *temp, *folder, *path;
    ngx_int_t  status;

    if (ngx_lu_temp_mkdir(&task->io, task->store, &temp) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    folder = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                         task->app.data);
    path = ngx_lu_path_in(&task->io, folder, "%s", task->subject);

    status = ngx_lu_api_bundle_write(task, bundle, temp);

    if (status == NGX_OK
        && (ngx_lu_file_mkdir(&task->io, folder) == NGX_ERROR
            || ngx_lu_file_rename(&task->io, temp, path) != NGX_OK
            || ngx_lu_file_sync(&task->io, folder) != NGX_OK))
    {
        status = ngx_lu_task_failed(task);
    }

    if (status != NGX_OK) {
        ngx_lu_tree_discard(temp);
    }

    return status;
}


/* The lock of an upload is made here and never again. */

static ngx_int_t
ngx_lu_api_bundle_write(ngx_lu_task_t *task, ngx_lu_new_t *bundle,
    u_char *folder)
{
    u_char           *path;
    ngx_fd_t          lock;
    ngx_lu_release_t  release;

    if (!bundle->registered) {

        path = ngx_lu_path_in(&task->io, folder, "lock");

        if (ngx_lu_lock(&task->io, path, &lock) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }

        ngx_lu_lock_release(lock);

        path = ngx_lu_path_in(&task->io, folder, "uploads");

        if (ngx_lu_file_mkdir(&task->io, path) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }
    }

    release.json = bundle->release;
    release.folder = folder;

    return ngx_lu_release_save(task, &release);
}


static ngx_int_t
ngx_lu_api_bundle_answer(ngx_lu_call_t *call, const cJSON *release,
    const char *artifact_status, ngx_int_t status)
{
    cJSON      *json, *item;
    ngx_uint_t  i;

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
        return ngx_lu_task_nomem(&call->task);
    }

    for (i = 0; members[i].to; i++) {
        item = cJSON_GetObjectItemCaseSensitive(release, members[i].from);
        item = item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull();

        if (item == NULL || !cJSON_AddItemToObject(json, members[i].to, item))
        {
            cJSON_Delete(item);
            return ngx_lu_task_nomem(&call->task);
        }
    }

    /* a deployment comes with the last call, not before */

    if (ngx_strcmp(artifact_status, "ready") != 0
        && lu_json_set(json, "appDeploymentId", cJSON_CreateNull()) != LU_OK)
    {
        return ngx_lu_task_nomem(&call->task);
    }

    return status;
}


ngx_int_t
ngx_lu_api_bundle_get(ngx_lu_call_t *call)
{
    ngx_int_t         status;
    lu_state_e        state;
    const char       *artifact_status;
    ngx_lu_release_t  release;

    status = ngx_lu_release_read(&call->task, (char *) call->task.id.data,
                                 &release);
    if (status != NGX_OK) {
        return status;
    }

    state = lu_release_state(release.json);

    artifact_status = release.is_live ? "ready"
                      : (state == LU_STATE_FAILED) ? "failed"
                                                    : "pending";

    status = ngx_lu_api_bundle_answer(call, release.json, artifact_status,
                                      NGX_HTTP_OK);

    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_api_bundle_patch(ngx_lu_call_t *call)
{
    lu_rc_e           rc;
    lu_str_t          value;
    ngx_int_t         status;
    const char       *artifact_status;
    ngx_lu_release_t  release;

    rc = lu_json_string(call->json, "artifactStatus", &value);

    if (rc == LU_NOT_FOUND) {
        return ngx_lu_api_build_patch(call);
    }

    if (rc != LU_OK || !lu_str_is(&value, "ready")) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"artifactStatus\" must be \"ready\".");
    }

    status = ngx_lu_ready(&call->task, &release);

    if (status != NGX_HTTP_OK) {
        return status;
    }

    artifact_status = (call->task.approval && !release.is_live) ? "staged"
                                                                : "ready";

    status = ngx_lu_api_bundle_answer(call, release.json, artifact_status,
                                      NGX_HTTP_OK);

    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_api_bundle_delete(ngx_lu_call_t *call)
{
    return ngx_lu_remove_bundle(&call->task);
}
