
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Work of a thread on the disk, and how it says what failed.
 */


#ifndef _NGX_LU_IO_H_INCLUDED_
#define _NGX_LU_IO_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * The memory of a thread, and the system call that failed.  The thread owns
 * the pool and logs nothing; whoever started it logs the error.
 */

typedef struct {
    ngx_pool_t                *pool;
    ngx_err_t                  err;
    const char                *operation;   /* "rename()" */
    u_char                    *path;        /* NULL: memory was short */
} ngx_lu_io_t;


/* Keeps errno and what failed: NGX_ERROR. */

ngx_int_t ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation,
    u_char *path);


#endif /* _NGX_LU_IO_H_INCLUDED_ */
