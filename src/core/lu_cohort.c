
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_cohort.h"
#include "lu_put.h"


#define LU_COHORT_DAY  86400


/* The state of a device. */

#define LU_COHORT_IS_CONTROL   0x01
#define LU_COHORT_HAS_GOT      0x02
#define LU_COHORT_HAS_FETCHED  0x04
#define LU_COHORT_HAS_RUN      0x08
#define LU_COHORT_IS_BACK      0x10
#define LU_COHORT_IS_STUCK     0x20
#define LU_COHORT_IS_SEEN      0x40
#define LU_COHORT_KEEPS        0x80     /* has run it, and should now */


/* a row of older versions: slot, platform, group, and their counts */

#define LU_COHORT_OLD_ROW  12


static void lu_cohort_enter(lu_cohort_t *cohort, lu_cohort_device_t *device,
    const lu_cohort_check_t *check);
static void lu_cohort_seen(uint32_t *row, lu_cohort_device_t *device,
    time_t age);
static void lu_cohort_runs(uint32_t *row, lu_cohort_device_t *device,
    const lu_cohort_check_t *check, time_t age);
static void lu_cohort_set(uint32_t *row, lu_cohort_device_t *device,
    unsigned bit, unsigned count);
static uint32_t *lu_cohort_row(lu_cohort_t *cohort,
    const lu_cohort_device_t *device, time_t start, unsigned platform);


const uint32_t  lu_cohort_windows[LU_COHORT_WINDOWS] = {
    LU_COHORT_DAY * 3 / 2,
    LU_COHORT_DAY * 7 / 2,
    LU_COHORT_DAY * 15 / 2
};


/* FNV-1a: nobody gains by two bundles that look like one. */

uint32_t
lu_cohort_hash(const lu_str_t *id)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < id->len; i++) {
        hash = (hash ^ id->data[i]) * 16777619u;
    }

    return hash ? hash : 1;
}


void
lu_cohort_comes(lu_cohort_device_t *device, time_t away)
{
    unsigned  i;

    if (away < LU_COHORT_PAUSE) {
        return;
    }

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        if (away <= (time_t) lu_cohort_windows[i]) {
            break;
        }
    }

    device->rhythm = (unsigned char) (i + 1);
}


void
lu_cohort_leave(lu_cohort_device_t *device)
{
    unsigned char  rhythm;

    rhythm = device->rhythm;

    memset(device, 0, sizeof(lu_cohort_device_t));

    device->rhythm = rhythm;
}


void
lu_cohort_check(lu_cohort_t *cohort, lu_cohort_device_t *device,
    const lu_cohort_check_t *check)
{
    time_t              age;
    uint32_t           *row;
    lu_cohort_group_e   group;

    group = (device->state & LU_COHORT_IS_CONTROL) ? LU_COHORT_CONTROL
                                                   : LU_COHORT_ROLLOUT;

    if (device->cohort != check->tag) {
        lu_cohort_enter(cohort, device, check);
        return;
    }

    row = lu_cohort_row(cohort, device, check->start, check->platform);
    age = check->now - (time_t) device->entered;

    if (row && age >= 0) {
        lu_cohort_seen(row, device, age);
    }

    if (group == LU_COHORT_CONTROL
        && (check->group == LU_COHORT_ROLLOUT || device->step != check->step))
    {
        lu_cohort_enter(cohort, device, check);
        return;
    }

    if (row == NULL || age < 0) {
        return;
    }

    if (check->is_mute) {
        return;
    }

    /* or the rollout has shrunk, and it is told to run another one */

    if (check->updated || group != check->group) {
        device->state &= (unsigned char) ~LU_COHORT_KEEPS;
        device->bundle = check->runs;
        return;
    }

    lu_cohort_runs(row, device, check, age);
}


static void
lu_cohort_enter(lu_cohort_t *cohort, lu_cohort_device_t *device,
    const lu_cohort_check_t *check)
{
    unsigned   i;
    uint32_t  *row;

    device->cohort = check->tag;
    device->entered = (uint32_t) check->now;
    device->bundle = check->runs;
    device->step = check->step;
    device->due = device->rhythm;
    device->state = (check->group == LU_COHORT_CONTROL) ? LU_COHORT_IS_CONTROL
                                                        : 0;

    row = lu_cohort_row(cohort, device, check->start, check->platform);
    if (row == NULL) {
        return;
    }

    row[LU_COHORT_OFFERED]++;

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        if (device->due && device->due <= i + 1) {
            row[LU_COHORT_DUE + i]++;
        }
    }

    if (check->is_mute) {
        return;
    }

    if (check->runs == check->gets) {
        lu_cohort_set(row, device, LU_COHORT_HAS_RUN, LU_COHORT_RAN);
        device->state |= LU_COHORT_KEEPS;
    }
}


/* Whoever comes within a day comes within a week, too. */

static void
lu_cohort_seen(uint32_t *row, lu_cohort_device_t *device, time_t age)
{
    unsigned  i;

    if (age < LU_COHORT_PAUSE || (device->state & LU_COHORT_IS_SEEN)) {
        return;
    }

    device->state |= LU_COHORT_IS_SEEN;

    row[LU_COHORT_AGAIN]++;

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        if (device->due
            && device->due <= i + 1
            && age <= (time_t) lu_cohort_windows[i])
        {
            row[LU_COHORT_SEEN + i]++;
        }
    }
}


