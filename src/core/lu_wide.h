
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Sixteen bytes at once, in the vectors of GCC and Clang: a comparison sets all
 * bits of a byte, or none.
 */


#ifndef _LU_WIDE_H_INCLUDED_
#define _LU_WIDE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if (__SSE2__)
#include <emmintrin.h>
#endif


#define LU_WIDE  16

typedef uint8_t lu_wide_t  __attribute__((vector_size(LU_WIDE)));


/* Reads and writes at p, of any alignment. */

static inline lu_wide_t
lu_wide(const unsigned char *p)
{
    lu_wide_t  wide;

    memcpy(&wide, p, LU_WIDE);

    return wide;
}

static inline void
lu_wide_put(unsigned char *p, lu_wide_t wide)
{
    memcpy(p, &wide, LU_WIDE);
}


/* The first byte that a comparison has set, or LU_WIDE. */

static inline size_t
lu_wide_first(lu_wide_t wide)
{
#if (__SSE2__)

    int  mask;

    mask = _mm_movemask_epi8((__m128i) wide);

    return mask ? (size_t) __builtin_ctz((unsigned) mask) : LU_WIDE;

#else

    size_t  i;

    for (i = 0; i < LU_WIDE && wide[i] == 0; i++) { /* void */ }

    return i;

#endif
}


#endif /* _LU_WIDE_H_INCLUDED_ */
