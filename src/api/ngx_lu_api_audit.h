
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The audit log, as the approval API tells it.
 */


#ifndef _NGX_LU_API_AUDIT_H_INCLUDED_
#define _NGX_LU_API_AUDIT_H_INCLUDED_


#include "ngx_lu_call.h"


/* The action of /releases/{app}/audit: the newest entries first. */

ngx_int_t ngx_lu_api_audit_get(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_AUDIT_H_INCLUDED_ */
