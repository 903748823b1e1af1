
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_guard.c"


#define START  1700000000
#define DAY    86400


static lu_cohort_t         cohort;
static lu_guard_t          guard = { 200, 0.05, 0.10, 0.99, 1 };
static lu_guard_verdict_t  verdict;


static int
near(double one, double two, double by)
{
    return fabs(one - two) <= by;
}


/* The bounds solve (p - x)^2 = z^2 x (1 - x) / n, found here by bisection. */

static double
bisect(double p, double n, double z, double inner, double outer)
{
    int     i;
    double  x;

    for (i = 0; i < 200; i++) {
        x = (inner + outer) / 2;

        if ((p - x) * (p - x) < z * z * x * (1 - x) / n) {
            inner = x;

        } else {
            outer = x;
        }
    }

    return inner;
}


static void
test_wilson(void)
{
    size_t  i, j, k;
    double  p, n, z, worst, off;

    static const double  shares[] = { 0.001, 0.05, 0.2, 0.5, 0.9 };
    static const double  counts[] = { 50, 200, 1e4, 1e6 };
    static const double  deviations[] = { 1.96, 3.7, 5 };

    /* as in the literature: 10 of 100, 95 % */

    ok(near(lu_guard_lower(0.1, 100, 1.959964), 0.05523, 1e-5)
       && near(lu_guard_upper(0.1, 100, 1.959964), 0.17437, 1e-5),
       "10 of 100");

    worst = 0;

    for (i = 0; i < 5; i++) {
        for (j = 0; j < 4; j++) {
            for (k = 0; k < 3; k++) {
                p = shares[i];
                n = counts[j];
                z = deviations[k];

                off = fabs(lu_guard_lower(p, n, z) - bisect(p, n, z, p, 0));
                worst = off > worst ? off : worst;

                off = fabs(lu_guard_upper(p, n, z) - bisect(p, n, z, p, 1));
                worst = off > worst ? off : worst;
            }
        }
    }

    ok(worst < 1e-9, "60 cases by bisection: off by %g at most", worst);

    ok(lu_guard_lower(0, 200, 4) >= 0 && lu_guard_lower(0, 200, 4) < 1e-12
       && near(lu_guard_upper(1, 200, 4), 1, 1e-12)
       && lu_guard_upper(0, 200, 4) > 0.05, "none and all");
}


/*
 * The exact probability that a share of x % is taken for more than x % with n
 * devices, by the binomial distribution.
 */

static double
exact(double p, int n, double z)
{
    int     k;
    double  log_p, sum;

    sum = 0;
    log_p = n * log(1 - p);

    for (k = 0; k <= n; k++) {

        if (lu_guard_lower((double) k / n, n, z) > p) {
            sum += exp(log_p);
        }

        log_p += log((double) (n - k) / (k + 1)) + log(p / (1 - p));
    }

    return sum;
}


static void
test_exact(void)
{
    int     n;
    double  alpha, p, worst;

    alpha = 0.005;
    worst = 0;

    for (n = 200; n <= 3000; n += 200) {
        for (p = 0.01; p < 0.5; p *= 1.7) {
            alpha = exact(p, n, lu_guard_deviations(n, 200, 0.005));
            worst = alpha > worst ? alpha : worst;
        }
    }

    ok(worst < 0.005, "looked at once, wrong with %.5f at most, exactly",
       worst);
}


/* xorshift64*, always the same. */

static double
chance(void)
{
    static uint64_t  x = 88172645463325252;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;

    return (double) ((x * UINT64_C(2685821657736338717)) >> 11)
           / 9007199254740992.0;
}


/* Looked at after each device: 4,000 rollouts of 200 to 10,000 devices. */

