
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_audit.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"

#include "core/lu_growth.h"
#include "core/lu_json.h"
#include "core/lu_platform.h"
#include "core/lu_put.h"


static const char *ngx_lu_audit_share(ngx_lu_task_t *task, double share);
static void ngx_lu_audit_put(lu_put_t *put, cJSON *line, const char *key,
    const char *value);


ngx_int_t
ngx_lu_audit(ngx_lu_task_t *task, u_char *folder, double generation)
{
    char      *text;
    cJSON     *line;
    size_t     len;
    u_char    *path;
    lu_put_t   put;
    ngx_int_t  rc;

    lu_put_init(&put);

    line = cJSON_CreateObject();

    lu_put_string(&put, line, "at", task->now);
    lu_put_string(&put, line, "by", task->by);
    lu_put_string(&put, line, "change", task->change);
    lu_put_string(&put, line, "subject", task->subject);

    ngx_lu_audit_put(&put, line, "commit", task->commit);
    ngx_lu_audit_put(&put, line, "from", task->from);
    ngx_lu_audit_put(&put, line, "to", task->to);
    ngx_lu_audit_put(&put, line, "release", task->release);
    ngx_lu_audit_put(&put, line, "channel", task->channel);
    ngx_lu_audit_put(&put, line, "share", task->share);
    ngx_lu_audit_put(&put, line, "start", task->start);
    ngx_lu_audit_put(&put, line, "platforms", task->platforms);
    ngx_lu_audit_put(&put, line, "version", task->version);

    if (task->waited) {
        lu_put_bool(&put, line, "waited", 1);
    }

    lu_put_number(&put, line, "generation", generation);

    line = lu_put_done(&put, line);
    text = line ? cJSON_PrintUnformatted(line) : NULL;

    cJSON_Delete(line);

    if (text == NULL) {
        return ngx_lu_io_nomem(&task->io);
    }

    len = ngx_strlen(text);

    /* the line feed takes the place of the terminating zero byte */

    text[len] = '\n';

    path = ngx_lu_path_in(&task->io, folder, "audit.log");

    rc = ngx_lu_file_append(&task->io, path, text, len + 1);

    cJSON_free(text);

    return rc;
}


static void
ngx_lu_audit_put(lu_put_t *put, cJSON *line, const char *key,
    const char *value)
{
    if (value) {
        lu_put_string(put, line, key, value);
    }
}


static const char *
ngx_lu_audit_share(ngx_lu_task_t *task, double share)
{
    return share < 1 ? (char *) ngx_lu_format(task->io.pool, "%.4f", share)
                     : NULL;
}


void
ngx_lu_audit_rollout(ngx_lu_task_t *task, const cJSON *app,
    const cJSON *channel, const cJSON *rollout)
{
    char          text[LU_TIME_SIZE];
    time_t        now;
    double        share;
    lu_pace_t     pace;
    lu_error_t    err;
    lu_moment_t   moment;
    lu_freezes_t  freezes;

    if (rollout == NULL) {
        return;
    }

    now = lu_time_of(task->now);
    share = lu_growth_share_at(rollout, lu_json_get(app, "freezes"), now);

    task->release = ngx_lu_task_member(task, rollout, "release");
    task->channel = ngx_lu_task_member(task, channel, "name");
    task->share = ngx_lu_audit_share(task, share);
    task->start = NULL;

    if (lu_pace_parse(rollout, &pace, &err) != LU_OK
        || pace.nsteps == 0
        || lu_pace_freezes(lu_json_get(app, "freezes"), &freezes, &err)
           != LU_OK)
    {
        return;
    }

    lu_pace_at(&pace, &freezes, now, &moment);

    /* until it begins, the share of its first step says more than 0 */

    if (moment.step == -1 && moment.next < pace.expires) {
        task->share = ngx_lu_audit_share(task, pace.steps[0].share);

        lu_time_print(text, moment.next, 0);

        task->start = (char *) ngx_lu_format(task->io.pool, "%s", text);
    }
}


void
ngx_lu_audit_platforms(ngx_lu_task_t *task, const cJSON *object)
{
    u_char    *text, *p;
    unsigned   platform, platforms;

    platforms = 0;

    if (lu_platform_list(lu_json_get(object, "platforms"), &platforms) != LU_OK
        || platforms == 0)
    {
        return;
    }

    text = ngx_pnalloc(task->io.pool, sizeof("windows mac linux "));
    if (text == NULL) {
        return;
    }

    p = text;

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {
        if (platforms & platform) {
            p = ngx_sprintf(p, "%s%s", p == text ? "" : " ",
                            lu_platform_name(platform));
        }
    }

    *p = '\0';

    task->platforms = (char *) text;
}
