
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_artifact.h"
#include "lu_update.h"


#define LU_UPDATE_BUILD  "-build-"


static int lu_update_ext(const lu_str_t *name, const char *ext,
    lu_update_t *update);
static void lu_update_version(lu_update_t *update);
static size_t lu_update_number(const lu_str_t *text, size_t i);
static void lu_update_platform(lu_update_t *update);
static int lu_update_suffix(lu_str_t *channel, lu_update_t *update);
static size_t lu_update_word(const lu_str_t *text);
static lu_str_t lu_update_first(const lu_str_t *version);
static int lu_update_rank(const lu_str_t *channel);


int
lu_update_parse(const lu_str_t *name, lu_update_t *update)
{
    size_t  i;

    memset(update, 0, sizeof(lu_update_t));

    if (!lu_update_ext(name, ".yml", update)
        && !lu_update_ext(name, ".json", update))
    {
        return 0;
    }

    i = lu_str_find(&update->stem, 0, LU_UPDATE_BUILD);

    if (i < update->stem.len) {
        update->has_build = 1;
        update->build_id.data = name->data + i + sizeof(LU_UPDATE_BUILD) - 1;
        update->build_id.len = update->ext.data - update->build_id.data;
        update->stem.len = i;

    } else {
        lu_update_version(update);
    }

    lu_update_platform(update);

    return 1;
}


static int
lu_update_ext(const lu_str_t *name, const char *ext, lu_update_t *update)
{
    if (!lu_str_ends(name, ext)) {
        return 0;
    }

    update->stem = *name;
    update->stem.len -= strlen(ext);

    update->ext.data = name->data + update->stem.len;
    update->ext.len = strlen(ext);

    return 1;
}


/* Cuts off "-{n}.{n}.{n}", with "-{prerelease}" and "+{build}". */

static void
lu_update_version(lu_update_t *update)
{
    size_t     i, end;
    lu_str_t  *stem;

    stem = &update->stem;

    for (i = 0; i < stem->len; i++) {

        if (stem->data[i] != '-') {
            continue;
        }

        end = lu_update_number(stem, i + 1);

        if (end == 0
            || (end < stem->len
                && stem->data[end] != '-' && stem->data[end] != '+'))
        {
            continue;
        }

        update->version.data = stem->data + i + 1;
        update->version.len = stem->len - i - 1;
        stem->len = i;

        return;
    }
}


/* The end of "{n}.{n}.{n}" that begins at i; 0: there is none. */

static size_t
lu_update_number(const lu_str_t *text, size_t i)
{
    int     n;
    size_t  start;

    for (n = 0; n < 3; n++) {

        if (n > 0) {
            if (i == text->len || text->data[i] != '.') {
                return 0;
            }

            i++;
        }

        start = i;

        while (i < text->len
               && text->data[i] >= '0' && text->data[i] <= '9')
        {
            i++;
        }

        if (i == start) {
            return 0;
        }
    }

    return i;
}


static void
lu_update_platform(lu_update_t *update)
{
    int       has_suffix;
    size_t    i;
    lu_str_t  word, channel;

    update->platform = LU_WINDOWS;
    update->channel = update->stem;

    has_suffix = lu_update_suffix(&update->channel, update);

    /* the architecture may be part of the channel: "latest-arm64-mac.yml" */

    i = lu_update_word(&update->channel);

    word.data = update->channel.data + i;
    word.len = update->channel.len - i;

    update->arch = lu_artifact_arch(&word);

    if (update->arch == NULL || has_suffix) {
        return;
    }

    /* or be behind the platform: "latest-linux-arm64.yml" */

    channel.data = update->stem.data;
    channel.len = i ? i - 1 : 0;

    if (lu_update_suffix(&channel, update)) {
        update->channel = channel;
    }
}


/* Cuts off "-mac" or "-linux". */

static int
lu_update_suffix(lu_str_t *channel, lu_update_t *update)
{
    unsigned     platform;
    const char  *suffix;

    for (platform = LU_MAC; platform & LU_PLATFORMS; platform <<= 1) {
        suffix = lu_platform_suffix(platform);

        if (lu_str_ends(channel, suffix)) {
            channel->len -= strlen(suffix);
            update->platform = platform;
            return 1;
        }
    }

    return 0;
}


/* Where the word behind the last "-" begins. */

static size_t
lu_update_word(const lu_str_t *text)
{
    size_t  i;

    for (i = text->len; i > 0; i--) {
        if (text->data[i - 1] == '-') {
            break;
        }
    }

    return i;
}


lu_str_t
lu_update_channel(const lu_update_t *update)
{
    size_t    i;
    lu_str_t  word, channel;

    channel = update->channel;
    i = lu_update_word(&channel);

    word.data = channel.data + i;
    word.len = channel.len - i;

    if (i > 1 && lu_artifact_arch(&word)) {
        channel.len = i - 1;
    }

    return channel;
}


const char *
lu_update_arch(const lu_update_t *update)
{
    if (update->arch == NULL
        && update->platform == LU_LINUX
        && lu_str_is(&update->ext, ".yml"))
    {
        return "x64";
    }

    return update->arch;
}


lu_rc_e
lu_update_prerelease(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *version, lu_str_t *own)
{
    lu_str_t        channel, first;
    lu_update_t     update;
    unsigned char  *p;

    first = lu_update_first(version);

    if (first.len == 0 || !lu_update_parse(name, &update)) {
        return LU_NOT_FOUND;
    }

    channel = lu_update_channel(&update);

    if (lu_update_rank(&channel) <= lu_update_rank(&first)) {
        return LU_NOT_FOUND;
    }

    own->len = first.len + name->len - channel.len;

    p = arena->alloc(arena->data, own->len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    own->data = p;

    memcpy(p, first.data, first.len);
    memcpy(p + first.len, name->data + channel.len, name->len - channel.len);
    p[own->len] = '\0';

    return LU_OK;
}


/* The first word of the prerelease, or an empty string. */

static lu_str_t
lu_update_first(const lu_str_t *version)
{
    size_t    i, start;
    lu_str_t  first;

    start = 0;

    for (i = 0; i < version->len; i++) {

        if (version->data[i] == '+'
            || (start && version->data[i] == '.'))
        {
            break;
        }

        if (start == 0 && version->data[i] == '-') {
            start = i + 1;
        }
    }

    first.data = version->data + start;
    first.len = start ? i - start : 0;

    return first;
}


/* How stable a channel is; electron-builder knows the order of these three. */

static int
lu_update_rank(const lu_str_t *channel)
{
    int  i;

    static const char  *channels[] = { "alpha", "beta", "latest", NULL };

    for (i = 0; channels[i]; i++) {
        if (lu_str_is(channel, channels[i])) {
            return i + 1;
        }
    }

    return 0;
}


int
lu_update_is_td(const lu_str_t *name)
{
    return name->len >= sizeof("td-latest.json") - 1
           && memcmp(name->data, "td-latest", sizeof("td-latest") - 1) == 0
           && lu_str_ends(name, ".json");
}
