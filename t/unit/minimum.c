
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_minimum.c"


#define SHA512                                                                \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
    "AAAAAAAAAAAAAAAA=="

#define MANIFEST                                                              \
    "version: 1.0.0\nfiles:\n  - url: a.exe\n    sha512: " SHA512 "\n"


static lu_minimum_t  minimum;

/* the strings lie in it */

static cJSON        *tree;


static const cJSON *
read_tree(const char *text)
{
    lu_str_t    str;
    lu_error_t  err;

    cJSON_Delete(tree);
    tree = NULL;

    str = tap_str(text);

    (void) lu_json_parse(&tree, &str, &err);

    return tree;
}


static const char *
parse(const char *text)
{
    static lu_error_t  err;

    err.text = "";

    (void) lu_minimum_parse(read_tree(text), &minimum, &err);

    return err.text;
}


static unsigned
misses(const char *runs, const char *offered, unsigned platform,
    const char *version)
{
    lu_str_t  one, two, app;

    one = tap_str(runs);
    two = tap_str(offered);
    app = tap_str(version);

    return lu_minimum_misses(&minimum, &one, &two, platform, &app);
}


static int
may_follow(const char *text)
{
    lu_str_t  str;

    str = tap_str(text);

    return lu_minimum_may_follow(&tap_arena, &str);
}


static const char *
desktop(const char *text)
{
    lu_str_t    version;
    lu_error_t  err;

    return lu_minimum_desktop(read_tree(text), &version, &err) == LU_OK
           ? (char *) version.data : NULL;
}


static void
test_misses(void)
{
    static const char  *old = "11111111-2222-8333-8444-000000000004";
    static const char  *least = "11111111-2222-8333-8444-000000000005";
    static const char  *new = "11111111-2222-8333-8444-000000000006";
    static const char  *none = "11111111-2222-4333-8444-000000000099";

    ok(*parse("{\"buildNumber\":5,\"androidAppVersionCode\":\"7\"}") == '\0',
       "a minimum");

    ok(misses("", new, LU_OS_IOS, "1") == LU_MINIMUM_BUNDLE
       && misses(old, least, LU_OS_IOS, "1") == LU_MINIMUM_BUNDLE
       && misses(none, new, LU_OS_ELECTRON, "1") == LU_MINIMUM_BUNDLE,
       "an old bundle");
    ok(misses(least, new, LU_OS_IOS, "1") == 0
       && misses(new, new, LU_OS_IOS, "1") == 0
       && misses(new, least, LU_OS_IOS, "1") == 0,
       "one that is not older");
    ok(misses("", old, LU_OS_IOS, "1") == 0
       && misses(old, none, LU_OS_IOS, "1") == 0,
       "what would not help is not missed");

    ok(misses(old, new, LU_OS_ANDROID, "6") == LU_MINIMUM_BOTH
       && misses(new, new, LU_OS_ANDROID, "6.9") == LU_MINIMUM_APP
       && misses(old, old, LU_OS_ANDROID, "6.9") == LU_MINIMUM_APP,
       "an old app");
    ok(misses(new, new, LU_OS_ANDROID, "7") == 0
       && misses(new, new, LU_OS_ANDROID, "x") == 0
       && misses(new, new, LU_OS_ANDROID, "") == 0
       && misses(new, new, LU_OS_IOS, "1") == 0,
       "one that is not, or tells nothing");

    ok(*parse("{}") == '\0' && misses("", new, LU_OS_ANDROID, "1") == 0,
       "an empty one");
    ok(*parse("[]") && *parse("{\"buildNumber\":-1}")
       && *parse("{\"buildNumber\":\"5\"}")
       && *parse("{\"iosAppVersionCode\":\"1.x\"}")
       && *parse("{\"iosAppVersionCode\":1}"),
       "none at all");
}


static void
test_desktop(void)
{
    unsigned char   line[LU_MINIMUM_LINE], *last;
    const lu_str_t  version = lu_string("1.0.0");

    ok(strcmp(desktop("{\"minimumVersion\":\"1.2.3-a.1\"}"), "1.2.3-a.1") == 0,
       "a version");
    ok(desktop("{}")[0] == '\0' && desktop("{\"minimumVersion\":null}")[0]
       == '\0', "none");
    ok(desktop("{\"minimumVersion\":\"1.2\"}") == NULL
       && desktop("{\"minimumVersion\":\"\"}") == NULL
       && desktop("{\"minimumVersion\":\"1.2.3\\\"\"}") == NULL
       && desktop("{\"minimumVersion\":1}") == NULL,
       "no version");

    last = lu_minimum_line(line, &version);

    ok(last - line == 24 && memcmp(line, "minimumVersion: \"1.0.0\"\n", 24)
       == 0, "a line");

    ok(may_follow(MANIFEST), "it may follow");
    ok(!may_follow(""), "not what is empty");
    ok(!may_follow("version: 1.0.0\n"), "not what is no manifest");
    ok(!may_follow(MANIFEST "minimumVersion: 2.0.0\n"),
       "not what says it already");
    ok(!may_follow(MANIFEST "..."), "not what has no end");
    ok(!may_follow(MANIFEST "...\n"), "not what has ended");
    ok(!may_follow("{version: 1.0.0, files: [{url: a.exe, sha512: " SHA512
                   "}]}\n"), "not what is in braces");
    ok(!may_follow("    version: 1.0.0\n    path: a.exe\n    sha512: " SHA512
                   "\n"), "not what is further to the right");
    ok(may_follow(MANIFEST "releaseNotes: |\n  text\n"),
       "it may follow a text");
    ok(!may_follow(MANIFEST "releaseNotes: \"text\n"), "but not in a text");

    cJSON_Delete(tree);
    tap_free();
}


int
main(void)
{
    test_misses();
    test_desktop();

    return tap_done();
}
