
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of a build: first its manifests, then what they list, four at a
 * time.  What lies in "uploads" was verified; it is not fetched again.
 */


#include "ngx_http_liveupdate.h"


#define NGX_HTTP_LIVEUPDATE_TRANSFERS  4
#define NGX_HTTP_LIVEUPDATE_LOOK       50       /* msec */
#define NGX_HTTP_LIVEUPDATE_REPORT     1000
#define NGX_HTTP_LIVEUPDATE_MANIFESTS  6


typedef struct {
    ngx_http_liveupdate_job_t        *job;

    ngx_array_t                       files;     /* of plan_file_t */
    ngx_uint_t                        next;
    ngx_queue_t                       transfers;
    ngx_uint_t                        nrunning;
    ngx_array_t                       digests;   /* of what was fetched */
    ngx_event_t                       look;

    /* the plan: all files, and what is there of them */
    ngx_uint_t                        nfiles;
    ngx_uint_t                        ndone;
    uint64_t                          size;
    uint64_t                          done;
    uint64_t                          unsaid;    /* done, size not listed */
    uint64_t                          last;      /* done then */
    ngx_msec_t                        reported;
    unsigned                          reporting:1;
    unsigned                          planned:1;
    unsigned                          unwanted:1;
} ngx_http_liveupdate_collect_t;


typedef struct {
    ngx_http_liveupdate_io_t          io;
    ngx_http_liveupdate_collect_t    *collect;
    u_char                           *path;
    u_char                           *text;
    unsigned                          unwanted:1;
} ngx_http_liveupdate_report_t;


