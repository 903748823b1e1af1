
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The rules of a desktop app: which client gets which build.
 */


#ifndef _NGX_LU_API_RULES_H_INCLUDED_
#define _NGX_LU_API_RULES_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * GET and PUT rules: 200 with the rules.  PUT with "?dry-run" changes nothing:
 * 200 with what each build would have then.  Errors: 403, 404, 409, 422, 500,
 * 507.
 */

ngx_int_t ngx_lu_api_rules_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_rules_put(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_RULES_H_INCLUDED_ */
