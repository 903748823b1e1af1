
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_sip.h"


#define lu_sip_rotate(x, n)  (((x) << (n)) | ((x) >> (64 - (n))))


static inline uint64_t lu_sip_word(const unsigned char *p);
static inline uint64_t lu_sip_tail(const unsigned char *p, size_t n,
    size_t len);
static inline void lu_sip_round(uint64_t *v);


uint64_t
lu_sip(const lu_sip_t *secret, const void *data, size_t len)
{
    size_t                left;
    uint64_t              v[4], word;
    const unsigned char  *p;

    v[0] = secret->words[0] ^ 0x736f6d6570736575;
    v[1] = secret->words[1] ^ 0x646f72616e646f6d;
    v[2] = secret->words[0] ^ 0x6c7967656e657261;
    v[3] = secret->words[1] ^ 0x7465646279746573;

    p = data;

    for (left = len; left >= 8; left -= 8) {
        word = lu_sip_word(p);
        p += 8;

        v[3] ^= word;
        lu_sip_round(v);
        v[0] ^= word;
    }

    word = lu_sip_tail(p, left, len) | (uint64_t) len << 56;

    v[3] ^= word;
    lu_sip_round(v);
    v[0] ^= word;

    v[2] ^= 0xff;
    lu_sip_round(v);
    lu_sip_round(v);
    lu_sip_round(v);

    return v[0] ^ v[1] ^ v[2] ^ v[3];
}


static inline uint64_t
lu_sip_word(const unsigned char *p)
{
    return (uint64_t) p[0] | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32 | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48 | (uint64_t) p[7] << 56;
}


/* The last n bytes, fewer than eight, behind others if the text has more. */

static inline uint64_t
lu_sip_tail(const unsigned char *p, size_t n, size_t len)
{
    uint64_t  word;

    if (n && len > 8) {
        return lu_sip_word(p + n - 8) >> 8 * (8 - n);
    }

    word = 0;

    while (n) {
        n--;
        word = word << 8 | p[n];
    }

    return word;
}


static inline void
lu_sip_round(uint64_t *v)
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = lu_sip_rotate(v[1], 13);
    v[3] = lu_sip_rotate(v[3], 16);
    v[1] ^= v[0];
    v[3] ^= v[2];
    v[0] = lu_sip_rotate(v[0], 32);

    v[2] += v[1];
    v[0] += v[3];
    v[1] = lu_sip_rotate(v[1], 17);
    v[3] = lu_sip_rotate(v[3], 21);
    v[1] ^= v[2];
    v[3] ^= v[0];
    v[2] = lu_sip_rotate(v[2], 32);
}
