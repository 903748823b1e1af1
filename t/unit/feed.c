
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_feed.c"


#define TEN(text)                                                             \
    text text text text text text text text text text


static const char  feed_builds[] =
    "[{\"id\":\"aaa1\",\"version\":\"1.0.0\",\"isReleased\":true},"
    "{\"id\":\"ccc3\",\"version\":\"1.1.0-beta.1\",\"isReleased\":true},"
    "{\"id\":\"bbb2\",\"version\":\"1.1.0\",\"isReleased\":true},"
    "{\"id\":\"ddd4\",\"version\":\"1.2.0\",\"isReleased\":false},"
    "{\"id\":\"eee5\",\"version\":\"12.10.345\",\"isReleased\":true},"
    "{\"id\":\"fff6\"},"
    "{\"id\":\"ggg7\",\"version\":\"3.0.0-1.0.0\",\"isReleased\":true}]";

static const char  feed_releases[] =
    "{\"latestReleaseBuildId\":\"bbb2\",\"releaseRedirections\":["
    "{\"rule\":\"buildByIp\",\"buildId\":\"ccc3\",\"ipList\":[\"192.0.2.7\"]},"
    "{\"rule\":\"buildByPlatform\",\"buildId\":\"aaa1\","
    "\"platforms\":[\"linux\"]},"
    "{\"rule\":\"buildByPlatform\",\"buildId\":\"eee5\","
    "\"platforms\":[\"windows\"]},"
    "{\"rule\":\"buildByPlatform\",\"buildId\":\"fff6\","
    "\"platforms\":[\"mac\"]}]}";


#define M  0x01                         /* a manifest */
#define F  0x02                         /* fixed */

