
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change.h"
#include "lu_name.h"
#include "lu_put.h"
#include "lu_time.h"


static lu_rc_e lu_name_get(const cJSON *body, lu_str_t *name, lu_error_t *err);
static lu_rc_e lu_type_set(cJSON *app, const cJSON *body, lu_error_t *err);
static lu_rc_e lu_default_set(cJSON *app, const cJSON *channel_id,
    lu_error_t *err);
static lu_rc_e lu_channel_set(cJSON *app, cJSON *channel, const cJSON *body,
    const char *now, lu_error_t *err);
static lu_rc_e lu_expires_set(cJSON *channel, const cJSON *item,
    lu_error_t *err);
static lu_rc_e lu_since_set(cJSON *channel, const char *key, int on,
    const char *now);
static int lu_since(const cJSON *channel, const char *key);
static lu_rc_e lu_rollout_check(double rollout, lu_error_t *err);
static void lu_history_trim(cJSON *deployments);
static cJSON *lu_find(const cJSON *array, const char *key, const char *value);
static lu_rc_e lu_no_channel(lu_error_t *err);


static const char  *lu_app_types[] = {
    "android", "capacitor", "cordova", "electron", "ios", NULL
};


cJSON *
lu_change_app_create(const char *id, const char *name, const char *type,
    const char *organization, const char *channel_id, const char *channel_name,
    const char *now)
{
    cJSON      *app, *body, *channel;
    lu_put_t    put;
    lu_error_t  err;

    lu_put_init(&put);

    app = cJSON_CreateObject();
    body = cJSON_CreateObject();

    lu_put_string(&put, app, "id", id);
    lu_put_string(&put, app, "name", name);
    lu_put_string(&put, app, "type", type);
    lu_put_string(&put, app, "organizationId", organization);
    lu_put_number(&put, app, "generation", 0);
    lu_put_number(&put, app, "nextBuildNumber", 1);
    lu_put_string(&put, app, "appChannelId", channel_id);
    lu_put_bool(&put, app, "appChannelDiscoveryEnabled", 0);
    lu_put_string(&put, app, "createdAt", now);
    lu_put_string(&put, app, "updatedAt", now);
    (void) lu_put_array(&put, app, "channels");
    (void) lu_put_object(&put, app, "forcedDevices");

    lu_put_string(&put, body, "name", channel_name);

    if (!put.failed
        && lu_change_channel_create(app, body, channel_id, now, &channel, &err)
           != LU_OK)
    {
        put.failed = 1;
    }

    cJSON_Delete(body);

    return lu_put_done(&put, app);
}


