
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_limit.h"
#include "lu_offer.h"
#include "lu_pin.h"


static cJSON *lu_pin_pins(const cJSON *app);
static const cJSON *lu_pin_build(const cJSON *app, const char *id);
static const cJSON *lu_pin_latest_build(const cJSON *app);
static const cJSON *lu_pin_follows(const cJSON *app, const char *manifest);
static const cJSON *lu_pin_before(const cJSON *app, const cJSON *build);
static const cJSON *lu_pin_before_with(const cJSON *app, const cJSON *build,
    const char *manifest);
static int lu_pin_is_asked(const cJSON *build, const cJSON *manifest);
static int lu_pin_in_scope(const cJSON *build, const cJSON *manifest,
    const lu_pin_scope_t *scope);
static int lu_pin_has_arch(const cJSON *archs, const lu_update_t *update);
static int lu_pin_has_channel(const cJSON *build, const char *channel);
static int lu_pin_is_newer(const cJSON *app, const cJSON *one,
    const cJSON *two);
static lu_rc_e lu_pin_keep(cJSON *app, const cJSON *from, const cJSON *build);
static lu_rc_e lu_pin_move(cJSON *app, const cJSON *build);
static lu_rc_e lu_pin_set(cJSON *app, const char *manifest,
    const cJSON *build);
static lu_rc_e lu_pin_tidy(cJSON *app, lu_error_t *err);


static cJSON *
lu_pin_pins(const cJSON *app)
{
    return lu_json_get(lu_json_get(app, "desktopReleases"), "manifests");
}


static const cJSON *
lu_pin_build(const cJSON *app, const char *id)
{
    return lu_json_find(lu_json_get(app, "desktopBuilds"), "id", id);
}


static const cJSON *
lu_pin_latest_build(const cJSON *app)
{
    lu_str_t  id;

    if (lu_json_string(lu_json_get(app, "desktopReleases"),
                       "latestReleaseBuildId", &id)
        != LU_OK)
    {
        return NULL;
    }

    return lu_pin_build(app, (char *) id.data);
}


const cJSON *
lu_pin_release(const cJSON *app, const char *manifest)
{
    lu_str_t      id;
    const cJSON  *pin;

    pin = lu_json_get(lu_pin_pins(app), manifest);

    if (pin == NULL) {
        return lu_pin_follows(app, manifest);
    }

    return lu_json_value(pin, &id) == LU_OK
           ? lu_pin_build(app, (char *) id.data) : NULL;
}


/* What everyone gets without a pin. */

static const cJSON *
lu_pin_follows(const cJSON *app, const char *manifest)
{
    const cJSON  *latest;

    latest = lu_pin_latest_build(app);

    if (latest == NULL || lu_pin_has(latest, manifest)) {
        return latest;
    }

    return lu_pin_before_with(app, latest, manifest);
}


/* The newest of the earlier ones that was the latest once, or NULL. */

static const cJSON *
lu_pin_before(const cJSON *app, const cJSON *build)
{
    const cJSON  *first;

    first = lu_json_get(app, "desktopBuilds")->child;

    do {
        /* the first item's "prev" is the last one */

        build = (build == first) ? NULL : build->prev;

    } while (build && !cJSON_HasObjectItem(build, "wasLatest"));

    return build;
}


static const cJSON *
lu_pin_before_with(const cJSON *app, const cJSON *build, const char *manifest)
{
    do {
        build = lu_pin_before(app, build);

    } while (build && !lu_pin_has(build, manifest));

    return build;
}


int
lu_pin_has(const cJSON *build, const char *manifest)
{
    lu_str_t      name;
    const cJSON  *item, *manifests;

    manifests = lu_json_get(build, "manifests");

    if (manifests == NULL) {
        return 1;
    }

    cJSON_ArrayForEach(item, manifests) {
        if (lu_json_value(item, &name) == LU_OK && lu_str_is(&name, manifest)) {
            return 1;
        }
    }

    return 0;
}


static int
lu_pin_is_asked(const cJSON *build, const cJSON *manifest)
{
    lu_str_t  name;

    return lu_json_value(manifest, &name) == LU_OK
           && lu_offer_is_asked(lu_json_get(build, "manifests"), &name);
}


