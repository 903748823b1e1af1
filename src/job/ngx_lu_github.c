
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_github.h"

#include "core/lu_github.h"


static void ngx_lu_github_repository(ngx_lu_github_t *github);
static ngx_int_t ngx_lu_github_moved(ngx_lu_github_t *github);
static void ngx_lu_github_named(ngx_lu_github_t *github);
static void ngx_lu_github_at(ngx_lu_github_t *github);
static void ngx_lu_github_builds(ngx_lu_github_t *github);
static void ngx_lu_github_rules(ngx_lu_github_t *github);
static void ngx_lu_github_content(ngx_lu_github_t *github);
static void ngx_lu_github_blob(ngx_lu_github_t *github);
static lu_rc_e ngx_lu_github_text(ngx_lu_github_t *github);
static void ngx_lu_github_too_large(ngx_lu_github_t *github);
static ngx_int_t ngx_lu_github_prove(ngx_lu_step_t *step);
static void ngx_lu_github_proved(ngx_lu_job_t *job, ngx_int_t status);
static void ngx_lu_github_answered(ngx_lu_fetch_t *fetch);
static void ngx_lu_github_why(ngx_lu_github_t *github, lu_error_t *why);
static void ngx_lu_github_trusted(ngx_lu_github_t *github);
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
ngx_lu_github_head(ngx_lu_github_t *github, ngx_lu_github_pt handler)
{
    github->handler = handler;

    github->root = ngx_lu_format(github->job->pool, "/repos/%V",
                                 &github->conf->repo);
    github->name = ngx_lu_format(github->job->pool, "%V",
                                 &github->conf->repo);

    if (github->root == NULL || github->name == NULL) {
        ngx_lu_job_exhausted(github->job);
        ngx_lu_job_end(github->job);
        return;
    }

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_repository, "");
}


static void
ngx_lu_github_repository(ngx_lu_github_t *github)
{
    ngx_uint_t  status;

    status = github->fetch->status;

    if (status >= NGX_HTTP_SPECIAL_RESPONSE
        && status < NGX_HTTP_BAD_REQUEST
        && ngx_lu_github_moved(github) == NGX_OK)
    {
        ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_repository, "");
        return;
    }

    github->base = github->conf->base.len
                   ? ngx_lu_format(github->job->pool, "%V",
                                   &github->conf->base)
                   : ngx_lu_github_member(github, github->answer,
                                          "default_branch");

    if (status != NGX_HTTP_OK || !ngx_lu_github_is_plain(github->base)) {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_github_named(github);

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_at, "/git/ref/heads/%s",
                      github->base);
}


/*
 * A repository with a new name is found under the path of its id.  NGX_OK:
 * github->root is that path; it is so once.
 */

static ngx_int_t
ngx_lu_github_moved(ngx_lu_github_t *github)
{
    u_char      *path;
    size_t       i;
    lu_str_t     url;
    ngx_str_t   *api;

    static u_char  by_id[] = "/repositories/";

    api = &github->conf->api;

    if (lu_json_string(github->answer, "url", &url) != LU_OK
        || url.len <= api->len + sizeof(by_id) - 1
        || ngx_strncmp(url.data, api->data, api->len) != 0
        || ngx_strncmp(url.data + api->len, by_id, sizeof(by_id) - 1) != 0)
    {
        return NGX_DECLINED;
    }

    for (i = api->len + sizeof(by_id) - 1; i < url.len; i++) {
        if (url.data[i] < '0' || url.data[i] > '9') {
            return NGX_DECLINED;
        }
    }

    path = ngx_lu_format(github->job->pool, "%s", url.data + api->len);

    if (path == NULL || ngx_strcmp(path, github->root) == 0) {
        return NGX_DECLINED;
    }

    github->root = path;

    return NGX_OK;
}


