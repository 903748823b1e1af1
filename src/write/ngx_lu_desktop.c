
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_desktop.h"
#include "ngx_lu_staging.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_builds.h"
#include "core/lu_file.h"
#include "core/lu_put.h"
#include "core/lu_time.h"


typedef ngx_int_t (*ngx_lu_desktop_file_pt)(ngx_lu_task_t *task, u_char *live,
    u_char *feed, time_t stamp);


static ngx_int_t ngx_lu_desktop_rollout(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_promotion_t *promotion);
static ngx_int_t ngx_lu_desktop_release(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release, const ngx_lu_promotion_t *promotion);
static time_t ngx_lu_desktop_stamp(ngx_lu_task_t *task, cJSON *app);
static ngx_int_t ngx_lu_desktop_feed(ngx_lu_task_t *task, u_char *folder,
    ngx_lu_desktop_file_pt handler, time_t stamp);
static ngx_int_t ngx_lu_desktop_test_file(ngx_lu_task_t *task, u_char *live,
    u_char *feed, time_t stamp);
static ngx_int_t ngx_lu_desktop_link_file(ngx_lu_task_t *task, u_char *live,
    u_char *feed, time_t stamp);
static ngx_int_t ngx_lu_desktop_unlink_file(ngx_lu_task_t *task, u_char *live,
    u_char *feed, time_t stamp);


