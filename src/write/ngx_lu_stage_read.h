
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of a desktop release, read once for all that is to be known of
 * their bytes.
 */


#ifndef _NGX_LU_STAGE_READ_H_INCLUDED_
#define _NGX_LU_STAGE_READ_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Reads the files in uploads/ that are listed, and have not been read before:
 * their digests are known then, and their blockmaps compared and made.  Several
 * threads read, the largest files first.  NGX_OK, or a status: 404 if one was
 * deleted meanwhile, 500.
 */

ngx_int_t ngx_lu_stage_read(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_READ_H_INCLUDED_ */
