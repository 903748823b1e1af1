
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_bundle.h"
#include "ngx_lu_change.h"
#include "ngx_lu_event.h"
#include "ngx_lu_protect.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_change.h"
#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_put.h"
#include "core/lu_release.h"
#include "core/lu_time.h"

#include <openssl/rand.h>


/* how long, in seconds, a registration is the same one: with and without a
   checksum; the CLI repeats a call for some seconds */

#define NGX_LU_BUNDLE_REPEATED  60
#define NGX_LU_BUNDLE_RETRIED   15

/* the newest numbers of an app, among which a repeated call may be waiting */

#define NGX_LU_BUNDLE_NEWEST    50


/* A bundle that is announced, or registered with its URL. */

typedef struct {
    const char         *channel;         /* its name; NULL: the default one */
    ngx_lu_release_t   *release;
    unsigned            is_registered:1; /* nothing is uploaded */
    unsigned            is_repeated:1;   /* the release is the one there is */
} ngx_lu_bundle_new_t;


static ngx_int_t ngx_lu_bundle_announced(ngx_lu_task_t *task, cJSON *app,
    void *data);
static char *ngx_lu_bundle_id(ngx_lu_task_t *task, const cJSON *app);
static ngx_int_t ngx_lu_bundle_describe(ngx_lu_task_t *task,
    const ngx_lu_bundle_new_t *bundle, const char *id);
static ngx_int_t ngx_lu_bundle_aim(ngx_lu_task_t *task, const cJSON *app,
    const ngx_lu_bundle_new_t *bundle);
