
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Signed deliveries: of ToDesktop, and of GitHub.
 */


#ifndef _NGX_LU_WEBHOOK_H_INCLUDED_
#define _NGX_LU_WEBHOOK_H_INCLUDED_


#include "ngx_lu_call.h"


/* What the headers say; empty if a header is not there. */

struct ngx_lu_delivery_s {
    ngx_lu_webhook_conf_t   *conf;
    ngx_lu_github_conf_t    *github;
    lu_str_t                 signature;
    lu_str_t                 event;
    lu_str_t                 id;
};


/* The content handler of liveupdate_webhook. */

ngx_int_t ngx_lu_webhook_handler(ngx_http_request_t *r);

/* The action for a delivery of GitHub whose signature is right: a status. */

ngx_int_t ngx_lu_webhook_github(ngx_lu_call_t *call);


#endif /* _NGX_LU_WEBHOOK_H_INCLUDED_ */
