
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * That blockmaps are those of electron-builder is seen in t/blockmap.t.
 */


#include "tap.h"

#include "../../src/core/lu_blockmap.c"


#define SIZE  300000


static unsigned char  bytes[SIZE];
static lu_error_t     error;
static lu_blockmap_t  map;


/* In pieces, each a byte longer than the one before. */

static lu_str_t
make(size_t size)
{
    size_t                i, n;
    lu_str_t              text;
    lu_blockmap_maker_t  *maker;

    ok(lu_blockmap_make(&tap_arena, size, &maker) == LU_OK, "begins");

    for (i = 0, n = 1; i < size; i += n, n++) {
        n = (size - i < n) ? size - i : n;

        if (lu_blockmap_add(maker, bytes + i, n) != LU_OK) {
            break;
        }
    }

    ok(i >= size && lu_blockmap_made(&tap_arena, maker, &text) == LU_OK,
       "%zu bytes", size);

    return text;
}


static lu_rc_e
compare(const lu_str_t *text, size_t size)
{
    size_t   i, n;
    lu_rc_e  rc;

    rc = lu_blockmap_begin(&map, text, &error);

    for (i = 0; rc == LU_OK && i < size; i += n) {
        n = (size - i < 1000) ? size - i : 1000;
        rc = lu_blockmap_compare(&map, bytes + i, n, &error);
    }

    return rc == LU_OK ? lu_blockmap_end(&map, &error) : rc;
}


static lu_rc_e
reads(const char *text)
{
    lu_str_t  str;

    str = lu_str(text);

    return compare(&str, 3);
}


static void
test_digest(void)
{
    size_t        i;
    lu_blake2b_t  blake2b;
    char          hex[129];
    unsigned char digest[64];

    /* RFC 7693, appendix A */

    lu_blake2b_init(&blake2b, 64);
    lu_blake2b_update(&blake2b, "abc", 3);
    lu_blake2b_final(&blake2b, digest);

    for (i = 0; i < 64; i++) {
        sprintf(hex + 2 * i, "%02x", digest[i]);
    }

    ok(strcmp(hex, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6f"
                   "dbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925a"
                   "b92386edd4009923") == 0, "BLAKE2b");
}


static void
test_files(void)
{
    size_t    i;
    lu_str_t  text;

    static const size_t  sizes[] = { 0, 1, 8191, 8192, 8193, 32768, SIZE };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        text = make(sizes[i]);

        ok(compare(&text, sizes[i]) == LU_OK, "is that of the file");

        if (sizes[i] == 0) {
            continue;
        }

        ok(compare(&text, sizes[i] - 1) == LU_INVALID, "not of a shorter one");

        bytes[sizes[i] / 2] ^= 1;

        ok(compare(&text, sizes[i]) == LU_INVALID
           && map.offset <= sizes[i] / 2
           && map.offset + map.blake2b.size > sizes[i] / 2,
           "nor of another one, and where it differs is said");

        bytes[sizes[i] / 2] ^= 1;
    }

    text = make(SIZE - 1);

    ok(compare(&text, SIZE) == LU_INVALID, "nor of a longer one");
}


static void
test_texts(void)
{
    size_t  i;

    static const char  *const others[] = {
        "", "[]", "binary", "{}", "{\"version\":\"3\",\"files\":[]}",
        "{\"version\":2}"
    };

    static const char  *const wrong[] = {
        "{", "{\"version\":\"2\"}", "{\"version\":\"2\",\"files\":[]}",
        "{\"version\":\"2\",\"files\":[1]}",
        "{\"version\":\"2\",\"files\":{}}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"sizes\":[3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":1,\"checksums\":[],"
        "\"sizes\":[]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":[],"
        "\"sizes\":[]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":[],"
        "\"sizes\":[3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":[1],"
        "\"sizes\":[3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":"
        "[\"AAAAAAAAAAAAAAAAAAAAAAAA\"],\"sizes\":[-3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":"
        "[\"AAAAAAAAAAAAAAAAAAAAAAAA\"],\"sizes\":[1e3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":"
        "[\"AAAAAAAAAAAAAAAAAAAAAA==\"],\"sizes\":[3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":"
        "[\"AAAAAAAAAAAAAAAAAAAAAAAA\"],\"sizes\":[3]}]}",
        "{\"version\":\"2\",\"files\":[{\"offset\":0,\"checksums\":\"\","
        "\"sizes\":[3]}]}"
    };

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ok(reads(others[i]) == LU_NOT_FOUND, "another kind: %s", others[i]);
    }

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ok(reads(wrong[i]) == LU_INVALID && error.text, "wrong: %s", wrong[i]);
    }

    memset(bytes, 'x', 3);

    ok(reads(" {}") == LU_NOT_FOUND, "a blank in front");
    ok(reads("{ \"a\\\"}\" : [ { \"version\" : 1 } , \"]\" ] ,\n"
             "\"version\" :\t\"2\" , \"files\" : [ { \"sizes\" : [ 3 ] , "
             "\"checksums\" : [ \"itIAeZII7eTZLu+iHvOenGGv\" ] , "
             "\"offset\" : 0 } ] }") == LU_OK, "in another form");
}


int
main(void)
{
    size_t    i;
    uint32_t  n;

    for (i = 0, n = 1; i < SIZE; i++) {
        n = n * 1664525 + 1013904223;
        bytes[i] = (unsigned char) (n >> 24);
    }

    test_digest();
    test_files();
    test_texts();

    return tap_done();
}
