
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap.h"
#include "../../src/core/lu_table.c"


#define SHA256                                                                \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define FILES  200


static char        names[FILES][64];
static lu_file_t   files[FILES];
static lu_error_t  error;


static void
init(void)
{
    int  i;

    for (i = 0; i < FILES; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "a/%03d \"\303\274\".js",
                        i * 2);

        files[i].href = tap_str(names[i]);
        files[i].size = i;
        files[i].sha256 = tap_str(SHA256);
        files[i].type = tap_str("text/javascript");
        files[i].gzip = i & 1;
    }
}


/* A copy that ends where its memory does. */

static lu_str_t
copy(const char *text, size_t len)
{
    lu_str_t  str;

    str.len = len;
    str.data = malloc(len);

    if (len) {
        memcpy(str.data, text, len);
    }

    return str;
}


static lu_rc_e
scan(const char *text, lu_table_t *table)
{
    lu_rc_e   rc;
    lu_str_t  str;

    str = copy(text, strlen(text));
    rc = lu_table_scan(&tap_arena, &str, table);

    free(str.data);

    return rc;
}


/* As a thread does it: what is found in the text through its pages. */

static int
find(const char *text, const lu_table_t *table, const char *href,
    lu_file_t *file)
{
    size_t                  n;
    lu_rc_e                 rc;
    lu_str_t                str, slice, next;
    lu_file_t              *list;
    const lu_file_t        *found;
    const lu_table_page_t  *page;

    str = tap_str(href);
    page = lu_table_find(table, &str);

    if (page == NULL) {
        return 0;
    }

    next = tap_str("");

    if (page + 1 < table->pages + table->n) {
        next = page[1].href;
    }

    slice = copy(text + page->offset, lu_table_page_size(table, page));

    rc = lu_table_page_parse(&tap_arena, &slice, &page->href, &next, &list, &n,
                             &error);
    free(slice.data);

    if (rc != LU_OK) {
        printf("# %s: page \"%.*s\": %s\n", href, (int) page->href.len,
               (char *) page->href.data, error.text);
        return -1;
    }

    found = lu_file_find(list, n, &str);

    if (found == NULL) {
        return 0;
    }

    *file = *found;

    return 1;
}


static void
check_all(const char *text, const char *name)
{
    int         i, right, absent;
    char        href[64];
    lu_file_t   file;
    lu_table_t  table;

    if (!ok(scan(text, &table) == LU_OK, "%s: has pages", name)) {
        return;
    }

    ok(table.n > 3 && table.n < FILES / 4 && table.size == strlen(text)
       && text[table.end] == ']', "%s: %d pages", name, (int) table.n);

    right = 0;
    absent = 0;

    for (i = 0; i < FILES; i++) {

        right += find(text, &table, names[i], &file) == 1
                 && lu_str_eq(&file.href, &files[i].href)
                 && file.size == files[i].size
                 && lu_str_is(&file.sha256, SHA256)
                 && lu_str_is(&file.type, "text/javascript")
                 && file.gzip == files[i].gzip;

        (void) snprintf(href, sizeof(href), "a/%03d \"\303\274\".js",
                        i * 2 + 1);

        absent += find(text, &table, href, &file) == 0;
    }

    ok(right == FILES, "%s: %d files are found", name, right);
    ok(absent == FILES, "%s: %d others are not", name, absent);

    ok(find(text, &table, "", &file) == 0
       && find(text, &table, "A", &file) == 0
       && find(text, &table, "z", &file) == 0
       && find(text, &table, "a/", &file) == 0,
       "%s: nor what is before and behind them", name);

    tap_free();
}


static void
test_scan(void)
{
    char    *text, *p;
    cJSON   *json;
    size_t   len;

    text = lu_file_table_print(files, FILES);
    check_all(text, "as it is printed");

    json = cJSON_Parse(text);
    cJSON_free(text);

    text = cJSON_PrintUnformatted(json);
    check_all(text, "in one line");

    /* another writer's escapes, white space and members */

    len = strlen(text);
    p = malloc(8 * len + 1);

    {
        size_t  i, n;

        n = 0;

        for (i = 0; i < len; i++) {

            if ((unsigned char) text[i] == 0303) {
                n += sprintf(p + n, "\\u00fC");
                i++;
                continue;
            }

            if (text[i] == '{') {
                n += sprintf(p + n, "\r\n {\"x\" : {\"href\":\"z\", \"y\":"
                                    "[[\"href\"], {}, \"}]\\\\\"]},\t");
                continue;
            }

            if (text[i] == ':') {
                n += sprintf(p + n, " :  ");
                continue;
            }

            p[n++] = text[i];

            if (text[i] == '}') {
                n += sprintf(p + n, "\n");
            }
        }

        p[n] = '\0';
    }

    check_all(p, "of another writer");

    free(p);
    cJSON_free(text);
    cJSON_Delete(json);
}


