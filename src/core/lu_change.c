
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change.h"
#include "lu_name.h"
#include "lu_time.h"


static liveupdate_rc_e liveupdate_name_get(const cJSON *body,
    liveupdate_str_t *name, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_type_set(cJSON *app, const cJSON *body,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_default_set(cJSON *app,
    const cJSON *channel_id, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_channel_set(cJSON *app, cJSON *channel,
    const cJSON *body, const char *now, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_expires_set(cJSON *channel,
    const cJSON *item, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_since_set(cJSON *channel, const char *key,
    int on, const char *now);
static int liveupdate_since(const cJSON *channel, const char *key);
static liveupdate_rc_e liveupdate_rollout_check(double rollout,
    liveupdate_error_t *err);
static void liveupdate_history_trim(cJSON *deployments);
static cJSON *liveupdate_find(const cJSON *array, const char *key,
    const char *value);
static liveupdate_rc_e liveupdate_no_channel(liveupdate_error_t *err);


static const char  *liveupdate_app_types[] = {
    "android", "capacitor", "cordova", "electron", "ios", NULL
};


cJSON *
liveupdate_app_create(const char *id, const char *name, const char *type,
    const char *organization, const char *channel_id,
    const char *channel_name, const char *now)
{
    cJSON               *app, *body, *channel;
    liveupdate_rc_e      rc;
    liveupdate_error_t   err;

    app = cJSON_CreateObject();
    body = cJSON_CreateObject();

    if (app == NULL
        || body == NULL
        || cJSON_AddStringToObject(app, "id", id) == NULL
        || cJSON_AddStringToObject(app, "name", name) == NULL
        || cJSON_AddStringToObject(app, "type", type) == NULL
        || cJSON_AddStringToObject(app, "organizationId", organization)
           == NULL
        || cJSON_AddNumberToObject(app, "generation", 0) == NULL
        || cJSON_AddNumberToObject(app, "nextBuildNumber", 1) == NULL
        || cJSON_AddStringToObject(app, "appChannelId", channel_id) == NULL
        || cJSON_AddFalseToObject(app, "appChannelDiscoveryEnabled") == NULL
        || cJSON_AddStringToObject(app, "createdAt", now) == NULL
        || cJSON_AddStringToObject(app, "updatedAt", now) == NULL
        || cJSON_AddArrayToObject(app, "channels") == NULL
        || cJSON_AddObjectToObject(app, "forcedDevices") == NULL
        || cJSON_AddStringToObject(body, "name", channel_name) == NULL)
    {
        goto failed;
    }

    rc = liveupdate_channel_create(app, body, channel_id, now, &channel, &err);
    if (rc != LIVEUPDATE_OK) {
        goto failed;
    }

    cJSON_Delete(body);

    return app;

failed:

    cJSON_Delete(body);
    cJSON_Delete(app);

    return NULL;
}


liveupdate_rc_e
liveupdate_app_update(cJSON *app, const cJSON *body, const char *now,
    liveupdate_error_t *err)
{
    int               discovery;
    cJSON            *channel_id;
    liveupdate_rc_e   rc;
    liveupdate_str_t  value;

    rc = liveupdate_name_get(body, &value, err);

    if (rc == LIVEUPDATE_OK) {
        rc = liveupdate_json_set_string(app, "name", (char *) value.data);
    }

    if (rc != LIVEUPDATE_OK && rc != LIVEUPDATE_NOT_FOUND) {
        return rc;
    }

    rc = liveupdate_type_set(app, body, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    channel_id = cJSON_GetObjectItemCaseSensitive(body, "appChannelId");

    if (channel_id) {
        rc = liveupdate_default_set(app, channel_id, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    rc = liveupdate_json_bool(body, "appChannelDiscoveryEnabled", &discovery);

    if (rc == LIVEUPDATE_INVALID) {
        return liveupdate_refuse(err, NULL, "\"appChannelDiscoveryEnabled\" "
                                            "must be true or false");
    }

    if (rc == LIVEUPDATE_OK
        && liveupdate_json_set(app, "appChannelDiscoveryEnabled",
                               cJSON_CreateBool(discovery))
           != LIVEUPDATE_OK)
    {
        return LIVEUPDATE_NOMEM;
    }

    rc = liveupdate_json_string(body, "organizationId", &value);

    if (rc == LIVEUPDATE_INVALID
        || (rc == LIVEUPDATE_OK && !liveupdate_id_valid(&value)))
    {
        return liveupdate_refuse(err, NULL,
                                 "\"organizationId\" must be the id of an "
                                 "organization");
    }

    if (rc == LIVEUPDATE_OK
        && liveupdate_json_set_string(app, "organizationId",
                                      (char *) value.data)
           != LIVEUPDATE_OK)
    {
        return LIVEUPDATE_NOMEM;
    }

    return liveupdate_json_set_string(app, "updatedAt", now);
}


/* LIVEUPDATE_NOT_FOUND: the body has no name, which is no error yet. */

static liveupdate_rc_e
liveupdate_name_get(const cJSON *body, liveupdate_str_t *name,
    liveupdate_error_t *err)
{
    liveupdate_rc_e  rc;

    rc = liveupdate_json_string(body, "name", name);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return rc;
    }

    if (rc != LIVEUPDATE_OK || !liveupdate_label_valid(name)) {
        return liveupdate_refuse(err, NULL,
                                 "\"name\" must be a string of 1 to 128 bytes "
                                 "without control characters, and without a "
                                 "space at either end");
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_type_set(cJSON *app, const cJSON *body, liveupdate_error_t *err)
{
    int               i;
    liveupdate_rc_e   rc;
    liveupdate_str_t  type;

    rc = liveupdate_json_string(body, "type", &type);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return LIVEUPDATE_OK;
    }

    for (i = 0; rc == LIVEUPDATE_OK && liveupdate_app_types[i]; i++) {
        if (liveupdate_str_is(&type, liveupdate_app_types[i])) {
            return liveupdate_json_set_string(app, "type",
                                         liveupdate_app_types[i]);
        }
    }

    return liveupdate_refuse(err, NULL,
                             "\"type\" must be android, capacitor, cordova, "
                             "electron or ios");
}


static liveupdate_rc_e
liveupdate_default_set(cJSON *app, const cJSON *channel_id,
    liveupdate_error_t *err)
{
    liveupdate_str_t  id;

    if (cJSON_IsNull(channel_id)) {
        return liveupdate_json_set(app, "appChannelId", cJSON_CreateNull());
    }

    if (liveupdate_json_value(channel_id, &id) != LIVEUPDATE_OK
        || liveupdate_app_channel_find(app, (char *) id.data) == NULL)
    {
        return liveupdate_refuse(err, NULL,
                                 "\"appChannelId\" must be the id of a "
                                 "channel of the app, or null");
    }

    return liveupdate_json_set_string(app, "appChannelId", (char *) id.data);
}


liveupdate_rc_e
liveupdate_app_number(cJSON *app, uint64_t *number)
{
    *number = 1;

    (void) liveupdate_json_size(app, "nextBuildNumber", number);

    return liveupdate_json_set(app, "nextBuildNumber",
                               cJSON_CreateNumber((double) *number + 1));
}


liveupdate_rc_e
liveupdate_channel_create(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel_out, liveupdate_error_t *err)
{
    cJSON             *channel, *channels;
    liveupdate_rc_e    rc;
    liveupdate_str_t   name;

    if (liveupdate_json_string(body, "name", &name) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, NULL, "a channel must have a \"name\"");
    }

    channel = cJSON_CreateObject();

    if (channel == NULL
        || cJSON_AddStringToObject(channel, "id", id) == NULL
        || cJSON_AddStringToObject(channel, "name", "") == NULL
        || cJSON_AddNullToObject(channel, "protectedAt") == NULL
        || cJSON_AddNullToObject(channel, "pausedAt") == NULL
        || cJSON_AddNullToObject(channel, "expiresAt") == NULL
        || cJSON_AddStringToObject(channel, "createdAt", now) == NULL
        || cJSON_AddStringToObject(channel, "updatedAt", now) == NULL
        || cJSON_AddArrayToObject(channel, "deployments") == NULL)
    {
        cJSON_Delete(channel);
        return LIVEUPDATE_NOMEM;
    }

    rc = liveupdate_channel_set(app, channel, body, now, err);
    if (rc != LIVEUPDATE_OK) {
        cJSON_Delete(channel);
        return rc;
    }

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");

    if (!cJSON_AddItemToArray(channels, channel)) {
        cJSON_Delete(channel);
        return liveupdate_refuse(err, NULL, "the app has no \"channels\"");
    }

    *channel_out = channel;

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_channel_update(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel_out, liveupdate_error_t *err)
{
    cJSON  *channel;

    channel = liveupdate_app_channel_find(app, id);
    if (channel == NULL) {
        return liveupdate_no_channel(err);
    }

    *channel_out = channel;

    return liveupdate_channel_set(app, channel, body, now, err);
}


static liveupdate_rc_e
liveupdate_channel_set(cJSON *app, cJSON *channel, const cJSON *body,
    const char *now, liveupdate_error_t *err)
{
    int                protect;
    cJSON             *same;
    const cJSON       *expires;
    liveupdate_rc_e    rc;
    liveupdate_str_t   name;

    rc = liveupdate_name_get(body, &name, err);

    if (rc == LIVEUPDATE_OK) {
        same = liveupdate_app_channel_named(app, (char *) name.data);

        if (same && same != channel) {
            (void) liveupdate_refuse(err, &name,
                                     "is the name of another channel already");
            return LIVEUPDATE_CONFLICT;
        }

        rc = liveupdate_json_set_string(channel, "name", (char *) name.data);
    }

    if (rc != LIVEUPDATE_OK && rc != LIVEUPDATE_NOT_FOUND) {
        return rc;
    }

    rc = liveupdate_json_bool(body, "protected", &protect);

    if (rc == LIVEUPDATE_INVALID) {
        return liveupdate_refuse(err, NULL,
                                 "\"protected\" must be true or false");
    }

    if (rc == LIVEUPDATE_OK) {
        rc = liveupdate_since_set(channel, "protectedAt", protect, now);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    expires = cJSON_GetObjectItemCaseSensitive(body, "expiresAt");

    if (expires) {
        rc = liveupdate_expires_set(channel, expires, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    return liveupdate_json_set_string(channel, "updatedAt", now);
}


/* A timestamp, or milliseconds since the epoch, or null. */

static liveupdate_rc_e
liveupdate_expires_set(cJSON *channel, const cJSON *item,
    liveupdate_error_t *err)
{
    char              text[LIVEUPDATE_TIME_SIZE];
    time_t            time;
    liveupdate_str_t  value;

    if (cJSON_IsNull(item)) {
        return liveupdate_json_set(channel, "expiresAt", cJSON_CreateNull());
    }

    if (cJSON_IsNumber(item)) {

        if (!(item->valuedouble >= 0
              && item->valuedouble < (LIVEUPDATE_TIME_MAX + 1) * 1000.0))
        {
            goto invalid;
        }

        time = (time_t) (item->valuedouble / 1000);

    } else if (liveupdate_json_value(item, &value) != LIVEUPDATE_OK
               || liveupdate_time_parse(&value, &time) != LIVEUPDATE_OK)
    {
        goto invalid;
    }

    liveupdate_time_print(text, time, 0);

    return liveupdate_json_set_string(channel, "expiresAt", text);

invalid:

    return liveupdate_refuse(err, NULL,
                             "\"expiresAt\" must be a timestamp such as "
                             "\"2030-01-31T12:00:00Z\", or null");
}


/* Since when a channel is paused or protected, or null; told twice, once. */

static liveupdate_rc_e
liveupdate_since_set(cJSON *channel, const char *key, int on, const char *now)
{
    if (liveupdate_since(channel, key) == on) {
        return LIVEUPDATE_OK;
    }

    return liveupdate_json_set(channel, key, on ? cJSON_CreateString(now)
                                                : cJSON_CreateNull());
}


/* As liveupdate_app_parse() sees it: whatever is not null. */

static int
liveupdate_since(const cJSON *channel, const char *key)
{
    liveupdate_str_t  value;

    return liveupdate_json_string(channel, key, &value)
           != LIVEUPDATE_NOT_FOUND;
}


liveupdate_rc_e
liveupdate_channel_pause(cJSON *app, const char *id, int paused,
    const char *now, liveupdate_error_t *err)
{
    cJSON            *channel;
    liveupdate_rc_e   rc;

    channel = liveupdate_app_channel_find(app, id);
    if (channel == NULL) {
        return liveupdate_no_channel(err);
    }

    rc = liveupdate_since_set(channel, "pausedAt", paused, now);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    return liveupdate_json_set_string(channel, "updatedAt", now);
}


liveupdate_rc_e
liveupdate_channel_delete(cJSON *app, const char *id, liveupdate_error_t *err)
{
    cJSON             *channel, *forced, *item, *next;
    liveupdate_rc_e    rc;
    liveupdate_str_t   value;

    channel = liveupdate_app_channel_find(app, id);
    if (channel == NULL) {
        return liveupdate_no_channel(err);
    }

    if (liveupdate_json_string(app, "appChannelId", &value) == LIVEUPDATE_OK
        && liveupdate_str_is(&value, id))
    {
        rc = liveupdate_json_set(app, "appChannelId", cJSON_CreateNull());
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    for (item = forced ? forced->child : NULL; item; item = next) {
        next = item->next;

        if (liveupdate_json_value(item, &value) == LIVEUPDATE_OK
            && liveupdate_str_is(&value, id))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(forced, item));
        }
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(
                     cJSON_GetObjectItemCaseSensitive(app, "channels"),
                     channel));

    return LIVEUPDATE_OK;
}


const cJSON *
liveupdate_channel_before(const cJSON *channel, unsigned steps)
{
    const cJSON       *item, *next;
    liveupdate_str_t   release, other;

    item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(channel,
                                                               "deployments"),
                              0);

    for ( /* void */ ; item && steps; steps--) {

        if (liveupdate_json_string(item, "release", &release)
            != LIVEUPDATE_OK)
        {
            return NULL;
        }

        for (next = item->next; next; next = next->next) {

            if (liveupdate_json_string(next, "release", &other)
                == LIVEUPDATE_OK
                && liveupdate_str_eq(&other, &release))
            {
                item = next;
            }
        }

        item = item->next;
    }

    return item;
}


liveupdate_rc_e
liveupdate_deploy(cJSON *app, const char *channel_id, const char *id,
    const char *release, double rollout, int is_signed, const char *by,
    const char *now, liveupdate_error_t *err)
{
    cJSON            *channel, *deployment, *deployments;
    liveupdate_rc_e   rc;

    if (liveupdate_app_deployment_find(app, id, &channel)) {
        return LIVEUPDATE_OK;
    }

    channel = liveupdate_app_channel_find(app, channel_id);
    if (channel == NULL) {
        return liveupdate_no_channel(err);
    }

    rc = liveupdate_rollout_check(rollout, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!is_signed && liveupdate_since(channel, "protectedAt")) {
        (void) liveupdate_refuse(err, NULL,
                                 "the channel is protected: it takes only "
                                 "bundles that are signed (upload with "
                                 "--private-key)");
        return LIVEUPDATE_FORBIDDEN;
    }

    deployment = cJSON_CreateObject();

    if (deployment == NULL
        || cJSON_AddStringToObject(deployment, "id", id) == NULL
        || cJSON_AddStringToObject(deployment, "release", release) == NULL
        || cJSON_AddNumberToObject(deployment, "rollout", rollout) == NULL
        || cJSON_AddStringToObject(deployment, "createdBy", by) == NULL
        || cJSON_AddStringToObject(deployment, "createdAt", now) == NULL
        || cJSON_AddStringToObject(deployment, "updatedAt", now) == NULL)
    {
        cJSON_Delete(deployment);
        return LIVEUPDATE_NOMEM;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

    if (!cJSON_InsertItemInArray(deployments, 0, deployment)) {
        cJSON_Delete(deployment);
        return liveupdate_refuse(err, NULL,
                                 "the channel has no \"deployments\"");
    }

    liveupdate_history_trim(deployments);

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_rollout_check(double rollout, liveupdate_error_t *err)
{
    if (!(rollout >= 0 && rollout <= 1)) {
        return liveupdate_refuse(err, NULL, "\"rolloutPercentage\" must be "
                                            "a number from 0 to 1");
    }

    return LIVEUPDATE_OK;
}


/* What devices outside the newest rollouts fall back to is kept. */

static void
liveupdate_history_trim(cJSON *deployments)
{
    int      n, needed;
    cJSON   *item, *next;
    double   rollout;

    n = 0;
    needed = 1;

    for (item = deployments->child; item; item = next) {
        next = item->next;

        if (!needed && n >= LIVEUPDATE_HISTORY) {
            cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            continue;
        }

        n++;
        rollout = 0;

        (void) liveupdate_json_number(item, "rollout", &rollout);

        if (rollout >= 1) {
            needed = 0;
        }
    }
}


liveupdate_rc_e
liveupdate_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, liveupdate_error_t *err)
{
    cJSON            *channel, *deployment;
    liveupdate_rc_e   rc;

    deployment = liveupdate_app_deployment_find(app, id, &channel);

    if (deployment == NULL) {
        (void) liveupdate_refuse(err, NULL, "Deployment not found.");
        return LIVEUPDATE_NOT_FOUND;
    }

    rc = liveupdate_rollout_check(rollout, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_json_set(deployment, "rollout",
                             cJSON_CreateNumber(rollout));
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    return liveupdate_json_set_string(deployment, "updatedAt", now);
}


void
liveupdate_release_delete(cJSON *app, const char *release)
{
    cJSON             *channel, *deployments, *item, *next;
    liveupdate_str_t   value;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        deployments = cJSON_GetObjectItemCaseSensitive(channel,
                                                       "deployments");

        for (item = deployments ? deployments->child : NULL;
             item;
             item = next)
        {
            next = item->next;

            if (liveupdate_json_string(item, "release", &value)
                == LIVEUPDATE_OK
                && liveupdate_str_is(&value, release))
            {
                cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            }
        }
    }
}


liveupdate_rc_e
liveupdate_device_force(cJSON *app, const char *device,
    const char *channel_id, liveupdate_error_t *err)
{
    cJSON             *forced;
    liveupdate_str_t   value;

    value.len = strlen(device);
    value.data = (unsigned char *) device;

    if (!liveupdate_device_id_valid(&value)) {
        return liveupdate_refuse(err, NULL, "a device id must have 1 to 128 "
                                 "bytes without control characters");
    }

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    if (forced == NULL) {
        forced = cJSON_AddObjectToObject(app, "forcedDevices");
        if (forced == NULL) {
            return LIVEUPDATE_NOMEM;
        }
    }

    if (channel_id == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(forced, device);
        return LIVEUPDATE_OK;
    }

    if (liveupdate_app_channel_find(app, channel_id) == NULL) {
        return liveupdate_no_channel(err);
    }

    return liveupdate_json_set_string(forced, device, channel_id);
}


cJSON *
liveupdate_app_channel_find(const cJSON *app, const char *id)
{
    return liveupdate_find(cJSON_GetObjectItemCaseSensitive(app, "channels"),
                           "id", id);
}


cJSON *
liveupdate_app_channel_named(const cJSON *app, const char *name)
{
    return liveupdate_find(cJSON_GetObjectItemCaseSensitive(app, "channels"),
                           "name", name);
}


cJSON *
liveupdate_app_deployment_find(const cJSON *app, const char *id,
    cJSON **channel_out)
{
    cJSON  *channel, *deployment;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        deployment = liveupdate_find(
                         cJSON_GetObjectItemCaseSensitive(channel,
                                                          "deployments"),
                         "id", id);
        if (deployment) {
            *channel_out = channel;
            return deployment;
        }
    }

    return NULL;
}


static cJSON *
liveupdate_find(const cJSON *array, const char *key, const char *value)
{
    cJSON        *item;
    const cJSON  *member;

    cJSON_ArrayForEach(item, array) {
        member = cJSON_GetObjectItemCaseSensitive(item, key);

        if (cJSON_IsString(member) && strcmp(member->valuestring, value) == 0)
        {
            return item;
        }
    }

    return NULL;
}


static liveupdate_rc_e
liveupdate_no_channel(liveupdate_error_t *err)
{
    (void) liveupdate_refuse(err, NULL, "Channel not found.");

    return LIVEUPDATE_NOT_FOUND;
}
