
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The funnel of a rollout: how many devices of each group were offered the
 * release, fetched it, ran it, came back and went silent, now and over time.
 *
 * A series has the numbers as they were at the end of each hour of the first
 * three days of a deployment, and of each quarter of a day after that, for a
 * month.  Numbers never shrink.
 */


#ifndef _LU_FUNNEL_H_INCLUDED_
#define _LU_FUNNEL_H_INCLUDED_


#include "lu_cohort.h"
#include "lu_put.h"


/* The points of a series: hours, and then quarters of days. */

#define LU_FUNNEL_HOURS   72
#define LU_FUNNEL_POINTS  180


/* Numbers of devices; the first ones are those of a cohort. */

enum {
    LU_FUNNEL_DUE = LU_COHORT_DUE,      /* should have come again by now */
    LU_FUNNEL_SILENT,                   /* and have not */
    LU_FUNNEL_COUNTS
};


typedef uint32_t  lu_funnel_t[LU_COHORT_GROUPS][LU_FUNNEL_COUNTS];


typedef struct {
    lu_funnel_t       points[LU_FUNNEL_POINTS];
    unsigned char     known[LU_FUNNEL_POINTS];
} lu_funnel_series_t;


/*
 * The numbers of a cohort, at an age of its deployment in seconds.  Devices are
 * silent that have not asked again within the window, one of lu_cohort_windows.
 */

void lu_funnel(const lu_cohort_t *cohort, time_t age, unsigned window,
    lu_funnel_t funnel);

/*
 * The array of a series, with the numbers of the present point: a new tree that
 * is the caller's, or NULL: no memory.  "series" is what was written before, or
 * NULL; what is no point is left out.
 */

cJSON *lu_funnel_note(const cJSON *series, const lu_funnel_t funnel,
    time_t age);

/*
 * Adds the series of a machine to a sum.  A machine that has no numbers of a
 * point has those of the point before it.
 */

void lu_funnel_add(lu_funnel_series_t *sum, const cJSON *series);

/*
 * Puts the numbers of a group into an object, by their names, and the points of
 * a series into an array, with the times "at" which they were counted.
 */

void lu_funnel_put(lu_put_t *put, cJSON *to, const uint32_t *counts);
void lu_funnel_put_series(lu_put_t *put, cJSON *to,
    const lu_funnel_series_t *series, time_t start, time_t now);

/* The names of the numbers, and of the groups. */

extern const char  *lu_funnel_names[LU_FUNNEL_COUNTS];
extern const char  *lu_funnel_groups[LU_COHORT_GROUPS];


#endif /* _LU_FUNNEL_H_INCLUDED_ */