static ngx_int_t ngx_http_liveupdate_collect_open(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_collect_plan(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_collect_platform(
    ngx_http_liveupdate_call_t *call, liveupdate_plan_t *plan,
    const char *name, ngx_uint_t *found);
static ngx_int_t ngx_http_liveupdate_collect_read(
    ngx_http_liveupdate_call_t *call, const liveupdate_str_t *name,
    liveupdate_str_t *text);
static ngx_int_t ngx_http_liveupdate_collect_wrong(
    ngx_http_liveupdate_call_t *call, const liveupdate_str_t *name,
    ngx_int_t status);
static ngx_int_t ngx_http_liveupdate_collect_rest(
    ngx_http_liveupdate_call_t *call, ngx_array_t *names,
    liveupdate_plan_file_t *files, ngx_uint_t n);
static ngx_int_t ngx_http_liveupdate_collect_stage(
    ngx_http_liveupdate_call_t *call);
static ngx_int_t ngx_http_liveupdate_collect_over(
    ngx_http_liveupdate_call_t *call, ngx_fd_t lock, ngx_int_t status);

static void ngx_http_liveupdate_collect_begin(
    ngx_http_liveupdate_job_t *job, ngx_int_t status);
static void ngx_http_liveupdate_collect_planned(
    ngx_http_liveupdate_job_t *job, ngx_int_t status);
static void ngx_http_liveupdate_collect_next(
    ngx_http_liveupdate_collect_t *collect);
static void ngx_http_liveupdate_collect_start(
    ngx_http_liveupdate_collect_t *collect);
static uint64_t ngx_http_liveupdate_collect_limit(
    ngx_http_liveupdate_collect_t *collect, liveupdate_plan_file_t *file);
static void ngx_http_liveupdate_collect_done(
    ngx_http_liveupdate_transfer_t *transfer);
static void ngx_http_liveupdate_collect_look(ngx_event_t *ev);
static void ngx_http_liveupdate_collect_report(
    ngx_http_liveupdate_collect_t *collect);
static void ngx_http_liveupdate_report_thread(void *data, ngx_log_t *log);
static ngx_uint_t ngx_http_liveupdate_report_unwanted(
    ngx_http_liveupdate_report_t *report);
static void ngx_http_liveupdate_report_done(ngx_event_t *ev);
static void ngx_http_liveupdate_collect_end(ngx_http_liveupdate_job_t *job,
    ngx_int_t status);
static void ngx_http_liveupdate_collect_staged(ngx_http_liveupdate_job_t *job,
    ngx_int_t status);


static const struct {
    unsigned      platform;
    const char   *name;
} ngx_http_liveupdate_platforms[] = {
    { LIVEUPDATE_WINDOWS, "" },
    { LIVEUPDATE_MAC, "-mac" },
    { LIVEUPDATE_LINUX, "-linux" },
    { 0, NULL }
};


void
ngx_http_liveupdate_collect(ngx_http_liveupdate_job_t *job)
{
    ngx_http_liveupdate_collect_t  *collect;

    collect = ngx_pcalloc(job->pool, sizeof(ngx_http_liveupdate_collect_t));

    if (collect == NULL
        || ngx_array_init(&collect->files, job->pool,
                          NGX_HTTP_LIVEUPDATE_MANIFESTS,
                          sizeof(liveupdate_plan_file_t))
           != NGX_OK
        || ngx_array_init(&collect->digests, job->pool, 32,
                          sizeof(ngx_http_liveupdate_digest_t))
           != NGX_OK)
    {
        ngx_http_liveupdate_job_end(job);
        return;
    }

    collect->job = job;
    job->data = collect;

    ngx_queue_init(&collect->transfers);

    collect->look.handler = ngx_http_liveupdate_collect_look;
    collect->look.data = collect;
    collect->look.log = ngx_cycle->log;

    /* not cancelable: while a thread writes, nginx would exit without it */

    ngx_http_liveupdate_job_run(job, ngx_http_liveupdate_collect_open,
                                ngx_http_liveupdate_collect_begin);
}


/*
 * The first half: which manifests there may be, and which were fetched by an
 * earlier try.  NGX_DONE: there is nothing to do any more.
 */

static ngx_int_t
ngx_http_liveupdate_collect_open(ngx_http_liveupdate_call_t *call)
{
    u_char                         *path;
    cJSON                          *release;
    ngx_fd_t                        lock;
    ngx_int_t                       rc;
    ngx_uint_t                      i, n;
    ngx_array_t                     names;
    liveupdate_str_t                state;
    liveupdate_plan_file_t          files[NGX_HTTP_LIVEUPDATE_MANIFESTS];
    ngx_http_liveupdate_job_t      *job;

    job = call->job;

    rc = ngx_http_liveupdate_job_lock(call, &lock, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (liveupdate_json_string(release, "state", &state) != LIVEUPDATE_OK
        || !liveupdate_str_is(&state, "fetching"))
    {
        rc = NGX_DONE;
        goto done;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads", job->folder);

    if (ngx_http_liveupdate_store_mkdir(&call->io, path) == NGX_ERROR
        || ngx_http_liveupdate_store_list(&call->io, path, &names) != NGX_OK)
    {
        rc = ngx_http_liveupdate_failed(call);
        goto done;
    }

    ngx_memzero(files, sizeof(files));
    n = 0;

    for (i = 0; ngx_http_liveupdate_platforms[i].name; i++) {

        if (!(job->platforms & ngx_http_liveupdate_platforms[i].platform)) {
            continue;
        }

        files[n++].name.data = ngx_http_liveupdate_path(job->pool,
                                   "td-latest%s-build-%s.json",
                                   ngx_http_liveupdate_platforms[i].name,
                                   job->id.data);
        files[n++].name.data = ngx_http_liveupdate_path(job->pool,
                                   "latest%s-build-%s.yml",
                                   ngx_http_liveupdate_platforms[i].name,
                                   job->id.data);
    }

    for (i = 0; i < n; i++) {

        if (files[i].name.data == NULL) {
            rc = ngx_http_liveupdate_nomem(call);
            goto done;
        }

        files[i].name.len = ngx_strlen(files[i].name.data);
        files[i].size = UINT64_MAX;
        files[i].is_optional = 1;
    }

    rc = ngx_http_liveupdate_collect_rest(call, &names, files, n);

done:

    cJSON_Delete(release);
    ngx_http_liveupdate_store_unlock(lock);

    return rc;
}


/* What is not in "uploads" is what is to be fetched. */

static ngx_int_t
ngx_http_liveupdate_collect_rest(ngx_http_liveupdate_call_t *call,
    ngx_array_t *names, liveupdate_plan_file_t *files, ngx_uint_t n)
{
    u_char                         *path;
    ngx_str_t                      *name;
    ngx_uint_t                      i, k;
    ngx_file_info_t                 fi;
    liveupdate_plan_file_t         *file;
    ngx_http_liveupdate_collect_t  *collect;

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
                return ngx_http_liveupdate_nomem(call);
            }

            *file = files[i];
            continue;
        }

        path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads/%V",
                                        call->job->folder, &name[k]);

        if (path == NULL || ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
            (void) ngx_http_liveupdate_io_failed(&call->io, ngx_file_info_n,
                                                 path);
            return ngx_http_liveupdate_failed(call);
        }

        collect->ndone++;
        collect->done += ngx_file_size(&fi);
    }

    return NGX_OK;
}


