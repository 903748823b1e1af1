
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The approval API: what waits, what is live, and who decides.
 */


#include "ngx_lu_api_release.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_bundle.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_remove.h"
#include "write/ngx_lu_task.h"

#include "core/lu_builds.h"
#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_desktop.h"
#include "core/lu_json.h"
#include "core/lu_release.h"
#include "core/lu_share.h"


static ngx_uint_t ngx_lu_api_release_state_is_live(const char *state);
static ngx_int_t ngx_lu_api_release_list(ngx_lu_call_t *call, const cJSON *app,
    const char *place, const char *wanted);
static ngx_int_t ngx_lu_api_release_describe(const cJSON *app,
    const lu_desktop_t *desktop, ngx_lu_release_t *release, lu_state_e state);
static lu_desktop_t *ngx_lu_api_release_rules(ngx_lu_call_t *call,
    const cJSON *app);
static ngx_int_t ngx_lu_api_release_add(ngx_lu_call_t *call,
    ngx_lu_release_t *release, const char *name);
static ngx_int_t ngx_lu_api_release_rollback(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_release_rules_change(ngx_lu_task_t *task,
    cJSON *app, void *data);
static ngx_int_t ngx_lu_api_release_redeploy(ngx_lu_call_t *call, cJSON *app,
    const char *name, ngx_uint_t steps);


ngx_int_t
ngx_lu_api_releases_get(ngx_lu_call_t *call)
{
    char      *state;
    cJSON     *app;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_lu_arg(call, "state");

    call->answer = cJSON_CreateArray();

    if (call->answer == NULL) {
        cJSON_Delete(app);
        return ngx_lu_task_nomem(&call->task);
    }

    if (state == NULL || !ngx_lu_api_release_state_is_live(state)) {
        status = ngx_lu_api_release_list(call, app, "staging", state);
    }

    if (status == NGX_OK
        && (state == NULL || ngx_lu_api_release_state_is_live(state)))
    {
        status = ngx_lu_api_release_list(call, app, "live", state);
    }

    cJSON_Delete(app);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


static ngx_uint_t
ngx_lu_api_release_state_is_live(const char *state)
{
    return ngx_strcmp(state, "live") == 0
           || ngx_strcmp(state, "withdrawn") == 0;
}


static ngx_int_t
ngx_lu_api_release_list(ngx_lu_call_t *call, const cJSON *app,
    const char *place, const char *wanted)
{
    u_char           *folder, *path;
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_uint_t        i;
    lu_state_e        state;
    ngx_array_t       names;
    lu_desktop_t     *desktop;
    ngx_lu_release_t  release;

    desktop = ngx_lu_api_release_rules(call, app);

    folder = ngx_lu_path(&call->task.io, "%V/%s/%s", &call->task.store->path,
                         place, call->task.app.data);

    rc = ngx_lu_tree_list(&call->task.io, folder, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    name = names.elts;

    release.is_live = (ngx_strcmp(place, "live") == 0);

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path_in(&call->task.io, folder, "%V/release.json",
                              &name[i]);

        rc = ngx_lu_file_read_json(&call->task.io, path, &release.json);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(&call->task);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        state = ngx_lu_release_state(app, &release);

        if (wanted && ngx_strcmp(wanted, lu_release_state_name(state)) != 0) {
            cJSON_Delete(release.json);
            continue;
        }

        if (ngx_lu_api_release_describe(app, desktop, &release, state) != NGX_OK
            || !cJSON_AddItemToArray(call->answer, release.json))
        {
            cJSON_Delete(release.json);
            return ngx_lu_task_nomem(&call->task);
        }
    }

    return NGX_OK;
}


/* What the release does not know of itself. */

static ngx_int_t
ngx_lu_api_release_describe(const cJSON *app, const lu_desktop_t *desktop,
    ngx_lu_release_t *release, lu_state_e state)
{
    cJSON  *shares;

    if (lu_json_set_string(release->json, "state",
                           lu_release_state_name(state))
        != LU_OK)
    {
        return NGX_ERROR;
    }

    if (!release->is_live) {
        return NGX_OK;
    }

    shares = cJSON_AddArrayToObject(release->json, "shares");

    return shares
           && lu_share_list(shares, app, desktop, release->json) == LU_OK
           ? NGX_OK : NGX_ERROR;
}


/* NULL: rules that nobody can be served by. */

static lu_desktop_t *
ngx_lu_api_release_rules(ngx_lu_call_t *call, const cJSON *app)
{
    lu_arena_t     arena;
    lu_error_t     err;
    lu_desktop_t  *desktop;

    desktop = ngx_palloc(call->task.io.pool, sizeof(lu_desktop_t));
    if (desktop == NULL) {
        return NULL;
    }

    arena = ngx_lu_arena(call->task.io.pool);

    return lu_desktop_parse(&arena, NULL,
                  cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                  desktop, &err)
           == LU_OK
           ? desktop : NULL;
}


ngx_int_t
ngx_lu_api_release_get(ngx_lu_call_t *call)
{
    cJSON            *app;
    ngx_int_t         rc, status;
    lu_desktop_t     *desktop;
    ngx_lu_release_t  release;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(&call->task, (char *) call->task.id.data,
                                 &release);
    if (status != NGX_OK) {
        cJSON_Delete(app);
        return status;
    }

    call->answer = release.json;

    desktop = ngx_lu_api_release_rules(call, app);

    rc = ngx_lu_api_release_describe(app, desktop, &release,
                                     ngx_lu_release_state(app, &release));
    cJSON_Delete(app);

    if (rc != NGX_OK) {
        return ngx_lu_task_nomem(&call->task);
    }

    status = ngx_lu_api_release_add(call, &release, "files");
    if (status != NGX_OK) {
        return status;
    }

    /* of a fetch that somebody has ended there may be an old one */

    if (lu_release_state(release.json) == LU_STATE_FETCHING) {
        status = ngx_lu_api_release_add(call, &release, "progress");
    }

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


/* The content of a file beside release.json, if it is there. */

static ngx_int_t
ngx_lu_api_release_add(ngx_lu_call_t *call, ngx_lu_release_t *release,
    const char *name)
{
    cJSON     *json;
    u_char    *path;
    ngx_int_t  rc;

    path = ngx_lu_path_in(&call->task.io, release->folder, "%s.json", name);

    rc = ngx_lu_file_read_json(&call->task.io, path, &json);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_OK && !cJSON_AddItemToObject(release->json, name, json)) {
        cJSON_Delete(json);
        return ngx_lu_task_nomem(&call->task);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_release_promote_post(ngx_lu_call_t *call)
{
    lu_rc_e             rc;
    lu_str_t            channel;
    ngx_int_t           status;
    ngx_lu_promotion_t  promotion;

    ngx_memzero(&promotion, sizeof(ngx_lu_promotion_t));

    rc = lu_json_number(call->json, "rollout", &promotion.rollout);

    if (rc == LU_INVALID
        || (rc == LU_OK
            && !(promotion.rollout >= 0 && promotion.rollout <= 1)))
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"rollout\" must be a number from 0 to "
                                  "1.");
    }

    promotion.has_rollout = (rc == LU_OK);

    rc = lu_json_string(call->json, "channel", &channel);

    if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"channel\" must be the name of a "
                                  "channel.");
    }

    if (rc == LU_OK) {
        promotion.channel = (char *) channel.data;
    }

    status = ngx_lu_approval_promote(&call->task, &promotion);

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}


