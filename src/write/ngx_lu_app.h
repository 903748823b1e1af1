
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Apps in the store: found, read, made and removed.
 */


#ifndef _NGX_LU_APP_H_INCLUDED_
#define _NGX_LU_APP_H_INCLUDED_


#include "ngx_lu_task.h"

#include "store/ngx_lu_lock.h"

#include "core/lu_json.h"


/* There is one organization from the beginning; others are written down. */

#define NGX_LU_APP_ORGANIZATION  "00000000-0000-4000-8000-000000000000"

/* The name of a new app's default channel. */

#define NGX_LU_APP_CHANNEL  "default"


/*
 * The lock of the task's app, to be given to ngx_lu_lock_release().  NGX_OK,
 * or a status: 404, 409 if its app.json was lost, 500; 503 if another has it.
 */

ngx_int_t ngx_lu_app_lock(ngx_lu_task_t *task, ngx_lu_lock_t **lock);

/*
 * The lock under which apps and organizations come and go; NGX_OK, or
 * NGX_ERROR with task->io, also if another has it.  It is taken before the lock
 * of an app.
 */

ngx_int_t ngx_lu_app_lock_all(ngx_lu_task_t *task, ngx_lu_lock_t **lock);

/*
 * The tree of the task's app, to be freed by the caller.  NGX_OK, or a
 * status: 404, 409 if its app.json was lost, 500.
 */

ngx_int_t ngx_lu_app_read(ngx_lu_task_t *task, cJSON **app);

/*
 * Sets *ids, an array of ngx_str_t, to what may be ids of apps, in the order of
 * their bytes.  NGX_OK or 500.
 */

ngx_int_t ngx_lu_app_ids(ngx_lu_task_t *task, ngx_array_t *ids);

/*
 * Reads the app of one of these ids; the caller frees the tree.  NGX_OK;
 * NGX_DECLINED: it is no app, was deleted, or is damaged, which task->unread
 * counts; or 500.
 */

ngx_int_t ngx_lu_app_load(ngx_lu_task_t *task, const ngx_str_t *id,
    cJSON **app);

/* 1 if there is an app of that id, whatever its file says. */

ngx_uint_t ngx_lu_app_exists(ngx_lu_task_t *task, const ngx_str_t *id);

/*
 * Calls the handler with the tree of each app.  Other than NGX_OK, what the
 * handler returns ends the walk and is returned.  An app whose app.json is
 * damaged is left out: task->unread counts such apps, and task->io names the
 * last one.
 */

typedef ngx_int_t (*ngx_lu_app_pt)(ngx_lu_task_t *task, cJSON *app,
    void *data);

ngx_int_t ngx_lu_app_each(ngx_lu_task_t *task, ngx_lu_app_pt handler,
    void *data);

/*
 * Writes a new app, which becomes the task's: NGX_OK, or a status: 409 if
 * there is one with its id, or one that has lost its app.json; 500, 503, 507.
 */

ngx_int_t ngx_lu_app_create(ngx_lu_task_t *task, cJSON *app);

/*
 * Makes the task's app, an Electron app with that name, unless it is there:
 * NGX_OK, or a status.
 */

ngx_int_t ngx_lu_app_ensure(ngx_lu_task_t *task, const char *name);

/*
 * Removes the task's app with all its releases: NGX_OK, or a status.  A call
 * that was cut short can be repeated until all is gone; then it is 404.
 */

ngx_int_t ngx_lu_app_delete(ngx_lu_task_t *task);


#endif /* _NGX_LU_APP_H_INCLUDED_ */
