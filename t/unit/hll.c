
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_hll.c"


#define NOW      500000                 /* an hour in 2027 */
#define DEVICES  300000


static lu_hll_t  hll, other;
static uint32_t          last[DEVICES]; /* when each device was seen */
static uint64_t          seed = 1;


/* The finalizer of SplitMix64 (Steele and others, 2014). */

static uint64_t
hll_mix(uint64_t h)
{
    h += 0x9e3779b97f4a7c15;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
    h = (h ^ (h >> 27)) * 0x94d049bb133111eb;

    return h ^ (h >> 31);
}


static uint64_t
hll_random(void)
{
    return hll_mix(seed++ * 0x2545f4914f6cdd1d);
}


static void
hll_device(lu_hll_t *to, uint64_t salt, uint64_t device,
    uint32_t hour)
{
    if (lu_hll_is_due(to, hour)) {
        lu_hll_sweep(to, hour);
    }

    lu_hll_add(to, hll_mix(hll_mix(salt) ^ device), hour);
}


static double
hll_count(const lu_hll_t *one, const lu_hll_t *two, uint32_t hour,
    uint32_t window)
{
    unsigned char  ranks[LU_HLL_REGISTERS];

    memset(ranks, 0, sizeof(ranks));

    lu_hll_merge(ranks, one, hour, window);

    if (two) {
        lu_hll_merge(ranks, two, hour, window);
    }

    return lu_hll_estimate(ranks);
}


static double
hll_abs(double x)
{
    return x < 0 ? -x : x;
}


/*
 * The mean of the squares of the errors, of so many runs, is that of 1.6 %,
 * and the mean error is nothing.
 */

