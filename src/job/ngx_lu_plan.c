
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_plan.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_usage.h"

#include "core/lu_builder.h"
#include "core/lu_plan.h"
#include "core/lu_platform.h"
#include "core/lu_release.h"
#include "core/lu_td.h"


#define NGX_LU_PLAN_TD       "td-latest%s-build-%s.json"
#define NGX_LU_PLAN_BUILDER  "latest%s-build-%s.yml"

#define NGX_LU_MANIFESTS     6     /* two for each platform */


static ngx_int_t ngx_lu_plan_first(ngx_lu_step_t *step);
static ngx_int_t ngx_lu_plan_rest(ngx_lu_step_t *step,
    const lu_plan_file_t *files, ngx_uint_t n);
static ngx_uint_t ngx_lu_plan_has(ngx_array_t *names, const lu_str_t *name);
static ngx_int_t ngx_lu_plan_platform(ngx_lu_step_t *step, lu_plan_t *plan,
    unsigned platform, ngx_uint_t *found);
static ngx_int_t ngx_lu_plan_name(ngx_lu_step_t *step, ngx_pool_t *pool,
    const char *fmt, unsigned platform, lu_str_t *name);
static ngx_int_t ngx_lu_plan_read(ngx_lu_step_t *step, const lu_str_t *name,
    lu_str_t *text);
static ngx_int_t ngx_lu_plan_refuse(ngx_lu_step_t *step, const lu_str_t *name,
    const char *text);
static ngx_int_t ngx_lu_plan_wrong(ngx_lu_step_t *step, const lu_str_t *name,
    lu_rc_e rc);
static ngx_int_t ngx_lu_plan_forget(ngx_lu_step_t *step, const char *fmt,
    unsigned platform);