static void
ngx_lu_github_named(ngx_lu_github_t *github)
{
    u_char     *name;
    ngx_str_t  *repo;

    (void) lu_json_size(github->answer, "id", &github->id);

    name = ngx_lu_github_member(github, github->answer, "full_name");
    repo = &github->conf->repo;

    if (!ngx_lu_github_is_plain(name)
        || ngx_strlchr(name, name + ngx_strlen(name), '/') == NULL)
    {
        return;
    }

    github->name = name;

    if (ngx_strlen(name) != repo->len
        || ngx_strncasecmp(name, repo->data, repo->len) != 0)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "repository \"%V\" is called \"%s\" on GitHub now: "
                      "set \"repo=%s\" in \"liveupdate_github\"",
                      repo, name, name);
    }
}


static void
ngx_lu_github_at(ngx_lu_github_t *github)
{
    const cJSON  *object;

    object = cJSON_GetObjectItemCaseSensitive(github->answer, "object");

    github->approved.commit = ngx_lu_github_member(github, object, "sha");

    if (github->fetch->status != NGX_HTTP_OK
        || !ngx_lu_github_is_plain(github->approved.commit))
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    github->handler(github);
}


void
ngx_lu_github_files(ngx_lu_github_t *github, ngx_lu_github_pt handler)
{
    github->handler = handler;

    ngx_lu_github_file(github, LU_GITHUB_BUILDS, github->approved.commit,
                       &github->approved.builds, ngx_lu_github_builds);
}


static void
ngx_lu_github_builds(ngx_lu_github_t *github)
{
    ngx_lu_github_file(github, LU_GITHUB_RELEASES, github->approved.commit,
                       &github->approved.rules, ngx_lu_github_rules);
}


static void
ngx_lu_github_rules(ngx_lu_github_t *github)
{
    github->handler(github);
}


void
ngx_lu_github_file(ngx_lu_github_t *github, const char *path, u_char *ref,
    ngx_lu_text_t *text, ngx_lu_github_pt handler)
{
    github->path = path;
    github->file_text = text;
    github->file_read = handler;

    ngx_memzero(text, sizeof(ngx_lu_text_t));

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_content,
                      "/contents/%s?ref=%s", path, ref);
}


/* "Not Found" is the file; a missing commit or repository says more. */

static void
ngx_lu_github_content(ngx_lu_github_t *github)
{
    lu_str_t  message;

    if (github->fetch->status == NGX_HTTP_NOT_FOUND
        && lu_json_string(github->answer, "message", &message) == LU_OK
        && lu_str_is(&message, "Not Found"))
    {
        github->file_read(github);
        return;
    }

    if (github->fetch->status != NGX_HTTP_OK) {
        ngx_lu_github_unexpected(github);
        return;
    }

    switch (ngx_lu_github_text(github)) {

    case LU_OK:
        github->file_read(github);
        return;

    case LU_NOT_FOUND:

        /* more than a megabyte */

        github->size = 0;
        (void) lu_json_size(github->answer, "size", &github->size);

        ngx_lu_github_ask(github, 0, NULL, ngx_lu_github_blob,
                          "/git/blobs/%s", github->file_text->sha.data);
        return;

    default:
        ngx_lu_github_unexpected(github);
    }
}


static void
ngx_lu_github_blob(ngx_lu_github_t *github)
{
    if (github->fetch->status == NGX_HTTP_OK
        && ngx_lu_github_text(github) == LU_OK)
    {
        github->file_read(github);
        return;
    }

    if (github->code >= NGX_HTTP_INTERNAL_SERVER_ERROR
        || github->code == NGX_HTTP_TOO_MANY_REQUESTS
        || github->code == 0)
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_github_too_large(github);
}


/* The text and the SHA, in the job's pool. */

static lu_rc_e
ngx_lu_github_text(ngx_lu_github_t *github)
{
    lu_rc_e         rc;
    lu_str_t        sha;
    lu_arena_t      arena;
    lu_error_t      why;
    ngx_lu_text_t  *text;

    text = github->file_text;
    arena = ngx_lu_arena(github->job->pool);

    rc = lu_github_content(&arena, github->answer, &text->text, &sha, &why);

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    text->sha = lu_str_dup(&arena, sha.data, sha.len);

    if (!ngx_lu_github_is_plain(text->sha.data)) {
        return LU_INVALID;
    }

    return rc;
}


