
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_artifact.c"


#define NAMES  "t/golden/artifacts.tsv"

#define W  LU_WINDOWS
#define M  LU_MAC
#define L  LU_LINUX


static const struct {
    const char  *name;
    const char  *version;
    const char  *build_id;
    unsigned     platform;
    const char  *kind;
    const char  *arch;
} names[] = {

    /* ToDesktop */

    { "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe", "1.1.0",
      "241101bbbbbbbb2", W, "nsis", "x64" },
    { "My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe", "1.1.0",
      "241101bbbbbbbb2", W, "nsis", NULL },
    { "My App 1.1.0 - Build 241101bbbbbbbb2-arm64-mac.zip.blockmap", "1.1.0",
      "241101bbbbbbbb2", M, "zip", "arm64" },
    { "My App 1.1.0 - Build 241101bbbbbbbb2-universal.dmg", "1.1.0",
      "241101bbbbbbbb2", M, "dmg", "universal" },
    { "my-app-1.1.0-build-241101bbbbbbbb2-x86_64.AppImage", "1.1.0",
      "241101bbbbbbbb2", L, "appImage", "x64" },
    { "my-app-1.1.0-build-241101bbbbbbbb2-amd64.deb", "1.1.0",
      "241101bbbbbbbb2", L, "deb", "x64" },

    /* an id is no word */

    { "Shop-1.1.0-build-x-mac-arm64.zip", "1.1.0", "x-mac-arm64", 0, "zip",
      NULL },
    { "Shop-1.1.0-build-x-mac-1-win.zip", "1.1.0", "x-mac-1", W, "zip", NULL },
    { "Shop 1.1.0 - Build arm64-x64.exe", "1.1.0", "arm64", W, "nsis", "x64" },
    { "Shop-arm64-build-b1.exe", "1.1.0", "b1", W, "nsis", "arm64" },
    { "Shop-build-mac-1.1.0.zip", "1.1.0", "mac", 0, "zip", NULL },

    /* the product's name */

    { "Universal Remote-1.0.0.dmg", "1.0.0", "", M, "dmg", NULL },
    { "universal-1.0.0.exe", "1.0.0", "", W, "nsis", NULL },
    { "universal-remote.dmg", "1.0.0", "", M, "dmg", NULL },
    { "Paint Universal-1.0.0.dmg", "1.0.0", "", M, "dmg", NULL },
    { "Paint Universal-1.0.0-arm64.dmg", "1.0.0", "", M, "dmg", "arm64" },
    { "Paint Universal-1.0.0-universal.dmg", "1.0.0", "", M, "dmg",
      "universal" },
    { "ARM64 Setup 1.0.0.exe", "1.0.0", "", W, "nsis", NULL },
    { "Charm 1.0.0.exe", "1.0.0", "", W, "nsis", NULL },
    { "arm-1.0.0.AppImage", "1.0.0", "", L, "appImage", NULL },
    { "fax64-1.0.0.AppImage", "1.0.0", "", L, "appImage", NULL },
    { "x64dbg-1.0.0.AppImage", "1.0.0", "", L, "appImage", NULL },
    { "arm64-tools-1.0.0.AppImage", "1.0.0", "", L, "appImage", NULL },
    { "tool-2.0.0-for-arm64-app-1.0.0.AppImage", "1.0.0", "", L, "appImage",
      NULL },
    { "Mac Cleaner Setup 1.0.0.exe", "1.0.0", "", W, "nsis", NULL },
    { "linux-for-mac-1.0.0-mac.zip", "1.0.0", "", M, "zip", NULL },
    { "Web Setup Tool 1.0.0.exe", "1.0.0", "", W, "nsis", NULL },

    /* without the version that was expected */

    { "Shop-1.2-arm64.dmg", "1.2.0", "", M, "dmg", "arm64" },
    { "universal-shop-1.2.dmg", "9.9.9", "", M, "dmg", NULL },
    { "Shop-arm64.dmg", "1.0.0", "", M, "dmg", "arm64" },
    { "Shop.dmg", "", "", M, "dmg", NULL },

    /* words */

    { "Shop_1.0.0_x86-64.AppImage", "1.0.0", "", L, "appImage", "x64" },
    { "Shop_1.0.0_x86.exe", "1.0.0", "", W, "nsis", "ia32" },
    { "Shop_1.0.0_x86_641.exe", "1.0.0", "", W, "nsis", "ia32" },
    { "shop-x86_64-1.0.0.AppImage", "1.0.0", "", L, "appImage", "x64" },
    { "shop-win32-x64-1.0.0.exe", "1.0.0", "", W, "nsis", "x64" },
    { "shop-win32-ia32-1.0.0.zip", "1.0.0", "", W, "zip", "ia32" },
    { "shop-darwin-arm64-1.0.0.zip", "1.0.0", "", M, "zip", "arm64" },
    { "shop-1.0.0-ARM64.exe", "1.0.0", "", W, "nsis", "arm64" },
    { "shop-1.0.0.aarch64.rpm", "1.0.0", "", L, "rpm", "arm64" },
    { "shop-1.0.0-loong64.AppImage", "1.0.0", "", L, "appImage", "loong64" },
    { "shop_1.0.0_armhf.snap", "1.0.0", "", L, "snap", "armv7l" },
    { "shop-1.0.0-arm.flatpak", "1.0.0", "", L, NULL, "armv7l" },
    { "Shop Web Setup 1.0.0.exe", "1.0.0", "", W, "nsis-web", NULL },
    { "Shop-WebSetup-1.0.0.exe", "1.0.0", "", W, "nsis-web", NULL },
    { "shop-web-setup-1.0.0.exe", "1.0.0", "", W, "nsis-web", NULL },

    { "", "", "", 0, NULL, NULL },
    { ".exe", "", "", 0, NULL, NULL },
    { ".blockmap", "1", "x", 0, NULL, NULL },
    { "1.0.0", "1.0.0", "", 0, NULL, NULL },
    { "notes.txt", "1.0.0", "", 0, NULL, NULL }
};


