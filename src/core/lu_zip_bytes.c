
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_zip_bytes.h"


int
lu_zip_bytes_read(zip_source_t *source, uint64_t offset, unsigned char *buf,
    size_t len)
{
    return offset <= INT64_MAX
           && zip_source_seek(source, (zip_int64_t) offset, SEEK_SET) == 0
           && zip_source_read(source, buf, len) == (zip_int64_t) len;
}


uint64_t
lu_zip_bytes_le(const unsigned char *p, size_t len)
{
    uint64_t  n;

    n = 0;

    while (len) {
        n = n << 8 | p[--len];
    }

    return n;
}


const unsigned char *
lu_zip_bytes_extra(const lu_str_t *list, unsigned id, size_t *len)
{
    size_t                left;
    const unsigned char  *p;

    p = list->data;
    left = list->len;

    while (left >= 4) {
        *len = (size_t) lu_zip_bytes_le(&p[2], 2);

        if (*len > left - 4) {
            return NULL;
        }

        if (lu_zip_bytes_le(p, 2) == id) {
            return p + 4;
        }

        p += 4 + *len;
        left -= 4 + *len;
    }

    return NULL;
}