ngx_int_t
ngx_lu_api_release_reject_post(ngx_lu_call_t *call)
{
    lu_str_t   reason;
    ngx_int_t  status;

    if (lu_json_string(call->json, "reason", &reason) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, 422, "Say why: \"reason\".");
    }

    status = ngx_lu_approval_reject(&call->task, (char *) reason.data);

    return ngx_lu_call_state(call, status, LU_STATE_REJECTED);
}


ngx_int_t
ngx_lu_api_release_withdraw_post(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    status = ngx_lu_approval_withdraw(&call->task);

    return ngx_lu_call_state(call, status, LU_STATE_WITHDRAWN);
}


ngx_int_t
ngx_lu_api_releases_rollback_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_release_rollback, NULL, call);
}


static ngx_int_t
ngx_lu_api_release_rollback(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    lu_rc_e      rc;
    uint64_t     steps;
    lu_str_t     channel;
    const char  *id;

    call->task.change = "release.rollback";
    call->task.subject = (char *) call->task.app.data;

    steps = 1;

    if (lu_json_size(call->json, "steps", &steps)
        == LU_INVALID
        || steps == 0
        || steps > LU_HISTORY)
    {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"steps\" must be a whole number "
                                  "from 1 to 500.");
    }

    if (lu_json_string(call->json, "channel", &channel) == LU_OK) {
        return ngx_lu_api_release_redeploy(call, app, (char *) channel.data,
                                           (ngx_uint_t) steps);
    }

    call->task.from = lu_builds_latest(app);

    if (call->task.from) {
        call->task.from = (char *) ngx_lu_format(call->task.io.pool, "%s",
                                                 call->task.from);
    }

    rc = lu_builds_rollback(app, (unsigned) steps, &id, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    call->task.to = (char *) ngx_lu_format(call->task.io.pool, "%s", id);
    call->task.subject = call->task.to;

    return ngx_lu_call_state(call, NGX_HTTP_OK, LU_STATE_LIVE);
}