/*
 * A device has come back if it runs neither the release nor what it ran when it
 * was offered that.  If it still runs what it ran then, it may not have been
 * started again since.
 */

static void
lu_cohort_runs(uint32_t *row, lu_cohort_device_t *device,
    const lu_cohort_check_t *check, time_t age)
{
    if (check->runs == check->gets) {
        lu_cohort_set(row, device, LU_COHORT_HAS_RUN, LU_COHORT_RAN);
        device->state |= LU_COHORT_KEEPS;
        return;
    }

    if ((device->state & LU_COHORT_KEEPS) || check->runs != device->bundle) {
        lu_cohort_set(row, device, LU_COHORT_IS_BACK, LU_COHORT_BACK);
        return;
    }

    if ((device->state & LU_COHORT_HAS_FETCHED)
        && age > (time_t) lu_cohort_windows[1])
    {
        lu_cohort_set(row, device, LU_COHORT_IS_STUCK, LU_COHORT_STUCK);
    }
}


void
lu_cohort_fetched(lu_cohort_t *cohort, lu_cohort_device_t *device,
    time_t start, unsigned platform)
{
    uint32_t  *row;

    if (device->state & LU_COHORT_IS_CONTROL) {
        return;
    }

    row = lu_cohort_row(cohort, device, start, platform);

    if (row) {
        lu_cohort_set(row, device, LU_COHORT_HAS_FETCHED, LU_COHORT_FETCHED);
    }
}


static void
lu_cohort_set(uint32_t *row, lu_cohort_device_t *device, unsigned bit,
    unsigned count)
{
    if (!(device->state & bit)) {
        device->state |= (unsigned char) bit;
        row[count]++;
    }

    if (!(device->state & LU_COHORT_HAS_GOT)) {
        device->state |= LU_COHORT_HAS_GOT;
        row[LU_COHORT_GOT]++;
    }
}


/* NULL: it has entered later than is counted, or the clock was set. */

static uint32_t *
lu_cohort_row(lu_cohort_t *cohort, const lu_cohort_device_t *device,
    time_t start, unsigned platform)
{
    time_t    slot;
    unsigned  group;

    if ((time_t) device->entered < start || platform >= LU_COHORT_PLATFORMS) {
        return NULL;
    }

    slot = ((time_t) device->entered - start) / LU_COHORT_SLOT;

    if (slot >= LU_COHORT_SLOTS) {
        return NULL;
    }

    group = (device->state & LU_COHORT_IS_CONTROL) ? LU_COHORT_CONTROL
                                                   : LU_COHORT_ROLLOUT;

    return cohort->rows[slot][platform][group];
}


void
lu_cohort_parse(lu_cohort_t *cohort, const cJSON *rows)
{
    unsigned      i, n;
    uint32_t     *counts, row[3 + LU_COHORT_COUNTS];
    const cJSON  *item, *number;

    cJSON_ArrayForEach(item, rows) {

        i = 0;

        cJSON_ArrayForEach(number, item) {

            if (i == 3 + LU_COHORT_COUNTS
                || !cJSON_IsNumber(number)
                || !(number->valuedouble >= 0 && number->valuedouble < 1e9))
            {
                i = 0;
                break;
            }

            row[i++] = (uint32_t) number->valuedouble;
        }

        n = (i == LU_COHORT_OLD_ROW) ? LU_COHORT_AGAIN : LU_COHORT_COUNTS;

        if ((i != LU_COHORT_OLD_ROW && i < 3 + LU_COHORT_COUNTS)
            || row[0] >= LU_COHORT_SLOTS
            || row[1] >= LU_COHORT_PLATFORMS
            || row[2] >= LU_COHORT_GROUPS)
        {
            continue;
        }

        counts = cohort->rows[row[0]][row[1]][row[2]];

        for (i = 0; i < n; i++) {
            counts[i] += row[3 + i];
        }
    }
}


cJSON *
lu_cohort_json(const lu_cohort_t *cohort)
{
    cJSON           *array, *row;
    lu_put_t         put;
    unsigned         slot, platform, group, i;
    const uint32_t  *counts;

    lu_put_init(&put);

    array = cJSON_CreateArray();

    for (slot = 0; slot < LU_COHORT_SLOTS; slot++) {
        for (platform = 0; platform < LU_COHORT_PLATFORMS; platform++) {
            for (group = 0; group < LU_COHORT_GROUPS; group++) {

                counts = cohort->rows[slot][platform][group];

                if (counts[LU_COHORT_OFFERED] == 0) {
                    continue;
                }

                row = lu_put_array(&put, array, NULL);

                lu_put_number(&put, row, NULL, slot);
                lu_put_number(&put, row, NULL, platform);
                lu_put_number(&put, row, NULL, group);

                for (i = 0; i < LU_COHORT_COUNTS; i++) {
                    lu_put_number(&put, row, NULL, counts[i]);
                }
            }
        }
    }

    return lu_put_done(&put, array);
}


void
lu_cohort_add(lu_cohort_t *to, const lu_cohort_t *from)
{
    uint32_t        *dst;
    size_t           i;
    const uint32_t  *src;

    dst = &to->rows[0][0][0][0];
    src = &from->rows[0][0][0][0];

    for (i = 0; i < sizeof(lu_cohort_t) / sizeof(uint32_t); i++) {
        dst[i] += src[i];
    }
}
