
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of a desktop release that are uploaded in parts.
 */


#ifndef _NGX_LU_INLET_PARTS_H_INCLUDED_
#define _NGX_LU_INLET_PARTS_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_temp.h"

#include "core/lu_s3.h"
#include "core/lu_sha256.h"


/*
 * Each of these is called with an open release that is locked; file is
 * "[{folder}/]{name}".  They return NGX_OK, or a status: 500, 507 and those
 * that they say.  404: there is no such upload of that file.
 *
 * create() begins an upload and sets *upload to its id: 409, too many of them.
 * keep() makes the temporary file, which is gone in any case then, a part: 404.
 * abort() removes the parts: 404.
 */

ngx_int_t ngx_lu_inlet_parts_create(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *file, char **upload);
ngx_int_t ngx_lu_inlet_parts_keep(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *file, const lu_str_t *upload,
    unsigned number, ngx_lu_temp_t *temp);
ngx_int_t ngx_lu_inlet_parts_abort(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *file, const lu_str_t *upload);

/*
 * Adds the parts to an empty temporary file, of max bytes at most.  The ETag of
 * a part is its SHA-256.  400: there is another part, or none; 404; 413.
 */

ngx_int_t ngx_lu_inlet_parts_join(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *file, const lu_str_t *upload,
    const lu_s3_part_t *parts, size_t n, off_t max, ngx_lu_temp_t *whole);

/*
 * After the file has its place: removes the parts, and leaves a note for
 * whoever completes the upload again, in release.json.
 */

ngx_int_t ngx_lu_inlet_parts_done(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const lu_str_t *file, const lu_str_t *upload,
    const char *sha256);

/*
 * NGX_OK with the SHA-256 of the file if that upload was completed, of any
 * release that is open; or NGX_DECLINED.
 */

ngx_int_t ngx_lu_inlet_parts_finished(const ngx_lu_release_t *release,
    const lu_str_t *file, const lu_str_t *upload,
    char sha256[LU_SHA256_HEX + 1]);


#endif /* _NGX_LU_INLET_PARTS_H_INCLUDED_ */
