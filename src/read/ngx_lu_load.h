
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a thread reads from the store and parses, for the catalog.
 */


#ifndef _NGX_LU_LOAD_H_INCLUDED_
#define _NGX_LU_LOAD_H_INCLUDED_


#include "ngx_lu_table.h"

#include "store/ngx_lu_io.h"

#include "core/lu_file.h"


typedef enum {
    NGX_LU_COPY_APP = 0,                /* lu_app_t */
    NGX_LU_COPY_FILES,                  /* ngx_lu_files_t */
    NGX_LU_COPY_PAGE,                   /* ngx_lu_files_t, never pages */
    NGX_LU_COPY_TD,                     /* lu_td_t */
    NGX_LU_COPY_MANIFEST                /* ngx_lu_manifest_t */
} ngx_lu_copy_e;


/* The file table of a release, or a page of it, sorted by href. */

typedef struct {
    lu_file_t            *files;
    size_t                nfiles;
    lu_table_t            table;        /* its pages instead, if it has any */
    ngx_lu_origin_t       origin;       /* of the pages */
} ngx_lu_files_t;


/* A file of the feed, with its bytes if it is small. */

typedef struct {
    u_char               *bytes;        /* NULL: not small, or no file */
    ngx_uint_t            may_follow;   /* lu_minimum_may_follow() */
    size_t                size;
    time_t                mtime;
} ngx_lu_manifest_t;


typedef struct ngx_lu_node_s  ngx_lu_node_t;
typedef struct ngx_lu_load_s  ngx_lu_load_t;

struct ngx_lu_load_s {
    ngx_lu_io_t           io;           /* its pool ends with the load */
    ngx_lu_load_t        *next;         /* in the same task */
    ngx_lu_thread_t       thread;       /* of the first one */
    ngx_lu_node_t        *node;         /* of the catalog */
    ngx_lu_copy_e         kind;
    ngx_lu_store_t       *store;
    ngx_str_t             path;         /* of the store */
    ngx_str_t             app;
    ngx_str_t             name;         /* of a release, or of a file */
    ngx_lu_table_page_t         page;
    ngx_atomic_uint_t     generation;

    /* the file that the catalog has, and then the one that was read */
    ngx_lu_origin_t       origin;
    ngx_uint_t            compare;      /* is it still the same? */

    /* the result */
    ngx_int_t             rc;
    ngx_pool_t           *pool;         /* of the copy, made by the caller */
    size_t                size;         /* of the copy, bytes */
    void                 *copy;
    lu_error_t            error;        /* it does not parse; text: or NULL */
    u_char               *damaged;      /* the first file left out, or NULL */
};


/*
 * Runs in a thread: data is the first load of a list.  Each load then has its
 * result in rc: NGX_OK with the copy; NGX_DONE if the file is the
 * one that the catalog has; NGX_DECLINED if there is no such file; NGX_ERROR
 * with either error.text or io.operation set.  NGX_OK with damaged: a release
 * of the app was left out, and error.text or io says why.
 */

void ngx_lu_load_thread(void *data);


#endif /* _NGX_LU_LOAD_H_INCLUDED_ */
