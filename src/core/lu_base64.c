
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_base64.h"

#include <openssl/evp.h>


#define LU_BASE64_LEN(n)  (((n) + 2) / 3 * 4)


int
lu_base64_decode(unsigned char *bytes, size_t n, const lu_str_t *text)
{
    unsigned char  buf[LU_BASE64_LEN(LU_BASE64_BYTES)];
    unsigned char  again[LU_BASE64_LEN(LU_BASE64_BYTES) + 1];

    if (n > LU_BASE64_BYTES || text->len != LU_BASE64_LEN(n)) {
        return 0;
    }

    if (EVP_DecodeBlock(buf, text->data, (int) text->len) < (int) n) {
        return 0;
    }

    /* there is one text of the bytes, and OpenSSL takes blanks for nothing */

    (void) EVP_EncodeBlock(again, buf, (int) n);

    if (memcmp(again, text->data, text->len) != 0) {
        return 0;
    }

    memcpy(bytes, buf, n);

    return 1;
}