static ngx_int_t ngx_lu_bundle_stage(ngx_lu_task_t *task, void *data);
static ngx_int_t ngx_lu_bundle_registered(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_bundle_repeated(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_bundle_new_t *bundle);
static ngx_int_t ngx_lu_bundle_waits(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_bundle_new_t *bundle);
static ngx_int_t ngx_lu_bundle_is(ngx_lu_task_t *task, char *id,
    ngx_lu_bundle_new_t *bundle);
static ngx_uint_t ngx_lu_bundle_same(const cJSON *one, const cJSON *two);
static ngx_int_t ngx_lu_bundle_place(ngx_lu_task_t *task,
    const ngx_lu_bundle_new_t *bundle, const char *place);
static ngx_int_t ngx_lu_bundle_write(ngx_lu_task_t *task,
    const ngx_lu_bundle_new_t *bundle, u_char *folder);
static ngx_int_t ngx_lu_bundle_target(ngx_lu_task_t *task, const cJSON *app,
    cJSON *release, const ngx_lu_promotion_t *promotion);
static void ngx_lu_bundle_note(ngx_lu_task_t *task, const cJSON *app,
    const char *id);
static ngx_int_t ngx_lu_bundle_rollout(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release, const ngx_lu_promotion_t *promotion);


/*
 * The app counts a number before anything with that number exists, so that a
 * crash at any point does not give a number twice.
 */

ngx_int_t
ngx_lu_bundle_create(ngx_lu_task_t *task, const char *channel,
    ngx_lu_release_t *release)
{
    ngx_int_t            status;
    ngx_lu_lock_t       *lock;
    ngx_lu_bundle_new_t  bundle;

    ngx_memzero(&bundle, sizeof(ngx_lu_bundle_new_t));

    bundle.channel = channel;
    bundle.release = release;
    bundle.is_registered = cJSON_HasObjectItem(release->json, "url");

    release->folder = NULL;
    release->lock = NULL;
    release->is_live = 0;

    /* nothing changes if it is registered already */

    task->again = 1;

    status = ngx_lu_app_lock(task, &lock);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_change_locked(task, ngx_lu_bundle_announced,
                                  ngx_lu_bundle_stage, &bundle);

    if (status == NGX_HTTP_CREATED
        && bundle.is_registered
        && !bundle.is_repeated
        && !task->approval)
    {
        /* the expected generation was there when the number was taken */

        task->expect = NULL;

        status = ngx_lu_change_locked(task, ngx_lu_bundle_registered, NULL,
                                      &bundle);
    }

    ngx_lu_lock_release(lock);

    return status;
}


static ngx_int_t
ngx_lu_bundle_announced(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_bundle_new_t *bundle = data;

    char      *id;
    cJSON     *json;
    lu_put_t   put;
    uint64_t   number;
    ngx_int_t  status;

    status = ngx_lu_release_room(task);
    if (status != NGX_OK) {
        return status;
    }

    id = ngx_lu_bundle_id(task, app);
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    task->change = "bundle.create";
    task->subject = id;
    task->commit = ngx_lu_bundle_commit(task, bundle->release->json);

    status = ngx_lu_bundle_describe(task, bundle, id);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_aim(task, app, bundle);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_repeated(task, app, bundle);
    if (status != NGX_DECLINED) {
        return status;
    }

    if (lu_change_build_number(app, &number) != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    json = bundle->release->json;

    lu_put_init(&put);
    lu_put_number(&put, json, "number", (double) number);

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    if (bundle->is_registered) {
        ngx_lu_protect(task, app, json);
    }

    return NGX_HTTP_CREATED;
}


/*
 * The last digits of the id are the number that the bundle gets, so that a list
 * in the order of the numbers needs only the names of folders.
 */

static char *
ngx_lu_bundle_id(ngx_lu_task_t *task, const cJSON *app)
{
    u_char     bytes[16];
    uint64_t   number;
    ngx_int_t  i;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NULL;
    }

    number = lu_change_build_number_next(app);

    for (i = 15; i >= 10; i--) {
        bytes[i] = (u_char) ((number / 10 % 10) << 4 | number % 10);
        number /= 100;
    }

    if (number) {
        return ngx_lu_task_uuid(task);
    }

    return ngx_lu_task_uuid_of(task, bytes, 8);
}


static ngx_int_t
ngx_lu_bundle_describe(ngx_lu_task_t *task, const ngx_lu_bundle_new_t *bundle,
    const char *id)
{
    cJSON    *json;
    lu_put_t  put;

    json = bundle->release->json;

    lu_put_init(&put);

    lu_put_string(&put, json, "id", id);
    lu_put_string(&put, json, "app", (char *) task->app.data);
    lu_release_put_state(&put, json, bundle->is_registered
                                     ? LU_STATE_STAGED
                                     : LU_STATE_UPLOADING);
    lu_put_string(&put, json, "createdBy", task->by);
    lu_put_string(&put, json, "createdAt", task->now);
    lu_put_string(&put, json, "updatedAt", task->now);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


char *
ngx_lu_bundle_commit(ngx_lu_task_t *task, const cJSON *release)
{
    char        *commit;
    ngx_uint_t   i;

    static const char  *members[] = {
        "gitCommitSha", "gitCommitRef", "gitRef", NULL
    };

    for (i = 0; members[i]; i++) {
        commit = ngx_lu_task_member(task, release, members[i]);

        if (commit) {
            return commit;
        }
    }

    return NULL;
}


/* The channel and the deployment that the bundle is for when it is ready. */

static ngx_int_t
ngx_lu_bundle_aim(ngx_lu_task_t *task, const cJSON *app,
    const ngx_lu_bundle_new_t *bundle)
{
    char     *deployment;
    cJSON    *channel, *json;
    double    rollout;
    lu_rc_e   rc;
    lu_put_t  put;
    lu_str_t  id;

    if (bundle->channel) {
        channel = lu_change_channel_named(app, bundle->channel);

        if (channel == NULL) {
            return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "Channel not found.");
        }

        if (lu_json_string(channel, "id", &id) != LU_OK) {
            return NGX_OK;
        }

    } else {

        if (lu_json_string(app, "appChannelId", &id) != LU_OK) {
            return NGX_OK;
        }

        channel = lu_change_channel_find(app, (char *) id.data);
    }

    json = bundle->release->json;

    rollout = 1;
    (void) lu_json_number(json, "rollout", &rollout);

    /* better now than when all files were uploaded */

    rc = lu_change_deployment_room(app, channel, rollout, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    /* a registered bundle is deployed at once: it must be allowed to */

    if (bundle->is_registered
        && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                           "protectedAt"))
        && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "signed")))
    {
        return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                                  "The channel is protected: it takes only "
                                  "signed bundles (register with "
                                  "--private-key).");
    }

    deployment = ngx_lu_task_uuid(task);

    lu_put_init(&put);

    lu_put_string(&put, json, "deployment", deployment);
    lu_put_str(&put, json, "channel", &id);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


static ngx_int_t
ngx_lu_bundle_stage(ngx_lu_task_t *task, void *data)
{
    ngx_lu_bundle_new_t *bundle = data;

    ngx_int_t  status;

    if (bundle->is_repeated || (bundle->is_registered && !task->approval)) {
        return NGX_OK;
    }

    if (bundle->is_registered) {

        status = ngx_lu_event(task, "release.staged", bundle->release->json,
                              NULL, NULL, "staged");
        if (status != NGX_OK) {
            return status;
        }
    }

    return ngx_lu_bundle_place(task, bundle, "staging");
}


