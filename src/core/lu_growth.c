
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <math.h>

#include "lu_growth.h"
#include "lu_hold.h"
#include "lu_limit.h"


#define LU_GROWTH_NAME  64              /* of a number, bytes */

/* what is written down may lose the last digit of a share */

#define LU_GROWTH_SAME  1e-12


static lu_rc_e lu_growth_wanted_plan(const cJSON *body, double share,
    cJSON *wanted, lu_error_t *err);
static void lu_growth_copy_plan(lu_put_t *put, cJSON *to, const cJSON *plan,
    int all);
static void lu_growth_copy_steps(lu_put_t *put, cJSON *to, const cJSON *steps,
    int all);
static lu_rc_e lu_growth_set_plan(cJSON *rollout, const cJSON *wanted,
    const char *now);
static int lu_growth_is_same(const cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *freezes, time_t now);
static lu_rc_e lu_growth_go_on(cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *freezes, time_t now, lu_error_t *err);
static lu_rc_e lu_growth_where(const cJSON *rollout, const cJSON *freezes,
    const char *now, lu_pace_t *pace, lu_moment_t *moment, lu_error_t *err);
static cJSON *lu_growth_given(const cJSON *rollout);
static lu_rc_e lu_growth_write(cJSON *rollout, double share);
static lu_rc_e lu_growth_halt(cJSON *rollout, const cJSON *why,
    const char *by, const char *now, lu_error_t *err);
static lu_rc_e lu_growth_resume(cJSON *rollout, const cJSON *freezes,
    const char *now, lu_error_t *err);
static lu_rc_e lu_growth_pause(cJSON *rollout, const char *by,
    const char *now, lu_error_t *err);
static lu_rc_e lu_growth_advance(cJSON *rollout, const cJSON *freezes,
    const char *now, lu_error_t *err);
static lu_rc_e lu_growth_stop(cJSON *rollout, const cJSON *freezes,
    const char *now, lu_error_t *err);
static cJSON *lu_growth_get(const cJSON *rollout, const char *key);
static void lu_growth_put_moment(lu_put_t *put, cJSON *plan,
    const lu_pace_t *pace, const lu_moment_t *moment);
static void lu_growth_put_time(lu_put_t *put, cJSON *to, const char *key,
    time_t time);
static void lu_growth_copy_flat(lu_put_t *put, cJSON *to, const cJSON *from);
static lu_rc_e lu_growth_conflict(lu_error_t *err, const char *text);


static const struct {
    const char   *name;
    lu_growth_e   action;
} lu_growth_actions[] = {
    { "halt", LU_GROWTH_HALT },
    { "resume", LU_GROWTH_RESUME },
    { "pause", LU_GROWTH_PAUSE },
    { "advance", LU_GROWTH_ADVANCE },
    { "stop", LU_GROWTH_STOP },
    { NULL, LU_GROWTH_HALT }
};


lu_rc_e
lu_growth_action(const lu_str_t *name, lu_growth_e *action)
{
    int  i;

    for (i = 0; lu_growth_actions[i].name; i++) {
        if (lu_str_is(name, lu_growth_actions[i].name)) {
            *action = lu_growth_actions[i].action;
            return LU_OK;
        }
    }

    return LU_NOT_FOUND;
}


int
lu_growth_is_halted(const cJSON *rollout)
{
    return lu_growth_get(rollout, "halted") != NULL;
}


int
lu_growth_is_partial(const cJSON *rollout)
{
    return lu_growth_share(rollout) < 1
           || lu_growth_is_halted(rollout)
           || lu_pace_is_timed(rollout);
}


double
lu_growth_share(const cJSON *rollout)
{
    double  share;

    share = 0;

    if (lu_json_number(rollout, "percentage", &share) == LU_OK) {
        return share / 100;
    }

    (void) lu_json_number(rollout, "rollout", &share);

    return share;
}


double
lu_growth_share_at(const cJSON *rollout, const cJSON *freezes, time_t now)
{
    lu_pace_t     pace;
    lu_error_t    err;
    lu_moment_t   moment;
    lu_freezes_t  list;

    if (!lu_pace_is_timed(rollout)
        || lu_pace_freezes(freezes, &list, &err) != LU_OK
        || lu_pace_parse(rollout, &pace, &err) != LU_OK)
    {
        return lu_growth_share(rollout);
    }

    lu_pace_at(&pace, &list, now, &moment);

    return pace.nsteps ? moment.share
                       : moment.share * lu_growth_share(rollout);
}


