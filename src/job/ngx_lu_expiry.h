
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * jobs/.token: until when GitHub takes the token, as one machine was told, for
 * the one that tells people.
 */


#ifndef _NGX_LU_EXPIRY_H_INCLUDED_
#define _NGX_LU_EXPIRY_H_INCLUDED_


#include "ngx_lu_github.h"


/*
 * In a step of a job that has asked GitHub: writes down what the answers said,
 * or that they say nothing any more.  Whether this succeeds is of no interest
 * to the job.
 */

void ngx_lu_expiry_note(ngx_lu_step_t *step);

/*
 * In a thread: the time, in seconds of the epoch, or 0: the token has no end,
 * or none is known; or nobody asks GitHub here.
 */

time_t ngx_lu_expiry(ngx_lu_io_t *io, ngx_lu_store_t *store);


#endif /* _NGX_LU_EXPIRY_H_INCLUDED_ */