static ngx_int_t
ngx_lu_bundle_registered(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_bundle_new_t *bundle = data;

    ngx_int_t  status;

    status = ngx_lu_bundle_repeated(task, app, bundle);
    if (status != NGX_DECLINED) {
        return status;
    }

    task->change = "bundle.ready";
    task->again = 0;

    status = ngx_lu_bundle_deploy(task, app, bundle->release->json);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_bundle_place(task, bundle, "live");
    if (status != NGX_OK) {
        return status;
    }

    bundle->release->is_live = 1;

    return NGX_HTTP_CREATED;
}


/*
 * A publisher whose connection broke repeats the call, and the bundle may be
 * the newest of the channel already, or wait for approval.  201 with that
 * release; NGX_DECLINED: the bundle is new; or another status.
 */

static ngx_int_t
ngx_lu_bundle_repeated(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_bundle_new_t *bundle)
{
    char             *id;
    lu_str_t          value;
    ngx_int_t         status;
    const cJSON      *channel, *deployments;

    if (!bundle->is_registered
        || lu_json_string(bundle->release->json, "channel", &value) != LU_OK)
    {
        return NGX_DECLINED;
    }

    if (task->approval) {
        status = ngx_lu_bundle_waits(task, app, bundle);
        if (status != NGX_DECLINED) {
            return status;
        }
    }

    channel = lu_change_channel_find(app, (char *) value.data);
    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

    if (deployments == NULL || deployments->child == NULL) {
        return NGX_DECLINED;
    }

    id = ngx_lu_task_member(task, deployments->child, "release");
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_bundle_is(task, id, bundle);
}


/* Among those in staging that were created last. */

