
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted is sorted, unique, safe and can lie on one disk; a bundle
 * that is what its manifest says passes, and one that differs does not.
 */


#include "fuzz.h"
#include "lu_manifest.h"
#include "lu_name.h"
#include "lu_sha256.h"


static void
check_entry(const lu_file_t *entries, size_t n, size_t i)
{
    size_t      j;
    lu_str_t    part;
    lu_error_t  err;

    require(lu_name_href_check(&entries[i].href, &err) == LU_OK);
    require(lu_sha256_hex_valid(&entries[i].sha256));
    require(entries[i].size <= (uint64_t) 1 << 53);
    require(entries[i].signature.len == 0);
    require(lu_file_find(entries, n, &entries[i].href)
            == &entries[i]);

    if (i) {
        require(lu_file_cmp(&entries[i - 1], &entries[i]) < 0);
    }

    for (j = 0; j < entries[i].href.len; j++) {

        if (entries[i].href.data[j] == '/') {
            part.data = entries[i].href.data;
            part.len = j;
            require(lu_file_find(entries, n, &part) == NULL);
        }
    }
}


static void
check_bundle(lu_file_t *entries, size_t n)
{
    lu_rc_e  rc;
    lu_str_t    index = lu_string("index.html");
    lu_error_t  err;

    rc = lu_manifest_check(entries, n, entries, n, &err);

    if (lu_file_find(entries, n, &index)) {
        require(rc == LU_OK);

    } else {
        require(rc == LU_INVALID);
    }

    if (n) {
        require(lu_manifest_check(entries, n, entries, n - 1, &err)
                == LU_INVALID);
        require(lu_str_eq(&err.subject, &entries[n - 1].href));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i, n;
    lu_rc_e        rc;
    lu_str_t       text;
    lu_file_t     *entries;
    lu_error_t     err;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text.len = size;
    text.data = malloc(size + 1);
    memcpy(text.data, data, size);

    rc = lu_manifest_parse(&arena, &text, &entries, &n, &err);

    free(text.data);

    if (rc == LU_OK) {
        for (i = 0; i < n; i++) {
            check_entry(entries, n, i);
        }

        check_bundle(entries, n);

    } else {
        require(rc == LU_INVALID && err.text != NULL);
    }

    fuzz_free(blocks);

    return 0;
}
