
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_error.h"


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
