
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Rollouts in simulated time, with the module's own plans, cohorts and guard:
 * how often a healthy release is halted, and what share of the fleet has got a
 * broken one when it is.
 *
 *     rollout healthy {rollouts} {most devices} {seed} [{steps}]
 *     rollout back|roams|silent|desktop {rollouts} {devices} {seed} [{steps}]
 *
 * The steps are those of a plan, in JSON; without them, healthy releases have
 * several plans, and others have the first of them.
 *
 * The devices come several times a day, each day, each week or once a month,
 * each with a rhythm of its own within its day, in 24 time zones, and less at
 * weekends.  They come to one of three machines, most fleets always to the same
 * one.  Machines restart, and forget the devices.  Some devices lose their
 * bundle, get a new version of the app itself, or start it days later.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lu_funnel.h"
#include "lu_growth.h"
#include "lu_guard.h"


#define START     1700000000
#define HOUR      3600
#define DAY       86400
#define BEFORE    16                    /* days; the devices were there */
#define DAYS      21
#define LOOK      (3 * HOUR)
#define MACHINES  3
#define MINIMUM   200

#define BUILT     1
#define OLD       2
#define NEW       3


typedef enum {
    HEALTHY = 0,
    COMES_BACK,
    GOES_SILENT,
    INSTALLED                           /* on desktops, and goes silent */
} kind_e;


typedef struct {
    uint32_t            next;       /* seconds since they were there */
    uint32_t            last[MACHINES];
    uint32_t            bucket;     /* of the rollout */
    uint16_t            every;      /* hours between two visits */
    uint8_t             zone;
    uint8_t             platform;
    uint8_t             runs;
    uint8_t             holds;      /* fetched, for the next start; or 0 */
    uint8_t             got:1;
    uint8_t             breaks:1;
    uint8_t             gone:1;
    uint8_t             machine;
    lu_cohort_device_t  seen[MACHINES];
} device_t;


/* The first one is what docs/rollouts.md recommends. */

static const char  *plans[] = {
    "[{\"share\":0.01,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.02,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.04,\"for\":\"5d\",\"devices\":400},"
     "{\"share\":0.2,\"for\":\"3d\"},{\"share\":1}]",
    "[{\"share\":0.1,\"for\":\"1d\"},{\"share\":0.5,\"for\":\"2d\"},"
     "{\"share\":1}]",
    "[{\"share\":0.5}]",
    "[{\"share\":1}]",
    "[{\"share\":0.05,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.1,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.2,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.4,\"for\":\"1d\",\"devices\":0},"
     "{\"share\":0.8,\"for\":\"1d\",\"devices\":0},{\"share\":1}]",
};


static uint64_t     state;
static lu_cohort_t  cohorts[MACHINES], sum;


static double
chance(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;

    return (double) ((state * UINT64_C(2685821657736338717)) >> 11)
           / 9007199254740992.0;
}


/* A deployment with that plan, as the API makes it. */

static cJSON *
deploy(const char *steps)
{
    char         now[LU_TIME_SIZE];
    cJSON       *body, *wanted, *deployment;
    lu_error_t   err;

    body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "plan", cJSON_Parse(steps));

    deployment = cJSON_CreateObject();
    cJSON_AddNumberToObject(deployment, "rollout", 1);

    lu_time_print(now, START, 0);

    if (lu_growth_wanted(body, 1, &wanted, &err) != LU_OK
        || lu_growth_wait(wanted, MINIMUM) != LU_OK
        || lu_growth_set(deployment, deployment, wanted, NULL, now,
                         &err) != LU_OK)
    {
        fprintf(stderr, "%s: %s\n", steps, err.text);
        exit(2);
    }

    cJSON_Delete(wanted);
    cJSON_Delete(body);

    return deployment;
}


static void
share_at(const cJSON *deployment, time_t now, lu_rollout_t *share)
{
    lu_rollout_threshold(share, lu_growth_share_at(deployment, NULL, now));
}


/* What a machine does when the guard is content. */

static void
content(cJSON *deployment, time_t now)
{
    char         text[LU_TIME_SIZE];
    double       waits;
    lu_funnel_t  funnel;

    waits = lu_growth_waits(deployment);

    if (!(waits > 0)) {
        return;
    }

    lu_funnel(&sum, 0, 0, funnel);

    if (funnel[LU_COHORT_ROLLOUT][LU_COHORT_RAN] < waits
        && funnel[LU_COHORT_ROLLOUT][LU_COHORT_AGAIN] < waits)
    {
        return;
    }

    lu_time_print(text, now, 0);

    (void) lu_growth_enough(deployment, waits, text);
}


