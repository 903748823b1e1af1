
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files that are sent: opened in threads, shared by the requests of a worker,
 * and closed in threads if that may take its time.
 */


#ifndef _NGX_LU_OPEN_H_INCLUDED_
#define _NGX_LU_OPEN_H_INCLUDED_


#include "base/ngx_lu.h"


/* A file; what is not private may be read once it is open. */

struct ngx_lu_opened_s {
    ngx_fd_t               fd;
    ngx_str_t              path;       /* null-terminated */
    off_t                  size;
    time_t                 mtime;
    unsigned               directio:1;
    unsigned               local:1;    /* nginx may read it */

    /* its beginning, if it is not local; NULL once nobody may send it */
    u_char                *bytes;
    size_t                 nbytes;

    /* private */
    ngx_str_node_t         sn;         /* the path and options, "key" */
    ngx_queue_t            queue;      /* of those kept open, or closed */
    ngx_queue_t            waiters;
    ngx_lu_store_t        *store;
    ngx_pool_t            *pool;       /* of all this */
    ngx_lu_thread_t        thread;
    ngx_open_file_info_t   of;
    ngx_atomic_t           beats;
    ngx_err_t              err;
    const char            *failed;     /* the system call, or NULL */
    size_t                 wanted;     /* of its beginning */
    ngx_uint_t             refs;
    ngx_uint_t             begins;     /* requests that may send bytes */
    ngx_msec_t             opened;
    ngx_msec_t             used;
    unsigned               opening:1;
    unsigned               hangs:1;
    unsigned               refused:1;
    unsigned               listed:1;   /* in the tree */
    unsigned               kept:1;     /* in the queue, and open */
};


/* Creates what a worker knows of the files of a store, or returns NULL. */

ngx_lu_opener_t *ngx_lu_open_create(ngx_pool_t *pool);

/*
 * Opens the file that r->uri names in the root of the location.  A local file
 * is kept open as open_file_cache says.  NGX_OK with the file, which lives as
 * long as the request; NGX_AGAIN as ngx_lu_wait(), and then the function is to
 * be called again; or the HTTP status of the answer, with the reason logged:
 * 404, 403, 500 if memory is short, or 503 if the disk does not give the file.
 */

ngx_int_t ngx_lu_open(ngx_http_request_t *r, ngx_lu_opened_t **file);

/*
 * The request will not send the beginning of its file from memory any more.
 * The memory is given back when that is true of all requests of the file.
 */

void ngx_lu_open_begun(ngx_lu_ctx_t *ctx);

/* Another user of the file, such as a thread; returns the file. */

ngx_lu_opened_t *ngx_lu_open_hold(ngx_lu_opened_t *file);
void ngx_lu_open_release(ngx_lu_opened_t *file);


#endif /* _NGX_LU_OPEN_H_INCLUDED_ */
