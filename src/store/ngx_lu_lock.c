
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_lock.h"
#include "ngx_lu_tree.h"


#define NGX_LU_LOCK_WAITS  1024
#define NGX_LU_LOCK_TRIES  50


static ngx_int_t ngx_lu_lock_take(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, int create, ngx_lu_lock_t **lock);
static ngx_int_t ngx_lu_lock_turn(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, ngx_fd_t fd, ngx_lu_lock_t **lock);
static ngx_int_t ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create,
    ngx_fd_t *fd);
static ngx_int_t ngx_lu_lock_once(ngx_lu_io_t *io, u_char *path, int create,
    ngx_fd_t *fd);
static ngx_int_t ngx_lu_lock_named(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd);


/* of this worker, by hash: locks that share a number wait once in vain */

static ngx_atomic_t  ngx_lu_lock_waiting[NGX_LU_LOCK_WAITS];


ngx_int_t
ngx_lu_lock(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    ngx_lu_lock_t **lock)
{
    return ngx_lu_lock_take(io, store, path, O_CREAT, lock);
}


ngx_int_t
ngx_lu_lock_existing(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    ngx_lu_lock_t **lock)
{
    return ngx_lu_lock_take(io, store, path, 0, lock);
}


ngx_int_t
ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, fd);
}


static ngx_int_t
ngx_lu_lock_take(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    int create, ngx_lu_lock_t **lock)
{
    uint32_t   hash;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    *lock = NULL;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    hash = ngx_lu_lock_hash(path);

    if (!io->first
        && io->nlocks == 0
        && ngx_lu_lock_waiting[hash % NGX_LU_LOCK_WAITS])
    {
        return ngx_lu_io_busy(io, path);
    }

    rc = ngx_lu_lock_file(io, path, create, &fd);

    if (rc == NGX_OK) {
        rc = ngx_lu_lock_turn(io, store, path, fd, lock);
    }

    if (rc == NGX_BUSY) {
        return ngx_lu_io_busy(io, path);
    }

    if (rc == NGX_OK && io->nlocks < NGX_LU_IO_LOCKS) {
        io->locks[io->nlocks++] = hash;
    }

    return rc;
}


static ngx_int_t
ngx_lu_lock_turn(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    ngx_fd_t fd, ngx_lu_lock_t **lock)
{
    u_char         **gone;
    ngx_int_t        rc;
    ngx_uint_t       i;
    ngx_lu_lock_t   *taken;

    taken = ngx_palloc(io->pool, sizeof(ngx_lu_lock_t));

    if (taken == NULL) {
        ngx_lu_lock_close(fd);
        return ngx_lu_io_nomem(io);
    }

    taken->io = io;
    taken->fd = fd;

    rc = ngx_lu_turn_take(io, store, path, &taken->turn);

    gone = taken->turn.gone.elts;

    for (i = 0; i < taken->turn.gone.nelts; i++) {
        ngx_lu_tree_discard(gone[i]);
    }

    if (rc != NGX_OK) {
        ngx_lu_lock_close(fd);
        return rc;
    }

    *lock = taken;

    return NGX_OK;
}


/* It may go, or be made anew, before it is locked. */

static ngx_int_t
ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create, ngx_fd_t *fd)
{
    ngx_int_t   rc;
    ngx_uint_t  tries;

    *fd = NGX_INVALID_FILE;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    for (tries = 0; tries < NGX_LU_LOCK_TRIES; tries++) {

        if (tries > 3) {
            io->beats++;
            ngx_msleep(ngx_min(tries, 20));
        }

        rc = ngx_lu_lock_once(io, path, create, fd);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    return NGX_BUSY;
}


/*
 * A lock of the open file description excludes the other threads of this
 * process as well, and dies with its holder.  NGX_AGAIN: it is another file by
 * now.
 */

static ngx_int_t
ngx_lu_lock_once(ngx_lu_io_t *io, u_char *path, int create, ngx_fd_t *fd)
{
    ngx_fd_t      opened;
    ngx_err_t     err;
    ngx_int_t     rc;
    struct flock  lock;

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    opened = open((const char *) path, O_RDWR|O_CLOEXEC|create, 0600);

    if (opened == NGX_INVALID_FILE) {

        if (ngx_errno == ESTALE) {
            return NGX_AGAIN;
        }

        return (ngx_errno == NGX_ENOENT)
               ? NGX_DECLINED
               : ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    rc = NGX_OK;

    while (fcntl(opened, F_OFD_SETLK, &lock) == -1) {

        err = ngx_lu_io_errno();

        if (err == NGX_EINTR) {
            continue;
        }

        if (err == NGX_EAGAIN || err == NGX_EACCES) {
            rc = NGX_BUSY;

        } else if (err == ESTALE) {
            rc = NGX_AGAIN;

        } else {
            rc = ngx_lu_io_error(io, err, "fcntl()", path);
        }

        break;
    }

    if (rc == NGX_OK) {
        rc = ngx_lu_lock_named(io, path, opened);
    }

    if (rc != NGX_OK) {
        (void) ngx_close_file(opened);
        return rc;
    }

    *fd = opened;

    return NGX_OK;
}


/* On a network file system only open() is sure to ask the server. */

static ngx_int_t
ngx_lu_lock_named(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd)
{
    ngx_fd_t         opened;
    ngx_err_t        err;
    ngx_int_t        rc;
    ngx_file_info_t  held, named;

    opened = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (opened == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? NGX_AGAIN
               : ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    if (ngx_fd_info(fd, &held) == NGX_FILE_ERROR
        || ngx_fd_info(opened, &named) == NGX_FILE_ERROR)
    {
        err = ngx_lu_io_errno();

        rc = (err == ESTALE) ? NGX_AGAIN
                             : ngx_lu_io_error(io, err, ngx_fd_info_n, path);

    } else if (ngx_file_uniq(&named) == ngx_file_uniq(&held)
               && named.st_dev == held.st_dev)
    {
        rc = NGX_OK;

    } else {
        rc = NGX_AGAIN;
    }

    (void) ngx_close_file(opened);

    return rc;
}


void
ngx_lu_lock_release(ngx_lu_lock_t *lock)
{
    if (lock) {
        ngx_lu_turn_leave(lock->io, &lock->turn);
        ngx_lu_lock_close(lock->fd);
    }
}


void
ngx_lu_lock_close(ngx_fd_t fd)
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
