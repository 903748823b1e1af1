
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Links to the files of a release that waits for approval.
 */


#ifndef _NGX_LU_API_LINK_H_INCLUDED_
#define _NGX_LU_API_LINK_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * POST {release}/link: a key for "/download/{app}/staged/{release}/{file}", and
 * when it expires: 200.  Errors: 404, 409 unless it is staged, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_link_post(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_LINK_H_INCLUDED_ */
