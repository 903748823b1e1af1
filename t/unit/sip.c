
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_sip.c"


/* Each bit that changes, changes each bit of the hash every other time. */

static void
test_bits(void)
{
    size_t          i, bit, n, counts[64];
    uint64_t        a, difference;
    lu_sip_t        secret;
    unsigned char   text[] = "0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10";

    memset(counts, 0, sizeof(counts));
    n = 0;

    for (i = 0; i < 8 * (sizeof(text) - 1); i++) {
        for (a = 0; a < 20; a++) {
            secret.words[0] = a;
            secret.words[1] = ~a;

            difference = lu_sip(&secret, text, sizeof(text) - 1);
            text[i / 8] ^= (unsigned char) (1 << i % 8);
            difference ^= lu_sip(&secret, text, sizeof(text) - 1);
            text[i / 8] ^= (unsigned char) (1 << i % 8);

            for (bit = 0; bit < 64; bit++) {
                counts[bit] += (difference >> bit) & 1;
            }

            n++;
        }
    }

    i = 0;

    for (bit = 0; bit < 64; bit++) {
        i += counts[bit] > n * 46 / 100 && counts[bit] < n * 54 / 100;
    }

    ok(i == 64, "every bit of the hash depends on every bit");
}


int
main(void)
{
    int             i, same;
    lu_sip_t        secret, other;
    unsigned char   data[64];

    /* those of OpenSSL, with these rounds: the secret is 00 01 02 ... 0f */

    static const struct {
        size_t    len;
        uint64_t  hash;
    } vectors[] = {
        { 0, 0xabac0158050fc4dc },
        { 1, 0xc9f49bf37d57ca93 },
        { 2, 0x82cb9b024dc7d44d },
        { 7, 0xd3927d989bb11140 },
        { 8, 0x369095118d299a8e },
        { 9, 0x25a48eb36c063de4 },
        { 15, 0xd320d86d2a519956 },
        { 63, 0x9d199062b7bbb3a8 }
    };

    secret.words[0] = 0x0706050403020100;
    secret.words[1] = 0x0f0e0d0c0b0a0908;

    for (i = 0; i < 64; i++) {
        data[i] = (unsigned char) i;
    }

    for (i = 0; i < 8; i++) {
        ok(lu_sip(&secret, data, vectors[i].len) == vectors[i].hash,
           "%u bytes", (unsigned) vectors[i].len);
    }

    other = secret;
    other.words[1]++;
    same = 0;

    for (i = 0; i < 64; i++) {
        same += ((lu_sip(&secret, data, (size_t) i) & 0xff)
                 == (lu_sip(&other, data, (size_t) i) & 0xff));
    }

    ok(same < 5, "another secret, other buckets");

    test_bits();

    return tap_done();
}
