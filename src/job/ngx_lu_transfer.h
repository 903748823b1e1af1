
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * One file of a build, from the origin into the store.
 */


#ifndef _NGX_LU_TRANSFER_H_INCLUDED_
#define _NGX_LU_TRANSFER_H_INCLUDED_


#include "ngx_lu_fetch.h"
#include "ngx_lu_job.h"

#include "write/ngx_lu_digest.h"

#include "core/lu_plan.h"


/*
 * Transfer: one file from the origin into "uploads" of the job's release, once
 * it has the size and the digests that the file says.  *transfer is freed
 * after handler() was called: with error 0 there is the file, and its digest,
 * or it is missing and may be.  look() ends a transfer of more than limit
 * bytes.  NULL: it could not be started.
 */

typedef struct ngx_lu_transfer_s  ngx_lu_transfer_t;

typedef void (*ngx_lu_transfer_pt)(ngx_lu_transfer_t *transfer);

struct ngx_lu_transfer_s {
    ngx_queue_t                       queue;
    ngx_lu_job_t                     *job;
    lu_plan_file_t                   *file;
    uint64_t                          limit;
    ngx_lu_transfer_pt                handler;

    ngx_lu_fetch_t                    fetch;
    ngx_lu_io_t                       io;
    ngx_lu_digest_t                   digest;
    ngx_lu_job_e                      error;
    lu_error_t                        why;
    unsigned                          missing:1;
    unsigned                          too_large:1;
};

ngx_lu_transfer_t *ngx_lu_transfer_start(ngx_lu_job_t *job,
    lu_plan_file_t *file, uint64_t limit, ngx_lu_transfer_pt handler);
void ngx_lu_transfer_look(ngx_lu_transfer_t *transfer);


#endif /* _NGX_LU_TRANSFER_H_INCLUDED_ */
