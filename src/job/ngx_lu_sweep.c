
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_collect.h"
#include "ngx_lu_github.h"
#include "ngx_lu_job.h"
#include "ngx_lu_pull.h"
#include "ngx_lu_reconcile.h"
#include "ngx_lu_sweep.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_platform.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


#define NGX_LU_SWEEP      1000  /* msec */
#define NGX_LU_SWEEP_MIN  50
#define NGX_LU_CLEAN      (60 * 60 * 1000)


/* A sweep, and the jobs that it has claimed. */

typedef struct {
    ngx_lu_io_t                   io;
    ngx_lu_thread_t               thread;
    ngx_lu_jobs_t                *jobs;
    ngx_uint_t                    free;
    ngx_array_t                   claimed;     /* of job_t * */
    ngx_uint_t                    github;      /* jobs/github may run */
    ngx_uint_t                    limited;     /* GitHub may not be asked */
    ngx_uint_t                    late;        /* only if somebody has asked */
    off_t                         look_size;
    ngx_uint_t                    clean;       /* claims without a job */
    ngx_uint_t                    more;        /* and there are more */
    char                          now[LU_TIME_SIZE];
} ngx_lu_sweep_t;


static void ngx_lu_sweep(ngx_lu_jobs_t *jobs);
static void ngx_lu_sweep_handler(ngx_event_t *ev);
static void ngx_lu_sweep_thread(void *data);
static ngx_int_t ngx_lu_sweep_job(ngx_lu_sweep_t *sweep, ngx_str_t *name);
static ngx_int_t ngx_lu_sweep_open(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job,
    u_char *path);
static ngx_int_t ngx_lu_sweep_claim(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job);
static ngx_int_t ngx_lu_sweep_unlink(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job,
    u_char *path);
static ngx_int_t ngx_lu_sweep_read(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job,
    const cJSON *release);
static unsigned ngx_lu_sweep_platforms(const cJSON *release);
static void ngx_lu_sweep_done(void *data);
static void ngx_lu_sweep_log(ngx_lu_sweep_t *sweep);
static void ngx_lu_sweep_start(ngx_lu_job_t *job);


void
ngx_lu_sweep_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_lu_jobs_t  *jobs;

    jobs = store->jobs;
    if (jobs == NULL) {
        return;
    }

    jobs->wake = ngx_lu_sweep;

    jobs->sweep.handler = ngx_lu_sweep_handler;
    jobs->sweep.data = jobs;
    jobs->sweep.log = cycle->log;
    jobs->sweep.cancelable = 1;

    if (ngx_worker == 0) {
        ngx_add_timer(&jobs->sweep, 1);
    }
}


void
ngx_lu_sweep_wake(ngx_lu_store_t *store)
{
    if (store->jobs) {
        ngx_lu_sweep(store->jobs);
    }
}


static void
ngx_lu_sweep_handler(ngx_event_t *ev)
{
    ngx_lu_jobs_t *jobs = ev->data;

    ngx_msec_t  wait;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    /* a short "retry" of liveupdate_fetch needs frequent sweeps */

    wait = ngx_max(jobs->fetch->retry, NGX_LU_SWEEP_MIN);

    ngx_add_timer(ev, ngx_min(wait, NGX_LU_SWEEP));

    ngx_lu_sweep(jobs);
}


