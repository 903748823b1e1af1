
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A bundle in the store: created, open for uploads, put into its channel, made
 * live.
 */


#ifndef _NGX_LU_BUNDLE_H_INCLUDED_
#define _NGX_LU_BUNDLE_H_INCLUDED_


#include "ngx_lu_release.h"
#include "ngx_lu_task.h"

#include "core/lu_json.h"


/* What a promotion may ask for; what is not given stays as published. */

typedef struct {
    const char         *channel;       /* its name, or NULL; of a bundle */
    const cJSON        *wanted;        /* lu_growth_wanted(), or NULL */
    double              rollout;       /* from 0 to 1, if has_rollout */
    unsigned            has_rollout:1;
    unsigned            listed:1;      /* the rules are a file's, on GitHub */
    unsigned            careful:1;     /* nobody may lose a desktop release */
} ngx_lu_promotion_t;


/*
 * Creates a bundle of the task's app, for the channel of that name, or for the
 * default one if the name is NULL.  release->json is the caller's: a
 * release.json with what its publisher says of it ("kind", "rollout", version
 * limits, "url", "signed", ...); what the store knows is added to it.
 *
 * Without a "url" the bundle waits for its uploads.  With one it is registered
 * and goes live at once, or waits for an approver: task->approval is set then.
 * One that the same publisher registered within the last minute, or within the
 * last 15 seconds if it has no checksum, is not registered again: it takes the
 * place of the new one.
 *
 * Returns 201 with the release, which is in live/ if release->is_live is set;
 * or 403, 404, 409, 422, 500, 507.  In any case the caller closes the release.
 */

ngx_int_t ngx_lu_bundle_create(ngx_lu_task_t *task, const char *channel,
    ngx_lu_release_t *release);

/*
 * The commit that a bundle was built from, as its publisher gave it, for the
 * audit entry; or NULL.
 */

char *ngx_lu_bundle_commit(ngx_lu_task_t *task, const cJSON *release);

/*
 * Opens the task's bundle for changes of its uploads, locked; to be closed.
 * NGX_OK, or a status: 404, 409 if it is complete, 500.
 */

ngx_int_t ngx_lu_bundle_open(ngx_lu_task_t *task, ngx_lu_release_t *release);

/*
 * Puts a bundle into the channel and the deployment that it was published
 * for, with its rollout: a change of the app.  NGX_OK, or a status: 403, 404,
 * 422, 500.
 */

ngx_int_t ngx_lu_bundle_deploy(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release);

/*
 * The same, and makes it live; "wanted" is the plan, start and end of the
 * deployment, or NULL.  200, or a status.
 */

ngx_int_t ngx_lu_bundle_publish(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release, const cJSON *wanted);

/*
 * The same as an approver asks for it.  Another rollout of the newest bundle
 * of a channel changes its deployment.  The tree is changed, and not saved.
 */

ngx_int_t ngx_lu_bundle_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion);


#endif /* _NGX_LU_BUNDLE_H_INCLUDED_ */
