
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "../../src/core/lu_pace.c"


#define BERLIN                                                                \
    "\"timeZone\":\"Europe/Berlin\",\"offsets\":[[0,3600],"                   \
    "[1774746000,7200],[1792890000,3600],[1806195600,7200]]"


typedef struct {
    const char       *rollout;
    const char       *freezes;
    const char       *now;
    double            share;
    const char       *next;             /* NULL: there is none */
} pace_case_t;


typedef struct {
    const char       *rollout;
    const char       *reason;
} pace_refused_t;


#define STEPS  "\"steps\":[{\"share\":0.01,\"for\":\"2h\"},"                  \
               "{\"share\":0.1,\"for\":\"1d\"},{\"share\":1}]"
#define PLAN   "{\"plan\":{" STEPS ",\"start\":\"2026-12-01T08:00:00Z\"}"
#define DAYS   "{\"plan\":{\"steps\":[{\"share\":0.1,\"for\":\"1d\"},"        \
               "{\"share\":0.2,\"for\":\"1d\"},{\"share\":1}],"

#define WAITS  "{\"plan\":{\"start\":\"2026-12-01T08:00:00Z\",\"steps\":["  \
               "{\"share\":0.1,\"for\":\"1h\",\"devices\":50"
#define LAST   ",{\"share\":1}]}}"


