
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The bytes that an app takes on the disk, and its quota.
 *
 * apps/{app}/.usage remembers what was measured.  Nothing depends on it.
 */


#ifndef _NGX_LU_USAGE_H_INCLUDED_
#define _NGX_LU_USAGE_H_INCLUDED_


#include "ngx_lu_task.h"


typedef struct {
    double              bytes;      /* of whole blocks, as of du */
    double              quota;      /* 0: none */
} ngx_lu_usage_t;


/*
 * Measures the task's app.  What nobody has changed since it was measured is
 * not measured again; with "about", neither is what has come in the last few
 * seconds.  NGX_OK, or NGX_ERROR with task->io.
 */

ngx_int_t ngx_lu_usage(ngx_lu_task_t *task, ngx_uint_t about,
    ngx_lu_usage_t *usage);

/* Has the app measured anew: files got or lost names, or the quota changed. */

void ngx_lu_usage_forget(ngx_lu_task_t *task);

/*
 * NGX_OK if the app may get so many more bytes, or 507 with the quota.  What
 * came within the last seconds may be left out of account.
 */

ngx_int_t ngx_lu_usage_room(ngx_lu_task_t *task, off_t more);


#endif /* _NGX_LU_USAGE_H_INCLUDED_ */
