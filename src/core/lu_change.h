
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Changes of an app, in the tree of its app.json.  If a call does not return
 * LU_OK, the tree may be half changed and must be thrown away.  "now" is a
 * timestamp as lu_time_print() writes it.
 */


#ifndef _LU_CHANGE_H_INCLUDED_
#define _LU_CHANGE_H_INCLUDED_


#include "lu_json.h"


/*
 * A new app, with a default channel of that id and name.  The ids and names
 * must be valid.  The tree is the caller's; NULL: out of memory.
 */

cJSON *lu_change_app_create(const char *id, const char *name, const char *type,
    const char *organization, const char *channel_id, const char *channel_name,
    const char *now);

/*
 * Changes those of "name", "type", "appChannelId" (or null),
 * "appChannelDiscoveryEnabled", "organizationId", "freezes" (or null) and
 * "minimumVersion" (or null) that the body has.  That there is such an
 * organization is for the caller to check.  LU_INVALID.
 */

lu_rc_e lu_change_app_update(cJSON *app, const cJSON *body, const char *now,
    lu_error_t *err);

/* The number of the next build, which nobody has taken yet. */

uint64_t lu_change_build_number_next(const cJSON *app);

/* Takes the number of the next build.  LU_OK or LU_NOMEM. */

lu_rc_e lu_change_build_number(cJSON *app, uint64_t *number);

/*
 * Forces a device to a channel, or no longer to any (NULL).  LU_INVALID: it is
 * no device id; LU_NOT_FOUND: no such channel; LU_CONFLICT: the app has all the
 * forced devices that it can have.
 */

lu_rc_e lu_change_device_force(cJSON *app, const char *device,
    const char *channel_id, lu_error_t *err);

/*
 * 1 if a changed copy of an app.json says what it said before; the times of
 * changes do not count.
 */

int lu_change_same(const cJSON *before, const cJSON *after);


#endif /* _LU_CHANGE_H_INCLUDED_ */
