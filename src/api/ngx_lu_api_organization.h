
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Organizations, as the Capawesome API has them.
 */


#ifndef _NGX_LU_API_ORGANIZATION_H_INCLUDED_
#define _NGX_LU_API_ORGANIZATION_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The actions of /v1/organizations and organizations/{organization} of the
 * Capawesome API.  GET lists organizations or returns one, PATCH renames one:
 * 200.  POST creates one: 201.  DELETE removes one that has no apps: 204.  Or a
 * status: 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_organizations_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_organizations_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_organization_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_organization_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_organization_delete(ngx_lu_call_t *call);

/* Returns NGX_OK if there is such an organization, or a status: 404, 500. */

ngx_int_t ngx_lu_api_organization_check(ngx_lu_call_t *call, const char *id);

/* Returns 0 if there is only the organization that is there from the start. */

ngx_uint_t ngx_lu_api_organization_any(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_ORGANIZATION_H_INCLUDED_ */
