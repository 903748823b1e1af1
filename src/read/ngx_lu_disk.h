
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What threads do for files that are sent.
 */


#ifndef _NGX_LU_DISK_H_INCLUDED_
#define _NGX_LU_DISK_H_INCLUDED_


#include "base/ngx_lu.h"


/* What is read at once of a file that is not local, bytes. */

#define NGX_LU_DISK_PIECE  (128 * 1024)


/*
 * Opens the file and describes it in "of", which has nginx's options.  Returns
 * NGX_OK, and the caller closes of->fd, unless it is NGX_INVALID_FILE; or
 * NGX_ERROR with of->err and of->failed; of->err is 0 if memory is short.  Uses
 * memory of the pool.
 */

ngx_int_t ngx_lu_disk_open(ngx_str_t *path, ngx_open_file_info_t *of,
    ngx_pool_t *pool);

/*
 * Returns 0 if what is not there has gone, or the error with which the store as
 * a whole cannot be reached.  Uses memory of the pool.
 */

ngx_err_t ngx_lu_disk_absent(ngx_lu_store_t *store, ngx_pool_t *pool);

/*
 * 1 if the file lies on a file system that no other machine and no other
 * process serves, so that nginx may read it in the event loop.
 */

ngx_uint_t ngx_lu_disk_is_local(ngx_fd_t fd);

/*
 * Reads all of these bytes.  NGX_OK, or NGX_ERROR with the error, which is EIO
 * if the file is shorter.
 */

ngx_int_t ngx_lu_disk_read(ngx_fd_t fd, u_char *buf, size_t size,
    off_t offset, ngx_err_t *err);


#endif /* _NGX_LU_DISK_H_INCLUDED_ */
