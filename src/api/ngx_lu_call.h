
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * An API call: a request that a thread answers, since it may wait for the
 * disk.
 */


#ifndef _NGX_LU_CALL_H_INCLUDED_
#define _NGX_LU_CALL_H_INCLUDED_


#include "write/ngx_lu_run.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_route.h"


typedef struct ngx_lu_delivery_s  ngx_lu_delivery_t;
typedef struct ngx_lu_form_s      ngx_lu_form_t;
typedef struct ngx_lu_receive_s   ngx_lu_receive_t;
typedef struct ngx_lu_s3_s        ngx_lu_s3_t;


/*
 * An action runs in the call's thread.  It returns the HTTP status of the
 * answer; from 400 on, task.error is the answer.  It may be run again, see
 * ngx_lu_run_start().
 */

typedef ngx_int_t (*ngx_lu_action_pt)(ngx_lu_call_t *call);


/* The kind of body that an action wants. */

typedef enum {
    NGX_LU_BODY_NONE = 0,           /* it is discarded */
    NGX_LU_BODY_JSON,               /* parsed into call->json; up to 1 MB */
    NGX_LU_BODY_TEXT,               /* as it comes, up to 1 MB */
    NGX_LU_BODY_FILE,               /* up to nginx's limit, by call->take() */
    NGX_LU_BODY_EVENT               /* as it comes, up to 25 MB */
} ngx_lu_body_e;


/*
 * The call belongs to its thread while the thread runs; the request waits.
 *
 * take() makes what the action needs of call->body, for example a temporary
 * file.  It runs in a thread for each large piece of a body that is still being
 * received; the action calls it for the rest, which may be all of it.  NGX_OK,
 * or a status from 400 on with task.error: then no more is taken.  drop()
 * removes what is left of that, in a thread: when the action has ended, unless
 * it is going to be run again, or if it is never run.
 */

struct ngx_lu_call_s {
    ngx_lu_task_t            task;
    ngx_lu_run_t             run;
    ngx_lu_thread_e          kind;       /* SHORT at first */
    ngx_http_request_t      *request;
    const lu_token_t        *token;      /* NULL: none was needed */
    ngx_lu_action_pt         action;

    /* the request; route.sub is terminated */
    lu_route_t               route;
    lu_str_t                 args;
    char                    *relations;  /* decoded, if "related" */
    ngx_str_t                content_type;
    ngx_str_t                base_url;
    ngx_lu_body_e            body_kind;
    ngx_chain_t             *body;       /* of FILE: what was not taken yet */
    off_t                    body_size;  /* of FILE: with what was taken */
    off_t                    body_max;   /* 0: as nginx allows */
    ngx_lu_receive_t        *receive;    /* a large one, on its way; or NULL */
    cJSON                   *json;       /* of the body, or NULL */
    ngx_lu_delivery_t       *delivery;   /* of a webhook, or NULL */
    ngx_lu_form_t           *form;       /* that was read, or NULL */
    ngx_lu_s3_t             *s3;         /* of an S3 client, or NULL */
    ngx_lu_action_pt         take;       /* of FILE, or NULL */
    ngx_lu_thread_pt         drop;       /* removes what was taken; or NULL */
    void                    *data;       /* what the action was given */

    /* the answer */
    cJSON                   *answer;
    char                    *text;       /* of it, from malloc() */
    size_t                   text_len;
    const char              *text_type;  /* NULL: JSON */
    u_char                  *location;
    u_char                  *next;       /* where a list goes on, or NULL */
    u_char                  *etag;       /* with quotes, or NULL */
    const char              *s3_code;    /* of an error, or NULL */
    u_char                  *note;       /* to be logged, or NULL */
    ngx_int_t                answered;   /* if it is late: how nginx sent it */

    ngx_uint_t               late;       /* it is answered; its thread hangs */

    unsigned                 parse:1;    /* the body is JSON */
    unsigned                 related:1;  /* "relations" was looked for */
    unsigned                 forget:1;   /* the device task.id, in the end */
    unsigned                 wake:1;     /* there is a new job */
    unsigned                 received:1; /* the body */
    unsigned                 storeless:1; /* it is answered without a store */
    unsigned                 kept:1;     /* there may be something to drop() */
};


/*
 * Returns a new call, which lives as long as the request, or NULL if memory is
 * short.  The task gets its app and id from the route, and its owner and roles
 * from the token, which may be NULL.
 */

ngx_lu_call_t *ngx_lu_call_create(ngx_http_request_t *r, lu_route_t *route,
    const lu_token_t *token, ngx_lu_action_pt action);

/*
 * Reads the body, if one is wanted, runs the action in a thread and sends its
 * answer.  Returns what a content handler returns.
 */

ngx_int_t ngx_lu_call_run(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body);

/*
 * Does what is left of that when the body was received, which may have taken a
 * while: the disk is asked again whether it answers.
 */

ngx_int_t ngx_lu_call_received(ngx_http_request_t *r, ngx_lu_call_t *call);

/* Runs the action in a thread. */

ngx_int_t ngx_lu_call_start(ngx_http_request_t *r, ngx_lu_call_t *call);

/*
 * Sends the answer of a call whose thread has ended with that status.  Returns
 * what a content handler returns.
 */

ngx_int_t ngx_lu_call_reply(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_int_t status);

/*
 * Answers with 503 a call, which is the data, whose thread hangs.  The request
 * stays: the thread works with it.  When it has returned, the result of the
 * reply is in call->answered.
 */

void ngx_lu_call_late(void *data);

/*
 * hold() keeps the request until resume(), which ends it with the result of
 * next(), or lets it end if it was terminated meanwhile.  hold() returns what a
 * content handler returns, and so does next(), which gets rc.
 */

typedef ngx_int_t (*ngx_lu_call_pt)(ngx_http_request_t *r,
    ngx_lu_call_t *call, ngx_int_t rc);

ngx_int_t ngx_lu_call_hold(ngx_lu_call_t *call);
void ngx_lu_call_resume(ngx_lu_call_t *call, ngx_lu_call_pt next,
    ngx_int_t rc);

/*
 * How an action answers.  Each returns the status for the action to return, or
 * 500 if memory is short.
 *
 * answer() takes over a tree; NULL means that memory was short.  string() makes
 * an object with one member, a string.  state() leaves a status from 300 on as
 * it is, and otherwise makes {"id": ..., "state": ...} of task.subject.
 */

ngx_int_t ngx_lu_call_answer(ngx_lu_call_t *call, ngx_int_t status,
    cJSON *answer);
ngx_int_t ngx_lu_call_string(ngx_lu_call_t *call, ngx_int_t status,
    const char *key, const char *value);
ngx_int_t ngx_lu_call_state(ngx_lu_call_t *call, ngx_int_t status,
    lu_state_e state);


#endif /* _NGX_LU_CALL_H_INCLUDED_ */
