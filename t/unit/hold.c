
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "lu_growth.h"
#include "../../src/core/lu_hold.c"


#define HOUR    3600
#define START   1767225600          /* 2026-01-01T00:00:00Z, a Thursday */
#define LINES   12
#define ROUNDS  3000
#define OPS     12


/* Each line is an hour from START on, what is done then, and with what. */

typedef struct {
    const char  *name;
    const char  *lines[LINES];
} hold_case_t;


/* Steps of a day and a day: 0.01, 0.1, 1. */

#define STEPS                                                                 \
    "\"steps\":[{\"share\":0.01,\"for\":\"1d\"},"                             \
    "{\"share\":0.1,\"for\":\"1d\"},{\"share\":1}]"
#define PLAN(more)  "{\"plan\":{" STEPS more "}}"
#define TEN         "\"start\":\"2026-01-01T10:00:00Z\""
#define NOON        "\"hours\":\"12:00-13:00\",\"timeZone\":\"UTC\""
#define DAYS(from, to)                                                        \
    "[{\"from\":\"2026-01-" from "T00:00:00Z\","                              \
    "\"to\":\"2026-01-" to "T00:00:00Z\"}]"
#define WAITS                                                                 \
    "{\"plan\":[{\"share\":0.01,\"for\":\"1d\",\"devices\":50},"              \
    "{\"share\":0.1,\"for\":\"1d\"},{\"share\":1}]}"


static const hold_case_t  hold_cases[] = {

    { "paused before its start",
      { "0 plan " PLAN("," TEN), "1 pause", "240 is 0", "240 resume",
        "240 is 0.01", "263 is 0.01", "265 is 0.1", "287 is 0.1",
        "289 is 1" } },
    { "halted before its start, which is still to come",
      { "0 plan " PLAN("," TEN), "1 halt", "5 resume", "9 is 0",
        "10 is 0.01", "33 is 0.01", "34 is 0.1" } },
    { "paused before its first hours",
      { "0 plan " PLAN("," NOON), "1 pause", "200 resume", "200 is 0",
        "203 is 0", "204 is 0.01", "227 is 0.01", "228 is 0.1" } },
    { "halted before a freeze has ended",
      { "0 freezes " DAYS("01", "03"), "0 plan " PLAN(""), "1 halt",
        "47 is 0", "240 resume", "240 is 0.01", "263 is 0.01",
        "265 is 0.1" } },
    { "advanced before its start, and then paused",
      { "0 plan " PLAN("," TEN), "1 advance", "1 is 0.01", "13 pause",
        "240 resume", "251 is 0.01", "253 is 0.1", "275 is 0.1",
        "277 is 1" } },
    { "paused, and advanced before its start",
      { "0 plan " PLAN("," TEN), "1 pause", "2 advance", "240 is 0.01",
        "240 resume", "263 is 0.01", "265 is 0.1" } },
    { "held several times",
      { "0 plan " PLAN("," TEN), "1 pause", "48 resume", "60 halt",
        "100 resume", "111 is 0.01", "111 pause", "200 resume",
        "200 is 0.01", "202 is 0.1", "223 is 0.1", "227 is 1" } },

    { "a freeze that is ended before its time",
      { "0 plan " PLAN(""), "1 freezes " DAYS("01", "11"), "120 is 0.01",
        "120 freezes []", "121 is 0.1", "143 is 0.1", "145 is 1" } },
    { "the same, and nothing has begun",
      { "0 freezes " DAYS("01", "11"), "0 plan " PLAN(""), "120 is 0",
        "120 freezes []", "121 is 0.01", "143 is 0.01", "145 is 0.1",
        "167 is 0.1", "169 is 1" } },
    { "one that is shortened",
      { "0 plan " PLAN(""), "1 freezes " DAYS("01", "11"),
        "120 freezes " DAYS("01", "03"), "121 is 0.1", "143 is 0.1",
        "145 is 1" } },
    { "one that is moved",
      { "0 plan " PLAN(""), "1 freezes " DAYS("01", "11"),
        "120 freezes " DAYS("07", "11"), "121 is 0.1", "145 is 0.1",
        "238 is 0.1", "241 is 1" } },
    { "one that is moved, and not over",
      { "0 plan " PLAN(""), "1 freezes " DAYS("01", "05"),
        "50 freezes " DAYS("02", "04"), "71 is 0.01", "72 is 0.1",
        "95 is 0.1", "96 is 1" } },
    { "one that is set for what has begun takes nothing back",
      { "0 plan " PLAN(""), "30 is 0.1", "30 freezes " DAYS("01", "11"),
        "200 is 0.1", "240 is 1" } },
    { "one that is ended while the plan is paused",
      { "0 plan " PLAN(""), "1 freezes " DAYS("01", "11"), "30 pause",
        "120 freezes []", "199 is 0.01", "200 resume", "200 is 0.1",
        "223 is 0.1", "225 is 1" } },
    { "the same, before it has lasted for its time",
      { "0 freezes " DAYS("02", "11"), "0 plan " PLAN(""), "20 pause",
        "120 freezes []", "200 resume", "203 is 0.01", "205 is 0.1" } },

    { "a step that waits for its hours, and is paused",
      { "0 plan " PLAN("," NOON), "12 is 0.01",
        "35 freezes " DAYS("02", "03"), "40 pause", "207 resume",
        "227 is 0.01", "228 is 0.1", "251 is 0.1", "252 is 1" } },
    { "a step that waits for devices, and is paused",
      { "0 given " WAITS, "48 is 0.01", "48 pause", "50 enough",
        "240 is 0.01", "240 resume", "241 is 0.1", "263 is 0.1",
        "265 is 1" } },
    { "one that does not have enough before",
      { "0 given " WAITS, "48 pause", "96 resume", "240 is 0.01",
        "240 enough", "240 is 0.1", "263 is 0.1", "264 is 1" } },

    { "given again without hours",
      { "0 plan " PLAN("," NOON), "13 is 0.01", "35 is 0.01",
        "35 plan " PLAN(",\"start\":\"2026-01-01T00:00:00Z\""),
        "35 is 0.01", "36 is 0.1", "59 is 0.1", "60 is 1" } },
    { "given again, and due",
      { "0 plan " PLAN(",\"weekdays\":[\"thu\"],\"timeZone\":\"UTC\""),
        "100 is 0.01",
        "100 plan " PLAN(""), "101 is 0.1", "123 is 0.1", "125 is 1" } },
    { "given again while it is paused",
      { "0 plan " PLAN(""), "36 pause", "240 plan " PLAN(""), "251 is 0.1",
        "253 is 1" } },
    { "given again with fewer devices",
      { "0 given " WAITS, "30 enough", "40 is 0.1", "40 given " WAITS,
        "40 is 0.1", "53 is 0.1", "54 is 1" } },
    { "given again for another day",
      { "0 plan " PLAN(""), "1 plan " PLAN("," TEN), "1 is 0", "10 is 0.01",
        "33 is 0.01", "34 is 0.1" } },
    { "given with a start that is over",
      { "240 plan " PLAN("," TEN), "240 is 0.01", "263 is 0.01",
        "264 is 0.1" } },

    { "it has expired, and then it has not",
      { "0 plan " PLAN(""), "0 expires 2026-01-01T12:00:00Z", "13 is 0",
        "240 expires 2026-02-01T00:00:00Z", "240 is 0.01", "251 is 0.01",
        "253 is 0.1" } },
    { "when its next step was due",
      { "0 plan " PLAN(""), "0 expires 2026-01-02T00:00:00Z",
        "239 is 0", "240 expires null", "240 is 0.1", "263 is 0.1",
        "265 is 1" } },
    { "it has expired while it was paused",
      { "0 plan " PLAN(""), "0 expires 2026-01-05T00:00:00Z", "6 pause",
        "120 resume", "240 expires null", "257 is 0.01", "259 is 0.1" } }
};


