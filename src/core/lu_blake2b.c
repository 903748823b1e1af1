
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_blake2b.h"


#define lu_blake2b_rotate(x, n)  ((x) >> (n) | (x) << (64 - (n)))

#define lu_blake2b_word(p)                                                    \
    ((uint64_t) (p)[0] | (uint64_t) (p)[1] << 8 | (uint64_t) (p)[2] << 16     \
     | (uint64_t) (p)[3] << 24 | (uint64_t) (p)[4] << 32                      \
     | (uint64_t) (p)[5] << 40 | (uint64_t) (p)[6] << 48                      \
     | (uint64_t) (p)[7] << 56)

#define lu_blake2b_mix(a, b, c, d, x, y)                                      \
    v[a] += v[b] + m[x];                                                      \
    v[d] = lu_blake2b_rotate(v[d] ^ v[a], 32);                                \
    v[c] += v[d];                                                             \
    v[b] = lu_blake2b_rotate(v[b] ^ v[c], 24);                                \
    v[a] += v[b] + m[y];                                                      \
    v[d] = lu_blake2b_rotate(v[d] ^ v[a], 16);                                \
    v[c] += v[d];                                                             \
    v[b] = lu_blake2b_rotate(v[b] ^ v[c], 63)

/* with constants, compilers keep all in registers that they can */

#define lu_blake2b_round(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11,    \
                         s12, s13, s14, s15)                                  \
    lu_blake2b_mix(0, 4, 8, 12, s0, s1);                                      \
    lu_blake2b_mix(1, 5, 9, 13, s2, s3);                                      \
    lu_blake2b_mix(2, 6, 10, 14, s4, s5);                                     \
    lu_blake2b_mix(3, 7, 11, 15, s6, s7);                                     \
    lu_blake2b_mix(0, 5, 10, 15, s8, s9);                                     \
    lu_blake2b_mix(1, 6, 11, 12, s10, s11);                                   \
    lu_blake2b_mix(2, 7, 8, 13, s12, s13);                                    \
    lu_blake2b_mix(3, 4, 9, 14, s14, s15)


static void lu_blake2b_compress(lu_blake2b_t *blake2b,
    const unsigned char *block, uint64_t last);


static const uint64_t  lu_blake2b_iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b, 0x5be0cd19137e2179
};


void
lu_blake2b_init(lu_blake2b_t *blake2b, size_t out)
{
    memcpy(blake2b->h, lu_blake2b_iv, sizeof(lu_blake2b_iv));

    blake2b->h[0] ^= 0x01010000 ^ out;
    blake2b->size = 0;
    blake2b->len = 0;
    blake2b->out = out;
}


void
lu_blake2b_update(lu_blake2b_t *blake2b, const void *data, size_t len)
{
    size_t                n;
    const unsigned char  *p;

    p = data;

    /* the last block is kept, since it is compressed in another way */

    while (len) {

        if (blake2b->len == LU_BLAKE2B_BLOCK) {
            blake2b->size += LU_BLAKE2B_BLOCK;
            blake2b->len = 0;

            lu_blake2b_compress(blake2b, blake2b->buf, 0);
        }

        while (blake2b->len == 0 && len > LU_BLAKE2B_BLOCK) {
            blake2b->size += LU_BLAKE2B_BLOCK;

            lu_blake2b_compress(blake2b, p, 0);

            p += LU_BLAKE2B_BLOCK;
            len -= LU_BLAKE2B_BLOCK;
        }

        n = LU_BLAKE2B_BLOCK - blake2b->len;
        n = (len < n) ? len : n;

        memcpy(blake2b->buf + blake2b->len, p, n);

        blake2b->len += n;
        p += n;
        len -= n;
    }
}


void
lu_blake2b_final(lu_blake2b_t *blake2b, unsigned char *digest)
{
    size_t  i;

    blake2b->size += blake2b->len;

    memset(blake2b->buf + blake2b->len, 0, LU_BLAKE2B_BLOCK - blake2b->len);

    lu_blake2b_compress(blake2b, blake2b->buf, UINT64_MAX);

    for (i = 0; i < blake2b->out; i++) {
        digest[i] = (unsigned char) (blake2b->h[i / 8] >> 8 * (i % 8) & 0xff);
    }
}


static void
lu_blake2b_compress(lu_blake2b_t *blake2b, const unsigned char *block,
    uint64_t last)
{
    int       i;
    uint64_t  v[16], m[16];

    for (i = 0; i < 16; i++) {
        m[i] = lu_blake2b_word(block + 8 * i);
    }

    memcpy(v, blake2b->h, sizeof(blake2b->h));
    memcpy(v + 8, lu_blake2b_iv, sizeof(lu_blake2b_iv));

    v[12] ^= blake2b->size;
    v[14] ^= last;

    lu_blake2b_round(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    lu_blake2b_round(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    lu_blake2b_round(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
    lu_blake2b_round(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
    lu_blake2b_round(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
    lu_blake2b_round(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
    lu_blake2b_round(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
    lu_blake2b_round(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
    lu_blake2b_round(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
    lu_blake2b_round(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
    lu_blake2b_round(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    lu_blake2b_round(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);

    for (i = 0; i < 8; i++) {
        blake2b->h[i] ^= v[i] ^ v[i + 8];
    }
}
