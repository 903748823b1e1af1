
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GitHub's REST API, and what is approved there.
 */


#ifndef _NGX_LU_GITHUB_H_INCLUDED_
#define _NGX_LU_GITHUB_H_INCLUDED_


#include "ngx_lu_fetch.h"
#include "ngx_lu_job.h"

#include "core/lu_json.h"


/* The two files, as they are at a commit of the base branch. */

typedef struct {
    u_char                         *commit;
    lu_str_t                        builds;
    lu_str_t                        rules;
    u_char                         *error;       /* why that cannot be done */
} ngx_lu_approved_t;


/*
 * Github: opens the pull request of a job's staged release, or does what was
 * approved; and, for jobs/github, only the latter.
 */

void ngx_lu_github(ngx_lu_job_t *job);

typedef void (*ngx_lu_github_pt)(ngx_lu_github_t *github);

struct ngx_lu_github_s {
    ngx_lu_job_t                        *job;
    ngx_lu_github_conf_t                *conf;
    ngx_lu_approved_t                    approved;

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
    lu_error_t                           refused;
    unsigned                             begun:1;    /* branch is written */

    /* the request that runs */
    ngx_lu_fetch_t                      *fetch;
    ngx_lu_github_pt                     next;
    cJSON                               *answer;
};

/*
 * ask() for something below /repos/{owner}/{name}; the body is from malloc(),
 * and freed, methods other than GET need one.  next() finds the answer.  text()
 * is that of a file, empty if there is none; member() a string of an answer, in
 * the job's pool, or NULL.  unexpected() and end() end the job.  refused() is
 * for a 422, until it is known whether what was asked for is there already.
 */

void ngx_lu_github_ask(ngx_lu_github_t *github, ngx_uint_t method, char *body,
    ngx_lu_github_pt next, const char *path, ...);
ngx_int_t ngx_lu_github_text(ngx_lu_github_t *github, lu_str_t *text,
    lu_str_t *sha);
u_char *ngx_lu_github_member(ngx_lu_github_t *github, const cJSON *object,
    const char *key);
void ngx_lu_github_unexpected(ngx_lu_github_t *github);
void ngx_lu_github_refused(ngx_lu_github_t *github);
void ngx_lu_github_end(ngx_lu_github_t *github);


#endif /* _NGX_LU_GITHUB_H_INCLUDED_ */
