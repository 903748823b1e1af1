
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_cohort.c"


#define START  1700000000
#define HOUR   3600
#define DAY    86400

#define TAG    7

/* bundles: what is built in, the one before, the release */

#define BUILT   1
#define BEFORE  2
#define NEW     3


static lu_cohort_t         cohort;
static lu_cohort_device_t  device;


static void
begin(void)
{
    memset(&cohort, 0, sizeof(cohort));
    memset(&device, 0, sizeof(device));

    /* a device that comes each day */

    lu_cohort_comes(&device, DAY);
}


static void
check_as(lu_cohort_group_e group, long after, uint32_t runs, unsigned updated)
{
    lu_cohort_check_t  check;

    memset(&check, 0, sizeof(check));

    check.tag = TAG;
    check.start = START;
    check.now = START + after;
    check.group = group;
    check.step = 1;
    check.runs = runs;
    check.gets = group == LU_COHORT_ROLLOUT ? NEW : BEFORE;
    check.updated = updated != 0;

    lu_cohort_check(&cohort, &device, &check);
}


static void
check(long after, uint32_t runs)
{
    check_as(LU_COHORT_ROLLOUT, after, runs, 0);
}


/* "offered got fetched ran back stuck seen", of most that is counted. */

static int
is(lu_cohort_group_e group, const char *expected)
{
    char      buf[256], *p;
    unsigned  i, slot;
    uint32_t  n;

    p = buf;

    for (i = 0; i < LU_COHORT_COUNTS; i++) {

        if (i >= LU_COHORT_AGAIN && i < LU_COHORT_SEEN) {
            continue;
        }

        n = 0;

        for (slot = 0; slot < LU_COHORT_SLOTS; slot++) {
            n += cohort.rows[slot][0][group][i];
        }

        p += sprintf(p, "%s%u", i ? " " : "", n);
    }

    if (strcmp(buf, expected) != 0) {
        printf("# \"%s\" instead of \"%s\"\n", buf, expected);
        return 0;
    }

    return 1;
}


static void
test_way(void)
{
    begin();

    check(0, BEFORE);
    ok(is(LU_COHORT_ROLLOUT, "1 0 0 0 0 0 0 0 0"), "offered");

    lu_cohort_fetched(&cohort, &device, START, 0);
    lu_cohort_fetched(&cohort, &device, START, 0);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 0 0 0 0 0 0"), "fetched, once");

    check(900, BEFORE);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 0 0 0 0 0 0"),
       "not started again yet, and too soon to say that it came again");

    check(20 * HOUR, NEW);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 1 0 0 1 1 1"), "runs it, and came again");

    check(40 * HOUR, NEW);
    check(9 * DAY, NEW);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 1 0 0 1 1 1"), "no more than that");

    check(10 * DAY, BUILT);
    check(11 * DAY, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 1 1 0 1 1 1"), "came back, once");

    check(12 * DAY, NEW);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 1 1 0 1 1 1"), "and runs it again");
}


