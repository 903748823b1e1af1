
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * decode(encode(x)) is x, in place and out of place, and the pairs of a query
 * string are parts of it that put it together again.
 */


#include "fuzz.h"
#include "lu_query.h"

#include <stdio.h>


static void
check_round_trip(const uint8_t *data, size_t size)
{
    char     *encoded;
    size_t    i, n;
    lu_rc_e   rc;
    lu_str_t  str;

    encoded = malloc(size * 3 + 1);
    n = 0;

    for (i = 0; i < size; i++) {
        if (strchr("%&=+", data[i]) || data[i] < 0x20 || data[i] & 0x80) {
            n += sprintf(encoded + n, (i & 1) ? "%%%02x" : "%%%02X", data[i]);

        } else {
            encoded[n++] = (i % 3 || data[i] != ' ') ? (char) data[i] : '+';
        }
    }

    str.len = n;
    str.data = (unsigned char *) encoded;

    rc = lu_query_decode(&str, str.data, &str, 1);

    if (memchr(data, '\0', size)) {
        require(rc == LU_INVALID);

    } else {
        require(rc == LU_OK && str.len == size);
        require(memcmp(str.data, data, size) == 0);
    }

    free(encoded);
}


static void
check_in_place(const lu_str_t *src, int plus_is_space)
{
    lu_rc_e   rc;
    lu_str_t  out, copy;

    out.data = malloc(src->len + 1);
    copy.data = malloc(src->len + 1);
    copy.len = src->len;
    memcpy(copy.data, src->data, src->len);

    rc = lu_query_decode(&out, out.data, src, plus_is_space);
    require(lu_query_decode(&copy, copy.data, &copy, plus_is_space) == rc);

    if (rc == LU_OK) {
        require(out.len <= src->len && lu_str_eq(&out, &copy));
        require(memchr(out.data, '\0', out.len) == NULL);
    }

    free(out.data);
    free(copy.data);
}


static void
check_pairs(const lu_str_t *args)
{
    char            key[64];
    lu_str_t        rest, name, value, found, decoded;
    const uint8_t  *p;

    rest = *args;
    p = args->data;

    while (lu_query_next(&rest, &name, &value)) {

        while (*p == '&') {
            p++;
        }

        require(name.data == p && !memchr(name.data, '=', name.len));
        require(!memchr(name.data, '&', name.len));
        p += name.len;

        if (*p == '=' && p < value.data) {
            p++;
        }

        require(value.data == p && !memchr(value.data, '&', value.len));
        p += value.len;

        require(p == rest.data);
        require(rest.len == 0 || *p == '&');

        if (name.len < sizeof(key)
            && lu_query_decode(&decoded, (unsigned char *) key,
                               &name, 0)
               == LU_OK)
        {
            key[decoded.len] = '\0';
            require(lu_query_find(args, key, &found));
            require(found.data <= value.data);
        }
    }

    require(rest.len == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t  str, value;

    str.len = size;
    str.data = malloc(size + 1);
    memcpy(str.data, data, size);
    str.data[size] = '\0';

    check_round_trip(str.data, size);
    check_in_place(&str, 0);
    check_in_place(&str, 1);
    check_pairs(&str);

    (void) lu_query_find(&str, "href", &value);
    require(value.len <= size);

    free(str.data);

    return 0;
}
