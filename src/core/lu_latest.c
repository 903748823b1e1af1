
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_latest.h"
#include "lu_name.h"
#include "lu_query.h"
#include "lu_rollout.h"
#include "lu_version.h"


static lu_str_t *lu_latest_field(lu_check_t *check, const lu_str_t *name,
    unsigned *expected);
static int lu_latest_allows(const lu_limits_t *limits,
    const lu_str_t *version);
static int lu_latest_needs_checksum(const lu_check_t *check);


static const struct {
    const char  *name;
    size_t       len;
    size_t       offset;
} lu_latest_args[] = {

#define lu_latest_arg(name, field)                                            \
    { name, sizeof(name) - 1, offsetof(lu_check_t, field) }

    lu_latest_arg("appVersionCode", app_version_code),
    lu_latest_arg("appVersionName", app_version_name),
    lu_latest_arg("bundleId", bundle_id),
    lu_latest_arg("channelName", channel_name),
    lu_latest_arg("customId", custom_id),
    lu_latest_arg("deviceId", device_id),
    lu_latest_arg("osVersion", os_version),
    lu_latest_arg("pluginVersion", plugin_version)
};


#define LU_LATEST_ARGS  (sizeof(lu_latest_args) / sizeof(lu_latest_args[0]))


lu_rc_e
lu_latest_parse(lu_check_t *check, const lu_str_t *args, unsigned char *buf,
    lu_error_t *err)
{
    int        is_plain;
    unsigned   expected;
    lu_str_t   rest, name, value, platform, *field;

    memset(check, 0, sizeof(lu_check_t));

    platform.len = 0;
    platform.data = NULL;
    expected = 0;
    rest = *args;

    /* so are nearly all: there is nothing to decode, and all is UTF-8 */

    is_plain = args->len && lu_str_printable(args)
               && memchr(args->data, '%', args->len) == NULL;

    while (lu_query_next(&rest, &name, &value)) {

        if (value.len == 0) {
            continue;
        }

        field = lu_latest_field(check, &name, &expected);

        if (field == NULL) {

            if (platform.len == 0 && lu_str_is(&name, "platform")) {
                platform = value;
            }

            continue;
        }

        if (field->len) {
            continue;
        }

        *field = value;

        if (!is_plain) {

            if (lu_query_decode(field, buf, &value, 0) != LU_OK
                || !lu_str_utf8_valid(field))
            {
                return lu_error(err, &name, "is not percent-encoded UTF-8");
            }

            buf += field->len;
        }

        if (field == &check->channel_name
            && memchr(value.data, '+', value.len))
        {
            (void) lu_query_decode(&check->channel_name_form, buf, &value, 1);
            buf += value.len;
        }
    }

    if (platform.len != 1
        || platform.data[0] < '0' + LU_OS_ANDROID
        || platform.data[0] > '0' + LU_OS_ELECTRON)
    {
        return lu_error(err, NULL, "\"platform\" must be 0 (Android), 1 (iOS) "
                                   "or 2 (Electron)");
    }

    check->platform = platform.data[0] - '0';

    if (check->device_id.len && !lu_name_device_id_valid(&check->device_id)) {
        return lu_error(err, NULL, "\"deviceId\" must be at most 128 bytes "
                        "without control characters");
    }

    /* the query is not changed */

    if (check->device_id.len) {
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


/*
 * The plugins send the parameters in the order of the table: the one behind
 * the last one is looked at first.
 */

static lu_str_t *
lu_latest_field(lu_check_t *check, const lu_str_t *name, unsigned *expected)
{
    unsigned  i, n;

    for (n = 0; n < LU_LATEST_ARGS; n++) {
        i = (*expected + n) % LU_LATEST_ARGS;

        if (name->len == lu_latest_args[i].len
            && memcmp(name->data, lu_latest_args[i].name, name->len) == 0)
        {
            *expected = i + 1;

            return (lu_str_t *) ((unsigned char *) check
                                 + lu_latest_args[i].offset);
        }
    }

    return NULL;
}


lu_check_e
lu_latest(const lu_app_t *app, const lu_check_t *check, time_t now,
    const lu_channel_t **channel_out, const lu_deployment_t **deployment_out)
{
    size_t                  i;
    const lu_channel_t     *channel;
    const lu_release_t     *release;
    const lu_deployment_t  *deployment;

    *deployment_out = NULL;

    channel = lu_app_forced_find(app, &check->device_id);

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

    for (i = 0; i < channel->ndeployments; i++) {
        if (channel->deployments[i].release
            && lu_rollout_has(&channel->deployments[i].rollout,
                              &channel->deployments[i].id, &check->device_id))
        {
            deployment = &channel->deployments[i];
            break;
        }
    }

    if (deployment == NULL) {
        return LU_CHECK_EMPTY;
    }

    release = deployment->release;

    if (check->platform <= LU_OS_IOS
        && !lu_latest_allows(&release->limits[check->platform],
                             &check->app_version_code))
    {
        return LU_CHECK_VERSION;
    }

    if (release->kind == LU_KIND_ZIP
        && release->checksum.len == 0
        && lu_latest_needs_checksum(check))
    {
        return LU_CHECK_VERSION;
    }

    if (channel->is_protected && !release->is_signed) {
        return LU_CHECK_UNSIGNED;
    }

    *deployment_out = deployment;

    return lu_str_eq(&release->id, &check->bundle_id)
           ? LU_CHECK_CURRENT : LU_CHECK_UPDATE;
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
