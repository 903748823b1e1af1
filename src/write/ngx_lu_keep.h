
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The releases of an app, and which of them the policy lets go.
 */


#ifndef _NGX_LU_KEEP_H_INCLUDED_
#define _NGX_LU_KEEP_H_INCLUDED_


#include "ngx_lu_task.h"

#include "store/ngx_lu_measure.h"

#include "core/lu_keep.h"


/* What was read of the task's app, in the pool of the task. */

typedef struct {
    lu_keep_t           policy;
    lu_str_t            text;       /* of the policy; terminated */
    unsigned            own:1;      /* it is the app's */
    cJSON              *app;        /* freed by ngx_lu_keep_close() */
    cJSON              *followed;   /* the same; or NULL */
    lu_keep_fact_t     *facts;      /* in the order of their ids */
    size_t              n;
    time_t              now;
    unsigned            damaged:1;  /* the release of the last removal */
} ngx_lu_keep_t;


/*
 * Reads the app and its releases, and decides by the policy: that of the text,
 * or, if it is NULL, of the app, or, if that has none, of the store.  The
 * caller closes it.  NGX_OK, or a status: 404, 422, 500, 503.
 */

ngx_int_t ngx_lu_keep_open(ngx_lu_task_t *task, const char *text,
    ngx_lu_keep_t *keep);
void ngx_lu_keep_close(ngx_lu_keep_t *keep);

/*
 * Decides again, by an app that was changed meanwhile, about the release
 * task->subject, which was read again.  Why it stays, or goes.  Plans of the
 * app are settled.
 */

lu_keep_e ngx_lu_keep_again(ngx_lu_task_t *task, ngx_lu_keep_t *keep,
    cJSON *app, const cJSON *release, u_char *folder, ngx_uint_t is_live);

/*
 * Adds up what a release takes; what removing all of them frees is in "names"
 * beside measure->bytes.  NGX_OK, NGX_ABORT, or NGX_ERROR with task->io.
 */

ngx_int_t ngx_lu_keep_measure(ngx_lu_task_t *task, const lu_keep_fact_t *fact,
    ngx_lu_measure_t *measure);

/*
 * Removes releases that may go, not more than max, one after the other, each
 * with an audit entry, and then the channels that have ended, if none is left.
 * Sets *removed, and *left: what may go, but is there still.  A release whose
 * files cannot be read stays where it is: its id is in "damaged", of lu_str_t,
 * and task->io names the first such file.  NGX_OK, or a status; what was
 * removed until then is gone.
 */

ngx_int_t ngx_lu_keep_clean(ngx_lu_task_t *task, ngx_uint_t max,
    ngx_uint_t *removed, ngx_uint_t *left, ngx_array_t *damaged);


#endif /* _NGX_LU_KEEP_H_INCLUDED_ */
