
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_builder.c"

#include <openssl/evp.h>


/* SHA-512 in base64: the bytes 0 to 63, and 64 zeroes */

#define A  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v" \
           "MDEyMzQ1Njc4OTo7PD0+Pw=="
#define B  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
           "AAAAAAAAAAAAAAAAAAAAAA=="

#define NO_SIZE  UINT64_MAX


typedef struct {
    const char        *what;
    const char        *text;
    const char        *subject;
    const char        *why;
} refused_t;


typedef struct {
    const char        *url;
    const char        *name;         /* NULL: refused */
} url_case_t;


typedef struct {
    const char        *sha512;
    const char        *what;
} digest_case_t;


static lu_builder_t  builder;
static lu_error_t    error;


static const refused_t  refused[] = {

    { "nothing", "", "", "the YAML text is empty" },
    { "a scalar", "Not Found\n", "line 1",
      "has something else than a mapping of keys to values" },
    { "a sequence", "- version: 1.0.0\n", "line 1",
      "has something else than a mapping of keys to values" },
    { "an empty mapping", "{}\n", "", "the manifest has no \"version\"" },
    { "null", "null\n", "line 1",
      "has something else than a mapping of keys to values" },

    { "no version", "files: [{url: a.exe, sha512: " A "}]\n", "",
      "the manifest has no \"version\"" },
    { "null for a version",
      "version: ~\nfiles: [{url: a.exe, sha512: " A "}]\n", "",
      "the manifest has no \"version\"" },
    { "an empty version",
      "version: ''\nfiles: [{url: a.exe, sha512: " A "}]\n", "",
      "the manifest has no \"version\"" },
    { "a version with a line feed",
      "version: \"1.0.0\\n\"\nfiles: [{url: a.exe, sha512: " A "}]\n",
      "1.0.0\n", "must be a version of 1 to 128 bytes without control "
                 "characters, and without a space at either end" },
    { "a sequence for a version",
      "version: [1, 0, 0]\nfiles: [{url: a.exe, sha512: " A "}]\n", "line 1",
      "has something else than a string" },

    { "no files", "version: 1.0.0\n", "", "the manifest lists no files" },
    { "files that are empty", "version: 1.0.0\nfiles: []\n", "",
      "the manifest lists no files" },
    { "files that are null", "version: 1.0.0\nfiles:\n", "",
      "the manifest lists no files" },
    { "files that are a mapping",
      "version: 1.0.0\nfiles:\n  url: a.exe\n  sha512: " A "\n", "line 3",
      "has something else than a sequence" },
    { "files that are a string", "version: 1.0.0\nfiles: a.exe\n", "line 2",
      "has something else than a sequence" },
    { "a file that is a string", "version: 1.0.0\nfiles:\n  - a.exe\n",
      "line 3", "has something else than a mapping of keys to values" },
    { "a file that is null", "version: 1.0.0\nfiles:\n  -\n",
      "line 3", "has something else than a mapping of keys to values" },
    { "a file without a URL",
      "version: 1.0.0\nfiles:\n  - url: a.exe\n    sha512: " A "\n"
      "  - sha512: " A "\n    path: b.exe\n", "line 5",
      "begins a file without a \"url\"" },
    { "a file with null for a URL",
      "version: 1.0.0\nfiles: [{url: null, sha512: " A "}]\n", "line 2",
      "begins a file without a \"url\"" },
    { "a file with a mapping for a URL",
      "version: 1.0.0\nfiles: [{url: {}, sha512: " A "}]\n", "line 2",
      "has something else than a string" },
    { "a file without a digest",
      "version: 1.0.0\nfiles: [{url: a.exe, size: 1}]\n", "a.exe",
      "has no \"sha512\" of 64 bytes in base64" },
    { "a file with null for a digest",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: ~}]\n", "a.exe",
      "has no \"sha512\" of 64 bytes in base64" },
    { "a file with a digest of another kind",
      "version: 1.0.0\nfiles: [{url: a.exe, sha2: " A "}]\n", "a.exe",
      "has no \"sha512\" of 64 bytes in base64" },
    { "the digest of the release does not stand for a file's",
      "version: 1.0.0\nfiles: [{url: a.exe}]\npath: a.exe\nsha512: " A "\n",
      "a.exe", "has no \"sha512\" of 64 bytes in base64" },
    { "a size in words",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A ", size: big}]\n",
      "line 2", "has something else than a whole number" },
    { "a size that is not whole",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A ", size: 1.5}]\n",
      "line 2", "has something else than a whole number" },
    { "a size below zero",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A ", size: -1}]\n",
      "line 2", "has something else than a whole number" },

    { "a file twice, with two digests",
      "version: 1.0.0\nfiles:\n  - {url: a.exe, sha512: " A "}\n"
      "  - {url: ./a.exe, sha512: " B "}\n", "a.exe",
      "is listed with two different digests" },
    { "a file twice, with two sizes",
      "version: 1.0.0\nfiles:\n  - {url: a.exe, sha512: " A ", size: 1}\n"
      "  - {url: a%2eexe, sha512: " A ", size: 2}\n", "a.exe",
      "is listed with two different sizes" },
    { "a path with another digest than the file",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A "}]\n"
      "path: a.exe\nsha512: " B "\n", "a.exe", "is listed with two different "
                                               "digests" },
    { "a path that is not safe, of a file that is",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A "}]\n"
      "path: ..\nsha512: " A "\n", "..",
      "is a URL that leads electron-updater out of the feed; it must be the "
      "name of a file" },
    { "a path without a digest",
      "version: 1.0.0\npath: a.exe\n", "a.exe",
      "has no \"sha512\" of 64 bytes in base64" },
    { "a path of another file without a digest",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A "}]\npath: b.exe\n",
      "b.exe", "has no \"sha512\" of 64 bytes in base64" },
    { "a digest without a path", "version: 1.0.0\nsha512: " A "\n", "",
      "the manifest lists no files" },

    { "packages alone",
      "version: 1.0.0\npackages: {x64: {path: a.7z, sha512: " A "}}\n", "",
      "the manifest lists no files" },
    { "packages that are a sequence",
      "version: 1.0.0\npackages: [{path: a.7z, sha512: " A "}]\n", "line 2",
      "has something else than a mapping of keys to values" },
    { "a package without a path",
      "version: 1.0.0\npackages:\n  x64:\n    url: a.7z\n    sha512: " A "\n",
      "line 4", "begins a package without a \"path\"" },
    { "a package without a digest",
      "version: 1.0.0\npackages:\n  x64: {path: a.7z, size: 1}\n", "a.7z",
      "has no \"sha512\" of 64 bytes in base64" },
    { "a package with another digest than the file",
      "version: 1.0.0\nfiles: [{url: a.7z, sha512: " A "}]\n"
      "packages: {x64: {path: a.7z, sha512: " B "}}\n", "a.7z",
      "is listed with two different digests" },

    { "an alias for a digest",
      "version: 1.0.0\nsha512: &sha " A "\n"
      "files: [{url: a.exe, sha512: *sha}]\n", "line 2",
      "has an anchor; none is allowed" },
    { "a digest that is merged in",
      "version: 1.0.0\nfiles: [{url: a.exe, <<: {sha512: " A "}}]\n",
      "line 2", "has a merge key; none is allowed" },
    { "a binary digest",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: !!binary " A "}]\n",
      "line 2", "has a tag; none is allowed" },
    { "two lists of files",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A "}]\n"
      "files: [{url: b.exe, sha512: " A "}]\n", "line 3",
      "has a key that is there already" },
    { "a second document",
      "version: 1.0.0\nfiles: [{url: a.exe, sha512: " A "}]\n---\n"
      "version: 2.0.0\n", "line 3", "begins a second YAML document" },
    { "what is cut in a file's name",
      "version: 1.0.0\nfiles:\n  - url: 'a", "line 3",
      "cannot be read as YAML" },
    { "what is cut in a digest",
      "version: 1.0.0\nfiles:\n  - url: a\n    sha512: AAAA", "a",
      "has no \"sha512\" of 64 bytes in base64" }
};