lu_rc_e
lu_growth_wanted(const cJSON *body, double share, cJSON **wanted,
    lu_error_t *err)
{
    cJSON        *json;
    lu_rc_e       rc;
    lu_put_t      put;
    lu_pace_t     pace;
    const cJSON  *expires;

    *wanted = NULL;

    expires = lu_json_get(body, "expires");

    if (lu_json_get(body, "plan") == NULL
        && lu_json_get(body, "start") == NULL
        && expires == NULL)
    {
        return LU_OK;
    }

    json = cJSON_CreateObject();
    if (json == NULL) {
        return LU_NOMEM;
    }

    rc = lu_growth_wanted_plan(body, share, json, err);

    if (rc == LU_OK && expires) {
        lu_put_init(&put);
        lu_put_copy(&put, json, "expires", body, "expires");

        rc = put.failed ? LU_NOMEM : LU_OK;
    }

    if (rc == LU_OK) {
        rc = lu_pace_parse(json, &pace, err);
    }

    if (rc != LU_OK) {
        cJSON_Delete(json);
        return rc;
    }

    *wanted = json;

    return LU_OK;
}


static lu_rc_e
lu_growth_wanted_plan(const cJSON *body, double share, cJSON *wanted,
    lu_error_t *err)
{
    cJSON        *copy, *steps;
    lu_put_t      put;
    lu_str_t      zone;
    const cJSON  *plan, *start;

    plan = lu_json_get(body, "plan");
    start = lu_json_get(body, "start");

    if (plan == NULL && start == NULL) {
        return LU_OK;
    }

    if (plan && !cJSON_IsArray(plan) && !cJSON_IsObject(plan)) {
        return lu_error(err, NULL, "\"plan\" must be an object with \"steps\", "
                                   "or an array of them");
    }

    lu_put_init(&put);

    copy = lu_put_object(&put, wanted, "plan");

    if (cJSON_IsObject(plan)) {
        lu_growth_copy_plan(&put, copy, plan, 0);

    } else if (plan) {
        lu_growth_copy_steps(&put, lu_put_array(&put, copy, "steps"), plan, 0);

    } else {
        steps = lu_put_array(&put, copy, "steps");
        lu_put_number(&put, lu_put_object(&put, steps, NULL), "share", share);
    }

    if (start) {
        lu_put_copy(&put, copy, "start", body, "start");
    }

    if (put.failed) {
        return LU_NOMEM;
    }

    if ((lu_json_get(copy, "hours") || lu_json_get(copy, "weekdays"))
        && lu_json_string(copy, "timeZone", &zone) != LU_OK)
    {
        return lu_error(err, NULL, "a plan with \"hours\" or \"weekdays\" must "
                                   "have a \"timeZone\", such as "
                                   "\"Europe/Berlin\" or \"UTC\"");
    }

    return LU_OK;
}


/*
 * What people say of a plan, and not what the server keeps in it, or also what
 * it has written into the steps.  Member by member: more, at any depth, might
 * make the app unreadable.
 */

static void
lu_growth_copy_plan(lu_put_t *put, cJSON *to, const cJSON *plan, int all)
{
    cJSON        *list;
    lu_str_t      value;
    const cJSON  *item, *days;

    lu_growth_copy_steps(put, lu_put_array(put, to, "steps"),
                         lu_json_get(plan, "steps"), all);

    if (lu_json_string(plan, "start", &value) == LU_OK) {
        lu_put_str(put, to, "start", &value);
    }

    if (lu_json_get(plan, "hours")) {
        value = lu_str("");
        (void) lu_json_string(plan, "hours", &value);
        lu_put_str(put, to, "hours", &value);
    }

    days = lu_json_get(plan, "weekdays");

    if (days) {
        list = lu_put_array(put, to, "weekdays");

        cJSON_ArrayForEach(item, days) {
            if (lu_json_value(item, &value) == LU_OK) {
                lu_put_str(put, list, NULL, &value);
            }
        }
    }

    if (lu_json_string(plan, "timeZone", &value) == LU_OK) {
        lu_limit_cut("timeZone", &value);
        lu_put_str(put, to, "timeZone", &value);
    }
}


