
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hold.h"
#include "lu_put.h"


static lu_rc_e lu_hold_start(cJSON *plan, time_t start);


lu_rc_e
lu_hold_go_on(cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *before, const lu_freezes_t *freezes, time_t now,
    lu_error_t *err)
{
    cJSON        *plan;
    size_t        step;
    time_t        until, from, begun;
    lu_rc_e       rc;
    lu_pace_t     pace;
    lu_moment_t   moment, other;

    rc = lu_pace_parse(rollout, &pace, err);

    if (rc != LU_OK || pace.nsteps == 0) {
        return rc;
    }

    /* it has lasted until the one, and goes on from the other */

    until = lu_hold_until(was, now);
    from = lu_hold_until(&pace, now);

    if (from < until) {
        from = until;
    }

    lu_hold_at(was, before, until, &moment);
    lu_hold_at(&pace, freezes, from, &other);

    if (moment.step == other.step
        && moment.begun == other.begun
        && (moment.step == -1 || from == until))
    {
        return LU_OK;
    }

    plan = lu_json_get(rollout, "plan");

    if (moment.step == -1) {
        return lu_hold_start(plan, from + 1);
    }

    step = (size_t) moment.step;
    begun = moment.begun;

    if (from > until) {
        begun = (begun < until) ? from - (until - begun) : from;
    }

    if (step + 1 < pace.nsteps && begun + pace.steps[step].lasts <= from) {
        begun = from + 1 - pace.steps[step].lasts;
    }

    return lu_hold_anchor(plan, step, begun);
}


void
lu_hold_at(const lu_pace_t *pace, const lu_freezes_t *freezes, time_t time,
    lu_moment_t *moment)
{
    lu_pace_t  goes;

    goes = *pace;
    goes.held = LU_TIME_MAX;
    goes.expires = LU_TIME_MAX;

    lu_pace_at(&goes, freezes, time, moment);
}


/* A step that would have begun when it expired has not. */

time_t
lu_hold_until(const lu_pace_t *pace, time_t now)
{
    time_t  until;

    until = (pace->held < now) ? pace->held : now;

    if (pace->expires <= until) {
        until = pace->expires ? pace->expires - 1 : 0;
    }

    return until;
}


static lu_rc_e
lu_hold_start(cJSON *plan, time_t start)
{
    char  text[LU_TIME_SIZE];

    lu_time_print(text, start, 0);

    return lu_json_set_string(plan, "start", text);
}


lu_rc_e
lu_hold_anchor(cJSON *plan, size_t step, time_t begun)
{
    char       text[LU_TIME_SIZE];
    lu_put_t   put;

    lu_time_print(text, begun, 0);

    lu_put_init(&put);

    lu_put_number(&put, plan, "step", (double) step);
    lu_put_string(&put, plan, "begun", text);

    return put.failed ? LU_NOMEM : LU_OK;
}
