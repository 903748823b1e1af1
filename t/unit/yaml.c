
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_yaml.c"


typedef struct {
    const char  *text;
    size_t       len;
    const char  *subject;
    const char  *why;                /* NULL: accepted */
    const char  *what;
} yaml_case_t;

#define accepted(what, text)                                                  \
    { text, sizeof(text) - 1, NULL, NULL, what }
#define refused(what, text, subject, why)                                     \
    { text, sizeof(text) - 1, subject, why, what }


typedef struct {
    const char  *scalar;
    const char  *string;             /* NULL: refused, or null */
    int          is_null;
    const char  *size;               /* NULL: refused */
} scalar_case_t;


typedef struct {
    lu_str_t           string;
    uint64_t           size;
    int                is_null;
    lu_rc_e            string_rc;
    lu_rc_e            size_rc;
} scalar_t;


static lu_error_t  error;


static const yaml_case_t  yaml_cases[] = {
    accepted("a mapping", "a: b\n"),
    accepted("a scalar alone", "a"),
    accepted("no line feed at the end", "a: b"),
    accepted("an explicit document", "---\na: b\n...\n"),
    accepted("a byte order mark", "\xef\xbb\xbf" "a: b\n"),
    accepted("CR LF", "a:\r\n  - b\r\n  - c: d\r\n"),
    accepted("CR alone", "a: b\rc: d\r"),
    accepted("comments", "# one\na: b # two\n# three\n"),
    accepted("JSON", "{\"a\": [1, true, null, {\"b\": \"\\u00fc\"}]}"),
    accepted("block scalars",
             "a: |\n  # no comment\n  ---\nb: >-\n  x\n\n  y\n"),
    accepted("the same key in two mappings", "- a: 1\n- a: 1\n"),
    accepted("the same key below itself", "a: {a: {a: b}}\n"),
    accepted("a percent sign inside of a line", "a: 100 %\nb: '%'\n"),
    accepted("U+0085 and U+2028, escaped", "a: \"\\N\\L\\P\"\n"),
    accepted("U+2027 and U+202A", "a: \xe2\x80\xa7\xe2\x80\xaa\n"),
    accepted("an explicit key", "? a\n: b\n"),
    accepted("an ampersand and an asterisk in a string", "a: b & c * d\n"),
    accepted("an exclamation mark in a string", "a: b !c\n"),
    accepted("an escaped NUL in a string", "a: \"b\\0c\"\n"),
    accepted("\"<\" as a key", "<: a\n<<<: b\n"),

    refused("nothing", "", "", "the YAML text is empty"),
    refused("white space", " \n\n", "", "the YAML text has no document"),
    refused("a comment", "# a", "", "the YAML text has no document"),
    refused("a byte order mark alone", "\xef\xbb\xbf", "",
            "the YAML text has no document"),
    refused("Latin-1", "a: \xfc\n", "", "the YAML text is not UTF-8"),
    refused("half a character at the end", "a: \xc3", "",
            "the YAML text is not UTF-8"),
    refused("UTF-16 with a byte order mark", "\xff\xfe" "a\0:\0 \0b\0", "",
            "the YAML text is not UTF-8"),
    refused("UTF-16 without", "a\0:\0 \0b\0", "",
            "the YAML text contains a control character"),
    refused("NUL", "a: b\nc: \0d\n", "",
            "the YAML text contains a control character"),
    refused("a control character", "a: b\x01\n", "",
            "the YAML text contains a control character"),
    refused("U+0080", "a: b\xc2\x80\n", "",
            "the YAML text contains a control character"),
    refused("a mark at an end", "a: b\n\xef\xbb\xbf", "",
            "the YAML text has a byte order mark that is not at its start"),
    refused("U+0085", "a: b\xc2\x85" "c: d\n", "",
            "the YAML text contains U+0085, U+2028 or U+2029; it must be"
            " escaped"),
    refused("U+2028", "a: b\xe2\x80\xa8" "c: d\n", "",
            "the YAML text contains U+0085, U+2028 or U+2029; it must be"
            " escaped"),
    refused("U+2029 at the end", "a: b\xe2\x80\xa9", "",
            "the YAML text contains U+0085, U+2028 or U+2029; it must be"
            " escaped"),
    refused("a directive", "%YAML 1.1\n---\na: b\n", "",
            "the YAML text has a line that begins with \"%\"; directives are"
            " not allowed"),
    refused("a directive behind a byte order mark",
            "\xef\xbb\xbf%YAML 1.1\n---\na: b\n", "",
            "the YAML text has a line that begins with \"%\"; directives are"
            " not allowed"),
    refused("a directive behind CR", "# a\r%TAG !a! b\r---\ra: b\r", "",
            "the YAML text has a line that begins with \"%\"; directives are"
            " not allowed"),
    refused("two documents", "a: b\n---\nc: d\n", "line 2",
            "begins a second YAML document"),
    refused("a second, empty document", "a: b\n---\n", "line 2",
            "begins a second YAML document"),
    refused("a document behind an end", "a: b\n...\n---\nc: d\n", "line 3",
            "begins a second YAML document"),
    refused("something behind the value", "{a: b}\nc\n", "line 2",
            "cannot be read as YAML"),
    refused("a quote that does not end", "a: b\nc: 'd\n", "line 3",
            "cannot be read as YAML"),
    refused("a bracket that does not end", "a: [b\n", "line 2",
            "cannot be read as YAML"),
    refused("a tab for indentation", "a:\n\tb: c\n", "line 2",
            "cannot be read as YAML"),
    refused("an unknown escape", "a: \"\\q\"\n", "line 1",
            "cannot be read as YAML"),
    refused("a surrogate as an escape", "a: \"\\uD800\"\n", "line 1",
            "cannot be read as YAML"),
    refused("an indentation of its own", "a: b\n c: d\n", "line 2",
            "cannot be read as YAML"),
    refused("HTML", "<!DOCTYPE html>\n<p class=\"a\">no: such: file</p>\n",
            "line 2", "cannot be read as YAML"),

    refused("an anchor at a scalar", "a: &x b\n", "line 1",
            "has an anchor; none is allowed"),
    refused("an anchor at a key", "a: b\n&x c: d\n", "line 2",
            "has an anchor; none is allowed"),
    refused("an anchor at a sequence", "a: &x [b]\n", "line 1",
            "has an anchor; none is allowed"),
    refused("an anchor at a mapping", "a: &x\n  b: c\n", "line 1",
            "has an anchor; none is allowed"),
    refused("an anchor at the root", "&x\na: b\n", "line 1",
            "has an anchor; none is allowed"),
    refused("an anchor without a value", "a: &x\n", "line 1",
            "has an anchor; none is allowed"),
    refused("an alias", "a: [b, *x]\n", "line 1",
            "has an alias; none is allowed"),
    refused("an alias as a key", "a: b\n*x : c\n", "line 2",
            "has an alias; none is allowed"),
    refused("a billion laughs",
            "a: &a [lol, lol, lol]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n",
            "line 1", "has an anchor; none is allowed"),
    refused("a tag at a scalar", "a: !!str b\n", "line 1",
            "has a tag; none is allowed"),
    refused("a tag of our own", "a: !b c\n", "line 1",
            "has a tag; none is allowed"),
    refused("a verbatim tag", "a: !<tag:yaml.org,2002:js/function> b\n",
            "line 1", "has a tag; none is allowed"),
    refused("a tag at a sequence", "a: !!set [b]\n", "line 1",
            "has a tag; none is allowed"),
    refused("a tag at a mapping", "!!map\na: b\n", "line 1",
            "has a tag; none is allowed"),
    refused("a tag that nobody declared", "a: !x!y b\n", "line 1",
            "cannot be read as YAML"),
    refused("a merge key", "a: b\n<<: {c: d}\n", "line 2",
            "has a merge key; none is allowed"),
    refused("a quoted merge key", "'<<': {c: d}\n", "line 1",
            "has a merge key; none is allowed"),
    refused("a sequence for a key", "? [a]\n: b\n", "line 1",
            "has a key that is not a string"),
    refused("a mapping for a key", "{{a: b}: c}\n", "line 1",
            "has a key that is not a string"),
    refused("a key twice", "a: b\nc: d\na: b\n", "line 3",
            "has a key that is there already"),
    refused("a key twice, quoted differently", "a: b\n\"\\x61\": b\n",
            "line 2", "has a key that is there already"),
    refused("a key twice, far below", "a:\n  - b:\n      - {c: 1, c: 2}\n",
            "line 3", "has a key that is there already"),
    refused("an empty key twice", "? \n: a\n'': b\n", "line 3",
            "has a key that is there already")
};


