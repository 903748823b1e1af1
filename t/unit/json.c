
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap_json.h"
#include "../../src/core/lu_json.c"


typedef struct {
    const char  *text;
    size_t       len;
    const char  *reason;            /* a part of it; NULL: accepted */
    const char  *subject;           /* NULL: there is none */
} json_case_t;

#define accepted(text)                 { text, sizeof(text) - 1, NULL, NULL }
#define refused(text, reason)          { text, sizeof(text) - 1, reason, NULL }
#define shown(text, reason, subject)                                          \
    { text, sizeof(text) - 1, reason, subject }

#define json_str(text)                                                        \
    { sizeof(text) - 1, (unsigned char *) text }

#define TEN(text)                                                             \
    text text text text text text text text text text


static const json_case_t  json_cases[] = {
    accepted("{}"),
    accepted("[]"),
    accepted("\"\""),
    accepted("null"),
    accepted("true"),
    accepted("false"),
    accepted("0"),
    accepted("-0"),
    accepted("-1"),
    accepted("10"),
    accepted("0.5"),
    accepted("1.25e+10"),
    accepted("1E-5"),
    accepted("0e0"),
    accepted("1e308"),
    accepted("1.79769313486231e308"),
    accepted("-1.79769313486231e308"),
    accepted("1e-999"),
    accepted(" \t\r\n[ 1 , 2 , { \"a\" : null } ] \r\n\t "),
    accepted("{\"a\":1,\"A\":2,\"\":3}"),
    accepted("{\"a\":{\"a\":{\"a\":1}}}"),
    accepted("[{\"a\":1},{\"a\":1}]"),
    accepted("[[],{},[[]]]"),
    accepted("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    accepted("\"\\u0001\\u001f\\u00e9\\uFFFF\\ud7ff\\ue000\""),
    accepted("\"\\ud83d\\ude00 \\uDBFF\\uDFFF \\ud800\\udc00\""),
    accepted("\"\x7f \xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\""),
    accepted("\"\\\\u0000\""),
    accepted("\"\xef\xbb\xbf\""),
    accepted("123456789012345678901234567890123456789012345678901234567890123"),
    accepted("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
             "\"h\":1,\"i\":1,\"j\":1}"),

    refused("", "is empty"),
    refused(" ", "ends too early"),
    refused("\n\n", "ends too early"),
    refused("[", "ends too early"),
    refused("[1", "ends too early"),
    refused("[1,", "ends too early"),
    refused("{", "ends too early"),
    refused("{\"a\"", "ends too early"),
    refused("{\"a\":", "ends too early"),
    refused("{\"a\":1", "ends too early"),
    refused("{\"a\":1,", "ends too early"),
    refused("\"", "ends too early"),
    refused("\"abc", "ends too early"),
    refused("\"abc\\", "ends too early"),
    refused("\"abc\\\"", "ends too early"),
    refused("-", "is expected"),
    refused("tru", "is expected"),
    refused("nul", "is expected"),

    refused("\xef\xbb\xbf{}", "byte order mark"),
    refused("\xef\xbb\xbf", "byte order mark"),
    refused("\"\xff\"", "not UTF-8"),
    refused("\"\xc0\xaf\"", "not UTF-8"),
    refused("\"\xed\xa0\x80\"", "not UTF-8"),
    refused("\"\xc3\"", "not UTF-8"),
    refused("[1]\x80", "not UTF-8"),

    refused("\"a\0b\"", "contains a control character; it"),
    refused("\"a\nb\"", "contains a control character; it"),
    refused("\"\t\"", "contains a control character; it"),
    refused("\"\x1f\"", "contains a control character; it"),
    refused("{\"a\x01\":1}", "contains a control character; it"),
    refused("{}\0", "outside of strings"),
    refused("[\0]", "outside of strings"),
    refused("\x01{}", "outside of strings"),
    refused("[1\f,2]", "outside of strings"),
    refused("[1\v]", "outside of strings"),
    refused("\b1", "outside of strings"),
    refused("\x7f", "outside of strings"),

    refused("\"\\u0000\"", "\\u0000"),
    refused("{\"a\\u0000b\":1}", "\\u0000"),
    refused("\"a\\u0000../../etc\"", "\\u0000"),
    shown("\"\\ud800\"", "surrogate", "\\ud800\""),
    shown("\"\\udc00\"", "surrogate", "\\udc00\""),
    shown("\"\\udfff\\ud800\"", "surrogate", "\\udfff\\ud800\""),
    shown("\"\\ud800\\ud800\"", "surrogate", "\\ud800\\ud800\""),
    shown("\"\\udc00\\udc00\"", "surrogate", "\\udc00\\udc00\""),
    shown("\"\\ud800\\ue000\"", "surrogate", "\\ud800\\ue000\""),
    shown("\"\\ud800\\ndc00\"", "surrogate", "\\ud800\\ndc00\""),
    shown("\"\\ud800xudc00\"", "surrogate", "\\ud800xudc00\""),
    shown("\"\\ud800\\u0041\"", "surrogate", "\\ud800\\u0041\""),
    shown("\"\\udbff\\n\"", "surrogate", "\\udbff\\n\""),
    shown("\"\\ud800\\u\"", "surrogate", "\\ud800\\u\""),
    shown("\"\\ud800", "surrogate", "\\ud800"),
    shown("\"\\u\"", "four hex digits", "\\u\""),
    shown("\"\\u12\"", "four hex digits", "\\u12\""),
    shown("\"\\u12g4\"", "four hex digits", "\\u12g4\""),
    shown("\"\\uzzzz\"", "four hex digits", "\\uzzzz\""),
    shown("\"\\u-001\"", "four hex digits", "\\u-001\""),
    shown("\"\\u123", "four hex digits", "\\u123"),
    shown("\"\\x41\"", "an escape", "\\x41\""),
    shown("\"\\U0041\"", "an escape", "\\U0041\""),
    shown("\"\\'\"", "an escape", "\\'\""),
    shown("\"\\\n\"", "an escape", "\\"),

    shown("01", "leading zeroes", "01"),
    shown("[01]", "leading zeroes", "01]"),
    shown("-01", "leading zeroes", "-01"),
    shown("00", "leading zeroes", "00"),
    shown("[00.5]", "leading zeroes", "00.5]"),
    shown("1.", "lacks digits", "1."),
    shown("[1.e5]", "lacks digits", "1.e5]"),
    shown("1e", "lacks digits", "1e"),
    shown("1e+", "lacks digits", "1e+"),
    shown("[1E-]", "lacks digits", "1E-]"),
    shown(".5", "is expected", ".5"),
    shown("-.5", "is expected", "-.5"),
    shown("+1", "is expected", "+1"),
    shown("--1", "is expected", "--1"),
    shown("0x10", "follows the JSON value", "x10"),
    shown("1d5", "follows the JSON value", "d5"),
    shown("1e5-3", "follows the JSON value", "-3"),
    shown("Infinity", "is expected", "Infinity"),
    shown("-Infinity", "is expected", "-Infinity"),
    shown("NaN", "is expected", "NaN"),
    refused("1e309", "too large for a double"),
    refused("1.7976931348623157e308", "too large for a double"),
    refused("[-1.79769313486232e308]", "too large for a double"),
    refused("{\"a\":[-1e999]}", "too large for a double"),
    shown("12345678901234567890123456789012345678901234567890123456789"
          "01234", "more than 63", "123456789012345678901234"),

    shown("[1 2]", "\",\" or \"]\"", "2]"),
    shown("[1}", "\",\" or \"]\"", "}"),
    shown("[truex]", "\",\" or \"]\"", "x]"),
    shown("{\"a\":1]", "\",\" or \"}\"", "]"),
    shown("{\"a\":1 \"b\":2}", "\",\" or \"}\"", "\"b\":2}"),
    shown("[1,]", "is expected", "]"),
    shown("[,1]", "is expected", ",1]"),
    shown("{\"a\":1,}", "a key in double quotes", "}"),
    shown("{,}", "a key in double quotes", ",}"),
    shown("{a:1}", "a key in double quotes", "a:1}"),
    shown("{'a':1}", "a key in double quotes", "'a':1}"),
    shown("{1:1}", "a key in double quotes", "1:1}"),
    shown("{\"a\" 1}", "\":\" is expected", "1}"),
    shown("{\"a\",1}", "\":\" is expected", ",1}"),
    shown("{\"a\":}", "is expected", "}"),
    shown("'a'", "is expected", "'a'"),
    shown("True", "is expected", "True"),
    shown("/" "/ a\n1", "is expected", "/" "/ a"),
    shown("[1]/* a */", "follows the JSON value", "/* a */"),
    shown("{}{}", "follows the JSON value", "{}"),
    shown("{} x", "follows the JSON value", "x"),
    shown("[]]", "follows the JSON value", "]"),
    shown("\"a\"\"b\"", "follows the JSON value", "\"b\""),
    shown("1 2", "follows the JSON value", "2"),
    shown("[] 12345678901234567890123\xc3\xbc", "follows the JSON value",
          "12345678901234567890123"),
    shown("[] 1234567890123456789012\xc3\xbc!", "follows the JSON value",
          "1234567890123456789012\xc3\xbc"),
    shown("[] 123456789012345678901\xf0\x9f\x98\x80!",
          "follows the JSON value", "123456789012345678901"),

    refused("{\"a\":1,\"a\":2}", "same key twice"),
    refused("{\"a\":1,\"\\u0061\":2}", "same key twice"),
    refused("{\"\":1,\"\":2}", "same key twice"),
    refused("[[{\"x\":{\"b\":1,\"a\":1,\"b\":2}}]]", "same key twice"),
    refused("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
            "\"h\":1,\"i\":1,\"a\":1}", "same key twice"),
    refused("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
            "\"h\":1,\"i\":1,\"\\u0069\":1}", "same key twice"),

    accepted(TEN("[") TEN("[") TEN("[") "[[" "]]" TEN("]") TEN("]") TEN("]")),
    refused(TEN("[") TEN("[") TEN("[") "[[[" "]]]" TEN("]") TEN("]")
            TEN("]"), "nested too deeply"),
    accepted(TEN("{\"a\":") TEN("{\"a\":") TEN("{\"a\":") "{\"a\":{}}"
             TEN("}") TEN("}") TEN("}")),
    refused(TEN("{\"a\":") TEN("{\"a\":") TEN("{\"a\":") "{\"a\":{\"a\":[]}}"
            TEN("}") TEN("}") TEN("}"), "nested too deeply"),
    refused(TEN(TEN("[")), "nested too deeply")
};


