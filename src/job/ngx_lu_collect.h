
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of a build are fetched and staged.
 */


#ifndef _NGX_LU_COLLECT_H_INCLUDED_
#define _NGX_LU_COLLECT_H_INCLUDED_


#include "ngx_lu_job.h"


/*
 * Collect: fetches the files of a job's build and has them staged.  next() is
 * called when something has ended that it waits for.
 */

struct ngx_lu_collect_s {
    ngx_lu_job_t                     *job;

    ngx_array_t                       files;     /* of plan_file_t */
    ngx_uint_t                        next;
    ngx_queue_t                       transfers;
    ngx_uint_t                        nrunning;
    ngx_array_t                       digests;   /* of what was fetched */
    ngx_event_t                       look;

    /* the plan: all files, and what is there of them */
    ngx_uint_t                        nfiles;
    ngx_uint_t                        ndone;
    uint64_t                          size;
    uint64_t                          done;
    uint64_t                          unsaid;    /* done, size not listed */
    uint64_t                          last;      /* done then */
    ngx_msec_t                        reported;
    unsigned                          reporting:1;
    unsigned                          planned:1;
    unsigned                          unwanted:1;
};

void ngx_lu_collect(ngx_lu_job_t *job);

/* Promotes what was staged before a crash, and waits for nobody. */

void ngx_lu_collect_promote(ngx_lu_job_t *job);
void ngx_lu_collect_next(ngx_lu_collect_t *collect);

/* Report: writes down how far it is; one at a time. */

void ngx_lu_report(ngx_lu_collect_t *collect);


#endif /* _NGX_LU_COLLECT_H_INCLUDED_ */