/* The second half: what the manifests list. */

static ngx_int_t
ngx_http_liveupdate_collect_plan(ngx_http_liveupdate_call_t *call)
{
    u_char                            *path;
    ngx_int_t                          status;
    ngx_uint_t                         i, found;
    ngx_array_t                        names;
    liveupdate_plan_t                  plan;
    liveupdate_arena_t                 arena;
    ngx_http_liveupdate_job_t         *job;
    ngx_http_liveupdate_collect_t     *collect;
    ngx_http_liveupdate_fetch_conf_t  *fetch;

    job = call->job;
    collect = job->data;
    fetch = job->jobs->fetch;

    arena = ngx_http_liveupdate_arena(job->pool);
    liveupdate_plan_init(&plan, &arena, fetch->files, fetch->size);

    found = 0;

    for (i = 0; ngx_http_liveupdate_platforms[i].name; i++) {

        if (!(job->platforms & ngx_http_liveupdate_platforms[i].platform)) {
            continue;
        }

        status = ngx_http_liveupdate_collect_platform(call, &plan,
                                   ngx_http_liveupdate_platforms[i].name,
                                   &found);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (!found) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "The origin has no build with this "
                                          "id: there is none of its "
                                          "manifests.");
    }

    status = ngx_http_liveupdate_core_status(call,
                               liveupdate_plan_blockmaps(&plan, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads", job->folder);

    if (ngx_http_liveupdate_store_list(&call->io, path, &names) != NGX_OK) {
        return ngx_http_liveupdate_failed(call);
    }

    collect->nfiles = plan.nfiles;
    collect->size = plan.size;
    collect->ndone = 0;
    collect->done = 0;

    return ngx_http_liveupdate_collect_rest(call, &names, plan.files,
                                            plan.nfiles);
}


static ngx_int_t
ngx_http_liveupdate_collect_platform(ngx_http_liveupdate_call_t *call,
    liveupdate_plan_t *plan, const char *name, ngx_uint_t *found)
{
    ngx_int_t              status;
    liveupdate_td_t        td;
    liveupdate_str_t       td_name, yml_name, td_text, yml_text;
    liveupdate_builder_t   builder;

    td_name.data = ngx_http_liveupdate_path(call->io.pool,
                                            "td-latest%s-build-%s.json", name,
                                            call->job->id.data);
    yml_name.data = ngx_http_liveupdate_path(call->io.pool,
                                             "latest%s-build-%s.yml", name,
                                             call->job->id.data);

    if (td_name.data == NULL || yml_name.data == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    td_name.len = ngx_strlen(td_name.data);
    yml_name.len = ngx_strlen(yml_name.data);

    status = ngx_http_liveupdate_collect_read(call, &td_name, &td_text);

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_collect_read(call, &yml_name, &yml_text);
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
        (void) liveupdate_refuse(&call->error, &td_name,
                                 "is not at the origin (404), but the "
                                 "manifest that belongs to it is");
        return 422;
    }

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_td_parse(plan->arena, &td_text, &td,
                                             &call->error));
    if (status != NGX_OK) {
        return ngx_http_liveupdate_collect_wrong(call, &td_name, status);
    }

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_plan_td(plan, &td, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    if (yml_text.data == NULL) {

        if (!liveupdate_plan_needs_builder(&td)) {
            return NGX_OK;
        }

        (void) liveupdate_refuse(&call->error, &yml_name,
                                 "is not at the origin (404)");
        return 422;
    }

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_builder_parse(plan->arena, &yml_text,
                                                  &builder, &call->error));
    if (status != NGX_OK) {
        return ngx_http_liveupdate_collect_wrong(call, &yml_name, status);
    }

    return ngx_http_liveupdate_core_status(call,
                         liveupdate_plan_builder(plan, &builder,
                                                 &call->error));
}


