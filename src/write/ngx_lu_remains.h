
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What the store has of an app that has no app.json: the app is being deleted,
 * or its app.json was lost.  Only a deletion removes anything.
 */


#ifndef _NGX_LU_REMAINS_H_INCLUDED_
#define _NGX_LU_REMAINS_H_INCLUDED_


#include "ngx_lu_task.h"


/*
 * Refuses a task whose app has no app.json, but files: 409 with the remedy.
 * NGX_OK: there are no files, or the app is being deleted; or 500.
 */

ngx_int_t ngx_lu_remains_check(ngx_lu_task_t *task);

/*
 * Marks the task's app for deletion, durably and in one step: the folder that
 * has its app.json gets the name of the mark.  The caller holds the lock of
 * all apps and that of the app.  NGX_OK, or 500.
 */

ngx_int_t ngx_lu_remains_mark(ngx_lu_task_t *task);

/*
 * Ends a deletion that was begun and cut short.  The caller holds the lock of
 * all apps.  NGX_OK, also if the app is not marked; or a status.
 */

ngx_int_t ngx_lu_remains_finish(ngx_lu_task_t *task);

/*
 * Removes what the store has of the task's app, and the mark at last.  The
 * caller holds the lock of all apps.  NGX_OK; NGX_DECLINED: there was nothing;
 * or 500.
 */

ngx_int_t ngx_lu_remains_remove(ngx_lu_task_t *task);


#endif /* _NGX_LU_REMAINS_H_INCLUDED_ */
