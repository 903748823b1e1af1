
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The claim of a job, which may last for hours: the lock of the job's file, and
 * a turn, for the lock may be lost with the network.
 */


#ifndef _NGX_LU_CLAIM_H_INCLUDED_
#define _NGX_LU_CLAIM_H_INCLUDED_


#include "ngx_lu_io.h"
#include "ngx_lu_turn.h"


/* Several threads may prove the turn at once, with io->claim. */

typedef struct {
    ngx_fd_t             fd;         /* NGX_INVALID_FILE: there is no claim */
    ngx_lu_turn_t        turn;
    ngx_thread_mutex_t   mutex;      /* of the turn */
    ngx_atomic_t         nplaced;    /* names files on their way */
    unsigned             taken:1;    /* the turn, too */
} ngx_lu_claim_t;


/*
 * Locks the file of a job, without a turn.  The results of ngx_lu_lock_try();
 * NGX_OK: the claim is to be closed.
 */

ngx_int_t ngx_lu_claim_open(ngx_lu_io_t *io, u_char *path,
    ngx_lu_claim_t *claim);

/*
 * Takes the turn of the job whose file that is, and which is open.  Whoever
 * had the claim before cannot do anything for the job any more, and what he is
 * about to place is removed.  The turn's memory is the pool's, which lives as
 * long as the claim.  NGX_OK; NGX_BUSY, without io: others were faster;
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_claim_take(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_pool_t *pool, u_char *path, ngx_lu_claim_t *claim);

/*
 * Gives the file "from", which is complete and synced, the name "to", in the
 * place of another file that may have it, not synced, unless another takes the
 * claim before.  io->claim is its turn.  NGX_OK; NGX_DECLINED: there is no
 * "from", or no folder for "to"; NGX_ERROR with io: with NGX_ECANCELED if
 * another has the claim.
 */

ngx_int_t ngx_lu_claim_place(ngx_lu_io_t *io, ngx_lu_claim_t *claim,
    u_char *from, u_char *to);

/* Removes the turn of a job that is done, unless another has it. */

void ngx_lu_claim_end(ngx_lu_io_t *io, ngx_lu_claim_t *claim);

/*
 * Removes the turns of jobs without a file: a crash came between the end of a
 * job and that of its turn, or a release was rejected while it was fetched.
 * Who is still at work for such a job loses it.  Returns 1 if there may be
 * more: a call removes 32 of them.  Errors are of no interest: what is left
 * does no harm.
 */

ngx_uint_t ngx_lu_claim_clean(ngx_lu_io_t *io, ngx_lu_store_t *store);

/* Gives the lock back; not in the middle of a proof. */

void ngx_lu_claim_close(ngx_lu_claim_t *claim);


#endif /* _NGX_LU_CLAIM_H_INCLUDED_ */
