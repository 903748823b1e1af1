
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_label.c"


static void
test_escape(void)
{
    size_t         i;
    unsigned char  buf[256], *end;
    lu_str_t       value;

    static const struct {
        const char  *value;
        const char  *escaped;
    } cases[] = {
        { "", "" },
        { "production", "production" },
        { "a\"b", "a\\\"b" },
        { "a\\b", "a\\\\b" },
        { "a\nb", "a\\nb" },
        { "\\n", "\\\\n" },
        { "a\tb\rc\x7f", "a?b?c?" },
        { "\xc3\xbcn\xc3\xaf", "\xc3\xbcn\xc3\xaf" },
        { "a\xff\xc3\xbc", "a???" },
        { "\xed\xa0\x80", "???" },
        { "{app=\"x\"} 1", "{app=\\\"x\\\"} 1" },
        { "(other)", "(other)" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = tap_str(cases[i].value);
        end = lu_label_escape(buf, &value);

        ok((size_t) (end - buf) == strlen(cases[i].escaped)
           && memcmp(buf, cases[i].escaped, end - buf) == 0,
           "escaped: %s", cases[i].escaped);
    }

    value.data = (unsigned char *) "a\0b";
    value.len = 3;
    end = lu_label_escape(buf, &value);

    ok(end - buf == 3 && memcmp(buf, "a?b", 3) == 0, "escaped: a zero byte");
}


static void
test_platform(void)
{
    size_t      i;
    lu_str_t    name;
    lu_label_t  label;

    static const struct {
        const char  *name;
        unsigned     platform;
    } cases[] = {
        { "latest.yml", LU_WINDOWS },
        { "latest-1.2.0.yml", LU_WINDOWS },
        { "latest-build-20261121-1.yml", LU_WINDOWS },
        { "latest-mac.yml", LU_MAC },
        { "latest-mac-1.2.0.yml", LU_MAC },
        { "latest-mac-build-b1.yml", LU_MAC },
        { "latest-linux.yml", LU_LINUX },
        { "latest-linux-arm64.yml", LU_LINUX },
        { "td-latest-mac-build-b1.json", LU_MAC },
        { "Shop Setup 1.0.0.exe", LU_WINDOWS },
        { "Shop Setup 1.0.0.EXE.blockmap", LU_WINDOWS },
        { "shop-1.0.0-x64.nsis.7z", LU_WINDOWS },
        { "Shop-1.0.0.msi", LU_WINDOWS },
        { "Shop-1.0.0-win.zip", LU_WINDOWS },
        { "Shop-1.0.0-mac.zip", LU_MAC },
        { "Shop-1.0.0-mac.zip.blockmap", LU_MAC },
        { "Shop-darwin-1.0.0.zip", LU_MAC },
        { "Shop-1.0.0.dmg", LU_MAC },
        { "Shop-1.0.0.AppImage", LU_LINUX },
        { "shop_1.0.0_amd64.deb", LU_LINUX },
        { "shop-1.0.0.x86_64.rpm", LU_LINUX },
        { "latest-build-a-mac-1.yml", LU_WINDOWS },
        { "latest-arm64.yml", LU_WINDOWS },
        { "latest-arm64-mac.yml", LU_MAC },
        { "my-mac-app.yml", LU_WINDOWS },
        { "Mac Cleaner Setup 1.0.0.exe", LU_WINDOWS },
        { "shop-linux-tools-1.0.0-mac.zip", LU_MAC },
        { "shop.zip", 0 },
        { "exe", 0 },
        { ".blockmap", 0 },
        { "", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = tap_str(cases[i].name);

        lu_label_parse(&name, NULL, &label);

        ok(label.platform == cases[i].platform, "platform: %s",
           cases[i].name);
    }
}


static void
test_build(void)
{
    size_t             i;
    lu_str_t           name;
    lu_build_t         builds[4];
    lu_label_t         label;
    lu_desktop_t       desktop;
    const lu_build_t  *build;

    static const struct {
        const char  *name;
        int          build;
    } cases[] = {
        { "latest-build-20261121-1.yml", 0 },
        { "latest-build-20261121-2.yml", 1 },
        { "latest-build-20261121-10.yml", -1 },
        { "latest-build-nope.yml", -1 },
        { "latest.yml", -1 },
        { "Shop Setup 1.1.0 - Build b3-x64.exe", 2 },
        { "Shop Setup 1.0.0.exe", 0 },
        { "Shop Setup 1.0.0.exe.blockmap", 0 },
        { "Shop-1.1.0-mac.zip", 1 },
        { "Shop-1.1.0-beta.1-mac.zip", 3 },
        { "Shop-1.1.0.1.dmg", -1 },
        { "Shop-11.1.0.dmg", -1 },
        { "Shop-1.1.dmg", -1 },
        { "shop_1.0.0_amd64.deb", -1 },
        { "b3", 2 },
        { "xb3", -1 },
        { "", -1 }
    };

    memset(builds, 0, sizeof(builds));

    builds[0].id = tap_str("20261121-1");
    builds[0].version = tap_str("1.0.0");
    builds[1].id = tap_str("20261121-2");
    builds[1].version = tap_str("1.1.0");
    builds[2].id = tap_str("b3");
    builds[2].version = tap_str("");
    builds[3].id = tap_str("b4");
    builds[3].version = tap_str("1.1.0-beta.1");

    memset(&desktop, 0, sizeof(desktop));
    desktop.builds = builds;
    desktop.nbuilds = 4;

    ok(lu_desktop_index(&tap_arena, &desktop) == LU_OK, "builds");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = tap_str(cases[i].name);
        build = lu_label_build(&desktop, &name);

        ok(build == (cases[i].build < 0 ? NULL : &builds[cases[i].build]),
           "build: %s", cases[i].name);
    }

    name = tap_str("Shop-1.1.0-build-x-mac-1.zip");
    builds[1].id = tap_str("x-mac-1");

    lu_label_parse(&name, &builds[1], &label);
    ok(label.platform == 0, "platform: not that of an id");

    name = tap_str("beta-arm64-mac-build-b3.yml");
    lu_label_parse(&name, NULL, &label);
    ok(label.platform == LU_MAC
       && strcmp(label.arch, "arm64") == 0
       && lu_str_is(&label.channel, "beta"), "a manifest's channel");

    name = tap_str("td-latest-mac-build-b3.json");
    lu_label_parse(&name, NULL, &label);
    ok(label.arch == NULL && label.channel.len == 0, "a list has none");

    name = tap_str("Shop-1.1.0-arm64.dmg");
    lu_label_parse(&name, &builds[1], &label);
    ok(strcmp(label.arch, "arm64") == 0
       && label.channel.len == 0, "a file's architecture");

    name = tap_str("Shop-1.1.0-build-x-mac-1.zip");

    desktop.nbuilds = 0;
    desktop.nversions = 0;
    ok(lu_label_build(&desktop, &name) == NULL, "build: of none");

    tap_free();
}


int
main(void)
{
    test_escape();
    test_platform();
    test_build();

    return tap_done();
}
