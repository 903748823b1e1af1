
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of an app.  Each takes the tree of an app.json and makes the new
 * one of it, or says why not; then the tree may be half changed and must be
 * thrown away.  "now" is a timestamp as lu_time_print() writes it;
 * new ids are the caller's, and valid.
 */


#ifndef _LU_CHANGE_H_INCLUDED_
#define _LU_CHANGE_H_INCLUDED_


#include "lu_json.h"


/* Deployments that a channel remembers; the one for everyone is kept. */

#define LU_HISTORY  500


/* A new app, with a default channel of that name; NULL: out of memory. */

cJSON *lu_change_app_create(const char *id, const char *name, const char *type,
    const char *organization, const char *channel_id, const char *channel_name,
    const char *now);

/*
 * PATCH of an app: "name", "type", "appChannelId" (or null),
 * "appChannelDiscoveryEnabled", "organizationId" (whether there is such an
 * organization the caller knows).
 */

lu_rc_e lu_change_app_update(cJSON *app, const cJSON *body, const char *now,
    lu_error_t *err);

/* Takes the number of the next build. */

lu_rc_e lu_change_build_number(cJSON *app, uint64_t *number);

/*
 * A new channel out of "name", "protected" and "expiresAt" of the body.
 * LU_CONFLICT: the name is taken.  *channel is a part of the app.
 */

lu_rc_e lu_change_channel_create(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel, lu_error_t *err);

/*
 * PATCH: the same members.  LU_NOT_FOUND, LU_CONFLICT.
 * A channel that is paused or protected already stays so since then.
 */

lu_rc_e lu_change_channel_update(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel, lu_error_t *err);
lu_rc_e lu_change_channel_pause(cJSON *app, const char *id, int paused,
    const char *now, lu_error_t *err);

/* With its deployments, as the default and for the devices forced to it. */

lu_rc_e lu_change_channel_delete(cJSON *app, const char *id, lu_error_t *err);

/*
 * The deployment that is so many steps before the present release was first
 * deployed there, so that what was rolled back is not come back to; a part of
 * the channel, or NULL.
 */

const cJSON *lu_change_channel_before(const cJSON *channel, unsigned steps);

/*
 * Puts a deployment at the head of a channel's history.  If the channel, or
 * another one, has the id already, then it is left as it is: the request was
 * repeated.  is_signed: all of the release is; a protected channel takes no
 * other (LU_FORBIDDEN).  LU_INVALID: the rollout is not from
 * 0 to 1.
 */

lu_rc_e lu_change_deploy(cJSON *app, const char *channel_id, const char *id,
    const char *release, double rollout, int is_signed, const char *by,
    const char *now, lu_error_t *err);

lu_rc_e lu_change_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, lu_error_t *err);

/* Takes a release out of all channels: what was before it is on again. */

void lu_change_release_remove(cJSON *app, const char *release);

/*
 * Forces a device to a channel, or not any more (NULL).  LU_NOT_FOUND:
 * no such channel.
 */

lu_rc_e lu_change_device_force(cJSON *app, const char *device,
    const char *channel_id, lu_error_t *err);

/* The channel of an id or a name, the deployment of an id, or NULL. */

cJSON *lu_change_channel_find(const cJSON *app, const char *id);
cJSON *lu_change_channel_named(const cJSON *app, const char *name);
cJSON *lu_change_deployment_find(const cJSON *app, const char *id,
    cJSON **channel);


#endif /* _LU_CHANGE_H_INCLUDED_ */
