
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap.h"
#include "../../src/core/lu_file.c"


#define A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define SHA256                                                                \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


static lu_error_t  error;


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
signature(size_t len, const char *end)
{
    int       valid;
    char     *text;
    lu_str_t  str;

    text = malloc(len + 1);
    memset(text, 'A', len);
    text[len] = '\0';
    memcpy(text + len - strlen(end), end, strlen(end));

    str = tap_str(text);
    valid = lu_file_signature_valid(&str);
    free(text);

    return valid;
}


static void
test_signature(void)
{
    int          i, right;
    char         end[5];
    const char  *p;
    lu_str_t     str;

    ok(signature(344, "=="), "256 bytes, as RSA-2048 signs");
    ok(signature(512, ""), "384 bytes");
    ok(signature(684, "="), "512 bytes, padded as 511 would be");

    ok(signature(172, "="), "128 bytes, as RSA-1024 signs");
    ok(!signature(88, "=="), "64 bytes, as Ed25519 signs");
    ok(!signature(96, ""), "72 bytes, as an elliptic curve may sign");
    ok(!signature(344, "="), "257 bytes");
    ok(!signature(340, ""), "255 bytes");
    ok(!signature(348, ""), "261 bytes");
    ok(signature(428, "="), "320 bytes, as RSA-2560 signs");
    ok(signature(1368, "=="), "1024 bytes");
    ok(!signature(1368, "="), "1025 bytes");
    ok(!signature(1372, "=="), "1027 bytes");

    str = tap_str("");
    ok(!lu_file_signature_valid(&str), "nothing");
    str = tap_str("====");
    ok(!lu_file_signature_valid(&str), "padding alone");

    ok(!signature(343, ""), "padding cut off");
    ok(!signature(342, ""), "all padding cut off");
    ok(!signature(341, ""), "a length no base64 has");
    ok(!signature(344, "==="), "too much padding");
    ok(!signature(344, "=A=="), "padding in the midst");
    ok(!signature(344, "=AAA"), "padding not at the end");
    ok(!signature(344, "=A"), "padding and a digit");
    ok(!signature(344, "\nAAA"), "a line break");
    ok(!signature(344, "AAA\n"), "a line break at the end");
    ok(!signature(344, "AA A"), "a space");
    ok(!signature(344, "-_AA"), "the URL alphabet");
    ok(!signature(344, "\377AAA"), "a byte above ASCII");
    ok(!signature(344, "@AAA") && !signature(344, "[AAA")
       && !signature(344, "`AAA") && !signature(344, "{AAA")
       && !signature(344, ":AAA") && !signature(344, ".AAA")
       && !signature(344, ",AAA") && !signature(344, "*AAA"),
       "what is next to the alphabet");

    p = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    right = 0;

    for (i = 0; i < 64; i++) {
        memcpy(end, "AAAA", 5);
        end[3] = p[i];
        right += signature(512, end);

        memcpy(end, "AAA=", 5);
        end[2] = p[i];
        right += signature(684, end) == ((i & 3) == 0);

        memcpy(end, "AA==", 5);
        end[1] = p[i];
        right += signature(344, end) == ((i & 15) == 0);
    }

    ok(right == 192, "the alphabet, and no stray bits before padding (%d)",
       right);
}


