
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_version.h"


#define LU_VERSION_LEN  64


static lu_str_t lu_version_next(lu_str_t *rest);
static lu_str_t lu_version_prerelease(lu_str_t *version);
static lu_str_t lu_version_word(lu_str_t *rest);
static int lu_version_word_cmp(const lu_str_t *a, const lu_str_t *b);
static int lu_version_is_number(const lu_str_t *word);


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


int
lu_version_semantic_cmp(const lu_str_t *a, const lu_str_t *b)
{
    int       rc;
    lu_str_t  one, two, x, y, word, other;

    one = *a;
    two = *b;

    x = lu_version_prerelease(&one);
    y = lu_version_prerelease(&two);

    rc = lu_version_cmp(&one, &two);
    if (rc) {
        return rc;
    }

    /* a prerelease comes before the release */

    if (x.len == 0 || y.len == 0) {
        return (x.len == 0) - (y.len == 0);
    }

    while (x.len && y.len) {
        word = lu_version_word(&x);
        other = lu_version_word(&y);

        rc = lu_version_word_cmp(&word, &other);
        if (rc) {
            return rc;
        }
    }

    return (x.len > 0) - (y.len > 0);
}


/* Cuts off "-{prerelease}", which it returns, and "+{build}". */

static lu_str_t
lu_version_prerelease(lu_str_t *version)
{
    size_t    i;
    lu_str_t  prerelease;

    version->len = lu_str_find(version, 0, "+");

    i = lu_str_find(version, 0, "-");

    prerelease.len = 0;
    prerelease.data = NULL;

    if (i < version->len) {
        prerelease.len = version->len - i - 1;
        prerelease.data = version->data + i + 1;
        version->len = i;
    }

    return prerelease;
}


static lu_str_t
lu_version_word(lu_str_t *rest)
{
    size_t    i;
    lu_str_t  word;

    i = lu_str_find(rest, 0, ".");

    word.len = i;
    word.data = rest->data;

    if (i < rest->len) {
        i++;
    }

    rest->len -= i;
    rest->data += i;

    return word;
}


static int
lu_version_word_cmp(const lu_str_t *a, const lu_str_t *b)
{
    int  one, two;

    one = lu_version_is_number(a);
    two = lu_version_is_number(b);

    if (one && two) {
        return lu_version_cmp(a, b);
    }

    return (one || two) ? two - one : lu_str_cmp(a, b);
}


static int
lu_version_is_number(const lu_str_t *word)
{
    size_t  i;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] < '0' || word->data[i] > '9') {
            return 0;
        }
    }

    return word->len != 0;
}
