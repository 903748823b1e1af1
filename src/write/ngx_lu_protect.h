
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Protected channels, which only approvers may change.
 */


#ifndef _NGX_LU_PROTECT_H_INCLUDED_
#define _NGX_LU_PROTECT_H_INCLUDED_


#include "ngx_lu_task.h"

#include "core/lu_json.h"


/* Makes a bundle that is for a protected channel wait for an approver. */

void ngx_lu_protect(ngx_lu_task_t *task, const cJSON *app,
    const cJSON *release);

/* 1 if the channel is protected, and the task's owner may not approve. */

ngx_uint_t ngx_lu_protect_channel(ngx_lu_task_t *task, const cJSON *channel);

/*
 * The same of any channel of the app that has the release deployed; NULL: of
 * any channel.
 */

ngx_uint_t ngx_lu_protect_app(ngx_lu_task_t *task, const cJSON *app,
    const char *release);

/* 403, with the reason. */

ngx_int_t ngx_lu_protect_refuse(ngx_lu_task_t *task);


#endif /* _NGX_LU_PROTECT_H_INCLUDED_ */
