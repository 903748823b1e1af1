
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hll.h"


#define LIVEUPDATE_HLL_INDEX    12         /* bits of the hash */
#define LIVEUPDATE_HLL_RANK     31         /* the largest */

/*
 * Of an entry the lowest 5 bits are the rank, and 6 the lowest bits of its
 * hour, or, with a bit in front of them, of its half day.
 */

#define LIVEUPDATE_HLL_ENTRIES  5
#define LIVEUPDATE_HLL_BITS     12
#define LIVEUPDATE_HLL_TIME     0x3f
#define LIVEUPDATE_HLL_COARSE   0x800
#define LIVEUPDATE_HLL_UNIT     12         /* hours */

#define LIVEUPDATE_HLL_ALPHA    0.721347520444481703680   /* 1 / (2 ln 2) */

#define liveupdate_hll_rank(entry)  ((uint32_t) (entry) & 0x1f)
#define liveupdate_hll_time(entry)                                            \
    ((uint32_t) ((entry) >> 5) & LIVEUPDATE_HLL_TIME)


typedef struct {
    uint32_t  rank;
    uint32_t  age;              /* hours */
} liveupdate_hll_entry_t;


static uint32_t liveupdate_hll_hour(const liveupdate_hll_t *hll,
    uint32_t hour);
static uint32_t liveupdate_hll_age(uint32_t swept, uint32_t hour,
    uint64_t entry);
static size_t liveupdate_hll_read(liveupdate_hll_entry_t *entries,
    uint64_t bits, uint32_t swept, uint32_t hour);
static uint64_t liveupdate_hll_write(const liveupdate_hll_entry_t *entries,
    size_t n, uint32_t hour);
static size_t liveupdate_hll_leave_out(liveupdate_hll_entry_t *entries,
    size_t n);
static uint64_t liveupdate_hll_mix(uint64_t h);


void
liveupdate_hll_clear(liveupdate_hll_t *hll, uint32_t hour)
{
    size_t  i;

    for (i = 0; i < LIVEUPDATE_HLL_REGISTERS; i++) {
        hll->registers[i] = 0;
    }

    hll->swept = hour;
}


int
liveupdate_hll_is_due(const liveupdate_hll_t *hll, uint32_t hour)
{
    return liveupdate_hll_hour(hll, hour) - hll->swept >= LIVEUPDATE_HLL_DAY;
}


void
liveupdate_hll_sweep(liveupdate_hll_t *hll, uint32_t hour)
{
    size_t                  i, n;
    liveupdate_hll_entry_t  entries[LIVEUPDATE_HLL_ENTRIES + 1];

    /* the clock was set back, or has not run for long */

    if (hour < hll->swept
        || hour - hll->swept > LIVEUPDATE_HLL_MONTH + LIVEUPDATE_HLL_DAY)
    {
        liveupdate_hll_clear(hll, hour);
        return;
    }

    for (i = 0; i < LIVEUPDATE_HLL_REGISTERS; i++) {

        if (hll->registers[i] == 0) {
            continue;
        }

        n = liveupdate_hll_read(entries, hll->registers[i], hll->swept, hour);

        hll->registers[i] = liveupdate_hll_write(entries, n, hour);
    }

    hll->swept = hour;
}


void
liveupdate_hll_add(liveupdate_hll_t *hll, uint64_t hash, uint32_t hour)
{
    size_t                   i, n, kept;
    uint32_t                 rank, swept;
    uint64_t                 bits;
    volatile uint64_t       *reg;
    liveupdate_hll_entry_t   entries[LIVEUPDATE_HLL_ENTRIES + 1];

    swept = hll->swept;
    hour = liveupdate_hll_hour(hll, hour);

    reg = &hll->registers[hash & (LIVEUPDATE_HLL_REGISTERS - 1)];
    bits = *reg;

    hash >>= LIVEUPDATE_HLL_INDEX;

    for (rank = 1; rank < LIVEUPDATE_HLL_RANK && !(hash & 1); rank++) {
        hash >>= 1;
    }

    /* nearly always: there was a larger one in this hour */

    if (liveupdate_hll_rank(bits) >= rank
        && !(bits & LIVEUPDATE_HLL_COARSE)
        && liveupdate_hll_time(bits) == (hour & LIVEUPDATE_HLL_TIME))
    {
        return;
    }

    n = liveupdate_hll_read(entries + 1, bits, swept, hour);

    entries[0].rank = rank;
    entries[0].age = 0;

    kept = 1;

    for (i = 1; i <= n; i++) {
        if (entries[i].rank > entries[kept - 1].rank) {
            entries[kept++] = entries[i];
        }
    }

    if (kept > LIVEUPDATE_HLL_ENTRIES) {
        kept = liveupdate_hll_leave_out(entries, kept);
    }

    *reg = liveupdate_hll_write(entries, kept, hour);
}


/* Those who work together may not agree on the hour at its turn. */

static uint32_t
liveupdate_hll_hour(const liveupdate_hll_t *hll, uint32_t hour)
{
    return (hour < hll->swept && hll->swept - hour < LIVEUPDATE_HLL_DAY)
           ? hll->swept : hour;
}


/*
 * No entry is newer than a day after the sweep.  When it was swept, none with
 * an hour was older than a day, and none older than the longest window.
 */

static uint32_t
liveupdate_hll_age(uint32_t swept, uint32_t hour, uint64_t entry)
{
    uint32_t  base, unit;

    base = swept + LIVEUPDATE_HLL_DAY;

    if (entry & LIVEUPDATE_HLL_COARSE) {
        unit = base / LIVEUPDATE_HLL_UNIT;
        unit -= (unit - liveupdate_hll_time(entry)) & LIVEUPDATE_HLL_TIME;

        return hour - unit * LIVEUPDATE_HLL_UNIT;
    }

    return ((base - liveupdate_hll_time(entry)) & LIVEUPDATE_HLL_TIME)
           + hour - base;
}


