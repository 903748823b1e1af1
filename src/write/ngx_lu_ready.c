
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_bundle.h"
#include "ngx_lu_change.h"
#include "ngx_lu_event.h"
#include "ngx_lu_protect.h"
#include "ngx_lu_ready.h"
#include "ngx_lu_staging.h"
#include "ngx_lu_verify.h"

#include "core/lu_change_deployment.h"
#include "core/lu_json.h"
#include "core/lu_release.h"


static ngx_int_t ngx_lu_ready_verify(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_ready_protect(ngx_lu_task_t *task,
    const cJSON *release);
static ngx_int_t ngx_lu_ready_publish(ngx_lu_task_t *task, cJSON *app,
    void *data);


/*
 * A verified bundle stays verified: if the call is interrupted, a repeated one
 * continues from there.  A call that waited for the lock finds it live.
 */

ngx_int_t
ngx_lu_ready(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    ngx_int_t  status;

    status = ngx_lu_release_open(task, release);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_ready_verify(task, release);

    if (status == NGX_OK) {
        status = ngx_lu_ready_protect(task, release->json);
    }

    if (status == NGX_OK && !task->approval) {
        task->change = "bundle.ready";
        task->subject = (char *) task->id.data;
        task->commit = ngx_lu_bundle_commit(task, release->json);

        task->again = 1;

        status = ngx_lu_change(task, ngx_lu_ready_publish, NULL, release);

    } else if (status == NGX_OK) {
        status = ngx_lu_event(task, "release.staged", release->json, NULL,
                              NULL, "staged");

        if (status == NGX_OK) {
            status = NGX_HTTP_OK;
        }
    }

    if (status != NGX_HTTP_OK) {
        ngx_lu_release_close(release);
    }

    return status;
}


static ngx_int_t
ngx_lu_ready_verify(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    ngx_int_t   status;
    lu_state_e  state;

    state = lu_release_state(release->json);

    if (release->lock == NULL) {

        /* live, about to be when a crash came, or registered and waiting */

        return state == LU_STATE_STAGED
               ? NGX_OK
               : ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                    "The bundle is not complete.");
    }

    if (state == LU_STATE_REJECTED) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The bundle was rejected: publish another "
                                  "one.");
    }

    if (state != LU_STATE_STAGED) {
        status = ngx_lu_verify(task, release);
        if (status != NGX_OK) {
            return status;
        }
    }

    /* the files have other names by now */

    return ngx_lu_staging_clean(task, release->folder, "uploads");
}


static ngx_int_t
ngx_lu_ready_protect(ngx_lu_task_t *task, const cJSON *release)
{
    cJSON     *app;
    lu_str_t   channel;
    ngx_int_t  status;

    if (lu_json_string(release, "channel", &channel) != LU_OK) {
        return NGX_OK;
    }

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_protect(task, app, release);

    cJSON_Delete(app);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_ready_publish(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_release_t *release = data;

    cJSON     *channel;
    lu_str_t   id;

    /* a client that did not see the answer asks again */

    if (release->is_live
        && (lu_json_string(release->json, "deployment", &id) != LU_OK
            || lu_change_deployment_find(app, (char *) id.data, &channel)))
    {
        return NGX_HTTP_OK;
    }

    /* without a channel, the app does not tell */

    task->again = 0;

    return ngx_lu_bundle_publish(task, app, release->json, NULL);
}
