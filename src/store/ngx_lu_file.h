
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files and single folders of the store: read, written durably, named, removed.
 * Only threads call these functions.
 */


#ifndef _NGX_LU_FILE_H_INCLUDED_
#define _NGX_LU_FILE_H_INCLUDED_


#include "ngx_lu_io.h"
#include "ngx_lu_temp.h"

#include "core/lu_json.h"


/*
 * Each function returns NGX_OK, or NGX_ERROR with io, which says what failed.
 * A path that is NULL is such an error.  NGX_DECLINED is returned by those
 * that say so below.
 */

/* NGX_OK: the file or folder is there; NGX_DECLINED: it is not. */

ngx_int_t ngx_lu_file_exists(ngx_lu_io_t *io, u_char *path);

/*
 * The attributes of a file or folder, as the server has them.  NGX_DECLINED:
 * there is none.
 */

ngx_int_t ngx_lu_file_info(ngx_lu_io_t *io, u_char *path, ngx_file_info_t *fi);

/*
 * Opens a file for reading.  With turns, and unless io->plain is set, it is the
 * one that has the name now: see ngx_lu_turn_open().  So it is in all functions
 * below that read.  NGX_DECLINED: there is no such file.
 */

ngx_int_t ngx_lu_file_open(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/*
 * Reads a whole file of up to 64 MB into memory of the pool, terminated, and
 * its attributes.  NGX_DECLINED: there is no such file.
 */

ngx_int_t ngx_lu_file_read(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi);

/*
 * Reads size bytes of a file, from the offset on, into memory of the pool.
 * NGX_DECLINED: there is no such file.  NGX_ERROR also if the file has fewer.
 * The second one reads a file that is open; errors have the path.
 */

ngx_int_t ngx_lu_file_read_part(ngx_lu_io_t *io, u_char *path, off_t offset,
    size_t size, lu_str_t *part);
ngx_int_t ngx_lu_file_read_part_of(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd,
    off_t offset, size_t size, lu_str_t *part);

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

/* The same with the file open; the path is for io. */

ngx_int_t ngx_lu_file_pieces_of(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data);

/*
 * Replaces a file whole and durably: temporary file, sync, rename, sync of the
 * folder.  Readers see the old file or the new one.  write_json() and
 * write_text(), whose text is JSON, fail with EILSEQ or EFBIG, and write
 * nothing, if ngx_lu_file_read_json() could not read it.  With turns, all of
 * them are proved before the rename, and NGX_ECANCELED says that another has
 * one.
 */

ngx_int_t ngx_lu_file_write(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text, size_t len);
ngx_int_t ngx_lu_file_write_json(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const cJSON *json);
ngx_int_t ngx_lu_file_write_text(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text);

/*
 * The same in two steps.  prepare() does all that is done before the rename,
 * and the file is then to be committed, or discarded by ngx_lu_temp_discard().
 * commit() renames it, and syncs the folder; if that sync fails, the file is
 * replaced nevertheless.
 */

ngx_int_t ngx_lu_file_prepare(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const char *text, size_t len, ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_file_prepare_json(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, const cJSON *json, ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_file_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);

/*
 * Gives a temporary file its name, as ngx_lu_temp_rename() does, but so that
 * who takes the turn can prevent it to the last: with turns, all of them are
 * proved.
 */

ngx_int_t ngx_lu_file_place(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);

/* The same check, for JSON that is written in another way. */

ngx_int_t ngx_lu_file_check(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len);

/*
 * Adds len bytes, which end with a line feed, durably at the end of a file,
 * which is created if need be, and proves the turns before.  A line that could
 * not be written may leave a part of it behind, which becomes a line of its
 * own.  The caller holds a lock.
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
 * NGX_DECLINED: there is no "from", or no folder for "to".  NGX_OK also if
 * there is only a "to": the answer of a server may be lost.
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

/* The same, to the present of the machine that has the disk. */

ngx_int_t ngx_lu_file_stamp_now(ngx_lu_io_t *io, u_char *path);

/* Has a file, or the names in a folder, reach the disk. */

ngx_int_t ngx_lu_file_sync(ngx_lu_io_t *io, u_char *path);


#endif /* _NGX_LU_FILE_H_INCLUDED_ */
