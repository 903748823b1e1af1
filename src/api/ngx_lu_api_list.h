
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The releases of an app, page by page.  The order follows from the names of
 * their folders, so that only the files of a page are read.
 */


#ifndef _NGX_LU_API_LIST_H_INCLUDED_
#define _NGX_LU_API_LIST_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * GET /releases/{app}: those in staging first, then those in live/; 200.  GET
 * builds: the bundles, newest first, as the Capawesome API has them; 200.
 */

ngx_int_t ngx_lu_api_list_releases(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_list_builds(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_LIST_H_INCLUDED_ */
