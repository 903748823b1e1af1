
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a build consists of: which manifests there may be, and what they list.
 * Both are actions of a job.
 */


#include "ngx_lu_job.h"


#define NGX_LU_MANIFESTS  6


static ngx_int_t ngx_lu_plan_rest(ngx_lu_call_t *call, ngx_array_t *names,
    lu_plan_file_t *files, ngx_uint_t n);
static ngx_int_t ngx_lu_plan_platform(ngx_lu_call_t *call, lu_plan_t *plan,
    const char *name, ngx_uint_t *found);
static ngx_int_t ngx_lu_plan_read(ngx_lu_call_t *call, const lu_str_t *name,
    lu_str_t *text);
static ngx_int_t ngx_lu_plan_wrong(ngx_lu_call_t *call, const lu_str_t *name,
    ngx_int_t status);


static const struct {
    unsigned      platform;
    const char   *name;
} ngx_lu_platforms[] = {
    { LU_WINDOWS, "" },
    { LU_MAC, "-mac" },
    { LU_LINUX, "-linux" },
    { 0, NULL }
};


/*
 * The first half: which manifests there may be, and which were fetched by an
 * earlier try.  NGX_DONE: there is nothing to do any more.
 */

ngx_int_t
ngx_lu_plan_open(ngx_lu_call_t *call)
{
    u_char         *path;
    cJSON          *release;
    ngx_fd_t        lock;
    ngx_int_t       rc;
    ngx_uint_t      i, n;
    ngx_array_t     names;
    lu_str_t        state;
    lu_plan_file_t  files[NGX_LU_MANIFESTS];
    ngx_lu_job_t   *job;

    job = call->job;

    rc = ngx_lu_job_lock(call, &lock, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (lu_json_string(release, "state", &state) != LU_OK
        || !lu_str_is(&state, "fetching"))
    {
        rc = NGX_DONE;
        goto done;
    }

    path = ngx_lu_path(call->io.pool, "%s/uploads", job->folder);

    if (ngx_lu_store_mkdir(&call->io, path) == NGX_ERROR
        || ngx_lu_store_list(&call->io, path, &names) != NGX_OK)
    {
        rc = ngx_lu_failed(call);
        goto done;
    }

    ngx_memzero(files, sizeof(files));
    n = 0;

    for (i = 0; ngx_lu_platforms[i].name; i++) {

        if (!(job->platforms & ngx_lu_platforms[i].platform)) {
            continue;
        }

        files[n++].name.data = ngx_lu_path(job->pool,
                                           "td-latest%s-build-%s.json",
                                           ngx_lu_platforms[i].name,
                                           job->id.data);
        files[n++].name.data = ngx_lu_path(job->pool, "latest%s-build-%s.yml",
                                           ngx_lu_platforms[i].name,
                                           job->id.data);
    }

    for (i = 0; i < n; i++) {

        if (files[i].name.data == NULL) {
            rc = ngx_lu_nomem(call);
            goto done;
        }

        files[i].name.len = ngx_strlen(files[i].name.data);
        files[i].size = UINT64_MAX;
        files[i].is_optional = 1;
    }

    rc = ngx_lu_plan_rest(call, &names, files, n);

done:

    cJSON_Delete(release);
    ngx_lu_store_unlock(lock);

    return rc;
}


/* What is not in "uploads" is what is to be fetched. */

static ngx_int_t
ngx_lu_plan_rest(ngx_lu_call_t *call, ngx_array_t *names,
    lu_plan_file_t *files, ngx_uint_t n)
{
    u_char            *path;
    ngx_str_t         *name;
    ngx_uint_t         i, k;
    ngx_file_info_t    fi;
    lu_plan_file_t    *file;
    ngx_lu_collect_t  *collect;

    collect = call->job->data;

    collect->files.nelts = 0;
    collect->next = 0;

    name = names->elts;

    for (i = 0; i < n; i++) {

        for (k = 0; k < names->nelts; k++) {
            if (name[k].len == files[i].name.len
                && ngx_memcmp(name[k].data, files[i].name.data, name[k].len)
                   == 0)
            {
                break;
            }
        }

        if (k == names->nelts) {
            file = ngx_array_push(&collect->files);
            if (file == NULL) {
                return ngx_lu_nomem(call);
            }

            *file = files[i];
            continue;
        }

        path = ngx_lu_path(call->io.pool, "%s/uploads/%V", call->job->folder,
                           &name[k]);

        if (path == NULL || ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(&call->io, ngx_file_info_n, path);
            return ngx_lu_failed(call);
        }

        collect->ndone++;
        collect->done += ngx_file_size(&fi);
    }

    return NGX_OK;
}


/* The second half: what the manifests list. */

ngx_int_t
ngx_lu_plan_files(ngx_lu_call_t *call)
{
    u_char               *path;
    ngx_int_t             status;
    ngx_uint_t            i, found;
    ngx_array_t           names;
    lu_plan_t             plan;
    lu_arena_t            arena;
    ngx_lu_job_t         *job;
    ngx_lu_collect_t     *collect;
    ngx_lu_fetch_conf_t  *fetch;

    job = call->job;
    collect = job->data;
    fetch = job->jobs->fetch;

    arena = ngx_lu_arena(job->pool);
    lu_plan_init(&plan, &arena, fetch->files, fetch->size);

    found = 0;

    for (i = 0; ngx_lu_platforms[i].name; i++) {

        if (!(job->platforms & ngx_lu_platforms[i].platform)) {
            continue;
        }

        status = ngx_lu_plan_platform(call, &plan, ngx_lu_platforms[i].name,
                                      &found);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (!found) {
        return ngx_lu_refuse(call, 422, "The origin has no build with this "
                             "id: there is none of its manifests.");
    }

    status = ngx_lu_core_status(call, lu_plan_blockmaps(&plan, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_lu_path(call->io.pool, "%s/uploads", job->folder);

    if (ngx_lu_store_list(&call->io, path, &names) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    collect->nfiles = plan.nfiles;
    collect->size = plan.size;
    collect->ndone = 0;
    collect->done = 0;

    return ngx_lu_plan_rest(call, &names, plan.files, plan.nfiles);
}


static ngx_int_t
ngx_lu_plan_platform(ngx_lu_call_t *call, lu_plan_t *plan, const char *name,
    ngx_uint_t *found)
{
    ngx_int_t     status;
    lu_td_t       td;
    lu_str_t      td_name, yml_name, td_text, yml_text;
    lu_builder_t  builder;

    td_name.data = ngx_lu_path(call->io.pool, "td-latest%s-build-%s.json",
                               name, call->job->id.data);
    yml_name.data = ngx_lu_path(call->io.pool, "latest%s-build-%s.yml", name,
                                call->job->id.data);

    if (td_name.data == NULL || yml_name.data == NULL) {
        return ngx_lu_nomem(call);
    }

    td_name.len = ngx_strlen(td_name.data);
    yml_name.len = ngx_strlen(yml_name.data);

    status = ngx_lu_plan_read(call, &td_name, &td_text);

    if (status == NGX_OK) {
        status = ngx_lu_plan_read(call, &yml_name, &yml_text);
    }

    if (status != NGX_OK) {
        return status;
    }

    if (td_text.data == NULL && yml_text.data == NULL) {

        /* not built for this platform */

        return NGX_OK;
    }

    *found = 1;

    if (td_text.data == NULL) {
        (void) lu_error(&call->error, &td_name,
                        "is not at the origin (404), but the manifest that "
                        "belongs to it is");
        return 422;
    }

    status = ngx_lu_core_status(call,
                                lu_td_parse(plan->arena, &td_text, &td,
                                            &call->error));
    if (status != NGX_OK) {
        return ngx_lu_plan_wrong(call, &td_name, status);
    }

    status = ngx_lu_core_status(call, lu_plan_td(plan, &td, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    if (yml_text.data == NULL) {

        if (!lu_plan_needs_builder(&td)) {
            return NGX_OK;
        }

        (void) lu_error(&call->error, &yml_name, "is not at the origin (404)");
        return 422;
    }

    status = ngx_lu_core_status(call,
                                lu_builder_parse(plan->arena, &yml_text,
                                                 &builder, &call->error));
    if (status != NGX_OK) {
        return ngx_lu_plan_wrong(call, &yml_name, status);
    }

    return ngx_lu_core_status(call,
                              lu_plan_builder(plan, &builder, &call->error));
}


/* The text of a manifest; its data is NULL if there is none. */

static ngx_int_t
ngx_lu_plan_read(ngx_lu_call_t *call, const lu_str_t *name, lu_str_t *text)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_str_t         str;
    ngx_file_info_t   fi;

    path = ngx_lu_path(call->io.pool, "%s/uploads/%s", call->job->folder,
                       name->data);

    rc = ngx_lu_store_read(&call->io, path, &str, &fi);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_DECLINED) {
        text->len = 0;
        text->data = NULL;

        return NGX_OK;
    }

    text->len = str.len;
    text->data = str.data;

    return NGX_OK;
}


/* The parsers do not know the name of what they read. */

static ngx_int_t
ngx_lu_plan_wrong(ngx_lu_call_t *call, const lu_str_t *name, ngx_int_t status)
{
    u_char  *text;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    text = ngx_lu_reply_sentence(call->io.pool, &call->error);

    if (text) {
        text = ngx_lu_path(call->io.pool, "is not right: %s", text);
    }

    if (text == NULL) {
        return ngx_lu_nomem(call);
    }

    (void) lu_error(&call->error, name, (char *) text);

    return status;
}


/* What was wrong may be what the manifests say. */

ngx_int_t
ngx_lu_plan_clean(ngx_lu_call_t *call)
{
    u_char        *path;
    ngx_int_t      rc;
    ngx_uint_t     i;
    ngx_lu_job_t  *job;

    job = call->job;

    path = ngx_lu_path(call->io.pool, "%s/progress.json", job->folder);

    rc = ngx_lu_store_unlink(&call->io, path);

    for (i = 0;
         rc != NGX_ERROR
         && job->error == NGX_LU_JOB_WRONG
         && ngx_lu_platforms[i].name;
         i++)
    {
        path = ngx_lu_path(call->io.pool,
                           "%s/uploads/td-latest%s-build-%s.json", job->folder,
                           ngx_lu_platforms[i].name, job->id.data);

        rc = ngx_lu_store_unlink(&call->io, path);
        if (rc == NGX_ERROR) {
            break;
        }

        path = ngx_lu_path(call->io.pool, "%s/uploads/latest%s-build-%s.yml",
                           job->folder, ngx_lu_platforms[i].name,
                           job->id.data);

        rc = ngx_lu_store_unlink(&call->io, path);
    }

    return rc == NGX_ERROR ? ngx_lu_failed(call) : NGX_OK;
}
