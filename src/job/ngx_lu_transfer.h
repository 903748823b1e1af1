
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * One file of a build, from the origin into uploads/ of its release.
 */


#ifndef _NGX_LU_TRANSFER_H_INCLUDED_
#define _NGX_LU_TRANSFER_H_INCLUDED_


#include "ngx_lu_fetch.h"
#include "ngx_lu_job.h"

#include "write/ngx_lu_digest.h"

#include "core/lu_plan.h"


typedef struct ngx_lu_transfer_s  ngx_lu_transfer_t;

typedef void (*ngx_lu_transfer_pt)(ngx_lu_transfer_t *transfer);

struct ngx_lu_transfer_s {
    ngx_queue_t          queue;         /* the caller's */
    ngx_lu_job_t        *job;
    lu_plan_file_t      *file;
    uint64_t             limit;         /* bytes; the caller may lower it */
    ngx_lu_transfer_pt   handler;

    /* the result */
    ngx_lu_job_e         error;
    lu_error_t           why;           /* with an error */
    ngx_lu_digest_t      digest;        /* without one, unless missing */
    unsigned             missing:1;     /* the file is optional */

    /* private */
    ngx_lu_fetch_t       fetch;
    ngx_lu_thread_t      thread;
    ngx_lu_io_t          io;
    unsigned             too_large:1;
};


/*
 * Fetches a file of at most "limit" bytes, and keeps it only if it has the
 * size and the digests that the plan knows.  handler() is called from the
 * event loop, never before start() has returned; afterwards the transfer is
 * freed.  NULL: memory or connections are short, and handler() is not called.
 */

ngx_lu_transfer_t *ngx_lu_transfer_start(ngx_lu_job_t *job,
    lu_plan_file_t *file, uint64_t limit, ngx_lu_transfer_pt handler);

/*
 * To be called often: ends a transfer that has received more than its limit,
 * and one that outlives worker_shutdown_timeout.
 */

void ngx_lu_transfer_look(ngx_lu_transfer_t *transfer);


#endif /* _NGX_LU_TRANSFER_H_INCLUDED_ */
