
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What those should know who approve a desktop release.
 */


#ifndef _NGX_LU_REVIEW_H_INCLUDED_
#define _NGX_LU_REVIEW_H_INCLUDED_


#include "ngx_lu_task.h"


/*
 * Appends sentences to an array: what is wrong with a release, whose
 * release.json is given, and with its effects, those of
 * ngx_lu_desktop_effect().  NGX_OK or 500.
 */

ngx_int_t ngx_lu_review(ngx_lu_task_t *task, const cJSON *json,
    const cJSON *effects, cJSON *warnings);


#endif /* _NGX_LU_REVIEW_H_INCLUDED_ */