ngx_int_t
ngx_lu_plan_create(ngx_lu_job_t *job)
{
    ngx_lu_plan_t  *plan;

    plan = ngx_pcalloc(job->pool, sizeof(ngx_lu_plan_t));

    if (plan == NULL
        || ngx_array_init(&plan->missing, job->pool, 32,
                          sizeof(lu_plan_file_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    job->plan = plan;

    return NGX_OK;
}


ngx_int_t
ngx_lu_plan_manifests(ngx_lu_step_t *step)
{
    u_char           *path;
    ngx_int_t         rc, status;
    ngx_lu_release_t  release;

    rc = ngx_lu_job_lock(step, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    path = ngx_lu_path_in(&step->task.io, release.folder, "uploads");

    if (lu_release_state(release.json) != LU_STATE_FETCHING) {
        status = NGX_DONE;

    } else if (ngx_lu_file_mkdir(&step->task.io, path) == NGX_ERROR) {
        status = ngx_lu_task_failed(&step->task);

    } else {
        status = ngx_lu_plan_first(step);
    }

    ngx_lu_release_close(&release);

    return status;
}


static ngx_int_t
ngx_lu_plan_first(ngx_lu_step_t *step)
{
    unsigned        bit;
    ngx_uint_t      i, n;
    ngx_lu_job_t   *job;
    lu_plan_file_t  files[NGX_LU_MANIFESTS];

    job = step->job;

    ngx_memzero(files, sizeof(files));
    n = 0;

    for (bit = LU_WINDOWS; bit & LU_PLATFORMS; bit <<= 1) {

        if (!(job->platforms & bit)) {
            continue;
        }

        if (ngx_lu_plan_name(step, job->pool, NGX_LU_PLAN_TD, bit,
                             &files[n++].name)
            != NGX_OK
            || ngx_lu_plan_name(step, job->pool, NGX_LU_PLAN_BUILDER, bit,
                                &files[n++].name)
               != NGX_OK)
        {
            return ngx_lu_task_nomem(&step->task);
        }
    }

    for (i = 0; i < n; i++) {
        files[i].size = UINT64_MAX;
        files[i].is_optional = 1;
    }

    return ngx_lu_plan_rest(step, files, n);
}


/* Plans the files that are not in uploads/. */

static ngx_int_t
ngx_lu_plan_rest(ngx_lu_step_t *step, const lu_plan_file_t *files,
    ngx_uint_t n)
{
    u_char          *path;
    ngx_uint_t       i;
    ngx_array_t      names;
    ngx_lu_plan_t   *plan;
    lu_plan_file_t  *file;
    ngx_file_info_t  fi;

    plan = step->job->plan;

    plan->missing.nelts = 0;
    plan->nkept = 0;
    plan->kept = 0;

    path = ngx_lu_path_in(&step->task.io, step->job->folder, "uploads");

    if (ngx_lu_tree_list(&step->task.io, path, &names) != NGX_OK) {
        return ngx_lu_task_failed(&step->task);
    }

    for (i = 0; i < n; i++) {

        if (!ngx_lu_plan_has(&names, &files[i].name)) {

            file = ngx_array_push(&plan->missing);
            if (file == NULL) {
                return ngx_lu_task_nomem(&step->task);
            }

            *file = files[i];
            continue;
        }

        path = ngx_lu_path_in(&step->task.io, step->job->folder, "uploads/%s",
                              files[i].name.data);
        if (path == NULL) {
            return ngx_lu_task_nomem(&step->task);
        }

        if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(&step->task.io, ngx_file_info_n, path);
            return ngx_lu_task_failed(&step->task);
        }

        plan->nkept++;
        plan->kept += ngx_file_size(&fi);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_plan_has(ngx_array_t *names, const lu_str_t *name)
{
    lu_str_t    str;
    ngx_str_t  *elts;
    ngx_uint_t  i;

    elts = names->elts;

    for (i = 0; i < names->nelts; i++) {

        str = ngx_lu_to_core(&elts[i]);

        if (lu_str_eq(&str, name)) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_lu_plan_files(ngx_lu_step_t *step)
{
    off_t                 more;
    unsigned              bit;
    ngx_int_t             status;
    lu_plan_t             plan;
    ngx_uint_t            found;
    lu_arena_t            arena;
    ngx_lu_job_t         *job;
    ngx_lu_fetch_conf_t  *fetch;

    job = step->job;
    fetch = job->jobs->fetch;

    arena = ngx_lu_arena(job->pool);
    lu_plan_init(&plan, &arena, fetch->files, fetch->size);

    found = 0;

    for (bit = LU_WINDOWS; bit & LU_PLATFORMS; bit <<= 1) {

        if (!(job->platforms & bit)) {
            continue;
        }

        status = ngx_lu_plan_platform(step, &plan, bit, &found);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (!found) {
        return ngx_lu_task_refuse(&step->task, 422,
                                  "The origin has no manifest of this build, "
                                  "for any platform: it answered 404 or 403 "
                                  "for each.");
    }

    status = ngx_lu_task_core(&step->task,
                              lu_plan_blockmaps(&plan, &step->task.error));
    if (status != NGX_OK) {
        return status;
    }

    job->plan->nfiles = plan.nfiles;
    job->plan->size = plan.size;

    status = ngx_lu_plan_rest(step, plan.files, plan.nfiles);
    if (status != NGX_OK) {
        return status;
    }

    /* what is kept is counted already */

    more = (off_t) (plan.size - ngx_min(plan.size, job->plan->kept));

    status = ngx_lu_usage_disk(&step->task, more);

    return status == NGX_OK ? ngx_lu_usage_room(&step->task, more) : status;
}


/* A build need not be for all platforms: one without manifests is left out. */

static ngx_int_t
ngx_lu_plan_platform(ngx_lu_step_t *step, lu_plan_t *plan, unsigned platform,
    ngx_uint_t *found)
{
    lu_rc_e       rc;
    lu_td_t       td;
    lu_str_t      td_name, yml_name, td_text, yml_text;
    ngx_int_t     status;
    ngx_pool_t   *pool;
    lu_error_t   *err;
    lu_builder_t  builder;

    pool = step->task.io.pool;
    err = &step->task.error;

    if (ngx_lu_plan_name(step, pool, NGX_LU_PLAN_TD, platform, &td_name)
        != NGX_OK
        || ngx_lu_plan_name(step, pool, NGX_LU_PLAN_BUILDER, platform,
                            &yml_name)
           != NGX_OK)
    {
        return ngx_lu_task_nomem(&step->task);
    }

    status = ngx_lu_plan_read(step, &td_name, &td_text);

    if (status == NGX_OK) {
        status = ngx_lu_plan_read(step, &yml_name, &yml_text);
    }

    if (status != NGX_OK) {
        return status;
    }

    if (td_text.data == NULL && yml_text.data == NULL) {
        return NGX_OK;
    }

    *found = 1;

    if (td_text.data == NULL) {
        return ngx_lu_plan_refuse(step, &td_name,
                                  "is not at the origin, which answered 404 "
                                  "or 403, but the update manifest of the "
                                  "same platform is");
    }

    rc = lu_td_parse(plan->arena, &td_text, &td, err);
    if (rc != LU_OK) {
        return ngx_lu_plan_wrong(step, &td_name, rc);
    }

    rc = lu_plan_td(plan, &td, err);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&step->task, rc);
    }

    if (yml_text.data == NULL) {
        return lu_plan_needs_builder(&td)
               ? ngx_lu_plan_refuse(step, &yml_name,
                                    "is not at the origin, which answered 404 "
                                    "or 403")
               : NGX_OK;
    }

    rc = lu_builder_parse(plan->arena, &yml_text, &builder, err);
    if (rc != LU_OK) {
        return ngx_lu_plan_wrong(step, &yml_name, rc);
    }

    return ngx_lu_task_core(&step->task, lu_plan_builder(plan, &builder, err));
}


static ngx_int_t
ngx_lu_plan_name(ngx_lu_step_t *step, ngx_pool_t *pool, const char *fmt,
    unsigned platform, lu_str_t *name)
{
    name->data = ngx_lu_format(pool, fmt, lu_platform_suffix(platform),
                               step->job->id.data);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_strlen(name->data);

    return NGX_OK;
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


static ngx_int_t
ngx_lu_plan_refuse(ngx_lu_step_t *step, const lu_str_t *name, const char *text)
{
    (void) lu_error(&step->task.error, name, text);

    return 422;
}


/* The parsers do not know the name of the manifest, so it is added here. */

static ngx_int_t
ngx_lu_plan_wrong(ngx_lu_step_t *step, const lu_str_t *name, lu_rc_e rc)
{
    u_char    *text;
    ngx_int_t  status;

    status = ngx_lu_task_core(&step->task, rc);

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    text = ngx_lu_reply_sentence(step->task.io.pool, &step->task.error);

    if (text) {
        text = ngx_lu_format(step->task.io.pool, "is invalid: %s", text);
    }

    if (text == NULL) {
        return ngx_lu_task_nomem(&step->task);
    }

    (void) lu_error(&step->task.error, name, (char *) text);

    return status;
}


ngx_int_t
ngx_lu_plan_clean(ngx_lu_step_t *step)
{
    u_char    *path;
    unsigned   bit;
    ngx_int_t  rc;

    path = ngx_lu_path_in(&step->task.io, step->job->folder, "progress.json");

    rc = ngx_lu_file_unlink(&step->task.io, path);

    /* what the origin has to change may be the manifests themselves */

    if (step->job->error == NGX_LU_JOB_WRONG) {

        for (bit = LU_WINDOWS;
             (bit & LU_PLATFORMS) && rc != NGX_ERROR;
             bit <<= 1)
        {
            rc = ngx_lu_plan_forget(step, NGX_LU_PLAN_TD, bit);

            if (rc != NGX_ERROR) {
                rc = ngx_lu_plan_forget(step, NGX_LU_PLAN_BUILDER, bit);
            }
        }
    }

    return rc == NGX_ERROR ? ngx_lu_task_failed(&step->task) : NGX_OK;
}


static ngx_int_t
ngx_lu_plan_forget(ngx_lu_step_t *step, const char *fmt, unsigned platform)
{
    u_char      *path;
    lu_str_t     name;
    ngx_pool_t  *pool;

    pool = step->task.io.pool;

    if (ngx_lu_plan_name(step, pool, fmt, platform, &name) != NGX_OK) {
        ngx_set_errno(NGX_ENOMEM);
        return ngx_lu_io_failed(&step->task.io, "malloc()", NULL);
    }

    path = ngx_lu_format(pool, "%s/uploads/%s", step->job->folder, name.data);

    return ngx_lu_file_unlink(&step->task.io, path);
}
