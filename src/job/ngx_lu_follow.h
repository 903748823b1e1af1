
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The two files that were approved on GitHub, desktop-builds.json and
 * desktop-releases.json, are followed: first all is checked, then each app is
 * changed.
 */


#ifndef _NGX_LU_FOLLOW_H_INCLUDED_
#define _NGX_LU_FOLLOW_H_INCLUDED_


#include "ngx_lu_github.h"

#include "write/ngx_lu_task.h"


/*
 * Promotes listed builds, sets the rules, and withdraws builds that are not
 * listed.  The ids of all apps of the store are added to "apps", an array of
 * ngx_str_t, terminated and from the task's pool.  The task's app, id and
 * audit entry are those of the last change afterwards.  Runs in a thread.
 *
 * NGX_OK; or a status: 422, and others below 500, if the files cannot be
 * followed, with the task's error; 500, 507.
 */

ngx_int_t ngx_lu_follow(ngx_lu_task_t *task, const ngx_lu_approved_t *approved,
    ngx_array_t *apps);


#endif /* _NGX_LU_FOLLOW_H_INCLUDED_ */
