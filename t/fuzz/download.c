
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A path, a line break, a User-Agent, a line break and a td-latest.json: what
 * is taken from the path lies in it and is safe in a file's name and in a
 * sentence; what is picked is one of the artifacts.
 */


#include "fuzz.h"
#include "lu_download.h"
#include "lu_feed.h"
#include "lu_name.h"


static const char  manifest[] =
    "{\"artifacts\":{\"nsis\":{\"x64\":{\"url\":\"x/a.exe\"}},"
    "\"dmg\":{\"arm64\":{\"url\":\"x/b.dmg\"},"
    "\"universal\":{\"url\":\"x/c.dmg\"}},"
    "\"appImage\":{\"x64\":{\"url\":\"x/d.AppImage\"}},"
    "\"installer\":{\"universal\":{\"url\":\"x/Mac%20Installer.zip\"}},"
    "\"msi\":null},\"version\":\"1.0.0\"}";


static void
check_param(const liveupdate_str_t *path, const liveupdate_str_t *param)
{
    size_t  i;

    static const char  allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

    if (param->len == 0) {
        return;
    }

    require(param->data > path->data
            && param->data + param->len <= path->data + path->len);
    require(param->data[-1] == '/');
    require(param->data + param->len == path->data + path->len
            || param->data[param->len] == '/');

    for (i = 0; i < param->len; i++) {
        require(memchr(allowed, param->data[i], sizeof(allowed) - 1) != NULL);
    }
}


static void
check_sentence(const liveupdate_str_t *reason)
{
    size_t  i;

    require(reason->len > 0 && reason->data[reason->len] == '\0');

    for (i = 0; i < reason->len; i++) {
        require(reason->data[i] >= 0x20 && reason->data[i] < 0x7f);
        require(!strchr("<>&\"", reason->data[i]));
    }
}


static void
check_manifest(const liveupdate_arena_t *arena,
    const liveupdate_download_t *download)
{
    liveupdate_str_t      name;
    liveupdate_feed_t     feed;
    liveupdate_error_t    err;
    liveupdate_client_t   client;
    liveupdate_desktop_t  desktop;

    name = liveupdate_download_manifest(arena, download);

    require(name.len >= 14 && name.data[name.len] == '\0');
    require(memcmp(name.data, "td-latest", 9) == 0);
    require(memcmp(name.data + name.len - 5, ".json", 5) == 0);

    memset(&client, 0, sizeof(liveupdate_client_t));
    memset(&desktop, 0, sizeof(liveupdate_desktop_t));

    if (liveupdate_file_name_check(&name, &err) != LIVEUPDATE_OK) {
        require(download->version.len + download->build_id.len > 200
                || strstr((char *) name.data, "..") != NULL);
        return;
    }

    if (liveupdate_feed_name(arena, &desktop, &client, &name, &feed)
        == LIVEUPDATE_OK)
    {
        require(feed.is_manifest && liveupdate_str_eq(&feed.name, &name));
        require(download->build_id.len || download->version.len
                || name.len <= 20);
    }
}


static void
check_pick(const liveupdate_arena_t *arena, const liveupdate_str_t *text,
    const liveupdate_download_t *download)
{
    size_t               i;
    liveupdate_td_t      td;
    liveupdate_rc_e      rc;
    liveupdate_str_t     name, reason;
    liveupdate_error_t   err;

    if (liveupdate_td_parse(arena, text, &td, &err) != LIVEUPDATE_OK) {
        return;
    }

    rc = liveupdate_download_pick(arena, &td, download, &name, &reason);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        check_sentence(&reason);
        return;
    }

    require(rc == LIVEUPDATE_OK);
    require(liveupdate_file_name_check(&name, &err) == LIVEUPDATE_OK);

    for (i = 0; i < td.nartifacts; i++) {
        if (td.artifacts[i].name.data == name.data) {
            break;
        }
    }

    require(i < td.nartifacts);
    require(download->arch.len == 0
            || liveupdate_str_eq(&download->arch, &td.artifacts[i].arch));
}


static void
check_route(const liveupdate_arena_t *arena, const liveupdate_str_t *path,
    const liveupdate_str_t *user_agent, const liveupdate_str_t *text)
{
    liveupdate_str_t        reason, fixed;
    liveupdate_download_t   download;

    switch (liveupdate_download_route(arena, path, user_agent, &download,
                                      &reason))
    {

    case LIVEUPDATE_DOWNLOAD_OK:
        require(user_agent->len > 0);
        require(download.platform == LIVEUPDATE_WINDOWS
                || download.platform == LIVEUPDATE_MAC
                || download.platform == LIVEUPDATE_LINUX);
        require(download.version.len == 0 || download.build_id.len == 0);

        check_param(path, &download.version);
        check_param(path, &download.build_id);
        check_param(path, &download.artifact);
        check_param(path, &download.arch);

        check_manifest(arena, &download);

        fixed.data = (unsigned char *) manifest;
        fixed.len = sizeof(manifest) - 1;

        check_pick(arena, &fixed, &download);
        check_pick(arena, text, &download);
        return;

    case LIVEUPDATE_DOWNLOAD_SLASH:
        require(path->len > 1 && path->data[path->len - 1] == '/');
        return;

    case LIVEUPDATE_DOWNLOAD_REFUSED:
        check_sentence(&reason);
        return;

    default:
        require(path->len == 0 || path->data[path->len - 1] != '/');
    }
}


/* Each in memory of its own, so that nothing is read behind it. */

static liveupdate_str_t
next_line(const uint8_t **data, size_t *size)
{
    size_t             len;
    const uint8_t     *end;
    liveupdate_str_t   line;

    end = *size ? memchr(*data, '\n', *size) : NULL;
    len = end ? (size_t) (end - *data) : *size;

    line = fuzz_copy(*data, len);

    *data += len + (end != NULL);
    *size -= len + (end != NULL);

    return line;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_block_t        *blocks;
    liveupdate_str_t     path, user_agent, text;
    liveupdate_arena_t   arena;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    path = next_line(&data, &size);
    user_agent = next_line(&data, &size);

    text.len = size;
    text.data = (unsigned char *) data;

    check_route(&arena, &path, &user_agent, &text);

    free(path.data);
    free(user_agent.data);
    fuzz_free(blocks);

    return 0;
}
