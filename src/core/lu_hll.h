
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Estimates how many different devices were seen in the last day and in the
 * last 30 days, without keeping any of their ids: HyperLogLog (Flajolet and
 * others, 2007) over sliding windows (Chabchoub and Hebrail, 2010), with the
 * estimator of Ertl (2017), which needs no tables and no second method for
 * small numbers.
 *
 * The standard error is 1.04 / sqrt(4096) = 1.6 % for both windows.  A sketch
 * takes 32 kB however many devices it has seen.  Sketches can be merged without
 * loss: the devices of an app are those of all its releases together.
 */


#ifndef _LU_HLL_H_INCLUDED_
#define _LU_HLL_H_INCLUDED_


#include "lu_str.h"


#define LU_HLL_REGISTERS  4096

/* The windows, in hours. */

#define LU_HLL_DAY    24
#define LU_HLL_MONTH  720


/*
 * A register holds the ranks that may still be the largest of a window, each
 * with its hour, or with its half day if it is from an earlier day.  There are
 * at most five, of 12 bits, the newest in the lowest bits; each has a larger
 * rank than the newer ones.  If a sixth is needed, the one that matters least
 * is dropped.
 *
 * Several processes may read and write a register at once without a lock: at
 * worst, one of two ranks that arrive in the same moment is lost.
 */

typedef struct {
    uint32_t            swept;      /* the hour of the last sweep */
    volatile uint64_t   registers[LU_HLL_REGISTERS];
} lu_hll_t;


/*
 * Makes a sketch empty.  Hours, here and below, are those since the epoch.  A
 * sketch of zeroes is empty, too.
 */

void lu_hll_clear(lu_hll_t *hll, uint32_t hour);

/*
 * A sketch has only 6 bits for the time of a rank.  Once a day, when it is due
 * (1), the old ranks must be swept out before the next lu_hll_add().  Only one
 * process at a time may sweep.
 */

int lu_hll_is_due(const lu_hll_t *hll, uint32_t hour);
void lu_hll_sweep(lu_hll_t *hll, uint32_t hour);

/*
 * Adds a device, as a hash of its id of which all bits are equally good.  Its
 * secret must be kept, or clients could choose ids that distort the estimate.
 */

void lu_hll_add(lu_hll_t *hll, uint64_t hash, uint32_t hour);

/*
 * Estimates how many different hashes were added within a window, to one or
 * several sketches: merge() each of them into LU_HLL_REGISTERS ranks that are
 * 0 at first, then estimate().
 */

void lu_hll_merge(unsigned char *ranks, const lu_hll_t *hll, uint32_t hour,
    uint32_t window);
double lu_hll_estimate(const unsigned char *ranks);


#endif /* _LU_HLL_H_INCLUDED_ */
