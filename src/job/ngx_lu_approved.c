
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Who asks to look at what was approved on GitHub, and what came of it.
 */


#include "api/ngx_lu_api.h"
#include "ngx_lu_job.h"


/* For those who ask what came of their commit. */

ngx_int_t
ngx_lu_approved_write(ngx_lu_call_t *call, ngx_array_t *apps, ngx_int_t status)
{
    cJSON       *json;
    u_char      *path, *sentence;
    ngx_int_t    rc;
    ngx_str_t   *app;
    ngx_uint_t   i;

    sentence = NULL;

    if (status != NGX_OK) {
        sentence = ngx_lu_reply_sentence(call->job->pool, &call->error);
        if (sentence == NULL) {
            return ngx_lu_nomem(call);
        }
    }

    call->job->approved->error = sentence;

    json = cJSON_CreateObject();

    if (cJSON_AddStringToObject(json, "at", call->now) == NULL
        || cJSON_AddStringToObject(json, "commit",
                                   (char *) call->job->approved->commit)
           == NULL
        || (sentence
            && cJSON_AddStringToObject(json, "error", (char *) sentence)
               == NULL))
    {
        cJSON_Delete(json);
        return ngx_lu_nomem(call);
    }

    rc = NGX_OK;
    app = apps->elts;

    for (i = 0; i < apps->nelts && rc == NGX_OK; i++) {

        path = ngx_lu_path(call->io.pool, "%V/apps/%V/github.json",
                           &call->store->path, &app[i]);

        rc = ngx_lu_store_write_json(&call->io, call->store, path, json);
    }

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_failed(call);
}


/*
 * To be done, or to be done again: who asks makes the file longer.  There is
 * one job for it, so that no older commit is followed after a newer one.
 */

ngx_int_t
ngx_lu_approved_ask(ngx_lu_call_t *call)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%V/jobs/github", &call->store->path);

    if (ngx_lu_store_append(&call->io, path, "\n", 1) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_approved_over(ngx_lu_call_t *call)
{
    ngx_fd_t         lock;
    ngx_int_t        rc;
    ngx_file_info_t  fi;
    ngx_lu_job_t    *job;

    job = call->job;

    if (ngx_lu_approved_lock(call, &lock) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    rc = NGX_OK;

    if (ngx_fd_info(job->claim, &fi) != NGX_FILE_ERROR
        && ngx_file_size(&fi) == job->seen)
    {
        rc = ngx_lu_store_unlink(&call->io, job->path);
    }

    ngx_lu_store_unlock(lock);

    return rc == NGX_ERROR ? ngx_lu_failed(call) : NGX_OK;
}


ngx_int_t
ngx_lu_approved_lock(ngx_lu_call_t *call, ngx_fd_t *lock)
{
    return ngx_lu_store_lock(&call->io,
                             ngx_lu_path(call->io.pool, "%V/jobs/.lock",
                                         &call->store->path),
                             lock);
}


/* GET /releases/{app}/github */

ngx_int_t
ngx_lu_approved_get(ngx_lu_call_t *call)
{
    cJSON      *app;
    u_char     *path;
    ngx_int_t   rc, status;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    path = ngx_lu_path(call->io.pool, "%V/apps/%s/github.json",
                       &call->store->path, call->route.app.data);

    rc = ngx_lu_store_read_json(&call->io, path, &call->answer);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {
        call->answer = cJSON_CreateObject();
    }

    return call->answer ? NGX_HTTP_OK : ngx_lu_nomem(call);
}
