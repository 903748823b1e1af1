
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_follow_rules.h"

#include "write/ngx_lu_change.h"
#include "write/ngx_lu_desktop.h"

#include "core/lu_builds.h"
#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


#define NGX_LU_LATEST  "latestReleaseBuildId"
#define NGX_LU_RULES   "releaseRedirections"


/* The rules that are about builds of one app. */

typedef struct {
    ngx_lu_follow_t  *follow;
    ngx_str_t        *app;
    cJSON            *was;        /* as they were followed before */
    cJSON            *now;
    lu_str_t          last;       /* the latest build, as followed before */
    lu_str_t          latest;     /* if it has changed, or empty */
    unsigned          pending:1;  /* one of their builds is on its way */
} ngx_lu_app_rules_t;


static ngx_int_t ngx_lu_follow_rules_sort(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules);
static ngx_int_t ngx_lu_follow_rules_was(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules);
static ngx_int_t ngx_lu_follow_rules_were(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules, const cJSON *was);
static ngx_int_t ngx_lu_follow_rules_latest(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules);
static ngx_uint_t ngx_lu_follow_rules_was_latest(ngx_lu_follow_t *follow,
    const lu_str_t *id);
static ngx_int_t ngx_lu_follow_rules_of(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules, const cJSON *rule, const char *key,
    ngx_lu_app_rules_t **found);
static ngx_int_t ngx_lu_follow_rules_change(ngx_lu_app_rules_t *rules);
static ngx_int_t ngx_lu_follow_rules_set(ngx_lu_task_t *task, cJSON *app,
    void *data);
static cJSON *ngx_lu_follow_rules_merge(ngx_lu_app_rules_t *rules,
    const cJSON *app);
static ngx_int_t ngx_lu_follow_rules_result(ngx_lu_follow_t *follow,
    ngx_lu_app_rules_t *rules);


ngx_int_t
ngx_lu_follow_rules(ngx_lu_follow_t *follow)
{
    ngx_int_t            status;
    ngx_uint_t           i, n;
    ngx_str_t           *apps;
    ngx_lu_app_rules_t  *rules;

    n = follow->apps.nelts;
    apps = follow->apps.elts;

    rules = ngx_pcalloc(follow->task->io.pool,
                        (n + 1) * sizeof(ngx_lu_app_rules_t));
    if (rules == NULL) {
        return ngx_lu_task_nomem(follow->task);
    }

    status = NGX_OK;

    for (i = 0; i < n; i++) {
        rules[i].follow = follow;
        rules[i].app = &apps[i];
        rules[i].was = cJSON_CreateArray();
        rules[i].now = cJSON_CreateArray();

        if (rules[i].was == NULL || rules[i].now == NULL) {
            status = ngx_lu_task_nomem(follow->task);
        }
    }

    if (status == NGX_OK) {
        status = ngx_lu_follow_rules_sort(follow, rules);
    }

    for (i = 0; i < n; i++) {
        cJSON_Delete(rules[i].was);
        cJSON_Delete(rules[i].now);
    }

    return status;
}


static ngx_int_t
ngx_lu_follow_rules_sort(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules)
{
    ngx_int_t            status;
    ngx_uint_t           i;
    const cJSON         *rule;
    ngx_lu_app_rules_t  *found;

    if (follow->rules == NULL) {

        /* there are none, or they are wrong: that says nothing */

        return ngx_lu_follow_rules_result(follow, NULL);
    }

    status = ngx_lu_follow_rules_was(follow, rules);
    if (status != NGX_OK) {
        return status;
    }

    cJSON_ArrayForEach(rule, lu_json_get(follow->rules, NGX_LU_RULES)) {

        status = ngx_lu_follow_rules_of(follow, rules, rule, "buildId",
                                        &found);
        if (status != NGX_OK) {
            return status;
        }

        if (found
            && !cJSON_AddItemToArray(found->now, cJSON_Duplicate(rule, 1)))
        {
            return ngx_lu_task_nomem(follow->task);
        }
    }

    status = ngx_lu_follow_rules_latest(follow, rules);

    for (i = 0; status == NGX_OK && i < follow->apps.nelts; i++) {
        status = ngx_lu_follow_rules_change(&rules[i]);
    }

    return status == NGX_OK ? ngx_lu_follow_rules_result(follow, rules)
                            : status;
}


