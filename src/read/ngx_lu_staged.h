
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of a release that waits for approval, for who has a key of a link.
 */


#ifndef _NGX_LU_STAGED_H_INCLUDED_
#define _NGX_LU_STAGED_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_app.h"


/* Takes "?key=" out of all that a log could have. */

ngx_int_t ngx_lu_staged_key(ngx_http_request_t *r);

/*
 * Answers what follows "staged/" in a download, "{release}/{file}".  Returns
 * what the handler returns.
 */

ngx_int_t ngx_lu_staged_handler(ngx_http_request_t *r, ngx_str_t *id,
    const lu_app_t *app, const lu_str_t *path);


#endif /* _NGX_LU_STAGED_H_INCLUDED_ */
