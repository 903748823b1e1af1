
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "memory.h"

#include "../../src/core/lu_td.c"


#define A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define NO_SIZE  UINT64_MAX


typedef struct {
    const char        *what;
    const char        *text;
    const char        *subject;
    const char        *why;
} refused_t;


static lu_td_t     td;
static lu_error_t  error;


static const char  windows[] =
    "{ \"version\": \"1.1.0\", \"createdAt\": \"2024-11-01T10:02:00.000Z\",\n"
    "  \"artifacts\": { \"nsis\": { \"x64\": {\n"
    "    \"path\": \"My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe\",\n"
    "    \"url\": \"https://download.example/240808w4a9kky77/"
    "My%20App%20Setup%201.1.0%20-%20Build%20241101bbbbbbbb2-x64.exe\" } },\n"
    "    \"msi\": null } }\n";


static const char  mac[] =
    "{\"artifacts\":{"
    "\"zip\":{\"universal\":{\"url\":\"https://h.example/a/My%20App.zip\","
    "\"sha256\":\"" B "\",\"size\":3500000},\"x64\":null},"
    "\"appx\":null,"
    "\"installer\":{\"universal\":{\"url\":\"https://h.example/a/"
    "My%20App%201.1.0%20Mac%20Installer.zip?v=1\",\"sha256\":null,"
    "\"size\":null}},"
    "\"dmg\":{},"
    "\"pkg\":{\"arm64\":{\"url\":\"a%2Bb.pkg\",\"size\":0,"
    "\"sha256\":\"0123456789ABCDEF0123456789abcdef"
    "0123456789ABCDEF0123456789ABCDEF\"},"
    "\"x64\":{\"url\":\"a+b.pkg\"}}}}";


static const refused_t  refused[] = {

    { "nothing", "", "", "the JSON text is empty" },
    { "HTML", "<html>", "<html>", "appears where a JSON value is expected" },
    { "what is cut", "{\"artifacts\":{", "", "the JSON text ends too early" },
    { "an array", "[]", "", "the manifest is not a JSON object" },
    { "null", "null", "", "the manifest is not a JSON object" },
    { "the same artifact twice", "{\"artifacts\":{\"zip\":null,"
      "\"zip\":null}}", "", "a JSON object has the same key twice" },
    { "a number for a version", "{\"version\":1.1}", "version",
      "is not a string of 1 to 128 bytes without control characters" },
    { "an empty version", "{\"version\":\"\"}", "version",
      "is not a string of 1 to 128 bytes without control characters" },
    { "a version with a line feed", "{\"version\":\"1\\n\"}", "version",
      "is not a string of 1 to 128 bytes without control characters" },
    { "an array of artifacts", "{\"artifacts\":[]}", "artifacts",
      "is not an object" },
    { "a string for artifacts", "{\"artifacts\":\"zip\"}", "artifacts",
      "is not an object" },
    { "a string for an artifact", "{\"artifacts\":{\"zip\":\"a.zip\"}}",
      "zip", "is an artifact that is not an object" },
    { "an array for an artifact", "{\"artifacts\":{\"zip\":[]}}", "zip",
      "is an artifact that is not an object" },
    { "a string for an arch",
      "{\"artifacts\":{\"zip\":{\"x64\":\"a.zip\"}}}", "zip",
      "is an artifact with an architecture that is not an object" },
    { "a boolean for an arch",
      "{\"artifacts\":{\"zip\":{\"x64\":false}}}", "zip",
      "is an artifact with an architecture that is not an object" },
    { "no URL", "{\"artifacts\":{\"zip\":{\"x64\":{\"path\":\"a.zip\"}}}}",
      "zip", "is an artifact without a \"url\" string" },
    { "null for a URL", "{\"artifacts\":{\"zip\":{\"x64\":{\"url\":null}}}}",
      "zip", "is an artifact without a \"url\" string" },
    { "a number for a URL", "{\"artifacts\":{\"zip\":{\"x64\":{\"url\":1}}}}",
      "zip", "is an artifact without a \"url\" string" },
    { "an empty URL", "{\"artifacts\":{\"zip\":{\"x64\":{\"url\":\"\"}}}}",
      "", "is a URL that names no file" },
    { "a URL without a file", "{\"artifacts\":{\"zip\":{\"x64\":{\"url\":"
      "\"https://h.example/a/\"}}}}", "https://h.example/a/",
      "is a URL that names no file" },
    { "a URL that leaves its folder", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"https://h.example/a/..%2f..%2fb\"}}}}", "../../b",
      "is a file name that begins with a dot" },
    { "a URL with an encoded slash", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"https://h.example/a%2fb\"}}}}", "a/b",
      "is a file name with a slash or a backslash" },
    { "a URL with an encoded line feed", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"https://h.example/a%0ab\"}}}}", "a\nb",
      "is a file name with a control character" },
    { "a digest that is too short", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"sha256\":\"abc\"}}}}", "a.zip",
      "has a \"sha256\" that is not 64 hex digits" },
    { "an empty digest", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"sha256\":\"\"}}}}", "a.zip",
      "has a \"sha256\" that is not 64 hex digits" },
    { "a digest with another letter", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"sha256\":\"Gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}}", "a.zip",
      "has a \"sha256\" that is not 64 hex digits" },
    { "a digest that is too long", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"sha256\":\"" A "a\"}}}}", "a.zip",
      "has a \"sha256\" that is not 64 hex digits" },
    { "a number for a digest", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"sha256\":1}}}}", "a.zip",
      "has a \"sha256\" that is not 64 hex digits" },
    { "a string for a size", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"size\":\"1\"}}}}", "a.zip",
      "has a \"size\" that is not a whole number" },
    { "a size that is not whole", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"size\":1.5}}}}", "a.zip",
      "has a \"size\" that is not a whole number" },
    { "a size below zero", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"size\":-1}}}}", "a.zip",
      "has a \"size\" that is not a whole number" },
    { "a size above 2^53", "{\"artifacts\":{\"zip\":{\"x64\":"
      "{\"url\":\"a.zip\",\"size\":1e16}}}}", "a.zip",
      "has a \"size\" that is not a whole number" },
    { "one wrong behind one right", "{\"artifacts\":{\"dmg\":{\"x64\":"
      "{\"url\":\"a.dmg\"}},\"zip\":{\"x64\":{\"url\":\".zip\"}}}}", ".zip",
      "is a file name that begins with a dot" }
};


