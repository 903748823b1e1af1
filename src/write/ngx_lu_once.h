
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Bytes that several bundles of an app have are stored once: a file that an
 * earlier one has, too, becomes a hard link to it.  Files of releases are never
 * written to, so that nobody can tell.
 */


#ifndef _NGX_LU_ONCE_H_INCLUDED_
#define _NGX_LU_ONCE_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "core/lu_file.h"


/*
 * Looks in the newest bundles of the app for the n files below files/ and
 * gzip/ of the folder "make", which is nobody else's yet, and links those whose
 * bytes are the same.  A file that cannot be linked stays: there are too many
 * names, another file system, one without links, or the older one has gone.
 * NGX_OK, or a status.
 */

ngx_int_t ngx_lu_once(ngx_lu_task_t *task, const ngx_lu_release_t *release,
    u_char *make, const lu_file_t *files, size_t n);


#endif /* _NGX_LU_ONCE_H_INCLUDED_ */
