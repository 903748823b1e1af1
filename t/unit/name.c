
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_name.c"


typedef struct {
    const char  *text;
    size_t       len;
    int          valid;
    const char  *what;
} name_case_t;

#define name_case(text, valid, what)  { text, sizeof(text) - 1, valid, what }


typedef struct {
    const char  *href;
    const char  *reason;            /* a part of it; NULL: accepted */
} href_case_t;


typedef struct {
    const char  *url;
    const char  *name;
    const char  *reason;            /* NULL: accepted */
} url_case_t;


static const name_case_t  release_cases[] = {
    name_case("1.2.0", 1, "version"),
    name_case("v1.2.0-beta.1+5", 1, "version with all that it can have"),
    name_case("20261201-1", 1, "no version"),
    name_case("a_b", 1, "underscore"),
    name_case("1.lock.2", 1, "\".lock\" inside"),
    name_case("", 0, "empty"),
    name_case("Public", 0, "Public"),
    name_case(".1", 0, "begins with a dot"),
    name_case("+1", 0, "begins with a plus"),
    name_case("1.", 0, "ends in a dot"),
    name_case("1..2", 0, "two dots"),
    name_case("..", 0, "nothing but dots"),
    name_case("1.lock", 0, "ends in \".lock\""),
    name_case("1/2", 0, "slash"),
    name_case("1 2", 0, "space"),
    name_case("1%2", 0, "percent"),
    name_case("1\0", 0, "NUL"),
};


static const name_case_t  id_cases[] = {
    name_case("a", 1, "one letter"),
    name_case("0", 1, "one digit"),
    name_case("Zz9", 1, "letters and a digit"),
    name_case("7d6f2c1e-5b1a-4f0e-9a51-2f0e4d9b8a10", 1, "UUID"),
    name_case("240808w4a9kky77", 1, "id of a build service"),
    name_case("a_b-c_", 1, "underscore and dash inside"),
    name_case("publi", 1, "a prefix of \"public\""),
    name_case("publics", 1, "longer than \"public\""),
    name_case("public1", 1, "\"public\" and a digit"),
    name_case("rublic", 1, "as \"public\" from its second letter"),
    name_case("pubLid", 1, "as long as \"public\""),
    name_case("", 0, "empty"),
    name_case("public", 0, "public"),
    name_case("PUBLIC", 0, "PUBLIC"),
    name_case("pUbLiC", 0, "pUbLiC"),
    name_case(".", 0, "dot"),
    name_case("..", 0, "two dots"),
    name_case(".hidden", 0, "hidden"),
    name_case("a.b", 0, "dot inside"),
    name_case("-a", 0, "begins with a dash"),
    name_case("_a", 0, "begins with an underscore"),
    name_case("a/b", 0, "slash"),
    name_case("a\\b", 0, "backslash"),
    name_case("a b", 0, "space"),
    name_case("a\n", 0, "line feed at the end"),
    name_case("a\0b", 0, "NUL inside"),
    name_case("a%2fb", 0, "percent"),
    name_case("a@", 0, "before A"),
    name_case("a[", 0, "behind Z"),
    name_case("a`", 0, "before a"),
    name_case("a{", 0, "behind z"),
    name_case("a:", 0, "behind 9"),
    name_case("\xc3\xbc", 0, "not ASCII"),
    name_case("\xe1", 0, "letter with the high bit")
};


static const name_case_t  machine_cases[] = {
    name_case("m2", 1, "host name"),
    name_case("m2.example", 1, "with a domain"),
    name_case("2", 1, "digit"),
    name_case("a-b_C.", 1, "all that it may have"),
    name_case("", 0, "empty"),
    name_case(".a", 0, "dot at the beginning"),
    name_case("..", 0, "folder above"),
    name_case("-a", 0, "dash at the beginning"),
    name_case("a/b", 0, "slash"),
    name_case("a b", 0, "space"),
    name_case("a\0b", 0, "NUL"),
    name_case("\xc3\xbc", 0, "not ASCII"),
    name_case("body", 0, "folder of older versions"),
    name_case("fetch", 0, "folder of older versions"),
    name_case("fetcher", 1, "begins like one")
};


