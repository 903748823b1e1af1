
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hll.h"


#define LU_HLL_INDEX  12         /* bits of the hash */
#define LU_HLL_RANK   31         /* the largest */

/*
 * An entry has its rank in the lowest 5 bits.  The next 6 are the lowest bits
 * of its hour or, if the bit above them is set, of its half day.
 */

#define LU_HLL_ENTRIES  5
#define LU_HLL_BITS     12
#define LU_HLL_TIME     0x3f
#define LU_HLL_COARSE   0x800
#define LU_HLL_UNIT     12         /* hours */

#define LU_HLL_ALPHA    0.721347520444481703680   /* 1 / (2 ln 2) */

#define lu_hll_rank(entry)  ((uint32_t) (entry) & 0x1f)
#define lu_hll_time(entry)                                                    \
    ((uint32_t) ((entry) >> 5) & LU_HLL_TIME)


typedef struct {
    uint32_t  rank;
    uint32_t  age;              /* hours */
} lu_hll_entry_t;


static uint32_t lu_hll_hour(const lu_hll_t *hll, uint32_t hour);
static uint32_t lu_hll_age(uint32_t swept, uint32_t hour, uint64_t entry);
static size_t lu_hll_read(lu_hll_entry_t *entries, uint64_t bits,
    uint32_t swept, uint32_t hour);
static uint64_t lu_hll_write(const lu_hll_entry_t *entries, size_t n,
    uint32_t hour);
static size_t lu_hll_leave_out(lu_hll_entry_t *entries, size_t n);


void
lu_hll_clear(lu_hll_t *hll, uint32_t hour)
{
    size_t  i;

    for (i = 0; i < LU_HLL_REGISTERS; i++) {
        hll->registers[i] = 0;
    }

    hll->swept = hour;
}


int
lu_hll_is_due(const lu_hll_t *hll, uint32_t hour)
{
    return lu_hll_hour(hll, hour) - hll->swept >= LU_HLL_DAY;
}


void
lu_hll_sweep(lu_hll_t *hll, uint32_t hour)
{
    size_t          i, n;
    lu_hll_entry_t  entries[LU_HLL_ENTRIES + 1];

    /* the clock was set back, or has not run for long */

    if (hour < hll->swept || hour - hll->swept > LU_HLL_MONTH + LU_HLL_DAY) {
        lu_hll_clear(hll, hour);
        return;
    }

    for (i = 0; i < LU_HLL_REGISTERS; i++) {

        if (hll->registers[i] == 0) {
            continue;
        }

        n = lu_hll_read(entries, hll->registers[i], hll->swept, hour);

        hll->registers[i] = lu_hll_write(entries, n, hour);
    }

    hll->swept = hour;
}


void
lu_hll_add(lu_hll_t *hll, uint64_t hash, uint32_t hour)
{
    size_t              i, n, kept;
    uint32_t            rank, swept;
    uint64_t            bits;
    lu_hll_entry_t      entries[LU_HLL_ENTRIES + 1];
    volatile uint64_t  *reg;

    swept = hll->swept;
    hour = lu_hll_hour(hll, hour);

    reg = &hll->registers[hash & (LU_HLL_REGISTERS - 1)];
    bits = *reg;

    hash >>= LU_HLL_INDEX;

    for (rank = 1; rank < LU_HLL_RANK && !(hash & 1); rank++) {
        hash >>= 1;
    }

    /* the usual case: a rank of this hour is as large already */

    if (lu_hll_rank(bits) >= rank
        && !(bits & LU_HLL_COARSE)
        && lu_hll_time(bits) == (hour & LU_HLL_TIME))
    {
        return;
    }

    n = lu_hll_read(entries + 1, bits, swept, hour);

    entries[0].rank = rank;
    entries[0].age = 0;

    kept = 1;

    for (i = 1; i <= n; i++) {
        if (entries[i].rank > entries[kept - 1].rank) {
            entries[kept++] = entries[i];
        }
    }

    if (kept > LU_HLL_ENTRIES) {
        kept = lu_hll_leave_out(entries, kept);
    }

    *reg = lu_hll_write(entries, kept, hour);
}


/* At the turn of an hour, processes may disagree about it. */

