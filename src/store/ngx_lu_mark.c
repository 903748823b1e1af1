
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_file.h"
#include "ngx_lu_mark.h"
#include "ngx_lu_path.h"
#include "ngx_lu_tree.h"


static const char  ngx_lu_mark_text[] =
    "The folder of this file is a store of nginx-liveupdate.  Without the\n"
    "file, nginx takes the store for one whose file system is not mounted.\n";


ngx_int_t
ngx_lu_mark_check(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    u_char      *mark, *apps;
    ngx_int_t    rc;
    ngx_uint_t   n;

    mark = ngx_lu_path(io, "%V/.store", &store->path);

    rc = ngx_lu_file_exists(io, mark);

    if (rc == NGX_DECLINED) {
        apps = ngx_lu_path(io, "%V/apps", &store->path);

        if (store->unmarked) {
            rc = ngx_lu_file_exists(io, apps);

        } else {
            rc = ngx_lu_tree_count(io, apps, 1, &n);

            if (rc == NGX_OK && n == 0) {
                rc = NGX_DECLINED;
            }
        }
    }

    if (rc == NGX_DECLINED) {
        return ngx_lu_io_error(io, ENODEV, ngx_open_file_n, mark);
    }

    return rc;
}


ngx_uint_t
ngx_lu_mark_found(ngx_lu_store_t *store, ngx_pool_t *pool)
{
    ngx_lu_io_t  io;

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = pool;

    /* what cannot be looked at is not taken for absent */

    return ngx_lu_mark_check(&io, store) == NGX_OK || io.err != ENODEV;
}


void
ngx_lu_mark_make(ngx_lu_store_t *store, ngx_cycle_t *cycle)
{
    u_char           *mark;
    ngx_fd_t          fd;
    ngx_int_t         rc;
    ngx_lu_io_t       io;
    ngx_pool_t       *pool;
    ngx_core_conf_t  *ccf;

    pool = ngx_create_pool(4096, cycle->log);
    if (pool == NULL) {
        return;
    }

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = pool;

    mark = ngx_lu_path(&io, "%V/.store", &store->path);

    rc = ngx_lu_file_exists(&io, mark);
    if (rc == NGX_OK) {
        goto done;
    }

    store->unmarked = 1;

    if (rc == NGX_ERROR) {
        goto done;
    }

    fd = open((char *) mark, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", mark);
        goto done;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->user != (ngx_uid_t) NGX_CONF_UNSET_UINT
        && fchown(fd, ccf->user, -1) == -1)
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "fchown() \"%s\" failed", mark);
    }

    /* the name is the mark, its content is for people */

    if (ngx_write_fd(fd, (void *) ngx_lu_mark_text,
                     sizeof(ngx_lu_mark_text) - 1)
        == -1)
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      ngx_write_fd_n " \"%s\" failed", mark);
    }

    (void) ngx_close_file(fd);

    if (ngx_lu_file_sync(&io, ngx_lu_path_folder(&io, mark)) == NGX_OK) {
        store->unmarked = 0;
    }

done:

    ngx_destroy_pool(pool);
}
