
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The body of an API call: received by nginx, read in a thread.
 */


#ifndef _NGX_LU_BODY_H_INCLUDED_
#define _NGX_LU_BODY_H_INCLUDED_


#include "ngx_lu_call.h"

#include "write/ngx_lu_task.h"


/*
 * Receives the body of that kind, of which call->body is made, and then starts
 * the call.  Returns what a content handler returns: 413 if the body is larger
 * than its kind allows.
 */

ngx_int_t ngx_lu_body_read(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body);

/*
 * In the call's thread: hands the pieces of call->body to the handler, one
 * after the other, from memory or from nginx's file.  Returns NGX_OK, or a
 * status: that of the first result of the handler other than LU_OK, or 500.
 */

typedef lu_rc_e (*ngx_lu_body_pt)(void *data, const u_char *bytes, size_t len);

ngx_int_t ngx_lu_body(ngx_lu_call_t *call, ngx_lu_body_pt handler, void *data);

/* The same for a body that fits into memory: all of it, in the task's pool. */

ngx_int_t ngx_lu_body_text(ngx_lu_call_t *call, lu_str_t *text);

/*
 * In the call's thread: parses the body into call->json, which is the call's.
 * parse() takes any JSON text; json() takes an object, and makes an empty one
 * of an empty body.  Returns NGX_OK, or a status: 400, 500.
 */

ngx_int_t ngx_lu_body_parse(ngx_lu_call_t *call);
ngx_int_t ngx_lu_body_json(ngx_lu_call_t *call);

/*
 * ngx_lu_task_core() for what is wrong with a body as a whole: LU_INVALID is
 * 400.
 */

ngx_int_t ngx_lu_body_status(ngx_lu_task_t *task, lu_rc_e rc);

/*
 * Adds the filter that keeps nginx from ending a request whose body cannot be
 * stored: the call answers then.
 */

void ngx_lu_body_init(void);


#endif /* _NGX_LU_BODY_H_INCLUDED_ */
