
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_str.c"


typedef struct {
    const char  *text;
    size_t       len;
    int          valid;
    const char  *what;
} utf8_case_t;

#define utf8_case(text, valid, what)  { text, sizeof(text) - 1, valid, what }


static const utf8_case_t  utf8_cases[] = {
    utf8_case("", 1, "empty"),
    utf8_case("plain\0nul", 1, "ASCII with NUL"),
    utf8_case("\x7f", 1, "DEL"),
    utf8_case("\xc2\x80", 1, "U+0080, the first of two bytes"),
    utf8_case("\xdf\xbf", 1, "U+07FF, the last of two bytes"),
    utf8_case("\xe0\xa0\x80", 1, "U+0800, the first of three bytes"),
    utf8_case("\xed\x9f\xbf", 1, "U+D7FF, before the surrogates"),
    utf8_case("\xee\x80\x80", 1, "U+E000, behind the surrogates"),
    utf8_case("\xef\xbf\xbf", 1, "U+FFFF, the last of three bytes"),
    utf8_case("\xf0\x90\x80\x80", 1, "U+10000, the first of four bytes"),
    utf8_case("\xf4\x8f\xbf\xbf", 1, "U+10FFFF, the last of all"),
    utf8_case("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z", 1, "a mix"),
    utf8_case("\x80", 0, "a lone continuation byte"),
    utf8_case("\xbf", 0, "another lone continuation byte"),
    utf8_case("\xc0\x80", 0, "overlong NUL"),
    utf8_case("\xc0\xaf", 0, "overlong slash in two bytes"),
    utf8_case("\xc1\xbf", 0, "overlong U+007F"),
    utf8_case("\xe0\x80\xaf", 0, "overlong slash in three bytes"),
    utf8_case("\xe0\x9f\xbf", 0, "overlong U+07FF"),
    utf8_case("\xf0\x80\x80\xaf", 0, "overlong slash in four bytes"),
    utf8_case("\xf0\x8f\xbf\xbf", 0, "overlong U+FFFF"),
    utf8_case("\xed\xa0\x80", 0, "surrogate U+D800"),
    utf8_case("\xed\xbf\xbf", 0, "surrogate U+DFFF"),
    utf8_case("\xf4\x90\x80\x80", 0, "U+110000"),
    utf8_case("\xf5\x80\x80\x80", 0, "lead byte F5"),
    utf8_case("\xfe", 0, "byte FE"),
    utf8_case("\xff", 0, "byte FF"),
    utf8_case("\xc3", 0, "cut after one of two bytes"),
    utf8_case("\xe2\x82", 0, "cut after two of three bytes"),
    utf8_case("\xf0\x9f\x98", 0, "cut after three of four bytes"),
    utf8_case("\xc3\xc0", 0, "second byte is above the continuations"),
    utf8_case("\xc3(", 0, "second byte is no continuation"),
    utf8_case("\xe2\x82(", 0, "third byte is no continuation"),
    utf8_case("\xf0\x9f\x98(", 0, "fourth byte is no continuation"),
    utf8_case("\xe2(\xa1", 0, "second of three is no continuation"),
    utf8_case("ok\xff", 0, "bad byte at the end")
};


static void
test_compare(void)
{
    lu_str_t  a, b, none, nul;

    none.len = 0;
    none.data = NULL;

    a = tap_str("abc");
    b = tap_str("abcd");

    ok(!lu_str_eq(&a, &b) && !lu_str_eq(&b, &a), "a beginning is not equal");

    b.len = 3;
    ok(lu_str_eq(&a, &b), "equal bytes at different places");

    b = tap_str("abC");
    ok(!lu_str_eq(&a, &b), "letter case counts");

    b = tap_str("");
    ok(lu_str_eq(&none, &b) && lu_str_eq(&b, &none)
       && lu_str_eq(&none, &none), "no data is empty");
    ok(!lu_str_eq(&none, &a), "no data is not text");

    ok(lu_str_is(&a, "abc")
       && !lu_str_is(&a, "ab")
       && !lu_str_is(&a, "abcd")
       && !lu_str_is(&a, "abd")
       && !lu_str_is(&a, ""), "a literal");
    ok(lu_str_is(&none, "") && !lu_str_is(&none, "a"),
       "no data is the empty literal");

    nul.len = 4;
    nul.data = (unsigned char *) "abc";
    ok(!lu_str_is(&nul, "abc"), "a zero byte more is not equal");

    b = tap_str("abd");
    ok(lu_str_cmp(&a, &a) == 0
       && lu_str_cmp(&a, &b) < 0
       && lu_str_cmp(&b, &a) > 0, "an order");

    b.len = 2;
    ok(lu_str_cmp(&a, &b) > 0
       && lu_str_cmp(&b, &a) < 0
       && lu_str_cmp(&none, &b) < 0
       && lu_str_cmp(&b, &none) > 0
       && lu_str_cmp(&none, &none) == 0, "a beginning comes first");

    b = tap_str("\x80");
    ok(lu_str_cmp(&a, &b) < 0, "bytes have no sign");
}


static void
test_dup(void)
{
    lu_str_t  str;

    str = lu_str_dup(&tap_arena, "a\0b", 3);
    ok(str.len == 3 && memcmp(str.data, "a\0b", 4) == 0,
       "a copy of all bytes, terminated");

    str = lu_str_dup(&tap_arena, NULL, 0);
    ok(str.len == 0 && str.data != NULL && str.data[0] == '\0',
       "a copy of nothing is an empty string");

    tap_left = 0;
    str = lu_str_dup(&tap_arena, "abc", 3);
    tap_left = -1;

    ok(str.len == 0 && str.data == NULL, "no memory");

    tap_free();
}