static const name_case_t  device_cases[] = {
    name_case("0b3c2f6e-77aa-4d6e-9df1-4f1f4d0ab001", 1, "UUID"),
    name_case("a/b", 1, "slash, it is no path"),
    name_case(" ", 1, "a space"),
    name_case("ger\xc3\xa4t", 1, "UTF-8"),
    name_case("\xc2\xa0", 1, "U+00A0, behind the control characters"),
    name_case("\xc3\x80", 1, "80 as second byte of another character"),
    name_case("", 0, "empty"),
    name_case("a\0", 0, "NUL"),
    name_case("a\tb", 0, "tab"),
    name_case("a\r\nX-Header: b", 0, "CR LF"),
    name_case("\x1f", 0, "1F"),
    name_case("\x7f", 0, "DEL"),
    name_case("\xc2\x80", 0, "U+0080"),
    name_case("\xc2\x9f", 0, "U+009F"),
    name_case("\xff", 0, "not UTF-8")
};


static const name_case_t  label_cases[] = {
    name_case("production", 1, "a word"),
    name_case("production-1.2.3", 1, "versioned channel"),
    name_case("prod 1+2", 1, "space and plus inside"),
    name_case("..", 1, "dots, it is no path"),
    name_case("x", 1, "one character"),
    name_case("", 0, "empty"),
    name_case(" ", 0, "a space"),
    name_case(" a", 0, "begins with a space"),
    name_case("a ", 0, "ends with a space"),
    name_case("a\nb", 0, "line feed"),
    name_case("a\xc2\x85z", 0, "U+0085"),
    name_case("\xc3", 0, "not UTF-8")
};


static const href_case_t  href_cases[] = {
    { "index.html", NULL },
    { "assets/a+b.js", NULL },
    { "sp ace/\xc3\xbcn\xc3\xaf&.css", NULL },
    { ".well-known/x", NULL },
    { "...", NULL },
    { "a/.../b", NULL },
    { "..a/b..", NULL },
    { "a/.b/c.", NULL },
    { "%2e%2e/x", NULL },
    { "1:/x", NULL },
    { "ab:c", NULL },
    { "~/x", NULL },
    { "a", NULL },
    { "", "is an empty path" },
    { "/", "begins with a slash" },
    { "/etc/passwd", "begins with a slash" },
    { "/" "/host/x", "begins with a slash" },
    { "a/", "has an empty segment" },
    { "a/" "/b", "has an empty segment" },
    { ".", "\".\" or \"..\"" },
    { "..", "\".\" or \"..\"" },
    { "../x", "\".\" or \"..\"" },
    { "./x", "\".\" or \"..\"" },
    { "a/../b", "\".\" or \"..\"" },
    { "a/./b", "\".\" or \"..\"" },
    { "a/..", "\".\" or \"..\"" },
    { "a/.", "\".\" or \"..\"" },
    { "a\\b", "contains a backslash" },
    { "..\\x", "contains a backslash" },
    { "C:/x", "begins with a drive letter" },
    { "c:x", "begins with a drive letter" },
    { "z:", "begins with a drive letter" },
    { "a\nb", "contains a control character" },
    { "a/\x7f", "contains a control character" },
    { "\x01", "contains a control character" },
    { "a\xff", "is not UTF-8" },
    { "\xc0\xae\xc0\xae/x", "is not UTF-8" }
};


static const href_case_t  file_cases[] = {
    { "a", NULL },
    { "app.exe", NULL },
    { "My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe", NULL },
    { "my-app-1.0.0-build-231113r6n9icu7f.AppImage.blockmap", NULL },
    { "it's \"100 %\" & more; <b>?#*|:~$.exe", NULL },
    { "%2e%2e%2f", NULL },
    { "f\xc3\xbcr \xe6\xbc\xa2 \xf0\x9f\x98\x80.dmg", NULL },
    { "C:", NULL },
    { "-rf", NULL },
    { " a ", NULL },
    { "a.", NULL },
    { "a.b.c.", NULL },
    { "", "is an empty file name" },
    { ".", "begins with a dot" },
    { "..", "begins with a dot" },
    { "...", "begins with a dot" },
    { ".a", "begins with a dot" },
    { ".htaccess", "begins with a dot" },
    { "a..b", "with \"..\"" },
    { "a..", "with \"..\"" },
    { "a/b", "a slash or a backslash" },
    { "/", "a slash or a backslash" },
    { "a/", "a slash or a backslash" },
    { "a\\b", "a slash or a backslash" },
    { "a\nb", "a control character" },
    { "a\r\n", "a control character" },
    { "\t", "a control character" },
    { "\x1f", "a control character" },
    { "a\x7f", "a control character" },
    { "a\xff", "is not UTF-8" },
    { "\xc0\xae\xc0\xae", "is not UTF-8" },
    { "\xc0\xaf", "is not UTF-8" },
    { "\xed\xa0\x80", "is not UTF-8" }
};


