
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The approval API: what waits, what is live, and who decides.
 */


#include "ngx_lu_api.h"
#include "write/ngx_lu_release.h"

#include "core/lu_change.h"
#include "core/lu_builds.h"
#include "core/lu_share.h"


static ngx_uint_t ngx_lu_release_state_is_live(
    const char *state);
static ngx_int_t ngx_lu_release_list(ngx_lu_call_t *call, const cJSON *app,
    const char *place, const char *wanted);
static ngx_int_t ngx_lu_release_describe(ngx_lu_call_t *call, const cJSON *app,
    const lu_desktop_t *desktop, cJSON *release, const char *place,
    const char *state);
static lu_desktop_t *ngx_lu_release_rules(ngx_lu_call_t *call,
    const cJSON *app);
static ngx_int_t ngx_lu_release_reject(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_release_withdraw(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_release_rollback(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_release_redeploy(ngx_lu_call_t *call, cJSON *app,
    const char *name, ngx_uint_t steps);


ngx_int_t
ngx_lu_releases_get(ngx_lu_call_t *call)
{
    char       *state;
    cJSON      *app;
    ngx_int_t   status;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    state = ngx_lu_arg(call, "state");

    call->answer = cJSON_CreateArray();

    if (call->answer == NULL) {
        cJSON_Delete(app);
        return ngx_lu_nomem(call);
    }

    if (state == NULL || !ngx_lu_release_state_is_live(state)) {
        status = ngx_lu_release_list(call, app, "staging", state);
    }

    if (status == NGX_OK
        && (state == NULL || ngx_lu_release_state_is_live(state)))
    {
        status = ngx_lu_release_list(call, app, "live", state);
    }

    cJSON_Delete(app);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


static ngx_uint_t
ngx_lu_release_state_is_live(const char *state)
{
    return ngx_strcmp(state, "live") == 0
           || ngx_strcmp(state, "withdrawn") == 0;
}


static ngx_int_t
ngx_lu_release_list(ngx_lu_call_t *call, const cJSON *app, const char *place,
    const char *wanted)
{
    cJSON         *release;
    u_char        *folder, *path;
    ngx_int_t      rc;
    ngx_str_t     *name;
    ngx_uint_t     i;
    const char    *state;
    ngx_array_t    names;
    lu_desktop_t  *desktop;

    desktop = ngx_lu_release_rules(call, app);

    folder = ngx_lu_path(call->io.pool, "%V/%s/%s", &call->store->path, place,
                         call->route.app.data);

    rc = ngx_lu_store_list(&call->io, folder, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        path = ngx_lu_path(call->io.pool, "%s/%V/release.json", folder,
                           &name[i]);

        rc = ngx_lu_store_read_json(&call->io, path, &release);

        if (rc == NGX_ERROR) {
            return ngx_lu_failed(call);
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        state = ngx_lu_release_state(app, release, place);

        if (wanted && ngx_strcmp(wanted, state) != 0) {
            cJSON_Delete(release);
            continue;
        }

        if (ngx_lu_release_describe(call, app, desktop, release,
                                    place, state)
            != NGX_OK
            || !cJSON_AddItemToArray(call->answer, release))
        {
            cJSON_Delete(release);
            return ngx_lu_nomem(call);
        }
    }

    return NGX_OK;
}


/* What the release does not know of itself. */

static ngx_int_t
ngx_lu_release_describe(ngx_lu_call_t *call, const cJSON *app,
    const lu_desktop_t *desktop, cJSON *release, const char *place,
    const char *state)
{
    cJSON  *shares;

    if (lu_json_set_string(release, "state", state) != LU_OK) {
        return NGX_ERROR;
    }

    if (ngx_strcmp(place, "live") != 0) {
        return NGX_OK;
    }

    shares = cJSON_AddArrayToObject(release, "shares");

    return shares
           && lu_share_list(shares, app, desktop, release) == LU_OK
           ? NGX_OK : NGX_ERROR;
}


/* NULL: rules that nobody can be served by. */

static lu_desktop_t *
ngx_lu_release_rules(ngx_lu_call_t *call, const cJSON *app)
{
    lu_arena_t     arena;
    lu_error_t     err;
    lu_desktop_t  *desktop;

    desktop = ngx_palloc(call->io.pool, sizeof(lu_desktop_t));
    if (desktop == NULL) {
        return NULL;
    }

    arena = ngx_lu_arena(call->io.pool);

    return lu_desktop_parse(&arena, NULL,
                  cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                  desktop, &err)
           == LU_OK
           ? desktop : NULL;
}


/* In staging the release knows it; what is live is the app's to say. */

const char *
ngx_lu_release_state(const cJSON *app, const cJSON *release, const char *place)
{
    const cJSON  *list, *item, *channel;
    lu_str_t      id, state, value;

    if (ngx_strcmp(place, "staging") == 0) {
        return lu_json_string(release, "state", &state) == LU_OK
               ? (char *) state.data : "failed";
    }

    if (lu_json_string(release, "id", &id) != LU_OK) {
        return "failed";
    }

    list = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(item, list) {
        if (lu_json_string(item, "id", &value) == LU_OK
            && lu_str_eq(&value, &id))
        {
            return "live";
        }
    }

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        cJSON_ArrayForEach(item,
                           cJSON_GetObjectItemCaseSensitive(channel,
                                                            "deployments"))
        {
            if (lu_json_string(item, "release", &value) == LU_OK
                && lu_str_eq(&value, &id))
            {
                return "live";
            }
        }
    }

    return "withdrawn";
}


ngx_int_t
ngx_lu_release_get(ngx_lu_call_t *call)
{
    cJSON       *app, *release, *files, *progress;
    u_char      *folder, *path;
    ngx_int_t    rc, status;
    const char  *place;
    lu_str_t     value;

    status = ngx_lu_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(call, (char *) call->route.id.data, &release,
                                 &folder);
    if (status != NGX_OK) {
        cJSON_Delete(app);
        return status;
    }

    place = ngx_lu_release_is_live(call, folder) ? "live" : "staging";

    rc = ngx_lu_release_describe(call, app, ngx_lu_release_rules(call, app),
                  release, place, ngx_lu_release_state(app, release, place));

    cJSON_Delete(app);

    call->answer = release;

    if (rc != NGX_OK) {
        return ngx_lu_nomem(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/files.json", folder);

    rc = ngx_lu_store_read_json(&call->io, path, &files);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_OK && !cJSON_AddItemToObject(release, "files", files)) {
        cJSON_Delete(files);
        return ngx_lu_nomem(call);
    }

    /* of a fetch that somebody has ended there may be an old one */

    if (lu_json_string(release, "state", &value) != LU_OK
        || !lu_str_is(&value, "fetching"))
    {
        return NGX_HTTP_OK;
    }

    path = ngx_lu_path(call->io.pool, "%s/progress.json", folder);

    rc = ngx_lu_store_read_json(&call->io, path, &progress);

    if (rc == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    if (rc == NGX_OK && !cJSON_AddItemToObject(release, "progress", progress))
    {
        cJSON_Delete(progress);
        return ngx_lu_nomem(call);
    }

    return NGX_HTTP_OK;
}


ngx_uint_t
ngx_lu_release_is_live(ngx_lu_call_t *call, u_char *folder)
{
    return ngx_strncmp(folder + call->store->path.len, "/live/",
                       sizeof("/live/") - 1)
           == 0;
}


ngx_int_t
ngx_lu_release_promote_post(ngx_lu_call_t *call)
{
    return ngx_lu_release_change(call, ngx_lu_release_promote);
}


ngx_int_t
ngx_lu_release_change(ngx_lu_call_t *call, ngx_lu_change_pt change)
{
    ngx_fd_t   lock;
    ngx_int_t  status;

    status = ngx_lu_bundle_hold(call, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change(call, change);

    ngx_lu_store_unlock(lock);

    return status;
}


ngx_int_t
ngx_lu_release_promote(ngx_lu_call_t *call, cJSON *app)
{
    cJSON      *release;
    double      rollout;
    u_char     *folder;
    ngx_int_t   status;
    ngx_uint_t  is_live;
    lu_str_t    kind, state;

    call->change = "release.promote";
    call->subject = (char *) call->route.id.data;

    status = ngx_lu_release_rollout(call, &rollout);
    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return status;
    }

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    is_live = ngx_lu_release_is_live(call, folder);

    (void) lu_json_string(release, "state", &state);
    (void) lu_json_string(release, "kind", &kind);

    if (!is_live && !lu_str_is(&state, "staged")) {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "Only a release that is staged, that is "
                               "complete and verified, can be promoted.");

    } else if (lu_str_is(&kind, "desktop")) {
        status = ngx_lu_desktop_promote(call, app, release, folder);

    } else {
        status = ngx_lu_bundle_release(call, app, release, is_live);
    }

    cJSON_Delete(release);

    return status;
}


/* NGX_DECLINED: the call says nothing of it. */

ngx_int_t
ngx_lu_release_rollout(ngx_lu_call_t *call, double *rollout)
{
    lu_rc_e  rc;

    rc = lu_json_number(call->json, "rollout", rollout);

    if (rc == LU_NOT_FOUND) {
        return NGX_DECLINED;
    }

    if (rc == LU_OK && *rollout >= 0 && *rollout <= 1) {
        return NGX_OK;
    }

    return ngx_lu_refuse(call, 422,
                         "\"rollout\" must be a number from 0 "
                         "to 1.");
}


ngx_int_t
ngx_lu_release_done(ngx_lu_call_t *call, const char *state)
{
    call->answer = cJSON_CreateObject();

    if (cJSON_AddStringToObject(call->answer, "id", call->subject) == NULL
        || cJSON_AddStringToObject(call->answer, "state", state) == NULL)
    {
        return ngx_lu_nomem(call);
    }

    return NGX_HTTP_OK;
}


ngx_int_t
ngx_lu_release_reject_post(ngx_lu_call_t *call)
{
    return ngx_lu_release_change(call, ngx_lu_release_reject);
}


static ngx_int_t
ngx_lu_release_reject(ngx_lu_call_t *call,
    cJSON *app)
{
    cJSON     *release;
    u_char    *folder, *path;
    ngx_int_t  status;
    lu_str_t   reason, state;

    call->change = "release.reject";
    call->subject = (char *) call->route.id.data;

    if (lu_json_string(call->json, "reason", &reason) != LU_OK) {
        return ngx_lu_refuse(call, 422,
                             "Say why: \"reason\".");
    }

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_release_is_live(call, folder)) {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "The release is live: withdraw it.");

    } else if (lu_json_string(release, "state", &state) == LU_OK
               && lu_str_is(&state, "rejected"))
    {
        status = ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                               "The release was rejected already.");

    } else if (lu_json_set_string(release, "state", "rejected") != LU_OK
               || lu_json_set_string(release, "reason", (char *) reason.data)
                  != LU_OK)
    {
        status = ngx_lu_nomem(call);

    } else {
        path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

        status = ngx_lu_store_write_json(&call->io, call->store,
                                         path, release)
                 == NGX_OK
                 ? ngx_lu_release_done(call, "rejected")
                 : ngx_lu_failed(call);
    }

    cJSON_Delete(release);

    return status;
}


ngx_int_t
ngx_lu_release_withdraw_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_release_withdraw);
}