static int
lu_pin_in_scope(const cJSON *build, const cJSON *manifest,
    const lu_pin_scope_t *scope)
{
    lu_str_t     name, channel;
    lu_update_t  update;

    if (lu_json_value(manifest, &name) != LU_OK
        || !lu_update_parse(&name, &update))
    {
        return 0;
    }

    if (scope->platforms && (scope->platforms & update.platform) == 0) {
        return 0;
    }

    if (scope->archs && !lu_pin_has_arch(scope->archs, &update)) {
        return 0;
    }

    if (scope->channel == NULL) {
        return 1;
    }

    if (lu_update_is_td(&name)) {
        return lu_pin_has_channel(build, scope->channel);
    }

    channel = lu_update_channel(&update);

    return lu_str_is(&channel, scope->channel);
}


static int
lu_pin_has_arch(const cJSON *archs, const lu_update_t *update)
{
    lu_str_t      name;
    const char   *arch;
    const cJSON  *item;

    arch = lu_update_arch(update);

    cJSON_ArrayForEach(item, archs) {
        if (arch
            && lu_json_value(item, &name) == LU_OK
            && lu_str_is(&name, arch))
        {
            return 1;
        }
    }

    return 0;
}


/* A release without any manifest is one of "latest". */

static int
lu_pin_has_channel(const cJSON *build, const char *channel)
{
    int           manifests;
    lu_str_t      name, found;
    const cJSON  *item;
    lu_update_t   update;

    manifests = 0;

    cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {

        if (lu_json_value(item, &name) != LU_OK
            || !lu_update_parse(&name, &update)
            || lu_update_is_td(&name))
        {
            continue;
        }

        manifests = 1;
        found = lu_update_channel(&update);

        if (lu_str_is(&found, channel)) {
            return 1;
        }
    }

    return !manifests && strcmp(channel, "latest") == 0;
}


static int
lu_pin_is_newer(const cJSON *app, const cJSON *one, const cJSON *two)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, lu_json_get(app, "desktopBuilds")) {
        if (item == one || item == two) {
            return item != one;
        }
    }

    return 0;
}


