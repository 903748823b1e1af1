
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * An API call: a request that a thread answers, since it may wait for the
 * disk.
 */


#ifndef _NGX_LU_CALL_H_INCLUDED_
#define _NGX_LU_CALL_H_INCLUDED_



#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_route.h"


typedef struct ngx_lu_delivery_s  ngx_lu_delivery_t;

/* An action, in the call's thread, returns the HTTP status of the answer. */

typedef ngx_int_t (*ngx_lu_action_pt)(ngx_lu_call_t *call);

typedef enum {
    NGX_LU_BODY_NONE = 0,
    NGX_LU_BODY_JSON,               /* into call->json; at most 1 MB */
    NGX_LU_BODY_TEXT,               /* as it is, at most 1 MB */
    NGX_LU_BODY_FORM,               /* as it is, as nginx allows */
    NGX_LU_BODY_EVENT               /* as it is, at most 25 MB */
} ngx_lu_body_e;


/*
 * All of it is the thread's until the thread has ended; the request lives on
 * meanwhile.
 */

struct ngx_lu_call_s {
    ngx_lu_task_t            task;
    ngx_http_request_t      *request;
    const lu_token_t        *token;      /* NULL: none was needed */
    ngx_lu_action_pt         action;

    /* the request; route.sub is terminated */
    lu_route_t               route;
    lu_str_t                 args;
    ngx_str_t                content_type;
    ngx_str_t                base_url;
    ngx_chain_t             *body;
    off_t                    body_size;
    off_t                    body_max;   /* 0: as nginx allows */
    cJSON                   *json;       /* of the body, or NULL */
    ngx_lu_delivery_t       *delivery;   /* of a webhook, or NULL */

    /* the answer */
    cJSON                   *answer;
    char                    *text;       /* of it, from malloc() */
    const char              *text_type;  /* NULL: JSON */
    u_char                  *location;
    ngx_int_t                status;

    unsigned                 parse:1;    /* the body is JSON */
    unsigned                 aside:1;    /* threads of its own */
    unsigned                 wake:1;     /* there is a new job */
};


/*
 * A new call, which lives as long as the request; NULL: out of memory.  The
 * task's app, id and owner are those of the route and the token.
 */

ngx_lu_call_t *ngx_lu_call_create(ngx_http_request_t *r, lu_route_t *route,
    const lu_token_t *token, ngx_lu_action_pt action);

/*
 * Reads the body, if one is wanted, runs the action in a thread and sends its
 * answer.  Returns what a content handler returns.
 */

ngx_int_t ngx_lu_call_run(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body);

/* The part of that behind the body. */

ngx_int_t ngx_lu_call_start(ngx_http_request_t *r, ngx_lu_call_t *call);

/*
 * For actions: makes the tree, which is the call's from then on, the answer.
 * Returns the status, or 500 if the tree is NULL, since memory was short.
 */

ngx_int_t ngx_lu_call_answer(ngx_lu_call_t *call, ngx_int_t status,
    cJSON *answer);

/* The same with an object of one member, a string. */

ngx_int_t ngx_lu_call_string(ngx_lu_call_t *call, ngx_int_t status,
    const char *key, const char *value);

/*
 * The same: answers a status below 300 with {"id": ..., "state": ...} of
 * the task's subject.  Returns the status, or 500.
 */

ngx_int_t ngx_lu_call_state(ngx_lu_call_t *call, ngx_int_t status,
    lu_state_e state);


#endif /* _NGX_LU_CALL_H_INCLUDED_ */
