
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of an app's channels, in the tree of its app.json.  If a call does
 * not return LU_OK, the tree may be half changed and must be thrown away.
 * "now" is a timestamp as lu_time_print() writes it.
 */


#ifndef _LU_CHANGE_CHANNEL_H_INCLUDED_
#define _LU_CHANGE_CHANNEL_H_INCLUDED_


#include "lu_json.h"


/*
 * Adds a channel with the "name", "protected", "expiresAt",
 * "newestCompatible", "minimum" and "guard" of the body.  The id is the
 * caller's and must be a valid one.  *channel is a part of the app.
 * LU_INVALID, or LU_CONFLICT: the name is taken, or the app has all the
 * channels that it can have.
 */

lu_rc_e lu_change_channel_create(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel, lu_error_t *err);

/*
 * Changes those of these members that the body has.  A channel that is
 * protected already keeps the time since when.  LU_INVALID; LU_NOT_FOUND: no
 * such channel; LU_CONFLICT: the name is taken.
 */

lu_rc_e lu_change_channel_update(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel, lu_error_t *err);

/*
 * Pauses (1) or resumes (0) a channel.  A channel that is paused already keeps
 * the time since when.  LU_NOT_FOUND: no such channel.
 */

lu_rc_e lu_change_channel_pause(cJSON *app, const char *id, int paused,
    const char *now, lu_error_t *err);

/*
 * Deletes a channel with its deployments.  If it was the app's default, there
 * is none any more; devices that were forced to it are not forced any more.
 * LU_NOT_FOUND: no such channel.
 */

lu_rc_e lu_change_channel_delete(cJSON *app, const char *id, lu_error_t *err);


/*
 * The "name" of a body, for a channel or an app.  LU_NOT_FOUND: there is
 * none, and no reason; LU_INVALID with the reason: it is no valid name.
 */

lu_rc_e lu_change_channel_name(const cJSON *body, lu_str_t *name,
    lu_error_t *err);

/* The channel of an id, or of a name; a part of the app, or NULL. */

cJSON *lu_change_channel_find(const cJSON *app, const char *id);
cJSON *lu_change_channel_named(const cJSON *app, const char *name);

/* The channel of an id; LU_NOT_FOUND with the reason. */

lu_rc_e lu_change_channel_get(const cJSON *app, const char *id,
    cJSON **channel, lu_error_t *err);

/* 1 if the channel takes only releases that are signed. */

int lu_change_channel_is_protected(const cJSON *channel);

/*
 * The deployment that a channel goes back to: each step leads behind the
 * oldest deployment of the same release, so that a release that was rolled
 * back is not rolled back to.  A part of the channel, or NULL: there are not
 * so many.
 */

const cJSON *lu_change_channel_before(const cJSON *channel, unsigned steps);


#endif /* _LU_CHANGE_CHANNEL_H_INCLUDED_ */
