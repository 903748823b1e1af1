
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files and single folders of the store: read, written durably, named, removed.
 * Only threads call these functions.
 */


#ifndef _NGX_LU_FILE_H_INCLUDED_
#define _NGX_LU_FILE_H_INCLUDED_


#include "ngx_lu_io.h"

#include "core/lu_json.h"


/*
 * Each function returns NGX_OK, or NGX_ERROR with io, which says what failed.
 * A path that is NULL is such an error.  NGX_DECLINED is returned by those
 * that say so below.
 */

/* NGX_OK: the file or folder is there; NGX_DECLINED: it is not. */

ngx_int_t ngx_lu_file_exists(ngx_lu_io_t *io, u_char *path);

/*
 * Reads a whole file of up to 64 MB into memory of the pool, terminated, and
 * its attributes.  NGX_DECLINED: there is no such file.
 */

ngx_int_t ngx_lu_file_read(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi);

/*
 * Reads a file and parses it; the caller frees the tree.  NGX_DECLINED: there
 * is no such file.  NGX_ERROR with EINVAL: it is not JSON.
 */

ngx_int_t ngx_lu_file_read_json(ngx_lu_io_t *io, u_char *path, cJSON **json);

/*
 * Hands the pieces of a file of any size to the handler, one after the other
 * and an empty one at the end.  What the handler returns other than NGX_OK
 * ends it and is returned.  NGX_DECLINED: there is no such file.
 */

ngx_int_t ngx_lu_file_pieces(ngx_lu_io_t *io, u_char *path,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data);

/*
 * Replaces a file whole and durably: temporary file, sync, rename, sync of the
 * folder.  Readers see the old file or the new one.  write_json() and
 * write_text(), whose text is JSON, fail with EILSEQ or EFBIG, and write
 * nothing, if ngx_lu_file_read_json() could not read it.
 */

ngx_int_t ngx_lu_file_write(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text, size_t len);
ngx_int_t ngx_lu_file_write_json(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const cJSON *json);
ngx_int_t ngx_lu_file_write_text(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text);

/* The same check, for JSON that is written in another way. */

ngx_int_t ngx_lu_file_check(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len);

/*
 * Adds len bytes, which end with a line feed, durably behind the last whole
 * line of a file, which is created if need be.  A line that could not be
 * written leaves nothing behind.  The caller holds a lock.
 */

ngx_int_t ngx_lu_file_append(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len);

/*
 * Creates an empty file, durably.  A file that exists keeps its content and
 * its lock.
 */

ngx_int_t ngx_lu_file_touch(ngx_lu_io_t *io, u_char *path);

/* Creates a folder, durably.  NGX_DECLINED: it exists. */

ngx_int_t ngx_lu_file_mkdir(ngx_lu_io_t *io, u_char *path);

/*
 * Creates the folders between the folder root and the file path below it, as
 * far as they are missing; they are not synced.
 */

ngx_int_t ngx_lu_file_mkdirs(ngx_lu_io_t *io, u_char *root, u_char *path);

/*
 * Renames a file or folder; the folders of both are not synced.
 * NGX_DECLINED: there is no "from", or no folder for "to".
 */

ngx_int_t ngx_lu_file_rename(ngx_lu_io_t *io, u_char *from, u_char *to);

/* Gives a file a second name, not synced.  NGX_DECLINED: the name is taken. */

ngx_int_t ngx_lu_file_link(ngx_lu_io_t *io, u_char *from, u_char *to);

/* Gives an open file another size, not synced; a larger one needs no block. */

ngx_int_t ngx_lu_file_resize(ngx_lu_io_t *io, ngx_fd_t fd, u_char *path,
    off_t size);

/* Removes a file, not synced.  NGX_DECLINED: there is no such file. */

ngx_int_t ngx_lu_file_unlink(ngx_lu_io_t *io, u_char *path);

/* Sets the time of the last modification, in seconds of the epoch. */

ngx_int_t ngx_lu_file_stamp(ngx_lu_io_t *io, u_char *path, time_t time);

/* Has a file, or the names in a folder, reach the disk. */

ngx_int_t ngx_lu_file_sync(ngx_lu_io_t *io, u_char *path);


#endif /* _NGX_LU_FILE_H_INCLUDED_ */
