
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_query.c"


typedef struct {
    const char  *args;
    const char  *pairs;             /* as "name|value;" */
} pairs_case_t;


typedef struct {
    const char  *src;
    int          plus_is_space;
    const char  *decoded;           /* NULL: refused */
} decode_case_t;


static const pairs_case_t  pairs_cases[] = {
    { "", "" },
    { "&", "" },
    { "&&&", "" },
    { "a", "a|;" },
    { "a=", "a|;" },
    { "a=1", "a|1;" },
    { "a=1&b=2", "a|1;b|2;" },
    { "a&b", "a|;b|;" },
    { "&&a=1&&b=2&&", "a|1;b|2;" },
    { "a=1=2", "a|1=2;" },
    { "=x", "|x;" },
    { "=", "|;" },
    { "uploadId=up+1/a==", "uploadId|up+1/a==;" },
    { "a=1;b=2", "a|1;b=2;" },
    { "appVersionCode=84&appVersionName=1.0.13&bundleId&channelName&customId"
      "&deviceId=0b3c&osVersion=34&platform=0&pluginVersion=8.4.1",
      "appVersionCode|84;appVersionName|1.0.13;bundleId|;channelName|;"
      "customId|;deviceId|0b3c;osVersion|34;platform|0;"
      "pluginVersion|8.4.1;" }
};


static const decode_case_t  decode_cases[] = {
    { "", 0, "" },
    { "plain", 0, "plain" },
    { "a+b", 0, "a+b" },
    { "a+b", 1, "a b" },
    { "a%2Bb", 1, "a+b" },
    { "a%2bb", 0, "a+b" },
    { "prod+1%2B2", 1, "prod 1+2" },
    { "assets%2Fa%2Bb.js", 0, "assets/a+b.js" },
    { "sp%20ace/%C3%BCn%C3%AF%26.css", 0, "sp ace/\xc3\xbcn\xc3\xaf&.css" },
    { "%41%5a%61%7A%30%39", 0, "AZaz09" },
    { "%fF", 0, "\xff" },
    { "%25", 0, "%" },
    { "%2541", 0, "%41" },
    { "%01", 0, "\x01" },
    { "%", 0, NULL },
    { "%4", 0, NULL },
    { "a%", 0, NULL },
    { "a%4", 1, NULL },
    { "%4g", 0, NULL },
    { "%g4", 0, NULL },
    { "%%41", 0, NULL },
    { "%-1", 0, NULL },
    { "% 1", 0, NULL },
    { "%0x", 0, NULL },
    { "%1/", 0, NULL },
    { "%1:", 0, NULL },
    { "%1@", 0, NULL },
    { "%1G", 0, NULL },
    { "%1`", 0, NULL },
    { "%\x11\x12", 0, NULL },
    { "%00", 0, NULL },
    { "a%00b", 0, NULL }
};


static lu_str_t
exact(const char *text)
{
    lu_str_t  str;

    str.len = strlen(text);
    str.data = malloc(str.len);
    memcpy(str.data, text, str.len);

    return str;
}


static void
test_next(void)
{
    char      pairs[512];
    size_t    i;
    lu_str_t  args, rest, name, value;

    for (i = 0; i < sizeof(pairs_cases) / sizeof(pairs_cases[0]); i++) {
        args = exact(pairs_cases[i].args);
        rest = args;
        pairs[0] = '\0';

        while (lu_query_next(&rest, &name, &value)) {
            snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs),
                     "%.*s|%.*s;", (int) name.len, (char *) name.data,
                     (int) value.len, (char *) value.data);
        }

        /* "a=1;b=2" is one pair, its semicolon stays */

        ok(strcmp(pairs, pairs_cases[i].pairs) == 0 && rest.len == 0,
           "pairs of \"%s\"", pairs_cases[i].args);

        free(args.data);
    }

    rest.len = 0;
    rest.data = NULL;

    ok(lu_query_next(&rest, &name, &value) == 0, "no data");
}


