
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of the deployments in an app's channels, in the tree of its
 * app.json.  If a call does not return LU_OK, the tree may be half changed and
 * must be thrown away.  "now" is a timestamp as lu_time_print() writes it.
 */


#ifndef _LU_CHANGE_DEPLOYMENT_H_INCLUDED_
#define _LU_CHANGE_DEPLOYMENT_H_INCLUDED_


#include "lu_growth.h"


/*
 * Deployments that a channel remembers, at least: those as far as the newest
 * one for everyone are kept however many there are.
 */

#define LU_HISTORY  500

/* The same, while the app has more than LU_LIMIT_DEPLOYMENTS. */

#define LU_HISTORY_SHORT  20


/*
 * Puts a deployment at the head of a channel's history.  If there is one with
 * the id already, in whichever channel, nothing changes: the request was
 * repeated.  is_signed: the whole release is.  LU_NOT_FOUND: no such channel;
 * LU_INVALID: the rollout is not from 0 to 1; LU_CONFLICT: the channel has all
 * the partial deployments that it can have; LU_FORBIDDEN: the channel is
 * protected, and the release is not signed.
 */

lu_rc_e lu_change_deployment_add(cJSON *app, const char *channel_id,
    const char *id, const char *release, double rollout, int is_signed,
    const char *by, const char *now, lu_error_t *err);

/*
 * LU_OK if the channel, a part of the app, can have another deployment with
 * that rollout; LU_CONFLICT with the reason: there are all the partial ones
 * that there can be.
 */

lu_rc_e lu_change_deployment_room(const cJSON *app, const cJSON *channel,
    double rollout, lu_error_t *err);

/*
 * Changes the rollout, from 0 to 1, of a deployment, whose plan ends.
 * LU_NOT_FOUND: no such deployment; LU_INVALID; LU_CONFLICT: the channel would
 * have more partial deployments than it can have, or the rollout is halted and
 * would grow.
 */

lu_rc_e lu_change_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, lu_error_t *err);

/*
 * Acts on the rollout of a deployment, as lu_growth_act() does, or gives it
 * what is wanted, as lu_growth_set() does.  LU_NOT_FOUND: no such deployment;
 * LU_CONFLICT; LU_INVALID.
 */

lu_rc_e lu_change_deployment_grow(cJSON *app, const char *id,
    lu_growth_e action, const cJSON *why, const char *by, const char *now,
    lu_error_t *err);
lu_rc_e lu_change_deployment_plan(cJSON *app, const char *id,
    const cJSON *wanted, const char *now, lu_error_t *err);

/*
 * Removes the deployments of a release from all channels: devices get what was
 * deployed before it.
 */

void lu_change_deployment_remove(cJSON *app, const char *release);

/* The deployment of an id and its channel, parts of the app; or NULL. */

cJSON *lu_change_deployment_find(const cJSON *app, const char *id,
    cJSON **channel);


#endif /* _LU_CHANGE_DEPLOYMENT_H_INCLUDED_ */
