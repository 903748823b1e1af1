
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "../../src/core/lu_download.c"


#define OK        LU_DOWNLOAD_OK
#define NONE      LU_DOWNLOAD_NOT_FOUND
#define SLASH     LU_DOWNLOAD_SLASH
#define REFUSED   LU_DOWNLOAD_REFUSED

#define WINDOWS   LU_WINDOWS
#define MAC       LU_MAC
#define LINUX     LU_LINUX

#define MAC_UA(version)                                                       \
    "Mozilla/5.0 (Macintosh; Intel Mac OS X " version ") AppleWebKit/605.1"

#define LINUX_UA(machine)                                                     \
    "Mozilla/5.0 (X11; Linux " machine "; rv:133.0) Gecko/20100101 Firefox/133"


static const struct {
    const char    *path;
    lu_download_e  result;
    unsigned       platform;
    const char    *parts;      /* version, build, artifact, arch */
    const char    *manifest;   /* or the reason */
} routes[] = {
    { "/", OK, LINUX, "|||", "td-latest-linux.json" },
    { "/windows", OK, WINDOWS, "|||", "td-latest.json" },
    { "/mac/dmg", OK, MAC, "||dmg|", "td-latest-mac.json" },
    { "/linux/appImage/x64", OK, LINUX, "||appImage|x64",
      "td-latest-linux.json" },
    { "/windows/anything-1.0/ia32", OK, WINDOWS, "||anything-1.0|ia32",
      "td-latest.json" },
    { "/versions/1.0.0", OK, LINUX, "1.0.0|||", "td-latest-linux-1.0.0.json" },
    { "/versions/1.0.0/mac", OK, MAC, "1.0.0|||", "td-latest-mac-1.0.0.json" },
    { "/versions/1.0.0/windows/msi/arm64", OK, WINDOWS, "1.0.0||msi|arm64",
      "td-latest-1.0.0.json" },
    { "/builds/a1", OK, LINUX, "|a1||", "td-latest-linux-build-a1.json" },
    { "/builds/a1/mac/zip/universal", OK, MAC, "|a1|zip|universal",
      "td-latest-mac-build-a1.json" },
    { "/builds/a_b/mac", OK, MAC, "|a_b||", "td-latest-mac-build-a_b.json" },
    { "/versions/1.0.0-beta.1+5/mac", OK, MAC, "1.0.0-beta.1+5|||",
      "td-latest-mac-1.0.0-beta.1+5.json" },
    { "/linux/appImage/armv7l", OK, LINUX, "||appImage|armv7l",
      "td-latest-linux.json" },
    { "/builds/versions/mac", OK, MAC, "|versions||",
      "td-latest-mac-build-versions.json" },

    { "/builds", REFUSED, 0, "", "Unsupported platform (builds)" },
    { "/versions", REFUSED, 0, "", "Unsupported platform (versions)" },
    { "/Mac", REFUSED, 0, "", "Unsupported platform (Mac)" },
    { "/win/x/y", REFUSED, 0, "", "Unsupported platform (win)" },
    { "/builds/a1/darwin", REFUSED, 0, "", "Unsupported platform (darwin)" },
    { "/mac/dmg/x86", REFUSED, 0, "", "Unsupported architecture (x86)" },
    { "/versions/1/mac/dmg/X64", REFUSED, 0, "",
      "Unsupported architecture (X64)" },
    { "/<b>", REFUSED, 0, "", "Invalid platform" },
    { "/mac/a b", REFUSED, 0, "", "Invalid artifact" },
    { "/mac/dmg/x_64", REFUSED, 0, "", "Invalid architecture" },
    { "/versions/1.0.0\xc3\xbc/mac", REFUSED, 0, "", "Invalid version" },
    { "/builds/a b", REFUSED, 0, "", "Invalid build ID" },
    { "/versions/1_0/mac", REFUSED, 0, "", "Invalid version" },

    { "", NONE, 0, "", NULL },
    { "windows", NONE, 0, "", NULL },
    { "/a/b/c/d", NONE, 0, "", NULL },
    { "/windows/nsis/x64/extra", NONE, 0, "", NULL },
    { "/versions/1.0.0/windows/nsis/x64/extra", NONE, 0, "", NULL },
    { "/windows//x64", NONE, 0, "", NULL },
    { "//windows", NONE, 0, "", NULL },
    { "/1/2/3/4/5/6/7", NONE, 0, "", NULL },

    { "/windows/", SLASH, 0, "", NULL },
    { "/versions/", SLASH, 0, "", NULL },
    { "/versions/1.0.0/", SLASH, 0, "", NULL },
    { "/a/b/c/d/", SLASH, 0, "", NULL },
    { "/1/2/3/4/5/6/7/", SLASH, 0, "", NULL },
    { "//", SLASH, 0, "", NULL }
};


