
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a folder takes on the disk.
 */


#ifndef _NGX_LU_MEASURE_H_INCLUDED_
#define _NGX_LU_MEASURE_H_INCLUDED_


#include "ngx_lu_io.h"


/* A name of a file that has several. */

typedef struct {
    ino_t               inode;
    nlink_t             names;      /* of it, anywhere */
    uint64_t            bytes;      /* of the file */
} ngx_lu_measure_name_t;


/*
 * Zeroed first, and added up.  The bytes are those of whole blocks, as of du:
 * of files and folders.  Each name of a file that has several counts for its
 * part of the bytes, so that the sum over all names is right.
 */

typedef struct {
    double              bytes;
    ngx_uint_t          left;       /* entries that may still be looked at */
    ngx_array_t        *names;      /* of files with several; or NULL */
} ngx_lu_measure_t;


/*
 * Measures a folder with all that is in it, or a file.  What goes meanwhile is
 * not counted.  NGX_OK; NGX_DECLINED: it is not there; NGX_ABORT: nothing is
 * left; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_measure(ngx_lu_io_t *io, u_char *path,
    ngx_lu_measure_t *measure);

/*
 * The bytes that removing all those names would free: of files that have no
 * other names.  Sorts the array.
 */

double ngx_lu_measure_freed(ngx_array_t *names);


#endif /* _NGX_LU_MEASURE_H_INCLUDED_ */
