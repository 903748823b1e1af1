
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Work of a thread on the disk, and how it says what failed.
 */


#ifndef _NGX_LU_IO_H_INCLUDED_
#define _NGX_LU_IO_H_INCLUDED_


#include "base/ngx_lu.h"


#define NGX_LU_IO_LOCKS  4


struct ngx_lu_turn_s;


/*
 * The memory of a thread, the system call that failed, and its locks.  The
 * thread owns the pool and logs nothing; whoever started it logs the error.
 */

typedef struct {
    ngx_pool_t                *pool;
    ngx_err_t                  err;
    const char                *operation;   /* "rename()"; NULL: none */
    u_char                    *path;        /* not NULL if one failed */

    ngx_atomic_t               beats;       /* counted at each operation */

    /* ngx_lu_lock(): what it took, by hash, and what others have, or NULL */
    uint32_t                   locks[NGX_LU_IO_LOCKS];
    ngx_uint_t                 nlocks;
    u_char                    *busy;
    unsigned                   first:1;     /* nobody else comes first */

    /* ngx_lu_turn_take(): those that it has, the last one first; and whether
       files are read as names show them, although they may be old */
    struct ngx_lu_turn_s      *turns;
    unsigned                   plain:1;

    /* of the job that the work is done for, proved with the turns; or NULL */
    struct ngx_lu_turn_s      *claim;
} ngx_lu_io_t;


/*
 * These functions alone set err, operation, path and busy.  All return
 * NGX_ERROR.
 *
 * failed() takes the error from errno.  The operation is a literal, and the
 * path lives as long as the pool; NULL is written as "".
 */

ngx_int_t ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation,
    u_char *path);

/* The same with an error of the caller's. */

ngx_int_t ngx_lu_io_error(ngx_lu_io_t *io, ngx_err_t err,
    const char *operation, u_char *path);

/*
 * errno after an operation on an open file, for error().  GlusterFS opens a
 * file when it is used, and says ENOENT if another machine has removed it: that
 * is ESTALE, as elsewhere.  Where no file has the name, open() says ENOENT.
 */

ngx_err_t ngx_lu_io_errno(void);

/* The memory is short. */

ngx_int_t ngx_lu_io_nomem(ngx_lu_io_t *io);

/*
 * A path is NULL.  ngx_lu_path() has said why; if the path was made in another
 * way, the memory was short.
 */

ngx_int_t ngx_lu_io_pathless(ngx_lu_io_t *io);

/* Another has the lock of that path: NGX_EAGAIN, and no operation. */

ngx_int_t ngx_lu_io_busy(ngx_lu_io_t *io, u_char *path);

/*
 * 1 if the file that could not be read is to blame, so that a list can do
 * without it; 0 if another try may read it.
 */

ngx_uint_t ngx_lu_io_is_damage(const ngx_lu_io_t *io);

/* 1 if the file system is not there: its server, its mount, its process. */

ngx_uint_t ngx_lu_io_is_away(const ngx_lu_io_t *io);

/* Forgets what failed, since it does not matter. */

void ngx_lu_io_clear(ngx_lu_io_t *io);


#endif /* _NGX_LU_IO_H_INCLUDED_ */
