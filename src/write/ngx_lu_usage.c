
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_usage.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_measure.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"

#include "core/lu_json.h"

#include <math.h>


#define NGX_LU_USAGE_SIZE   256
#define NGX_LU_USAGE_ABOUT  5       /* seconds */

/* a folder that changed since then may change again in the same instant */

#define NGX_LU_USAGE_CALM   10      /* seconds */

/* the time of an app of which only the quota is known */

#define NGX_LU_USAGE_NEVER  1

#define NGX_LU_USAGE_FORM                                                     \
    "usage-1 %ld %lf %lf %ld.%ld %lf %ld.%ld %lf\n"


/* What is remembered; a folder is known by the time of its last change. */

typedef struct {
    long                at;
    double              rest;       /* apps/, staging/ */
    double              live;
    long                live_sec;
    long                live_nsec;
    double              feed;
    long                feed_sec;
    long                feed_nsec;
    double              quota;      /* of the app's own, or below 0 */
} ngx_lu_usage_known_t;


static u_char *ngx_lu_usage_path(ngx_lu_task_t *task, ngx_lu_io_t *io);
static void ngx_lu_usage_read(ngx_lu_task_t *task, u_char *path,
    ngx_lu_usage_known_t *known);
static ngx_int_t ngx_lu_usage_limit(ngx_lu_task_t *task, double *quota);
static ngx_int_t ngx_lu_usage_folder(ngx_lu_task_t *task, const char *place,
    time_t now, double *bytes, long *sec, long *nsec, ngx_uint_t *changed);
static ngx_int_t ngx_lu_usage_rest(ngx_lu_task_t *task, double *bytes);
static ngx_int_t ngx_lu_usage_quota(ngx_lu_task_t *task, double *quota);
static void ngx_lu_usage_write(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_usage_known_t *known);


ngx_int_t
ngx_lu_usage(ngx_lu_task_t *task, ngx_uint_t about, ngx_lu_usage_t *usage)
{
    time_t                 now;
    u_char                *path;
    ngx_uint_t             changed;
    ngx_lu_usage_known_t   known;

    path = ngx_lu_usage_path(task, &task->io);
    if (path == NULL) {
        return NGX_ERROR;
    }

    ngx_lu_usage_read(task, path, &known);

    now = time(NULL);
    changed = 0;

    if (!about || now < known.at || now - known.at >= NGX_LU_USAGE_ABOUT) {

        if (known.at == 0
            && ngx_lu_usage_quota(task, &known.quota) != NGX_OK)
        {
            return NGX_ERROR;
        }

        changed = (known.at <= NGX_LU_USAGE_NEVER);

        if (ngx_lu_usage_folder(task, "live", now, &known.live,
                                &known.live_sec, &known.live_nsec, &changed)
            != NGX_OK
            || ngx_lu_usage_folder(task, "feed", now, &known.feed,
                                   &known.feed_sec, &known.feed_nsec, &changed)
               != NGX_OK
            || ngx_lu_usage_rest(task, &known.rest) != NGX_OK)
        {
            return NGX_ERROR;
        }

        known.at = (long) now;

        if (changed || about) {
            ngx_lu_usage_write(task, path, &known);
        }
    }

    usage->bytes = known.rest + known.live + known.feed;
    usage->quota = known.quota >= 0 ? known.quota : (double) task->quota;

    return NGX_OK;
}


static u_char *
ngx_lu_usage_path(ngx_lu_task_t *task, ngx_lu_io_t *io)
{
    return ngx_lu_path(io, "%V/apps/%s/.usage", &task->store->path,
                       task->app.data);
}


/* What is not whole, or of another form, is not known. */

static void
ngx_lu_usage_read(ngx_lu_task_t *task, u_char *path,
    ngx_lu_usage_known_t *known)
{
    char      text[NGX_LU_USAGE_SIZE];
    ssize_t   n;
    ngx_fd_t  fd;

    ngx_memzero(known, sizeof(ngx_lu_usage_known_t));

    task->io.beats++;

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return;
    }

    n = read(fd, text, sizeof(text) - 1);

    (void) ngx_close_file(fd);

    if (n <= 0 || text[n - 1] != '\n') {
        return;
    }

    text[n] = '\0';

    if (sscanf(text, NGX_LU_USAGE_FORM, &known->at, &known->rest,
               &known->live, &known->live_sec, &known->live_nsec,
               &known->feed, &known->feed_sec, &known->feed_nsec,
               &known->quota)
        != 9
        || !isfinite(known->rest + known->live + known->feed + known->quota))
    {
        ngx_memzero(known, sizeof(ngx_lu_usage_known_t));
    }
}


/* Releases in live/ never change: they come and go. */

