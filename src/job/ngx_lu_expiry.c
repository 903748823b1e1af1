
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_expiry.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_put.h"
#include "core/lu_time.h"


/* the token of an installation lives an hour, and a program renews it */

#define NGX_LU_EXPIRY_SHORT  86400     /* seconds */


static time_t ngx_lu_expiry_read(ngx_lu_io_t *io, u_char *path);
static u_char *ngx_lu_expiry_path(ngx_lu_io_t *io, ngx_lu_store_t *store);


void
ngx_lu_expiry_note(ngx_lu_step_t *step)
{
    char              text[LU_TIME_SIZE];
    cJSON            *json;
    time_t            until, known;
    u_char           *path;
    lu_put_t          put;
    ngx_lu_io_t       local;
    ngx_lu_task_t    *task;
    ngx_lu_github_t  *github;

    task = &step->task;
    github = step->job->github;

    if (!github->trusted) {
        return;
    }

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = task->io.pool;

    path = ngx_lu_expiry_path(&local, task->store);

    until = github->until;
    known = ngx_lu_expiry_read(&local, path);

    if (until == known) {
        return;
    }

    if (until == 0 || until - lu_time_of(task->now) < NGX_LU_EXPIRY_SHORT) {
        (void) ngx_lu_file_unlink(&local, path);
        return;
    }

    lu_time_print(text, until, 0);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "until", text);
    lu_put_string(&put, json, "at", task->now);

    json = lu_put_done(&put, json);

    if (json) {
        (void) ngx_lu_file_write_json(&local, task->store, path, json);
        cJSON_Delete(json);
    }
}


time_t
ngx_lu_expiry(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    ngx_lu_io_t  local;

    if (store->jobs == NULL || store->jobs->github == NULL) {
        return 0;
    }

    ngx_memzero(&local, sizeof(ngx_lu_io_t));
    local.pool = io->pool;

    return ngx_lu_expiry_read(&local, ngx_lu_expiry_path(&local, store));
}


static time_t
ngx_lu_expiry_read(ngx_lu_io_t *io, u_char *path)
{
    cJSON     *json;
    time_t     until;
    lu_str_t   text;

    until = 0;

    if (ngx_lu_file_read_json(io, path, &json) != NGX_OK) {
        return 0;
    }

    if (lu_json_string(json, "until", &text) == LU_OK) {
        (void) lu_time_parse(&text, &until);
    }

    cJSON_Delete(json);

    return until;
}


static u_char *
ngx_lu_expiry_path(ngx_lu_io_t *io, ngx_lu_store_t *store)
{
    return ngx_lu_path(io, "%V/jobs/.token", &store->path);
}
