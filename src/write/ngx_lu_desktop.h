
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The releases of a desktop app and its feed: a folder with hard links to the
 * files of all that are live.
 */


#ifndef _NGX_LU_DESKTOP_H_INCLUDED_
#define _NGX_LU_DESKTOP_H_INCLUDED_


#include "ngx_lu_bundle.h"
#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "core/lu_json.h"


/*
 * Promotes a staged release, or changes the rollout of a live one: a change
 * of the app.  200, or a status: 404, 409, 422, 500, 507.  A careful promotion
 * that would leave somebody without an update is 409.
 */

ngx_int_t ngx_lu_desktop_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion);

/*
 * Tells what the promotion would do to whom, and does nothing: appends to an
 * array what lu_effect() says.  The tree of the app is changed, and to be
 * thrown away.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_desktop_effect(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion,
    cJSON *effects);

/*
 * Notes what manifests the releases of an app.json of an older version have:
 * what a change of its releases begins with.  A release that cannot be read
 * stays as it is.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_desktop_learn(ngx_lu_task_t *task, cJSON *app);

/*
 * Takes the files of task->subject, which is in live/, out of the feed, and
 * its job out of the queue.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_desktop_unlink(ngx_lu_task_t *task);

/*
 * Whether unlink() can read what files the release in this folder has.  NGX_OK,
 * or a status, 422 if files.json is none.
 */

ngx_int_t ngx_lu_desktop_check(ngx_lu_task_t *task, u_char *folder);


#endif /* _NGX_LU_DESKTOP_H_INCLUDED_ */
