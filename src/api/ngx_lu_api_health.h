
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What became of the devices that were offered a release.
 */


#ifndef _NGX_LU_API_HEALTH_H_INCLUDED_
#define _NGX_LU_API_HEALTH_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * GET {channel}/health: the funnel of the channel's newest deployment, or of
 * the one in "deploymentId", as all machines have counted it, what the guard
 * would say, and the funnel over time: 200.  Errors: 404, 500.
 */

ngx_int_t ngx_lu_api_health_get(ngx_lu_call_t *call);

/* GET {release}/health: the same for a released desktop release. */

ngx_int_t ngx_lu_api_health_release_get(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_HEALTH_H_INCLUDED_ */
