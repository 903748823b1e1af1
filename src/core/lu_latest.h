
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GET /v1/apps/{app}/bundles/latest: which release a device gets.
 */


#ifndef _LIVEUPDATE_LATEST_H_INCLUDED_
#define _LIVEUPDATE_LATEST_H_INCLUDED_


#include "lu_app.h"


/* What the device says of itself; an empty string is what it left out. */

typedef struct {
    liveupdate_platform_e         platform;
    liveupdate_str_t              app_version_code;
    liveupdate_str_t              app_version_name;
    liveupdate_str_t              bundle_id;     /* that it runs now */
    liveupdate_str_t              channel_name;
    liveupdate_str_t              custom_id;
    liveupdate_str_t              device_id;
    liveupdate_str_t              os_version;
    liveupdate_str_t              plugin_version;

    /* with "+" read as a space, if that makes a difference */
    liveupdate_str_t              channel_name_form;
} liveupdate_check_t;


/* How a check ended, and the word for it in a log. */

typedef enum {
    LIVEUPDATE_CHECK_UPDATE = 0,     /* another release than the device has */
    LIVEUPDATE_CHECK_CURRENT,        /* the release that it has */
    LIVEUPDATE_CHECK_NO_CHANNEL,
    LIVEUPDATE_CHECK_PAUSED,
    LIVEUPDATE_CHECK_EXPIRED,
    LIVEUPDATE_CHECK_EMPTY,          /* nothing deployed, or not to it */
    LIVEUPDATE_CHECK_VERSION,        /* not for its native version */
    LIVEUPDATE_CHECK_UNSIGNED        /* in a protected channel */
} liveupdate_check_e;


/*
 * Reads the query string.  The values point into it or, where they had to be
 * decoded, into buf, which must have room for twice args->len bytes.  The
 * first of several parameters of one name counts.  LIVEUPDATE_INVALID with
 * the reason: no platform from 0 to 2, a value that is not properly encoded or
 * not UTF-8, or a device id that is none.
 */

liveupdate_rc_e liveupdate_check_parse(liveupdate_check_t *check,
    const liveupdate_str_t *args, unsigned char *buf,
    liveupdate_error_t *err);

/*
 * Decides.  With UPDATE and CURRENT *deployment is what the device gets; in
 * all cases *channel is the resolved channel, or NULL.
 */

liveupdate_check_e liveupdate_latest(const liveupdate_app_t *app,
    const liveupdate_check_t *check, time_t now,
    const liveupdate_channel_t **channel,
    const liveupdate_deployment_t **deployment);

/*
 * A device's place in a deployment's rollout, evenly spread, the same each
 * time, and independent of the one in other deployments: the first 8 bytes of
 * SHA-256("{deployment}:{device}").
 */

uint64_t liveupdate_rollout_bucket(const liveupdate_str_t *deployment,
    const liveupdate_str_t *device);


#endif /* _LIVEUPDATE_LATEST_H_INCLUDED_ */
