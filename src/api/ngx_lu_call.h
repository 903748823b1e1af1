
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_CALL_H_INCLUDED_
#define _NGX_LU_CALL_H_INCLUDED_


#include "store/ngx_lu_store.h"

#include "core/lu_app.h"
#include "core/lu_route.h"
#include "core/lu_time.h"


/*
 * Call: a request that may wait for the disk.  All of it is the thread's
 * until the thread has ended; the request lives on meanwhile.
 */

typedef ngx_int_t (*ngx_lu_action_pt)(ngx_lu_call_t *call);

struct ngx_lu_call_s {
    ngx_lu_io_t                     io;
    ngx_lu_store_t                 *store;
    ngx_http_request_t             *request;
    const lu_token_t               *token;
    const char                     *by;          /* the token's name */
    ngx_lu_action_pt                action;

    /* the request; app, id and sub are terminated */
    lu_route_t                      route;
    lu_str_t                        args;
    ngx_str_t                       content_type;
    ngx_str_t                       base_url;
    ngx_chain_t                    *body;
    off_t                           body_size;
    off_t                           body_max;    /* 0: as nginx allows */
    cJSON                          *json;        /* of the body, or NULL */
    char                            now[LU_TIME_SIZE];

    /* what a change is about, and what the audit log says of it */
    void                           *data;
    ngx_lu_job_t                   *job;         /* that makes this call */
    ngx_lu_action_pt                finish;
    const char                     *change;
    const char                     *subject;
    const char                     *from;
    const char                     *to;

    /* the answer */
    cJSON                          *answer;
    char                           *text;        /* of it, from malloc() */
    const char                     *text_type;   /* NULL: JSON */
    u_char                         *location;
    lu_error_t                      error;
    ngx_int_t                       status;

    unsigned                        parse:1;     /* the body is JSON */
    unsigned                        aside:1;     /* threads of its own */
    unsigned                        approval:1;  /* a person decides */
    unsigned                        wake:1;      /* there is a new job */
    unsigned                        listed:1;    /* rules are a file's */
};


/*
 * Reads the body, if one is wanted, runs the action in a thread and sends its
 * answer.  Returns what a content handler returns.
 */

#define NGX_LU_BODY_NONE   0
#define NGX_LU_BODY_JSON   1      /* into call->json */
#define NGX_LU_BODY_TEXT   2      /* as it is, at most 1 MB */
#define NGX_LU_BODY_FORM   3      /* as it is */
#define NGX_LU_BODY_EVENT  4      /* as it is, at most 25 MB */

ngx_lu_call_t *ngx_lu_call_create(ngx_http_request_t *r, lu_route_t *route,
    const lu_token_t *token, ngx_lu_action_pt action);
ngx_int_t ngx_lu_call_run(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_uint_t body);

/*
 * A call that no request has made, for a job; it, and what it allocates, lives
 * as long as the pool, and dies with it.  NULL: out of memory.
 */

ngx_lu_call_t *ngx_lu_call_of_job(ngx_lu_job_t *job, ngx_pool_t *pool);

/*
 * For actions, which return the HTTP status of the answer: refuse() keeps the
 * sentence, failed() says that the disk (507, 500) or the memory (500) did
 * not do, unread() the same of a read of a release's own file, and that it was
 * deleted meanwhile (404) if rc is NGX_DECLINED.
 */

ngx_int_t ngx_lu_refuse(ngx_lu_call_t *call, ngx_int_t status,
    const char *text);
ngx_int_t ngx_lu_core_status(ngx_lu_call_t *call, lu_rc_e rc);
ngx_int_t ngx_lu_failed(ngx_lu_call_t *call);
ngx_int_t ngx_lu_unread(ngx_lu_call_t *call, ngx_int_t rc);
ngx_int_t ngx_lu_nomem(ngx_lu_call_t *call);

/*
 * A UUID (RFC 9562) from the call's pool: a new random one, of version 4, or
 * one made of 16 bytes of the caller's, which it changes.
 */

char *ngx_lu_uuid(ngx_lu_call_t *call);
char *ngx_lu_uuid_of(ngx_lu_call_t *call, u_char *bytes, ngx_uint_t version);

/* The decoded query parameter, terminated; NULL if absent or empty. */

char *ngx_lu_arg(ngx_lu_call_t *call, const char *name);

/* "limit" (50 if absent, at most 1000) and "offset" of a list. */

void ngx_lu_page(ngx_lu_call_t *call, ngx_uint_t *limit, ngx_uint_t *offset);

/*
 * Runs a change of the call's app as a transaction: lock, read, change,
 * audit line, write, generation, unlock.  The change returns a status: below
 * 300 the app is written, otherwise nothing is.  call->finish, if there is
 * one, is called before the lock goes, when nobody is told of the old any
 * more; it returns NGX_OK or a status.
 */

typedef ngx_int_t (*ngx_lu_change_pt)(ngx_lu_call_t *call, cJSON *app);

ngx_int_t ngx_lu_change(ngx_lu_call_t *call, ngx_lu_change_pt change);

/*
 * Writes down a change in the audit.log of a folder: the app's, or the store
 * if the app goes.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_lu_audit(ngx_lu_call_t *call, u_char *folder, double generation);

/*
 * Apps: each of them, as a tree (the handler returns NGX_OK, or a status that
 * ends it), and the lock under which they come and go (NGX_OK, or NGX_ERROR).
 */

ngx_int_t ngx_lu_apps_each(ngx_lu_call_t *call,
    ngx_int_t (*handler)(ngx_lu_call_t *call, cJSON *app, void *data),
    void *data);
ngx_int_t ngx_lu_apps_lock(ngx_lu_call_t *call, ngx_fd_t *lock);

/* There is one organization from the beginning; others are written down. */

#define NGX_LU_ORGANIZATION                                                   \
    "00000000-0000-4000-8000-000000000000"

/* NGX_OK if there is such an organization, or a status. */

ngx_int_t ngx_lu_organization_check(ngx_lu_call_t *call, const char *id);
ngx_int_t ngx_lu_no_organization(
    ngx_lu_call_t *call);

/* Makes the call's app with that name, if there is none: NGX_OK or a status. */

ngx_int_t ngx_lu_app_ensure(ngx_lu_call_t *call, const char *name);

/* The lock of the call's app: NGX_OK, or a status. */

ngx_int_t ngx_lu_app_lock(ngx_lu_call_t *call, ngx_fd_t *lock);

/* The app's tree, to be freed by the caller: NGX_OK or a status. */

ngx_int_t ngx_lu_app_read(ngx_lu_call_t *call, cJSON **app);

/*
 * A release's tree from live/ or staging/, to be freed by the caller, and the
 * folder it is in.  NGX_OK or a status.  To the Capawesome API there are no
 * releases of desktop apps.
 */

ngx_uint_t ngx_lu_is_desktop(const cJSON *release);
ngx_int_t ngx_lu_release_read(ngx_lu_call_t *call, const char *id,
    cJSON **release, u_char **folder);

/* The pieces of the body, one after the other, from memory or its file. */

ngx_int_t ngx_lu_body(ngx_lu_call_t *call,
    lu_rc_e (*handler)(void *data, const u_char *bytes, size_t len),
    void *data);

/* All of it, from the call's pool: NGX_OK or a status. */

ngx_int_t ngx_lu_body_text(ngx_lu_call_t *call, lu_str_t *text);

/* Who sends a body for which there is no place on the disk is told so. */

void ngx_lu_body_init(void);


#endif /* _NGX_LU_CALL_H_INCLUDED_ */
