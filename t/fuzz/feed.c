
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A path, a line break and the two lists: what comes out is a file's name in
 * the feed's folder and nothing else.
 */


#include "fuzz.h"
#include "lu_feed.h"
#include "lu_name.h"


static const char  lists[] =
    "{\"builds\":[{\"id\":\"aaa1\",\"version\":\"1.0.0\","
    "\"isReleased\":true},"
    "{\"id\":\"bbb2\",\"version\":\"1.1.0\",\"isReleased\":true},"
    "{\"id\":\"ccc3\",\"version\":\"1.1.0-beta.1\",\"isReleased\":true}],"
    "\"releases\":{\"latestReleaseBuildId\":\"bbb2\",\"releaseRedirections\":"
    "[{\"rule\":\"buildByPlatform\",\"buildId\":\"aaa1\","
    "\"platforms\":[\"linux\"]}]}}";


static int
load(const lu_arena_t *arena, const lu_str_t *text, lu_desktop_t *desktop)
{
    cJSON      *json;
    lu_rc_e     rc;
    lu_error_t  err;

    if (lu_json_parse(&json, text, &err) != LU_OK) {
        return 0;
    }

    rc = lu_desktop_parse(arena,
                          cJSON_GetObjectItemCaseSensitive(json, "builds"),
                          cJSON_GetObjectItemCaseSensitive(json, "releases"),
                          desktop, &err);
    cJSON_Delete(json);

    return rc == LU_OK;
}


static int
ends_with(const lu_str_t *str, const char *end)
{
    size_t  len;

    len = strlen(end);

    return str->len >= len
           && memcmp(str->data + str->len - len, end, len) == 0;
}


static int
has(const lu_str_t *str, const char *what)
{
    size_t  i, len;

    len = strlen(what);

    for (i = 0; i + len <= str->len; i++) {
        if (memcmp(str->data + i, what, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check_name(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_str_t *path)
{
    size_t       i;
    lu_rc_e      rc;
    lu_feed_t    feed, again;
    lu_error_t   err;
    lu_client_t  client;

    memset(&client, 0, sizeof(lu_client_t));

    rc = lu_feed_name(arena, desktop, &client, path, &feed);

    require((rc == LU_INVALID) == (path->len == 0));

    if (rc != LU_OK) {
        require(rc == LU_INVALID || rc == LU_NOT_FOUND);
        return;
    }

    require(feed.name.len > 0 && feed.name.len <= 255);
    require(feed.name.data[0] != '.');

    for (i = 0; i < feed.name.len; i++) {
        require(feed.name.data[i] >= 0x20 && feed.name.data[i] != 0x7f);
        require(feed.name.data[i] != '/' && feed.name.data[i] != '\\');
    }

    require(lu_name_file_check(&feed.name, &err) == LU_OK);
    require(lu_str_utf8_valid(&feed.name));

    require(feed.is_manifest
            == (ends_with(path, ".yml") || ends_with(path, ".json")));
    require(!feed.is_manifest || !feed.is_fixed);

    if (feed.is_fixed
        || (!feed.is_manifest && !ends_with(path, ".blockmap"))
        || (feed.is_manifest && has(path, "-build-")))
    {
        require(lu_str_eq(&feed.name, path));
        return;
    }

    if (feed.is_manifest && has(&feed.name, "-build-")) {
        require(lu_feed_name(arena, desktop, &client, &feed.name,
                             &again) == LU_OK);
        require(lu_str_eq(&again.name, &feed.name));
    }

    require(feed.is_manifest || ends_with(&feed.name, ".blockmap"));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    lu_str_t        path, text;
    lu_arena_t      arena;
    fuzz_block_t   *blocks;
    lu_desktop_t    desktop;
    const uint8_t  *end;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    end = size ? memchr(data, '\n', size) : NULL;
    len = end ? (size_t) (end - data) : size;

    path = fuzz_copy(data, len);

    text.len = end ? size - len - 1 : 0;
    text.data = (unsigned char *) data + size - text.len;

    if (text.len == 0 || !load(&arena, &text, &desktop)) {
        text.data = (unsigned char *) lists;
        text.len = sizeof(lists) - 1;

        require(load(&arena, &text, &desktop));
    }

    check_name(&arena, &desktop, &path);

    (void) lu_feed_type(&path);

    free(path.data);
    fuzz_free(blocks);

    return 0;
}
