
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A release in the store: found, locked, read, saved, made live.
 */


#ifndef _NGX_LU_RELEASE_H_INCLUDED_
#define _NGX_LU_RELEASE_H_INCLUDED_


#include "ngx_lu_change.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_io.h"
#include "store/ngx_lu_lock.h"

#include "core/lu_json.h"
#include "core/lu_release.h"


typedef struct {
    cJSON              *json;       /* release.json, owned; or NULL */
    u_char             *folder;     /* in staging/ or live/, terminated */
    ngx_lu_lock_t      *lock;       /* NULL: it is not locked */
    unsigned            is_live:1;  /* it lies in live/ */
} ngx_lu_release_t;


/*
 * The folder of a release of the task's app in live/ or in staging/, whether
 * or not it exists; and release.json in a folder.  All are paths in the
 * pool's memory, as those of ngx_lu_path(): a NULL can be handed on.
 */

u_char *ngx_lu_release_live(ngx_lu_task_t *task, const char *id);
u_char *ngx_lu_release_staging(ngx_lu_task_t *task, const char *id);
u_char *ngx_lu_release_path(ngx_lu_io_t *io, u_char *folder);

/*
 * NGX_OK if the task's app can have another release, or a status: 409 with the
 * limit, 500; 507 if its quota is spent.  Two calls at once may pass the limit
 * by one.
 */

ngx_int_t ngx_lu_release_room(ngx_lu_task_t *task);

/*
 * Refuses a new release whose id, task->id, is a name that the API uses.
 * NGX_OK, or 422.
 */

ngx_int_t ngx_lu_release_named(ngx_lu_task_t *task);

/*
 * Reads release.json in a folder; the caller frees the tree.  NGX_OK;
 * NGX_DECLINED: there is none; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_release_load(ngx_lu_io_t *io, u_char *folder, cJSON **json);

/*
 * Reads a release of the task's app from live/ or staging/, without a lock.
 * The caller closes it.  NGX_OK, or a status: 404, 500.  With task->bundles
 * desktop releases are not found.
 */

ngx_int_t ngx_lu_release_read(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release);

/*
 * Reads the release task->id, and has it locked if it is in staging.  The
 * caller closes it.  NGX_OK, or a status: 404, 500; 503 if another has the
 * lock.
 */

ngx_int_t ngx_lu_release_open(ngx_lu_task_t *task, ngx_lu_release_t *release);

/*
 * Locks and reads a release of the task's app in staging/.  The caller closes
 * it.  NGX_OK; NGX_DECLINED: there is none in staging/; or 500; or 503 if
 * another has the lock.
 */

ngx_int_t ngx_lu_release_open_staging(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release);

/*
 * Locks a folder in staging/ that need not have a release or a lock file yet:
 * release->json is NULL.  The caller closes it.  NGX_OK; NGX_DECLINED: there
 * is no such folder; or 500; or 503 if another has the lock.
 */

ngx_int_t ngx_lu_release_lock(ngx_lu_task_t *task, const char *id,
    ngx_lu_release_t *release);

/* Writes release.json into the release's folder.  NGX_OK, or 500 or 507. */

ngx_int_t ngx_lu_release_save(ngx_lu_task_t *task, ngx_lu_release_t *release);

/* Unlocks the release and frees its tree. */

void ngx_lu_release_close(ngx_lu_release_t *release);

/*
 * The lock of the release task->id, to be given to ngx_lu_lock_release(); it
 * is NULL if the release is not in staging.  NGX_OK or 500; 503 if
 * another has it.
 */

ngx_int_t ngx_lu_release_hold(ngx_lu_task_t *task, ngx_lu_lock_t **lock);

/* ngx_lu_change() while nobody verifies or completes the task's release. */

ngx_int_t ngx_lu_release_change(ngx_lu_task_t *task, ngx_lu_change_pt change,
    ngx_lu_change_finish_pt finish, void *data);

/*
 * The state of a release.  In staging the release itself has it; whether it is
 * live or was withdrawn the app says.
 */

lu_state_e ngx_lu_release_state(const cJSON *app,
    const ngx_lu_release_t *release);

/*
 * Moves a release of the task's app from staging to live, durably, while its
 * lock is held.  NGX_OK, also if it is there already, or a status: 404, 500.
 */

ngx_int_t ngx_lu_release_publish(ngx_lu_task_t *task, const char *id);

/*
 * The file of the job that task->subject has, if it has one; NULL: out of
 * memory.
 */

u_char *ngx_lu_release_job(ngx_lu_task_t *task);


#endif /* _NGX_LU_RELEASE_H_INCLUDED_ */
