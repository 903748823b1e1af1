
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_clean.h"
#include "ngx_lu_file.h"
#include "ngx_lu_machine.h"
#include "ngx_lu_path.h"
#include "ngx_lu_tree.h"


#define NGX_LU_CLEAN_AGE  (24 * 60 * 60)


typedef struct {
    ngx_lu_io_t          io;
    ngx_lu_store_t      *store;
    ngx_lu_thread_t      thread;
} ngx_lu_clean_t;


static ngx_int_t ngx_lu_clean_post(ngx_lu_store_t *store,
    ngx_thread_pool_t *tp);
static void ngx_lu_clean_thread(void *data);
static void ngx_lu_clean_done(void *data);
static void ngx_lu_clean_old(ngx_lu_io_t *io, u_char *path);
static void ngx_lu_clean_unused(ngx_lu_io_t *io, u_char *path,
    ngx_uint_t is_shared);
static ngx_uint_t ngx_lu_clean_is_unused(u_char *path, ngx_uint_t is_shared);


void
ngx_lu_clean_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_thread_pool_t  *tp;

    static ngx_str_t  name = ngx_string("default");

    tp = ngx_thread_pool_get(cycle, &name);

    if (tp && ngx_lu_clean_post(store, tp) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "\"%V/tmp\" is not cleaned: memory is short",
                      &store->path);
    }
}


static ngx_int_t
ngx_lu_clean_post(ngx_lu_store_t *store, ngx_thread_pool_t *tp)
{
    ngx_pool_t       *pool;
    ngx_lu_clean_t   *clean;
    ngx_lu_thread_t  *thread;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    clean = ngx_pcalloc(pool, sizeof(ngx_lu_clean_t));
    if (clean == NULL) {
        goto failed;
    }

    clean->io.pool = pool;
    clean->store = store;

    thread = &clean->thread;

    thread->store = store;
    thread->pool = tp;
    thread->kind = NGX_LU_THREAD_SHORT;
    thread->beats = &clean->io.beats;
    thread->run = ngx_lu_clean_thread;
    thread->done = ngx_lu_clean_done;
    thread->data = clean;

    if (ngx_lu_thread_start(thread) == NGX_OK) {
        return NGX_OK;
    }

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


static void
ngx_lu_clean_thread(void *data)
{
    ngx_lu_clean_t *clean = data;

    u_char       *path;
    ngx_pid_t     pid;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;
    ngx_lu_io_t  *io;

    io = &clean->io;

    if (ngx_lu_tree_list(io, clean->store->temp.data, &names) == NGX_ERROR) {
        return;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path_in(io, clean->store->temp.data, "%V", &name[i]);

        if (path == NULL) {
            return;
        }

        pid = ngx_lu_machine_pid(&name[i]);

        if (pid == 0) {

            /* what nginx itself writes, such as bodies of requests */

            ngx_lu_clean_unused(io, path, 0);

        } else if (pid != ngx_pid
                   && kill(pid, 0) == -1
                   && ngx_errno == NGX_ESRCH)
        {
            ngx_lu_tree_discard(path);
        }
    }

    ngx_lu_clean_old(io, ngx_lu_path(io, "%V/tmp/body", &clean->store->path));
    ngx_lu_clean_old(io, ngx_lu_path(io, "%V/tmp/fetch", &clean->store->path));
}


/*
 * Older versions kept what nginx writes there, of all machines.  The folder
 * stays: one of them that still runs, on whatever machine, would not make it
 * again, and refuse bodies and downloads from then on.
 */

static void
ngx_lu_clean_old(ngx_lu_io_t *io, u_char *path)
{
    if (path) {
        ngx_lu_clean_unused(io, path, 1);
    }

    ngx_lu_io_clear(io);
}


static void
ngx_lu_clean_done(void *data)
{
    ngx_lu_clean_t *clean = data;

    if (clean->io.operation) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, clean->io.err,
                      "%s \"%s\" failed while removing temporary files",
                      clean->io.operation, clean->io.path);
    }

    ngx_destroy_pool(clean->io.pool);
}


static void
ngx_lu_clean_unused(ngx_lu_io_t *io, u_char *path, ngx_uint_t is_shared)
{
    u_char       *file;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    if (ngx_lu_tree_list(io, path, &names) != NGX_OK) {
        return;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {
        file = ngx_lu_path_in(io, path, "%V", &name[i]);

        if (file && ngx_lu_clean_is_unused(file, is_shared)) {
            (void) ngx_delete_file(file);
        }
    }
}


/*
 * nginx has its temporary files open as long as it needs them, and there is no
 * lease of a file that anybody on this machine has open.  Where there are no
 * leases, as on a network file system, or if other machines write there, it is
 * a file of yesterday that nobody needs.
 */

static ngx_uint_t
ngx_lu_clean_is_unused(u_char *path, ngx_uint_t is_shared)
{
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_uint_t       unused;
    ngx_file_info_t  fi;

    fd = open((char *) path, O_RDWR|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    err = NGX_EINVAL;

#ifdef F_SETLEASE
    err = fcntl(fd, F_SETLEASE, F_WRLCK) == -1 ? ngx_errno : 0;
#endif

    unused = 0;

    if (err != NGX_EAGAIN
        && ngx_fd_info(fd, &fi) != NGX_FILE_ERROR
        && ngx_is_file(&fi))
    {
        unused = (err == 0 && !is_shared)
                 || time(NULL) - ngx_file_mtime(&fi) > NGX_LU_CLEAN_AGE;
    }

    /* closing it gives the lease back */

    (void) ngx_close_file(fd);

    return unused;
}