static void
ngx_lu_sweep(ngx_lu_jobs_t *jobs)
{
    ngx_pool_t       *pool;
    ngx_time_t       *tp;
    ngx_lu_sweep_t   *sweep;
    ngx_lu_thread_t  *thread;

    if (jobs->sweeping) {
        jobs->again = 1;
        return;
    }

    if ((jobs->nrunning >= NGX_LU_JOBS && jobs->github == NULL)
        || (ngx_msec_int_t) (ngx_current_msec - jobs->pause) < 0
        || ngx_exiting
        || ngx_terminate)
    {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    sweep = ngx_pcalloc(pool, sizeof(ngx_lu_sweep_t));
    if (sweep == NULL) {
        goto failed;
    }

    sweep->io.pool = pool;
    sweep->jobs = jobs;
    sweep->free = (jobs->nrunning < NGX_LU_JOBS)
                  ? NGX_LU_JOBS - jobs->nrunning : 0;

    tp = ngx_timeofday();

    lu_time_print(sweep->now, tp->sec, (unsigned) tp->msec);
    sweep->limited = ngx_lu_github_is_limited(jobs);
    sweep->github = (jobs->github
                     && !sweep->limited
                     && (ngx_msec_int_t) (ngx_current_msec
                                          - jobs->pause_github)
                        >= 0);
    sweep->late = ((ngx_msec_int_t) (ngx_current_msec - jobs->look_next) < 0);
    sweep->look_size = jobs->look_size;
    sweep->clean = (!jobs->cleaned
                    || (ngx_msec_int_t) (ngx_current_msec - jobs->clean_next)
                       >= 0);

    thread = &sweep->thread;

    thread->store = jobs->store;
    thread->pool = jobs->readers;
    thread->kind = NGX_LU_THREAD_SHORT;
    thread->beats = &sweep->io.beats;
    thread->run = ngx_lu_sweep_thread;
    thread->done = ngx_lu_sweep_done;
    thread->data = sweep;

    if (ngx_lu_thread_start(thread) != NGX_OK) {
        goto failed;
    }

    jobs->sweeping = 1;

    return;

failed:

    ngx_destroy_pool(pool);
}


static void
ngx_lu_sweep_thread(void *data)
{
    ngx_lu_sweep_t *sweep = data;

    u_char      *path;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;
    ngx_lu_io_t  failed;

    failed.operation = NULL;

    if (ngx_array_init(&sweep->claimed, sweep->io.pool,
                       NGX_LU_JOBS,
                       sizeof(ngx_lu_job_t *))
        != NGX_OK)
    {
        return;
    }

    path = ngx_lu_path(&sweep->io, "%V/jobs", &sweep->jobs->store->path);

    if (ngx_lu_mark_check(&sweep->io, sweep->jobs->store) != NGX_OK) {
        return;
    }

    if (sweep->clean) {
        sweep->more = ngx_lu_claim_clean(&sweep->io, sweep->jobs->store);
    }

    if (ngx_lu_tree_list(&sweep->io, path, &names) != NGX_OK) {
        return;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        /* jobs/github does not wait for a place */

        if (sweep->claimed.nelts >= sweep->free
            && ngx_strlchr(name[i].data, name[i].data + name[i].len, '.'))
        {
            continue;
        }

        /* a job that cannot be read does not stop the others */

        if (ngx_lu_sweep_job(sweep, &name[i]) != NGX_OK
            && failed.operation == NULL)
        {
            failed = sweep->io;
        }
    }

    if (failed.operation) {
        sweep->io = failed;
    }
}


/* The name is "{app}.{release}" or "github"; the id of an app has no dots. */

static ngx_int_t
ngx_lu_sweep_job(ngx_lu_sweep_t *sweep, ngx_str_t *name)
{
    u_char        *dot, *path;
    ngx_int_t      rc;
    ngx_pool_t    *pool;
    lu_arena_t     arena;
    ngx_lu_job_t  *job, **claimed;

    dot = ngx_strlchr(name->data, name->data + name->len, '.');

    if (dot == NULL) {

        if (!sweep->github) {
            return NGX_OK;
        }

        dot = name->data + name->len;
    }

    /* the path is logged after the job was freed */

    path = ngx_lu_path(&sweep->io, "%V/jobs/%V", &sweep->jobs->store->path,
                       name);
    if (path == NULL) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    job = ngx_pcalloc(pool, sizeof(ngx_lu_job_t));
    if (job == NULL) {
        goto failed;
    }

    arena = ngx_lu_arena(pool);

    job->pool = pool;
    job->jobs = sweep->jobs;
    job->app = lu_str_dup(&arena, name->data, dot - name->data);

    if (dot == name->data + name->len) {
        job->is_github = 1;
        job->by = "github";
        job->id = job->app;

    } else {
        job->id = lu_str_dup(&arena, dot + 1,
                             name->data + name->len - (dot + 1));
    }

    if (job->app.data == NULL
        || job->id.data == NULL
        || !lu_name_id_valid(&job->app)
        || !lu_name_release_valid(&job->id))
    {
        rc = NGX_OK;
        goto failed;
    }

    job->path = ngx_lu_format(pool, "%s", path);
    job->folder = ngx_lu_format(pool, "%V/staging/%s/%s",
                                &job->jobs->store->path, job->app.data,
                                job->id.data);

    if (job->path == NULL || job->folder == NULL) {
        goto failed;
    }

    rc = ngx_lu_claim_open(&sweep->io, path, &job->claim);
    if (rc != NGX_OK) {
        rc = (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
        goto failed;
    }

    rc = ngx_lu_sweep_open(sweep, job, path);

    if (rc == NGX_OK) {
        claimed = ngx_array_push(&sweep->claimed);

        if (claimed) {
            *claimed = job;
            return NGX_OK;
        }

        rc = NGX_ERROR;
    }

    ngx_lu_claim_close(&job->claim);

    if (rc == NGX_BUSY) {
        rc = NGX_OK;
    }


failed:

    ngx_destroy_pool(pool);

    return rc;
}


/*
 * Whoever orders a build holds the release's lock while its files are written.
 * NGX_OK: there is something to do; NGX_BUSY: not now.
 */

static ngx_int_t
ngx_lu_sweep_open(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job, u_char *path)
{
    cJSON           *release;
    ngx_int_t        rc;
    ngx_lu_lock_t   *lock;
    ngx_file_info_t  fi;

    if (job->is_github) {

        if (ngx_fd_info(job->claim.fd, &fi) == NGX_FILE_ERROR) {
            return ngx_lu_io_failed(&sweep->io, ngx_fd_info_n, path);
        }

        job->seen = ngx_file_size(&fi);

        /* nobody has asked since the last look */

        return (sweep->late && job->seen == sweep->look_size)
               ? NGX_BUSY : ngx_lu_sweep_claim(sweep, job);
    }

    /* whoever waits for it comes later: the next sweep does, too */

    sweep->io.first = 1;

    rc = ngx_lu_lock_existing(&sweep->io, job->jobs->store,
                              ngx_lu_path_in(&sweep->io, job->folder, "lock"),
                              &lock);

    if (rc == NGX_ERROR && sweep->io.busy) {
        ngx_lu_io_clear(&sweep->io);
        sweep->io.busy = NULL;
        rc = NGX_BUSY;
    }

    /* a crash during the promotion may have left the release without a lock */

    if (rc == NGX_OK || rc == NGX_DECLINED) {
        rc = ngx_lu_job_find(&sweep->io, job, &release);

        /* a release that is not there may be restored */

        if (rc == NGX_DECLINED) {
            rc = NGX_BUSY;
        }

        if (rc == NGX_OK) {
            rc = ngx_lu_sweep_read(sweep, job, release);
            cJSON_Delete(release);
        }
    }

    if (rc == NGX_OK) {
        rc = ngx_lu_sweep_claim(sweep, job);

    } else if (rc == NGX_DECLINED) {

        /* a crash came between the end of the job and the unlink */

        rc = ngx_lu_sweep_unlink(sweep, job, path);
    }

    ngx_lu_lock_release(lock);

    return rc;
}


/* With the release locked: who had the job before cannot change it now. */

static ngx_int_t
ngx_lu_sweep_claim(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job)
{
    return ngx_lu_claim_take(&sweep->io, job->jobs->store, job->pool,
                             job->path, &job->claim);
}


/* NGX_BUSY: it has gone, or another has it. */

static ngx_int_t
ngx_lu_sweep_unlink(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job, u_char *path)
{
    ngx_int_t  rc;

    rc = ngx_lu_sweep_claim(sweep, job);

    if (rc != NGX_OK) {
        return rc;
    }

    sweep->io.claim = &job->claim.turn;

    rc = ngx_lu_tree_unlink(&sweep->io, job->jobs->store, path);

    sweep->io.claim = NULL;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_lu_claim_end(&sweep->io, &job->claim);

    return NGX_BUSY;
}


/* NGX_DECLINED: there is nothing left to do. */

static ngx_int_t
ngx_lu_sweep_read(ngx_lu_sweep_t *sweep, ngx_lu_job_t *job,
    const cJSON *release)
{
    lu_str_t    by;
    uint64_t    number;
    lu_state_e  state;

    state = lu_release_state(release);

    if (state == LU_STATE_UNKNOWN
        || lu_json_string(release, "createdBy", &by) != LU_OK)
    {
        return NGX_BUSY;
    }

    if (state == LU_STATE_STAGED) {

        if (job->jobs->approval == NGX_LU_APPROVAL_ON
            || (job->jobs->github_approves
                && lu_json_size(
                       cJSON_GetObjectItemCaseSensitive(release,
                                                        "pullRequest"),
                       "number", &number)
                   == LU_OK))
        {
            return NGX_DECLINED;
        }

        if (sweep->limited && job->jobs->github_approves) {
            return NGX_BUSY;
        }

        job->staged = 1;

    } else if (state != LU_STATE_FETCHING) {
        return NGX_DECLINED;
    }

    if (!ngx_lu_job_is_due(job->jobs, release, sweep->now)) {
        return NGX_BUSY;
    }

    job->by = (char *) ngx_lu_format(job->pool, "%s", by.data);

    job->platforms = ngx_lu_sweep_platforms(release);

    return job->by ? NGX_OK : NGX_ERROR;
}


/* The platforms that a build was ordered for; none are all of them. */

static unsigned
ngx_lu_sweep_platforms(const cJSON *release)
{
    unsigned      platforms;
    const cJSON  *list;

    list = cJSON_GetObjectItemCaseSensitive(release, "platforms");

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        return LU_PLATFORMS;
    }

    /* what is no platform's name is left out */

    (void) lu_platform_list(list, &platforms);

    return platforms;
}


static void
ngx_lu_sweep_done(void *data)
{
    ngx_lu_sweep_t *sweep = data;

    ngx_uint_t      i;
    ngx_lu_job_t  **claimed;
    ngx_lu_jobs_t  *jobs;

    jobs = sweep->jobs;
    jobs->sweeping = 0;

    if (sweep->clean && !sweep->more) {
        jobs->cleaned = 1;
        jobs->clean_next = ngx_current_msec + NGX_LU_CLEAN;
    }

    ngx_lu_sweep_log(sweep);

    claimed = sweep->claimed.elts;

    for (i = 0; i < sweep->claimed.nelts; i++) {
        jobs->nrunning++;

        if (ngx_exiting || ngx_terminate) {
            ngx_lu_job_free(claimed[i]);
            continue;
        }

        ngx_lu_sweep_start(claimed[i]);
    }

    ngx_destroy_pool(sweep->io.pool);

    if (jobs->again) {
        jobs->again = 0;
        ngx_lu_sweep(jobs);
    }
}


/* A file that cannot be read is the same at each sweep: it is logged once. */

static void
ngx_lu_sweep_log(ngx_lu_sweep_t *sweep)
{
    uint32_t      hash;
    ngx_lu_io_t  *io;

    io = &sweep->io;
    hash = 0;

    if (io->operation && io->path) {
        hash = ngx_crc32_long(io->path, ngx_strlen(io->path));
    }

    if (hash == 0 || hash != sweep->jobs->unread) {
        ngx_lu_job_log(io, " while looking for jobs");
    }

    sweep->jobs->unread = hash;
}


static void
ngx_lu_sweep_start(ngx_lu_job_t *job)
{
    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "job for \"%s\" of app \"%s\" is claimed",
                  job->id.data, job->app.data);

    if (job->is_github) {
        ngx_lu_reconcile(job);
        return;
    }

    if (job->staged && job->jobs->github_approves) {
        ngx_lu_pull(job);
        return;
    }

    if (job->staged) {
        ngx_lu_collect_promote(job);
        return;
    }

    ngx_lu_collect(job, ngx_lu_pull);
}
