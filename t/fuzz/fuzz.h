
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What the fuzzers of src/core share: a condition that must hold, an arena,
 * and texts that end where their memory does.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include "lu_json.h"


typedef struct fuzz_block_s  fuzz_block_t;

struct fuzz_block_s {
    fuzz_block_t   *next;
    max_align_t     data[];
};


static inline void
require(int condition)
{
    if (!condition) {
        abort();
    }
}


static inline void *
fuzz_alloc(void *data, size_t size)
{
    fuzz_block_t  *block, **blocks;

    blocks = data;
    block = malloc(sizeof(fuzz_block_t) + size);
    require(block != NULL);

    block->next = *blocks;
    *blocks = block;

    return block->data;
}


static inline void
fuzz_free(fuzz_block_t *blocks)
{
    fuzz_block_t  *next;

    for ( /* void */ ; blocks; blocks = next) {
        next = blocks->next;
        free(blocks);
    }
}


/* A copy for free(), without a byte behind it. */

static inline lu_str_t
fuzz_copy(const void *data, size_t len)
{
    lu_str_t  str;

    str.len = len;
    str.data = malloc(len);

    if (len) {
        memcpy(str.data, data, len);
    }

    return str;
}


static inline lu_str_t
fuzz_str(const char *text)
{
    lu_str_t  str;

    str.len = strlen(text);
    str.data = (unsigned char *) text;

    return str;
}


/* A reason was given, and its subject can be read. */

static inline void
fuzz_refused(lu_rc_e rc, const lu_error_t *err)
{
    lu_str_t  subject;

    require(rc != LU_OK && rc != LU_NOMEM);
    require(err->text != NULL);

    subject = fuzz_copy(err->subject.data, err->subject.len);

    free(subject.data);
}


#endif /* _FUZZ_H_INCLUDED_ */