/* The text of a manifest; its data is NULL if there is none. */

static ngx_int_t
ngx_http_liveupdate_collect_read(ngx_http_liveupdate_call_t *call,
    const liveupdate_str_t *name, liveupdate_str_t *text)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_str_t         str;
    ngx_file_info_t   fi;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads/%s",
                                    call->job->folder, name->data);

    rc = ngx_http_liveupdate_store_read(&call->io, path, &str, &fi);

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
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
ngx_http_liveupdate_collect_wrong(ngx_http_liveupdate_call_t *call,
    const liveupdate_str_t *name, ngx_int_t status)
{
    u_char  *text;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    text = ngx_http_liveupdate_sentence(call->io.pool, &call->error);

    if (text) {
        text = ngx_http_liveupdate_path(call->io.pool, "is not right: %s",
                                        text);
    }

    if (text == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    (void) liveupdate_refuse(&call->error, name, (char *) text);

    return status;
}


/* All files are there. */

static ngx_int_t
ngx_http_liveupdate_collect_stage(ngx_http_liveupdate_call_t *call)
{
    cJSON                          *release;
    ngx_fd_t                        lock;
    ngx_int_t                       rc, status;
    liveupdate_str_t                state;
    ngx_http_liveupdate_job_t      *job;
    ngx_http_liveupdate_collect_t  *collect;

    job = call->job;
    collect = job->data;

    rc = ngx_http_liveupdate_job_lock(call, &lock, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (liveupdate_json_string(release, "state", &state) != LIVEUPDATE_OK
        || !liveupdate_str_is(&state, "fetching"))
    {
        status = NGX_DONE;

    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release, "nextAttemptAt");

        status = ngx_http_liveupdate_collect_clean(call);

        if (status == NGX_OK) {
            status = ngx_http_liveupdate_stage(call, job->folder, release,
                                               &collect->digests);
        }
    }

    if (status == NGX_OK || status == NGX_DONE) {
        rc = ngx_http_liveupdate_staging_clean(call, job->folder, "uploads");

        if (rc != NGX_OK) {
            status = rc;
        }
    }

    cJSON_Delete(release);

    return ngx_http_liveupdate_collect_over(call, lock, status);
}


/* Under the lock, so that nobody asks for it once more at this moment. */

static ngx_int_t
ngx_http_liveupdate_collect_over(ngx_http_liveupdate_call_t *call,
    ngx_fd_t lock, ngx_int_t status)
{
    if (status == NGX_OK && !call->approval) {
        status = ngx_http_liveupdate_change(call,
                                         ngx_http_liveupdate_release_promote);
    }

    /* a pull request is the same job's */

    if (status < NGX_HTTP_BAD_REQUEST
        && !(status == NGX_OK && call->job->jobs->github_approves)
        && ngx_http_liveupdate_store_unlink(&call->io, call->job->path)
           == NGX_ERROR)
    {
        status = ngx_http_liveupdate_failed(call);
    }

    ngx_http_liveupdate_store_unlock(lock);

    return status;
}


/* What was wrong may be what the manifests say. */

ngx_int_t
ngx_http_liveupdate_collect_clean(ngx_http_liveupdate_call_t *call)
{
    u_char                     *path;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_liveupdate_job_t  *job;

    job = call->job;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/progress.json",
                                    job->folder);

    rc = ngx_http_liveupdate_store_unlink(&call->io, path);

    for (i = 0;
         rc != NGX_ERROR
         && job->error == NGX_HTTP_LIVEUPDATE_JOB_WRONG
         && ngx_http_liveupdate_platforms[i].name;
         i++)
    {
        path = ngx_http_liveupdate_path(call->io.pool,
                                   "%s/uploads/td-latest%s-build-%s.json",
                                   job->folder,
                                   ngx_http_liveupdate_platforms[i].name,
                                   job->id.data);

        rc = ngx_http_liveupdate_store_unlink(&call->io, path);
        if (rc == NGX_ERROR) {
            break;
        }

        path = ngx_http_liveupdate_path(call->io.pool,
                                   "%s/uploads/latest%s-build-%s.yml",
                                   job->folder,
                                   ngx_http_liveupdate_platforms[i].name,
                                   job->id.data);

        rc = ngx_http_liveupdate_store_unlink(&call->io, path);
    }

    return rc == NGX_ERROR ? ngx_http_liveupdate_failed(call) : NGX_OK;
}


