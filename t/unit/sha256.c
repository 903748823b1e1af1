
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_sha256.c"


#define B  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


static void
test_digest(void)
{
    char           hex[LU_SHA256_HEX + 1];
    unsigned char  digest[SHA256_DIGEST_LENGTH];
    lu_sha256_t    sha256;

    lu_sha256_init(&sha256);
    lu_sha256_hex(&sha256, hex);
    ok(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb924"
                   "27ae41e4649b934ca495991b7852b855") == 0
       && sha256.size == 0, "of nothing");

    /* FIPS 180-4's example */

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, "a", 1);
    lu_sha256_update(&sha256, "bc", 2);
    lu_sha256_hex(&sha256, hex);
    ok(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad") == 0
       && sha256.size == 3, "of \"abc\", in pieces");

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, "abc", 3);
    lu_sha256_final(&sha256, digest);
    ok(digest[0] == 0xba && digest[31] == 0xad, "as bytes");
}


static void
test_hex_valid(void)
{
    lu_str_t  str;

    str = tap_str(B);
    ok(lu_sha256_hex_valid(&str), "a digest");

    str.len = 63;
    ok(!lu_sha256_hex_valid(&str), "63 digits");

    str = tap_str(B "0");
    ok(!lu_sha256_hex_valid(&str), "65 digits");

    str = tap_str("");
    ok(!lu_sha256_hex_valid(&str), "no digits");

    str = tap_str("A123456789abcdef0123456789abcdef"
                  "0123456789abcdef0123456789abcdef");
    ok(!lu_sha256_hex_valid(&str), "an upper-case digit");

    str = tap_str("0123456789abcdef0123456789abcdef"
                  "0123456789abcdef0123456789abcdeg");
    ok(!lu_sha256_hex_valid(&str), "a letter above f");

    str = tap_str("/:`0123456789abcdef0123456789abc"
                  "0123456789abcdef0123456789abcdef");
    ok(!lu_sha256_hex_valid(&str), "what is next to digits and letters");
}


int
main(void)
{
    test_digest();
    test_hex_valid();

    return tap_done();
}
