
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_feed.h"
#include "lu_name.h"
#include "lu_offer.h"
#include "lu_update.h"


#define LU_FEED_NAME_LEN  255


static lu_rc_e lu_feed_manifest(const lu_arena_t *arena,
    const lu_desktop_t *desktop, const lu_client_t *client,
    const lu_update_t *update, lu_feed_t *feed);
static lu_rc_e lu_feed_build(const lu_arena_t *arena,
    const lu_update_t *update, const lu_str_t *build_id, lu_feed_t *feed);
static lu_rc_e lu_feed_blockmap(const lu_arena_t *arena,
    const lu_desktop_t *desktop, lu_feed_t *feed);
static const lu_build_t *lu_feed_named_build(const lu_desktop_t *desktop,
    const lu_str_t *name, const char *marker, lu_str_t *id);
static int lu_feed_other_version(const lu_desktop_t *desktop,
    const lu_str_t *name, const lu_build_t *own, lu_str_t *version);


lu_rc_e
lu_feed_name(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed)
{
    lu_error_t   err;
    lu_update_t  update;

    memset(feed, 0, sizeof(lu_feed_t));

    if (path->len == 0) {
        return LU_INVALID;
    }

    if (lu_name_file_check(path, &err) != LU_OK) {
        return LU_NOT_FOUND;
    }

    feed->name = *path;

    if (!lu_update_parse(path, &update)) {
        return lu_feed_blockmap(arena, desktop, feed);
    }

    feed->is_manifest = 1;

    return lu_feed_manifest(arena, desktop, client, &update, feed);
}


lu_rc_e
lu_feed_next(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed)
{
    lu_update_t  update;

    if (!feed->is_manifest
        || !lu_update_parse(path, &update)
        || update.has_build
        || update.version.len)
    {
        return LU_NOT_FOUND;
    }

    feed->tried++;
    feed->name = *path;
    feed->build = NULL;

    return lu_feed_manifest(arena, desktop, client, &update, feed);
}


lu_rc_e
lu_feed_trial(const lu_desktop_t *desktop, const lu_client_t *client,
    const lu_str_t *path, const lu_build_t *build, lu_trial_t *trial)
{
    lu_str_t     name;
    lu_update_t  update;

    if (!lu_update_parse(path, &update)
        || update.has_build
        || update.version.len)
    {
        return LU_NOT_FOUND;
    }

    name = *path;

    if (lu_update_is_td(&name)) {
        name = lu_offer_any_list(desktop, &name, update.platform);
    }

    return lu_desktop_trial(desktop, client, &name, update.platform, build,
                            trial);
}


static lu_rc_e
lu_feed_manifest(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_update_t *update, lu_feed_t *feed)
{
    lu_str_t         name;
    const lu_str_t  *build_id;

    if (update->has_build) {
        feed->build = lu_desktop_build_of_id(desktop, &update->build_id);
        return LU_OK;
    }

    if (update->version.len) {
        feed->build = lu_desktop_build_of_version(desktop, &update->version);

        if (feed->build == NULL) {
            return LU_NOT_FOUND;
        }

        return lu_feed_build(arena, update, &feed->build->id, feed);
    }

    name = feed->name;

    if (lu_update_is_td(&name)) {
        name = lu_offer_any_list(desktop, &name, update->platform);
    }

    build_id = lu_desktop_choose(desktop, client, &name, update->platform,
                                 feed->tried);

    if (build_id == NULL) {
        return feed->tried ? LU_NOT_FOUND : LU_OK;
    }

    feed->build = lu_desktop_build_of_id(desktop, build_id);

    return lu_feed_build(arena, update, build_id, feed);
}


/* Puts "-build-{id}" in the place of the version. */

