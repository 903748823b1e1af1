
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_core.c"


static void
test_refuse(void)
{
    liveupdate_str_t    subject = liveupdate_string("www/index.html");
    liveupdate_error_t  err;

    ok(liveupdate_refuse(&err, &subject, "is missing") == LIVEUPDATE_INVALID,
       "a refusal is LIVEUPDATE_INVALID");
    ok(strcmp(err.text, "is missing") == 0
       && err.subject.len == 14
       && err.subject.data == subject.data, "text and subject");

    ok(liveupdate_refuse(&err, NULL, "is empty") == LIVEUPDATE_INVALID
       && strcmp(err.text, "is empty") == 0
       && err.subject.len == 0
       && err.subject.data == NULL, "without a subject");
}


static void
test_compare(void)
{
    liveupdate_str_t  a, b, none, nul;

    none.len = 0;
    none.data = NULL;

    a = tap_str("abc");
    b = tap_str("abcd");

    ok(!liveupdate_str_eq(&a, &b) && !liveupdate_str_eq(&b, &a),
       "a beginning is not equal");

    b.len = 3;
    ok(liveupdate_str_eq(&a, &b), "equal bytes at different places");

    b = tap_str("abC");
    ok(!liveupdate_str_eq(&a, &b), "letter case counts");

    b = tap_str("");
    ok(liveupdate_str_eq(&none, &b) && liveupdate_str_eq(&b, &none)
       && liveupdate_str_eq(&none, &none), "no data is empty");
    ok(!liveupdate_str_eq(&none, &a), "no data is not text");

    ok(liveupdate_str_is(&a, "abc")
       && !liveupdate_str_is(&a, "ab")
       && !liveupdate_str_is(&a, "abcd")
       && !liveupdate_str_is(&a, "abd")
       && !liveupdate_str_is(&a, ""), "a literal");
    ok(liveupdate_str_is(&none, "") && !liveupdate_str_is(&none, "a"),
       "no data is the empty literal");

    nul.len = 4;
    nul.data = (unsigned char *) "abc";
    ok(!liveupdate_str_is(&nul, "abc"), "a zero byte more is not equal");
}


static void
test_dup(void)
{
    liveupdate_str_t  str;

    str = liveupdate_str_dup(&tap_arena, "a\0b", 3);
    ok(str.len == 3 && memcmp(str.data, "a\0b", 4) == 0,
       "a copy of all bytes, terminated");

    str = liveupdate_str_dup(&tap_arena, NULL, 0);
    ok(str.len == 0 && str.data != NULL && str.data[0] == '\0',
       "a copy of nothing is an empty string");

    tap_left = 0;
    str = liveupdate_str_dup(&tap_arena, "abc", 3);
    tap_left = -1;

    ok(str.len == 0 && str.data == NULL, "no memory");

    tap_free();
}


int
main(void)
{
    test_refuse();
    test_compare();
    test_dup();

    return tap_done();
}
