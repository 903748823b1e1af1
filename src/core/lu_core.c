
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_core.h"


lu_rc_e
lu_error(lu_error_t *err, const lu_str_t *subject, const char *text)
{
    err->text = text;

    if (subject) {
        err->subject = *subject;

    } else {
        err->subject.len = 0;
        err->subject.data = NULL;
    }

    return LU_INVALID;
}


int
lu_str_eq(const lu_str_t *a, const lu_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


int
lu_str_is(const lu_str_t *a, const char *text)
{
    return a->len == strlen(text)
           && (a->len == 0 || memcmp(a->data, text, a->len) == 0);
}


lu_str_t
lu_str_dup(const lu_arena_t *arena, const void *data, size_t len)
{
    lu_str_t  str;

    str.len = len;
    str.data = arena->alloc(arena->data, len + 1);

    if (str.data == NULL) {
        str.len = 0;
        return str;
    }

    if (len) {
        memcpy(str.data, data, len);
    }

    str.data[len] = '\0';

    return str;
}