static void
test_parse(void)
{
    cJSON              *json;
    size_t              i;
    unsigned char      *copy;
    lu_rc_e             rc;
    lu_str_t            text;
    lu_error_t          err;
    const json_case_t  *one;

    for (i = 0; i < sizeof(json_cases) / sizeof(json_cases[0]); i++) {
        one = &json_cases[i];

        copy = malloc(one->len);
        memcpy(copy, one->text, one->len);

        text.len = one->len;
        text.data = copy;

        json = (cJSON *) &text;
        err.text = NULL;

        rc = lu_json_parse(&json, &text, &err);

        if (one->reason == NULL) {
            ok(rc == LU_OK && json != NULL && err.text == NULL,
               "accepted: case %d", (int) i);

        } else if (one->subject) {
            ok(rc == LU_INVALID
               && json == NULL
               && strstr(err.text, one->reason) != NULL
               && lu_str_is(&err.subject, one->subject), "case %d: \"%s\" %s",
               (int) i, one->subject, one->reason);

        } else {
            ok(rc == LU_INVALID
               && json == NULL
               && strstr(err.text, one->reason) != NULL,
               "refused: case %d %s", (int) i, one->reason);
        }

        if (rc == LU_INVALID && one->reason
            && strstr(err.text, one->reason) == NULL)
        {
            printf("# %.*s %s\n", (int) err.subject.len,
                   (char *) err.subject.data, err.text);
        }

        cJSON_Delete(json);
        free(copy);
    }

    text.len = 0;
    text.data = NULL;

    ok(lu_json_parse(&json, &text, &err) == LU_INVALID
       && json == NULL, "no data");
}


