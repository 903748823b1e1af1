
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change.h"
#include "lu_change_channel.h"
#include "lu_guard.h"
#include "lu_limit.h"
#include "lu_minimum.h"
#include "lu_name.h"
#include "lu_platform.h"
#include "lu_put.h"
#include "lu_time.h"


static lu_rc_e lu_change_channel_set(cJSON *app, cJSON *channel,
    const cJSON *body, const char *now, lu_error_t *err);
static lu_rc_e lu_change_channel_expires(cJSON *channel, const cJSON *item,
    lu_error_t *err);
static lu_rc_e lu_change_channel_compatible_set(cJSON *channel,
    const cJSON *body, lu_error_t *err);
static lu_rc_e lu_change_channel_minimum(const cJSON *app, cJSON *channel,
    const cJSON *item, lu_error_t *err);
static lu_rc_e lu_change_channel_guard(cJSON *channel, const cJSON *item,
    lu_error_t *err);
static lu_rc_e lu_change_channel_since_set(cJSON *channel, const char *key,
    int on, const char *now);
static int lu_change_channel_since(const cJSON *channel, const char *key);


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

    channels = lu_json_get(app, "channels");

    if (cJSON_GetArraySize(channels) >= LU_LIMIT_CHANNELS) {
        (void) lu_error(err, NULL,
                        "the app has " lu_value(LU_LIMIT_CHANNELS)
                        " channels, the most that it can have; delete one "
                        "first");
        return LU_CONFLICT;
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

    rc = lu_change_channel_set(app, channel, body, now, err);
    if (rc != LU_OK) {
        cJSON_Delete(channel);
        return rc;
    }

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
    cJSON   *channel;
    lu_rc_e  rc;

    rc = lu_change_channel_get(app, id, &channel, err);
    if (rc != LU_OK) {
        return rc;
    }

    *channel_out = channel;

    return lu_change_channel_set(app, channel, body, now, err);
}


