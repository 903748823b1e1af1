
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The history of an app: checks and devices, hour by hour, of all machines.
 */


#ifndef _NGX_LU_API_HISTORY_H_INCLUDED_
#define _NGX_LU_API_HISTORY_H_INCLUDED_


#include "ngx_lu_call.h"


ngx_int_t ngx_lu_api_history_get(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_HISTORY_H_INCLUDED_ */