lu_rc_e
lu_change_app_update(cJSON *app, const cJSON *body, const char *now,
    lu_error_t *err)
{
    int       discovery;
    cJSON    *channel_id;
    lu_rc_e   rc;
    lu_str_t  value;

    rc = lu_name_get(body, &value, err);

    if (rc == LU_OK) {
        rc = lu_json_set_string(app, "name", (char *) value.data);
    }

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    rc = lu_type_set(app, body, err);
    if (rc != LU_OK) {
        return rc;
    }

    channel_id = cJSON_GetObjectItemCaseSensitive(body, "appChannelId");

    if (channel_id) {
        rc = lu_default_set(app, channel_id, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_json_bool(body, "appChannelDiscoveryEnabled", &discovery);

    if (rc == LU_INVALID) {
        return lu_error(err, NULL, "\"appChannelDiscoveryEnabled\" must be "
                                   "true or false");
    }

    if (rc == LU_OK
        && lu_json_set(app, "appChannelDiscoveryEnabled",
                       cJSON_CreateBool(discovery))
           != LU_OK)
    {
        return LU_NOMEM;
    }

    rc = lu_json_string(body, "organizationId", &value);

    if (rc == LU_INVALID || (rc == LU_OK && !lu_name_id_valid(&value))) {
        return lu_error(err, NULL, "\"organizationId\" must be the id of an "
                        "organization");
    }

    if (rc == LU_OK
        && lu_json_set_string(app, "organizationId",
                              (char *) value.data)
           != LU_OK)
    {
        return LU_NOMEM;
    }

    return lu_json_set_string(app, "updatedAt", now);
}


/* LU_NOT_FOUND: the body has no name, which is no error yet. */

static lu_rc_e
lu_name_get(const cJSON *body, lu_str_t *name, lu_error_t *err)
{
    lu_rc_e  rc;

    rc = lu_json_string(body, "name", name);

    if (rc == LU_NOT_FOUND) {
        return rc;
    }

    if (rc != LU_OK || !lu_name_label_valid(name)) {
        return lu_error(err, NULL,
                        "\"name\" must be a string of 1 to 128 bytes without "
                        "control characters, and without a space at either "
                        "end");
    }

    return LU_OK;
}


static lu_rc_e
lu_type_set(cJSON *app, const cJSON *body, lu_error_t *err)
{
    int       i;
    lu_rc_e   rc;
    lu_str_t  type;

    rc = lu_json_string(body, "type", &type);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    for (i = 0; rc == LU_OK && lu_app_types[i]; i++) {
        if (lu_str_is(&type, lu_app_types[i])) {
            return lu_json_set_string(app, "type", lu_app_types[i]);
        }
    }

    return lu_error(err, NULL,
                    "\"type\" must be android, capacitor, cordova, electron "
                    "or ios");
}


static lu_rc_e
lu_default_set(cJSON *app, const cJSON *channel_id, lu_error_t *err)
{
    lu_str_t  id;

    if (cJSON_IsNull(channel_id)) {
        return lu_json_set(app, "appChannelId", cJSON_CreateNull());
    }

    if (lu_json_value(channel_id, &id) != LU_OK
        || lu_change_channel_find(app, (char *) id.data) == NULL)
    {
        return lu_error(err, NULL, "\"appChannelId\" must be the id of a "
                        "channel of the app, or null");
    }

    return lu_json_set_string(app, "appChannelId", (char *) id.data);
}


lu_rc_e
lu_change_build_number(cJSON *app, uint64_t *number)
{
    *number = 1;

    (void) lu_json_size(app, "nextBuildNumber", number);

    return lu_json_set(app, "nextBuildNumber",
                       cJSON_CreateNumber((double) *number + 1));
}


lu_rc_e
lu_change_channel_create(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel_out, lu_error_t *err)
{
    cJSON    *channel, *channels;
    lu_rc_e   rc;
    lu_put_t  put;
    lu_str_t  name;

    if (lu_json_string(body, "name", &name) != LU_OK) {
        return lu_error(err, NULL, "a channel must have a \"name\"");
    }

    lu_put_init(&put);

    channel = cJSON_CreateObject();

    lu_put_string(&put, channel, "id", id);
    lu_put_string(&put, channel, "name", "");
    lu_put_null(&put, channel, "protectedAt");
    lu_put_null(&put, channel, "pausedAt");
    lu_put_null(&put, channel, "expiresAt");
    lu_put_string(&put, channel, "createdAt", now);
    lu_put_string(&put, channel, "updatedAt", now);
    (void) lu_put_array(&put, channel, "deployments");

    channel = lu_put_done(&put, channel);
    if (channel == NULL) {
        return LU_NOMEM;
    }

    rc = lu_channel_set(app, channel, body, now, err);
    if (rc != LU_OK) {
        cJSON_Delete(channel);
        return rc;
    }

    channels = cJSON_GetObjectItemCaseSensitive(app, "channels");

    if (!cJSON_AddItemToArray(channels, channel)) {
        cJSON_Delete(channel);
        return lu_error(err, NULL, "the app has no \"channels\"");
    }

    *channel_out = channel;

    return LU_OK;
}


lu_rc_e
lu_change_channel_update(cJSON *app, const cJSON *body, const char *id,
    const char *now, cJSON **channel_out, lu_error_t *err)
{
    cJSON  *channel;

    channel = lu_change_channel_find(app, id);
    if (channel == NULL) {
        return lu_no_channel(err);
    }

    *channel_out = channel;

    return lu_channel_set(app, channel, body, now, err);
}


static lu_rc_e
lu_channel_set(cJSON *app, cJSON *channel, const cJSON *body, const char *now,
    lu_error_t *err)
{
    int           protect;
    cJSON        *same;
    const cJSON  *expires;
    lu_rc_e       rc;
    lu_str_t      name;

    rc = lu_name_get(body, &name, err);

    if (rc == LU_OK) {
        same = lu_change_channel_named(app, (char *) name.data);

        if (same && same != channel) {
            (void) lu_error(err, &name,
                            "is the name of another channel already");
            return LU_CONFLICT;
        }

        rc = lu_json_set_string(channel, "name", (char *) name.data);
    }

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    rc = lu_json_bool(body, "protected", &protect);

    if (rc == LU_INVALID) {
        return lu_error(err, NULL, "\"protected\" must be true or false");
    }

    if (rc == LU_OK) {
        rc = lu_since_set(channel, "protectedAt", protect, now);
        if (rc != LU_OK) {
            return rc;
        }
    }

    expires = cJSON_GetObjectItemCaseSensitive(body, "expiresAt");

    if (expires) {
        rc = lu_expires_set(channel, expires, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_json_set_string(channel, "updatedAt", now);
}


/* A timestamp, or milliseconds since the epoch, or null. */

static lu_rc_e
lu_expires_set(cJSON *channel, const cJSON *item, lu_error_t *err)
{
    char      text[LU_TIME_SIZE];
    time_t    time;
    lu_str_t  value;

    if (cJSON_IsNull(item)) {
        return lu_json_set(channel, "expiresAt", cJSON_CreateNull());
    }

    if (cJSON_IsNumber(item)) {

        if (!(item->valuedouble >= 0
              && item->valuedouble < (LU_TIME_MAX + 1) * 1000.0))
        {
            goto invalid;
        }

        time = (time_t) (item->valuedouble / 1000);

    } else if (lu_json_value(item, &value) != LU_OK
               || lu_time_parse(&value, &time) != LU_OK)
    {
        goto invalid;
    }

    lu_time_print(text, time, 0);

    return lu_json_set_string(channel, "expiresAt", text);

invalid:

    return lu_error(err, NULL, "\"expiresAt\" must be a timestamp such as "
                    "\"2030-01-31T12:00:00Z\", or null");
}


/* Since when a channel is paused or protected, or null; told twice, once. */

static lu_rc_e
lu_since_set(cJSON *channel, const char *key, int on, const char *now)
{
    if (lu_since(channel, key) == on) {
        return LU_OK;
    }

    return lu_json_set(channel, key, on ? cJSON_CreateString(now)
                                        : cJSON_CreateNull());
}


/* As lu_app_parse() sees it: whatever is not null. */

static int
lu_since(const cJSON *channel, const char *key)
{
    lu_str_t  value;

    return lu_json_string(channel, key, &value) != LU_NOT_FOUND;
}


lu_rc_e
lu_change_channel_pause(cJSON *app, const char *id, int paused,
    const char *now, lu_error_t *err)
{
    cJSON   *channel;
    lu_rc_e  rc;

    channel = lu_change_channel_find(app, id);
    if (channel == NULL) {
        return lu_no_channel(err);
    }

    rc = lu_since_set(channel, "pausedAt", paused, now);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_json_set_string(channel, "updatedAt", now);
}


lu_rc_e
lu_change_channel_delete(cJSON *app, const char *id, lu_error_t *err)
{
    cJSON    *channel, *forced, *item, *next;
    lu_rc_e   rc;
    lu_str_t  value;

    channel = lu_change_channel_find(app, id);
    if (channel == NULL) {
        return lu_no_channel(err);
    }

    if (lu_json_string(app, "appChannelId", &value) == LU_OK
        && lu_str_is(&value, id))
    {
        rc = lu_json_set(app, "appChannelId", cJSON_CreateNull());
        if (rc != LU_OK) {
            return rc;
        }
    }

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    for (item = forced ? forced->child : NULL; item; item = next) {
        next = item->next;

        if (lu_json_value(item, &value) == LU_OK && lu_str_is(&value, id)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(forced, item));
        }
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(
                     cJSON_GetObjectItemCaseSensitive(app, "channels"),
                     channel));

    return LU_OK;
}


const cJSON *
lu_change_channel_before(const cJSON *channel, unsigned steps)
{
    const cJSON  *item, *next;
    lu_str_t      release, other;

    item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(channel,
                                                               "deployments"),
                              0);

    for ( /* void */ ; item && steps; steps--) {

        if (lu_json_string(item, "release", &release) != LU_OK) {
            return NULL;
        }

        for (next = item->next; next; next = next->next) {

            if (lu_json_string(next, "release", &other) == LU_OK
                && lu_str_eq(&other, &release))
            {
                item = next;
            }
        }

        item = item->next;
    }

    return item;
}


lu_rc_e
lu_change_deploy(cJSON *app, const char *channel_id, const char *id,
    const char *release, double rollout, int is_signed, const char *by,
    const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment, *deployments;
    lu_rc_e   rc;
    lu_put_t  put;

    if (lu_change_deployment_find(app, id, &channel)) {
        return LU_OK;
    }

    channel = lu_change_channel_find(app, channel_id);
    if (channel == NULL) {
        return lu_no_channel(err);
    }

    rc = lu_rollout_check(rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!is_signed && lu_since(channel, "protectedAt")) {
        (void) lu_error(err, NULL, "the channel is protected: it takes only "
                        "bundles that are signed (upload with --private-key)");
        return LU_FORBIDDEN;
    }

    lu_put_init(&put);

    deployment = cJSON_CreateObject();

    lu_put_string(&put, deployment, "id", id);
    lu_put_string(&put, deployment, "release", release);
    lu_put_number(&put, deployment, "rollout", rollout);
    lu_put_string(&put, deployment, "createdBy", by);
    lu_put_string(&put, deployment, "createdAt", now);
    lu_put_string(&put, deployment, "updatedAt", now);

    deployment = lu_put_done(&put, deployment);
    if (deployment == NULL) {
        return LU_NOMEM;
    }

    deployments = cJSON_GetObjectItemCaseSensitive(channel, "deployments");

    if (!cJSON_InsertItemInArray(deployments, 0, deployment)) {
        cJSON_Delete(deployment);
        return lu_error(err, NULL, "the channel has no \"deployments\"");
    }

    lu_history_trim(deployments);

    return LU_OK;
}


static lu_rc_e
lu_rollout_check(double rollout, lu_error_t *err)
{
    if (!(rollout >= 0 && rollout <= 1)) {
        return lu_error(err, NULL, "\"rolloutPercentage\" must be "
                                   "a number from 0 to 1");
    }

    return LU_OK;
}


/* What devices outside the newest rollouts fall back to is kept. */

static void
lu_history_trim(cJSON *deployments)
{
    int      n, needed;
    cJSON   *item, *next;
    double   rollout;

    n = 0;
    needed = 1;

    for (item = deployments->child; item; item = next) {
        next = item->next;

        if (!needed && n >= LU_HISTORY) {
            cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            continue;
        }

        n++;
        rollout = 0;

        (void) lu_json_number(item, "rollout", &rollout);

        if (rollout >= 1) {
            needed = 0;
        }
    }
}


lu_rc_e
lu_change_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment;
    lu_rc_e   rc;
    lu_put_t  put;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment == NULL) {
        (void) lu_error(err, NULL, "Deployment not found.");
        return LU_NOT_FOUND;
    }

    rc = lu_rollout_check(rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    lu_put_init(&put);

    lu_put_number(&put, deployment, "rollout", rollout);
    lu_put_string(&put, deployment, "updatedAt", now);

    return put.failed ? LU_NOMEM : LU_OK;
}


void
lu_change_release_remove(cJSON *app, const char *release)
{
    cJSON    *channel, *deployments, *item, *next;
    lu_str_t  value;

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

            if (lu_json_string(item, "release", &value) == LU_OK
                && lu_str_is(&value, release))
            {
                cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            }
        }
    }
}


