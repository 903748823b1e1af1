
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GitHub, asked: where the base branch is and what is approved there; and a
 * pull request for a release that is not.  Each step is a request; a job that
 * was interrupted begins again, and finds what it has done already.
 */


#include "ngx_http_liveupdate.h"

#include "liveupdate_github.h"


#define NGX_HTTP_LIVEUPDATE_BRANCHES   20
#define NGX_HTTP_LIVEUPDATE_CONFLICTS  5


typedef struct ngx_http_liveupdate_github_s  ngx_http_liveupdate_github_t;

typedef void (*ngx_http_liveupdate_github_pt)(
    ngx_http_liveupdate_github_t *github);

struct ngx_http_liveupdate_github_s {
    ngx_http_liveupdate_job_t           *job;
    ngx_http_liveupdate_github_conf_t   *conf;
    ngx_http_liveupdate_approved_t       approved;

    /* the pull request */
    cJSON                               *release;
    cJSON                               *files;
    u_char                              *base;
    u_char                              *branch;
    u_char                              *sha;        /* it begins there */
    u_char                              *url;
    uint64_t                             number;
    ngx_uint_t                           suffix;
    ngx_uint_t                           conflicts;
    ngx_uint_t                           file;       /* of edits */
    unsigned                             begun:1;    /* branch is written */

    /* the request that runs */
    ngx_http_liveupdate_fetch_t         *fetch;
    ngx_http_liveupdate_github_pt        next;
    cJSON                               *answer;
};


static ngx_int_t ngx_http_liveupdate_github_open(
    ngx_http_liveupdate_call_t *call);
static void ngx_http_liveupdate_github_opened(ngx_http_liveupdate_job_t *job,
    ngx_int_t status);
