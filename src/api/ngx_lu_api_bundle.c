
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_api_bundle.h"

#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_ready.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_remove.h"
#include "write/ngx_lu_task.h"

#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_put.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"
#include "core/lu_url.h"


static ngx_int_t ngx_lu_api_bundle_check(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_bundle_check_url(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_api_bundle_describe(ngx_lu_call_t *call, cJSON **json);
static ngx_int_t ngx_lu_api_bundle_answer(ngx_lu_call_t *call,
    ngx_int_t status, const cJSON *release, const char *artifact_status);


static const char  ngx_lu_api_bundle_unchecked[] =
    "The bundle has no checksum: it is not offered to Android devices with the "
    "plugin 7.1.0 to 7.3.0, which cannot install it. Register it with --path, "
    "too.";


ngx_int_t
ngx_lu_api_bundles_post(ngx_lu_call_t *call)
{
    lu_str_t          channel;
    ngx_int_t         status;
    const char       *artifact_status;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    status = ngx_lu_api_bundle_check(call);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_api_bundle_describe(call, &release.json);
    if (status != NGX_OK) {
        return status;
    }

    channel.data = NULL;
    (void) lu_json_string(call->json, "channelName", &channel);

    status = ngx_lu_bundle_create(task, (char *) channel.data, &release);

    if (status == NGX_HTTP_CREATED) {

        artifact_status = release.is_live ? "ready"
                          : cJSON_HasObjectItem(release.json, "url")
                            ? "staged" : "pending";

        status = ngx_lu_api_bundle_answer(call, status, release.json,
                                          artifact_status);

        if (cJSON_HasObjectItem(release.json, "url")
            && !cJSON_HasObjectItem(release.json, "checksum"))
        {
            call->note = ngx_lu_format(task->io.pool,
                                       "bundle \"%s\" of app \"%*s\": %s",
                                       task->subject, task->app.len,
                                       task->app.data,
                                       ngx_lu_api_bundle_unchecked);
        }
    }

    ngx_lu_release_close(&release);

    return status;
}


/* What the body must be, whatever the app is. */

static ngx_int_t
ngx_lu_api_bundle_check(ngx_lu_call_t *call)
{
    double          rollout;
    lu_rc_e         rc;
    lu_str_t        value;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (lu_json_string(call->json, "artifactType", &value) != LU_OK
        || (!lu_str_is(&value, "zip") && !lu_str_is(&value, "manifest")))
    {
        return ngx_lu_task_refuse(task, 422,
                                  "\"artifactType\" must be \"zip\" or "
                                  "\"manifest\".");
    }

    rc = lu_json_number(call->json, "rolloutPercentage", &rollout);

    if (rc == LU_INVALID || (rc == LU_OK && !(rollout >= 0 && rollout <= 1))) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"rolloutPercentage\" must be a number from "
                                  "0 to 1.");
    }

    rc = lu_json_string(call->json, "channelName", &value);

    if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"channelName\" must be a string.");
    }

    rc = lu_limit_string(call->json, "gitRef", &value, &task->error);

    if (rc == LU_INVALID) {
        return ngx_lu_task_core(task, rc);
    }

    return ngx_lu_api_bundle_check_url(call);
}


static ngx_int_t
ngx_lu_api_bundle_check_url(ngx_lu_call_t *call)
{
    lu_rc_e         rc;
    lu_str_t        value;
    ngx_lu_task_t  *task;

    task = &call->task;

    rc = lu_json_string(call->json, "url", &value);

    if (rc == LU_NOT_FOUND) {
        return NGX_OK;
    }

    if (rc != LU_OK || !lu_url_valid(&value)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"url\" must be an absolute URL with http "
                                  "or https, percent-encoded, of up to 2048 "
                                  "bytes.");
    }

    if (lu_json_string(call->json, "artifactType", &value) != LU_OK
        || !lu_str_is(&value, "zip"))
    {
        return ngx_lu_task_refuse(task, 422,
                                  "Only a \"zip\" can be registered with its "
                                  "\"url\".");
    }

    rc = lu_json_string(call->json, "checksum", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_sha256_hex_valid(&value))) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"checksum\" must be the file's SHA-256 in "
                                  "lower-case hex.");
    }

    rc = lu_json_string(call->json, "signature", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_file_signature_valid(&value))) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"signature\" must be an RSA signature of "
                                  "128 to 1024 bytes, in base64.");
    }

    return NGX_OK;
}


/*
 * What the publisher says of the bundle, as a release.json to be freed by the
 * caller.  NGX_OK, or a status without a tree.
 */

