
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_gzip.h"

#include <libdeflate.h>
#include <zlib.h>


/*
 * libdeflate is several times as fast as zlib, and its level 6 compresses as
 * well as level 9 of zlib.  But it takes a whole text only, so that blocks are
 * made by zlib, of which level 6 has the same speed within a factor of two.
 */

#define LU_GZIP_LEVEL  6


lu_rc_e
lu_gzip(const lu_str_t *text, lu_str_t *gzip)
{
    struct libdeflate_compressor  *compressor;

    compressor = libdeflate_alloc_compressor(LU_GZIP_LEVEL);
    if (compressor == NULL) {
        return LU_NOMEM;
    }

    gzip->len = libdeflate_gzip_compress(compressor, text->data, text->len,
                                         gzip->data, gzip->len);

    libdeflate_free_compressor(compressor);

    return gzip->len ? LU_OK : LU_NOT_FOUND;
}


/* Without a name or a time. */

void
lu_gzip_head(unsigned char head[LU_GZIP_HEAD])
{
    static const unsigned char  bytes[LU_GZIP_HEAD] = {
        0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 3
    };

    memcpy(head, bytes, LU_GZIP_HEAD);
}


void
lu_gzip_tail(unsigned char tail[LU_GZIP_TAIL], unsigned long crc,
    uint64_t size)
{
    int  i;

    for (i = 0; i < 4; i++) {
        tail[i] = (unsigned char) (crc >> 8 * i);
        tail[4 + i] = (unsigned char) (size >> 8 * i);
    }
}


/* Any but the last block ends with an empty one, at a whole byte. */

lu_rc_e
lu_gzip_block(const lu_str_t *before, const lu_str_t *text, int last,
    lu_str_t *block)
{
    int       rc;
    z_stream  stream;

    memset(&stream, 0, sizeof(z_stream));

    if (deflateInit2(&stream, LU_GZIP_LEVEL, Z_DEFLATED, -MAX_WBITS,
                     MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        return LU_NOMEM;
    }

    if (before->len) {
        (void) deflateSetDictionary(&stream, before->data,
                                    (uInt) before->len);
    }

    stream.next_in = text->data;
    stream.avail_in = (uInt) text->len;
    stream.next_out = block->data;
    stream.avail_out = LU_GZIP_BOUND;

    rc = deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);

    block->len = stream.next_out - block->data;

    (void) deflateEnd(&stream);

    /* without room at the end something may be missing */

    if (rc != (last ? Z_STREAM_END : Z_OK) || block->len == LU_GZIP_BOUND) {
        return LU_NOMEM;
    }

    return LU_OK;
}


unsigned long
lu_gzip_crc(const lu_str_t *text)
{
    return crc32(crc32(0, NULL, 0), text->data, (uInt) text->len);
}


unsigned long
lu_gzip_crc_join(unsigned long crc, unsigned long next, size_t size)
{
    return crc32_combine(crc, next, (z_off_t) size);
}