static lu_rc_e
parse(const char *text)
{
    char     *copy;
    size_t    len;
    lu_rc_e   rc;
    lu_str_t  str;

    len = strlen(text);
    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.data = (unsigned char *) copy;
    str.len = len;

    memset(&td, 0xff, sizeof(lu_td_t));
    error.text = NULL;
    error.subject = tap_str("");

    rc = lu_td_parse(&tap_arena, &str, &td, &error);

    /* the reason may point to the text */

    if (error.subject.len) {
        error.subject = lu_str_dup(&tap_arena, error.subject.data,
                                   error.subject.len);
    }

    free(copy);

    return rc;
}


static int
said(const char *subject, const char *text)
{
    if (error.text
        && strcmp(error.text, text) == 0
        && lu_str_is(&error.subject, subject))
    {
        return 1;
    }

    printf("# said: \"%.*s\" %s\n", (int) error.subject.len,
           error.subject.len ? (char *) error.subject.data : "",
           error.text ? error.text : "nothing");

    return 0;
}


static int
artifact_is(size_t i, const char *artifact, const char *arch,
    const char *name, const char *sha256, uint64_t size, int is_installer)
{
    const lu_td_artifact_t  *item;

    item = &td.artifacts[i];

    return lu_str_is(&item->artifact, artifact)
           && lu_str_is(&item->arch, arch)
           && lu_str_is(&item->name, name)
           && lu_str_is(&item->sha256, sha256)
           && item->size == size
           && item->is_installer == is_installer;
}


static void
test_accepted(void)
{
    ok(parse(windows) == LU_OK
       && lu_str_is(&td.version, "1.1.0")
       && td.nartifacts == 1
       && artifact_is(0, "nsis", "x64",
                      "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe",
                      "", NO_SIZE, 0),
       "a manifest for Windows");

    ok(parse(mac) == LU_OK && td.version.len == 0
       && td.nartifacts == 4, "a manifest for macOS without a version");
    ok(artifact_is(0, "zip", "universal", "My App.zip", B, 3500000, 0),
       "digest and size");
    ok(artifact_is(1, "installer", "universal",
                   "My App 1.1.0 Mac Installer.zip", "", NO_SIZE, 1),
       "null for a digest and a size; an installer");
    ok(artifact_is(2, "pkg", "arm64", "a+b.pkg", B, 0, 0),
       "a digest in upper case, a size of 0");
    ok(artifact_is(3, "pkg", "x64", "a+b.pkg", "", NO_SIZE, 0),
       "the same name again");

    ok(parse("{}") == LU_OK && td.nartifacts == 0
       && td.artifacts == NULL, "an empty object");
    ok(parse("{\"version\":null,\"artifacts\":null}") == LU_OK
       && td.nartifacts == 0 && td.version.len == 0, "null everywhere");
    ok(parse("{\"artifacts\":{\"zip\":null,\"dmg\":{\"x64\":null}}}")
       == LU_OK && td.nartifacts == 0, "null for all artifacts");
    ok(parse("{\"Version\":1,\"ARTIFACTS\":[]}") == LU_OK
       && td.nartifacts == 0, "keys are case-sensitive");

    tap_free();
}


