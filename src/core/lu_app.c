
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include "lu_app.h"
#include "lu_cohort.h"
#include "lu_growth.h"
#include "lu_guard.h"
#include "lu_hex.h"
#include "lu_link.h"
#include "lu_name.h"
#include "lu_put.h"


/* so many channels are looked through, and more are searched */

#define LU_APP_FEW  8


static lu_rc_e lu_app_channels(const lu_arena_t *arena, const cJSON *json,
    lu_app_t *app, lu_error_t *err);
static lu_rc_e lu_app_channel(const lu_arena_t *arena, const cJSON *json,
    const cJSON *item, lu_channel_t *channel, lu_error_t *err);
static lu_rc_e lu_app_deployments(const lu_arena_t *arena, const cJSON *array,
    lu_channel_t *channel, lu_error_t *err);
static lu_rc_e lu_app_freezes(const lu_arena_t *arena, const cJSON *json,
    lu_app_t *app, lu_error_t *err);
static lu_rc_e lu_app_growth(const lu_arena_t *arena, const cJSON *item,
    lu_deployment_t *deployment, lu_error_t *err);
static void lu_app_deployment_turn(const lu_app_t *app,
    lu_deployment_t *deployment, time_t now);
static lu_rc_e lu_app_minimum(const lu_arena_t *arena, const cJSON *json,
    lu_channel_t *channel, lu_error_t *err);
static lu_rc_e lu_app_guard(const cJSON *json, const cJSON *item,
    lu_channel_t *channel, lu_error_t *err);
static lu_rc_e lu_app_discovery(const lu_arena_t *arena, lu_app_t *app);
static unsigned char *lu_app_item(unsigned char *p,
    const lu_channel_t *channel);
static lu_rc_e lu_app_forced(const lu_arena_t *arena, const cJSON *json,
    lu_app_t *app, lu_error_t *err);
static lu_rc_e lu_app_desktop_minimum(const lu_arena_t *arena,
    const cJSON *json, lu_app_t *app, lu_error_t *err);
static lu_rc_e lu_app_link(const lu_arena_t *arena, const cJSON *json,
    lu_app_t *app);
static const lu_channel_t *lu_app_channel_by_id(const lu_app_t *app,
    const lu_str_t *id);
static lu_rc_e lu_app_id(const lu_arena_t *arena, const cJSON *json,
    const char *key, lu_str_t *id, lu_error_t *err);
static int lu_app_channel_cmp(const void *one, const void *two);
static int lu_app_id_cmp(const void *one, const void *two);
static int lu_app_forced_cmp(const void *one, const void *two);
static lu_rc_e lu_app_head(const lu_arena_t *arena,
    const lu_channel_t *channel, const lu_release_t *release, unsigned misses,
    lu_str_t *head);
static void lu_app_properties(lu_put_t *put, cJSON *json,
    const lu_str_t *properties, unsigned misses);


