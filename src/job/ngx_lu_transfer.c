
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_transfer.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"


#define NGX_LU_GONE  410


static ngx_int_t ngx_lu_transfer_name(ngx_lu_transfer_t *transfer);
static void ngx_lu_transfer_fetched(ngx_lu_fetch_t *fetch);
static void ngx_lu_transfer_answer(ngx_lu_transfer_t *transfer);
static ngx_uint_t ngx_lu_transfer_is_absent(ngx_uint_t status);
static void ngx_lu_transfer_unverified(ngx_lu_transfer_t *transfer);
static ngx_int_t ngx_lu_transfer_check(ngx_lu_transfer_t *transfer);
static void ngx_lu_transfer_thread(void *data);
static ngx_int_t ngx_lu_transfer_verify(ngx_lu_transfer_t *transfer);
static ngx_int_t ngx_lu_transfer_keep(ngx_lu_transfer_t *transfer);
static void ngx_lu_transfer_checked(void *data);
static void ngx_lu_transfer_lost(ngx_lu_transfer_t *transfer,
    const char *text);
static void ngx_lu_transfer_fail(ngx_lu_transfer_t *transfer,
    ngx_lu_job_e error, const char *text);
static void ngx_lu_transfer_end(ngx_lu_transfer_t *transfer);


ngx_lu_transfer_t *
ngx_lu_transfer_start(ngx_lu_job_t *job, lu_plan_file_t *file, uint64_t limit,
    ngx_lu_transfer_pt handler)
{
    ngx_pool_t         *pool;
    ngx_lu_transfer_t  *transfer;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    transfer = ngx_pcalloc(pool, sizeof(ngx_lu_transfer_t));
    if (transfer == NULL) {
        goto failed;
    }

    transfer->job = job;
    transfer->file = file;
    transfer->limit = limit;
    transfer->handler = handler;

    transfer->io.pool = pool;
    transfer->io.claim = &job->claim.turn;

    transfer->fetch.pool = pool;
    transfer->fetch.conf_ctx = job->jobs->conf_ctx;
    transfer->fetch.handler = ngx_lu_transfer_fetched;
    transfer->fetch.data = transfer;

    if (ngx_lu_transfer_name(transfer) != NGX_OK
        || ngx_lu_fetch_start(&transfer->fetch) != NGX_OK)
    {
        goto failed;
    }

    return transfer;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_lu_transfer_name(ngx_lu_transfer_t *transfer)
{
    u_char          *p;
    size_t           len;
    lu_str_t        *name;
    ngx_lu_job_t    *job;
    ngx_lu_jobs_t   *jobs;
    ngx_lu_fetch_t  *fetch;

    job = transfer->job;
    jobs = job->jobs;
    fetch = &transfer->fetch;
    name = &transfer->file->name;

    p = ngx_lu_format(fetch->pool, "%V%s/%s", &jobs->fetch->uri, job->app.data,
                      name->data);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fetch->uri.data = p;
    fetch->uri.len = ngx_strlen(p);

    len = name->len + 2 * ngx_escape_uri(NULL, name->data, name->len,
                                         NGX_ESCAPE_URI_COMPONENT);

    p = ngx_pnalloc(fetch->pool, sizeof("//") - 1 + job->app.len + len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fetch->target.data = p;

    p = ngx_sprintf(p, "/%s/", job->app.data);
    p = (u_char *) ngx_escape_uri(p, name->data, name->len,
                                  NGX_ESCAPE_URI_COMPONENT);

    fetch->target.len = p - fetch->target.data;

    /* the next start of this machine empties its folder */

    p = ngx_lu_format(fetch->pool, "%V/%P.%ui", &jobs->store->temp, ngx_pid,
                      jobs->nfetched++);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fetch->path.data = p;
    fetch->path.len = ngx_strlen(p);

    return NGX_OK;
}


void
ngx_lu_transfer_look(ngx_lu_transfer_t *transfer)
{
    off_t  received;

    ngx_lu_fetch_look(&transfer->fetch, transfer->job->jobs->store);

    received = ngx_lu_fetch_received(&transfer->fetch);

    if ((uint64_t) received > transfer->limit) {
        transfer->too_large = 1;
        ngx_lu_fetch_abort(&transfer->fetch);
        return;
    }

    if (ngx_lu_fetch_is_late(&transfer->fetch)) {
        ngx_lu_fetch_abort(&transfer->fetch);
    }
}


static void
ngx_lu_transfer_fetched(ngx_lu_fetch_t *fetch)
{
    ngx_lu_transfer_t *transfer = fetch->data;

    if (!fetch->stored) {
        ngx_lu_transfer_answer(transfer);
        ngx_lu_transfer_end(transfer);
        return;
    }

    if (ngx_lu_transfer_check(transfer) != NGX_OK) {
        ngx_lu_transfer_unverified(transfer);
        ngx_lu_transfer_end(transfer);
    }
}


/* No thread can verify it; the next start removes what cannot be removed. */

static void
ngx_lu_transfer_unverified(ngx_lu_transfer_t *transfer)
{
    ngx_lu_job_t  *job;

    job = transfer->job;

    if (ngx_lu_thread_hangs(job->jobs->store, &job->app)) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                             "could not be verified: the disk of the server "
                             "does not answer");
        return;
    }

    (void) ngx_lu_file_unlink(&transfer->io, transfer->fetch.path.data);

    ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                         "could not be verified: the server is short of "
                         "memory or threads");
}