static void
test_peeking(void)
{
    int     i, n, k, anytime, fixed, one, other;
    double  p, lower;

    anytime = 0;
    fixed = 0;

    for (i = 0; i < 4000; i++) {
        k = 0;
        one = 0;
        other = 0;

        for (n = 1; n <= 10000; n++) {
            k += chance() < 0.05;

            if (n < 200 || n % 20) {
                continue;
            }

            p = (double) k / n;

            lower = lu_guard_lower(p, n, lu_guard_deviations(n, 200, 0.01));
            one |= lower > 0.05;

            /* 99 % for a single look, which is what must not be used */

            lower = lu_guard_lower(p, n, 2.326);
            other |= lower > 0.05;
        }

        anytime += one;
        fixed += other;
    }

    ok(anytime < 40, "looked at 490 times: %d of 4000 wrong", anytime);
    ok(fixed > 120, "with the bound for one look it would be %d", fixed);
}


static void
fill(unsigned slot, unsigned platform, lu_cohort_group_e group,
    uint32_t devices, uint32_t got, uint32_t back, uint32_t seen)
{
    unsigned   i;
    uint32_t  *row;

    row = cohort.rows[slot][platform][group];

    row[LU_COHORT_OFFERED] = devices;
    row[LU_COHORT_GOT] = got;
    row[LU_COHORT_BACK] = back;

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        row[LU_COHORT_DUE + i] = devices;
        row[LU_COHORT_SEEN + i] = seen;
    }
}


static lu_guard_e
judge(long after)
{
    lu_guard_judge(&guard, &cohort, START, START + after, &verdict);

    return verdict.result;
}


static void
test_judge(void)
{
    char      reason[LU_GUARD_REASON];
    unsigned  slot;

    memset(&cohort, 0, sizeof(cohort));
    ok(judge(DAY) == LU_GUARD_CONTENT && verdict.comeback.lower < 0,
       "no devices");

    fill(0, 0, LU_COHORT_ROLLOUT, 199, 199, 199, 0);
    fill(0, 0, LU_COHORT_CONTROL, 9000, 0, 0, 9000);
    ok(judge(9 * DAY) == LU_GUARD_CONTENT, "too few devices");

    fill(0, 0, LU_COHORT_ROLLOUT, 250, 250, 50, 250);
    ok(judge(0) == LU_GUARD_COMEBACK
       && near(verdict.comeback.excess, 0.2, 1e-9)
       && verdict.comeback.lower > 0.05 && verdict.comeback.lower < 0.2,
       "50 of 250 came back, of others none: %g", verdict.comeback.lower);

    lu_guard_reason(&guard, &verdict, reason, sizeof(reason));
    ok(strstr(reason, "20.0 % of 250 devices in the rollout came back to an "
                      "older one, and 0.0 % of 9000 outside of it") != NULL,
       "%s", reason);

    fill(0, 0, LU_COHORT_CONTROL, 9000, 0, 1800, 9000);
    ok(judge(0) == LU_GUARD_CONTENT
       && near(verdict.comeback.excess, 0, 1e-9),
       "so did the others");

    fill(0, 0, LU_COHORT_CONTROL, 0, 0, 0, 0);
    ok(judge(0) == LU_GUARD_COMEBACK && !(verdict.comeback.controls > 0),
       "there are no others");

    lu_guard_reason(&guard, &verdict, reason, sizeof(reason));
    ok(strstr(reason, "20.0 % of 250 devices that have got the release")
       != NULL, "%s", reason);

    memset(&cohort, 0, sizeof(cohort));
    fill(0, 1, LU_COHORT_ROLLOUT, 3000, 3000, 0, 1500);
    fill(0, 1, LU_COHORT_CONTROL, 9000, 0, 0, 6300);
    ok(judge(LU_COHORT_SLOT + DAY * 3 / 2 - 1) == LU_GUARD_CONTENT,
       "they have still time to come again");
    ok(judge(LU_COHORT_SLOT + DAY * 3 / 2) == LU_GUARD_SILENCE
       && verdict.window == 0
       && near(verdict.silence[0].excess, 0.2 / 0.7, 0.01),
       "half of them are silent, 30 %% of the others");

    lu_guard_reason(&guard, &verdict, reason, sizeof(reason));
    ok(strstr(reason, "50.0 % of 3000 devices in the rollout did not ask again "
                      "within 1.5 days, and 30.0 % of 9000 outside of it")
       != NULL, "%s", reason);

    fill(0, 1, LU_COHORT_CONTROL, 0, 0, 0, 0);
    ok(judge(30 * DAY) == LU_GUARD_CONTENT,
       "without others, nothing is known of silence");

    /* those of a rhythm of their own are not missed */

    cohort.rows[0][1][LU_COHORT_ROLLOUT][LU_COHORT_DUE] = 1500;
    fill(0, 1, LU_COHORT_CONTROL, 9000, 0, 0, 9000);
    lu_guard_judge(&guard, &cohort, START, START + 3 * DAY, &verdict);
    ok(near(verdict.silence[0].devices, 1500, 0)
       && near(verdict.silence[0].excess, 0, 1e-9),
       "1500 of 3000 come each day, and have come");

    /* only half of those that were offered the release have got it */

    fill(0, 1, LU_COHORT_ROLLOUT, 3000, 1500, 0, 1800);
    fill(0, 1, LU_COHORT_CONTROL, 9000, 0, 0, 6300);
    ok(judge(3 * DAY) == LU_GUARD_SILENCE
       && near(verdict.silence[0].excess, 0.2 / 0.7, 0.01),
       "10 %% more of all are 20 %% of half of them");

    /*
     * A restart makes all silent that entered before it, and the share has
     * grown since: in the sum 40 % of one group are silent and 87 % of the
     * other one, or the other way round.
     */

    memset(&cohort, 0, sizeof(cohort));

    for (slot = 0; slot < 4; slot++) {
        fill(slot, 0, LU_COHORT_ROLLOUT, 9000, 9000, 0, 0);
        fill(slot, 0, LU_COHORT_CONTROL, 1000, 0, 0, 0);
        fill(slot + 4, 0, LU_COHORT_ROLLOUT, 1000, 1000, 0, 700);
        fill(slot + 4, 0, LU_COHORT_CONTROL, 9000, 0, 0, 6300);
    }

    ok(judge(30 * DAY) == LU_GUARD_CONTENT
       && near(verdict.silence[0].excess, 0, 1e-9),
       "what happens to all at a time is no difference");
}


