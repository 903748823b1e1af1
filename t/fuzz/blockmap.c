
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The first byte says how many of the others are the file, the rest is its
 * blockmap, packed or not.  The blockmap that is made of any bytes is theirs.
 */


#include "fuzz.h"
#include "lu_blockmap.h"
#include "lu_gzip.h"


static lu_rc_e
compare(const lu_str_t *text, const lu_str_t *file)
{
    size_t         half;
    lu_rc_e        rc;
    lu_error_t     err;
    lu_blockmap_t  map;

    err.text = NULL;

    rc = lu_blockmap_begin(&map, text, &err);

    if (rc == LU_NOT_FOUND) {
        return rc;
    }

    half = file->len / 2;

    if (rc == LU_OK) {
        rc = lu_blockmap_compare(&map, file->data, half, &err);
    }

    if (rc == LU_OK) {
        rc = lu_blockmap_compare(&map, file->data + half, file->len - half,
                                 &err);
    }

    if (rc == LU_OK) {
        rc = lu_blockmap_end(&map, &err);
    }

    require(rc == LU_OK || (rc == LU_INVALID && err.text));

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                n;
    lu_str_t              file, text, packed, again, last;
    lu_arena_t            arena;
    fuzz_block_t         *blocks;
    lu_blockmap_maker_t  *maker;

    if (size < 1) {
        return 0;
    }

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    n = data[0] < size - 1 ? data[0] : size - 1;

    file = fuzz_copy(data + 1, n);
    text = fuzz_copy(data + 1 + n, size - 1 - n);

    (void) compare(&text, &file);

    if (lu_gzip_unpack(&arena, &text, data[0] & 1, 65536, &again) == LU_OK) {
        require(again.len <= 65536);
        (void) compare(&again, &file);
    }

    require(lu_blockmap_make(&arena, text.len, &maker) == LU_OK);
    require(lu_blockmap_add(maker, text.data, text.len) == LU_OK);
    require(lu_blockmap_made(&arena, maker, &again) == LU_OK);
    require(compare(&again, &text) == LU_OK);

    require(lu_gzip_stored(&arena, &again, &packed) == LU_OK);
    require(lu_gzip_unpack(&arena, &packed, 0, again.len, &last) == LU_OK);
    require(lu_str_eq(&again, &last));

    fuzz_free(blocks);
    free(file.data);
    free(text.data);

    return 0;
}
