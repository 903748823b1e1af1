
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_branch.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_time.h"


#define NGX_LU_BRANCHES   20
#define NGX_LU_CONFLICTS  5


static void ngx_lu_branch_created(ngx_lu_github_t *github);
static void ngx_lu_branch_whose(ngx_lu_github_t *github);
static void ngx_lu_branch_listed(ngx_lu_github_t *github);
static void ngx_lu_branch_rename(ngx_lu_github_t *github);
static void ngx_lu_branch_edit(ngx_lu_github_t *github);
static void ngx_lu_branch_put(ngx_lu_github_t *github);
static lu_rc_e ngx_lu_branch_change(ngx_lu_github_t *github,
    const lu_str_t *text, char **out, u_char **message, lu_error_t *why);
static void ngx_lu_branch_committed(ngx_lu_github_t *github);


static const char  *ngx_lu_branch_files[] = {
    LU_GITHUB_BUILDS, LU_GITHUB_RELEASES, NULL
};


void
ngx_lu_branch(ngx_lu_github_t *github, ngx_lu_github_pt committed,
    ngx_lu_github_pt taken)
{
    char     *body;
    cJSON    *json;
    u_char   *ref;
    lu_put_t  put;

    github->committed = committed;
    github->taken = taken;

    ref = ngx_lu_format(github->job->pool, "refs/heads/%s", github->branch);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "ref", (char *) ref);
    lu_put_string(&put, json, "sha", (char *) github->sha);

    json = lu_put_done(&put, json);

    body = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);

    ngx_lu_github_ask(github, NGX_HTTP_POST, body, ngx_lu_branch_created,
                      "/git/refs");
}


static void
ngx_lu_branch_created(ngx_lu_github_t *github)
{
    if (github->fetch->status == NGX_HTTP_CREATED) {
        ngx_lu_branch_edit(github);
        return;
    }

    if (github->fetch->status != 422) {
        ngx_lu_github_unexpected(github);
        return;
    }

    /* it may exist: perhaps an earlier try has created it */

    ngx_lu_github_refused(github);

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_branch_whose, "/git/ref/heads/%s",
                      github->branch);
}


static void
ngx_lu_branch_whose(ngx_lu_github_t *github)
{
    lu_str_t  sha;

    if (github->fetch->status != NGX_HTTP_OK
        || lu_json_string(
               cJSON_GetObjectItemCaseSensitive(github->answer, "object"),
               "sha", &sha)
           != LU_OK)
    {
        ngx_lu_github_unexpected(github);
        return;
    }

    if (lu_str_is(&sha, (char *) github->sha)) {
        ngx_lu_branch_edit(github);
        return;
    }

    ngx_lu_github_file(github, LU_GITHUB_BUILDS, github->branch,
                       &github->edited, ngx_lu_branch_listed);
}


static void
ngx_lu_branch_listed(ngx_lu_github_t *github)
{
    cJSON      *builds;
    ngx_uint_t  ours;
    lu_error_t  why;

    ours = 0;

    if (lu_github_builds(&github->edited.text, &builds, &why) == LU_OK) {
        ours = lu_github_has_build(builds, (char *) github->job->id.data);
        cJSON_Delete(builds);
    }

    if (ours) {
        ngx_lu_branch_edit(github);
        return;
    }

    ngx_lu_branch_rename(github);
}


static void
ngx_lu_branch_rename(ngx_lu_github_t *github)
{
    if (github->suffix == NGX_LU_BRANCHES) {
        ngx_lu_github_unexpected(github);
        return;
    }

    github->branch = ngx_lu_format(github->job->pool, "release-build-%s-%ui",
                                   github->job->id.data, ++github->suffix);

    if (github->branch == NULL) {
        ngx_lu_job_exhausted(github->job);
        ngx_lu_job_end(github->job);
        return;
    }

    github->taken(github);
}


/* Edits one file after the other, each as the branch has it now. */

static void
ngx_lu_branch_edit(ngx_lu_github_t *github)
{
    github->refused.text = NULL;

    if (ngx_lu_branch_files[github->file] == NULL) {
        github->committed(github);
        return;
    }

    ngx_lu_github_file(github, ngx_lu_branch_files[github->file],
                       github->branch, &github->edited, ngx_lu_branch_put);
}


static void
ngx_lu_branch_put(ngx_lu_github_t *github)
{
    char       *out, *body;
    u_char     *message;
    lu_rc_e     rc;
    lu_error_t  why;

    out = NULL;

    rc = ngx_lu_branch_change(github, &github->edited.text, &out, &message,
                              &why);

    if (rc == LU_INVALID) {
        ngx_lu_job_fail(github->job, NGX_LU_JOB_OUTAGE, &why);
        ngx_lu_job_end(github->job);
        return;
    }

    if (rc == LU_OK && out == NULL) {
        github->file++;
        ngx_lu_branch_edit(github);
        return;
    }

    body = NULL;

    if (rc == LU_OK && message) {
        body = lu_github_put((char *) message, out, (char *) github->branch,
                             &github->edited.sha);
    }

    free(out);

    ngx_lu_github_ask(github, NGX_HTTP_PUT, body, ngx_lu_branch_committed,
                      "/contents/%s", ngx_lu_branch_files[github->file]);
}


/*
 * The file as it is to be, from malloc(), or NULL if it is so already; and the
 * message of the commit.
 */

static lu_rc_e
ngx_lu_branch_change(ngx_lu_github_t *github, const lu_str_t *text,
    char **out, u_char **message, lu_error_t *why)
{
    char         now[LU_TIME_SIZE];
    u_char      *id;
    lu_str_t     version;
    ngx_time_t  *tp;
    ngx_pool_t  *pool;

    pool = github->job->pool;
    id = github->job->id.data;

    ngx_str_set(&version, "");
    (void) lu_json_string(github->release, "version", &version);

    if (github->file != 0) {
        *message = ngx_lu_format(pool, "Release v%s in %s", version.data,
                                 LU_GITHUB_RELEASES);

        return lu_github_set_rules(text,
                   cJSON_GetObjectItemCaseSensitive(github->release,
                                                    "releaseInfo"),
                   out, why);
    }

    *message = ngx_lu_format(pool, "Add build %s (v%s) to %s", id, version.data,
                             LU_GITHUB_BUILDS);

    tp = ngx_timeofday();
    lu_time_print(now, tp->sec, (unsigned) tp->msec);

    return lu_github_add_build(text, (char *) id, (char *) version.data, now,
                               out, why);
}


static void
ngx_lu_branch_committed(ngx_lu_github_t *github)
{
    switch (github->fetch->status) {

    case NGX_HTTP_OK:
    case NGX_HTTP_CREATED:
        github->file++;
        break;

    case NGX_HTTP_CONFLICT:
    case 422:

        /* somebody has changed the file: read it again */

        if (github->conflicts++ < NGX_LU_CONFLICTS) {
            break;
        }

        /* fall through */

    default:
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_branch_edit(github);
}