static const struct {
    const char  *user_agent;
    unsigned     platform;
    int          is_universal;
} agents[] = {
    { MAC_UA("10_15_7"), MAC, 1 },
    { MAC_UA("10.15; rv:133.0"), MAC, 1 },
    { MAC_UA("10_16"), MAC, 1 },
    { MAC_UA("10_14_6"), MAC, 0 },
    { MAC_UA("10_9"), MAC, 0 },
    { MAC_UA("10_1"), MAC, 0 },
    { MAC_UA("10_"), MAC, 0 },
    { MAC_UA("10"), MAC, 0 },
    { MAC_UA("1_15"), MAC, 0 },
    { MAC_UA("9_15"), MAC, 0 },
    { MAC_UA("11_0"), MAC, 1 },
    { MAC_UA("15"), MAC, 1 },
    { MAC_UA("16_0"), MAC, 1 },
    { MAC_UA("26_0"), MAC, 1 },
    { MAC_UA("100"), MAC, 1 },
    { MAC_UA("184467440737095516160"), MAC, 0 },
    { "Mac OS X 9 Mac OS X 12", MAC, 1 },
    { "Mac OS X ", MAC, 0 },
    { "Mac OS X 10.", MAC, 0 },
    { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile", MAC,
      0 },
    { "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Version/17.5", MAC, 0 },
    { "App/1 (iPhone; iOS 17.0; Scale/3.00)", MAC, 0 },
    { "Mozilla/5.0 (Macintosh; PPC)", MAC, 0 },
    { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/131.0.0.0", WINDOWS, 0 },
    { "Mozilla/5.0 (Windows Phone 8.1; Android 4.0) like iPhone OS 7_0 Mac"
      " OS X", WINDOWS, 0 },
    { "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Firefox/133.0",
      LINUX, 0 },
    { "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/131.0.0.0", LINUX, 0 },
    { "Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari", LINUX, 0 },
    { "Microsoft BITS/7.8", WINDOWS, 0 },
    { "curl/8.5.0", WINDOWS, 0 },
    { "x", WINDOWS, 0 },
    { "\xff\x01", WINDOWS, 0 }
};


#define file(artifact, arch)                                                  \
    { lu_string(artifact), lu_string(arch),                                   \
      lu_string(artifact "." arch), { 0, NULL }, 0, 0 }

static lu_td_artifact_t  everything[] = {
    file("nsis", "x64"), file("nsis", "arm64"), file("nsis", "universal"),
    file("nsis-web", "ia32"), file("msi", "x64"),
    file("dmg", "x64"), file("dmg", "arm64"), file("dmg", "universal"),
    file("installer", "universal"), file("zip", "arm64"), file("mas", "x64"),
    file("appImage", "arm64"), file("deb", "x64"), file("deb", "arm64")
};

static lu_td_artifact_t  little[] = {
    file("nsis", "ia32"), file("zip", "arm64"), file("mas", "universal"),
    file("pkg", "x64"), file("rpm", "x64"), file("appImage", "ia32")
};


static lu_td_artifact_t  special[] = {
    file("dmg", "universal"), file("deb", "armv7l"), file("nsis", "universal")
};


static const struct {
    int          kind;
    const char  *path;
    const char  *user_agent;
    const char  *name;
    const char  *reason;
} picks[] = {
    { 1, "/windows", "x", "nsis.universal", NULL },
    { 1, "/windows/nsis", "x", "nsis.universal", NULL },
    { 1, "/windows/NSIS/x64", "x", "nsis.x64", NULL },
    { 1, "/windows/msi", "x", "msi.x64", NULL },
    { 1, "/windows/msi/arm64", "x", "msi.x64", NULL },
    { 1, "/windows/msi/ia32", "x", NULL,
      "Couldn't find windows app (msi-ia32)" },
    { 1, "/windows/nsis-web/arm64", "x", NULL,
      "Couldn't find windows app (nsis-web-arm64)" },
    { 1, "/windows/appx", "x", NULL,
      "Couldn't find windows app (appx-universal)" },
    { 1, "/windows/nsis-web", "x", "nsis-web.ia32", NULL },
    { 1, "/windows/nsis-web/ia32", "x", "nsis-web.ia32", NULL },
    { 1, "/windows/dmg/arm64", "x", "nsis.arm64", NULL },
    { 1, "/windows/dmg/ia32", "x", NULL,
      "Couldn't find windows app (nsis-ia32)" },

    { 1, "/mac", "x", "dmg.x64", NULL },
    { 1, "/mac", MAC_UA("10_14"), "dmg.x64", NULL },
    { 1, "/mac", MAC_UA("10_15"), "installer.universal", NULL },
    { 1, "/versions/1.0.0/mac", MAC_UA("14_0"), "dmg.universal", NULL },
    { 1, "/builds/b1/mac", MAC_UA("14_0"), "dmg.universal", NULL },
    { 1, "/builds/b1/mac/installer", MAC_UA("14_0"), "installer.universal",
      NULL },
    { 1, "/mac/installer", "x", "dmg.x64", NULL },
    { 1, "/mac/installer/universal", "x", "installer.universal", NULL },
    { 1, "/mac/installer/x64", "x", "dmg.x64", NULL },
    { 1, "/mac/zip", "x", "zip.arm64", NULL },
    { 1, "/mac/zip", MAC_UA("15_1"), "zip.arm64", NULL },
    { 1, "/mac/mas", "x", "dmg.x64", NULL },
    { 1, "/mac/mas", MAC_UA("15_1"), "mas.x64", NULL },
    { 1, "/builds/b1/mac/pkg", "x", NULL,
      "Couldn't find mac app (pkg-x64) and build ID b1" },
    { 1, "/versions/1.0.0/mac/pkg", "x", NULL,
      "Couldn't find mac app (pkg-x64)" },

    { 1, "/linux", "x", "deb.x64", NULL },
    { 1, "/linux/appimage", "x", "appImage.arm64", NULL },
    { 1, "/linux/deb", "x", "deb.x64", NULL },
    { 1, "/linux/deb/universal", "x", NULL,
      "Couldn't find linux app (deb-universal)" },

    { 0, "/windows", "x", "nsis.ia32", NULL },
    { 0, "/windows/msi/ia32", "x", NULL,
      "Couldn't find windows app (msi-ia32)" },
    { 0, "/builds/b1/windows", "x", "nsis.ia32", NULL },
    { 0, "/mac", "x", "pkg.x64", NULL },
    { 0, "/mac/pkg", "x", "pkg.x64", NULL },
    { 0, "/mac/x/x64", "x", NULL, "Couldn't find mac app (zip-x64)" },
    { 0, "/mac", MAC_UA("26_1"), "zip.arm64", NULL },
    { 0, "/linux", "x", "rpm.x64", NULL },
    { 0, "/linux/appImage", "x", "appImage.ia32", NULL },
    { 0, "/linux/deb", "x", NULL,
      "Couldn't find linux app (deb-universal)" },

    { 1, "/", LINUX_UA("x86_64"), "deb.x64", NULL },
    { 1, "/", LINUX_UA("aarch64"), "appImage.arm64", NULL },
    { 1, "/linux/deb", LINUX_UA("aarch64"), "deb.arm64", NULL },
    { 1, "/linux/deb/x64", LINUX_UA("aarch64"), "deb.x64", NULL },
    { 1, "/", LINUX_UA("armv7l"), "deb.x64", NULL },
    { 1, "/windows", LINUX_UA("aarch64"), "nsis.universal", NULL },
    { 1, "/", "Mozilla/5.0 (X11; CrOS aarch64 14541.0.0) Chrome/131.0.0.0",
      "appImage.arm64", NULL },

    { 2, "/windows/nsis/arm64", "x", "nsis.universal", NULL },
    { 2, "/windows/nsis/x64", "x", "nsis.universal", NULL },
    { 2, "/windows/nsis/ia32", "x", NULL,
      "Couldn't find windows app (nsis-ia32)" },
    { 2, "/mac", "x", "dmg.universal", NULL },
    { 2, "/mac", MAC_UA("10_14"), "dmg.universal", NULL },
    { 2, "/mac/dmg/arm64", "x", "dmg.universal", NULL },
    { 2, "/mac/dmg/x64", "x", "dmg.universal", NULL },
    { 2, "/mac/zip/x64", "x", NULL, "Couldn't find mac app (zip-x64)" },
    { 2, "/", LINUX_UA("armv7l"), "deb.armv7l", NULL },
    { 2, "/", LINUX_UA("x86_64"), "deb.armv7l", NULL }
};


static void
test_routes(void)
{
    char           parts[512];
    size_t         i;
    lu_str_t       path, user_agent, reason, manifest;
    lu_download_t  download;
    lu_download_e  result;

    user_agent = tap_str("Linux");

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        path = tap_str(routes[i].path);

        result = lu_download_route(&tap_arena, &path, &user_agent, &download,
                                   &reason);

        if (result != OK) {
            ok(result == routes[i].result
               && (result == REFUSED
                   ? lu_str_is(&reason, routes[i].manifest)
                   : reason.data == NULL), "%s", routes[i].path);
            continue;
        }

        snprintf(parts, sizeof(parts), "%.*s|%.*s|%.*s|%.*s",
                 (int) download.version.len, download.version.data,
                 (int) download.build_id.len, download.build_id.data,
                 (int) download.artifact.len, download.artifact.data,
                 (int) download.arch.len, download.arch.data);

        manifest = lu_download_manifest(&tap_arena, &download);

        ok(routes[i].result == OK
           && download.platform == routes[i].platform
           && strcmp(parts, routes[i].parts) == 0
           && lu_str_is(&manifest, routes[i].manifest), "%s", routes[i].path);
    }

    user_agent = tap_str("");

    path = tap_str("/mac");
    ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                         &reason) == REFUSED
       && lu_str_is(&reason, "No User-Agent header"),
       "no User-Agent");

    path = tap_str("/a/b/c/d");
    ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                         &reason) == NONE, "no route comes first");

    tap_free();
}


