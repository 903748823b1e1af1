
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_rollout.c"


#define DEVICES  100000
#define BINS     256

/*
 * Chi-square with so many degrees of freedom exceeds these once in a million
 * times; the ids are always the same, so that a test which passes passes.
 */

#define CHI_255  372.0

#define TEN(text)                                                             \
    text text text text text text text text text text


static void
test_threshold(void)
{
    size_t        i;
    lu_rollout_t  rollout;

    static const struct {
        double    share;
        uint64_t  threshold;
        unsigned  everyone;
        double    back;
    } cases[] = {
        { 0, 0, 0, 0 },
        { -0.0, 0, 0, 0 },
        { 5e-324, 0, 0, 0 },
        { 0.25, UINT64_C(1) << 62, 0, 0.25 },
        { 0.75, UINT64_C(3) << 62, 0, 0.75 },
        { 0.99999999999999989, UINT64_MAX - 2047, 0, 0.99999999999999989 },
        { 1, 0, 1, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lu_rollout_threshold(&rollout, cases[i].share);

        ok(rollout.threshold == cases[i].threshold
           && rollout.everyone == cases[i].everyone
           && !(lu_rollout_share(&rollout) < cases[i].back)
           && !(lu_rollout_share(&rollout) > cases[i].back),
           "a share of %g", cases[i].share);
    }

    /* as a percentage it is below 100 */

    lu_rollout_threshold(&rollout, 99.999999999999986 / 100);
    ok(rollout.everyone || rollout.threshold > UINT64_MAX - 4096,
       "a share next to 1");
}


static uint64_t
bucket_of(const char *deployment, const char *device)
{
    lu_str_t  one, two;

    one = tap_str(deployment);
    two = tap_str(device);

    return lu_rollout_bucket(&one, &two);
}


/* UUIDs, as Android sends them, and what people might use instead. */

static lu_str_t
device_id(char *buf, long n)
{
    if (n % 2) {
        sprintf(buf, "device-%ld", n);

    } else {
        sprintf(buf, "%08lx-%04lx-4000-8000-%012lx",
                n * 2654435761 & 0xffffffff, n & 0xffff, n);
    }

    return tap_str(buf);
}


static double
chi_square(const long *counts, size_t n, double expected)
{
    double  sum;
    size_t  i;

    sum = 0;

    for (i = 0; i < n; i++) {
        sum += ((double) counts[i] - expected)
               * ((double) counts[i] - expected) / expected;
    }

    return sum;
}


static void
test_bucket(void)
{
    char      buf[64];
    long      i, low[BINS], high[BINS], pairs[16 * 16];
    double    chi;
    uint64_t  bucket, other;
    lu_str_t  device, one, two;

    ok(bucket_of("d1", "0b3c") == UINT64_C(0xe246951169ffbcfb)
       && bucket_of("4f1c2d3e-0000-4000-8000-000000000001", "a/b c")
          == UINT64_C(0x5e02cbcff2ac60c0)
       && bucket_of(TEN("yyyyyy") "yyyy", TEN("xxxxxxxxxxxx") "xxxxxxxx")
          == UINT64_C(0xec950981451f609c),
       "the first 8 bytes of SHA-256(\"deployment:device\")");

    ok(bucket_of("d12", "in") >> 63 == 0 && bucket_of("d12", "out") >> 63,
       "the devices of the tests of checks");

    memset(low, 0, sizeof(low));
    memset(high, 0, sizeof(high));
    memset(pairs, 0, sizeof(pairs));

    one = tap_str("d1");
    two = tap_str("d2");

    for (i = 0; i < DEVICES; i++) {
        device = device_id(buf, i);

        bucket = lu_rollout_bucket(&one, &device);
        other = lu_rollout_bucket(&two, &device);

        high[bucket >> 56]++;
        low[bucket & 0xff]++;
        pairs[(bucket >> 60) * 16 + (other >> 60)]++;
    }

    chi = chi_square(high, BINS, (double) DEVICES / BINS);
    ok(chi > 150 && chi < CHI_255, "%d devices are evenly spread: %.1f",
       DEVICES, chi);

    chi = chi_square(low, BINS, (double) DEVICES / BINS);
    ok(chi > 150 && chi < CHI_255, "also in the last byte: %.1f", chi);

    chi = chi_square(pairs, 256, (double) DEVICES / 256);
    ok(chi > 150 && chi < CHI_255,
       "two deployments are independent: %.1f", chi);
}


/*
 * The share is the percentage, within five standard deviations; who is in
 * stays in when it is raised; asked again, a device gets the same answer.
 */

static void
test_rollout(void)
{
    char            buf[64];
    long            i, n, left, changed;
    size_t          k;
    double          share, deviation;
    unsigned char  *in;
    lu_str_t        id, device;
    lu_rollout_t    rollout;

    static const double  rollouts[] = { 0, 0.0001, 0.01, 0.1, 0.25, 0.5,
                                        0.75, 0.9, 0.99, 0.9999, 1 };

    in = calloc(DEVICES, 1);
    id = tap_str("d1");

    for (k = 0; k < sizeof(rollouts) / sizeof(rollouts[0]); k++) {

        lu_rollout_threshold(&rollout, rollouts[k]);

        n = 0;
        left = 0;
        changed = 0;

        for (i = 0; i < DEVICES; i++) {
            device = device_id(buf, i);

            if (lu_rollout_has(&rollout, &id, &device)) {
                changed += !lu_rollout_has(&rollout, &id, &device);
                in[i] = 1;
                n++;

            } else {
                changed += lu_rollout_has(&rollout, &id, &device);
                left += in[i];
            }
        }

        share = (double) n / DEVICES;
        deviation = (share - rollouts[k]) * (share - rollouts[k]) * DEVICES;

        ok(deviation <= 25 * rollouts[k] * (1 - rollouts[k])
           && left == 0 && changed == 0,
           "rollout %g: %ld of %d devices, none of before left", rollouts[k],
           n, DEVICES);
    }

    device = tap_str("");

    lu_rollout_threshold(&rollout, 0.9999);
    ok(!lu_rollout_has(&rollout, &id, &device),
       "a device without an id is in no partial rollout");

    lu_rollout_threshold(&rollout, 1);
    ok(lu_rollout_has(&rollout, &id, &device),
       "and in a whole one");

    free(in);
}


int
main(void)
{
    test_threshold();
    test_bucket();
    test_rollout();

    return tap_done();
}
