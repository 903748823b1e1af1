
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * notifications: the targets of liveupdate_notify, and what they have got.
 */


#ifndef _NGX_LU_API_NOTIFY_H_INCLUDED_
#define _NGX_LU_API_NOTIFY_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * Actions.  No answer has an address: it may be a secret.  post() is pause,
 * resume and test; again() sends an event again.  Both only ask for it: 202.
 */

ngx_int_t ngx_lu_api_notify_list(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_notify_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_notify_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_notify_again(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_NOTIFY_H_INCLUDED_ */