static void
test_agents(void)
{
    size_t         i;
    lu_str_t       path, user_agent, reason;
    lu_download_t  download;

    path = tap_str("/");

    for (i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
        user_agent = tap_str(agents[i].user_agent);

        ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                             &reason) == OK
           && download.platform == agents[i].platform
           && download.is_universal == agents[i].is_universal, "%s",
           agents[i].user_agent);
    }

    tap_free();
}


static void
test_picks(void)
{
    static const char *const  kinds[] = { "a few", "all", "special ones" };

    size_t         i;
    lu_rc_e        rc;
    lu_td_t        td;
    lu_str_t       path, user_agent, name, reason;
    lu_download_t  download;

    for (i = 0; i < sizeof(picks) / sizeof(picks[0]); i++) {

        memset(&td, 0, sizeof(lu_td_t));

        if (picks[i].kind == 2) {
            td.artifacts = special;
            td.nartifacts = sizeof(special) / sizeof(special[0]);

        } else if (picks[i].kind == 1) {
            td.artifacts = everything;
            td.nartifacts = sizeof(everything) / sizeof(everything[0]);

        } else {
            td.artifacts = little;
            td.nartifacts = sizeof(little) / sizeof(little[0]);
        }

        path = tap_str(picks[i].path);
        user_agent = tap_str(picks[i].user_agent);

        if (lu_download_route(&tap_arena, &path, &user_agent, &download,
                              &reason) != OK)
        {
            printf("Bail out! %s\n", picks[i].path);
            exit(1);
        }

        rc = lu_download_pick(&tap_arena, &td, &download, &name, &reason);

        ok(picks[i].name ? rc == LU_OK
                           && lu_str_is(&name, picks[i].name)
                         : rc == LU_NOT_FOUND
                           && lu_str_is(&reason, picks[i].reason),
           "%s of %s: %s", picks[i].path, kinds[picks[i].kind],
           picks[i].name ? picks[i].name : picks[i].reason);
    }

    memset(&td, 0, sizeof(lu_td_t));

    ok(lu_download_pick(&tap_arena, &td, &download, &name, &reason)
       == LU_NOT_FOUND
       && lu_str_is(&reason, "Couldn't find linux app"), "of nothing at all");

    tap_free();
}


