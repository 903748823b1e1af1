
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * ToDesktop's lists (td-latest*.json) of a desktop release, which the download
 * routes go by.
 */


#ifndef _NGX_LU_STAGE_TD_H_INCLUDED_
#define _NGX_LU_STAGE_TD_H_INCLUDED_


#include "ngx_lu_stage_files.h"


/*
 * Reads all lists among the files that came, marks what they list, and keeps
 * them in stage->lists.  NGX_OK, or a status: 404, 422, 500.
 */

ngx_int_t ngx_lu_stage_td(ngx_lu_stage_t *stage);

/*
 * Compares the files with the lists, after they were read.  For each platform
 * without a list, makes one of the files in all update manifests for that
 * platform.  NGX_OK, or a status: 422, 500.  Pointers into stage->files are
 * invalid then.
 */

ngx_int_t ngx_lu_stage_td_check(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_TD_H_INCLUDED_ */