static void
ngx_lu_github_too_large(ngx_lu_github_t *github)
{
    lu_str_t     path;
    lu_error_t   why;
    const char  *text;

    path = lu_str(github->path);

    text = (github->code == NGX_HTTP_OK)
           ? (char *) ngx_lu_format(github->job->pool,
                          "is too large: it has %uL bytes, and "
                          "\"subrequest_output_buffer_size\" of location "
                          "\"%V\" must be at least %uL.",
                          github->size, &github->conf->uri,
                          github->size / 2 * 3 + 4096)
           : (char *) ngx_lu_format(github->job->pool,
                          "is too large: it has %uL bytes, and GitHub "
                          "answered %ui.", github->size, github->code);

    (void) lu_error(&why, &path, text ? text : "is too large.");

    ngx_lu_job_fail(github->job, NGX_LU_JOB_OUTAGE, &why);
    ngx_lu_job_end(github->job);
}


void
ngx_lu_github_ask(ngx_lu_github_t *github, ngx_uint_t method, char *body,
    ngx_lu_github_pt next, const char *path, ...)
{
    u_char                *p, buf[2048];
    va_list                args;
    lu_error_t             why;
    ngx_pool_t            *pool;
    ngx_lu_fetch_t        *fetch;
    ngx_lu_github_conf_t  *conf;

    conf = github->conf;

    /* the last answer ends here */

    cJSON_Delete(github->answer);
    github->answer = NULL;

    if (ngx_lu_github_is_limited(github->job->jobs)) {
        cJSON_free(body);

        (void) lu_error(&why, NULL, "The limit of GitHub's API is reached: it "
                        "is asked again when GitHub says.");

        github->job->wait = github->job->jobs->limited - ngx_current_msec;

        ngx_lu_job_fail(github->job, NGX_LU_JOB_OUTAGE, &why);
        ngx_lu_job_end(github->job);
        return;
    }

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

    fetch->target.data = ngx_lu_format(pool, "%V%s%*s", &conf->api,
                                       github->root, p - buf, buf);
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

    if (method) {
        cJSON_free(body);

        github->asking = fetch;

        ngx_lu_job_run(github->job, ngx_lu_github_prove,
                       ngx_lu_github_proved);
        return;
    }

    if (ngx_lu_fetch_start(fetch) == NGX_OK) {
        return;
    }

failed:

    cJSON_free(body);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_lu_job_exhausted(github->job);
    ngx_lu_job_end(github->job);
}


/* ngx_lu_job_run() does it. */

static ngx_int_t
ngx_lu_github_prove(ngx_lu_step_t *step)
{
    return NGX_OK;
}


static void
ngx_lu_github_proved(ngx_lu_job_t *job, ngx_int_t status)
{
    ngx_lu_fetch_t   *fetch;
    ngx_lu_github_t  *github;

    github = job->github;

    if (status != NGX_OK) {
        ngx_lu_job_end(job);
        return;
    }

    fetch = github->asking;
    github->asking = NULL;

    if (ngx_lu_fetch_start(fetch) != NGX_OK) {
        ngx_destroy_pool(fetch->pool);

        ngx_lu_job_exhausted(job);
        ngx_lu_job_end(job);
    }
}


static void
ngx_lu_github_answered(ngx_lu_fetch_t *fetch)
{
    ngx_lu_github_t *github = fetch->data;

    ngx_pool_t  *pool;
    lu_str_t     text;
    lu_error_t   why;

    pool = fetch->pool;

    text = ngx_lu_to_core(&fetch->answer);

    github->fetch = fetch;
    github->code = fetch->status;

    if (fetch->status >= NGX_HTTP_OK
        && fetch->status < NGX_HTTP_SPECIAL_RESPONSE)
    {
        ngx_lu_github_trusted(github);
    }

    if (!fetch->complete
        || lu_json_parse(&github->answer, &text, &why) != LU_OK)
    {
        github->answer = NULL;

        if (fetch->status < NGX_HTTP_BAD_REQUEST) {
            fetch->status = 0;
        }
    }

    github->next(github);

    ngx_destroy_pool(pool);
}


