
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_load.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_path.h"

#include "core/lu_app.h"
#include "core/lu_minimum.h"
#include "core/lu_release.h"
#include "core/lu_td.h"


/* larger manifests are sent as files, bytes */

#define NGX_LU_MANIFEST_SIZE  32768

/* of the text of a release, bytes */

#define NGX_LU_LOAD_POOL      4096


static void *ngx_lu_load_alloc(void *data, size_t size);
static ngx_int_t ngx_lu_load_text(ngx_lu_load_t *load, u_char *path,
    lu_str_t *text);
static ngx_uint_t ngx_lu_load_same(ngx_lu_load_t *load, u_char *path);
static ngx_int_t ngx_lu_load_info(ngx_lu_load_t *load, u_char *path,
    ngx_file_info_t *fi);
static ngx_int_t ngx_lu_load_open(ngx_lu_load_t *load, u_char *path,
    ngx_fd_t *fd, ngx_file_info_t *fi);
static ngx_lu_origin_t ngx_lu_load_origin(ngx_file_info_t *fi);
static ngx_uint_t ngx_lu_load_origin_eq(ngx_lu_origin_t *one,
    ngx_lu_origin_t *two);
static ngx_int_t ngx_lu_load_app(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_releases(ngx_lu_load_t *load, lu_app_t *app);
static ngx_int_t ngx_lu_load_release(ngx_lu_load_t *load, u_char *path,
    lu_release_t *release);
static ngx_int_t ngx_lu_load_files(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_index(ngx_lu_load_t *load, off_t size,
    ngx_lu_files_t *files);
static ngx_int_t ngx_lu_load_pages(ngx_lu_load_t *load, u_char *path,
    ngx_lu_files_t *files);
static ngx_int_t ngx_lu_load_table(ngx_lu_load_t *load, lu_str_t *text,
    ngx_lu_files_t *files);
static ngx_int_t ngx_lu_load_page(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_slice(ngx_lu_load_t *load, u_char *path,
    lu_str_t *text);
static ngx_int_t ngx_lu_load_td(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_manifest(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_bytes(ngx_lu_load_t *load, ngx_fd_t fd,
    u_char *path, ngx_file_info_t *fi, ngx_lu_manifest_t *manifest);
static ngx_int_t ngx_lu_load_status(ngx_lu_load_t *load, lu_rc_e rc);


void
ngx_lu_load_thread(void *data)
{
    ngx_lu_load_t *load = data;

    ngx_atomic_t  *beats;

    beats = &load->io.beats;

    for ( /* void */ ; load; load = load->next) {

        (*beats)++;

        switch (load->kind) {

        case NGX_LU_COPY_APP:
            load->rc = ngx_lu_load_app(load);
            break;

        case NGX_LU_COPY_FILES:
            load->rc = ngx_lu_load_files(load);
            break;

        case NGX_LU_COPY_PAGE:
            load->rc = ngx_lu_load_page(load);
            break;

        case NGX_LU_COPY_TD:
            load->rc = ngx_lu_load_td(load);
            break;

        default: /* NGX_LU_COPY_MANIFEST */
            load->rc = ngx_lu_load_manifest(load);
            break;
        }

        /* nothing is known to have gone if the whole store has */

        if (load->rc == NGX_DECLINED
            && ngx_lu_mark_check(&load->io, load->store) != NGX_OK)
        {
            load->rc = NGX_ERROR;
        }
    }
}


static void *
ngx_lu_load_alloc(void *data, size_t size)
{
    ngx_lu_load_t *load = data;

    load->size += ngx_align(size, NGX_ALIGNMENT);

    return ngx_palloc(load->pool, size);
}


/* NGX_DECLINED: there is no such file; NGX_DONE: it has not changed. */

static ngx_int_t
ngx_lu_load_text(ngx_lu_load_t *load, u_char *path, lu_str_t *text)
{
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (load->compare && ngx_lu_load_same(load, path)) {
        return NGX_DONE;
    }

    rc = ngx_lu_file_read(&load->io, path, text, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    load->origin = ngx_lu_load_origin(&fi);

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_load_same(ngx_lu_load_t *load, u_char *path)
{
    ngx_file_info_t  fi;
    ngx_lu_origin_t  origin;

    if (path == NULL) {
        return 0;
    }

    if (ngx_lu_load_info(load, path, &fi) != NGX_OK) {
        ngx_lu_io_clear(&load->io);
        return 0;
    }

    origin = ngx_lu_load_origin(&fi);

    return ngx_lu_load_origin_eq(&load->origin, &origin);
}


/* On a network file system only open() is sure to ask the server. */

static ngx_int_t
ngx_lu_load_info(ngx_lu_load_t *load, u_char *path, ngx_file_info_t *fi)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_load_open(load, path, &fd, fi);

    if (rc == NGX_OK) {
        (void) ngx_close_file(fd);
    }

    return rc;
}


/* NGX_DECLINED: there is no such file. */

static ngx_int_t
ngx_lu_load_open(ngx_lu_load_t *load, u_char *path, ngx_fd_t *fd,
    ngx_file_info_t *fi)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(&load->io);
    }

    *fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                        0);

    if (*fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(&load->io, ngx_open_file_n, path);
    }

    if (ngx_fd_info(*fd, fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_error(&load->io, ngx_lu_io_errno(), ngx_fd_info_n,
                               path);
        (void) ngx_close_file(*fd);

        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_lu_origin_t
ngx_lu_load_origin(ngx_file_info_t *fi)
{
    ngx_lu_origin_t  origin;

    origin.uniq = ngx_file_uniq(fi);
    origin.changed = fi->st_ctim;

    return origin;
}


static ngx_uint_t
ngx_lu_load_origin_eq(ngx_lu_origin_t *one, ngx_lu_origin_t *two)
{
    return one->uniq == two->uniq
           && one->changed.tv_sec == two->changed.tv_sec
           && one->changed.tv_nsec == two->changed.tv_nsec;
}


static ngx_int_t
ngx_lu_load_app(ngx_lu_load_t *load)
{
    u_char     *path;
    ngx_int_t   rc;
    lu_rc_e     parsed;
    lu_str_t    text;
    lu_app_t   *app;
    lu_arena_t  arena;

    path = ngx_lu_path(&load->io, "%V/apps/%V/app.json", &load->path,
                       &load->app);

    rc = ngx_lu_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    app = arena.alloc(load, sizeof(lu_app_t));
    if (app == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    parsed = lu_app_parse(&arena, &text, app, &load->error);

    if (parsed != LU_OK) {
        return ngx_lu_load_status(load, parsed);
    }

    if (app->id.len != load->app.len
        || ngx_memcmp(app->id.data, load->app.data, app->id.len) != 0)
    {
        return ngx_lu_load_status(load,
                                  lu_error(&load->error, &app->id,
                                           "is not the id of its folder"));
    }

    lu_app_turn(app, ngx_time());

    load->copy = app;

    return ngx_lu_load_releases(load, app);
}


static ngx_int_t
ngx_lu_load_releases(ngx_lu_load_t *load, lu_app_t *app)
{
    u_char           *path;
    size_t            i, n;
    ngx_int_t         rc;
    lu_arena_t        arena;
    lu_release_t     *release;
    lu_channel_t     *channel;
    lu_deployment_t  *deployment;

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        for (n = 0; n < channel->ndeployments; n++) {
            deployment = &channel->deployments[n];

            path = ngx_lu_path(&load->io, "%V/live/%V/%*s/release.json",
                               &load->path, &load->app,
                               deployment->release_id.len,
                               deployment->release_id.data);

            release = arena.alloc(load, sizeof(lu_release_t));
            if (release == NULL) {
                return ngx_lu_load_status(load, LU_NOMEM);
            }

            rc = ngx_lu_load_release(load, path, release);

            if (rc == NGX_DECLINED) {

                /* a replica of the store may get it later: load it again */

                load->origin.uniq = 0;

            } else if (rc == NGX_OK) {
                deployment->release = release;

                if (lu_app_render(&arena, app, channel, deployment) != LU_OK) {
                    return ngx_lu_load_status(load, LU_NOMEM);
                }

            } else {
                return rc;
            }

            if (lu_app_end(channel, n)) {
                channel->ndeployments = n + 1;
            }
        }
    }

    return NGX_OK;
}


/*
 * NGX_DECLINED: it is not there, or damaged, and the app does without it.  The
 * first damaged one is logged.  An app may have many releases: their texts do
 * not add up.
 */

static ngx_int_t
ngx_lu_load_release(ngx_lu_load_t *load, u_char *path, lu_release_t *release)
{
    lu_rc_e          parsed;
    lu_str_t         text;
    ngx_int_t        rc;
    lu_arena_t       arena;
    lu_error_t       error;
    ngx_lu_io_t      io;
    ngx_file_info_t  fi;

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    parsed = LU_OK;
    (void) lu_error(&error, NULL, NULL);

    io = load->io;
    ngx_lu_io_clear(&io);

    io.pool = ngx_create_pool(NGX_LU_LOAD_POOL, ngx_cycle->log);
    if (io.pool == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    rc = ngx_lu_file_read(&io, path, &text, &fi);

    if (rc == NGX_OK) {
        parsed = lu_release_parse(&arena, &text, release, &error);
    }

    if (parsed == LU_INVALID) {
        error.subject = lu_str_dup(&arena, error.subject.data,
                                   error.subject.len);

        if (error.subject.data == NULL) {
            parsed = LU_NOMEM;
        }
    }

    ngx_destroy_pool(io.pool);
    io.pool = load->io.pool;

    if (parsed == LU_NOMEM) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    if (parsed == LU_OK && rc != NGX_ERROR) {
        return rc;
    }

    if (rc == NGX_ERROR && !ngx_lu_io_is_damage(&io)) {
        load->io = io;
        return NGX_ERROR;
    }

    if (load->damaged == NULL) {
        load->damaged = path;
        load->error = error;
        load->io = io;
    }

    return NGX_DECLINED;
}


/* A large table is not parsed, but divided into pages. */

static ngx_int_t
ngx_lu_load_files(ngx_lu_load_t *load)
{
    u_char          *path;
    ngx_int_t        rc;
    ngx_lu_files_t  *files;
    ngx_file_info_t  fi;
    ngx_lu_origin_t  origin;

    path = ngx_lu_path(&load->io, "%V/live/%V/%V/files.json", &load->path,
                       &load->app, &load->name);

    rc = ngx_lu_load_info(load, path, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    origin = ngx_lu_load_origin(&fi);

    if (load->compare && ngx_lu_load_origin_eq(&load->origin, &origin)) {
        return NGX_DONE;
    }

    files = ngx_lu_load_alloc(load, sizeof(ngx_lu_files_t));
    if (files == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    ngx_memzero(files, sizeof(ngx_lu_files_t));

    load->copy = files;

    if (ngx_file_size(&fi) > LU_TABLE_WHOLE
        && ngx_lu_load_index(load, ngx_file_size(&fi), files) == NGX_OK)
    {
        load->origin = origin;
        files->origin = origin;

        return NGX_OK;
    }

    return ngx_lu_load_pages(load, path, files);
}


/* Without an index, or with a damaged one, the text itself is looked at. */

static ngx_int_t
ngx_lu_load_index(ngx_lu_load_t *load, off_t size, ngx_lu_files_t *files)
{
    u_char          *path;
    lu_rc_e          rc;
    lu_str_t         text;
    lu_arena_t       arena;
    ngx_file_info_t  fi;

    path = ngx_lu_path(&load->io, "%V/live/%V/%V/files.index", &load->path,
                       &load->app, &load->name);

    if (ngx_lu_file_read(&load->io, path, &text, &fi) != NGX_OK) {
        ngx_lu_io_clear(&load->io);
        return NGX_DECLINED;
    }

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    rc = lu_table_parse(&arena, &text, (size_t) size, &files->table);

    if (rc != LU_OK) {
        files->table.n = 0;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_load_pages(ngx_lu_load_t *load, u_char *path, ngx_lu_files_t *files)
{
    lu_rc_e          scanned;
    lu_str_t         text;
    ngx_int_t        rc;
    lu_arena_t       arena;
    ngx_file_info_t  fi;

    rc = ngx_lu_file_read(&load->io, path, &text, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    load->origin = ngx_lu_load_origin(&fi);
    files->origin = load->origin;

    if (text.len <= LU_TABLE_WHOLE) {
        return ngx_lu_load_table(load, &text, files);
    }

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    scanned = lu_table_scan(&arena, &text, &files->table);

    if (scanned == LU_OK) {
        return NGX_OK;
    }

    if (scanned == LU_NOMEM) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    files->table.n = 0;

    return ngx_lu_load_table(load, &text, files);
}


static ngx_int_t
ngx_lu_load_table(ngx_lu_load_t *load, lu_str_t *text, ngx_lu_files_t *files)
{
    lu_rc_e     rc;
    lu_arena_t  arena;

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    rc = lu_file_table_parse(&arena, text, &files->files, &files->nfiles,
                             &load->error);

    return rc == LU_OK ? NGX_OK : ngx_lu_load_status(load, rc);
}


/*
 * If the page is not where it should be, the index is damaged or the table is
 * a new one.  Then all of the table stands for the page.
 */

static ngx_int_t
ngx_lu_load_page(ngx_lu_load_t *load)
{
    u_char               *path;
    lu_rc_e               parsed;
    lu_str_t              text;
    ngx_int_t             rc;
    lu_arena_t            arena;
    ngx_lu_table_page_t  *page;
    ngx_lu_files_t       *files;
    ngx_file_info_t       fi;

    path = ngx_lu_path(&load->io, "%V/live/%V/%V/files.json", &load->path,
                       &load->app, &load->name);

    files = ngx_lu_load_alloc(load, sizeof(ngx_lu_files_t));
    if (files == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    ngx_memzero(files, sizeof(ngx_lu_files_t));

    load->copy = files;
    page = &load->page;

    rc = ngx_lu_load_slice(load, path, &text);

    if (rc == NGX_OK) {
        arena.alloc = ngx_lu_load_alloc;
        arena.data = load;

        parsed = lu_table_page_parse(&arena, &text, &page->href, &page->next,
                                     &files->files, &files->nfiles,
                                     &load->error);
        if (parsed == LU_OK) {
            return NGX_OK;
        }

        if (parsed == LU_NOMEM) {
            return ngx_lu_load_status(load, LU_NOMEM);
        }

        load->error.text = NULL;
        rc = NGX_ABORT;
    }

    if (rc != NGX_ABORT) {
        return rc;
    }

    rc = ngx_lu_file_read(&load->io, path, &text, &fi);

    return rc == NGX_OK ? ngx_lu_load_table(load, &text, files) : rc;
}


/* NGX_ABORT: it is another file, or a shorter one. */

static ngx_int_t
ngx_lu_load_slice(ngx_lu_load_t *load, u_char *path, lu_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;
    ngx_lu_origin_t  origin;

    rc = ngx_lu_load_open(load, path, &fd, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    origin = ngx_lu_load_origin(&fi);

    if (!ngx_lu_load_origin_eq(&load->page.origin, &origin)) {
        (void) ngx_close_file(fd);
        return NGX_ABORT;
    }

    text->len = load->page.size;
    text->data = ngx_pnalloc(load->io.pool, text->len);

    if (text->data == NULL) {
        (void) ngx_close_file(fd);
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    n = pread(fd, text->data, text->len, (off_t) load->page.offset);

    if (n == -1) {
        rc = ngx_lu_io_error(&load->io, ngx_lu_io_errno(), "pread()", path);

    } else if ((size_t) n != text->len) {
        rc = NGX_ABORT;
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_lu_load_td(ngx_lu_load_t *load)
{
    u_char     *path;
    ngx_int_t   rc;
    lu_td_t    *td;
    lu_rc_e     parsed;
    lu_str_t    text;
    lu_arena_t  arena;

    path = ngx_lu_path(&load->io, "%V/feed/%V/%V", &load->path, &load->app,
                       &load->name);

    rc = ngx_lu_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    td = arena.alloc(load, sizeof(lu_td_t));
    if (td == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    parsed = lu_td_parse(&arena, &text, td, &load->error);

    if (parsed != LU_OK) {
        return ngx_lu_load_status(load, parsed);
    }

    load->copy = td;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_load_manifest(ngx_lu_load_t *load)
{
    u_char             *path;
    ngx_fd_t            fd;
    ngx_int_t           rc;
    ngx_file_info_t     fi;
    ngx_lu_manifest_t  *manifest;

    path = ngx_lu_path(&load->io, "%V/feed/%V/%V", &load->path, &load->app,
                       &load->name);
    manifest = ngx_lu_load_alloc(load, sizeof(ngx_lu_manifest_t));

    if (path == NULL || manifest == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    if (load->compare && ngx_lu_load_same(load, path)) {
        return NGX_DONE;
    }

    rc = ngx_lu_load_open(load, path, &fd, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    load->origin = ngx_lu_load_origin(&fi);

    rc = ngx_lu_load_bytes(load, fd, path, &fi, manifest);

    (void) ngx_close_file(fd);

    load->copy = manifest;

    return rc;
}


static ngx_int_t
ngx_lu_load_bytes(ngx_lu_load_t *load, ngx_fd_t fd, u_char *path,
    ngx_file_info_t *fi, ngx_lu_manifest_t *manifest)
{
    ssize_t     n;
    lu_str_t    text;
    lu_arena_t  arena;

    manifest->may_follow = 0;
    manifest->mtime = ngx_file_mtime(fi);
    manifest->size = 0;
    manifest->bytes = NULL;

    if (!ngx_is_file(fi)
        || ngx_file_size(fi) == 0
        || ngx_file_size(fi) > NGX_LU_MANIFEST_SIZE)
    {
        return NGX_OK;
    }

    manifest->size = (size_t) ngx_file_size(fi);
    manifest->bytes = ngx_lu_load_alloc(load, manifest->size);

    if (manifest->bytes == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    n = ngx_read_fd(fd, manifest->bytes, manifest->size);

    if (n == -1) {
        return ngx_lu_io_error(&load->io, ngx_lu_io_errno(), ngx_read_fd_n,
                               path);
    }

    if ((size_t) n != manifest->size) {

        /* it is being written */

        manifest->bytes = NULL;
        return NGX_OK;
    }

    text.len = manifest->size;
    text.data = manifest->bytes;

    arena = ngx_lu_arena(load->io.pool);

    manifest->may_follow = lu_minimum_may_follow(&arena, &text);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_load_status(ngx_lu_load_t *load, lu_rc_e rc)
{
    if (rc == LU_NOMEM) {
        (void) ngx_lu_io_nomem(&load->io);
        load->error.text = NULL;
    }

    return NGX_ERROR;
}
