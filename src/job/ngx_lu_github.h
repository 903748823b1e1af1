
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GitHub's REST API (docs.github.com/rest, "2022-11-28"): one request after
 * the other, for a job.  Each handler starts the next request, runs a step of
 * the job, or ends the job.
 */


#ifndef _NGX_LU_GITHUB_H_INCLUDED_
#define _NGX_LU_GITHUB_H_INCLUDED_


#include "ngx_lu_fetch.h"
#include "ngx_lu_job.h"

#include "core/lu_json.h"


typedef struct ngx_lu_await_s      ngx_lu_await_t;
typedef struct ngx_lu_reconcile_s  ngx_lu_reconcile_t;

typedef void (*ngx_lu_github_pt)(ngx_lu_github_t *github);


/* A file: its text and its blob's SHA, both empty if there is no file. */

typedef struct {
    lu_str_t               text;
    lu_str_t               sha;
} ngx_lu_text_t;


/* The two files of those who approve, at the head of the base branch. */

typedef struct {
    u_char                *commit;
    ngx_lu_text_t          builds;
    ngx_lu_text_t          rules;
} ngx_lu_approved_t;


struct ngx_lu_github_s {
    ngx_lu_job_t          *job;
    ngx_lu_github_conf_t  *conf;
    u_char                *root;         /* path of the repository */
    u_char                *name;         /* as GitHub calls it: "owner/name" */
    uint64_t               id;           /* of the repository, or 0 */
    u_char                *base;         /* branch */
    ngx_lu_approved_t      approved;
    ngx_lu_github_pt       handler;      /* of head() and files() */

    /* the last request; the answer is NULL if it is not JSON, or incomplete */
    ngx_lu_fetch_t        *fetch;
    ngx_lu_fetch_t        *asking;       /* while the claim is proved */
    ngx_lu_github_pt       next;
    cJSON                 *answer;
    ngx_uint_t             code;         /* its status, even if it was cut */
    lu_error_t             refused;      /* see ngx_lu_github_refused() */
    time_t                 until;        /* the token is valid; or 0 */
    ngx_uint_t             trusted;      /* GitHub has accepted it */

    /* of ngx_lu_github_file() */
    const char            *path;
    uint64_t               size;
    ngx_lu_text_t         *file_text;
    ngx_lu_github_pt       file_read;

    /* jobs/github */
    ngx_lu_await_t        *await;
    ngx_lu_reconcile_t    *reconcile;

    /* of ngx_lu_branch() */
    ngx_lu_github_pt       committed;
    ngx_lu_github_pt       taken;

    /* the pull request */
    cJSON                 *release;      /* release.json */
    cJSON                 *files;        /* files.json */
    cJSON                 *effects;      /* of its promotion; or NULL */
    cJSON                 *warnings;     /* or NULL */
    u_char                *branch;
    u_char                *sha;          /* the branch begins there */
    u_char                *url;
    uint64_t               number;
    ngx_uint_t             suffix;       /* of the branch */
    ngx_uint_t             conflicts;
    ngx_uint_t             file;         /* that is edited */
    ngx_lu_text_t          edited;
    unsigned               begun:1;      /* the branch is in release.json */
};


/* For the job, whose memory it is and which it ends with; NULL: no memory. */

ngx_lu_github_t *ngx_lu_github_create(ngx_lu_job_t *job);

/*
 * Read github->approved and call the handler, or end the job: head() finds the
 * repository, also under a new name, and the commit, and files() reads the two
 * files at that commit.
 */

void ngx_lu_github_head(ngx_lu_github_t *github, ngx_lu_github_pt handler);
void ngx_lu_github_files(ngx_lu_github_t *github, ngx_lu_github_pt handler);

/*
 * Requests a path below that of the repository and calls next() with the answer
 * in github->fetch and github->answer, which last until it returns or asks
 * again.  Method 0 is GET.  POST and PUT need a body, from malloc(), which is
 * freed; NULL, for lack of memory, ends the job, as does a request that cannot
 * be started.  They change something at GitHub, so the claim is proved before,
 * and a job that has lost it ends.  While GitHub limits requests, nothing is
 * asked: the job ends, and is tried again when GitHub says.
 */

void ngx_lu_github_ask(ngx_lu_github_t *github, ngx_uint_t method, char *body,
    ngx_lu_github_pt next, const char *path, ...);

/*
 * Reads a file of any size at a branch or commit into *text, whose strings are
 * in the job's pool, and calls the handler, or ends the job.
 */

void ngx_lu_github_file(ngx_lu_github_t *github, const char *path,
    u_char *ref, ngx_lu_text_t *text, ngx_lu_github_pt handler);

/* 1 if GitHub has said not to ask it before a time that is to come. */

ngx_uint_t ngx_lu_github_is_limited(ngx_lu_jobs_t *jobs);

/* A string member, copied into the job's pool; NULL: none, or no memory. */

u_char *ngx_lu_github_member(ngx_lu_github_t *github, const cJSON *object,
    const char *key);

/*
 * unexpected() fails and ends the job with what GitHub answered, or with the
 * answer that refused() has kept: a 422 may mean that what was to be created
 * exists already, which the next request finds out.
 */

void ngx_lu_github_unexpected(ngx_lu_github_t *github);
void ngx_lu_github_refused(ngx_lu_github_t *github);


#endif /* _NGX_LU_GITHUB_H_INCLUDED_ */
