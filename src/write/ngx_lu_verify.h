
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Is an uploaded bundle what its publisher says it is.
 */


#ifndef _NGX_LU_VERIFY_H_INCLUDED_
#define _NGX_LU_VERIFY_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"


/*
 * Compares what was uploaded for a bundle, which is locked, with its checksum
 * or its manifest, and stages it; or writes down why not.  NGX_OK, or a
 * status: 403, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_verify(ngx_lu_task_t *task, ngx_lu_release_t *release);


#endif /* _NGX_LU_VERIFY_H_INCLUDED_ */
