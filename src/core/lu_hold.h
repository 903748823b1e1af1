
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What holds a plan up ends or changes: a pause, a halt, a freeze, hours, or
 * that the rollout has expired.  The time until then does not count: a step
 * that was due begins after it, and the one behind that has all of its time.
 */


#ifndef _LU_HOLD_H_INCLUDED_
#define _LU_HOLD_H_INCLUDED_


#include "lu_pace.h"


/*
 * Has the plan of a rollout go on after such a change.  "was" is what it was
 * before, and "before" are the freezes of then.  What has begun has begun, with
 * the time that it has lasted for; no other step begins up to "now", in
 * seconds, so that whoever has looked at that second sees it.  LU_OK, also
 * without a plan; LU_INVALID with the reason; LU_NOMEM.
 */

lu_rc_e lu_hold_go_on(cJSON *rollout, const lu_pace_t *was,
    const lu_freezes_t *before, const lu_freezes_t *freezes, time_t now,
    lu_error_t *err);

/* Writes down which step of a plan has begun, and when.  LU_OK or LU_NOMEM. */

lu_rc_e lu_hold_anchor(cJSON *plan, size_t step, time_t begun);

/* Where a plan is at a time, whatever holds it up but hours and freezes. */

void lu_hold_at(const lu_pace_t *pace, const lu_freezes_t *freezes,
    time_t time, lu_moment_t *moment);

/* The time up to which that of a plan counts: now, if it goes. */

time_t lu_hold_until(const lu_pace_t *pace, time_t now);


#endif /* _LU_HOLD_H_INCLUDED_ */
