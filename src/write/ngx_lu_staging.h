
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The folder of a release in staging/, while its uploads are verified.
 */


#ifndef _NGX_LU_STAGING_H_INCLUDED_
#define _NGX_LU_STAGING_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "core/lu_file.h"


/*
 * Removes a folder below that of the release, which an earlier try may have
 * left.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_staging_clean(ngx_lu_task_t *task, u_char *folder,
    const char *name);

/*
 * Makes a folder for files/ and gzip/, *make, which is no other's: who verifies
 * the same release and has been too late does not touch what another has made.
 * The caller gives it to ngx_lu_tree_discard() at the end.  NGX_OK, or a
 * status.
 */

ngx_int_t ngx_lu_staging_begin(ngx_lu_task_t *task, ngx_lu_release_t *release,
    u_char **make);

/*
 * Links a file, data, to its href below files/ in that folder, and makes the
 * folders that this takes.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_staging_place(ngx_lu_task_t *task, u_char *make,
    u_char *data, const lu_str_t *href);

/*
 * Moves files/ and gzip/ to the release, in the place of those of an earlier
 * try, writes the file table, n files sorted by href, and then that the release
 * is staged: what files/ has is on the disk by then.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_staging_complete(ngx_lu_task_t *task,
    ngx_lu_release_t *release, u_char *make, const lu_file_t *files, size_t n);

/*
 * Writes that the release has failed and why, unless the status is one of the
 * server's own failures.  Returns the status, or another one.
 */

ngx_int_t ngx_lu_staging_refuse(ngx_lu_task_t *task,
    ngx_lu_release_t *release, ngx_int_t status);


#endif /* _NGX_LU_STAGING_H_INCLUDED_ */
