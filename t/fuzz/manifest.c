
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted is sorted, unique, safe and can lie on one disk; a bundle
 * that is what its manifest says passes, and one that differs does not.
 */


#include "lu_manifest.h"
#include "lu_name.h"


typedef struct block_s  block_t;

struct block_s {
    block_t      *next;
    max_align_t   data[];
};


static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}


static void *
arena_alloc(void *data, size_t size)
{
    block_t  *block, **blocks;

    blocks = data;
    block = malloc(sizeof(block_t) + size);
    block->next = *blocks;
    *blocks = block;

    return block->data;
}


static void
check_entry(const liveupdate_file_t *entries, size_t n, size_t i)
{
    size_t               j;
    liveupdate_str_t     part;
    liveupdate_error_t   err;

    require(liveupdate_href_check(&entries[i].href, &err) == LIVEUPDATE_OK);
    require(liveupdate_sha256_valid(&entries[i].sha256));
    require(entries[i].size <= (uint64_t) 1 << 53);
    require(entries[i].signature.len == 0);
    require(liveupdate_file_find(entries, n, &entries[i].href)
            == &entries[i]);

    if (i) {
        require(liveupdate_file_cmp(&entries[i - 1], &entries[i]) < 0);
    }

    for (j = 0; j < entries[i].href.len; j++) {

        if (entries[i].href.data[j] == '/') {
            part.data = entries[i].href.data;
            part.len = j;
            require(liveupdate_file_find(entries, n, &part) == NULL);
        }
    }
}


static void
check_bundle(liveupdate_file_t *entries, size_t n)
{
    liveupdate_rc_e      rc;
    liveupdate_str_t     index = liveupdate_string("index.html");
    liveupdate_error_t   err;

    rc = liveupdate_manifest_check(entries, n, entries, n, &err);

    if (liveupdate_file_find(entries, n, &index)) {
        require(rc == LIVEUPDATE_OK);

    } else {
        require(rc == LIVEUPDATE_INVALID);
    }

    if (n) {
        require(liveupdate_manifest_check(entries, n, entries, n - 1, &err)
                == LIVEUPDATE_INVALID);
        require(liveupdate_str_eq(&err.subject, &entries[n - 1].href));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                i, n;
    block_t              *blocks, *next;
    liveupdate_rc_e       rc;
    liveupdate_str_t      text;
    liveupdate_file_t    *entries;
    liveupdate_error_t    err;
    liveupdate_arena_t    arena;

    blocks = NULL;
    arena.alloc = arena_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text.len = size;
    text.data = malloc(size + 1);
    memcpy(text.data, data, size);

    rc = liveupdate_manifest_parse(&arena, &text, &entries, &n, &err);

    free(text.data);

    if (rc == LIVEUPDATE_OK) {
        for (i = 0; i < n; i++) {
            check_entry(entries, n, i);
        }

        check_bundle(entries, n);

    } else {
        require(rc == LIVEUPDATE_INVALID && err.text != NULL);
    }

    for ( /* void */ ; blocks; blocks = next) {
        next = blocks->next;
        free(blocks);
    }

    text.len = size;
    text.data = (unsigned char *) data;
    (void) liveupdate_signature_valid(&text);

    return 0;
}