static void ngx_http_liveupdate_github_repository(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_head(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_at(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_builds(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_rules(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_compare(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_reconciled(
    ngx_http_liveupdate_job_t *job, ngx_int_t status);

static void ngx_http_liveupdate_github_find(
    ngx_http_liveupdate_github_t *github, ngx_http_liveupdate_github_pt next);
static ngx_int_t ngx_http_liveupdate_github_pull(
    ngx_http_liveupdate_github_t *github, const cJSON *pull);
static void ngx_http_liveupdate_github_found(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_begin(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_begun(ngx_http_liveupdate_job_t *job,
    ngx_int_t status);
static void ngx_http_liveupdate_github_branch(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_branched(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_whose(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_listed(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_edit(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_put(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_committed(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_request(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_requested(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_exists(
    ngx_http_liveupdate_github_t *github);
static ngx_int_t ngx_http_liveupdate_github_write(
    ngx_http_liveupdate_call_t *call);
static void ngx_http_liveupdate_github_written(ngx_http_liveupdate_job_t *job,
    ngx_int_t status);

static void ngx_http_liveupdate_github_ask(
    ngx_http_liveupdate_github_t *github, ngx_uint_t method, char *body,
    ngx_http_liveupdate_github_pt next, const char *path, ...);
static void ngx_http_liveupdate_github_answered(
    ngx_http_liveupdate_fetch_t *fetch);
static void ngx_http_liveupdate_github_unexpected(
    ngx_http_liveupdate_github_t *github);
static ngx_int_t ngx_http_liveupdate_github_text(
    ngx_http_liveupdate_github_t *github, liveupdate_str_t *text,
    liveupdate_str_t *sha);
static u_char *ngx_http_liveupdate_github_member(
    ngx_http_liveupdate_github_t *github, const cJSON *object,
    const char *key);
static ngx_uint_t ngx_http_liveupdate_github_is_plain(u_char *name);
static void ngx_http_liveupdate_github_end(
    ngx_http_liveupdate_github_t *github);
static void ngx_http_liveupdate_github_cleanup(void *data);


static const char  *ngx_http_liveupdate_github_files[] = {
    LIVEUPDATE_GITHUB_BUILDS, LIVEUPDATE_GITHUB_RELEASES, NULL
};


void
ngx_http_liveupdate_github(ngx_http_liveupdate_job_t *job)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_liveupdate_github_t  *github;

    cln = ngx_pool_cleanup_add(job->pool,
                               sizeof(ngx_http_liveupdate_github_t));
    if (cln == NULL) {
        ngx_http_liveupdate_job_end(job);
        return;
    }

    cln->handler = ngx_http_liveupdate_github_cleanup;

    github = cln->data;
    ngx_memzero(github, sizeof(ngx_http_liveupdate_github_t));

    github->job = job;
    github->conf = job->jobs->github;
    job->data = github;

    if (job->is_github) {
        ngx_http_liveupdate_github_opened(job, NGX_OK);
        return;
    }

    ngx_http_liveupdate_job_run(job, ngx_http_liveupdate_github_open,
                                ngx_http_liveupdate_github_opened);
}


/* NGX_DONE: there is nothing to ask for any more. */

static ngx_int_t
ngx_http_liveupdate_github_open(ngx_http_liveupdate_call_t *call)
{
    cJSON                         *pull;
    u_char                        *path;
    ngx_fd_t                       lock;
    ngx_int_t                      rc;
    liveupdate_str_t               state;
    ngx_http_liveupdate_github_t  *github;

    github = call->job->data;

    rc = ngx_http_liveupdate_job_lock(call, &lock, &github->release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    ngx_http_liveupdate_store_unlock(lock);

    if (liveupdate_json_string(github->release, "state", &state)
        != LIVEUPDATE_OK
        || !liveupdate_str_is(&state, "staged"))
    {
        return NGX_DONE;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/files.json",
                                    call->job->folder);

    if (ngx_http_liveupdate_store_read_json(&call->io, path, &github->files)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    pull = cJSON_GetObjectItemCaseSensitive(github->release, "pullRequest");

    if (pull) {
        github->branch = ngx_http_liveupdate_github_member(github, pull,
                                                           "branch");
        github->sha = ngx_http_liveupdate_github_member(github, pull, "sha");
        github->begun = (github->branch && github->sha);
    }

    if (!github->begun) {
        github->branch = ngx_http_liveupdate_path(call->job->pool,
                                                  "release-build-%s",
                                                  call->job->id.data);
        if (github->branch == NULL) {
            return ngx_http_liveupdate_nomem(call);
        }
    }

    return NGX_OK;
}


static void
ngx_http_liveupdate_github_opened(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_github_t *github = job->data;

    if (status != NGX_OK) {
        ngx_http_liveupdate_github_end(github);
        return;
    }

    if (github->conf->base.len) {
        github->base = github->conf->base.data;
        ngx_http_liveupdate_github_head(github);
        return;
    }

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_repository, "");
}


static void
ngx_http_liveupdate_github_repository(ngx_http_liveupdate_github_t *github)
{
    github->base = ngx_http_liveupdate_github_member(github, github->answer,
                                                     "default_branch");

    if (github->fetch->status != NGX_HTTP_OK
        || !ngx_http_liveupdate_github_is_plain(github->base))
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    ngx_http_liveupdate_github_head(github);
}


static void
ngx_http_liveupdate_github_head(ngx_http_liveupdate_github_t *github)
{
    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_at,
                                   "/git/ref/heads/%s", github->base);
}


static void
ngx_http_liveupdate_github_at(ngx_http_liveupdate_github_t *github)
{
    github->approved.commit = ngx_http_liveupdate_github_member(github,
                     cJSON_GetObjectItemCaseSensitive(github->answer,
                                                      "object"),
                     "sha");

    if (github->fetch->status != NGX_HTTP_OK
        || !ngx_http_liveupdate_github_is_plain(github->approved.commit))
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_builds,
                                   "/contents/" LIVEUPDATE_GITHUB_BUILDS
                                   "?ref=%s", github->approved.commit);
}


static void
ngx_http_liveupdate_github_builds(ngx_http_liveupdate_github_t *github)
{
    liveupdate_str_t  sha;

    if (ngx_http_liveupdate_github_text(github, &github->approved.builds, &sha)
        != NGX_OK)
    {
        return;
    }

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_rules,
                                   "/contents/" LIVEUPDATE_GITHUB_RELEASES
                                   "?ref=%s", github->approved.commit);
}


static void
ngx_http_liveupdate_github_rules(ngx_http_liveupdate_github_t *github)
{
    liveupdate_str_t  sha;

    if (ngx_http_liveupdate_github_text(github, &github->approved.rules, &sha)
        != NGX_OK)
    {
        return;
    }

    ngx_http_liveupdate_github_compare(github);
}


/*
 * A build that is in the base branch was approved, by whatever way.  No branch
 * begins where the files do not parse: it would keep what is wrong there.
 */

static void
ngx_http_liveupdate_github_compare(ngx_http_liveupdate_github_t *github)
{
    cJSON                      *builds, *rules;
    ngx_uint_t                  approved;
    liveupdate_rc_e             rc;
    liveupdate_error_t          why;
    ngx_http_liveupdate_job_t  *job;

    job = github->job;
    approved = job->is_github;

    if (!approved) {
        rc = liveupdate_github_builds(&github->approved.builds, &builds, &why);

        if (rc == LIVEUPDATE_OK) {
            approved = liveupdate_github_has_build(builds,
                                                   (char *) job->id.data);
            cJSON_Delete(builds);
        }

        if (rc == LIVEUPDATE_OK && !approved) {
            rc = liveupdate_github_rules(&github->approved.rules, &rules,
                                         &why);
            if (rc == LIVEUPDATE_OK) {
                cJSON_Delete(rules);
            }
        }

        if (rc != LIVEUPDATE_OK) {

            if (rc == LIVEUPDATE_INVALID) {
                ngx_http_liveupdate_job_fail(job,
                                             NGX_HTTP_LIVEUPDATE_JOB_OUTAGE,
                                             &why);
            }

            ngx_http_liveupdate_github_end(github);
            return;
        }
    }

    if (approved) {
        job->approved = &github->approved;

        ngx_http_liveupdate_job_run(job, ngx_http_liveupdate_reconcile,
                                    ngx_http_liveupdate_github_reconciled);
        return;
    }

    ngx_http_liveupdate_github_find(github, ngx_http_liveupdate_github_found);
}


static void
ngx_http_liveupdate_github_reconciled(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_github_end(job->data);
}


/* The pull request of the branch, if there is one already. */

static void
ngx_http_liveupdate_github_find(ngx_http_liveupdate_github_t *github,
    ngx_http_liveupdate_github_pt next)
{
    ngx_http_liveupdate_github_ask(github, 0, NULL, next,
                                   "/pulls?state=open&head=%V:%s",
                                   &github->conf->owner, github->branch);
}


/* NGX_OK: it is this one. */

static ngx_int_t
ngx_http_liveupdate_github_pull(ngx_http_liveupdate_github_t *github,
    const cJSON *pull)
{
    if (liveupdate_json_size(pull, "number", &github->number)
        != LIVEUPDATE_OK)
    {
        return NGX_DECLINED;
    }

    github->url = ngx_http_liveupdate_github_member(github, pull, "html_url");

    return github->url ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_liveupdate_github_found(ngx_http_liveupdate_github_t *github)
{
    if (github->fetch->status != NGX_HTTP_OK
        || !cJSON_IsArray(github->answer))
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    if (ngx_http_liveupdate_github_pull(github, github->answer->child)
        == NGX_OK)
    {
        ngx_http_liveupdate_job_run(github->job,
                                    ngx_http_liveupdate_github_write,
                                    ngx_http_liveupdate_github_written);
        return;
    }

    ngx_http_liveupdate_github_begin(github);
}


/* It is written down which branch is ours before there is one. */

static void
ngx_http_liveupdate_github_begin(ngx_http_liveupdate_github_t *github)
{
    if (github->begun) {
        ngx_http_liveupdate_github_branch(github);
        return;
    }

    github->sha = github->approved.commit;

    ngx_http_liveupdate_job_run(github->job, ngx_http_liveupdate_github_write,
                                ngx_http_liveupdate_github_begun);
}


static void
ngx_http_liveupdate_github_begun(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_github_t *github = job->data;

    if (status != NGX_OK) {
        ngx_http_liveupdate_github_end(github);
        return;
    }

    github->begun = 1;
    ngx_http_liveupdate_github_branch(github);
}


static void
ngx_http_liveupdate_github_branch(ngx_http_liveupdate_github_t *github)
{
    char    *body;
    cJSON   *json;
    u_char  *ref;

    body = NULL;

    ref = ngx_http_liveupdate_path(github->job->pool, "refs/heads/%s",
                                   github->branch);
    json = cJSON_CreateObject();

    if (ref
        && cJSON_AddStringToObject(json, "ref", (char *) ref)
        && cJSON_AddStringToObject(json, "sha", (char *) github->sha))
    {
        body = cJSON_PrintUnformatted(json);
    }

    cJSON_Delete(json);

    ngx_http_liveupdate_github_ask(github, NGX_HTTP_POST, body,
                                   ngx_http_liveupdate_github_branched,
                                   "/git/refs");
}


static void
ngx_http_liveupdate_github_branched(ngx_http_liveupdate_github_t *github)
{
    if (github->fetch->status == NGX_HTTP_CREATED) {
        ngx_http_liveupdate_github_edit(github);
        return;
    }

    if (github->fetch->status != 422) {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    /* there is one: is it what a try before this one has made */

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_whose,
                                   "/git/ref/heads/%s", github->branch);
}


static void
ngx_http_liveupdate_github_whose(ngx_http_liveupdate_github_t *github)
{
    liveupdate_str_t  sha;

    if (github->fetch->status != NGX_HTTP_OK
        || liveupdate_json_string(
               cJSON_GetObjectItemCaseSensitive(github->answer, "object"),
               "sha", &sha)
           != LIVEUPDATE_OK)
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    if (liveupdate_str_is(&sha, (char *) github->sha)) {
        ngx_http_liveupdate_github_edit(github);
        return;
    }

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_listed,
                                   "/contents/" LIVEUPDATE_GITHUB_BUILDS
                                   "?ref=%s", github->branch);
}


static void
ngx_http_liveupdate_github_listed(ngx_http_liveupdate_github_t *github)
{
    cJSON               *builds;
    ngx_uint_t           ours;
    liveupdate_str_t     text, sha;
    liveupdate_error_t   why;

    if (ngx_http_liveupdate_github_text(github, &text, &sha) != NGX_OK) {
        return;
    }

    ours = 0;

    if (liveupdate_github_builds(&text, &builds, &why) == LIVEUPDATE_OK) {
        ours = liveupdate_github_has_build(builds,
                                           (char *) github->job->id.data);
        cJSON_Delete(builds);
    }

    if (ours) {
        ngx_http_liveupdate_github_edit(github);
        return;
    }

    if (github->suffix == NGX_HTTP_LIVEUPDATE_BRANCHES) {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    github->branch = ngx_http_liveupdate_path(github->job->pool,
                                              "release-build-%s-%ui",
                                              github->job->id.data,
                                              ++github->suffix);
    github->begun = 0;

    if (github->branch == NULL) {
        ngx_http_liveupdate_github_end(github);
        return;
    }

    ngx_http_liveupdate_github_find(github, ngx_http_liveupdate_github_found);
}


/* One file after the other, as it is in the branch now. */

static void
ngx_http_liveupdate_github_edit(ngx_http_liveupdate_github_t *github)
{
    if (ngx_http_liveupdate_github_files[github->file] == NULL) {
        ngx_http_liveupdate_github_request(github);
        return;
    }

    ngx_http_liveupdate_github_ask(github, 0, NULL,
                                   ngx_http_liveupdate_github_put,
                                   "/contents/%s?ref=%s",
                              ngx_http_liveupdate_github_files[github->file],
                                   github->branch);
}


static void
ngx_http_liveupdate_github_put(ngx_http_liveupdate_github_t *github)
{
    char                 now[LIVEUPDATE_TIME_SIZE];
    char                *out, *body;
    u_char              *message;
    ngx_time_t          *tp;
    liveupdate_rc_e      rc;
    liveupdate_str_t     text, sha, version;
    liveupdate_error_t   why;

    if (ngx_http_liveupdate_github_text(github, &text, &sha) != NGX_OK) {
        return;
    }

    ngx_str_set(&version, "");
    (void) liveupdate_json_string(github->release, "version", &version);

    if (github->file == 0) {
        tp = ngx_timeofday();
        liveupdate_time_print(now, tp->sec, (unsigned) tp->msec);

        rc = liveupdate_github_add_build(&text, (char *) github->job->id.data,
                                         (char *) version.data, now, &out,
                                         &why);
        message = ngx_http_liveupdate_path(github->job->pool,
                                           "Add build %s (v%s) to %s",
                                           github->job->id.data, version.data,
                                           LIVEUPDATE_GITHUB_BUILDS);

    } else {
        rc = liveupdate_github_set_rules(&text,
                 cJSON_GetObjectItemCaseSensitive(github->release,
                                                  "releaseInfo"),
                 &out, &why);
        message = ngx_http_liveupdate_path(github->job->pool,
                                           "Release v%s in %s", version.data,
                                           LIVEUPDATE_GITHUB_RELEASES);
    }

    if (rc == LIVEUPDATE_INVALID) {
        ngx_http_liveupdate_job_fail(github->job,
                                     NGX_HTTP_LIVEUPDATE_JOB_OUTAGE, &why);
        ngx_http_liveupdate_github_end(github);
        return;
    }

    if (rc == LIVEUPDATE_OK && out == NULL) {
        github->file++;
        ngx_http_liveupdate_github_edit(github);
        return;
    }

    body = NULL;

    if (rc == LIVEUPDATE_OK && message) {
        body = liveupdate_github_put((char *) message, out,
                                     (char *) github->branch, &sha);
    }

    free(out);

    ngx_http_liveupdate_github_ask(github, NGX_HTTP_PUT, body,
                                   ngx_http_liveupdate_github_committed,
                                   "/contents/%s",
                             ngx_http_liveupdate_github_files[github->file]);
}


static void
ngx_http_liveupdate_github_committed(ngx_http_liveupdate_github_t *github)
{
    switch (github->fetch->status) {

    case NGX_HTTP_OK:
    case NGX_HTTP_CREATED:
        github->file++;
        break;

    case NGX_HTTP_CONFLICT:
    case 422:

        /* the file has changed meanwhile: it is read again */

        if (github->conflicts++ < NGX_HTTP_LIVEUPDATE_CONFLICTS) {
            break;
        }

        /* fall through */

    default:
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    ngx_http_liveupdate_github_edit(github);
}


static void
ngx_http_liveupdate_github_request(ngx_http_liveupdate_github_t *github)
{
    ngx_http_liveupdate_github_ask(github, NGX_HTTP_POST,
                                   liveupdate_github_pull(github->release,
                                                      github->files,
                                                      (char *) github->branch,
                                                      (char *) github->base),
                                   ngx_http_liveupdate_github_requested,
                                   "/pulls");
}


static void
ngx_http_liveupdate_github_requested(ngx_http_liveupdate_github_t *github)
{
    if (github->fetch->status == 422) {
        ngx_http_liveupdate_github_find(github,
                                        ngx_http_liveupdate_github_exists);
        return;
    }

    if (github->fetch->status != NGX_HTTP_CREATED
        || ngx_http_liveupdate_github_pull(github, github->answer) != NGX_OK)
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    ngx_http_liveupdate_job_run(github->job, ngx_http_liveupdate_github_write,
                                ngx_http_liveupdate_github_written);
}


static void
ngx_http_liveupdate_github_exists(ngx_http_liveupdate_github_t *github)
{
    if (github->fetch->status != NGX_HTTP_OK
        || !cJSON_IsArray(github->answer)
        || ngx_http_liveupdate_github_pull(github, github->answer->child)
           != NGX_OK)
    {
        ngx_http_liveupdate_github_unexpected(github);
        return;
    }

    ngx_http_liveupdate_job_run(github->job, ngx_http_liveupdate_github_write,
                                ngx_http_liveupdate_github_written);
}


/* The branch, and then the pull request, as a part of the release. */

static ngx_int_t
ngx_http_liveupdate_github_write(ngx_http_liveupdate_call_t *call)
{
    cJSON                         *release, *pull;
    u_char                        *path;
    ngx_fd_t                       lock;
    ngx_int_t                      rc, status;
    liveupdate_str_t               state;
    ngx_http_liveupdate_github_t  *github;

    github = call->job->data;

    rc = ngx_http_liveupdate_job_lock(call, &lock, &release);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DONE : rc;
    }

    if (liveupdate_json_string(release, "state", &state) != LIVEUPDATE_OK
        || !liveupdate_str_is(&state, "staged"))
    {
        status = NGX_DONE;
        goto done;
    }

    status = NGX_OK;

    pull = cJSON_CreateObject();

    if (cJSON_AddStringToObject(pull, "branch", (char *) github->branch)
        == NULL
        || (github->sha
            && cJSON_AddStringToObject(pull, "sha", (char *) github->sha)
               == NULL)
        || (github->url
            && (cJSON_AddNumberToObject(pull, "number",
                                        (double) github->number)
                == NULL
                || cJSON_AddStringToObject(pull, "url", (char *) github->url)
                   == NULL)))
    {
        cJSON_Delete(pull);
        status = ngx_http_liveupdate_nomem(call);
        goto done;
    }

    if (liveupdate_json_set(release, "pullRequest", pull) != LIVEUPDATE_OK) {
        status = ngx_http_liveupdate_nomem(call);
        goto done;
    }

    if (github->url) {
        cJSON_DeleteItemFromObjectCaseSensitive(release, "reason");
        cJSON_DeleteItemFromObjectCaseSensitive(release, "attempts");
        cJSON_DeleteItemFromObjectCaseSensitive(release, "nextAttemptAt");
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json",
                                    call->job->folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK
        || (github->url
            && ngx_http_liveupdate_store_unlink(&call->io, call->job->path)
               == NGX_ERROR))
    {
        status = ngx_http_liveupdate_failed(call);
    }

done:

    cJSON_Delete(release);
    ngx_http_liveupdate_store_unlock(lock);

    return status;
}


static void
ngx_http_liveupdate_github_written(ngx_http_liveupdate_job_t *job,
    ngx_int_t status)
{
    ngx_http_liveupdate_github_t *github = job->data;

    if (status == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "\"%s\" of app \"%s\" waits for %s",
                      job->id.data, job->app.data, github->url);
    }

    ngx_http_liveupdate_github_end(github);
}


/*
 * Asks for something below /repos/{owner}/{name}.  The body is from malloc(),
 * and freed here; methods other than GET need one.
 */

static void
ngx_http_liveupdate_github_ask(ngx_http_liveupdate_github_t *github,
    ngx_uint_t method, char *body, ngx_http_liveupdate_github_pt next,
    const char *path, ...)
{
    u_char                             *p, buf[2048];
    va_list                             args;
    ngx_pool_t                         *pool;
    ngx_http_liveupdate_fetch_t        *fetch;
    ngx_http_liveupdate_github_conf_t  *conf;

    conf = github->conf;

    /* what the last answer has said is of no use any more */

    cJSON_Delete(github->answer);
    github->answer = NULL;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        goto failed;
    }

    fetch = ngx_pcalloc(pool, sizeof(ngx_http_liveupdate_fetch_t));
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

    fetch->target.data = ngx_http_liveupdate_path(pool, "%V/repos/%V%*s",
                                                  &conf->api, &conf->repo,
                                                  p - buf, buf);
    if (fetch->target.data == NULL) {
        goto failed;
    }

    fetch->target.len = ngx_strlen(fetch->target.data);

    fetch->pool = pool;
    fetch->conf_ctx = github->job->jobs->conf_ctx;
    fetch->uri = conf->uri;
    fetch->headers = conf->headers;
    fetch->handler = ngx_http_liveupdate_github_answered;
    fetch->data = github;

    github->next = next;

    if (ngx_http_liveupdate_fetch_start(fetch) != NGX_OK) {
        goto failed;
    }

    cJSON_free(body);

    return;

failed:

    cJSON_free(body);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_http_liveupdate_github_end(github);
}


static void
ngx_http_liveupdate_github_answered(ngx_http_liveupdate_fetch_t *fetch)
{
    ngx_http_liveupdate_github_t *github = fetch->data;

    ngx_pool_t          *pool;
    liveupdate_str_t     text;
    liveupdate_error_t   why;

    pool = fetch->pool;

    text.len = fetch->answer.len;
    text.data = fetch->answer.data;

    if (!fetch->complete
        || liveupdate_json_parse(&github->answer, &text, &why)
           != LIVEUPDATE_OK)
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

static void
ngx_http_liveupdate_github_unexpected(ngx_http_liveupdate_github_t *github)
{
    ngx_uint_t           status;
    liveupdate_str_t     message;
    liveupdate_error_t   why;

    status = github->fetch->status;

    ngx_str_null(&message);
    (void) liveupdate_json_string(github->answer, "message", &message);

    (void) liveupdate_refuse(&why, message.len ? &message : NULL,
               status == 0
               ? "GitHub did not answer, or not completely."
               : message.len
               ? (char *) ngx_http_liveupdate_path(github->job->pool,
                              "is what GitHub answered (%ui).", status)
               : (char *) ngx_http_liveupdate_path(github->job->pool,
                              "GitHub answered %ui.", status));

    if (why.text) {
        ngx_http_liveupdate_job_fail(github->job,
                                     NGX_HTTP_LIVEUPDATE_JOB_OUTAGE, &why);
    }

    ngx_http_liveupdate_github_end(github);
}


/* A file's text and its blob, empty if there is no file.  Or the job ends. */

static ngx_int_t
ngx_http_liveupdate_github_text(ngx_http_liveupdate_github_t *github,
    liveupdate_str_t *text, liveupdate_str_t *sha)
{
    liveupdate_arena_t  arena;
    liveupdate_error_t  why;

    ngx_str_null(text);
    ngx_str_null(sha);

    if (github->fetch->status == NGX_HTTP_NOT_FOUND) {
        return NGX_OK;
    }

    arena = ngx_http_liveupdate_arena(github->job->pool);

    if (github->fetch->status == NGX_HTTP_OK
        && liveupdate_github_content(&arena, github->answer, text, sha, &why)
           == LIVEUPDATE_OK)
    {
        return NGX_OK;
    }

    ngx_http_liveupdate_github_unexpected(github);

    return NGX_ERROR;
}


/* A string of an answer, in the job's pool; NULL if there is none. */

static u_char *
ngx_http_liveupdate_github_member(ngx_http_liveupdate_github_t *github,
    const cJSON *object, const char *key)
{
    liveupdate_str_t  value;

    if (liveupdate_json_string(object, key, &value) != LIVEUPDATE_OK) {
        return NULL;
    }

    return ngx_http_liveupdate_path(github->job->pool, "%s", value.data);
}


/* It can be a part of a request line as it is. */

static ngx_uint_t
ngx_http_liveupdate_github_is_plain(u_char *name)
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
ngx_http_liveupdate_github_end(ngx_http_liveupdate_github_t *github)
{
    ngx_http_liveupdate_job_end(github->job);
}


static void
ngx_http_liveupdate_github_cleanup(void *data)
{
    ngx_http_liveupdate_github_t *github = data;

    cJSON_Delete(github->answer);
    cJSON_Delete(github->release);
    cJSON_Delete(github->files);
}
