
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include "lu_app.h"
#include "lu_name.h"


static liveupdate_rc_e liveupdate_app_channels(
    const liveupdate_arena_t *arena, const cJSON *json, liveupdate_app_t *app,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_app_channel(const liveupdate_arena_t *arena,
    const cJSON *item, liveupdate_channel_t *channel,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_app_deployments(
    const liveupdate_arena_t *arena, const cJSON *array,
    liveupdate_channel_t *channel, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_app_forced(const liveupdate_arena_t *arena,
    const cJSON *json, liveupdate_app_t *app, liveupdate_error_t *err);
static const liveupdate_channel_t *liveupdate_app_channel_by_id(
    const liveupdate_app_t *app, const liveupdate_str_t *id);
static liveupdate_rc_e liveupdate_app_id(const liveupdate_arena_t *arena,
    const cJSON *json, const char *key, liveupdate_str_t *id,
    liveupdate_error_t *err);
static int liveupdate_channel_cmp(const void *one, const void *two);
static int liveupdate_forced_cmp(const void *one, const void *two);
static int liveupdate_str_cmp(const liveupdate_str_t *a,
    const liveupdate_str_t *b);


liveupdate_rc_e
liveupdate_app_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_app_t *app,
    liveupdate_error_t *err)
{
    int               discovery;
    cJSON            *json;
    liveupdate_rc_e   rc;
    liveupdate_str_t  id;

    memset(app, 0, sizeof(liveupdate_app_t));

    rc = liveupdate_json_parse(&json, text, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_app_id(arena, json, "id", &app->id, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    discovery = 0;

    if (liveupdate_json_bool(json, "appChannelDiscoveryEnabled", &discovery)
        == LIVEUPDATE_INVALID)
    {
        rc = liveupdate_refuse(err, NULL, "\"appChannelDiscoveryEnabled\" "
                                          "must be true or false");
        goto done;
    }

    app->discovery = (discovery != 0);

    rc = liveupdate_app_channels(arena, json, app, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    switch (liveupdate_json_string(json, "appChannelId", &id)) {

    case LIVEUPDATE_OK:
        app->channel = liveupdate_app_channel_by_id(app, &id);
        break;

    case LIVEUPDATE_NOT_FOUND:
        break;

    default:
        rc = liveupdate_refuse(err, NULL, "\"appChannelId\" must be a string");
        goto done;
    }

    rc = liveupdate_app_forced(arena, json, app, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    rc = liveupdate_desktop_parse(arena,
                   cJSON_GetObjectItemCaseSensitive(json, "desktopBuilds"),
                   cJSON_GetObjectItemCaseSensitive(json, "desktopReleases"),
                   &app->desktop, err);

done:

    cJSON_Delete(json);

    return rc;
}


static liveupdate_rc_e
liveupdate_app_channels(const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_app_t *app, liveupdate_error_t *err)
{
    size_t            i;
    const cJSON      *array, *item;
    liveupdate_rc_e   rc;

    array = cJSON_GetObjectItemCaseSensitive(json, "channels");

    if (!cJSON_IsArray(array)) {
        return liveupdate_refuse(err, NULL, "the app has no \"channels\"");
    }

    app->nchannels = cJSON_GetArraySize(array);

    app->channels = arena->alloc(arena->data, (app->nchannels + 1)
                                              * sizeof(liveupdate_channel_t));
    if (app->channels == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    i = 0;

    cJSON_ArrayForEach(item, array) {
        rc = liveupdate_app_channel(arena, item, &app->channels[i++], err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    qsort(app->channels, app->nchannels, sizeof(liveupdate_channel_t),
          liveupdate_channel_cmp);

    for (i = 1; i < app->nchannels; i++) {
        if (liveupdate_channel_cmp(&app->channels[i - 1], &app->channels[i])
            == 0)
        {
            return liveupdate_refuse(err, &app->channels[i].name,
                                     "is the name of two channels");
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_app_channel(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_channel_t *channel, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  value;

    memset(channel, 0, sizeof(liveupdate_channel_t));

    rc = liveupdate_app_id(arena, item, "id", &channel->id, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (liveupdate_json_string(item, "name", &value) != LIVEUPDATE_OK
        || !liveupdate_label_valid(&value))
    {
        return liveupdate_refuse(err, &channel->id,
                                 "is a channel without a valid \"name\"");
    }

    channel->name = liveupdate_str_dup(arena, value.data, value.len);
    if (channel->name.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    channel->paused = (liveupdate_json_string(item, "pausedAt", &value)
                       != LIVEUPDATE_NOT_FOUND);

    channel->is_protected = (liveupdate_json_string(item, "protectedAt",
                                                    &value)
                             != LIVEUPDATE_NOT_FOUND);

    channel->expires = LIVEUPDATE_TIME_MAX;

    rc = liveupdate_json_string(item, "expiresAt", &value);

    if (rc == LIVEUPDATE_INVALID
        || (rc == LIVEUPDATE_OK
            && liveupdate_time_parse(&value, &channel->expires)
               != LIVEUPDATE_OK))
    {
        return liveupdate_refuse(err, &channel->name,
                                 "has no valid \"expiresAt\"");
    }

    return liveupdate_app_deployments(arena,
                       cJSON_GetObjectItemCaseSensitive(item, "deployments"),
                       channel, err);
}


static liveupdate_rc_e
liveupdate_app_deployments(const liveupdate_arena_t *arena,
    const cJSON *array, liveupdate_channel_t *channel,
    liveupdate_error_t *err)
{
    size_t                    n;
    double                    rollout;
    const cJSON              *item;
    liveupdate_rc_e           rc;
    liveupdate_deployment_t  *deployment;

    if (!cJSON_IsArray(array)) {
        return liveupdate_refuse(err, &channel->name,
                                 "has no \"deployments\"");
    }

    /* the history behind a deployment for everyone is of no interest */

    n = 0;

    cJSON_ArrayForEach(item, array) {
        n++;

        rollout = 0;
        (void) liveupdate_json_number(item, "rollout", &rollout);

        if (rollout >= 1) {
            break;
        }
    }

    channel->deployments = arena->alloc(arena->data,
                                   (n + 1) * sizeof(liveupdate_deployment_t));
    if (channel->deployments == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_ArrayForEach(item, array) {

        if (channel->ndeployments == n) {
            break;
        }

        deployment = &channel->deployments[channel->ndeployments++];

        memset(deployment, 0, sizeof(liveupdate_deployment_t));

        rc = liveupdate_app_id(arena, item, "id", &deployment->id, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        rc = liveupdate_app_id(arena, item, "release",
                               &deployment->release_id, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        if (liveupdate_json_number(item, "rollout", &rollout) != LIVEUPDATE_OK
            || !(rollout >= 0 && rollout <= 1))
        {
            return liveupdate_refuse(err, &deployment->id,
                                     "has no \"rollout\" from 0 to 1");
        }

        if (rollout >= 1) {
            deployment->everyone = 1;

        } else {
            deployment->threshold = (uint64_t) (rollout
                                                * 18446744073709551616.0);
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_app_forced(const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_app_t *app, liveupdate_error_t *err)
{
    size_t                       n;
    const cJSON                 *object, *item;
    liveupdate_str_t             device, channel_id;
    liveupdate_forced_t         *forced;
    const liveupdate_channel_t  *channel;

    object = cJSON_GetObjectItemCaseSensitive(json, "forcedDevices");

    if (object == NULL) {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsObject(object)) {
        return liveupdate_refuse(err, NULL,
                                 "\"forcedDevices\" must be an object");
    }

    n = cJSON_GetArraySize(object);

    app->forced = arena->alloc(arena->data,
                               (n + 1) * sizeof(liveupdate_forced_t));
    if (app->forced == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_ArrayForEach(item, object) {

        device.len = strlen(item->string);
        device.data = (unsigned char *) item->string;

        if (liveupdate_json_value(item, &channel_id) != LIVEUPDATE_OK) {
            return liveupdate_refuse(err, NULL, "a forced device's channel "
                                                "must be a string");
        }

        channel = liveupdate_app_channel_by_id(app, &channel_id);

        if (channel == NULL) {
            continue;
        }

        forced = &app->forced[app->nforced++];

        forced->channel = channel;
        forced->device = liveupdate_str_dup(arena, device.data, device.len);

        if (forced->device.data == NULL) {
            return LIVEUPDATE_NOMEM;
        }
    }

    qsort(app->forced, app->nforced, sizeof(liveupdate_forced_t),
          liveupdate_forced_cmp);

    return LIVEUPDATE_OK;
}


static const liveupdate_channel_t *
liveupdate_app_channel_by_id(const liveupdate_app_t *app,
    const liveupdate_str_t *id)
{
    size_t  i;

    for (i = 0; i < app->nchannels; i++) {
        if (liveupdate_str_eq(&app->channels[i].id, id)) {
            return &app->channels[i];
        }
    }

    return NULL;
}


static liveupdate_rc_e
liveupdate_app_id(const liveupdate_arena_t *arena, const cJSON *json,
    const char *key, liveupdate_str_t *id, liveupdate_error_t *err)
{
    liveupdate_str_t  name, value;

    if (liveupdate_json_string(json, key, &value) != LIVEUPDATE_OK
        || !liveupdate_id_valid(&value))
    {
        name.len = strlen(key);
        name.data = (unsigned char *) key;

        return liveupdate_refuse(err, &name, "is missing or no valid id");
    }

    *id = liveupdate_str_dup(arena, value.data, value.len);

    return id->data ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
}


const liveupdate_channel_t *
liveupdate_channel_find(const liveupdate_app_t *app,
    const liveupdate_str_t *name)
{
    liveupdate_channel_t  key;

    if (app->nchannels == 0) {
        return NULL;
    }

    key.name = *name;

    return bsearch(&key, app->channels, app->nchannels,
                   sizeof(liveupdate_channel_t), liveupdate_channel_cmp);
}


static int
liveupdate_channel_cmp(const void *one, const void *two)
{
    const liveupdate_channel_t  *first = one, *second = two;

    return liveupdate_str_cmp(&first->name, &second->name);
}


static int
liveupdate_forced_cmp(const void *one, const void *two)
{
    const liveupdate_forced_t  *first = one, *second = two;

    return liveupdate_str_cmp(&first->device, &second->device);
}


const liveupdate_channel_t *
liveupdate_forced_find(const liveupdate_app_t *app,
    const liveupdate_str_t *device)
{
    liveupdate_forced_t  key, *forced;

    if (app->nforced == 0) {
        return NULL;
    }

    key.device = *device;

    forced = bsearch(&key, app->forced, app->nforced,
                     sizeof(liveupdate_forced_t), liveupdate_forced_cmp);

    return forced ? forced->channel : NULL;
}


static int
liveupdate_str_cmp(const liveupdate_str_t *a, const liveupdate_str_t *b)
{
    int     rc;
    size_t  n;

    n = a->len < b->len ? a->len : b->len;

    rc = n ? memcmp(a->data, b->data, n) : 0;

    if (rc) {
        return rc;
    }

    return (a->len > b->len) - (a->len < b->len);
}


liveupdate_rc_e
liveupdate_deployment_render(const liveupdate_arena_t *arena,
    const liveupdate_app_t *app, const liveupdate_channel_t *channel,
    liveupdate_deployment_t *deployment)
{
    char                        *text;
    size_t                       len;
    cJSON                       *json;
    liveupdate_str_t             path;
    const liveupdate_release_t  *release;

    text = NULL;
    release = deployment->release;

    /* "url" is the last member: what is behind it is the base URL's place */

    json = cJSON_CreateObject();

    if (json == NULL
        || cJSON_AddStringToObject(json, "artifactType",
                  release->kind == LIVEUPDATE_KIND_ZIP ? "zip" : "manifest")
           == NULL
        || cJSON_AddStringToObject(json, "bundleId",
                                   (char *) release->id.data)
           == NULL
        || cJSON_AddStringToObject(json, "channelName",
                                   (char *) channel->name.data)
           == NULL
        || (release->checksum.len
            ? cJSON_AddStringToObject(json, "checksum",
                                      (char *) release->checksum.data)
            : cJSON_AddNullToObject(json, "checksum"))
           == NULL
        || (release->properties.len
            ? cJSON_AddRawToObject(json, "customProperties",
                                   (char *) release->properties.data)
            : cJSON_AddNullToObject(json, "customProperties"))
           == NULL
        || (release->signature.len
            ? cJSON_AddStringToObject(json, "signature",
                                      (char *) release->signature.data)
            : cJSON_AddNullToObject(json, "signature"))
           == NULL
        || cJSON_AddStringToObject(json, "url",
                        release->url.len ? (char *) release->url.data : "")
           == NULL)
    {
        goto nomem;
    }

    text = cJSON_PrintUnformatted(json);
    if (text == NULL) {
        goto nomem;
    }

    len = strlen(text);

    if (release->url.len == 0) {
        len -= sizeof("\"}") - 1;

        path = liveupdate_artifact_path(arena, &app->id, &release->id,
                                        release->kind);
        if (path.data == NULL) {
            goto nomem;
        }

        /* the path has room for what closes the answer */

        memcpy(path.data + path.len, "\"}", sizeof("\"}"));
        path.len += sizeof("\"}") - 1;

        deployment->tail = path;
    }

    deployment->head = liveupdate_str_dup(arena, text, len);
    if (deployment->head.data == NULL) {
        goto nomem;
    }

    cJSON_free(text);
    cJSON_Delete(json);

    return LIVEUPDATE_OK;

nomem:

    cJSON_free(text);
    cJSON_Delete(json);

    return LIVEUPDATE_NOMEM;
}


liveupdate_str_t
liveupdate_artifact_path(const liveupdate_arena_t *arena,
    const liveupdate_str_t *app, const liveupdate_str_t *release,
    liveupdate_kind_e kind)
{
    size_t            size;
    liveupdate_str_t  path;

    size = sizeof("/artifacts//" "/" LIVEUPDATE_ZIP_NAME "\"}")
           + app->len + release->len;

    path.len = 0;
    path.data = arena->alloc(arena->data, size);

    if (path.data) {
        path.len = snprintf((char *) path.data, size, "/artifacts/%.*s/%.*s%s",
                            (int) app->len, app->data,
                            (int) release->len, release->data,
                            kind == LIVEUPDATE_KIND_ZIP
                                ? "/" LIVEUPDATE_ZIP_NAME : "");
    }

    return path;
}
