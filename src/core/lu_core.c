
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_core.h"


liveupdate_rc_e
liveupdate_refuse(liveupdate_error_t *err, const liveupdate_str_t *subject,
    const char *text)
{
    err->text = text;

    if (subject) {
        err->subject = *subject;

    } else {
        err->subject.len = 0;
        err->subject.data = NULL;
    }

    return LIVEUPDATE_INVALID;
}


int
liveupdate_str_eq(const liveupdate_str_t *a, const liveupdate_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


int
liveupdate_str_is(const liveupdate_str_t *a, const char *text)
{
    return a->len == strlen(text)
           && (a->len == 0 || memcmp(a->data, text, a->len) == 0);
}


liveupdate_str_t
liveupdate_str_dup(const liveupdate_arena_t *arena, const void *data,
    size_t len)
{
    liveupdate_str_t  str;

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
