
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_desktop.h"
#include "ngx_lu_keep.h"
#include "ngx_lu_protect.h"
#include "ngx_lu_release.h"
#include "ngx_lu_remove.h"
#include "ngx_lu_usage.h"

#include "store/ngx_lu_claim.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_builds.h"
#include "core/lu_change_deployment.h"
#include "core/lu_json.h"
#include "core/lu_release.h"


typedef struct {
    u_char             *folder;
    u_char             *temp;       /* where it is, once it has gone */
    ngx_lu_keep_t      *keep;       /* that lets it go */
    unsigned            is_desktop:1;
    unsigned            is_live:1;
} ngx_lu_remove_t;


static ngx_int_t ngx_lu_remove(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_remove_t *remove);
static ngx_int_t ngx_lu_remove_bundle_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_remove_release_change(ngx_lu_task_t *task,
    cJSON *app, void *data);
static ngx_int_t ngx_lu_remove_kept_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_remove_from(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_remove_t *remove);
static ngx_int_t ngx_lu_remove_open(ngx_lu_task_t *task,
    ngx_lu_remove_t *remove, ngx_lu_release_t *release);
static ngx_int_t ngx_lu_remove_files(ngx_lu_task_t *task, void *data);


ngx_int_t
ngx_lu_remove_bundle(ngx_lu_task_t *task)
{
    ngx_lu_remove_t  remove;

    return ngx_lu_remove(task, ngx_lu_remove_bundle_change, &remove);
}


/*
 * Others do not wait until all files are gone: what has the locks may be of low
 * priority.
 */

static ngx_int_t
ngx_lu_remove(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_remove_t *remove)
{
    ngx_int_t  status;

    task->frees = 1;

    remove->temp = NULL;

    status = ngx_lu_release_change(task, change, ngx_lu_remove_files, remove);

    if (remove->temp) {
        ngx_lu_tree_discard(remove->temp);
        ngx_lu_change_reserve(task);
    }

    return status;
}


static ngx_int_t
ngx_lu_remove_bundle_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_remove_t *remove = data;

    ngx_int_t         status;
    ngx_lu_release_t  release;

    task->change = "bundle.delete";
    task->subject = (char *) task->id.data;

    status = ngx_lu_remove_open(task, remove, &release);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_release_close(&release);

    /* removing the newest bundle rolls the protected channel back */

    if (ngx_lu_protect_app(task, app, task->subject)) {
        return ngx_lu_protect_refuse(task);
    }

    lu_change_deployment_remove(app, task->subject);

    return NGX_HTTP_NO_CONTENT;
}


/*
 * A live or waiting release must be withdrawn or rejected first, so that its
 * audit log says why.  A job at work would continue with the next release of
 * this id.
 */

ngx_int_t
ngx_lu_remove_release(ngx_lu_task_t *task)
{
    u_char          *job;
    ngx_int_t        rc, status;
    ngx_lu_claim_t   claim;
    ngx_lu_remove_t  remove;

    task->subject = (char *) task->id.data;

    job = ngx_lu_release_job(task);

    rc = ngx_lu_claim_open(&task->io, job, &claim);

    if (rc == NGX_OK) {

        /* a machine that has lost the lock may be at work all the same */

        rc = ngx_lu_claim_take(&task->io, task->store, task->io.pool, job,
                               &claim);
        if (rc != NGX_OK) {
            ngx_lu_claim_close(&claim);
        }
    }

    switch (rc) {
    case NGX_OK:
        task->io.claim = &claim.turn;
        break;

    case NGX_DECLINED:
        break;

    case NGX_BUSY:
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A job is at work with the release: reject "
                                  "it, or try again in a moment.");
    default:
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_remove(task, ngx_lu_remove_release_change, &remove);

    if (status == NGX_HTTP_NO_CONTENT) {
        ngx_lu_claim_end(&task->io, &claim);
    }

    task->io.claim = NULL;
    ngx_lu_claim_close(&claim);

    return status;
}


static ngx_int_t
ngx_lu_remove_release_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_remove_t *remove = data;

    ngx_int_t         status;
    lu_state_e        state;
    ngx_lu_release_t  release;

    task->change = "release.delete";

    status = ngx_lu_remove_open(task, remove, &release);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_lu_release_state(app, &release);

    if (state == LU_STATE_WITHDRAWN
        || state == LU_STATE_REJECTED
        || state == LU_STATE_FAILED
        || (state == LU_STATE_UPLOADING && remove->is_desktop))
    {
        status = NGX_HTTP_NO_CONTENT;

    } else {
        status = ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                    "Only a release that is withdrawn, "
                                    "rejected, failed or being uploaded can "
                                    "be deleted.");
    }

    ngx_lu_release_close(&release);

    return status;
}


