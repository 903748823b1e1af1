
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_latest.h"
#include "lu_name.h"
#include "lu_query.h"
#include "lu_rollout.h"
#include "lu_version.h"


static lu_rc_e lu_latest_decode(lu_str_t *values, unsigned char **buf,
    lu_error_t *err);
static int lu_latest_has(const lu_deployment_t *deployment,
    const lu_check_t *check);
static int lu_latest_fits(const lu_release_t *release,
    const lu_check_t *check);
static int lu_latest_allows(const lu_limits_t *limits,
    const lu_str_t *version);
static int lu_latest_needs_checksum(const lu_check_t *check);


enum {
    LU_LATEST_APP_VERSION_CODE = 0,
    LU_LATEST_APP_VERSION_NAME,
    LU_LATEST_BUNDLE_ID,
    LU_LATEST_CHANNEL_NAME,
    LU_LATEST_CUSTOM_ID,
    LU_LATEST_DEVICE_ID,
    LU_LATEST_OS_VERSION,
    LU_LATEST_PLATFORM,
    LU_LATEST_PLUGIN_VERSION,
    LU_LATEST_ARGS
};


/* in the order in which the plugins send them */

static const lu_str_t  lu_latest_names[] = {
    lu_string("appVersionCode"),
    lu_string("appVersionName"),
    lu_string("bundleId"),
    lu_string("channelName"),
    lu_string("customId"),
    lu_string("deviceId"),
    lu_string("osVersion"),
    lu_string("platform"),
    lu_string("pluginVersion")
};


lu_rc_e
lu_latest_parse(lu_check_t *check, const lu_str_t *args, unsigned char *buf,
    lu_error_t *err)
{
    lu_str_t  *platform, *channel, values[LU_LATEST_ARGS];

    memset(check, 0, sizeof(lu_check_t));

    lu_query_values(args, lu_latest_names, LU_LATEST_ARGS, values);

    channel = &values[LU_LATEST_CHANNEL_NAME];

    if (channel->len && memchr(channel->data, '+', channel->len)
        && lu_query_decode(&check->channel_name_form, buf, channel, 1)
           == LU_OK)
    {
        buf += check->channel_name_form.len;
    }

    /* in nearly all queries there is nothing to decode, and all is UTF-8 */

    if ((!lu_str_printable(args) || memchr(args->data, '%', args->len))
        && lu_latest_decode(values, &buf, err) != LU_OK)
    {
        return LU_INVALID;
    }

    platform = &values[LU_LATEST_PLATFORM];

    if (platform->len != 1
        || platform->data[0] < '0' + LU_OS_ANDROID
        || platform->data[0] > '0' + LU_OS_ELECTRON)
    {
        return lu_error(err, NULL, "\"platform\" must be 0 (Android), 1 (iOS) "
                                   "or 2 (Electron)");
    }

    check->platform = platform->data[0] - '0';
    check->app_version_code = values[LU_LATEST_APP_VERSION_CODE];
    check->app_version_name = values[LU_LATEST_APP_VERSION_NAME];
    check->bundle_id = values[LU_LATEST_BUNDLE_ID];
    check->channel_name = *channel;
    check->custom_id = values[LU_LATEST_CUSTOM_ID];
    check->device_id = values[LU_LATEST_DEVICE_ID];
    check->os_version = values[LU_LATEST_OS_VERSION];
    check->plugin_version = values[LU_LATEST_PLUGIN_VERSION];

    if (check->device_id.len) {

        if (!lu_name_device_id_valid(&check->device_id)) {
            return lu_error(err, NULL, "\"deviceId\" must be at most 128 bytes "
                            "without control characters");
        }

        /* the query itself is not changed */

        check->device_id.data = memcpy(buf, check->device_id.data,
                                       check->device_id.len);

        lu_name_device_id_fold(&check->device_id);
    }

    /* old plugins call the bundle that is built into the app so */

    if (lu_str_is(&check->bundle_id, "public")) {
        check->bundle_id.len = 0;
    }

    return LU_OK;
}


/* The platform is a digit, and stays as it is. */

static lu_rc_e
lu_latest_decode(lu_str_t *values, unsigned char **buf, lu_error_t *err)
{
    unsigned  i;
    lu_str_t  value;

    for (i = 0; i < LU_LATEST_ARGS; i++) {

        if (i == LU_LATEST_PLATFORM || values[i].len == 0) {
            continue;
        }

        if (lu_query_decode(&value, *buf, &values[i], 0) != LU_OK
            || !lu_str_utf8_valid(&value))
        {
            return lu_error(err, &lu_latest_names[i],
                            "is not percent-encoded UTF-8");
        }

        values[i] = value;
        *buf += value.len;
    }

    return LU_OK;
}


