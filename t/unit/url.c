
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_url.c"


#define TEN(text)                                                             \
    text text text text text text text text text text


static const char  *valid[] = {
    "https://example.com",
    "HTTPS://Example.com/",
    "http://example.com:8080/a%20b.zip?x=1&y=%C3%BC#top",
    "https://user:pass@example.com/x",
    "https://192.0.2.1/x",
    "https://[2001:db8::1]:443/x",
    "https://[v1.a:b]/x",
    "https://example.com:65535",
    "https://a/;,=!$&'()*+@:~-._/?/?",
    "https://b%C3%BCcher.example/",
    "https://example.com?x#y",
    NULL
};


static const char  *invalid[] = {
    "",
    "https://",
    "http://",
    "https:/x",
    "https:///y.zip",
    "https://?a",
    "https://#a",
    "https://:80/",
    "https://@/x",
    "https://x:/y",
    "https://x:0/y",
    "https://x:99999/y",
    "https://x:123456/y",
    "https://x:y/y",
    "https://x:80:80/y",
    "https://[]/x",
    "https://[::1/x",
    "https://[::1]x/",
    "https://::1/x",
    "https://[%31]x/",
    "https://a@b@c/",
    "https://a b/",
    "https://x/a b",
    "https://x/%",
    "https://x/%2",
    "https://x/%zz",
    "https://x/%2g",
    "https://x/a[b].zip",
    "https://x/a|b",
    "https://x/\"a\"",
    "https://x/<a>",
    "https://x/\\a",
    "https://x/^",
    "https://x/`",
    "https://x/{a}",
    "https://x/\xc3\xbc",
    "https://x/\x7f",
    "https://x/\n",
    "https://x/#a#b",
    "https://x/?[",
    "ftp://example.com/",
    "//example.com/",
    "/x.zip",
    "example.com",
    NULL
};


static int
is_valid(const char *text)
{
    int       rc;
    lu_str_t  url;

    /* not a byte behind it */

    url.len = strlen(text);
    url.data = malloc(url.len + 1);
    memcpy(url.data, text, url.len);
    url.data = realloc(url.data, url.len ? url.len : 1);

    rc = lu_url_valid(&url);

    free(url.data);

    return rc;
}


int
main(void)
{
    size_t    i;
    lu_str_t  url;

    for (i = 0; valid[i]; i++) {
        ok(is_valid(valid[i]), "valid: %s", valid[i]);
    }

    for (i = 0; invalid[i]; i++) {
        ok(!is_valid(invalid[i]), "invalid, number %zu", i);
    }

    ok(is_valid("https://x/" TEN(TEN("01234567890123456789")) "01234567890123"
                TEN("01")), "2,044 bytes");
    ok(!is_valid("https://x/" TEN(TEN("01234567890123456789"))
                 TEN("01234")), "2,060 bytes");

    url.len = 11;
    url.data = (unsigned char *) "https://x/\0";
    ok(!lu_url_valid(&url), "a zero byte in the path");

    url.len = 10;
    url.data = (unsigned char *) "https://\0/";
    ok(!lu_url_valid(&url), "and in the host");

    return tap_done();
}
