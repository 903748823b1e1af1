
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * ToDesktop's lists (td-latest*.json) of a desktop release, which the download
 * routes go by.
 */


#ifndef _NGX_LU_STAGE_TD_H_INCLUDED_
#define _NGX_LU_STAGE_TD_H_INCLUDED_


#include "ngx_lu_stage_files.h"

#include "core/lu_builder.h"


/*
 * Compares the files that came with all lists among them, and marks what they
 * list.  NGX_OK, or a status: 404, 422, 500.
 */

ngx_int_t ngx_lu_stage_td(ngx_lu_stage_t *stage);

/*
 * Adds a list of the files of an update manifest, unless one came for its
 * platform, which is read from the manifest's name.  NGX_OK or 500.
 */

ngx_int_t ngx_lu_stage_td_add(ngx_lu_stage_t *stage, const lu_str_t *manifest,
    const lu_builder_t *builder);


#endif /* _NGX_LU_STAGE_TD_H_INCLUDED_ */
