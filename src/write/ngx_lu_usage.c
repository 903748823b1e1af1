
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
#include <sys/statvfs.h>


#define NGX_LU_USAGE_SIZE   512
#define NGX_LU_USAGE_ABOUT  5       /* seconds */

/*
 * A folder that changed since then may change again in the same instant.  The
 * clocks of two machines may differ by a minute.
 */

#define NGX_LU_USAGE_CALM   70      /* seconds */

/* names may go in tmp/, after a crash, and no folder of the app tells */

#define NGX_LU_USAGE_VALID  3600    /* seconds */

/* the reserve of a disk: a part of it, and no more than that */

#define NGX_LU_USAGE_PART    100
#define NGX_LU_USAGE_MOST    (64.0 * 1024 * 1024)
#define NGX_LU_USAGE_INODES  10000


/* A folder is known by the time of its last change, which may be unknown. */

typedef struct {
    long                sec;
    long                nsec;
} ngx_lu_usage_time_t;


/* What is remembered. */

typedef struct {
    long                at;
    double              rest;       /* apps/, staging/ */

    long                since;
    double              released;   /* live/, feed/: they share files */
    ngx_lu_usage_time_t live;
    ngx_lu_usage_time_t feed;

    double              quota;      /* of the app's own, or below 0 */
    unsigned long       file;       /* app.json, or 0: it was not read */
    long                size;
    ngx_lu_usage_time_t changed;
} ngx_lu_usage_known_t;


static u_char *ngx_lu_usage_path(ngx_lu_task_t *task, ngx_lu_io_t *io);
static void ngx_lu_usage_read(ngx_lu_task_t *task, u_char *path,
    ngx_lu_usage_known_t *known);
static ngx_int_t ngx_lu_usage_quota(ngx_lu_task_t *task,
    ngx_lu_usage_known_t *known, ngx_uint_t *changed);
static ngx_uint_t ngx_lu_usage_is_file(const ngx_lu_usage_known_t *known,
    const ngx_file_info_t *fi);
static ngx_int_t ngx_lu_usage_released(ngx_lu_task_t *task, time_t now,
    ngx_lu_usage_known_t *known, ngx_uint_t *changed);
static ngx_int_t ngx_lu_usage_time(ngx_lu_task_t *task, const char *place,
    time_t now, ngx_lu_usage_time_t *time);
static ngx_uint_t ngx_lu_usage_is_time(const ngx_lu_usage_time_t *one,
    const ngx_lu_usage_time_t *two);
static ngx_int_t ngx_lu_usage_measure(ngx_lu_task_t *task,
    const char * const *places, double *bytes);
static ngx_int_t ngx_lu_usage_limit(ngx_lu_task_t *task, double *quota);
static void ngx_lu_usage_add(ngx_lu_task_t *task, off_t more);
static void ngx_lu_usage_write(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_usage_known_t *known);


static const char  *ngx_lu_usage_rest[] = { "apps", "staging", NULL };
static const char  *ngx_lu_usage_places[] = { "live", "feed", NULL };


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

    if (ngx_lu_usage_quota(task, &known, &changed) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!about || now < known.at || now - known.at >= NGX_LU_USAGE_ABOUT) {

        changed |= (about || known.at == 0);

        if (ngx_lu_usage_released(task, now, &known, &changed) != NGX_OK
            || ngx_lu_usage_measure(task, ngx_lu_usage_rest, &known.rest)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        known.at = (long) now;
    }

    if (changed) {
        ngx_lu_usage_write(task, path, &known);
    }

    usage->bytes = known.rest + known.released;
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

    if (sscanf(text, "usage-2 %ld %lf %ld %lf %ld.%ld %ld.%ld "
               "%lf %lu %ld %ld.%ld\n",
               &known->at, &known->rest, &known->since, &known->released,
               &known->live.sec, &known->live.nsec, &known->feed.sec,
               &known->feed.nsec, &known->quota, &known->file, &known->size,
               &known->changed.sec, &known->changed.nsec)
        != 13
        || !isfinite(known->rest + known->released + known->quota))
    {
        ngx_memzero(known, sizeof(ngx_lu_usage_known_t));
    }
}


/* app.json may be large: it is read again if it is another file. */

