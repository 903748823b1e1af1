
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How fast a rollout grows: which share of the clients a release has at a time.
 * That is a function of what app.json says and of the time alone, so that all
 * machines agree, and nothing has to run for it.
 *
 * The members of a rollout, which is the object of a deployment or that of a
 * rule "buildByRollout":
 *
 *     "plan": {
 *         "steps": [{ "share": 0.01, "for": "2h" }, { "share": 1 }],
 *         "start": "2026-12-01T08:00:00.000Z",
 *         "hours": "09:00-17:00", "weekdays": ["mon", "tue"],
 *         "timeZone": "Europe/Berlin", "offsets": [[0, 3600], ...],
 *         "given": "2026-11-30T10:00:00.000Z",
 *         "step": 1, "begun": "2026-12-01T10:00:00.000Z"
 *     },
 *     "paused": { "at": "...", "by": "..." },
 *     "halted": { "at": "...", "by": "...", "reason": "..." },
 *     "expires": "2027-01-07T00:00:00.000Z"
 *
 * A step begins when the one before has lasted for its time, and then at the
 * first moment that lies in the hours of a weekday and in no freeze of the app.
 * With "devices" other than 0, the one before also lasts until so many devices
 * have run the release, or, on desktops, have asked again; whoever counts them
 * writes the time into the step, as "enough".
 * "given" is when somebody has given the plan.
 * "step" and "begun" are there after somebody has resumed or advanced a plan,
 * or changed what holds it up: what was before is forgotten.  While a plan is
 * paused or halted, it stands still.
 */


#ifndef _LU_PACE_H_INCLUDED_
#define _LU_PACE_H_INCLUDED_


#include "lu_json.h"
#include "lu_rollout.h"
#include "lu_time.h"


#define LU_PACE_STEPS    20
#define LU_PACE_FREEZES  20
#define LU_PACE_OFFSETS  64

/* The shortest and the longest step, seconds. */

#define LU_PACE_MIN      60
#define LU_PACE_MAX      (366 * 86400)


typedef struct {
    double               share;
    time_t               lasts;         /* seconds; of the last one 0 */
    double               devices;       /* it waits for; 0: for none */
    time_t               enough;        /* LU_TIME_MAX: it still waits */
} lu_step_t;


/* From that time on, local time is UTC plus so many seconds. */

typedef struct {
    time_t               from;
    long                 seconds;
} lu_offset_t;


/* No step begins in it; "to" lies behind it. */

typedef struct {
    time_t               from;
    time_t               to;
} lu_freeze_t;


typedef struct {
    lu_freeze_t          list[LU_PACE_FREEZES];
    size_t               n;
} lu_freezes_t;


typedef struct {
    lu_step_t            steps[LU_PACE_STEPS];
    size_t               nsteps;        /* 0: there is no plan */
    double               most;          /* the largest share of a step */

    time_t               start;         /* not before it */
    size_t               step;
    time_t               begun;         /* "step" has; -1: not yet */

    unsigned             weekdays;      /* bits, Sunday is 1; 0: all days */
    unsigned             from;          /* minutes of the day */
    unsigned             to;            /* the same: all hours */
    lu_offset_t          offsets[LU_PACE_OFFSETS];
    size_t               noffsets;      /* 0: UTC */

    time_t               held;          /* paused or halted; LU_TIME_MAX */
    time_t               expires;       /* LU_TIME_MAX: never */
} lu_pace_t;


/* Where a plan is. */

typedef struct {
    double               share;         /* 0 before its start */
    long                 step;          /* -1: it has not begun */
    time_t               begun;         /* the step has */
    time_t               next;          /* the next one begins; LU_TIME_MAX */
    double               devices;       /* it waits for, too, or 0 */
    unsigned             is_expired:1;
} lu_moment_t;


/* 1 if the share of a rollout depends on the time. */

int lu_pace_is_timed(const cJSON *rollout);

/* Reads a rollout.  LU_OK; LU_INVALID with the reason. */

lu_rc_e lu_pace_parse(const cJSON *rollout, lu_pace_t *pace, lu_error_t *err);

/*
 * Where the plan is at a time, from 0 to LU_TIME_MAX, with the freezes of its
 * app.  Without a plan the share is 1, or 0 if the rollout has expired.  While
 * the plan stands still, there is no next step; moment->next is then the time
 * at which it expires, if it does.
 */

void lu_pace_at(const lu_pace_t *pace, const lu_freezes_t *freezes,
    time_t now, lu_moment_t *moment);

/* The first moment from a time on at which a step may begin. */

time_t lu_pace_allowed(const lu_pace_t *pace, const lu_freezes_t *freezes,
    time_t time);

/*
 * Reads "freezes" of an app: up to LU_PACE_FREEZES objects with "from", "to"
 * and perhaps "reason".  NULL and null are none.  LU_OK; LU_INVALID with the
 * reason.
 */

lu_rc_e lu_pace_freezes(const cJSON *array, lu_freezes_t *freezes,
    lu_error_t *err);

/*
 * A duration: a number of minutes, hours, days or weeks ("90m", "2h", "1d",
 * "1w"), from LU_PACE_MIN to LU_PACE_MAX seconds.  LU_OK or LU_INVALID.
 */

lu_rc_e lu_pace_duration(const lu_str_t *text, time_t *seconds);


#endif /* _LU_PACE_H_INCLUDED_ */