/* Something is to be fetched: manifests, or the files of the plan. */

static void
ngx_http_liveupdate_collect_begin(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_collect_t *collect = job->data;

    if (status != NGX_OK) {
        ngx_http_liveupdate_collect_end(job, status);
        return;
    }

    if (!collect->look.timer_set) {
        ngx_add_timer(&collect->look, NGX_HTTP_LIVEUPDATE_LOOK);
    }

    ngx_http_liveupdate_collect_next(collect);
}


/* Not earlier: what the thread was making is looked at from now on. */

static void
ngx_http_liveupdate_collect_planned(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_collect_t *collect = job->data;

    collect->planned = (status == NGX_OK);

    ngx_http_liveupdate_collect_begin(job, status);
}


static void
ngx_http_liveupdate_collect_next(ngx_http_liveupdate_collect_t *collect)
{
    ngx_http_liveupdate_job_t  *job;

    job = collect->job;

    while (job->error == NGX_HTTP_LIVEUPDATE_JOB_OK
           && !collect->unwanted
           && !ngx_exiting
           && !ngx_terminate
           && collect->nrunning < NGX_HTTP_LIVEUPDATE_TRANSFERS
           && collect->next < collect->files.nelts)
    {
        ngx_http_liveupdate_collect_start(collect);
    }

    if (collect->nrunning || collect->reporting) {
        return;
    }

    if (job->error != NGX_HTTP_LIVEUPDATE_JOB_OK
        || collect->unwanted
        || ngx_exiting
        || ngx_terminate)
    {
        /* another worker goes on with what is in "uploads" */

        ngx_http_liveupdate_collect_end(job, NGX_DONE);
        return;
    }

    if (!collect->planned) {
        ngx_http_liveupdate_job_run(job, ngx_http_liveupdate_collect_plan,
                                    ngx_http_liveupdate_collect_planned);
        return;
    }

    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    ngx_http_liveupdate_job_run(job, ngx_http_liveupdate_collect_stage,
                                ngx_http_liveupdate_collect_staged);
}


static void
ngx_http_liveupdate_collect_start(ngx_http_liveupdate_collect_t *collect)
{
    uint64_t                         limit;
    liveupdate_error_t               why;
    liveupdate_plan_file_t          *file;
    ngx_http_liveupdate_transfer_t  *transfer;

    file = (liveupdate_plan_file_t *) collect->files.elts + collect->next++;

    limit = ngx_http_liveupdate_collect_limit(collect, file);

    transfer = ngx_http_liveupdate_transfer_start(collect->job, file, limit,
                                            ngx_http_liveupdate_collect_done);
    if (transfer == NULL) {
        (void) liveupdate_refuse(&why, NULL, "The server is short of memory "
                                 "or connections.");
        ngx_http_liveupdate_job_fail(collect->job,
                                     NGX_HTTP_LIVEUPDATE_JOB_OUTAGE, &why);
        return;
    }

    ngx_queue_insert_tail(&collect->transfers, &transfer->queue);
    collect->nrunning++;
}


static uint64_t
ngx_http_liveupdate_collect_limit(ngx_http_liveupdate_collect_t *collect,
    liveupdate_plan_file_t *file)
{
    uint64_t  size;

    if (!collect->planned) {
        return LIVEUPDATE_BUILDER_SIZE;
    }

    if (file->size != UINT64_MAX) {
        return file->size;
    }

    size = collect->job->jobs->fetch->size;

    return size - ngx_min(size, collect->size + collect->unsaid);
}


