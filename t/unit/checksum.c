
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The check values are those of the catalogues: of the nine bytes "123456789".
 */


#include "tap.h"

#include "../../src/core/lu_checksum.c"


static lu_error_t     error;
static lu_checksum_t  sums;


static lu_rc_e
header(const char *name, const char *value)
{
    lu_str_t  n, v;

    n = lu_str(name);
    v = lu_str(value);

    return lu_checksum_header(&sums, &n, &v, &error);
}


/* In two pieces. */

static lu_rc_e
ends(const char *text)
{
    size_t  half;

    half = strlen(text) / 2;

    lu_checksum_begin(&sums);
    lu_checksum_update(&sums, text, half);
    lu_checksum_update(&sums, text + half, strlen(text) - half);

    return lu_checksum_end(&sums, &error);
}


static void
test_kind(const char *name, const char *value)
{
    memset(&sums, 0, sizeof(lu_checksum_t));

    ok(header(name, value) == LU_OK, "%s", name);
    ok(ends("123456789") == LU_OK, "%s: right", name);
    ok(ends("12345678") == LU_INVALID && error.subject.len, "%s: wrong", name);
    ok(ends("123456789") == LU_OK, "%s: again", name);
    ok(header(name, value) == LU_INVALID, "%s: twice", name);

    memset(&sums, 0, sizeof(lu_checksum_t));

    ok(header(name, value + 4) == LU_INVALID, "%s: too short", name);
}


static void
test_headers(void)
{
    memset(&sums, 0, sizeof(lu_checksum_t));

    ok(header("x-amz-checksum-algorithm", "CRC32") == LU_OK
       && header("x-amz-checksum-type", "COMPOSITE") == LU_OK
       && header("content-type", "text/plain") == LU_OK
       && ends("anything") == LU_OK, "other headers");

    ok(header("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==") == LU_OK
       && header("x-amz-checksum-crc32", "y/Q5Jg==") == LU_OK
       && ends("123456789") == LU_OK, "two of them");
    ok(header("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=")
       == LU_INVALID, "two checksums");
}


int
main(void)
{
    test_kind("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");
    test_kind("x-amz-checksum-crc32", "y/Q5Jg==");
    test_kind("x-amz-checksum-crc32c", "4waSgw==");
    test_kind("x-amz-checksum-crc64nvme", "rosUhgp5mIg=");
    test_kind("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=");
    test_kind("x-amz-checksum-sha256",
              "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
    test_headers();

    return tap_done();
}
