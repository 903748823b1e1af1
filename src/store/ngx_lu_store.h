
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_STORE_H_INCLUDED_
#define _NGX_LU_STORE_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_json.h"
#include "core/lu_sha256.h"


/*
 * Store: the only room that writes, renames, links, locks or syncs.  All of
 * it runs in threads.  NGX_OK; NGX_DECLINED: the file does not exist (or for
 * link() and mkdir(): exists already); NGX_ERROR with io filled in.
 */

/* Terminated; NULL: out of memory, or longer than 4,094 bytes. */

u_char *ngx_lu_path(ngx_pool_t *pool, const char *fmt, ...);

/* The folder that a path lies in, or NULL. */

u_char *ngx_lu_path_folder(ngx_pool_t *pool, u_char *path);

/* Keeps errno and what failed: NGX_ERROR. */

ngx_int_t ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation,
    u_char *path);

/* The same of a file or folder that could not be made in tmp/. */

ngx_int_t ngx_lu_temp_failed(ngx_lu_io_t *io, const char *operation,
    u_char *path);

ngx_int_t ngx_lu_file_read(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi);

/* *json is the caller's to free; NGX_ERROR with EINVAL if it does not parse. */

ngx_int_t ngx_lu_file_read_json(ngx_lu_io_t *io, u_char *path, cJSON **json);

/* Replaces a file whole and durably: temporary file, sync, rename, sync. */

ngx_int_t ngx_lu_file_write(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text, size_t len);
ngx_int_t ngx_lu_file_write_json(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const cJSON *json);

/* Makes an empty file, durably, unless it is there; its lock stays as it is. */

ngx_int_t ngx_lu_file_touch(ngx_lu_io_t *io, u_char *path);

/*
 * Adds a line durably, behind the last one that is whole.  A line that could
 * not be written leaves nothing behind.
 */

ngx_int_t ngx_lu_file_append(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len);

/*
 * The pieces of a file, one after the other and an empty one at the end; what
 * the handler returns other than NGX_OK ends it and is returned.
 */

ngx_int_t ngx_lu_file_pieces(ngx_lu_io_t *io, u_char *path,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data);

/*
 * A new file in tmp/.  commit() syncs it, gives it its name and syncs the
 * folder; rename() only gives it the name.  Both close it, and discard it if
 * they fail.
 */

typedef struct {
    ngx_fd_t                        fd;
    u_char                         *path;
    lu_sha256_t                     sha256;      /* of what was written */
} ngx_lu_temp_t;

ngx_int_t ngx_lu_temp_create(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_temp_write(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    const u_char *data, size_t len);
ngx_int_t ngx_lu_temp_sync(ngx_lu_io_t *io, ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_temp_rename(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);
ngx_int_t ngx_lu_temp_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);
void ngx_lu_temp_discard(ngx_lu_temp_t *temp);

/*
 * A lock file, held until the descriptor is closed.  lock() makes it if need
 * be; what is locked may be deleted and made anew only by who holds its lock.
 */

ngx_int_t ngx_lu_lock(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);
ngx_int_t ngx_lu_lock_existing(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/* Like the latter, without waiting: NGX_BUSY, somebody else has it. */

ngx_int_t ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);
void ngx_lu_lock_release(ngx_fd_t fd);

ngx_int_t ngx_lu_file_mkdir(ngx_lu_io_t *io, u_char *path);
ngx_int_t ngx_lu_file_mkdirs(ngx_lu_io_t *io, u_char *root, u_char *path);
ngx_int_t ngx_lu_file_rename(ngx_lu_io_t *io, u_char *from, u_char *to);
ngx_int_t ngx_lu_file_link(ngx_lu_io_t *io, u_char *from, u_char *to);
ngx_int_t ngx_lu_file_stamp(ngx_lu_io_t *io, u_char *path, time_t time);
ngx_int_t ngx_lu_file_unlink(ngx_lu_io_t *io, u_char *path);
ngx_int_t ngx_lu_file_sync(ngx_lu_io_t *io, u_char *path);

/* A new folder in tmp/, and the way back; nobody else knows of it. */

ngx_int_t ngx_lu_temp_mkdir(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char **path);
void ngx_lu_tree_discard(u_char *path);

/* All folders of a tree; a whole tree, through tmp/ so that it goes at once. */

ngx_int_t ngx_lu_tree_sync(ngx_lu_io_t *io, u_char *path);
ngx_int_t ngx_lu_tree_remove(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path);

/* Names of a folder's entries, sorted, without hidden ones; elts ngx_str_t. */

ngx_int_t ngx_lu_tree_list(ngx_lu_io_t *io, u_char *path, ngx_array_t *names);

/* Empties tmp/ of what an earlier run of this machine left; at start only. */

ngx_int_t ngx_lu_tree_clean(ngx_lu_store_t *store, ngx_cycle_t *cycle);


#endif /* _NGX_LU_STORE_H_INCLUDED_ */
