
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_file.h"
#include "ngx_lu_path.h"
#include "ngx_lu_temp.h"


#define NGX_LU_TEMP_TRIES  100


static ngx_uint_t ngx_lu_temp_is(ngx_lu_temp_t *temp, u_char *path);
static u_char *ngx_lu_temp_path(ngx_lu_io_t *io, ngx_lu_store_t *store);
static ngx_int_t ngx_lu_temp_folder(ngx_lu_store_t *store, ngx_err_t err);
static ngx_int_t ngx_lu_temp_failed(ngx_lu_io_t *io, const char *operation,
    u_char *path);


ngx_int_t
ngx_lu_temp_create(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_temp_t *temp)
{
    ngx_uint_t  tries;

    for (tries = 0; /* void */ ; tries++) {

        temp->path = ngx_lu_temp_path(io, store);
        if (temp->path == NULL) {
            return NGX_ERROR;
        }

        temp->fd = mkostemp((char *) temp->path, O_CLOEXEC);

        if (temp->fd != -1) {
            break;
        }

        if (tries || ngx_lu_temp_folder(store, ngx_errno) != NGX_OK) {
            return ngx_lu_temp_failed(io, "mkostemp()", temp->path);
        }
    }

    lu_sha256_init(&temp->sha256);

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_write(ngx_lu_io_t *io, ngx_lu_temp_t *temp, const u_char *data,
    size_t len)
{
    ssize_t  n;

    io->beats++;

    lu_sha256_update(&temp->sha256, data, len);

    while (len) {
        n = write(temp->fd, data, len);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            return ngx_lu_io_failed(io, "write()", temp->path);
        }

        data += n;
        len -= n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_sync(ngx_lu_io_t *io, ngx_lu_temp_t *temp)
{
    if (fsync(temp->fd) == -1) {
        return ngx_lu_io_failed(io, "fsync()", temp->path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_rename(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    if (path == NULL) {
        (void) ngx_lu_io_pathless(io);
        goto failed;
    }

    if (ngx_rename_file(temp->path, path) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(io, ngx_rename_file_n, path);

        if (io->err != NGX_ENOENT || !ngx_lu_temp_is(temp, path)) {
            goto failed;
        }

        ngx_lu_io_clear(io);
    }

    (void) ngx_close_file(temp->fd);

    return NGX_OK;

failed:

    ngx_lu_temp_discard(temp);

    return NGX_ERROR;
}


/* The answer of a server that has renamed it may be lost. */

static ngx_uint_t
ngx_lu_temp_is(ngx_lu_temp_t *temp, u_char *path)
{
    ngx_fd_t         fd;
    ngx_uint_t       same;
    ngx_file_info_t  one, two;

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    same = (ngx_fd_info(fd, &one) != NGX_FILE_ERROR
            && ngx_fd_info(temp->fd, &two) != NGX_FILE_ERROR
            && ngx_file_uniq(&one) == ngx_file_uniq(&two)
            && one.st_dev == two.st_dev);

    (void) ngx_close_file(fd);

    return same;
}


ngx_int_t
ngx_lu_temp_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    if (ngx_lu_temp_sync(io, temp) != NGX_OK) {
        ngx_lu_temp_discard(temp);
        return NGX_ERROR;
    }

    if (ngx_lu_temp_rename(io, temp, path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io, path));
}


void
ngx_lu_temp_discard(ngx_lu_temp_t *temp)
{
    (void) ngx_close_file(temp->fd);
    (void) ngx_delete_file(temp->path);
}


/* A name in tmp/ comes first: link() does not replace a file. */

ngx_int_t
ngx_lu_temp_link(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *from,
    u_char *to)
{
    u_char     *folder, *path;
    ngx_int_t   rc;

    if (ngx_lu_temp_mkdir(io, store, &folder) != NGX_OK) {
        return NGX_ERROR;
    }

    path = ngx_lu_path_in(io, folder, "link");

    rc = ngx_lu_file_link(io, from, path);

    if (rc != NGX_ERROR) {
        rc = ngx_lu_file_rename(io, path, to);
    }

    if (rc == NGX_OK) {
        rc = ngx_lu_file_sync(io, ngx_lu_path_folder(io, to));
    }

    if (path) {
        (void) ngx_delete_file(path);
    }

    (void) ngx_delete_dir(folder);

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_lu_temp_mkdir(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char **path)
{
    ngx_uint_t  tries;

    for (tries = 0; /* void */ ; tries++) {

        *path = ngx_lu_temp_path(io, store);
        if (*path == NULL) {
            return NGX_ERROR;
        }

        if (mkdtemp((char *) *path) != NULL) {
            return NGX_OK;
        }

        if (tries || ngx_lu_temp_folder(store, ngx_errno) != NGX_OK) {
            return ngx_lu_temp_failed(io, "mkdtemp()", *path);
        }
    }
}


ngx_int_t
ngx_lu_temp_move(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    u_char **temp)
{
    ngx_err_t           err;
    ngx_uint_t          tries;
    ngx_atomic_uint_t   n;

    static ngx_atomic_t  serial;

    for (tries = 0; tries < NGX_LU_TEMP_TRIES; tries++) {

        n = ngx_atomic_fetch_add(&serial, 1);

        *temp = ngx_lu_path(io, "%V/%P.%uA.gone", &store->temp, ngx_pid, n);

        if (*temp == NULL || path == NULL) {
            return ngx_lu_io_pathless(io);
        }

        if (ngx_rename_file(path, *temp) != NGX_FILE_ERROR) {
            return NGX_OK;
        }

        err = ngx_errno;

        if (err == NGX_ENOENT) {
            if (tries == 0
                && ngx_lu_file_exists(io, path) == NGX_OK
                && ngx_lu_temp_folder(store, err) == NGX_OK)
            {
                continue;
            }

            break;
        }

        /* a worker that had the same process id may have left one */

        if (err != ENOTEMPTY && err != NGX_EEXIST && err != NGX_ENOTDIR) {
            return ngx_lu_io_failed(io, ngx_rename_file_n, path);
        }
    }

    /* the answer was lost */

    if (ngx_lu_file_exists(io, *temp) == NGX_OK) {
        return NGX_OK;
    }

    /* without tmp/, nothing has gone */

    return ngx_lu_file_exists(io, path) == NGX_DECLINED
           ? NGX_DECLINED
           : ngx_lu_io_error(io, EIO, ngx_rename_file_n, *temp);
}


/* Whose it is: other machines and workers write to the same store. */

static u_char *
ngx_lu_temp_path(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    return ngx_lu_path(io, "%V/%P.XXXXXX", &store->temp, ngx_pid);
}


/*
 * The folder of this machine may be missing if the store was mounted after the
 * start.  NGX_OK if it was made.
 */

static ngx_int_t
ngx_lu_temp_folder(ngx_lu_store_t *store, ngx_err_t err)
{
    if (err == NGX_ENOENT
        && (ngx_create_dir(store->temp.data, 0700) != NGX_FILE_ERROR
            || ngx_errno == NGX_EEXIST))
    {
        return NGX_OK;
    }

    ngx_set_errno(err);

    return NGX_DECLINED;
}


/* It is the store that is not there, and not what somebody has asked for. */

static ngx_int_t
ngx_lu_temp_failed(ngx_lu_io_t *io, const char *operation, u_char *path)
{
    ngx_err_t  err;

    err = ngx_errno;

    return ngx_lu_io_error(io, err == NGX_ENOENT ? EIO : err, operation, path);
}