static ngx_int_t
ngx_lu_usage_folder(ngx_lu_task_t *task, const char *place, time_t now,
    double *bytes, long *sec, long *nsec, ngx_uint_t *changed)
{
    u_char            *path;
    ngx_int_t          rc;
    ngx_file_info_t    fi;
    ngx_lu_measure_t   measure;

    path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                       task->app.data);

    rc = ngx_lu_file_info(&task->io, path, &fi);

    if (rc != NGX_OK) {
        *bytes = 0;
        *sec = 0;
        *nsec = 0;

        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (*sec == (long) fi.st_mtim.tv_sec && *nsec == fi.st_mtim.tv_nsec
        && *sec)
    {
        return NGX_OK;
    }

    ngx_memzero(&measure, sizeof(ngx_lu_measure_t));
    measure.left = NGX_MAX_INT_T_VALUE;

    rc = ngx_lu_measure(&task->io, path, &measure);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    *bytes = measure.bytes;
    *sec = 0;
    *nsec = 0;

    if (now - fi.st_mtim.tv_sec > NGX_LU_USAGE_CALM) {
        *sec = (long) fi.st_mtim.tv_sec;
        *nsec = fi.st_mtim.tv_nsec;
        *changed = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_usage_rest(ngx_lu_task_t *task, double *bytes)
{
    u_char            *path;
    ngx_uint_t         i;
    ngx_lu_measure_t   measure;

    static const char  *places[] = { "apps", "staging", NULL };

    ngx_memzero(&measure, sizeof(ngx_lu_measure_t));
    measure.left = NGX_MAX_INT_T_VALUE;

    for (i = 0; places[i]; i++) {
        path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path,
                           places[i], task->app.data);

        if (ngx_lu_measure(&task->io, path, &measure) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    *bytes = measure.bytes;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_usage_quota(ngx_lu_task_t *task, double *quota)
{
    cJSON      *app;
    u_char     *path;
    ngx_int_t   rc;

    *quota = -1;

    path = ngx_lu_path(&task->io, "%V/apps/%s/app.json", &task->store->path,
                       task->app.data);

    rc = ngx_lu_file_read_json(&task->io, path, &app);

    if (rc == NGX_OK) {
        (void) lu_json_number(app, "quota", quota);
        cJSON_Delete(app);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* It need not reach the disk, nor succeed. */

static void
ngx_lu_usage_write(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_usage_known_t *known)
{
    char           text[NGX_LU_USAGE_SIZE];
    int            n;
    ngx_lu_io_t    local;
    ngx_lu_temp_t  temp;

    n = snprintf(text, sizeof(text),
                 "usage-1 %ld %.0f %.0f %ld.%ld %.0f %ld.%ld %.0f\n",
                 known->at, known->rest, known->live, known->live_sec,
                 known->live_nsec, known->feed, known->feed_sec,
                 known->feed_nsec, known->quota);

    if (n < 0 || (size_t) n >= sizeof(text)) {
        return;
    }

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    if (ngx_lu_temp_create(&local, task->store, &temp) != NGX_OK) {
        return;
    }

    if (ngx_lu_temp_write(&local, &temp, (u_char *) text, n) != NGX_OK) {
        ngx_lu_temp_discard(&temp);
        return;
    }

    (void) ngx_lu_temp_rename(&local, &temp, path);
}


void
ngx_lu_usage_forget(ngx_lu_task_t *task)
{
    u_char       *path;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    path = ngx_lu_usage_path(task, &local);

    (void) ngx_lu_file_unlink(&local, path);
}


ngx_int_t
ngx_lu_usage_room(ngx_lu_task_t *task, off_t more)
{
    double          quota;
    ngx_lu_usage_t  usage;

    if (ngx_lu_usage_limit(task, &quota) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    if (quota == 0) {
        return NGX_OK;
    }

    if (ngx_lu_usage(task, 1, &usage) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    if (usage.bytes + (double) more <= usage.quota) {
        return NGX_OK;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_INSUFFICIENT_STORAGE,
                              (char *) ngx_lu_format(task->io.pool,
                                  "The app would take %O bytes on the disk, "
                                  "and its quota is %O: delete old releases, "
                                  "or have them cleaned up.",
                                  (off_t) usage.bytes + more,
                                  (off_t) usage.quota));
}


/* An app without a quota is not measured: that it has none is remembered. */

static ngx_int_t
ngx_lu_usage_limit(ngx_lu_task_t *task, double *quota)
{
    u_char                *path;
    ngx_lu_usage_known_t   known;

    path = ngx_lu_usage_path(task, &task->io);
    if (path == NULL) {
        return NGX_ERROR;
    }

    ngx_lu_usage_read(task, path, &known);

    if (known.at == 0) {

        if (ngx_lu_usage_quota(task, &known.quota) != NGX_OK) {
            return NGX_ERROR;
        }

        known.at = NGX_LU_USAGE_NEVER;

        ngx_lu_usage_write(task, path, &known);
    }

    *quota = known.quota >= 0 ? known.quota : (double) task->quota;

    return NGX_OK;
}