static void
test_refused(void)
{
    char        *text;
    size_t       i, wrong;
    lu_str_t     str;
    lu_table_t   table;
    lu_file_t    swapped[FILES];

    static const char *const  cases[] = {
        "", " ", "[", "{}", "7", "[]", "[7]", "[{}]", "[{\"href\":7}]",
        "[{\"href\":\"\"}]", "[{\"href\":null}]", "[[\"href\"]]",
        "[{\"href\":\"a\"},]", "[{\"href\":\"a\"}{\"href\":\"b\"}]",
        "[{\"href\":\"a\"}] x", "[{\"href\":\"a\"}", "[{\"href\":\"a\"",
        "[{\"href\":\"a", "[{\"href\":\"a\\", "[{\"href\":\"a\\\"}]",
        "[{\"href\":\"a\\x\"}]", "[{\"href\":\"\\u0000\"}]",
        "[{\"href\":\"a\",\"href\":\"b\"}]", "[{\"hre\\u0066\":\"a\"}]",
        "[{\"href\":\"b\"},{\"href\":\"a\"}]",
        "[{\"href\":\"a\"},{\"href\":\"a\"}]",
        "[{\"href\":\"a\"},{\"href\":\"\\u0061\"}]",
        "[{\"href\":\"\\u0062\"},{\"href\":\"\\u0061\"}]",
        "[{\"href\":\"ab\"},{\"href\":\"a\"}]",
        "[{\"x\":{\"href\":\"a\"}}]", "[{\"x\":\"href\"}]"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(scan(cases[i], &table) == LU_INVALID, "has no pages: %s", cases[i]);
    }

    ok(scan(" [ {\"href\":\"a\"} ] ", &table) == LU_OK && table.n == 1
       && table.end == 16, "one file");

    /* the last two in the wrong order */

    memcpy(swapped, files, sizeof(files));
    swapped[FILES - 1] = files[FILES - 2];
    swapped[FILES - 2] = files[FILES - 1];

    text = lu_file_table_print(swapped, FILES);
    ok(scan(text, &table) == LU_INVALID, "the last two files are not sorted");

    wrong = 0;

    for (i = 0; i < strlen(text); i += 7) {
        str = copy(text, i);
        wrong += lu_table_scan(&tap_arena, &str, &table) == LU_OK;
        free(str.data);
    }

    ok(wrong == 0, "a text that was cut off");

    cJSON_free(text);
    tap_free();
}


static void
test_index(void)
{
    char        *text;
    size_t       i, same, accepted;
    lu_str_t     index, str;
    lu_table_t   table, parsed;
    static const char *const  cases[] = {
        "", "\n", "files.index-1", "files.index-1 ", "files.index-1 \n9 8\n",
        "files.index-1 " SHA256, "files.index-1 " SHA256 "\n"
    };

    text = lu_file_table_print(files, FILES);

    ok(scan(text, &table) == LU_OK
       && lu_table_print(&tap_arena, &table, &index) == LU_OK
       && strncmp((char *) index.data, "files.index-1 ", 14) == 0
       && index.data[index.len - 1] == '\n', "printed");

    str = copy((char *) index.data, index.len);

    ok(lu_table_parse(&tap_arena, &str, table.size, &parsed) == LU_OK
       && parsed.n == table.n
       && parsed.end == table.end
       && parsed.size == table.size, "and parsed");

    memset(str.data, 'x', str.len);
    free(str.data);

    same = 0;

    for (i = 0; i < table.n; i++) {
        same += parsed.pages[i].offset == table.pages[i].offset
                && lu_str_eq(&parsed.pages[i].href, &table.pages[i].href);
    }

    ok(same == table.n, "%d pages are the same", (int) same);

    ok(lu_table_parse(&tap_arena, &index, table.size + 1, &parsed)
       == LU_INVALID, "the index of another table");

    accepted = 0;

    for (i = 0; i < index.len; i++) {
        str = copy((char *) index.data, i);
        accepted += lu_table_parse(&tap_arena, &str, table.size, &parsed)
                    == LU_OK;
        free(str.data);
    }

    ok(accepted == 0, "an index that was cut off");

    accepted = 0;

    for (i = 0; i < index.len; i++) {
        str = copy((char *) index.data, index.len);
        str.data[i] ^= 1;

        accepted += lu_table_parse(&tap_arena, &str, table.size, &parsed)
                    == LU_OK;
        free(str.data);
    }

    ok(accepted == 0, "a damaged index");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str = tap_str(cases[i]);
        ok(lu_table_parse(&tap_arena, &str, 9, &parsed) == LU_INVALID,
           "no index: %s", cases[i]);
    }

    cJSON_free(text);
    tap_free();
}


/* An index with a right digest and wrong pages. */

static lu_rc_e
forged(const char *lines)
{
    char         text[512], hex[LU_SHA256_HEX + 1];
    lu_rc_e      rc;
    lu_str_t     str;
    lu_table_t   table;
    lu_sha256_t  sha256;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, lines, strlen(lines));
    lu_sha256_hex(&sha256, hex);

    (void) snprintf(text, sizeof(text), "files.index-1 %s\n%s", hex, lines);

    str = copy(text, strlen(text));
    rc = lu_table_parse(&tap_arena, &str, 100, &table);

    free(str.data);

    return rc;
}