static const struct {
    const char  *path;
    const char  *name;                  /* NULL: not found */
    unsigned     flags;
    const char  *what;
} feed_cases[] = {
    { "latest.yml", "latest-build-eee5.yml", M, "windows" },
    { "td-latest.json", "td-latest-build-eee5.json", M, "windows, of td" },
    { "latest-mac.yml", "latest-mac-build-fff6.yml", M, "mac" },
    { "td-latest-mac.json", "td-latest-mac-build-fff6.json", M, "td" },
    { "latest-linux.yml", "latest-linux-build-aaa1.yml", M, "linux" },
    { "td-latest-linux.json", "td-latest-linux-build-aaa1.json", M, "td" },
    { "latest-win.yml", "latest-win-build-eee5.yml", M, "windows, too" },
    { "Latest.yml", "Latest-build-eee5.yml", M, "another letter case" },
    { "desktop-builds.json", "desktop-builds-build-eee5.json", M,
      "the lists are never served" },
    { "desktop-releases.json", "desktop-releases-build-eee5.json", M,
      "nor this one" },
    { "x.json", "x-build-eee5.json", M, "any manifest" },
    { "a.yml.json", "a.yml-build-eee5.json", M, "two extensions" },

    { "latest-build-aaa1.yml", "latest-build-aaa1.yml", M, "a build" },
    { "latest-build-.yml", "latest-build-.yml", M, "a build without an id" },
    { "latest-build-aaa1-mac.yml", "latest-build-aaa1-mac.yml", M,
      "nothing is guessed" },
    { "latest-1.0.0-build-x.yml", "latest-1.0.0-build-x.yml", M,
      "a build comes before a version" },
    { "-build-.json", "-build-.json", M, "hardly a name" },

    { "latest-1.0.0.yml", "latest-build-aaa1.yml", M, "a version" },
    { "latest-mac-1.1.0.yml", "latest-mac-build-bbb2.yml", M, "on mac" },
    { "td-latest-linux-12.10.345.json", "td-latest-linux-build-eee5.json", M,
      "more digits" },
    { "-1.0.0.yml", "-build-aaa1.yml", M, "nothing in front of it" },
    { "latest-1.2.0.yml", NULL, 0, "a version that is not released" },
    { "latest-9.9.9.yml", NULL, 0, "an unknown version" },
    { "latest-1.1.0.0.yml", "latest-1.1.0.0-build-eee5.yml", M,
      "four numbers are no version" },
    { "latest-1.1.yml", "latest-1.1-build-eee5.yml", M, "nor are two" },
    { "latest-.1.1.yml", "latest-.1.1-build-eee5.yml", M, "an empty number" },
    { "latest-1.1..yml", NULL, 0, "two dots" },
    { "latest1.1.0.yml", "latest1.1.0-build-eee5.yml", M, "no dash" },
    { "1.1.0.yml", "1.1.0-build-eee5.yml", M, "only a version" },
    { "0.yml", "0-build-eee5.yml", M, "only a digit" },
    { "latest-1.1.0-beta.1.yml", "latest-build-ccc3.yml", M, "a prerelease" },
    { "td-latest-mac-1.1.0-beta.1.json", "td-latest-mac-build-ccc3.json", M,
      "a prerelease on mac" },
    { "latest-1.1.0-beta.2.yml", NULL, 0, "an unknown prerelease" },
    { "latest-1.1.0-beta.yml", NULL, 0, "the beginning of one" },

    { "beta.yml", "beta-build-eee5.yml", M, "another channel" },
    { "latest-arm64.yml", "latest-arm64-build-eee5.yml", M, "windows on arm" },
    { "latest-arm64-mac.yml", "latest-arm64-mac-build-fff6.yml", M,
      "mac on arm" },
    { "latest-linux-arm64.yml", "latest-linux-arm64-build-aaa1.yml", M,
      "linux on arm" },
    { "beta-linux-arm.yml", "beta-linux-arm-build-aaa1.yml", M,
      "linux on a smaller arm" },
    { "latest-mac-tools.yml", "latest-mac-tools-build-eee5.yml", M,
      "a channel with a platform in its name" },

    { "latest-01.1.0.yml", NULL, 0, "is compared as a text" },

    { "latest.YML", "latest.YML", F, "manifests are of one letter case" },
    { "latest.yaml", "latest.yaml", F, "and of two extensions" },
    { "yml", "yml", F, "an extension alone" },
    { "App 1.0.0 - Build aaa1-x64.exe", "App 1.0.0 - Build aaa1-x64.exe", F,
      "an artifact" },
    { "App 1.0.0 - Build bbb2-x64.exe", "App 1.0.0 - Build bbb2-x64.exe", F,
      "only blockmaps are looked for" },
    { "\xc3\xa4 \"%41\".zip", "\xc3\xa4 \"%41\".zip", F, "any UTF-8" },

    { "App 1.1.0 - Build bbb2-x64.exe.blockmap",
      "App 1.1.0 - Build bbb2-x64.exe.blockmap", F, "a blockmap" },
    { "App 1.0.0 - Build bbb2-x64.exe.blockmap",
      "App 1.0.0 - Build aaa1-x64.exe.blockmap", 0,
      "of the old version, with the new id" },
    { "App 1.0.0 - Build bbb2.exe.blockmap",
      "App 1.0.0 - Build aaa1.exe.blockmap", 0, "without an architecture" },
    { "my-app-1.0.0-build-bbb2-arm64.AppImage.blockmap",
      "my-app-1.0.0-build-aaa1-arm64.AppImage.blockmap", 0, "on linux" },
    { "App 12.10.345 - Build aaa1-mac.zip.blockmap",
      "App 12.10.345 - Build eee5-mac.zip.blockmap", 0, "a longer one" },
    { "App 1.1.0-beta.1 - Build bbb2-x64.exe.blockmap",
      "App 1.1.0-beta.1 - Build ccc3-x64.exe.blockmap", 0,
      "from a beta to what became of it" },
    { "App 1.1.0 - Build ccc3-x64.exe.blockmap",
      "App 1.1.0 - Build bbb2-x64.exe.blockmap", 0, "and the other way" },
    { "App 1.1.0-beta.1 - Build ccc3-x64.exe.blockmap",
      "App 1.1.0-beta.1 - Build ccc3-x64.exe.blockmap", F, "the beta's own" },
    { "Tool 1.0.0 for App 1.1.0 - Build bbb2.exe.blockmap",
      "Tool 1.0.0 for App 1.1.0 - Build bbb2.exe.blockmap", F,
      "a product with a number in its name" },
    { "App 3.0.0-1.0.0 - Build aaa1.exe.blockmap",
      "App 3.0.0-1.0.0 - Build ggg7.exe.blockmap", 0,
      "a version within another is none" },
    { "Tool 12.10.345 for App 1.0.0 - Build bbb2.exe.blockmap",
      "Tool 12.10.345 for App 1.0.0 - Build aaa1.exe.blockmap", 0,
      "the last number is the version" },
    { "Build Tool 1.0.0 - Build bbb2.exe.blockmap",
      "Build Tool 1.0.0 - Build aaa1.exe.blockmap", 0,
      "a product with the word in its name" },
    { "App 1.0.0 - Build fff6.exe.blockmap",
      "App 1.0.0 - Build aaa1.exe.blockmap", 0,
      "to a build that says no version" },
    { "App 1.2.0 - Build bbb2.exe.blockmap",
      "App 1.2.0 - Build bbb2.exe.blockmap", F, "a version that is not live" },
    { "App 7.7.7 - Build bbb2.exe.blockmap",
      "App 7.7.7 - Build bbb2.exe.blockmap", F, "an unknown version" },
    { "App 1.0.0 - Build zzz9.exe.blockmap",
      "App 1.0.0 - Build zzz9.exe.blockmap", F, "an unknown build" },
    { "App 1.0.0 - Build bbb22.exe.blockmap",
      "App 1.0.0 - Build bbb22.exe.blockmap", F, "a build with a longer id" },
    { "App 1.0.0.exe.blockmap", "App 1.0.0.exe.blockmap", F, "no build" },
    { "App 11.0.0 - Build bbb2.exe.blockmap",
      "App 11.0.0 - Build bbb2.exe.blockmap", F, "not within a number" },
    { "App 1.0.01 - Build bbb2.exe.blockmap",
      "App 1.0.01 - Build bbb2.exe.blockmap", F, "nor in front of one" },
    { "App 1.0.0.1 - Build bbb2.exe.blockmap",
      "App 1.0.0.1 - Build bbb2.exe.blockmap", F, "nor of four" },
    { "App 2.1.0.0 - Build bbb2.exe.blockmap",
      "App 2.1.0.0 - Build bbb2.exe.blockmap", F, "nor behind a dot" },
    { "App v1.0.0 - Build bbb2.exe.blockmap",
      "App v1.0.0 - Build bbb2.exe.blockmap", F, "nor behind a letter" },
    { ".blockmap", NULL, 0, "an extension alone is hidden" },

    { "/latest.yml", NULL, 0, "an empty folder" },
    { "x/latest.yml", NULL, 0, "a folder" },
    { "x/latest-build-aaa1-mac.yml", NULL, 0, "a folder that is rewritten" },
    { "..", NULL, 0, "the parent" },
    { "../../etc/passwd", NULL, 0, "and beyond" },
    { "..\\latest.yml", NULL, 0, "with a backslash" },
    { ".latest.yml", NULL, 0, "hidden" },
    { "a\nb.exe", NULL, 0, "a line break" },
    { "a\x7f.exe", NULL, 0, "a control byte" },
    { "a\xff.exe", NULL, 0, "not UTF-8" },
    { "a\xc0\xaf.exe", NULL, 0, "an overlong slash" },
    { TEN(TEN("12")) TEN("12345") "1.exe", TEN(TEN("12")) TEN("12345")
      "1.exe", F, "255 bytes" },
    { TEN(TEN("12")) TEN("12345") "12.exe", NULL, 0, "256 bytes" },
    { TEN(TEN("12")) TEN("1234") ".yml",
      TEN(TEN("12")) TEN("1234") "-build-eee5.yml", M, "255 with the id" },
    { TEN(TEN("12")) TEN("1234") "1.yml", NULL, 0, "256 with the id" }
};