static int
same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}


static void
test_names(void)
{
    size_t         i;
    lu_str_t       name, version, build_id;
    lu_artifact_t  artifact;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        name = tap_str(names[i].name);
        version = tap_str(names[i].version);
        build_id = tap_str(names[i].build_id);

        lu_artifact_parse(&name, &version, &build_id, &artifact);

        if (!ok(same(artifact.kind, names[i].kind)
                && same(artifact.arch, names[i].arch)
                && artifact.platform == names[i].platform,
                "%s", names[i].name))
        {
            printf("# %s %s %u\n", artifact.kind ? artifact.kind : "-",
                   artifact.arch ? artifact.arch : "-", artifact.platform);
        }
    }

    name = tap_str("paint-universal-1.0.0.dmg");
    version = tap_str("1.0.0");
    build_id = tap_str("");

    lu_artifact_parse(&name, &version, &build_id, &artifact);
    ok(same(artifact.arch, "universal") && artifact.is_doubtful,
       "the end of the product, or the architecture");

    tap_free();
}


/*
 * Each line: platform, kind, architecture, name, version, as electron-builder
 * names what it makes.  It may leave out x64.
 */

static void
test_golden(void)
{
    int             n, wrong, known;
    char            line[1024], *field[5], *p;
    FILE           *f;
    size_t          i;
    const char     *platform;
    lu_str_t        name, version, build_id;
    lu_artifact_t   artifact;

    f = fopen(NAMES, "r");

    if (f == NULL) {
        printf("Bail out! cannot open %s\n", NAMES);
        exit(1);
    }

    n = 0;
    wrong = 0;
    build_id = tap_str("");

    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';

        if (line[0] == '#') {
            continue;
        }

        p = line;

        for (i = 0; i < 5; i++) {
            field[i] = p;
            p += strcspn(p, "\t");
            *p++ = '\0';
        }

        name = lu_str(field[3]);

        for (known = 0; known < 2; known++) {
            version = lu_str(known ? field[4] : "");

            lu_artifact_parse(&name, &version, &build_id, &artifact);

            platform = lu_platform_name(artifact.platform);

            if (strcmp(artifact.kind ? artifact.kind : "-", field[1]) != 0
                || strcmp(artifact.arch ? artifact.arch : "x64", field[2]) != 0
                || strcmp(platform, field[0]) != 0)
            {
                wrong++;
                printf("# %s: %s %s %s\n", field[3], platform,
                       artifact.kind ? artifact.kind : "-",
                       artifact.arch ? artifact.arch : "-");
            }

            n++;
        }
    }

    fclose(f);

    ok(wrong == 0, "names of electron-builder");
    ok(n > 1500, "all %d of them", n);
}


static void
test_build_id(void)
{
    size_t    i, start, end;
    lu_str_t  name, id;

    static const struct {
        const char  *name;
        const char  *id;
        size_t       start;
        size_t       end;
    } cases[] = {
        { "latest-build-b1.yml", "b1", 6, 15 },
        { "App - Build b1-x64.exe", "b1", 6, 14 },
        { "Build Tool - Build b1.exe", "b1", 13, 21 },
        { "a-build-b12-build-b1.yml", "b1", 11, 20 },
        { "latest-build-b12.yml", "b1", 0, 0 },
        { "latest-build-b1_.yml", "b1", 0, 0 },
        { "latest-build-b1", "b1", 6, 15 },
        { "latest-build-b", "b1", 0, 0 },
        { "latest-build-.yml", "", 0, 0 },
        { "", "b1", 0, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = tap_str(cases[i].name);
        id = tap_str(cases[i].id);

        end = lu_artifact_build_id(&name, &id, &start);

        ok(end == cases[i].end && (end == 0 || start == cases[i].start),
           "id: %s", cases[i].name);
    }

    tap_free();
}


int
main(void)
{
    test_names();
    test_golden();
    test_build_id();

    return tap_done();
}
