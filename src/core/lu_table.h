
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A large files.json, read in pages: which files are where in its text, so
 * that a file is found without the rest of the table.
 */


#ifndef _LU_TABLE_H_INCLUDED_
#define _LU_TABLE_H_INCLUDED_


#include "lu_file.h"


/* A files.json up to this size is parsed whole and has no index, bytes. */

#define LU_TABLE_WHOLE  16384


/* Some files of the table, in a row. */

typedef struct {
    lu_str_t           href;          /* of the first one */
    size_t             offset;        /* of the "[" or "," before it */
} lu_table_page_t;


typedef struct {
    lu_table_page_t   *pages;         /* sorted by href */
    size_t             n;
    size_t             end;           /* where the "]" is in the text */
    size_t             size;          /* of the text */
} lu_table_t;


/*
 * Divides the text of a files.json into pages.  LU_OK, LU_NOMEM, or
 * LU_INVALID: the text has to be read whole, since it is no array of objects
 * with an "href" each, sorted and unique, or has none.  More is not checked:
 * lu_table_page() does that.
 */

lu_rc_e lu_table_scan(const lu_arena_t *arena, const lu_str_t *text,
    lu_table_t *table);

/*
 * files.index, the pages as a text, and back.  print() returns LU_OK or
 * LU_NOMEM.  parse() gets the size of files.json and returns LU_INVALID if
 * the text is not what print() has made of a table of that size.
 */

lu_rc_e lu_table_print(const lu_arena_t *arena, const lu_table_t *table,
    lu_str_t *text);
lu_rc_e lu_table_parse(const lu_arena_t *arena, const lu_str_t *text,
    size_t size, lu_table_t *table);

/* The page that has the file if the table has it; NULL: it has not. */

const lu_table_page_t *lu_table_find(const lu_table_t *table,
    const lu_str_t *href);

/* The number of bytes of a page's text, from its offset. */

size_t lu_table_page_size(const lu_table_t *table,
    const lu_table_page_t *page);

/*
 * Parses the text of a page, which is changed by that, to its files.  The
 * first file must have that href, and all must be below the next page's; next
 * is empty for the last page.  Results as those of lu_file_table_parse(), and
 * LU_INVALID if it is another page.
 */

lu_rc_e lu_table_page_parse(const lu_arena_t *arena, lu_str_t *text,
    const lu_str_t *href, const lu_str_t *next, lu_file_t **files, size_t *n,
    lu_error_t *err);


#endif /* _LU_TABLE_H_INCLUDED_ */
