
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The update manifests of a desktop release, which electron-builder wrote.
 */


#ifndef _NGX_LU_STAGE_BUILDER_H_INCLUDED_
#define _NGX_LU_STAGE_BUILDER_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Reads all update manifests (*.yml) among the files that came, marks what they
 * list, and keeps them in stage->manifests.  NGX_OK, or a status: 404, 422,
 * also if there is no manifest, 500.
 */

ngx_int_t ngx_lu_stage_builder(ngx_lu_stage_t *stage);

/* Compares the files with the manifests, after they were read.  NGX_OK, 422. */

ngx_int_t ngx_lu_stage_builder_check(ngx_lu_stage_t *stage);

/* The text of an update manifest.  NGX_OK, or a status: 404, 422, 500. */

ngx_int_t ngx_lu_stage_builder_read(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file, lu_str_t *text);


#endif /* _NGX_LU_STAGE_BUILDER_H_INCLUDED_ */
