
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A build is what the Capawesome API calls a release that can be deployed; a
 * bundle and its build have the same id.
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_app.h"
#include "core/lu_change.h"
#include "core/lu_change_deployment.h"
#include "core/lu_query.h"
#include "core/lu_release.h"


#define NGX_LU_API_BUILD_NUMBER  (NGX_INT64_LEN + 1)


static uint64_t ngx_lu_api_build_number(const cJSON *release, char *text);
static ngx_int_t ngx_lu_api_build_change(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_build_allowed(ngx_lu_task_t *task,
    const cJSON *app, ngx_lu_release_t *release);
static ngx_int_t ngx_lu_api_build_set(ngx_lu_call_t *call, cJSON *app,
    cJSON *release);
static u_char *ngx_lu_api_build_url(ngx_lu_call_t *call,
    const lu_release_t *release);
static void ngx_lu_api_build_artifact(lu_put_t *put, cJSON *json,
    const cJSON *release);


/* Returns the number of a build, and prints it; 0: it has none. */

static uint64_t
ngx_lu_api_build_number(const cJSON *release, char *text)
{
    u_char   *p;
    uint64_t  number;

    number = 0;
    (void) lu_json_size(release, "number", &number);

    p = ngx_sprintf((u_char *) text, "%L", (int64_t) number);
    *p = '\0';

    return number;
}


ngx_int_t
ngx_lu_api_build_get(ngx_lu_call_t *call)
{
    ngx_int_t         status;
    ngx_lu_task_t    *task;
    ngx_lu_release_t  release;

    task = &call->task;

    status = ngx_lu_release_read(task, (char *) task->id.data, &release);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_call_answer(call, NGX_HTTP_OK,
                                ngx_lu_api_build_json(call, release.json));

    ngx_lu_release_close(&release);

    return status;
}


/* While a release is verified, its description belongs to that call. */

ngx_int_t
ngx_lu_api_build_patch(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_release_change(&call->task, ngx_lu_api_build_change, NULL,
                                 call);
}


/*
 * The release's description is replaced first; the app's, which follows,
 * tells the readers to look, and gets the generation that is noted here: a
 * repeated call is a change if that is still to come.
 */

static ngx_int_t
ngx_lu_api_build_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON             *before;
    double             generation, noted;
    ngx_int_t          status;
    ngx_lu_release_t   release;

    task->change = "build.update";
    task->subject = (char *) task->id.data;

    status = ngx_lu_release_read(task, task->subject, &release);
    if (status != NGX_OK) {
        return status;
    }

    generation = 0;
    noted = 0;

    (void) lu_json_number(app, "generation", &generation);
    (void) lu_json_number(release.json, "generation", &noted);

    before = cJSON_Duplicate(release.json, 1);

    status = ngx_lu_api_build_allowed(task, app, &release);

    if (status == NGX_OK) {
        status = ngx_lu_api_build_set(call, app, release.json);
    }

    if (status == NGX_OK
        && (before == NULL
            || noted > generation
            || !lu_change_same(before, release.json)))
    {
        task->again = 0;

        status = (lu_json_set(release.json, "generation",
                              cJSON_CreateNumber(generation + 1))
                  == LU_OK)
                 ? ngx_lu_release_save(task, &release)
                 : ngx_lu_task_nomem(task);
    }

    cJSON_Delete(before);

    if (status == NGX_OK) {
        status = ngx_lu_call_answer(call, NGX_HTTP_OK,
                                    ngx_lu_api_build_json(call, release.json));
    }

    ngx_lu_release_close(&release);

    return status;
}


/* Limits and properties of what was approved are approved, too. */

