
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A manifest that is accepted can be merged with another one only into a text
 * that is accepted, too, and that has the files of both.
 */


#include "fuzz.h"
#include "lu_builder.h"
#include "lu_merge.h"


static void
check_has(const lu_builder_t *builder, const lu_builder_file_t *file)
{
    size_t  i;

    for (i = 0; i < builder->nfiles; i++) {
        if (lu_str_eq(&builder->files[i].name, &file->name)) {
            require(memcmp(builder->files[i].sha512, file->sha512, 64) == 0);
            return;
        }
    }

    require(0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    lu_rc_e        rc;
    lu_str_t       texts[2], merged;
    lu_error_t     err;
    lu_arena_t     arena;
    lu_builder_t   one, two, both;
    fuzz_block_t  *blocks;

    blocks = NULL;

    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    /* two texts, which a line of "%" separates */

    texts[0].data = (unsigned char *) data;
    texts[0].len = size;

    i = lu_str_find(&texts[0], 0, "\n%\n");

    texts[1] = texts[0];

    if (i < size) {
        texts[0].len = i + 1;
        texts[1].data = texts[0].data + i + 3;
        texts[1].len = size - i - 3;
    }

    if (lu_builder_parse(&arena, &texts[0], &one, &err) == LU_OK
        && lu_builder_parse(&arena, &texts[1], &two, &err) == LU_OK)
    {
        rc = lu_merge(&arena, texts, 2, &merged, &err);

        if (rc == LU_OK) {
            require(lu_builder_parse(&arena, &merged, &both, &err)
                    == LU_OK);
            require(lu_str_eq(&both.version, &one.version));

            for (i = 0; i < one.nfiles; i++) {
                check_has(&both, &one.files[i]);
            }

            for (i = 0; i < two.nfiles; i++) {
                check_has(&both, &two.files[i]);
            }
        }
    }

    fuzz_free(blocks);

    return 0;
}
