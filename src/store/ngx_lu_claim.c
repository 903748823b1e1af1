
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_claim.h"
#include "ngx_lu_file.h"
#include "ngx_lu_lock.h"
#include "ngx_lu_path.h"
#include "ngx_lu_tree.h"


#define NGX_LU_CLAIM_PLACED   "place"
#define NGX_LU_CLAIM_CLEANED  32


static void ngx_lu_claim_fence(ngx_lu_io_t *io, ngx_lu_turn_t *turn);
static void ngx_lu_claim_forget(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *folder);


ngx_int_t
ngx_lu_claim_open(ngx_lu_io_t *io, u_char *path, ngx_lu_claim_t *claim)
{
    ngx_int_t  rc;

    ngx_memzero(claim, sizeof(ngx_lu_claim_t));

    rc = ngx_lu_lock_try(io, path, &claim->fd);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_thread_mutex_create(&claim->mutex, ngx_cycle->log) != NGX_OK) {
        ngx_lu_lock_close(claim->fd);
        claim->fd = NGX_INVALID_FILE;

        return ngx_lu_io_nomem(io);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_claim_take(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_pool_t *pool,
    u_char *path, ngx_lu_claim_t *claim)
{
    u_char       *folder, **gone;
    ngx_int_t     rc;
    ngx_uint_t    i;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = pool;

    folder = ngx_lu_path_in(&local, ngx_lu_path_folder(&local, path),
                            ".claims/%s", strrchr((char *) path, '/') + 1);

    rc = ngx_lu_turn_take_in(&local, store, folder, &claim->turn);

    if (rc == NGX_DECLINED) {

        /* the first job of all */

        rc = ngx_lu_file_mkdir(&local, ngx_lu_path_folder(&local, folder));

        if (rc != NGX_ERROR) {
            rc = ngx_lu_turn_take_in(&local, store, folder, &claim->turn);
        }
    }

    gone = claim->turn.gone.elts;

    for (i = 0; i < claim->turn.gone.nelts; i++) {
        ngx_lu_tree_discard(gone[i]);
    }

    if (rc == NGX_ERROR) {
        return ngx_lu_io_error(io, local.err, local.operation,
                               local.path ? ngx_lu_path(io, "%s", local.path)
                                          : NULL);
    }

    if (rc != NGX_OK) {
        return NGX_BUSY;
    }

    claim->turn.mutex = &claim->mutex;
    claim->taken = 1;

    ngx_lu_claim_fence(io, &claim->turn);

    return NGX_OK;
}


/*
 * What the one before is about to place: a listing from before the turn was
 * taken may lack the last of it.
 */

static void
ngx_lu_claim_fence(ngx_lu_io_t *io, ngx_lu_turn_t *turn)
{
    u_char       *path;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    ngx_lu_turn_refresh(&local, turn->folder);

    if (ngx_lu_tree_list(&local, turn->folder, &names) != NGX_OK) {
        return;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (ngx_strncmp(name[i].data, NGX_LU_CLAIM_PLACED ".",
                        sizeof(NGX_LU_CLAIM_PLACED))
            != 0)
        {
            continue;
        }

        path = ngx_lu_path_in(&local, turn->folder, "%V", &name[i]);

        if (path) {
            (void) ngx_delete_file(path);
        }
    }
}


/*
 * It waits in the folder of the turn while that is proved.  Who takes the turn
 * after the proof removes it there, and it does not get its name.
 */

ngx_int_t
ngx_lu_claim_place(ngx_lu_io_t *io, ngx_lu_claim_t *claim, u_char *from,
    u_char *to)
{
    u_char     *path;
    ngx_int_t   rc;

    path = ngx_lu_path_in(io, claim->turn.folder,
                          NGX_LU_CLAIM_PLACED ".%s.%uA", claim->turn.owner,
                          ngx_atomic_fetch_add(&claim->nplaced, 1));

    rc = ngx_lu_file_rename(io, from, path);

    if (rc == NGX_OK) {
        rc = ngx_lu_turn_prove(io);

        if (rc == NGX_OK) {
            rc = ngx_lu_file_rename(io, path, to);
        }

        if (rc != NGX_OK) {
            (void) ngx_delete_file(path);
        }
    }

    /* what has gone may have gone with the claim */

    if (rc == NGX_DECLINED && ngx_lu_turn_prove(io) != NGX_OK) {
        return NGX_ERROR;
    }

    return rc;
}


void
ngx_lu_claim_end(ngx_lu_io_t *io, ngx_lu_claim_t *claim)
{
    if (claim->taken) {
        ngx_lu_turn_give_up(io, &claim->turn);
    }
}


ngx_uint_t
ngx_lu_claim_clean(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    u_char       *jobs, *claims, *file;
    ngx_str_t    *name;
    ngx_uint_t    i, n;
    ngx_array_t   names;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    jobs = ngx_lu_path(&local, "%V/jobs", &store->path);
    claims = ngx_lu_path(&local, "%V/jobs/.claims", &store->path);

    if (jobs == NULL
        || claims == NULL
        || ngx_lu_tree_list(&local, claims, &names) != NGX_OK
        || names.nelts == 0)
    {
        return 0;
    }

    /* a job has its file before anybody claims it */

    ngx_lu_turn_refresh(&local, jobs);

    name = names.elts;
    n = 0;

    for (i = 0; i < names.nelts && n < NGX_LU_CLAIM_CLEANED; i++) {

        file = ngx_lu_path_in(&local, jobs, "%V", &name[i]);

        if (ngx_lu_file_exists(&local, file) == NGX_DECLINED) {
            ngx_lu_claim_forget(&local, store,
                                ngx_lu_path_in(&local, claims, "%V", &name[i]));
            n++;
        }

        io->beats++;
    }

    return n == NGX_LU_CLAIM_CLEANED;
}


/*
 * Whoever claims a job of that name meanwhile takes the turn from us, and then
 * it is neither ours to remove, nor is the folder empty.
 */

static void
ngx_lu_claim_forget(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *folder)
{
    u_char         **gone;
    ngx_uint_t       i;
    ngx_lu_turn_t    turn;

    if (ngx_lu_turn_take_in(io, store, folder, &turn) != NGX_OK) {
        return;
    }

    gone = turn.gone.elts;

    for (i = 0; i < turn.gone.nelts; i++) {
        ngx_lu_tree_discard(gone[i]);
    }

    ngx_lu_claim_fence(io, &turn);
    ngx_lu_turn_give_up(io, &turn);
}


void
ngx_lu_claim_close(ngx_lu_claim_t *claim)
{
    if (claim->fd != NGX_INVALID_FILE) {
        (void) ngx_thread_mutex_destroy(&claim->mutex, ngx_cycle->log);

        ngx_lu_lock_close(claim->fd);
        claim->fd = NGX_INVALID_FILE;
    }
}
