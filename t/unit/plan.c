
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_plan.c"


/* SHA-512 in base64: the bytes 0 to 63, and 64 zeroes; SHA-256 in hex */

#define A  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v" \
           "MDEyMzQ1Njc4OTo7PD0+Pw=="
#define B  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
           "AAAAAAAAAAAAAAAAAAAAAA=="
#define H  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define I  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define NO_SIZE  UINT64_MAX


typedef struct {
    const char        *what;
    const char        *first;
    const char        *second;       /* NULL: none */
    lu_rc_e            rc;
    const char        *subject;
    const char        *why;
} refused_t;


typedef struct {
    const char        *artifact;
    int                needed;
} needed_t;


static lu_plan_t   plan;
static lu_error_t  error;


static const char  td[] =
    "{\"artifacts\":{"
    "\"nsis\":{\"x64\":{\"url\":\"https://h.example/a/My%20App.exe\"}},"
    "\"zip\":{\"x64\":{\"url\":\"a.zip\",\"size\":40,\"sha256\":\"" H "\"}},"
    "\"installer\":{\"x64\":{\"url\":\"https://h.example/a/"
    "Mac%20Installer.zip\"}},\"msi\":null}}";


static const char  yml[] =
    "version: 1.1.0\n"
    "files:\n"
    "  - url: My App.exe\n"
    "    sha512: " A "\n"
    "    size: 60\n"
    "path: old.exe\n"
    "sha512: " B "\n";


/* Four files and 100 bytes are allowed. */

static const refused_t  refused[] = {

    { "five files", "{\"artifacts\":{\"zip\":{\"a\":{\"url\":\"a\"},"
      "\"b\":{\"url\":\"b\"},\"c\":{\"url\":\"c\"},\"d\":{\"url\":\"d\"},"
      "\"e\":{\"url\":\"e\"}}}}", NULL, LU_FORBIDDEN, "",
      "The release has more files than \"liveupdate_fetch\" allows." },
    { "five files of two manifests", td,
      "version: 1.0.0\nfiles: [{url: d, sha512: " A "}, {url: e, sha512: " A
      "}]\n", LU_FORBIDDEN, "",
      "The release has more files than \"liveupdate_fetch\" allows." },
    { "101 bytes", "{\"artifacts\":{\"zip\":{\"a\":{\"url\":\"a\","
      "\"size\":101}}}}", NULL, LU_FORBIDDEN, "",
      "The release is larger than \"liveupdate_fetch\" allows." },
    { "101 bytes of two files", "{\"artifacts\":{\"zip\":{\"a\":{\"url\":"
      "\"a\",\"size\":60},\"b\":{\"url\":\"b\",\"size\":41}}}}", NULL,
      LU_FORBIDDEN, "",
      "The release is larger than \"liveupdate_fetch\" allows." },
    { "101 bytes of two manifests", td,
      "version: 1.0.0\nfiles: [{url: d, sha512: " A ", size: 61}]\n",
      LU_FORBIDDEN, "",
      "The release is larger than \"liveupdate_fetch\" allows." },
    { "2^53 bytes", "version: 1.0.0\nfiles: [{url: d, sha512: " A ", size: "
      "9007199254740992}]\n", NULL, LU_FORBIDDEN, "",
      "The release is larger than \"liveupdate_fetch\" allows." },

    { "two sizes in a list", "{\"artifacts\":{\"zip\":{\"a\":{\"url\":\"a\","
      "\"size\":1},\"b\":{\"url\":\"./a\",\"size\":2}}}}", NULL,
      LU_INVALID, "a", "is listed with two different sizes" },
    { "two sizes in two manifests", td,
      "version: 1.0.0\nfiles: [{url: a.zip, sha512: " A ", size: 41}]\n",
      LU_INVALID, "a.zip", "is listed with two different sizes" },
    { "two sizes, one of which is 0", td,
      "version: 1.0.0\nfiles: [{url: a.zip, sha512: " A ", size: 0}]\n",
      LU_INVALID, "a.zip", "is listed with two different sizes" },
    { "two SHA-256", "{\"artifacts\":{\"zip\":{\"a\":{\"url\":\"a\","
      "\"sha256\":\"" H "\"},\"b\":{\"url\":\"%61\",\"sha256\":\"" I
      "\"}}}}", NULL, LU_INVALID, "a",
      "is listed with two different SHA-256 digests" },
    { "two SHA-512", yml, "version: 1.0.0\nfiles: [{url: My%20App.exe, sha512: "
      B "}]\n", LU_INVALID, "My App.exe",
      "is listed with two different SHA-512 digests" },

    { NULL, NULL, NULL, 0, NULL, NULL }
};