static const scalar_case_t  scalar_cases[] = {
    { "a", "a", 0, NULL },
    { "'a b'", "a b", 0, NULL },
    { "\"a\\tb\\u00fc\"", "a\tb\xc3\xbc", 0, NULL },
    { "'it''s'", "it's", 0, NULL },
    { "a: b", NULL, 0, NULL },
    { "[a]", NULL, 0, NULL },
    { "[]", NULL, 0, NULL },
    { "{}", NULL, 0, NULL },
    { "|\n a\n b\n", "a\nb\n", 0, NULL },
    { ">-\n a\n b\n", "a b", 0, NULL },
    { "a\n  b", "a b", 0, NULL },
    { "", "", 1, "kept" },
    { "~", "", 1, "kept" },
    { "null", "", 1, "kept" },
    { "Null", "", 1, "kept" },
    { "NULL", "", 1, "kept" },
    { "'null'", "null", 0, NULL },
    { "\"~\"", "~", 0, NULL },
    { "''", "(empty)", 0, NULL },
    { "nULL", "nULL", 0, NULL },
    { "nullx", "nullx", 0, NULL },
    { "true", "true", 0, NULL },
    { "0", "0", 0, "0" },
    { "1", "1", 0, "1" },
    { "3000000", "3000000", 0, "3000000" },
    { "'3000000'", "3000000", 0, "3000000" },
    { "9007199254740992", "9007199254740992", 0, "9007199254740992" },
    { "9007199254740993", "9007199254740993", 0, NULL },
    { "10000000000000000", "10000000000000000", 0, NULL },
    { "9999999999999999", "9999999999999999", 0, NULL },
    { "18446744073709551617", "18446744073709551617", 0, NULL },
    { "010", "010", 0, NULL },
    { "00", "00", 0, NULL },
    { "0x10", "0x10", 0, NULL },
    { "0o10", "0o10", 0, NULL },
    { "1_000", "1_000", 0, NULL },
    { "1e3", "1e3", 0, NULL },
    { "1.0", "1.0", 0, NULL },
    { "-1", "-1", 0, NULL },
    { "+1", "+1", 0, NULL },
    { "'1 '", "1 ", 0, NULL },
    { "1:30", "1:30", 0, NULL },
    { ".inf", ".inf", 0, NULL }
};


