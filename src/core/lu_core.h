
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The core reads bytes that others wrote and decides.  It knows nothing of
 * nginx, does no input or output, keeps no state of its own, is told the
 * time, and allocates from the arena that its caller hands in.
 */


#ifndef _LU_CORE_H_INCLUDED_
#define _LU_CORE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    size_t           len;
    unsigned char   *data;          /* not terminated unless a header says so */
} lu_str_t;

#define lu_string(str)                                                        \
    { sizeof(str) - 1, (unsigned char *) str }


/*
 * What is allocated lives as long as the arena; nothing is freed singly.
 * alloc() returns memory aligned for any type, or NULL.
 */

typedef struct {
    void          *(*alloc)(void *data, size_t size);
    void            *data;
} lu_arena_t;


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
    const char        *text;
    lu_str_t           subject;
} lu_error_t;

lu_rc_e lu_error(lu_error_t *err, const lu_str_t *subject, const char *text);


/* Where the caller counts what was decided: empty at first, and his own. */

typedef struct {
    void              *series;
    unsigned long      serial;
} lu_mark_t;


int lu_str_eq(const lu_str_t *a, const lu_str_t *b);
int lu_str_is(const lu_str_t *a, const char *text);

/* A terminated copy; data is NULL if the arena is exhausted. */

lu_str_t lu_str_dup(const lu_arena_t *arena, const void *data, size_t len);


#endif /* _LU_CORE_H_INCLUDED_ */