static const needed_t  needed[] = {
    { "nsis", 1 },
    { "NSIS", 1 },
    { "nsis-web", 1 },
    { "zip", 1 },
    { "appImage", 1 },
    { "appimage", 1 },
    { "deb", 1 },
    { "rpm", 1 },
    { "pacman", 1 },
    { "msi", 0 },
    { "appx", 0 },
    { "dmg", 0 },
    { "pkg", 0 },
    { "mas", 0 },
    { "snap", 0 },
    { "installer", 0 },
    { "zi", 0 },
    { "zipp", 0 },
    { "", 0 },
    { NULL, 0 }
};


static void
begin(size_t max_files, uint64_t max_size)
{
    lu_plan_init(&plan, &tap_arena, max_files, max_size);
}


/* A td list begins with "{", anything else is electron-builder's. */

static lu_rc_e
add(const char *manifest)
{
    lu_td_t       list;
    lu_rc_e       rc;
    lu_str_t      text;
    lu_builder_t  builder;

    text = tap_str(manifest);
    error.text = NULL;

    if (manifest[0] == '{') {
        rc = lu_td_parse(&tap_arena, &text, &list, &error);

        return rc == LU_OK ? lu_plan_td(&plan, &list, &error) : rc;
    }

    rc = lu_builder_parse(&tap_arena, &text, &builder, &error);

    return rc == LU_OK ? lu_plan_builder(&plan, &builder, &error) : rc;
}


static lu_rc_e
blockmaps(void)
{
    error.text = NULL;

    return lu_plan_blockmaps(&plan, &error);
}


static int
said(const char *subject, const char *why)
{
    lu_str_t  empty;

    empty = tap_str("");

    return error.text
           && strcmp(error.text, why) == 0
           && lu_str_is(error.subject.data ? &error.subject : &empty, subject);
}


/* digests: 1 is SHA-256, 2 is SHA-512 */

static int
file_is(size_t i, const char *name, uint64_t size, int digests,
    int is_optional)
{
    const lu_plan_file_t  *file;

    if (i >= plan.nfiles) {
        return 0;
    }

    file = &plan.files[i];

    return lu_str_is(&file->name, name)
           && file->name.data[file->name.len] == '\0'
           && file->size == size
           && (file->sha256.len != 0) == ((digests & 1) != 0)
           && (!file->sha256.len || lu_str_is(&file->sha256, H))
           && file->has_sha512 == ((digests & 2) != 0)
           && file->is_optional == (unsigned) is_optional;
}


