
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_version.h"


#define LU_VERSION_LEN  64


static lu_str_t lu_version_next(lu_str_t *rest);


int
lu_version_valid(const lu_str_t *version)
{
    int            digit;
    size_t         i;
    unsigned char  c;

    if (version->len == 0 || version->len > LU_VERSION_LEN) {
        return 0;
    }

    digit = 0;

    for (i = 0; i < version->len; i++) {
        c = version->data[i];

        if (c >= '0' && c <= '9') {
            digit = 1;
            continue;
        }

        if (c != '.' || !digit) {
            return 0;
        }

        digit = 0;
    }

    return digit;
}


int
lu_version_cmp(const lu_str_t *a, const lu_str_t *b)
{
    int       rc;
    lu_str_t  one, two, x, y;

    one = *a;
    two = *b;

    while (one.len || two.len) {
        x = lu_version_next(&one);
        y = lu_version_next(&two);

        if (x.len != y.len) {
            return (x.len < y.len) ? -1 : 1;
        }

        if (x.len == 0) {
            continue;
        }

        rc = memcmp(x.data, y.data, x.len);
        if (rc) {
            return rc;
        }
    }

    return 0;
}


/*
 * Takes the next number, without its leading zeroes, so that the longer one
 * of two is the greater one.  Zero, and a missing number, are empty.
 */

static lu_str_t
lu_version_next(lu_str_t *rest)
{
    size_t    i, start;
    lu_str_t  number;

    number.len = 0;
    number.data = NULL;

    if (rest->len == 0) {
        return number;
    }

    for (start = 0; start < rest->len; start++) {
        if (rest->data[start] != '0') {
            break;
        }
    }

    for (i = start; i < rest->len; i++) {
        if (rest->data[i] == '.') {
            break;
        }
    }

    number.len = i - start;
    number.data = rest->data + start;

    if (i < rest->len) {
        i++;
    }

    rest->len -= i;
    rest->data += i;

    return number;
}
