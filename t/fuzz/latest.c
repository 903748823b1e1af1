
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Of a check for an update: what was read is in the query string, once
 * decoded, and in UTF-8; what is decided fits what the app says, and is the
 * same when the device asks again.
 */


#include "fuzz.h"
#include "lu_latest.h"
#include "lu_name.h"
#include "lu_query.h"
#include "lu_version.h"


#define NOW  1000


static const char  app_text[] =
    "{\"id\":\"app\",\"appChannelId\":\"c1\",\"channels\":["
    "{\"id\":\"c1\",\"name\":\"default\",\"deployments\":["
        "{\"id\":\"d3\",\"release\":\"limits\",\"rollout\":0.25},"
        "{\"id\":\"d2\",\"release\":\"r2\",\"rollout\":0.5},"
        "{\"id\":\"d1\",\"release\":\"r1\",\"rollout\":1}]},"
    "{\"id\":\"c2\",\"name\":\"a+b\",\"deployments\":["
        "{\"id\":\"d4\",\"release\":\"limits\",\"rollout\":1}]},"
    "{\"id\":\"c3\",\"name\":\"a b\",\"deployments\":["
        "{\"id\":\"d5\",\"release\":\"lost\",\"rollout\":1}]},"
    "{\"id\":\"c4\",\"name\":\"paused\",\"pausedAt\":\"x\","
        "\"deployments\":[]},"
    "{\"id\":\"c5\",\"name\":\"end\",\"deployments\":[],"
        "\"expiresAt\":\"1970-01-01T00:00:00Z\"},"
    "{\"id\":\"c6\",\"name\":\"\xc3\xbc\",\"protectedAt\":\"x\","
        "\"deployments\":["
        "{\"id\":\"d7\",\"release\":\"signed\",\"rollout\":0.5},"
        "{\"id\":\"d6\",\"release\":\"r1\",\"rollout\":1}]}],"
    "\"forcedDevices\":{\"f1\":\"c1\",\"f/2\":\"c4\",\"\xc3\xbc\":\"c6\"}}";


static const char  *release_texts[] = {
    "{\"id\":\"r1\",\"kind\":\"zip\"}",
    "{\"id\":\"r2\",\"kind\":\"zip\"}",
    "{\"id\":\"signed\",\"kind\":\"zip\",\"signed\":true}",
    "{\"id\":\"limits\",\"kind\":\"zip\",\"minAndroidAppVersionCode\":\"10\","
        "\"maxAndroidAppVersionCode\":\"12\","
        "\"eqAndroidAppVersionCode\":\"11\",\"minIosAppVersionCode\":\"1.2\","
        "\"maxIosAppVersionCode\":\"2.0\",\"eqIosAppVersionCode\":\"1.10\"}"
};


static fuzz_block_t          *app_blocks;
static lu_app_t       app;
static lu_release_t   releases[4];


static void
init(void)
{
    size_t            i, j, k;
    lu_str_t          text;
    lu_arena_t        arena;
    lu_error_t        err;
    lu_deployment_t  *deployment;

    arena.alloc = fuzz_alloc;
    arena.data = &app_blocks;

    text = fuzz_str(app_text);
    require(lu_app_parse(&arena, &text, &app, &err) == LU_OK);

    for (k = 0; k < 4; k++) {
        text = fuzz_str(release_texts[k]);
        require(lu_release_parse(&arena, &text, &releases[k], &err) == LU_OK);

        for (i = 0; i < app.nchannels; i++) {
            for (j = 0; j < app.channels[i].ndeployments; j++) {
                deployment = &app.channels[i].deployments[j];

                if (lu_str_eq(&deployment->release_id, &releases[k].id)) {
                    deployment->release = &releases[k];
                }
            }
        }
    }
}


/* The first value of a parameter that is not empty, decoded. */

static void
check_value(const lu_str_t *args, const char *key, const lu_str_t *found)
{
    lu_str_t  rest, name, value, decoded;

    rest = *args;

    while (lu_query_next(&rest, &name, &value)) {

        if (value.len == 0 || !lu_str_is(&name, key)) {
            continue;
        }

        decoded.data = malloc(value.len);

        require(lu_query_decode(&decoded, decoded.data, &value, 0) == LU_OK);

        if (strcmp(key, "deviceId") == 0) {
            lu_name_device_id_fold(&decoded);
        }

        require(lu_str_eq(&decoded, found));
        require(lu_str_utf8_valid(found));

        free(decoded.data);
        return;
    }

    require(found->len == 0);
}


