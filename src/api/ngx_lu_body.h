
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The body of an API call: received by nginx, read in a thread.
 */


#ifndef _NGX_LU_BODY_H_INCLUDED_
#define _NGX_LU_BODY_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * Receives the body, and then starts the call.  Returns what a content
 * handler returns.
 */

ngx_int_t ngx_lu_body_read(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body);

/*
 * In the call's thread: the pieces of the body, one after the other, from
 * memory or from nginx's file.  NGX_OK, or a status: that of what the handler
 * returns, or 500.
 */

ngx_int_t ngx_lu_body(ngx_lu_call_t *call,
    lu_rc_e (*handler)(void *data, const u_char *bytes, size_t len),
    void *data);

/* All of it, from the call's pool: NGX_OK or a status. */

ngx_int_t ngx_lu_body_text(ngx_lu_call_t *call, lu_str_t *text);

/*
 * Parses the body, a JSON object, or nothing, which is an empty one, into
 * call->json: 0, or a status: 400, 500.
 */

ngx_int_t ngx_lu_body_json(ngx_lu_call_t *call);

/*
 * Adds a filter, by which a publisher is told if there is no room on the disk
 * for a body.
 */

void ngx_lu_body_init(void);


#endif /* _NGX_LU_BODY_H_INCLUDED_ */
