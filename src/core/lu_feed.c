
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_feed.h"
#include "lu_name.h"


#define LU_FEED_NAME_LEN  255

#define lu_feed_is_digit(c)  ((c) >= '0' && (c) <= '9')


static int lu_feed_manifest(const lu_str_t *path, lu_str_t *stem);
static lu_rc_e lu_feed_build(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *stem, const lu_str_t *build_id, lu_feed_t *feed);
static int lu_feed_version(const lu_str_t *stem, lu_str_t *version);
static size_t lu_feed_digits(const lu_str_t *text, size_t end);
static unsigned lu_feed_platform(const lu_str_t *path, const lu_str_t *stem);
static lu_rc_e lu_feed_blockmap(const lu_arena_t *arena,
    const lu_desktop_t *desktop, lu_feed_t *feed);
static const lu_build_t *lu_feed_named_build(const lu_desktop_t *desktop,
    const lu_str_t *name, const char *marker, lu_str_t *id);
static int lu_feed_other_version(const lu_desktop_t *desktop,
    const lu_str_t *name, const lu_build_t *own, lu_str_t *version);
static void lu_feed_version_at(const lu_desktop_t *desktop,
    const lu_str_t *rest, lu_str_t *version);




lu_rc_e
lu_feed_name(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed)
{
    lu_str_t           stem, version;
    lu_error_t         err;
    const lu_str_t    *build_id;
    const lu_build_t  *build;

    memset(feed, 0, sizeof(lu_feed_t));

    if (path->len == 0) {
        return LU_INVALID;
    }

    if (lu_name_file_check(path, &err) != LU_OK) {
        return LU_NOT_FOUND;
    }

    feed->name = *path;

    if (!lu_feed_manifest(path, &stem)) {
        return lu_feed_blockmap(arena, desktop, feed);
    }

    feed->is_manifest = 1;

    if (lu_str_has(path, "-build-")) {
        return LU_OK;
    }

    if (lu_feed_version(&stem, &version)) {
        build = lu_desktop_build_of_version(desktop, &version);

        if (build == NULL) {
            return LU_NOT_FOUND;
        }

        build_id = &build->id;
        stem.len -= version.len + 1;

    } else {
        build_id = lu_desktop_choose(desktop, client,
                                     lu_feed_platform(path, &stem));
        if (build_id == NULL) {
            return LU_OK;
        }
    }

    return lu_feed_build(arena, path, &stem, build_id, feed);
}


static int
lu_feed_manifest(const lu_str_t *path, lu_str_t *stem)
{
    *stem = *path;

    if (lu_str_ends(path, ".yml")) {
        stem->len -= sizeof(".yml") - 1;
        return 1;
    }

    if (lu_str_ends(path, ".json")) {
        stem->len -= sizeof(".json") - 1;
        return 1;
    }

    return 0;
}


/* "-build-{id}" comes in front of the path's extension. */

static lu_rc_e
lu_feed_build(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *stem, const lu_str_t *build_id, lu_feed_t *feed)
{
    size_t          len;
    lu_str_t        suffix;
    unsigned char  *p;

    static const char  infix[] = "-build-";

    suffix.data = path->data + path->len - 1;

    while (*suffix.data != '.') {
        suffix.data--;
    }

    suffix.len = path->data + path->len - suffix.data;

    len = stem->len + sizeof(infix) - 1 + build_id->len + suffix.len;

    if (len > LU_FEED_NAME_LEN) {
        return LU_NOT_FOUND;
    }

    p = arena->alloc(arena->data, len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    feed->name.len = len;
    feed->name.data = p;

    memcpy(p, stem->data, stem->len);
    p += stem->len;

    memcpy(p, infix, sizeof(infix) - 1);
    p += sizeof(infix) - 1;

    memcpy(p, build_id->data, build_id->len);
    p += build_id->len;

    memcpy(p, suffix.data, suffix.len);
    p[suffix.len] = '\0';

    return LU_OK;
}


/* Whether the stem ends with "-{n}.{n}.{n}". */

static int
lu_feed_version(const lu_str_t *stem, lu_str_t *version)
{
    int     i;
    size_t  start, n;

    start = stem->len;

    for (i = 0; i < 3; i++) {

        n = lu_feed_digits(stem, start);

        if (n == 0 || n == start) {
            return 0;
        }

        start -= n + 1;

        if (stem->data[start] != (i == 2 ? '-' : '.')) {
            return 0;
        }
    }

    version->data = stem->data + start + 1;
    version->len = stem->len - start - 1;

    return 1;
}


/* How many digits there are in front of "end". */

static size_t
lu_feed_digits(const lu_str_t *text, size_t end)
{
    size_t  i;

    for (i = end; i > 0; i--) {
        if (!lu_feed_is_digit(text->data[i - 1])) {
            break;
        }
    }

    return end - i;
}


static unsigned
lu_feed_platform(const lu_str_t *path, const lu_str_t *stem)
{
    if (lu_str_is(path, "latest.yml") || lu_str_is(path, "td-latest.json")) {
        return LU_WINDOWS;
    }

    if (lu_str_ends(stem, "-mac")) {
        return LU_MAC;
    }

    if (lu_str_ends(stem, "-linux")) {
        return LU_LINUX;
    }

    return 0;
}


/*
 * An updater without a blockmap of what it runs replaces the version in the
 * new file's name, and so asks for the old version with the new build's id.
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
    size_t             from;
    const lu_build_t  *build;

    from = 0;

    while (lu_name_word_after(name, from, marker, id)) {
        build = lu_desktop_build_of_id(desktop, id);

        if (build) {
            return build;
        }

        from = id->data - name->data;
    }

    return NULL;
}


/*
 * Whether the name has the version of another build, and not that of its own:
 * "1.1.0-beta.1" is not "1.1.0", and a product may have a number in its name.
 * Of several, the last one counts.
 */

static int
lu_feed_other_version(const lu_desktop_t *desktop, const lu_str_t *name,
    const lu_build_t *own, lu_str_t *version)
{
    size_t    i;
    lu_str_t  rest, found;

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

        lu_feed_version_at(desktop, &rest, &found);

        if (found.len == 0) {
            continue;
        }

        if (lu_str_eq(&found, &own->version)) {
            return 0;
        }

        *version = found;
        i += found.len - 1;
    }

    return version->len != 0;
}


/* The longest version of a build that the text begins with. */

static void
lu_feed_version_at(const lu_desktop_t *desktop, const lu_str_t *rest,
    lu_str_t *version)
{
    size_t           i, end;
    const lu_str_t  *candidate;

    version->len = 0;
    version->data = rest->data;

    for (i = 0; i < desktop->nbuilds; i++) {
        candidate = &desktop->builds[i].version;

        if (candidate->len <= version->len
            || candidate->len > rest->len
            || memcmp(candidate->data, rest->data, candidate->len) != 0)
        {
            continue;
        }

        end = candidate->len;

        if (end < rest->len && rest->data[end] == '.') {
            end++;
        }

        if (end < rest->len
            && (end == candidate->len ? lu_str_is_alnum(rest->data[end])
                                      : lu_feed_is_digit(rest->data[end])))
        {
            continue;
        }

        version->len = candidate->len;
    }
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
