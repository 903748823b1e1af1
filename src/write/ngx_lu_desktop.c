
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_release.h"

#include "core/lu_builds.h"


static ngx_int_t ngx_lu_desktop_rollout(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_desktop_release(ngx_lu_call_t *call, cJSON *app,
    const cJSON *release);
static time_t ngx_lu_desktop_stamp(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_desktop_feed(ngx_lu_call_t *call, u_char *folder,
    ngx_int_t (*handler)(ngx_lu_call_t *call, u_char *live, u_char *feed));
static ngx_int_t ngx_lu_desktop_test(ngx_lu_call_t *call, u_char *file,
    u_char *feed);
static ngx_int_t ngx_lu_desktop_link(ngx_lu_call_t *call, u_char *file,
    u_char *feed);
static u_char *ngx_lu_desktop_folder(ngx_lu_call_t *call, const char *place);
static ngx_int_t ngx_lu_desktop_unlink(ngx_lu_call_t *call, u_char *live,
    u_char *feed);
static ngx_int_t ngx_lu_desktop_open(ngx_lu_call_t *call, u_char *folder,
    cJSON **release);


ngx_int_t
ngx_lu_desktop_promote(ngx_lu_call_t *call, cJSON *app, const cJSON *release,
    u_char *folder)
{
    time_t      stamp;
    ngx_int_t   status;

    status = ngx_lu_desktop_rollout(call, app);

    if (status != NGX_DECLINED) {
        return status;
    }

    status = ngx_lu_desktop_release(call, app, release);
    if (status != NGX_OK) {
        return status;
    }

    /* nothing has happened yet if a name is taken */

    status = ngx_lu_desktop_feed(call, folder, ngx_lu_desktop_test);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_staging_clean(call, folder, "uploads");
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_rename(call, call->subject);

    if (status != NGX_HTTP_OK) {
        return status;
    }

    stamp = ngx_lu_desktop_stamp(call, app);

    if (stamp == 0) {
        return ngx_lu_nomem(call);
    }

    call->data = &stamp;

    folder = ngx_lu_desktop_folder(call, "live");

    status = ngx_lu_desktop_feed(call, folder, ngx_lu_desktop_link);

    return status == NGX_OK ? ngx_lu_release_done(call, "live") : status;
}


/*
 * Another part of the installations, of what is released already and so is in
 * the feed.  NGX_DECLINED: it is not, or nobody has asked for that.
 */

static ngx_int_t
ngx_lu_desktop_rollout(ngx_lu_call_t *call, cJSON *app)
{
    double     rollout;
    ngx_int_t  status;
    lu_rc_e    rc;

    if (ngx_lu_release_rollout(call, &rollout) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = lu_builds_rollout(app, call->subject, rollout, &call->error);

    if (rc == LU_NOT_FOUND) {
        return NGX_DECLINED;
    }

    status = ngx_lu_core_status(call, rc);
    if (status != NGX_OK) {
        return status;
    }

    call->change = "release.rollout";
    call->to = (char *) ngx_lu_path(call->io.pool, "%.4f", rollout);

    return ngx_lu_release_done(call, "live");
}


/* With what the build was sent with, if all installations are to get it. */

static ngx_int_t
ngx_lu_desktop_release(ngx_lu_call_t *call, cJSON *app, const cJSON *release)
{
    double        rollout;
    ngx_int_t     status;
    ngx_uint_t    given;
    const char   *latest;
    const cJSON  *info;
    lu_str_t      version;

    if (lu_json_string(release, "version", &version) != LU_OK)
    {
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "The release has no version.");
    }

    rollout = 1;
    given = (ngx_lu_release_rollout(call, &rollout) == NGX_OK);

    info = (call->listed || rollout < 1)
           ? NULL
           : cJSON_GetObjectItemCaseSensitive(release, "releaseInfo");

    latest = lu_builds_latest(app);

    if (latest && rollout >= 1) {
        call->from = (char *) ngx_lu_path(call->io.pool, "%s", latest);
    }

    status = ngx_lu_core_status(call,
                                lu_builds_release(app, call->subject,
                                                  (char *) version.data, info,
                                                  call->now, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    if (given) {
        status = ngx_lu_core_status(call,
                                    lu_builds_rollout(app, call->subject,
                                                      rollout,
                                                      &call->error));
        if (status != NGX_OK) {
            return status;
        }
    }

    latest = lu_builds_latest(app);

    if (rollout < 1) {
        call->to = (char *) ngx_lu_path(call->io.pool, "%.4f", rollout);

    } else if (latest) {
        call->to = (char *) ngx_lu_path(call->io.pool, "%s", latest);
    }

    return NGX_OK;
}


/*
 * nginx makes entity tags of the time and the size of files.  No two releases
 * get the same time, so that what is behind "latest.yml" or a download route
 * is never taken for what was there before.
 */

static time_t
ngx_lu_desktop_stamp(ngx_lu_call_t *call,
    cJSON *app)
{
    time_t    stamp;
    uint64_t  last;
    lu_str_t  now;

    now.data = (u_char *) call->now;
    now.len = ngx_strlen(call->now);

    last = 0;

    (void) lu_time_parse(&now, &stamp);
    (void) lu_json_size(app, "desktopTime", &last);

    if (stamp <= (time_t) last) {
        stamp = (time_t) last + 1;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(app, "desktopTime");

    return cJSON_AddNumberToObject(app, "desktopTime", (double) stamp)
           ? stamp : 0;
}


/* Links the files of a live release into the app's feed, or unlinks them. */

static ngx_int_t
ngx_lu_desktop_feed(ngx_lu_call_t *call, u_char *folder,
    ngx_int_t (*handler)(ngx_lu_call_t *call, u_char *live, u_char *feed))
{
    size_t           i, n;
    u_char          *feed, *path;
    ngx_int_t        rc, status;
    ngx_str_t        text;
    ngx_file_info_t  fi;
    lu_str_t         str;
    lu_file_t       *files;
    lu_arena_t       arena;

    feed = ngx_lu_path(call->io.pool, "%V/feed/%s",
                       &call->store->path,
                       call->route.app.data);

    if (ngx_lu_store_mkdir(&call->io, feed) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/files.json", folder);

    rc = ngx_lu_store_read(&call->io, path, &text, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_unread(call, rc);
    }

    str.len = text.len;
    str.data = text.data;

    arena = ngx_lu_arena(call->io.pool);

    status = ngx_lu_core_status(call,
                                lu_file_table_parse(&arena, &str, &files, &n,
                                                    &call->error));
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < n; i++) {

        status = handler(call,
                         ngx_lu_path(call->io.pool, "%s/files/%*s", folder,
                                     files[i].href.len, files[i].href.data),
                         ngx_lu_path(call->io.pool, "%s/%*s", feed,
                                     files[i].href.len, files[i].href.data));
        if (status != NGX_OK) {
            return status;
        }
    }

    if (ngx_lu_store_sync(&call->io, feed) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


/* The bytes behind a name never change: it may not be another build's. */

static ngx_int_t
ngx_lu_desktop_test(ngx_lu_call_t *call, u_char *file, u_char *feed)
{
    ngx_file_info_t  one, two;

    if (file == NULL || feed == NULL) {
        return ngx_lu_nomem(call);
    }

    if (ngx_file_info(feed, &two) == NGX_FILE_ERROR) {
        return NGX_OK;
    }

    if (ngx_file_info(file, &one) == NGX_FILE_ERROR
        || ngx_file_uniq(&one) != ngx_file_uniq(&two))
    {
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "A file of the release has the same name as one "
                             "that is in the feed already, and is another "
                             "one.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_desktop_link(ngx_lu_call_t *call, u_char *file, u_char *feed)
{
    if (ngx_lu_store_stamp(&call->io, file,
                           *(time_t *) call->data)
        != NGX_OK
        || ngx_lu_store_link(&call->io, file, feed) == NGX_ERROR)
    {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


static u_char *
ngx_lu_desktop_folder(ngx_lu_call_t *call, const char *place)
{
    return ngx_lu_path(call->io.pool, "%V/%s/%s/%s", &call->store->path, place,
                       call->route.app.data, call->subject);
}


static ngx_int_t
ngx_lu_desktop_unlink(ngx_lu_call_t *call, u_char *live, u_char *feed)
{
    ngx_file_info_t  one, two;

    if (ngx_file_info(live, &one) == NGX_FILE_ERROR
        || ngx_file_info(feed, &two) == NGX_FILE_ERROR
        || ngx_file_uniq(&one) != ngx_file_uniq(&two))
    {
        return NGX_OK;
    }

    if (ngx_lu_store_unlink(&call->io, feed) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_desktop_withdraw(ngx_lu_call_t *call)
{
    /* a job that was cut short after promoting it does not do so again */

    if (ngx_lu_store_unlink(&call->io, ngx_lu_job_path(call)) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    return ngx_lu_desktop_feed(call, ngx_lu_desktop_folder(call, "live"),
                               ngx_lu_desktop_unlink);
}


/*
 * POST .../stage: what lies in uploads/ of a folder in staging is a release,
 * put there by nginx's own DAV or a copy.
 */

ngx_int_t
ngx_lu_desktop_stage_post(ngx_lu_call_t *call)
{
    cJSON      *release;
    u_char     *folder, *path;
    ngx_fd_t    lock;
    ngx_int_t   rc, status;

    call->subject = (char *) call->route.id.data;

    folder = ngx_lu_path(call->io.pool, "%V/staging/%s/%s",
                         &call->store->path,
                         call->route.app.data, call->subject);

    path = ngx_lu_path(call->io.pool, "%s/lock", folder);

    rc = ngx_lu_store_lock(&call->io, path, &lock);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                             "There is no such folder in staging.");
    }

    status = ngx_lu_desktop_open(call, folder, &release);

    if (status == NGX_OK) {
        status = ngx_lu_stage(call, folder, release, NULL);
        cJSON_Delete(release);

    } else if (status == NGX_DONE) {
        status = NGX_OK;
    }

    /* nobody writes to what was verified through its other name */

    if (status == NGX_OK) {
        status = ngx_lu_staging_clean(call, folder, "uploads");
    }

    ngx_lu_store_unlock(lock);

    if (status != NGX_OK) {
        return status;
    }

    if (call->approval) {
        status = ngx_lu_release_done(call, "staged");

        return status == NGX_HTTP_OK ? NGX_HTTP_ACCEPTED : status;
    }

    return ngx_lu_change(call, ngx_lu_release_promote);
}


/*
 * The description of a release that is staged by hand is made here.  NGX_DONE:
 * it is staged, and was to be released when the call was cut short.
 */

static ngx_int_t
ngx_lu_desktop_open(ngx_lu_call_t *call, u_char *folder, cJSON **release)
{
    cJSON     *app, *info;
    u_char    *path;
    ngx_int_t  rc, status;
    lu_str_t   state;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    /* an id is used once */

    path = ngx_lu_path(call->io.pool, "%s/release.json",
                       ngx_lu_desktop_folder(call, "live"));

    if (path == NULL || access((char *) path, F_OK) == 0) {
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "There is a release with this id: use another "
                             "one.");
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    rc = ngx_lu_store_read_json(&call->io, path, release);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_OK) {

        if (ngx_lu_is_desktop(*release)
            && lu_json_string(*release, "state", &state) == LU_OK
            && !lu_str_is(&state, "fetching")
            && !lu_str_is(&state, "rejected"))
        {
            if (!lu_str_is(&state, "staged")) {
                return NGX_OK;
            }

            if (!call->approval) {
                cJSON_Delete(*release);
                return NGX_DONE;
            }
        }

        cJSON_Delete(*release);

        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "The release is staged already, "
                             "was rejected, is being fetched, or "
                             "is no desktop release.");
    }

    *release = cJSON_CreateObject();

    if (cJSON_AddStringToObject(*release, "id", call->subject) == NULL
        || cJSON_AddStringToObject(*release, "app",
                                   (char *) call->route.app.data)
           == NULL
        || cJSON_AddStringToObject(*release, "kind", "desktop") == NULL
        || cJSON_AddStringToObject(*release, "state", "verifying") == NULL
        || cJSON_AddStringToObject(*release, "createdBy", call->by) == NULL
        || cJSON_AddStringToObject(*release, "createdAt", call->now) == NULL
        || cJSON_AddStringToObject(*release, "updatedAt", call->now) == NULL)
    {
        goto nomem;
    }

    info = cJSON_AddObjectToObject(*release, "releaseInfo");

    if (cJSON_AddStringToObject(info, "latestReleaseBuildId", call->subject)
        == NULL)
    {
        goto nomem;
    }

    return NGX_OK;

nomem:

    cJSON_Delete(*release);

    return ngx_lu_nomem(call);
}
