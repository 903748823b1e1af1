
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * github.json in the store: what the two files said when they were followed
 * last.  Only what differs from that is acted on.
 */


#ifndef _NGX_LU_FOLLOWED_H_INCLUDED_
#define _NGX_LU_FOLLOWED_H_INCLUDED_


#include "ngx_lu_github.h"

#include "write/ngx_lu_task.h"


/*
 * Reads the file into *json, which the caller frees; NULL: there is none.
 * Run in a thread.  NGX_OK, or a status: 404, 500, 507.
 */

ngx_int_t ngx_lu_followed_read(ngx_lu_task_t *task, cJSON **json);

/*
 * Writes the file: the repository, the commit and the blobs of github, the
 * members "builds" and "rules" of *json, which is freed.
 */

ngx_int_t ngx_lu_followed_write(ngx_lu_task_t *task,
    ngx_lu_github_t *github, u_char *commit, cJSON *json);

/*
 * Writes the file as it is in "followed", which may be NULL, with what is about
 * to be changed: "begun" is freed.  NGX_OK, or a status: 404, 500, 507.
 */

ngx_int_t ngx_lu_followed_begin(ngx_lu_task_t *task, ngx_lu_github_t *github,
    const cJSON *followed, cJSON *begun);

/*
 * 1 if the file is about this repository and this branch.  The id, which may
 * be 0, counts more than the name.
 */

ngx_uint_t ngx_lu_followed_is(const cJSON *json, uint64_t id, u_char *name,
    size_t len);

/* The id of the repository, or 0. */

uint64_t ngx_lu_followed_id(const cJSON *json);


#endif /* _NGX_LU_FOLLOWED_H_INCLUDED_ */
