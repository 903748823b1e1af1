
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


/*
 * The reserve, unless another one is set: 1 % of the disk, 64 MB at most.  With
 * any, 1 % of the inodes are kept, 10,000 at most.
 */

#define NGX_LU_USAGE_RESERVE  -1


typedef struct {
    double              bytes;      /* of whole blocks, as of du */
    double              quota;      /* 0: none */
} ngx_lu_usage_t;


/*
 * Measures the task's app.  What nobody has changed since it was measured is
 * not measured again for an hour; with "about", neither is what has come in the
 * last few seconds.  NGX_OK, or NGX_ERROR with task->io.
 */

ngx_int_t ngx_lu_usage(ngx_lu_task_t *task, ngx_uint_t about,
    ngx_lu_usage_t *usage);

/*
 * Has what is released measured anew: its files got or lost names elsewhere, in
 * staging/ or tmp/.  To be called afterwards.
 */

void ngx_lu_usage_changed(ngx_lu_task_t *task);

/*
 * NGX_OK if the app may get so many more bytes, or 507 with the quota.  They
 * are counted at once, but of several calls at the same time perhaps only those
 * of one.  Those that are on the disk already may not have spent the reserve of
 * the disk either.
 */

ngx_int_t ngx_lu_usage_room(ngx_lu_task_t *task, off_t more);

/*
 * NGX_OK if the disk of the store has room for so many bytes that are to come,
 * and for the reserve; or 507.
 */

ngx_int_t ngx_lu_usage_disk(ngx_lu_task_t *task, off_t more);


#endif /* _NGX_LU_USAGE_H_INCLUDED_ */