static ngx_int_t
ngx_lu_release_withdraw(ngx_lu_call_t *call, cJSON *app)
{
    cJSON     *release;
    u_char    *folder;
    ngx_int_t  status;
    lu_str_t   kind;

    call->change = "release.withdraw";
    call->subject = (char *) call->route.id.data;

    status = ngx_lu_release_read(call, call->subject, &release, &folder);
    if (status != NGX_OK) {
        return status;
    }

    if (!ngx_lu_release_is_live(call, folder)) {
        cJSON_Delete(release);
        return ngx_lu_refuse(call, NGX_HTTP_CONFLICT,
                             "The release is not live: reject it.");
    }

    (void) lu_json_string(release, "kind", &kind);

    if (lu_str_is(&kind, "desktop")) {
        status = ngx_lu_core_status(call,
                                    lu_builds_withdraw(app, call->subject,
                                                       &call->error));
        call->finish = ngx_lu_desktop_withdraw;

    } else {
        lu_change_release_remove(app, call->subject);
    }

    cJSON_Delete(release);

    return status == NGX_OK ? ngx_lu_release_done(call, "withdrawn") : status;
}


ngx_int_t
ngx_lu_releases_rollback_post(ngx_lu_call_t *call)
{
    return ngx_lu_change(call, ngx_lu_release_rollback);
}