static const url_case_t  url_cases[] = {
    { "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe",
      "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe" },
    { "My%20App%20Setup.exe", "My App Setup.exe" },
    { "https://download.todesktop.com/240808w4a9kky77/My%20App.exe",
      "My App.exe" },
    { "https://example.com/a.exe?token=x/y#z", "a.exe" },
    { "./a.exe", "a.exe" },
    { "win/x64/../../a.exe", "a.exe" },
    { "win/%2E%2e/a.exe", "a.exe" },
    { "a.exe?x=1/2&y=../b", "a.exe" },
    { "a b:c.exe", "a b:c.exe" },
    { "HTTPS://example.com/a.exe", "a.exe" },
    { "win/x64/a.exe", NULL },
    { "win/a.exe", NULL },
    { "/a.exe", NULL },
    { "//example.com/a.exe", NULL },
    { "../a.exe", NULL },
    { "../shop/a.exe", NULL },
    { "%2e%2e/shop/a.exe", NULL },
    { ".%2E/a.exe", NULL },
    { "a/../../shop/a.exe", NULL },
    { "a.exe/", NULL },
    { "a.exe/.", NULL },
    { "a.exe/%2e", NULL },
    { "a.exe ", NULL },
    { " a.exe", NULL },
    { "a.exe\\t", NULL },
    { "\\ta.exe", NULL },
    { "file:a.exe", NULL },
    { "https:a.exe", NULL },
    { "https:/a.exe", NULL },
    { "https:///example.com/a.exe", NULL },
    { "C:a.exe", NULL },
    { "App: Setup.exe", NULL },
    { "ftp:/" "/example.com/a.exe", NULL },
    { "C# App.exe", "C" },
    { "100%2 App.exe", NULL },
    { "100%g0.exe", NULL },
    { "f%C3%BCr.dmg", "f\xc3\xbcr.dmg" },
    { "f\xc3\xbcr.dmg", "f\xc3\xbcr.dmg" },
    { "100% App.exe", NULL },
    { "100%25 App.exe", "100% App.exe" },
    { "a+b.exe", "a+b.exe" },
    { "it's \\\"quoted\\\".exe", "it's \"quoted\".exe" },
    { "https://example.com/", NULL },
    { "https://example.com", NULL },
    { "a/..", NULL },
    { "%2e%2e", NULL },
    { "..%2fa.exe", NULL },
    { "a%5cb.exe", NULL },
    { "a\\\\b.exe", NULL },
    { ".htaccess", NULL },
    { "a%00.exe", NULL },
    { "a\\0.exe", NULL },
    { "a%0d%0aX: y", NULL },
    { "a\\n", NULL },
    { "%ff.exe", NULL },
    { "?a.exe", NULL }
};