/* The list of a release: by channel, by version, by id. */

static const struct {
    const char  *channel;
    const char  *version;
    const char  *id;
    unsigned     platform;
    size_t       n;
    const char  *name;
    const char  *what;
} lists[] = {
    { "", "", "", LU_WINDOWS, 0, "td-latest-build-b.json", "the latest" },
    { "", "", "", LU_WINDOWS, 1, "td-latest-build-a.json",
      "the next one, for another architecture" },
    { "", "", "", LU_WINDOWS, 2, NULL, "and no more" },
    { "latest", "", "", LU_WINDOWS, 0, "td-latest-build-b.json", "by name" },
    { "beta", "", "", LU_WINDOWS, 0, "td-latest-build-c.json", "a channel" },
    { "beta", "", "", LU_MAC, 0, NULL, "not on that platform" },
    { "gamma", "", "", LU_WINDOWS, 0, NULL, "no such channel" },
    { "", "", "", LU_LINUX, 0, "td-latest-linux-build-c.json",
      "any channel if there is no stable release" },
    { "", "1", "", LU_MAC, 0, "td-latest-mac-build-a.json", "a version" },
    { "", "1", "", LU_MAC, 1, NULL, "there is one of it" },
    { "", "a", "", LU_MAC, 0, "td-latest-mac-build-a.json",
      "an id for a version" },
    { "", "", "b", LU_WINDOWS, 0, "td-latest-build-b.json", "an id" },
    { "", "", "2", LU_WINDOWS, 0, "td-latest-build-b.json",
      "a version for an id" },
    { "", "", "9", LU_WINDOWS, 0, NULL, "neither" }
};