/* Every beginning of a text is refused, none of them is read beyond. */

static void
test_truncated(void)
{
    int             accepted;
    cJSON          *json;
    size_t          n;
    unsigned char  *copy;
    lu_str_t        text;
    lu_error_t      err;
    static const char     whole[] =
        "{\"a\":[1,-2.5e+3,\"\\ud83d\\ude00\\n\xc3\xbc\",true,false,null]}";

    accepted = 0;

    for (n = 0; n < sizeof(whole) - 1; n++) {
        copy = malloc(n);
        memcpy(copy, whole, n);

        text.len = n;
        text.data = copy;

        if (lu_json_parse(&json, &text, &err) != LU_INVALID) {
            printf("# %d bytes\n", (int) n);
            accepted++;
        }

        cJSON_Delete(json);
        free(copy);
    }

    ok(accepted == 0, "truncated");
}


static void
test_members(void)
{
    int       flag;
    cJSON    *json;
    double    number;
    uint64_t  size;
    lu_str_t  str;

    json = tap_json("{\"s\":\"\\u00fc\\u20ac\\ud83d\\ude00\\n\",\"e\":\"\","
                    "\"n\":null,\"t\":true,\"f\":false,\"d\":-0.5,"
                    "\"A\":\"upper\",\"a\":\"lower\",\"o\":{},"
                    "\"l\":[\"x\",1]}");

    ok(lu_json_string(json, "s", &str) == LU_OK
       && lu_str_is(&str, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n")
       && str.data[str.len] == '\0', "string");

    ok(lu_json_string(json, "e", &str) == LU_OK
       && str.len == 0 && str.data != NULL, "empty string");

    ok(lu_json_string(json, "A", &str) == LU_OK
       && lu_str_is(&str, "upper"), "key in upper case");

    ok(lu_json_string(json, "a", &str) == LU_OK
       && lu_str_is(&str, "lower"), "key in lower case");

    str = tap_str("untouched");

    ok(lu_json_string(json, "S", &str) == LU_NOT_FOUND,
       "string: another case");
    ok(lu_json_string(json, "x", &str) == LU_NOT_FOUND, "string: absent");
    ok(lu_json_string(json, "n", &str) == LU_NOT_FOUND, "string: null");
    ok(lu_json_string(json, "d", &str) == LU_INVALID, "string: a number");
    ok(lu_json_string(json, "o", &str) == LU_INVALID, "string: an object");
    ok(lu_json_string(NULL, "s", &str) == LU_NOT_FOUND, "string: no object");
    ok(lu_json_string(cJSON_GetObjectItemCaseSensitive(json, "l"),
                      "s", &str) == LU_NOT_FOUND,
       "string: an array");
    ok(lu_str_is(&str, "untouched"), "string: untouched");

    flag = 7;

    ok(lu_json_bool(json, "x", &flag) == LU_NOT_FOUND
       && lu_json_bool(json, "n", &flag) == LU_NOT_FOUND
       && lu_json_bool(json, "s", &flag) == LU_INVALID
       && lu_json_bool(json, "d", &flag) == LU_INVALID
       && flag == 7, "bool: untouched");
    ok(lu_json_bool(json, "t", &flag) == LU_OK && flag == 1, "true");
    ok(lu_json_bool(json, "f", &flag) == LU_OK && flag == 0, "false");

    number = 7;

    ok(lu_json_number(json, "x", &number) == LU_NOT_FOUND
       && lu_json_number(json, "n", &number) == LU_NOT_FOUND
       && lu_json_number(json, "s", &number) == LU_INVALID
       && lu_json_number(json, "t", &number) == LU_INVALID
       && number > 6.5 && number < 7.5, "number: untouched");
    ok(lu_json_number(json, "d", &number) == LU_OK
       && number > -0.6 && number < -0.4, "number");

    size = 7;

    ok(lu_json_size(json, "x", &size) == LU_NOT_FOUND
       && lu_json_size(json, "n", &size) == LU_NOT_FOUND
       && lu_json_size(json, "s", &size) == LU_INVALID
       && size == 7, "size: untouched");

    ok(lu_json_value(cJSON_GetObjectItemCaseSensitive(json, "l")
                     ->child, &str) == LU_OK
       && lu_str_is(&str, "x"), "value: a string of an array");
    ok(lu_json_value(cJSON_GetObjectItemCaseSensitive(json, "l")
                     ->child->next, &str) == LU_INVALID
       && lu_str_is(&str, "x"), "value: a number");
    ok(lu_json_value(NULL, &str) == LU_INVALID,
       "value: none");

    cJSON_Delete(json);
}


static void
test_size(void)
{
    cJSON    *json;
    char      text[128];
    size_t    i;
    uint64_t  size;
    lu_rc_e   rc;

    static const struct {
        const char  *number;
        lu_rc_e      rc;
        uint64_t     size;
    } cases[] = {
        { "0", LU_OK, 0 },
        { "-0", LU_OK, 0 },
        { "-0.0", LU_OK, 0 },
        { "1", LU_OK, 1 },
        { "1.0", LU_OK, 1 },
        { "1e3", LU_OK, 1000 },
        { "2147483648", LU_OK, 2147483648 },
        { "4294967297", LU_OK, 4294967297 },
        { "9007199254740991", LU_OK, 9007199254740991 },
        { "9007199254740992", LU_OK, 9007199254740992 },
        { "9007199254740994", LU_INVALID, 0 },
        { "18446744073709551616", LU_INVALID, 0 },
        { "1e300", LU_INVALID, 0 },
        { "-1", LU_INVALID, 0 },
        { "-1e300", LU_INVALID, 0 },
        { "0.5", LU_INVALID, 0 },
        { "1e-9", LU_INVALID, 0 },
        { "4503599627370495.5", LU_INVALID, 0 },
        { "\"1\"", LU_INVALID, 0 },
        { "true", LU_INVALID, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "{\"size\":%s}", cases[i].number);

        json = tap_json(text);
        size = 7;

        rc = lu_json_size(json, "size", &size);

        ok(rc == cases[i].rc
           && size == (rc == LU_OK ? cases[i].size : 7),
           "size: %s", cases[i].number);

        cJSON_Delete(json);
    }
}


/* Every allocation fails once, those for sorted keys too. */

static void
test_nomem(void)
{
    cJSON      *json;
    long        n;
    lu_rc_e     rc;
    lu_error_t  err;
    lu_str_t     text = json_str(
        "{\"a\":[1,{\"b\":\"x\"},null],\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
        "\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1}");

    memory_init();

    for (n = 0; n < 1000; n++) {
        memory_left = n;

        rc = lu_json_parse(&json, &text, &err);

        if (rc == LU_OK) {
            break;
        }

        if (rc != LU_NOMEM || json != NULL || memory_used != 0) {
            break;
        }
    }

    ok(rc == LU_OK && n > 20, "no memory, %ld times", n);

    cJSON_Delete(json);

    ok(memory_used == 0, "all freed");

    cJSON_InitHooks(NULL);
    memory_left = -1;
}


static void
test_set(void)
{
    char    *text;
    long     n;
    cJSON   *json;
    lu_rc_e  rc;

    json = tap_json("{\"a\":1,\"A\":{\"b\":2},\"c\":3}");

    ok(lu_json_set(json, "A", cJSON_CreateString("x"))
       == LU_OK
       && lu_json_set(json, "d", cJSON_CreateNull()) == LU_OK
       && lu_json_set(json, "a",
                      cJSON_Duplicate(json->child->next->next, 1))
          == LU_OK
       && lu_json_set(json, "c", cJSON_CreateTrue()) == LU_OK
       && lu_json_set(json, "d", NULL) == LU_NOMEM,
       "set");

    text = cJSON_PrintUnformatted(json);

    ok(strcmp(text, "{\"a\":3,\"A\":\"x\",\"c\":true,\"d\":null}") == 0,
       "each in its place");

    cJSON_free(text);
    cJSON_Delete(json);

    memory_init();

    for (n = 0; n < 10; n++) {
        json = tap_json("{\"a\":1}");

        memory_left = n;
        rc = lu_json_set(json, "a", cJSON_CreateString("x"));

        if (rc == LU_OK) {
            rc = lu_json_set(json, "b", cJSON_CreateString("y"));
        }

        memory_left = -1;

        if (rc == LU_OK
            || cJSON_GetObjectItemCaseSensitive(json, "a") == NULL)
        {
            break;
        }

        cJSON_Delete(json);
    }

    ok(rc == LU_OK && n == 5, "no memory, %ld times", n);

    cJSON_Delete(json);

    ok(memory_used == 0, "all freed");

    cJSON_InitHooks(NULL);
}


/* Quadratic work on these would take minutes. */

static void
test_large(void)
{
    char           *p;
    cJSON          *json;
    size_t          i;
    unsigned char  *buf;
    lu_str_t        text;
    lu_error_t      err;

    buf = malloc(8 * 1024 * 1024);

    p = (char *) buf;
    *p++ = '{';

    for (i = 0; i < 200000; i++) {
        p += sprintf(p, "\"key%d\":%d,", (int) (i * 7919 % 200000), (int) i);
    }

    p += sprintf(p, "\"last\":0}");

    text.len = (unsigned char *) p - buf;
    text.data = buf;

    ok(lu_json_parse(&json, &text, &err) == LU_OK, "200001 keys");
    cJSON_Delete(json);

    p -= sizeof("\"last\":0}") - 1;
    p += sprintf(p, "\"key77777\":0}");
    text.len = (unsigned char *) p - buf;

    ok(lu_json_parse(&json, &text, &err) == LU_INVALID
       && strstr(err.text, "same key twice"), "200001 keys, one twice");

    p = (char *) buf;
    *p++ = '[';

    for (i = 0; i < 100000; i++) {
        p += sprintf(p, "{\"id\":\"%d\",\"rollout\":1,\"by\":\"ci\"},",
                     (int) i);
    }

    p += sprintf(p, "{}]");
    text.len = (unsigned char *) p - buf;

    ok(lu_json_parse(&json, &text, &err) == LU_OK
       && cJSON_GetArraySize(json) == 100001, "100001 objects");
    cJSON_Delete(json);

    memset(buf, '[', 8 * 1024 * 1024);
    text.len = 8 * 1024 * 1024;

    ok(lu_json_parse(&json, &text, &err) == LU_INVALID, "8 MB of brackets");

    free(buf);
}


int
main(void)
{
    test_parse();
    test_truncated();
    test_members();
    test_size();
    test_nomem();
    test_set();
    test_large();

    return tap_done();
}
