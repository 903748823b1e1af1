
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a desktop release whose files come one by one is expected to have: the
 * names of its update manifests.  Once they are met, nothing more has to come.
 */


#ifndef _NGX_LU_EXPECTS_H_INCLUDED_
#define _NGX_LU_EXPECTS_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"


#define NGX_LU_EXPECTS_MAX  100         /* manifests */


/*
 * What is expected, from the body of a call: check() refuses what is no list of
 * names with 422; put() writes the list into release.json.  NGX_OK, or a
 * status: 422, 500, 507.
 */

ngx_int_t ngx_lu_expects_check(ngx_lu_task_t *task, const cJSON *expects);
ngx_int_t ngx_lu_expects_put(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const cJSON *expects);

/* 1 if that may be the name of an expected manifest. */

ngx_uint_t ngx_lu_expects_name_valid(const lu_str_t *name);

/*
 * NGX_OK if all expected manifests are in uploads/, and all files that the
 * manifests there name; NGX_DECLINED: some are not, or nothing is expected; or
 * a status.  What release.json expects comes first, then the array of lu_str_t,
 * for a prerelease under the names of its channel; a name that occurs twice
 * stands for two manifests.
 */

ngx_int_t ngx_lu_expects_met(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const ngx_array_t *expects);


#endif /* _NGX_LU_EXPECTS_H_INCLUDED_ */