static lu_rc_e
lu_feed_build(const lu_arena_t *arena, const lu_update_t *update,
    const lu_str_t *build_id, lu_feed_t *feed)
{
    size_t          len;
    unsigned char  *p;

    static const char  infix[] = "-build-";

    len = update->stem.len + sizeof(infix) - 1 + build_id->len
          + update->ext.len;

    if (len > LU_FEED_NAME_LEN) {
        return LU_NOT_FOUND;
    }

    p = arena->alloc(arena->data, len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    feed->name.len = len;
    feed->name.data = p;

    memcpy(p, update->stem.data, update->stem.len);
    p += update->stem.len;

    memcpy(p, infix, sizeof(infix) - 1);
    p += sizeof(infix) - 1;

    memcpy(p, build_id->data, build_id->len);
    p += build_id->len;

    memcpy(p, update->ext.data, update->ext.len);
    p[update->ext.len] = '\0';

    return LU_OK;
}


/*
 * An updater without the blockmap of the version that it runs puts this
 * version into the name of the new file, and so asks for the old version with
 * the id of the new build.
 */

static lu_rc_e
lu_feed_blockmap(const lu_arena_t *arena, const lu_desktop_t *desktop,
    lu_feed_t *feed)
{
    size_t             head, tail;
    lu_str_t           id, name, version;
    unsigned char     *p;
    const lu_build_t  *own, *other;

    name = feed->name;

    feed->is_fixed = 1;

    if (!lu_str_ends(&name, ".blockmap")) {
        return LU_OK;
    }

    own = lu_feed_named_build(desktop, &name, "-build-", &id);

    if (own == NULL) {
        own = lu_feed_named_build(desktop, &name, "Build ", &id);
    }

    if (own == NULL || !lu_feed_other_version(desktop, &name, own, &version)) {
        return LU_OK;
    }

    other = lu_desktop_build_of_version(desktop, &version);

    if (other == NULL) {
        return LU_OK;
    }

    head = id.data - name.data;
    tail = name.len - head - id.len;

    if (head + other->id.len + tail > LU_FEED_NAME_LEN) {
        return LU_NOT_FOUND;
    }

    p = arena->alloc(arena->data, head + other->id.len + tail + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    feed->is_fixed = 0;
    feed->build = other;
    feed->name.len = head + other->id.len + tail;
    feed->name.data = p;

    memcpy(p, name.data, head);
    memcpy(p + head, other->id.data, other->id.len);
    memcpy(p + head + other->id.len, id.data + id.len, tail);
    p[feed->name.len] = '\0';

    return LU_OK;
}


static const lu_build_t *
lu_feed_named_build(const lu_desktop_t *desktop, const lu_str_t *name,
    const char *marker, lu_str_t *id)
{
    size_t             i;
    const lu_build_t  *build;

    for (i = lu_str_find(name, 0, marker);
         i < name->len;
         i = lu_str_find(name, i + 1, marker))
    {
        id->data = name->data + i + strlen(marker);
        id->len = name->data + name->len - id->data;

        build = lu_desktop_id_at(desktop, id);

        if (build) {
            id->len = build->id.len;
            return build;
        }
    }

    return NULL;
}


/*
 * 1 if the name has the version of another build, and not that of its own:
 * "1.1.0-beta.1" is not "1.1.0", and a product may have a number in its
 * name.  Of several versions, the last one counts.
 */

static int
lu_feed_other_version(const lu_desktop_t *desktop, const lu_str_t *name,
    const lu_build_t *own, lu_str_t *version)
{
    size_t             i;
    lu_str_t           rest;
    const lu_build_t  *found;

    version->len = 0;

    for (i = 0; i < name->len; i++) {

        if (i > 0
            && (lu_str_is_alnum(name->data[i - 1])
                || name->data[i - 1] == '.'))
        {
            continue;
        }

        rest.data = name->data + i;
        rest.len = name->len - i;

        found = lu_desktop_version_at(desktop, &rest);

        if (found == NULL) {
            continue;
        }

        if (lu_str_eq(&found->version, &own->version)) {
            return 0;
        }

        *version = found->version;
        i += found->version.len - 1;
    }

    return version->len != 0;
}


const char *
lu_feed_type(const lu_str_t *name)
{
    if (lu_str_ends(name, ".yml")) {
        return "text/yaml";
    }

    if (lu_str_ends(name, ".json")) {
        return "application/json";
    }

    if (lu_str_ends(name, ".exe")) {
        return "application/vnd.microsoft.portable-executable";
    }

    return "application/octet-stream";
}
