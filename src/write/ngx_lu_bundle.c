
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bundle.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"

#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_bundle_staged(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_bundle_target(ngx_lu_task_t *task, const cJSON *app,
    cJSON *release, const ngx_lu_promotion_t *promotion);
static ngx_int_t ngx_lu_bundle_rollout(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release);


ngx_int_t
ngx_lu_bundle_open(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    u_char    *path;
    ngx_int_t  rc;

    release->is_live = 0;
    release->folder = ngx_lu_path(&task->io, "%V/staging/%s/%s",
                                  &task->store->path, task->app.data,
                                  task->id.data);
    path = ngx_lu_path_in(&task->io, release->folder, "lock");

    rc = ngx_lu_lock_existing(&task->io, path, &release->lock);

    if (rc == NGX_OK) {
        rc = ngx_lu_bundle_staged(task, release);

        if (rc == NGX_OK) {

            if (lu_release_state(release->json) != LU_STATE_STAGED) {
                return NGX_OK;
            }

            cJSON_Delete(release->json);
        }

        ngx_lu_lock_release(release->lock);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_lu_release_read(task, (char *) task->id.data, release);
        if (rc != NGX_OK) {
            return rc;
        }

        ngx_lu_release_close(release);
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "The bundle is complete: its files do not change "
                              "any more.");
}


/* NGX_DECLINED: there is no bundle in that folder. */

static ngx_int_t
ngx_lu_bundle_staged(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    u_char    *path;
    ngx_int_t  rc;

    path = ngx_lu_path_in(&task->io, release->folder, "release.json");

    rc = ngx_lu_file_read_json(&task->io, path, &release->json);

    if (rc == NGX_OK && lu_release_kind(release->json) == LU_KIND_DESKTOP) {
        cJSON_Delete(release->json);
        return NGX_DECLINED;
    }

    return rc;
}


ngx_int_t
ngx_lu_bundle_deploy(ngx_lu_task_t *task, cJSON *app, const cJSON *release)
{
    char       *id, *deployment, *channel;
    double      rollout;
    lu_rc_e     rc;
    ngx_uint_t  is_signed;

    id = ngx_lu_task_member(task, release, "id");
    deployment = ngx_lu_task_member(task, release, "deployment");
    channel = ngx_lu_task_member(task, release, "channel");

    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (deployment == NULL || channel == NULL) {
        return NGX_OK;
    }

    rollout = 1;
    (void) lu_json_number(release, "rollout", &rollout);

    is_signed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(release,
                                                              "signed"));
    task->to = deployment;

    rc = lu_change_deployment_add(app, channel, deployment, id, rollout,
                                  is_signed, task->by, task->now,
                                  &task->error);

    return ngx_lu_task_core(task, rc);
}


ngx_int_t
ngx_lu_bundle_publish(ngx_lu_task_t *task, cJSON *app, const cJSON *release)
{
    ngx_int_t  status;

    status = ngx_lu_bundle_deploy(task, app, release);

    if (status == NGX_OK) {
        status = ngx_lu_release_publish(task, task->subject);
    }

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


ngx_int_t
ngx_lu_bundle_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion)
{
    char      *id;
    ngx_int_t  status;

    status = ngx_lu_bundle_target(task, app, release->json, promotion);
    if (status != NGX_OK) {
        return status;
    }

    if (release->is_live) {
        status = ngx_lu_bundle_rollout(task, app, release->json);

        if (status != NGX_DECLINED) {
            return status;
        }
    }

    if (release->is_live || promotion->channel) {

        /* not the deployment that its publisher was told of */

        id = ngx_lu_task_uuid(task);

        if (id == NULL
            || lu_json_set_string(release->json, "deployment", id) != LU_OK)
        {
            return ngx_lu_task_nomem(task);
        }
    }

    return ngx_lu_bundle_publish(task, app, release->json);
}


static ngx_int_t
ngx_lu_bundle_target(ngx_lu_task_t *task, const cJSON *app, cJSON *release,
    const ngx_lu_promotion_t *promotion)
{
    cJSON    *channel;
    lu_str_t  id;

    if (promotion->channel) {
        channel = lu_change_channel_named(app, promotion->channel);

        if (lu_json_string(channel, "id", &id) != LU_OK) {
            return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "Channel not found.");
        }

        if (lu_json_set_string(release, "channel", (char *) id.data) != LU_OK)
        {
            return ngx_lu_task_nomem(task);
        }
    }

    if (promotion->has_rollout
        && lu_json_set(release, "rollout",
                       cJSON_CreateNumber(promotion->rollout))
           != LU_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is not the newest one of its channel. */

static ngx_int_t
ngx_lu_bundle_rollout(ngx_lu_task_t *task, cJSON *app, const cJSON *release)
{
    cJSON    *channel, *deployment, *deployments;
    double    before, rollout;
    lu_rc_e   rc;
    lu_str_t  id, value;

    if (lu_json_string(release, "channel", &id) != LU_OK) {
        return NGX_DECLINED;
    }

    channel = lu_change_channel_find(app, (char *) id.data);
    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    if (lu_json_string(deployment, "release", &value) != LU_OK
        || !lu_str_is(&value, task->subject)
        || lu_json_string(deployment, "id", &id) != LU_OK)
    {
        return NGX_DECLINED;
    }

    before = 0;
    rollout = 1;

    (void) lu_json_number(deployment, "rollout", &before);
    (void) lu_json_number(release, "rollout", &rollout);

    task->change = "release.rollout";
    task->from = (char *) ngx_lu_format(task->io.pool, "%.4f", before);
    task->to = (char *) ngx_lu_format(task->io.pool, "%.4f", rollout);

    rc = lu_change_deployment_update(app, (char *) id.data, rollout, task->now,
                                     &task->error);

    return rc == LU_OK ? NGX_HTTP_OK : ngx_lu_task_core(task, rc);
}