static void
test_plan(void)
{
    begin(20, 100);

    ok(plan.nfiles == 0 && plan.size == 0, "nothing at first");

    ok(add(td) == LU_OK && plan.nfiles == 3 && plan.size == 40, "a td list");
    ok(file_is(0, "My App.exe", NO_SIZE, 0, 0)
       && file_is(1, "a.zip", 40, 1, 0)
       && file_is(2, "Mac Installer.zip", NO_SIZE, 0, 0),
       "in the order of the text, with what it says");

    ok(add(yml) == LU_OK && plan.nfiles == 4 && plan.size == 100,
       "and a manifest of electron-builder, up to the last byte allowed");
    ok(file_is(0, "My App.exe", 60, 2, 0) && file_is(1, "a.zip", 40, 1, 0)
       && file_is(3, "old.exe", NO_SIZE, 2, 0),
       "completes what is there, and adds what is not");

    ok(add(td) == LU_OK && add(yml) == LU_OK
       && plan.nfiles == 4 && plan.size == 100,
       "the same once more changes nothing");

    ok(blockmaps() == LU_OK && plan.nfiles == 7 && plan.size == 100,
       "blockmaps of all but the installer");
    ok(file_is(4, "My App.exe.blockmap", NO_SIZE, 0, 1)
       && file_is(5, "a.zip.blockmap", NO_SIZE, 0, 1)
       && file_is(6, "old.exe.blockmap", NO_SIZE, 0, 1),
       "which may be missing");

    tap_free();

    begin(20, 100);

    ok(add(yml) == LU_OK && add(td) == LU_OK
       && plan.nfiles == 4 && plan.size == 100
       && file_is(0, "My App.exe", 60, 2, 0)
       && file_is(2, "a.zip", 40, 1, 0),
       "the other way round");

    tap_free();

    begin(0, 0);

    ok(add("{}") == LU_OK && add("{\"artifacts\":null}")
       == LU_OK && blockmaps() == LU_OK && plan.nfiles == 0,
       "nothing is listed, nothing is allowed");

    begin(1, 0);

    ok(add("{\"artifacts\":{\"zip\":{\"a\":{\"url\":\"a\",\"size\":0}}}}")
       == LU_OK && file_is(0, "a", 0, 0, 0), "no bytes");

    tap_free();
}


static void
test_blockmaps(void)
{
    char    name[256], text[400];
    size_t  i;

    begin(20, 100);

    ok(add("{\"artifacts\":{\"nsis\":{\"x64\":{\"url\":\"a.exe\"},"
           "\"map\":{\"url\":\"a.exe.blockmap\"}}}}") == LU_OK
       && blockmaps() == LU_OK
       && file_is(1, "a.exe.blockmap", NO_SIZE, 0, 0),
       "one that a td list names must be there");

    begin(20, 100);

    ok(add("version: 1.0.0\nfiles: [{url: a, sha512: " A "},"
           " {url: a.blockmap, sha512: " B ", size: 5}]\n") == LU_OK
       && blockmaps() == LU_OK
       && plan.nfiles == 3
       && file_is(1, "a.blockmap", 5, 2, 0)
       && file_is(2, "a.blockmap.blockmap", NO_SIZE, 0, 1),
       "one that electron-builder's manifest names, too");

    begin(20, 100);

    ok(add("{\"artifacts\":{\"installer\":{\"x64\":{\"url\":"
           "\"Mac%20Installer.zip\"}},\"zip\":{\"x64\":{\"url\":"
           "\"Mac%20Installer.zip?v=1\"}}}}") == LU_OK
       && blockmaps() == LU_OK && plan.nfiles == 1, "an installer has none");

    begin(20, 100);

    ok(add("{\"artifacts\":{\"installer\":{\"x64\":{\"url\":"
           "\"Mac%20Installer.zip\"}}}}") == LU_OK
       && add("version: 1.0.0\nfiles: [{url: Mac Installer.zip, sha512: " A
              "}]\n") == LU_OK
       && blockmaps() == LU_OK && plan.nfiles == 2,
       "but what electron-builder's manifest names may have one");

    for (i = 246; i <= 247; i++) {
        begin(20, 100);

        memset(name, 'n', i);
        name[i] = '\0';

        (void) snprintf(text, sizeof(text), "{\"artifacts\":{\"zip\":"
                        "{\"x64\":{\"url\":\"%s\"}}}}", name);

        ok(add(text) == LU_OK
           && blockmaps() == LU_OK
           && plan.nfiles == (i == 246 ? 2 : 1),
           "of a name of %d bytes: %s", (int) i, i == 246 ? "yes" : "no");
    }

    begin(20, 100);

    ok(add("{\"artifacts\":{\"zip\":{\"x64\":{\"url\":\"a.zip.\"}}}}") == LU_OK
       && blockmaps() == LU_OK && plan.nfiles == 1,
       "of a name that ends with a dot: no");

    begin(4, 100);

    ok(add(td) == LU_OK && blockmaps() == LU_FORBIDDEN
       && said("", "The release has more files than \"liveupdate_fetch\" "
               "allows."),
       "they are counted");
    ok(plan.nfiles == 4, "there are not more than may be");

    tap_free();
}


