
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Strings, and the memory that the core allocates.
 *
 * The core reads bytes that others wrote and decides.  It knows nothing of
 * nginx, does no input or output, keeps no state of its own, is told the
 * time, and allocates from the arena that its caller hands in.
 */


#ifndef _LU_STR_H_INCLUDED_
#define _LU_STR_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>


/* Not terminated unless a header says so; data may be NULL if len is 0. */

typedef struct {
    size_t           len;
    unsigned char   *data;
} lu_str_t;

#define lu_string(str)                                                        \
    { sizeof(str) - 1, (unsigned char *) str }

/* The value of a macro as a literal, as part of a message. */

#define lu_value_text(n)  #n
#define lu_value(n)       lu_value_text(n)


/*
 * What is allocated lives as long as the arena; nothing is freed singly.
 * alloc() returns memory aligned for any type, or NULL.
 */

typedef struct {
    void          *(*alloc)(void *data, size_t size);
    void            *data;
} lu_arena_t;


/* The string of a terminated text; it points to the text. */

lu_str_t lu_str(const char *text);

/* A terminated copy; data is NULL if the arena is exhausted. */

lu_str_t lu_str_dup(const lu_arena_t *arena, const void *data, size_t len);

/* 1 if the bytes are the same, in the same letter case; else 0. */

int lu_str_eq(const lu_str_t *a, const lu_str_t *b);
static inline int lu_str_is(const lu_str_t *a, const char *text);

/*
 * Below, equal to or above 0, as memcmp() of the bytes; a string that begins
 * with another one is above it.
 */

int lu_str_cmp(const lu_str_t *a, const lu_str_t *b);

/*
 * Where "what" begins in a string, not before "from"; the string's length if
 * it is not there.
 */

size_t lu_str_find(const lu_str_t *str, size_t from, const char *what);

/* 1 if the string has that in it, or ends with it. */

int lu_str_has(const lu_str_t *str, const char *what);
int lu_str_ends(const lu_str_t *str, const char *end);

/* The same, without regard to the case of ASCII letters. */

int lu_str_case_is(const lu_str_t *str, const char *text);
size_t lu_str_case_find(const lu_str_t *str, size_t from, const char *what);
int lu_str_case_has(const lu_str_t *str, const char *what);
int lu_str_case_ends(const lu_str_t *str, const char *end);

/* An ASCII letter or digit; an ASCII letter in lower case. */

int lu_str_is_alnum(unsigned char c);
unsigned char lu_str_lower(unsigned char c);

/* 1 if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, shortest). */

int lu_str_utf8_valid(const lu_str_t *str);

/* 1 if each byte is printable ASCII: a space to a tilde. */

int lu_str_printable(const lu_str_t *str);

/*
 * A hash for trees, which do not mind that clients can choose keys that
 * collide; not the same on each machine.
 */

uint32_t lu_str_hash(const unsigned char *data, size_t len);


/* The length of a literal is known here. */

static inline int
lu_str_is(const lu_str_t *a, const char *text)
{
    return a->len == strlen(text)
           && (a->len == 0 || memcmp(a->data, text, a->len) == 0);
}


#endif /* _LU_STR_H_INCLUDED_ */
