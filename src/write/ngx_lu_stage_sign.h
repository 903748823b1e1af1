
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is known of the signatures of a desktop release, for those who approve
 * it: facts, for which nothing is refused.
 */


#ifndef _NGX_LU_STAGE_SIGN_H_INCLUDED_
#define _NGX_LU_STAGE_SIGN_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * The signatures of a program for Windows, for whoever reads the file anyway.
 * begin() does nothing for other files, or else sets file->sign, in memory of
 * the arena; what it reads for that is in memory of io.  piece() gets all bytes
 * of the file, one after the other; end() follows any begin().  NGX_OK, or
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_stage_sign_begin(ngx_lu_stage_file_t *file, ngx_lu_io_t *io,
    ngx_fd_t fd, uint64_t size, const lu_arena_t *arena);
ngx_int_t ngx_lu_stage_sign_piece(ngx_lu_stage_file_t *file, ngx_lu_io_t *io,
    u_char *bytes, size_t len);
void ngx_lu_stage_sign_end(ngx_lu_stage_file_t *file);

/*
 * Reads the programs for Windows that become part of the release and that
 * nobody has read, signed ones to their ends, and the directories of zip
 * archives, and puts "signatures" into its release.json.  NGX_OK, or a status:
 * 404 if one has gone, 500.
 */

ngx_int_t ngx_lu_stage_sign(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_SIGN_H_INCLUDED_ */
