
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Paths in the store.
 */


#ifndef _NGX_LU_PATH_H_INCLUDED_
#define _NGX_LU_PATH_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Returns a terminated path in memory of io's pool; the format, a literal, is
 * that of ngx_sprintf().  NULL: io says why, ENOMEM or, beyond 4,094 bytes,
 * ENAMETOOLONG.  The NULL need not be looked at: each function of the store
 * takes it as a path, and fails with io as it is.
 */

u_char *ngx_lu_path(ngx_lu_io_t *io, const char *fmt, ...);

/* The same below a folder, which may be such a NULL. */

u_char *ngx_lu_path_in(ngx_lu_io_t *io, u_char *folder, const char *fmt, ...);

/* Returns, in the same way, the folder that a path lies in. */

u_char *ngx_lu_path_folder(ngx_lu_io_t *io, u_char *path);


#endif /* _NGX_LU_PATH_H_INCLUDED_ */