static void
test_media_type(void)
{
    size_t    i;
    char      text[130];
    lu_str_t  str;
    static const char  *good[] = {
        "text/html", "text/html; charset=\"utf-8\"", "image/svg+xml"
    };
    static const char  *bad[] = {
        "", "html", "text/html\r\nX: y", "text/html\n", "text/h\177",
        "text/\303\274", "text/\thtml"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        str = tap_str(good[i]);
        ok(lu_file_type_valid(&str), "media type %s", good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        str = tap_str(bad[i]);
        ok(!lu_file_type_valid(&str), "no media type %zu", i);
    }

    memset(text, 'a', 129);
    text[1] = '/';
    str.data = (unsigned char *) text;
    str.len = 129;
    ok(!lu_file_type_valid(&str), "a media type of 129 bytes");
    str.len = 128;
    ok(lu_file_type_valid(&str), "a media type of 128 bytes");
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


static void
test_find(void)
{
    lu_str_t   href;
    lu_file_t  files[4];

    files[0] = file("a", 1, A, "");
    files[1] = file("a-b", 2, A, "");
    files[2] = file("a/b", 3, A, "");
    files[3] = file("\303\274", 4, A, "");

    href = tap_str("a");
    ok(lu_file_find(files, 4, &href) == &files[0], "the first");
    ok(lu_file_find(files, 0, &href) == NULL, "none of none");
    ok(lu_file_find(NULL, 0, &href) == NULL, "none of NULL");

    href = tap_str("\303\274");
    ok(lu_file_find(files, 4, &href) == &files[3],
       "the last; bytes are unsigned");

    href = tap_str("a/");
    ok(lu_file_find(files, 4, &href) == NULL, "a prefix");

    href = tap_str("");
    ok(lu_file_find(files, 4, &href) == NULL, "nothing");

    ok(lu_file_cmp(&files[0], &files[0]) == 0
       && lu_file_cmp(&files[0], &files[1]) < 0
       && lu_file_cmp(&files[1], &files[0]) > 0
       && lu_file_cmp(&files[2], &files[1]) > 0
       && lu_file_cmp(&files[2], &files[3]) < 0, "the order");
}


static void
test_tree(void)
{
    size_t    i;
    lu_str_t  names[8];
    static const char *const  good[] = {
        "b", "a/", "a/b/", "a/b/c", "a-b/c", "a.b", "a/b.c", "A"
    };

    for (i = 0; i < 8; i++) {
        names[i] = tap_str(good[i]);
    }

    ok(lu_file_tree_check(names, 8, &error) == LU_OK, "files and directories");
    ok(lu_str_is(&names[0], "A")
       && lu_str_is(&names[1], "a/")
       && lu_str_is(&names[3], "a/b/c")
       && lu_str_is(&names[7], "b"), "sorted as a tree");

    names[0] = tap_str("a/b");
    ok(lu_file_tree_check(names, 8, &error) == LU_INVALID
       && said("a/b", "is both a file and a directory"),
       "a file with the name of a directory");

    names[0] = tap_str("x/");
    names[1] = tap_str("x/");
    ok(lu_file_tree_check(names, 2, &error) == LU_INVALID
       && said("x/", "occurs twice"), "a directory twice");

    ok(lu_file_tree_check(names, 1, &error) == LU_OK, "one name");
    ok(lu_file_tree_check(NULL, 0, &error) == LU_OK, "no name");
}


static lu_rc_e
files_parse(const char *text, lu_file_t **files, size_t *n, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  str;

    str.len = strlen(text);
    str.data = malloc(str.len);
    memcpy(str.data, text, str.len);

    err->text = NULL;

    rc = lu_file_table_parse(&tap_arena, &str, files, n, err);

    memset(str.data, 'x', str.len);
    free(str.data);

    return rc;
}


static void
test_files(void)
{
    char       *text;
    size_t      i, n, again;
    lu_file_t  *files, *copies;
    lu_error_t  err;

    static const struct {
        const char  *text;
        const char  *subject;
        const char  *reason;
    } cases[] = {
        { "", "", "is empty" },
        { "{}", "", "the file table must be an array" },
        { "[7]", "", "a file must have an \"href\" string" },
        { "[{}]", "", "a file must have an \"href\" string" },
        { "[{\"href\":null}]", "", "a file must have an \"href\" string" },
        { "[{\"href\":7}]", "", "a file must have an \"href\" string" },
        { "[{\"href\":\"a/../b\"}]", "a/../b", "has a segment" },
        { "[{\"href\":\"a\"}]", "a", "must have a \"size\" that is a whole "
                                     "number" },
        { "[{\"href\":\"a\",\"size\":-1}]", "a", "must have a \"size\" that "
                                                 "is a whole number" },
        { "[{\"href\":\"a\",\"size\":\"1\"}]", "a", "must have a \"size\" "
                                                    "that is a whole number" },
        { "[{\"href\":\"a\",\"size\":1}]", "a", "must have a \"sha256\" of "
                                                "64 lower-case hex digits" },
        { "[{\"href\":\"a\",\"size\":1,\"sha256\":7}]", "sha256",
          "must be a string" },
        { "[{\"href\":\"a\",\"size\":1,\"sha256\":\"abc\"}]", "a",
          "must have a \"sha256\" of 64 lower-case hex digits" },
        { "[{\"href\":\"a\",\"size\":1,\"sha256\":\"" SHA256 "\","
          "\"signature\":7}]", "signature", "must be a string" },
        { "[{\"href\":\"a\",\"size\":1,\"sha256\":\"" SHA256 "\","
          "\"type\":7}]", "type", "must be a string" }
    };

    ok(files_parse("[{\"href\":\"b\",\"size\":7,\"sha256\":\"" SHA256 "\"},"
                   "{\"href\":\"a/\xc3\xbc+ %.js\",\"size\":999999999999999,"
                   "\"sha256\":\"" SHA256 "\",\"signature\":\"c2ln\","
                   "\"type\":\"text/javascript\",\"gzip\":true},"
                   "{\"href\":\"B\",\"size\":0,\"sha256\":\"" SHA256 "\","
                   "\"gzip\":false}]", &files, &n, &err) == LU_OK
       && n == 3
       && lu_str_is(&files[0].href, "B")
       && lu_str_is(&files[1].href, "a/\xc3\xbc+ %.js")
       && lu_str_is(&files[2].href, "b"), "sorted by href");

    ok(files[0].size == 0
       && lu_str_is(&files[0].sha256, SHA256)
       && files[0].signature.len == 0
       && files[0].type.len == 0
       && !files[0].gzip, "a file");

    ok(files[1].size == 999999999999999
       && lu_str_is(&files[1].signature, "c2ln")
       && lu_str_is(&files[1].type, "text/javascript")
       && files[1].gzip, "a file with all members");

    text = lu_file_table_print(files, n);

    ok(files_parse(text, &copies, &again, &err) == LU_OK
       && again == n, "printed and parsed again");

    for (i = 0; i < n; i++) {
        ok(lu_str_eq(&copies[i].href, &files[i].href)
           && copies[i].size == files[i].size
           && lu_str_eq(&copies[i].sha256, &files[i].sha256)
           && lu_str_eq(&copies[i].signature, &files[i].signature)
           && lu_str_eq(&copies[i].type, &files[i].type)
           && copies[i].gzip == files[i].gzip, "the same file %d", (int) i);
    }

    cJSON_free(text);

    text = lu_file_table_print(NULL, 0);

    ok(strcmp(text, "[]") == 0
       && files_parse(text, &files, &n, &err) == LU_OK && n == 0, "no files");

    cJSON_free(text);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(files_parse(cases[i].text, &files, &n, &err) == LU_INVALID
           && files == NULL
           && n == 0
           && strstr(err.text, cases[i].reason) != NULL
           && lu_str_is(&err.subject, cases[i].subject),
           "refused, case %d: \"%s\" %s", (int) i, cases[i].subject,
           cases[i].reason);
    }

    tap_free();
}


static lu_rc_e
all(void)
{
    char       *text;
    size_t      n;
    lu_rc_e     rc;
    lu_file_t  *files;

    rc = files_parse("[{\"href\":\"b\",\"size\":7,\"sha256\":\"" SHA256 "\","
                     "\"signature\":\"c2ln\",\"type\":\"a/b\",\"gzip\":true}]",
                     &files, &n, &error);
    if (rc != LU_OK) {
        return rc;
    }

    text = lu_file_table_print(files, n);
    if (text == NULL) {
        return LU_NOMEM;
    }

    cJSON_free(text);

    return LU_OK;
}


/* Each allocation of the arena's and of cJSON's fails once. */

static void
test_nomem(void)
{
    long     n, wrong;
    lu_rc_e  rc;

    memory_init();

    wrong = 0;

    for (n = 0; n < 1000; n++) {
        tap_left = n;
        rc = all();

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    tap_left = -1;

    ok(rc == LU_OK && n > 4 && wrong == 0 && memory_used == 0,
       "the arena fails %ld times", n);

    for (n = 0; n < 1000; n++) {
        memory_left = n;
        rc = all();

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    memory_left = -1;

    ok(rc == LU_OK && n > 30 && wrong == 0 && memory_used == 0,
       "cJSON fails %ld times", n);

    cJSON_InitHooks(NULL);
    tap_free();
}


int
main(void)
{
    test_signature();
    test_media_type();
    test_find();
    test_tree();
    test_files();
    test_nomem();

    tap_free();

    return tap_done();
}
