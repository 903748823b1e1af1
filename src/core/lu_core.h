
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The core reads bytes that others wrote and decides.  It knows nothing of
 * nginx, does no input or output, keeps no state of its own, is told the
 * time, and allocates from the arena that its caller hands in.
 */


#ifndef _LIVEUPDATE_CORE_H_INCLUDED_
#define _LIVEUPDATE_CORE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    size_t           len;
    unsigned char   *data;          /* not terminated unless a header says so */
} liveupdate_str_t;

#define liveupdate_string(str)                                                \
    { sizeof(str) - 1, (unsigned char *) str }


/*
 * What is allocated lives as long as the arena; nothing is freed singly.
 * alloc() returns memory aligned for any type, or NULL.
 */

typedef struct {
    void          *(*alloc)(void *data, size_t size);
    void            *data;
} liveupdate_arena_t;


typedef enum {
    LIVEUPDATE_OK = 0,
    LIVEUPDATE_NOMEM,               /* the arena returned NULL */
    LIVEUPDATE_INVALID,             /* the input is not what it should be */
    LIVEUPDATE_NOT_FOUND,           /* well-formed, but names nothing here */
    LIVEUPDATE_CONFLICT,            /* exists already, or changed meanwhile */
    LIVEUPDATE_FORBIDDEN            /* a rule of the app does not allow it */
} liveupdate_rc_e;


/*
 * Why an input was refused, for a person: the sentence "text", preceded by
 * the quoted "subject" if there is one.  The text is a literal; the subject
 * points into the input or into the arena.
 */

typedef struct {
    const char        *text;
    liveupdate_str_t   subject;
} liveupdate_error_t;

liveupdate_rc_e liveupdate_refuse(liveupdate_error_t *err,
    const liveupdate_str_t *subject, const char *text);


/* Where the caller counts what was decided: empty at first, and his own. */

typedef struct {
    void              *series;
    unsigned long      serial;
} liveupdate_mark_t;


int liveupdate_str_eq(const liveupdate_str_t *a, const liveupdate_str_t *b);
int liveupdate_str_is(const liveupdate_str_t *a, const char *text);

/* A terminated copy; data is NULL if the arena is exhausted. */

liveupdate_str_t liveupdate_str_dup(const liveupdate_arena_t *arena,
    const void *data, size_t len);


#endif /* _LIVEUPDATE_CORE_H_INCLUDED_ */