lu_rc_e
lu_pin_latest(cJSON *app, const char *id, lu_error_t *err)
{
    cJSON        *builds, *releases, *pins;
    lu_rc_e       rc;
    const cJSON  *build, *latest, *from, *to, *item;

    builds = lu_json_get(app, "desktopBuilds");
    releases = lu_json_get(app, "desktopReleases");

    build = id ? lu_pin_build(app, id) : NULL;
    latest = lu_pin_latest_build(app);

    if (build == NULL || lu_json_get(build, "manifests") == NULL) {

        /* nobody knows what it has: an app of an older version */

        cJSON_DeleteItemFromObjectCaseSensitive(releases, "manifests");

        return lu_json_set(releases, "latestReleaseBuildId",
                           id ? cJSON_CreateString(id) : cJSON_CreateNull());
    }

    /* what would follow the other release without a pin is kept */

    from = builds->child;
    to = build;

    if (latest && lu_pin_is_newer(app, build, latest)) {
        from = latest->next;

    } else if (latest) {
        from = build->next;
        to = latest->next;
    }

    for (item = from; item != to; item = item->next) {

        if (item != latest && !cJSON_HasObjectItem(item, "wasLatest")) {
            continue;
        }

        rc = lu_pin_keep(app, item, build);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_pin_move(app, build);
    if (rc != LU_OK) {
        return rc;
    }

    pins = lu_pin_pins(app);

    cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {
        cJSON_DeleteItemFromObjectCaseSensitive(pins, item->valuestring);
    }

    return lu_pin_tidy(app, err);
}


lu_rc_e
lu_pin_fill(cJSON *app, const char *id, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *build, *item, *other;

    build = lu_pin_build(app, id);

    cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {

        if (!lu_pin_is_asked(build, item)) {
            continue;
        }

        other = lu_pin_release(app, item->valuestring);

        if (other == build || (other && lu_pin_is_newer(app, other, build))) {
            continue;
        }

        rc = lu_pin_set(app, item->valuestring, build);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_pin_tidy(app, err);
}


/* Pins the manifests of a release that the new one does not have. */

static lu_rc_e
lu_pin_keep(cJSON *app, const cJSON *from, const cJSON *build)
{
    lu_rc_e       rc;
    const cJSON  *item;

    cJSON_ArrayForEach(item, lu_json_get(from, "manifests")) {

        if (!lu_pin_is_asked(from, item)
            || lu_pin_has(build, item->valuestring))
        {
            continue;
        }

        rc = lu_pin_set(app, item->valuestring,
                        lu_pin_release(app, item->valuestring));
        if (rc != LU_OK) {
            return rc;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_pin_move(cJSON *app, const cJSON *build)
{
    lu_str_t  id;

    if (lu_json_string(build, "id", &id) != LU_OK) {
        id.data = NULL;
    }

    return lu_json_set(lu_json_get(app, "desktopReleases"),
                       "latestReleaseBuildId",
                       id.data ? cJSON_CreateString((char *) id.data)
                               : cJSON_CreateNull());
}


lu_rc_e
lu_pin_back(cJSON *app, const char *id, const lu_pin_scope_t *scope,
    const cJSON **before, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *build, *item, *other;

    *before = NULL;

    build = lu_pin_build(app, id);

    cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {

        if (!lu_pin_is_asked(build, item)
            || !lu_pin_in_scope(build, item, scope)
            || lu_pin_release(app, item->valuestring) != build)
        {
            continue;
        }

        other = lu_pin_before_with(app, build, item->valuestring);

        rc = lu_pin_set(app, item->valuestring, other);
        if (rc != LU_OK) {
            return rc;
        }

        if (other && (*before == NULL || lu_pin_is_newer(app, other, *before)))
        {
            *before = other;
        }
    }

    if (scope->channel == NULL
        && scope->platforms == 0
        && scope->archs == NULL
        && lu_pin_latest_build(app) == build)
    {
        other = lu_pin_before(app, build);

        if (lu_json_get(build, "manifests") == NULL) {
            *before = other;
        }

        rc = lu_pin_move(app, other);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_pin_tidy(app, err);
}


static lu_rc_e
lu_pin_set(cJSON *app, const char *manifest, const cJSON *build)
{
    cJSON     *pins;
    lu_rc_e    rc;
    lu_str_t   id;

    pins = lu_pin_pins(app);

    if (!cJSON_IsObject(pins)) {
        pins = cJSON_CreateObject();

        rc = lu_json_set(lu_json_get(app, "desktopReleases"), "manifests",
                         pins);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (lu_json_string(build, "id", &id) != LU_OK) {
        id.data = NULL;
    }

    return lu_json_set(pins, manifest,
                       id.data ? cJSON_CreateString((char *) id.data)
                               : cJSON_CreateNull());
}


/* Removes the pins without which it would be the same. */

static lu_rc_e
lu_pin_tidy(cJSON *app, lu_error_t *err)
{
    cJSON   *pins, *pin, *next;
    size_t   n;

    pins = lu_pin_pins(app);
    n = 0;

    for (pin = pins ? pins->child : NULL; pin; pin = next) {
        next = pin->next;

        if (lu_pin_release(app, pin->string)
            == lu_pin_follows(app, pin->string))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(pins, pin));

        } else {
            n++;
        }
    }

    if (n == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(
                       lu_json_get(app, "desktopReleases"), "manifests");
    }

    if (n > LU_LIMIT_PINS) {
        (void) lu_error(err, NULL,
                        "more than " lu_value(LU_LIMIT_PINS) " manifests would "
                        "have a latest release of their own");
        return LU_CONFLICT;
    }

    return LU_OK;
}


const cJSON *
lu_pin_newest(const cJSON *app, const lu_pin_scope_t *scope)
{
    const cJSON  *builds, *build;

    builds = lu_json_get(app, "desktopBuilds");

    build = (builds && builds->child) ? builds->child->prev : NULL;

    while (build && !lu_pin_is_latest(app, build, scope)) {
        build = (build == builds->child) ? NULL : build->prev;
    }

    return build;
}


int
lu_pin_is_latest(const cJSON *app, const cJSON *build,
    const lu_pin_scope_t *scope)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {

        if (lu_pin_is_asked(build, item)
            && lu_pin_in_scope(build, item, scope)
            && lu_pin_release(app, item->valuestring) == build)
        {
            return 1;
        }
    }

    return 0;
}
