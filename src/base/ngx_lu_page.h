
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Pages with which nginx itself refuses a request.
 */


#ifndef _NGX_LU_PAGE_H_INCLUDED_
#define _NGX_LU_PAGE_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Adds a header filter: in a location of the module, a body that is larger
 * than client_max_body_size is refused with JSON, unless error_page says
 * otherwise.
 */

ngx_int_t ngx_lu_page_init(ngx_conf_t *cf);


#endif /* _NGX_LU_PAGE_H_INCLUDED_ */
