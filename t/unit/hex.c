
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_hex.c"


int
main(void)
{
    int            c, value, wrong;
    char           hex[17];
    lu_str_t       str;
    unsigned char  bytes[8];

    wrong = 0;

    for (c = 0; c < 256; c++) {
        value = (c >= '0' && c <= '9') ? c - '0'
                : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                : (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;

        wrong += (lu_hex_value((unsigned char) c) != value);
    }

    ok(wrong == 0, "the values of all bytes");

    ok(lu_hex_byte((unsigned char *) "00") == 0
       && lu_hex_byte((unsigned char *) "9f") == 0x9f
       && lu_hex_byte((unsigned char *) "Fe") == 0xfe
       && lu_hex_byte((unsigned char *) "g0") == -1
       && lu_hex_byte((unsigned char *) "0g") == -1, "a byte");

    ok(lu_hex_decode(bytes, (unsigned char *) "0123456789ABCDEF", 8)
       && memcmp(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8) == 0,
       "bytes");
    ok(!lu_hex_decode(bytes, (unsigned char *) "0123456789ABCDEG", 8)
       && !lu_hex_decode(bytes, (unsigned char *) " 1", 1), "no bytes");
    ok(lu_hex_decode(bytes, (unsigned char *) "", 0), "none of none");

    memset(hex, 'x', 16);
    hex[16] = '\0';
    lu_hex_encode(hex, (unsigned char *) "\x01\x23\xab\xff\x00", 5);
    ok(strcmp(hex, "0123abff00xxxxxx") == 0, "digits");

    ok(lu_hex_percent(bytes, 0x0f) == bytes + 3
       && memcmp(bytes, "%0F", 3) == 0, "a percent-encoded byte");

    str = tap_str("0189af");
    ok(lu_hex_lower_valid(&str, 6)
       && !lu_hex_lower_valid(&str, 5)
       && !lu_hex_lower_valid(&str, 7), "as many as that");

    str = tap_str("0A");
    ok(!lu_hex_lower_valid(&str, 2), "in lower case");

    str = tap_str("/:`g");
    for (wrong = 0; str.len; str.len--, str.data++) {
        wrong += lu_hex_lower_valid(&str, str.len);
    }
    ok(wrong == 0, "what is next to digits and letters");

    str.data = NULL;
    ok(lu_hex_lower_valid(&str, 0) && !lu_hex_lower_valid(&str, 1),
       "nothing");

    return tap_done();
}
