
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Events of the time alone: a step of a plan has begun, a rollout or a channel
 * has expired.
 */


#ifndef _NGX_LU_STEPS_H_INCLUDED_
#define _NGX_LU_STEPS_H_INCLUDED_


#include "ngx_lu_notify.h"


/*
 * Writes into the journal what has begun and expired in an app since *told, and
 * sets that, and *next: when to look again if the app does not change.  NGX_OK;
 * NGX_DECLINED: the app has gone; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_steps(ngx_lu_pass_t *pass, ngx_str_t *app, time_t *told,
    time_t *next);


#endif /* _NGX_LU_STEPS_H_INCLUDED_ */