static const char *
at(time_t time)
{
    static char  text[LU_TIME_SIZE];

    lu_time_print(text, time, 123);

    return text;
}


static lu_rc_e
given(cJSON *rollout, const cJSON *freezes, cJSON *body, time_t now)
{
    cJSON       *wanted;
    lu_rc_e      rc;
    lu_error_t   err;

    rc = lu_growth_wanted(body, 1, &wanted, &err);

    if (rc == LU_OK) {
        rc = lu_growth_set(rollout, rollout, wanted, freezes, at(now), &err);
        cJSON_Delete(wanted);
    }

    cJSON_Delete(body);

    return rc;
}


static lu_rc_e
keep(cJSON *rollout, cJSON **freezes, cJSON *wanted, time_t now)
{
    lu_rc_e  rc;

    rc = lu_growth_keep(rollout, *freezes, wanted, at(now));

    cJSON_Delete(*freezes);
    *freezes = wanted;

    return rc;
}


static lu_rc_e
act(cJSON *rollout, const char *name, const cJSON *freezes, time_t now)
{
    lu_rc_e       rc;
    lu_str_t      str;
    lu_error_t    err;
    lu_growth_e   action;

    str = tap_str(name);
    rc = lu_growth_action(&str, &action);

    return rc == LU_OK ? lu_growth_act(rollout, action, NULL, freezes, "ann",
                                       at(now), &err)
                       : rc;
}