static const digest_case_t  digest_cases[] = {
    { "", "nothing" },
    { "AAAA", "three bytes" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Pw", "no padding" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Pw=", "half a padding" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Px==", "bits behind the end" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+PwA=", "65 bytes" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+PwAA", "66 bytes" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0-Pw==", "the URL's alphabet" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Pw===", "more padding" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0 Pw==", "a space inside" },
    { " BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Pw=", "a space before it, and 88 characters" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+Pw==\\n", "a line feed behind it" },
    { "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
      "MDEyMzQ1Njc4OTo7PD0+P\\n==", "a line feed inside" },
    { "=========================================================="
      "==============================", "only padding" },
    { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
      "hex" }
};


static lu_rc_e
parse_len(const char *text, size_t len)
{
    char     *copy;
    lu_rc_e   rc;
    lu_str_t  str;

    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.data = (unsigned char *) copy;
    str.len = len;

    memset(&builder, 0xff, sizeof(lu_builder_t));
    error.text = NULL;
    error.subject = tap_str("");

    rc = lu_builder_parse(&tap_arena, &str, &builder, &error);

    free(copy);

    return rc;
}


static lu_rc_e
parse(const char *text)
{
    return parse_len(text, strlen(text));
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
file_is(size_t i, const char *name, const char *sha512, uint64_t size)
{
    unsigned char  base64[89];

    (void) EVP_EncodeBlock(base64, builder.files[i].sha512, 64);

    return lu_str_is(&builder.files[i].name, name)
           && strcmp((char *) base64, sha512) == 0
           && builder.files[i].size == size;
}


static void
test_windows(void)
{
    ok(parse("version: 1.1.0\n"
             "files:\n"
             "  - url: My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe\n"
             "    sha512: " A "\n"
             "    size: 3000000\n"
             "  - url: My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe\n"
             "    sha512: " B "\n"
             "    size: 4000000\n"
             "path: My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe\n"
             "sha512: " B "\n"
             "releaseDate: '2024-11-01T10:02:00.000Z'\n") == LU_OK
       && lu_str_is(&builder.version, "1.1.0")
       && builder.nfiles == 2
       && file_is(0, "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe", A,
                  3000000)
       && file_is(1, "My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe", B,
                  4000000),
       "a manifest for Windows");

    ok(parse("version: 1.1.0\n"
             "files:\n"
             "  - url: My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe\n"
             "    sha512: " A "\n"
             "    size: 3000000\n"
             "path: My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe\n"
             "sha512: " B "\n") == LU_OK
       && builder.nfiles == 2
       && file_is(0, "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe", A,
                  3000000)
       && file_is(1, "My App Setup 1.1.0 - Build 241101bbbbbbbb2.exe", B,
                  NO_SIZE),
       "a path that is not among the files");

    ok(parse("version: 1.1.0\npath: a.exe\nsha512: " A "\n") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, NO_SIZE),
       "a path without files, as it was once");

    ok(parse("version: 1.1.0\nfiles: ~\npath: a.exe\nsha512: " A "\n")
       == LU_OK && builder.nfiles == 1, "null for files");

    ok(parse("version: 1.1.0\nfiles: [{url: a.exe, sha512: " A "}]\n"
             "path: https://example.com/a.exe\n") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, NO_SIZE),
       "a path without a digest that a file has");

    ok(parse("version: 1.1.0\nfiles: [{url: a.exe, sha512: " A "}]\n"
             "path:\nsha512: " B "\n") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, NO_SIZE),
       "a digest without a path");

    ok(parse("sha512: " A "\npath: a.exe\n"
             "files:\n- sha512: " A "\n  size: 5\n  url: a.exe\n"
             "version: 1.1.0\n") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, 5),
       "any order of keys");

    ok(parse("version: 1.1.0\n"
             "files:\n"
             "  - url: web.exe\n"
             "    sha512: " A "\n"
             "    size: 700000\n"
             "    isAdminRightsRequired: true\n"
             "path: web.exe\n"
             "sha512: " A "\n"
             "packages:\n"
             "  x64:\n"
             "    size: 50000000\n"
             "    sha512: " B "\n"
             "    headerSize: 12\n"
             "    blockMapSize: 55000\n"
             "    path: app-1.1.0-x64.nsis.7z\n"
             "    file: app-1.1.0-x64.nsis.7z\n"
             "  ia32:\n") == LU_OK
       && builder.nfiles == 2
       && file_is(0, "web.exe", A, 700000)
       && file_is(1, "app-1.1.0-x64.nsis.7z", B, 50000000),
       "packages of a web installer");

    ok(parse("version: 1.1.0\nfiles: [{url: a, sha512: " A "}]\n"
             "packages:\n") == LU_OK && builder.nfiles == 1,
       "null for packages");

    tap_free();
}