static void
test_forged(void)
{
    size_t  i;
    static const char *const  cases[] = {
        "", "\n", "100 99", "100 99\n", "100\n0 a\n", "100 \n0 a\n",
        "100 100\n0 a\n", "99 98\n0 a\n", "100 99 \n0 a\n",
        "100 99\n\n", "100 99\n0\n", "100 99\n0 \n", "100 99\n0 a",
        "100 99\n a\n", "100 99\na a\n", "100 99\n0 a\n0 b\n",
        "100 99\n5 a\n4 b\n", "100 99\n0 a\n9 a\n",
        "100 99\n0 b\n9 a\n", "100 99\n0 a\n99 b\n", "100 99\n99 a\n",
        "100 99\n0 a\n9 b", "100 99\n0 a\n\n", "100 99\n-1 a\n",
        "100 99\n0 ../a\n", "100 99\n0 /a\n", "100 99\n0 a\tb\n",
        "100 99\n18446744073709551616 a\n",
        "100 99\n184467440737095516150 a\n",
        "100 99\n00000000000000000000000 a\n"
    };

    ok(forged("100 99\n0 a\n9 b c\n") == LU_OK, "the digest is right");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(forged(cases[i]) == LU_INVALID, "wrong pages %d", (int) i);
    }

    tap_free();
}


static lu_rc_e
page(const char *text, const char *href, const char *next)
{
    size_t      n;
    lu_rc_e     rc;
    lu_str_t    str, first, behind;
    lu_file_t  *list;

    first = tap_str(href);
    behind = tap_str(next);
    str = copy(text, strlen(text));

    rc = lu_table_page_parse(&tap_arena, &str, &first, &behind, &list, &n,
                             &error);
    free(str.data);

    if (rc != LU_OK && (list != NULL || n != 0)) {
        return LU_CONFLICT;
    }

    return rc;
}


#define A  "{\"href\":\"a\",\"size\":1,\"sha256\":\"" SHA256 "\"}"
#define B  "{\"href\":\"b\",\"size\":1,\"sha256\":\"" SHA256 "\"}"


static void
test_page(void)
{
    size_t  i;
    static const char *const  cases[] = {
        "", "[", "]", "[]", ",,", "{}", "[" A "}", "x" A ",", "[" A "x",
        "[" A A "]", ",{\"href\":\"a\"},", "," B ",", "[,]"
    };

    ok(page("[" A "]", "a", "") == LU_OK, "the only page");
    ok(page("[" A ",", "a", "b") == LU_OK, "the first page");
    ok(page("," A "\n,", "a", "b") == LU_OK, "a page in the midst");
    ok(page(", " A "," B "]", "a", "") == LU_OK, "the last page");
    ok(page(", " A "," B "]", "a", "c") == LU_OK, "two files");

    ok(page("," A "," B ",", "a", "b") == LU_INVALID, "reaches the next page");
    ok(page("," B ",", "a", "") == LU_INVALID, "another page");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(page(cases[i], "a", "") == LU_INVALID, "no page: %s", cases[i]);
    }

    tap_free();
}


static lu_rc_e
all(const lu_str_t *text)
{
    size_t      n;
    lu_rc_e     rc;
    lu_str_t    index, slice, next;
    lu_file_t  *list;
    lu_table_t  table, parsed;

    rc = lu_table_scan(&tap_arena, text, &table);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_table_print(&tap_arena, &table, &index);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_table_parse(&tap_arena, &index, text->len, &parsed);
    if (rc != LU_OK) {
        return rc;
    }

    next = parsed.pages[1].href;
    slice = copy((char *) text->data,
                 lu_table_page_size(&parsed, parsed.pages));

    rc = lu_table_page_parse(&tap_arena, &slice, &parsed.pages[0].href, &next,
                             &list, &n, &error);
    free(slice.data);

    return rc;
}


static void
test_nomem(void)
{
    long      n, wrong;
    char     *text;
    lu_rc_e   rc;
    lu_str_t  str;

    text = lu_file_table_print(files, 30);
    str = tap_str(text);
    wrong = 0;

    for (n = 0; n < 10000; n++) {
        tap_left = n;
        rc = all(&str);

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM);
    }

    tap_left = -1;

    ok(n > 5 && wrong == 0, "%ld allocations of the arena fail", n);

    memory_init();

    for (n = 0; n < 10000; n++) {
        memory_left = n;
        memory_used = 0;
        rc = all(&str);

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
    }

    memory_left = -1;

    ok(n > 20 && wrong == 0, "%ld of cJSON's", n);

    cJSON_InitHooks(NULL);
    cJSON_free(text);
    tap_free();
}


int
main(void)
{
    init();

    test_scan();
    test_refused();
    test_index();
    test_forged();
    test_page();
    test_nomem();

    return tap_done();
}
