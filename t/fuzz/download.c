
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
check_param(const lu_str_t *path, const lu_str_t *param, unsigned char also)
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
        require(param->data[i] == also
                || memchr(allowed, param->data[i], sizeof(allowed) - 1));
    }
}


static void
check_sentence(const lu_str_t *reason)
{
    size_t  i;

    require(reason->len > 0 && reason->data[reason->len] == '\0');

    for (i = 0; i < reason->len; i++) {
        require(reason->data[i] >= 0x20 && reason->data[i] < 0x7f);
        require(!strchr("<>&\"", reason->data[i]));
    }
}


static void
check_manifest(const lu_arena_t *arena, const lu_download_t *download)
{
    lu_str_t      name;
    lu_feed_t     feed;
    lu_error_t    err;
    lu_client_t   client;
    lu_desktop_t  desktop;

    name = lu_download_manifest(arena, download);

    require(name.len >= 14 && name.data[name.len] == '\0');
    require(memcmp(name.data, "td-latest", 9) == 0);
    require(memcmp(name.data + name.len - 5, ".json", 5) == 0);

    memset(&client, 0, sizeof(lu_client_t));
    memset(&desktop, 0, sizeof(lu_desktop_t));

    if (lu_name_file_check(&name, &err) != LU_OK) {
        require(download->version.len + download->build_id.len > 200
                || strstr((char *) name.data, "..") != NULL);
        return;
    }

    if (lu_feed_name(arena, &desktop, &client, &name, &feed) == LU_OK) {
        require(feed.is_manifest && lu_str_eq(&feed.name, &name));
        require(download->build_id.len || download->version.len
                || name.len <= 20);
    }
}


static void
check_pick(const lu_arena_t *arena, const lu_str_t *text,
    const lu_download_t *download)
{
    size_t      i;
    lu_td_t     td;
    lu_rc_e     rc;
    lu_str_t    name, reason;
    lu_error_t  err;

    if (lu_td_parse(arena, text, &td, &err) != LU_OK) {
        return;
    }

    rc = lu_download_pick(arena, &td, download, &name, &reason);

    if (rc == LU_NOT_FOUND) {
        check_sentence(&reason);
        return;
    }

    require(rc == LU_OK);
    require(lu_name_file_check(&name, &err) == LU_OK);

    for (i = 0; i < td.nartifacts; i++) {
        if (td.artifacts[i].name.data == name.data) {
            break;
        }
    }

    require(i < td.nartifacts);
    require(download->arch.len == 0
            || lu_str_eq(&download->arch, &td.artifacts[i].arch));
}


static void
check_route(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *user_agent, const lu_str_t *text)
{
    lu_str_t       reason, fixed;
    lu_download_t  download;

    switch (lu_download_route(arena, path, user_agent, &download, &reason)) {

    case LU_DOWNLOAD_OK:
        require(user_agent->len > 0);
        require(download.platform == LU_WINDOWS
                || download.platform == LU_MAC
                || download.platform == LU_LINUX);
        require(download.version.len == 0 || download.build_id.len == 0);

        check_param(path, &download.version, '+');
        check_param(path, &download.build_id, '_');
        check_param(path, &download.artifact, '-');
        check_param(path, &download.arch, '-');

        check_manifest(arena, &download);

        fixed.data = (unsigned char *) manifest;
        fixed.len = sizeof(manifest) - 1;

        check_pick(arena, &fixed, &download);
        check_pick(arena, text, &download);
        return;

    case LU_DOWNLOAD_SLASH:
        require(path->len > 1 && path->data[path->len - 1] == '/');
        return;

    case LU_DOWNLOAD_REFUSED:
        check_sentence(&reason);
        return;

    default:
        require(path->len == 0 || path->data[path->len - 1] != '/');
    }
}


/* Each in memory of its own, so that nothing is read behind it. */

static lu_str_t
next_line(const uint8_t **data, size_t *size)
{
    size_t          len;
    lu_str_t        line;
    const uint8_t  *end;

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
    lu_str_t       path, user_agent, text;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

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
