
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Blockmaps of a desktop release: compared with the files that they describe,
 * and made.  Those of another kind than the core knows are left as they are.
 */


#ifndef _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_
#define _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Compares a file with its blockmap, a file of its own.  NGX_OK, or a status:
 * 404 if one of them has gone; 422 with the name of the blockmap and the number
 * of the block; 500.
 */

ngx_int_t ngx_lu_stage_blockmap(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *map, ngx_lu_stage_file_t *whole);

/* The same for a blockmap of that many bytes at the end of the file. */

ngx_int_t ngx_lu_stage_blockmap_inside(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, uint64_t size);

/*
 * Makes blockmaps of the files that updaters want them for, and that have none.
 * NGX_OK, or a status: 404, 500.  Pointers into stage->files are invalid then.
 */

ngx_int_t ngx_lu_stage_blockmap_make(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_ */
