
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Decides whether a release does harm: whether clearly more devices come back
 * to an older release, or go silent, than do outside of the rollout.
 */


#ifndef _LU_GUARD_H_INCLUDED_
#define _LU_GUARD_H_INCLUDED_


#include "lu_cohort.h"
#include "lu_json.h"


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
