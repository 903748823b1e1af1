
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Deliveries of ToDesktop.
 */


#ifndef _NGX_LU_WEBHOOK_TODESKTOP_H_INCLUDED_
#define _NGX_LU_WEBHOOK_TODESKTOP_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The action for a delivery whose signature is right, and whose body is
 * call->json: orders the build that it announces, of an app that is created if
 * need be.  202 if there is a job now, else 200; or a status: 400, 403, 404,
 * 409, 500, 507.
 */

ngx_int_t ngx_lu_webhook_todesktop(ngx_lu_call_t *call);


#endif /* _NGX_LU_WEBHOOK_TODESKTOP_H_INCLUDED_ */
