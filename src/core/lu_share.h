
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * To what part of the devices a release is given, where.
 */


#ifndef _LU_SHARE_H_INCLUDED_
#define _LU_SHARE_H_INCLUDED_


#include "lu_desktop.h"


/* What is told of more rules than these would take too long to compute. */

#define LU_SHARE_RULES  200


/*
 * Adds what is true of the release to an array: for each channel in which a
 * device can get it, an object of channel, channelId, deploymentId, rollout,
 * share, createdBy, createdAt and updatedAt; for each platform on which the
 * rules lead installations to it, and for which it has something if it lists
 * its "platforms", one of platform and share (of LU_SHARE_RULES rules
 * at most, or none).  A share is from 0 to 1 and says
 * what a device without a place of its own can expect: paused channels, forced
 * devices, version limits and rules by address do not count.  release is its
 * release.json, desktop what lu_desktop_parse() made of the app, or
 * NULL.  LU_NOMEM, and the array may have got some.
 */

lu_rc_e lu_share_list(cJSON *shares, const cJSON *app,
    const lu_desktop_t *desktop, const cJSON *release);


#endif /* _LU_SHARE_H_INCLUDED_ */