static const pace_case_t  pace_cases[] = {

    { PLAN "}", NULL, "2026-12-01T07:59:59Z", 0, "2026-12-01T08:00:00Z" },
    { PLAN "}", NULL, "2026-12-01T08:00:00Z", 0.01, "2026-12-01T10:00:00Z" },
    { PLAN "}", NULL, "2026-12-01T09:59:59Z", 0.01, "2026-12-01T10:00:00Z" },
    { PLAN "}", NULL, "2026-12-01T10:00:00Z", 0.1, "2026-12-02T10:00:00Z" },
    { PLAN "}", NULL, "2026-12-02T10:00:00Z", 1, NULL },
    { PLAN "}", NULL, "9999-12-31T23:59:59Z", 1, NULL },

    /* a step that waits for devices */

    { WAITS "}" LAST, NULL, "2026-12-05T00:00:00Z", 0.1, NULL },
    { WAITS ",\"enough\":\"2026-12-01T08:10:00Z\"}" LAST, NULL,
      "2026-12-01T08:59:59Z", 0.1, "2026-12-01T09:00:00Z" },
    { WAITS ",\"enough\":\"2026-12-02T08:00:00Z\"}" LAST, NULL,
      "2026-12-02T07:59:59Z", 0.1, "2026-12-02T08:00:00Z" },
    { WAITS ",\"enough\":\"2026-12-02T08:00:00Z\"}" LAST, NULL,
      "2026-12-02T08:00:00Z", 1, NULL },

    /* held, and resumed */

    { PLAN ",\"paused\":{\"at\":\"2026-12-01T09:00:00Z\"}}", NULL,
      "2026-12-05T00:00:00Z", 0.01, NULL },
    { PLAN ",\"halted\":{\"at\":\"2026-12-01T11:00:00Z\"},"
      "\"paused\":{\"at\":\"2026-12-01T12:00:00Z\"}}", NULL,
      "2026-12-05T00:00:00Z", 0.1, NULL },
    { PLAN ",\"paused\":{\"at\":\"2026-12-01T07:00:00Z\"}}", NULL,
      "2026-12-05T00:00:00Z", 0, NULL },
    { "{\"plan\":{" STEPS ",\"step\":1,\"begun\":\"2027-01-01T00:00:00Z\"}}",
      NULL, "2027-01-01T12:00:00Z", 0.1, "2027-01-02T00:00:00Z" },
    { "{\"plan\":{" STEPS ",\"step\":1,\"begun\":\"2027-01-01T00:00:00Z\"}}",
      NULL, "2026-12-31T23:00:00Z", 0.1, "2027-01-02T00:00:00Z" },

    /* what ends */

    { "{\"expires\":\"2026-12-01T08:00:00Z\"}", NULL, "2026-12-01T07:59:59Z",
      1, "2026-12-01T08:00:00Z" },
    { "{\"expires\":\"2026-12-01T08:00:00Z\"}", NULL, "2026-12-01T08:00:00Z",
      0, NULL },
    { PLAN ",\"expires\":\"2026-12-01T09:00:00Z\"}", NULL,
      "2026-12-01T08:30:00Z", 0.01, "2026-12-01T09:00:00Z" },

    /* over the end of a year, and a leap day */

    { DAYS "\"start\":\"2026-12-31T12:00:00Z\"}}", NULL,
      "2027-01-01T12:00:00Z", 0.2, "2027-01-02T12:00:00Z" },
    { DAYS "\"start\":\"2028-02-28T12:00:00Z\"}}", NULL,
      "2028-02-29T11:59:59Z", 0.1, "2028-02-29T12:00:00Z" },
    { DAYS "\"start\":\"2028-02-28T12:00:00Z\"}}", NULL,
      "2028-03-01T12:00:00Z", 1, NULL },

    /* hours: 09:00 in Berlin is 08:00 in winter, 07:00 in summer */

    { DAYS "\"start\":\"2026-12-01T20:00:00Z\",\"hours\":\"09:00-17:00\","
      BERLIN "}}", NULL,
      "2026-12-01T20:00:00Z", 0, "2026-12-02T08:00:00Z" },
    { DAYS "\"start\":\"2026-06-01T20:00:00Z\",\"hours\":\"09:00-17:00\","
      BERLIN "}}", NULL,
      "2026-06-01T20:00:00Z", 0, "2026-06-02T07:00:00Z" },

    /* one day later by the clock is another hour when it is changed */

    { DAYS "\"start\":\"2026-03-28T08:00:00Z\",\"hours\":\"09:00-09:30\","
      BERLIN "}}", NULL,
      "2026-03-28T09:00:00Z", 0.1, "2026-03-30T07:00:00Z" },
    { DAYS "\"start\":\"2026-10-24T07:00:00Z\",\"hours\":\"09:00-09:30\","
      BERLIN "}}", NULL,
      "2026-10-24T09:00:00Z", 0.1, "2026-10-25T08:00:00Z" },

    /* hours that are left out, and hours that are there twice */

    { DAYS "\"start\":\"2026-03-29T00:00:00Z\",\"hours\":\"02:00-03:00\","
      BERLIN "}}", NULL,
      "2026-03-29T00:00:00Z", 0, "2026-03-30T00:00:00Z" },
    { DAYS "\"start\":\"2026-03-29T02:00:00Z\",\"hours\":\"02:00-03:00\","
      "\"weekdays\":[\"sun\"]," BERLIN "}}", NULL,
      "2026-03-29T02:00:00Z", 0, "2026-04-05T00:00:00Z" },
    { DAYS "\"start\":\"2026-03-29T00:00:00Z\",\"hours\":\"02:15-02:45\","
      BERLIN "}}", NULL,
      "2026-03-29T00:00:00Z", 0, "2026-03-30T00:15:00Z" },
    { DAYS "\"start\":\"2026-03-29T01:15:00Z\",\"hours\":\"01:00-02:30\","
      BERLIN "}}", NULL,
      "2026-03-29T01:15:00Z", 0, "2026-03-29T23:00:00Z" },
    { DAYS "\"start\":\"2026-03-29T00:00:00Z\",\"hours\":\"02:30-04:00\","
      BERLIN "}}", NULL,
      "2026-03-29T00:00:00Z", 0, "2026-03-29T01:00:00Z" },
    { DAYS "\"start\":\"2026-10-24T23:00:00Z\",\"hours\":\"02:30-04:00\","
      BERLIN "}}", NULL,
      "2026-10-24T23:00:00Z", 0, "2026-10-25T00:30:00Z" },

    /* over midnight: the day is that of the beginning */

    { DAYS "\"start\":\"2026-12-05T03:00:00Z\",\"hours\":\"22:00-05:00\","
      "\"weekdays\":[\"fri\"],\"timeZone\":\"UTC\"}}", NULL,
      "2026-12-05T03:00:00Z", 0.1, "2026-12-11T22:00:00Z" },
    { DAYS "\"start\":\"2026-12-04T03:00:00Z\",\"hours\":\"22:00-05:00\","
      "\"weekdays\":[\"fri\"],\"timeZone\":\"UTC\"}}", NULL,
      "2026-12-04T03:00:00Z", 0, "2026-12-04T22:00:00Z" },

    /* weekdays: the 4th of December 2026 is a Friday */

    { DAYS "\"start\":\"2026-12-04T12:00:00Z\","
      "\"weekdays\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],"
      "\"timeZone\":\"UTC\"}}", NULL,
      "2026-12-04T12:00:00Z", 0.1, "2026-12-07T00:00:00Z" },

    /* freezes, and the hours behind them */

    { DAYS "\"start\":\"2026-12-20T12:00:00Z\"}}",
      "[{\"from\":\"2026-12-21T00:00:00Z\",\"to\":\"2027-01-04T00:00:00Z\"}]",
      "2026-12-24T12:00:00Z", 0.1, "2027-01-04T00:00:00Z" },
    { DAYS "\"start\":\"2026-12-20T12:00:00Z\"}}",
      "[{\"from\":\"2026-12-25T00:00:00Z\",\"to\":\"2027-01-04T00:00:00Z\"},"
      "{\"from\":\"2026-12-21T00:00:00Z\",\"to\":\"2026-12-25T00:00:00Z\"}]",
      "2026-12-24T12:00:00Z", 0.1, "2027-01-04T00:00:00Z" },
    { DAYS "\"start\":\"2026-12-20T12:00:00Z\",\"hours\":\"09:00-17:00\","
      "\"timeZone\":\"UTC\",\"weekdays\":[\"sun\",\"wed\"]}}",
      "[{\"from\":\"2026-12-21T00:00:00Z\",\"to\":\"2027-01-04T00:00:00Z\"}]",
      "2026-12-24T12:00:00Z", 0.1, "2027-01-06T09:00:00Z" },
    { DAYS "\"start\":\"2026-12-22T12:00:00Z\"}}",
      "[{\"from\":\"2026-12-21T00:00:00Z\",\"to\":\"2027-01-04T00:00:00Z\"}]",
      "2026-12-24T12:00:00Z", 0, "2027-01-04T00:00:00Z" }
};


