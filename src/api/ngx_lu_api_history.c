
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_history.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_task.h"

#include "core/lu_history.h"


/* files that are read, at most */

#define NGX_LU_API_HISTORY_MACHINES  64


static ngx_int_t ngx_lu_api_history_sum(ngx_lu_task_t *task,
    lu_history_t *history);
static ngx_int_t ngx_lu_api_history_read(ngx_lu_task_t *task, u_char *path,
    lu_history_t *history);


ngx_int_t
ngx_lu_api_history_get(ngx_lu_call_t *call)
{
    cJSON          *app, *json;
    ngx_int_t       status;
    lu_history_t   *history;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    history = ngx_pcalloc(task->io.pool, sizeof(lu_history_t));
    if (history == NULL) {
        return ngx_lu_task_nomem(task);
    }

    history->first = (double) (lu_time_of(task->now) / LU_HISTORY_HOUR)
                     - LU_HISTORY_HOURS + 1;

    status = ngx_lu_api_history_sum(task, history);

    /* it frees what was added, too */

    json = lu_history_json(history);

    if (status != NGX_OK) {
        cJSON_Delete(json);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}


static ngx_int_t
ngx_lu_api_history_sum(ngx_lu_task_t *task, lu_history_t *history)
{
    u_char       *folder;
    ngx_int_t     status;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    folder = ngx_lu_path(&task->io, "%V/apps/%s/history", &task->store->path,
                         task->app.data);

    if (ngx_lu_tree_list(&task->io, folder, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < ngx_min(names.nelts, NGX_LU_API_HISTORY_MACHINES); i++) {

        status = ngx_lu_api_history_read(task,
                                         ngx_lu_path_in(&task->io, folder,
                                                        "%V", &name[i]),
                                         history);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* A file that is damaged is left out: its machine writes it anew. */

static ngx_int_t
ngx_lu_api_history_read(ngx_lu_task_t *task, u_char *path,
    lu_history_t *history)
{
    cJSON      *json;
    lu_rc_e     rc;
    ngx_int_t   status;

    status = ngx_lu_file_read_json(&task->io, path, &json);

    if (status == NGX_ERROR && ngx_lu_io_is_damage(&task->io)) {
        ngx_lu_io_clear(&task->io);
        return NGX_OK;
    }

    if (status == NGX_DECLINED) {
        return NGX_OK;
    }

    if (status != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    rc = lu_history_add(history, json);

    cJSON_Delete(json);

    return rc == LU_OK ? NGX_OK : ngx_lu_task_nomem(task);
}
