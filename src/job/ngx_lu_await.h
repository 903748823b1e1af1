
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GitHub tells of a commit before each of its servers knows it.  The commits
 * that deliveries have told of are awaited: a head that does not contain them
 * is an old one.
 */


#ifndef _NGX_LU_AWAIT_H_INCLUDED_
#define _NGX_LU_AWAIT_H_INCLUDED_


#include "ngx_lu_github.h"

#include "write/ngx_lu_task.h"

#include "core/lu_github.h"


/* What a delivery says of the base branch: a line of jobs/github. */

typedef struct {
    u_char                *after;
    u_char                *before;       /* or NULL */
    unsigned               builds:1;     /* it changes desktop-builds.json */
    unsigned               rules:1;
    unsigned               over:1;       /* followed by another one, or seen */
} ngx_lu_wait_t;


struct ngx_lu_await_s {
    ngx_array_t            waits;        /* of ngx_lu_wait_t, oldest first */
    u_char                *before;       /* of the oldest, or NULL */
    u_char                *followed;     /* the commit followed last, or NULL */
    ngx_uint_t             nwaits;       /* that are not followed by others */
    ngx_uint_t             next;         /* that is compared */
    ngx_uint_t             nunknown;     /* GitHub does not know them, yet */
    ngx_lu_github_pt       handler;
    unsigned               stale:1;      /* the head is an old one */
};


/*
 * The line for an event, from the pool of io, with its end; NULL: no memory.
 * Without an event the line is empty.
 */

u_char *ngx_lu_await_line(ngx_lu_io_t *io, const lu_github_event_t *event);

/*
 * Makes github->await out of the text of jobs/github, in the job's pool.
 * "followed" may be NULL.  Runs in a thread.  NGX_OK or NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_await_read(ngx_lu_github_t *github, const lu_str_t *text,
    u_char *followed);

/*
 * Compares the head, github->approved.commit, with the awaited commits, sets
 * "stale" and "nunknown", and calls the handler, or ends the job.
 */

void ngx_lu_await(ngx_lu_github_t *github, ngx_lu_github_pt handler);


#endif /* _NGX_LU_AWAIT_H_INCLUDED_ */