#define STEP   "{\"plan\":{\"steps\":[{\"share\":1}],"

static const pace_refused_t  pace_refused[] = {
    { "{\"plan\":1}", "steps" },
    { "{\"plan\":{}}", "steps" },
    { "{\"plan\":{\"steps\":[]}}", "steps" },
    { "{\"plan\":{\"steps\":[1]}}", "share" },
    { "{\"plan\":{\"steps\":[{\"share\":1.1}]}}", "share" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"1d\"},"
      "{\"share\":0.4}]}}", "smaller" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5},{\"share\":1}]}}", "for" },
    { "{\"plan\":{\"steps\":[{\"share\":1,\"for\":\"1d\"}]}}", "last" },
    { "{\"plan\":{\"steps\":[{\"share\":1,\"devices\":5}]}}", "last" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"1d\",\"devices\":-1},"
      "{\"share\":1}]}}", "devices" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"30s\"},"
      "{\"share\":1}]}}", "for" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"367d\"},"
      "{\"share\":1}]}}", "for" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"0m\"},"
      "{\"share\":1}]}}", "for" },
    { "{\"plan\":{\"steps\":[{\"share\":0.5,\"for\":\"d\"},"
      "{\"share\":1}]}}", "for" },
    { STEP "\"start\":\"tomorrow\"}}", "time" },
    { STEP "\"start\":1}}", "time" },
    { STEP "\"hours\":\"9-17\"}}", "hours" },
    { STEP "\"hours\":\"09:00-24:01\"}}", "hours" },
    { STEP "\"hours\":\"09:60-17:00\"}}", "hours" },
    { STEP "\"hours\":\"24:00-17:00\"}}", "hours" },
    { STEP "\"hours\":\"09:00-09:00\"}}", "hours" },
    { STEP "\"hours\":17}}", "hours" },
    { STEP "\"weekdays\":[]}}", "weekdays" },
    { STEP "\"weekdays\":\"mon\"}}", "weekdays" },
    { STEP "\"weekdays\":[\"Monday\"]}}", "weekdays" },
    { STEP "\"weekdays\":[1]}}", "weekdays" },
    { STEP "\"step\":1}}", "step" },
    { STEP "\"step\":-1}}", "step" },
    { STEP "\"offsets\":1}}", "offsets" },
    { STEP "\"offsets\":[[0]]}}", "offsets" },
    { STEP "\"offsets\":[[5,0],[5,1]]}}", "offsets" },
    { STEP "\"offsets\":[[0,1e9]]}}", "offsets" },
    { "{\"expires\":\"never\"}", "time" },
    { "{\"paused\":{\"at\":\"never\"}}", "time" }
};


