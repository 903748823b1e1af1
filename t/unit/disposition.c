
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_disposition.c"


static const struct {
    const char  *id;
    const char  *name;
    const char  *whole;
    const char  *cut;                   /* NULL: the same */
} dispositions[] = {

#define disposition(name)  "attachment; filename=\"" name "\""

    { "231113r6n9icu7f", "app-1.0.0-build-231113r6n9icu7f.AppImage",
      disposition("app-1.0.0-build-231113r6n9icu7f.AppImage"),
      disposition("app-1.0.0.AppImage") },
    { "231113r6n9icu7f", "App 1.0.0 - Build 231113r6n9icu7f-arm64.dmg",
      disposition("App 1.0.0 - Build 231113r6n9icu7f-arm64.dmg"),
      disposition("App 1.0.0 - arm64.dmg") },
    { "231113r6n9icu7f", "App 1.0.0 - Build 231113r6n9icu7f-x64-mac.zip",
      disposition("App 1.0.0 - Build 231113r6n9icu7f-x64-mac.zip"),
      disposition("App 1.0.0 - x64-mac.zip") },
    { "X", "my-app-1.0.0-build-X-x86_64.AppImage",
      disposition("my-app-1.0.0-build-X-x86_64.AppImage"),
      disposition("my-app-1.0.0-x86_64.AppImage") },
    { "a_1", "latest-mac-build-a_1.yml",
      disposition("latest-mac-build-a_1.yml"),
      disposition("latest-mac.yml") },
    { "a1", "App Setup 1.0.0 - Build a1.exe.blockmap",
      disposition("App Setup 1.0.0 - Build a1.exe.blockmap"), NULL },
    { "a1", "App 1.0.0 - Build a1-b-Build c-d.zip",
      disposition("App 1.0.0 - Build a1-b-Build c-d.zip"),
      disposition("App 1.0.0 - b-Build c-d.zip") },
    { "b", "a-build-b-build-c.zip", disposition("a-build-b-build-c.zip"),
      disposition("a-build-c.zip") },
    { "c", "a-build--Build c-d.zip", disposition("a-build--Build c-d.zip"),
      disposition("a-build--d.zip") },
    { "c", "a-build--build-c.zip", disposition("a-build--build-c.zip"),
      disposition("a-build-.zip") },
    { "c", "Build Tool - Build c-d.zip",
      disposition("Build Tool - Build c-d.zip"),
      disposition("Build Tool - d.zip") },
    { "c", "App Build ", disposition("App Build "), NULL },
    { "x", "App Build x", disposition("App Build x"), NULL },
    { "x", "App Build x-", disposition("App Build x-"), disposition("App ") },
    { "x", "-build-x", disposition("-build-x"), NULL },
    { "x", "-build-x.exe", disposition("-build-x.exe"), NULL },
    { "x", "Build x-.exe", disposition("Build x-.exe"), NULL },
    { "x", "Build x-y.exe", disposition("Build x-y.exe"),
      disposition("y.exe") },
    { "20261121-1", "latest-mac-build-20261121-1.yml",
      disposition("latest-mac-build-20261121-1.yml"),
      disposition("latest-mac.yml") },
    { "a-build-b", "latest-build-a-build-b.yml",
      disposition("latest-build-a-build-b.yml"), disposition("latest.yml") },
    { "b1", "my-build-tool-1.0.0.AppImage",
      disposition("my-build-tool-1.0.0.AppImage"), NULL },
    { "b1", "Build Tool-1.0.0.exe", disposition("Build Tool-1.0.0.exe"), NULL },
    { "b1", "latest-build-b12.yml", disposition("latest-build-b12.yml"), NULL },
    { "b1", "latest-build-b1_2.yml", disposition("latest-build-b1_2.yml"),
      NULL },
    { "", "a-build-.zip", disposition("a-build-.zip"), NULL },
    { "c", "", disposition(""), NULL },

    { "c", "a\"b.exe", "attachment; filename=\"a_b.exe\";"
                  " filename*=UTF-8''a%22b.exe", NULL },
    { "c", "a\\b.exe", "attachment; filename=\"a_b.exe\";"
                  " filename*=UTF-8''a%5Cb.exe", NULL },
    { "c", "50% a.exe", "attachment; filename=\"50% a.exe\";"
                   " filename*=UTF-8''50%25%20a.exe", NULL },
    { "c", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80.exe",
      "attachment; filename=\"___.exe\";"
      " filename*=UTF-8''%C3%BC%E2%82%AC%F0%9F%98%80.exe", NULL },
    { "x1", "\xc3\xbc - Build x1-y.exe",
      "attachment; filename=\"_ - Build x1-y.exe\";"
      " filename*=UTF-8''%C3%BC%20-%20Build%20x1-y.exe",
      "attachment; filename=\"_ - y.exe\";"
      " filename*=UTF-8''%C3%BC%20-%20y.exe" },
    { "c", "!#$&+-.^_`|~'()*,;=@[]{}<>?:\xc3\xbc",
      "attachment; filename=\"!#$&+-.^_`|~'()*,;=@[]{}<>?:_\";"
      " filename*=UTF-8''!#$&+-.^_`|~%27%28%29%2A%2C%3B%3D%40%5B%5D%7B%7D"
      "%3C%3E%3F%3A%C3%BC", NULL },
    { "c", "a\r\nb\x7f.exe", "attachment; filename=\"a__b_.exe\";"
                        " filename*=UTF-8''a%0D%0Ab%7F.exe", NULL },
    { "c", "a\xff\x80.exe", "attachment; filename=\"a_.exe\"", NULL }
};


static void
test_disposition(void)
{
    int          cut;
    size_t       i;
    const char  *expected;
    lu_str_t     id, name, value;

    for (i = 0; i < sizeof(dispositions) / sizeof(dispositions[0]); i++) {
        for (cut = 0; cut < 2; cut++) {
            expected = (cut && dispositions[i].cut) ? dispositions[i].cut
                                                    : dispositions[i].whole;

            name = tap_str(dispositions[i].name);
            id = tap_str(dispositions[i].id);
            value = lu_disposition(&tap_arena, &name, cut ? &id : NULL);

            if (!ok(lu_str_is(&value, expected)
                    && value.data[value.len] == '\0', "disposition %d%s",
                    (int) i, cut ? ", cut" : ""))
            {
                printf("# %s\n", (char *) value.data);
            }
        }
    }

    tap_left = 0;
    value = lu_disposition(&tap_arena, &name, NULL);
    ok(value.data == NULL && value.len == 0, "no memory");
    tap_left = -1;

    tap_free();
}


int
main(void)
{
    test_disposition();

    return tap_done();
}
