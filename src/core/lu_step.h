
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Steps of plans that have begun by themselves, and rollouts and channels that
 * have expired.  Nothing runs for them; who wants to tell of them looks through
 * the app.
 */


#ifndef _LU_STEP_H_INCLUDED_
#define _LU_STEP_H_INCLUDED_


#include "lu_growth.h"


typedef enum {
    LU_STEP_BEGUN = 0,
    LU_STEP_EXPIRED,                    /* the rollout has */
    LU_STEP_CHANNEL_EXPIRED
} lu_step_e;


typedef struct {
    lu_step_e            what;
    time_t               at;

    lu_str_t             subject;       /* deployment, build, or channel */
    lu_str_t             release;       /* empty for a channel */
    lu_str_t             channel;       /* its name; empty for desktop */

    /* of LU_STEP_BEGUN */

    size_t               step;          /* its number, from 0 */
    double               share;
} lu_step_told_t;


typedef lu_rc_e (
    *lu_step_pt)(void *data, const lu_step_told_t *step);

/*
 * Calls for each rollout of an app, an app.json, whose present step has begun
 * after "since", up to now, and by itself: neither when the rollout was made,
 * nor because somebody has advanced or resumed it.  Calls for each rollout and
 * channel that has expired in that time.  *next is when to look again, unless
 * the app changes before, or LU_TIME_MAX.  The strings are parts of the app.
 * LU_OK, or what a call returned.
 */

lu_rc_e lu_step_look(const cJSON *app, time_t since, time_t now, time_t *next,
    lu_step_pt call, void *data);


#endif /* _LU_STEP_H_INCLUDED_ */
