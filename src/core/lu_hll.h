
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How many different devices were seen in the last day and in the last 30
 * days, without keeping any of them: HyperLogLog (Flajolet and others, 2007)
 * over sliding windows (Chabchoub and Hebrail, 2010), with the estimator of
 * Ertl (2017), which needs no tables and no other method for few devices.
 *
 * The standard error is 1.04 / sqrt(4096) = 1.6 % for both windows.  A sketch
 * takes 32 kB whatever it has seen, and has lost nothing when it is merged
 * with others: the devices of an app are those of its releases together.
 */


#ifndef _LU_HLL_H_INCLUDED_
#define _LU_HLL_H_INCLUDED_


#include "lu_str.h"


#define LU_HLL_REGISTERS  4096

/* windows, in hours */

#define LU_HLL_DAY    24
#define LU_HLL_MONTH  720


/*
 * A register remembers the ranks that may still be the largest of a window,
 * with the hour of each, or for those of the days before, the half day: five
 * at most, of 12 bits, the newest in the lowest bits, each with a larger rank
 * than those that are newer.  Where it would need a sixth, the one is left out
 * that would be missed least.
 *
 * A register can be read and written by several at once without a lock: at
 * worst one of two ranks that come in the same moment is not kept.
 */

typedef struct {
    uint32_t            swept;      /* the hour before which all is in order */
    volatile uint64_t   registers[LU_HLL_REGISTERS];
} lu_hll_t;


/* Hours are counted from the epoch.  What all zeroes are is an empty sketch. */

void lu_hll_clear(lu_hll_t *hll, uint32_t hour);

/*
 * What is old must go once a day, before the next add(), since there are only
 * 6 bits for the time.  One at a time may sweep.
 */

int lu_hll_is_due(const lu_hll_t *hll, uint32_t hour);
void lu_hll_sweep(lu_hll_t *hll, uint32_t hour);

void lu_hll_add(lu_hll_t *hll, uint64_t hash, uint32_t hour);

/*
 * A hash whose bits are all equally good.  With a seed that is not known to
 * those who choose the bytes they cannot choose what counts for much.
 */

uint64_t lu_hll_hash(uint64_t seed, const void *data, size_t len);

/*
 * merge() raises the ranks, zeroes at first, to those of the last hours of a
 * sketch; estimate() tells how many different hashes have made them.
 */

void lu_hll_merge(unsigned char *ranks, const lu_hll_t *hll, uint32_t hour,
    uint32_t window);
double lu_hll_estimate(const unsigned char *ranks);


#endif /* _LU_HLL_H_INCLUDED_ */
