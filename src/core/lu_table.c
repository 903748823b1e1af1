
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_sha256.h"
#include "lu_table.h"

#include <stdio.h>


#define LU_TABLE_PAGE    4096         /* bytes of text, at least */
#define LU_TABLE_HREF    1024         /* bytes, see lu_name_href_check() */
#define LU_TABLE_DIGITS  20           /* of a number, with what follows it */

/* files.index begins with it; another number is another format */

#define LU_TABLE_MAGIC   "files.index-1"


typedef struct {
    const unsigned char   *p;
    const unsigned char   *last;
    lu_str_t               href;      /* of the file that was read last */
    unsigned char          names[2][LU_TABLE_HREF];   /* it and the next one */
    unsigned               name;
} lu_table_scan_t;


static lu_rc_e lu_table_scan_file(lu_table_scan_t *scan);
static lu_rc_e lu_table_scan_href(lu_table_scan_t *scan, lu_str_t *href);
static lu_rc_e lu_table_scan_string(lu_table_scan_t *scan, lu_str_t *string);
static void lu_table_scan_space(lu_table_scan_t *scan);
static int lu_table_scan_next(lu_table_scan_t *scan, unsigned char c);
static int lu_table_parse_head(lu_str_t *text, size_t size,
    lu_table_t *table);
static int lu_table_parse_page(lu_str_t *text, const lu_table_t *table,
    lu_table_page_t *page);
static int lu_table_parse_number(lu_str_t *text, unsigned char end,
    size_t *number);
static int lu_table_parse_word(lu_str_t *text, unsigned char end,
    lu_str_t *word);


lu_rc_e
lu_table_scan(const lu_arena_t *arena, const lu_str_t *text,
    lu_table_t *table)
{
    size_t            offset;
    lu_rc_e           rc;
    lu_str_t          before;
    lu_table_page_t  *page;
    lu_table_scan_t   scan;

    table->n = 0;
    table->size = text->len;
    table->pages = arena->alloc(arena->data, (1 + text->len / LU_TABLE_PAGE)
                                             * sizeof(lu_table_page_t));
    if (table->pages == NULL) {
        return LU_NOMEM;
    }

    memset(&before, 0, sizeof(lu_str_t));

    scan.p = text->data;
    scan.last = text->data + text->len;
    scan.name = 0;

    lu_table_scan_space(&scan);
    offset = scan.p - text->data;

    if (!lu_table_scan_next(&scan, '[')) {
        return LU_INVALID;
    }

    for ( ;; ) {
        rc = lu_table_scan_file(&scan);
        if (rc != LU_OK) {
            return rc;
        }

        if (table->n && lu_str_cmp(&before, &scan.href) >= 0) {
            return LU_INVALID;
        }

        before = scan.href;

        if (table->n == 0
            || offset - table->pages[table->n - 1].offset >= LU_TABLE_PAGE)
        {
            page = &table->pages[table->n++];

            page->offset = offset;
            page->href = lu_str_dup(arena, scan.href.data, scan.href.len);

            if (page->href.data == NULL) {
                return LU_NOMEM;
            }
        }

        lu_table_scan_space(&scan);
        offset = scan.p - text->data;

        if (!lu_table_scan_next(&scan, ',')) {
            break;
        }
    }

    table->end = offset;

    if (!lu_table_scan_next(&scan, ']')) {
        return LU_INVALID;
    }

    lu_table_scan_space(&scan);

    return (scan.p == scan.last) ? LU_OK : LU_INVALID;
}


/* An object of which the member "href" is of interest. */

static lu_rc_e
lu_table_scan_file(lu_table_scan_t *scan)
{
    unsigned  depth;
    lu_rc_e   rc;
    lu_str_t  string, href;

    memset(&href, 0, sizeof(lu_str_t));

    lu_table_scan_space(scan);

    if (!lu_table_scan_next(scan, '{')) {
        return LU_INVALID;
    }

    depth = 1;

    while (scan->p < scan->last) {

        switch (*scan->p) {

        case '"':
            rc = lu_table_scan_string(scan, &string);
            if (rc != LU_OK) {
                return rc;
            }

            /* a value may be "href", too; no ":" follows it */

            if (depth != 1 || !lu_str_is(&string, "\"href\"")) {
                break;
            }

            lu_table_scan_space(scan);

            if (!lu_table_scan_next(scan, ':')) {
                break;
            }

            if (href.len) {
                return LU_INVALID;
            }

            lu_table_scan_space(scan);

            rc = lu_table_scan_string(scan, &href);
            if (rc != LU_OK) {
                return rc;
            }

            break;

        case '{':
        case '[':
            depth++;
            scan->p++;
            break;

        case '}':
        case ']':
            scan->p++;

            if (--depth == 0) {
                return lu_table_scan_href(scan, &href);
            }

            break;

        default:
            scan->p++;
        }
    }

    return LU_INVALID;
}


