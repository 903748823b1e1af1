
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * GET /v1/apps/{app}/bundles/latest: which release a device gets.
 */


#ifndef _LU_LATEST_H_INCLUDED_
#define _LU_LATEST_H_INCLUDED_


#include "lu_app.h"


/* What the device says of itself; an empty string is what it left out. */

typedef struct {
    lu_os_e                       platform;
    lu_str_t                      app_version_code;
    lu_str_t                      app_version_name;
    lu_str_t                      bundle_id;     /* that it runs now */
    lu_str_t                      channel_name;
    lu_str_t                      custom_id;
    lu_str_t                      device_id;
    lu_str_t                      os_version;
    lu_str_t                      plugin_version;

    /* with "+" read as a space, if that makes a difference */
    lu_str_t                      channel_name_form;
} lu_check_t;


/* How a check ended, and the word for it in a log. */

typedef enum {
    LU_CHECK_UPDATE = 0,             /* another release than the device has */
    LU_CHECK_CURRENT,                /* the release that it has */
    LU_CHECK_NO_CHANNEL,
    LU_CHECK_PAUSED,
    LU_CHECK_EXPIRED,
    LU_CHECK_EMPTY,                  /* nothing deployed, or not to it */
    LU_CHECK_VERSION,                /* not for its native version */
    LU_CHECK_UNSIGNED                /* in a protected channel */
} lu_check_e;


/*
 * Reads the query string.  The values point into it or, where they had to be
 * decoded, into buf, which must have room for twice args->len bytes.  The
 * first of several parameters of one name counts.  LU_INVALID with
 * the reason: no platform from 0 to 2, a value that is not properly encoded or
 * not UTF-8, or a device id that is none.
 */

lu_rc_e lu_latest_parse(lu_check_t *check, const lu_str_t *args,
    unsigned char *buf, lu_error_t *err);

/*
 * Decides.  With UPDATE and CURRENT *deployment is what the device gets; in
 * all cases *channel is the resolved channel, or NULL.
 */

lu_check_e lu_latest(const lu_app_t *app, const lu_check_t *check, time_t now,
    const lu_channel_t **channel, const lu_deployment_t **deployment);


#endif /* _LU_LATEST_H_INCLUDED_ */
