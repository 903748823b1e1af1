
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_twin.c"


static void
test_is(void)
{
    size_t    i;
    lu_str_t  one, two;

    static const struct {
        const char  *one;
        const char  *two;
        int          twins;
    } cases[] = {
        { "A-1.0.0-mac.zip", "A-1.0.0-arm64-mac.zip", 1 },
        { "A-1.0.0.dmg", "A-1.0.0-universal.dmg", 1 },
        { "A-1.0.0-x64.dmg", "A-1.0.0-arm64.dmg", 1 },
        { "A Setup 1.0.0.exe", "A Setup 1.0.0-ARM64.exe", 1 },
        { "a_1.0.0_amd64.deb", "a_1.0.0_arm64.deb", 1 },
        { "a-1.0.0.x86_64.rpm", "a-1.0.0.aarch64.rpm", 1 },
        { "A-1.0.0.AppImage", "A-1.0.0-armv7l.AppImage", 1 },
        { "A-1.0.0-ia32.exe", "A-1.0.0-x64.exe", 1 },
        { "A-1.0.0.dmg", "A-1.0.0.dmg", 0 },
        { "A-1.0.0.dmg", "A-1.0.0.zip", 0 },
        { "A-1.0.0.dmg", "A-1.0.1-arm64.dmg", 0 },
        { "A 1.0.0.exe", "A Setup 1.0.0.exe", 0 },
        { "A-1.0.0.dmg", "A-1.0.0-harm64.dmg", 0 },
        { "Armor-1.0.0.dmg", "or-1.0.0.dmg", 0 },
        { "A-1.0.0.dmg", "B-1.0.0-arm64.dmg", 0 },
        { "\xc3\xa4-1.dmg", "\xc3\xb6-1-arm64.dmg", 0 },
        { "", "arm64", 1 },
        { "", "a", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        one = tap_str(cases[i].one);
        two = tap_str(cases[i].two);

        ok(lu_twin_is(&one, &two) == cases[i].twins, "\"%s\" and \"%s\"",
           cases[i].one, cases[i].two);
        ok(lu_twin_is(&two, &one) == cases[i].twins, "\"%s\" and \"%s\"",
           cases[i].two, cases[i].one);
    }
}


static void
test_version(void)
{
    size_t    i;
    lu_str_t  name;

    static const struct {
        const char  *name;
        const char  *version;
        int          has;
    } cases[] = {
        { "A-1.0.0-mac.zip", "1.0.0", 1 },
        { "A1.0.0.zip", "1.0.0", 1 },
        { "1.0.0", "1.0.0", 1 },
        { "A-v1.0.0.zip", "1.0.0", 1 },
        { "A-1.0.0-beta.2-mac.zip", "1.0.0-beta.2", 1 },
        { "A-11.0.0.zip", "1.0.0", 0 },
        { "A-1.0.01.zip", "1.0.0", 0 },
        { "A-2.1.0.0.zip", "1.0.0", 0 },
        { "A-1.0.0-beta.2-mac.zip", "1.0.0", 0 },
        { "A-1.0.0-rc1.zip", "1.0.0", 0 },
        { "A-1.0.0-rc1-of-1.0.0.zip", "1.0.0", 1 },
        { "A.zip", "1.0.0", 0 },
        { "", "1.0.0", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = tap_str(cases[i].name);

        ok(lu_twin_has_version(&name, cases[i].version) == cases[i].has,
           "\"%s\" in \"%s\"", cases[i].version, cases[i].name);
    }
}


static void
test_safe(void)
{
    size_t    i;
    lu_str_t  one, two;

    static const struct {
        const char  *one;
        const char  *two;
        int          safe;
    } cases[] = {
        { "A-Setup-1.0.0.exe", "A Setup 1.0.0.exe", 1 },
        { "A.Setup.exe", "A Setup.exe", 1 },
        { "A Setup.exe", "A Setup.exe", 0 },
        { "A-Setup.exe", "B Setup.exe", 0 },
        { "A-Setup.exe", "A  Setup.exe", 0 },
        { "", "", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        one = tap_str(cases[i].one);
        two = tap_str(cases[i].two);

        ok(lu_twin_is_safe(&one, &two) == cases[i].safe, "\"%s\" for \"%s\"",
           cases[i].one, cases[i].two);
    }
}


int
main(void)
{
    test_is();
    test_version();
    test_safe();

    return tap_done();
}