/* In the night it waits for the morning, and at weekends often a day more. */

static uint32_t
visit(const device_t *d, uint32_t now)
{
    uint32_t  hour;

    now += (uint32_t) (d->every * HOUR * (0.4 + 1.2 * chance())) + 60;

    hour = (now / HOUR + d->zone) % 24;

    if (hour < 7) {
        now += (7 - hour) * HOUR + (uint32_t) (chance() * 2 * HOUR);
    }

    if ((now / DAY) % 7 >= 5 && chance() < 0.3) {
        now += DAY;
    }

    return now;
}


static void
make(device_t *d, double broken)
{
    double  x;

    memset(d, 0, sizeof(device_t));

    x = chance();

    d->every = x < 0.25 ? 6 : x < 0.6 ? 24 : x < 0.85 ? 24 * 7 : 24 * 30;
    d->zone = (uint8_t) (chance() * 24);
    d->platform = (uint8_t) (chance() * 3);
    d->bucket = (uint32_t) (chance() * 4294967295.0);
    d->machine = (uint8_t) (chance() * MACHINES);
    d->runs = chance() < 0.9 ? OLD : BUILT;
    d->breaks = chance() < broken;
    d->next = (uint32_t) (chance() * d->every * HOUR);
    d->next = visit(d, d->next) - (uint32_t) (d->every * HOUR * 0.4);
}


/* A visit: the app is started, and asks. */

static void
come(device_t *d, kind_e kind, const lu_rollout_t *share, int roams)
{
    int                 machine, updated;
    uint32_t            away;
    lu_cohort_check_t   check;

    updated = 0;

    if (d->holds && chance() < 0.9) {
        d->runs = d->holds;
        d->holds = 0;
        d->got |= (d->runs == NEW);

        if (d->runs == NEW && d->breaks && kind == COMES_BACK) {
            d->runs = BUILT;
        }

        if (d->runs == NEW && d->breaks && kind >= GOES_SILENT) {
            d->gone = 1;
            return;
        }
    }

    if (chance() < 0.002) {
        d->runs = BUILT;

    } else if (chance() < 0.01) {
        d->runs = BUILT;
        updated = 1;
    }

    machine = roams ? (int) (chance() * MACHINES) : d->machine;

    if (d->last[machine]) {
        away = d->next - d->last[machine];
        lu_cohort_comes(&d->seen[machine], (time_t) away);
    }

    d->last[machine] = d->next;

    if (share == NULL) {
        return;
    }

    memset(&check, 0, sizeof(check));

    check.tag = 1;
    check.start = START;
    check.now = START + (time_t) d->next - BEFORE * DAY;
    check.group = share->everyone
                  || (uint64_t) d->bucket << 32 < share->threshold
                  ? LU_COHORT_ROLLOUT : LU_COHORT_CONTROL;
    check.platform = d->platform;
    check.step = lu_rollout_step(share);
    check.is_mute = (kind == INSTALLED);
    check.runs = d->runs;
    check.gets = check.group == LU_COHORT_ROLLOUT ? NEW : OLD;
    check.updated = updated != 0;

    lu_cohort_check(&cohorts[machine], &d->seen[machine], &check);

    if (check.runs == check.gets) {
        return;
    }

    if (d->holds == check.gets || chance() < 0.85) {

        if (d->holds != check.gets && check.group == LU_COHORT_ROLLOUT) {
            lu_cohort_fetched(&cohorts[machine], &d->seen[machine], START,
                              d->platform);
        }

        d->holds = (uint8_t) check.gets;
    }
}


/* -1, or the share of the fleet that had got the release when it was halted. */