static void
test_values(void)
{
    char      found[512];
    size_t    i, n;
    lu_str_t  args, values[3];

    static const lu_str_t  names[] = {
        lu_string("deviceId"), lu_string("pluginVersion"), lu_string("id")
    };

    static const struct {
        const char  *args;
        const char  *found;
    } cases[] = {
        { "", "||" },
        { "&", "||" },
        { "deviceId=1", "1||" },
        { "deviceId=1&pluginVersion=2&id=3", "1|2|3" },
        { "&&deviceId=1&&pluginVersion=2&&id=3&&", "1|2|3" },
        { "id=3&pluginVersion=2&deviceId=1", "1|2|3" },
        { "x=0&deviceId=1&y&pluginVersion=2&z=&id=3", "1|2|3" },
        { "deviceId&pluginVersion&id", "||" },
        { "deviceId=&pluginVersion=&id=", "||" },
        { "deviceId=1&pluginVersion&id=3", "1||3" },
        { "deviceId=1&deviceId=2&id=3&id=4", "1||3" },
        { "deviceId&deviceId=&deviceId=1&id=&id=4", "1||4" },
        { "deviceId=a=b&id==", "a=b||=" },
        { "deviceId", "||" },
        { "deviceIds=1&devicdId=2&DeviceId=3&deviceIe=4&eviceId=5", "||" },
        { "x&pluginVersiom=1&plugimVersion=2&pluginVersion=3", "|3|" },
        { "x&pluginVersion", "||" },
        { "x&pluginVersion=", "||" },
        { "x&pluginVersion=1", "|1|" },
        { "x&ie=1&jd=2&id=3", "||3" },
        { "deviceId=0123456789abcdef&pluginVersion=2", "0123456789abcdef|2|" },
        { "deviceId=0123456789abcde&pluginVersion=fedcba9876543210&id=3",
          "0123456789abcde|fedcba9876543210|3" },
        { "deviceId=0123456789abcdef0123456789abcdef&id=0123456789abcdefg",
          "0123456789abcdef0123456789abcdef||0123456789abcdefg" },
        { "%64eviceId=1&id=%31", "||%31" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        args = exact(cases[i].args);

        lu_query_values(&args, names, 3, values);

        found[0] = '\0';

        for (n = 0; n < 3; n++) {
            snprintf(found + strlen(found), sizeof(found) - strlen(found),
                     "%s%.*s", n ? "|" : "", (int) values[n].len,
                     values[n].len ? (char *) values[n].data : "");
        }

        ok(strcmp(found, cases[i].found) == 0, "values in \"%s\"",
           cases[i].args);

        free(args.data);
    }
}


static void
test_find(void)
{
    lu_str_t  args, value;

    args = exact("x&bundleId&appId=1&bundleId=2&%61=3&%=4&b%00=5&c+d=6");

    ok(lu_query_find(&args, "appId", &value) == 1
       && lu_str_is(&value, "1"), "a value");

    ok(lu_query_find(&args, "bundleId", &value) == 1
       && value.len == 0, "the first of two, bare");

    ok(lu_query_find(&args, "x", &value) == 1
       && value.len == 0, "the first pair");

    ok(lu_query_find(&args, "appid", &value) == 0
       && value.len == 0, "another case");

    ok(lu_query_find(&args, "app", &value) == 0
       && value.len == 0, "a prefix of a name");

    ok(lu_query_find(&args, "appIds", &value) == 0
       && value.len == 0, "longer than a name");

    ok(lu_query_find(&args, "a", &value) == 1
       && lu_str_is(&value, "3"), "an encoded name");

    ok(lu_query_find(&args, "%", &value) == 0, "a malformed name");

    ok(lu_query_find(&args, "b", &value) == 0, "a name with NUL");

    ok(lu_query_find(&args, "c d", &value) == 0
       && lu_query_find(&args, "c+d", &value) == 1
       && lu_str_is(&value, "6"), "a plus in a name");

    free(args.data);

    args.len = 0;
    args.data = NULL;
    value.len = 1;

    ok(lu_query_find(&args, "a", &value) == 0 && value.len == 0, "no data");
}


static void
test_decode(void)
{
    size_t                i;
    unsigned char        *dst;
    lu_rc_e               rc;
    lu_str_t              src, out;
    const decode_case_t  *one;

    for (i = 0; i < sizeof(decode_cases) / sizeof(decode_cases[0]); i++) {
        one = &decode_cases[i];
        src = exact(one->src);
        dst = malloc(src.len);

        rc = lu_query_decode(&out, dst, &src, one->plus_is_space);

        if (one->decoded) {
            ok(rc == LU_OK
               && out.data == dst
               && lu_str_is(&out, one->decoded),
               "decode \"%s\"", one->src);

        } else {
            ok(rc == LU_INVALID, "refuse case %d", (int) i);
        }

        /* the same in place, into its own string */

        rc = lu_query_decode(&src, src.data, &src,
                             one->plus_is_space);

        if (one->decoded) {
            ok(rc == LU_OK && lu_str_is(&src, one->decoded),
               "decode \"%s\" in place", one->src);

        } else {
            ok(rc == LU_INVALID, "refuse case %d in place", (int) i);
        }

        free(src.data);
        free(dst);
    }

    src.len = 0;
    src.data = NULL;

    ok(lu_query_decode(&out, NULL, &src, 0) == LU_OK
       && out.len == 0, "no data");
}


static void
test_number(void)
{
    size_t    i;
    lu_rc_e   rc;
    uint64_t  n;
    lu_str_t  args;

    static const struct {
        const char  *args;
        lu_rc_e      rc;
        uint64_t     n;
    } cases[] = {
        { "", LU_NOT_FOUND, 0 },
        { "limits=1", LU_NOT_FOUND, 0 },
        { "limit=0", LU_OK, 0 },
        { "a=b&limit=17&limit=x", LU_OK, 17 },
        { "limit=%31%37", LU_OK, 17 },
        { "%6cimit=007", LU_OK, 7 },
        { "limit=9223372036854775807", LU_OK, INT64_MAX },
        { "limit=9223372036854775808", LU_INVALID, 0 },
        { "limit=99999999999999999999", LU_INVALID, 0 },
        { "limit", LU_INVALID, 0 },
        { "limit=", LU_INVALID, 0 },
        { "limit=x", LU_INVALID, 0 },
        { "limit=1x", LU_INVALID, 0 },
        { "limit=-1", LU_INVALID, 0 },
        { "limit=+1", LU_INVALID, 0 },
        { "limit=1.0", LU_INVALID, 0 },
        { "limit=1e3", LU_INVALID, 0 },
        { "limit=0x10", LU_INVALID, 0 },
        { "limit=%201", LU_INVALID, 0 },
        { "limit=1%00", LU_INVALID, 0 },
        { "limit=1%", LU_INVALID, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        args = tap_str(cases[i].args);
        n = 0;
        rc = lu_query_number(&args, "limit", &n);

        ok(rc == cases[i].rc && (rc != LU_OK || n == cases[i].n),
           "number: \"%s\"", cases[i].args);
    }
}


int
main(void)
{
    test_number();
    test_next();
    test_values();
    test_find();
    test_decode();

    return tap_done();
}
