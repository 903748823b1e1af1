
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The number of releases of each state on the disk, and since when the oldest
 * staged one has been waiting.  One thread of all workers scans, now and then.
 */


#ifndef _NGX_LU_SCAN_H_INCLUDED_
#define _NGX_LU_SCAN_H_INCLUDED_


#include "base/ngx_lu.h"


/* Who waits for a scan; the memory is the caller's, and is zeroed first. */

typedef struct {
    void                          (*handler)(void *data);
    void                           *data;

    /* private */
    ngx_queue_t                     queue;
    ngx_event_t                     timer;
} ngx_lu_scan_wait_t;


/*
 * Has the releases of each state counted into the numbers of the store, by a
 * thread of the pool, unless a worker did so within the last seconds, and the
 * apps measured, unless this worker did.  If that fails, it is logged, and the
 * numbers are marked as incomplete.
 *
 * Returns 1 if handler() will be called, in the event loop: when they are
 * counted, or after two seconds, if the disk is that slow.  0: there is nothing
 * to wait for.
 */

ngx_uint_t ngx_lu_scan(ngx_lu_store_t *store, ngx_thread_pool_t *tp,
    ngx_lu_scan_wait_t *wait);

/*
 * Returns the name of the state that is counted at that index, below
 * LU_STATES; the last one, "other", is for releases without a state.
 */

const char *ngx_lu_scan_name(ngx_uint_t i);


#endif /* _NGX_LU_SCAN_H_INCLUDED_ */
