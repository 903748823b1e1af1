
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The audit log, as the approval API tells it.
 */


#ifndef _NGX_LU_API_AUDIT_H_INCLUDED_
#define _NGX_LU_API_AUDIT_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The action of GET /releases/{app}/audit of the approval API: the entries,
 * the newest first, or with "subject" those that name it.  200, or a status:
 * 404, 500.
 */

ngx_int_t ngx_lu_api_audit_get(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_AUDIT_H_INCLUDED_ */