static void
load(lu_desktop_t *desktop)
{
    cJSON      *builds, *releases;
    lu_str_t    one, two;
    lu_error_t  err;

    one = tap_str(feed_builds);
    two = tap_str(feed_releases);

    if (lu_json_parse(&builds, &one, &err) != LU_OK
        || lu_json_parse(&releases, &two, &err) != LU_OK
        || lu_desktop_parse(&tap_arena, builds, releases, desktop,
                            &err)
           != LU_OK)
    {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }

    cJSON_Delete(builds);
    cJSON_Delete(releases);
}


static void
test_name(void)
{
    size_t        i;
    lu_rc_e       rc;
    lu_str_t      path;
    lu_feed_t     feed;
    lu_client_t   client;
    lu_desktop_t  desktop;

    load(&desktop);
    memset(&client, 0, sizeof(lu_client_t));

    for (i = 0; i < sizeof(feed_cases) / sizeof(feed_cases[0]); i++) {
        path = tap_str(feed_cases[i].path);

        rc = lu_feed_name(&tap_arena, &desktop, &client, &path, &feed);

        if (feed_cases[i].name == NULL) {
            ok(rc == LU_NOT_FOUND, "not found: %s", feed_cases[i].what);
            continue;
        }

        if (!ok(rc == LU_OK
                && lu_str_is(&feed.name, feed_cases[i].name)
                && feed.is_manifest == (feed_cases[i].flags & M)
                && feed.is_fixed == (feed_cases[i].flags & F) / F, "%s",
                feed_cases[i].what))
        {
            printf("# %.*s\n", (int) feed.name.len, feed.name.data);
        }
    }

    path = tap_str("");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_INVALID, "an empty path");

    path.data = (unsigned char *) "a\0.exe";
    path.len = 6;
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_NOT_FOUND, "a NUL");

    path = tap_str("192.0.2.7");
    lu_network_parse(&path, &client.address);

    desktop.nrules = 1;

    path = tap_str("x.yml");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed) == LU_OK
       && lu_str_is(&feed.name, "x-build-ccc3.yml")
       && feed.build == &desktop.builds[1], "the client's address");

    desktop.nrules = 0;
    desktop.nunknown = 0;
    path = tap_str("latest.yml");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed) == LU_OK
       && lu_str_eq(&feed.name, &path)
       && feed.is_manifest && !feed.is_fixed, "no rule: the path as it is");
    ok(feed.build == NULL, "of no build");

    load(&desktop);

    path = tap_str("latest-mac-build-zzz9.yml");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed) == LU_OK
       && feed.is_manifest && feed.build == NULL, "an unknown build's");

    path = tap_str("latest-mac-build-aaa1.yml");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed) == LU_OK
       && feed.build == &desktop.builds[0], "a build's");

    path = tap_str("App 1.0.0 - Build bbb2.exe.blockmap");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed) == LU_OK
       && feed.build == &desktop.builds[0], "a blockmap of another build's");

    tap_left = 0;
    path = tap_str("latest-1.0.0.yml");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_NOMEM, "no memory for a manifest's name");

    path = tap_str("App 1.0.0 - Build bbb2.exe.blockmap");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_NOMEM, "nor for a blockmap's");
    tap_left = -1;

    desktop.builds[0].id = tap_str(TEN("1234") "1");
    ok(lu_desktop_index(&tap_arena, &desktop) == LU_OK, "a long id");

    path = tap_str("App 1.0.0 - Build bbb2" TEN(TEN("12")) ".blockmap");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_OK, "an id that is not one");

    path = tap_str("App 1.0.0 - Build bbb2-" TEN(TEN("12")) ".blockmap");
    ok(lu_feed_name(&tap_arena, &desktop, &client, &path, &feed)
       == LU_NOT_FOUND, "a blockmap's name with a longer id");

    tap_free();
}


static int
is_type(const char *name, const char *type)
{
    lu_str_t  str;

    str = tap_str(name);

    return strcmp(lu_feed_type(&str), type) == 0;
}


static void
test_type(void)
{
    ok(is_type("a.exe", "application/vnd.microsoft.portable-executable")
       && is_type("latest.yml", "text/yaml")
       && is_type("td-latest.json", "application/json")
       && is_type("a.exe.blockmap", "application/octet-stream")
       && is_type("a.AppImage", "application/octet-stream")
       && is_type("exe", "application/octet-stream")
       && is_type("", "application/octet-stream"), "types");
}


int
main(void)
{
    test_name();
    test_type();

    return tap_done();
}
