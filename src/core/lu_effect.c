
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_effect.h"
#include "lu_offer.h"
#include "lu_put.h"
#include "lu_share.h"
#include "lu_version.h"


#define LU_EFFECT_NEAR  1e-9


/* What those who ask for a manifest get. */

typedef struct {
    const lu_build_t  *latest;          /* NULL: none */
    double             given;           /* how many get anything */
    double             share;           /* how many get the release */
} lu_given_t;


static lu_rc_e lu_effect_parse(const lu_arena_t *arena, const cJSON *app,
    lu_desktop_t *desktop, lu_error_t *err);
static void lu_effect_given(const lu_desktop_t *desktop, const lu_str_t *name,
    const lu_str_t *release, lu_given_t *given);
static void lu_effect_manifest(lu_put_t *put, cJSON *list,
    const lu_str_t *name, const lu_given_t *was, const lu_given_t *is,
    const lu_build_t *build);
static const char *lu_effect_name(const lu_given_t *was, const lu_given_t *is,
    const lu_build_t *from, const lu_build_t *to);
static void lu_effect_build(lu_put_t *put, cJSON *object, const char *key,
    const lu_build_t *build);
static int lu_effect_is_older(const lu_given_t *was, const lu_given_t *is,
    const lu_build_t *build);
static lu_rc_e lu_effect_add(const lu_arena_t *arena, lu_str_t *list,
    const lu_str_t *name);


lu_rc_e
lu_effect(const lu_arena_t *arena, const cJSON *before, const cJSON *after,
    const char *release, cJSON *list, lu_str_t *lost, lu_str_t *older,
    lu_error_t *err)
{
    size_t             i, n;
    lu_rc_e            rc;
    lu_put_t           put;
    lu_str_t           id, name;
    lu_given_t         was, is;
    lu_desktop_t       one, two;
    const lu_build_t  *build;

    lost->len = 0;
    lost->data = NULL;

    older->len = 0;
    older->data = NULL;

    rc = lu_effect_parse(arena, before, &one, err);

    if (rc == LU_OK) {
        rc = lu_effect_parse(arena, after, &two, err);
    }

    if (rc != LU_OK) {
        return rc;
    }

    lu_put_init(&put);

    id = lu_str(release);
    build = lu_desktop_build_of_id(&two, &id);
    n = two.noffers;

    for (i = 0; i < n + one.noffers; i++) {
        name = i < n ? two.offers[i].name : one.offers[i - n].name;

        if (lu_str_ends(&name, ".json")
            || (i >= n && lu_offer_find(&two, &name)))
        {
            continue;
        }

        lu_effect_given(&one, &name, &id, &was);
        lu_effect_given(&two, &name, &id, &is);

        if (was.given - is.given > LU_EFFECT_NEAR) {
            rc = lu_effect_add(arena, lost, &name);

        } else if (lu_effect_is_older(&was, &is, build)) {
            rc = lu_effect_add(arena, older, &name);
        }

        if (rc != LU_OK) {
            return rc;
        }

        lu_effect_manifest(&put, list, &name, &was, &is, build);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


static lu_rc_e
lu_effect_parse(const lu_arena_t *arena, const cJSON *app,
    lu_desktop_t *desktop, lu_error_t *err)
{
    return lu_desktop_parse(arena, lu_json_get(app, "desktopBuilds"),
                            lu_json_get(app, "desktopReleases"), desktop,
                            err);
}


static void
lu_effect_given(const lu_desktop_t *desktop, const lu_str_t *name,
    const lu_str_t *release, lu_given_t *given)
{
    double           left;
    const lu_str_t  *id;

    id = lu_share_of(desktop, name, release, &given->share, &left);

    given->latest = id ? lu_desktop_build_of_id(desktop, id) : NULL;
    given->given = given->latest ? 1 : 1 - left;
}


static void
lu_effect_manifest(lu_put_t *put, cJSON *list, const lu_str_t *name,
    const lu_given_t *was, const lu_given_t *is, const lu_build_t *build)
{
    int                same;
    cJSON             *item;
    double             share, change;
    lu_str_t           channel;
    lu_update_t        update;
    const lu_build_t  *from, *to;

    from = was->latest;
    to = is->latest;
    share = is->given;

    same = (from == NULL) == (to == NULL)
           && (from == NULL || lu_str_eq(&from->id, &to->id));

    if (same) {
        change = is->share - was->share;

        if (change < LU_EFFECT_NEAR && change > -LU_EFFECT_NEAR) {
            return;
        }

    }

    if (same || (to == NULL && is->share > LU_EFFECT_NEAR)) {
        to = build;
        share = is->share;
    }

    if (lu_update_parse(name, &update) == 0) {
        return;
    }

    channel = lu_update_channel(&update);

    item = lu_put_object(put, list, NULL);

    lu_put_string(put, item, "platform", lu_platform_name(update.platform));
    lu_put_str(put, item, "channel", &channel);

    if (update.arch) {
        lu_put_string(put, item, "arch", update.arch);
    }

    lu_put_str(put, item, "manifest", name);

    lu_effect_build(put, item, "from", from);
    lu_effect_build(put, item, "to", to);

    lu_put_number(put, item, "share", share);
    lu_put_string(put, item, "effect", lu_effect_name(was, is, from, to));
}


static const char *
lu_effect_name(const lu_given_t *was, const lu_given_t *is,
    const lu_build_t *from, const lu_build_t *to)
{
    if (was->given - is->given > LU_EFFECT_NEAR) {
        return "lost";
    }

    if (was->share - is->share > LU_EFFECT_NEAR) {
        return "back";
    }

    if (from == NULL) {
        return was->given > LU_EFFECT_NEAR ? "update" : "new";
    }

    return to && lu_version_semantic_cmp(&to->version, &from->version) < 0
           ? "back" : "update";
}


static void
lu_effect_build(lu_put_t *put, cJSON *object, const char *key,
    const lu_build_t *build)
{
    cJSON  *item;

    if (build == NULL) {
        lu_put_null(put, object, key);
        return;
    }

    item = lu_put_object(put, object, key);

    lu_put_str(put, item, "id", &build->id);
    lu_put_str_or_null(put, item, "version", &build->version);
}


static int
lu_effect_is_older(const lu_given_t *was, const lu_given_t *is,
    const lu_build_t *build)
{
    return build
           && was->latest
           && is->share - was->share > LU_EFFECT_NEAR
           && lu_version_semantic_cmp(&build->version, &was->latest->version)
              < 0;
}


static lu_rc_e
lu_effect_add(const lu_arena_t *arena, lu_str_t *list, const lu_str_t *name)
{
    lu_str_t  names;

    names.data = arena->alloc(arena->data, list->len + name->len + 3);
    if (names.data == NULL) {
        return LU_NOMEM;
    }

    names.len = 0;

    if (list->len) {
        memcpy(names.data, list->data, list->len);
        memcpy(names.data + list->len, ", ", 2);
        names.len = list->len + 2;
    }

    memcpy(names.data + names.len, name->data, name->len);
    names.len += name->len;
    names.data[names.len] = '\0';

    *list = names;

    return LU_OK;
}
