
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The turn of whoever changes documents.  A lock may be lost with the network,
 * and a name may show a file that another machine has replaced; a turn tells.
 * docs/store.md, "Turns", says how.
 */


#ifndef _NGX_LU_TURN_H_INCLUDED_
#define _NGX_LU_TURN_H_INCLUDED_


#include "ngx_lu_io.h"
#include "ngx_lu_temp.h"


#define NGX_LU_TURN_FOLDERS  8


typedef struct ngx_lu_turn_s  ngx_lu_turn_t;

struct ngx_lu_turn_s {
    ngx_lu_turn_t      *next;       /* that io had before; or NULL */
    u_char             *folder;     /* ".turn" */
    size_t              around;     /* bytes of the folder that it lies in */
    u_char             *owner;      /* a name that nobody else has */
    ngx_uint_t          n;          /* the file is "turn.{owner}.{n}" */
    ngx_array_t         gone;       /* of u_char *, folders to be discarded */
    ngx_thread_mutex_t *mutex;      /* if several threads prove it; or NULL */
    ngx_atomic_t        lost;       /* another has it */
    unsigned            over:1;     /* nobody needs it any more */

    /* folders whose names are those of the server, by hash */
    uint32_t            fresh[NGX_LU_TURN_FOLDERS];
    ngx_uint_t          nfresh;
};


/*
 * Takes the turn of what lies beside the lock file "lock", which the caller
 * has locked, and enters it in io->turns.  Whoever had it before cannot write
 * any more.  Of what he has prepared, the folders in turn->gone are left, for
 * ngx_lu_tree_discard().  The memory is the caller's.
 *
 * NGX_OK; NGX_BUSY, without io: others were faster for three seconds;
 * NGX_DECLINED: there is no folder for it; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_take(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *lock, ngx_lu_turn_t *turn);

/*
 * Takes a turn that lies in a folder of its own, and does not enter it in
 * io->turns: it may outlive io, but not io's pool.  The caller has the lock
 * that belongs to it.  The same results; NGX_DECLINED: there is no folder in
 * which to make that one.
 */

ngx_int_t ngx_lu_turn_take_in(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *folder, ngx_lu_turn_t *turn);

/*
 * Removes the folder of such a turn, unless another has the turn.  From then on
 * its proof is NGX_OK.
 */

void ngx_lu_turn_give_up(ngx_lu_io_t *io, ngx_lu_turn_t *turn);

/* Removes a turn from io->turns; its file stays for the next one. */

void ngx_lu_turn_leave(ngx_lu_io_t *io, ngx_lu_turn_t *turn);

/*
 * Proves that nobody has taken one of the turns in io->turns, or io->claim; to
 * be called right before a step that cannot be undone.  NGX_OK, also without
 * turns; NGX_ERROR with io: with NGX_ECANCELED if another has.
 */

ngx_int_t ngx_lu_turn_prove(ngx_lu_io_t *io);

/*
 * The folder "from", with the turns that lie in it, is "to" by now; NULL: it
 * has gone, and its turns have gone with it.
 */

void ngx_lu_turn_follow(ngx_lu_io_t *io, u_char *from, u_char *to);

/*
 * Removes the turn from a folder that needs none any more, with the lock of
 * another.  Errors are of no interest: it does no harm there.
 */

void ngx_lu_turn_drop(ngx_lu_io_t *io, u_char *folder);

/*
 * Moves a folder, proves the turns before, and again afterwards: the one that
 * lies in the folder moves along, so that nobody can have taken it meanwhile.
 * If somebody has, or the proof fails, it is moved back.  Not synced.  NGX_OK;
 * NGX_DECLINED: there is no "from", or no folder for "to"; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_rename(ngx_lu_io_t *io, u_char *from, u_char *to);

/*
 * Opens the file that has the name now, for reading.  One that another machine
 * has replaced is not taken for it.  Only with turns.  NGX_OK; NGX_DECLINED:
 * there is none; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_open(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd);

/*
 * Has the names in a folder asked for anew: what this machine remembers of
 * them may be old.  Errors are of no interest: then it may still be.
 */

void ngx_lu_turn_refresh(ngx_lu_io_t *io, u_char *folder);

/*
 * Opens a new file for what is to replace the document "path", to be written,
 * and to be committed or discarded.  Who takes the turn removes it.  Only with
 * turns.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_create(ngx_lu_io_t *io, u_char *path,
    ngx_lu_temp_t *temp);

/*
 * Has a temporary file take the place of such a new one; it keeps its bytes.
 * NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_adopt(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);

/*
 * Gives that file its name, not synced, and closes it.  NGX_OK, or NGX_ERROR
 * with io and the file removed: with NGX_ECANCELED if another has the turn.
 */

ngx_int_t ngx_lu_turn_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp,
    u_char *path);

/*
 * Makes a folder for what is to be renamed to "path", or beside it, when it is
 * complete; the path is in memory of the pool.  The caller discards it at the
 * end.  Who takes the turn moves it away.  Only with turns.  NGX_OK, or
 * NGX_ERROR with io.
 */

ngx_int_t ngx_lu_turn_make(ngx_lu_io_t *io, u_char *path, u_char **folder);


#endif /* _NGX_LU_TURN_H_INCLUDED_ */