/* A name with escapes is kept until the one behind it has been compared. */

static lu_rc_e
lu_table_scan_href(lu_table_scan_t *scan, lu_str_t *href)
{
    cJSON      *json;
    lu_rc_e     rc;
    lu_str_t    name;
    lu_error_t  err;

    if (href->len < sizeof("\"\"")) {
        return LU_INVALID;
    }

    if (memchr(href->data, '\\', href->len) == NULL) {
        scan->href.data = href->data + 1;
        scan->href.len = href->len - 2;

        return LU_OK;
    }

    rc = lu_json_parse(&json, href, &err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_value(json, &name) != LU_OK || name.len > LU_TABLE_HREF) {
        cJSON_Delete(json);
        return LU_INVALID;
    }

    scan->name ^= 1;
    scan->href.data = scan->names[scan->name];
    scan->href.len = name.len;
    memcpy(scan->href.data, name.data, name.len);

    cJSON_Delete(json);

    return LU_OK;
}


/* With its quotes. */

static lu_rc_e
lu_table_scan_string(lu_table_scan_t *scan, lu_str_t *string)
{
    const unsigned char  *start;

    start = scan->p;

    if (!lu_table_scan_next(scan, '"')) {
        return LU_INVALID;
    }

    while (scan->p < scan->last) {

        if (*scan->p == '"') {
            scan->p++;

            string->data = (unsigned char *) start;
            string->len = scan->p - start;

            return LU_OK;
        }

        if (*scan->p == '\\' && scan->last - scan->p > 1) {
            scan->p++;
        }

        scan->p++;
    }

    return LU_INVALID;
}


static void
lu_table_scan_space(lu_table_scan_t *scan)
{
    while (scan->p < scan->last
           && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\n'
               || *scan->p == '\r'))
    {
        scan->p++;
    }
}


static int
lu_table_scan_next(lu_table_scan_t *scan, unsigned char c)
{
    if (scan->p == scan->last || *scan->p != c) {
        return 0;
    }

    scan->p++;

    return 1;
}


/*
 * A line with the magic and the digest of the lines below, a line with the
 * size and the end of the table, and a line with the offset and the href of
 * each page.
 */

lu_rc_e
lu_table_print(const lu_arena_t *arena, const lu_table_t *table,
    lu_str_t *text)
{
    char        *p, *lines, hex[LU_SHA256_HEX + 1];
    size_t       i, size;
    lu_sha256_t  sha256;

    size = sizeof(LU_TABLE_MAGIC) + LU_SHA256_HEX + 1
           + 2 * (LU_TABLE_DIGITS + 1);

    for (i = 0; i < table->n; i++) {
        size += LU_TABLE_DIGITS + table->pages[i].href.len + 1;
    }

    text->data = arena->alloc(arena->data, size);
    if (text->data == NULL) {
        return LU_NOMEM;
    }

    lines = (char *) text->data + sizeof(LU_TABLE_MAGIC) + LU_SHA256_HEX + 1;

    p = lines;
    p += snprintf(p, 2 * (LU_TABLE_DIGITS + 1), "%zu %zu\n", table->size,
                  table->end);

    for (i = 0; i < table->n; i++) {
        p += snprintf(p, LU_TABLE_DIGITS + 1, "%zu ", table->pages[i].offset);

        memcpy(p, table->pages[i].href.data, table->pages[i].href.len);
        p += table->pages[i].href.len;

        *p++ = '\n';
    }

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, lines, p - lines);
    lu_sha256_hex(&sha256, hex);

    memcpy(text->data, LU_TABLE_MAGIC " ", sizeof(LU_TABLE_MAGIC));
    memcpy(text->data + sizeof(LU_TABLE_MAGIC), hex, LU_SHA256_HEX);
    lines[-1] = '\n';

    text->len = p - (char *) text->data;

    return LU_OK;
}


