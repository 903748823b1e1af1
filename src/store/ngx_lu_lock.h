
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Lock files.  A lock excludes other threads, processes and machines alike, and
 * ends with the descriptor, however its holder ended.
 */


#ifndef _NGX_LU_LOCK_H_INCLUDED_
#define _NGX_LU_LOCK_H_INCLUDED_


#include "ngx_lu_io.h"
#include "ngx_lu_turn.h"


typedef struct {
    ngx_lu_io_t                *io;         /* that has the turn */
    ngx_fd_t                    fd;
    ngx_lu_turn_t               turn;
} ngx_lu_lock_t;


/*
 * Nobody waits for a lock.  With the lock comes the turn of what lies beside
 * the file, in io->turns.  *lock, in memory of io's pool, is to be given to
 * ngx_lu_lock_release() while io is there; if anything but NGX_OK is returned,
 * it is NULL.  NGX_DECLINED: there is no such file, or no folder for it;
 * NGX_ERROR with io.
 *
 * If another has the lock, or the turn, io->err is NGX_EAGAIN, io->busy is the
 * path and no operation has failed.  So it is, too, if others wait for the lock
 * already, unless the caller has another lock or io->first is set.
 *
 * Only the holder of the lock may remove the file, or the folder that it lies
 * in, and create it anew.
 */

/* Creates the file if need be. */

ngx_int_t ngx_lu_lock(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    ngx_lu_lock_t **lock);

ngx_int_t ngx_lu_lock_existing(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, ngx_lu_lock_t **lock);

/* Releases the lock; NULL is no lock. */

void ngx_lu_lock_release(ngx_lu_lock_t *lock);

/*
 * Locks a file for somebody to be the only one at work, and takes no turn: sets
 * *fd, which is NGX_INVALID_FILE unless NGX_OK is returned.  NGX_BUSY, without
 * io: another has the lock; NGX_DECLINED, NGX_ERROR as above.
 */

ngx_int_t ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/* Releases that; NGX_INVALID_FILE is no lock. */

void ngx_lu_lock_close(ngx_fd_t fd);

/* The hash of a path, as in io->locks. */

uint32_t ngx_lu_lock_hash(const u_char *path);

/* One more of this worker waits for the lock of that hash, or one less. */

void ngx_lu_lock_waits(uint32_t hash, ngx_int_t n);


#endif /* _NGX_LU_LOCK_H_INCLUDED_ */
