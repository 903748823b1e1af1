
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was compressed, at once or in blocks of any length, is one member with
 * the same bytes.
 */


#include "fuzz.h"
#include "lu_gzip.h"

#include <zlib.h>


static void
check(const lu_str_t *gzip, const lu_str_t *text)
{
    z_stream        stream;
    unsigned char  *plain;

    plain = malloc(text->len + 1);

    memset(&stream, 0, sizeof(z_stream));
    require(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);

    stream.next_in = gzip->data;
    stream.avail_in = (uInt) gzip->len;
    stream.next_out = plain;
    stream.avail_out = (uInt) text->len + 1;

    require(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    require(stream.avail_in == 0 && stream.total_out == text->len);
    require(memcmp(plain, text->data, text->len) == 0);

    (void) inflateEnd(&stream);
    free(plain);
}


/* The first byte is the length of the blocks, of which there are up to 4. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         n, offset;
    lu_str_t       text, gzip, before, piece, block;
    unsigned long  crc;

    static unsigned char  memory[LU_GZIP_BOUND];

    if (size < 2) {
        return 0;
    }

    text = fuzz_copy(data + 1, size - 1);
    n = 1 + text.len / 4 + data[0];

    gzip.len = text.len + 1024;
    gzip.data = malloc(gzip.len);

    require(lu_gzip(&text, &gzip) == LU_OK);
    check(&gzip, &text);
    free(gzip.data);

    gzip.data = malloc(LU_GZIP_HEAD + LU_GZIP_TAIL
                       + (text.len / n + 1) * (n + 64));
    gzip.len = LU_GZIP_HEAD;
    lu_gzip_head(gzip.data);

    block.data = memory;
    crc = 0;

    for (offset = 0; offset < text.len; offset += piece.len) {
        piece.len = n < text.len - offset ? n : text.len - offset;
        piece.data = text.data + offset;
        before.len = offset < LU_GZIP_WINDOW ? offset : LU_GZIP_WINDOW;
        before.data = text.data + offset - before.len;

        require(lu_gzip_block(&before, &piece,
                              offset + piece.len == text.len, &block)
                == LU_OK);
        require(block.len <= piece.len + 64);

        memcpy(gzip.data + gzip.len, block.data, block.len);
        gzip.len += block.len;

        crc = offset ? lu_gzip_crc_join(crc, lu_gzip_crc(&piece), piece.len)
                     : lu_gzip_crc(&piece);
    }

    lu_gzip_tail(gzip.data + gzip.len, crc, text.len);
    gzip.len += LU_GZIP_TAIL;

    check(&gzip, &text);

    free(gzip.data);
    free(text.data);

    return 0;
}