/* The app, and the release, may have changed since the policy has decided. */

ngx_int_t
ngx_lu_remove_kept(ngx_lu_task_t *task, ngx_lu_keep_t *keep)
{
    ngx_lu_remove_t  remove;

    remove.keep = keep;

    return ngx_lu_remove(task, ngx_lu_remove_kept_change, &remove);
}


static ngx_int_t
ngx_lu_remove_kept_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_remove_t *remove = data;

    lu_rc_e           left;
    ngx_int_t         rc, status;
    lu_keep_e         why;
    ngx_lu_release_t  release;

    task->change = "release.cleanup";
    task->subject = (char *) task->id.data;

    status = ngx_lu_remove_open(task, remove, &release);

    if (status == NGX_OK && remove->is_desktop && remove->is_live) {

        /* what the feed has of it is known by then */

        status = ngx_lu_desktop_check(task, remove->folder);

        if (status != NGX_OK) {
            ngx_lu_release_close(&release);
        }
    }

    if (status != NGX_OK) {
        remove->keep->damaged = (status == 422
                                 || ngx_lu_io_is_damage(&task->io));
        return status;
    }

    why = ngx_lu_keep_again(task, remove->keep, app, release.json,
                            release.folder, release.is_live);

    /* if a crash comes before its files have gone, the next pass goes on */

    left = (release.is_live && lu_keep_goes(why))
           ? lu_keep_leave(app, release.json) : LU_OK;

    ngx_lu_release_close(&release);

    if (left != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_exists(&task->io, ngx_lu_release_job(task));

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK || !lu_keep_goes(why)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release is needed again.");
    }

    task->to = lu_keep_name(why);

    return ngx_lu_remove_from(task, app, remove);
}


static ngx_int_t
ngx_lu_remove_from(ngx_lu_task_t *task, cJSON *app, ngx_lu_remove_t *remove)
{
    lu_rc_e    rc;
    ngx_int_t  status;

    if (!remove->is_live) {
        return NGX_HTTP_NO_CONTENT;
    }

    if (!remove->is_desktop) {
        lu_change_deployment_remove(app, task->subject);
        return NGX_HTTP_NO_CONTENT;
    }

    if (lu_json_find(lu_json_get(app, "desktopBuilds"), "id", task->subject)
        == NULL)
    {
        return NGX_HTTP_NO_CONTENT;
    }

    status = ngx_lu_desktop_learn(task, app);
    if (status != NGX_OK) {
        return status;
    }

    rc = lu_builds_withdraw(app, task->subject, &task->error);

    return rc == LU_OK ? NGX_HTTP_NO_CONTENT : ngx_lu_task_core(task, rc);
}


static ngx_int_t
ngx_lu_remove_open(ngx_lu_task_t *task, ngx_lu_remove_t *remove,
    ngx_lu_release_t *release)
{
    ngx_int_t  status;

    status = ngx_lu_release_read(task, task->subject, release);
    if (status != NGX_OK) {
        return status;
    }

    remove->folder = release->folder;
    remove->is_desktop = (lu_release_kind(release->json) == LU_KIND_DESKTOP);
    remove->is_live = release->is_live;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_remove_files(ngx_lu_task_t *task, void *data)
{
    ngx_lu_remove_t *remove = data;

    ngx_int_t  rc;

    if (remove->is_desktop && remove->is_live) {

        /* a crash may have left files in the feed when it was withdrawn */

        rc = ngx_lu_desktop_unlink(task);
        if (rc != NGX_OK) {
            return rc;
        }

    } else if (remove->is_desktop) {
        rc = ngx_lu_tree_unlink(&task->io, task->store,
                                ngx_lu_release_job(task));
        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }
    }

    rc = ngx_lu_tree_move(&task->io, task->store, remove->folder,
                          &remove->temp);

    ngx_lu_usage_changed(task);

    /* it was there: who has moved it away may have to put it back */

    if (rc == NGX_DECLINED) {
        rc = ngx_lu_io_error(&task->io, NGX_ECANCELED, "rename()",
                             remove->folder);
    }

    return rc == NGX_ERROR ? ngx_lu_task_failed(task) : NGX_OK;
}
