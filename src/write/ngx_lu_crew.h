
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Work of one thread that others help with.
 */


#ifndef _NGX_LU_CREW_H_INCLUDED_
#define _NGX_LU_CREW_H_INCLUDED_


#include "base/ngx_lu.h"


/* the threads of a crew, with the one that calls for it, at most */

#define NGX_LU_CREW  8


typedef void (*ngx_lu_crew_pt)(void *data, ngx_uint_t i);


/* How many threads a crew has, up to NGX_LU_CREW. */

ngx_uint_t ngx_lu_crew_size(void);

/*
 * Calls the handler for each i from 0 to n - 1, in the calling thread and in
 * helpers, and returns when all calls have returned.  The handler shares no
 * memory pool between two calls.  Each call that has returned is counted, so
 * that the calling thread, which waits for helpers, does not seem to hang.  All
 * crews of a worker together have as many helpers as one has; without a free
 * one the calling thread works alone.
 */

void ngx_lu_crew(ngx_uint_t n, ngx_lu_crew_pt handler, void *data,
    ngx_atomic_t *beats);


#endif /* _NGX_LU_CREW_H_INCLUDED_ */
