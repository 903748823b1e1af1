
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A desktop release whose files are uploaded one by one, until all that it is
 * expected to have is there.
 */


#ifndef _NGX_LU_INLET_H_INCLUDED_
#define _NGX_LU_INLET_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_temp.h"

#include "core/lu_builder.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


#define NGX_LU_INLET_FILES    2000      /* of a release, at most */
#define NGX_LU_INLET_LISTED   100       /* in a list of release.json */


/* A file that was received, and what became of it. */

typedef struct {
    lu_str_t             file;          /* "[{folder}/]{name}", terminated */
    ngx_lu_temp_t       *temp;          /* synced; with its size */
    const char          *sha256;
    unsigned             taken:1;       /* the temp is gone */
    unsigned             replaced:1;    /* another file of that name */
} ngx_lu_inlet_t;


/*
 * Locks the folder of the task's release in staging/.  A folder that is not
 * there is made, and one without a release.json gets the given one, a tree
 * that the call frees in any case.  The caller closes the release.
 *
 * NGX_OK: files may come; NGX_DONE: the release is staged, rejected, live or
 * withdrawn; or a status: 404, 409, 422, 500, 503, 507.
 */

ngx_int_t ngx_lu_inlet_open(ngx_lu_task_t *task, cJSON *json,
    ngx_lu_release_t *release);

/*
 * Gives a file its name in uploads/ of an open release, durably, and writes
 * into release.json that it has replaced another one.
 *
 * Builds of one version for several architectures write manifests of the same
 * name.  One that lists none of the files of another, but has its version, does
 * not replace it, but lies beside it in a folder.
 *
 * NGX_OK, or a status: 409, 422, 500, 507.
 */

ngx_int_t ngx_lu_inlet_place(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet);

/*
 * NGX_OK if a release that takes no more files has this one, so that an upload
 * that is repeated has the same effect; NGX_DECLINED: it has not; or a status.
 */

ngx_int_t ngx_lu_inlet_known(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const ngx_lu_inlet_t *inlet);

/*
 * Reads an update manifest of up to 1 MB; its strings are in the task's pool.
 * NGX_OK; NGX_DECLINED: it is none; or a status.
 */

ngx_int_t ngx_lu_inlet_manifest(ngx_lu_task_t *task, u_char *path,
    lu_builder_t *builder);

/*
 * Adds an item, which becomes part of the tree, to a list of release.json that
 * has the last ones.
 */

void ngx_lu_inlet_list(lu_put_t *put, cJSON *json, const char *key,
    cJSON *item);


#endif /* _NGX_LU_INLET_H_INCLUDED_ */