static int
run(cJSON *rollout, cJSON **freezes, const char *line)
{
    int          n, hour;
    char         op[16];
    double       share;
    time_t       now;
    cJSON       *body;
    const char  *rest;

    n = 0;

    if (sscanf(line, "%d %15s %n", &hour, op, &n) < 2) {
        return 0;
    }

    now = START + hour * HOUR;
    rest = n ? line + n : "";

    if (strcmp(op, "is") == 0) {
        share = lu_growth_share_at(rollout, *freezes, now + 1);

        if (share != strtod(rest, NULL)) {
            printf("# %s: %g\n", line, share);
            return 0;
        }

        return 1;
    }

    if (strcmp(op, "freezes") == 0) {
        return keep(rollout, freezes, tap_json(rest), now) == LU_OK;
    }

    if (strcmp(op, "plan") == 0 || strcmp(op, "given") == 0) {
        return given(rollout, *freezes, tap_json(rest), now) == LU_OK;
    }

    if (strcmp(op, "expires") == 0) {
        body = cJSON_CreateObject();
        cJSON_AddItemToObject(body, "expires",
                              strcmp(rest, "null") == 0
                                  ? cJSON_CreateNull()
                                  : cJSON_CreateString(rest));

        return given(rollout, *freezes, body, now) == LU_OK;
    }

    if (strcmp(op, "enough") == 0) {
        return lu_growth_enough(rollout, 50, at(now)) == LU_OK;
    }

    return act(rollout, op, *freezes, now) == LU_OK;
}


static void
test_cases(void)
{
    int      j, done;
    cJSON   *rollout, *freezes;
    size_t   i;

    for (i = 0; i < sizeof(hold_cases) / sizeof(hold_cases[0]); i++) {

        rollout = tap_json("{\"rollout\":1}");
        freezes = NULL;
        done = 1;

        for (j = 0; j < LINES && hold_cases[i].lines[j]; j++) {
            done = run(rollout, &freezes, hold_cases[i].lines[j]) && done;
        }

        ok(done, "%s", hold_cases[i].name);

        cJSON_Delete(rollout);
        cJSON_Delete(freezes);
    }
}


static unsigned
chance(unsigned n)
{
    static uint32_t  state = 1;

    state = state * 1664525 + 1013904223;

    return (state >> 8) % n;
}


static cJSON *
any_freezes(time_t now)
{
    cJSON   *list, *freeze;
    time_t   from;

    list = cJSON_CreateArray();

    if (chance(2)) {
        freeze = cJSON_CreateObject();
        from = now + (time_t) chance(60) * HOUR - 30 * HOUR;

        cJSON_AddStringToObject(freeze, "from", at(from));
        cJSON_AddStringToObject(freeze, "to",
                                at(from + (time_t) (1 + chance(90)) * HOUR));
        cJSON_AddItemToArray(list, freeze);
    }

    return list;
}


/*
 * Whatever is done, and in whatever order: each step comes after the one
 * before, which has lasted for its day, and none is taken back.
 */

static void
test_any(void)
{
    long          step;
    cJSON        *rollout, *freezes;
    size_t        i, j, wrong;
    time_t        now, until, since;
    lu_pace_t     pace;
    lu_error_t    err;
    lu_moment_t   moment;
    lu_freezes_t  list;

    static const char  *plans[] = { PLAN(""), PLAN("," NOON),
                                    PLAN(",\"weekdays\":[\"sat\",\"mon\"],"
                                         "\"timeZone\":\"UTC\"") };
    static const char  *acts[] = { "pause", "halt", "resume", "resume" };

    wrong = 0;

    for (i = 0; i < ROUNDS; i++) {

        now = START + HOUR * 1000;
        rollout = tap_json("{\"rollout\":1}");
        freezes = any_freezes(now);

        (void) given(rollout, freezes, tap_json(plans[chance(3)]), now);

        step = -1;
        since = 0;

        for (j = 0; j < OPS; j++) {

            switch (chance(8)) {

            case 0:
            case 1:
                (void) keep(rollout, &freezes, any_freezes(now), now);
                break;

            case 2:
                if (step != -1) {
                    (void) given(rollout, freezes,
                                 tap_json(plans[chance(3)]), now);
                }
                break;

            default:
                (void) act(rollout, acts[chance(4)], freezes, now);
            }

            for (until = now + (time_t) chance(40) * HOUR; now <= until;
                 now += 1800)
            {
                if (lu_pace_freezes(freezes, &list, &err) != LU_OK
                    || lu_pace_parse(rollout, &pace, &err) != LU_OK)
                {
                    wrong++;
                    break;
                }

                lu_pace_at(&pace, &list, now, &moment);

                if (moment.step == step) {
                    continue;
                }

                wrong += (moment.step != step + 1
                          || (step >= 0 && now - since < 24 * HOUR));

                step = moment.step;
                since = now;
            }
        }

        cJSON_Delete(rollout);
        cJSON_Delete(freezes);
    }

    ok(wrong == 0, "any changes: no step falls or comes too early");
}


int
main(void)
{
    test_cases();
    test_any();
    tap_free();

    return tap_done();
}