static void
lu_growth_copy_steps(lu_put_t *put, cJSON *to, const cJSON *steps, int all)
{
    cJSON        *step;
    double        share, devices;
    lu_str_t      value;
    const cJSON  *item;

    cJSON_ArrayForEach(item, steps) {

        step = lu_put_object(put, to, NULL);

        if (lu_json_number(item, "share", &share) == LU_OK) {
            lu_put_number(put, step, "share", share);
        }

        if (lu_json_string(item, "for", &value) == LU_OK) {
            lu_limit_cut("for", &value);
            lu_put_str(put, step, "for", &value);
        }

        if (lu_json_get(item, "devices")) {
            devices = 0;
            (void) lu_json_number(item, "devices", &devices);
            lu_put_number(put, step, "devices", devices);
        }

        if (all && lu_json_string(item, "enough", &value) == LU_OK) {
            lu_put_str(put, step, "enough", &value);
        }
    }
}


lu_rc_e
lu_growth_wait(cJSON *wanted, double devices)
{
    cJSON     *step;
    lu_put_t   put;

    lu_put_init(&put);

    cJSON_ArrayForEach(step, lu_json_get(lu_json_get(wanted, "plan"),
                                         "steps"))
    {
        if (step->next && lu_json_get(step, "devices") == NULL) {
            lu_put_number(&put, step, "devices", devices);
        }
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_growth_set(cJSON *rollout, const cJSON *was, const cJSON *wanted,
    const cJSON *freezes, const char *now, lu_error_t *err)
{
    int           goes_on;
    time_t        time;
    lu_rc_e       rc;
    lu_put_t      put;
    lu_str_t      str;
    lu_pace_t     before, pace;
    lu_moment_t   moment;
    lu_freezes_t  list;

    rc = lu_pace_freezes(freezes, &list, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_pace_parse(was, &before, err) != LU_OK) {
        before.nsteps = 0;
    }

    goes_on = (before.nsteps > 0);
    time = lu_time_of(now);

    if (lu_json_get(wanted, "plan")) {

        if (lu_growth_is_halted(rollout)) {
            return lu_growth_conflict(err, "The rollout is halted: resume it "
                                           "first.");
        }

        rc = lu_growth_set_plan(rollout, wanted, now);
        if (rc != LU_OK) {
            return rc;
        }

        goes_on = lu_growth_is_same(rollout, &before, &list, time);
    }

    if (lu_json_get(wanted, "expires")) {

        if (lu_json_string(wanted, "expires", &str) == LU_OK) {
            lu_put_init(&put);
            lu_put_copy(&put, rollout, "expires", wanted, "expires");

            if (put.failed) {
                return LU_NOMEM;
            }

        } else {
            cJSON_DeleteItemFromObjectCaseSensitive(rollout, "expires");
        }
    }

    if (goes_on) {
        rc = lu_growth_go_on(rollout, &before, &list, time, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_growth_where(rollout, freezes, now, &pace, &moment, err);

    if (rc != LU_OK || pace.nsteps == 0) {
        return rc;
    }

    return lu_growth_write(rollout, moment.share);
}


/* Steps that would have begun before somebody has said so did not. */

static lu_rc_e
lu_growth_set_plan(cJSON *rollout, const cJSON *wanted, const char *now)
{
    cJSON     *plan;
    time_t     start;
    lu_put_t   put;
    lu_str_t   text;

    lu_put_init(&put);

    lu_put_copy(&put, rollout, "plan", wanted, "plan");
    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "paused");

    plan = lu_json_get(rollout, "plan");

    lu_put_string(&put, plan, "given", now);

    if (lu_json_string(plan, "start", &text) != LU_OK
        || lu_time_parse(&text, &start) != LU_OK
        || start < lu_time_of(now))
    {
        lu_put_string(&put, plan, "start", now);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


/* A plan that has begun is given again: it has the same shares. */

static int
lu_growth_is_same(const cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *freezes, time_t now)
{
    size_t        i;
    lu_pace_t     pace;
    lu_error_t    err;
    lu_moment_t   moment;

    if (lu_pace_parse(rollout, &pace, &err) != LU_OK
        || pace.nsteps != was->nsteps
        || (pace.start > now && pace.start != was->start))
    {
        return 0;
    }

    for (i = 0; i < pace.nsteps; i++) {
        if (fabs(pace.steps[i].share - was->steps[i].share)
            > LU_GROWTH_SAME)
        {
            return 0;
        }
    }

    lu_hold_at(was, freezes, lu_hold_until(was, now), &moment);

    return moment.step != -1;
}


/* The devices of a step that had enough are enough for one with fewer. */

static lu_rc_e
lu_growth_go_on(cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *freezes, time_t now, lu_error_t *err)
{
    char              text[LU_TIME_SIZE];
    cJSON            *item;
    double            devices;
    lu_put_t          put;
    const lu_step_t  *step;

    lu_put_init(&put);

    step = was->steps;

    cJSON_ArrayForEach(item, lu_json_get(lu_json_get(rollout, "plan"),
                                         "steps"))
    {
        if (lu_json_number(item, "devices", &devices) == LU_OK
            && devices > 0
            && devices <= step->devices
            && step->enough != LU_TIME_MAX)
        {
            lu_time_print(text, step->enough, 0);
            lu_put_string(&put, item, "enough", text);
        }

        step++;
    }

    if (put.failed) {
        return LU_NOMEM;
    }

    return lu_hold_go_on(rollout, was, freezes, freezes, now, err);
}


static lu_rc_e
lu_growth_where(const cJSON *rollout, const cJSON *freezes, const char *now,
    lu_pace_t *pace, lu_moment_t *moment, lu_error_t *err)
{
    lu_rc_e       rc;
    lu_freezes_t  list;

    rc = lu_pace_freezes(freezes, &list, err);

    if (rc == LU_OK) {
        rc = lu_pace_parse(rollout, pace, err);
    }

    if (rc == LU_OK) {
        lu_pace_at(pace, &list, lu_time_of(now), moment);
    }

    return rc;
}


/* 0.07 * 100 is not 7 */

static lu_rc_e
lu_growth_write(cJSON *rollout, double share)
{
    if (lu_json_get(rollout, "percentage")) {
        return lu_json_set(rollout, "percentage",
                           cJSON_CreateNumber((double) (int64_t)
                                              (share * 1e8 + 0.5) / 1e6));
    }

    return lu_json_set(rollout, "rollout", cJSON_CreateNumber(share));
}


lu_rc_e
lu_growth_act(cJSON *rollout, lu_growth_e action, const cJSON *why,
    const cJSON *freezes, const char *by, const char *now, lu_error_t *err)
{
    switch (action) {

    case LU_GROWTH_HALT:
        return lu_growth_halt(rollout, why, by, now, err);

    case LU_GROWTH_RESUME:
        return lu_growth_resume(rollout, freezes, now, err);

    case LU_GROWTH_PAUSE:
        return lu_growth_pause(rollout, by, now, err);

    case LU_GROWTH_ADVANCE:
        return lu_growth_advance(rollout, freezes, now, err);

    default: /* LU_GROWTH_STOP */
        return lu_growth_stop(rollout, freezes, now, err);
    }
}


static lu_rc_e
lu_growth_halt(cJSON *rollout, const cJSON *why, const char *by,
    const char *now, lu_error_t *err)
{
    cJSON     *halted;
    lu_rc_e    rc;
    lu_put_t   put;
    lu_str_t   reason;

    if (lu_growth_is_halted(rollout)) {
        return LU_OK;
    }

    rc = lu_limit_string(why, "reason", &reason, err);

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    if (cJSON_GetArraySize(why) > LU_GROWTH_WHY) {
        return lu_error(err, NULL, "a rollout is halted with up to "
                                   lu_value(LU_GROWTH_WHY) " numbers");
    }

    lu_put_init(&put);

    halted = lu_put_object(&put, rollout, "halted");

    lu_growth_copy_flat(&put, halted, why);

    lu_put_string(&put, halted, "at", now);
    lu_put_string(&put, halted, "by", by);

    return put.failed ? LU_NOMEM : LU_OK;
}


static lu_rc_e
lu_growth_resume(cJSON *rollout, const cJSON *freezes, const char *now,
    lu_error_t *err)
{
    lu_rc_e       rc;
    lu_pace_t     was;
    lu_freezes_t  list;

    rc = lu_pace_freezes(freezes, &list, err);

    if (rc == LU_OK) {
        rc = lu_pace_parse(rollout, &was, err);
    }

    if (rc != LU_OK) {
        return rc;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "halted");
    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "paused");

    return lu_hold_go_on(rollout, &was, &list, &list, lu_time_of(now), err);
}


static lu_rc_e
lu_growth_pause(cJSON *rollout, const char *by, const char *now,
    lu_error_t *err)
{
    cJSON     *paused;
    lu_put_t   put;

    if (lu_growth_get(rollout, "plan") == NULL) {
        return lu_growth_conflict(err, "The rollout has no plan that could be "
                                       "paused: halt it, so that nobody new is "
                                       "offered the release.");
    }

    if (lu_growth_get(rollout, "paused")) {
        return LU_OK;
    }

    lu_put_init(&put);

    paused = lu_put_object(&put, rollout, "paused");

    lu_put_string(&put, paused, "at", now);
    lu_put_string(&put, paused, "by", by);

    return put.failed ? LU_NOMEM : LU_OK;
}


/* A plan that is paused stands still in its next step. */

static lu_rc_e
lu_growth_advance(cJSON *rollout, const cJSON *freezes, const char *now,
    lu_error_t *err)
{
    cJSON        *paused;
    lu_rc_e       rc;
    lu_pace_t     pace;
    lu_moment_t   moment;

    if (lu_growth_is_halted(rollout)) {
        return lu_growth_conflict(err, "The rollout is halted: resume it "
                                       "first.");
    }

    rc = lu_growth_where(rollout, freezes, now, &pace, &moment, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (moment.step + 1 >= (long) pace.nsteps) {
        return lu_growth_conflict(err, "The rollout has no plan, or has come "
                                       "to the last step of it.");
    }

    paused = lu_growth_get(rollout, "paused");

    if (paused && lu_json_set_string(paused, "at", now) != LU_OK) {
        return LU_NOMEM;
    }

    rc = lu_growth_write(rollout, pace.steps[moment.step + 1].share);

    return rc == LU_OK ? lu_hold_anchor(lu_growth_get(rollout, "plan"),
                                        (size_t) (moment.step + 1),
                                        lu_time_of(now))
                       : rc;
}


static lu_rc_e
lu_growth_stop(cJSON *rollout, const cJSON *freezes, const char *now,
    lu_error_t *err)
{
    lu_rc_e      rc;
    lu_pace_t    pace;
    lu_moment_t  moment;

    rc = lu_growth_where(rollout, freezes, now, &pace, &moment, err);

    if (rc != LU_OK || pace.nsteps == 0) {
        return rc;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "plan");
    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "paused");

    return lu_growth_write(rollout, moment.share);
}


double
lu_growth_waits(const cJSON *rollout)
{
    size_t       i;
    double       least;
    lu_pace_t    pace;
    lu_error_t   err;

    if (lu_pace_parse(rollout, &pace, &err) != LU_OK) {
        return 0;
    }

    least = 0;

    for (i = pace.step; i < pace.nsteps; i++) {
        if (pace.steps[i].enough == LU_TIME_MAX
            && (least == 0 || pace.steps[i].devices < least))
        {
            least = pace.steps[i].devices;
        }
    }

    return least;
}


lu_rc_e
lu_growth_enough(cJSON *rollout, double devices, const char *now)
{
    cJSON     *step;
    double     wanted;
    lu_put_t   put;

    lu_put_init(&put);

    cJSON_ArrayForEach(step, lu_json_get(lu_json_get(rollout, "plan"),
                                         "steps"))
    {
        if (lu_json_number(step, "devices", &wanted) == LU_OK
            && wanted > 0
            && wanted <= devices
            && lu_json_get(step, "enough") == NULL)
        {
            lu_put_string(&put, step, "enough", now);
        }
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_growth_set_share(cJSON *rollout, double share, const cJSON *freezes,
    const char *now, lu_error_t *err)
{
    if (lu_growth_is_halted(rollout)
        && share > lu_growth_share_at(rollout, freezes, lu_time_of(now)))
    {
        return lu_growth_conflict(err, "The rollout is halted, and does not "
                                       "grow: resume it first.");
    }

    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "plan");
    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "paused");

    return lu_growth_write(rollout, share);
}


time_t
lu_growth_ended(const cJSON *rollout, const cJSON *freezes, const char *now)
{
    lu_pace_t    pace;
    lu_error_t   err;
    lu_moment_t  moment;

    if (lu_growth_get(rollout, "plan") == NULL
        || lu_growth_get(rollout, "paused")
        || lu_growth_is_halted(rollout)
        || lu_growth_where(rollout, freezes, now, &pace, &moment, &err)
           != LU_OK
        || moment.is_expired
        || moment.step + 1 != (long) pace.nsteps)
    {
        return LU_TIME_MAX;
    }

    return moment.begun;
}


int
lu_growth_settle(cJSON *rollout, const cJSON *freezes, const char *now)
{
    if (lu_growth_ended(rollout, freezes, now) == LU_TIME_MAX) {
        return 0;
    }

    /* the last step has the largest share */

    if (lu_growth_write(rollout, lu_growth_share_at(rollout, freezes,
                                                    lu_time_of(now)))
        != LU_OK)
    {
        return 0;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "plan");

    return 1;
}


lu_rc_e
lu_growth_replace(cJSON *rollout, const cJSON *was, const cJSON *freezes,
    const char *now, lu_error_t *err)
{
    time_t        time;
    lu_rc_e       rc;
    lu_pace_t     before;
    lu_freezes_t  list;

    if (lu_growth_get(rollout, "plan") == NULL
        || lu_pace_freezes(freezes, &list, err) != LU_OK
        || lu_pace_parse(was, &before, err) != LU_OK
        || before.nsteps == 0)
    {
        return LU_OK;
    }

    time = lu_time_of(now);

    if (lu_growth_is_alike(lu_growth_get(rollout, "plan"),
                           lu_growth_get(was, "plan"))
        || lu_growth_is_same(rollout, &before, &list, time))
    {
        rc = lu_growth_go_on(rollout, &before, &list, time, err);

        return rc == LU_NOMEM ? LU_NOMEM : LU_OK;
    }

    return LU_OK;
}


int
lu_growth_is_alike(const cJSON *one, const cJSON *two)
{
    int     alike;
    cJSON  *a, *b;

    if (cJSON_Compare(one, two, 1)) {
        return 1;
    }

    a = lu_growth_given(one);
    b = lu_growth_given(two);

    alike = a && b && cJSON_Compare(a, b, 1);

    cJSON_Delete(a);
    cJSON_Delete(b);

    return alike;
}


/* As somebody has given it, without what is written down as it goes on. */

static cJSON *
lu_growth_given(const cJSON *rollout)
{
    cJSON  *copy, *plan, *step;

    copy = cJSON_Duplicate(rollout, 1);
    plan = lu_json_get(copy, "plan");

    if (plan == NULL) {
        plan = copy;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(plan, "step");
    cJSON_DeleteItemFromObjectCaseSensitive(plan, "begun");

    cJSON_ArrayForEach(step, lu_json_get(plan, "steps")) {
        cJSON_DeleteItemFromObjectCaseSensitive(step, "enough");
    }

    return copy;
}


lu_rc_e
lu_growth_keep(cJSON *rollout, const cJSON *freezes, const cJSON *wanted,
    const char *now)
{
    lu_rc_e        rc;
    lu_pace_t      was;
    lu_error_t     err;
    lu_freezes_t   before, after;

    if (lu_growth_get(rollout, "plan") == NULL
        || lu_pace_freezes(freezes, &before, &err) != LU_OK
        || lu_pace_freezes(wanted, &after, &err) != LU_OK
        || lu_pace_parse(rollout, &was, &err) != LU_OK)
    {
        return LU_OK;
    }

    rc = lu_hold_go_on(rollout, &was, &before, &after, lu_time_of(now), &err);

    return rc == LU_NOMEM ? LU_NOMEM : LU_OK;
}


void
lu_growth_put(lu_put_t *put, cJSON *to, const cJSON *rollout,
    const cJSON *freezes, time_t now)
{
    cJSON         *copy;
    lu_pace_t      pace;
    lu_error_t     err;
    const cJSON   *plan;
    lu_moment_t    moment;
    lu_freezes_t   list;

    lu_put_copy(put, to, "halted", rollout, "halted");
    lu_put_copy(put, to, "paused", rollout, "paused");
    lu_put_copy(put, to, "expires", rollout, "expires");

    plan = lu_growth_get(rollout, "plan");

    if (plan == NULL
        || lu_pace_freezes(freezes, &list, &err) != LU_OK
        || lu_pace_parse(rollout, &pace, &err) != LU_OK)
    {
        return;
    }

    lu_pace_at(&pace, &list, now, &moment);

    copy = lu_put_object(put, to, "plan");

    lu_growth_copy_plan(put, copy, plan, 1);

    if (moment.step >= 0) {
        lu_put_number(put, copy, "step", (double) moment.step);
        lu_growth_put_time(put, copy, "begun", moment.begun);
    }

    lu_growth_put_moment(put, copy, &pace, &moment);
}


void
lu_growth_put_next(lu_put_t *put, cJSON *rollout, const cJSON *freezes,
    time_t now)
{
    cJSON         *plan;
    lu_pace_t      pace;
    lu_error_t     err;
    lu_moment_t    moment;
    lu_freezes_t   list;

    plan = lu_growth_get(rollout, "plan");

    if (plan == NULL
        || lu_pace_freezes(freezes, &list, &err) != LU_OK
        || lu_pace_parse(rollout, &pace, &err) != LU_OK)
    {
        return;
    }

    lu_pace_at(&pace, &list, now, &moment);

    lu_growth_put_moment(put, plan, &pace, &moment);
}


static void
lu_growth_put_moment(lu_put_t *put, cJSON *plan, const lu_pace_t *pace,
    const lu_moment_t *moment)
{
    if (moment->next < pace->expires && moment->next < LU_TIME_MAX) {
        lu_growth_put_time(put, plan, "nextAt", moment->next);
        lu_put_number(put, plan, "nextShare",
                      pace->steps[moment->step + 1].share);
    }

    if (moment->devices > 0) {
        lu_put_number(put, plan, "nextDevices", moment->devices);
    }
}


static void
lu_growth_put_time(lu_put_t *put, cJSON *to, const char *key, time_t time)
{
    char  text[LU_TIME_SIZE];

    lu_time_print(text, time, 0);
    lu_put_string(put, to, key, text);
}


void
lu_growth_copy(lu_put_t *put, cJSON *to, const cJSON *from)
{
    int           i;
    cJSON        *copy;
    lu_pace_t     pace;
    lu_error_t    err;
    const cJSON  *item;

    static const char  *kept[] = { "offsets", "given", "step", "begun", NULL };

    if (lu_pace_parse(from, &pace, &err) != LU_OK) {
        return;
    }

    item = lu_growth_get(from, "plan");

    if (item) {
        copy = lu_put_object(put, to, "plan");

        lu_growth_copy_plan(put, copy, item, 1);

        for (i = 0; kept[i]; i++) {
            lu_put_copy(put, copy, kept[i], item, kept[i]);
        }
    }

    if (pace.expires != LU_TIME_MAX) {
        lu_put_copy(put, to, "expires", from, "expires");
    }

    item = lu_growth_get(from, "paused");

    if (item) {
        lu_growth_copy_flat(put, lu_put_object(put, to, "paused"), item);
    }

    item = lu_growth_get(from, "halted");

    if (item) {
        lu_growth_copy_flat(put, lu_put_object(put, to, "halted"), item);
    }
}


static cJSON *
lu_growth_get(const cJSON *rollout, const char *key)
{
    cJSON  *item;

    item = lu_json_get(rollout, key);

    return cJSON_IsObject(item) ? item : NULL;
}


/* Who wrote "expect" did not mean it as a reason. */

static void
lu_growth_copy_flat(lu_put_t *put, cJSON *to, const cJSON *from)
{
    int           n;
    double        number;
    lu_str_t      value;
    const cJSON  *item;

    n = 0;

    cJSON_ArrayForEach(item, from) {

        if (strlen(item->string) > LU_GROWTH_NAME
            || strcmp(item->string, "expect") == 0)
        {
            continue;
        }

        if (n++ == LU_GROWTH_WHY + 2) {
            break;
        }

        if (lu_json_value(item, &value) == LU_OK) {
            lu_limit_cut("reason", &value);
            lu_put_str(put, to, item->string, &value);

        } else if (lu_json_number(from, item->string, &number) == LU_OK) {
            lu_put_number(put, to, item->string, number);
        }
    }
}


static lu_rc_e
lu_growth_conflict(lu_error_t *err, const char *text)
{
    (void) lu_error(err, NULL, text);

    return LU_CONFLICT;
}