static void
ngx_http_liveupdate_collect_done(ngx_http_liveupdate_transfer_t *transfer)
{
    ngx_http_liveupdate_job_t      *job;
    ngx_http_liveupdate_digest_t   *digest;
    ngx_http_liveupdate_collect_t  *collect;

    job = transfer->job;
    collect = job->data;

    ngx_queue_remove(&transfer->queue);
    collect->nrunning--;

    if (transfer->error != NGX_HTTP_LIVEUPDATE_JOB_OK) {
        ngx_http_liveupdate_job_fail(job, transfer->error, &transfer->why);

    } else {
        collect->ndone++;
    }

    if (transfer->error == NGX_HTTP_LIVEUPDATE_JOB_OK && !transfer->missing) {

        collect->done += transfer->digest.size;
        job->progressed = collect->planned;

        if (transfer->file->size == UINT64_MAX && collect->planned) {
            collect->unsaid += transfer->digest.size;
        }

        if (collect->size + collect->unsaid
            > (uint64_t) job->jobs->fetch->size)
        {
            (void) liveupdate_refuse(&transfer->why, NULL, "The release is "
                                     "larger than \"liveupdate_fetch\" "
                                     "allows.");
            ngx_http_liveupdate_job_fail(job, NGX_HTTP_LIVEUPDATE_JOB_REFUSED,
                                         &transfer->why);
        }

        digest = ngx_array_push(&collect->digests);

        if (digest) {
            *digest = transfer->digest;
        }
    }

    ngx_http_liveupdate_collect_next(collect);
}


/* What is received now: is it too much, and how much is it. */

static void
ngx_http_liveupdate_collect_look(ngx_event_t *ev)
{
    ngx_http_liveupdate_collect_t *collect = ev->data;

    uint64_t                         unsaid, size;
    ngx_queue_t                     *q;
    ngx_http_liveupdate_transfer_t  *transfer;

    ngx_add_timer(ev, NGX_HTTP_LIVEUPDATE_LOOK);

    /* those whose size nobody has said share what is left */

    size = collect->job->jobs->fetch->size;
    unsaid = collect->size + collect->unsaid;

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_http_liveupdate_transfer_t, queue);

        if (transfer->file->size == UINT64_MAX && collect->planned) {
            unsaid += ngx_http_liveupdate_fetch_received(&transfer->fetch);

            if (unsaid > size) {
                transfer->limit = 0;
            }
        }

        ngx_http_liveupdate_transfer_look(transfer);
    }

    if (collect->planned
        && !collect->reporting
        && ngx_current_msec - collect->reported >= NGX_HTTP_LIVEUPDATE_REPORT)
    {
        ngx_http_liveupdate_collect_report(collect);
    }
}


/* Other workers, and machines, are asked how far it is, too. */

static void
ngx_http_liveupdate_collect_report(ngx_http_liveupdate_collect_t *collect)
{
    char                             now[LIVEUPDATE_TIME_SIZE];
    uint64_t                         done, speed;
    ngx_pool_t                      *pool;
    ngx_time_t                      *tp;
    ngx_queue_t                     *q;
    ngx_thread_task_t               *task;
    ngx_http_liveupdate_report_t    *report;
    ngx_http_liveupdate_transfer_t  *transfer;

    done = collect->done;

    for (q = ngx_queue_head(&collect->transfers);
         q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_http_liveupdate_transfer_t, queue);

        done += ngx_http_liveupdate_fetch_received(&transfer->fetch);
    }

    speed = 0;

    if (collect->reported && done > collect->last) {
        speed = (done - collect->last) * 1000
                / (ngx_current_msec - collect->reported);
    }

    collect->last = done;
    collect->reported = ngx_current_msec;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    task = ngx_thread_task_alloc(pool, sizeof(ngx_http_liveupdate_report_t));
    if (task == NULL) {
        goto failed;
    }

    tp = ngx_timeofday();
    liveupdate_time_print(now, tp->sec, (unsigned) tp->msec);

    report = task->ctx;
    report->io.pool = pool;
    report->collect = collect;
    report->path = ngx_http_liveupdate_path(pool, "%s/progress.json",
                                            collect->job->folder);
    report->text = ngx_http_liveupdate_path(pool,
                       "{\"files\":%ui,\"filesDone\":%ui,\"bytes\":%uL,"
                       "\"bytesDone\":%uL,\"bytesPerSecond\":%uL,"
                       "\"updatedAt\":\"%s\"}\n",
                       collect->nfiles, collect->ndone,
                       collect->size + collect->unsaid, done, speed, now);

    if (report->path == NULL || report->text == NULL) {
        goto failed;
    }

    task->handler = ngx_http_liveupdate_report_thread;
    task->event.data = report;
    task->event.handler = ngx_http_liveupdate_report_done;
    task->event.log = ngx_cycle->log;

    if (ngx_thread_task_post(collect->job->jobs->threads, task) != NGX_OK) {
        goto failed;
    }

    collect->reporting = 1;

    return;

