
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of a bundle, announced and uploaded in a form.
 */


#ifndef _NGX_LU_API_FILE_H_INCLUDED_
#define _NGX_LU_API_FILE_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * The action of POST /v1/apps/{app}/bundles/{bundle}/files of the Capawesome
 * API: a file with its fields, or the fields alone of a file that follows in
 * parts.  201 with the file's id, which is the same for the same href; or a
 * status: 400, 404, 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_api_file_post(ngx_lu_call_t *call);


#endif /* _NGX_LU_API_FILE_H_INCLUDED_ */