/* Of exactly that size, so that a byte too far is noticed. */

static lu_rc_e
read_text(const char *text, size_t len, lu_yaml_pt root, void *data)
{
    unsigned char  *copy;
    lu_rc_e         rc;
    lu_str_t        str;

    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.len = len;
    str.data = copy;

    error.text = NULL;
    error.subject = tap_str("");

    rc = lu_yaml_read(&tap_arena, &str, root, data, &error);

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


static void
test_cases(void)
{
    size_t              i;
    lu_rc_e             rc;
    const yaml_case_t  *c;

    for (i = 0; i < sizeof(yaml_cases) / sizeof(yaml_cases[0]); i++) {
        c = &yaml_cases[i];

        rc = read_text(c->text, c->len, lu_yaml_skip, NULL);

        if (c->why == NULL) {
            ok(rc == LU_OK && error.text == NULL, "%s", c->what);

        } else {
            ok(rc == LU_INVALID && said(c->subject, c->why), "refused: %s",
               c->what);
        }

        tap_free();
    }
}


static lu_rc_e
scalar_value(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    scalar_t  *scalar;

    (void) key;

    scalar = data;

    scalar->is_null = lu_yaml_is_null(yaml);
    scalar->string_rc = lu_yaml_string(yaml, &scalar->string);
    scalar->size_rc = lu_yaml_size(yaml, &scalar->size);

    return lu_yaml_skip(yaml, key, NULL);
}


static lu_rc_e
scalar_root(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    (void) key;

    return lu_yaml_mapping(yaml, scalar_value, data);
}


static int
scalar_is(const scalar_t *scalar, const scalar_case_t *c)
{
    char        buf[32];
    const char  *string;

    (void) snprintf(buf, sizeof(buf), "%llu",
                    (unsigned long long) scalar->size);

    if (scalar->is_null != c->is_null) {
        return 0;
    }

    if (c->string == NULL) {
        return scalar->string_rc == LU_INVALID
               && scalar->string.data == NULL
               && scalar->size_rc == LU_INVALID
               && scalar->size == 7;
    }

    string = strcmp(c->string, "(empty)") == 0 ? "" : c->string;

    if (scalar->string_rc != LU_OK
        || !lu_str_is(&scalar->string, string)
        || (scalar->string.data == NULL) != c->is_null)
    {
        return 0;
    }

    if (c->size == NULL) {
        return scalar->size_rc == LU_INVALID && scalar->size == 7;
    }

    if (c->is_null) {
        return scalar->size_rc == LU_OK && scalar->size == 7;
    }

    return scalar->size_rc == LU_OK && strcmp(buf, c->size) == 0;
}


static void
test_scalars(void)
{
    char                  text[128];
    size_t                i;
    scalar_t              scalar;
    lu_rc_e               rc;
    const scalar_case_t  *c;

    for (i = 0; i < sizeof(scalar_cases) / sizeof(scalar_cases[0]); i++) {
        c = &scalar_cases[i];

        memset(&scalar, 0, sizeof(scalar_t));
        scalar.size = 7;

        (void) snprintf(text, sizeof(text), "x:%s%s\n",
                        strcmp(c->scalar, "a: b") == 0 ? "\n  " : " ",
                        c->scalar);

        rc = read_text(text, strlen(text), scalar_root, &scalar);

        ok(rc == LU_OK && scalar_is(&scalar, c), "scalar %d: %s", (int) i,
           strchr(c->scalar, '\n') ? "of several lines" : c->scalar);

        tap_free();
    }
}


/* js-yaml, which electron-updater uses, reads these as strings, or does not. */

static lu_rc_e
text_value(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    (void) key;

    return lu_yaml_text(yaml, data);
}


static lu_rc_e
text_root(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    (void) key;

    return lu_yaml_mapping(yaml, text_value, data);
}


static void
test_texts(void)
{
    char      text[128];
    size_t    i;
    lu_rc_e   rc;
    lu_str_t  value;

    static const char *const  strings[] = {
        "1.0.0", "'1'", "\"1.10\"", "'true'", "'2026-11-21'", "a", "+", "+-",
        ".", "1.0.0-1", "1e", "e1", "0x", "0xg", "0b2", "0o8", "0a", "infinity",
        ".information", "yes", "no", "on", "tRue", "trues", "2026-11",
        "2026-1-1", "2026-11-211", "2026-11-21 App", "2026-11-21T", "1:2",
        "1 2", "--1", "1-", "_", "x_1", NULL
    };

    static const char *const  others[] = {
        "1", "0", "-0", "+12", "1.", "1.10", ".5", "-.5", "1e3", "1E-3",
        "1.5e+3", "0x1F", "-0x1f", "0b101", "0o17", "017", "1_000", "1_0.5",
        ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN", "true", "False",
        "TRUE", "2026-11-21", "2026-11-21T09:00:00Z", "2026-1-2 3:04:05",
        "2026-11-21t09:00:00.000+01:00", NULL
    };

    for (i = 0; strings[i]; i++) {
        (void) snprintf(text, sizeof(text), "x: %s\n", strings[i]);
        memset(&value, 0, sizeof(lu_str_t));

        rc = read_text(text, strlen(text), text_root, &value);
        ok(rc == LU_OK && value.len > 0, "a string: %s", strings[i]);

        tap_free();
    }

    for (i = 0; others[i]; i++) {
        (void) snprintf(text, sizeof(text), "x: %s\n", others[i]);
        memset(&value, 0, sizeof(lu_str_t));

        rc = read_text(text, strlen(text), text_root, &value);
        ok(rc == LU_INVALID && value.data == NULL
           && said("line 1", "has something else than a string; put it between"
                             " quotes"),
           "no string: %s", others[i]);

        tap_free();
    }
}


static void
test_types(void)
{
    scalar_t  scalar;

    ok(read_text("a", 1, scalar_root, &scalar) == LU_INVALID
       && said("line 1", "has something else than a mapping of keys to"
                         " values"),
       "a scalar is no mapping");

    ok(read_text("\n[a]", 4, scalar_root, &scalar) == LU_INVALID
       && said("line 2", "has something else than a mapping of keys to"
                         " values"),
       "a sequence is no mapping");

    tap_free();
}


static lu_rc_e
sequence_root(lu_yaml_t *yaml, const lu_str_t *key,
    void *data)
{
    return lu_yaml_sequence(yaml, key ? scalar_value : lu_yaml_skip, data);
}


static void
test_sequence(void)
{
    ok(read_text("[a, {b: c}, [d]]", 16, sequence_root, NULL)
       == LU_OK, "a sequence");

    ok(read_text("a: b", 4, sequence_root, NULL) == LU_INVALID
       && said("line 1", "has something else than a sequence"),
       "a mapping is no sequence");

    tap_free();
}


static void
test_limits(void)
{
    char    text[4096];
    size_t  i, len;

    for (i = 15; i <= 17; i++) {
        memset(text, '[', i);
        memset(text + i, ']', i);

        ok(read_text(text, 2 * i, lu_yaml_skip, NULL)
           == (i == 17 ? LU_INVALID : LU_OK), "%d sequences in each other",
           (int) i);
    }

    ok(said("line 1", "is nested too deeply; 16 levels are allowed"),
       "17 are refused for that");

    len = 0;

    for (i = 0; i < 17; i++) {
        memset(text + len, ' ', i);
        len += i;
        memcpy(text + len, "a:\n", 3);
        len += 3;
    }

    ok(read_text(text, len, lu_yaml_skip, NULL) == LU_INVALID
       && said("line 17", "is nested too deeply; 16 levels are allowed"),
       "17 mappings in each other");

    ok(read_text(text, len - 19, lu_yaml_skip, NULL) == LU_OK,
       "16 mappings in each other");

    len = 0;

    for (i = 0; i < 40; i++) {
        len += snprintf(text + len, sizeof(text) - len, "- [{a: []}, {}]\n");
    }

    ok(read_text(text, len, lu_yaml_skip, NULL) == LU_OK,
       "what is beside each other is not in each other");

    memset(text, '[', sizeof(text));
    ok(read_text(text, sizeof(text), lu_yaml_skip, NULL) == LU_INVALID
       && said("line 1", "is nested too deeply; 16 levels are allowed"),
       "4096 sequences in each other");

    len = 0;

    for (i = 0; i < 100; i++) {
        len += snprintf(text + len, sizeof(text) - len, "k%d:\n", (int) i);
    }

    ok(read_text(text, len, lu_yaml_skip, NULL) == LU_OK, "100 keys");

    len += snprintf(text + len, sizeof(text) - len, "k100: a\n");

    ok(read_text(text, len, lu_yaml_skip, NULL) == LU_INVALID
       && said("line 101", "has a mapping's 101st key; 100 are allowed"),
       "101 keys");

    tap_free();
}


static void
test_memory(void)
{
    long     n;
    lu_rc_e  rc;

    static const char  text[] = "a: [b, {c: d}]\ne: f\n";
    static const char  wrong[] = "a: b\na: b\n";

    for (n = 0; n < 3; n++) {
        tap_left = n;
        rc = read_text(text, sizeof(text) - 1, lu_yaml_skip, NULL);
        ok(rc == LU_NOMEM, "no memory for a key");
    }

    tap_left = 3;
    rc = read_text(text, sizeof(text) - 1, lu_yaml_skip, NULL);
    ok(rc == LU_OK, "only keys take memory of the arena");

    tap_left = 1;
    rc = read_text(wrong, sizeof(wrong) - 1, lu_yaml_skip, NULL);
    ok(rc == LU_NOMEM, "no memory for a reason");

    tap_left = -1;

    tap_free();
}


int
main(void)
{
    test_cases();
    test_scalars();
    test_texts();
    test_types();
    test_sequence();
    test_limits();
    test_memory();

    return tap_done();
}
