
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was uploaded for a desktop release and does not become part of it.
 */


#ifndef _NGX_LU_STAGE_LEFT_H_INCLUDED_
#define _NGX_LU_STAGE_LEFT_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Adds the files that nothing lists to stage->left, each with its reason.
 * NGX_OK, or a status: 422 if a file was meant to be part of the release, since
 * another upload has replaced the manifest that listed it; 500.
 */

ngx_int_t ngx_lu_stage_left(ngx_lu_stage_t *stage);

/* Puts "leftOut" into the release.json.  NGX_OK or 500. */

ngx_int_t ngx_lu_stage_left_describe(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_LEFT_H_INCLUDED_ */
