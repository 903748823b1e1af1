
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_once.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"

#include "core/lu_change_channel.h"
#include "core/lu_json.h"


/* bundles that are looked into: of the channel, and of all others together */

#define NGX_LU_ONCE_BUNDLES  10
#define NGX_LU_ONCE_OTHERS   10

#define NGX_LU_ONCE_PIECE    65536


typedef struct {
    ngx_lu_task_t       *task;
    u_char              *make;
    const lu_file_t     *files;
    size_t               n;
    size_t               left;      /* without a link */
    u_char              *linked;    /* for each file */
    ngx_array_t          seen;      /* of char *, ids of bundles */
} ngx_lu_once_t;


static ngx_int_t ngx_lu_once_channel(ngx_lu_once_t *once,
    const cJSON *channel, ngx_uint_t max);
static ngx_int_t ngx_lu_once_is_new(ngx_lu_once_t *once, const char *id);
static ngx_int_t ngx_lu_once_bundle(ngx_lu_once_t *once, const char *id);
static ngx_int_t ngx_lu_once_table(ngx_lu_once_t *once, ngx_lu_io_t *io,
    u_char *folder);
static int ngx_libc_cdecl ngx_lu_once_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_once_own(ngx_lu_once_t *once);
static int ngx_libc_cdecl ngx_lu_once_own_cmp(const void *one,
    const void *two);
static ngx_uint_t ngx_lu_once_file(ngx_lu_once_t *once, ngx_lu_io_t *io,
    u_char *folder, const lu_file_t *from, const lu_file_t *to);
static ngx_uint_t ngx_lu_once_link(ngx_lu_once_t *once, ngx_lu_io_t *io,
    u_char *from, u_char *to);
static ngx_uint_t ngx_lu_once_same(ngx_lu_once_t *once, u_char *one,
    u_char *two);
static ngx_uint_t ngx_lu_once_compare(ngx_lu_once_t *once, ngx_fd_t one,
    ngx_fd_t two);
static ssize_t ngx_lu_once_read(ngx_fd_t fd, u_char *buf);


