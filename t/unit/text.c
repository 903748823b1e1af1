
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_text.c"


int
main(void)
{
    size_t     i, wrong;
    lu_text_t  text;

    lu_text_init(&text);
    ok(text.data == NULL && text.len == 0 && !text.failed, "nothing");

    lu_text_puts(&text, "");
    ok(text.data && strcmp(text.data, "") == 0, "an empty text");

    lu_text_puts(&text, "abc");
    lu_text_add(&text, "def", 2);
    ok(strcmp(text.data, "abcde") == 0 && text.len == 5, "strings and bytes");

    for (i = 0; i < 5000; i++) {
        lu_text_add(&text, "x\n", 1 + i % 2);
    }

    wrong = 0;

    for (i = 0; i < 5000; i++) {
        wrong += (text.data[5 + i / 2 * 3 + i % 2] != 'x');
    }

    ok(wrong == 0 && text.len == 7505 && text.data[7505] == '\0',
       "it grows");

    lu_text_fail(&text);
    lu_text_puts(&text, "abc");
    lu_text_add(&text, "abc", 3);
    ok(text.failed && text.data == NULL && text.len == 0,
       "once it has failed it stays so");

    return tap_done();
}
