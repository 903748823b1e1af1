
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_load.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_app.h"
#include "core/lu_release.h"
#include "core/lu_td.h"


/* larger manifests are sent as files, bytes */

#define NGX_LU_MANIFEST_SIZE  4096


static void *ngx_lu_load_alloc(void *data, size_t size);
static ngx_int_t ngx_lu_load_text(ngx_lu_load_t *load, u_char *path,
    lu_str_t *text);
static ngx_uint_t ngx_lu_load_same(ngx_lu_load_t *load, u_char *path);
static ngx_int_t ngx_lu_load_app(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_releases(ngx_lu_load_t *load, lu_app_t *app);
static ngx_int_t ngx_lu_load_files(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_td(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_manifest(ngx_lu_load_t *load);
static ngx_int_t ngx_lu_load_bytes(ngx_lu_load_t *load, ngx_fd_t fd,
    u_char *path, ngx_lu_manifest_t *manifest);
static ngx_int_t ngx_lu_load_status(ngx_lu_load_t *load, lu_rc_e rc);


void
ngx_lu_load_thread(void *data, ngx_log_t *log)
{
    ngx_lu_load_t *load = data;

    for ( /* void */ ; load; load = load->next) {

        switch (load->kind) {

        case NGX_LU_COPY_APP:
            load->rc = ngx_lu_load_app(load);
            break;

        case NGX_LU_COPY_FILES:
            load->rc = ngx_lu_load_files(load);
            break;

        case NGX_LU_COPY_TD:
            load->rc = ngx_lu_load_td(load);
            break;

        default: /* NGX_LU_COPY_MANIFEST */
            load->rc = ngx_lu_load_manifest(load);
            break;
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

    load->uniq = ngx_file_uniq(&fi);
    load->changed = fi.st_ctim;

    return NGX_OK;
}


/* On a network file system only open() is sure to ask the server. */

static ngx_uint_t
ngx_lu_load_same(ngx_lu_load_t *load, u_char *path)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (path == NULL) {
        return 0;
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    rc = ngx_fd_info(fd, &fi);

    (void) ngx_close_file(fd);

    return rc != NGX_FILE_ERROR
           && load->uniq == ngx_file_uniq(&fi)
           && load->changed.tv_sec == fi.st_ctim.tv_sec
           && load->changed.tv_nsec == fi.st_ctim.tv_nsec;
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

    load->copy = app;

    return ngx_lu_load_releases(load, app);
}


static ngx_int_t
ngx_lu_load_releases(ngx_lu_load_t *load, lu_app_t *app)
{
    u_char           *path;
    size_t            i, n;
    ngx_int_t         rc;
    lu_rc_e           parsed;
    ngx_file_info_t   fi;
    lu_str_t          text;
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

            rc = ngx_lu_file_read(&load->io, path, &text, &fi);

            if (rc == NGX_DECLINED) {

                /* a replica of the store may get it later: load it again */

                load->uniq = 0;
                continue;
            }

            if (rc != NGX_OK) {
                return rc;
            }

            release = arena.alloc(load, sizeof(lu_release_t));
            if (release == NULL) {
                return ngx_lu_load_status(load, LU_NOMEM);
            }

            parsed = lu_release_parse(&arena, &text, release, &load->error);
            if (parsed != LU_OK) {
                return ngx_lu_load_status(load, parsed);
            }

            deployment->release = release;

            if (lu_app_render(&arena, app, channel, deployment) != LU_OK) {
                return ngx_lu_load_status(load, LU_NOMEM);
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_load_files(ngx_lu_load_t *load)
{
    u_char          *path;
    ngx_int_t        rc;
    lu_rc_e          parsed;
    lu_str_t         text;
    lu_arena_t       arena;
    ngx_lu_files_t  *files;

    path = ngx_lu_path(&load->io, "%V/live/%V/%V/files.json", &load->path,
                       &load->app, &load->name);

    rc = ngx_lu_load_text(load, path, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    arena.alloc = ngx_lu_load_alloc;
    arena.data = load;

    files = arena.alloc(load, sizeof(ngx_lu_files_t));
    if (files == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    parsed = lu_file_table_parse(&arena, &text, &files->files, &files->nfiles,
                                 &load->error);
    if (parsed != LU_OK) {
        return ngx_lu_load_status(load, parsed);
    }

    load->copy = files;

    return NGX_OK;
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

    fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(&load->io, ngx_open_file_n, path);
    }

    rc = ngx_lu_load_bytes(load, fd, path, manifest);

    (void) ngx_close_file(fd);

    load->copy = manifest;

    return rc;
}


static ngx_int_t
ngx_lu_load_bytes(ngx_lu_load_t *load, ngx_fd_t fd, u_char *path,
    ngx_lu_manifest_t *manifest)
{
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        return ngx_lu_io_failed(&load->io, ngx_fd_info_n, path);
    }

    load->uniq = ngx_file_uniq(&fi);
    load->changed = fi.st_ctim;

    manifest->mtime = ngx_file_mtime(&fi);
    manifest->size = 0;
    manifest->bytes = NULL;

    if (!ngx_is_file(&fi)
        || ngx_file_size(&fi) == 0
        || ngx_file_size(&fi) > NGX_LU_MANIFEST_SIZE)
    {
        return NGX_OK;
    }

    manifest->size = (size_t) ngx_file_size(&fi);
    manifest->bytes = ngx_lu_load_alloc(load, manifest->size);

    if (manifest->bytes == NULL) {
        return ngx_lu_load_status(load, LU_NOMEM);
    }

    n = ngx_read_fd(fd, manifest->bytes, manifest->size);

    if (n == -1) {
        return ngx_lu_io_failed(&load->io, ngx_read_fd_n, path);
    }

    if ((size_t) n != manifest->size) {

        /* it is being written */

        manifest->bytes = NULL;
    }

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