static void
test_find(void)
{
    lu_str_t  str, none;

    none.len = 0;
    none.data = NULL;

    str = tap_str("a-Mac-mac.yml");

    ok(lu_str_find(&str, 0, "-mac") == 5
       && lu_str_find(&str, 5, "-mac") == 5
       && lu_str_find(&str, 6, "-mac") == str.len
       && lu_str_find(&str, 0, "a-Mac-mac.yml") == 0
       && lu_str_find(&str, 0, "a-Mac-mac.ymls") == str.len
       && lu_str_find(&str, 100, "a") == str.len
       && lu_str_find(&none, 0, "a") == 0, "found");

    ok(lu_str_case_find(&str, 0, "-mAC") == 1
       && lu_str_case_find(&str, 2, "-mac") == 5
       && lu_str_case_find(&str, 6, "-mac") == str.len
       && lu_str_case_find(&none, 0, "a") == 0, "found in either case");

    ok(lu_str_has(&str, "-mac")
       && !lu_str_has(&str, "-MAC")
       && lu_str_case_has(&str, "-MAC")
       && !lu_str_case_has(&str, "-MACC")
       && !lu_str_has(&none, "a")
       && !lu_str_case_has(&none, "a"), "had");

    ok(lu_str_ends(&str, ".yml")
       && lu_str_ends(&str, "")
       && lu_str_ends(&str, "a-Mac-mac.yml")
       && !lu_str_ends(&str, "xa-Mac-mac.yml")
       && !lu_str_ends(&str, ".YML")
       && !lu_str_ends(&none, "a"), "an end");

    ok(lu_str_case_ends(&str, ".YML")
       && !lu_str_case_ends(&str, ".yaml")
       && !lu_str_case_ends(&none, "a"), "an end in either case");

    ok(lu_str_case_is(&str, "A-mac-MAC.yml")
       && !lu_str_case_is(&str, "A-mac-MAC.ym")
       && !lu_str_case_is(&str, "A-mac-MAC.ymll")
       && lu_str_case_is(&none, ""), "a literal in either case");

    str = tap_str("@[`{");
    ok(!lu_str_case_is(&str, "`{@["), "only letters have a case");
}


static void
test_chars(void)
{
    int  c, wrong;

    wrong = 0;

    for (c = 0; c < 256; c++) {
        wrong += (lu_str_is_alnum((unsigned char) c)
                  != (c && strchr("0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ", c) != NULL));

        wrong += (lu_str_lower((unsigned char) c)
                  != (c >= 'A' && c <= 'Z' ? c + 32 : c));
    }

    ok(wrong == 0, "letters and digits");
}


static void
test_utf8(void)
{
    size_t          i;
    unsigned char  *copy;
    lu_str_t        str;

    for (i = 0; i < sizeof(utf8_cases) / sizeof(utf8_cases[0]); i++) {

        /* of exactly that size, so that a byte too far is noticed */

        copy = malloc(utf8_cases[i].len);
        memcpy(copy, utf8_cases[i].text, utf8_cases[i].len);

        str.len = utf8_cases[i].len;
        str.data = copy;

        ok(lu_str_utf8_valid(&str) == utf8_cases[i].valid, "utf8: %s",
           utf8_cases[i].what);

        free(copy);
    }

    str.len = 0;
    str.data = NULL;

    ok(lu_str_utf8_valid(&str), "utf8: no data");
}


/* One byte that is not printable, anywhere in texts of all lengths. */

static void
test_printable(void)
{
    int             failed;
    size_t          len, i;
    unsigned        c;
    lu_str_t        str;

    failed = 0;

    for (len = 0; len < 70; len++) {
        str.len = len;
        str.data = malloc(len + 1);

        memset(str.data, ' ', len);
        memset(str.data, '~', len / 2);

        failed += !lu_str_printable(&str);

        for (i = 0; i < len; i++) {
            for (c = 0; c < 256; c++) {
                str.data[i] = (unsigned char) c;
                failed += (lu_str_printable(&str) != (c >= ' ' && c <= '~'));
            }

            str.data[i] = '0';
        }

        free(str.data);
    }

    ok(failed == 0, "printable, %d failed", failed);
}


/* Each byte of texts of all lengths counts, and so does the length. */

static void
test_hash(void)
{
    int             same;
    size_t          len, i;
    uint32_t        hash, last;
    unsigned char  *text;

    same = 0;
    last = 1;

    for (len = 0; len < 70; len++) {
        text = calloc(1, len ? len : 1);

        hash = lu_str_hash(text, len);
        same += (hash == last) + (hash != lu_str_hash(text, len));
        last = hash;

        for (i = 0; i < len; i++) {
            text[i] = 1;
            same += (lu_str_hash(text, len) == hash);
            text[i] = 0;
        }

        free(text);
    }

    ok(same == 0, "other texts, other hashes");
}


int
main(void)
{
    lu_str_t  str;

    str = lu_str("abc");
    ok(str.len == 3 && strcmp((char *) str.data, "abc") == 0, "of a text");

    test_compare();
    test_dup();
    test_find();
    test_chars();
    test_utf8();
    test_printable();
    test_hash();

    return tap_done();
}