static void
test_error(void)
{
    size_t    i, run, n;
    double    error, sum, squares;
    uint64_t  salt, device;

    static const struct {
        uint64_t  devices;
        size_t    runs;
        double    mean;         /* at most */
        double    squares;      /* root of, at most */
    } cases[] = {
        { 1,      30, 0.001, 0.002 },
        { 10,     60, 0.006, 0.020 },
        { 100,    60, 0.006, 0.020 },
        { 1000,   60, 0.006, 0.020 },
        { 10000,  60, 0.006, 0.020 },
        { 20000,  40, 0.006, 0.020 },
        { 100000, 20, 0.008, 0.022 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sum = 0;
        squares = 0;
        n = cases[i].runs;

        for (run = 0; run < n; run++) {
            salt = hll_random();
            lu_hll_clear(&hll, NOW);

            for (device = 0; device < cases[i].devices; device++) {
                hll_device(&hll, salt, device, NOW);
            }

            error = hll_count(&hll, NULL, NOW, LU_HLL_DAY)
                    / (double) cases[i].devices - 1;

            sum += error;
            squares += error * error;
        }

        ok(hll_abs(sum / (double) n) <= cases[i].mean
           && squares / (double) n <= cases[i].squares * cases[i].squares,
           "%lu devices: mean error %.2f %%, of squares %.2f",
           (unsigned long) cases[i].devices, 100 * sum / (double) n,
           10000 * squares / (double) n);
    }
}


/* 75 days of devices that come and go, hour by hour. */

typedef enum {
    STEADY = 0,                 /* always the same ones */
    WEEKLY,                     /* few at the weekend */
    RARE,                       /* each comes once a week */
    CHURN,                      /* one in 30 leaves each day, one comes */
    GONE                        /* most leave after 40 days */
} population_e;


static uint64_t
population(population_e kind, uint32_t t)
{
    uint64_t  r;

    r = hll_random();

    switch (kind) {

    case STEADY:
        return r % 30000;

    case WEEKLY:
        return r % (t / 24 % 7 < 5 ? 30000 : 3000);

    case RARE:
        return r % 200000;

    case CHURN:
        return t * 41 + r % 30000;

    default: /* GONE */
        return r % (t < 40 * 24 ? 30000 : 3000);
    }
}


static void
test_windows(population_e kind, const char *name)
{
    size_t    i, looks[2];
    double    error, squares[2], seen[3];
    uint32_t  t, n, hour;
    uint64_t  salt, device;

    memset(last, 0, sizeof(last));

    salt = hll_random();
    memset(looks, 0, sizeof(looks));
    memset(squares, 0, sizeof(squares));

    lu_hll_clear(&hll, NOW);

    for (t = 0; t < 75 * 24; t++) {
        hour = NOW + t;

        for (n = 0; n < 1200; n++) {
            device = population(kind, t);

            if (device < DEVICES) {
                last[device] = hour;
                hll_device(&hll, salt, device, hour);
            }
        }

        if (t < 20 * 24 || t % 37) {
            continue;
        }

        memset(seen, 0, sizeof(seen));

        for (i = 0; i < DEVICES; i++) {
            seen[0] += last[i] && hour - last[i] <= LU_HLL_DAY;
            seen[1] += last[i] && hour - last[i] <= LU_HLL_MONTH;
            seen[2] += last[i] && hour - last[i] <= LU_HLL_MONTH - LU_HLL_UNIT;
        }

        error = hll_count(&hll, NULL, hour, LU_HLL_DAY) / seen[0] - 1;
        squares[0] += error * error;
        looks[0]++;

        /* the end of the long window is somewhere in half a day */

        if (seen[2] < 0.97 * seen[1]) {
            continue;
        }

        error = hll_count(&hll, NULL, hour, LU_HLL_MONTH) / seen[1] - 1;
        squares[1] += error * error;
        looks[1]++;
    }

    for (i = 0; i < 2; i++) {
        ok(looks[i] > 10 && squares[i] / (double) looks[i] < 0.03 * 0.03,
           "%s: %s, squares of errors in %%: %.2f",
           name, i ? "30 days" : "a day",
           10000 * squares[i] / (double) looks[i]);
    }
}


static void
test_merge(void)
{
    double    all, one, two;
    uint64_t  device;

    lu_hll_clear(&hll, NOW);
    lu_hll_clear(&other, NOW);

    for (device = 0; device < 20000; device++) {
        hll_device(&hll, 7, device, NOW);
        hll_device(&other, 7, device + 10000, NOW);
    }

    one = hll_count(&hll, NULL, NOW, LU_HLL_DAY);
    two = hll_count(&other, NULL, NOW, LU_HLL_DAY);
    all = hll_count(&hll, &other, NOW, LU_HLL_DAY);

    ok(hll_abs(one / 20000 - 1) < 0.05 && hll_abs(two / 20000 - 1) < 0.05,
       "two sketches");
    ok(hll_abs(all / 30000 - 1) < 0.05, "and who is in both of them is one");
    ok(hll_count(&hll, &hll, NOW, LU_HLL_DAY) == one,
       "the same twice is the same");
}


static void
test_time(void)
{
    size_t    i, n;
    double    all;
    uint64_t  device;

    lu_hll_clear(&hll, NOW);

    for (device = 0; device < 5000; device++) {
        hll_device(&hll, 7, device, NOW);
    }

    all = hll_count(&hll, NULL, NOW, LU_HLL_DAY);

    /* nobody comes any more, and nothing is swept */

    n = 0;

    for (i = 0; i < 3000; i++) {
        n += (hll_count(&hll, NULL, NOW + i, LU_HLL_DAY)
              == (i <= LU_HLL_DAY ? all : 0))
             && (hll_count(&hll, NULL, NOW + i, LU_HLL_MONTH)
                 == (i <= LU_HLL_MONTH ? all : 0));
    }

    ok(n == 3000, "idle: all leave a window at its end, and stay away");

    /* swept in time, each day */

    n = 0;

    for (i = 0; i < 3000; i++) {

        if (lu_hll_is_due(&hll, NOW + i)) {
            lu_hll_sweep(&hll, NOW + i);
        }

        n += (hll_count(&hll, NULL, NOW + i, LU_HLL_DAY)
              == (i <= LU_HLL_DAY ? all : 0));

        /* half days are cut */

        if (i <= LU_HLL_MONTH - LU_HLL_UNIT) {
            n += (hll_count(&hll, NULL, NOW + i, LU_HLL_MONTH) == all);

        } else if (i > LU_HLL_MONTH) {
            n += (hll_count(&hll, NULL, NOW + i, LU_HLL_MONTH) == 0);

        } else {
            n++;
        }
    }

    ok(n == 6000, "swept: the same, to half a day");

    n = 0;

    for (i = 0; i < LU_HLL_REGISTERS; i++) {
        n += (hll.registers[i] != 0);
    }

    ok(n == 0, "what is over is gone");

    /* another worker's clock is an hour behind, and one that was set back */

    lu_hll_clear(&hll, NOW);

    for (device = 0; device < 5000; device++) {
        hll_device(&hll, 7, device, NOW - device % 2);
    }

    ok(hll_count(&hll, NULL, NOW, LU_HLL_DAY) == all, "an hour behind is now");

    hll_device(&hll, 7, 1, NOW - 1000);

    ok(hll_abs(hll_count(&hll, NULL, NOW - 1000, LU_HLL_DAY) - 1)
       < 0.01, "the clock was set back: begins anew");
}


/* The least useful is left out, and a register stays in order. */

static void
test_register(void)
{
    size_t    i, k, n, wrong;
    uint64_t  bits;

    lu_hll_entry_t  entries[LU_HLL_ENTRIES + 1];

    lu_hll_clear(&hll, NOW);
    wrong = 0;

    for (i = 0; i < 400000; i++) {
        hll_device(&hll, 3, hll_random() % 4000, NOW + (uint32_t) (i / 400));

        if (i % 101) {
            continue;
        }

        bits = hll.registers[hll_random() % LU_HLL_REGISTERS];
        n = lu_hll_read(entries, bits, hll.swept, NOW + (uint32_t) (i / 400));

        for (k = 1; k < n; k++) {
            wrong += entries[k].rank <= entries[k - 1].rank
                     || entries[k].age < entries[k - 1].age;
        }
    }

    ok(wrong == 0, "older ones have larger ranks");

    /* whatever bits there are, and whenever */

    for (i = 0; i < 300; i++) {
        for (k = 0; k < LU_HLL_REGISTERS; k++) {
            hll.registers[k] = hll_random();
        }

        hll.swept = (uint32_t) hll_random();

        hll_device(&hll, 3, i, (uint32_t) hll_random());
        (void) hll_count(&hll, NULL, (uint32_t) hll_random(), LU_HLL_MONTH);
        lu_hll_sweep(&hll, hll.swept + (uint32_t) (i * 3));
    }

    ok(1, "random bits do no harm");
}


int
main(void)
{
    lu_hll_clear(&hll, NOW);

    ok(hll_count(&hll, NULL, NOW, LU_HLL_DAY) == 0, "nobody is 0");

    test_error();
    test_windows(STEADY, "the same devices");
    test_windows(WEEKLY, "few at the weekend");
    test_windows(RARE, "once a week");
    test_windows(CHURN, "they come and go");
    test_windows(GONE, "most have left");
    test_merge();
    test_time();
    test_register();

    return tap_done();
}
