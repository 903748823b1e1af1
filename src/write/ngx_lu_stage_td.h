
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
 * Compares the files that came with all lists among them, and marks what they
 * list.  For each platform without a list, makes one of the files in all update
 * manifests for that platform.  NGX_OK, or a status: 404, 422, 500.
 */

ngx_int_t ngx_lu_stage_td(ngx_lu_stage_t *stage);


#endif /* _NGX_LU_STAGE_TD_H_INCLUDED_ */
