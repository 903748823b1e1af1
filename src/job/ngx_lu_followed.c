
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_followed.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


static void ngx_lu_followed_repository(lu_put_t *put, cJSON *json,
    ngx_lu_github_t *github);
static void ngx_lu_followed_put(lu_put_t *put, cJSON *json, const char *name,
    const lu_str_t *sha);
static ngx_int_t ngx_lu_followed_save(ngx_lu_task_t *task, cJSON *json);


ngx_int_t
ngx_lu_followed_read(ngx_lu_task_t *task, cJSON **json)
{
    u_char  *path;

    *json = NULL;

    path = ngx_lu_path(&task->io, "%V/github.json", &task->store->path);

    switch (ngx_lu_file_read_json(&task->io, path, json)) {

    case NGX_OK:
    case NGX_DECLINED:
        return NGX_OK;

    default:
        return ngx_lu_task_failed(task);
    }
}


ngx_int_t
ngx_lu_followed_begin(ngx_lu_task_t *task, ngx_lu_github_t *github,
    const cJSON *followed, cJSON *begun)
{
    cJSON    *json;
    lu_put_t  put;

    lu_put_init(&put);

    json = followed ? cJSON_Duplicate(followed, 1) : cJSON_CreateObject();

    ngx_lu_followed_repository(&put, json, github);

    lu_put_item(&put, json, "begun", begun);

    return ngx_lu_followed_save(task, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_followed_write(ngx_lu_task_t *task, ngx_lu_github_t *github,
    u_char *commit, cJSON *json)
{
    cJSON    *files;
    lu_put_t  put;

    lu_put_init(&put);

    ngx_lu_followed_repository(&put, json, github);

    lu_put_string(&put, json, "at", task->now);
    lu_put_string(&put, json, "commit", (char *) commit);

    files = lu_put_object(&put, json, "files");

    ngx_lu_followed_put(&put, files, LU_GITHUB_BUILDS,
                        &github->approved.builds.sha);
    ngx_lu_followed_put(&put, files, LU_GITHUB_RELEASES,
                        &github->approved.rules.sha);

    return ngx_lu_followed_save(task, lu_put_done(&put, json));
}


static void
ngx_lu_followed_repository(lu_put_t *put, cJSON *json,
    ngx_lu_github_t *github)
{
    lu_put_string(put, json, "repository", (char *) github->name);

    if (github->id) {
        lu_put_number(put, json, "repositoryId", (double) github->id);
    }

    lu_put_string(put, json, "branch", (char *) github->base);
}


static void
ngx_lu_followed_put(lu_put_t *put, cJSON *json, const char *name,
    const lu_str_t *sha)
{
    if (sha->len) {
        lu_put_str(put, json, name, sha);
    }
}


static ngx_int_t
ngx_lu_followed_save(ngx_lu_task_t *task, cJSON *json)
{
    u_char     *path;
    ngx_int_t   rc;

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path(&task->io, "%V/github.json", &task->store->path);

    rc = ngx_lu_file_write_json(&task->io, task->store, path, json);

    cJSON_Delete(json);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


ngx_uint_t
ngx_lu_followed_is(const cJSON *json, uint64_t id, u_char *name, size_t len)
{
    uint64_t  known;
    lu_str_t  repository;

    known = ngx_lu_followed_id(json);

    if (known && id) {
        return known == id;
    }

    return lu_json_string(json, "repository", &repository) == LU_OK
           && repository.len == len
           && ngx_strncasecmp(repository.data, name, len) == 0;
}


uint64_t
ngx_lu_followed_id(const cJSON *json)
{
    uint64_t  id;

    id = 0;
    (void) lu_json_size(json, "repositoryId", &id);

    return id;
}
