
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Text that grows, with one check at the end: data is NULL if memory ran out,
 * or if nothing was added.
 */


#ifndef _LU_TEXT_H_INCLUDED_
#define _LU_TEXT_H_INCLUDED_


#include <stddef.h>


typedef struct {
    char        *data;      /* terminated; from malloc(), for the caller */
    size_t       len;
    size_t       size;
    unsigned     failed:1;  /* out of memory */
} lu_text_t;


void lu_text_init(lu_text_t *text);

/* Add bytes, or a terminated string; do nothing once the text has failed. */

void lu_text_add(lu_text_t *text, const char *data, size_t len);
void lu_text_puts(lu_text_t *text, const char *string);

/* Frees what there is, and lets the text fail. */

void lu_text_fail(lu_text_t *text);


#endif /* _LU_TEXT_H_INCLUDED_ */
