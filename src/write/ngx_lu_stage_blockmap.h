
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Blockmaps of a desktop release: compared with the files that they describe,
 * and made, while the files are read for their digests.  Those of another kind
 * than the core knows are left as they are.
 */


#ifndef _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_
#define _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_


#include "ngx_lu_stage_files.h"

#include "core/lu_blockmap.h"


/* A blockmap of a file, and what was found when the file was read. */

struct ngx_lu_stage_blockmap_s {
    ngx_lu_stage_blockmap_t  *next;     /* another one of the file, or NULL */

    lu_str_t                  upload;   /* it is this file, */
    u_char                   *path;
    uint64_t                  inside;   /* has so many bytes at the end, */
    lu_str_t                  name;     /* or is made and gets this name */

    uint64_t                  left;     /* bytes to compare */
    lu_blockmap_t             map;
    lu_blockmap_maker_t      *maker;    /* or NULL */

    const char               *wrong;    /* as behind a subject; or NULL */
    uint64_t                  block;    /* where; 0: nowhere */
    uint64_t                  offset;
    lu_str_t                  gzip;     /* that was made */

    unsigned                  is_compared:1;
};


/*
 * Notes that a file of the release is the blockmap of another one, or that
 * another one has a blockmap of so many bytes at its end; or notes which files
 * get one, since updaters want it and there is none.  NGX_OK or 500.
 */

ngx_int_t ngx_lu_stage_blockmap(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *map, ngx_lu_stage_file_t *whole);
ngx_int_t ngx_lu_stage_blockmap_inside(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, uint64_t size);
ngx_int_t ngx_lu_stage_blockmap_make(ngx_lu_stage_t *stage);

/*
 * Used by the thread that reads the file: begin, with the file's size and the
 * bytes of its blockmap, unless that is made; the pieces of the file; and its
 * end.  The arena lasts until the end, and "kept" as long as the blockmap.
 * LU_OK, also if the blockmap is wrong; or LU_NOMEM.
 */

lu_rc_e ngx_lu_stage_blockmap_begin(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, uint64_t size, const lu_str_t *packed);
void ngx_lu_stage_blockmap_piece(ngx_lu_stage_blockmap_t *blockmap,
    u_char *bytes, size_t len);
lu_rc_e ngx_lu_stage_blockmap_end(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, const lu_arena_t *kept);

/*
 * What was found, after all files were read, and were those that the manifests
 * list: the blockmaps that were made become files of the release.  NGX_OK, or
 * a status: 422 with the name of a wrong one and the number of the block; 500.
 * Pointers into stage->files are invalid then.
 */

ngx_int_t ngx_lu_stage_blockmap_check(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_BLOCKMAP_H_INCLUDED_ */