static ngx_int_t
ngx_lu_bundle_waits(ngx_lu_task_t *task, const cJSON *app,
    ngx_lu_bundle_new_t *bundle)
{
    u_char       *path;
    uint64_t      next, number;
    lu_str_t      id;
    ngx_int_t     status;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    if (lu_json_size(app, "nextBuildNumber", &next) != LU_OK) {
        return NGX_DECLINED;
    }

    path = ngx_lu_path(&task->io, "%V/staging/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {
        id = ngx_lu_to_core(&name[i]);
        number = lu_release_id_number(&id);

        if (number == 0 || number + NGX_LU_BUNDLE_NEWEST < next) {
            continue;
        }

        status = ngx_lu_bundle_is(task, (char *) name[i].data, bundle);
        if (status != NGX_DECLINED) {
            return status;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_lu_bundle_is(ngx_lu_task_t *task, char *id, ngx_lu_bundle_new_t *bundle)
{
    ngx_int_t         status;
    ngx_lu_release_t  twin;

    status = ngx_lu_release_read(task, id, &twin);

    if (status == NGX_HTTP_NOT_FOUND
        || (status != NGX_OK && ngx_lu_io_is_damage(&task->io)))
    {
        return NGX_DECLINED;
    }

    if (status != NGX_OK) {
        return status;
    }

    if ((!twin.is_live && lu_release_state(twin.json) != LU_STATE_STAGED)
        || !ngx_lu_bundle_same(twin.json, bundle->release->json))
    {
        ngx_lu_release_close(&twin);
        return NGX_DECLINED;
    }

    ngx_lu_release_close(bundle->release);
    *bundle->release = twin;

    bundle->is_repeated = 1;
    task->subject = id;

    return NGX_HTTP_CREATED;
}


static ngx_uint_t
ngx_lu_bundle_same(const cJSON *one, const cJSON *two)
{
    time_t        first, second, within;
    lu_str_t      text;
    ngx_uint_t    i;
    const cJSON  *a, *b;

    static const char  *members[] = {
        "kind", "channel", "rollout", "url", "checksum", "signature",
        "customProperties", "gitRef", "gitCommitSha", "gitCommitRef",
        "gitCommitMessage", "createdBy",
        "minAndroidAppVersionCode", "maxAndroidAppVersionCode",
        "eqAndroidAppVersionCode", "minIosAppVersionCode",
        "maxIosAppVersionCode", "eqIosAppVersionCode", NULL
    };

    for (i = 0; members[i]; i++) {
        a = cJSON_GetObjectItemCaseSensitive(one, members[i]);
        b = cJSON_GetObjectItemCaseSensitive(two, members[i]);

        if ((a || b) && !cJSON_Compare(a, b, 1)) {
            return 0;
        }
    }

    /* later it is a new bundle: the URL may have other bytes */

    within = cJSON_HasObjectItem(one, "checksum") ? NGX_LU_BUNDLE_REPEATED
                                                  : NGX_LU_BUNDLE_RETRIED;

    return lu_json_string(one, "createdAt", &text) == LU_OK
           && lu_time_parse(&text, &first) == LU_OK
           && lu_json_string(two, "createdAt", &text) == LU_OK
           && lu_time_parse(&text, &second) == LU_OK
           && ngx_abs(second - first) < within;
}


/* The folder is created in tmp/ and renamed, so that it appears whole. */

static ngx_int_t
ngx_lu_bundle_place(ngx_lu_task_t *task, const ngx_lu_bundle_new_t *bundle,
    const char *place)
{
    u_char    *temp, *parent, *folder;
    ngx_int_t  status;

    parent = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path, place,
                         task->app.data);
    folder = ngx_lu_path(&task->io, "%V/%s/%s/%s", &task->store->path, place,
                         task->app.data, task->subject);

    if (ngx_lu_temp_mkdir(&task->io, task->store, &temp) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_bundle_write(task, bundle, temp);

    if (status == NGX_OK
        && (ngx_lu_file_mkdir(&task->io, parent) == NGX_ERROR
            || ngx_lu_turn_prove(&task->io) != NGX_OK
            || ngx_lu_file_rename(&task->io, temp, folder) != NGX_OK
            || ngx_lu_file_sync(&task->io, parent) != NGX_OK))
    {
        status = ngx_lu_task_failed(task);
    }

    if (status != NGX_OK) {
        ngx_lu_tree_discard(temp);
        return status;
    }

    bundle->release->folder = folder;

    return NGX_OK;
}


/* The lock file of an upload is created here only. */

static ngx_int_t
ngx_lu_bundle_write(ngx_lu_task_t *task, const ngx_lu_bundle_new_t *bundle,
    u_char *folder)
{
    u_char  *path;

    if (!bundle->is_registered) {

        path = ngx_lu_path_in(&task->io, folder, "lock");

        if (ngx_lu_file_touch(&task->io, path) != NGX_OK) {
            return ngx_lu_task_failed(task);
        }

        path = ngx_lu_path_in(&task->io, folder, "uploads");

        if (ngx_lu_file_mkdir(&task->io, path) == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }
    }

    bundle->release->folder = folder;

    return ngx_lu_release_save(task, bundle->release);
}


ngx_int_t
ngx_lu_bundle_open(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    char       *id;
    ngx_int_t   status;
    ngx_uint_t  is_bundle;

    id = (char *) task->id.data;
    is_bundle = 0;

    status = ngx_lu_release_open_staging(task, id, release);

    if (status == NGX_OK) {
        is_bundle = (lu_release_kind(release->json) != LU_KIND_DESKTOP);

        if (is_bundle && lu_release_state(release->json) != LU_STATE_STAGED) {
            return NGX_OK;
        }

        ngx_lu_release_close(release);

    } else if (status != NGX_DECLINED) {
        return status;
    }

    if (!is_bundle) {
        status = ngx_lu_release_read(task, id, release);
        if (status != NGX_OK) {
            return status;
        }

        ngx_lu_release_close(release);
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "The bundle is complete: its files cannot be "
                              "changed.");
}


ngx_int_t
ngx_lu_bundle_deploy(ngx_lu_task_t *task, cJSON *app, const cJSON *release)
{
    char       *id, *deployment, *channel;
    double      rollout;
    lu_rc_e     rc;
    ngx_uint_t  is_signed;

    id = ngx_lu_task_member(task, release, "id");
    deployment = ngx_lu_task_member(task, release, "deployment");
    channel = ngx_lu_task_member(task, release, "channel");

    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    if (deployment == NULL || channel == NULL) {
        return NGX_OK;
    }

    rollout = 1;
    (void) lu_json_number(release, "rollout", &rollout);

    is_signed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(release,
                                                              "signed"));
    task->to = deployment;

    rc = lu_change_deployment_add(app, channel, deployment, id, rollout,
                                  is_signed,
                                  task->by, task->now, &task->error);

    if (rc == LU_OK) {
        ngx_lu_bundle_note(task, app, deployment);
    }

    return ngx_lu_task_core(task, rc);
}


static void
ngx_lu_bundle_note(ngx_lu_task_t *task, const cJSON *app, const char *id)
{
    cJSON  *channel, *deployment;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment) {
        ngx_lu_audit_rollout(task, app, channel, deployment);
    }
}


ngx_int_t
ngx_lu_bundle_publish(ngx_lu_task_t *task, cJSON *app, const cJSON *release,
    const cJSON *wanted)
{
    char       *id;
    lu_rc_e     rc;
    ngx_int_t   status;

    status = ngx_lu_bundle_deploy(task, app, release);

    if (status == NGX_OK && wanted) {
        id = ngx_lu_task_member(task, release, "deployment");

        rc = lu_change_deployment_plan(app, id ? id : "", wanted, task->now,
                                       &task->error);

        if (rc == LU_OK) {
            ngx_lu_bundle_note(task, app, id);
        }

        status = ngx_lu_task_core(task, rc);
    }

    if (status == NGX_OK) {
        status = ngx_lu_release_publish(task, task->subject);
    }

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


ngx_int_t
ngx_lu_bundle_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion)
{
    char      *id;
    ngx_int_t  status;

    status = ngx_lu_bundle_target(task, app, release->json, promotion);
    if (status != NGX_OK) {
        return status;
    }

    if (release->is_live) {
        status = ngx_lu_bundle_rollout(task, app, release->json, promotion);

        if (status != NGX_DECLINED) {
            return status;
        }
    }

    if (release->is_live || promotion->channel) {

        /* the publisher was told the id of another deployment */

        id = ngx_lu_task_uuid(task);

        if (id == NULL
            || lu_json_set_string(release->json, "deployment", id) != LU_OK)
        {
            return ngx_lu_task_nomem(task);
        }
    }

    return ngx_lu_bundle_publish(task, app, release->json, promotion->wanted);
}


static ngx_int_t
ngx_lu_bundle_target(ngx_lu_task_t *task, const cJSON *app, cJSON *release,
    const ngx_lu_promotion_t *promotion)
{
    cJSON    *channel;
    lu_str_t  id;

    if (promotion->channel) {
        channel = lu_change_channel_named(app, promotion->channel);

        if (lu_json_string(channel, "id", &id) != LU_OK) {
            return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "Channel not found.");
        }

        if (lu_json_set_string(release, "channel", (char *) id.data) != LU_OK)
        {
            return ngx_lu_task_nomem(task);
        }
    }

    if (promotion->has_rollout
        && lu_json_set(release, "rollout",
                       cJSON_CreateNumber(promotion->rollout))
           != LU_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is not the newest one of its channel. */

static ngx_int_t
ngx_lu_bundle_rollout(ngx_lu_task_t *task, cJSON *app, const cJSON *release,
    const ngx_lu_promotion_t *promotion)
{
    cJSON    *channel, *deployment, *deployments;
    double    before, rollout;
    lu_rc_e   rc;
    lu_str_t  id, value;

    if (lu_json_string(release, "channel", &id) != LU_OK) {
        return NGX_DECLINED;
    }

    channel = lu_change_channel_find(app, (char *) id.data);
    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");
    deployment = deployments ? deployments->child : NULL;

    if (lu_json_string(deployment, "release", &value) != LU_OK
        || !lu_str_is(&value, task->subject)
        || lu_json_string(deployment, "id", &id) != LU_OK)
    {
        return NGX_DECLINED;
    }

    before = 0;
    rollout = 1;

    (void) lu_json_number(deployment, "rollout", &before);
    (void) lu_json_number(release, "rollout", &rollout);

    task->change = "release.rollout";
    task->from = (char *) ngx_lu_format(task->io.pool, "%.4f", before);
    task->to = (char *) ngx_lu_format(task->io.pool, "%.4f", rollout);

    if (lu_json_get(promotion->wanted, "plan")) {
        task->to = "plan";
        rc = LU_OK;

    } else {
        rc = lu_change_deployment_update(app, (char *) id.data, rollout,
                                         task->now, &task->error);
    }

    if (rc == LU_OK && promotion->wanted) {
        rc = lu_change_deployment_plan(app, (char *) id.data,
                                       promotion->wanted, task->now,
                                       &task->error);
    }

    ngx_lu_audit_rollout(task, app, channel, deployment);

    return rc == LU_OK ? NGX_HTTP_OK : ngx_lu_task_core(task, rc);
}
