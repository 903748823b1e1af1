
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How a call ended, and why an input was refused.
 */


#ifndef _LU_ERROR_H_INCLUDED_
#define _LU_ERROR_H_INCLUDED_


#include "lu_str.h"


typedef enum {
    LU_OK = 0,
    LU_NOMEM,                       /* the arena returned NULL */
    LU_INVALID,                     /* the input is not what it should be */
    LU_NOT_FOUND,                   /* well-formed, but names nothing here */
    LU_CONFLICT,                    /* exists already, or changed meanwhile */
    LU_FORBIDDEN                    /* a rule of the app does not allow it */
} lu_rc_e;


/*
 * Why an input was refused, for a person: the sentence "text", preceded by
 * the quoted "subject" if there is one.  The text is a literal; the subject
 * points into the input or into the arena.
 */

typedef struct {
    const char      *text;
    lu_str_t         subject;
} lu_error_t;


/* Sets the reason; subject may be NULL.  Returns LU_INVALID. */

lu_rc_e lu_error(lu_error_t *err, const lu_str_t *subject, const char *text);


#endif /* _LU_ERROR_H_INCLUDED_ */