static lu_rc_e
lu_change_channel_set(cJSON *app, cJSON *channel, const cJSON *body,
    const char *now, lu_error_t *err)
{
    int           protect;
    cJSON        *same;
    lu_rc_e       rc;
    lu_str_t      name;
    const cJSON  *expires;

    rc = lu_change_channel_name(body, &name, err);

    if (rc == LU_OK) {
        same = lu_change_channel_named(app, (char *) name.data);

        if (same && same != channel) {
            (void) lu_error(err, &name,
                            "is already the name of another channel");
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
        rc = lu_change_channel_since_set(channel, "protectedAt", protect, now);
        if (rc != LU_OK) {
            return rc;
        }
    }

    expires = lu_json_get(body, "expiresAt");

    if (expires) {
        rc = lu_change_channel_expires(channel, expires, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_change_channel_compatible_set(channel, body, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_get(body, "minimum")) {
        rc = lu_change_channel_minimum(app, channel,
                                       lu_json_get(body, "minimum"), err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (lu_json_get(body, "guard")) {
        rc = lu_change_channel_guard(channel, lu_json_get(body, "guard"), err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_json_set_string(channel, "updatedAt", now);
}


static lu_rc_e
lu_change_channel_minimum(const cJSON *app, cJSON *channel, const cJSON *item,
    lu_error_t *err)
{
    cJSON         *object;
    lu_put_t       put;
    lu_minimum_t   minimum;

    if (cJSON_IsNull(item)) {
        cJSON_DeleteItemFromObjectCaseSensitive(channel, "minimum");
        return LU_OK;
    }

    if (lu_minimum_parse(item, &minimum, err) != LU_OK) {
        return LU_INVALID;
    }

    if (minimum.bundle >= lu_change_build_number_next(app)) {
        return lu_error(err, NULL, "\"buildNumber\" of a minimum must be the "
                                   "number of a bundle, and none has that yet");
    }

    lu_put_init(&put);

    object = lu_put_object(&put, channel, "minimum");

    if (minimum.bundle) {
        lu_put_number(&put, object, "buildNumber", (double) minimum.bundle);
    }

    if (minimum.versions[LU_OS_ANDROID].len) {
        lu_put_str(&put, object, "androidAppVersionCode",
                   &minimum.versions[LU_OS_ANDROID]);
    }

    if (minimum.versions[LU_OS_IOS].len) {
        lu_put_str(&put, object, "iosAppVersionCode",
                   &minimum.versions[LU_OS_IOS]);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


/* With false the guard of the app does not count. */

static lu_rc_e
lu_change_channel_guard(cJSON *channel, const cJSON *item, lu_error_t *err)
{
    if (cJSON_IsFalse(item)) {
        return lu_json_set(channel, "guard", cJSON_CreateFalse());
    }

    return lu_guard_set(channel, item, err);
}


lu_rc_e
lu_change_channel_name(const cJSON *body, lu_str_t *name, lu_error_t *err)
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


/* Takes a timestamp, milliseconds since the epoch, or null. */

static lu_rc_e
lu_change_channel_expires(cJSON *channel, const cJSON *item, lu_error_t *err)
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


static lu_rc_e
lu_change_channel_compatible_set(cJSON *channel, const cJSON *body,
    lu_error_t *err)
{
    int      compatible;
    lu_rc_e  rc;

    rc = lu_json_bool(body, "newestCompatible", &compatible);

    if (rc == LU_INVALID) {
        return lu_error(err, NULL, "\"newestCompatible\" must be true or "
                                   "false");
    }

    if (rc != LU_OK) {
        return LU_OK;
    }

    return lu_json_set(channel, "newestCompatible",
                       cJSON_CreateBool(compatible));
}


/*
 * Sets the time since when a channel is paused or protected, or null; a time
 * that is set already stays.
 */

static lu_rc_e
lu_change_channel_since_set(cJSON *channel, const char *key, int on,
    const char *now)
{
    if (lu_change_channel_since(channel, key) == on) {
        return LU_OK;
    }

    return lu_json_set(channel, key, on ? cJSON_CreateString(now)
                                        : cJSON_CreateNull());
}


/* Any value but null counts, as it does for lu_app_parse(). */

static int
lu_change_channel_since(const cJSON *channel, const char *key)
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

    rc = lu_change_channel_get(app, id, &channel, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_change_channel_since_set(channel, "pausedAt", paused, now);
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

    rc = lu_change_channel_get(app, id, &channel, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_string(app, "appChannelId", &value) == LU_OK
        && lu_str_is(&value, id))
    {
        rc = lu_json_set(app, "appChannelId", cJSON_CreateNull());
        if (rc != LU_OK) {
            return rc;
        }
    }

    forced = lu_json_get(app, "forcedDevices");

    for (item = forced ? forced->child : NULL; item; item = next) {
        next = item->next;

        if (lu_json_value(item, &value) == LU_OK && lu_str_is(&value, id)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(forced, item));
        }
    }

    cJSON_Delete(cJSON_DetachItemViaPointer(lu_json_get(app, "channels"),
                                            channel));

    return LU_OK;
}


const cJSON *
lu_change_channel_before(const cJSON *channel, unsigned steps)
{
    lu_str_t      release, other;
    const cJSON  *item, *next;

    item = cJSON_GetArrayItem(lu_json_get(channel, "deployments"), 0);

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
lu_change_channel_get(const cJSON *app, const char *id, cJSON **channel,
    lu_error_t *err)
{
    *channel = lu_change_channel_find(app, id);

    if (*channel == NULL) {
        (void) lu_error(err, NULL, "Channel not found.");
        return LU_NOT_FOUND;
    }

    return LU_OK;
}


cJSON *
lu_change_channel_find(const cJSON *app, const char *id)
{
    return lu_json_find(lu_json_get(app, "channels"), "id", id);
}


cJSON *
lu_change_channel_named(const cJSON *app, const char *name)
{
    return lu_json_find(lu_json_get(app, "channels"), "name", name);
}


int
lu_change_channel_is_protected(const cJSON *channel)
{
    return lu_change_channel_since(channel, "protectedAt");
}
