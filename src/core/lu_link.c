
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include <openssl/crypto.h>

#include "lu_hex.h"
#include "lu_hmac.h"
#include "lu_link.h"


/* digits of a time: enough for some millennia, and no overflow */

#define LU_LINK_DIGITS   12

#define LU_LINK_RELEASE  255     /* bytes of an id, more than it may have */
#define LU_LINK_TEXT     (LU_LINK_DIGITS + LU_LINK_RELEASE + 16)


void
lu_link_key(char *key, const lu_str_t *secret, const lu_str_t *release,
    time_t expires)
{
    int            len;
    char           text[LU_LINK_TEXT];
    unsigned char  digest[LU_HMAC_SIZE];

    len = snprintf(text, sizeof(text), "link.%lld.%.*s", (long long) expires,
                   (int) release->len, (const char *) release->data);

    lu_hmac_of(secret, text, len, digest);

    len = snprintf(key, LU_LINK_SIZE - 2 * LU_HMAC_SIZE, "%lld.",
                   (long long) expires);

    lu_hex_encode(key + len, digest, LU_HMAC_SIZE);

    key[len + 2 * LU_HMAC_SIZE] = '\0';
}


lu_link_e
lu_link_check(const lu_str_t *key, const lu_str_t *secret,
    const lu_str_t *release, time_t now)
{
    char       right[LU_LINK_SIZE];
    size_t     i;
    long long  expires;

    expires = 0;

    for (i = 0; i < key->len && i < LU_LINK_DIGITS; i++) {
        if (key->data[i] < '0' || key->data[i] > '9') {
            break;
        }

        expires = expires * 10 + (key->data[i] - '0');
    }

    if (expires == 0 || secret->len == 0 || release->len > LU_LINK_RELEASE) {
        return LU_LINK_WRONG;
    }

    lu_link_key(right, secret, release, (time_t) expires);

    if (strlen(right) != key->len
        || CRYPTO_memcmp(right, key->data, key->len) != 0)
    {
        return LU_LINK_WRONG;
    }

    return (now < (time_t) expires) ? LU_LINK_OK : LU_LINK_EXPIRED;
}
