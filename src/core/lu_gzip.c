
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

#define LU_GZIP_LEVEL   6

#define LU_GZIP_STORED  65535       /* bytes of a block that is stored */
#define LU_GZIP_PIECE   65536


static lu_rc_e lu_gzip_unpacked(const lu_str_t *packed, int is_raw, size_t max,
    size_t *size);


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


/* RFC 1951, section 3.2.4. */

lu_rc_e
lu_gzip_stored(const lu_arena_t *arena, const lu_str_t *text, lu_str_t *gzip)
{
    size_t          i, n;
    unsigned char  *p;

    n = text->len / LU_GZIP_STORED + 1;

    p = arena->alloc(arena->data, LU_GZIP_HEAD + text->len + 5 * n
                                  + LU_GZIP_TAIL);
    if (p == NULL) {
        return LU_NOMEM;
    }

    gzip->data = p;

    lu_gzip_head(p);
    p += LU_GZIP_HEAD;

    i = 0;

    do {
        n = text->len - i;
        n = (n < LU_GZIP_STORED) ? n : LU_GZIP_STORED;

        *p++ = (i + n == text->len);
        *p++ = (unsigned char) (n & 0xff);
        *p++ = (unsigned char) (n >> 8);
        *p++ = (unsigned char) (~n & 0xff);
        *p++ = (unsigned char) (~n >> 8 & 0xff);

        memcpy(p, text->data + i, n);

        p += n;
        i += n;

    } while (i < text->len);

    lu_gzip_tail(p, lu_gzip_crc(text), text->len);
    p += LU_GZIP_TAIL;

    gzip->len = (size_t) (p - gzip->data);

    return LU_OK;
}


lu_rc_e
lu_gzip_unpack(const lu_arena_t *arena, const lu_str_t *packed, int is_raw,
    size_t max, lu_str_t *text)
{
    int       rc;
    lu_rc_e   core;
    z_stream  stream;

    if (!is_raw
        && (packed->len < LU_GZIP_HEAD + LU_GZIP_TAIL
            || packed->data[0] != 0x1f || packed->data[1] != 0x8b))
    {
        return LU_NOT_FOUND;
    }

    core = lu_gzip_unpacked(packed, is_raw, max, &text->len);

    if (core != LU_OK) {
        return (core == LU_INVALID && is_raw) ? LU_NOT_FOUND : core;
    }

    text->data = arena->alloc(arena->data, text->len + 1);
    if (text->data == NULL) {
        return LU_NOMEM;
    }

    memset(&stream, 0, sizeof(z_stream));

    if (inflateInit2(&stream, is_raw ? -MAX_WBITS : 16 + MAX_WBITS) != Z_OK) {
        return LU_NOMEM;
    }

    stream.next_in = packed->data;
    stream.avail_in = (uInt) packed->len;
    stream.next_out = text->data;
    stream.avail_out = (uInt) text->len + 1;

    rc = inflate(&stream, Z_FINISH);

    (void) inflateEnd(&stream);

    text->data[text->len] = '\0';

    return rc == Z_STREAM_END ? LU_OK : LU_NOMEM;
}


/* Unpacks it a first time, since nothing says how long it is going to be. */

static lu_rc_e
lu_gzip_unpacked(const lu_str_t *packed, int is_raw, size_t max, size_t *size)
{
    int            rc;
    z_stream       stream;
    unsigned char  piece[LU_GZIP_PIECE];

    memset(&stream, 0, sizeof(z_stream));

    if (inflateInit2(&stream, is_raw ? -MAX_WBITS : 16 + MAX_WBITS) != Z_OK) {
        return LU_NOMEM;
    }

    stream.next_in = packed->data;
    stream.avail_in = (uInt) packed->len;

    do {
        stream.next_out = piece;
        stream.avail_out = LU_GZIP_PIECE;

        rc = inflate(&stream, Z_NO_FLUSH);

    } while (rc == Z_OK && stream.total_out <= max);

    *size = stream.total_out;

    (void) inflateEnd(&stream);

    return (rc == Z_STREAM_END && *size <= max) ? LU_OK : LU_INVALID;
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
