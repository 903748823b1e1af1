
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The Test Anything Protocol, as much of it as a unit test needs.  A test
 * includes the file that it tests, so that it reaches the static functions.
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lu_error.h"


static int  tap_tests, tap_failures;


static int
tap_ok(int passed, const char *file, int line, const char *format, ...)
{
    va_list  args;

    printf("%sok %d - ", passed ? "" : "not ", ++tap_tests);

    va_start(args, format);
    vprintf(format, args);
    va_end(args);

    printf("\n");

    if (!passed) {
        tap_failures++;
        printf("# at %s line %d\n", file, line);
    }

    return passed;
}


#define ok(passed, ...)  tap_ok((passed), __FILE__, __LINE__, __VA_ARGS__)


static int
tap_done(void)
{
    printf("1..%d\n", tap_tests);

    return tap_failures != 0;
}


/* An arena of malloc()ed blocks; tap_left limits it to test NOMEM. */

typedef struct tap_block_s  tap_block_t;

struct tap_block_s {
    tap_block_t  *next;
    max_align_t   data[];
};


static tap_block_t  *tap_blocks;
static long          tap_left = -1;


static void *
tap_alloc(void *data, size_t size)
{
    tap_block_t  *block;

    (void) data;

    if (tap_left == 0) {
        return NULL;
    }

    if (tap_left > 0) {
        tap_left--;
    }

    block = malloc(sizeof(tap_block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    block->next = tap_blocks;
    tap_blocks = block;

    return block->data;
}


static void
tap_free(void)
{
    tap_block_t  *next;

    while (tap_blocks) {
        next = tap_blocks->next;
        free(tap_blocks);
        tap_blocks = next;
    }
}


static const lu_arena_t  tap_arena = { tap_alloc, NULL };


static lu_str_t
tap_str(const char *text)
{
    lu_str_t  str;

    str.len = strlen(text);
    str.data = (unsigned char *) text;

    return str;
}


#endif /* _TAP_H_INCLUDED_ */
