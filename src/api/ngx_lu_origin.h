
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Calls that a page of another site makes the browser of a user send.
 */


#ifndef _NGX_LU_ORIGIN_H_INCLUDED_
#define _NGX_LU_ORIGIN_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * Returns why a call that changes something must not be taken for the user's
 * own, as a sentence, or NULL if it may.  For users only: the browser proves
 * who they are with each request, whoever has caused it, and sends a token
 * never by itself.
 */

const char *ngx_lu_origin_refused(ngx_http_request_t *r);


#endif /* _NGX_LU_ORIGIN_H_INCLUDED_ */
