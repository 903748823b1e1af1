
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_fetch.h"
#include "ngx_lu_body.h"
#include "ngx_lu_webhook.h"
#include "ngx_lu_webhook_todesktop.h"

#include "write/ngx_lu_app.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_order.h"

#include "core/lu_builds.h"
#include "core/lu_json.h"
#include "core/lu_limit.h"
#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_webhook.h"


static ngx_uint_t ngx_lu_webhook_todesktop_has_app(ngx_lu_delivery_t *delivery,
    const lu_str_t *id);
static void ngx_lu_webhook_todesktop_name(ngx_lu_task_t *task,
    lu_str_t *name);
static ngx_uint_t ngx_lu_webhook_todesktop_is_unnamed(ngx_lu_task_t *task,
    const cJSON *app);
static ngx_int_t ngx_lu_webhook_todesktop_change(ngx_lu_task_t *task,
    cJSON *app, void *data);
static cJSON *ngx_lu_webhook_todesktop_release(ngx_lu_task_t *task,
    const lu_webhook_t *webhook);


ngx_int_t
ngx_lu_webhook_todesktop(ngx_lu_call_t *call)
{
    cJSON          *release;
    lu_rc_e         rc;
    lu_str_t       *name, *version;
    ngx_int_t       status;
    lu_arena_t      arena;
    lu_webhook_t    webhook;
    ngx_lu_task_t  *task;

    task = &call->task;

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_webhook_parse(&arena, call->json, &webhook, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_body_status(task, rc);
    }

    task->app = webhook.app_id;
    task->id = webhook.build_id;

    if (!ngx_lu_webhook_todesktop_has_app(call->delivery, &task->app)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                                  "This webhook takes no deliveries for this "
                                  "app.");
    }

    version = &webhook.app_version;

    if (version->len && !lu_name_label_valid(version)) {
        return ngx_lu_task_refuse(task, NGX_HTTP_BAD_REQUEST,
                                  "\"appVersion\" must be a text of 1 to 128 "
                                  "bytes.");
    }

    name = &webhook.app_name;

    if (!lu_name_label_valid(name)) {
        name = &task->app;
    }

    status = ngx_lu_app_ensure(task, (char *) name->data);
    if (status != NGX_OK) {
        return status;
    }

    ngx_lu_webhook_todesktop_name(task, name);

    release = ngx_lu_webhook_todesktop_release(task, &webhook);
    if (release == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_fetch_order(call, release);

    cJSON_Delete(release);

    return status;
}


static ngx_uint_t
ngx_lu_webhook_todesktop_has_app(ngx_lu_delivery_t *delivery,
    const lu_str_t *id)
{
    lu_str_t      app;
    ngx_str_t    *known;
    ngx_uint_t    i;
    ngx_array_t  *apps;

    apps = &delivery->conf->apps;

    if (apps->nelts == 0) {
        return 1;
    }

    known = apps->elts;

    for (i = 0; i < apps->nelts; i++) {
        app = ngx_lu_to_core(&known[i]);

        if (lu_str_eq(&app, id)) {
            return 1;
        }
    }

    return 0;
}


/*
 * An app that was created for a fetch is called by its id.  The delivery does
 * not depend on its name, so nothing comes of it if this fails.
 */

static void
ngx_lu_webhook_todesktop_name(ngx_lu_task_t *task, lu_str_t *name)
{
    cJSON       *app;
    ngx_int_t    status;
    ngx_uint_t   unnamed;

    if (lu_str_eq(name, &task->app)) {
        return;
    }

    status = ngx_lu_app_read(task, &app);

    if (status == NGX_OK) {
        unnamed = ngx_lu_webhook_todesktop_is_unnamed(task, app);

        cJSON_Delete(app);

        if (unnamed) {
            status = ngx_lu_change(task, ngx_lu_webhook_todesktop_change, NULL,
                                   name);
        }
    }

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_lu_io_clear(&task->io);
    }
}


static ngx_uint_t
ngx_lu_webhook_todesktop_is_unnamed(ngx_lu_task_t *task, const cJSON *app)
{
    lu_str_t  name;

    return lu_json_string(app, "name", &name) == LU_OK
           && lu_str_eq(&name, &task->app);
}


static ngx_int_t
ngx_lu_webhook_todesktop_change(ngx_lu_task_t *task, cJSON *app, void *data)
{
    lu_str_t *name = data;

    lu_put_t  put;

    task->change = "app.update";
    task->subject = (char *) task->app.data;

    /* somebody may have named it meanwhile */

    if (ngx_lu_webhook_todesktop_is_unnamed(task, app)) {
        lu_put_init(&put);

        lu_put_str(&put, app, "name", name);
        lu_put_string(&put, app, "updatedAt", task->now);

        if (put.failed) {
            return ngx_lu_task_nomem(task);
        }
    }

    return NGX_HTTP_OK;
}


/* The release.json with what the delivery says; NULL: out of memory. */

static cJSON *
ngx_lu_webhook_todesktop_release(ngx_lu_task_t *task,
    const lu_webhook_t *webhook)
{
    cJSON      *release;
    lu_put_t    put;
    lu_str_t    value;
    ngx_uint_t  i;

    const struct {
        const char      *key;
        const lu_str_t  *value;
    } facts[] = {
        { "name", &webhook->app_name },
        { "appVersion", &webhook->app_version },
        { "electron", &webhook->electron },
        { "commit", &webhook->commit },
        { "commitMessage", &webhook->commit_message },
        { "branch", &webhook->branch },
        { "remote", &webhook->remote },
        { "buildStartedAt", &webhook->started },
        { "buildEndedAt", &webhook->ended },
        { NULL, NULL }
    };

    lu_put_init(&put);

    release = ngx_lu_order_release(task);

    for (i = 0; facts[i].key; i++) {
        value = *facts[i].value;

        if (value.len) {

            /* a build is not lost because somebody wrote a long message */

            lu_limit_cut(facts[i].key, &value);
            lu_put_str(&put, release, facts[i].key, &value);
        }
    }

    if (webhook->release_info) {
        lu_put_item(&put, release, "releaseInfo",
                    lu_builds_rules(webhook->release_info));
    }

    return lu_put_done(&put, release);
}