static ngx_int_t
ngx_lu_api_bundle_describe(ngx_lu_call_t *call, cJSON **json)
{
    cJSON          *release;
    double          rollout;
    lu_rc_e         rc;
    lu_put_t        put;
    lu_str_t        value;
    ngx_lu_task_t  *task;

    task = &call->task;

    rollout = 1;
    (void) lu_json_number(call->json, "rolloutPercentage", &rollout);

    lu_put_init(&put);

    release = cJSON_CreateObject();

    lu_put_copy(&put, release, "kind", call->json, "artifactType");
    lu_put_number(&put, release, "rollout", rollout);

    if (lu_json_string(call->json, "url", &value) == LU_OK) {
        lu_put_str(&put, release, "url", &value);

        if (lu_json_string(call->json, "checksum", &value) == LU_OK) {
            lu_put_str(&put, release, "checksum", &value);
        }

        rc = lu_json_string(call->json, "signature", &value);

        if (rc == LU_OK) {
            lu_put_str(&put, release, "signature", &value);
        }

        lu_put_bool(&put, release, "signed", rc == LU_OK);
    }

    release = lu_put_done(&put, release);
    if (release == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = lu_release_set(release, call->json, &task->error);

    if (rc == LU_OK) {
        rc = lu_release_commit(release, call->json, &task->error);
    }

    if (rc != LU_OK) {
        cJSON_Delete(release);
        return ngx_lu_task_core(task, rc);
    }

    *json = release;

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_bundle_get(ngx_lu_call_t *call)
{
    ngx_int_t         status;
    lu_state_e        state;
    const char       *artifact_status;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    status = ngx_lu_release_read(task, (char *) task->id.data, &release);
    if (status != NGX_OK) {
        return status;
    }

    state = lu_release_state(release.json);

    artifact_status = release.is_live ? "ready"
                      : (state == LU_STATE_FAILED) ? "failed" : "pending";

    status = ngx_lu_api_bundle_answer(call, NGX_HTTP_OK, release.json,
                                      artifact_status);
    ngx_lu_release_close(&release);

    return status;
}


/* "artifactStatus" ends the upload; without it the build is described. */

ngx_int_t
ngx_lu_api_bundle_patch(ngx_lu_call_t *call)
{
    lu_rc_e           rc;
    lu_str_t          value;
    ngx_int_t         status;
    const char       *artifact_status;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    rc = lu_json_string(call->json, "artifactStatus", &value);

    if (rc == LU_NOT_FOUND) {
        return ngx_lu_api_build_patch(call);
    }

    if (rc != LU_OK || !lu_str_is(&value, "ready")) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"artifactStatus\" must be \"ready\".");
    }

    status = ngx_lu_ready(task, &release);
    if (status != NGX_HTTP_OK) {
        return status;
    }

    artifact_status = (task->approval && !release.is_live) ? "staged"
                                                           : "ready";

    status = ngx_lu_api_bundle_answer(call, status, release.json,
                                      artifact_status);
    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_api_bundle_delete(ngx_lu_call_t *call)
{
    return ngx_lu_remove_bundle(&call->task);
}


static ngx_int_t
ngx_lu_api_bundle_answer(ngx_lu_call_t *call, ngx_int_t status,
    const cJSON *release, const char *artifact_status)
{
    cJSON      *json, *warnings;
    lu_put_t    put;
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
        { "gitCommitSha", "gitCommitSha" },
        { "gitCommitRef", "gitCommitRef" },
        { "gitCommitMessage", "gitCommitMessage" },
        { "url", "url" },
        { "checksum", "checksum" },
        { "signature", "signature" },
        { "reason", "reason" },
        { "createdAt", "createdAt" },
        { "updatedAt", "updatedAt" },
        { NULL, NULL }
    };

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "artifactStatus", artifact_status);

    for (i = 0; members[i].to; i++) {
        lu_put_copy_or_null(&put, json, members[i].to, release,
                            members[i].from);
    }

    /* before it is ready, the bundle is in no deployment */

    if (ngx_strcmp(artifact_status, "ready") != 0) {
        lu_put_null(&put, json, "appDeploymentId");
    }

    if (cJSON_HasObjectItem(release, "url")
        && !cJSON_HasObjectItem(release, "checksum"))
    {
        warnings = lu_put_array(&put, json, "warnings");

        lu_put_string(&put, warnings, NULL, ngx_lu_api_bundle_unchecked);
    }

    return ngx_lu_call_answer(call, status, lu_put_done(&put, json));
}
