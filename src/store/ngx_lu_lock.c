
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_lock.h"


static ngx_int_t ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create,
    int command, ngx_fd_t *fd);


ngx_int_t
ngx_lu_lock(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, O_CREAT, F_OFD_SETLKW, fd);
}


ngx_int_t
ngx_lu_lock_existing(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, F_OFD_SETLKW, fd);
}


ngx_int_t
ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, F_OFD_SETLK, fd);
}


/*
 * A lock of the open file description: other threads of this process wait
 * for it as other processes and machines do, and it dies with its holder.
 */

static ngx_int_t
ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create, int command,
    ngx_fd_t *fd)
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

        while (fcntl(opened, command, &lock) == -1) {

            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            if (command == F_OFD_SETLK
                && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EACCES))
            {
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

        /* it may have gone, or have been made anew, while we waited */

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
