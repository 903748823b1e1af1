
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <math.h>
#include <stdio.h>

#include "lu_growth.h"
#include "lu_guard.h"


/* the mixture is tightest at about this multiple of its own weight */

#define LU_GUARD_TIGHTEST  12

/*
 * Not all who were offered a release have got it, and only these can come to
 * harm by it.  But devices that fetch it through a cache are not seen.
 */

#define LU_GUARD_GOT_MIN  0.5


/* Sums over the quarters of days, and platforms. */

typedef struct {
    double    devices;      /* that can be bad */
    double    controls;
    double    offered;
    double    got;
    double    bad;          /* of the devices */
    double    weight;
    double    share;        /* weighted, as the next ones */
    double    control;
    double    devices_var;
    double    controls_var;
} lu_guard_sum_t;


static lu_rc_e lu_guard_number(const cJSON *item, const char *key, double min,
    double max, double *number, const char *text, lu_error_t *err);
static void lu_guard_compare(const lu_guard_t *guard,
    const lu_cohort_t *cohort, double alpha, int window, time_t age,
    lu_guard_test_t *test);
static void lu_guard_add(lu_guard_sum_t *sum, const lu_cohort_row_t *rows,
    int window);
static double lu_guard_all(const uint32_t *row, int window);
static double lu_guard_bad(const uint32_t *row, int window);
static void lu_guard_alone(const lu_guard_t *guard, const lu_guard_sum_t *sum,
    double alpha, lu_guard_test_t *test);


lu_rc_e
lu_guard_parse(const cJSON *item, lu_guard_t *guard, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  action;

    if (!cJSON_IsObject(item)) {
        return lu_error(err, NULL, "\"guard\" must be an object, or null");
    }

    guard->minimum = 200;
    guard->comeback = 0.05;
    guard->silence = 0.10;
    guard->confidence = 0.99;
    guard->halts = 1;

    if (lu_guard_number(item, "minimum", 50, 1e9, &guard->minimum,
                        "\"minimum\" must be a number of devices, 50 or more",
                        err)
        != LU_OK
        || lu_guard_number(item, "comeback", 0.001, 1, &guard->comeback,
                           "\"comeback\" must be a share from 0.001 to 1", err)
           != LU_OK
        || lu_guard_number(item, "silence", 0.001, 1, &guard->silence,
                           "\"silence\" must be a share from 0.001 to 1", err)
           != LU_OK
        || lu_guard_number(item, "confidence", 0.9, 0.9999,
                           &guard->confidence,
                           "\"confidence\" must be a number from 0.9 to "
                           "0.9999", err)
           != LU_OK)
    {
        return LU_INVALID;
    }

    rc = lu_json_string(item, "action", &action);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc == LU_OK && lu_str_is(&action, "notify")) {
        guard->halts = 0;
        return LU_OK;
    }

    if (rc == LU_OK && lu_str_is(&action, "halt")) {
        return LU_OK;
    }

    return lu_error(err, NULL, "\"action\" must be \"halt\" or \"notify\"");
}


static lu_rc_e
lu_guard_number(const cJSON *item, const char *key, double min, double max,
    double *number, const char *text, lu_error_t *err)
{
    lu_rc_e  rc;
    double   value;

    rc = lu_json_number(item, key, &value);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc != LU_OK || !(value >= min && value <= max)) {
        return lu_error(err, NULL, text);
    }

    *number = value;

    return LU_OK;
}


lu_rc_e
lu_guard_of(const cJSON *app, const cJSON *channel, lu_guard_t *guard,
    lu_error_t *err)
{
    const cJSON  *item;

    item = lu_json_get(channel, "guard");

    if (cJSON_IsFalse(item)) {
        return LU_NOT_FOUND;
    }

    if (item == NULL || cJSON_IsNull(item)) {
        item = lu_json_get(app, "guard");
    }

    if (item == NULL || cJSON_IsNull(item)) {
        return LU_NOT_FOUND;
    }

    return lu_guard_parse(item, guard, err);
}


