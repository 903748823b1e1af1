
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_manifest.c"


#define A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define C  "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define B  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


typedef struct {
    const char  *text;
    const char  *subject;
    const char  *why;
} refused_t;


static lu_file_t   *entries;
static size_t               nentries;
static lu_error_t   error;


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

    entries = NULL;
    nentries = 99;
    error.text = NULL;
    error.subject = tap_str("");

    rc = lu_manifest_parse(&tap_arena, &str, &entries, &nentries, &error);
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
entry_is(size_t i, const char *href, uint64_t size, const char *sha256)
{
    return lu_str_is(&entries[i].href, href)
           && entries[i].size == size
           && lu_str_is(&entries[i].sha256, sha256)
           && entries[i].signature.len == 0
           && entries[i].type.len == 0
           && !entries[i].gzip;
}


static void
test_parse(void)
{
    ok(parse("[\n"
             "  {\"checksum\": \"" A "\", \"href\": \"index.html\","
             " \"sizeInBytes\": 12},\n"
             "  {\"checksum\": \"" B "\", \"href\": \"assets/b.js\","
             " \"sizeInBytes\": 0, \"more\": [null, {}]},\n"
             "  {\"checksum\": \"" B "\", \"href\": \"assets-old/b.js\","
             " \"sizeInBytes\": 9007199254740992},\n"
             "  {\"sizeInBytes\": 1e3, \"href\": \"Gr\\u00fcn.svg\","
             " \"checksum\": \"" A "\"}\n"
             "]\n") == LU_OK && nentries == 4, "a manifest");

    ok(entry_is(0, "Gr\303\274n.svg", 1000, A)
       && entry_is(1, "assets-old/b.js", 9007199254740992, B)
       && entry_is(2, "assets/b.js", 0, B)
       && entry_is(3, "index.html", 12, A), "sorted by the bytes");

    ok(parse("[]") == LU_OK && nentries == 0 && entries == NULL,
       "an empty manifest");
}


static void
test_refused(void)
{
    size_t                  i;
    static const refused_t  cases[] = {

#define ENTRY(href, sum, size)                                                \
    "{\"href\":" href ",\"checksum\":" sum ",\"sizeInBytes\":" size "}"
#define HREF(href)                                                            \
    ENTRY("\"" href "\"", "\"" A "\"", "1")
#define NO_HREF  "an entry of the manifest must have an \"href\" string"
#define NO_SUM   "must have a \"checksum\" of 64 lower-case hex digits in "    \
                 "the manifest"
#define NO_SIZE  "must have a \"sizeInBytes\" that is a whole number in the "  \
                 "manifest"

        { "{}", "", "the manifest must be an array" },
        { "null", "", "the manifest must be an array" },
        { "\"a\"", "", "the manifest must be an array" },
        { HREF("a"), "", "the manifest must be an array" },

        { "[[]]", "", "an entry of the manifest must be an object" },
        { "[null]", "", "an entry of the manifest must be an object" },
        { "[1]", "", "an entry of the manifest must be an object" },

        { "[{}]", "", NO_HREF },
        { "[" ENTRY("1", "\"" A "\"", "1") "]", "", NO_HREF },
        { "[" ENTRY("null", "\"" A "\"", "1") "]", "", NO_HREF },
        { "[{\"HREF\":\"a\",\"checksum\":\"" A "\",\"sizeInBytes\":1}]", "",
          NO_HREF },

        { "[{\"href\":\"a\",\"sizeInBytes\":1}]", "a", NO_SUM },
        { "[" ENTRY("\"a\"", "null", "1") "]", "a", NO_SUM },
        { "[" ENTRY("\"a\"", "\"\"", "1") "]", "a", NO_SUM },
        { "[" ENTRY("\"a\"", "\"A" A "\"", "1") "]", "a", NO_SUM },
        { "[" ENTRY("\"a\"", "[]", "1") "]", "a", NO_SUM },

        { "[{\"href\":\"a\",\"checksum\":\"" A "\"}]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "null") "]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "\"1\"") "]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "-1") "]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "1.5") "]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "1e300") "]", "a", NO_SIZE },
        { "[" ENTRY("\"a\"", "\"" A "\"", "9007199254740994") "]", "a",
          NO_SIZE },

        { "[" HREF("b") "," HREF("a") "," HREF("b") "]", "b",
          "occurs twice" },
        { "[" HREF("\\u0061") "," HREF("a") "]", "a", "occurs twice" },
        { "[" HREF("a/b") "," HREF("a") "]", "a",
          "is both a file and a directory" },
        { "[" HREF("a") "," HREF("a-") "," HREF("a!") "," HREF("a/b/c") ","
          HREF("b") "]", "a", "is both a file and a directory" },
        { "[" HREF("x/y/z/w") "," HREF("x/y-") "," HREF("x/y") "]", "x/y",
          "is both a file and a directory" }
    };
    static const char      *unsafe[] = {
        "", "/a", "../a", "a/../b", ".", "..", "a//b", "a/", "a\\\\b", "C:/a",
        "a\\nb", "\\u007f"
    };
    static const char      *broken[] = {
        "", " ", "[", "[]x", "[] []", "[,]", "[" HREF("a") ",]", "\377",
        "[" HREF("a\\u0000b") "]",
        "[{\"href\":\"a\",\"href\":\"b\",\"checksum\":\"" A "\","
        "\"sizeInBytes\":1}]",
        "[" ENTRY("\"a\"", "\"" A "\"", "01") "]"
    };
    char                    text[256];

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(parse(cases[i].text) == LU_INVALID
           && said(cases[i].subject, cases[i].why)
           && entries == NULL && nentries == 99,
           "case %zu: \"%s\" %s", i, cases[i].subject, cases[i].why);
    }

    for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        snprintf(text, sizeof(text), "[" HREF("%s") "]", unsafe[i]);
        ok(parse(text) == LU_INVALID && error.text != NULL, "unsafe href %zu",
           i);
    }

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        ok(parse(broken[i]) == LU_INVALID && error.text != NULL, "no JSON %zu",
           i);
    }

    ok(parse("") == LU_INVALID
       && said(LU_MANIFEST_NAME, "is empty: upload the bundle again; versions"
               " of the CLI before 4.18.3 may send the manifest while they"
               " write it"),
       "an empty manifest");

    ok(parse("[" HREF("a") ", {\"href\":") == LU_INVALID
       && said(LU_MANIFEST_NAME, "is not JSON, or not all of it"
               LU_MANIFEST_AGAIN),
       "half a manifest");

    ok(parse("[" HREF("a.b") "," HREF("a/b") "," HREF("a-b") "," HREF("ab")
             "," HREF("a/c/d") "," HREF("A") "]") == LU_OK
       && nentries == 6, "what only looks like a conflict");
}


