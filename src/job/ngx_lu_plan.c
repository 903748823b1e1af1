
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a build consists of: which manifests there may be, and what they list.
 * Both are actions of a job.
 */


#include "ngx_lu_job.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_builder.h"
#include "core/lu_plan.h"
#include "core/lu_platform.h"
#include "core/lu_release.h"
#include "core/lu_td.h"


#define NGX_LU_MANIFESTS  6


static ngx_int_t ngx_lu_plan_rest(ngx_lu_step_t *step, ngx_array_t *names,
    lu_plan_file_t *files, ngx_uint_t n);
static ngx_int_t ngx_lu_plan_platform(ngx_lu_step_t *step, lu_plan_t *plan,
    const char *name, ngx_uint_t *found);
static ngx_int_t ngx_lu_plan_read(ngx_lu_step_t *step, const lu_str_t *name,
    lu_str_t *text);
static ngx_int_t ngx_lu_plan_wrong(ngx_lu_step_t *step, const lu_str_t *name,
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
ngx_lu_plan_open(ngx_lu_step_t *step)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_uint_t        i, n;
    ngx_array_t       names;
    ngx_lu_job_t     *job;
    lu_plan_file_t    files[NGX_LU_MANIFESTS];
    ngx_lu_release_t  release;

    job = step->job;

    rc = ngx_lu_job_lock(step, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (lu_release_state(release.json) != LU_STATE_FETCHING) {
        rc = NGX_DONE;
        goto done;
    }

    path = ngx_lu_path_in(&step->task.io, job->folder, "uploads");

    if (ngx_lu_file_mkdir(&step->task.io, path) == NGX_ERROR
        || ngx_lu_tree_list(&step->task.io, path, &names) != NGX_OK)
    {
        rc = ngx_lu_task_failed(&step->task);
        goto done;
    }

    ngx_memzero(files, sizeof(files));
    n = 0;

    for (i = 0; ngx_lu_platforms[i].name; i++) {

        if (!(job->platforms & ngx_lu_platforms[i].platform)) {
            continue;
        }

        files[n++].name.data = ngx_lu_format(job->pool,
                                             "td-latest%s-build-%s.json",
                                             ngx_lu_platforms[i].name,
                                             job->id.data);
        files[n++].name.data = ngx_lu_format(job->pool, "latest%s-build-%s.yml",
                                             ngx_lu_platforms[i].name,
                                             job->id.data);
    }

    for (i = 0; i < n; i++) {

        if (files[i].name.data == NULL) {
            rc = ngx_lu_task_nomem(&step->task);
            goto done;
        }

        files[i].name.len = ngx_strlen(files[i].name.data);
        files[i].size = UINT64_MAX;
        files[i].is_optional = 1;
    }

    rc = ngx_lu_plan_rest(step, &names, files, n);

done:

    ngx_lu_release_close(&release);

    return rc;
}


/* What is not in "uploads" is what is to be fetched. */

static ngx_int_t
ngx_lu_plan_rest(ngx_lu_step_t *step, ngx_array_t *names,
    lu_plan_file_t *files, ngx_uint_t n)
{
    u_char            *path;
    ngx_str_t         *name;
    ngx_uint_t         i, k;
    lu_plan_file_t    *file;
    ngx_file_info_t    fi;
    ngx_lu_collect_t  *collect;

    collect = step->job->data;

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
                return ngx_lu_task_nomem(&step->task);
            }

            *file = files[i];
            continue;
        }

        path = ngx_lu_path_in(&step->task.io, step->job->folder, "uploads/%V",
                              &name[k]);

        if (path == NULL || ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(&step->task.io, ngx_file_info_n, path);
            return ngx_lu_task_failed(&step->task);
        }

        collect->ndone++;
        collect->done += ngx_file_size(&fi);
    }

    return NGX_OK;
}


/* The second half: what the manifests list. */

ngx_int_t
ngx_lu_plan_files(ngx_lu_step_t *step)
{
    u_char               *path;
    lu_rc_e               rc;
    ngx_int_t             status;
    lu_plan_t             plan;
    ngx_uint_t            i, found;
    lu_arena_t            arena;
    ngx_array_t           names;
    ngx_lu_job_t         *job;
    ngx_lu_collect_t     *collect;
    ngx_lu_fetch_conf_t  *fetch;

    job = step->job;
    collect = job->data;
    fetch = job->jobs->fetch;

    arena = ngx_lu_arena(job->pool);
    lu_plan_init(&plan, &arena, fetch->files, fetch->size);

    found = 0;

    for (i = 0; ngx_lu_platforms[i].name; i++) {

        if (!(job->platforms & ngx_lu_platforms[i].platform)) {
            continue;
        }

        status = ngx_lu_plan_platform(step, &plan, ngx_lu_platforms[i].name,
                                      &found);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (!found) {
        return ngx_lu_task_refuse(&step->task, 422,
                                  "The origin has no build with this "
                                  "id: there is none of its manifests.");
    }

    rc = lu_plan_blockmaps(&plan, &step->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&step->task, rc);
    }

    path = ngx_lu_path_in(&step->task.io, job->folder, "uploads");

    if (ngx_lu_tree_list(&step->task.io, path, &names) != NGX_OK) {
        return ngx_lu_task_failed(&step->task);
    }

    collect->nfiles = plan.nfiles;
    collect->size = plan.size;
    collect->ndone = 0;
    collect->done = 0;

    return ngx_lu_plan_rest(step, &names, plan.files, plan.nfiles);
}


