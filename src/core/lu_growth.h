
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How a rollout grows, and what holds it up.  A rollout here is the object of a
 * deployment in app.json, or that of a rule "buildByRollout".
 *
 * A rollout with "halted" is offered to nobody new; who has the release keeps
 * it.
 */


#ifndef _LU_GROWTH_H_INCLUDED_
#define _LU_GROWTH_H_INCLUDED_


#include "lu_put.h"


typedef enum {
    LU_GROWTH_HALT = 0,
    LU_GROWTH_RESUME
} lu_growth_e;


/* The action of a name, such as "halt".  LU_OK or LU_NOT_FOUND. */

lu_rc_e lu_growth_action(const lu_str_t *name, lu_growth_e *action);

/* 1 if the rollout is halted. */

int lu_growth_is_halted(const cJSON *rollout);

/*
 * 1 if a check may get past a deployment with that rollout to the one before
 * it: it is not for everyone, or is halted.
 */

int lu_growth_is_partial(const cJSON *rollout);

/* The "rollout" of a deployment, or 0. */

double lu_growth_share(const cJSON *rollout);

/*
 * Changes a rollout, a part of a tree that is to be thrown away unless the call
 * returns LU_OK.
 *
 * HALT adds "halted": "at", "by", and the strings and numbers of "why", which
 * may be NULL or have a "reason".  A rollout that is halted already stays as it
 * is.  RESUME removes it.
 *
 * LU_INVALID with the reason: "why" has more than LU_GROWTH_WHY members, or a
 * "reason" that is too long.
 */

lu_rc_e lu_growth_act(cJSON *rollout, lu_growth_e action, const cJSON *why,
    const char *by, const char *now, lu_error_t *err);

#define LU_GROWTH_WHY  30

/*
 * LU_OK, or LU_CONFLICT with the reason: the share of a rollout that is halted
 * must not grow.
 */

lu_rc_e lu_growth_may_be(const cJSON *rollout, double before, double share,
    lu_error_t *err);

/* Copies what this file is about, as far as it is sound, to another rollout. */

void lu_growth_copy(lu_put_t *put, cJSON *to, const cJSON *from);


#endif /* _LU_GROWTH_H_INCLUDED_ */