static void
test_many(void)
{
    size_t    i, len, n;
    char     *text;
    lu_str_t  href;

    text = malloc(20001 * 150);
    len = (size_t) sprintf(text, "[");

    for (i = 0; i < 20000; i++) {
        len += (size_t) sprintf(text + len,
                                "%s" HREF("d%zu/f%zu"), i ? "," : "",
                                i % 10, i);
    }

    strcpy(text + len, "]");
    ok(parse(text) == LU_OK && nentries == 20000, "20000 entries");

    for (i = 1, n = 0; i < 20000; i++) {
        n += lu_file_cmp(&entries[i - 1], &entries[i]) < 0;
    }

    ok(n == 19999, "all sorted");

    for (i = 0, n = 0; i < 20000; i++) {
        n += lu_file_find(entries, 20000, &entries[i].href) == &entries[i];
    }

    ok(n == 20000, "all found");

    href = tap_str("d1/f2");
    ok(lu_file_find(entries, 20000, &href) == NULL, "one not found");

    strcpy(text + len, "," HREF("x") "]");
    ok(parse(text) == LU_INVALID
       && said("", "the manifest must have at most 20000 entries"),
       "20001 entries");

    free(text);
}


static lu_file_t
file(const char *href, uint64_t size, const char *sha256, const char *sig)
{
    lu_file_t  f;

    memset(&f, 0, sizeof(lu_file_t));
    f.href = tap_str(href);
    f.size = size;
    f.sha256 = tap_str(sha256);
    f.signature = tap_str(sig);

    return f;
}


static lu_rc_e
check(const lu_file_t *list, size_t n, const lu_file_t *files, size_t nfiles)
{
    error.text = NULL;
    error.subject = tap_str("");

    return lu_manifest_check(list, n, files, nfiles, &error);
}


static void
test_check(void)
{
    lu_file_t  list[3], files[5];

    list[0] = file("a.js", 5, A, "");
    list[1] = file("index.html", 6, B, "");

    files[0] = file(".DS_Store", 1, A, "");
    files[1] = file("a.js", 5, A, "");
    files[2] = file(LU_MANIFEST_NAME, 7, A, "");
    files[3] = file("index.html", 6, B, "");

    ok(check(list, 2, files, 4) == LU_OK, "a bundle");

    ok(check(list, 2, files, 3) == LU_INVALID
       && said("index.html",
               "is in the manifest but was not uploaded" LU_MANIFEST_AGAIN),
       "a file is missing");

    ok(check(list, 2, NULL, 0) == LU_INVALID
       && said("a.js",
               "is in the manifest but was not uploaded" LU_MANIFEST_AGAIN),
       "all files are missing");

    files[1].size = 4;
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("a.js",
               "does not have the size that the manifest states"
               LU_MANIFEST_AGAIN),
       "a size differs");

    files[1] = file("a.js", 5, B, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("a.js",
               "does not have the checksum that the manifest states"
               LU_MANIFEST_AGAIN),
       "a checksum differs");

    files[1] = file("a.js", 5, A, "");
    ok(check(list, 1, files, 4) == LU_INVALID
       && said("index.html", "is not in the manifest"),
       "an index.html that is not listed");

    ok(check(NULL, 0, files, 4) == LU_INVALID
       && said("index.html", "is not in the manifest"), "an empty list");

    list[1] = file("www/index.html", 6, B, "");
    files[3] = file("www/index.html", 6, B, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("index.html", "is not in the manifest"),
       "an index.html not at the root");
}