lu_check_e
lu_latest(const lu_app_t *app, const lu_check_t *check, time_t now,
    const lu_channel_t **channel_out, const lu_deployment_t **deployment_out)
{
    size_t                  i;
    lu_check_e              result;
    const lu_channel_t     *channel;
    const lu_release_t     *release;
    const lu_deployment_t  *deployment;

    *deployment_out = NULL;

    channel = app->nforced ? lu_app_forced_find(app, &check->device_id) : NULL;

    if (channel == NULL) {

        if (check->channel_name.len == 0) {
            channel = app->channel;

        } else {
            channel = lu_app_channel_find(app, &check->channel_name);

            if (channel == NULL && check->channel_name_form.len) {
                channel = lu_app_channel_find(app, &check->channel_name_form);
            }
        }
    }

    *channel_out = channel;

    if (channel == NULL) {
        return LU_CHECK_NO_CHANNEL;
    }

    if (channel->paused) {
        return LU_CHECK_PAUSED;
    }

    if (channel->expires <= now) {
        return LU_CHECK_EXPIRED;
    }

    deployment = NULL;
    result = LU_CHECK_EMPTY;

    for (i = 0; i < channel->ndeployments; i++) {

        if (lu_latest_has(&channel->deployments[i], check)) {

            if (lu_latest_fits(channel->deployments[i].release, check)) {
                deployment = &channel->deployments[i];
                break;
            }

            /* the newest of the older ones that fits, if any */

            result = LU_CHECK_VERSION;

            if (channel->is_newest_only) {
                break;
            }
        }

        if (lu_app_end(channel, i)) {
            break;
        }
    }

    if (deployment == NULL) {
        return result;
    }

    release = deployment->release;

    if (channel->is_protected && !release->is_signed) {
        return LU_CHECK_UNSIGNED;
    }

    *deployment_out = deployment;

    return lu_str_eq(&release->id, &check->bundle_id)
           ? LU_CHECK_CURRENT : LU_CHECK_UPDATE;
}


/*
 * A halted rollout keeps those who run the release.  One with a plan keeps whom
 * it will have in the end: the clock may have gone back, or that of another
 * machine be ahead.
 */

static int
lu_latest_has(const lu_deployment_t *deployment, const lu_check_t *check)
{
    if (deployment->release == NULL) {
        return 0;
    }

    if (!deployment->is_halted
        && ((check->passes && lu_rollout_share(&deployment->rollout) > 0)
            || lu_rollout_has(&deployment->rollout, &deployment->id,
                              &check->device_id)))
    {
        return 1;
    }

    if (!lu_str_eq(&deployment->release->id, &check->bundle_id)) {
        return 0;
    }

    return (check->keeps && lu_rollout_share(&deployment->rollout) > 0)
           || lu_rollout_has(&deployment->keeps, &deployment->id,
                             &check->device_id);
}


const lu_str_t *
lu_latest_head(const lu_channel_t *channel, const lu_check_t *check,
    const lu_deployment_t *deployment)
{
    unsigned  misses;

    if (deployment->mandatory == NULL) {
        return &deployment->head;
    }

    misses = lu_minimum_misses(channel->minimum, &check->bundle_id,
                               &deployment->release_id, check->platform,
                               &check->app_version_code);

    return misses ? &deployment->mandatory[misses - 1] : &deployment->head;
}


int
lu_latest_is_comparable(const lu_channel_t *channel, const lu_check_t *check,
    const lu_deployment_t *deployment)
{
    const lu_deployment_t  *newest;

    newest = &channel->deployments[0];

    if (newest->release == NULL || !lu_latest_fits(newest->release, check)) {
        return 0;
    }

    return deployment != newest
           || !check->keeps
           || lu_rollout_has(&newest->rollout, &newest->id, &check->device_id);
}


/* The version of the app, and that of the plugin. */

static int
lu_latest_fits(const lu_release_t *release, const lu_check_t *check)
{
    if (check->platform <= LU_OS_IOS
        && !lu_latest_allows(&release->limits[check->platform],
                             &check->app_version_code))
    {
        return 0;
    }

    return release->kind != LU_KIND_ZIP
           || release->checksum.len
           || !lu_latest_needs_checksum(check);
}


static int
lu_latest_allows(const lu_limits_t *limits, const lu_str_t *version)
{
    if (limits->min.len == 0 && limits->max.len == 0 && limits->eq.len == 0) {
        return 1;
    }

    if (!lu_version_valid(version)) {
        return 0;
    }

    if (limits->min.len && lu_version_cmp(version, &limits->min) < 0) {
        return 0;
    }

    if (limits->max.len && lu_version_cmp(version, &limits->max) > 0) {
        return 0;
    }

    return limits->eq.len == 0 || lu_version_cmp(version, &limits->eq) != 0;
}


/*
 * For Android, the plugin 7.1.0 to 7.3.0 takes a checksum that is not there
 * for the text "null", and downloads the file in vain at each check.
 */

static int
lu_latest_needs_checksum(const lu_check_t *check)
{
    lu_str_t  version;

    static const lu_str_t  first = lu_string("7.1");
    static const lu_str_t  fixed = lu_string("7.4");

    if (check->platform != LU_OS_ANDROID) {
        return 0;
    }

    /* "7.3.0-dev.1" is 7.3.0 here */

    version.data = check->plugin_version.data;
    version.len = 0;

    while (version.len < check->plugin_version.len
           && ((version.data[version.len] >= '0'
                && version.data[version.len] <= '9')
               || version.data[version.len] == '.'))
    {
        version.len++;
    }

    return lu_version_valid(&version)
           && lu_version_cmp(&version, &first) >= 0
           && lu_version_cmp(&version, &fixed) < 0;
}
