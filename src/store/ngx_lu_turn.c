
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_path.h"
#include "ngx_lu_turn.h"

#include <openssl/rand.h>


#define NGX_LU_TURN_TRIES      32       /* less than three seconds in all */
#define NGX_LU_TURN_LOOKS      16
#define NGX_LU_TURN_PAUSE_MAX  100      /* milliseconds */

#define NGX_LU_TURN_FOLDER     ".turn"
#define NGX_LU_TURN_PREFIX     "turn."
#define NGX_LU_TURN_RANDOM     8


/* What a listing of the folder shows. */

typedef struct {
    ngx_array_t         turns;      /* of u_char *, one if all is well */
    ngx_array_t         others;     /* what somebody has left */
} ngx_lu_turn_list_t;


static ngx_int_t ngx_lu_turn_name(ngx_lu_io_t *io, ngx_lu_turn_t *turn);
static ngx_int_t ngx_lu_turn_try(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_turn_t *turn, ngx_uint_t tries);
static ngx_int_t ngx_lu_turn_list(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    ngx_lu_turn_list_t *list);
static ngx_int_t ngx_lu_turn_found(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_turn_t *turn, ngx_lu_turn_list_t *list);
static void ngx_lu_turn_clear(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    ngx_lu_turn_list_t *list);
static void ngx_lu_turn_fence(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_turn_t *turn, u_char *before);
static void ngx_lu_turn_remove(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_lu_turn_t *turn, u_char *path);
static ngx_int_t ngx_lu_turn_renew(ngx_lu_io_t *io, ngx_lu_turn_t *turn);
static ngx_int_t ngx_lu_turn_move(ngx_lu_io_t *io, u_char *from, u_char *to);
static ngx_int_t ngx_lu_turn_unmoved(ngx_lu_io_t *io, u_char *to);
static void ngx_lu_turn_ask(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    u_char *folder);
static ngx_int_t ngx_lu_turn_look(ngx_lu_io_t *io, u_char *path, u_char *look,
    ngx_fd_t *fd);
static ngx_int_t ngx_lu_turn_plain(ngx_lu_io_t *io, u_char *path,
    ngx_fd_t *fd);
static ngx_int_t ngx_lu_turn_lost(ngx_lu_io_t *io, u_char *path);
static ngx_uint_t ngx_lu_turn_is(u_char *path);
static ngx_lu_turn_t *ngx_lu_turn_of(ngx_lu_io_t *io, u_char *path);
static u_char *ngx_lu_turn_file(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    ngx_uint_t n);
static u_char *ngx_lu_turn_own(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    const char *kind);
static void ngx_lu_turn_pause(ngx_lu_io_t *io, ngx_uint_t tries);


ngx_int_t
ngx_lu_turn_take(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *lock,
    ngx_lu_turn_t *turn)
{
    u_char     *around;
    ngx_int_t   rc;

    around = ngx_lu_path_folder(io, lock);

    rc = ngx_lu_turn_take_in(io, store,
                             ngx_lu_path_in(io, around, NGX_LU_TURN_FOLDER),
                             turn);

    if (rc == NGX_OK) {
        turn->around = ngx_strlen(around);
        turn->next = io->turns;
        io->turns = turn;
    }

    return rc;
}


ngx_int_t
ngx_lu_turn_take_in(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *folder,
    ngx_lu_turn_t *turn)
{
    ngx_int_t   rc;
    ngx_uint_t  tries;

    ngx_memzero(turn, sizeof(ngx_lu_turn_t));

    turn->folder = folder;

    if (folder == NULL
        || ngx_array_init(&turn->gone, io->pool, 1, sizeof(u_char *)) != NGX_OK
        || ngx_lu_turn_name(io, turn) != NGX_OK)
    {
        return ngx_lu_io_pathless(io);
    }

    for (tries = 0; tries < NGX_LU_TURN_TRIES; tries++) {

        if (tries) {
            ngx_lu_turn_pause(io, tries);
            ngx_lu_turn_refresh(io, turn->folder);
        }

        turn->n++;

        rc = ngx_lu_turn_try(io, store, turn, tries);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    return NGX_BUSY;
}


static ngx_int_t
ngx_lu_turn_name(ngx_lu_io_t *io, ngx_lu_turn_t *turn)
{
    u_char  bytes[NGX_LU_TURN_RANDOM], hex[NGX_LU_TURN_RANDOM * 2];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return ngx_lu_io_error(io, EIO, "RAND_bytes()", turn->folder);
    }

    (void) ngx_hex_dump(hex, bytes, sizeof(bytes));

    turn->owner = ngx_lu_path(io, "%V.%P.%*s", &ngx_cycle->hostname, ngx_pid,
                              sizeof(hex), hex);

    return turn->owner ? NGX_OK : NGX_ERROR;
}


