
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_lock.h"


#define NGX_LU_LOCK_WAITS  1024


static ngx_int_t ngx_lu_lock_take(ngx_lu_io_t *io, u_char *path, int create,
    ngx_fd_t *fd);
static ngx_int_t ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create,
    ngx_fd_t *fd);


/* of this worker, by hash: locks that share a number wait once in vain */

static ngx_atomic_t  ngx_lu_lock_waiting[NGX_LU_LOCK_WAITS];


ngx_int_t
ngx_lu_lock(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_take(io, path, O_CREAT, fd);
}


ngx_int_t
ngx_lu_lock_existing(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_take(io, path, 0, fd);
}


ngx_int_t
ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, fd);
}


static ngx_int_t
ngx_lu_lock_take(ngx_lu_io_t *io, u_char *path, int create, ngx_fd_t *fd)
{
    uint32_t   hash;
    ngx_int_t  rc;

    *fd = NGX_INVALID_FILE;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    hash = ngx_lu_lock_hash(path);

    if (!io->turn
        && io->nlocks == 0
        && ngx_lu_lock_waiting[hash % NGX_LU_LOCK_WAITS])
    {
        return ngx_lu_io_busy(io, path);
    }

    rc = ngx_lu_lock_file(io, path, create, fd);

    if (rc == NGX_BUSY) {
        return ngx_lu_io_busy(io, path);
    }

    if (rc == NGX_OK && io->nlocks < NGX_LU_IO_LOCKS) {
        io->locks[io->nlocks++] = hash;
    }

    return rc;
}


/*
 * A lock of the open file description excludes the other threads of this
 * process as well, and dies with its holder.
 */

static ngx_int_t
ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create, ngx_fd_t *fd)
{
    ngx_fd_t         opened;
    struct flock     lock;
    ngx_file_info_t  held, named;

    *fd = NGX_INVALID_FILE;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    for ( ;; ) {

        opened = open((const char *) path, O_RDWR|O_CLOEXEC|create, 0600);

        if (opened == NGX_INVALID_FILE) {
            if (ngx_errno == NGX_ENOENT) {
                return NGX_DECLINED;
            }

            return ngx_lu_io_failed(io, ngx_open_file_n, path);
        }

        while (fcntl(opened, F_OFD_SETLK, &lock) == -1) {

            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            if (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EACCES) {
                (void) ngx_close_file(opened);
                return NGX_BUSY;
            }

            (void) ngx_lu_io_failed(io, "fcntl()", path);
            goto failed;
        }

        if (ngx_fd_info(opened, &held) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(io, ngx_fd_info_n, path);
            goto failed;
        }

        /* it may have gone, or have been made anew, before it was locked */

        if (ngx_file_info(path, &named) != NGX_FILE_ERROR) {

            if (ngx_file_uniq(&named) == ngx_file_uniq(&held)
                && named.st_dev == held.st_dev)
            {
                *fd = opened;
                return NGX_OK;
            }

        } else if (ngx_errno != NGX_ENOENT) {
            (void) ngx_lu_io_failed(io, ngx_file_info_n, path);
            goto failed;
        }

        (void) ngx_close_file(opened);
    }

failed:

    (void) ngx_close_file(opened);

    return NGX_ERROR;
}


void
ngx_lu_lock_release(ngx_fd_t fd)
{
    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }
}


uint32_t
ngx_lu_lock_hash(const u_char *path)
{
    return ngx_murmur_hash2((u_char *) path, ngx_strlen(path));
}


void
ngx_lu_lock_waits(uint32_t hash, ngx_int_t n)
{
    (void) ngx_atomic_fetch_add(&ngx_lu_lock_waiting[hash
                                                     % NGX_LU_LOCK_WAITS],
                                n);
}
