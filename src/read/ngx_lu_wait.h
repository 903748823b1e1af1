
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A request waits for a thread, but not longer than a client waits for a
 * storage that does not answer.
 */


#ifndef _NGX_LU_WAIT_H_INCLUDED_
#define _NGX_LU_WAIT_H_INCLUDED_


#include "base/ngx_lu.h"


/* of all that a request waits for together, milliseconds */

#define NGX_LU_WAIT  5000


/*
 * Puts the request into a queue, in which it stays for so many milliseconds at
 * most, and not longer than NGX_LU_WAIT after it began to wait for the first
 * time.  It needs a context.
 *
 * NGX_AGAIN: ctx->waiting is set.  The caller sets r->write_event_handler,
 * which is called, with ctx->waiting cleared, when the request is woken, or
 * with ctx->late set when the time is over.  The queue must live until then.
 * NGX_BUSY: no time is left; NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_wait(ngx_http_request_t *r, ngx_queue_t *queue,
    ngx_msec_t msec);

/* Wakes the requests in the queue.  Those that wait again are not woken. */

void ngx_lu_wait_wake(ngx_queue_t *queue);


#endif /* _NGX_LU_WAIT_H_INCLUDED_ */