lu_rc_e
lu_change_device_force(cJSON *app, const char *device, const char *channel_id,
    lu_error_t *err)
{
    cJSON    *forced;
    lu_str_t  value;

    value.len = strlen(device);
    value.data = (unsigned char *) device;

    if (!lu_name_device_id_valid(&value)) {
        return lu_error(err, NULL, "a device id must have 1 to 128 bytes "
                        "without control characters");
    }

    forced = cJSON_GetObjectItemCaseSensitive(app, "forcedDevices");

    if (forced == NULL) {
        forced = cJSON_AddObjectToObject(app, "forcedDevices");
        if (forced == NULL) {
            return LU_NOMEM;
        }
    }

    if (channel_id == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(forced, device);
        return LU_OK;
    }

    if (lu_change_channel_find(app, channel_id) == NULL) {
        return lu_no_channel(err);
    }

    return lu_json_set_string(forced, device, channel_id);
}


cJSON *
lu_change_channel_find(const cJSON *app, const char *id)
{
    return lu_find(cJSON_GetObjectItemCaseSensitive(app, "channels"), "id",
                   id);
}


cJSON *
lu_change_channel_named(const cJSON *app, const char *name)
{
    return lu_find(cJSON_GetObjectItemCaseSensitive(app, "channels"), "name",
                   name);
}


cJSON *
lu_change_deployment_find(const cJSON *app, const char *id, cJSON **channel_out)
{
    cJSON  *channel, *deployment;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        deployment = lu_find(
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
lu_find(const cJSON *array, const char *key, const char *value)
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


static lu_rc_e
lu_no_channel(lu_error_t *err)
{
    (void) lu_error(err, NULL, "Channel not found.");

    return LU_NOT_FOUND;
}
