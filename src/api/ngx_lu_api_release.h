
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The approval API: releases that wait for an approver, and live ones.
 */


#ifndef _NGX_LU_API_RELEASE_H_INCLUDED_
#define _NGX_LU_API_RELEASE_H_INCLUDED_


#include "ngx_lu_call.h"

#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_release.h"

#include "core/lu_desktop.h"


/*
 * The actions of the approval API below /releases/{app}.  Statuses of errors
 * are 403, 404, 409, 422, 500 and 507.
 */

/* GET {release}: 200. */

ngx_int_t ngx_lu_api_release_get(ngx_lu_call_t *call);

/*
 * POST {release}/promote, reject and withdraw, and POST rollback, answer with
 * the id and the state of the release: 200.  DELETE {release}: 204.
 */

ngx_int_t ngx_lu_api_release_promote_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_release_reject_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_release_withdraw_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_release_delete(ngx_lu_call_t *call);
ngx_int_t ngx_lu_api_releases_rollback_post(ngx_lu_call_t *call);

/*
 * GET rollback: the release that one step back leads to, its id and what
 * people call it by: 200; 404 if there is none.
 */

ngx_int_t ngx_lu_api_releases_rollback_get(ngx_lu_call_t *call);

/* GET github: what came of the last commit of the base branch: 200. */

ngx_int_t ngx_lu_api_release_github_get(ngx_lu_call_t *call);

/*
 * What the body asks of a promotion, "rollout" and "channel", which points
 * into call->json.  NGX_OK, or 422.
 */

ngx_int_t ngx_lu_api_release_promotion(ngx_lu_call_t *call,
    ngx_lu_promotion_t *promotion);

/*
 * The rules of a desktop app; NULL: they cannot be applied to any client, or
 * memory is short.
 */

lu_desktop_t *ngx_lu_api_release_rules(ngx_lu_task_t *task, const cJSON *app);

/*
 * Puts into a release what only the app knows: its state, and who gets a live
 * one.  NGX_OK, or NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_api_release_describe(const cJSON *app,
    const lu_desktop_t *desktop, ngx_lu_release_t *release, lu_state_e state);


#endif /* _NGX_LU_API_RELEASE_H_INCLUDED_ */