static uint32_t
lu_hll_hour(const lu_hll_t *hll, uint32_t hour)
{
    return (hour < hll->swept && hll->swept - hour < LU_HLL_DAY)
           ? hll->swept : hour;
}


/*
 * No entry is newer than a day after the sweep.  At the time of the sweep, no
 * entry with an hour was older than a day, and none was older than the
 * longest window.
 */

static uint32_t
lu_hll_age(uint32_t swept, uint32_t hour, uint64_t entry)
{
    uint32_t  base, unit;

    base = swept + LU_HLL_DAY;

    if (entry & LU_HLL_COARSE) {
        unit = base / LU_HLL_UNIT;
        unit -= (unit - lu_hll_time(entry)) & LU_HLL_TIME;

        return hour - unit * LU_HLL_UNIT;
    }

    return ((base - lu_hll_time(entry)) & LU_HLL_TIME) + hour - base;
}


/* Drops the entries that are older than the longest window. */

static size_t
lu_hll_read(lu_hll_entry_t *entries, uint64_t bits, uint32_t swept,
    uint32_t hour)
{
    size_t  n;

    n = 0;

    while (bits) {
        entries[n].rank = lu_hll_rank(bits);
        entries[n].age = lu_hll_age(swept, hour, bits);

        if (entries[n].age <= LU_HLL_MONTH) {
            n++;
        }

        bits >>= LU_HLL_BITS;
    }

    return n;
}


static uint64_t
lu_hll_write(const lu_hll_entry_t *entries, size_t n, uint32_t hour)
{
    uint32_t  time, coarse;
    uint64_t  bits;

    bits = 0;

    while (n--) {
        time = hour - entries[n].age;
        coarse = 0;

        if (entries[n].age > LU_HLL_DAY) {
            time /= LU_HLL_UNIT;
            coarse = LU_HLL_COARSE;
        }

        bits <<= LU_HLL_BITS;
        bits |= coarse | (time & LU_HLL_TIME) << 5 | entries[n].rank;
    }

    return bits;
}


/*
 * Without an entry, the estimate is wrong from the time when the next older
 * entry leaves a window until the entry itself would leave it: for a part of
 * the long window, and of the short one.
 */

static size_t
lu_hll_leave_out(lu_hll_entry_t *entries, size_t n)
{
    size_t    i, least;
    uint32_t  cost, lowest, end;

    least = 0;
    lowest = UINT32_MAX;

    for (i = 0; i + 1 < n; i++) {
        cost = entries[i + 1].age - entries[i].age;

        if (entries[i].age <= LU_HLL_DAY) {
            end = entries[i + 1].age;

            if (end > LU_HLL_DAY + 1) {
                end = LU_HLL_DAY + 1;
            }

            cost += (end - entries[i].age) * (LU_HLL_MONTH / LU_HLL_DAY);
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


void
lu_hll_merge(unsigned char *ranks, const lu_hll_t *hll, uint32_t hour,
    uint32_t window)
{
    size_t          i, n;
    lu_hll_entry_t  entries[LU_HLL_ENTRIES + 1];

    hour = lu_hll_hour(hll, hour);

    for (i = 0; i < LU_HLL_REGISTERS; i++) {

        n = lu_hll_read(entries, hll->registers[i], hll->swept, hour);

        while (n--) {
            if (entries[n].age <= window && entries[n].rank > ranks[i]) {
                ranks[i] = (unsigned char) entries[n].rank;
            }
        }
    }
}


/*
 * No rank is larger than the number of bits, so that the correction for such
 * ranks (tau) is 0.  The correction for empty registers is sigma.
 */

double
lu_hll_estimate(const unsigned char *ranks)
{
    size_t    i, counts[LU_HLL_RANK + 1];
    double    x, y, z, last, sigma;
    unsigned  rank;

    const double  m = LU_HLL_REGISTERS;

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < LU_HLL_REGISTERS; i++) {
        counts[ranks[i] & LU_HLL_RANK]++;
    }

    if (counts[0] == LU_HLL_REGISTERS) {
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

    for (rank = LU_HLL_RANK; rank > 0; rank--) {
        z = 0.5 * (z + (double) counts[rank]);
    }

    return LU_HLL_ALPHA * m * m / (z + m * sigma);
}