static void
test_refused(void)
{
    size_t  i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ok(parse(refused[i].text) == LU_INVALID
           && said(refused[i].subject, refused[i].why),
           "refused: %s", refused[i].what);

        tap_free();
    }

    ok(memory_used == 0, "no JSON is left behind");
}


static void
test_memory(void)
{
    long     n;
    lu_rc_e  rc;

    for (n = 0; n < 100; n++) {
        tap_left = n;
        rc = parse(mac);
        tap_free();

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(n > 10 && n < 100 && rc == LU_OK,
       "out of memory at each of %d allocations", (int) n);

    for (n = 0; n < 4; n++) {
        tap_left = n;
        rc = parse("{\"artifacts\":{\"zip\":[]}}");
        tap_free();

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(n == 1 && rc == LU_INVALID, "no memory for a reason");

    tap_left = -1;

    for (n = 0; n < 100; n++) {
        memory_left = n;
        rc = parse(mac);
        tap_free();

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(n > 10 && n < 100 && rc == LU_OK,
       "cJSON is out of memory at each of %d allocations", (int) n);

    memory_left = -1;

    ok(memory_used == 0, "no JSON is left behind after that");
}


static int
listed(const char *artifact, const char *arch, const char *name, uint64_t size)
{
    size_t                   i;
    const lu_td_artifact_t  *item;

    for (i = 0; i < td.nartifacts; i++) {
        item = &td.artifacts[i];

        if (lu_str_is(&item->artifact, artifact)
            && lu_str_is(&item->arch, arch))
        {
            return lu_str_is(&item->name, name) && item->size == size;
        }
    }

    return name == NULL;
}


/* A list that is made of names, and read again. */

static void
test_print(void)
{
    char             *text;
    size_t            i, n;
    lu_str_t          str;
    lu_td_artifact_t  files[8];

    static const struct {
        const char  *name;
        const char  *artifact;
        const char  *arch;
    } names[] = {
        { "My App Setup 1.0.0.exe", "nsis", "x64" },
        { "My App Setup 1.0.0-arm64.exe", "nsis", "arm64" },
        { "App-1.0.0-universal.dmg", "dmg", "universal" },
        { "App-1.0.0-arm64-mac.zip", "zip", "arm64" },
        { "app_1.0.0_i386.deb", "deb", "ia32" },
        { "App 100% \"\xc3\xbc\".AppImage", "appImage", "x64" },
        { "another.exe", NULL, NULL },
        { "notes.txt", NULL, NULL }
    };

    n = 0;
    memset(files, 0, sizeof(files));

    for (i = 0; i < 8; i++) {
        files[i].name = tap_str(names[i].name);
        files[i].sha256 = tap_str("0123456789abcdef0123456789abcdef"
                                  "0123456789abcdef0123456789abcdef");
        files[i].size = i + 1;
        n += (names[i].artifact != NULL);
    }

    text = lu_td_print("1.0.0", "b1", "2026-01-01T00:00:00.000Z", files, 8);
    str = tap_str(text);

    ok(lu_td_parse(&tap_arena, &str, &td, &error) == LU_OK,
       "a list that was made can be read");
    ok(lu_str_is(&td.version, "1.0.0"), "its version");
    ok(td.nartifacts == n, "its artifacts, each kind and architecture once");

    for (i = 0; i < n; i++) {
        ok(listed(names[i].artifact, names[i].arch, names[i].name, i + 1),
           "%s", names[i].name);
    }

    cJSON_free(text);
}


/* A kind that the caller knows, and the name does not tell. */

static void
test_kind(void)
{
    char             *text;
    lu_str_t          str;
    lu_td_artifact_t  files[2];

    memset(files, 0, sizeof(files));

    files[0].name = tap_str("App Setup 1.0.0.exe");
    files[1].name = tap_str("App 1.0.0.exe");
    files[1].artifact = tap_str("portable");
    files[0].sha256 = tap_str("0123456789abcdef0123456789abcdef"
                              "0123456789abcdef0123456789abcdef");
    files[1].sha256 = files[0].sha256;

    text = lu_td_print("1.0.0", "b1", "2026-01-01T00:00:00.000Z", files, 2);
    str = tap_str(text);

    ok(lu_td_parse(&tap_arena, &str, &td, &error) == LU_OK
       && td.nartifacts == 2
       && lu_str_is(&td.artifacts[0].artifact, "nsis")
       && lu_str_is(&td.artifacts[1].artifact, "portable")
       && lu_str_is(&td.artifacts[1].name, "App 1.0.0.exe"),
       "a kind that is given");

    cJSON_free(text);
}


/* What is certain counts, in whatever order the files come. */

static void
test_archs(void)
{
    char             *text;
    size_t            i, k, n, to, last;
    lu_str_t          str;
    lu_td_artifact_t  files[4];

    static const struct {
        const char  *names[4];
        const char  *archs[4];          /* of the manifests */
        const char  *kind;
        const char  *arch;
        const char  *name;              /* NULL: none */
    } cases[] = {
        { { "A-1.0.0.AppImage", "A-1.0.0-arm64.AppImage" }, { NULL },
          "appImage", "x64", "A-1.0.0.AppImage" },
        { { "A-1.0.0.AppImage" }, { "arm64" },
          "appImage", "arm64", "A-1.0.0.AppImage" },
        { { "A-1.0.0.AppImage" }, { "arm64" }, "appImage", "x64", NULL },
        { { "A-1.0.0-x64.AppImage" }, { "arm64" },
          "appImage", "x64", "A-1.0.0-x64.AppImage" },
        { { "A.AppImage", "B.AppImage" }, { "arm64", NULL },
          "appImage", "x64", "B.AppImage" },
        { { "A-1.0.0.exe", "A-1.0.0-x64.exe" }, { NULL },
          "nsis", "x64", "A-1.0.0-x64.exe" },
        { { "A-1.0.0.exe", "A-1.0.0-x64.exe" }, { NULL },
          "nsis", "universal", "A-1.0.0.exe" },
        { { "A-1.0.0.dmg", "A-1.0.0-x64.dmg" }, { NULL },
          "dmg", "arm64", "A-1.0.0.dmg" },
        { { "A-1.0.0.dmg", "A-1.0.0-x64.dmg", "A-1.0.0-arm64.dmg" }, { NULL },
          "dmg", "universal", "A-1.0.0.dmg" },
        { { "paint-universal-1.0.0.dmg" }, { NULL },
          "dmg", "x64", "paint-universal-1.0.0.dmg" },
        { { "paint-universal-1.0.0.dmg" }, { NULL },
          "dmg", "universal", "paint-universal-1.0.0.dmg" },
        { { "paint-universal-1.0.0.dmg", "paint-x64-1.0.0.dmg" }, { NULL },
          "dmg", "x64", "paint-x64-1.0.0.dmg" },
        { { "A-1.0.0-loong64.AppImage" }, { NULL }, "appImage", "x64", NULL },
        { { "A-1.0.0-build-x-arm64.AppImage" }, { NULL },
          "appImage", "x64", "A-1.0.0-build-x-arm64.AppImage" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        for (last = 0; last < 2; last++) {
            memset(files, 0, sizeof(files));

            for (n = 0; n < 4 && cases[i].names[n]; n++) {
                /* void */
            }

            for (k = 0; k < n; k++) {
                to = last ? n - 1 - k : k;

                files[to].name = tap_str(cases[i].names[k]);
                files[to].sha256 = tap_str("0123456789abcdef0123456789abcdef"
                                           "0123456789abcdef0123456789abcdef");
                files[to].size = 1;

                if (cases[i].archs[k]) {
                    files[to].arch = tap_str(cases[i].archs[k]);
                }
            }

            text = lu_td_print("1.0.0", "x-arm64", "2026-01-01", files, n);
            str = tap_str(text);

            ok(lu_td_parse(&tap_arena, &str, &td, &error) == LU_OK
               && listed(cases[i].kind, cases[i].arch, cases[i].name, 1),
               "for %s: %s", cases[i].arch,
               cases[i].name ? cases[i].name : "none");

            cJSON_free(text);
        }
    }

    tap_free();
}


int
main(void)
{
    memory_init();

    test_accepted();
    test_refused();
    test_memory();
    test_print();
    test_kind();
    test_archs();

    return tap_done();
}