/* Without what is older than the longest window. */

static size_t
liveupdate_hll_read(liveupdate_hll_entry_t *entries, uint64_t bits,
    uint32_t swept, uint32_t hour)
{
    size_t  n;

    n = 0;

    while (bits) {
        entries[n].rank = liveupdate_hll_rank(bits);
        entries[n].age = liveupdate_hll_age(swept, hour, bits);

        if (entries[n].age <= LIVEUPDATE_HLL_MONTH) {
            n++;
        }

        bits >>= LIVEUPDATE_HLL_BITS;
    }

    return n;
}


static uint64_t
liveupdate_hll_write(const liveupdate_hll_entry_t *entries, size_t n,
    uint32_t hour)
{
    uint32_t  time, coarse;
    uint64_t  bits;

    bits = 0;

    while (n--) {
        time = hour - entries[n].age;
        coarse = 0;

        if (entries[n].age > LIVEUPDATE_HLL_DAY) {
            time /= LIVEUPDATE_HLL_UNIT;
            coarse = LIVEUPDATE_HLL_COARSE;
        }

        bits <<= LIVEUPDATE_HLL_BITS;
        bits |= coarse | (time & LIVEUPDATE_HLL_TIME) << 5 | entries[n].rank;
    }

    return bits;
}


/*
 * An entry is missed from when the next older one leaves a window until it
 * would leave it itself: a part of the long window, and of the short one.
 */

static size_t
liveupdate_hll_leave_out(liveupdate_hll_entry_t *entries, size_t n)
{
    size_t    i, least;
    uint32_t  cost, lowest, end;

    least = 0;
    lowest = UINT32_MAX;

    for (i = 0; i + 1 < n; i++) {
        cost = entries[i + 1].age - entries[i].age;

        if (entries[i].age <= LIVEUPDATE_HLL_DAY) {
            end = entries[i + 1].age;

            if (end > LIVEUPDATE_HLL_DAY + 1) {
                end = LIVEUPDATE_HLL_DAY + 1;
            }

            cost += (end - entries[i].age)
                    * (LIVEUPDATE_HLL_MONTH / LIVEUPDATE_HLL_DAY);
        }

        cost *= entries[i + 1].rank - entries[i].rank;

        if (cost < lowest) {
            lowest = cost;
            least = i;
        }
    }

    for (i = least; i + 1 < n; i++) {
        entries[i] = entries[i + 1];
    }

    return n - 1;
}


uint64_t
liveupdate_hll_hash(uint64_t seed, const void *data, size_t len)
{
    size_t                i, n;
    uint64_t              h, word;
    const unsigned char  *p;

    p = data;
    h = liveupdate_hll_mix(seed ^ len);

    while (len) {
        n = len < sizeof(uint64_t) ? len : sizeof(uint64_t);

        if (n == sizeof(uint64_t)) {
            memcpy(&word, p, sizeof(uint64_t));

        } else {
            word = 0;

            for (i = 0; i < n; i++) {
                word = (word << 8) | p[i];
            }
        }

        h = liveupdate_hll_mix(h ^ word);

        p += n;
        len -= n;
    }

    return h;
}


/* The finalizer of SplitMix64 (Steele and others, 2014). */

static uint64_t
liveupdate_hll_mix(uint64_t h)
{
    h += 0x9e3779b97f4a7c15;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
    h = (h ^ (h >> 27)) * 0x94d049bb133111eb;

    return h ^ (h >> 31);
}


void
liveupdate_hll_merge(unsigned char *ranks, const liveupdate_hll_t *hll,
    uint32_t hour, uint32_t window)
{
    size_t                  i, n;
    liveupdate_hll_entry_t  entries[LIVEUPDATE_HLL_ENTRIES + 1];

    hour = liveupdate_hll_hour(hll, hour);

    for (i = 0; i < LIVEUPDATE_HLL_REGISTERS; i++) {

        n = liveupdate_hll_read(entries, hll->registers[i], hll->swept, hour);

        while (n--) {
            if (entries[n].age <= window && entries[n].rank > ranks[i]) {
                ranks[i] = (unsigned char) entries[n].rank;
            }
        }
    }
}


/*
 * No rank is larger than the number of bits, so that the correction for those
 * that are (tau) is 0; that for registers which are empty is sigma.
 */

double
liveupdate_hll_estimate(const unsigned char *ranks)
{
    size_t    i, counts[LIVEUPDATE_HLL_RANK + 1];
    double    x, y, z, last, sigma;
    unsigned  rank;

    const double  m = LIVEUPDATE_HLL_REGISTERS;

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < LIVEUPDATE_HLL_REGISTERS; i++) {
        counts[ranks[i] & LIVEUPDATE_HLL_RANK]++;
    }

    if (counts[0] == LIVEUPDATE_HLL_REGISTERS) {
        return 0;
    }

    x = (double) counts[0] / m;
    y = 1;
    sigma = x;

    do {
        x *= x;
        last = sigma;
        sigma += x * y;
        y += y;
    } while (sigma > last);

    z = 0;

    for (rank = LIVEUPDATE_HLL_RANK; rank > 0; rank--) {
        z = 0.5 * (z + (double) counts[rank]);
    }

    return LIVEUPDATE_HLL_ALPHA * m * m / (z + m * sigma);
}
