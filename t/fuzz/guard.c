
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The first line is a channel with its guard, the rest what a machine has
 * written of a deployment, and the guard of the app.  Whatever is in there, the
 * shares are shares, what is written again says the same, and there is a
 * reason.
 */


#include "fuzz.h"
#include "lu_funnel.h"
#include "lu_guard.h"


#define START  1700000000


static lu_cohort_t         cohort, again;
static lu_funnel_series_t  sum;


static void
check_test(const lu_guard_test_t *test)
{
    require(test->devices >= 0 && test->controls >= 0);
    require(test->share >= 0 && test->share <= 1);
    require(test->control >= 0 && test->control <= 1);
    require(test->lower <= 1 / 0.0001);
    require(test->lower >= 0 || test->lower == -1);
}


static void
check_verdict(const lu_guard_t *guard)
{
    int                  i;
    char                 reason[LU_GUARD_REASON];
    time_t               age;
    lu_guard_verdict_t   verdict;

    for (age = 0; age < 40 * 86400; age += 90000) {

        lu_guard_judge(guard, &cohort, START, START + age, &verdict);

        check_test(&verdict.comeback);

        for (i = 0; i < LU_COHORT_WINDOWS; i++) {
            check_test(&verdict.silence[i]);
        }

        if (verdict.result == LU_GUARD_CONTENT) {
            continue;
        }

        lu_guard_reason(guard, &verdict, reason, sizeof(reason));

        require(strlen(reason) > 0 && strlen(reason) < LU_GUARD_REASON - 1);
    }
}


static void
check_rows(void)
{
    size_t           i;
    cJSON           *json;
    const uint32_t  *counts;

    json = lu_cohort_json(&cohort);
    require(json != NULL);

    memset(&again, 0, sizeof(again));

    lu_cohort_parse(&again, json);
    cJSON_Delete(json);

    /* numbers that no fleet has are left out, and so are rows of nobody */

    counts = &cohort.rows[0][0][0][0];

    for (i = 0; i < sizeof(cohort) / sizeof(uint32_t); i++) {
        if (counts[i] >= 1000000000
            || counts[i - i % LU_COHORT_COUNTS + LU_COHORT_OFFERED] == 0)
        {
            return;
        }
    }

    require(memcmp(&cohort, &again, sizeof(cohort)) == 0);
}


static void
check_series(const cJSON *series)
{
    cJSON        *noted, *list;
    time_t        age;
    lu_put_t      put;
    lu_funnel_t   funnel;

    for (age = -1; age < 40 * 86400; age += 400000) {

        lu_funnel(&cohort, age, 2, funnel);

        noted = lu_funnel_note(series, (const uint32_t (*)[LU_FUNNEL_COUNTS])
                                       funnel, age);

        require(noted != NULL);
        require(cJSON_GetArraySize(noted) <= LU_FUNNEL_POINTS);

        lu_funnel_add(&sum, noted);
        cJSON_Delete(noted);
    }

    lu_put_init(&put);

    list = cJSON_CreateArray();

    lu_funnel_put_series(&put, list, &sum, START, START + 86400);
    require(!put.failed);

    cJSON_Delete(list);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON          *channel, *entry;
    lu_str_t        text, first, rest;
    lu_error_t      err;
    lu_guard_t      guard;
    const uint8_t  *end;

    end = memchr(data, '\n', size);
    if (end == NULL) {
        return 0;
    }

    text = fuzz_copy(data, size);

    first.data = text.data;
    first.len = end - data;
    rest.data = text.data + first.len + 1;
    rest.len = size - first.len - 1;

    channel = NULL;
    entry = NULL;

    memset(&cohort, 0, sizeof(cohort));
    memset(&sum, 0, sizeof(sum));

    if (lu_json_parse(&channel, &first, &err) == LU_OK
        && lu_json_parse(&entry, &rest, &err) == LU_OK)
    {
        lu_cohort_parse(&cohort, lu_json_get(entry, "before"));
        lu_cohort_parse(&cohort, lu_json_get(entry, "since"));
        lu_funnel_add(&sum, lu_json_get(entry, "series"));

        check_rows();
        check_series(lu_json_get(entry, "series"));

        if (lu_guard_of(entry, channel, &guard, &err) == LU_OK) {
            check_verdict(&guard);
        }
    }

    cJSON_Delete(channel);
    cJSON_Delete(entry);
    free(text.data);

    return 0;
}