static void
check_values(const lu_str_t *args, const lu_check_t *check)
{
    size_t    i;
    lu_str_t  bundle;

    check_value(args, "appVersionCode", &check->app_version_code);
    check_value(args, "appVersionName", &check->app_version_name);
    check_value(args, "channelName", &check->channel_name);
    check_value(args, "customId", &check->custom_id);
    check_value(args, "deviceId", &check->device_id);
    check_value(args, "osVersion", &check->os_version);
    check_value(args, "pluginVersion", &check->plugin_version);

    bundle = check->bundle_id;

    if (bundle.data && bundle.len == 0) {
        bundle = fuzz_str("public");
    }

    check_value(args, "bundleId", &bundle);

    require(check->device_id.len == 0
            || lu_name_device_id_valid(&check->device_id));

    if (check->channel_name_form.len) {
        require(check->channel_name_form.len == check->channel_name.len);

        for (i = 0; i < check->channel_name.len; i++) {
            require(check->channel_name_form.data[i]
                    == check->channel_name.data[i]
                    || (check->channel_name_form.data[i] == ' '
                        && check->channel_name.data[i] == '+'));
        }

    } else {
        require(check->channel_name.len == 0
                || memchr(check->channel_name.data, '+',
                          check->channel_name.len) == NULL
                || memchr(args->data, '%', args->len) != NULL);
    }
}


static void
check_limits(const lu_limits_t *limits,
    const lu_str_t *version)
{
    if (limits->min.len) {
        require(lu_version_valid(version));
        require(lu_version_cmp(version, &limits->min) >= 0);
        require(lu_version_cmp(version, &limits->max) <= 0);
        require(lu_version_cmp(version, &limits->eq) != 0);
    }
}


static void
check_latest(const lu_check_t *check)
{
    lu_check_e              result;
    const lu_channel_t     *channel, *again, *forced;
    const lu_deployment_t  *deployment, *same;

    result = lu_latest(&app, check, NOW, &channel, &deployment);

    require(lu_latest(&app, check, NOW, &again, &same) == result
            && channel == again && deployment == same);

    require((deployment != NULL) == (result == LU_CHECK_UPDATE
                                     || result == LU_CHECK_CURRENT));
    require((channel == NULL) == (result == LU_CHECK_NO_CHANNEL));

    forced = check->device_id.len ? lu_app_forced_find(&app, &check->device_id)
                                  : NULL;

    if (forced) {
        require(channel == forced);

    } else if (check->channel_name.len == 0) {
        require(channel == app.channel);

    } else if (channel) {
        require(lu_str_eq(&channel->name, &check->channel_name)
                || lu_str_eq(&channel->name, &check->channel_name_form));
    }

    if (deployment == NULL) {
        return;
    }

    require(deployment >= channel->deployments
            && deployment < channel->deployments + channel->ndeployments);
    require(!channel->paused && channel->expires > NOW);
    require(deployment->release != NULL);
    require(!channel->is_protected || deployment->release->is_signed);
    require(deployment->rollout.everyone || check->device_id.len);
    require(lu_str_eq(&check->bundle_id, &deployment->release->id)
            == (result == LU_CHECK_CURRENT));

    if (check->platform <= LU_OS_IOS) {
        check_limits(&deployment->release->limits[check->platform],
                     &check->app_version_code);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_rc_e         rc;
    lu_str_t        args;
    lu_error_t      err;
    lu_check_t      check;
    unsigned char  *buf;

    if (app.channels == NULL) {
        init();
    }

    /* nginx lets no zero byte pass */

    if (size && memchr(data, '\0', size)) {
        return 0;
    }

    err.text = NULL;
    args = fuzz_copy(data, size);
    buf = malloc(2 * size);

    rc = lu_latest_parse(&check, &args, buf, &err);

    require(memcmp(args.data, data, size) == 0);

    if (rc == LU_OK) {
        check_values(&args, &check);
        check_latest(&check);

    } else {
        fuzz_refused(rc, &err);
    }

    free(args.data);
    free(buf);

    return 0;
}