/* NGX_AGAIN: somebody was faster, or what is listed is old. */

static ngx_int_t
ngx_lu_turn_try(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_turn_t *turn,
    ngx_uint_t tries)
{
    u_char              *before, **other;
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_lu_turn_list_t   list;

    rc = ngx_lu_turn_list(io, turn, &list);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED || list.turns.nelts == 0) {
        return ngx_lu_turn_found(io, store, turn, &list);
    }

    if (list.turns.nelts > 1) {

        /* while one is renamed, a listing may have it twice */

        if (tries) {
            ngx_lu_turn_clear(io, turn, &list);
        }

        return NGX_AGAIN;
    }

    before = *(u_char **) list.turns.elts;

    rc = ngx_lu_turn_move(io, ngx_lu_path_in(io, turn->folder, "%s", before),
                          ngx_lu_turn_file(io, turn, turn->n));

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_AGAIN : rc;
    }

    ngx_lu_turn_fence(io, store, turn, before);

    other = list.others.elts;

    for (i = 0; i < list.others.nelts; i++) {
        ngx_lu_turn_remove(io, store, turn,
                           ngx_lu_path_in(io, turn->folder, "%s", other[i]));
    }

    return NGX_OK;
}


/* NGX_OK; NGX_DECLINED: there is no such folder; NGX_ERROR with io. */

static ngx_int_t
ngx_lu_turn_list(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    ngx_lu_turn_list_t *list)
{
    u_char       *name, **entry;
    ngx_int_t     rc;
    ngx_dir_t     dir;
    ngx_err_t     err;
    ngx_str_t     folder;
    ngx_array_t  *names;

    if (ngx_array_init(&list->turns, io->pool, 1, sizeof(u_char *)) != NGX_OK
        || ngx_array_init(&list->others, io->pool, 1, sizeof(u_char *))
           != NGX_OK)
    {
        return ngx_lu_io_nomem(io);
    }

    folder.data = turn->folder;
    folder.len = ngx_strlen(turn->folder);

    if (ngx_open_dir(&folder, &dir) == NGX_ERROR) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? NGX_DECLINED
               : ngx_lu_io_failed(io, ngx_open_dir_n, turn->folder);
    }

    rc = NGX_OK;

    for ( ;; ) {
        ngx_set_errno(0);

        if (ngx_read_dir(&dir) == NGX_ERROR) {

            err = ngx_lu_io_errno();

            if (err == ESTALE) {
                rc = NGX_DECLINED;

            } else if (err != NGX_ENOMOREFILES) {
                rc = ngx_lu_io_error(io, err, ngx_read_dir_n, turn->folder);
            }

            break;
        }

        name = ngx_de_name(&dir);

        if (name[0] == '.') {
            continue;
        }

        names = (ngx_strncmp(name, NGX_LU_TURN_PREFIX,
                             sizeof(NGX_LU_TURN_PREFIX) - 1)
                 == 0)
                ? &list->turns : &list->others;

        entry = ngx_array_push(names);

        if (entry == NULL) {
            rc = ngx_lu_io_nomem(io);
            break;
        }

        *entry = ngx_lu_path(io, "%s", name);

        if (*entry == NULL) {
            rc = NGX_ERROR;
            break;
        }
    }

    (void) ngx_close_dir(&dir);

    return rc;
}


