
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Does the disk of a store answer?  nginx stores large bodies in the event
 * loop, and had better not find out there.
 */


#ifndef _NGX_LU_PROBE_H_INCLUDED_
#define _NGX_LU_PROBE_H_INCLUDED_


#include "ngx_lu_io.h"


/* Who asks; the memory is the caller's, and is zeroed first. */

typedef struct {
    void                     (*handler)(void *data, ngx_int_t rc);
    void                      *data;
    ngx_queue_t                queue;      /* private */
} ngx_lu_probe_wait_t;


/*
 * NGX_OK: it has answered within the last second; NGX_BUSY: it does not answer;
 * NGX_ERROR: no memory; NGX_AGAIN: a thread of the pool asks it, and handler()
 * will be called in the event loop with NGX_OK or NGX_BUSY, after 10 seconds at
 * the latest.
 */

ngx_int_t ngx_lu_probe(ngx_lu_store_t *store, ngx_thread_pool_t *tp,
    ngx_lu_probe_wait_t *wait);


#endif /* _NGX_LU_PROBE_H_INCLUDED_ */
