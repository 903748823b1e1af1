
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_delta.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_change_channel.h"
#include "core/lu_json.h"
#include "core/lu_manifest.h"


#define NGX_LU_DELTA_BUNDLES  10


static ngx_int_t ngx_lu_delta_channel(ngx_lu_task_t *task,
    const cJSON *channel, const ngx_lu_release_t *release,
    const lu_file_t *entries, size_t n);
static ngx_uint_t ngx_lu_delta_is_newest(const cJSON *deployments,
    const cJSON *deployment, const lu_str_t *id);
static ngx_int_t ngx_lu_delta_from(ngx_lu_task_t *task, const lu_str_t *id,
    const lu_file_t *entries, size_t n);


ngx_int_t
ngx_lu_delta_check(ngx_lu_task_t *task, const ngx_lu_release_t *release,
    const lu_file_t *entries, size_t n)
{
    cJSON     *app;
    lu_str_t   id;
    ngx_int_t  status;

    if (lu_json_string(release->json, "channel", &id) != LU_OK) {
        return NGX_OK;
    }

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_delta_channel(task,
                                   lu_change_channel_find(app,
                                                          (char *) id.data),
                                   release, entries, n);
    cJSON_Delete(app);

    return status;
}


static ngx_int_t
ngx_lu_delta_channel(ngx_lu_task_t *task, const cJSON *channel,
    const ngx_lu_release_t *release, const lu_file_t *entries, size_t n)
{
    lu_str_t      own, id;
    ngx_int_t     status;
    ngx_uint_t    left;
    const cJSON  *deployments, *deployment;

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

    left = NGX_LU_DELTA_BUNDLES;

    cJSON_ArrayForEach(deployment, deployments) {

        if (lu_json_string(deployment, "release", &id) != LU_OK
            || lu_json_string(release->json, "id", &own) != LU_OK
            || lu_str_eq(&id, &own)
            || !ngx_lu_delta_is_newest(deployments, deployment, &id))
        {
            continue;
        }

        if (left-- == 0) {
            break;
        }

        status = ngx_lu_delta_from(task, &id, entries, n);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* A bundle that was deployed twice is compared once. */

static ngx_uint_t
ngx_lu_delta_is_newest(const cJSON *deployments, const cJSON *deployment,
    const lu_str_t *id)
{
    lu_str_t      other;
    const cJSON  *item;

    for (item = deployments->child; item != deployment; item = item->next) {
        if (lu_json_string(item, "release", &other) == LU_OK
            && lu_str_eq(&other, id))
        {
            return 0;
        }
    }

    return 1;
}


/* What is no manifest bundle, or is gone, is not copied from. */

static ngx_int_t
ngx_lu_delta_from(ngx_lu_task_t *task, const lu_str_t *id,
    const lu_file_t *entries, size_t n)
{
    size_t            nolder;
    u_char           *path;
    lu_rc_e           rc;
    lu_str_t          text;
    ngx_int_t         read;
    lu_file_t        *older;
    lu_arena_t        arena;
    lu_error_t        err;
    ngx_file_info_t   fi;

    path = ngx_lu_path_in(&task->io,
                          ngx_lu_release_live(task, (char *) id->data),
                          "files/%s", LU_MANIFEST_NAME);

    /* what is in live/ is what it was when it came there */

    task->io.plain = 1;
    read = ngx_lu_file_read(&task->io, path, &text, &fi);
    task->io.plain = 0;

    if (read != NGX_OK) {
        return read == NGX_DECLINED ? NGX_OK : ngx_lu_task_failed(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_manifest_parse(&arena, &text, &older, &nolder, &err);

    if (rc == LU_OK) {
        rc = lu_manifest_check_update(&arena, older, nolder, entries, n,
                                      &task->error);

    } else if (rc == LU_INVALID) {
        rc = LU_OK;
    }

    return ngx_lu_task_core(task, rc);
}