/* No file was stored: says what came in its place. */

static void
ngx_lu_transfer_answer(ngx_lu_transfer_t *transfer)
{
    ngx_uint_t       status;
    ngx_lu_fetch_t  *fetch;

    fetch = &transfer->fetch;
    status = fetch->status;

    if (transfer->too_large) {

        if (transfer->file->size != UINT64_MAX) {
            ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                                 "is larger than its manifest says");
            return;
        }

        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_REFUSED, "is larger than "
                             "\"liveupdate_fetch\" allows");

    } else if (!fetch->asked) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                             "was not fetched: the location of "
                             "\"liveupdate_fetch\" needs \"proxy_pass\"");

    } else if (status == 0) {
        ngx_lu_transfer_lost(transfer,
                             "was not fetched: the origin did not answer");

    } else if (transfer->file->is_optional
               && ngx_lu_transfer_is_absent(status))
    {
        transfer->missing = 1;

    } else if (status == NGX_HTTP_NOT_FOUND) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "is not at the origin (404)");

    } else if (status == NGX_HTTP_OK && fetch->received_all) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                             "could not be stored, perhaps because the disk "
                             "is full; the error log says why");

    } else if (status == NGX_HTTP_OK) {
        ngx_lu_transfer_lost(transfer, "was not received completely");

    } else if (status >= NGX_HTTP_SPECIAL_RESPONSE
               && status < NGX_HTTP_BAD_REQUEST
               && status != NGX_HTTP_NOT_MODIFIED)
    {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_REFUSED,
                             "was not fetched: the origin redirects it, and "
                             "redirects are not followed");

    } else {
        ngx_lu_transfer_fail(transfer, status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                             || status == NGX_HTTP_TOO_MANY_REQUESTS
                             || status == NGX_HTTP_REQUEST_TIME_OUT
                             ? NGX_LU_JOB_OUTAGE
                             : NGX_LU_JOB_WRONG,
                             (char *) ngx_lu_format(fetch->pool,
                                 "was not fetched: the origin answered %ui",
                                 status));
    }
}


/*
 * An object storage answers 403 for what it does not have to those who may not
 * list it.
 */

static ngx_uint_t
ngx_lu_transfer_is_absent(ngx_uint_t status)
{
    return status == NGX_HTTP_NOT_FOUND
           || status == NGX_HTTP_FORBIDDEN
           || status == NGX_LU_GONE;
}


static ngx_int_t
ngx_lu_transfer_check(ngx_lu_transfer_t *transfer)
{
    ngx_lu_jobs_t    *jobs;
    ngx_lu_thread_t  *thread;

    jobs = transfer->job->jobs;
    thread = &transfer->thread;

    thread->store = jobs->store;
    thread->pool = jobs->threads;
    thread->app = transfer->job->app;
    thread->kind = NGX_LU_THREAD_JOB;
    thread->beats = &transfer->io.beats;
    thread->run = ngx_lu_transfer_thread;
    thread->done = ngx_lu_transfer_checked;
    thread->data = transfer;

    return ngx_lu_thread_start(thread);
}


