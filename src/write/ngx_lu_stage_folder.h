
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A desktop release that is staged by hand: its files were put into uploads/
 * of a folder in staging/ by nginx's own DAV module, or copied there.
 */


#ifndef _NGX_LU_STAGE_FOLDER_H_INCLUDED_
#define _NGX_LU_STAGE_FOLDER_H_INCLUDED_


#include "ngx_lu_task.h"

#include "core/lu_json.h"


/*
 * Verifies and stages what lies in the folder of task->subject in staging/.
 * A folder without a release.json gets the given one, a tree that the call
 * frees in any case.  NGX_OK, also if the release is staged already and
 * nobody has to approve it, so that a call that was cut short can be
 * repeated; or a status: 404, 409, 422, 500, 507.
 *
 * "wishes" are as for ngx_lu_stage().  *left is a copy of the members of
 * release.json that tell what was left out, which the caller frees, or NULL.
 */

ngx_int_t ngx_lu_stage_folder(ngx_lu_task_t *task, cJSON *json,
    const cJSON *wishes, cJSON **left);


/*
 * NGX_OK: without approval, a call has moved the release to live/ and was cut
 * short before it was promoted; NGX_DECLINED; or 500.
 */

ngx_int_t ngx_lu_stage_folder_is_cut(ngx_lu_task_t *task);


#endif /* _NGX_LU_STAGE_FOLDER_H_INCLUDED_ */
