
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_deployment.h"
#include "ngx_lu_api_growth.h"

#include "write/ngx_lu_audit.h"
#include "write/ngx_lu_change.h"
#include "write/ngx_lu_protect.h"
#include "write/ngx_lu_task.h"

#include "core/lu_builds.h"
#include "core/lu_change_channel.h"
#include "core/lu_change_deployment.h"
#include "core/lu_json.h"
#include "core/lu_put.h"


static ngx_int_t ngx_lu_api_growth_deployment(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_growth_release(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_growth_change(ngx_lu_call_t *call, cJSON *app,
    const char *id, cJSON **deployment, cJSON **channel);
static lu_growth_e ngx_lu_api_growth_action(ngx_lu_call_t *call);
static char *ngx_lu_api_growth_share(ngx_lu_task_t *task, const cJSON *app,
    const cJSON *rollout);
static void ngx_lu_api_growth_note(ngx_lu_call_t *call, char *from, char *to);


ngx_int_t
ngx_lu_api_growth_deployment_post(ngx_lu_call_t *call)
{
    call->task.again = 1;

    return ngx_lu_change(&call->task, ngx_lu_api_growth_deployment, NULL,
                         call);
}


static ngx_int_t
ngx_lu_api_growth_deployment(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    cJSON      *channel, *deployment;
    ngx_int_t   status;

    status = ngx_lu_api_growth_change(call, app, (char *) task->id.data,
                                      &deployment, &channel);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK,
                              ngx_lu_api_deployment_json(call, app, deployment,
                                                         channel));
}


static ngx_int_t
ngx_lu_api_growth_change(ngx_lu_call_t *call, cJSON *app, const char *id,
    cJSON **deployment, cJSON **channel)
{
    char           *from;
    lu_rc_e         rc;
    ngx_lu_task_t  *task;

    task = &call->task;

    task->change = (char *) ngx_lu_format(task->io.pool, "deployment.%s",
                                          call->route.sub.data);
    task->subject = id;

    *deployment = lu_change_deployment_find(app, id, channel);

    if (*deployment && ngx_lu_protect_channel(task, *channel)) {
        return ngx_lu_protect_refuse(task);
    }

    from = ngx_lu_api_growth_share(task, app, *deployment);

    rc = lu_change_deployment_grow(app, id, ngx_lu_api_growth_action(call),
                                   call->json, task->by, task->now,
                                   &task->error);

    ngx_lu_api_growth_note(call, from,
                           ngx_lu_api_growth_share(task, app, *deployment));

    ngx_lu_audit_rollout(task, app, *channel, *deployment);

    return ngx_lu_task_core(task, rc);
}


static lu_growth_e
ngx_lu_api_growth_action(ngx_lu_call_t *call)
{
    lu_growth_e  action;

    action = LU_GROWTH_HALT;
    (void) lu_growth_action(&call->route.sub, &action);

    return action;
}


static char *
ngx_lu_api_growth_share(ngx_lu_task_t *task, const cJSON *app,
    const cJSON *rollout)
{
    double  share;

    share = lu_growth_share_at(rollout, lu_json_get(app, "freezes"),
                               lu_time_of(task->now));

    return (char *) ngx_lu_format(task->io.pool, "%.4f", share);
}


/* Of a change of the share people want to know that, else they may say why. */

static void
ngx_lu_api_growth_note(ngx_lu_call_t *call, char *from, char *to)
{
    ngx_lu_task_t  *task;

    task = &call->task;

    switch (ngx_lu_api_growth_action(call)) {

    case LU_GROWTH_ADVANCE:
    case LU_GROWTH_STOP:
        task->from = from;
        task->to = to;
        break;

    default:
        task->to = ngx_lu_task_member(task, call->json, "reason");
    }
}


ngx_int_t
ngx_lu_api_growth_release_post(ngx_lu_call_t *call)
{
    ngx_int_t  status;

    call->task.again = 1;

    status = ngx_lu_change(&call->task, ngx_lu_api_growth_release, NULL, call);

    return ngx_lu_call_state(call, status, LU_STATE_LIVE);
}


static ngx_int_t
ngx_lu_api_growth_release(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_call_t *call = data;

    char         *id, *from;
    cJSON        *channel, *deployment;
    lu_rc_e       rc;
    lu_str_t      name;
    ngx_int_t     status;
    const cJSON  *item;

    rc = lu_json_string(call->json, "channel", &name);

    if (rc == LU_INVALID) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"channel\" must be the name of a channel.");
    }

    if (rc == LU_OK) {
        channel = lu_change_channel_named(app, (char *) name.data);

        item = lu_json_find(lu_json_get(channel, "deployments"), "release",
                            (char *) task->id.data);

        id = ngx_lu_task_member(task, item, "id");

        if (id == NULL) {
            return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "The channel has no deployment of the "
                                      "release.");
        }

        status = ngx_lu_api_growth_change(call, app, id, &deployment,
                                          &channel);

        return status == NGX_OK ? NGX_HTTP_OK : status;
    }

    task->change = (char *) ngx_lu_format(task->io.pool, "release.%s",
                                          call->route.sub.data);
    task->subject = (char *) task->id.data;

    from = ngx_lu_api_growth_share(task, app,
                                   lu_builds_share(app, task->subject));

    rc = lu_builds_grow(app, task->subject, ngx_lu_api_growth_action(call),
                        call->json, task->by, task->now, &task->error);

    ngx_lu_api_growth_note(call, from,
                           ngx_lu_api_growth_share(task, app,
                                   lu_builds_share(app, task->subject)));

    return rc == LU_OK ? NGX_HTTP_OK : ngx_lu_task_core(task, rc);
}
