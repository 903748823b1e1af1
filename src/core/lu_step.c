
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_step.h"


/* A first step that begins so much later was scheduled, seconds. */

#define LU_STEP_LATER  60


typedef struct {
    const cJSON         *freezes;
    time_t               since;
    time_t               now;
    time_t               next;
    lu_step_pt           call;
    void                *data;
} lu_step_look_t;


static lu_rc_e lu_step_channel(lu_step_look_t *look, const cJSON *channel);
static lu_rc_e lu_step_rollout(lu_step_look_t *look, const cJSON *rollout,
    time_t made, lu_step_told_t *step);
static lu_rc_e lu_step_expired(lu_step_look_t *look, lu_step_e what,
    time_t at, lu_step_told_t *step);
static time_t lu_step_time(const cJSON *object, const char *name,
    time_t other);


lu_rc_e
lu_step_look(const cJSON *app, time_t since, time_t now, time_t *next,
    lu_step_pt call, void *data)
{
    lu_rc_e          rc;
    const cJSON     *item, *build, *builds, *releases;
    lu_step_look_t   look;
    lu_step_told_t   step;

    look.freezes = lu_json_get(app, "freezes");
    look.since = since;
    look.now = now;
    look.next = LU_TIME_MAX;
    look.call = call;
    look.data = data;

    cJSON_ArrayForEach(item, lu_json_get(app, "channels")) {
        rc = lu_step_channel(&look, item);
        if (rc != LU_OK) {
            return rc;
        }
    }

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {

        memset(&step, 0, sizeof(lu_step_told_t));

        if (lu_json_string(item, "buildId", &step.subject) != LU_OK) {
            continue;
        }

        step.release = step.subject;

        build = lu_json_find(builds, "id", (char *) step.subject.data);

        rc = lu_step_rollout(&look, item, lu_step_time(build, "createdAt", 0),
                             &step);
        if (rc != LU_OK) {
            return rc;
        }
    }

    *next = look.next;

    return LU_OK;
}


/* Nobody gets past the first deployment that is for everyone. */

static lu_rc_e
lu_step_channel(lu_step_look_t *look, const cJSON *channel)
{
    time_t           expires;
    lu_rc_e          rc;
    const cJSON     *item;
    lu_step_told_t   step;

    memset(&step, 0, sizeof(lu_step_told_t));

    (void) lu_json_string(channel, "name", &step.channel);

    expires = lu_step_time(channel, "expiresAt", LU_TIME_MAX);

    if (expires <= look->now) {
        (void) lu_json_string(channel, "id", &step.subject);

        return lu_step_expired(look, LU_STEP_CHANNEL_EXPIRED, expires, &step);
    }

    if (expires < look->next) {
        look->next = expires;
    }

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {

        if (!lu_growth_is_partial(item)) {
            break;
        }

        if (lu_json_string(item, "id", &step.subject) != LU_OK
            || lu_json_string(item, "release", &step.release) != LU_OK)
        {
            continue;
        }

        rc = lu_step_rollout(look, item, lu_step_time(item, "createdAt", 0),
                             &step);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_step_rollout(lu_step_look_t *look, const cJSON *rollout, time_t made,
    lu_step_told_t *step)
{
    time_t         given;
    lu_pace_t      pace;
    lu_error_t     err;
    lu_moment_t    moment;
    lu_freezes_t   freezes;

    if (lu_pace_parse(rollout, &pace, &err) != LU_OK
        || lu_pace_freezes(look->freezes, &freezes, &err) != LU_OK)
    {
        return LU_OK;
    }

    lu_pace_at(&pace, &freezes, look->now, &moment);

    given = lu_step_time(lu_json_get(rollout, "plan"), "given", made);

    if (moment.is_expired) {
        return lu_step_expired(look, LU_STEP_EXPIRED, pace.expires, step);
    }

    if (moment.next < look->next) {
        look->next = moment.next;
    }

    if (moment.step == -1
        || moment.begun <= look->since
        || moment.begun > look->now
        || (moment.step == 0 && moment.begun < given + LU_STEP_LATER)
        || (pace.begun != -1 && moment.step == (long) pace.step))
    {
        return LU_OK;
    }

    step->what = LU_STEP_BEGUN;
    step->at = moment.begun;
    step->step = (size_t) moment.step;
    step->share = moment.share;

    return look->call(look->data, step);
}


static lu_rc_e
lu_step_expired(lu_step_look_t *look, lu_step_e what, time_t at,
    lu_step_told_t *step)
{
    if (at <= look->since) {
        return LU_OK;
    }

    step->what = what;
    step->at = at;

    return look->call(look->data, step);
}


/* The time that a member of the object says, or another one. */

static time_t
lu_step_time(const cJSON *object, const char *name, time_t other)
{
    time_t    time;
    lu_str_t  text;

    if (lu_json_string(object, name, &text) != LU_OK
        || lu_time_parse(&text, &time) != LU_OK)
    {
        return other;
    }

    return time;
}
