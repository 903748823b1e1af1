
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The certificates of nginx's servers, whose ends people are told of.
 */


#ifndef _NGX_LU_CONF_TLS_H_INCLUDED_
#define _NGX_LU_CONF_TLS_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * After all servers are configured: adds what is known of their certificates
 * to lumcf->certificates.  One that is chosen by a variable, or is in no file,
 * is left out.  Those that end first are first.  NGX_OK, or NGX_ERROR if memory
 * is short.
 */

ngx_int_t ngx_lu_conf_tls(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf);


#endif /* _NGX_LU_CONF_TLS_H_INCLUDED_ */