static const url_case_t  url_cases[] = {
    { "a.exe", "a.exe", NULL },
    { "My App.exe", "My App.exe", NULL },
    { "My%20App.exe", "My App.exe", NULL },
    { "f%C3%bcr.dmg", "f\xc3\xbcr.dmg", NULL },
    { "x/y/a.exe", "a.exe", NULL },
    { "/a.exe", "a.exe", NULL },
    { "./a.exe", "a.exe", NULL },
    { "../../a.exe", "a.exe", NULL },
    { "https:/" "/h.example/a.exe", "a.exe", NULL },
    { "https:/" "/h.example:8443/x/a.exe", "a.exe", NULL },
    { "https:/" "/h.example/x/My%20App.exe?a=b/c", "My App.exe", NULL },
    { "https:/" "/h.example/a.exe#/b.exe", "a.exe", NULL },
    { "/" "/h.example/a.exe", "a.exe", NULL },
    { "x/" "/h.example", "h.example", NULL },
    { "a.exe?", "a.exe", NULL },
    { "a.exe#b?c", "a.exe", NULL },
    { "a%3fb%23c.exe", "a?b#c.exe", NULL },
    { "a+b.exe", "a+b.exe", NULL },
    { "c:a.exe", "c:a.exe", NULL },
    { "%", "%", NULL },
    { "%4", "%4", NULL },
    { "%4g", "%4g", NULL },
    { "%%41", "%A", NULL },
    { "100%.exe", "100%.exe", NULL },
    { "100%25.exe", "100%.exe", NULL },
    { "%2541", "%41", NULL },
    { "", "", "names no file" },
    { "/", "/", "names no file" },
    { "x/", "x/", "names no file" },
    { "?a", "?a", "names no file" },
    { "#a", "#a", "names no file" },
    { "x/?a.exe", "x/?a.exe", "names no file" },
    { "https:/" "/h.example", "https:/" "/h.example", "names no file" },
    { "https:/" "/h.example/", "https:/" "/h.example/", "names no file" },
    { "https:/" "/h.example?a", "https:/" "/h.example?a", "names no file" },
    { "/" "/h.example", "/" "/h.example", "names no file" },
    { "..", "..", "begins with a dot" },
    { "x/..", "..", "begins with a dot" },
    { "https:/" "/h.example/x/..", "..", "begins with a dot" },
    { "%2e%2E", "..", "begins with a dot" },
    { "%2ehidden", ".hidden", "begins with a dot" },
    { "a%2fb", "a/b", "a slash or a backslash" },
    { "..%2Fa", "../a", "begins with a dot" },
    { "x%2f..%2Fa", "x/../a", "a slash or a backslash" },
    { "a%5cb", "a\\b", "a slash or a backslash" },
    { "a\\b", "a\\b", "a slash or a backslash" },
    { "a%0Ab", "a\nb", "a control character" },
    { "%ff", "\xff", "is not UTF-8" },
    { "%c0%ae", "\xc0\xae", "is not UTF-8" }
};


static void
test_cases(const char *room, int (*valid)(const lu_str_t *str),
    const name_case_t *cases, size_t n)
{
    size_t          i;
    unsigned char  *copy;
    lu_str_t        str;

    for (i = 0; i < n; i++) {

        /* of exactly that size, so that a byte too far is noticed */

        copy = malloc(cases[i].len);
        memcpy(copy, cases[i].text, cases[i].len);

        str.len = cases[i].len;
        str.data = copy;

        ok(valid(&str) == cases[i].valid, "%s: %s", room, cases[i].what);

        free(copy);
    }

    str.len = 0;
    str.data = NULL;

    ok(!valid(&str), "%s: no data", room);
}


static void
test_length(const char *room, int (*valid)(const lu_str_t *str), size_t max)
{
    char      buf[256];
    lu_str_t  str;

    memset(buf, 'a', sizeof(buf));

    str.data = (unsigned char *) buf;

    str.len = max;
    ok(valid(&str), "%s: longest", room);

    str.len = max + 1;
    ok(!valid(&str), "%s: too long", room);
}