static time_t
seconds(const char *text)
{
    time_t    time;
    lu_str_t  str;

    str = tap_str(text);

    if (lu_time_parse(&str, &time) != LU_OK) {
        printf("Bail out! %s\n", text);
        exit(1);
    }

    return time;
}


static void
test_pace(void)
{
    size_t              i;
    cJSON              *rollout, *list;
    time_t              next;
    lu_rc_e             rc;
    lu_pace_t           pace;
    lu_error_t          err;
    lu_moment_t         moment;
    lu_freezes_t        freezes;
    const pace_case_t  *one;

    for (i = 0; i < sizeof(pace_cases) / sizeof(pace_cases[0]); i++) {
        one = &pace_cases[i];

        rollout = tap_json(one->rollout);
        list = one->freezes ? tap_json(one->freezes) : NULL;

        rc = lu_pace_freezes(list, &freezes, &err);

        if (rc == LU_OK) {
            rc = lu_pace_parse(rollout, &pace, &err);
        }

        memset(&moment, 0, sizeof(lu_moment_t));

        if (rc == LU_OK) {
            lu_pace_at(&pace, &freezes, seconds(one->now), &moment);
        }

        next = one->next ? seconds(one->next) : LU_TIME_MAX;

        if (!ok(rc == LU_OK && moment.share == one->share
                && moment.next == next,
                "case %d: %s", (int) i, one->now))
        {
            printf("# %s: %g, %lld\n", rc == LU_OK ? "share" : err.text,
                   moment.share, (long long) moment.next);
        }

        cJSON_Delete(rollout);
        cJSON_Delete(list);
    }
}


/* A later time has no smaller share, and "next" is when it changes. */

static void
test_monotone(void)
{
    size_t              i, wrong;
    cJSON              *rollout, *list;
    time_t              now, next;
    double              share;
    lu_pace_t           pace;
    lu_error_t          err;
    lu_moment_t         moment;
    lu_freezes_t        freezes;
    const pace_case_t  *one;

    wrong = 0;

    for (i = 0; i < sizeof(pace_cases) / sizeof(pace_cases[0]); i++) {
        one = &pace_cases[i];

        rollout = tap_json(one->rollout);
        list = one->freezes ? tap_json(one->freezes) : NULL;

        (void) lu_pace_freezes(list, &freezes, &err);
        (void) lu_pace_parse(rollout, &pace, &err);

        share = 0;
        next = 0;

        for (now = seconds("2026-01-01T00:00:00Z");
             now < seconds("2028-04-01T00:00:00Z");
             now += 1800)
        {
            lu_pace_at(&pace, &freezes, now, &moment);

            if (!moment.is_expired
                && (moment.share < share || moment.next <= now
                    || (moment.share > share && next > now)))
            {
                wrong++;
            }

            share = moment.share;
            next = moment.next;
        }

        cJSON_Delete(rollout);
        cJSON_Delete(list);
    }

    ok(wrong == 0, "shares grow, and only when it was said");
}


static void
test_refused(void)
{
    size_t                 i;
    cJSON                 *rollout;
    lu_pace_t              pace;
    lu_error_t             err;
    lu_freezes_t           freezes;

    for (i = 0; i < sizeof(pace_refused) / sizeof(pace_refused[0]); i++) {

        rollout = tap_json(pace_refused[i].rollout);

        ok(lu_pace_parse(rollout, &pace, &err) == LU_INVALID
           && strstr(err.text, pace_refused[i].reason),
           "refused: %s", pace_refused[i].rollout);

        cJSON_Delete(rollout);
    }

    rollout = tap_json("[{\"from\":\"2026-12-21T00:00:00Z\","
                       "\"to\":\"2026-12-21T00:00:00Z\"}]");

    ok(lu_pace_freezes(rollout, &freezes, &err) == LU_INVALID,
       "an empty freeze");

    cJSON_Delete(rollout);

    rollout = tap_json("{}");

    ok(lu_pace_freezes(rollout, &freezes, &err) == LU_INVALID, "no array");
    ok(lu_pace_freezes(NULL, &freezes, &err) == LU_OK && freezes.n == 0,
       "no freezes");
    ok(!lu_pace_is_timed(rollout), "nothing that depends on the time");

    cJSON_Delete(rollout);
}


int
main(void)
{
    test_pace();
    test_monotone();
    test_refused();

    return tap_done();
}
