
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What became of the devices that were offered a release, beside those that
 * were not: the cohorts of a deployment, counted by the time of their entry.
 *
 * A device enters with its first check since the deployment was made.  It is in
 * the rollout if it gets the release, and in the control group if the share of
 * the rollout does not include it.  Control devices enter again with each new
 * share, as those do that the new share includes.  So both groups consist of
 * the same kinds of devices at each time: whatever the hour, the weekday or a
 * restart does to one of them, it does to the other.
 */


#ifndef _LU_COHORT_H_INCLUDED_
#define _LU_COHORT_H_INCLUDED_


#include <time.h>

#include "lu_json.h"


/* Entries are counted by quarters of a day, for a month, in seconds. */

#define LU_COHORT_SLOT   21600
#define LU_COHORT_SLOTS  120

#define LU_COHORT_PLATFORMS  3


typedef enum {
    LU_COHORT_ROLLOUT = 0,
    LU_COHORT_CONTROL,
    LU_COHORT_GROUPS
} lu_cohort_group_e;


/*
 * Within so many seconds of its entry a device is seen again, if it is one that
 * comes so often: the last time before its entry it was away no longer than
 * that.  Half a day is added to one, three and seven days, for those that come
 * at about the same hour.  A check within the first hour says nothing: apps ask
 * again when they are shown again.
 */

#define LU_COHORT_WINDOWS  3
#define LU_COHORT_PAUSE    3600

extern const uint32_t  lu_cohort_windows[LU_COHORT_WINDOWS];


/* Numbers of devices. */

enum {
    LU_COHORT_OFFERED = 0,      /* all that have entered */
    LU_COHORT_GOT,              /* fetched it, or run it, or came back */
    LU_COHORT_FETCHED,          /* whole, as far as that can be seen */
    LU_COHORT_RAN,              /* asked while they ran it */
    LU_COHORT_BACK,             /* and ask while they run an older one */
    LU_COHORT_STUCK,            /* fetched it days ago, and do not run it */
    LU_COHORT_AGAIN,            /* asked again, at any time */
    LU_COHORT_DUE,              /* come within each of the windows */
    LU_COHORT_SEEN = LU_COHORT_DUE + LU_COHORT_WINDOWS,     /* and did */
    LU_COHORT_COUNTS = LU_COHORT_SEEN + LU_COHORT_WINDOWS
};


typedef uint32_t  lu_cohort_row_t[LU_COHORT_COUNTS];


typedef struct {
    lu_cohort_row_t   rows[LU_COHORT_SLOTS][LU_COHORT_PLATFORMS]
                          [LU_COHORT_GROUPS];
} lu_cohort_t;


/* What is kept of a device; zeroes: it has not come before. */

typedef struct {
    uint32_t          cohort;   /* tag of the deployment */
    uint32_t          entered;  /* seconds since 1970 */
    uint32_t          bundle;   /* hash of the one that it ran then */
    unsigned char     state;    /* bits */
    unsigned char     step;     /* of the share at that time */
    unsigned char     rhythm;   /* the first window that it keeps, from 1 on */
    unsigned char     due;      /* the rhythm at its entry */
} lu_cohort_device_t;


/* A check, as far as it matters here. */

typedef struct {
    uint32_t           tag;     /* of the deployment, not 0 */
    time_t             start;   /* of the deployment */
    time_t             now;
    lu_cohort_group_e  group;
    unsigned           platform;
    unsigned char      step;
    uint32_t           runs;    /* hash of the bundle that it runs */
    uint32_t           gets;    /* hash of the one that it is told to run */
    unsigned           updated:1;   /* another version of the app itself */
    unsigned           is_mute:1;   /* does not say what it runs */
} lu_cohort_check_t;


/* Never 0. */

uint32_t lu_cohort_hash(const lu_str_t *id);

/*
 * A device comes that was away for so many seconds.  To be called at each
 * check, before lu_cohort_check().
 */

void lu_cohort_comes(lu_cohort_device_t *device, time_t away);

/* Forgets in which cohort a device is, but not how often it comes. */

void lu_cohort_leave(lu_cohort_device_t *device);

/*
 * Counts a check of a device.  A new version of the app itself starts with the
 * bundle that is built into it: whatever ran before says nothing then.
 */

void lu_cohort_check(lu_cohort_t *cohort, lu_cohort_device_t *device,
    const lu_cohort_check_t *check);

/*
 * Counts that a device of this cohort has fetched the whole release of its
 * deployment.
 */

void lu_cohort_fetched(lu_cohort_t *cohort, lu_cohort_device_t *device,
    time_t start, unsigned platform);

/*
 * The rows of a cohort that are not empty, as an array of arrays: slot,
 * platform, group, and the counts.  parse() adds such rows to a cohort, and
 * leaves out what is no row.  Rows of older versions had another silence, which
 * is left out, too.  json() returns a tree that is the caller's, or
 * NULL: no memory.
 */

void lu_cohort_parse(lu_cohort_t *cohort, const cJSON *rows);
cJSON *lu_cohort_json(const lu_cohort_t *cohort);

/* Adds the counts of one cohort to those of another. */

void lu_cohort_add(lu_cohort_t *to, const lu_cohort_t *from);


#endif /* _LU_COHORT_H_INCLUDED_ */
