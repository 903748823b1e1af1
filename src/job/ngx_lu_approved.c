
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Who asks to look at what was approved on GitHub, and what came of it.
 */


#include "ngx_lu_job.h"
#include "ngx_lu_reconcile.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"


/* For those who ask what came of their commit. */

ngx_int_t
ngx_lu_approved_write(ngx_lu_step_t *step, ngx_array_t *apps, ngx_int_t status)
{
    cJSON      *json;
    u_char     *path, *sentence;
    ngx_int_t   rc;
    ngx_str_t  *app;
    ngx_uint_t  i;

    sentence = NULL;

    if (status != NGX_OK) {
        sentence = ngx_lu_reply_sentence(step->job->pool, &step->task.error);
        if (sentence == NULL) {
            return ngx_lu_task_nomem(&step->task);
        }
    }

    step->job->github->approved.error = sentence;

    json = cJSON_CreateObject();

    if (cJSON_AddStringToObject(json, "at", step->task.now) == NULL
        || cJSON_AddStringToObject(json, "commit",
                                   (char *) step->job->github->approved.commit)
           == NULL
        || (sentence
            && cJSON_AddStringToObject(json, "error", (char *) sentence)
               == NULL))
    {
        cJSON_Delete(json);
        return ngx_lu_task_nomem(&step->task);
    }

    rc = NGX_OK;
    app = apps->elts;

    for (i = 0; i < apps->nelts && rc == NGX_OK; i++) {

        path = ngx_lu_path(&step->task.io, "%V/apps/%V/github.json",
                           &step->task.store->path, &app[i]);

        rc = ngx_lu_file_write_json(&step->task.io, step->task.store, path,
                                    json);
    }

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(&step->task);
}


/*
 * To be done, or to be done again: who asks makes the file longer.  There is
 * one job for it, so that no older commit is followed after a newer one.
 */

ngx_int_t
ngx_lu_approved_ask(ngx_lu_task_t *task)
{
    u_char  *path;

    path = ngx_lu_path(&task->io, "%V/jobs/github",
                       &task->store->path);

    if (ngx_lu_file_append(&task->io, path, "\n", 1) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_approved_over(ngx_lu_step_t *step)
{
    ngx_fd_t         lock;
    ngx_int_t        rc;
    ngx_lu_job_t    *job;
    ngx_file_info_t  fi;

    job = step->job;

    if (ngx_lu_approved_lock(&step->task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(&step->task);
    }

    rc = NGX_OK;

    if (ngx_fd_info(job->claim, &fi) != NGX_FILE_ERROR
        && ngx_file_size(&fi) == job->seen)
    {
        rc = ngx_lu_file_unlink(&step->task.io, job->path);
    }

    ngx_lu_lock_release(lock);

    return rc == NGX_ERROR ? ngx_lu_task_failed(&step->task) : NGX_OK;
}


ngx_int_t
ngx_lu_approved_lock(ngx_lu_task_t *task, ngx_fd_t *lock)
{
    return ngx_lu_lock(&task->io,
                       ngx_lu_path(&task->io, "%V/jobs/.lock",
                                   &task->store->path),
                       lock);
}
