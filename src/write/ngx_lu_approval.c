
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_approval.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_bundle.h"
#include "ngx_lu_change.h"
#include "ngx_lu_desktop.h"
#include "ngx_lu_release.h"

#include "store/ngx_lu_file.h"

#include "core/lu_builds.h"
#include "core/lu_change_deployment.h"
#include "core/lu_json.h"
#include "core/lu_link.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


typedef struct {
    const char                *reason;
    ngx_lu_release_t           release;
} ngx_lu_approval_reject_t;


static ngx_int_t ngx_lu_approval_promoted(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_approval_rejected(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_approval_save(ngx_lu_task_t *task, void *data);
static ngx_int_t ngx_lu_approval_withdrawn(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_approval_unlink(ngx_lu_task_t *task, void *data);


ngx_int_t
ngx_lu_approval_promote(ngx_lu_task_t *task,
    const ngx_lu_promotion_t *promotion)
{
    task->again = 1;

    return ngx_lu_release_change(task, ngx_lu_approval_promoted, NULL,
                                 (void *) promotion);
}


ngx_int_t
ngx_lu_approval_promote_held(ngx_lu_task_t *task,
    const ngx_lu_promotion_t *promotion)
{
    return ngx_lu_change(task, ngx_lu_approval_promoted, NULL,
                         (void *) promotion);
}


static ngx_int_t
ngx_lu_approval_promoted(ngx_lu_task_t *task, cJSON *app, void *data)
{
    const ngx_lu_promotion_t *promotion = data;

    ngx_int_t         status;
    lu_state_e        state;
    ngx_lu_release_t  release;

    task->change = "release.promote";
    task->subject = (char *) task->id.data;

    status = ngx_lu_release_read(task, task->subject, &release);
    if (status != NGX_OK) {
        return status;
    }

    state = lu_release_state(release.json);

    task->commit = ngx_lu_bundle_commit(task, release.json);
    task->waited = !release.is_live;
    ngx_lu_audit_platforms(task, release.json);

    /* it goes live, which the app need not tell */

    if (!release.is_live) {
        task->again = 0;
    }

    if (!release.is_live && state != LU_STATE_STAGED) {
        status = ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                    "Only a release that is staged, that is "
                                    "complete and verified, can be promoted.");

    } else if (lu_release_kind(release.json) == LU_KIND_DESKTOP) {
        status = ngx_lu_desktop_promote(task, app, &release, promotion);

    } else {
        status = ngx_lu_bundle_promote(task, app, &release, promotion);
    }

    ngx_lu_release_close(&release);

    return status;
}


ngx_int_t
ngx_lu_approval_reject(ngx_lu_task_t *task, const char *reason)
{
    ngx_int_t                 status;
    ngx_lu_approval_reject_t  reject;

    /* a release must be rejected or withdrawn before it can be deleted */

    task->frees = 1;

    ngx_memzero(&reject, sizeof(ngx_lu_approval_reject_t));

    reject.reason = reason;

    status = ngx_lu_release_change(task, ngx_lu_approval_rejected,
                                   ngx_lu_approval_save, &reject);

    ngx_lu_release_close(&reject.release);

    return status;
}


static ngx_int_t
ngx_lu_approval_rejected(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_approval_reject_t *reject = data;

    lu_put_t           put;
    ngx_int_t          status;
    lu_state_e         state;
    ngx_lu_release_t  *release;

    task->change = "release.reject";
    task->subject = (char *) task->id.data;
    task->to = reject->reason;

    release = &reject->release;

    status = ngx_lu_release_read(task, task->subject, release);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_audit_platforms(task, release->json);

    state = lu_release_state(release->json);

    if (release->is_live) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release is live: withdraw it.");
    }

    if (state == LU_STATE_REJECTED) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release was rejected already.");
    }

    lu_put_init(&put);

    lu_put_string(&put, release->json, "state",
                  lu_release_state_name(LU_STATE_REJECTED));
    lu_put_string(&put, release->json, "reason", reject->reason);

    /* who has a link to it does not get it any more */

    cJSON_DeleteItemFromObjectCaseSensitive(app, LU_LINK_MEMBER);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_HTTP_OK;
}


/* The audit log has its entry by then. */

static ngx_int_t
ngx_lu_approval_save(ngx_lu_task_t *task, void *data)
{
    ngx_lu_approval_reject_t *reject = data;

    return ngx_lu_release_save(task, &reject->release);
}


ngx_int_t
ngx_lu_approval_withdraw(ngx_lu_task_t *task)
{
    ngx_uint_t  is_desktop;

    task->again = 1;
    task->frees = 1;

    return ngx_lu_change(task, ngx_lu_approval_withdrawn,
                         ngx_lu_approval_unlink, &is_desktop);
}


static ngx_int_t
ngx_lu_approval_withdrawn(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_uint_t *is_desktop = data;

    lu_rc_e           rc;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    task->change = "release.withdraw";
    task->subject = (char *) task->id.data;

    status = ngx_lu_release_read(task, task->subject, &release);
    if (status != NGX_OK) {
        return status;
    }

    *is_desktop = (lu_release_kind(release.json) == LU_KIND_DESKTOP);
    ngx_lu_audit_platforms(task, release.json);

    ngx_lu_release_close(&release);

    if (!release.is_live) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release is not live: reject it.");
    }

    if (*is_desktop) {
        status = ngx_lu_desktop_learn(task, app);
        if (status != NGX_OK) {
            return status;
        }

        rc = lu_builds_withdraw(app, task->subject, &task->error);

        return rc == LU_OK ? NGX_HTTP_OK : ngx_lu_task_core(task, rc);
    }

    lu_change_deployment_remove(app, task->subject);

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_lu_approval_unlink(ngx_lu_task_t *task, void *data)
{
    ngx_uint_t *is_desktop = data;

    u_char  *path;

    /* since when it is not needed; if that fails, it goes earlier, or never */

    path = ngx_lu_release_path(&task->io,
                               ngx_lu_release_live(task, task->subject));

    if (ngx_lu_file_stamp(&task->io, path, time(NULL)) != NGX_OK) {
        ngx_lu_io_clear(&task->io);
    }

    return *is_desktop ? ngx_lu_desktop_unlink(task) : NGX_OK;
}
