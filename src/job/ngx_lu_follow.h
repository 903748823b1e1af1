
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The two files that were approved on GitHub, desktop-builds.json and
 * desktop-releases.json, are followed: what they say now is compared with what
 * was followed before, and what has changed is done.  What cannot be done is
 * reported, and done when the files are followed the next time.
 */


#ifndef _NGX_LU_FOLLOW_H_INCLUDED_
#define _NGX_LU_FOLLOW_H_INCLUDED_


#include "ngx_lu_github.h"

#include "write/ngx_lu_task.h"

#include "core/lu_listed.h"
#include "core/lu_release.h"


typedef struct ngx_lu_follow_s  ngx_lu_follow_t;

struct ngx_lu_follow_s {
    ngx_lu_task_t            *task;
    const ngx_lu_approved_t  *approved;
    const cJSON              *followed;  /* "builds", "rules"; NULL: nothing */
    const cJSON              *begun;     /* what a crash may have cut short */
    const cJSON              *before;    /* builds of the commit before */

    /* writes down what is about to be changed, "builds" and "rules" */
    ngx_int_t               (*begin)(ngx_lu_follow_t *follow, cJSON *begun);
    void                     *data;

    /* the result; the trees are the caller's */
    ngx_array_t               apps;      /* of ngx_str_t, terminated: all */
    cJSON                    *errors;    /* array of "app", "build", "error" */
    ngx_uint_t                nerrors;
    cJSON                    *now;       /* "builds", "rules": what holds now */

    /* private */
    cJSON                    *builds;
    cJSON                    *rules;     /* NULL: they are not followed */
    cJSON                    *applied;   /* ids of builds */
    lu_listed_t               listed;
    lu_listed_t               was;
    lu_listed_t               earlier;   /* before */
    lu_listed_t               unsure;    /* begun: the list alone counts */
};


/*
 * Promotes builds that are listed now, sets rules that have changed, and
 * withdraws builds that are not listed any more.  The task's app, id and audit
 * entry are those of the last change afterwards.  Runs in a thread.
 *
 * NGX_OK, perhaps with errors; or a status: 422, and others below 500, if
 * nothing can be followed, with the task's error; 500, 507.
 */

ngx_int_t ngx_lu_follow(ngx_lu_follow_t *follow);

/* For ngx_lu_follow_rules.c: what is said of a build, here and by its app. */

ngx_int_t ngx_lu_follow_where(ngx_lu_follow_t *follow, const lu_str_t *id,
    ngx_str_t **app, lu_state_e *state);

/* Makes the task about this app and this release; "" is none. */

ngx_int_t ngx_lu_follow_of(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *id);

/* Reports a sentence; app and build may be NULL.  NGX_OK or 500. */

ngx_int_t ngx_lu_follow_report(ngx_lu_follow_t *follow, const ngx_str_t *app,
    const lu_str_t *build, const u_char *sentence);


#endif /* _NGX_LU_FOLLOW_H_INCLUDED_ */