lu_rc_e
lu_table_parse(const lu_arena_t *arena, const lu_str_t *text, size_t size,
    lu_table_t *table)
{
    size_t            i;
    lu_str_t          rest;
    lu_table_page_t  *page;

    rest = *text;

    if (!lu_table_parse_head(&rest, size, table)) {
        return LU_INVALID;
    }

    for (i = 0; i < rest.len; i++) {
        table->n += (rest.data[i] == '\n');
    }

    rest = lu_str_dup(arena, rest.data, rest.len);
    table->pages = arena->alloc(arena->data,
                                table->n * sizeof(lu_table_page_t));

    if (rest.data == NULL || table->pages == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < table->n; i++) {
        page = &table->pages[i];

        if (!lu_table_parse_page(&rest, table, page)) {
            return LU_INVALID;
        }

        if (i
            && (page->offset <= page[-1].offset
                || lu_str_cmp(&page->href, &page[-1].href) <= 0))
        {
            return LU_INVALID;
        }
    }

    return rest.len == 0 ? LU_OK : LU_INVALID;
}


static int
lu_table_parse_head(lu_str_t *text, size_t size, lu_table_t *table)
{
    char         hex[LU_SHA256_HEX + 1];
    lu_str_t     word;
    lu_sha256_t  sha256;

    memset(table, 0, sizeof(lu_table_t));

    if (!lu_table_parse_word(text, ' ', &word)
        || !lu_str_is(&word, LU_TABLE_MAGIC)
        || !lu_table_parse_word(text, '\n', &word))
    {
        return 0;
    }

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, text->data, text->len);
    lu_sha256_hex(&sha256, hex);

    return lu_str_is(&word, hex)
           && lu_table_parse_number(text, ' ', &table->size)
           && lu_table_parse_number(text, '\n', &table->end)
           && text->len
           && table->size == size
           && table->end < size;
}


static int
lu_table_parse_page(lu_str_t *text, const lu_table_t *table,
    lu_table_page_t *page)
{
    lu_error_t  err;

    return lu_table_parse_number(text, ' ', &page->offset)
           && lu_table_parse_word(text, '\n', &page->href)
           && page->offset < table->end
           && lu_name_href_check(&page->href, &err) == LU_OK;
}


static int
lu_table_parse_number(lu_str_t *text, unsigned char end, size_t *number)
{
    size_t    i, n;
    lu_str_t  word;

    if (!lu_table_parse_word(text, end, &word)
        || word.len == 0
        || word.len >= LU_TABLE_DIGITS)
    {
        return 0;
    }

    n = 0;

    for (i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9'
            || n > SIZE_MAX / 10 - 1)
        {
            return 0;
        }

        n = n * 10 + (word.data[i] - '0');
    }

    *number = n;

    return 1;
}


static int
lu_table_parse_word(lu_str_t *text, unsigned char end, lu_str_t *word)
{
    unsigned char  *p;

    p = text->len ? memchr(text->data, end, text->len) : NULL;

    if (p == NULL) {
        return 0;
    }

    word->data = text->data;
    word->len = p - text->data;

    text->data += word->len + 1;
    text->len -= word->len + 1;

    return 1;
}


const lu_table_page_t *
lu_table_find(const lu_table_t *table, const lu_str_t *href)
{
    size_t  low, high, middle;

    low = 0;
    high = table->n;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (lu_str_cmp(&table->pages[middle].href, href) <= 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low ? &table->pages[low - 1] : NULL;
}


/* With the delimiter at either end. */

size_t
lu_table_page_size(const lu_table_t *table, const lu_table_page_t *page)
{
    size_t  next;

    next = (page + 1 < table->pages + table->n) ? page[1].offset : table->end;

    return next + 1 - page->offset;
}


lu_rc_e
lu_table_page_parse(const lu_arena_t *arena, lu_str_t *text,
    const lu_str_t *href, const lu_str_t *next, lu_file_t **files, size_t *n,
    lu_error_t *err)
{
    size_t          count;
    lu_rc_e         rc;
    lu_file_t      *list;
    unsigned char  *first, *last;

    *files = NULL;
    *n = 0;

    if (text->len < 2) {
        return lu_error(err, href, "is not where files.index says");
    }

    first = text->data;
    last = text->data + text->len - 1;

    if ((*first != '[' && *first != ',') || (*last != ',' && *last != ']')) {
        return lu_error(err, href, "is not where files.index says");
    }

    *first = '[';
    *last = ']';

    rc = lu_file_table_parse(arena, text, &list, &count, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (count == 0
        || !lu_str_eq(&list[0].href, href)
        || (next->len && lu_str_cmp(&list[count - 1].href, next) >= 0))
    {
        return lu_error(err, href, "is not where files.index says");
    }

    *files = list;
    *n = count;

    return LU_OK;
}