static void
test_many(void)
{
    char     text[200];
    size_t   i, k;

    begin(1000, 1000);

    for (i = 0; i < 500; i++) {
        (void) snprintf(text, sizeof(text), "{\"artifacts\":{\"zip\":"
                        "{\"x64\":{\"url\":\"f%d\",\"size\":2}}}}", (int) i);

        if (add(text) != LU_OK) {
            break;
        }
    }

    ok(i == 500 && plan.nfiles == 500 && plan.size == 1000
       && blockmaps() == LU_OK && plan.nfiles == 1000,
       "500 files with as many blockmaps");

    for (k = 0; k < 500; k++) {
        (void) snprintf(text, sizeof(text), "f%d", (int) k);

        if (!file_is(k, text, 2, 0, 0)) {
            break;
        }
    }

    ok(k == 500, "all of them as they were listed");

    tap_free();
}


static void
test_refused(void)
{
    size_t   i;
    lu_rc_e  rc;

    for (i = 0; refused[i].what; i++) {
        begin(4, 100);

        rc = add(refused[i].first);

        if (refused[i].second) {
            if (rc != LU_OK) {
                ok(0, "the first half of: %s", refused[i].what);
                continue;
            }

            rc = add(refused[i].second);
        }

        ok(rc == refused[i].rc && said(refused[i].subject, refused[i].why)
           && plan.nfiles <= 4 && plan.size <= 100,
           "refused: %s", refused[i].what);

        tap_free();
    }
}


static void
test_needed(void)
{
    size_t            i;
    lu_td_t           list;
    lu_td_artifact_t  artifacts[2];

    memset(artifacts, 0, sizeof(artifacts));
    artifacts[0].artifact = tap_str("msi");

    list.artifacts = artifacts;
    list.nartifacts = 2;

    for (i = 0; needed[i].artifact; i++) {
        artifacts[1].artifact = tap_str(needed[i].artifact);

        ok(lu_plan_needs_builder(&list) == needed[i].needed,
           "\"%s\" %s a latest.yml", needed[i].artifact,
           needed[i].needed ? "needs" : "does without");
    }

    list.nartifacts = 0;

    ok(!lu_plan_needs_builder(&list), "nothing needs nothing");
}


static void
test_memory(void)
{
    long          n;
    lu_td_t       list;
    lu_rc_e       rc;
    lu_str_t      text;
    lu_builder_t  builder;

    rc = LU_NOMEM;

    for (n = 0; n < 100 && rc == LU_NOMEM; n++) {
        tap_left = -1;

        text = tap_str(td);
        (void) lu_td_parse(&tap_arena, &text, &list, &error);

        text = tap_str(yml);
        (void) lu_builder_parse(&tap_arena, &text, &builder, &error);

        begin(20, 100);
        tap_left = n;

        rc = lu_plan_td(&plan, &list, &error);

        if (rc == LU_OK) {
            rc = lu_plan_builder(&plan, &builder, &error);
        }

        if (rc == LU_OK) {
            rc = blockmaps();
        }

        tap_left = -1;
        tap_free();
    }

    ok(n > 8 && n < 100 && rc == LU_OK,
       "out of memory at each of %d allocations", (int) n - 1);
}


int
main(void)
{
    test_plan();
    test_blockmaps();
    test_many();
    test_refused();
    test_needed();
    test_memory();

    return tap_done();
}
