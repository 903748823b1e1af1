
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Paths of files, terminated, in memory of a pool.
 */


#ifndef _NGX_LU_PATH_H_INCLUDED_
#define _NGX_LU_PATH_H_INCLUDED_


#include "base/ngx_lu.h"


/* Terminated; NULL: out of memory, or longer than 4,094 bytes. */

u_char *ngx_lu_path(ngx_pool_t *pool, const char *fmt, ...);

/* The folder that a path lies in, or NULL. */

u_char *ngx_lu_path_folder(ngx_pool_t *pool, u_char *path);


#endif /* _NGX_LU_PATH_H_INCLUDED_ */
