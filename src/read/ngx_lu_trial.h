
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Installations of guarded desktop apps, counted when they ask.
 */


#ifndef _NGX_LU_TRIAL_H_INCLUDED_
#define _NGX_LU_TRIAL_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_app.h"


/*
 * Notes that a client has asked for the manifest of that path, and is sent that
 * of a build, or of none (NULL).  The path is of the feed, such as
 * "latest-mac.yml".  Does nothing for apps without a guard, and for clients
 * that do not say who they are.
 */

void ngx_lu_trial(ngx_http_request_t *r, const lu_app_t *app,
    const lu_client_t *client, const lu_str_t *path, const lu_build_t *build);


#endif /* _NGX_LU_TRIAL_H_INCLUDED_ */
