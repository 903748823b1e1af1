
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is found through the pages of a table is what is found in the whole
 * table; pages are the same after they are printed; any text as an index leads
 * to pages inside of its table.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_table.h"


static lu_rc_e
find(const lu_arena_t *arena, const lu_str_t *text, const lu_table_t *table,
    const lu_str_t *href, const lu_file_t **file)
{
    size_t                  n;
    lu_rc_e                 rc;
    lu_str_t                slice, next;
    lu_file_t              *list;
    lu_error_t              err;
    const lu_table_page_t  *page;

    *file = NULL;
    page = lu_table_find(table, href);

    if (page == NULL) {
        return LU_OK;
    }

    next = fuzz_str("");

    if (page + 1 < table->pages + table->n) {
        next = page[1].href;
    }

    require(page->offset + lu_table_page_size(table, page) <= text->len);

    slice = fuzz_copy(text->data + page->offset,
                      lu_table_page_size(table, page));

    rc = lu_table_page_parse(arena, &slice, &page->href, &next, &list, &n,
                             &err);
    free(slice.data);

    if (rc == LU_OK) {
        *file = lu_file_find(list, n, href);
    }

    return rc;
}


static void
check_index(const lu_arena_t *arena, const lu_table_t *table)
{
    size_t      i;
    lu_str_t    index;
    lu_error_t  err;
    lu_table_t  parsed;

    require(lu_table_print(arena, table, &index) == LU_OK);

    if (lu_table_parse(arena, &index, table->size, &parsed) != LU_OK) {

        /* no such name of a file is ever published */

        for (i = 0; i < table->n; i++) {
            if (lu_name_href_check(&table->pages[i].href, &err) != LU_OK) {
                return;
            }
        }

        abort();
    }

    require(parsed.n == table->n && parsed.end == table->end);

    for (i = 0; i < table->n; i++) {
        require(parsed.pages[i].offset == table->pages[i].offset);
        require(lu_str_eq(&parsed.pages[i].href, &table->pages[i].href));
    }
}


static void
check_table(const lu_arena_t *arena, const lu_str_t *text)
{
    size_t            i, n;
    lu_file_t        *files;
    lu_error_t        err;
    lu_table_t        table;
    const lu_file_t  *file;

    if (lu_table_scan(arena, text, &table) != LU_OK) {
        return;
    }

    require(table.n > 0);
    check_index(arena, &table);

    if (lu_file_table_parse(arena, text, &files, &n, &err) != LU_OK) {
        return;
    }

    require(n > 0);

    for (i = 0; i < n; i++) {
        require(find(arena, text, &table, &files[i].href, &file) == LU_OK);
        require(file != NULL);
        require(lu_str_eq(&file->href, &files[i].href));
        require(lu_str_eq(&file->sha256, &files[i].sha256));
        require(file->size == files[i].size);
    }
}


static void
check_foreign(const lu_arena_t *arena, const lu_str_t *text,
    const lu_str_t *index)
{
    size_t            i;
    lu_table_t        table;
    const lu_file_t  *file;

    if (lu_table_parse(arena, index, text->len, &table) != LU_OK) {
        return;
    }

    for (i = 0; i < table.n; i++) {
        (void) find(arena, text, &table, &table.pages[i].href, &file);
    }
}


/* A table; or, behind a byte 0, an index and a table with a byte 0 between. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t        text, index;
    lu_arena_t      arena;
    fuzz_block_t   *blocks;
    const uint8_t  *p;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    if (size && data[0] == '\0') {
        p = memchr(data + 1, '\0', size - 1);

        if (p) {
            index = fuzz_copy(data + 1, p - data - 1);
            text = fuzz_copy(p + 1, data + size - p - 1);

            check_foreign(&arena, &text, &index);

            free(index.data);
            free(text.data);
        }

    } else {
        text = fuzz_copy(data, size);
        check_table(&arena, &text);
        free(text.data);
    }

    fuzz_free(blocks);

    return 0;
}