static void
test_href(void)
{
    char            href[1100];
    size_t          i;
    unsigned char  *copy;
    lu_rc_e         rc;
    lu_str_t        str;
    lu_error_t      err;

    for (i = 0; i < sizeof(href_cases) / sizeof(href_cases[0]); i++) {
        str.len = strlen(href_cases[i].href);

        copy = malloc(str.len);
        memcpy(copy, href_cases[i].href, str.len);
        str.data = copy;

        err.text = NULL;
        err.subject.data = NULL;

        rc = lu_name_href_check(&str, &err);

        if (href_cases[i].reason == NULL) {
            ok(rc == LU_OK && err.text == NULL, "href: \"%s\"",
               href_cases[i].href);

        } else {
            ok(rc == LU_INVALID
               && strstr(err.text, href_cases[i].reason) != NULL
               && err.subject.data == copy
               && err.subject.len == str.len,
               "href: case %d %s", (int) i, href_cases[i].reason);
        }

        free(copy);
    }

    str.len = 3;
    str.data = (unsigned char *) "a\0b";

    ok(lu_name_href_check(&str, &err) == LU_INVALID
       && strstr(err.text, "control"), "href: NUL inside");

    memset(href, 'a', sizeof(href));
    str.data = (unsigned char *) href;

    str.len = 255;
    ok(lu_name_href_check(&str, &err) == LU_OK, "href: segment of 255 bytes");

    str.len = 256;
    ok(lu_name_href_check(&str, &err) == LU_INVALID
       && strstr(err.text, "255"), "href: segment of 256 bytes");

    for (i = 200; i < sizeof(href); i += 200) {
        href[i] = '/';
    }

    str.len = 1024;
    ok(lu_name_href_check(&str, &err) == LU_OK,
       "href: 1024 bytes");

    str.len = 1025;
    ok(lu_name_href_check(&str, &err) == LU_INVALID
       && strstr(err.text, "1024"), "href: 1025 bytes");

    memset(href + 401, 'b', 256);
    href[657] = '/';
    str.len = 700;
    ok(lu_name_href_check(&str, &err) == LU_INVALID
       && strstr(err.text, "255"), "href: a long segment inside");
}


static void
test_file_name(void)
{
    char            name[257];
    size_t          i;
    unsigned char  *copy;
    lu_rc_e         rc;
    lu_str_t        str;
    lu_error_t      err;

    for (i = 0; i < sizeof(file_cases) / sizeof(file_cases[0]); i++) {
        str.len = strlen(file_cases[i].href);

        copy = malloc(str.len + (str.len == 0));
        memcpy(copy, file_cases[i].href, str.len);
        str.data = copy;

        err.text = NULL;
        err.subject.data = NULL;

        rc = lu_name_file_check(&str, &err);

        if (file_cases[i].reason == NULL) {
            ok(rc == LU_OK && err.text == NULL, "file name: \"%s\"",
               file_cases[i].href);

        } else {
            ok(rc == LU_INVALID
               && strstr(err.text, file_cases[i].reason) != NULL
               && err.subject.data == copy
               && err.subject.len == str.len,
               "file name: case %d %s", (int) i, file_cases[i].reason);
        }

        free(copy);
    }

    str.len = 7;
    str.data = (unsigned char *) "a.e\0xe";

    ok(lu_name_file_check(&str, &err) == LU_INVALID
       && strstr(err.text, "control"), "file name: NUL inside");

    str.len = 0;
    str.data = NULL;
    ok(lu_name_file_check(&str, &err) == LU_INVALID, "file name: no data");

    memset(name, 'a', sizeof(name));
    str.data = (unsigned char *) name;

    str.len = 255;
    ok(lu_name_file_check(&str, &err) == LU_OK, "file name: 255 bytes");

    str.len = 256;
    ok(lu_name_file_check(&str, &err) == LU_INVALID
       && strstr(err.text, "255"), "file name: 256 bytes");
}


