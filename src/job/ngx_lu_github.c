
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GitHub, asked: where the base branch is, and what is approved there.  Each
 * step is a request; a job that was interrupted begins again.
 */


#include "ngx_lu_github.h"

#include "core/lu_github.h"


#define NGX_LU_GITHUB_LIMIT  3600    /* seconds */


static void ngx_lu_github_repository(ngx_lu_github_t *github);
static void ngx_lu_github_head(ngx_lu_github_t *github);
static void ngx_lu_github_at(ngx_lu_github_t *github);
static void ngx_lu_github_builds(ngx_lu_github_t *github);
static void ngx_lu_github_rules(ngx_lu_github_t *github);
static void ngx_lu_github_answered(ngx_lu_fetch_t *fetch);
static void ngx_lu_github_why(ngx_lu_github_t *github, lu_error_t *why);
static void ngx_lu_github_limited(ngx_lu_github_t *github);
static ngx_uint_t ngx_lu_github_is_plain(u_char *name);
static void ngx_lu_github_cleanup(void *data);


ngx_lu_github_t *
ngx_lu_github_create(ngx_lu_job_t *job)
{
    ngx_lu_github_t     *github;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(job->pool, sizeof(ngx_lu_github_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_lu_github_cleanup;

    github = cln->data;
    ngx_memzero(github, sizeof(ngx_lu_github_t));

    github->job = job;
    github->conf = job->jobs->github;

    job->github = github;

    return github;
}


void
ngx_lu_github_read(ngx_lu_github_t *github, ngx_lu_github_pt handler)
{
    github->handler = handler;

    if (github->conf->base.len) {
        github->base = github->conf->base.data;
        ngx_lu_github_head(github);
        return;
    }

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_repository, "");
}


static void
ngx_lu_github_repository(ngx_lu_github_t *github)
{
    github->base = ngx_lu_github_member(github, github->answer,
                                        "default_branch");

    if (github->fetch->status != NGX_HTTP_OK
        || !ngx_lu_github_is_plain(github->base))
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_github_head(github);
}


static void
ngx_lu_github_head(ngx_lu_github_t *github)
{
    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_at, "/git/ref/heads/%s",
                      github->base);
}


static void
ngx_lu_github_at(ngx_lu_github_t *github)
{
    github->approved.commit = ngx_lu_github_member(github,
                     cJSON_GetObjectItemCaseSensitive(github->answer,
                                                      "object"),
                     "sha");

    if (github->fetch->status != NGX_HTTP_OK
        || !ngx_lu_github_is_plain(github->approved.commit))
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_builds,
                      "/contents/" LU_GITHUB_BUILDS
                      "?ref=%s", github->approved.commit);
}


static void
ngx_lu_github_builds(ngx_lu_github_t *github)
{
    lu_str_t  sha;

    if (ngx_lu_github_text(github, &github->approved.builds, &sha) != NGX_OK) {
        return;
    }

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_rules,
                      "/contents/" LU_GITHUB_RELEASES
                      "?ref=%s", github->approved.commit);
}


static void
ngx_lu_github_rules(ngx_lu_github_t *github)
{
    lu_str_t  sha;

    if (ngx_lu_github_text(github, &github->approved.rules, &sha) != NGX_OK) {
        return;
    }

    github->handler(github);
}


/*
 * Asks for something below /repos/{owner}/{name}.  The body is from malloc(),
 * and freed here; methods other than GET need one.
 */

void
ngx_lu_github_ask(ngx_lu_github_t *github, ngx_uint_t method, char *body,
    ngx_lu_github_pt next, const char *path, ...)
{
    u_char                *p, buf[2048];
    va_list                args;
    ngx_pool_t            *pool;
    ngx_lu_fetch_t        *fetch;
    ngx_lu_github_conf_t  *conf;

    conf = github->conf;

    /* what the last answer has said is of no use any more */

    cJSON_Delete(github->answer);
    github->answer = NULL;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        goto failed;
    }

    fetch = ngx_pcalloc(pool, sizeof(ngx_lu_fetch_t));
    if (fetch == NULL) {
        goto failed;
    }

    if (method) {
        if (body == NULL) {
            goto failed;
        }

        fetch->body.len = ngx_strlen(body);
        fetch->body.data = ngx_pnalloc(pool, fetch->body.len);

        if (fetch->body.data == NULL) {
            goto failed;
        }

        ngx_memcpy(fetch->body.data, body, fetch->body.len);

        fetch->method = method;

        if (method == NGX_HTTP_PUT) {
            ngx_str_set(&fetch->method_name, "PUT");

        } else {
            ngx_str_set(&fetch->method_name, "POST");
        }
    }

    va_start(args, path);
    p = ngx_vslprintf(buf, buf + sizeof(buf), path, args);
    va_end(args);

    fetch->target.data = ngx_lu_format(pool, "%V/repos/%V%*s", &conf->api,
                                       &conf->repo, p - buf, buf);
    if (fetch->target.data == NULL) {
        goto failed;
    }

    fetch->target.len = ngx_strlen(fetch->target.data);

    fetch->pool = pool;
    fetch->conf_ctx = github->job->jobs->conf_ctx;
    fetch->uri = conf->uri;
    fetch->headers = conf->headers;
    fetch->handler = ngx_lu_github_answered;
    fetch->data = github;

    github->next = next;

    if (ngx_lu_fetch_start(fetch) != NGX_OK) {
        goto failed;
    }

    cJSON_free(body);

    return;

