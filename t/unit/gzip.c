
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_gzip.c"


#define SIZE  (3 * LU_GZIP_BLOCK + 12345)


static unsigned char  text[SIZE], plain[SIZE + 1], packed[2 * SIZE];


/* 1 if gzip is one member, and has the first bytes of text. */

static int
same(const unsigned char *gzip, size_t len, size_t size)
{
    int       rc;
    z_stream  stream;

    memset(&stream, 0, sizeof(z_stream));
    memset(plain, 0, sizeof(plain));

    (void) inflateInit2(&stream, MAX_WBITS + 16);

    stream.next_in = (unsigned char *) gzip;
    stream.avail_in = (uInt) len;
    stream.next_out = plain;
    stream.avail_out = sizeof(plain);

    rc = inflate(&stream, Z_FINISH);

    (void) inflateEnd(&stream);

    return rc == Z_STREAM_END
           && stream.avail_in == 0
           && stream.total_out == size
           && memcmp(plain, text, size) == 0;
}


/* Texts that compress well, and noise. */

static void
fill(unsigned noise)
{
    size_t    i;
    uint32_t  seed;

    seed = 7;

    for (i = 0; i < SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = noise ? (unsigned char) (seed >> 24)
                        : (unsigned char) "{\"a\": 1}, "[(seed >> 28) % 10];
    }
}


static size_t
blocks(size_t size)
{
    size_t         n, offset, total;
    lu_str_t       before, piece, block;
    unsigned long  crc;

    lu_gzip_head(packed);
    total = LU_GZIP_HEAD;
    crc = 0;
    offset = 0;

    do {
        n = size - offset < LU_GZIP_BLOCK ? size - offset : LU_GZIP_BLOCK;

        before.len = offset < LU_GZIP_WINDOW ? offset : LU_GZIP_WINDOW;
        before.data = text + offset - before.len;
        piece.data = text + offset;
        piece.len = n;
        block.data = malloc(LU_GZIP_BOUND);

        if (lu_gzip_block(&before, &piece, offset + n == size, &block)
            != LU_OK)
        {
            free(block.data);
            return 0;
        }

        memcpy(packed + total, block.data, block.len);
        total += block.len;
        free(block.data);

        crc = offset ? lu_gzip_crc_join(crc, lu_gzip_crc(&piece), n)
                     : lu_gzip_crc(&piece);
        offset += n;

    } while (offset < size);

    lu_gzip_tail(packed + total, crc, size);

    return total + LU_GZIP_TAIL;
}


static void
test_whole(void)
{
    size_t    i, size;
    lu_rc_e   rc;
    lu_str_t  in, out;
    static const size_t  sizes[] = {
        0, 1, 255, 256, 65535, 65536, 70000, LU_GZIP_BLOCK, SIZE
    };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        in.data = text;
        in.len = sizes[i];
        out.data = packed;
        out.len = sizeof(packed);

        ok(lu_gzip(&in, &out) == LU_OK && same(packed, out.len, sizes[i]),
           "%zu bytes at once, %zu compressed", sizes[i], out.len);
    }

    /* in memory that is just large enough, and in less */

    in.len = 70000;
    out.len = sizeof(packed);
    (void) lu_gzip(&in, &out);
    size = out.len;

    for (i = size + 16; i > 0; i = i > size - 16 ? i - 1 : i / 2) {
        out.data = malloc(i);
        out.len = i;
        rc = lu_gzip(&in, &out);

        if (rc == LU_OK ? !same(out.data, out.len, 70000)
                        : rc != LU_NOT_FOUND || i > size + 8)
        {
            ok(0, "%zu bytes of memory", i);
        }

        free(out.data);
    }
}


static void
test_blocks(const char *name)
{
    size_t  i, size;
    static const size_t  sizes[] = {
        1, LU_GZIP_WINDOW, LU_GZIP_BLOCK - 1, LU_GZIP_BLOCK,
        LU_GZIP_BLOCK + 1, LU_GZIP_BLOCK + LU_GZIP_WINDOW, 2 * LU_GZIP_BLOCK,
        SIZE
    };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size = blocks(sizes[i]);

        ok(size && same(packed, size, sizes[i]),
           "%s: %zu bytes in blocks, %zu compressed", name, sizes[i], size);
    }
}


/* What is stored, and what is compressed, is unpacked again. */

static void
test_unpacked(void)
{
    size_t         i;
    lu_str_t       str, gzip, again, raw;
    unsigned char  old;

    static const size_t  sizes[] = { 0, 1, 65534, 65535, 65536, 200000 };

    fill(1);

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        str.data = text;
        str.len = sizes[i];

        ok(lu_gzip_stored(&tap_arena, &str, &gzip) == LU_OK
           && lu_gzip_unpack(&tap_arena, &gzip, 0, SIZE, &again) == LU_OK
           && lu_str_eq(&again, &str),
           "%zu bytes stored", sizes[i]);

        raw.data = gzip.data + LU_GZIP_HEAD;
        raw.len = gzip.len - LU_GZIP_HEAD;

        ok(lu_gzip_unpack(&tap_arena, &raw, 1, SIZE, &again) == LU_OK
           && lu_str_eq(&again, &str), "a raw stream");
    }

    ok(lu_gzip_unpack(&tap_arena, &gzip, 0, str.len, &again) == LU_OK
       && lu_gzip_unpack(&tap_arena, &gzip, 0, str.len - 1, &again)
          == LU_INVALID,
       "a limit");

    old = gzip.data[1000]++;
    ok(lu_gzip_unpack(&tap_arena, &gzip, 0, SIZE, &again) == LU_INVALID,
       "other bytes");
    gzip.data[1000] = old;

    gzip.len -= LU_GZIP_TAIL;
    ok(lu_gzip_unpack(&tap_arena, &gzip, 0, SIZE, &again) == LU_INVALID,
       "no end");
    raw.len = 100;
    ok(lu_gzip_unpack(&tap_arena, &raw, 1, SIZE, &again) == LU_NOT_FOUND,
       "no end of a raw stream");
    ok(lu_gzip_unpack(&tap_arena, &str, 0, SIZE, &again) == LU_NOT_FOUND,
       "no gzip");
}


int
main(void)
{
    lu_str_t       str;
    unsigned char  tail[LU_GZIP_TAIL];

    fill(0);
    test_whole();
    test_blocks("text");

    fill(1);
    test_blocks("noise");

    test_unpacked();

    str = tap_str("123456789");
    ok(lu_gzip_crc(&str) == 0xcbf43926, "the CRC");

    lu_gzip_tail(tail, 0x04030201, (uint64_t) 0x908070605);
    ok(memcmp(tail, "\1\2\3\4\5\6\7\10", 8) == 0, "the size modulo 2^32");

    return tap_done();
}
