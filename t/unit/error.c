
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_error.c"


static void
test_error(void)
{
    lu_str_t    subject = lu_string("www/index.html");
    lu_error_t  err;

    ok(lu_error(&err, &subject, "is missing") == LU_INVALID,
       "a refusal is LU_INVALID");
    ok(strcmp(err.text, "is missing") == 0
       && err.subject.len == 14
       && err.subject.data == subject.data, "text and subject");

    ok(lu_error(&err, NULL, "is empty") == LU_INVALID
       && strcmp(err.text, "is empty") == 0
       && err.subject.len == 0
       && err.subject.data == NULL, "without a subject");
}


int
main(void)
{
    test_error();

    return tap_done();
}