static void
test_forms(void)
{
    ok(parse("\xef\xbb\xbf" "# made by hand\r\n"
             "version: \"1.1.0-beta.2\"   # quoted\r\n"
             "files:\r\n"
             "- url: 'My App-1.1.0.AppImage'\r\n"
             "  sha512: >-\r\n"
             "    " A "\r\n"
             "  size: 100\r\n"
             "  blockMapSize: 10\r\n"
             "- {\"url\": \"My%20App-1.1.0.deb\", \"sha512\": \"" B "\"}\r\n"
             "stagingPercentage: 10\r\n"
             "releaseName: \"Gr\\u00fc\xc3\x9f" "e: \\U0001F600\"\r\n"
             "releaseNotes: |\r\n"
             "  version: 9.9.9\r\n"
             "  files:\r\n"
             "    - url: evil.exe\r\n"
             "vendor: {a: [1, {b: [c, ~, {}]}], files: [{url: x}]}\r\n")
       == LU_OK
       && lu_str_is(&builder.version, "1.1.0-beta.2")
       && builder.nfiles == 2
       && file_is(0, "My App-1.1.0.AppImage", A, 100)
       && file_is(1, "My App-1.1.0.deb", B, NO_SIZE),
       "a byte order mark, CR LF, comments, quotes, blocks, unknown keys");

    ok(parse("{\"version\":\"1.1.0\",\"files\":[{\"url\":\"a.exe\","
             "\"sha512\":\"" A "\",\"size\":1}]}") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, 1), "JSON");

    ok(parse("\xef\xbb\xbfversion: 1.1.0\nfiles:\n- url: a.exe\n  sha512: "
             A "\n") == LU_OK
       && lu_str_is(&builder.version, "1.1.0"), "a mark before the first key");

    ok(parse("version: '1.1.0'\nfiles: [{url: '7', sha512: " A "}]\n") == LU_OK
       && file_is(0, "7", A, NO_SIZE), "a number between quotes");

    ok(parse("version: 1.0.0\nreleaseNotes: null\nfiles:\n"
             "  - {url: a.exe, sha512: " A "}\n"
             "  - {url: a.exe, sha512: " A ", size: 3}\n"
             "  - {url: a.exe, sha512: " A "}\n"
             "  - {url: a%2Eexe, sha512: " A ", size: 3}\n") == LU_OK
       && builder.nfiles == 1 && file_is(0, "a.exe", A, 3),
       "a file four times, once for all");

    ok(parse("version: 1.0.0\nfiles: [{url: a.exe, sha512: " A ","
             " size: 9007199254740992}]\n") == LU_OK
       && file_is(0, "a.exe", A, (uint64_t) 1 << 53), "2^53 bytes");

    ok(parse("version: 1.0.0\nfiles: [{url: a.exe, sha512: " A ","
             " size: 0}]\n") == LU_OK
       && file_is(0, "a.exe", A, 0), "no bytes");

    tap_free();
}