static void
test_check_signed(void)
{
    lu_file_t  list[2], files[4];

    list[0] = file("a.js", 5, A, "");
    list[1] = file("index.html", 6, B, "");

    files[0] = file(".DS_Store", 1, A, "");
    files[1] = file("a.js", 5, A, "sig");
    files[2] = file(LU_MANIFEST_NAME, 7, A, "sig");
    files[3] = file("index.html", 6, B, "sig");

    ok(check(list, 2, files, 4) == LU_OK, "all that is listed");

    files[0] = file(".DS_Store", 1, A, "sig");
    ok(check(list, 2, files, 4) == LU_OK, "all");

    files[1] = file("a.js", 5, A, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("a.js", "is not signed, but other files are"),
       "a file is not signed");

    files[1] = file("a.js", 5, A, "sig");
    files[2] = file(LU_MANIFEST_NAME, 7, A, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said(LU_MANIFEST_NAME, "is not signed, but other files are"),
       "the manifest is not signed");

    files[2] = files[3];
    ok(check(list, 2, files, 3) == LU_INVALID
       && said(LU_MANIFEST_NAME, "is not signed, but other files are"),
       "there is no manifest");

    files[1] = file("a.js", 5, A, "");
    files[2] = file(LU_MANIFEST_NAME, 7, A, "sig");
    files[3] = file("index.html", 6, B, "");
    files[0] = file(".DS_Store", 1, A, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("a.js", "is not signed, but other files are"),
       "the manifest alone is signed");

    files[0] = file(".DS_Store", 1, A, "sig");
    files[2] = file(LU_MANIFEST_NAME, 7, A, "");
    ok(check(list, 2, files, 4) == LU_INVALID
       && said("a.js", "is not signed, but other files are"),
       "an unlisted file alone is signed");
}


static void
test_nomem(void)
{
    long     i;
    lu_rc_e  rc;

    for (i = 0; /* void */ ; i++) {
        tap_left = i;
        rc = parse("[" HREF("b") "," HREF("a") "]");

        if (rc != LU_NOMEM) {
            break;
        }

        if (nentries != 99) {
            break;
        }
    }

    tap_left = -1;

    ok(i == 6 && rc == LU_OK, "no memory (%ld)", i);
}


static void
test_update(void)
{
    size_t     i;
    lu_rc_e    rc;
    lu_file_t  older[3], newer[3];

    static const char  kept[] =
        "has the contents that another file has in an earlier bundle of the"
        " channel, so that devices with that bundle keep the old file: upload"
        " the bundle with \"--artifact-type zip\", or put a hash of the"
        " contents into the names of files";

    older[0] = file("a.js", 5, A, "");
    older[1] = file("b.js", 6, B, "");
    older[2] = file("index.html", 6, C, "");

    for (i = 0; i < 3; i++) {
        newer[i] = older[i];
    }

    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 3, &error);
    ok(rc == LU_OK, "the same bundle");

    newer[0] = file("a.js", 6, B, "");
    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 3, &error);
    ok(rc == LU_INVALID && said("a.js", kept), "a copy of another file");

    newer[1] = file("b.js", 5, A, "");
    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 3, &error);
    ok(rc == LU_INVALID && said("a.js", kept), "two files have swapped");

    newer[0] = file("a.js", 5, D, "");
    newer[1] = file("c.js", 6, B, "");
    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 3, &error);
    ok(rc == LU_OK, "another name for one file, other contents for another");

    rc = lu_manifest_check_update(&tap_arena, older, 0, newer, 3, &error);
    ok(rc == LU_OK, "an empty one before");

    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 0, &error);
    ok(rc == LU_OK, "an empty one");

    tap_left = 0;
    rc = lu_manifest_check_update(&tap_arena, older, 3, newer, 3, &error);
    ok(rc == LU_NOMEM, "no memory");
    tap_left = -1;
}


int
main(void)
{
    test_update();

    test_parse();
    test_refused();
    test_many();
    test_check();
    test_check_signed();
    test_nomem();

    tap_free();

    return tap_done();
}
