
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_disk.h"

#include "store/ngx_lu_mark.h"

#if (NGX_LINUX)
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#endif


#if (NGX_LINUX)

/* statfs(2) has these numbers; what is not here may wait for a network */

static const uint32_t  ngx_lu_disk_local[] = {
    0xef53,                         /* ext2, ext3, ext4 */
    0x58465342,                     /* XFS */
    0x9123683e,                     /* Btrfs */
    0x2fc12fc1,                     /* ZFS */
    0xca451a4e,                     /* bcachefs */
    0xf2f52010,                     /* F2FS */
    0x3153464a,                     /* JFS */
    0x52654973,                     /* ReiserFS */
    0x01021994,                     /* tmpfs */
    0x858458f6,                     /* ramfs */
    0x794c7630                      /* overlayfs */
};

#endif


ngx_int_t
ngx_lu_disk_open(ngx_str_t *path, ngx_open_file_info_t *of, ngx_pool_t *pool)
{
    ngx_int_t             rc;
    ngx_open_file_info_t  again;

    again = *of;

    rc = ngx_open_cached_file(NULL, path, of, pool);

    /* NFS may have found an old name in its cache: now it has asked */

    if (rc != NGX_OK && of->err == ESTALE) {
        *of = again;
        rc = ngx_open_cached_file(NULL, path, of, pool);
    }

    if (rc == NGX_OK) {

        /*
         * the pool would log an alert if close() fails: what FUSE returns there
         * is of no interest, and the descriptor is closed all the same
         */

        pool->cleanup->handler = NULL;
    }

    return rc;
}


ngx_err_t
ngx_lu_disk_absent(ngx_lu_store_t *store, ngx_pool_t *pool)
{
    ngx_lu_io_t  io;

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = pool;

    return ngx_lu_mark_check(&io, store) == NGX_OK ? 0 : io.err;
}


ngx_uint_t
ngx_lu_disk_is_local(ngx_fd_t fd)
{
    struct statfs  fs;
#if (NGX_LINUX)
    ngx_uint_t     i;
#endif

    if (fstatfs(fd, &fs) == -1) {
        return 0;
    }

#if (NGX_LINUX)

    for (i = 0;
         i < sizeof(ngx_lu_disk_local) / sizeof(ngx_lu_disk_local[0]);
         i++)
    {
        if ((uint32_t) fs.f_type == ngx_lu_disk_local[i]) {
            return 1;
        }
    }

    return 0;

#elif defined(MNT_LOCAL)

    return (fs.f_flags & MNT_LOCAL) ? 1 : 0;

#else

    return 0;

#endif
}


ngx_int_t
ngx_lu_disk_read(ngx_fd_t fd, u_char *buf, size_t size, off_t offset,
    ngx_err_t *err)
{
    ssize_t  n;

    while (size) {
        n = pread(fd, buf, size, offset);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            *err = ngx_lu_io_errno();
            return NGX_ERROR;
        }

        if (n == 0) {
            *err = EIO;
            return NGX_ERROR;
        }

        buf += n;
        size -= n;
        offset += n;
    }

    return NGX_OK;
}