static ngx_int_t
ngx_lu_api_build_allowed(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_release_t *release)
{
    if (!release->is_live) {
        return NGX_OK;
    }

    if (ngx_lu_protect_app(task, app, task->subject)) {
        return ngx_lu_protect_refuse(task);
    }

    if (task->approval && !(task->roles & LU_ROLE_APPROVE)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                                  "The bundle was approved: this needs a token "
                                  "with the role \"approve\".");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_build_set(ngx_lu_call_t *call, cJSON *app, cJSON *release)
{
    char           *id;
    cJSON          *channel;
    double          rollout;
    lu_rc_e         rc;
    lu_put_t        put;
    lu_str_t        value;
    ngx_lu_task_t  *task;

    task = &call->task;

    rc = lu_release_set(release, call->json, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    /* old CLIs change the rollout of the bundle's own deployment here */

    if (!task->approval
        && lu_json_number(call->json, "rolloutPercentage", &rollout) == LU_OK
        && lu_json_string(release, "deployment", &value) == LU_OK)
    {
        id = (char *) value.data;

        if (lu_change_deployment_find(app, id, &channel)
            && !ngx_lu_protect_channel(task, channel))
        {
            rc = lu_change_deployment_update(app, id, rollout, task->now,
                                             &task->error);
            if (rc != LU_OK) {
                return ngx_lu_task_core(task, rc);
            }
        }
    }

    lu_put_init(&put);
    lu_put_string(&put, release, "updatedAt", task->now);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


ngx_int_t
ngx_lu_api_build_download_get(ngx_lu_call_t *call)
{
    u_char          *path;
    lu_rc_e          rc;
    lu_str_t         text;
    ngx_int_t        status;
    lu_arena_t       arena;
    lu_release_t     release;
    ngx_lu_task_t   *task;
    ngx_file_info_t  fi;

    task = &call->task;

    path = ngx_lu_release_path(&task->io,
                               ngx_lu_release_live(task,
                                                   (char *) task->id.data));

    switch (ngx_lu_file_read(&task->io, path, &text, &fi)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                  "Bundle not found.");
    default:
        return ngx_lu_task_failed(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_release_parse(&arena, &text, &release, &task->error);

    status = ngx_lu_task_core(task, rc);
    if (status != NGX_OK) {
        return status;
    }

    call->location = ngx_lu_api_build_url(call, &release);

    if (call->location == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_call_string(call, NGX_HTTP_MOVED_TEMPORARILY, "url",
                              (char *) call->location);
}


/*
 * The terminated URL of a live bundle, or of one of its files if the query has
 * an "href"; NULL: out of memory.
 */

static u_char *
ngx_lu_api_build_url(ngx_lu_call_t *call, const lu_release_t *release)
{
    u_char      *url, *p;
    lu_str_t     path, href;
    ngx_pool_t  *pool;
    lu_arena_t   arena;

    if (release->url.len) {
        return release->url.data;
    }

    pool = call->task.io.pool;
    arena = ngx_lu_arena(pool);

    path = lu_app_artifact_path(&arena, &call->task.app, &release->id,
                                release->kind);
    if (path.data == NULL) {
        return NULL;
    }

    (void) lu_query_find(&call->args, "href", &href);

    url = ngx_pnalloc(pool, call->base_url.len + path.len
                            + sizeof("?href=") + href.len);
    if (url == NULL) {
        return NULL;
    }

    p = ngx_sprintf(url, "%V%*s", &call->base_url, path.len, path.data);

    /* it is encoded already */

    if (href.len && release->kind == LU_KIND_MANIFEST) {
        p = ngx_sprintf(p, "?href=%*s", href.len, href.data);
    }

    *p = '\0';

    return url;
}


cJSON *
ngx_lu_api_build_json(ngx_lu_call_t *call, const cJSON *release)
{
    char        number[NGX_LU_API_BUILD_NUMBER];
    cJSON      *json;
    lu_put_t    put;
    lu_str_t    id, at;
    ngx_uint_t  i;

    static const char  *members[] = {
        "createdAt", "updatedAt", "gitRef", "gitCommitSha", "gitCommitRef",
        "gitCommitMessage", "customProperties",
        "minAndroidAppVersionCode", "maxAndroidAppVersionCode",
        "eqAndroidAppVersionCode", "minIosAppVersionCode",
        "maxIosAppVersionCode", "eqIosAppVersionCode", NULL
    };

    if (lu_json_string(release, "id", &id) != LU_OK) {
        return NULL;
    }

    (void) ngx_lu_api_build_number(release, number);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_str(&put, json, "id", &id);
    lu_put_str(&put, json, "appId", &call->task.app);
    lu_put_string(&put, json, "platform", "web");
    lu_put_null(&put, json, "type");
    lu_put_str(&put, json, "jobId", &id);
    lu_put_str(&put, json, "appBuildArtifactId", &id);
    lu_put_string(&put, json, "numberAsString", number);
    lu_put_null(&put, json, "packageName");
    lu_put_null(&put, json, "packageVersion");

    for (i = 0; members[i]; i++) {
        lu_put_copy_or_null(&put, json, members[i], release, members[i]);
    }

    if (lu_json_string(release, "createdAt", &at) == LU_OK) {

        if (ngx_lu_arg_relation(call, "job")) {
            ngx_lu_api_build_job(&put, json, &id, &at);
        }

        if (ngx_lu_arg_relation(call, "appBuildArtifacts")) {
            ngx_lu_api_build_artifact(&put, json, release);
        }
    }

    return lu_put_done(&put, json);
}


/*
 * This server has no jobs: to a client that asks for one, it has succeeded,
 * and its log has ended.
 */

void
ngx_lu_api_build_job(lu_put_t *put, cJSON *json, const lu_str_t *id,
    const lu_str_t *at)
{
    cJSON  *job;

    job = lu_put_object(put, json, "job");

    lu_put_str(put, job, "id", id);
    lu_put_string(put, job, "status", "succeeded");
    lu_put_str(put, job, "createdAt", at);
    lu_put_str(put, job, "finishedAt", at);
    lu_put_array(put, job, "jobLogs");
}


static void
ngx_lu_api_build_artifact(lu_put_t *put, cJSON *json, const cJSON *release)
{
    cJSON      *artifact;
    uint64_t    size;
    lu_state_e  state;

    size = 0;
    (void) lu_json_size(release, "size", &size);

    state = lu_release_state(release);

    artifact = lu_put_object(put, lu_put_array(put, json, "appBuildArtifacts"),
                             NULL);

    lu_put_copy(put, artifact, "id", release, "id");
    lu_put_copy(put, artifact, "appBuildId", release, "id");
    lu_put_copy(put, artifact, "type", release, "kind");
    lu_put_string(put, artifact, "status",
                  (state == LU_STATE_STAGED) ? "ready" : "pending");
    lu_put_string(put, artifact, "fileName", LU_ZIP_NAME);
    lu_put_number(put, artifact, "totalSizeInBytes", (double) size);
}