failed:

    cJSON_free(body);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_lu_job_exhausted(github->job);
    ngx_lu_job_end(github->job);
}


static void
ngx_lu_github_answered(ngx_lu_fetch_t *fetch)
{
    ngx_lu_github_t *github = fetch->data;

    ngx_pool_t  *pool;
    lu_str_t     text;
    lu_error_t   why;

    pool = fetch->pool;

    text.len = fetch->answer.len;
    text.data = fetch->answer.data;

    if (!fetch->complete
        || lu_json_parse(&github->answer, &text, &why) != LU_OK)
    {
        github->answer = NULL;

        if (fetch->status < NGX_HTTP_BAD_REQUEST) {
            fetch->status = 0;
        }
    }

    github->fetch = fetch;

    github->next(github);

    ngx_destroy_pool(pool);
}


/* All of it may pass: an outage, a limit of requests, a token or a rule. */

void
ngx_lu_github_unexpected(ngx_lu_github_t *github)
{
    ngx_uint_t  status;
    lu_error_t  why;

    status = github->fetch->status;

    if (status == NGX_HTTP_FORBIDDEN || status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_lu_github_limited(github);
    }

    if (github->refused.text
        && (status == NGX_HTTP_OK || status == NGX_HTTP_NOT_FOUND))
    {
        /* it is not there, so that this was not why */

        why = github->refused;

    } else {
        ngx_lu_github_why(github, &why);
    }

    if (why.text) {
        ngx_lu_job_fail(github->job, NGX_LU_JOB_OUTAGE, &why);
    }

    ngx_lu_job_end(github->job);
}


void
ngx_lu_github_refused(ngx_lu_github_t *github)
{
    lu_str_t   *message;
    lu_arena_t  arena;

    ngx_lu_github_why(github, &github->refused);

    arena = ngx_lu_arena(github->job->pool);
    message = &github->refused.subject;

    *message = lu_str_dup(&arena, message->data, message->len);
}


/* The subject points into the answer. */

static void
ngx_lu_github_why(ngx_lu_github_t *github, lu_error_t *why)
{
    lu_str_t      message;
    ngx_uint_t    status;
    const cJSON  *errors;

    status = github->fetch->status;

    ngx_str_null(&message);
    (void) lu_json_string(github->answer, "message", &message);

    /* "Validation Failed" says nothing */

    errors = cJSON_GetObjectItemCaseSensitive(github->answer, "errors");

    if (cJSON_IsArray(errors)) {
        (void) lu_json_string(errors->child, "message", &message);
    }

    (void) lu_error(why, message.len ? &message : NULL,
                    status == 0
                    ? "GitHub did not answer, or not completely."
                    : message.len
                    ? (char *) ngx_lu_format(github->job->pool,
                             "is what GitHub answered (%ui).", status)
                    : (char *) ngx_lu_format(github->job->pool,
                             "GitHub answered %ui.", status));
}


/* Whoever asks again before is kept waiting longer. */

static void
ngx_lu_github_limited(ngx_lu_github_t *github)
{
    time_t           until;
    ngx_lu_fetch_t  *fetch;

    fetch = github->fetch;

    until = fetch->retry ? fetch->retry : fetch->limited ? fetch->reset : 0;

    github->job->not_before = ngx_min(until, ngx_time() + NGX_LU_GITHUB_LIMIT);
}


/*
 * A file's text and its blob, empty if there is no file.  Or the job ends, as
 * it does if it is the commit that GitHub does not find, or not yet.
 */

ngx_int_t
ngx_lu_github_text(ngx_lu_github_t *github, lu_str_t *text, lu_str_t *sha)
{
    lu_str_t    message;
    lu_arena_t  arena;
    lu_error_t  why;

    ngx_str_null(text);
    ngx_str_null(sha);

    if (github->fetch->status == NGX_HTTP_NOT_FOUND
        && lu_json_string(github->answer, "message", &message) == LU_OK
        && lu_str_is(&message, "Not Found"))
    {
        return NGX_OK;
    }

    arena = ngx_lu_arena(github->job->pool);

    if (github->fetch->status == NGX_HTTP_OK
        && lu_github_content(&arena, github->answer, text, sha, &why) == LU_OK)
    {
        return NGX_OK;
    }

    ngx_lu_github_unexpected(github);

    return NGX_ERROR;
}


/* A string of an answer, in the job's pool; NULL if there is none. */

u_char *
ngx_lu_github_member(ngx_lu_github_t *github, const cJSON *object,
    const char *key)
{
    lu_str_t  value;

    if (lu_json_string(object, key, &value) != LU_OK) {
        return NULL;
    }

    return ngx_lu_format(github->job->pool, "%s", value.data);
}


/* It can be a part of a request line as it is. */

static ngx_uint_t
ngx_lu_github_is_plain(u_char *name)
{
    u_char  *p;

    if (name == NULL || *name == '\0') {
        return 0;
    }

    for (p = name; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
              || (*p >= '0' && *p <= '9')
              || *p == '-' || *p == '_' || *p == '.' || *p == '/'))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_lu_github_cleanup(void *data)
{
    ngx_lu_github_t *github = data;

    cJSON_Delete(github->answer);
    cJSON_Delete(github->release);
    cJSON_Delete(github->files);
}
