
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_funnel.h"
#include "lu_time.h"


#define LU_FUNNEL_HOUR  3600

/* the number of its point, and the numbers of both groups */

#define LU_FUNNEL_ROW  (1 + LU_COHORT_GROUPS * LU_FUNNEL_COUNTS)


static long lu_funnel_point(time_t age);
static time_t lu_funnel_end(long point);
static void lu_funnel_parse(lu_funnel_series_t *series, const cJSON *array);


const char  *lu_funnel_names[LU_FUNNEL_COUNTS] = {
    "offered", "got", "fetched", "ran", "cameBack", "stuck", "askedAgain",
    "due", "silent"
};


const char  *lu_funnel_groups[LU_COHORT_GROUPS] = { "rollout", "control" };


void
lu_funnel(const lu_cohort_t *cohort, time_t age, unsigned window,
    lu_funnel_t funnel)
{
    int              slot, platform, group, i;
    time_t           due;
    uint32_t        *sum, all, seen;
    const uint32_t  *row;

    memset(funnel, 0, sizeof(lu_funnel_t));

    for (slot = 0; slot < LU_COHORT_SLOTS; slot++) {

        due = (slot + 1) * LU_COHORT_SLOT + (time_t) lu_cohort_windows[window];

        for (platform = 0; platform < LU_COHORT_PLATFORMS; platform++) {
            for (group = 0; group < LU_COHORT_GROUPS; group++) {

                row = cohort->rows[slot][platform][group];
                sum = funnel[group];

                for (i = 0; i < LU_COHORT_DUE; i++) {
                    sum[i] += row[i];
                }

                if (age >= due) {
                    all = row[LU_COHORT_DUE + window];
                    seen = row[LU_COHORT_SEEN + window];

                    sum[LU_FUNNEL_DUE] += all;
                    sum[LU_FUNNEL_SILENT] += seen < all ? all - seen : 0;
                }
            }
        }
    }
}


/* -1: it is too late, or the clock was set. */

static long
lu_funnel_point(time_t age)
{
    long  hour, point;

    if (age < 0) {
        return -1;
    }

    hour = (long) (age / LU_FUNNEL_HOUR);

    if (hour < LU_FUNNEL_HOURS) {
        return hour;
    }

    point = LU_FUNNEL_HOURS
            + (hour - LU_FUNNEL_HOURS) / (LU_COHORT_SLOT / LU_FUNNEL_HOUR);

    return point < LU_FUNNEL_POINTS ? point : -1;
}


static time_t
lu_funnel_end(long point)
{
    if (point < LU_FUNNEL_HOURS) {
        return (point + 1) * LU_FUNNEL_HOUR;
    }

    return LU_FUNNEL_HOURS * LU_FUNNEL_HOUR
           + (point - LU_FUNNEL_HOURS + 1) * LU_COHORT_SLOT;
}


cJSON *
lu_funnel_note(const cJSON *series, const lu_funnel_t funnel, time_t age)
{
    int                  group, i;
    long                 point, now;
    cJSON               *array, *row;
    lu_put_t             put;
    lu_funnel_series_t   all;

    lu_funnel_parse(&all, series);

    now = lu_funnel_point(age);

    if (now >= 0) {
        memcpy(all.points[now], funnel, sizeof(lu_funnel_t));
        all.known[now] = 1;
    }

    lu_put_init(&put);

    array = cJSON_CreateArray();

    for (point = 0; point < LU_FUNNEL_POINTS; point++) {

        if (!all.known[point]) {
            continue;
        }

        row = lu_put_array(&put, array, NULL);

        lu_put_number(&put, row, NULL, (double) point);

        for (group = 0; group < LU_COHORT_GROUPS; group++) {
            for (i = 0; i < LU_FUNNEL_COUNTS; i++) {
                lu_put_number(&put, row, NULL, all.points[point][group][i]);
            }
        }
    }

    return lu_put_done(&put, array);
}


static void
lu_funnel_parse(lu_funnel_series_t *series, const cJSON *array)
{
    int           i;
    uint32_t      row[LU_FUNNEL_ROW];
    const cJSON  *item, *number;

    memset(series, 0, sizeof(lu_funnel_series_t));

    cJSON_ArrayForEach(item, array) {

        i = 0;

        cJSON_ArrayForEach(number, item) {

            if (i == LU_FUNNEL_ROW
                || !cJSON_IsNumber(number)
                || !(number->valuedouble >= 0 && number->valuedouble < 1e9))
            {
                i = 0;
                break;
            }

            row[i++] = (uint32_t) number->valuedouble;
        }

        if (i < LU_FUNNEL_ROW || row[0] >= LU_FUNNEL_POINTS) {
            continue;
        }

        memcpy(series->points[row[0]], &row[1], sizeof(lu_funnel_t));
        series->known[row[0]] = 1;
    }
}


void
lu_funnel_add(lu_funnel_series_t *sum, const cJSON *series)
{
    int                  group, i;
    long                 point;
    const uint32_t     (*last)[LU_FUNNEL_COUNTS];
    lu_funnel_series_t   one;

    lu_funnel_parse(&one, series);

    last = NULL;

    for (point = 0; point < LU_FUNNEL_POINTS; point++) {

        if (one.known[point]) {
            last = (const uint32_t (*)[LU_FUNNEL_COUNTS]) one.points[point];
            sum->known[point] = 1;
        }

        if (last == NULL) {
            continue;
        }

        for (group = 0; group < LU_COHORT_GROUPS; group++) {
            for (i = 0; i < LU_FUNNEL_COUNTS; i++) {
                sum->points[point][group][i] += last[group][i];
            }
        }
    }
}


void
lu_funnel_put(lu_put_t *put, cJSON *to, const uint32_t *counts)
{
    int  i;

    for (i = 0; i < LU_FUNNEL_COUNTS; i++) {
        lu_put_number(put, to, lu_funnel_names[i], counts[i]);
    }
}


void
lu_funnel_put_series(lu_put_t *put, cJSON *to,
    const lu_funnel_series_t *series, time_t start, time_t now)
{
    int      group;
    char     at[LU_TIME_SIZE];
    long     point;
    cJSON   *item;
    time_t   end;

    for (point = 0; point < LU_FUNNEL_POINTS; point++) {

        if (!series->known[point]) {
            continue;
        }

        end = start + lu_funnel_end(point);

        lu_time_print(at, end < now ? end : now, 0);

        item = lu_put_object(put, to, NULL);

        lu_put_string(put, item, "at", at);

        for (group = 0; group < LU_COHORT_GROUPS; group++) {
            lu_funnel_put(put, lu_put_object(put, item,
                                             lu_funnel_groups[group]),
                          series->points[point][group]);
        }
    }
}