static ngx_int_t
ngx_lu_release_rollback(ngx_lu_call_t *call, cJSON *app)
{
    uint64_t     steps;
    ngx_int_t    status;
    const char  *id;
    lu_str_t     channel;

    call->change = "release.rollback";
    call->subject = (char *) call->route.app.data;

    steps = 1;

    if (lu_json_size(call->json, "steps", &steps)
        == LU_INVALID
        || steps == 0
        || steps > LU_HISTORY)
    {
        return ngx_lu_refuse(call, 422, "\"steps\" must be a whole number "
                             "from 1 to 500.");
    }

    if (lu_json_string(call->json, "channel", &channel) == LU_OK) {
        return ngx_lu_release_redeploy(call, app, (char *) channel.data,
                                       (ngx_uint_t) steps);
    }

    call->from = lu_builds_latest(app);

    if (call->from) {
        call->from = (char *) ngx_lu_path(call->io.pool, "%s", call->from);
    }

    status = ngx_lu_core_status(call,
                                lu_builds_rollback(app, (unsigned) steps,
                                                   &id, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    call->to = (char *) ngx_lu_path(call->io.pool, "%s", id);
    call->subject = call->to;

    return ngx_lu_release_done(call, "live");
}


/* As the CLI does it: a new deployment of an earlier release. */

static ngx_int_t
ngx_lu_release_redeploy(ngx_lu_call_t *call, cJSON *app, const char *name,
    ngx_uint_t steps)
{
    char         *id;
    cJSON        *channel;
    ngx_int_t     status;
    const cJSON  *item;
    lu_str_t      channel_id, release;

    channel = lu_change_channel_named(app, name);

    if (channel == NULL
        || lu_json_string(channel, "id", &channel_id)
           != LU_OK)
    {
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND, "Channel not found.");
    }

    item = lu_change_channel_before(channel, (unsigned) steps);

    if (item == NULL || lu_json_string(item, "release", &release) != LU_OK) {
        return ngx_lu_refuse(call, NGX_HTTP_NOT_FOUND,
                             "There is no release to go back to.");
    }

    id = ngx_lu_uuid(call);
    if (id == NULL) {
        return ngx_lu_nomem(call);
    }

    call->to = (char *) ngx_lu_path(call->io.pool, "%s", release.data);

    /* it was deployed here once, so that it may be again */

    status = ngx_lu_core_status(call,
                                lu_change_deploy(app, (char *) channel_id.data,
                                                 id,
                                          call->to, 1, 1, call->by, call->now,
                                                 &call->error));
    if (status != NGX_OK) {
        return status;
    }

    call->subject = call->to;

    return ngx_lu_release_done(call, "live");
}