lu_rc_e
lu_app_parse(const lu_arena_t *arena, const lu_str_t *text, lu_app_t *app,
    lu_error_t *err)
{
    int          discovery;
    cJSON       *json;
    lu_rc_e      rc;
    lu_str_t     id;
    lu_guard_t   limits;

    memset(app, 0, sizeof(lu_app_t));

    rc = lu_json_parse(&json, text, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_app_id(arena, json, "id", &app->id, err);
    if (rc != LU_OK) {
        goto done;
    }

    discovery = 0;

    if (lu_json_bool(json, "appChannelDiscoveryEnabled", &discovery)
        == LU_INVALID)
    {
        rc = lu_error(err, NULL, "\"appChannelDiscoveryEnabled\" must be true "
                                 "or false");
        goto done;
    }

    app->discovery = (discovery != 0);

    rc = lu_app_freezes(arena, json, app, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_app_channels(arena, json, app, err);
    if (rc != LU_OK) {
        goto done;
    }

    if (app->discovery) {
        rc = lu_app_discovery(arena, app);
        if (rc != LU_OK) {
            goto done;
        }
    }

    switch (lu_json_string(json, "appChannelId", &id)) {

    case LU_OK:
        app->channel = lu_app_channel_by_id(app, &id);
        break;

    case LU_NOT_FOUND:
        break;

    default:
        rc = lu_error(err, NULL, "\"appChannelId\" must be a string");
        goto done;
    }

    rc = lu_app_forced(arena, json, app, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_desktop_parse(arena, lu_json_get(json, "desktopBuilds"),
                          lu_json_get(json, "desktopReleases"), &app->desktop,
                          err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_guard_of(json, NULL, &limits, err);

    if (rc == LU_INVALID) {
        goto done;
    }

    app->desktop.is_guarded = (rc == LU_OK);

    rc = lu_app_desktop_minimum(arena, json, app, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_app_link(arena, json, app);

done:

    cJSON_Delete(json);

    return rc;
}


static lu_rc_e
lu_app_desktop_minimum(const lu_arena_t *arena, const cJSON *json,
    lu_app_t *app, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  version;

    rc = lu_minimum_desktop(json, &version, err);
    if (rc != LU_OK) {
        return rc;
    }

    app->minimum = lu_str_dup(arena, version.data, version.len);

    return app->minimum.data ? LU_OK : LU_NOMEM;
}


/* Links to staged releases work no more if the secret is damaged. */

static lu_rc_e
lu_app_link(const lu_arena_t *arena, const cJSON *json, lu_app_t *app)
{
    lu_str_t  hex;

    if (lu_json_string(json, LU_LINK_MEMBER, &hex) != LU_OK
        || hex.len != 2 * LU_LINK_SECRET)
    {
        return LU_OK;
    }

    app->link.data = arena->alloc(arena->data, LU_LINK_SECRET);
    if (app->link.data == NULL) {
        return LU_NOMEM;
    }

    if (lu_hex_decode(app->link.data, hex.data, LU_LINK_SECRET)) {
        app->link.len = LU_LINK_SECRET;
    }

    return LU_OK;
}


static lu_rc_e
lu_app_channels(const lu_arena_t *arena, const cJSON *json, lu_app_t *app,
    lu_error_t *err)
{
    size_t        i;
    lu_rc_e       rc;
    const cJSON  *array, *item;

    array = lu_json_get(json, "channels");

    if (!cJSON_IsArray(array)) {
        return lu_error(err, NULL, "the app has no \"channels\"");
    }

    app->nchannels = cJSON_GetArraySize(array);

    app->channels = arena->alloc(arena->data, (app->nchannels + 1)
                                              * sizeof(lu_channel_t));
    if (app->channels == NULL) {
        return LU_NOMEM;
    }

    i = 0;

    cJSON_ArrayForEach(item, array) {
        rc = lu_app_channel(arena, json, item, &app->channels[i++], err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    qsort(app->channels, app->nchannels, sizeof(lu_channel_t),
          lu_app_channel_cmp);

    for (i = 1; i < app->nchannels; i++) {
        if (lu_str_eq(&app->channels[i - 1].name, &app->channels[i].name)) {
            return lu_error(err, &app->channels[i].name,
                            "is the name of two channels");
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_app_channel(const lu_arena_t *arena, const cJSON *json,
    const cJSON *item, lu_channel_t *channel, lu_error_t *err)
{
    int       compatible;
    lu_rc_e   rc;
    lu_str_t  value;

    memset(channel, 0, sizeof(lu_channel_t));

    rc = lu_app_id(arena, item, "id", &channel->id, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_string(item, "name", &value) != LU_OK
        || !lu_name_label_valid(&value))
    {
        return lu_error(err, &channel->id,
                        "is a channel without a valid \"name\"");
    }

    channel->name = lu_str_dup(arena, value.data, value.len);
    if (channel->name.data == NULL) {
        return LU_NOMEM;
    }

    channel->paused = (lu_json_string(item, "pausedAt", &value)
                       != LU_NOT_FOUND);

    channel->is_protected = (lu_json_string(item, "protectedAt", &value)
                             != LU_NOT_FOUND);

    compatible = 1;

    if (lu_json_bool(item, "newestCompatible", &compatible) == LU_INVALID) {
        return lu_error(err, &channel->name, "has a \"newestCompatible\" that "
                                             "is neither true nor false");
    }

    channel->is_newest_only = !compatible;

    channel->expires = LU_TIME_MAX;

    rc = lu_json_string(item, "expiresAt", &value);

    if (rc == LU_INVALID
        || (rc == LU_OK
            && lu_time_parse(&value, &channel->expires) != LU_OK))
    {
        return lu_error(err, &channel->name, "has an \"expiresAt\" that is "
                                             "not a timestamp");
    }

    rc = lu_app_minimum(arena, lu_json_get(item, "minimum"), channel, err);

    if (rc == LU_OK) {
        rc = lu_app_deployments(arena, lu_json_get(item, "deployments"),
                                channel, err);
    }

    return rc == LU_OK ? lu_app_guard(json, item, channel, err) : rc;
}


static lu_rc_e
lu_app_minimum(const lu_arena_t *arena, const cJSON *json,
    lu_channel_t *channel, lu_error_t *err)
{
    size_t         i;
    lu_str_t      *version;
    lu_minimum_t  *minimum;

    if (json == NULL || cJSON_IsNull(json)) {
        return LU_OK;
    }

    minimum = arena->alloc(arena->data, sizeof(lu_minimum_t));
    if (minimum == NULL) {
        return LU_NOMEM;
    }

    if (lu_minimum_parse(json, minimum, err) != LU_OK) {
        return LU_INVALID;
    }

    for (i = 0; i < 2; i++) {
        version = &minimum->versions[i];

        *version = lu_str_dup(arena, version->data, version->len);
        if (version->data == NULL) {
            return LU_NOMEM;
        }
    }

    channel->minimum = minimum;

    return LU_OK;
}


static lu_rc_e
lu_app_deployments(const lu_arena_t *arena, const cJSON *array,
    lu_channel_t *channel, lu_error_t *err)
{
    size_t            n;
    double            rollout;
    lu_rc_e           rc;
    const cJSON      *item;
    lu_deployment_t  *deployment;

    if (!cJSON_IsArray(array)) {
        return lu_error(err, &channel->name, "has no \"deployments\"");
    }

    n = 0;

    cJSON_ArrayForEach(item, array) {
        n++;

        if (!lu_growth_is_partial(item)) {
            break;
        }
    }

    if (!channel->is_newest_only) {
        n += LU_APP_OLDER;
    }

    if (n > (size_t) cJSON_GetArraySize(array)) {
        n = cJSON_GetArraySize(array);
    }

    channel->deployments = arena->alloc(arena->data,
                                        (n + 1) * sizeof(lu_deployment_t));
    if (channel->deployments == NULL) {
        return LU_NOMEM;
    }

    cJSON_ArrayForEach(item, array) {

        if (channel->ndeployments == n) {
            break;
        }

        deployment = &channel->deployments[channel->ndeployments++];

        memset(deployment, 0, sizeof(lu_deployment_t));

        rc = lu_app_id(arena, item, "id", &deployment->id, err);
        if (rc != LU_OK) {
            return rc;
        }

        rc = lu_app_id(arena, item, "release", &deployment->release_id, err);
        if (rc != LU_OK) {
            return rc;
        }

        if (lu_json_number(item, "rollout", &rollout) != LU_OK
            || !(rollout >= 0 && rollout <= 1))
        {
            return lu_error(err, &deployment->id,
                            "must have a \"rollout\" from 0 to 1");
        }

        lu_rollout_threshold(&deployment->rollout, rollout);

        if (lu_growth_is_partial(item)) {
            rc = lu_app_growth(arena, item, deployment, err);
            if (rc != LU_OK) {
                return rc;
            }
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_app_growth(const lu_arena_t *arena, const cJSON *item,
    lu_deployment_t *deployment, lu_error_t *err)
{
    lu_rc_e  rc;

    deployment->is_halted = lu_growth_is_halted(item);

    if (deployment->is_halted) {
        deployment->keeps = deployment->rollout;
    }

    if (!lu_pace_is_timed(item)) {
        return LU_OK;
    }

    deployment->pace = arena->alloc(arena->data, sizeof(lu_pace_t));
    if (deployment->pace == NULL) {
        return LU_NOMEM;
    }

    rc = lu_pace_parse(item, deployment->pace, err);

    if (rc == LU_INVALID && err->subject.len == 0) {
        err->subject = deployment->id;
    }

    if (deployment->pace->nsteps) {
        lu_rollout_threshold(&deployment->keeps, deployment->pace->most);
    }

    return rc;
}


static lu_rc_e
lu_app_freezes(const lu_arena_t *arena, const cJSON *json, lu_app_t *app,
    lu_error_t *err)
{
    lu_freezes_t  *freezes;

    freezes = arena->alloc(arena->data, sizeof(lu_freezes_t));
    if (freezes == NULL) {
        return LU_NOMEM;
    }

    app->freezes = freezes;

    return lu_pace_freezes(lu_json_get(json, "freezes"), freezes, err);
}


int
lu_app_end(const lu_channel_t *channel, size_t i)
{
    size_t                  k;
    const lu_limits_t      *limits;
    const lu_deployment_t  *deployment;

    deployment = &channel->deployments[i];

    if (!deployment->rollout.everyone || deployment->is_halted
        || deployment->pace)
    {
        return 0;
    }

    if (channel->is_newest_only || deployment->release == NULL) {
        return 1;
    }

    for (k = 0; k < 2; k++) {
        limits = &deployment->release->limits[k];

        if (limits->min.len || limits->max.len || limits->eq.len) {
            return 0;
        }
    }

    return 1;
}


void
lu_app_turn(lu_app_t *app, time_t now)
{
    size_t            i, n;
    lu_channel_t     *channel;
    lu_deployment_t  *deployment;

    app->next = lu_desktop_turn(&app->desktop, app->freezes, now);

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        for (n = 0; n < channel->ndeployments; n++) {
            deployment = &channel->deployments[n];

            if (deployment->pace == NULL) {
                continue;
            }

            if (deployment->next <= now) {
                lu_app_deployment_turn(app, deployment, now);
            }

            if (deployment->next < app->next) {
                app->next = deployment->next;
            }
        }
    }
}


/* Who runs what is not offered any more does not keep it. */

static void
lu_app_deployment_turn(const lu_app_t *app, lu_deployment_t *deployment,
    time_t now)
{
    lu_moment_t  moment;

    lu_pace_at(deployment->pace, app->freezes, now, &moment);

    deployment->next = moment.next;

    if (moment.is_expired) {
        lu_rollout_threshold(&deployment->rollout, 0);
        deployment->keeps = deployment->rollout;

    } else if (deployment->pace->nsteps) {
        lu_rollout_threshold(&deployment->rollout, moment.share);
    }
}


/* Only the newest deployment is guarded, and only if it says since when. */

static lu_rc_e
lu_app_guard(const cJSON *json, const cJSON *item, lu_channel_t *channel,
    lu_error_t *err)
{
    size_t            i;
    lu_rc_e           rc;
    lu_str_t          since;
    lu_guard_t        limits;
    const cJSON      *newest;
    lu_deployment_t  *deployment;

    rc = lu_guard_of(json, item, &limits, err);

    if (rc != LU_OK) {
        return rc == LU_NOT_FOUND ? LU_OK : rc;
    }

    newest = cJSON_GetArrayItem(lu_json_get(item, "deployments"), 0);

    if (channel->ndeployments == 0
        || lu_json_string(newest, "createdAt", &since) != LU_OK
        || lu_time_parse(&since, &channel->deployments[0].created) != LU_OK)
    {
        return LU_OK;
    }

    channel->is_guarded = 1;

    for (i = 0; i < channel->ndeployments; i++) {
        deployment = &channel->deployments[i];

        deployment->bundle = lu_cohort_hash(&deployment->release_id);
    }

    deployment = &channel->deployments[0];
    deployment->tag = lu_cohort_hash(&deployment->id);

    return LU_OK;
}


/*
 * A page without a query is copied as it is, and a query is looked for in one
 * piece of memory: anybody may ask, as often as they like.
 */

static lu_rc_e
lu_app_discovery(const lu_arena_t *arena, lu_app_t *app)
{
    size_t          i, names, items;
    lu_channel_t   *channel;
    unsigned char  *name, *item;

    names = 0;
    items = 0;

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        /* each byte of a name may have a backslash */

        names += channel->name.len + 1;
        items += sizeof("{\"id\":\"\",\"name\":\"\"},")
                 + channel->id.len + 2 * channel->name.len;
    }

    name = arena->alloc(arena->data, names + 1);
    item = arena->alloc(arena->data, items + 1);

    if (name == NULL || item == NULL) {
        return LU_NOMEM;
    }

    app->names.data = name;
    app->names.len = names;

    for (i = 0; i < app->nchannels; i++) {
        channel = &app->channels[i];

        channel->at = (size_t) (name - app->names.data);

        memcpy(name, channel->name.data, channel->name.len);
        name += channel->name.len;
        *name++ = '\0';

        channel->item.data = item;

        item = lu_app_item(item, channel);

        channel->item.len = (size_t) (item - channel->item.data);

        *item++ = ',';
    }

    return LU_OK;
}


/* Ids and names have no control characters. */

static unsigned char *
lu_app_item(unsigned char *p, const lu_channel_t *channel)
{
    size_t  i;

    memcpy(p, "{\"id\":\"", sizeof("{\"id\":\"") - 1);
    p += sizeof("{\"id\":\"") - 1;

    memcpy(p, channel->id.data, channel->id.len);
    p += channel->id.len;

    memcpy(p, "\",\"name\":\"", sizeof("\",\"name\":\"") - 1);
    p += sizeof("\",\"name\":\"") - 1;

    for (i = 0; i < channel->name.len; i++) {

        if (channel->name.data[i] == '"' || channel->name.data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = channel->name.data[i];
    }

    *p++ = '"';
    *p++ = '}';

    return p;
}


size_t
lu_app_channel_at(const lu_app_t *app, size_t at)
{
    size_t  low, high, middle;

    low = 0;
    high = app->nchannels;

    while (high - low > 1) {
        middle = low + (high - low) / 2;

        if (app->channels[middle].at <= at) {
            low = middle;

        } else {
            high = middle;
        }
    }

    return low;
}


static lu_rc_e
lu_app_forced(const lu_arena_t *arena, const cJSON *json, lu_app_t *app,
    lu_error_t *err)
{
    size_t                i, n;
    lu_str_t              device;
    const cJSON          *object, *item;
    lu_forced_t          *forced;
    lu_channel_t          wanted, *key, **ids, **found;

    object = lu_json_get(json, "forcedDevices");

    if (object == NULL) {
        return LU_OK;
    }

    if (!cJSON_IsObject(object)) {
        return lu_error(err, NULL, "\"forcedDevices\" must be an object");
    }

    n = cJSON_GetArraySize(object);

    if (n == 0) {
        return LU_OK;
    }

    app->forced = arena->alloc(arena->data, n * sizeof(lu_forced_t));
    ids = arena->alloc(arena->data, (app->nchannels + 1)
                                    * sizeof(lu_channel_t *));

    if (app->forced == NULL || ids == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < app->nchannels; i++) {
        ids[i] = &app->channels[i];
    }

    qsort(ids, app->nchannels, sizeof(lu_channel_t *), lu_app_id_cmp);

    cJSON_ArrayForEach(item, object) {

        device = lu_str(item->string);

        if (lu_json_value(item, &wanted.id) != LU_OK) {
            return lu_error(err, NULL, "a forced device's channel must be a "
                                       "string");
        }

        key = &wanted;

        found = bsearch(&key, ids, app->nchannels, sizeof(lu_channel_t *),
                        lu_app_id_cmp);
        if (found == NULL) {
            continue;
        }

        forced = &app->forced[app->nforced++];

        forced->channel = *found;
        forced->device = lu_str_dup(arena, device.data, device.len);

        if (forced->device.data == NULL) {
            return LU_NOMEM;
        }

        lu_name_device_id_fold(&forced->device);
    }

    qsort(app->forced, app->nforced, sizeof(lu_forced_t), lu_app_forced_cmp);

    return LU_OK;
}


static const lu_channel_t *
lu_app_channel_by_id(const lu_app_t *app, const lu_str_t *id)
{
    size_t  i;

    for (i = 0; i < app->nchannels; i++) {
        if (lu_str_eq(&app->channels[i].id, id)) {
            return &app->channels[i];
        }
    }

    return NULL;
}


static lu_rc_e
lu_app_id(const lu_arena_t *arena, const cJSON *json, const char *key,
    lu_str_t *id, lu_error_t *err)
{
    lu_str_t  name, value;

    if (lu_json_string(json, key, &value) != LU_OK
        || !lu_name_id_valid(&value))
    {
        name = lu_str(key);

        return lu_error(err, &name, "is missing or is not a valid id");
    }

    *id = lu_str_dup(arena, value.data, value.len);

    return id->data ? LU_OK : LU_NOMEM;
}


const lu_channel_t *
lu_app_channel_find(const lu_app_t *app, const lu_str_t *name)
{
    size_t        i;
    lu_channel_t  key;

    if (app->nchannels <= LU_APP_FEW) {

        for (i = 0; i < app->nchannels; i++) {
            if (app->channels[i].name.len == name->len
                && lu_str_eq(&app->channels[i].name, name))
            {
                return &app->channels[i];
            }
        }

        return NULL;
    }

    key.name = *name;

    return bsearch(&key, app->channels, app->nchannels, sizeof(lu_channel_t),
                   lu_app_channel_cmp);
}


static int
lu_app_channel_cmp(const void *one, const void *two)
{
    const lu_channel_t  *first = one, *second = two;

    return lu_str_cmp(&first->name, &second->name);
}


static int
lu_app_id_cmp(const void *one, const void *two)
{
    const lu_channel_t *const  *first = one, *const  *second = two;

    return lu_str_cmp(&(*first)->id, &(*second)->id);
}


static int
lu_app_forced_cmp(const void *one, const void *two)
{
    const lu_forced_t  *first = one, *second = two;

    return lu_str_cmp(&first->device, &second->device);
}


const lu_channel_t *
lu_app_forced_find(const lu_app_t *app, const lu_str_t *device)
{
    lu_forced_t  key, *forced;

    if (app->nforced == 0) {
        return NULL;
    }

    key.device = *device;

    forced = bsearch(&key, app->forced, app->nforced, sizeof(lu_forced_t),
                     lu_app_forced_cmp);

    return forced ? forced->channel : NULL;
}


lu_rc_e
lu_app_render(const lu_arena_t *arena, const lu_app_t *app,
    const lu_channel_t *channel, lu_deployment_t *deployment)
{
    unsigned             misses;
    lu_str_t             path;
    const lu_release_t  *release;

    release = deployment->release;

    if (release->url.len == 0) {

        path = lu_app_artifact_path(arena, &app->id, &release->id,
                                    release->kind);
        if (path.data == NULL) {
            return LU_NOMEM;
        }

        /* the path has room for the end of the answer */

        memcpy(path.data + path.len, "\"}", sizeof("\"}"));
        path.len += sizeof("\"}") - 1;

        deployment->tail = path;
    }

    if (lu_app_head(arena, channel, release, 0, &deployment->head) != LU_OK) {
        return LU_NOMEM;
    }

    if (channel->minimum == NULL) {
        return LU_OK;
    }

    deployment->mandatory = arena->alloc(arena->data, LU_MINIMUM_BOTH
                                                      * sizeof(lu_str_t));
    if (deployment->mandatory == NULL) {
        return LU_NOMEM;
    }

    for (misses = 1; misses <= LU_MINIMUM_BOTH; misses++) {
        if (lu_app_head(arena, channel, release, misses,
                        &deployment->mandatory[misses - 1])
            != LU_OK)
        {
            return LU_NOMEM;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_app_head(const lu_arena_t *arena, const lu_channel_t *channel,
    const lu_release_t *release, unsigned misses, lu_str_t *head)
{
    char      *text;
    cJSON     *json;
    size_t     len;
    lu_put_t   put;

    /* "url" is the last member, so that the base URL can follow the head */

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "artifactType",
                  lu_release_kind_name(release->kind));
    lu_put_str(&put, json, "bundleId", &release->id);
    lu_put_str(&put, json, "channelName", &channel->name);
    lu_put_str_or_null(&put, json, "checksum", &release->checksum);
    lu_app_properties(&put, json, &release->properties, misses);
    lu_put_str_or_null(&put, json, "signature", &release->signature);
    lu_put_str(&put, json, "url", &release->url);

    json = lu_put_done(&put, json);

    text = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);

    if (text == NULL) {
        return LU_NOMEM;
    }

    len = strlen(text);

    if (release->url.len == 0) {
        len -= sizeof("\"}") - 1;
    }

    *head = lu_str_dup(arena, text, len);

    cJSON_free(text);

    return head->data ? LU_OK : LU_NOMEM;
}


/* What the server says takes the place of what the publisher has said. */

static void
lu_app_properties(lu_put_t *put, cJSON *json, const lu_str_t *properties,
    unsigned misses)
{
    cJSON       *object;
    lu_error_t   err;

    if (misses == 0) {
        lu_put_item(put, json, "customProperties",
                    properties->len
                    ? cJSON_CreateRaw((char *) properties->data)
                    : cJSON_CreateNull());
        return;
    }

    object = NULL;

    if (properties->len == 0
        || lu_json_parse(&object, properties, &err) != LU_OK)
    {
        object = cJSON_CreateObject();
    }

    lu_put_item(put, json, "customProperties", object);
    lu_minimum_put(put, object, misses);
}


lu_str_t
lu_app_artifact_path(const lu_arena_t *arena, const lu_str_t *app,
    const lu_str_t *release, lu_kind_e kind)
{
    size_t    size;
    lu_str_t  path;

    size = sizeof("/artifacts//" "/" LU_ZIP_NAME "\"}")
           + app->len + release->len;

    path.len = 0;
    path.data = arena->alloc(arena->data, size);

    if (path.data) {
        path.len = snprintf((char *) path.data, size, "/artifacts/%.*s/%.*s%s",
                            (int) app->len, app->data,
                            (int) release->len, release->data,
                            kind == LU_KIND_ZIP
                                ? "/" LU_ZIP_NAME : "");
    }

    return path;
}