static void
ngx_lu_transfer_thread(void *data)
{
    ngx_lu_transfer_t *transfer = data;

    ngx_lu_io_t  io;

    if (ngx_lu_transfer_verify(transfer) == NGX_OK
        && ngx_lu_transfer_keep(transfer) == NGX_OK)
    {
        return;
    }

    /* the first failure is the one to log */

    io = transfer->io;
    (void) ngx_lu_file_unlink(&io, transfer->fetch.path.data);
}


/* What the transport says is not enough. */

static ngx_int_t
ngx_lu_transfer_verify(ngx_lu_transfer_t *transfer)
{
    ngx_int_t         rc;
    lu_plan_file_t   *file;
    ngx_lu_digest_t  *digest;

    file = transfer->file;
    digest = &transfer->digest;
    digest->name = file->name;

    rc = ngx_lu_digest(&transfer->io, transfer->fetch.path.data, digest);
    if (rc != NGX_OK) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                             "could not be stored; the error log says why");
        return NGX_ERROR;
    }

    if (transfer->fetch.encoded) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "has a Content-Encoding, which was not asked for");
        return NGX_ERROR;
    }

    if (!transfer->fetch.framed
        && file->size == UINT64_MAX
        && file->sha256.len == 0
        && !file->has_sha512)
    {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "has no Content-Length, so that nothing shows "
                             "that it is complete");
        return NGX_ERROR;
    }

    if (transfer->fetch.length != -1
        && digest->size != (uint64_t) transfer->fetch.length)
    {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "is not as large as its Content-Length says");
        return NGX_ERROR;
    }

    if (file->size != UINT64_MAX && digest->size != file->size) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "has another size than its manifest says");
        return NGX_ERROR;
    }

    if (digest->size > transfer->limit) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_REFUSED, "is larger than "
                             "\"liveupdate_fetch\" allows");
        return NGX_ERROR;
    }

    if (file->has_sha512
        && ngx_memcmp(file->sha512, digest->sha512, SHA512_DIGEST_LENGTH) != 0)
    {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "has another SHA-512 than its manifest says");
        return NGX_ERROR;
    }

    if (file->sha256.len && !lu_str_is(&file->sha256, digest->sha256)) {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_WRONG,
                             "has another SHA-256 than its list says");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Synced first: what is in uploads/ after a crash was verified. */

static ngx_int_t
ngx_lu_transfer_keep(ngx_lu_transfer_t *transfer)
{
    u_char  *from, *to;

    from = transfer->fetch.path.data;
    to = ngx_lu_format(transfer->fetch.pool, "%s/uploads/%s",
                       transfer->job->folder, transfer->file->name.data);

    if (ngx_lu_file_sync(&transfer->io, from) != NGX_OK
        || ngx_lu_claim_place(&transfer->io, &transfer->job->claim, from, to)
           != NGX_OK)
    {
        ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE,
                             "could not be stored; the error log says why");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_lu_transfer_checked(void *data)
{
    ngx_lu_transfer_t *transfer = data;

    if (transfer->thread.refused) {
        ngx_lu_transfer_unverified(transfer);
    }

    ngx_lu_transfer_end(transfer);
}


/* The connection has failed, for the reason that nginx has logged. */

static void
ngx_lu_transfer_lost(ngx_lu_transfer_t *transfer, const char *text)
{
    ngx_lu_fetch_t  *fetch;

    fetch = &transfer->fetch;

    if (fetch->why[0]) {
        text = (char *) ngx_lu_format(fetch->pool, "%s: %s", text, fetch->why);
    }

    ngx_lu_transfer_fail(transfer, NGX_LU_JOB_OUTAGE, text);
}


static void
ngx_lu_transfer_fail(ngx_lu_transfer_t *transfer, ngx_lu_job_e error,
    const char *text)
{
    transfer->error = error;

    (void) lu_error(&transfer->why, &transfer->file->name,
                    text ? text : "was not fetched");
}


static void
ngx_lu_transfer_end(ngx_lu_transfer_t *transfer)
{
    if (!transfer->job->claim.turn.lost) {
        ngx_lu_job_log(&transfer->io, "");
    }

    transfer->handler(transfer);

    ngx_destroy_pool(transfer->fetch.pool);
}