lu_rc_e
lu_guard_set(cJSON *owner, const cJSON *item, lu_error_t *err)
{
    lu_put_t     put;
    lu_guard_t   guard;

    if (cJSON_IsNull(item)) {
        cJSON_DeleteItemFromObjectCaseSensitive(owner, "guard");
        return LU_OK;
    }

    if (lu_guard_parse(item, &guard, err) != LU_OK) {
        return LU_INVALID;
    }

    lu_put_init(&put);

    lu_guard_put(&put, owner, &guard);

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_guard_plan(const cJSON *app, const cJSON *channel, const cJSON *wanted,
    cJSON **waits, lu_error_t *err)
{
    lu_rc_e     rc;
    lu_guard_t  guard;

    rc = lu_guard_of(app, channel, &guard, err);

    if (rc != LU_OK && lu_growth_waits(wanted) > 0) {
        (void) lu_error(err, NULL,
                        channel ? "A step with \"devices\" needs a guard, "
                                  "which counts them: give the channel one "
                                  "first."
                                : "A step with \"devices\" needs a guard, "
                                  "which counts them: give the app one first.");
        return LU_CONFLICT;
    }

    *waits = cJSON_Duplicate(wanted, 1);

    if (*waits == NULL
        || (rc == LU_OK && lu_growth_wait(*waits, guard.minimum) != LU_OK))
    {
        cJSON_Delete(*waits);
        return LU_NOMEM;
    }

    return LU_OK;
}


void
lu_guard_put(lu_put_t *put, cJSON *to, const lu_guard_t *guard)
{
    cJSON  *object;

    object = lu_put_object(put, to, "guard");

    lu_put_number(put, object, "minimum", guard->minimum);
    lu_put_number(put, object, "comeback", guard->comeback);
    lu_put_number(put, object, "silence", guard->silence);
    lu_put_number(put, object, "confidence", guard->confidence);
    lu_put_string(put, object, "action", guard->halts ? "halt" : "notify");
}


void
lu_guard_put_test(lu_put_t *put, cJSON *to, const lu_guard_test_t *test)
{
    lu_put_number(put, to, "devices", test->devices);
    lu_put_number(put, to, "controls", test->controls);
    lu_put_number(put, to, "share", test->share);
    lu_put_number(put, to, "control", test->control);
    lu_put_number(put, to, "excess", test->excess);

    if (test->lower < 0) {
        lu_put_null(put, to, "lower");

    } else {
        lu_put_number(put, to, "lower", test->lower);
    }
}


/*
 * Comebacks and silence share the probability of a false alarm, and so do the
 * windows of silence.
 */

void
lu_guard_judge(const lu_guard_t *guard, const lu_cohort_t *cohort,
    time_t start, time_t now, lu_guard_verdict_t *verdict)
{
    int               i;
    double            alpha;
    lu_guard_test_t  *test;

    memset(verdict, 0, sizeof(lu_guard_verdict_t));

    alpha = (1 - guard->confidence) / 2;

    lu_guard_compare(guard, cohort, alpha, -1, now - start,
                     &verdict->comeback);

    if (verdict->comeback.lower > guard->comeback) {
        verdict->result = LU_GUARD_COMEBACK;
    }

    for (i = 0; i < LU_COHORT_WINDOWS; i++) {
        test = &verdict->silence[i];

        lu_guard_compare(guard, cohort, alpha / LU_COHORT_WINDOWS, i,
                         now - start, test);

        if (verdict->result == LU_GUARD_CONTENT
            && test->lower > guard->silence)
        {
            verdict->result = LU_GUARD_SILENCE;
            verdict->window = (unsigned) i;
        }
    }
}


/*
 * Differences are taken within a quarter of a day and a platform, and then
 * averaged with the weights of Cochran and Mantel-Haenszel.  The bounds of both
 * shares are combined as by Newcombe (1998).  A window of -1 is for comebacks.
 */

static void
lu_guard_compare(const lu_guard_t *guard, const lu_cohort_t *cohort,
    double alpha, int window, time_t age, lu_guard_test_t *test)
{
    int             slot, platform;
    double          n1, n2, p1, p2, z, low, high, got;
    lu_guard_sum_t  sum;

    test->lower = -1;

    memset(&sum, 0, sizeof(lu_guard_sum_t));

    for (slot = 0; slot < LU_COHORT_SLOTS; slot++) {

        /* the last ones that entered in it have had the time to come again */

        if (window >= 0
            && age < (slot + 1) * LU_COHORT_SLOT
                     + (time_t) lu_cohort_windows[window])
        {
            break;
        }

        for (platform = 0; platform < LU_COHORT_PLATFORMS; platform++) {
            lu_guard_add(&sum, cohort->rows[slot][platform], window);
        }
    }

    test->devices = sum.devices;
    test->controls = sum.controls;

    if (sum.devices < guard->minimum) {
        return;
    }

    if (sum.controls < guard->minimum) {

        if (window < 0) {
            lu_guard_alone(guard, &sum, alpha, test);
        }

        return;
    }

    if (!(sum.weight > 0)) {
        return;
    }

    p1 = sum.share / sum.weight;
    p2 = sum.control / sum.weight;
    n1 = sum.weight * sum.weight / sum.devices_var;
    n2 = sum.weight * sum.weight / sum.controls_var;

    z = lu_guard_deviations(n1 * n2 / (n1 + n2), guard->minimum, alpha);

    low = p1 - lu_guard_lower(p1, n1, z);
    high = lu_guard_upper(p2, n2, z) - p2;

    got = (sum.got < sum.offered) ? sum.got / sum.offered : 1;
    got = (got < LU_GUARD_GOT_MIN) ? LU_GUARD_GOT_MIN : got;

    /* those who would not have come again cannot go silent */

    if (window >= 0) {
        got *= 1 - lu_guard_lower(p2, n2, z);
    }

    test->share = p1;
    test->control = p2;
    test->excess = (p1 - p2) / got;
    test->lower = (p1 - p2 - sqrt(low * low + high * high)) / got;
    test->lower = (test->lower > 0) ? test->lower : 0;
}


static void
lu_guard_add(lu_guard_sum_t *sum, const lu_cohort_row_t *rows, int window)
{
    double           n1, n2, weight;
    const uint32_t  *one, *two;

    one = rows[LU_COHORT_ROLLOUT];
    two = rows[LU_COHORT_CONTROL];

    n1 = lu_guard_all(one, window);
    n2 = lu_guard_all(two, window);

    sum->devices += n1;
    sum->controls += n2;
    sum->offered += one[LU_COHORT_OFFERED];
    sum->got += one[LU_COHORT_GOT];
    sum->bad += lu_guard_bad(one, window);

    if (!(n1 > 0 && n2 > 0)) {
        return;
    }

    weight = n1 * n2 / (n1 + n2);

    sum->weight += weight;
    sum->share += weight * lu_guard_bad(one, window) / n1;
    sum->control += weight * lu_guard_bad(two, window) / n2;
    sum->devices_var += weight * weight / n1;
    sum->controls_var += weight * weight / n2;
}


/* Only a device that comes within the window can be missed in it. */

static double
lu_guard_all(const uint32_t *row, int window)
{
    return (window < 0) ? row[LU_COHORT_OFFERED]
                        : row[LU_COHORT_DUE + window];
}


static double
lu_guard_bad(const uint32_t *row, int window)
{
    double  n, all;

    all = lu_guard_all(row, window);

    n = (window < 0) ? row[LU_COHORT_BACK]
                     : all - row[LU_COHORT_SEEN + window];

    /* counts that another machine writes meanwhile may not be of one moment */

    n = (n > 0) ? n : 0;

    return (n < all) ? n : all;
}


/* Without a control group: whoever came back is taken to have a reason. */

static void
lu_guard_alone(const lu_guard_t *guard, const lu_guard_sum_t *sum,
    double alpha, lu_guard_test_t *test)
{
    double  p, z;

    test->controls = 0;

    if (sum->got < guard->minimum) {
        return;
    }

    p = sum->bad / sum->got;
    p = (p < 1) ? p : 1;

    z = lu_guard_deviations(sum->got, guard->minimum, alpha);

    test->devices = sum->got;
    test->share = p;
    test->excess = p;
    test->lower = lu_guard_lower(p, sum->got, z);
}


double
lu_guard_lower(double p, double n, double z)
{
    double  z2, lower;

    z2 = z * z / n;

    lower = (p + z2 / 2 - sqrt(z2 * (p * (1 - p) + z2 / 4))) / (1 + z2);

    return lower > 0 ? lower : 0;
}


double
lu_guard_upper(double p, double n, double z)
{
    return 1 - lu_guard_lower(1 - p, n, z);
}


double
lu_guard_deviations(double n, double n0, double alpha)
{
    double  weight;

    weight = n0 / LU_GUARD_TIGHTEST;

    return sqrt((1 + weight / n)
                * log((1 + n / weight) / (4 * alpha * alpha)));
}


void
lu_guard_reason(const lu_guard_t *guard, const lu_guard_verdict_t *verdict,
    char *buf, size_t size)
{
    char                    what[64];
    double                  limit;
    const lu_guard_test_t  *test;

    if (verdict->result == LU_GUARD_COMEBACK) {
        test = &verdict->comeback;
        limit = guard->comeback;

        snprintf(what, sizeof(what), "came back to an older one");

    } else {
        test = &verdict->silence[verdict->window];
        limit = guard->silence;

        snprintf(what, sizeof(what), "did not ask again within %.1f days",
                 lu_cohort_windows[verdict->window] / 86400.0);
    }

    if (test->controls > 0) {
        snprintf(buf, size, "%.1f %% of %.0f devices in the rollout %s, and "
                 "%.1f %% of %.0f outside of it: the release is to blame for "
                 "%.1f %% of those that have got it, or more, and the limit is "
                 "%.1f %%",
                 test->share * 100, test->devices, what, test->control * 100,
                 test->controls, test->lower * 100, limit * 100);

    } else {
        snprintf(buf, size, "%.1f %% of %.0f devices that have got the release "
                 "%s: that are surely %.1f %% or more, and the limit is "
                 "%.1f %%",
                 test->share * 100, test->devices, what, test->lower * 100,
                 limit * 100);
    }
}
