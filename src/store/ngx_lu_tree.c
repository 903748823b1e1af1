
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_file.h"
#include "ngx_lu_path.h"
#include "ngx_lu_temp.h"
#include "ngx_lu_tree.h"
#include "ngx_lu_turn.h"

#include <ftw.h>


#define NGX_LU_TREE_FDS    16
#define NGX_LU_TREE_TRIES  10


static int ngx_libc_cdecl ngx_lu_tree_name_cmp(const void *one,
    const void *two);
static int ngx_lu_tree_sync_entry(const char *path, const struct stat *st,
    int type, struct FTW *ftw);
static ngx_int_t ngx_lu_tree_take(ngx_lu_io_t *io, ngx_lu_store_t *store,
    u_char *path, u_char **temp);
static int ngx_lu_tree_remove_files(u_char *path);
static int ngx_lu_tree_remove_entry(const char *path, const struct stat *st,
    int type, struct FTW *ftw);
static void ngx_lu_tree_relist(u_char *path);


ngx_int_t
ngx_lu_tree_list(ngx_lu_io_t *io, u_char *path, ngx_array_t *names)
{
    size_t      len;
    u_char     *p;
    ngx_int_t   rc;
    ngx_dir_t   dir;
    ngx_str_t  *name, folder;

    if (ngx_array_init(names, io->pool, 16, sizeof(ngx_str_t)) != NGX_OK) {
        return ngx_lu_io_nomem(io);
    }

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    folder.data = path;
    folder.len = ngx_strlen(path);

    if (ngx_open_dir(&folder, &dir) == NGX_ERROR) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_open_dir_n, path);
    }

    rc = NGX_OK;

    for ( ;; ) {
        ngx_set_errno(0);

        if (ngx_read_dir(&dir) == NGX_ERROR) {
            if (ngx_errno != NGX_ENOMOREFILES) {
                rc = ngx_lu_io_failed(io, ngx_read_dir_n, path);
            }

            break;
        }

        p = ngx_de_name(&dir);
        len = ngx_de_namelen(&dir);

        if (p[0] == '.') {
            continue;
        }

        name = ngx_array_push(names);

        if (name == NULL) {
            rc = ngx_lu_io_nomem(io);
            break;
        }

        name->len = len;
        name->data = ngx_lu_path(io, "%*s", len, p);

        if (name->data == NULL) {
            rc = NGX_ERROR;
            break;
        }
    }

    (void) ngx_close_dir(&dir);

    ngx_qsort(names->elts, names->nelts, sizeof(ngx_str_t),
              ngx_lu_tree_name_cmp);

    return rc;
}


ngx_int_t
ngx_lu_tree_count(ngx_lu_io_t *io, u_char *path, ngx_uint_t max,
    ngx_uint_t *n)
{
    ngx_int_t  rc;
    ngx_dir_t  dir;
    ngx_str_t  folder;

    *n = 0;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    folder.data = path;
    folder.len = ngx_strlen(path);

    if (ngx_open_dir(&folder, &dir) == NGX_ERROR) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_open_dir_n, path);
    }

    rc = NGX_OK;

    while (*n < max) {
        ngx_set_errno(0);

        if (ngx_read_dir(&dir) == NGX_ERROR) {
            if (ngx_errno != NGX_ENOMOREFILES) {
                rc = ngx_lu_io_failed(io, ngx_read_dir_n, path);
            }

            break;
        }

        if (ngx_de_name(&dir)[0] != '.') {
            (*n)++;
        }
    }

    (void) ngx_close_dir(&dir);

    return rc;
}


static int ngx_libc_cdecl
ngx_lu_tree_name_cmp(const void *one, const void *two)
{
    const ngx_str_t  *first = one, *second = two;

    return (int) ngx_memn2cmp(first->data, second->data, first->len,
                              second->len);
}


ngx_int_t
ngx_lu_tree_sync(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (nftw((char *) path, ngx_lu_tree_sync_entry,
             NGX_LU_TREE_FDS, FTW_PHYS|FTW_DEPTH)
        != 0)
    {
        return ngx_lu_io_failed(io, "fsync()", path);
    }

    return NGX_OK;
}


/* Files were synced when they were written. */

static int
ngx_lu_tree_sync_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    int        rc;
    ngx_fd_t   fd;
    ngx_err_t  err;

    if (type != FTW_DP) {
        return (type == FTW_DNR || type == FTW_NS) ? -1 : 0;
    }

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return -1;
    }

    rc = fsync(fd);
    err = ngx_errno;

    (void) ngx_close_file(fd);

    ngx_set_errno(err);

    return rc;
}