ngx_int_t
ngx_lu_desktop_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion)
{
    time_t     stamp;
    ngx_int_t  status;

    status = ngx_lu_desktop_rollout(task, app, promotion);

    if (status != NGX_DECLINED) {
        return status;
    }

    status = ngx_lu_desktop_release(task, app, release->json, promotion);
    if (status != NGX_OK) {
        return status;
    }

    /* nothing has happened yet if a name is taken */

    status = ngx_lu_desktop_feed(task, release->folder,
                                 ngx_lu_desktop_test_file, 0);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_staging_clean(task, release->folder, "uploads");
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_publish(task, task->subject);
    if (status != NGX_OK) {
        return status;
    }

    stamp = ngx_lu_desktop_stamp(task, app);

    if (stamp == 0) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_desktop_feed(task, ngx_lu_release_live(task, task->subject),
                                 ngx_lu_desktop_link_file, stamp);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


/*
 * A release that is live has its files in the feed already.  NGX_DECLINED: it
 * is not, or nobody has asked for another rollout.
 */

static ngx_int_t
ngx_lu_desktop_rollout(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_promotion_t *promotion)
{
    lu_rc_e  rc;

    if (!promotion->has_rollout) {
        return NGX_DECLINED;
    }

    rc = lu_builds_rollout(app, task->subject, promotion->rollout,
                           &task->error);

    if (rc == LU_NOT_FOUND) {
        return NGX_DECLINED;
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->change = "release.rollout";
    task->to = (char *) ngx_lu_format(task->io.pool, "%.4f",
                                      promotion->rollout);

    return NGX_HTTP_OK;
}


/* With the rules that came with the build, if all installations get it. */

static ngx_int_t
ngx_lu_desktop_release(ngx_lu_task_t *task, cJSON *app, const cJSON *release,
    const ngx_lu_promotion_t *promotion)
{
    double        rollout;
    lu_rc_e       rc;
    lu_str_t      version;
    const char   *latest;
    const cJSON  *info;

    if (lu_json_string(release, "version", &version) != LU_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release has no version.");
    }

    rollout = promotion->has_rollout ? promotion->rollout : 1;

    info = (promotion->listed || rollout < 1)
           ? NULL
           : cJSON_GetObjectItemCaseSensitive(release, "releaseInfo");

    latest = lu_builds_latest(app);

    if (latest && rollout >= 1) {
        task->from = (char *) ngx_lu_format(task->io.pool, "%s", latest);
    }

    rc = lu_builds_release(app, task->subject, (char *) version.data, info,
                           task->now, &task->error);

    if (rc == LU_OK && promotion->has_rollout) {
        rc = lu_builds_rollout(app, task->subject, rollout, &task->error);
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    latest = lu_builds_latest(app);

    if (rollout < 1) {
        task->to = (char *) ngx_lu_format(task->io.pool, "%.4f", rollout);

    } else if (latest) {
        task->to = (char *) ngx_lu_format(task->io.pool, "%s", latest);
    }

    return NGX_OK;
}


/*
 * nginx derives entity tags from the time and the size of a file.  No two
 * releases have the same time, so that a client never takes the new file
 * behind "latest.yml" or a download route for the one before.
 */

static time_t
ngx_lu_desktop_stamp(ngx_lu_task_t *task, cJSON *app)
{
    time_t    stamp;
    lu_put_t  put;
    lu_str_t  now;
    uint64_t  last;

    now = lu_str(task->now);
    last = 0;

    (void) lu_time_parse(&now, &stamp);
    (void) lu_json_size(app, "desktopTime", &last);

    if (stamp <= (time_t) last) {
        stamp = (time_t) last + 1;
    }

    lu_put_init(&put);
    lu_put_number(&put, app, "desktopTime", (double) stamp);

    return put.failed ? 0 : stamp;
}


/* For each file of a release, and for its name in the feed. */

static ngx_int_t
ngx_lu_desktop_feed(ngx_lu_task_t *task, u_char *folder,
    ngx_lu_desktop_file_pt handler, time_t stamp)
{
    size_t           i, n;
    u_char          *feed, *path, *live, *link;
    lu_rc_e          rc;
    lu_str_t         text;
    ngx_int_t        status;
    lu_file_t       *files;
    lu_arena_t       arena;
    ngx_file_info_t  fi;

    feed = ngx_lu_path(&task->io, "%V/feed/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_file_mkdir(&task->io, feed) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    path = ngx_lu_path_in(&task->io, folder, "files.json");

    status = ngx_lu_file_read(&task->io, path, &text, &fi);
    if (status != NGX_OK) {
        return ngx_lu_task_unread(task, status);
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_file_table_parse(&arena, &text, &files, &n, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    for (i = 0; i < n; i++) {

        live = ngx_lu_path_in(&task->io, folder, "files/%*s",
                              files[i].href.len, files[i].href.data);
        link = ngx_lu_path_in(&task->io, feed, "%*s", files[i].href.len,
                              files[i].href.data);

        if (live == NULL || link == NULL) {
            return ngx_lu_task_nomem(task);
        }

        status = handler(task, live, link, stamp);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (ngx_lu_file_sync(&task->io, feed) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/* The bytes behind a name never change, so a name belongs to one build. */

static ngx_int_t
ngx_lu_desktop_test_file(ngx_lu_task_t *task, u_char *live, u_char *feed,
    time_t stamp)
{
    ngx_file_info_t  one, two;

    if (ngx_file_info(feed, &two) == NGX_FILE_ERROR) {
        return NGX_OK;
    }

    if (ngx_file_info(live, &one) == NGX_FILE_ERROR
        || ngx_file_uniq(&one) != ngx_file_uniq(&two))
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A file of the release has the same name as "
                                  "one that is in the feed already, and is "
                                  "another one.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_desktop_link_file(ngx_lu_task_t *task, u_char *live, u_char *feed,
    time_t stamp)
{
    if (ngx_lu_file_stamp(&task->io, live, stamp) != NGX_OK
        || ngx_lu_file_link(&task->io, live, feed) == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_desktop_unlink(ngx_lu_task_t *task)
{
    /* a job that was interrupted after the promotion does not repeat it */

    if (ngx_lu_file_unlink(&task->io, ngx_lu_release_job(task)) == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_desktop_feed(task, ngx_lu_release_live(task, task->subject),
                               ngx_lu_desktop_unlink_file, 0);
}


static ngx_int_t
ngx_lu_desktop_unlink_file(ngx_lu_task_t *task, u_char *live, u_char *feed,
    time_t stamp)
{
    ngx_file_info_t  one, two;

    if (ngx_file_info(live, &one) == NGX_FILE_ERROR
        || ngx_file_info(feed, &two) == NGX_FILE_ERROR
        || ngx_file_uniq(&one) != ngx_file_uniq(&two))
    {
        return NGX_OK;
    }

    if (ngx_lu_file_unlink(&task->io, feed) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}