/* As the CLI does it: a new deployment of an earlier release. */

static ngx_int_t
ngx_lu_api_release_redeploy(ngx_lu_call_t *call, cJSON *app, const char *name,
    ngx_uint_t steps)
{
    char         *id;
    cJSON        *channel;
    lu_rc_e       rc;
    lu_str_t      channel_id, release;
    const cJSON  *item;

    channel = lu_change_channel_named(app, name);

    if (channel == NULL
        || lu_json_string(channel, "id", &channel_id)
           != LU_OK)
    {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "Channel not found.");
    }

    item = lu_change_channel_before(channel, (unsigned) steps);

    if (item == NULL || lu_json_string(item, "release", &release) != LU_OK) {
        return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                  "There is no release to go back to.");
    }

    id = ngx_lu_task_uuid(&call->task);
    if (id == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    call->task.to = (char *) ngx_lu_format(call->task.io.pool, "%s",
                                           release.data);

    /* it was deployed here once, so that it may be again */

    rc = lu_change_deployment_add(app, (char *) channel_id.data, id,
                                  call->task.to, 1, 1, call->task.by,
                                  call->task.now, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    call->task.subject = call->task.to;

    return ngx_lu_call_state(call, NGX_HTTP_OK, LU_STATE_LIVE);
}


ngx_int_t
ngx_lu_api_release_rules_get(ngx_lu_call_t *call)
{
    cJSON     *app, *releases;
    ngx_int_t  status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    releases = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    call->answer = releases ? cJSON_Duplicate(releases, 1)
                            : cJSON_CreateObject();
    cJSON_Delete(app);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_api_release_rules_put(ngx_lu_call_t *call)
{
    return ngx_lu_change(&call->task, ngx_lu_api_release_rules_change, NULL,
                         call);
}


static ngx_int_t
ngx_lu_api_release_rules_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    lu_rc_e     rc;
    lu_arena_t  arena;

    call->task.change = "rules.update";
    call->task.subject = (char *) call->task.app.data;

    arena = ngx_lu_arena(call->task.io.pool);

    rc = lu_builds_set_rules(app, call->json, &arena, &call->task.error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(&call->task, rc);
    }

    call->answer = cJSON_Duplicate(
                     cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                     1);

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_api_release_delete(ngx_lu_call_t *call)
{
    return ngx_lu_remove_release(&call->task);
}


/* GET /releases/{app}/github: what came of the last commit. */

ngx_int_t
ngx_lu_api_release_github_get(ngx_lu_call_t *call)
{
    cJSON     *app;
    u_char    *path;
    ngx_int_t  rc, status;

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(app);

    path = ngx_lu_path(&call->task.io, "%V/apps/%s/github.json",
                       &call->task.store->path, call->task.app.data);

    rc = ngx_lu_file_read_json(&call->task.io, path, &call->answer);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(&call->task);
    }

    if (rc == NGX_DECLINED) {
        call->answer = cJSON_CreateObject();
    }

    return call->answer ? NGX_HTTP_OK : ngx_lu_task_nomem(&call->task);
}
