
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A table of files is sorted, safe, and the same after it is printed.
 */


#include "fuzz.h"
#include "lu_file.h"
#include "lu_name.h"
#include "lu_sha256.h"


static int
same_file(const lu_file_t *a, const lu_file_t *b)
{
    return lu_str_eq(&a->href, &b->href)
           && a->size == b->size
           && lu_str_eq(&a->sha256, &b->sha256)
           && lu_str_eq(&a->signature, &b->signature)
           && lu_str_eq(&a->type, &b->type)
           && a->gzip == b->gzip;
}


static void
check_files(const lu_arena_t *arena, const lu_str_t *text)
{
    char       *printed;
    size_t      i, n, again;
    lu_rc_e     rc;
    lu_str_t    str;
    lu_file_t  *files, *copies;
    lu_error_t  err;

    err.text = NULL;

    rc = lu_file_table_parse(arena, text, &files, &n, &err);

    if (rc != LU_OK) {
        require(files == NULL && n == 0);
        fuzz_refused(rc, &err);
        return;
    }

    for (i = 0; i < n; i++) {
        require(lu_name_href_check(&files[i].href, &err) == LU_OK);
        require(lu_sha256_hex_valid(&files[i].sha256));

        if (i) {
            require(lu_file_cmp(&files[i - 1], &files[i]) <= 0);
        }

        /* cJSON prints 15 digits: a petabyte */

        if (files[i].size > 999999999999999) {
            return;
        }
    }

    printed = lu_file_table_print(files, n);
    require(printed != NULL);

    str = fuzz_str(printed);

    require(lu_file_table_parse(arena, &str, &copies, &again, &err) == LU_OK);
    require(again == n);

    for (i = 0; i < n; i++) {

        /* files of one href are in no order */

        if ((i && lu_file_cmp(&files[i - 1], &files[i]) == 0)
            || (i + 1 < n
                && lu_file_cmp(&files[i], &files[i + 1]) == 0))
        {
            require(lu_str_eq(&files[i].href, &copies[i].href));
            continue;
        }

        require(same_file(&files[i], &copies[i]));
    }

    cJSON_free(printed);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t       text;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    text = fuzz_copy(data, size);

    check_files(&arena, &text);

    (void) lu_file_signature_valid(&text);
    (void) lu_file_type_valid(&text);

    free(text.data);
    fuzz_free(blocks);

    return 0;
}
