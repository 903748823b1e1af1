
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_platform.c"


static lu_rc_e
list(const char *text, unsigned *platforms)
{
    cJSON    *json;
    lu_rc_e   rc;

    json = tap_json(text);
    *platforms = 0xff;

    rc = lu_platform_list(json, platforms);

    cJSON_Delete(json);

    return rc;
}


int
main(void)
{
    size_t    i;
    lu_str_t  name;
    unsigned  bit, all, platforms;

    static const struct {
        unsigned     platform;
        const char  *name;
        const char  *suffix;
    } known[] = {
        { LU_WINDOWS, "windows", "" },
        { LU_MAC, "mac", "-mac" },
        { LU_LINUX, "linux", "-linux" }
    };

    static const char  *unknown[] = {
        "", "Windows", "windows ", "win", "macos", "linu", "linux2"
    };

    all = 0;

    for (bit = LU_WINDOWS, i = 0; bit & LU_PLATFORMS; bit <<= 1, i++) {
        name = tap_str(known[i].name);

        ok(bit == known[i].platform
           && strcmp(lu_platform_name(bit), known[i].name) == 0
           && strcmp(lu_platform_suffix(bit), known[i].suffix) == 0
           && lu_platform(&name) == bit, "%s", known[i].name);

        all |= bit;
    }

    ok(i == 3 && all == LU_PLATFORMS, "three platforms");

    ok(strcmp(lu_platform_name(0), "") == 0
       && strcmp(lu_platform_name(LU_MAC|LU_LINUX), "") == 0
       && strcmp(lu_platform_name(8), "") == 0
       && strcmp(lu_platform_suffix(8), "") == 0, "no platform has no name");

    for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        name = tap_str(unknown[i]);
        ok(lu_platform(&name) == 0, "no platform: \"%s\"", unknown[i]);
    }

    ok(list("[]", &platforms) == LU_OK && platforms == 0, "an empty list");
    ok(list("[\"linux\",\"windows\",\"linux\"]", &platforms) == LU_OK
       && platforms == (LU_LINUX|LU_WINDOWS), "a list");
    ok(list("[\"mac\",\"solaris\"]", &platforms) == LU_INVALID
       && platforms == LU_MAC, "a list with an unknown name");
    ok(list("[1,\"mac\",null]", &platforms) == LU_INVALID
       && platforms == LU_MAC, "a list with other items");
    ok(list("{\"0\":\"mac\"}", &platforms) == LU_INVALID && platforms == 0
       && list("\"mac\"", &platforms) == LU_INVALID && platforms == 0
       && lu_platform_list(NULL, &platforms) == LU_INVALID && platforms == 0,
       "no list");

    return tap_done();
}