ngx_int_t
ngx_lu_once(ngx_lu_task_t *task, const ngx_lu_release_t *release,
    u_char *make, const lu_file_t *files, size_t n)
{
    cJSON          *app, *channel;
    lu_str_t        id;
    ngx_int_t       status;
    ngx_uint_t      others;
    ngx_lu_once_t   once;

    ngx_memzero(&once, sizeof(ngx_lu_once_t));

    once.task = task;
    once.make = make;
    once.files = files;
    once.n = n;
    once.left = n;
    once.linked = ngx_pcalloc(task->io.pool, n + 1);

    if (once.linked == NULL
        || ngx_array_init(&once.seen, task->io.pool, 16, sizeof(char *))
           != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = NULL;

    if (lu_json_string(release->json, "channel", &id) == LU_OK) {
        channel = lu_change_channel_find(app, (char *) id.data);
        status = ngx_lu_once_channel(&once, channel, NGX_LU_ONCE_BUNDLES);
    }

    others = NGX_LU_ONCE_OTHERS;

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {

        if (status != NGX_OK || others == 0) {
            break;
        }

        others--;

        status = ngx_lu_once_channel(&once, channel, 1);
    }

    cJSON_Delete(app);

    if (status == NGX_OK && once.left > 1) {
        status = ngx_lu_once_own(&once);
    }

    return status;
}


static ngx_int_t
ngx_lu_once_channel(ngx_lu_once_t *once, const cJSON *channel,
    ngx_uint_t max)
{
    lu_str_t      id;
    ngx_int_t     rc;
    const cJSON  *item;

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {

        if (max == 0 || once->left == 0) {
            break;
        }

        if (lu_json_string(item, "release", &id) != LU_OK) {
            continue;
        }

        rc = ngx_lu_once_is_new(once, (char *) id.data);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_OK) {
            rc = ngx_lu_once_bundle(once, (char *) id.data);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        max--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_once_is_new(ngx_lu_once_t *once, const char *id)
{
    char        **seen;
    ngx_uint_t    i;

    seen = once->seen.elts;

    for (i = 0; i < once->seen.nelts; i++) {
        if (ngx_strcmp(seen[i], id) == 0) {
            return NGX_DECLINED;
        }
    }

    seen = ngx_array_push(&once->seen);
    if (seen == NULL) {
        return ngx_lu_task_nomem(once->task);
    }

    /* it lives as long as the tree of the app */

    *seen = (char *) id;

    return NGX_OK;
}


/* The memory for a table, which may be large, is freed after it. */

static ngx_int_t
ngx_lu_once_bundle(ngx_lu_once_t *once, const char *id)
{
    u_char       *folder;
    ngx_int_t     rc;
    ngx_lu_io_t   io;

    folder = ngx_lu_release_live(once->task, id);
    if (folder == NULL) {
        return ngx_lu_task_nomem(once->task);
    }

    ngx_memzero(&io, sizeof(ngx_lu_io_t));

    io.pool = ngx_create_pool(4096, ngx_cycle->log);
    if (io.pool == NULL) {
        return ngx_lu_task_nomem(once->task);
    }

    rc = ngx_lu_once_table(once, &io, folder);

    ngx_destroy_pool(io.pool);

    return rc;
}


/* A table that cannot be read has nothing to be linked to. */

static ngx_int_t
ngx_lu_once_table(ngx_lu_once_t *once, ngx_lu_io_t *io, u_char *folder)
{
    size_t             i, n;
    lu_str_t           text;
    lu_file_t         *older, *found;
    lu_arena_t         arena;
    lu_error_t         err;
    ngx_file_info_t    fi;
    const lu_file_t   *file;

    once->task->io.beats++;

    if (ngx_lu_file_read(io, ngx_lu_path_in(io, folder, "files.json"), &text,
                         &fi)
        != NGX_OK)
    {
        return NGX_OK;
    }

    arena = ngx_lu_arena(io->pool);

    switch (lu_file_table_parse(&arena, &text, &older, &n, &err)) {

    case LU_OK:
        break;

    case LU_NOMEM:
        return ngx_lu_task_nomem(once->task);

    default:
        return NGX_OK;
    }

    ngx_qsort(older, n, sizeof(lu_file_t), ngx_lu_once_cmp);

    for (i = 0; i < once->n; i++) {

        if (once->linked[i]) {
            continue;
        }

        file = &once->files[i];

        found = n ? bsearch(file, older, n, sizeof(lu_file_t),
                            ngx_lu_once_cmp)
                  : NULL;

        if (found == NULL) {
            continue;
        }

        if (ngx_lu_once_file(once, io, folder, found, file)) {
            once->linked[i] = 1;
            once->left--;
        }
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_lu_once_cmp(const void *one, const void *two)
{
    const lu_file_t  *a = one, *b = two;

    return lu_str_cmp(&a->sha256, &b->sha256);
}


/* What no other bundle has may be there twice in this one. */

static ngx_int_t
ngx_lu_once_own(ngx_lu_once_t *once)
{
    size_t             i, n;
    ngx_lu_io_t        io;
    const lu_file_t  **left, *first;

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = once->task->io.pool;

    left = ngx_palloc(io.pool, once->left * sizeof(lu_file_t *));
    if (left == NULL) {
        return ngx_lu_task_nomem(once->task);
    }

    n = 0;

    for (i = 0; i < once->n; i++) {
        if (!once->linked[i]) {
            left[n++] = &once->files[i];
        }
    }

    ngx_qsort(left, n, sizeof(lu_file_t *), ngx_lu_once_own_cmp);

    first = left[0];

    for (i = 1; i < n; i++) {

        if (lu_str_eq(&left[i]->sha256, &first->sha256)) {
            (void) ngx_lu_once_file(once, &io, once->make, first, left[i]);

        } else {
            first = left[i];
        }
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_lu_once_own_cmp(const void *one, const void *two)
{
    const lu_file_t  *a = *(const lu_file_t * const *) one;
    const lu_file_t  *b = *(const lu_file_t * const *) two;

    return lu_str_cmp(&a->sha256, &b->sha256);
}


/* 1 if the file of the new bundle is the other one now, as is its twin. */

static ngx_uint_t
ngx_lu_once_file(ngx_lu_once_t *once, ngx_lu_io_t *io, u_char *folder,
    const lu_file_t *from, const lu_file_t *to)
{
    if (!ngx_lu_once_link(once, io,
                          ngx_lu_path_in(io, folder, "files/%*s",
                                         from->href.len, from->href.data),
                          ngx_lu_path_in(io, once->make, "files/%*s",
                                         to->href.len, to->href.data)))
    {
        return 0;
    }

    if (from->gzip && to->gzip) {
        (void) ngx_lu_once_link(once, io,
                                ngx_lu_path_in(io, folder, "gzip/%*s.gz",
                                               from->href.len,
                                               from->href.data),
                                ngx_lu_path_in(io, once->make, "gzip/%*s.gz",
                                               to->href.len, to->href.data));
    }

    return 1;
}


/* The name is there all the time: the new one takes its place. */

static ngx_uint_t
ngx_lu_once_link(ngx_lu_once_t *once, ngx_lu_io_t *io, u_char *from,
    u_char *to)
{
    if (from == NULL || to == NULL || !ngx_lu_once_same(once, from, to)) {
        return 0;
    }

    if (ngx_lu_temp_link(io, once->task->store, from, to) != NGX_OK) {
        ngx_lu_io_clear(io);
        return 0;
    }

    return 1;
}


/* A digest tells what the bytes were: a disk may have lost some. */

static ngx_uint_t
ngx_lu_once_same(ngx_lu_once_t *once, u_char *one, u_char *two)
{
    ngx_fd_t    first, second;
    ngx_uint_t  same;

    first = ngx_open_file(one, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (first == NGX_INVALID_FILE) {
        return 0;
    }

    second = ngx_open_file(two, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    same = (second != NGX_INVALID_FILE
            && ngx_lu_once_compare(once, first, second));

    if (second != NGX_INVALID_FILE) {
        (void) ngx_close_file(second);
    }

    (void) ngx_close_file(first);

    return same;
}


static ngx_uint_t
ngx_lu_once_compare(ngx_lu_once_t *once, ngx_fd_t one, ngx_fd_t two)
{
    ssize_t          n;
    ngx_file_info_t  a, b;

    u_char  first[NGX_LU_ONCE_PIECE], second[NGX_LU_ONCE_PIECE];

    if (ngx_fd_info(one, &a) == NGX_FILE_ERROR
        || ngx_fd_info(two, &b) == NGX_FILE_ERROR
        || ngx_file_size(&a) != ngx_file_size(&b)
        || !ngx_is_file(&a)
        || ngx_file_uniq(&a) == ngx_file_uniq(&b))
    {
        return 0;
    }

    for ( ;; ) {
        once->task->io.beats++;

        n = ngx_lu_once_read(one, first);

        if (n != ngx_lu_once_read(two, second) || n < 0) {
            return 0;
        }

        if (n == 0) {
            return 1;
        }

        if (ngx_memcmp(first, second, n) != 0) {
            return 0;
        }
    }
}


/* As much as there is room for, unless the file ends. */

static ssize_t
ngx_lu_once_read(ngx_fd_t fd, u_char *buf)
{
    size_t   len;
    ssize_t  n;

    len = 0;

    do {
        n = read(fd, buf + len, NGX_LU_ONCE_PIECE - len);

        if (n == -1) {
            return -1;
        }

        len += n;

    } while (n && len < NGX_LU_ONCE_PIECE);

    return len;
}
