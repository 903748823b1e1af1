
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_query.h"
#include "lu_wide.h"


static size_t lu_query_expected(lu_str_t *rest, const lu_str_t *names,
    size_t n, lu_str_t *values);
static inline int lu_query_begins(const unsigned char *p,
    const unsigned char *last, const unsigned char *name, size_t len);
static inline unsigned char *lu_query_end(unsigned char *p,
    const unsigned char *last);
static int lu_query_is(const lu_str_t *encoded, const char *name);
static size_t lu_query_char(const unsigned char *p, size_t len,
    unsigned char *c);


int
lu_query_next(lu_str_t *rest, lu_str_t *name, lu_str_t *value)
{
    size_t          i, n;
    unsigned char  *p;

    while (rest->len && rest->data[0] == '&') {
        rest->len--;
        rest->data++;
    }

    if (rest->len == 0) {
        return 0;
    }

    p = memchr(rest->data, '&', rest->len);
    n = p ? (size_t) (p - rest->data) : rest->len;

    p = memchr(rest->data, '=', n);
    i = p ? (size_t) (p - rest->data) : n;

    name->len = i;
    name->data = rest->data;

    if (i < n) {
        i++;
    }

    value->len = n - i;
    value->data = rest->data + i;

    rest->len -= n;
    rest->data += n;

    return 1;
}


void
lu_query_values(const lu_str_t *args, const lu_str_t *names, size_t n,
    lu_str_t *values)
{
    size_t    i, which;
    lu_str_t  rest, name, value;

    memset(values, 0, n * sizeof(lu_str_t));

    i = 0;
    rest = *args;

    for ( ;; ) {

        i += lu_query_expected(&rest, names + i, n - i, values + i);

        if (!lu_query_next(&rest, &name, &value)) {
            return;
        }

        if (rest.len) {
            rest.len--;
            rest.data++;
        }

        for (which = 0; which < n; which++) {

            if (!lu_str_eq(&name, &names[which])) {
                continue;
            }

            if (values[which].len == 0) {
                values[which] = value;
            }

            i = which + 1;
            break;
        }
    }
}


/* Takes pairs from the front, as long as they are the expected ones. */

static size_t
lu_query_expected(lu_str_t *rest, const lu_str_t *names, size_t n,
    lu_str_t *values)
{
    size_t          i, len;
    unsigned char  *p, *last, *start;

    p = rest->data;
    last = p + rest->len;

    for (i = 0; i < n; i++) {

        len = names[i].len;

        if (!lu_query_begins(p, last, names[i].data, len)) {
            break;
        }

        if (p[len] == '=') {
            start = p + len + 1;
            p = lu_query_end(start, last);

            if (values[i].len == 0) {
                values[i].len = p - start;
                values[i].data = start;
            }

        } else if (p[len] == '&') {
            p += len;

        } else {
            break;
        }

        p += (p < last);
    }

    rest->len = last - p;
    rest->data = p;

    return i;
}


static inline unsigned char *
lu_query_end(unsigned char *p, const unsigned char *last)
{
    size_t  n;

    while (last - p >= LU_WIDE) {
        n = lu_wide_first(lu_wide(p) == '&');
        p += n;

        if (n < LU_WIDE) {
            return p;
        }
    }

    while (p < last && *p != '&') {
        p++;
    }

    return p;
}


/* That name, and something behind it; nearly all names have 8 to 16 bytes. */

static inline int
lu_query_begins(const unsigned char *p, const unsigned char *last,
    const unsigned char *name, size_t len)
{
    uint64_t  words[4];

    if ((size_t) (last - p) <= len) {
        return 0;
    }

    if (len < sizeof(uint64_t) || len > 2 * sizeof(uint64_t)) {
        return memcmp(p, name, len) == 0;
    }

    memcpy(&words[0], p, sizeof(uint64_t));
    memcpy(&words[1], name, sizeof(uint64_t));
    memcpy(&words[2], p + len - sizeof(uint64_t), sizeof(uint64_t));
    memcpy(&words[3], name + len - sizeof(uint64_t), sizeof(uint64_t));

    return words[0] == words[1] && words[2] == words[3];
}


int
lu_query_find(const lu_str_t *args, const char *name, lu_str_t *value)
{
    lu_str_t  rest, key;

    rest = *args;

    while (lu_query_next(&rest, &key, value)) {
        if (lu_query_is(&key, name)) {
            return 1;
        }
    }

    value->len = 0;
    value->data = NULL;

    return 0;
}


/* "%61" and "a" are the same name (RFC 3986, section 6.2.2.2). */

static int
lu_query_is(const lu_str_t *encoded, const char *name)
{
    size_t         i, n;
    unsigned char  c;

    for (i = 0; i < encoded->len; i += n) {
        n = lu_query_char(encoded->data + i, encoded->len - i, &c);

        if (n == 0 || c == '\0' || c != (unsigned char) *name) {
            return 0;
        }

        name++;
    }

    return *name == '\0';
}


lu_rc_e
lu_query_decode(lu_str_t *out, unsigned char *dst, const lu_str_t *src,
    int plus_is_space)
{
    size_t         i, n, len;
    unsigned char  c;

    len = 0;

    for (i = 0; i < src->len; i += n) {
        n = lu_query_char(src->data + i, src->len - i, &c);

        if (n == 0 || c == '\0') {
            return LU_INVALID;
        }

        if (src->data[i] == '+' && plus_is_space) {
            c = ' ';
        }

        dst[len++] = c;
    }

    out->len = len;
    out->data = dst;

    return LU_OK;
}


lu_rc_e
lu_query_number(const lu_str_t *args, const char *name, uint64_t *n)
{
    size_t         i, len;
    lu_str_t       value;
    unsigned char  c;

    if (!lu_query_find(args, name, &value)) {
        return LU_NOT_FOUND;
    }

    *n = 0;

    for (i = 0; i < value.len; i += len) {
        len = lu_query_char(value.data + i, value.len - i, &c);

        if (len == 0
            || c < '0'
            || c > '9'
            || *n > (uint64_t) (INT64_MAX - (c - '0')) / 10)
        {
            return LU_INVALID;
        }

        *n = *n * 10 + (uint64_t) (c - '0');
    }

    return value.len ? LU_OK : LU_INVALID;
}


/*
 * The number of bytes that stand for the next character; 0: a malformed "%".
 */

static size_t
lu_query_char(const unsigned char *p, size_t len, unsigned char *c)
{
    int  byte;

    if (p[0] != '%') {
        *c = p[0];
        return 1;
    }

    byte = (len < 3) ? -1 : lu_hex_byte(p + 1);

    if (byte < 0) {
        return 0;
    }

    *c = (unsigned char) byte;

    return 3;
}
