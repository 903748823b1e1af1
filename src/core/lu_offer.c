
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include "lu_offer.h"
#include "lu_put.h"


/* of a file, at most, bytes */

#define LU_OFFER_NAME  256


static int lu_offer_is_list(const lu_str_t *name);
static size_t lu_offer_count(const cJSON *builds);
static lu_rc_e lu_offer_build(const lu_arena_t *arena, const cJSON *item,
    lu_desktop_t *desktop, lu_build_t *build, lu_error_t *err);
static lu_rc_e lu_offer_add_alone(const lu_arena_t *arena,
    lu_desktop_t *desktop, const cJSON *names, unsigned platform,
    const lu_build_t *build);
static void lu_offer_add(lu_desktop_t *desktop, const lu_str_t *name,
    const lu_build_t *build, int is_alone);
static lu_rc_e lu_offer_add_list(const lu_arena_t *arena,
    lu_desktop_t *desktop, const lu_str_t *channel, unsigned platform,
    const lu_build_t *build, int is_alone);
static int lu_offer_cmp(const void *one, const void *two);
static const lu_had_t *lu_offer_had(const lu_offer_t *offer,
    const lu_build_t *build);
static lu_rc_e lu_offer_group(const lu_arena_t *arena, lu_desktop_t *desktop);
static const lu_build_t *lu_offer_before(const lu_offer_t *offer,
    const lu_build_t *latest);
static void lu_offer_set(lu_offer_t *offer, const lu_build_t *build);
static lu_rc_e lu_offer_lists(const lu_arena_t *arena, lu_desktop_t *desktop);
static lu_rc_e lu_offer_pins(const cJSON *releases, lu_desktop_t *desktop,
    lu_error_t *err);
static void lu_offer_unknown(lu_desktop_t *desktop, const lu_build_t *latest);


cJSON *
lu_offer_names(const lu_file_t *files, size_t n, const char *build_id)
{
    char          name[LU_OFFER_NAME];
    cJSON        *names;
    size_t        i, count;
    lu_put_t      put;
    lu_update_t   update;

    lu_put_init(&put);

    names = cJSON_CreateArray();
    count = 0;

    for (i = 0; i < n; i++) {

        if (!lu_update_parse(&files[i].href, &update)
            || !lu_str_is(&update.build_id, build_id)
            || update.stem.len + update.ext.len >= LU_OFFER_NAME)
        {
            continue;
        }

        if (++count > LU_OFFER_MANIFESTS) {
            cJSON_Delete(names);
            return cJSON_CreateNull();
        }

        memcpy(name, update.stem.data, update.stem.len);
        memcpy(name + update.stem.len, update.ext.data, update.ext.len);
        name[update.stem.len + update.ext.len] = '\0';

        lu_put_string(&put, names, NULL, name);
    }

    return lu_put_done(&put, names);
}


/* Of the names that end so, ToDesktop's lists alone are files of a release. */

static int
lu_offer_is_list(const lu_str_t *name)
{
    return lu_str_ends(name, ".json");
}


