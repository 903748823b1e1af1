
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_latest.h"
#include "lu_name.h"
#include "lu_query.h"
#include "lu_sha256.h"
#include "lu_version.h"


static int liveupdate_rollout_has(const liveupdate_deployment_t *deployment,
    const liveupdate_str_t *device);
static int liveupdate_limits_allow(const liveupdate_limits_t *limits,
    const liveupdate_str_t *version);


static const struct {
    const char  *name;
    size_t       len;
    size_t       offset;
} liveupdate_check_args[] = {

#define liveupdate_check_arg(name, field)                                     \
    { name, sizeof(name) - 1, offsetof(liveupdate_check_t, field) }

    liveupdate_check_arg("appVersionCode", app_version_code),
    liveupdate_check_arg("appVersionName", app_version_name),
    liveupdate_check_arg("bundleId", bundle_id),
    liveupdate_check_arg("channelName", channel_name),
    liveupdate_check_arg("customId", custom_id),
    liveupdate_check_arg("deviceId", device_id),
    liveupdate_check_arg("osVersion", os_version),
    liveupdate_check_arg("pluginVersion", plugin_version),
    { NULL, 0, 0 }
};


liveupdate_rc_e
liveupdate_check_parse(liveupdate_check_t *check,
    const liveupdate_str_t *args, unsigned char *buf, liveupdate_error_t *err)
{
    int                i;
    liveupdate_str_t   rest, name, value, platform, *field;

    memset(check, 0, sizeof(liveupdate_check_t));

    platform.len = 0;
    platform.data = NULL;
    rest = *args;

    while (liveupdate_query_next(&rest, &name, &value)) {

        if (value.len == 0) {
            continue;
        }

        for (i = 0; liveupdate_check_args[i].name; i++) {
            if (name.len == liveupdate_check_args[i].len
                && memcmp(name.data, liveupdate_check_args[i].name, name.len)
                   == 0)
            {
                break;
            }
        }

        if (liveupdate_check_args[i].name == NULL) {

            if (platform.len == 0 && liveupdate_str_is(&name, "platform")) {
                platform = value;
            }

            continue;
        }

        field = (liveupdate_str_t *) ((unsigned char *) check
                                      + liveupdate_check_args[i].offset);

        if (field->len) {
            continue;
        }

        if (memchr(value.data, '%', value.len) == NULL) {
            *field = value;

        } else if (liveupdate_query_decode(field, buf, &value, 0)
                   == LIVEUPDATE_OK)
        {
            buf += value.len;
        }

        if (field->len == 0 || !liveupdate_utf8_valid(field)) {
            return liveupdate_refuse(err, &name,
                                     "is not percent-encoded UTF-8");
        }

        if (field == &check->channel_name
            && memchr(value.data, '+', value.len))
        {
            (void) liveupdate_query_decode(&check->channel_name_form, buf,
                                           &value, 1);
            buf += value.len;
        }
    }

    if (platform.len != 1
        || platform.data[0] < '0' + LIVEUPDATE_ANDROID
        || platform.data[0] > '0' + LIVEUPDATE_ELECTRON)
    {
        return liveupdate_refuse(err, NULL, "\"platform\" must be 0 (Android)"
                                            ", 1 (iOS) or 2 (Electron)");
    }

    check->platform = platform.data[0] - '0';

    if (check->device_id.len && !liveupdate_device_id_valid(&check->device_id))
    {
        return liveupdate_refuse(err, NULL, "\"deviceId\" must be at most 128 "
                                 "bytes without control characters");
    }

    /* old plugins say so of the bundle that is built into the app */

    if (liveupdate_str_is(&check->bundle_id, "public")) {
        check->bundle_id.len = 0;
    }

    return LIVEUPDATE_OK;
}


liveupdate_check_e
liveupdate_latest(const liveupdate_app_t *app,
    const liveupdate_check_t *check, time_t now,
    const liveupdate_channel_t **channel_out,
    const liveupdate_deployment_t **deployment_out)
{
    size_t                          i;
    const liveupdate_channel_t     *channel;
    const liveupdate_release_t     *release;
    const liveupdate_deployment_t  *deployment;

    *deployment_out = NULL;

    channel = liveupdate_forced_find(app, &check->device_id);

    if (channel == NULL) {

        if (check->channel_name.len == 0) {
            channel = app->channel;

        } else {
            channel = liveupdate_channel_find(app, &check->channel_name);

            if (channel == NULL && check->channel_name_form.len) {
                channel = liveupdate_channel_find(app,
                                                  &check->channel_name_form);
            }
        }
    }

    *channel_out = channel;

    if (channel == NULL) {
        return LIVEUPDATE_CHECK_NO_CHANNEL;
    }

    if (channel->paused) {
        return LIVEUPDATE_CHECK_PAUSED;
    }

    if (channel->expires <= now) {
        return LIVEUPDATE_CHECK_EXPIRED;
    }

    deployment = NULL;

    for (i = 0; i < channel->ndeployments; i++) {
        if (channel->deployments[i].release
            && liveupdate_rollout_has(&channel->deployments[i],
                                      &check->device_id))
        {
            deployment = &channel->deployments[i];
            break;
        }
    }

    if (deployment == NULL) {
        return LIVEUPDATE_CHECK_EMPTY;
    }

    release = deployment->release;

    if (check->platform <= LIVEUPDATE_IOS
        && !liveupdate_limits_allow(&release->limits[check->platform],
                                    &check->app_version_code))
    {
        return LIVEUPDATE_CHECK_VERSION;
    }

    if (channel->is_protected && !release->is_signed) {
        return LIVEUPDATE_CHECK_UNSIGNED;
    }

    *deployment_out = deployment;

    return liveupdate_str_eq(&release->id, &check->bundle_id)
           ? LIVEUPDATE_CHECK_CURRENT : LIVEUPDATE_CHECK_UPDATE;
}


/* A device without an id has no place in a partial rollout. */

static int
liveupdate_rollout_has(const liveupdate_deployment_t *deployment,
    const liveupdate_str_t *device)
{
    if (deployment->everyone) {
        return 1;
    }

    if (device->len == 0 || deployment->threshold == 0) {
        return 0;
    }

    return liveupdate_rollout_bucket(&deployment->id, device)
           < deployment->threshold;
}


uint64_t
liveupdate_rollout_bucket(const liveupdate_str_t *deployment,
    const liveupdate_str_t *device)
{
    int                   i;
    uint64_t              bucket;
    unsigned char         digest[SHA256_DIGEST_LENGTH];
    liveupdate_sha256_t   sha256;

    liveupdate_sha256_init(&sha256);
    liveupdate_sha256_update(&sha256, deployment->data, deployment->len);
    liveupdate_sha256_update(&sha256, ":", 1);
    liveupdate_sha256_update(&sha256, device->data, device->len);
    liveupdate_sha256_final(&sha256, digest);

    bucket = 0;

    for (i = 0; i < 8; i++) {
        bucket = bucket << 8 | digest[i];
    }

    return bucket;
}


static int
liveupdate_limits_allow(const liveupdate_limits_t *limits,
    const liveupdate_str_t *version)
{
    if (limits->min.len == 0 && limits->max.len == 0 && limits->eq.len == 0) {
        return 1;
    }

    if (!liveupdate_version_valid(version)) {
        return 0;
    }

    if (limits->min.len && liveupdate_version_cmp(version, &limits->min) < 0) {
        return 0;
    }

    if (limits->max.len && liveupdate_version_cmp(version, &limits->max) > 0) {
        return 0;
    }

    return limits->eq.len == 0
           || liveupdate_version_cmp(version, &limits->eq) != 0;
}