static ngx_int_t
ngx_lu_usage_quota(ngx_lu_task_t *task, ngx_lu_usage_known_t *known,
    ngx_uint_t *changed)
{
    cJSON            *app;
    u_char           *path;
    ngx_int_t         rc;
    ngx_file_info_t   fi;

    path = ngx_lu_path(&task->io, "%V/apps/%s/app.json", &task->store->path,
                       task->app.data);

    /* before it is read: what comes meanwhile is another file */

    rc = ngx_lu_file_info(&task->io, path, &fi);

    if (rc == NGX_OK && ngx_lu_usage_is_file(known, &fi)) {
        return NGX_OK;
    }

    app = NULL;
    known->quota = -1;
    known->file = 0;

    if (rc == NGX_OK) {
        rc = ngx_lu_file_read_json(&task->io, path, &app);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    (void) lu_json_number(app, "quota", &known->quota);
    cJSON_Delete(app);

    known->file = (unsigned long) fi.st_ino;
    known->size = (long) fi.st_size;
    known->changed.sec = (long) fi.st_mtim.tv_sec;
    known->changed.nsec = fi.st_mtim.tv_nsec;

    *changed = 1;

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_usage_is_file(const ngx_lu_usage_known_t *known,
    const ngx_file_info_t *fi)
{
    return known->file
           && known->file == (unsigned long) fi->st_ino
           && known->size == (long) fi->st_size
           && known->changed.sec == (long) fi->st_mtim.tv_sec
           && known->changed.nsec == fi->st_mtim.tv_nsec;
}


/*
 * Releases in live/ never change: they come and go.  A name that goes in the
 * feed changes what the other name, in live/, counts for.
 */

static ngx_int_t
ngx_lu_usage_released(ngx_lu_task_t *task, time_t now,
    ngx_lu_usage_known_t *known, ngx_uint_t *changed)
{
    ngx_lu_usage_time_t  live, feed;

    /* before they are measured: what changes meanwhile is measured again */

    if (ngx_lu_usage_time(task, "live", now, &live) != NGX_OK
        || ngx_lu_usage_time(task, "feed", now, &feed) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_lu_usage_is_time(&live, &known->live)
        && ngx_lu_usage_is_time(&feed, &known->feed)
        && now >= known->since
        && now - known->since < NGX_LU_USAGE_VALID)
    {
        return NGX_OK;
    }

    known->since = (long) now;
    known->live = live;
    known->feed = feed;

    *changed |= (live.nsec >= 0 && feed.nsec >= 0);

    return ngx_lu_usage_measure(task, ngx_lu_usage_places, &known->released);
}


/* Zero, if there is no such folder, or below it, if it has just changed. */

static ngx_int_t
ngx_lu_usage_time(ngx_lu_task_t *task, const char *place, time_t now,
    ngx_lu_usage_time_t *time)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_file_info_t   fi;

    path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                       task->app.data);

    rc = ngx_lu_file_info(&task->io, path, &fi);

    time->sec = 0;
    time->nsec = 0;

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (now - fi.st_mtim.tv_sec <= NGX_LU_USAGE_CALM) {
        time->nsec = -1;
        return NGX_OK;
    }

    time->sec = (long) fi.st_mtim.tv_sec;
    time->nsec = fi.st_mtim.tv_nsec;

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_usage_is_time(const ngx_lu_usage_time_t *one,
    const ngx_lu_usage_time_t *two)
{
    return one->nsec >= 0 && one->sec == two->sec && one->nsec == two->nsec;
}


static ngx_int_t
ngx_lu_usage_measure(ngx_lu_task_t *task, const char * const *places,
    double *bytes)
{
    u_char            *path;
    ngx_uint_t         i;
    ngx_lu_measure_t   measure;

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


/* It need not reach the disk, nor succeed. */

static void
ngx_lu_usage_write(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_usage_known_t *known)
{
    char           text[NGX_LU_USAGE_SIZE];
    int            n;
    ngx_lu_io_t    local;
    ngx_lu_temp_t  temp;

    n = snprintf(text, sizeof(text), "usage-2 %ld %.0f %ld %.0f %ld.%ld "
                 "%ld.%ld %.0f %lu %ld %ld.%ld\n",
                 known->at, known->rest, known->since, known->released,
                 known->live.sec, known->live.nsec, known->feed.sec,
                 known->feed.nsec, known->quota, known->file, known->size,
                 known->changed.sec, known->changed.nsec);

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


/* The time of a folder changes for all, and whoever is late knows another. */

void
ngx_lu_usage_changed(ngx_lu_task_t *task)
{
    u_char       *path;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    path = ngx_lu_path(&local, "%V/live/%s", &task->store->path,
                       task->app.data);

    (void) ngx_lu_file_stamp_now(&local, path);
}


ngx_int_t
ngx_lu_usage_room(ngx_lu_task_t *task, off_t more)
{
    double          quota;
    ngx_int_t       status;
    ngx_lu_usage_t  usage;

    status = ngx_lu_usage_disk(task, 0);
    if (status != NGX_OK) {
        return status;
    }

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

        if (more) {
            ngx_lu_usage_add(task, more);
        }

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


/* The last bytes are for what nobody can do without: changes, logs. */

ngx_int_t
ngx_lu_usage_disk(ngx_lu_task_t *task, off_t more)
{
    double           free, reserve, inodes;
    struct statvfs   fs;

    if (task->spare == 0) {
        return NGX_OK;
    }

    task->io.beats++;

    /* a file system that does not tell has no end that is known */

    if (statvfs((char *) task->store->path.data, &fs) == -1
        || fs.f_blocks == 0)
    {
        return NGX_OK;
    }

    free = (double) fs.f_bavail * (double) fs.f_frsize;
    reserve = (double) task->spare;

    if (task->spare == NGX_LU_USAGE_RESERVE) {
        reserve = (double) fs.f_blocks * (double) fs.f_frsize
                  / NGX_LU_USAGE_PART;
        reserve = ngx_min(reserve, NGX_LU_USAGE_MOST);
    }

    inodes = (double) fs.f_files / NGX_LU_USAGE_PART;
    inodes = ngx_min(inodes, NGX_LU_USAGE_INODES);

    if (fs.f_files && (double) fs.f_favail < inodes) {
        return ngx_lu_task_refuse(task, NGX_HTTP_INSUFFICIENT_STORAGE,
                                  (char *) ngx_lu_format(task->io.pool,
                                      "The disk of the store has hardly any "
                                      "inodes left: it has %O, and %O are "
                                      "kept free (liveupdate_reserve).",
                                      (off_t) fs.f_favail, (off_t) inodes));
    }

    if (free >= reserve + (double) ngx_max(more, 0)) {
        return NGX_OK;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_INSUFFICIENT_STORAGE,
                              (char *) ngx_lu_format(task->io.pool,
                                  "The disk of the store is nearly full: it "
                                  "has %O bytes left, %O are needed, and %O "
                                  "are kept free (liveupdate_reserve).",
                                  (off_t) free, ngx_max(more, 0),
                                  (off_t) reserve));
}


/* What is about to come counts until the app is measured again. */

static void
ngx_lu_usage_add(ngx_lu_task_t *task, off_t more)
{
    u_char                *path;
    ngx_lu_io_t            local;
    ngx_lu_usage_known_t   known;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    path = ngx_lu_usage_path(task, &local);
    if (path == NULL) {
        return;
    }

    ngx_lu_usage_read(task, path, &known);

    if (known.at) {
        known.rest += (double) more;

        ngx_lu_usage_write(task, path, &known);
    }
}


/*
 * An app without a quota is not measured: that it has none is remembered.  That
 * it still has none is left to who measures it: each change of an app would
 * have it written.
 */

static ngx_int_t
ngx_lu_usage_limit(ngx_lu_task_t *task, double *quota)
{
    u_char                *path;
    ngx_uint_t             changed;
    ngx_lu_usage_known_t   known, before;

    path = ngx_lu_usage_path(task, &task->io);
    if (path == NULL) {
        return NGX_ERROR;
    }

    ngx_lu_usage_read(task, path, &known);

    before = known;
    changed = 0;

    if (ngx_lu_usage_quota(task, &known, &changed) != NGX_OK) {
        return NGX_ERROR;
    }

    if (changed && (before.file == 0 || before.quota != known.quota)) {
        ngx_lu_usage_write(task, path, &known);
    }

    *quota = known.quota >= 0 ? known.quota : (double) task->quota;

    return NGX_OK;
}