static double
rollout(device_t *fleet, long n, kind_e kind, int roams, const char *plan,
    double *days)
{
    int                 i, restarted;
    long                k, got;
    cJSON              *deployment;
    time_t              now;
    double              share;
    uint32_t            from, to;
    lu_guard_t          guard;
    lu_rollout_t        grown, *given;
    lu_guard_verdict_t  verdict;

    guard.minimum = MINIMUM;
    guard.comeback = 0.05;
    guard.silence = 0.10;
    guard.confidence = 0.99;
    guard.halts = 1;

    memset(cohorts, 0, sizeof(cohorts));

    deployment = deploy(plan);
    share = -1;

    for (k = 0; k < n; k++) {
        make(&fleet[k], kind == HEALTHY ? 0 : 0.2);
    }

    for (from = 0; from < (BEFORE + DAYS) * DAY; from = to) {
        to = from + LOOK;
        now = START + (time_t) from - BEFORE * DAY;
        given = NULL;

        if (now >= START) {
            share_at(deployment, now, &grown);
            given = &grown;
        }

        restarted = chance() < 0.025 ? (int) (chance() * MACHINES) : -1;
        got = 0;

        for (k = 0; k < n; k++) {

            if (restarted >= 0) {
                memset(&fleet[k].seen[restarted], 0,
                       sizeof(lu_cohort_device_t));
                fleet[k].last[restarted] = 0;
            }

            while (fleet[k].next < to && !fleet[k].gone) {
                come(&fleet[k], kind, given, roams);
                fleet[k].next = visit(&fleet[k], fleet[k].next);
            }

            got += fleet[k].got;
        }

        memset(&sum, 0, sizeof(sum));

        for (i = 0; i < MACHINES; i++) {
            lu_cohort_add(&sum, &cohorts[i]);
        }

        now += LOOK;

        lu_guard_judge(&guard, &sum, START, now, &verdict);

        if (verdict.result != LU_GUARD_CONTENT) {
            *days = (double) (now - START) / DAY;
            share = (double) got / (double) n;
            break;
        }

        content(deployment, now);
    }

    cJSON_Delete(deployment);

    return share;
}


/* From 200 devices to so many; each tenfold is as likely as any other. */

static long
size(long max)
{
    double  n;

    for (n = 200 * (1 + chance() * 1.5);
         n * 2.5 <= (double) max && chance() < 0.75;
         n *= 2.5)
    {
        /* void */
    }

    return (long) n;
}


static void
healthy(device_t *fleet, long rollouts, long max, const char *plan)
{
    long    i, n, halted, devices;
    double  days;

    halted = 0;
    devices = 0;

    for (i = 0; i < rollouts; i++) {
        n = size(max);
        devices += n;

        if (!(rollout(fleet, n, HEALTHY, i % 4 == 0,
                      plan ? plan : plans[i % 5], &days)
              < 0))
        {
            halted++;
        }
    }

    printf("healthy: %ld of %ld rollouts halted, of %ld devices in all\n",
           halted, rollouts, devices);
}


static void
broken(device_t *fleet, kind_e kind, int roams, long rollouts, long n,
    const char *plan)
{
    long    i, halted;
    double  share, days, worst, total, late;

    static const char  *names[] = { "healthy", "back", "silent", "desktop" };

    halted = 0;
    worst = 0;
    total = 0;
    late = 0;

    for (i = 0; i < rollouts; i++) {
        share = rollout(fleet, n, kind, roams, plan, &days);

        if (share < 0) {
            continue;
        }

        halted++;
        total += share;
        worst = share > worst ? share : worst;
        late = days > late ? days : late;
    }

    printf("%s: %ld of %ld rollouts to %ld devices halted, after %.2f days at "
           "most, when %.2f %% had it, %.2f %% at most\n",
           roams ? "roams" : names[kind], halted, rollouts, n, late,
           halted ? total / (double) halted * 100 : 0, worst * 100);
}


int
main(int argc, char **argv)
{
    long       rollouts, devices;
    device_t  *fleet;

    if (argc < 5
        || argc > 6
        || (rollouts = atol(argv[2])) < 1
        || (devices = atol(argv[3])) < 200)
    {
        fprintf(stderr, "usage: rollout healthy|back|roams|silent|desktop "
                        "{rollouts} {devices} {seed} [{steps}]\n");
        return 2;
    }

    state = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;

    fleet = malloc((size_t) devices * sizeof(device_t));
    if (fleet == NULL) {
        return 2;
    }

    if (strcmp(argv[1], "healthy") == 0) {
        healthy(fleet, rollouts, devices, argv[5]);

    } else {
        broken(fleet, strcmp(argv[1], "silent") == 0 ? GOES_SILENT
                      : strcmp(argv[1], "desktop") == 0 ? INSTALLED
                      : COMES_BACK,
               strcmp(argv[1], "roams") == 0, rollouts, devices,
               argc == 6 ? argv[5] : plans[0]);
    }

    free(fleet);

    return 0;
}
