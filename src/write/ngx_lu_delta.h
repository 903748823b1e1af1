
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What devices make of a bundle that have an earlier one.
 */


#ifndef _NGX_LU_DELTA_H_INCLUDED_
#define _NGX_LU_DELTA_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "core/lu_file.h"


/*
 * Compares the manifest of a bundle, sorted by lu_file_cmp(), with those of
 * the bundles that were deployed last to the channel it is meant for.  NGX_OK,
 * or a status: 422 if a device would keep wrong files, 404, 500.
 */

ngx_int_t ngx_lu_delta_check(ngx_lu_task_t *task,
    const ngx_lu_release_t *release, const lu_file_t *entries, size_t n);


#endif /* _NGX_LU_DELTA_H_INCLUDED_ */
