
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_json_scan.h"


#define LU_JSON_NEAR    24    /* bytes shown of what is wrong */
#define LU_JSON_NUMBER  63    /* cJSON reads no more */


typedef struct {
    const unsigned char   *p;
    const unsigned char   *last;
    unsigned               depth;
    lu_error_t            *err;
} lu_json_scan_t;


static lu_rc_e lu_json_scan_value(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_members(lu_json_scan_t *scan, unsigned char end);
static lu_rc_e lu_json_scan_key(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_string(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_escape(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_unicode(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_number(lu_json_scan_t *scan);
static size_t lu_json_scan_digits(lu_json_scan_t *scan);
static lu_rc_e lu_json_scan_literal(lu_json_scan_t *scan, const char *literal);
static void lu_json_scan_space(lu_json_scan_t *scan);
static unsigned char lu_json_scan_peek(const lu_json_scan_t *scan);
static long lu_json_scan_unit(const lu_json_scan_t *scan,
    const unsigned char *p);
static lu_rc_e lu_json_scan_refuse(lu_json_scan_t *scan, const char *text);


lu_rc_e
lu_json_scan(const lu_str_t *text, lu_error_t *err)
{
    lu_rc_e         rc;
    lu_json_scan_t  scan;

    if (text->len == 0) {
        return lu_error(err, NULL, "the JSON text is empty");
    }

    if (!lu_str_utf8_valid(text)) {
        return lu_error(err, NULL, "the JSON text is not UTF-8");
    }

    if (text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0) {
        return lu_error(err, NULL, "the JSON text begins with a byte order"
                        " mark");
    }

    scan.p = text->data;
    scan.last = text->data + text->len;
    scan.depth = 0;
    scan.err = err;

    rc = lu_json_scan_value(&scan);
    if (rc != LU_OK) {
        return rc;
    }

    lu_json_scan_space(&scan);

    if (scan.p != scan.last) {
        return lu_json_scan_refuse(&scan, "stands behind the JSON value");
    }

    return LU_OK;
}


static lu_rc_e
lu_json_scan_value(lu_json_scan_t *scan)
{
    lu_json_scan_space(scan);

    switch (lu_json_scan_peek(scan)) {

    case '{':
        return lu_json_scan_members(scan, '}');

    case '[':
        return lu_json_scan_members(scan, ']');

    case '"':
        return lu_json_scan_string(scan);

    case 't':
        return lu_json_scan_literal(scan, "true");

    case 'f':
        return lu_json_scan_literal(scan, "false");

    case 'n':
        return lu_json_scan_literal(scan, "null");

    default:
        return lu_json_scan_number(scan);
    }
}


static lu_rc_e
lu_json_scan_members(lu_json_scan_t *scan, unsigned char end)
{
    lu_rc_e  rc;

    if (scan->depth == LU_JSON_DEPTH) {
        return lu_error(scan->err, NULL, "the JSON text is nested too deeply;"
                        " 32 levels are allowed");
    }

    scan->depth++;
    scan->p++;

    lu_json_scan_space(scan);

    if (lu_json_scan_peek(scan) == end) {
        goto done;
    }

    for ( ;; ) {

        if (end == '}') {
            rc = lu_json_scan_key(scan);
            if (rc != LU_OK) {
                return rc;
            }
        }

        rc = lu_json_scan_value(scan);
        if (rc != LU_OK) {
            return rc;
        }

        lu_json_scan_space(scan);

        if (lu_json_scan_peek(scan) != ',') {
            break;
        }

        scan->p++;
    }

    if (lu_json_scan_peek(scan) != end) {
        return lu_json_scan_refuse(scan, (end == '}')
                                   ? "stands where \",\" or \"}\" should be"
                                   : "stands where \",\" or \"]\" should be");
    }

done:

    scan->depth--;
    scan->p++;

    return LU_OK;
}


static lu_rc_e
lu_json_scan_key(lu_json_scan_t *scan)
{
    lu_rc_e  rc;

    lu_json_scan_space(scan);

    if (lu_json_scan_peek(scan) != '"') {
        return lu_json_scan_refuse(scan,
                                   "stands where a key in double"
                                   " quotes should be");
    }

    rc = lu_json_scan_string(scan);
    if (rc != LU_OK) {
        return rc;
    }

    lu_json_scan_space(scan);

    if (lu_json_scan_peek(scan) != ':') {
        return lu_json_scan_refuse(scan, "stands where \":\" should be");
    }

    scan->p++;

    return LU_OK;
}


static lu_rc_e
lu_json_scan_string(lu_json_scan_t *scan)
{
    lu_rc_e  rc;

    scan->p++;

    while (scan->p < scan->last) {

        if (*scan->p == '"') {
            scan->p++;
            return LU_OK;
        }

        if (*scan->p < 0x20) {
            return lu_error(scan->err, NULL, "a JSON string contains a control"
                            " character; it must be escaped");
        }

        if (*scan->p != '\\') {
            scan->p++;
            continue;
        }

        rc = lu_json_scan_escape(scan);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_json_scan_refuse(scan, NULL);
}


static lu_rc_e
lu_json_scan_escape(lu_json_scan_t *scan)
{
    if (scan->last - scan->p < 2) {
        scan->p = scan->last;
        return LU_OK;
    }

    switch (scan->p[1]) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        scan->p += 2;
        return LU_OK;

    case 'u':
        return lu_json_scan_unicode(scan);

    default:
        return lu_json_scan_refuse(scan, "begins with an escape that JSON"
                                   " does not have");
    }
}


static lu_rc_e
lu_json_scan_unicode(lu_json_scan_t *scan)
{
    long  unit, low;

    unit = lu_json_scan_unit(scan, scan->p);

    if (unit < 0) {
        return lu_json_scan_refuse(scan, "begins with \"\\u\" without four"
                                   " hex digits");
    }

    if (unit == 0) {
        return lu_error(scan->err, NULL, "a JSON string contains \"\\u0000\"");
    }

    if (unit < 0xd800 || unit > 0xdfff) {
        scan->p += 6;
        return LU_OK;
    }

    low = (unit < 0xdc00) ? lu_json_scan_unit(scan, scan->p + 6) : -1;

    if (low < 0xdc00 || low > 0xdfff) {
        return lu_json_scan_refuse(scan, "begins with half of a surrogate"
                                   " pair");
    }

    scan->p += 12;

    return LU_OK;
}


static lu_rc_e
lu_json_scan_number(lu_json_scan_t *scan)
{
    size_t                n;
    const unsigned char  *start;

    start = scan->p;

    if (lu_json_scan_peek(scan) == '-') {
        scan->p++;
    }

    n = lu_json_scan_digits(scan);

    if (n == 0) {
        scan->p = start;
        return lu_json_scan_refuse(scan, "stands where a JSON value should"
                                   " be");
    }

    if (n > 1 && *(scan->p - n) == '0') {
        scan->p = start;
        return lu_json_scan_refuse(scan, "begins with a number with leading"
                                   " zeroes");
    }

    if (lu_json_scan_peek(scan) == '.') {
        scan->p++;

        if (lu_json_scan_digits(scan) == 0) {
            goto invalid;
        }
    }

    if ((lu_json_scan_peek(scan) | 0x20) == 'e') {
        scan->p++;

        if (lu_json_scan_peek(scan) == '+' || lu_json_scan_peek(scan) == '-') {
            scan->p++;
        }

        if (lu_json_scan_digits(scan) == 0) {
            goto invalid;
        }
    }

    if (scan->p - start > LU_JSON_NUMBER) {
        scan->p = start;
        return lu_json_scan_refuse(scan, "begins with a number of more than"
                                   " 63 characters");
    }

    return LU_OK;

invalid:

    scan->p = start;

    return lu_json_scan_refuse(scan, "begins with a number that lacks digits");
}


static size_t
lu_json_scan_digits(lu_json_scan_t *scan)
{
    const unsigned char  *start;

    for (start = scan->p; scan->p < scan->last; scan->p++) {
        if (*scan->p < '0' || *scan->p > '9') {
            break;
        }
    }

    return scan->p - start;
}


static lu_rc_e
lu_json_scan_literal(lu_json_scan_t *scan, const char *literal)
{
    size_t  len;

    len = strlen(literal);

    if ((size_t) (scan->last - scan->p) < len
        || memcmp(scan->p, literal, len) != 0)
    {
        return lu_json_scan_refuse(scan, "stands where a JSON value should"
                                   " be");
    }

    scan->p += len;

    return LU_OK;
}


/* cJSON takes every byte up to 0x20 for white space. */

static void
lu_json_scan_space(lu_json_scan_t *scan)
{
    while (scan->p < scan->last) {

        switch (*scan->p) {

        case ' ':
        case '\t':
        case '\n':
        case '\r':
            scan->p++;
            break;

        default:
            return;
        }
    }
}


static unsigned char
lu_json_scan_peek(const lu_json_scan_t *scan)
{
    return (scan->p < scan->last) ? *scan->p : '\0';
}


/* The UTF-16 code unit of the "\uXXXX" at p, or -1 if there is none. */

static long
lu_json_scan_unit(const lu_json_scan_t *scan, const unsigned char *p)
{
    int  high, low;

    if (scan->last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }

    high = lu_hex_byte(p + 2);
    low = lu_hex_byte(p + 4);

    return (high < 0 || low < 0) ? -1 : (long) high << 8 | low;
}


/*
 * The subject is what stands at the place, as much of it as is fit to be
 * shown: whole characters of one line.
 */

static lu_rc_e
lu_json_scan_refuse(lu_json_scan_t *scan, const char *text)
{
    size_t    len, n;
    lu_str_t  near;

    len = scan->last - scan->p;

    if (len == 0) {
        return lu_error(scan->err, NULL, "the JSON text ends too early");
    }

    if (len > LU_JSON_NEAR) {
        len = LU_JSON_NEAR;

        while ((scan->p[len] & 0xc0) == 0x80) {
            len--;
        }
    }

    for (n = 0; n < len; n++) {
        if (scan->p[n] < 0x20 || scan->p[n] == 0x7f) {
            break;
        }
    }

    if (n == 0) {
        return lu_error(scan->err, NULL,
                        "the JSON text contains a control character"
                        " outside of strings");
    }

    near.len = n;
    near.data = (unsigned char *) scan->p;

    return lu_error(scan->err, &near, text);
}
