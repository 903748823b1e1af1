
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The names of a desktop release's files in the feed, which is one folder for
 * all releases of an app: none may stand for another release.
 */


#ifndef _NGX_LU_STAGE_NAMES_H_INCLUDED_
#define _NGX_LU_STAGE_NAMES_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Gives an update manifest or a list the name that it has in the feed, with the
 * id of the release.  NGX_OK, or a status: 422 if it has another id or a
 * version in its name, or is there twice; 500.
 */

ngx_int_t ngx_lu_stage_names_rename(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);

/*
 * Checks the names of all files that become part of the release: whoever asks
 * the feed for a name gets that file, and it has no other release's id.  NGX_OK
 * or a status: 422, 500.
 */

ngx_int_t ngx_lu_stage_names(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_NAMES_H_INCLUDED_ */
