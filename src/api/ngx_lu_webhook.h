
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Signed deliveries of ToDesktop and GitHub.
 */


#ifndef _NGX_LU_WEBHOOK_H_INCLUDED_
#define _NGX_LU_WEBHOOK_H_INCLUDED_


#include "ngx_lu_call.h"

#include "core/lu_hmac.h"


/* A service that sends deliveries, and how it signs them. */

typedef struct {
    ngx_str_t                        signature;  /* the header */
    const char                      *prefix;     /* of its value */
    const char                      *by;         /* in the audit log */
    const char                      *message;    /* if it is missing */
    ngx_lu_body_e                    body;
    ngx_lu_action_pt                 action;     /* if the signature is right */
} ngx_lu_webhook_service_t;


/* What the headers of a delivery say; empty if a header is not there. */

struct ngx_lu_delivery_s {
    const ngx_lu_webhook_service_t  *service;
    ngx_lu_webhook_conf_t           *conf;
    ngx_lu_github_conf_t            *github;
    lu_str_t                         signature;
    lu_str_t                         event;
    lu_str_t                         id;

    /* the body */
    lu_hmac_t                       *hmac;
    unsigned                         begun:1;
    unsigned                         is_form:1;  /* a form with JSON in it */
};


/*
 * The content handler of liveupdate_webhook: 400, 401, 405 or 413, or a call
 * that verifies the signature and answers.  Returns what a content handler
 * returns.
 */

ngx_int_t ngx_lu_webhook_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_WEBHOOK_H_INCLUDED_ */