static void
test_refused(void)
{
    size_t  i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ok(parse(refused[i].text) == LU_INVALID
           && said(refused[i].subject, refused[i].why)
           && builder.nfiles == 0 && builder.files == NULL,
           "refused: %s", refused[i].what);

        tap_free();
    }
}


static void
test_urls(void)
{
    char     text[512];
    size_t   i;
    lu_rc_e  rc;

    for (i = 0; i < sizeof(url_cases) / sizeof(url_cases[0]); i++) {
        (void) snprintf(text, sizeof(text),
                        "version: 1.0.0\nfiles:\n"
                        "  - url: \"%s\"\n    sha512: " A "\n",
                        url_cases[i].url);

        rc = parse(text);

        if (url_cases[i].name) {
            ok(rc == LU_OK && builder.nfiles == 1
               && file_is(0, url_cases[i].name, A, NO_SIZE),
               "url: %s", url_cases[i].url);

        } else {
            ok(rc == LU_INVALID && error.text != NULL, "url is refused: %s",
               url_cases[i].url);
        }

        tap_free();
    }
}


static void
test_digests(void)
{
    char    text[512];
    size_t  i;

    for (i = 0; i < sizeof(digest_cases) / sizeof(digest_cases[0]); i++) {
        (void) snprintf(text, sizeof(text),
                        "version: 1.0.0\nfiles:\n"
                        "  - url: a.exe\n    sha512: \"%s\"\n",
                        digest_cases[i].sha512);

        ok(parse(text) == LU_INVALID
           && said("a.exe", "has no \"sha512\" of 64 bytes in base64"),
           "digest is refused: %s", digest_cases[i].what);

        tap_free();
    }
}


static void
test_limits(void)
{
    char    *text;
    size_t   i, len, size;

    size = LU_BUILDER_SIZE + 2;
    text = malloc(size);

    len = snprintf(text, size, "version: 1.0.0\nfiles:\n");

    for (i = 0; i < LU_BUILDER_FILES; i++) {
        len += snprintf(text + len, size - len,
                        "  - url: f%d\n    sha512: %s\n", (int) i, A);
    }

    ok(parse_len(text, len) == LU_OK
       && builder.nfiles == LU_BUILDER_FILES
       && file_is(999, "f999", A, NO_SIZE), "1000 files");

    (void) snprintf(text + len, size - len, "path: f999\nsha512: %s\n", A);
    ok(parse(text) == LU_OK, "1000 files and one of them once more");

    (void) snprintf(text + len, size - len, "path: f1000\nsha512: %s\n", A);
    ok(parse(text) == LU_INVALID
       && said("", "the manifest lists more than 1000 files"), "1001 files");

    tap_free();

    len = snprintf(text, size, "version: 1.0.0\npath: a\nsha512: %s\nnotes: ",
                   A);
    memset(text + len, 'x', size - len);

    ok(parse_len(text, size - 2) == LU_OK, "1 megabyte");
    ok(parse_len(text, size - 1) == LU_INVALID
       && said("", "the manifest is larger than 1 megabyte"),
       "a byte more than 1 megabyte");

    len = snprintf(text, size, "version: 1.0.0\npath: ");
    memset(text + len, 'x', size - len);
    ok(parse_len(text, size - 2) == LU_INVALID, "a huge name");

    free(text);
    tap_free();
}


