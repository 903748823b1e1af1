
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Compressed twins of the files of a bundle.
 */


#ifndef _NGX_LU_GZIP_H_INCLUDED_
#define _NGX_LU_GZIP_H_INCLUDED_


#include "ngx_lu_task.h"

#include "core/lu_file.h"


/*
 * Makes the compressed twins of n files, sorted by href, below gzip/ of the
 * folder if they are of a kind that compresses, and sets file->gzip.  data has
 * the paths of the files.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_gzip(ngx_lu_task_t *task, u_char *folder, lu_file_t *files,
    u_char **data, size_t n);


#endif /* _NGX_LU_GZIP_H_INCLUDED_ */