static void
test_lists(void)
{
    size_t         i;
    cJSON         *builds, *releases;
    lu_rc_e        rc;
    lu_feed_t      feed;
    lu_error_t     err;
    lu_client_t    client;
    lu_desktop_t   desktop;
    lu_download_t  download;

    memset(&client, 0, sizeof(lu_client_t));

#define BUILD(id, version, manifests)                                         \
    "{\"id\":\"" id "\",\"version\":\"" version "\",\"isReleased\":true,"     \
    "\"wasLatest\":true,\"manifests\":[" manifests "]}"

    builds = tap_json("["
        BUILD("a", "1", "\"latest.yml\",\"latest-arm64.yml\","
                        "\"td-latest.json\",\"td-latest-mac.json\"") ","
        BUILD("b", "2", "\"latest.yml\",\"td-latest.json\"") ","
        BUILD("c", "3", "\"beta.yml\",\"beta-linux.yml\","
                        "\"td-latest.json\",\"td-latest-linux.json\"") "]");
    releases = tap_json("{\"latestReleaseBuildId\":\"c\"}");

    ok(lu_desktop_parse(&tap_arena, builds, releases, &desktop, &err) == LU_OK,
       "builds");

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        memset(&download, 0, sizeof(lu_download_t));

        download.platform = lists[i].platform;
        download.channel = tap_str(lists[i].channel);
        download.version = tap_str(lists[i].version);
        download.build_id = tap_str(lists[i].id);

        rc = lu_download_list(&tap_arena, &desktop, &client, &download,
                              lists[i].n, &feed);

        ok(lists[i].name ? rc == LU_OK && lu_str_is(&feed.name, lists[i].name)
                         : rc == LU_NOT_FOUND, "list: %s", lists[i].what);
    }

    cJSON_Delete(builds);
    cJSON_Delete(releases);
    tap_free();
}


/* A list with arm64 alone is not for those who tell no architecture. */

static void
test_suits(void)
{
    lu_td_t           td;
    lu_download_t     download;
    lu_td_artifact_t  artifact;

    memset(&td, 0, sizeof(lu_td_t));
    memset(&artifact, 0, sizeof(lu_td_artifact_t));
    memset(&download, 0, sizeof(lu_download_t));

    ok(!lu_download_suits(&td, &download), "suits: nothing");

    td.artifacts = &artifact;
    td.nartifacts = 1;

    artifact.arch = tap_str("arm64");
    ok(!lu_download_suits(&td, &download), "suits: arm64 alone");

    download.arch = tap_str("arm64");
    ok(lu_download_suits(&td, &download), "suits: who asks for arm64");

    download.arch = tap_str("x64");
    ok(!lu_download_suits(&td, &download), "suits: not who asks for x64");

    artifact.arch = tap_str("universal");
    ok(lu_download_suits(&td, &download), "suits: universal for all");

    download.arch.len = 0;
    ok(lu_download_suits(&td, &download), "suits: and for who tells none");

    tap_free();
}


static void
test_memory(void)
{
    lu_td_t        td;
    lu_str_t       path, user_agent, name, reason;
    lu_download_t  download;

    memset(&td, 0, sizeof(lu_td_t));

    user_agent = tap_str("x");

    tap_left = 0;

    path = tap_str("/beos");
    ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                         &reason) == REFUSED
       && reason.data == NULL && reason.len == 0,
       "no memory for a platform's reason");

    path = tap_str("/<>");
    ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                         &reason) == REFUSED
       && reason.data == NULL && reason.len == 0, "nor for another");

    path = tap_str("/mac/dmg");
    ok(lu_download_route(&tap_arena, &path, &user_agent, &download,
                         &reason) == OK, "a route needs none");

    name = lu_download_manifest(&tap_arena, &download);
    ok(name.data == NULL && name.len == 0, "no memory for a manifest's name");

    ok(lu_download_pick(&tap_arena, &td, &download, &name, &reason)
       == LU_NOMEM, "nor for what is not found");

    tap_left = -1;
}


int
main(void)
{
    test_routes();
    test_agents();
    test_picks();
    test_lists();
    test_suits();
    test_memory();

    return tap_done();
}
