
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_release.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_approval.h"
#include "write/ngx_lu_audit.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_desktop.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_remove.h"
#include "write/ngx_lu_review.h"
#include "write/ngx_lu_task.h"
#include "write/ngx_lu_timezone.h"

#include "core/lu_artifact.h"
#include "core/lu_builds.h"
#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_desktop.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_pin.h"
#include "core/lu_put.h"
#include "core/lu_query.h"
#include "core/lu_release.h"
#include "core/lu_share.h"
#include "core/lu_table.h"


/* files of a release in an answer, unless the request says how many */

#define NGX_LU_API_RELEASE_FILES    1000
#define NGX_LU_API_RELEASE_WARNING  512     /* bytes */


static ngx_int_t ngx_lu_api_release_files(ngx_lu_call_t *call,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_api_release_page(ngx_lu_task_t *task,
    ngx_lu_release_t *release, lu_str_t *text, lu_table_t *table,
    ngx_lu_page_t *page);
static ngx_int_t ngx_lu_api_release_add(ngx_lu_task_t *task,
    ngx_lu_release_t *release, const char *name);
static ngx_int_t ngx_lu_api_release_dry_run(ngx_lu_call_t *call,
    const ngx_lu_promotion_t *promotion);
static void ngx_lu_api_release_warn(lu_put_t *put, cJSON *warnings,
    const cJSON *release, const ngx_lu_promotion_t *promotion);
static cJSON *ngx_lu_api_release_twice(const lu_str_t *name, double percent,
    double rollout);
static char *ngx_lu_api_release_before(ngx_lu_call_t *call, cJSON *app);
static ngx_int_t ngx_lu_api_release_rollback(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_uint_t ngx_lu_api_release_is_archs(const cJSON *archs);
static ngx_int_t ngx_lu_api_release_is_desktop(const cJSON *app,
    const char *channel);
static ngx_int_t ngx_lu_api_release_rollback_desktop(ngx_lu_task_t *task,
    cJSON *app, unsigned steps, const lu_pin_scope_t *scope);
static ngx_int_t ngx_lu_api_release_rollback_channel(ngx_lu_task_t *task,
    cJSON *app, unsigned steps, const char *name);


lu_desktop_t *
ngx_lu_api_release_rules(ngx_lu_task_t *task, const cJSON *app)
{
    lu_rc_e        rc;
    lu_arena_t     arena;
    lu_error_t     err;
    const cJSON   *builds, *rules;
    lu_freezes_t   freezes;
    lu_desktop_t  *desktop;

    arena = ngx_lu_arena(task->io.pool);

    desktop = ngx_palloc(task->io.pool, sizeof(lu_desktop_t));
    if (desktop == NULL) {
        return NULL;
    }

    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");
    rules = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    rc = lu_desktop_parse(&arena, builds, rules, desktop, &err);

    if (rc == LU_OK) {
        rc = lu_pace_freezes(lu_json_get(app, "freezes"), &freezes, &err);
    }

    if (rc != LU_OK) {
        return NULL;
    }

    (void) lu_desktop_turn(desktop, &freezes, lu_time_of(task->now));

    return desktop;
}


ngx_int_t
ngx_lu_api_release_describe(const cJSON *app, const lu_desktop_t *desktop,
    ngx_lu_release_t *release, lu_state_e state)
{
    cJSON    *shares;
    lu_put_t  put;

    lu_put_init(&put);

    lu_release_put_state(&put, release->json, state);

    if (!release->is_live) {
        return put.failed ? NGX_ERROR : NGX_OK;
    }

    shares = lu_put_array(&put, release->json, "shares");

    if (put.failed
        || lu_share_list(shares, app, desktop, release->json, ngx_time())
           != LU_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_api_release_get(ngx_lu_call_t *call)
{
    cJSON            *app;
    ngx_int_t         rc, status;
    lu_state_e        state;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(task, (char *) task->id.data, &release);

    if (status != NGX_OK) {
        cJSON_Delete(app);
        return status;
    }

    call->answer = release.json;

    state = ngx_lu_release_state(app, &release);

    rc = ngx_lu_api_release_describe(app, ngx_lu_api_release_rules(task, app),
                                     &release, state);
    cJSON_Delete(app);

    if (rc != NGX_OK) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_release_files(call, &release);
    if (status != NGX_OK) {
        return status;
    }

    /* a fetch that has ended may have left its progress */

    if (state == LU_STATE_FETCHING) {
        status = ngx_lu_api_release_add(task, &release, "progress");
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_HTTP_OK;
}


/* The content of a file beside release.json, if it is there and sound. */

static ngx_int_t
ngx_lu_api_release_add(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const char *name)
{
    cJSON    *json;
    u_char   *path;
    lu_put_t  put;

    path = ngx_lu_path_in(&task->io, release->folder, "%s.json", name);

    switch (ngx_lu_file_read_json(&task->io, path, &json)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return NGX_OK;

    default:
        return ngx_lu_io_is_damage(&task->io) ? NGX_OK
                                              : ngx_lu_task_failed(task);
    }

    lu_put_init(&put);
    lu_put_item(&put, release->json, name, json);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


/*
 * A file table may have many megabytes, and is a multiple of that as a tree, so
 * that it is parsed in pieces, of which one page is kept.
 */

static ngx_int_t
ngx_lu_api_release_files(ngx_lu_call_t *call, ngx_lu_release_t *release)
{
    u_char           *path;
    lu_rc_e           rc;
    lu_str_t          text;
    lu_arena_t        arena;
    lu_table_t        table;
    ngx_lu_page_t     page;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;

    task = &call->task;
    path = ngx_lu_path_in(&task->io, release->folder, "files.json");

    switch (ngx_lu_file_read(&task->io, path, &text, &fi)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return NGX_OK;

    default:
        return ngx_lu_io_is_damage(&task->io) ? NGX_OK
                                              : ngx_lu_task_failed(task);
    }

    ngx_lu_arg_page(call, &page);

    if (ngx_lu_arg(call, "limit") == NULL) {
        page.limit = NGX_LU_API_RELEASE_FILES;
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = (text.len > LU_TABLE_WHOLE) ? lu_table_scan(&arena, &text, &table)
                                     : LU_INVALID;

    if (rc == LU_NOMEM) {
        return ngx_lu_task_nomem(task);
    }

    if (rc == LU_INVALID) {

        /* small, or of an older version */

        table.pages = NULL;
        table.n = 0;
    }

    return ngx_lu_api_release_page(task, release, &text, &table, &page);
}


static ngx_int_t
ngx_lu_api_release_page(ngx_lu_task_t *task, ngx_lu_release_t *release,
    lu_str_t *text, lu_table_t *table, ngx_lu_page_t *page)
{
    size_t      i, count;
    cJSON      *files, *piece, *file;
    lu_rc_e     rc;
    lu_put_t    put;
    lu_str_t    part;
    lu_error_t  why;

    lu_put_init(&put);

    files = lu_put_array(&put, release->json, "files");
    count = 0;
    i = 0;

    do {
        part = *text;

        if (table->n) {

            /* it has "[" or "," at either end, or "]" */

            part.data += table->pages[i].offset;
            part.len = lu_table_page_size(table, &table->pages[i]);

            part.data[0] = '[';
            part.data[part.len - 1] = ']';
        }

        rc = lu_json_parse(&piece, &part, &why);

        if (rc == LU_NOMEM) {
            return ngx_lu_task_nomem(task);
        }

        if (rc != LU_OK) {

            /* damaged */

            cJSON_DeleteItemFromObjectCaseSensitive(release->json, "files");

            return NGX_OK;
        }

        while ((file = cJSON_DetachItemFromArray(piece, 0)) != NULL) {
            count++;

            if (ngx_lu_arg_page_take(page)) {
                lu_put_item(&put, files, NULL, file);

            } else {
                cJSON_Delete(file);
            }
        }

        cJSON_Delete(piece);

    } while (++i < table->n);

    lu_put_number(&put, release->json, "filesCount", (double) count);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


ngx_int_t
ngx_lu_api_release_promote_post(ngx_lu_call_t *call)
{
    int                 is_confirmed;
    lu_str_t            value;
    ngx_int_t           status;
    ngx_lu_promotion_t  promotion;

    status = ngx_lu_api_release_promotion(call, &promotion);
    if (status != NGX_OK) {
        return status;
    }

    if (lu_query_find(&call->args, "dry-run", &value)) {
        return ngx_lu_api_release_dry_run(call, &promotion);
    }

    is_confirmed = 0;

    if (lu_json_bool(call->json, "confirm", &is_confirmed) == LU_INVALID) {
        return ngx_lu_task_refuse(&call->task, 422,
                                  "\"confirm\" must be true or false.");
    }

    promotion.careful = !is_confirmed;

    status = ngx_lu_approval_promote(&call->task, &promotion);

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}


/* What the promotion would do, and to whom. */

static ngx_int_t
ngx_lu_api_release_dry_run(ngx_lu_call_t *call,
    const ngx_lu_promotion_t *promotion)
{
    cJSON             *app, *json, *effects, *warnings;
    double             generation;
    lu_put_t           put;
    ngx_int_t          status;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    task = &call->task;
    task->subject = (char *) task->id.data;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_read(task, task->subject, &release);

    if (status != NGX_OK) {
        cJSON_Delete(app);
        return status;
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    generation = 0;
    (void) lu_json_number(app, "generation", &generation);

    lu_put_string(&put, json, "id", task->subject);
    lu_put_number(&put, json, "generation", generation);

    effects = lu_put_array(&put, json, "effects");
    warnings = lu_put_array(&put, json, "warnings");

    if (put.failed) {
        status = ngx_lu_task_nomem(task);

    } else if (lu_release_kind(release.json) != LU_KIND_DESKTOP) {
        status = ngx_lu_task_refuse(task, 422,
                                    "\"?dry-run\" is for desktop releases.");

    } else if (!release.is_live
               && lu_release_state(release.json) != LU_STATE_STAGED)
    {
        status = ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                    "Only a release that is staged, that is "
                                    "complete and verified, can be promoted.");

    } else {
        status = ngx_lu_desktop_effect(task, app, &release, promotion,
                                       effects);

        ngx_lu_api_release_warn(&put, warnings, release.json, promotion);

        if (status == NGX_OK) {
            status = ngx_lu_review(task, release.json, effects, warnings);
        }
    }

    if (cJSON_GetArraySize(warnings) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(json, "warnings");
    }

    if (status == NGX_OK && put.failed) {
        status = ngx_lu_task_nomem(task);
    }

    ngx_lu_release_close(&release);
    cJSON_Delete(app);

    task->change = NULL;

    if (status != NGX_OK) {
        cJSON_Delete(json);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}


/* Who has won in the rollout draws lots again for the percentage. */

static void
ngx_lu_api_release_warn(lu_put_t *put, cJSON *warnings,
    const cJSON *release, const ngx_lu_promotion_t *promotion)
{
    double        percent;
    lu_str_t      name;
    const cJSON  *item;

    if (!promotion->has_rollout || promotion->rollout >= 1) {
        return;
    }

    cJSON_ArrayForEach(item, lu_json_get(release, "conditions")) {

        if (lu_json_number(item, "stagingPercentage", &percent) != LU_OK
            || lu_json_string(item, "manifest", &name) != LU_OK)
        {
            continue;
        }

        lu_put_item(put, warnings, NULL,
                    ngx_lu_api_release_twice(&name, percent,
                                             promotion->rollout));
    }
}


static cJSON *
ngx_lu_api_release_twice(const lu_str_t *name, double percent, double rollout)
{
    u_char  text[NGX_LU_API_RELEASE_WARNING];

    *ngx_snprintf(text, sizeof(text) - 1,
                  "\"%*s\" has a \"stagingPercentage\" of %.0f: only so "
                  "many of those whom the rollout lets have the release "
                  "update, %.1f %% in all.",
                  name->len, name->data, percent, percent * rollout) = '\0';

    return cJSON_CreateString((char *) text);
}


ngx_int_t
ngx_lu_api_release_promotion(ngx_lu_call_t *call,
    ngx_lu_promotion_t *promotion)
{
    cJSON          *wanted;
    double          rollout;
    lu_rc_e         rc;
    lu_str_t        channel;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    ngx_memzero(promotion, sizeof(ngx_lu_promotion_t));

    rc = lu_json_number(call->json, "rollout", &rollout);

    if (rc == LU_INVALID || (rc == LU_OK && !(rollout >= 0 && rollout <= 1))) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"rollout\" must be a number from 0 to 1.");
    }

    if (rc == LU_OK) {
        promotion->rollout = rollout;
        promotion->has_rollout = 1;
    }

    rc = lu_json_string(call->json, "channel", &channel);

    if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"channel\" must be the name of a channel.");
    }

    if (rc == LU_OK) {
        promotion->channel = (char *) channel.data;
    }

    rollout = promotion->has_rollout ? promotion->rollout : 1;

    status = ngx_lu_timezone_wanted(task, call->json, rollout, &wanted);

    promotion->wanted = wanted;

    return status;
}


ngx_int_t
ngx_lu_api_release_reject_post(ngx_lu_call_t *call)
{
    lu_rc_e         rc;
    lu_str_t        reason;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    rc = lu_limit_string(call->json, "reason", &reason, &task->error);

    if (rc == LU_NOT_FOUND) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"reason\" must say why the release is "
                                  "rejected.");
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    status = ngx_lu_approval_reject(task, (char *) reason.data);

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
ngx_lu_api_release_delete(ngx_lu_call_t *call)
{
    return ngx_lu_remove_release(&call->task);
}


ngx_int_t
ngx_lu_api_releases_rollback_post(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    status = ngx_lu_change(&call->task, ngx_lu_api_release_rollback, NULL,
                           call);

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}


ngx_int_t
ngx_lu_api_releases_rollback_get(ngx_lu_call_t *call)
{
    char              *id;
    cJSON             *app, *json;
    lu_put_t           put;
    ngx_int_t          status;
    ngx_lu_task_t     *task;
    ngx_lu_release_t   release;

    task = &call->task;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    id = ngx_lu_api_release_before(call, app);

    cJSON_Delete(app);

    if (id == NULL) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "There is no release to go back to.");
    }

    status = ngx_lu_release_read(task, id, &release);
    if (status != NGX_OK) {
        return status;
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "id", id);
    lu_put_copy(&put, json, "kind", release.json, "kind");
    lu_put_copy(&put, json, "version", release.json, "version");
    lu_put_copy(&put, json, "number", release.json, "number");

    ngx_lu_release_close(&release);

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


/* The tree of the app is thrown away, and may be changed. */

static char *
ngx_lu_api_release_before(ngx_lu_call_t *call, cJSON *app)
{
    char            *name;
    const char      *id;
    const cJSON     *deployment;
    ngx_lu_task_t   *task;
    lu_pin_scope_t   scope;

    task = &call->task;

    name = ngx_lu_arg(call, "channel");

    ngx_memzero(&scope, sizeof(lu_pin_scope_t));

    scope.channel = name;

    if (name && !ngx_lu_api_release_is_desktop(app, name)) {
        deployment = lu_change_channel_before(lu_change_channel_named(app,
                                                                      name),
                                              1);

        return ngx_lu_task_member(task, deployment, "release");
    }

    if (ngx_lu_desktop_learn(task, app) != NGX_OK
        || lu_builds_rollback(app, 1, &scope, &id, &task->error) != LU_OK)
    {
        return NULL;
    }

    return (char *) ngx_lu_format(task->io.pool, "%s", id);
}


static ngx_int_t
ngx_lu_api_release_rollback(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    uint64_t        steps;
    lu_str_t        channel;
    const cJSON    *platforms;
    lu_pin_scope_t  scope;

    task->change = "release.rollback";
    task->subject = (char *) task->app.data;

    steps = 1;

    if (lu_json_size(call->json, "steps", &steps) == LU_INVALID
        || steps == 0
        || steps > LU_HISTORY)
    {
        return ngx_lu_task_refuse(task, 422,
                                  "\"steps\" must be a whole number from 1 to "
                                  "500.");
    }

    ngx_memzero(&scope, sizeof(lu_pin_scope_t));

    if (lu_json_string(call->json, "channel", &channel) == LU_OK) {

        if (!ngx_lu_api_release_is_desktop(app, (char *) channel.data)) {
            return ngx_lu_api_release_rollback_channel(task, app,
                                                       (unsigned) steps,
                                                       (char *) channel.data);
        }

        scope.channel = (char *) channel.data;
        task->channel = ngx_lu_task_member(task, call->json, "channel");
    }

    platforms = lu_json_get(call->json, "platforms");

    if (platforms && !cJSON_IsNull(platforms)
        && (lu_platform_list(platforms, &scope.platforms) != LU_OK
            || scope.platforms == 0))
    {
        return ngx_lu_task_refuse(task, 422,
                                  "\"platforms\" can be \"windows\", \"mac\" "
                                  "and \"linux\".");
    }

    scope.archs = lu_json_get(call->json, "archs");

    if (cJSON_IsNull(scope.archs)) {
        scope.archs = NULL;
    }

    if (scope.archs && !ngx_lu_api_release_is_archs(scope.archs)) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"archs\" must be a list of architectures, "
                                  "such as \"arm64\" and \"x64\".");
    }

    /* what is forgotten here would take back more than was meant */

    if (lu_json_get(call->json, "platform") || lu_json_get(call->json, "arch"))
    {
        return ngx_lu_task_refuse(task, 422,
                                  "Say \"platforms\" and \"archs\", which are "
                                  "lists.");
    }

    ngx_lu_audit_platforms(task, call->json);

    return ngx_lu_api_release_rollback_desktop(task, app, (unsigned) steps,
                                               &scope);
}


static ngx_uint_t
ngx_lu_api_release_is_archs(const cJSON *archs)
{
    lu_str_t      name;
    const char   *arch;
    const cJSON  *item;

    cJSON_ArrayForEach(item, archs) {

        if (lu_json_value(item, &name) != LU_OK) {
            return 0;
        }

        arch = lu_artifact_arch(&name);

        if (arch == NULL || !lu_str_is(&name, arch)) {
            return 0;
        }
    }

    return cJSON_IsArray(archs) && archs->child;
}


/*
 * A desktop app has no channels of its own: a channel is what its manifests
 * are called.
 */

static ngx_int_t
ngx_lu_api_release_is_desktop(const cJSON *app, const char *channel)
{
    return lu_change_channel_named(app, channel) == NULL
           && cJSON_GetArraySize(lu_json_get(app, "desktopBuilds"));
}


static ngx_int_t
ngx_lu_api_release_rollback_desktop(ngx_lu_task_t *task, cJSON *app,
    unsigned steps, const lu_pin_scope_t *scope)
{
    lu_rc_e       rc;
    lu_str_t      value;
    ngx_int_t     status;
    const char   *id, *latest;
    const cJSON  *newest;

    status = ngx_lu_desktop_learn(task, app);
    if (status != NGX_OK) {
        return status;
    }

    latest = lu_builds_latest(app);

    if (scope->channel || scope->platforms || scope->archs) {
        newest = lu_pin_newest(app, scope);
        latest = (lu_json_string(newest, "id", &value) == LU_OK)
                 ? (char *) value.data : NULL;
    }

    if (latest) {
        task->from = (char *) ngx_lu_format(task->io.pool, "%s", latest);
    }

    rc = lu_builds_rollback(app, steps, scope, &id, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->to = (char *) ngx_lu_format(task->io.pool, "%s", id);
    task->subject = task->to;

    return task->to ? NGX_HTTP_OK : ngx_lu_task_nomem(task);
}


/* As the CLI does it: a new deployment of an earlier release. */

static ngx_int_t
ngx_lu_api_release_rollback_channel(ngx_lu_task_t *task, cJSON *app,
    unsigned steps, const char *name)
{
    char         *id;
    cJSON        *channel;
    lu_rc_e       rc;
    lu_str_t      channel_id, value;
    const cJSON  *deployment, *newest;

    channel = lu_change_channel_named(app, name);

    if (lu_json_string(channel, "id", &channel_id) != LU_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "Channel not found.");
    }

    deployment = lu_change_channel_before(channel, steps);

    if (lu_json_string(deployment, "release", &value) != LU_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "There is no release to go back to.");
    }

    id = ngx_lu_task_uuid(task);

    newest = lu_json_get(channel, "deployments")->child;

    task->from = ngx_lu_task_member(task, newest, "release");
    task->to = ngx_lu_task_member(task, deployment, "release");
    task->channel = ngx_lu_task_member(task, channel, "name");
    task->subject = task->to;

    if (id == NULL || task->to == NULL) {
        return ngx_lu_task_nomem(task);
    }

    /* it was deployed here once, so that it may be again */

    rc = lu_change_deployment_add(app, (char *) channel_id.data, id, task->to,
                                  1, 1,
                                  task->by, task->now, &task->error);

    return rc == LU_OK ? NGX_HTTP_OK : ngx_lu_task_core(task, rc);
}


ngx_int_t
ngx_lu_api_release_github_get(ngx_lu_call_t *call)
{
    cJSON          *json;
    u_char         *path;
    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    status = ngx_lu_app_read(task, &json);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_Delete(json);

    path = ngx_lu_path(&task->io, "%V/apps/%s/github.json", &task->store->path,
                       task->app.data);

    switch (ngx_lu_file_read_json(&task->io, path, &json)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        json = cJSON_CreateObject();
        break;

    default:
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, json);
}
