
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
 * Makes the compressed twin of a file, data, below gzip/ of the folder if the
 * file is of a kind that compresses, and sets file->gzip.  NGX_OK, or a
 * status.
 */

ngx_int_t ngx_lu_gzip(ngx_lu_task_t *task, u_char *folder, u_char *data,
    lu_file_t *file);


#endif /* _NGX_LU_GZIP_H_INCLUDED_ */
