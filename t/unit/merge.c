
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_merge.c"

#include "lu_builder.h"


#define A64  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SHA  A64 "AAAAAAAAAAAAAAAAAAAAAA=="
#define SHB  A64 "AAAAAAAAAAAAAAAAAAAAAQ=="

#define file(name)   "  - url: " name "\n    sha512: " SHA "\n    size: 1\n"
#define item(name)   "- url: " name "\n  sha512: " SHA "\n  size: 1\n"
#define HEAD         "version: 1.0.0\nfiles:\n"
#define build(name)  HEAD file(name)
#define old(name)    build(name) "path: " name "\nsha512: " SHA "\n"


static lu_rc_e
merge(const char *one, const char *two, const char *three, lu_str_t *merged,
    lu_error_t *err)
{
    lu_str_t  texts[3];

    texts[0] = tap_str(one);
    texts[1] = tap_str(two);
    texts[2] = tap_str(three ? three : "");

    return lu_merge(&tap_arena, texts, three ? 3 : 2, merged, err);
}


static void
test_merged(void)
{
    size_t        i;
    lu_rc_e       rc;
    lu_str_t      merged;
    lu_error_t    err;
    lu_builder_t  builder;

    static const struct {
        const char  *what;
        const char  *one;
        const char  *two;
        const char  *three;
        const char  *merged;
    } cases[] = {
        { "two architectures", old("A-arm64.zip"), old("A.zip"), NULL,
          HEAD item("A.zip") item("A-arm64.zip")
          "path: A.zip\nsha512: " SHA "\n" },

        { "zips first", build("A.dmg"), build("A-arm64.zip"), build("A.zip"),
          HEAD item("A.zip") item("A-arm64.zip") item("A.dmg") },

        { "the order stays", build("b.exe"), build("a.exe"), NULL,
          HEAD item("b.exe") item("a.exe") },

        { "the same twice", build("a.exe"), build("a.exe"), NULL,
          HEAD item("a.exe") },

        { "other dates", build("a.exe") "releaseDate: '1'\n",
          build("b.exe") "releaseDate: '2'\n", NULL,
          HEAD item("a.exe") item("b.exe") "releaseDate: '1'\n" },

        { "scalars keep their type",
          build("a.exe") "a: '1'\nb: 1\nc: null\nd: \"null\"\ne: 1.0\n",
          build("b.exe") "a: '1'\nb: 1\nc: null\nd: \"null\"\ne: 1.0\n", NULL,
          HEAD item("a.exe") item("b.exe")
          "a: '1'\nb: 1\nc: null\nd: \"null\"\ne: 1.0\n" },

        { "notes of several lines",
          build("a.exe") "releaseNotes: |\n  a\n  b\n",
          build("b.exe") "releaseNotes: |\n  a\n  b\n", NULL,
          HEAD item("a.exe") item("b.exe") "releaseNotes: |\n  a\n  b\n" },

        { "members of a file", build("a.exe") "    blockMapSize: 7\n",
          build("b.exe") "    isAdminRightsRequired: true\n", NULL,
          HEAD item("a.exe") "  blockMapSize: 7\n" item("b.exe")
          "  isAdminRightsRequired: true\n" },

        { "packages", build("a.exe"), build("b.exe") "packages:\n  x64:\n"
          "    path: a.7z\n    sha512: " SHA "\n", NULL,
          HEAD item("a.exe") item("b.exe") "packages:\n  x64:\n"
          "    path: a.7z\n    sha512: " SHA "\n" },

        { "packages of both",
          build("a.exe") "packages:\n  ia32:\n"
          "    path: b.7z\n    sha512: " SHA "\n",
          build("b.exe") "packages:\n  ia32:\n"
          "    path: b.7z\n    sha512: " SHA "\n"
          "  x64:\n    path: a.7z\n    sha512: " SHA "\n", NULL,
          HEAD item("a.exe") item("b.exe") "packages:\n  ia32:\n"
          "    path: b.7z\n    sha512: " SHA "\n"
          "  x64:\n    path: a.7z\n    sha512: " SHA "\n" },

        { "other spellings of a URL",
          build("a%20b.exe") "path: a b.exe\nsha512: " SHA "\n",
          build("c.exe") "path: null\n", NULL,
          HEAD item("a%20b.exe") item("c.exe")
          "path: a b.exe\nsha512: " SHA "\n" },

        { "JSON", "{\"version\":\"1.0.0\",\"files\":[{\"url\":\"a.exe\","
          "\"sha512\":\"" SHA "\"}]}",
          "{\"version\":\"1.0.0\",\"files\":[{\"url\":\"b.exe\","
          "\"sha512\":\"" SHA "\"}]}", NULL, NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        rc = merge(cases[i].one, cases[i].two, cases[i].three, &merged, &err);

        ok(rc == LU_OK, "%s", cases[i].what);

        if (rc != LU_OK) {
            continue;
        }

        if (cases[i].merged) {
            if (!ok(lu_str_is(&merged, cases[i].merged), "%s: the text",
                    cases[i].what))
            {
                printf("# it is: %s\n", (char *) merged.data);
            }
        }

        ok(lu_builder_parse(&tap_arena, &merged, &builder, &err) == LU_OK,
           "%s: read again", cases[i].what);
    }

    tap_free();
}


static void
test_refused(void)
{
    size_t      i;
    lu_rc_e     rc;
    lu_str_t    merged;
    lu_error_t  err;

    static const struct {
        const char  *what;
        const char  *one;
        const char  *two;
        const char  *subject;
    } cases[] = {
        { "another version", build("a.exe"),
          "version: 1.0.1\nfiles:\n" file("b.exe"), "version" },
        { "a member that one has", build("a.exe") "x: 1\n", build("b.exe"),
          "x" },
        { "a member that the other has", build("a.exe"),
          build("b.exe") "x: 1\n", "x" },
        { "a number and a text", build("a.exe") "x: 1\n",
          build("b.exe") "x: '1'\n", "x" },
        { "another list", build("a.exe") "x: [1, 2]\n",
          build("b.exe") "x: [1]\n", "x" },
        { "another mapping", build("a.exe") "x: {a: 1}\n",
          build("b.exe") "x: {a: 2}\n", "x" },
        { "a list and a text", build("a.exe") "x: [1]\n",
          build("b.exe") "x: 1\n", "x" },
        { "a file with two digests", build("a.exe"),
          "version: 1.0.0\nfiles:\n  - url: a.exe\n    sha512: " SHB "\n",
          "a.exe" },
        { "a package with two files",
          build("a.exe") "packages:\n  x64:\n    path: a.7z\n",
          build("b.exe") "packages:\n  x64:\n    path: b.7z\n", "x64" },
        { "no files", build("a.exe"),
          "version: 1.0.0\npath: b.exe\nsha512: " SHA "\n", "" },
        { "an empty list", build("a.exe"), "version: 1.0.0\nfiles: []\n", "" },
        { "a file in \"path\" alone", build("a.exe"),
          build("b.exe") "path: c.exe\nsha512: " SHA "\n", "c.exe" },
        { "no mapping", build("a.exe"), "[]", "" },
        { "nothing", build("a.exe"), "", "" },
        { "no YAML", build("a.exe"), "a: [", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        rc = merge(cases[i].one, cases[i].two, NULL, &merged, &err);

        ok(rc == LU_INVALID, "%s", cases[i].what);
        ok(lu_str_is(&err.subject, cases[i].subject), "%s: the subject",
           cases[i].what);
    }

    ok(lu_merge(&tap_arena, NULL, LU_MERGE_MAX + 1, &merged, &err)
       == LU_INVALID, "too many");
    ok(lu_merge(&tap_arena, NULL, 0, &merged, &err) == LU_INVALID, "none");

    tap_free();
}


static void
test_memory(void)
{
    long        n;
    lu_rc_e     rc;
    lu_str_t    merged;
    lu_error_t  err;

    for (n = 0; n < 100; n++) {
        tap_left = n;
        rc = merge(build("a.exe") "x: 1\n", build("b.exe") "x: 1\n", NULL,
                   &merged, &err);
        tap_left = -1;
        tap_free();

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(n > 0 && n < 100 && rc == LU_OK, "out of memory, %ld times", n);
}


int
main(void)
{
    test_merged();
    test_refused();
    test_memory();

    return tap_done();
}
