
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_twin.h"


static size_t lu_twin_next(const lu_str_t *name, size_t i);
static size_t lu_twin_arch(const lu_str_t *name, size_t i);
static int lu_twin_begins(const lu_str_t *name, size_t i, const char *word);


int
lu_twin_is(const lu_str_t *one, const lu_str_t *two)
{
    size_t  i, k;

    if (lu_str_eq(one, two)) {
        return 0;
    }

    i = lu_twin_next(one, 0);
    k = lu_twin_next(two, 0);

    while (i < one->len && k < two->len) {

        if (one->data[i] != two->data[k]) {
            return 0;
        }

        i = lu_twin_next(one, i + 1);
        k = lu_twin_next(two, k + 1);
    }

    return i == one->len && k == two->len;
}


/* The next character that neither separates words nor says an architecture. */

static size_t
lu_twin_next(const lu_str_t *name, size_t i)
{
    size_t  len;

    while (i < name->len) {

        len = lu_twin_arch(name, i);

        if (len) {
            i += len;
            continue;
        }

        if (lu_str_is_alnum(name->data[i]) || name->data[i] >= 0x80) {
            break;
        }

        i++;
    }

    return i;
}


/* The length of an architecture that is a word of its own; 0: none. */

static size_t
lu_twin_arch(const lu_str_t *name, size_t i)
{
    int     n;
    size_t  len;

    /* of two that begin alike, the longer one first */

    static const char  *archs[] = {
        "x86_64", "x86", "x64", "amd64", "arm64", "aarch64", "armv7l", "armhf",
        "arm", "ia32", "i386", "i686", "universal", NULL
    };

    if (i > 0 && lu_str_is_alnum(name->data[i - 1])) {
        return 0;
    }

    for (n = 0; archs[n]; n++) {
        len = strlen(archs[n]);

        if (lu_twin_begins(name, i, archs[n])
            && (i + len == name->len
                || !lu_str_is_alnum(name->data[i + len])))
        {
            return len;
        }
    }

    return 0;
}


static int
lu_twin_begins(const lu_str_t *name, size_t i, const char *word)
{
    size_t  n;

    for (n = 0; word[n]; n++) {
        if (i + n >= name->len
            || lu_str_lower(name->data[i + n]) != (unsigned char) word[n])
        {
            return 0;
        }
    }

    return 1;
}


int
lu_twin_has_version(const lu_str_t *name, const char *version)
{
    int     n;
    size_t  i, end, len;

    static const char  *more[] = {
        "-alpha", "-beta", "-rc", "-next", "-canary", "-nightly", "-pre",
        "-dev", NULL
    };

    len = strlen(version);

    for (i = lu_str_find(name, 0, version);
         i < name->len;
         i = lu_str_find(name, i + 1, version))
    {
        if (i > 0
            && ((name->data[i - 1] >= '0' && name->data[i - 1] <= '9')
                || name->data[i - 1] == '.'))
        {
            continue;
        }

        end = i + len;

        if (end < name->len
            && name->data[end] >= '0' && name->data[end] <= '9')
        {
            continue;
        }

        for (n = 0; more[n]; n++) {
            if (lu_twin_begins(name, end, more[n])) {
                break;
            }
        }

        if (more[n] == NULL) {
            return 1;
        }
    }

    return 0;
}


int
lu_twin_is_safe(const lu_str_t *one, const lu_str_t *two)
{
    size_t  i;

    if (one->len != two->len || lu_str_eq(one, two)) {
        return 0;
    }

    for (i = 0; i < one->len; i++) {
        if (one->data[i] != two->data[i]
            && (lu_str_is_alnum(one->data[i])
                || lu_str_is_alnum(two->data[i])))
        {
            return 0;
        }
    }

    return 1;
}