/*
 * The folder comes with the turn in it: it takes the place of none, or of one
 * that is empty, but not of one that another has founded.
 */

static ngx_int_t
ngx_lu_turn_found(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_turn_t *turn,
    ngx_lu_turn_list_t *list)
{
    u_char      *temp, *file, **other;
    ngx_fd_t     fd;
    ngx_err_t    err;
    ngx_uint_t   i;

    other = list->others.elts;

    for (i = 0; i < list->others.nelts; i++) {
        ngx_lu_turn_remove(io, store, turn,
                           ngx_lu_path_in(io, turn->folder, "%s", other[i]));
    }

    if (ngx_lu_temp_mkdir(io, store, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    file = ngx_lu_path_in(io, temp, NGX_LU_TURN_PREFIX "%s.%ui", turn->owner,
                          turn->n);

    if (file == NULL) {
        (void) ngx_delete_dir(temp);
        return NGX_ERROR;
    }

    fd = open((char *) file, O_WRONLY|O_CREAT|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        (void) ngx_lu_io_failed(io, ngx_open_file_n, file);
        (void) ngx_delete_dir(temp);
        return NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    if (ngx_rename_file(temp, turn->folder) != NGX_FILE_ERROR) {
        return NGX_OK;
    }

    err = ngx_errno;

    (void) ngx_delete_file(file);
    (void) ngx_delete_dir(temp);

    switch (err) {

    case NGX_ENOENT:
    case NGX_ENOTDIR:
        return ngx_lu_turn_is(ngx_lu_path_folder(io, turn->folder))
               ? NGX_AGAIN : NGX_DECLINED;

    case NGX_EEXIST:
    case ENOTEMPTY:
    case ESTALE:
        return NGX_AGAIN;

    default:
        return ngx_lu_io_error(io, err, ngx_rename_file_n, turn->folder);
    }
}


/* An odd copy or a repair has left several: all but one go, the same ones. */

static void
ngx_lu_turn_clear(ngx_lu_io_t *io, ngx_lu_turn_t *turn,
    ngx_lu_turn_list_t *list)
{
    u_char      *path, **name;
    ngx_uint_t   i, first;

    name = list->turns.elts;
    first = 0;

    for (i = 1; i < list->turns.nelts; i++) {
        if (ngx_strcmp(name[i], name[first]) < 0) {
            first = i;
        }
    }

    for (i = 0; i < list->turns.nelts; i++) {

        if (i == first) {
            continue;
        }

        path = ngx_lu_path_in(io, turn->folder, "%s", name[i]);

        if (path) {
            (void) ngx_delete_file(path);
        }
    }
}


/*
 * What he has prepared, who had the turn before.  His next proof fails, and if
 * it did not yet: what he is about to rename is not there any more.
 */

static void
ngx_lu_turn_fence(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_turn_t *turn,
    u_char *before)
{
    u_char  *dot;

    before += sizeof(NGX_LU_TURN_PREFIX) - 1;

    dot = (u_char *) strrchr((char *) before, '.');

    if (dot) {
        *dot = '\0';
    }

    ngx_lu_turn_remove(io, store, turn,
                       ngx_lu_path_in(io, turn->folder, "new.%s", before));
    ngx_lu_turn_remove(io, store, turn,
                       ngx_lu_path_in(io, turn->folder, "make.%s", before));
}


/* A folder can only be moved away at once. */

static void
ngx_lu_turn_remove(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_turn_t *turn,
    u_char *path)
{
    u_char       *temp, **gone;
    ngx_lu_io_t   local;

    if (path == NULL
        || ngx_delete_file(path) != NGX_FILE_ERROR
        || ngx_errno == NGX_ENOENT)
    {
        return;
    }

    /* whatever fails here fails again where it matters */

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    if (ngx_lu_temp_move(&local, store, path, &temp) != NGX_OK) {
        return;
    }

    gone = ngx_array_push(&turn->gone);

    if (gone) {
        *gone = temp;
    }
}


void
ngx_lu_turn_leave(ngx_lu_io_t *io, ngx_lu_turn_t *turn)
{
    ngx_lu_turn_t  **next;

    for (next = &io->turns; *next; next = &(*next)->next) {

        if (*next == turn) {
            *next = turn->next;
            return;
        }
    }
}


void
ngx_lu_turn_give_up(ngx_lu_io_t *io, ngx_lu_turn_t *turn)
{
    u_char  *path;

    if (turn->lost || turn->over) {
        return;
    }

    turn->over = 1;

    path = ngx_lu_turn_file(io, turn, turn->n);

    if (path && ngx_delete_file(path) != NGX_FILE_ERROR) {
        (void) ngx_delete_dir(turn->folder);
    }
}


ngx_int_t
ngx_lu_turn_prove(ngx_lu_io_t *io)
{
    ngx_lu_turn_t  *turn;

    if (io->claim && ngx_lu_turn_renew(io, io->claim) != NGX_OK) {
        return NGX_ERROR;
    }

    for (turn = io->turns; turn; turn = turn->next) {

        if (ngx_lu_turn_renew(io, turn) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Who waits for the mutex waits for a disk that he is about to ask himself.
 * The path in an error is the pool's, which may live longer than the turn.
 */

static ngx_int_t
ngx_lu_turn_renew(ngx_lu_io_t *io, ngx_lu_turn_t *turn)
{
    ngx_int_t  rc;

    if (turn->over) {
        return NGX_OK;
    }

    if (turn->mutex
        && ngx_thread_mutex_lock(turn->mutex, ngx_cycle->log) != NGX_OK)
    {
        return ngx_lu_io_error(io, EIO, "lock of",
                               ngx_lu_path(io, "%s", turn->folder));
    }

    rc = NGX_DECLINED;

    if (!turn->lost) {
        rc = ngx_lu_turn_move(io, ngx_lu_turn_file(io, turn, turn->n),
                              ngx_lu_turn_file(io, turn, turn->n + 1));
    }

    if (rc == NGX_OK) {
        turn->n++;

    } else if (rc == NGX_DECLINED) {
        turn->lost = 1;
    }

    if (turn->mutex) {
        (void) ngx_thread_mutex_unlock(turn->mutex, ngx_cycle->log);
    }

    return (rc == NGX_DECLINED)
           ? ngx_lu_turn_lost(io, ngx_lu_path(io, "%s", turn->folder)) : rc;
}


void
ngx_lu_turn_follow(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    size_t          len;
    u_char         *folder;
    ngx_lu_turn_t  *turn, *next;

    if (from == NULL) {
        return;
    }

    len = ngx_strlen(from);

    for (turn = io->turns; turn; turn = next) {

        next = turn->next;

        if (ngx_strncmp(turn->folder, from, len) != 0
            || turn->folder[len] != '/')
        {
            continue;
        }

        folder = to ? ngx_lu_path(io, "%s%s", to, turn->folder + len) : NULL;

        if (folder == NULL) {
            ngx_lu_turn_leave(io, turn);
            continue;
        }

        turn->folder = folder;
        turn->around = ngx_strlen(folder) - sizeof(NGX_LU_TURN_FOLDER);
    }
}


void
ngx_lu_turn_drop(ngx_lu_io_t *io, u_char *folder)
{
    u_char              *path, **name;
    ngx_uint_t           i;
    ngx_lu_io_t          local;
    ngx_lu_turn_t        turn;
    ngx_lu_turn_list_t   list;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    turn.folder = ngx_lu_path_in(&local, folder, NGX_LU_TURN_FOLDER);

    if (turn.folder == NULL
        || ngx_lu_turn_list(&local, &turn, &list) != NGX_OK)
    {
        return;
    }

    name = list.turns.elts;

    for (i = 0; i < list.turns.nelts; i++) {

        path = ngx_lu_path_in(&local, turn.folder, "%s", name[i]);

        if (path) {
            (void) ngx_delete_file(path);
        }
    }

    (void) ngx_delete_dir(turn.folder);
}


ngx_int_t
ngx_lu_turn_rename(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    ngx_int_t   rc;
    ngx_uint_t  moved;

    if (ngx_lu_turn_prove(io) != NGX_OK) {
        return NGX_ERROR;
    }

    if (from == NULL || to == NULL) {
        return ngx_lu_io_pathless(io);
    }

    moved = (ngx_rename_file(from, to) != NGX_FILE_ERROR);

    if (!moved) {
        rc = ngx_lu_turn_unmoved(io, to);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_lu_turn_follow(io, from, to);

    if (ngx_lu_turn_prove(io) == NGX_OK) {
        return NGX_OK;
    }

    /* what is there may be what another has moved */

    if (moved && ngx_rename_file(to, from) != NGX_FILE_ERROR) {
        ngx_lu_turn_follow(io, to, from);
    }

    return NGX_ERROR;
}


/*
 * NGX_DECLINED: it is not there.  A server that has renamed it, but whose
 * answer was lost, says so too when it is asked again.
 */

static ngx_int_t
ngx_lu_turn_move(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    if (from == NULL || to == NULL) {
        return ngx_lu_io_pathless(io);
    }

    return (ngx_rename_file(from, to) != NGX_FILE_ERROR)
           ? NGX_OK : ngx_lu_turn_unmoved(io, to);
}


/*
 * NGX_OK: the name is there all the same; NGX_DECLINED: nor is that; NGX_ERROR
 * with io.
 */

static ngx_int_t
ngx_lu_turn_unmoved(ngx_lu_io_t *io, u_char *to)
{
    ngx_err_t  err;

    err = ngx_errno;

    if (err == NGX_ENOENT || err == ESTALE) {
        return ngx_lu_turn_is(to) ? NGX_OK : NGX_DECLINED;
    }

    return ngx_lu_io_error(io, err, ngx_rename_file_n, to);
}


/*
 * A file that has no name any more gets no new one, and what has a new name is
 * not remembered under it.
 */

ngx_int_t
ngx_lu_turn_open(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    u_char         *look, *folder;
    ngx_int_t       rc;
    ngx_uint_t      tries, absent;
    ngx_lu_turn_t  *turn;

    *fd = NGX_INVALID_FILE;

    turn = ngx_lu_turn_of(io, path);
    look = ngx_lu_turn_own(io, turn, "look");
    folder = ngx_lu_path_folder(io, path);

    if (look == NULL || folder == NULL) {
        return ngx_lu_io_pathless(io);
    }

    /* the file may have another name yet, that of one who has it open */

    ngx_lu_turn_ask(io, turn, folder);

    absent = 0;

    for (tries = 0; tries < NGX_LU_TURN_LOOKS; tries++) {

        if (tries > 1) {
            ngx_lu_turn_pause(io, tries);
        }

        if (tries) {
            ngx_lu_turn_refresh(io, folder);
        }

        rc = ngx_lu_turn_look(io, path, look, fd);

        if (rc == NGX_AGAIN || (rc == NGX_DECLINED && absent++ == 0)) {
            continue;
        }

        return rc;
    }

    return ngx_lu_io_error(io, ESTALE, "link()", path);
}


/* NGX_AGAIN: it is not the file that has the name. */

static ngx_int_t
ngx_lu_turn_look(ngx_lu_io_t *io, u_char *path, u_char *look, ngx_fd_t *fd)
{
    ngx_fd_t         opened;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (link((char *) path, (char *) look) == -1) {
        err = ngx_errno;

        switch (err) {

        case NGX_ENOENT:
        case NGX_ENOTDIR:

            if (!ngx_lu_turn_is(path)
                && (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR))
            {
                return NGX_DECLINED;
            }

            /* then the place for the link has gone, or the file is old */

            return ngx_lu_turn_prove(io) == NGX_OK ? NGX_AGAIN : NGX_ERROR;

        case NGX_EEXIST:
            (void) ngx_delete_file(look);
            return NGX_AGAIN;

        case ESTALE:
            return NGX_AGAIN;

        case NGX_EPERM:

            /* Linux gives no link to a file that somebody else has put there */

            return ngx_lu_turn_plain(io, path, fd);

        default:
            return ngx_lu_io_error(io, err, "link()", look);
        }
    }

    opened = ngx_open_file(look, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (opened == NGX_INVALID_FILE) {
        err = ngx_errno;
        (void) ngx_delete_file(look);

        return (err == NGX_ENOENT || err == ESTALE)
               ? NGX_AGAIN
               : ngx_lu_io_error(io, err, ngx_open_file_n, path);
    }

    if (ngx_fd_info(opened, &fi) == NGX_FILE_ERROR) {
        err = ngx_lu_io_errno();

        (void) ngx_close_file(opened);
        (void) ngx_delete_file(look);

        return (err == ESTALE)
               ? NGX_AGAIN
               : ngx_lu_io_error(io, err, ngx_fd_info_n, path);
    }

    (void) ngx_delete_file(look);

    *fd = opened;

    return NGX_OK;
}


/* Once for each folder: who has the turn is the only one to change it. */

static void
ngx_lu_turn_ask(ngx_lu_io_t *io, ngx_lu_turn_t *turn, u_char *folder)
{
    uint32_t    hash;
    ngx_uint_t  i;

    hash = ngx_murmur_hash2(folder, ngx_strlen(folder));

    for (i = 0; i < turn->nfresh && i < NGX_LU_TURN_FOLDERS; i++) {

        if (turn->fresh[i] == hash) {
            return;
        }
    }

    ngx_lu_turn_refresh(io, folder);

    turn->fresh[turn->nfresh++ % NGX_LU_TURN_FOLDERS] = hash;
}


/* Without a link: a file that was replaced has no name any more. */

static ngx_int_t
ngx_lu_turn_plain(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    ngx_fd_t         opened;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    opened = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (opened == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? NGX_AGAIN
               : ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    if (ngx_fd_info(opened, &fi) == NGX_FILE_ERROR) {
        err = ngx_errno;
        (void) ngx_close_file(opened);

        return (err == ESTALE)
               ? NGX_AGAIN
               : ngx_lu_io_error(io, err, ngx_fd_info_n, path);
    }

    if (fi.st_nlink == 0) {
        (void) ngx_close_file(opened);
        return NGX_AGAIN;
    }

    /* or else it is the file system that has no links */

    if (fi.st_uid == geteuid()) {
        (void) ngx_close_file(opened);
        return ngx_lu_io_error(io, NGX_EPERM, "link()", path);
    }

    *fd = opened;

    return NGX_OK;
}


/* A system that has changed a folder itself does not trust what it knew. */

void
ngx_lu_turn_refresh(ngx_lu_io_t *io, u_char *folder)
{
    u_char    *path;
    ngx_fd_t   fd;

    path = folder ? ngx_lu_path_in(io, folder, ".look") : NULL;

    if (path == NULL) {
        return;
    }

    fd = open((char *) path, O_WRONLY|O_CREAT|O_CLOEXEC, 0600);

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
        (void) ngx_delete_file(path);
    }
}


ngx_int_t
ngx_lu_turn_create(ngx_lu_io_t *io, u_char *path, ngx_lu_temp_t *temp)
{
    ngx_uint_t  tries;

    temp->path = ngx_lu_turn_own(io, ngx_lu_turn_of(io, path), "new");

    if (temp->path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    for (tries = 0; tries < 2; tries++) {

        temp->fd = open((char *) temp->path,
                        O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

        if (temp->fd != NGX_INVALID_FILE) {
            lu_sha256_init(&temp->sha256);
            return NGX_OK;
        }

        if (ngx_errno != NGX_EEXIST) {
            break;
        }

        /* of a document before this one, which could not be written */

        (void) ngx_delete_file(temp->path);
    }

    if (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE) {
        return ngx_lu_turn_lost(io, temp->path);
    }

    return ngx_lu_io_failed(io, ngx_open_file_n, temp->path);
}


ngx_int_t
ngx_lu_turn_adopt(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    u_char     *file;
    ngx_int_t   rc;

    file = ngx_lu_turn_own(io, ngx_lu_turn_of(io, path), "new");

    rc = ngx_lu_turn_move(io, temp->path, file);

    if (rc == NGX_OK) {
        temp->path = file;
    }

    return rc == NGX_DECLINED ? ngx_lu_turn_lost(io, file) : rc;
}


ngx_int_t
ngx_lu_turn_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_int_t        rc;
    ngx_file_info_t  one, two;

    if (path == NULL) {
        ngx_lu_temp_discard(temp);
        return ngx_lu_io_pathless(io);
    }

    if (ngx_rename_file(temp->path, path) != NGX_FILE_ERROR) {
        (void) ngx_close_file(temp->fd);
        return NGX_OK;
    }

    err = ngx_errno;

    if (err != NGX_ENOENT && err != ESTALE) {
        ngx_lu_temp_discard(temp);
        return ngx_lu_io_error(io, err, ngx_rename_file_n, path);
    }

    /* removed by the next one, or renamed by a server whose answer was lost */

    rc = ngx_lu_turn_open(io, path, &fd);

    if (rc == NGX_OK) {

        if (ngx_fd_info(temp->fd, &one) != NGX_FILE_ERROR
            && ngx_fd_info(fd, &two) != NGX_FILE_ERROR
            && ngx_file_uniq(&one) == ngx_file_uniq(&two)
            && one.st_dev == two.st_dev)
        {
            (void) ngx_close_file(fd);
            (void) ngx_close_file(temp->fd);

            return NGX_OK;
        }

        (void) ngx_close_file(fd);
    }

    ngx_lu_temp_discard(temp);

    return ngx_lu_turn_lost(io, path);
}


ngx_int_t
ngx_lu_turn_make(ngx_lu_io_t *io, u_char *path, u_char **folder)
{
    *folder = ngx_lu_turn_own(io, ngx_lu_turn_of(io, path), "make");

    if (*folder == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_create_dir(*folder, 0700) == NGX_FILE_ERROR
        && ngx_errno != NGX_EEXIST)
    {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? ngx_lu_turn_lost(io, *folder)
               : ngx_lu_io_failed(io, ngx_create_dir_n, *folder);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_turn_lost(ngx_lu_io_t *io, u_char *path)
{
    return ngx_lu_io_error(io, NGX_ECANCELED, "renewal of", path);
}


static ngx_uint_t
ngx_lu_turn_is(u_char *path)
{
    ngx_fd_t  fd;

    fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    (void) ngx_close_file(fd);

    return 1;
}


/* That of the folder which the path lies in, or the one that was taken last. */

static ngx_lu_turn_t *
ngx_lu_turn_of(ngx_lu_io_t *io, u_char *path)
{
    ngx_lu_turn_t  *turn;

    if (path == NULL) {
        return NULL;
    }

    for (turn = io->turns; turn; turn = turn->next) {

        if (ngx_strncmp(path, turn->folder, turn->around) == 0
            && path[turn->around] == '/'
            && ngx_strchr(path + turn->around + 1, '/') == NULL)
        {
            return turn;
        }
    }

    return io->turns;
}


static u_char *
ngx_lu_turn_file(ngx_lu_io_t *io, ngx_lu_turn_t *turn, ngx_uint_t n)
{
    return ngx_lu_path_in(io, turn->folder, NGX_LU_TURN_PREFIX "%s.%ui",
                          turn->owner, n);
}


/* A name in the folder that only the owner of the turn makes. */

static u_char *
ngx_lu_turn_own(ngx_lu_io_t *io, ngx_lu_turn_t *turn, const char *kind)
{
    if (turn == NULL) {
        return NULL;
    }

    return ngx_lu_path_in(io, turn->folder, "%s.%s", kind, turn->owner);
}


static void
ngx_lu_turn_pause(ngx_lu_io_t *io, ngx_uint_t tries)
{
    ngx_uint_t  pause;

    pause = (tries > 6) ? NGX_LU_TURN_PAUSE_MAX : (ngx_uint_t) 1 << tries;

    io->beats++;

    ngx_msleep(pause);
}