static void
test_parse(void)
{
    size_t      i;
    cJSON      *item;
    lu_rc_e     rc;
    lu_guard_t  got;
    lu_error_t  err;

    static const char  *wrong[] = {
        "[]", "true", "{\"minimum\":49}", "{\"minimum\":\"200\"}",
        "{\"comeback\":0}", "{\"comeback\":1.1}", "{\"silence\":-1}",
        "{\"confidence\":1}", "{\"confidence\":0.5}",
        "{\"action\":\"stop\"}", "{\"action\":1}"
    };

    item = cJSON_Parse("{}");
    rc = lu_guard_parse(item, &got, &err);
    cJSON_Delete(item);

    ok(rc == LU_OK && memcmp(&got, &guard, offsetof(lu_guard_t, confidence))
                      == 0
       && got.halts && near(got.confidence, 0.99, 0), "defaults");

    item = cJSON_Parse("{\"minimum\":500,\"comeback\":0.01,\"silence\":1,"
                       "\"confidence\":0.999,\"action\":\"notify\"}");
    rc = lu_guard_parse(item, &got, &err);
    cJSON_Delete(item);

    ok(rc == LU_OK && near(got.minimum, 500, 0) && near(got.comeback, 0.01, 0)
       && near(got.silence, 1, 0) && near(got.confidence, 0.999, 0)
       && !got.halts, "all of it");

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        item = cJSON_Parse(wrong[i]);

        rc = lu_guard_parse(item, &got, &err);
        ok(rc == LU_INVALID, "%s: %s", wrong[i], err.text);

        cJSON_Delete(item);
    }
}


int
main(void)
{
    test_wilson();
    test_exact();
    test_peeking();
    test_judge();
    test_parse();

    return tap_done();
}