static ngx_int_t
ngx_lu_plan_platform(ngx_lu_step_t *step, lu_plan_t *plan, const char *name,
    ngx_uint_t *found)
{
    lu_rc_e       rc;
    lu_td_t       td;
    lu_str_t      td_name, yml_name, td_text, yml_text;
    ngx_int_t     status;
    lu_builder_t  builder;

    td_name.data = ngx_lu_format(step->task.io.pool,
                                 "td-latest%s-build-%s.json",
                                 name, step->job->id.data);
    yml_name.data = ngx_lu_format(step->task.io.pool, "latest%s-build-%s.yml",
                                  name,
                                  step->job->id.data);

    if (td_name.data == NULL || yml_name.data == NULL) {
        return ngx_lu_task_nomem(&step->task);
    }

    td_name.len = ngx_strlen(td_name.data);
    yml_name.len = ngx_strlen(yml_name.data);

    status = ngx_lu_plan_read(step, &td_name, &td_text);

    if (status == NGX_OK) {
        status = ngx_lu_plan_read(step, &yml_name, &yml_text);
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
        (void) lu_error(&step->task.error, &td_name,
                        "is not at the origin (404), but the manifest that "
                        "belongs to it is");
        return 422;
    }

    status = ngx_lu_task_core(&step->task,
                              lu_td_parse(plan->arena, &td_text, &td,
                                          &step->task.error));
    if (status != NGX_OK) {
        return ngx_lu_plan_wrong(step, &td_name, status);
    }

    rc = lu_plan_td(plan, &td, &step->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&step->task, rc);
    }

    if (yml_text.data == NULL) {

        if (!lu_plan_needs_builder(&td)) {
            return NGX_OK;
        }

        (void) lu_error(&step->task.error, &yml_name,
                        "is not at the origin (404)");
        return 422;
    }

    status = ngx_lu_task_core(&step->task,
                              lu_builder_parse(plan->arena, &yml_text,
                                               &builder, &step->task.error));
    if (status != NGX_OK) {
        return ngx_lu_plan_wrong(step, &yml_name, status);
    }

    return ngx_lu_task_core(&step->task,
                            lu_plan_builder(plan, &builder, &step->task.error));
}


/* The text of a manifest; its data is NULL if there is none. */

static ngx_int_t
ngx_lu_plan_read(ngx_lu_step_t *step, const lu_str_t *name, lu_str_t *text)
{
    u_char          *path;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    path = ngx_lu_path_in(&step->task.io, step->job->folder, "uploads/%s",
                          name->data);

    rc = ngx_lu_file_read(&step->task.io, path, text, &fi);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&step->task);
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(text);
    }

    return NGX_OK;
}


/* The parsers do not know the name of what they read. */

static ngx_int_t
ngx_lu_plan_wrong(ngx_lu_step_t *step, const lu_str_t *name, ngx_int_t status)
{
    u_char  *text;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    text = ngx_lu_reply_sentence(step->task.io.pool, &step->task.error);

    if (text) {
        text = ngx_lu_format(step->task.io.pool, "is not right: %s", text);
    }

    if (text == NULL) {
        return ngx_lu_task_nomem(&step->task);
    }

    (void) lu_error(&step->task.error, name, (char *) text);

    return status;
}


/* What was wrong may be what the manifests say. */

ngx_int_t
ngx_lu_plan_clean(ngx_lu_step_t *step)
{
    u_char        *path;
    ngx_int_t      rc;
    ngx_uint_t     i;
    ngx_lu_job_t  *job;

    job = step->job;

    path = ngx_lu_path_in(&step->task.io, job->folder, "progress.json");

    rc = ngx_lu_file_unlink(&step->task.io, path);

    for (i = 0;
         rc != NGX_ERROR
         && job->error == NGX_LU_JOB_WRONG
         && ngx_lu_platforms[i].name;
         i++)
    {
        path = ngx_lu_path_in(&step->task.io, job->folder,
                              "uploads/td-latest%s-build-%s.json",
                              ngx_lu_platforms[i].name, job->id.data);

        rc = ngx_lu_file_unlink(&step->task.io, path);
        if (rc == NGX_ERROR) {
            break;
        }

        path = ngx_lu_path_in(&step->task.io, job->folder,
                              "uploads/latest%s-build-%s.yml",
                              ngx_lu_platforms[i].name, job->id.data);

        rc = ngx_lu_file_unlink(&step->task.io, path);
    }

    return rc == NGX_ERROR ? ngx_lu_task_failed(&step->task) : NGX_OK;
}
