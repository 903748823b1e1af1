
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Desktop releases on their way in: fetched, fetched again, or staged by hand.
 */


#ifndef _NGX_LU_API_FETCH_H_INCLUDED_
#define _NGX_LU_API_FETCH_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_json.h"


/* The actions of /releases/{app}/{release}/fetch, retry and stage. */

ngx_int_t ngx_lu_api_fetch_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_fetch_retry_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_fetch_stage_post(ngx_lu_call_t *call);

/*
 * Orders a build that the task names, whose release is given, and answers: a
 * status.
 */

ngx_int_t ngx_lu_api_fetch_order(ngx_lu_call_t *call, cJSON *release);


#endif /* _NGX_LU_API_FETCH_H_INCLUDED_ */
