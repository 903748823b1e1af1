
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A large body on its way to the disk: received by nginx, piece by piece, and
 * taken by threads, so that the event loop waits for no disk.
 */


#ifndef _NGX_LU_RECEIVE_H_INCLUDED_
#define _NGX_LU_RECEIVE_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * Receives the rest of a body that nginx reads unbuffered, and has threads
 * call->take() what fills a piece; then starts the call, which takes the rest,
 * or ends the request.  The client waits while two pieces do.  To be called as
 * the handler of ngx_http_read_client_request_body(), while r->reading_body.
 */

void ngx_lu_receive(ngx_http_request_t *r, ngx_lu_call_t *call);


#endif /* _NGX_LU_RECEIVE_H_INCLUDED_ */
