
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The update check, "GET /v1/apps/{app}/bundles/latest": which release a device
 * gets.
 */


#ifndef _LU_LATEST_H_INCLUDED_
#define _LU_LATEST_H_INCLUDED_


#include "lu_app.h"


/* What a device says about itself; a string that it left out is empty. */

typedef struct {
    lu_os_e                       platform;
    lu_str_t                      app_version_code;
    lu_str_t                      app_version_name;
    lu_str_t                      bundle_id;     /* the one it runs */
    lu_str_t                      channel_name;
    lu_str_t                      custom_id;
    lu_str_t                      device_id;
    lu_str_t                      os_version;
    lu_str_t                      plugin_version;

    /* with each "+" read as a space; empty if there is none */
    lu_str_t                      channel_name_form;

    /* set by the caller: it passes rollouts, and keeps what it got so */
    unsigned                      passes:1;
    unsigned                      keeps:1;
} lu_check_t;


/* How a check ended. */

typedef enum {
    LU_CHECK_UPDATE = 0,             /* another release than it runs */
    LU_CHECK_CURRENT,                /* the release that it runs */
    LU_CHECK_NO_CHANNEL,             /* no such channel, or no default one */
    LU_CHECK_PAUSED,                 /* the channel is */
    LU_CHECK_EXPIRED,                /* the channel is */
    LU_CHECK_EMPTY,                  /* no deployment includes the device */
    LU_CHECK_VERSION,                /* not for that of the app or plugin */
    LU_CHECK_UNSIGNED                /* but the channel is protected */
} lu_check_e;


/*
 * Reads the query string.  The values point into it or, if they had to be
 * decoded, into buf, which must have room for twice args->len bytes.  Of
 * several parameters of one name, the first one that is not empty counts.
 * LU_OK, or LU_INVALID with the reason: the platform is not 0, 1 or 2; a value
 * is not percent-encoded UTF-8; the device id is not valid.
 */

lu_rc_e lu_latest_parse(lu_check_t *check, const lu_str_t *args,
    unsigned char *buf, lu_error_t *err);

/*
 * Decides.  *deployment is what the device gets for UPDATE and CURRENT, else
 * NULL.  *channel is the channel that the device is in, or NULL.
 */

lu_check_e lu_latest(const lu_app_t *app, const lu_check_t *check, time_t now,
    const lu_channel_t **channel, const lu_deployment_t **deployment);

/*
 * The head of the answer to a device that gets this deployment: what it says of
 * the minimum of the channel depends on what the device runs.
 */

const lu_str_t *lu_latest_head(const lu_channel_t *channel,
    const lu_check_t *check, const lu_deployment_t *deployment);

/*
 * 1 if a device of this channel, which gets this deployment or NULL, tells
 * something about the rollout of the newest one: it could get that, but for the
 * share, and does not get it in spite of the share.
 */

int lu_latest_is_comparable(const lu_channel_t *channel,
    const lu_check_t *check, const lu_deployment_t *deployment);


#endif /* _LU_LATEST_H_INCLUDED_ */