static void
test_url(void)
{
    char            url[800];
    size_t          i;
    unsigned char  *copy;
    lu_rc_e         rc;
    lu_str_t        str, name;
    lu_error_t      err;

    for (i = 0; i < sizeof(url_cases) / sizeof(url_cases[0]); i++) {
        str.len = strlen(url_cases[i].url);

        copy = malloc(str.len + (str.len == 0));
        memcpy(copy, url_cases[i].url, str.len);
        str.data = copy;

        err.text = NULL;
        name = tap_str("");

        rc = lu_name_file_of_url(&tap_arena, &str, &name, &err);

        if (url_cases[i].reason == NULL) {
            ok(rc == LU_OK
               && err.text == NULL
               && lu_str_is(&name, url_cases[i].name)
               && name.data[name.len] == '\0',
               "url: \"%s\"", url_cases[i].url);

        } else {
            ok(rc == LU_INVALID
               && strstr(err.text, url_cases[i].reason) != NULL
               && lu_str_is(&err.subject, url_cases[i].name),
               "url: case %d %s", (int) i, url_cases[i].reason);
        }

        free(copy);
    }

    str.len = 0;
    str.data = NULL;
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_INVALID, "url: no data");

    str.len = 7;
    str.data = (unsigned char *) "a\0b.exe";
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_INVALID && strstr(err.text, "control"), "url: NUL inside");

    str = tap_str("a%00.exe");
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_INVALID && strstr(err.text, "control"), "url: NUL encoded");

    for (i = 0; i < 256; i++) {
        memcpy(url + 3 * i, "%61", 3);
    }

    str.data = (unsigned char *) url;

    str.len = 3 * 255;
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_OK && name.len == 255, "url: 255 bytes, encoded");

    str.len = 3 * 256;
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_INVALID && strstr(err.text, "255"), "url: 256 bytes, encoded");

    tap_left = 0;
    ok(lu_name_file_of_url(&tap_arena, &str, &name, &err)
       == LU_NOMEM, "url: no memory");
    tap_left = -1;

    tap_free();
}


static void
test_fold(void)
{
    size_t    i;
    char      id[64];
    lu_str_t  str;

    static const struct {
        const char  *id;
        const char  *folded;
    } cases[] = {
        { "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A10",
          "0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10" },
        { "0b3c8e1e-5b1A-4f0e-9a51-2f0e4d9b8a1F",
          "0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a1f" },
        { "0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10", NULL },
        { "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A1", NULL },
        { "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A100", NULL },
        { "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A1G", NULL },
        { "0B3C8E1E05B1A-4F0E-9A51-2F0E4D9B8A10", NULL },
        { "0B3C8E1E-5B1A-4F0E-9A51--F0E4D9B8A10", NULL },
        { "DEVICE", NULL },
        { "", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(id, cases[i].id);
        str = lu_str(id);
        lu_name_device_id_fold(&str);

        ok(lu_str_is(&str, cases[i].folded ? cases[i].folded : cases[i].id),
           "device id folded: \"%s\"", cases[i].id);
    }
}


/* Any byte, anywhere in a UUID. */

static void
test_fold_bytes(void)
{
    int            failed, is_uuid;
    size_t         i;
    unsigned       c;
    lu_str_t       str;
    unsigned char  id[LU_UUID_LEN];

    static const unsigned char  uuid[] = "0B3C8E1E-5B1A-4F0E-9A51-2F0E4D9B8A1F";

    failed = 0;

    for (i = 0; i < LU_UUID_LEN; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(id, uuid, LU_UUID_LEN);
            id[i] = (unsigned char) c;

            is_uuid = (uuid[i] == '-') ? c == '-'
                                       : c != 0 && strchr("0123456789abcdef"
                                                          "ABCDEF", (int) c);

            str.len = LU_UUID_LEN;
            str.data = id;

            lu_name_device_id_fold(&str);

            /* a letter that has stayed */

            failed += (id[i == 35 ? 1 : 35]
                       != (i == 35 ? 'B' : 'F') + (is_uuid ? 0x20 : 0));
        }
    }

    ok(failed == 0, "bytes of device ids folded, %d failed", failed);
}


int
main(void)
{
    test_cases("id", lu_name_id_valid, id_cases,
               sizeof(id_cases) / sizeof(id_cases[0]));
    test_cases("machine", lu_name_machine_valid, machine_cases,
               sizeof(machine_cases) / sizeof(machine_cases[0]));
    test_cases("release", lu_name_release_valid, release_cases,
               sizeof(release_cases) / sizeof(release_cases[0]));
    test_cases("device id", lu_name_device_id_valid, device_cases,
               sizeof(device_cases) / sizeof(device_cases[0]));
    test_cases("label", lu_name_label_valid, label_cases,
               sizeof(label_cases) / sizeof(label_cases[0]));

    test_length("id", lu_name_id_valid, 64);
    test_length("release", lu_name_release_valid, 64);
    test_length("machine", lu_name_machine_valid, 64);
    test_length("device id", lu_name_device_id_valid, 128);
    test_length("label", lu_name_label_valid, 128);

    test_fold();
    test_fold_bytes();
    test_href();
    test_file_name();
    test_url();

    return tap_done();
}
