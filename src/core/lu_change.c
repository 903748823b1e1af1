
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change.h"
#include "lu_change_channel.h"
#include "lu_growth.h"
#include "lu_guard.h"
#include "lu_limit.h"
#include "lu_minimum.h"
#include "lu_name.h"
#include "lu_put.h"


#define LU_CHANGE_DEVICE  128


static lu_rc_e lu_change_minimum_set(cJSON *app, const cJSON *body,
    lu_error_t *err);
static lu_rc_e lu_change_freezes_set(cJSON *app, const cJSON *freezes,
    const char *now, lu_error_t *err);
static lu_rc_e lu_change_freezes_keep(cJSON *app, const cJSON *wanted,
    const char *now);
static lu_rc_e lu_change_type_set(cJSON *app, const cJSON *body,
    lu_error_t *err);
static lu_rc_e lu_change_default_set(cJSON *app, const cJSON *channel_id,
    lu_error_t *err);
static void lu_change_device_free(cJSON *forced, const lu_str_t *device,
    int others);
static int lu_change_item_same(const cJSON *one, const cJSON *two);


static const char  *lu_change_types[] = {
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

    rc = lu_change_channel_name(body, &value, err);

    if (rc == LU_OK) {
        rc = lu_json_set_string(app, "name", (char *) value.data);
    }

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    rc = lu_change_type_set(app, body, err);
    if (rc != LU_OK) {
        return rc;
    }

    channel_id = lu_json_get(body, "appChannelId");

    if (channel_id) {
        rc = lu_change_default_set(app, channel_id, err);
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

    if (lu_json_get(body, "freezes")) {
        rc = lu_change_freezes_set(app, lu_json_get(body, "freezes"), now,
                                   err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (lu_json_get(body, "minimumVersion")) {
        rc = lu_change_minimum_set(app, body, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (lu_json_get(body, "guard")) {
        rc = lu_guard_set(app, lu_json_get(body, "guard"), err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_json_set_string(app, "updatedAt", now);
}


static lu_rc_e
lu_change_minimum_set(cJSON *app, const cJSON *body, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  version;

    rc = lu_minimum_desktop(body, &version, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (version.len == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(app, "minimumVersion");
        return LU_OK;
    }

    return lu_json_set_string(app, "minimumVersion", (char *) version.data);
}


static lu_rc_e
lu_change_freezes_keep(cJSON *app, const cJSON *wanted, const char *now)
{
    cJSON        *channel, *item;
    lu_rc_e       rc;
    const cJSON  *freezes, *releases;

    rc = LU_OK;
    freezes = lu_json_get(app, "freezes");

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {
            if (rc == LU_OK) {
                rc = lu_growth_keep(item, freezes, wanted, now);
            }
        }
    }

    releases = lu_json_get(app, "desktopReleases");

    cJSON_ArrayForEach(item, lu_json_get(releases, "releaseRedirections")) {
        if (rc == LU_OK) {
            rc = lu_growth_keep(item, freezes, wanted, now);
        }
    }

    return rc;
}


static lu_rc_e
lu_change_freezes_set(cJSON *app, const cJSON *freezes, const char *now,
    lu_error_t *err)
{
    int            i;
    cJSON         *list, *freeze;
    lu_rc_e        rc;
    lu_put_t       put;
    lu_str_t       value;
    const cJSON   *item;
    lu_freezes_t   parsed;

    static const char  *members[] = { "from", "to", "reason", NULL };

    rc = lu_pace_freezes(freezes, &parsed, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_change_freezes_keep(app, freezes, now);
    if (rc != LU_OK) {
        return rc;
    }

    lu_put_init(&put);

    list = lu_put_array(&put, app, "freezes");

    cJSON_ArrayForEach(item, freezes) {

        freeze = lu_put_object(&put, list, NULL);

        for (i = 0; members[i]; i++) {

            rc = lu_limit_string(item, members[i], &value, err);

            if (rc == LU_OK) {
                lu_put_str(&put, freeze, members[i], &value);

            } else if (rc != LU_NOT_FOUND) {
                return rc;
            }
        }
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


static lu_rc_e
lu_change_type_set(cJSON *app, const cJSON *body, lu_error_t *err)
{
    int       i;
    lu_rc_e   rc;
    lu_str_t  type;

    rc = lu_json_string(body, "type", &type);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    for (i = 0; rc == LU_OK && lu_change_types[i]; i++) {
        if (lu_str_is(&type, lu_change_types[i])) {
            return lu_json_set_string(app, "type", lu_change_types[i]);
        }
    }

    return lu_error(err, NULL,
                    "\"type\" must be android, capacitor, cordova, electron "
                    "or ios");
}


static lu_rc_e
lu_change_default_set(cJSON *app, const cJSON *channel_id, lu_error_t *err)
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


uint64_t
lu_change_build_number_next(const cJSON *app)
{
    uint64_t  number;

    number = 1;
    (void) lu_json_size(app, "nextBuildNumber", &number);

    return number;
}


lu_rc_e
lu_change_build_number(cJSON *app, uint64_t *number)
{
    *number = lu_change_build_number_next(app);

    return lu_json_set(app, "nextBuildNumber",
                       cJSON_CreateNumber((double) *number + 1));
}


lu_rc_e
lu_change_device_force(cJSON *app, const char *device, const char *channel_id,
    lu_error_t *err)
{
    cJSON    *channel, *forced;
    char      id[LU_CHANGE_DEVICE + 1];
    lu_rc_e   rc;
    lu_str_t  value;

    value = lu_str(device);

    if (!lu_name_device_id_valid(&value)) {
        return lu_error(err, NULL, "a device id must have 1 to 128 bytes "
                        "without control characters");
    }

    memcpy(id, device, value.len + 1);

    value = lu_str(id);
    lu_name_device_id_fold(&value);

    forced = lu_json_get(app, "forcedDevices");

    if (forced == NULL) {
        forced = cJSON_AddObjectToObject(app, "forcedDevices");
        if (forced == NULL) {
            return LU_NOMEM;
        }
    }

    if (channel_id == NULL) {
        lu_change_device_free(forced, &value, 0);
        return LU_OK;
    }

    rc = lu_change_channel_get(app, channel_id, &channel, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (cJSON_GetArraySize(forced) >= LU_LIMIT_FORCED
        && lu_json_get(forced, id) == NULL)
    {
        (void) lu_error(err, NULL,
                        "the app has " lu_value(LU_LIMIT_FORCED)
                        " devices that are forced to a channel, the most that "
                        "it can have; unforce one first");
        return LU_CONFLICT;
    }

    lu_change_device_free(forced, &value, 1);

    return lu_json_set_string(forced, id, channel_id);
}


/* The id may be there in another letter case: see lu_name_device_id_fold(). */

static void
lu_change_device_free(cJSON *forced, const lu_str_t *device, int others)
{
    cJSON     *item, *next;
    lu_str_t   key;
    char       id[LU_CHANGE_DEVICE + 1];

    for (item = forced->child; item; item = next) {
        next = item->next;

        key = lu_str(item->string);

        if (key.len != device->len || (others && lu_str_eq(&key, device))) {
            continue;
        }

        memcpy(id, key.data, key.len + 1);

        key = lu_str(id);
        lu_name_device_id_fold(&key);

        if (lu_str_eq(&key, device)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(forced, item));
        }
    }
}


int
lu_change_same(const cJSON *before, const cJSON *after)
{
    return lu_change_item_same(before, after);
}


/*
 * One is a copy of the other, so that what was left alone is in the same
 * order.  The depth is limited where the text was parsed.
 */

static int
lu_change_item_same(const cJSON *one, const cJSON *two)
{
    const cJSON  *a, *b;

    if (!cJSON_IsObject(one) && !cJSON_IsArray(one)) {
        return cJSON_Compare(one, two, 1);
    }

    if ((one->type & 0xff) != (two->type & 0xff)) {
        return 0;
    }

    for (a = one->child, b = two->child; a && b; a = a->next, b = b->next) {

        if (cJSON_IsObject(one)) {

            if (strcmp(a->string, b->string) != 0) {
                return 0;
            }

            if (strcmp(a->string, "updatedAt") == 0) {
                continue;
            }
        }

        if (!lu_change_item_same(a, b)) {
            return 0;
        }
    }

    return a == NULL && b == NULL;
}
