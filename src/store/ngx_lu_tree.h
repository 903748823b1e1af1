
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Folders of the store as a whole.
 */


#ifndef _NGX_LU_TREE_H_INCLUDED_
#define _NGX_LU_TREE_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Sets *names, an array of ngx_str_t, to the names of the entries of a folder
 * in the order of their bytes, terminated, without those that begin with a
 * dot.  NGX_OK; NGX_DECLINED with an empty array: there is no such folder;
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_tree_list(ngx_lu_io_t *io, u_char *path, ngx_array_t *names);

/*
 * Sets *n to the number of these entries, but not to more than max.  The same
 * results.
 */

ngx_int_t ngx_lu_tree_count(ngx_lu_io_t *io, u_char *path, ngx_uint_t max,
    ngx_uint_t *n);

/*
 * Syncs a folder and all folders below it; the files were synced when they
 * were written.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_tree_sync(ngx_lu_io_t *io, u_char *path);

/*
 * Removes a folder with all that is in it, if all turns are proved.  It goes at
 * once, by a rename into tmp/, and durably.  NGX_OK; NGX_DECLINED: there is no
 * such folder; NGX_ERROR with io.  NGX_OK with io: it has gone from its place,
 * and what is left of it in tmp/ goes at the next start.
 */

ngx_int_t ngx_lu_tree_remove(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path);

/*
 * The first half of it: the folder has gone from its place, and *temp is where
 * it is in tmp/, of the pool of io.  The caller discards it.  The same results.
 */

ngx_int_t ngx_lu_tree_move(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, u_char **temp);

/*
 * Removes a file in the same way, not synced: what another has made in its
 * place meanwhile stays.  The same results.
 */

ngx_int_t ngx_lu_tree_unlink(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path);

/*
 * Removes a folder of ngx_lu_temp_mkdir() or ngx_lu_tree_move(), which nobody
 * else knows; errors are of no interest any more.
 */

void ngx_lu_tree_discard(u_char *path);

/*
 * Removes a file, or a folder with all that is in it, without more ado.
 * NGX_OK, also if there is none; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_tree_delete(ngx_lu_io_t *io, u_char *path);


#endif /* _NGX_LU_TREE_H_INCLUDED_ */
