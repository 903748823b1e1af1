
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files and folders in tmp/ of the store, which get their names when they are
 * complete.
 */


#ifndef _NGX_LU_TEMP_H_INCLUDED_
#define _NGX_LU_TEMP_H_INCLUDED_


#include "ngx_lu_io.h"

#include "core/lu_sha256.h"


typedef struct {
    ngx_fd_t                        fd;
    u_char                         *path;
    lu_sha256_t                     sha256;      /* of what was written */
} ngx_lu_temp_t;


/*
 * Each function returns NGX_OK, or NGX_ERROR with io.
 *
 * create() opens a new file, which is to be renamed, committed or discarded;
 * write() adds bytes at its end; sync() has them reach the disk.
 */

ngx_int_t ngx_lu_temp_create(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_temp_write(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    const u_char *data, size_t len);
ngx_int_t ngx_lu_temp_sync(ngx_lu_io_t *io, ngx_lu_temp_t *temp);

/*
 * rename() gives the file its name, which may be that of an older file;
 * commit() does so durably: sync, rename, sync of the folder.  Both close the
 * file, and remove it if they fail.
 */

ngx_int_t ngx_lu_temp_rename(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);
ngx_int_t ngx_lu_temp_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);

/* Closes the file and removes it; errors are of no interest any more. */

void ngx_lu_temp_discard(ngx_lu_temp_t *temp);

/*
 * Gives the file "from" a second name, "to", in the place of another file that
 * may have it.
 */

ngx_int_t ngx_lu_temp_link(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *from, u_char *to);

/*
 * Creates a folder with a new name; the path is in memory of the pool.  The
 * caller renames it, or removes it with ngx_lu_tree_discard().
 */

ngx_int_t ngx_lu_temp_mkdir(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char **path);

/*
 * Moves a folder here, under a new name in memory of the pool, to be removed:
 * neither a block nor an inode is needed for that.  NGX_DECLINED: there is no
 * such folder.
 */

ngx_int_t ngx_lu_temp_move(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, u_char **temp);


#endif /* _NGX_LU_TEMP_H_INCLUDED_ */