/* What nobody can read says nothing: what was known of the token stays. */

static void
ngx_lu_github_trusted(ngx_lu_github_t *github)
{
    ngx_lu_jobs_t  *jobs;

    if (github->fetch->expires != NGX_ERROR) {
        github->trusted = 1;
        github->until = github->fetch->expires;

        return;
    }

    jobs = github->job->jobs;

    if (!jobs->unreadable) {
        jobs->unreadable = 1;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "\"GitHub-Authentication-Token-Expiration\" of GitHub "
                      "has no time that can be read");
    }
}


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
        /* what was to be created does not exist: the refusal counts */

        why = github->refused;

    } else {
        ngx_lu_github_why(github, &why);
    }

    /* all of it may pass: an outage, a limit, a wrong token, a branch rule */

    ngx_lu_job_fail(github->job, NGX_LU_JOB_OUTAGE, &why);
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


/* The subject is a part of the answer. */

static void
ngx_lu_github_why(ngx_lu_github_t *github, lu_error_t *why)
{
    lu_str_t      message;
    ngx_uint_t    status;
    const char   *text;
    const cJSON  *errors;

    status = github->fetch->status;

    ngx_str_null(&message);
    (void) lu_json_string(github->answer, "message", &message);

    /* the message beside them is only "Validation Failed" */

    errors = cJSON_GetObjectItemCaseSensitive(github->answer, "errors");

    if (cJSON_IsArray(errors)) {
        (void) lu_json_string(errors->child, "message", &message);
    }

    if (status == 0) {
        text = "GitHub did not answer, or not completely.";

        if (github->fetch->why[0]) {
            text = (char *) ngx_lu_format(github->job->pool,
                                          "GitHub did not answer: %s.",
                                          github->fetch->why);
        }

    } else {
        text = (char *) ngx_lu_format(github->job->pool,
                                      message.len
                                      ? "is what GitHub answered (%ui)."
                                      : "GitHub answered %ui.",
                                      status);
    }

    (void) lu_error(why, message.len ? &message : NULL,
                    text ? text : "The server is out of memory.");
}


/*
 * GitHub extends the limit, which is that of the token, if it is asked again
 * before its end.  The other workers find out for themselves.
 */

static void
ngx_lu_github_limited(ngx_lu_github_t *github)
{
    time_t           wait;
    ngx_msec_t       end;
    ngx_lu_jobs_t   *jobs;
    ngx_lu_fetch_t  *fetch;

    jobs = github->job->jobs;
    fetch = github->fetch;

    wait = fetch->retry ? fetch->retry : fetch->limited ? fetch->reset : 0;
    wait = ngx_min(wait, NGX_LU_JOB_WAIT_MAX / 1000);

    github->job->wait = (ngx_msec_t) wait * 1000;

    if (wait == 0) {
        return;
    }

    end = ngx_current_msec + github->job->wait;

    /* two were on their way, and only one was told of the longer limit */

    if (!ngx_lu_github_is_limited(jobs)
        || (ngx_msec_int_t) (end - jobs->limited) > 0)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "GitHub limits requests, it is not asked for %T s", wait);

        jobs->limited = end;
    }

    github->job->wait = jobs->limited - ngx_current_msec;
}


ngx_uint_t
ngx_lu_github_is_limited(ngx_lu_jobs_t *jobs)
{
    if (jobs->limited
        && (ngx_msec_int_t) (jobs->limited - ngx_current_msec) <= 0)
    {
        jobs->limited = 0;
    }

    return jobs->limited != 0;
}


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


/* 1 if the name needs no escaping in a request line. */

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

    if (github->asking) {
        ngx_destroy_pool(github->asking->pool);
    }

    cJSON_Delete(github->answer);
    cJSON_Delete(github->release);
    cJSON_Delete(github->files);
    cJSON_Delete(github->effects);
    cJSON_Delete(github->warnings);
}
