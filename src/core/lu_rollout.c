
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_rollout.h"
#include "lu_sha256.h"


#define LU_ROLLOUT_BUCKETS  18446744073709551616.0      /* 2^64 */


void
lu_rollout_threshold(lu_rollout_t *rollout, double share)
{
    rollout->threshold = 0;
    rollout->everyone = 0;

    if (share >= 1) {
        rollout->everyone = 1;

    } else if (share > 0) {
        rollout->threshold = (uint64_t) (share * LU_ROLLOUT_BUCKETS);
    }
}


double
lu_rollout_share(const lu_rollout_t *rollout)
{
    return rollout->everyone
           ? 1 : (double) rollout->threshold / LU_ROLLOUT_BUCKETS;
}


unsigned char
lu_rollout_step(const lu_rollout_t *rollout)
{
    int            i;
    uint64_t       threshold;
    unsigned char  step;

    step = (unsigned char) (rollout->everyone ? 1 : 2);

    for (i = 0, threshold = rollout->threshold; i < 8; i++) {
        step = (unsigned char) (step * 31 + (threshold & 0xff));
        threshold >>= 8;
    }

    return step;
}


int
lu_rollout_has(const lu_rollout_t *rollout, const lu_str_t *id,
    const lu_str_t *client)
{
    if (rollout->everyone) {
        return 1;
    }

    if (client->len == 0 || rollout->threshold == 0) {
        return 0;
    }

    return lu_rollout_bucket(id, client) < rollout->threshold;
}


uint64_t
lu_rollout_bucket(const lu_str_t *id, const lu_str_t *client)
{
    int            i;
    uint64_t       bucket;
    lu_sha256_t    sha256;
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, id->data, id->len);
    lu_sha256_update(&sha256, ":", 1);
    lu_sha256_update(&sha256, client->data, client->len);
    lu_sha256_final(&sha256, digest);

    bucket = 0;

    for (i = 0; i < 8; i++) {
        bucket = bucket << 8 | digest[i];
    }

    return bucket;
}
