
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_sip.c"


int
main(void)
{
    int             i, same;
    lu_sip_t        secret, other;
    unsigned char   data[64];

    /* the vectors of the paper: the secret is 00 01 02 ... 0f */

    static const struct {
        size_t    len;
        uint64_t  hash;
    } vectors[] = {
        { 0, 0x726fdb47dd0e0e31 },
        { 1, 0x74f839c593dc67fd },
        { 2, 0x0d6c8009d9a94f5a },
        { 7, 0xab0200f58b01d137 },
        { 8, 0x93f5f5799a932462 },
        { 9, 0x9e0082df0ba9e4b0 },
        { 15, 0xa129ca6149be45e5 },
        { 63, 0x958a324ceb064572 }
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

    return tap_done();
}
