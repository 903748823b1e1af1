
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Signatures of osslsigncode are in t/sign.t.
 */


#include "tap.h"

#include "../../src/core/lu_authenticode.c"


static lu_error_t         error;
static lu_authenticode_t  signatures[LU_AUTHENTICODE_MAX];


static void
parse(const char *der, size_t len, lu_rc_e expected, const char *text)
{
    size_t         n;
    lu_rc_e        rc;
    lu_str_t       table;
    unsigned char  bytes[256];

    memset(bytes, 0, sizeof(bytes));

    bytes[0] = (unsigned char) (len + 8);
    bytes[5] = 2;
    bytes[6] = 2;

    memcpy(bytes + 8, der, len);

    table.data = bytes;
    table.len = len + 8;
    error.text = NULL;

    rc = lu_authenticode_parse(&tap_arena, &table, signatures, &n, &error);

    ok(rc == expected && n == 0
       && (rc != LU_INVALID || strstr(error.text, text)), "%s", text);
}


static void
digests(void)
{
    size_t                  i;
    lu_pe_t                 pe;
    lu_str_t                table;
    lu_authenticode_file_t  file;

    static const unsigned char  bytes[] = "abCCCCcEEEEEEEE--";

    /* of "abc" */

    static const unsigned char  sha256[32] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad
    };

    static const unsigned char  sha1[20] = {
        0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25,
        0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d
    };

    pe.checksum = 2;
    pe.entry = 7;
    pe.table = 15;
    pe.size = 2;

    memset(signatures, 0, sizeof(signatures));

    for (i = 0; i < 3; i++) {
        signatures[i].algorithm = lu_authenticode_digests[0].name;
        signatures[i].digest_len = 32;
        memcpy(signatures[i].digest, sha256, 32);
    }

    signatures[1].digest[31] ^= 1;

    signatures[3].algorithm = lu_authenticode_digests[3].name;
    signatures[3].digest_len = 20;
    memcpy(signatures[3].digest, sha1, 20);

    ok(lu_authenticode_begin(&file, &pe, signatures, 4) == LU_OK, "begins");

    for (i = 0; i < sizeof(bytes) - 1; i += 3) {
        (void) lu_authenticode_add(&file, bytes + i,
                                   sizeof(bytes) - 1 - i < 3
                                   ? sizeof(bytes) - 1 - i : 3);
    }

    lu_authenticode_end(&file);

    ok(signatures[0].is_same && signatures[2].is_same, "the same digest");
    ok(!signatures[1].is_same, "another one");
    ok(signatures[3].is_same, "one of another kind");

    ok(lu_authenticode_begin(&file, &pe, signatures, 4) == LU_OK, "again");
    lu_authenticode_end(&file);

    table.len = 0;
    table.data = NULL;

    ok(lu_authenticode_parse(&tap_arena, &table, signatures, &i, &error)
       == LU_NOT_FOUND && i == 0, "an empty table");
}


int
main(void)
{
    digests();

    parse("", 0, LU_INVALID, "cannot be read");
    parse("\x30\x80\x30\x80\x30\x80", 6, LU_INVALID, "cannot be read");
    parse("\x30\x84\xff\xff\xff\xff", 6, LU_INVALID, "cannot be read");

    /* data, not signedData */

    parse("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 13,
          LU_INVALID, "another kind");

    /* signedData without anything in it */

    parse("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 13,
          LU_INVALID, "");

    tap_free();

    return tap_done();
}
