
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The share of the clients that get a release, in each channel and on each
 * platform.
 */


#ifndef _LU_SHARE_H_INCLUDED_
#define _LU_SHARE_H_INCLUDED_


#include "lu_desktop.h"


/* With more rules, the computation would take too long. */

#define LU_SHARE_RULES  200


/*
 * Appends the shares of a release to an array.
 *
 * For each channel with a deployment that includes devices, an object of
 * channel, channelId, deploymentId, rollout, share, createdBy, createdAt and
 * updatedAt, and what lu_growth_put() puts.  For each manifest of the release
 * that installations are given, an object of platform, channel, arch if the
 * manifest names one, manifest and share.  If it is not known what manifests
 * the release has, an object of platform and share for each platform on which
 * the rules choose it; none for platforms that the release does not list in
 * "platforms".  None at all if there are more than LU_SHARE_RULES rules.
 *
 * A share, from 0 to 1, is what can be expected: paused channels, forced
 * devices, version limits and rules by address are not taken into account.
 * app and release are an app.json and a release.json; desktop is the result of
 * lu_desktop_parse() and lu_desktop_turn() for the app, or NULL.  LU_OK;
 * LU_NOMEM, and the array may have some of the objects.
 */

lu_rc_e lu_share_list(cJSON *shares, const cJSON *app,
    const lu_desktop_t *desktop, const cJSON *release, time_t now);

/*
 * The build that those who ask for a manifest get if no rule for a share or a
 * platform applies to them, or NULL; the share of them that get the release;
 * and the share that the rules leave for that build.
 */

const lu_str_t *lu_share_of(const lu_desktop_t *desktop,
    const lu_str_t *manifest, const lu_str_t *release, double *share,
    double *left);


#endif /* _LU_SHARE_H_INCLUDED_ */