lu_rc_e
lu_offer_index(const lu_arena_t *arena, const cJSON *builds,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err)
{
    size_t             i;
    lu_rc_e            rc;
    const cJSON       *item;
    const lu_build_t  *latest;

    desktop->had = arena->alloc(arena->data, (lu_offer_count(builds) + 1)
                                             * sizeof(lu_had_t));
    if (desktop->had == NULL) {
        return LU_NOMEM;
    }

    i = 0;

    cJSON_ArrayForEach(item, builds) {
        rc = lu_offer_build(arena, item, desktop, &desktop->builds[i++], err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    qsort(desktop->had, desktop->nhad, sizeof(lu_had_t), lu_offer_cmp);

    rc = lu_offer_group(arena, desktop);
    if (rc != LU_OK) {
        return rc;
    }

    latest = desktop->latest ? lu_desktop_build_of_id(desktop, desktop->latest)
                             : NULL;

    lu_offer_unknown(desktop, latest);

    for (i = 0; latest && i < desktop->noffers; i++) {
        lu_offer_set(&desktop->offers[i],
                     lu_offer_before(&desktop->offers[i], latest));
    }

    rc = lu_offer_pins(releases, desktop, err);

    return rc == LU_OK ? lu_offer_lists(arena, desktop) : rc;
}


int
lu_offer_is_asked(const cJSON *manifests, const lu_str_t *name)
{
    lu_str_t      other;
    const cJSON  *item;
    lu_update_t   list, update;

    if (!lu_update_parse(name, &list) || !lu_offer_is_list(name)) {
        return 1;
    }

    cJSON_ArrayForEach(item, manifests) {

        if (lu_json_value(item, &other) == LU_OK
            && lu_update_parse(&other, &update)
            && !lu_offer_is_list(&other)
            && update.platform == list.platform)
        {
            return 0;
        }
    }

    return 1;
}


/* How many there are at most. */

static size_t
lu_offer_count(const cJSON *builds)
{
    size_t        n, manifests, lists;
    lu_str_t      name;
    const cJSON  *build, *item, *names;

    n = 0;

    cJSON_ArrayForEach(build, builds) {
        names = lu_json_get(build, "manifests");

        manifests = 0;
        lists = 0;

        cJSON_ArrayForEach(item, names) {

            if (lu_json_value(item, &name) != LU_OK) {
                continue;
            }

            if (!lu_offer_is_list(&name)) {
                manifests++;

            } else if (lu_offer_is_asked(names, &name)) {
                lists++;
            }
        }

        /* each manifest may stand for a list, and each list for all channels */

        n += 2 * manifests + 3 + lists * (manifests + 1);
    }

    return n;
}


static lu_rc_e
lu_offer_build(const lu_arena_t *arena, const cJSON *item,
    lu_desktop_t *desktop, lu_build_t *build, lu_error_t *err)
{
    lu_rc_e       rc;
    unsigned      platform, lists, named;
    lu_str_t      name, channel;
    const cJSON  *names;
    lu_update_t   update;

    names = lu_json_get(item, "manifests");

    if (names == NULL || cJSON_IsNull(names)) {
        return LU_OK;
    }

    build->is_known = 1;
    lists = 0;
    named = 0;

    cJSON_ArrayForEach(item, names) {

        if (lu_json_value(item, &name) != LU_OK
            || !lu_update_parse(&name, &update))
        {
            return lu_error(err, &build->id,
                            "has \"manifests\" that are not names");
        }

        if (lu_offer_is_list(&name)) {
            lists |= update.platform;

        } else {
            named |= update.platform;
        }
    }

    cJSON_ArrayForEach(item, names) {
        (void) lu_json_value(item, &name);
        (void) lu_update_parse(&name, &update);

        if (lu_offer_is_list(&name)) {
            continue;
        }

        lu_offer_add(desktop, &name, build, 0);

        if ((lists & update.platform) == 0) {
            continue;
        }

        channel = lu_update_channel(&update);

        rc = lu_offer_add_list(arena, desktop, &channel, update.platform,
                               build, 0);
        if (rc != LU_OK) {
            return rc;
        }
    }

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {

        if ((lists & platform) == 0) {
            continue;
        }

        channel = lu_str("");

        rc = lu_offer_add_list(arena, desktop, &channel, platform, build,
                               (named & platform) == 0);

        if (rc == LU_OK && (named & platform) == 0) {
            rc = lu_offer_add_alone(arena, desktop, names, platform, build);
        }

        if (rc != LU_OK) {
            return rc;
        }
    }

    return LU_OK;
}


/*
 * Files for people alone, on a platform without a manifest: of the channels of
 * the other platforms.
 */

static lu_rc_e
lu_offer_add_alone(const lu_arena_t *arena, lu_desktop_t *desktop,
    const cJSON *names, unsigned platform, const lu_build_t *build)
{
    int           added;
    lu_rc_e       rc;
    lu_str_t      name, channel;
    const cJSON  *item;
    lu_update_t   update;

    added = 0;

    cJSON_ArrayForEach(item, names) {
        (void) lu_json_value(item, &name);
        (void) lu_update_parse(&name, &update);

        if (lu_offer_is_list(&name)) {
            continue;
        }

        channel = lu_update_channel(&update);

        rc = lu_offer_add_list(arena, desktop, &channel, platform, build, 1);
        if (rc != LU_OK) {
            return rc;
        }

        added = 1;
    }

    if (added) {
        return LU_OK;
    }

    channel = lu_str("latest");

    return lu_offer_add_list(arena, desktop, &channel, platform, build, 1);
}


static void
lu_offer_add(lu_desktop_t *desktop, const lu_str_t *name,
    const lu_build_t *build, int is_alone)
{
    lu_had_t  *had;

    had = &desktop->had[desktop->nhad++];

    memset(had, 0, sizeof(lu_had_t));

    had->name = *name;
    had->build = build;
    had->is_alone = (is_alone != 0);
}


static lu_rc_e
lu_offer_add_list(const lu_arena_t *arena, lu_desktop_t *desktop,
    const lu_str_t *channel, unsigned platform, const lu_build_t *build,
    int is_alone)
{
    lu_str_t  name;

    name = lu_offer_list(arena, channel, platform);
    if (name.data == NULL) {
        return LU_NOMEM;
    }

    lu_offer_add(desktop, &name, build, is_alone);

    return LU_OK;
}


/* Builds lie in the order of their list. */

static int
lu_offer_cmp(const void *one, const void *two)
{
    int              rc;
    const lu_had_t  *a, *b;

    a = one;
    b = two;

    rc = lu_str_cmp(&a->name, &b->name);

    return rc ? rc : (a->build > b->build) - (a->build < b->build);
}


/* The names are in the trees until here. */

static lu_rc_e
lu_offer_group(const lu_arena_t *arena, lu_desktop_t *desktop)
{
    size_t       i, n;
    lu_had_t    *had;
    lu_offer_t  *offer;

    had = desktop->had;
    n = 0;

    for (i = 0; i < desktop->nhad; i++) {
        if (i == 0 || !lu_str_eq(&had[i].name, &had[i - 1].name)) {
            n++;
        }
    }

    desktop->offers = arena->alloc(arena->data, (n + 1) * sizeof(lu_offer_t));
    if (desktop->offers == NULL) {
        return LU_NOMEM;
    }

    offer = NULL;

    for (i = 0; i < desktop->nhad; i++) {

        if (offer == NULL || !lu_str_eq(&had[i].name, &offer->name)) {
            offer = &desktop->offers[desktop->noffers++];

            memset(offer, 0, sizeof(lu_offer_t));

            offer->had = &had[i];
            offer->name = lu_str_dup(arena, had[i].name.data,
                                     had[i].name.len);

            if (offer->name.data == NULL) {
                return LU_NOMEM;
            }
        }

        had[i].name = offer->name;
        offer->n++;
    }

    return LU_OK;
}


/*
 * The newest one up to the latest release that was for everyone.  A list
 * follows its manifests, if it has some.
 */

static const lu_build_t *
lu_offer_before(const lu_offer_t *offer, const lu_build_t *latest)
{
    size_t             i;
    const lu_had_t    *had;

    for (i = offer->n; i > 0; i--) {
        had = &offer->had[i - 1];

        if (lu_offer_is_list(&offer->name) && !had->is_alone) {
            continue;
        }

        if (had->build == latest
            || (had->build < latest && had->build->was_latest))
        {
            return had->build;
        }
    }

    return NULL;
}


/* The newest comes first, and none is there twice. */

static void
lu_offer_set(lu_offer_t *offer, const lu_build_t *build)
{
    size_t  i;

    for (i = 0; i < offer->nlatest && offer->latest[i] > build; i++) {
        /* void */
    }

    if (build == NULL
        || i == LU_LATEST
        || (i < offer->nlatest && offer->latest[i] == build))
    {
        return;
    }

    if (offer->nlatest < LU_LATEST) {
        offer->nlatest++;
    }

    memmove(&offer->latest[i + 1], &offer->latest[i],
            (offer->nlatest - 1 - i) * sizeof(lu_build_t *));

    offer->latest[i] = build;
}


/* The lists of a channel, and of all, have the latest of its manifests. */

static lu_rc_e
lu_offer_lists(const lu_arena_t *arena, lu_desktop_t *desktop)
{
    int           all;
    size_t        i;
    lu_str_t      channel, name;
    lu_offer_t   *offer, *list;
    lu_update_t   update;

    for (i = 0; i < 2 * desktop->noffers; i++) {
        offer = &desktop->offers[i / 2];
        all = i % 2;

        if (!lu_update_parse(&offer->name, &update)
            || lu_offer_is_list(&offer->name))
        {
            continue;
        }

        channel = all ? lu_str("") : lu_update_channel(&update);

        name = lu_offer_list(arena, &channel, update.platform);
        if (name.data == NULL) {
            return LU_NOMEM;
        }

        list = (lu_offer_t *) lu_offer_find(desktop, &name);

        if (list == NULL) {
            continue;
        }

        list->is_pinned |= offer->is_pinned;

        if (offer->nlatest && lu_offer_may_have(list, offer->latest[0])) {
            lu_offer_set(list, offer->latest[0]);
        }
    }

    return LU_OK;
}


static void
lu_offer_unknown(lu_desktop_t *desktop, const lu_build_t *latest)
{
    const lu_build_t  *build;

    for (build = latest; build; build--) {

        if (!build->is_known && (build == latest || build->was_latest)) {
            desktop->unknown[desktop->nunknown++] = build;
        }

        if (build == desktop->builds || desktop->nunknown == LU_UNKNOWN) {
            break;
        }
    }
}


static lu_rc_e
lu_offer_pins(const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err)
{
    lu_str_t           id, name;
    lu_offer_t        *offer;
    const cJSON       *pins, *pin;
    const lu_build_t  *build;

    pins = lu_json_get(releases, "manifests");

    if (pins == NULL || cJSON_IsNull(pins)) {
        return LU_OK;
    }

    if (!cJSON_IsObject(pins)) {
        return lu_error(err, NULL, "\"manifests\" of the releases must be an "
                                   "object");
    }

    cJSON_ArrayForEach(pin, pins) {
        name = lu_str(pin->string);
        offer = (lu_offer_t *) lu_offer_find(desktop, &name);

        if (offer == NULL) {
            continue;
        }

        offer->is_pinned = 1;
        offer->nlatest = 0;

        build = (lu_json_value(pin, &id) == LU_OK)
                ? lu_desktop_build_of_id(desktop, &id) : NULL;

        if (build && lu_offer_may_have(offer, build)) {
            lu_offer_set(offer, build);
        }
    }

    return LU_OK;
}


const lu_offer_t *
lu_offer_find(const lu_desktop_t *desktop, const lu_str_t *name)
{
    size_t  first, last, i;

    first = 0;
    last = desktop->noffers;

    while (first < last) {
        i = first + (last - first) / 2;

        if (lu_str_cmp(&desktop->offers[i].name, name) < 0) {
            first = i + 1;

        } else {
            last = i;
        }
    }

    if (first == desktop->noffers
        || !lu_str_eq(&desktop->offers[first].name, name))
    {
        return NULL;
    }

    return &desktop->offers[first];
}


int
lu_offer_may_have(const lu_offer_t *offer, const lu_build_t *build)
{
    return !build->is_known || lu_offer_had(offer, build) != NULL;
}


static const lu_had_t *
lu_offer_had(const lu_offer_t *offer, const lu_build_t *build)
{
    lu_had_t  had;

    if (offer == NULL || offer->n == 0) {
        return NULL;
    }

    had.name = offer->name;
    had.build = build;

    return bsearch(&had, offer->had, offer->n, sizeof(lu_had_t), lu_offer_cmp);
}


const lu_mark_t *
lu_offer_mark(const lu_desktop_t *desktop, const lu_str_t *name,
    const lu_build_t *build)
{
    const lu_had_t  *had;

    had = lu_offer_had(lu_offer_find(desktop, name), build);

    return had ? &had->mark : NULL;
}


lu_str_t
lu_offer_list(const lu_arena_t *arena, const lu_str_t *channel,
    unsigned platform)
{
    size_t       size;
    lu_str_t     name;
    const char  *suffix;

    suffix = lu_platform_suffix(platform);
    size = sizeof("td-.json") + channel->len + strlen(suffix);

    name.len = 0;
    name.data = arena->alloc(arena->data, size);

    if (name.data) {
        name.len = snprintf((char *) name.data, size, "td-%.*s%s.json",
                            (int) channel->len, (char *) channel->data,
                            suffix);
    }

    return name;
}


lu_str_t
lu_offer_any_list(const lu_desktop_t *desktop, const lu_str_t *name,
    unsigned platform)
{
    static const lu_str_t  windows = lu_string("td-.json");
    static const lu_str_t  mac = lu_string("td--mac.json");
    static const lu_str_t  linux_ = lu_string("td--linux.json");

    if (lu_offer_find(desktop, name)) {
        return *name;
    }

    return (platform == LU_MAC) ? mac
                                : (platform == LU_LINUX) ? linux_ : windows;
}
