
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Compressed twins (RFC 1952): a small file at once, a large one in blocks
 * that can be compressed at the same time.  Either way there is one member,
 * since many readers end after the first.
 */


#ifndef _LU_GZIP_H_INCLUDED_
#define _LU_GZIP_H_INCLUDED_


#include "lu_error.h"


/* Bytes of a block, and of what is before it, in which it looks for matches. */

#define LU_GZIP_BLOCK   (1024 * 1024)
#define LU_GZIP_WINDOW  32768

/* The most that a block takes. */

#define LU_GZIP_BOUND   (LU_GZIP_BLOCK + LU_GZIP_BLOCK / 1024 + 1024)

#define LU_GZIP_HEAD    10
#define LU_GZIP_TAIL    8


/*
 * Compresses a whole text.  The length of the result is what its memory has
 * room for.  LU_OK; LU_NOMEM; LU_NOT_FOUND: it does not fit.
 */

lu_rc_e lu_gzip(const lu_str_t *text, lu_str_t *gzip);

/* What is before the first block, and behind the last one. */

void lu_gzip_head(unsigned char head[LU_GZIP_HEAD]);
void lu_gzip_tail(unsigned char tail[LU_GZIP_TAIL], unsigned long crc,
    uint64_t size);

/*
 * Compresses a block of up to LU_GZIP_BLOCK bytes, with up to LU_GZIP_WINDOW
 * bytes before it, to a memory of LU_GZIP_BOUND bytes.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_gzip_block(const lu_str_t *before, const lu_str_t *text, int last,
    lu_str_t *block);

/*
 * Puts a whole text into a gzip in the arena, without compressing it: the same
 * text makes the same bytes, whatever the version of a library.  LU_OK or
 * LU_NOMEM.
 */

lu_rc_e lu_gzip_stored(const lu_arena_t *arena, const lu_str_t *text,
    lu_str_t *gzip);

/*
 * Unpacks a whole gzip, or a raw deflate stream, of up to max bytes into the
 * arena.  LU_OK; LU_NOMEM; LU_NOT_FOUND: it is none; or LU_INVALID: a gzip is
 * damaged, or larger.
 */

lu_rc_e lu_gzip_unpack(const lu_arena_t *arena, const lu_str_t *packed,
    int is_raw, size_t max, lu_str_t *text);

/* The CRC of a text, and that of a text and one of "size" bytes behind it. */

unsigned long lu_gzip_crc(const lu_str_t *text);
unsigned long lu_gzip_crc_join(unsigned long crc, unsigned long next,
    size_t size);


#endif /* _LU_GZIP_H_INCLUDED_ */
