
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"


int
lu_hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


int
lu_hex_byte(const unsigned char *p)
{
    int  high, low;

    high = lu_hex_value(p[0]);
    low = lu_hex_value(p[1]);

    return (high < 0 || low < 0) ? -1 : high << 4 | low;
}


int
lu_hex_decode(unsigned char *dst, const unsigned char *hex, size_t n)
{
    int     byte;
    size_t  i;

    for (i = 0; i < n; i++) {
        byte = lu_hex_byte(hex + 2 * i);

        if (byte < 0) {
            return 0;
        }

        dst[i] = (unsigned char) byte;
    }

    return 1;
}


void
lu_hex_encode(char *dst, const unsigned char *bytes, size_t n)
{
    size_t  i;

    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < n; i++) {
        *dst++ = digits[bytes[i] >> 4];
        *dst++ = digits[bytes[i] & 0xf];
    }
}


unsigned char *
lu_hex_percent(unsigned char *p, unsigned char c)
{
    static const char  digits[] = "0123456789ABCDEF";

    *p++ = '%';
    *p++ = (unsigned char) digits[c >> 4];
    *p++ = (unsigned char) digits[c & 0xf];

    return p;
}


int
lu_hex_lower_valid(const lu_str_t *hex, size_t n)
{
    size_t         i;
    unsigned char  c;

    if (hex->len != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        c = hex->data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            return 0;
        }
    }

    return 1;
}
