
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_file.h"
#include "ngx_lu_path.h"
#include "ngx_lu_reserve.h"

#include <sys/statvfs.h>


#define NGX_LU_RESERVE_FILES  4             /* each of them is an inode */
#define NGX_LU_RESERVE_SIZE   (64 * 1024)   /* of the first one, at least */


static ngx_uint_t ngx_lu_reserve_is_needed(ngx_lu_io_t *io,
    ngx_lu_store_t *store);
static u_char *ngx_lu_reserve_path(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_uint_t i);


void
ngx_lu_reserve_keep(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path)
{
    off_t             size;
    u_char           *reserve;
    ngx_fd_t          fd;
    ngx_uint_t        i;
    ngx_lu_io_t       local;
    ngx_file_info_t   fi;

    if (path == NULL || ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return;
    }

    /* the new file and the old one, and the log */

    size = ngx_align(2 * ngx_file_size(&fi), NGX_LU_RESERVE_SIZE)
           + NGX_LU_RESERVE_SIZE;

    /* whether this succeeds is of no interest to what io is for */

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    reserve = ngx_lu_reserve_path(&local, store, 0);

    if (reserve == NULL
        || (ngx_file_info(reserve, &fi) != NGX_FILE_ERROR
            && ngx_file_size(&fi) >= size))
    {
        return;
    }

    /* the one that is looked at comes last */

    for (i = NGX_LU_RESERVE_FILES; i-- > 0; /* void */) {

        reserve = ngx_lu_reserve_path(&local, store, i);
        if (reserve == NULL) {
            return;
        }

        fd = open((char *) reserve, O_WRONLY|O_CREAT|O_CLOEXEC, 0600);
        if (fd == NGX_INVALID_FILE) {
            return;
        }

        if (i == 0 && posix_fallocate(fd, 0, size) != 0) {
            (void) ngx_delete_file(reserve);
        }

        (void) ngx_close_file(fd);
    }
}


ngx_uint_t
ngx_lu_reserve_spend(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    u_char       *reserve;
    ngx_uint_t    i, found;
    ngx_lu_io_t   local;

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    switch (io->err) {

#ifdef EDQUOT
    case EDQUOT:
        break;
#endif

    case NGX_ENOSPC:
        if (ngx_lu_reserve_is_needed(&local, store)) {
            break;
        }

        return 0;

    default:
        return 0;
    }

    found = 0;

    for (i = 0; i < NGX_LU_RESERVE_FILES; i++) {
        reserve = ngx_lu_reserve_path(&local, store, i);

        found |= (ngx_lu_file_unlink(&local, reserve) == NGX_OK);
    }

    /* io stays as it is, so that the log tells of the full disk */

    return found;
}


/* The error may have come from a disk that has space again. */

static ngx_uint_t
ngx_lu_reserve_is_needed(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    u_char           *reserve;
    struct statvfs    vfs;
    ngx_file_info_t   fi;

    reserve = ngx_lu_reserve_path(io, store, 0);

    if (reserve == NULL
        || ngx_file_info(reserve, &fi) == NGX_FILE_ERROR
        || statvfs((char *) reserve, &vfs) == -1)
    {
        return 1;
    }

    return (uint64_t) vfs.f_bavail * vfs.f_frsize
           < 2 * (uint64_t) ngx_file_size(&fi)
           || (vfs.f_files && vfs.f_favail < 2 * NGX_LU_RESERVE_FILES);
}


static u_char *
ngx_lu_reserve_path(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_uint_t i)
{
    return ngx_lu_path(io, "%V/.reserve.%ui", &store->path, i);
}