static void
test_memory(void)
{
    long     n;
    size_t   wrong;
    lu_rc_e  rc;

    static const char * const  texts[] = {
        "version: 1.0.0\nfiles: [{url: a%20b, sha512: " A "}]\n"
        "packages: {x64: {path: c, sha512: " B "}}\n"
        "path: d\nsha512: " A "\nvendor: [{e: f}]\n",
        "version: 1.0.0\nversion: 1.0.0\n",
        "version: 1.0.0\nfiles: [{sha512: " A "}]\n"
    };

    for (wrong = 0; wrong < 3; wrong++) {

        for (n = 0; n < 100; n++) {
            tap_left = n;
            rc = parse(texts[wrong]);
            tap_free();

            if (rc != LU_NOMEM) {
                break;
            }
        }

        ok(n > 2 && n < 100
           && rc == (wrong ? LU_INVALID : LU_OK),
           "out of memory at each of %d allocations", (int) n);
    }

    tap_left = -1;
}


static void
told(const char *text, const char *notes, const char *commit)
{
    char      manifest[4096];
    lu_str_t  str;

    (void) snprintf(manifest, sizeof(manifest),
                    "version: 1.0.0\npath: a\nsha512: %s\n%s\n", A, text);
    str = tap_str(manifest);

    ok(lu_builder_parse(&tap_arena, &str, &builder, &error) == LU_OK
       && lu_str_is(&builder.notes, notes)
       && lu_str_is(&builder.origin.commit, commit), "%s", text);
}


/* What is said for people. */

static void
test_told(void)
{
    char      *text;
    lu_str_t   str;

    told("releaseNotes: <b>x</b>", "<b>x</b>", "");
    told("releaseNotes: ~", "", "");
    told("releaseNotes: [{version: 1.0.0, note: a}, {version: 0.9.0, note: "
         "\"b\\nc\"}]", "1.0.0\na\n\n0.9.0\nb\nc", "");
    told("releaseNotes: [{version: 1.0.0, note: ~}, {note: a}, text, [b], {}]",
         "1.0.0\n\na\n\n", "");
    told("releaseNotes: [{note: [a], version: {b: c}}]", "", "");
    told("releaseNotes: {note: a}", "", "");

    told("vendor: {commit: abc, branch: [main], pipeline: {id: 7}}", "", "abc");
    told("vendor: {commit: 1234567}", "", "1234567");
    told("vendor: abc", "", "");
    told("vendor: [commit, abc]", "", "");
    told("vendor: {commit: {a: b}, commit2: c}", "", "");

    str = tap_str("version: 1.0.0\npath: a\nsha512: " A "\n"
                  "vendor: {remote: \"https://a:b@c/d\"}\n");
    ok(lu_builder_parse(&tap_arena, &str, &builder, &error) == LU_INVALID
       && lu_str_is(&error.subject, "remote"), "a password");

    text = malloc(100000);
    str.data = (unsigned char *) text;
    str.len = (size_t) sprintf(text, "version: 1.0.0\npath: a\nsha512: " A
                               "\nreleaseNotes:\n");

    while (str.len < 90000) {
        str.len += (size_t) sprintf(text + str.len,
                                    "- note: \"%01000d\"\n", 7);
    }

    ok(lu_builder_parse(&tap_arena, &str, &builder, &error) == LU_OK
       && builder.notes.len == LU_BUILDER_NOTES, "too many notes");

    free(text);
}


int
main(void)
{
    test_told();
    test_windows();
    test_forms();
    test_refused();
    test_urls();
    test_digests();
    test_limits();
    test_memory();

    return tap_done();
}