failed:

    ngx_destroy_pool(pool);
}


/* Nothing is lost with it: it is not synced. */

static void
ngx_http_liveupdate_report_thread(void *data, ngx_log_t *log)
{
    ngx_http_liveupdate_report_t *report = data;

    ngx_http_liveupdate_temp_t    temp;
    ngx_http_liveupdate_store_t  *store;

    if (ngx_http_liveupdate_report_unwanted(report)) {
        report->unwanted = 1;
        return;
    }

    store = report->collect->job->jobs->store;

    if (ngx_http_liveupdate_temp_create(&report->io, store, &temp) != NGX_OK) {
        return;
    }

    if (ngx_http_liveupdate_temp_write(&report->io, &temp, report->text,
                                       ngx_strlen(report->text))
        != NGX_OK)
    {
        ngx_http_liveupdate_temp_discard(&temp);
        return;
    }

    (void) ngx_http_liveupdate_temp_rename(&report->io, &temp, report->path);
}


/* Somebody has rejected it, or deleted it with its app. */

static ngx_uint_t
ngx_http_liveupdate_report_unwanted(ngx_http_liveupdate_report_t *report)
{
    cJSON             *release;
    u_char            *path;
    ngx_int_t          rc;
    ngx_uint_t         unwanted;
    liveupdate_str_t   state;

    path = ngx_http_liveupdate_path(report->io.pool, "%s/release.json",
                                    report->collect->job->folder);

    rc = ngx_http_liveupdate_store_read_json(&report->io, path, &release);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED;
    }

    unwanted = (liveupdate_json_string(release, "state", &state)
                == LIVEUPDATE_OK
                && !liveupdate_str_is(&state, "fetching"));

    cJSON_Delete(release);

    return unwanted;
}


static void
ngx_http_liveupdate_report_done(ngx_event_t *ev)
{
    ngx_http_liveupdate_report_t *report = ev->data;

    ngx_queue_t                     *q;
    ngx_http_liveupdate_collect_t   *collect;
    ngx_http_liveupdate_transfer_t  *transfer;

    collect = report->collect;
    collect->reporting = 0;
    collect->unwanted |= report->unwanted;

    ngx_destroy_pool(report->io.pool);

    for (q = ngx_queue_head(&collect->transfers);
         collect->unwanted && q != ngx_queue_sentinel(&collect->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_http_liveupdate_transfer_t, queue);

        ngx_http_liveupdate_fetch_abort(&transfer->fetch);
    }

    ngx_http_liveupdate_collect_next(collect);
}


static void
ngx_http_liveupdate_collect_end(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_collect_t *collect = job->data;

    if (collect->look.timer_set) {
        ngx_del_timer(&collect->look);
    }

    ngx_http_liveupdate_job_end(job);
}


static void
ngx_http_liveupdate_collect_staged(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    if (status == NGX_OK && job->jobs->github_approves) {
        ngx_http_liveupdate_github(job);
        return;
    }

    ngx_http_liveupdate_job_end(job);
}