/* Rules for a build that was deleted meanwhile are no app's. */

static ngx_int_t
ngx_lu_follow_rules_was(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules)
{
    ngx_int_t     status;
    ngx_str_t    *apps;
    ngx_uint_t    i;
    const cJSON  *was, *latest;

    apps = follow->apps.elts;
    was = lu_json_get(follow->followed, "rules");
    latest = lu_json_get(was, "latest");

    for (i = 0; i < follow->apps.nelts; i++) {
        (void) lu_json_string(latest, (char *) apps[i].data, &rules[i].last);
    }

    status = ngx_lu_follow_rules_were(follow, rules, was);

    if (status == NGX_OK) {
        status = ngx_lu_follow_rules_were(follow, rules,
                                          lu_json_get(follow->begun, "rules"));
    }

    return status;
}


static ngx_int_t
ngx_lu_follow_rules_were(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules,
    const cJSON *was)
{
    lu_str_t      id;
    ngx_int_t     status;
    ngx_str_t    *app, *apps;
    lu_state_e    state;
    const cJSON  *rule;

    apps = follow->apps.elts;

    cJSON_ArrayForEach(rule, lu_json_get(was, NGX_LU_RULES)) {

        if (lu_json_string(rule, "buildId", &id) != LU_OK) {
            continue;
        }

        status = ngx_lu_follow_where(follow, &id, &app, &state);
        if (status != NGX_OK) {
            return status;
        }

        if (app
            && !cJSON_AddItemToArray(rules[app - apps].was,
                                     cJSON_Duplicate(rule, 1)))
        {
            return ngx_lu_task_nomem(follow->task);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_follow_rules_latest(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules)
{
    lu_str_t             id;
    ngx_int_t            status;
    ngx_lu_app_rules_t  *found;

    status = ngx_lu_follow_rules_of(follow, rules, follow->rules,
                                    NGX_LU_LATEST, &found);

    if (status != NGX_OK || found == NULL) {
        return status;
    }

    (void) lu_json_string(follow->rules, NGX_LU_LATEST, &id);

    if (!ngx_lu_follow_rules_was_latest(follow, &id)) {
        found->latest = id;

    } else {
        found->last = id;
    }

    return NGX_OK;
}


/*
 * The file names one build as the latest, in turn for each app that it is
 * about.  A file of the commit before has it, too.
 */

static ngx_uint_t
ngx_lu_follow_rules_was_latest(ngx_lu_follow_t *follow, const lu_str_t *id)
{
    lu_str_t      last;
    const cJSON  *was, *item;

    was = lu_json_get(follow->followed, "rules");

    if (lu_json_get(follow->begun, "rules")) {

        /* the rules may have been set, or not */

        return 0;
    }

    if (lu_json_string(was, NGX_LU_LATEST, &last) == LU_OK
        && lu_str_eq(&last, id))
    {
        return 1;
    }

    cJSON_ArrayForEach(item, lu_json_get(was, "latest")) {
        if (lu_json_value(item, &last) == LU_OK && lu_str_eq(&last, id)) {
            return 1;
        }
    }

    return 0;
}


/*
 * The app that a rule is for; *found is NULL if the rule is left out: its
 * build is not listed, is on its way, or cannot be released.
 */

static ngx_int_t
ngx_lu_follow_rules_of(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules,
    const cJSON *rule, const char *key, ngx_lu_app_rules_t **found)
{
    u_char      *sentence;
    lu_str_t     id;
    ngx_int_t    status;
    ngx_str_t   *app, *apps;
    lu_state_e   state;

    *found = NULL;

    if (lu_json_string(rule, key, &id) != LU_OK || id.len == 0) {
        return NGX_OK;
    }

    status = ngx_lu_follow_where(follow, &id, &app, &state);
    if (status != NGX_OK) {
        return status;
    }

    if (app == NULL) {

        if (lu_listed_has(&follow->listed, &id)) {

            /* it was reported as such, or was deleted here */

            return NGX_OK;
        }

        sentence = ngx_lu_format(follow->task->io.pool,
                                 "\"%s\" is in " LU_GITHUB_RELEASES ", but "
                                 "there is no such release here.", id.data);

        return ngx_lu_follow_report(follow, NULL, &id, sentence);
    }

    if (!lu_listed_has(&follow->listed, &id)) {
        return NGX_OK;
    }

    apps = follow->apps.elts;

    switch (state) {

    case LU_STATE_LIVE:
    case LU_STATE_WITHDRAWN:
        *found = &rules[app - apps];
        break;

    case LU_STATE_UPLOADING:
    case LU_STATE_FETCHING:
    case LU_STATE_VERIFYING:
        rules[app - apps].pending = 1;
        break;

    default:
        break;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_follow_rules_change(ngx_lu_app_rules_t *rules)
{
    u_char           *sentence;
    ngx_int_t         status;
    ngx_pool_t       *pool;
    ngx_lu_follow_t  *follow;

    static const lu_str_t  none = lu_string("");

    follow = rules->follow;

    if (rules->pending
        || (rules->latest.len == 0
            && cJSON_Compare(rules->was, rules->now, 1)))
    {
        return NGX_OK;
    }

    status = ngx_lu_follow_of(follow, rules->app, &none);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change(follow->task, ngx_lu_follow_rules_set, NULL, rules);

    if (status < NGX_HTTP_BAD_REQUEST
        || status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
    {
        return status < NGX_HTTP_BAD_REQUEST ? NGX_OK : status;
    }

    /* they are tried again the next time */

    rules->pending = 1;

    pool = follow->task->io.pool;
    sentence = ngx_lu_reply_sentence(pool, &follow->task->error);

    if (sentence) {
        sentence = ngx_lu_format(pool, "The rules of app \"%V\" were not set: "
                                 "%s", rules->app, sentence);
    }

    return ngx_lu_follow_report(follow, rules->app, NULL, sentence);
}


static ngx_int_t
ngx_lu_follow_rules_set(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_app_rules_t *rules = data;

    cJSON        *was, *now;
    lu_rc_e       rc;
    lu_arena_t    arena;
    ngx_int_t     status;
    ngx_uint_t    same;
    const cJSON  *releases;

    task->change = "rules.update";
    task->subject = (char *) task->app.data;

    status = ngx_lu_desktop_learn(task, app);
    if (status != NGX_OK) {
        return status;
    }

    now = ngx_lu_follow_rules_merge(rules, app);
    if (now == NULL) {
        return ngx_lu_task_nomem(task);
    }

    releases = lu_json_get(app, "desktopReleases");
    was = cJSON_Duplicate(releases, 1);

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_builds_set_rules(app, now, task->now, &arena, &task->error);

    same = cJSON_Compare(was, lu_json_get(app, "desktopReleases"), 1);

    cJSON_Delete(was);
    cJSON_Delete(now);

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    /* rules that have not changed are not written */

    return same ? NGX_HTTP_NOT_MODIFIED : NGX_HTTP_OK;
}


/* What has changed, for builds that are released. */

static cJSON *
ngx_lu_follow_rules_merge(ngx_lu_app_rules_t *rules, const cJSON *app)
{
    cJSON        *now, *merged, *rule, *next;
    lu_str_t      id;
    lu_put_t      put;
    const char   *latest;
    const cJSON  *current, *builds;

    builds = lu_json_get(app, "desktopBuilds");
    current = lu_json_get(lu_json_get(app, "desktopReleases"), NGX_LU_RULES);

    latest = lu_builds_latest(app);

    if (rules->latest.len
        && lu_json_find(builds, "id", (char *) rules->latest.data))
    {
        latest = (char *) rules->latest.data;
    }

    merged = lu_listed_merge(current, rules->was, rules->now);

    for (rule = merged ? merged->child : NULL; rule; rule = next) {
        next = rule->next;

        if (lu_json_string(rule, "buildId", &id) == LU_OK
            && lu_json_find(builds, "id", (char *) id.data) == NULL)
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(merged, rule));
        }
    }

    lu_put_init(&put);

    now = cJSON_CreateObject();

    if (latest) {
        lu_put_string(&put, now, NGX_LU_LATEST, latest);
    }

    lu_put_item(&put, now, NGX_LU_RULES, merged);

    return lu_put_done(&put, now);
}


/* What was left out, or has to wait, counts as new the next time. */

static ngx_int_t
ngx_lu_follow_rules_result(ngx_lu_follow_t *follow, ngx_lu_app_rules_t *rules)
{
    cJSON        *result, *list, *latest;
    lu_put_t      put;
    lu_str_t     *last;
    ngx_uint_t    i;
    const cJSON  *app, *rule;

    lu_put_init(&put);

    if (rules == NULL) {
        lu_put_copy(&put, follow->now, "rules", follow->followed, "rules");

        return put.failed ? ngx_lu_task_nomem(follow->task) : NGX_OK;
    }

    result = lu_put_object(&put, follow->now, "rules");
    list = lu_put_array(&put, result, NGX_LU_RULES);
    latest = lu_put_object(&put, result, "latest");

    for (i = 0; i < follow->apps.nelts; i++) {

        app = rules[i].pending ? rules[i].was : rules[i].now;

        cJSON_ArrayForEach(rule, app) {
            lu_put_item(&put, list, NULL, cJSON_Duplicate(rule, 1));
        }

        last = (rules[i].latest.len && !rules[i].pending) ? &rules[i].latest
                                                          : &rules[i].last;

        /* a build that is listed again becomes the latest again */

        if (last->len && lu_listed_has(&follow->listed, last)) {
            lu_put_str(&put, latest, (char *) rules[i].app->data, last);
        }
    }

    return put.failed ? ngx_lu_task_nomem(follow->task) : NGX_OK;
}


ngx_uint_t
ngx_lu_follow_rules_changed(ngx_lu_follow_t *follow)
{
    lu_str_t      sha;
    const cJSON  *files;

    if (follow->rules == NULL) {
        return 0;
    }

    files = lu_json_get(follow->followed, "files");

    return lu_json_get(follow->begun, "rules")
           || lu_json_string(files, LU_GITHUB_RELEASES, &sha) != LU_OK
           || !lu_str_eq(&sha, &follow->approved->rules.sha);
}


ngx_uint_t
ngx_lu_follow_rules_name(ngx_lu_follow_t *follow, const lu_str_t *id)
{
    lu_str_t      value;
    const cJSON  *was, *rule;

    was = lu_json_get(follow->followed, "rules");

    if (lu_json_string(follow->rules, NGX_LU_LATEST, &value) == LU_OK
        && lu_str_eq(&value, id)
        && !ngx_lu_follow_rules_was_latest(follow, id))
    {
        return 1;
    }

    cJSON_ArrayForEach(rule, lu_json_get(follow->rules, NGX_LU_RULES)) {

        if (lu_json_string(rule, "buildId", &value) == LU_OK
            && lu_str_eq(&value, id)
            && !lu_listed_holds(lu_json_get(was, NGX_LU_RULES), rule))
        {
            return 1;
        }
    }

    return 0;
}