ngx_int_t
ngx_lu_tree_unlink(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path)
{
    u_char    *temp;
    ngx_int_t  rc;

    rc = ngx_lu_tree_take(io, store, path, &temp);

    if (rc == NGX_OK && ngx_delete_file(temp) == NGX_FILE_ERROR
        && ngx_errno != NGX_ENOENT)
    {
        return ngx_lu_io_failed(io, ngx_delete_file_n, temp);
    }

    return rc;
}


/*
 * Moves it into tmp/.  The proof before may be older than that: if another has
 * had a turn meanwhile, it may be what he has made, or still needs.
 */

static ngx_int_t
ngx_lu_tree_take(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    u_char **temp)
{
    ngx_int_t  rc;

    rc = ngx_lu_file_exists(io, path);

    if (rc == NGX_OK) {
        rc = ngx_lu_turn_prove(io);
    }

    if (rc == NGX_OK) {
        rc = ngx_lu_temp_move(io, store, path, temp);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_lu_turn_follow(io, path, *temp);

    if (ngx_lu_turn_prove(io) == NGX_OK) {
        ngx_lu_turn_follow(io, *temp, NULL);
        return NGX_OK;
    }

    /* back, but not in the place of another: a folder has no links */

    if (link((char *) *temp, (char *) path) == -1
        && ngx_errno == NGX_EPERM
        && ngx_rename_file(*temp, path) != NGX_FILE_ERROR)
    {
        ngx_lu_turn_follow(io, *temp, path);
        return NGX_ERROR;
    }

    (void) ngx_lu_tree_remove_files(*temp);

    return NGX_ERROR;
}


ngx_int_t
ngx_lu_tree_remove(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path)
{
    u_char    *temp;
    ngx_int_t  rc;

    rc = ngx_lu_tree_move(io, store, path, &temp);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_lu_tree_remove_files(temp) != 0) {

        /* it has gone, and the next start tries again; the log says why */

        (void) ngx_lu_io_failed(io, "nftw()", temp);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_tree_move(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    u_char **temp)
{
    ngx_int_t  rc;

    rc = ngx_lu_tree_take(io, store, path, temp);
    if (rc != NGX_OK) {
        return rc;
    }

    /* it must not come back, after a crash, without its files */

    rc = ngx_lu_file_sync(io, ngx_lu_path_folder(io, path));

    /* if even its place has gone, then with the whole app */

    return rc == NGX_ERROR && io->err != NGX_ENOENT ? NGX_ERROR : NGX_OK;
}


void
ngx_lu_tree_discard(u_char *path)
{
    (void) ngx_lu_tree_remove_files(path);
}


/*
 * Who was on the way to a file in it may still make, or move, that.  What a
 * client of NFS keeps for who has it open goes when that is closed, and its
 * folder at the next start.
 */

static int
ngx_lu_tree_remove_files(u_char *path)
{
    int         rc;
    ngx_uint_t  tries;

    tries = 0;

    do {
        rc = nftw((char *) path, ngx_lu_tree_remove_entry, NGX_LU_TREE_FDS,
                  FTW_PHYS|FTW_DEPTH);

        if (rc == 0) {
            return 0;
        }

    } while ((ngx_errno == ENOTEMPTY || ngx_errno == NGX_ENOENT)
             && ++tries < NGX_LU_TREE_TRIES);

    switch (ngx_errno) {

    case NGX_ENOENT:
    case ENOTEMPTY:
    case NGX_EBUSY:
        return 0;

    default:
        return rc;
    }
}


static int
ngx_lu_tree_remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    if (remove(path) != -1
        || ngx_errno == NGX_ENOENT
        || ngx_errno == ESTALE
        || ngx_errno == NGX_EBUSY)
    {
        return 0;
    }

    if (ngx_errno == ENOTEMPTY) {
        ngx_lu_tree_relist((u_char *) path);
        ngx_set_errno(ENOTEMPTY);
    }

    return -1;
}


/* What a machine remembers of a folder it forgets when it changes it. */

static void
ngx_lu_tree_relist(u_char *path)
{
    u_char    *p, name[NGX_MAX_PATH];
    ngx_fd_t   fd;

    p = ngx_snprintf(name, sizeof(name) - 1, "%s/.look", path);
    *p = '\0';

    fd = open((char *) name, O_WRONLY|O_CREAT|O_CLOEXEC, 0600);

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
        (void) ngx_delete_file(name);
    }
}


ngx_int_t
ngx_lu_tree_delete(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_lu_tree_remove_files(path) != 0) {
        return ngx_lu_io_failed(io, "nftw()", path);
    }

    return NGX_OK;
}