static void
test_comeback(void)
{
    begin();
    check(0, BEFORE);
    check(HOUR, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 0 0 1 0 1 1 1"),
       "neither what it ran nor the release: came back");

    begin();
    check(0, BUILT);
    check(HOUR, NEW);
    check(2 * HOUR, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 0 1 1 0 1 1 1"),
       "from the release to what is built in: came back");

    begin();
    check(0, BUILT);
    lu_cohort_fetched(&cohort, &device, START, 0);
    check(HOUR, BUILT);
    check(3 * DAY, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 0 0 0 1 1 1"),
       "what is built in for days: not yet");

    check(4 * DAY, BUILT);
    check(5 * DAY, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 1 0 0 1 1 1 1"), "stuck");

    begin();
    check(0, BEFORE);
    check(HOUR, NEW);
    check_as(LU_COHORT_ROLLOUT, 2 * HOUR, BUILT, 1);
    check(3 * HOUR, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 0 1 0 0 1 1 1"),
       "a new version of the app itself: did not come back");

    check(4 * HOUR, NEW);
    check(5 * HOUR, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 1 0 1 1 0 1 1 1"), "but does later");

    begin();
    check(0, BEFORE);
    check(HOUR, NEW);
    check_as(LU_COHORT_CONTROL, 2 * HOUR, NEW, 0);
    check_as(LU_COHORT_CONTROL, 3 * HOUR, BEFORE, 0);
    check(4 * HOUR, BEFORE);
    ok(is(LU_COHORT_ROLLOUT, "1 1 0 1 0 0 1 1 1")
       && is(LU_COHORT_CONTROL, "0 0 0 0 0 0 0 0 0"),
       "a rollout that shrinks and grows: did not come back");
}


static void
test_windows(void)
{
    size_t  i;

    static const struct {
        long         after;
        const char  *counts;
    } cases[] = {
        { HOUR - 1, "1 0 0 0 0 0 0 0 0" },
        { HOUR, "1 0 0 0 0 0 1 1 1" },
        { 36 * HOUR, "1 0 0 0 0 0 1 1 1" },
        { 36 * HOUR + 1, "1 0 0 0 0 0 0 1 1" },
        { 84 * HOUR + 1, "1 0 0 0 0 0 0 0 1" },
        { 180 * HOUR + 1, "1 0 0 0 0 0 0 0 0" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        check(0, BEFORE);
        check(cases[i].after, BEFORE);

        ok(is(LU_COHORT_ROLLOUT, cases[i].counts), "after %ld s",
           cases[i].after);
    }
}


static void
test_control(void)
{
    lu_cohort_check_t  grown;

    begin();
    check_as(LU_COHORT_CONTROL, 0, BEFORE, 0);
    lu_cohort_fetched(&cohort, &device, START, 0);
    ok(is(LU_COHORT_CONTROL, "1 1 0 1 0 0 0 0 0"), "control");

    check_as(LU_COHORT_CONTROL, HOUR, BUILT, 0);
    ok(is(LU_COHORT_CONTROL, "1 1 0 1 1 0 1 1 1"), "comes back, too");

    memset(&grown, 0, sizeof(grown));

    grown.tag = TAG;
    grown.start = START;
    grown.now = START + 2 * HOUR;
    grown.group = LU_COHORT_CONTROL;
    grown.step = 2;
    grown.runs = BUILT;
    grown.gets = BEFORE;

    lu_cohort_check(&cohort, &device, &grown);
    ok(is(LU_COHORT_CONTROL, "2 1 0 1 1 0 1 1 1"),
       "enters again with the next share");

    check(3 * HOUR, BEFORE);
    ok(is(LU_COHORT_CONTROL, "2 1 0 1 1 0 2 2 2")
       && is(LU_COHORT_ROLLOUT, "1 0 0 0 0 0 0 0 0"),
       "or enters the rollout, and was not silent until then");

    grown.step = 3;
    grown.runs = BEFORE;
    grown.group = LU_COHORT_ROLLOUT;
    grown.gets = NEW;
    grown.now = START + 3 * HOUR;

    lu_cohort_check(&cohort, &device, &grown);
    ok(is(LU_COHORT_ROLLOUT, "1 0 0 0 0 0 0 0 0"), "where it stays");
}


/* How often it comes decides when it is missed. */

static void
test_rhythm(void)
{
    size_t           i;
    const uint32_t  *row;

    static const struct {
        long         away;
        const char  *due;
    } cases[] = {
        { 0, "000" },
        { HOUR - 1, "000" },
        { HOUR, "111" },
        { 36 * HOUR, "111" },
        { 36 * HOUR + 1, "011" },
        { 84 * HOUR + 1, "001" },
        { 180 * HOUR + 1, "000" },
    };

    row = cohort.rows[0][0][LU_COHORT_ROLLOUT];

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        memset(&device, 0, sizeof(device));

        lu_cohort_comes(&device, cases[i].away);
        check(0, BEFORE);
        lu_cohort_comes(&device, 2 * HOUR);
        check(2 * HOUR, BEFORE);

        ok(row[LU_COHORT_DUE] == (uint32_t) (cases[i].due[0] - '0')
           && row[LU_COHORT_DUE + 1] == (uint32_t) (cases[i].due[1] - '0')
           && row[LU_COHORT_DUE + 2] == (uint32_t) (cases[i].due[2] - '0')
           && memcmp(&row[LU_COHORT_SEEN], &row[LU_COHORT_DUE],
                     LU_COHORT_WINDOWS * sizeof(uint32_t)) == 0
           && row[LU_COHORT_AGAIN] == 1,
           "away for %ld s: due %s", cases[i].away, cases[i].due);
    }

    begin();
    check(0, BEFORE);
    lu_cohort_leave(&device);
    check(DAY, BEFORE);
    ok(is(LU_COHORT_ROLLOUT, "2 0 0 0 0 0 0 0 0")
       && cohort.rows[4][0][LU_COHORT_ROLLOUT][LU_COHORT_DUE] == 1,
       "who has left enters anew, with the same rhythm");
}


/* An installation of a desktop app. */

static void
test_mute(void)
{
    lu_cohort_check_t  mute;

    begin();

    memset(&mute, 0, sizeof(mute));

    mute.tag = TAG;
    mute.start = START;
    mute.now = START;
    mute.group = LU_COHORT_ROLLOUT;
    mute.is_mute = 1;

    lu_cohort_check(&cohort, &device, &mute);
    lu_cohort_fetched(&cohort, &device, START, 0);

    mute.now += DAY;
    lu_cohort_check(&cohort, &device, &mute);

    ok(is(LU_COHORT_ROLLOUT, "1 1 1 0 0 0 1 1 1")
       && cohort.rows[0][0][LU_COHORT_ROLLOUT][LU_COHORT_AGAIN] == 1,
       "who does not say what runs: fetched it, and asked again");
}


static void
test_rows(void)
{
    size_t           i;
    cJSON           *rows;
    const uint32_t  *row;

    static const char  *bad[] = {
        "[[0,0,0,1,2,3,4,5,6,7,8,9,10,11,12]]",
        "[[0,0,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]]",
        "[[0,0,0,1,2,3,4,5,6,7,8]]",
    };

    begin();

    row = cohort.rows[0][0][LU_COHORT_ROLLOUT];

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rows = cJSON_Parse(bad[i]);
        lu_cohort_parse(&cohort, rows);
        cJSON_Delete(rows);
    }

    ok(row[0] == 0, "what is no row");

    rows = cJSON_Parse("[[0,0,0,1,2,3,4,5,6,7,8,9,10,11,12,13]]");
    lu_cohort_parse(&cohort, rows);
    cJSON_Delete(rows);
    ok(row[0] == 1 && row[LU_COHORT_COUNTS - 1] == 13, "a row");

    rows = cJSON_Parse("[[0,0,0,9,8,7,6,5,4,3,2,1]]");
    lu_cohort_parse(&cohort, rows);
    cJSON_Delete(rows);
    ok(row[0] == 10 && row[LU_COHORT_STUCK] == 10
       && row[LU_COHORT_AGAIN] == 7 && row[LU_COHORT_DUE] == 8,
       "one of an older version");
}


static void
test_edges(void)
{
    lu_str_t     none, some;
    lu_cohort_t  sum;

    begin();
    check(-1, BEFORE);
    check(HOUR, NEW);
    ok(is(LU_COHORT_ROLLOUT, "0 0 0 0 0 0 0 0 0"),
       "a clock that was before the start");

    begin();
    check((long) LU_COHORT_SLOTS * LU_COHORT_SLOT - 1, BEFORE);
    ok(is(LU_COHORT_ROLLOUT, "1 0 0 0 0 0 0 0 0"), "the last moment");

    begin();
    check((long) LU_COHORT_SLOTS * LU_COHORT_SLOT, BEFORE);
    check(40L * DAY, NEW);
    ok(is(LU_COHORT_ROLLOUT, "0 0 0 0 0 0 0 0 0"), "too late");

    begin();
    check(DAY, BEFORE);
    check(0, BUILT);
    ok(is(LU_COHORT_ROLLOUT, "1 0 0 0 0 0 0 0 0"), "a clock that went back");

    memset(&sum, 0, sizeof(sum));
    lu_cohort_add(&sum, &cohort);
    lu_cohort_add(&sum, &cohort);
    ok(sum.rows[4][0][LU_COHORT_ROLLOUT][LU_COHORT_OFFERED] == 2, "the sum");

    none = tap_str("");
    some = tap_str("b1");
    ok(lu_cohort_hash(&none) != 0
       && lu_cohort_hash(&none) != lu_cohort_hash(&some), "hashes");

    ok(sizeof(lu_cohort_device_t) <= 16, "a device takes %zu bytes",
       sizeof(lu_cohort_device_t));
}


int
main(void)
{
    test_way();
    test_comeback();
    test_windows();
    test_control();
    test_rhythm();
    test_mute();
    test_rows();
    test_edges();

    return tap_done();
}
