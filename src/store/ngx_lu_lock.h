
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Lock files.  A lock excludes other threads, processes and machines alike, and
 * ends with the descriptor, however its holder ended.
 */


#ifndef _NGX_LU_LOCK_H_INCLUDED_
#define _NGX_LU_LOCK_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * No function waits for a lock.  Each sets *fd, to be given to
 * ngx_lu_lock_release(); if it returns anything but NGX_OK, *fd is
 * NGX_INVALID_FILE.  NGX_DECLINED: there is no such file, or no folder for it;
 * NGX_ERROR with io.
 *
 * If another has the lock, io->err is NGX_EAGAIN, io->busy is the path and no
 * operation has failed.  So it is, too, if others wait for the lock already,
 * unless the caller has another lock or io->turn is set.
 *
 * Only the holder of the lock may remove the file, or the folder that it lies
 * in, and create it anew.
 */

/* Creates the file if need be. */

ngx_int_t ngx_lu_lock(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

ngx_int_t ngx_lu_lock_existing(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/*
 * Like ngx_lu_lock_existing(), but returns NGX_BUSY, without io, if another has
 * the lock, and does not care who waits for it.
 */

ngx_int_t ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/* Releases the lock; NGX_INVALID_FILE is no lock. */

void ngx_lu_lock_release(ngx_fd_t fd);

/* The hash of a path, as in io->locks. */

uint32_t ngx_lu_lock_hash(const u_char *path);

/* One more of this worker waits for the lock of that hash, or one less. */

void ngx_lu_lock_waits(uint32_t hash, ngx_int_t n);


#endif /* _NGX_LU_LOCK_H_INCLUDED_ */
