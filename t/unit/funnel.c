
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_funnel.c"


#define START  1700000000
#define HOUR   3600


static lu_funnel_t         funnel;
static lu_funnel_series_t  sum;


static cJSON *
note(cJSON *series, uint32_t offered, time_t age)
{
    cJSON  *noted;

    memset(funnel, 0, sizeof(funnel));

    funnel[LU_COHORT_ROLLOUT][LU_COHORT_OFFERED] = offered;

    noted = lu_funnel_note(series, (const uint32_t (*)[LU_FUNNEL_COUNTS])
                                   funnel, age);
    cJSON_Delete(series);

    return noted;
}


static uint32_t
offered(int point)
{
    return sum.points[point][LU_COHORT_ROLLOUT][LU_COHORT_OFFERED];
}


static void
test_counts(void)
{
    uint32_t     *row;
    lu_cohort_t   cohort;

    memset(&cohort, 0, sizeof(cohort));

    row = cohort.rows[1][2][LU_COHORT_CONTROL];
    row[LU_COHORT_OFFERED] = 10;
    row[LU_COHORT_BACK] = 3;
    row[LU_COHORT_DUE] = 8;
    row[LU_COHORT_SEEN] = 6;

    lu_funnel(&cohort, 12 * HOUR + 36 * HOUR - 1, 0, funnel);

    ok(funnel[LU_COHORT_CONTROL][LU_COHORT_OFFERED] == 10
       && funnel[LU_COHORT_CONTROL][LU_COHORT_BACK] == 3
       && funnel[LU_COHORT_ROLLOUT][LU_COHORT_OFFERED] == 0, "counts");
    ok(funnel[LU_COHORT_CONTROL][LU_FUNNEL_DUE] == 0, "not due yet");

    lu_funnel(&cohort, 12 * HOUR + 36 * HOUR, 0, funnel);

    ok(funnel[LU_COHORT_CONTROL][LU_FUNNEL_DUE] == 8
       && funnel[LU_COHORT_CONTROL][LU_FUNNEL_SILENT] == 2, "silent");

    row[LU_COHORT_SEEN] = 11;

    lu_funnel(&cohort, 12 * HOUR + 36 * HOUR, 0, funnel);

    ok(funnel[LU_COHORT_CONTROL][LU_FUNNEL_SILENT] == 0,
       "counts that are not of one moment");
}


static void
test_points(void)
{
    ok(lu_funnel_point(-1) == -1 && lu_funnel_point(0) == 0
       && lu_funnel_point(HOUR) == 1, "hours");
    ok(lu_funnel_point(72 * HOUR - 1) == 71
       && lu_funnel_point(72 * HOUR) == 72
       && lu_funnel_point(78 * HOUR) == 73, "quarters of days");
    ok(lu_funnel_point(30 * 24 * HOUR - 1) == LU_FUNNEL_POINTS - 1
       && lu_funnel_point(30 * 24 * HOUR) == -1, "for a month");
    ok(lu_funnel_end(0) == HOUR && lu_funnel_end(71) == 72 * HOUR
       && lu_funnel_end(72) == 78 * HOUR
       && lu_funnel_end(LU_FUNNEL_POINTS - 1) == 30 * 24 * HOUR, "ends");
}


static void
test_series(void)
{
    cJSON     *one, *two, *json;
    lu_put_t   put;
    lu_str_t   at;

    one = note(NULL, 5, 10);
    one = note(one, 7, 20);
    one = note(one, 9, 5 * HOUR);
    two = note(NULL, 100, 2 * HOUR);

    ok(cJSON_GetArraySize(one) == 2, "a point for each hour");

    one = note(one, 11, 31 * 24 * HOUR);

    ok(cJSON_GetArraySize(one) == 2, "and none after a month");

    memset(&sum, 0, sizeof(sum));

    lu_funnel_add(&sum, one);
    lu_funnel_add(&sum, two);

    ok(offered(0) == 7 && offered(2) == 107 && offered(5) == 109
       && offered(LU_FUNNEL_POINTS - 1) == 109, "numbers stay");
    ok(sum.known[0] && !sum.known[1] && sum.known[2] && !sum.known[6],
       "points that somebody has counted");

    lu_put_init(&put);

    json = cJSON_CreateArray();

    lu_funnel_put_series(&put, json, &sum, START, START + 3 * HOUR + 1);

    ok(cJSON_GetArraySize(json) == 3
       && lu_json_string(cJSON_GetArrayItem(json, 0), "at", &at) == LU_OK
       && lu_str_is(&at, "2023-11-14T23:13:20.000Z"), "at the end of the hour");
    ok(lu_json_string(cJSON_GetArrayItem(json, 2), "at", &at) == LU_OK
       && lu_str_is(&at, "2023-11-15T01:13:21.000Z"), "or now");

    cJSON_Delete(json);
    cJSON_Delete(one);
    cJSON_Delete(two);
}


static void
test_foreign(void)
{
    int     i;
    cJSON  *json;

    static const char  *texts[] = {
        "{}",
        "[1, \"x\", {}, [], [[]]]",
        "[[180, 1,2,3,4,5,6,7,8,9, 1,2,3,4,5,6,7,8,9]]",
        "[[-1, 1,2,3,4,5,6,7,8,9, 1,2,3,4,5,6,7,8,9]]",
        "[[1, 1,2,3,4,5,6,7,8,9, 1,2,3,4,5,6,7,8,1e300]]",
        "[[1, 1,2,3,4,5,6,7,8,9, 1,2,3,4,5,6,7,8,9,10]]",
        NULL
    };

    memset(&sum, 0, sizeof(sum));

    for (i = 0; texts[i]; i++) {
        json = cJSON_Parse(texts[i]);
        lu_funnel_add(&sum, json);
        cJSON_Delete(json);
    }

    lu_funnel_add(&sum, NULL);

    for (i = 0; i < LU_FUNNEL_POINTS; i++) {
        if (sum.known[i]) {
            break;
        }
    }

    ok(i == LU_FUNNEL_POINTS, "what is no series");
}


int
main(void)
{
    test_counts();
    test_points();
    test_series();
    test_foreign();

    return tap_done();
}
