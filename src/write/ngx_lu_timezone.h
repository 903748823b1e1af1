
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The time zone of a plan, from the system's database.
 */


#ifndef _NGX_LU_TIMEZONE_H_INCLUDED_
#define _NGX_LU_TIMEZONE_H_INCLUDED_


#include "ngx_lu_task.h"


/*
 * What the body of a request wants of a rollout, as lu_growth_wanted() says; if
 * its plan names a time zone, with the offsets of that.  They are written down
 * with the plan, so that all machines agree whatever database they have.
 * *wanted becomes a member of the body; NULL: nothing is wanted.  NGX_OK, or
 * 422 or 500.
 */

ngx_int_t ngx_lu_timezone_wanted(ngx_lu_task_t *task, cJSON *body,
    double share, cJSON **wanted);


#endif /* _NGX_LU_TIMEZONE_H_INCLUDED_ */
