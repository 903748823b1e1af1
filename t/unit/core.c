
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_core.c"


static void
test_refuse(void)
{
    lu_str_t    subject = lu_string("www/index.html");
    lu_error_t  err;

    ok(lu_error(&err, &subject, "is missing") == LU_INVALID,
       "a refusal is LIVEUPDATE_INVALID");
    ok(strcmp(err.text, "is missing") == 0
       && err.subject.len == 14
       && err.subject.data == subject.data, "text and subject");

    ok(lu_error(&err, NULL, "is empty") == LU_INVALID
       && strcmp(err.text, "is empty") == 0
       && err.subject.len == 0
       && err.subject.data == NULL, "without a subject");
}


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


int
main(void)
{
    test_refuse();
    test_compare();
    test_dup();

    return tap_done();
}
