
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * apps/{app}/names, the record of the names that the feed of an app has had.
 * It outlives the releases, since clients and caches keep the files.
 */


#ifndef _NGX_LU_NAMES_H_INCLUDED_
#define _NGX_LU_NAMES_H_INCLUDED_


#include "ngx_lu_task.h"

#include "core/lu_file.h"


/*
 * Refuses files, sorted by href, of which one has a name that had other bytes
 * before: NGX_OK, or 409 with the file and the release that had it first, 500.
 * Names whose bytes may change, such as those of manifests, are not compared.
 * known[i], if known is not NULL, is set if files[i] was in the feed before.
 */

ngx_int_t ngx_lu_names_check(ngx_lu_task_t *task, const lu_file_t *files,
    size_t n, u_char *known);

/*
 * Records the names of task->subject before they come into the feed, while the
 * app is locked.  NGX_OK, or a status: 409 as above, 500, 507.
 */

ngx_int_t ngx_lu_names_add(ngx_lu_task_t *task, const lu_file_t *files,
    size_t n);


#endif /* _NGX_LU_NAMES_H_INCLUDED_ */
