
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whole programs, signed by osslsigncode, are in t/sign.t.
 */


#include "tap.h"

#include "../../src/core/lu_pe.c"


#define SIZE   1024
#define START  128                      /* of "PE\0\0" */
#define TABLE  1000


static unsigned char  bytes[SIZE];
static lu_error_t     error;
static lu_pe_t        pe;


static void
put(size_t offset, unsigned long value, size_t n)
{
    while (n--) {
        bytes[offset++] = (unsigned char) value;
        value >>= 8;
    }
}


/* A program with a table of 24 bytes. */

static void
program(unsigned magic)
{
    size_t  directories;

    directories = START + 24 + (magic == 0x10b ? 96 : 112);

    memset(bytes, 0, SIZE);
    memcpy(bytes, "MZ", 2);
    put(60, START, 4);
    memcpy(bytes + START, "PE\0\0", 4);
    put(START + 20, directories + 128 - START - 24, 2);
    put(START + 24, magic, 2);
    put(directories - 4, 16, 4);
    put(directories + 32, TABLE, 4);
    put(directories + 36, SIZE - TABLE, 4);
}


static lu_rc_e
parse(size_t len, uint64_t size)
{
    lu_str_t  head;

    head.data = bytes;
    head.len = len;
    error.text = NULL;

    return lu_pe_parse(&head, size, &pe, &error);
}


static void
refused(size_t len, uint64_t size, const char *text)
{
    ok(parse(len, size) == LU_INVALID && error.text
       && strstr(error.text, text) != NULL, "%s", text);
}


static void
parse_all(void)
{
    size_t  len;

    program(0x20b);
    ok(parse(SIZE, SIZE) == LU_OK, "a program of 64 bits");
    ok(pe.checksum == START + 88 && pe.entry == START + 24 + 144
       && pe.table == TABLE && pe.size == SIZE - TABLE, "where it has what");

    program(0x10b);
    ok(parse(SIZE, SIZE) == LU_OK && pe.entry == START + 24 + 128,
       "one of 32 bits");

    for (len = 0; len < START + 24 + 96 + 128; len++) {
        if (parse(len, SIZE) != LU_INVALID) {
            break;
        }
    }

    ok(len == START + 24 + 96 + 128, "each shorter head is refused");
    ok(parse(len, SIZE) == LU_OK, "one of that length is not");

    refused(SIZE, SIZE - 1, "ends before");
    refused(SIZE, SIZE + 1, "behind its signatures");

    put(START + 24 + 96 + 32, 8, 4);
    refused(SIZE, SIZE, "in its headers");

    program(0x10b);
    put(START + 24 + 96 + 36, LU_PE_TABLE + 1, 4);
    refused(SIZE, TABLE + LU_PE_TABLE + 1, "more than 256 KB");

    program(0x10b);
    put(START + 24 + 96 + 32, 0, 8);
    ok(parse(SIZE, SIZE) == LU_NOT_FOUND, "no table");

    program(0x10b);
    put(START + 24 + 92, 4, 4);
    ok(parse(SIZE, SIZE) == LU_NOT_FOUND, "no entry for one");

    program(0x10b);
    put(START + 20, 96 + 36, 2);
    ok(parse(SIZE, SIZE) == LU_NOT_FOUND, "no room for one");

    put(START + 20, 67, 2);
    refused(SIZE, SIZE, "too short a header");

    program(0x107);
    refused(SIZE, SIZE, "neither a 32-bit");

    program(0x10b);
    put(60, 0xffffffff, 4);
    refused(SIZE, SIZE, "not a program");

    memcpy(bytes, "ZM", 2);
    refused(SIZE, SIZE, "not a program");
}


static void
parts(void)
{
    int       is_covered;
    uint64_t  offset, part, covered, holes;

    program(0x20b);
    (void) parse(SIZE, SIZE);

    covered = holes = 0;

    for (offset = 0; offset < SIZE; offset += part) {
        part = lu_pe_part(&pe, offset, &is_covered);
        part = part < SIZE - offset ? part : SIZE - offset;

        if (part == 0) {
            break;
        }

        *(is_covered ? &covered : &holes) += part;
    }

    ok(covered == TABLE - 12 && holes == 12 + SIZE - TABLE,
       "what a signature covers");

    ok(lu_pe_part(&pe, pe.checksum + 1, &is_covered) == 3 && !is_covered,
       "the rest of a part");
}


static void
signature(const char *table, size_t len, lu_rc_e expected, const char *found,
    const char *name)
{
    lu_rc_e   rc;
    lu_str_t  left, signed_data;

    left.data = (unsigned char *) table;
    left.len = len;

    rc = lu_pe_signature(&left, &signed_data, &error);

    ok(rc == expected, "%s", name);

    if (rc == LU_OK) {
        ok(lu_str_is(&signed_data, found), "%s: %s", name, found);
    }
}


int
main(void)
{
    parse_all();
    parts();

    signature("\x0b\0\0\0\0\2\2\0abc\0\0\0\0\0", 16, LU_OK, "abc", "one");
    signature("\x0b\0\0\0\0\2\2\0abc", 11, LU_OK, "abc", "without padding");
    signature("\x09\0\0\0\0\2\1\0x\0\0\0\0\0\0\0\x0a\0\0\0\0\2\2\0ab", 26,
              LU_OK, "ab", "behind one of another kind");
    signature("\x09\0\0\0\0\2\1\0x", 9, LU_NOT_FOUND, NULL, "no other");
    signature("", 0, LU_NOT_FOUND, NULL, "an empty table");
    signature("\x0b\0\0\0\0\2\2\0ab", 10, LU_INVALID, NULL, "too long");
    signature("\x07\0\0\0\0\2\2\0ab", 10, LU_INVALID, NULL, "too short");
    signature("\xff\xff\xff\xff\0\2\2\0ab", 10, LU_INVALID, NULL, "absurd");
    signature("\x0b\0\0\0", 4, LU_INVALID, NULL, "cut off");

    return tap_done();
}
