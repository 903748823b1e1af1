
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_names.c"


#define PART   "0123456789abcdef"
#define SHA    PART PART PART PART
#define UPPER  "0123456789ABCDEF" PART PART PART


static void
test_is_fixed(void)
{
    size_t    i;
    lu_str_t  name;

    static const struct {
        const char  *name;
        int          fixed;
    } cases[] = {
        { "Shop Setup 1.0.0.exe", 1 },
        { "Shop Setup 1.0.0.exe.blockmap", 1 },
        { "Shop-1.0.0.AppImage", 1 },
        { "latest.yml.zip", 1 },
        { "latest-mac-build-r1.yml", 0 },
        { "td-latest-build-r1.json", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = tap_str(cases[i].name);

        ok(lu_names_is_fixed(&name) == cases[i].fixed, "%s",
           cases[i].name);
    }
}


static void
test_next(void)
{
    size_t      i, at;
    lu_str_t    text;
    lu_names_t  entry;

    static const struct {
        const char  *what;
        const char  *text;
        const char  *name;
    } cases[] = {
        { "nothing", "", NULL },
        { "an entry", SHA " r1 a.exe\n", "a.exe" },
        { "a name with spaces", SHA " r1 A Setup 1.0.0.exe\n",
          "A Setup 1.0.0.exe" },
        { "a name that begins with a space", SHA " r1  a\n", " a" },
        { "an incomplete line", SHA " r1 a.exe", NULL },
        { "a line that is none", "x\n" SHA " r1 a.exe\n", "a.exe" },
        { "an empty line", "\n" SHA " r1 a.exe\n", "a.exe" },
        { "no name", SHA " r1 \n", NULL },
        { "no release", SHA "  a.exe\n", NULL },
        { "no space", SHA " r1\n", NULL },
        { "only a digest", SHA "\n", NULL },
        { "an upper-case digest", UPPER " r1 a.exe\n", NULL },
        { "a release that is no id", SHA " ../x a.exe\n", NULL },
        { "a name that is none", SHA " r1 ../a\n", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = tap_str(cases[i].text);
        at = 0;

        if (lu_names_next(&text, &at, &entry)) {
            ok(cases[i].name && lu_str_is(&entry.name, cases[i].name)
               && lu_str_is(&entry.sha256, SHA)
               && lu_str_is(&entry.release, "r1"), "%s", cases[i].what);

            ok(!lu_names_next(&text, &at, &entry), "%s: no more",
               cases[i].what);

        } else {
            ok(cases[i].name == NULL, "%s", cases[i].what);
        }

        ok(at == text.len, "%s: to the end", cases[i].what);
    }

    text = tap_str(SHA " 1.2.0+r1 a.exe\n");
    at = 0;

    ok(lu_names_next(&text, &at, &entry)
       && lu_str_is(&entry.release, "1.2.0+r1"), "a release that is a version");
}


static void
test_cut(void)
{
    size_t    i, len;
    char     *text;
    lu_str_t  record, cut;

    text = malloc(LU_NAMES_SIZE + 100);

    for (i = 0; i < LU_NAMES_SIZE + 100; i++) {
        text[i] = (i % 100 == 99) ? '\n' : 'x';
    }

    len = LU_NAMES_SIZE;
    record.data = (unsigned char *) text;
    record.len = len;

    cut = lu_names_cut(&record);
    ok(cut.len == len && cut.data == record.data, "not too large");

    record.len = len + 1;
    cut = lu_names_cut(&record);

    ok(cut.len <= len / 2 + 1 && cut.len > len / 2 - 100, "the newer half");
    ok(cut.data[-1] == '\n' && cut.data[0] == 'x', "from a line's beginning");
    ok(cut.data + cut.len == record.data + record.len, "up to the end");

    memset(text, 'x', len + 1);
    cut = lu_names_cut(&record);
    ok(cut.len == 0, "no line");

    free(text);
}


int
main(void)
{
    test_is_fixed();
    test_next();
    test_cut();

    return tap_done();
}
