
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of how a rollout grows, and of what holds it up.  A rollout here is
 * the object of a deployment in app.json, or that of a rule "buildByRollout";
 * lu_pace.h says what it has.
 *
 * A rollout with "halted" is offered to nobody new; who has the release keeps
 * it.  "now" is a timestamp as lu_time_print() writes it.  A rollout that was
 * changed is to be thrown away unless the call returns LU_OK.
 */


#ifndef _LU_GROWTH_H_INCLUDED_
#define _LU_GROWTH_H_INCLUDED_


#include "lu_pace.h"
#include "lu_put.h"


typedef enum {
    LU_GROWTH_HALT = 0,
    LU_GROWTH_RESUME,
    LU_GROWTH_PAUSE,
    LU_GROWTH_ADVANCE,
    LU_GROWTH_STOP
} lu_growth_e;


#define LU_GROWTH_WHY  30


/* The action of a name, such as "halt".  LU_OK or LU_NOT_FOUND. */

lu_rc_e lu_growth_action(const lu_str_t *name, lu_growth_e *action);

/* 1 if the rollout is halted. */

int lu_growth_is_halted(const cJSON *rollout);

/*
 * 1 if a check may get past a deployment with that rollout to the one before
 * it: it is not for everyone, or not always, or is halted.
 */

int lu_growth_is_partial(const cJSON *rollout);

/*
 * The share of a rollout, from 0 to 1: what is written down, and what it is at
 * a time, given the "freezes" of its app.
 */

double lu_growth_share(const cJSON *rollout);
double lu_growth_share_at(const cJSON *rollout, const cJSON *freezes,
    time_t now);

/*
 * What the body of a request wants: "plan", which is such an object or only its
 * steps; "start", for a plan with one step, to that share; "expires".  *wanted
 * has "plan" and "expires", or is NULL if it wants neither, and is the
 * caller's.  A plan in it can be given "offsets" before lu_growth_set().
 * LU_OK; LU_INVALID with the reason, which says nothing of the body; LU_NOMEM.
 */

lu_rc_e lu_growth_wanted(const cJSON *body, double share, cJSON **wanted,
    lu_error_t *err);

/*
 * Gives a rollout the plan and the end that are wanted, and the share that it
 * has now.  "was" is the rollout before, which may be the same one, or NULL: a
 * plan with the same shares that has begun goes on where it is; another one
 * begins with its first step, now or later.  With a plan that is given it is
 * not paused any more.  LU_CONFLICT: it is halted; LU_INVALID.
 */

lu_rc_e lu_growth_set(cJSON *rollout, const cJSON *was, const cJSON *wanted,
    const cJSON *freezes, const char *now, lu_error_t *err);

/*
 * Has the steps of a plan that is wanted, but for the last one, wait for so
 * many devices where they do not say for how many.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_growth_wait(cJSON *wanted, double devices);

/*
 * HALT adds "halted": "at", "by", and the strings and numbers of "why", which
 * may be NULL or have a "reason".  A rollout that is halted already stays as it
 * is.  RESUME removes "halted" and "paused".
 *
 * PAUSE, ADVANCE and STOP are for plans: the time does not count until the plan
 * is resumed; the next step begins now; the plan ends, with the share that it
 * has come to.
 *
 * LU_CONFLICT with the reason: there is no plan, or no next step, or the
 * rollout is halted and cannot be advanced; LU_INVALID: "why" has more than
 * LU_GROWTH_WHY members, or a "reason" that is too long.
 */

lu_rc_e lu_growth_act(cJSON *rollout, lu_growth_e action, const cJSON *why,
    const cJSON *freezes, const char *by, const char *now, lu_error_t *err);

/*
 * Sets the share by hand, which ends the plan.  LU_CONFLICT with the reason: it
 * is halted, and would grow.
 */

lu_rc_e lu_growth_set_share(cJSON *rollout, double share,
    const cJSON *freezes, const char *now, lu_error_t *err);

/*
 * Since when the plan of a rollout is at its end, and neither paused nor halted
 * nor expired; LU_TIME_MAX: it is not, or there is none.
 */

time_t lu_growth_ended(const cJSON *rollout, const cJSON *freezes,
    const char *now);

/*
 * A plan that has come to its end is not needed any more: writes down the share
 * instead.  1 if the rollout had such a plan.
 */

int lu_growth_settle(cJSON *rollout, const cJSON *freezes, const char *now);

/*
 * The smallest number of devices that a step of the plan of a rollout still
 * waits for, or 0; and what that many devices have done: all steps that wait
 * for so many, or fewer, have enough.  LU_OK or LU_NOMEM.
 */

double lu_growth_waits(const cJSON *rollout);
lu_rc_e lu_growth_enough(cJSON *rollout, double devices, const char *now);

/*
 * For a rollout that takes the place of another one, "was", as a whole: has its
 * plan go on where that was if it has the same shares, whatever held it up then
 * or does so now.  A plan that has not begun begins now at the earliest if
 * nothing but that has changed.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_growth_replace(cJSON *rollout, const cJSON *was,
    const cJSON *freezes, const char *now, lu_error_t *err);

/*
 * 1 if two rollouts, or two plans, are equal but for what is written down while
 * a plan goes on: which step has begun and when, and since when it has enough
 * devices.  Memory that is lacking makes them differ.
 */

int lu_growth_is_alike(const cJSON *one, const cJSON *two);

/*
 * Writes down where the plan of a rollout is, before the freezes of its app
 * change to those that are wanted, as far as that would change it: what has
 * begun has begun, and what a freeze has held up begins now at the earliest.
 * LU_OK or LU_NOMEM.
 */

lu_rc_e lu_growth_keep(cJSON *rollout, const cJSON *freezes,
    const cJSON *wanted, const char *now);

/*
 * Puts what people see of a rollout into an object: "halted", "paused",
 * "expires", and "plan" with the number of its "step", and with "nextAt" and
 * "nextShare", or the "nextDevices" that it waits for.
 */

void lu_growth_put(lu_put_t *put, cJSON *to, const cJSON *rollout,
    const cJSON *freezes, time_t now);

/* Adds only these two to the plan of a rollout itself, if it has one. */

void lu_growth_put_next(lu_put_t *put, cJSON *rollout, const cJSON *freezes,
    time_t now);

/* Copies what lu_pace.h describes, as far as it is sound, to another rule. */

void lu_growth_copy(lu_put_t *put, cJSON *to, const cJSON *from);


#endif /* _LU_GROWTH_H_INCLUDED_ */
