
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Update manifests of the same name from several builds of one version.
 */


#ifndef _NGX_LU_STAGE_MERGE_H_INCLUDED_
#define _NGX_LU_STAGE_MERGE_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Lets the first update manifest of each name stand for all of that name, with
 * the files of all of them; the others are marked as merged.  NGX_OK, or a
 * status: 404, 422 if they cannot be merged, 500.
 */

ngx_int_t ngx_lu_stage_merge(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_MERGE_H_INCLUDED_ */
