
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_str.h"
#include "lu_wide.h"


static int lu_str_case_eq(const unsigned char *p, const char *text,
    size_t len);
static inline uint64_t lu_str_word(const unsigned char *p);
static inline uint64_t lu_str_mix(uint64_t hash, uint64_t word);
static size_t lu_str_utf8_char(const unsigned char *p, size_t len);


lu_str_t
lu_str(const char *text)
{
    lu_str_t  str;

    str.len = strlen(text);
    str.data = (unsigned char *) text;

    return str;
}


lu_str_t
lu_str_dup(const lu_arena_t *arena, const void *data, size_t len)
{
    lu_str_t  str;

    str.len = len;
    str.data = arena->alloc(arena->data, len + 1);

    if (str.data == NULL) {
        str.len = 0;
        return str;
    }

    if (len) {
        memcpy(str.data, data, len);
    }

    str.data[len] = '\0';

    return str;
}


int
lu_str_eq(const lu_str_t *a, const lu_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


int
lu_str_cmp(const lu_str_t *a, const lu_str_t *b)
{
    int     rc;
    size_t  n;

    n = a->len < b->len ? a->len : b->len;

    rc = n ? memcmp(a->data, b->data, n) : 0;

    if (rc) {
        return rc;
    }

    return (a->len > b->len) - (a->len < b->len);
}


size_t
lu_str_find(const lu_str_t *str, size_t from, const char *what)
{
    size_t          len;
    unsigned char  *p, *last;

    len = strlen(what);

    if (from > str->len || str->len - from < len) {
        return str->len;
    }

    if (len == 0) {
        return from;
    }

    p = str->data + from;
    last = str->data + str->len - len + 1;

    while ((p = memchr(p, what[0], last - p))) {

        if (memcmp(p, what, len) == 0) {
            return p - str->data;
        }

        p++;
    }

    return str->len;
}


int
lu_str_has(const lu_str_t *str, const char *what)
{
    return lu_str_find(str, 0, what) < str->len;
}


int
lu_str_ends(const lu_str_t *str, const char *end)
{
    size_t  len;

    len = strlen(end);

    return str->len >= len
           && memcmp(str->data + str->len - len, end, len) == 0;
}


int
lu_str_case_is(const lu_str_t *str, const char *text)
{
    return str->len == strlen(text)
           && lu_str_case_eq(str->data, text, str->len);
}


size_t
lu_str_case_find(const lu_str_t *str, size_t from, const char *what)
{
    size_t  i, len;

    len = strlen(what);

    for (i = from; i + len <= str->len; i++) {
        if (lu_str_case_eq(str->data + i, what, len)) {
            return i;
        }
    }

    return str->len;
}


int
lu_str_case_has(const lu_str_t *str, const char *what)
{
    return lu_str_case_find(str, 0, what) < str->len;
}


int
lu_str_case_ends(const lu_str_t *str, const char *end)
{
    size_t  len;

    len = strlen(end);

    return str->len >= len
           && lu_str_case_eq(str->data + str->len - len, end, len);
}


static int
lu_str_case_eq(const unsigned char *p, const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (lu_str_lower(p[i]) != lu_str_lower((unsigned char) text[i])) {
            return 0;
        }
    }

    return 1;
}


int
lu_str_is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9')
           || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}


unsigned char
lu_str_lower(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') ? (unsigned char) (c | 0x20) : c;
}


int
lu_str_utf8_valid(const lu_str_t *str)
{
    size_t    i, n;
    uint64_t  word;

    for (i = 0; i < str->len; i += n) {

        /* most texts are ASCII */

        if (str->len - i >= sizeof(uint64_t)) {
            memcpy(&word, str->data + i, sizeof(uint64_t));

            if ((word & 0x8080808080808080) == 0) {
                n = sizeof(uint64_t);
                continue;
            }
        }

        n = lu_str_utf8_char(str->data + i, str->len - i);

        if (n == 0) {
            return 0;
        }
    }

    return 1;
}


int
lu_str_printable(const lu_str_t *str)
{
    size_t          i;
    lu_wide_t       plain;
    unsigned char  *p, *last;

    if (str->len < LU_WIDE) {

        for (i = 0; i < str->len; i++) {
            if (str->data[i] < 0x20 || str->data[i] > 0x7e) {
                return 0;
            }
        }

        return 1;
    }

    /* the last ones may be looked at twice */

    last = str->data + str->len - LU_WIDE;
    plain = (lu_wide(last) - 0x20 <= 0x7e - 0x20);

    for (p = str->data; p < last; p += LU_WIDE) {
        plain &= (lu_wide(p) - 0x20 <= 0x7e - 0x20);
    }

    return lu_wide_first(~plain) == LU_WIDE;
}


uint32_t
lu_str_hash(const unsigned char *data, size_t len)
{
    size_t    i;
    uint64_t  hash;

    hash = len;

    if (len < sizeof(uint64_t)) {

        for (i = 0; i < len; i++) {
            hash = lu_str_mix(hash, data[i]);
        }

        return (uint32_t) hash;
    }

    for (i = 0; i + sizeof(uint64_t) < len; i += sizeof(uint64_t)) {
        hash = lu_str_mix(hash, lu_str_word(data + i));
    }

    /* the last ones, of which some may be in it already */

    hash = lu_str_mix(hash, lu_str_word(data + len - sizeof(uint64_t)));

    return (uint32_t) hash;
}


static inline uint64_t
lu_str_word(const unsigned char *p)
{
    uint64_t  word;

    memcpy(&word, p, sizeof(uint64_t));

    return word;
}


static inline uint64_t
lu_str_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;

    return hash ^ hash >> 32;
}


/*
 * The length of the character at the beginning of the bytes; 0: there is
 * none.  Overlong forms, surrogates and characters above U+10FFFF all show in
 * the second byte (Unicode, table 3-7).
 */

static size_t
lu_str_utf8_char(const unsigned char *p, size_t len)
{
    size_t         i, n;
    unsigned char  low, high;

    if (p[0] < 0x80) {
        return 1;
    }

    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }

    n = (p[0] < 0xe0) ? 2 : (p[0] < 0xf0) ? 3 : 4;

    if (len < n) {
        return 0;
    }

    low = (p[0] == 0xe0) ? 0xa0 : (p[0] == 0xf0) ? 0x90 : 0x80;
    high = (p[0] == 0xed) ? 0x9f : (p[0] == 0xf4) ? 0x8f : 0xbf;

    if (p[1] < low || p[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}
