
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Decides whether a release does harm: whether clearly more devices come back
 * to an older release, or go silent, than do outside of the rollout.
 */


#ifndef _LU_GUARD_H_INCLUDED_
#define _LU_GUARD_H_INCLUDED_


#include "lu_cohort.h"
#include "lu_put.h"


/* The rules of a channel; shares are from 0 to 1. */

typedef struct {
    double            minimum;      /* devices, before anything is said */
    double            comeback;     /* more than that: harm */
    double            silence;
    double            confidence;   /* of a whole rollout */
    unsigned          halts:1;      /* or else it is only said */
} lu_guard_t;


/*
 * One comparison.  The shares are those of the devices that were offered the
 * release and of the control group, as if both had come at the same times and
 * on the same platforms.  What the release is to blame for is a share of those
 * that have got it and, for silence, would have come again, with the lower
 * bound that is compared with the limit.
 */

typedef struct {
    double            devices;
    double            controls;     /* 0: only the devices count */
    double            share;
    double            control;
    double            excess;
    double            lower;        /* below 0: nothing can be said yet */
} lu_guard_test_t;


typedef enum {
    LU_GUARD_CONTENT = 0,
    LU_GUARD_COMEBACK,
    LU_GUARD_SILENCE
} lu_guard_e;


typedef struct {
    lu_guard_e        result;
    unsigned          window;       /* of SILENCE: lu_cohort_windows */
    lu_guard_test_t   comeback;
    lu_guard_test_t   silence[LU_COHORT_WINDOWS];
} lu_guard_verdict_t;


/*
 * Reads the "guard" of a channel.  What it leaves out has the default: 200
 * devices, 0.05, 0.10, 0.99, "halt".  LU_OK, or LU_INVALID with the reason.
 */

lu_rc_e lu_guard_parse(const cJSON *item, lu_guard_t *guard, lu_error_t *err);

/*
 * The guard of a channel: its own "guard", or that of its app.  With false the
 * channel has none, whatever the app has.  LU_OK; LU_NOT_FOUND: there is none;
 * LU_INVALID with the reason.
 */

lu_rc_e lu_guard_of(const cJSON *app, const cJSON *channel,
    lu_guard_t *guard, lu_error_t *err);

/*
 * Gives an app, or a channel, the guard that somebody wants.  All of it is
 * written down, so that a new default changes nothing.  null takes it away.
 * LU_OK, LU_INVALID with the reason, or LU_NOMEM.
 */

lu_rc_e lu_guard_set(cJSON *owner, const cJSON *item, lu_error_t *err);

/*
 * A copy of what is wanted, lu_growth_wanted(), for cJSON_Delete().  A step
 * that does not say for how many devices it waits has the minimum of the guard
 * of the channel or, with NULL, of a desktop app.  LU_OK; LU_CONFLICT with the
 * reason: a step waits, and there is no guard; LU_NOMEM.
 */

lu_rc_e lu_guard_plan(const cJSON *app, const cJSON *channel,
    const cJSON *wanted, cJSON **waits, lu_error_t *err);

/*
 * Compares the counts of all machines.  It may be asked as often as one likes:
 * the bounds hold at all times together, so that a healthy release is blamed
 * during the whole of its rollout with a probability of 1 - confidence at most.
 */

void lu_guard_judge(const lu_guard_t *guard, const lu_cohort_t *cohort,
    time_t start, time_t now, lu_guard_verdict_t *verdict);

/*
 * Writes what a verdict other than CONTENT found into a buffer, which is as
 * long as given, as a sentence with the numbers.
 */

#define LU_GUARD_REASON  320

void lu_guard_reason(const lu_guard_t *guard,
    const lu_guard_verdict_t *verdict, char *buf, size_t size);

/*
 * Puts a guard into an object, as its "guard", and the numbers of a comparison:
 * "lower" is null as long as nothing can be said.
 */

void lu_guard_put(lu_put_t *put, cJSON *to, const lu_guard_t *guard);
void lu_guard_put_test(lu_put_t *put, cJSON *to, const lu_guard_test_t *test);

/*
 * The bounds of Wilson (1927) for a share p among n, n > 0, with so many
 * standard deviations.
 */

double lu_guard_lower(double p, double n, double z);
double lu_guard_upper(double p, double n, double z);

/*
 * So many standard deviations has a mean to be off, at some time, with the
 * probability alpha at most: the mixture of Robbins (1970), with the weight on
 * n0 observations and later.
 */

double lu_guard_deviations(double n, double n0, double alpha);


#endif /* _LU_GUARD_H_INCLUDED_ */
