
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_pace.h"


#define LU_PACE_DAY     86400

/* Days: two weeks, of which the clocks can leave out the hours of one. */

#define LU_PACE_SEARCH  16


static lu_rc_e lu_pace_plan(const cJSON *plan, lu_pace_t *pace,
    lu_error_t *err);
static lu_rc_e lu_pace_steps(const cJSON *steps, lu_pace_t *pace,
    lu_error_t *err);
static lu_rc_e lu_pace_devices(const cJSON *item, lu_step_t *step,
    lu_error_t *err);
static lu_rc_e lu_pace_hours(const lu_str_t *text, lu_pace_t *pace,
    lu_error_t *err);
static int lu_pace_minutes(const unsigned char *p, unsigned *minutes);
static lu_rc_e lu_pace_weekdays(const cJSON *array, lu_pace_t *pace,
    lu_error_t *err);
static lu_rc_e lu_pace_offsets(const cJSON *array, lu_pace_t *pace,
    lu_error_t *err);
static lu_rc_e lu_pace_time(const cJSON *object, const char *key,
    time_t *time, lu_error_t *err);
static lu_rc_e lu_pace_held(const cJSON *rollout, const char *key,
    lu_pace_t *pace, lu_error_t *err);
static time_t lu_pace_window(const lu_pace_t *pace, time_t time);
static long lu_pace_offset(const lu_pace_t *pace, time_t time);
static const lu_offset_t *lu_pace_offset_at(const lu_pace_t *pace,
    time_t time);
static time_t lu_pace_utc(const lu_pace_t *pace, time_t local);


static const char  *lu_pace_days[] = { "sun", "mon", "tue", "wed", "thu",
                                       "fri", "sat" };


int
lu_pace_is_timed(const cJSON *rollout)
{
    return lu_json_get(rollout, "plan") || lu_json_get(rollout, "expires");
}


lu_rc_e
lu_pace_parse(const cJSON *rollout, lu_pace_t *pace, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *plan;

    memset(pace, 0, sizeof(lu_pace_t));

    pace->begun = -1;
    pace->held = LU_TIME_MAX;
    pace->expires = LU_TIME_MAX;

    rc = lu_pace_time(rollout, "expires", &pace->expires, err);

    if (rc == LU_OK) {
        rc = lu_pace_held(rollout, "paused", pace, err);
    }

    if (rc == LU_OK) {
        rc = lu_pace_held(rollout, "halted", pace, err);
    }

    if (rc != LU_OK) {
        return rc;
    }

    plan = lu_json_get(rollout, "plan");

    if (plan == NULL || cJSON_IsNull(plan)) {
        return LU_OK;
    }

    return lu_pace_plan(plan, pace, err);
}


static lu_rc_e
lu_pace_plan(const cJSON *plan, lu_pace_t *pace, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  text;
    uint64_t  step;

    rc = lu_pace_steps(lu_json_get(plan, "steps"), pace, err);

    if (rc == LU_OK) {
        rc = lu_pace_time(plan, "start", &pace->start, err);
    }

    if (rc == LU_OK) {
        rc = lu_pace_time(plan, "begun", &pace->begun, err);
    }

    if (rc == LU_OK) {
        rc = lu_pace_weekdays(lu_json_get(plan, "weekdays"), pace, err);
    }

    if (rc == LU_OK) {
        rc = lu_pace_offsets(lu_json_get(plan, "offsets"), pace, err);
    }

    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_json_string(plan, "hours", &text);

    if (rc == LU_INVALID) {
        text.len = 0;
        text.data = NULL;
    }

    if (rc != LU_NOT_FOUND && lu_pace_hours(&text, pace, err) != LU_OK) {
        return LU_INVALID;
    }

    step = 0;

    if (lu_json_size(plan, "step", &step) == LU_INVALID
        || step >= pace->nsteps)
    {
        return lu_error(err, NULL, "\"step\" of a plan must be the number of "
                                   "one of its steps");
    }

    pace->step = (size_t) step;

    return LU_OK;
}


static lu_rc_e
lu_pace_steps(const cJSON *steps, lu_pace_t *pace, lu_error_t *err)
{
    size_t        n;
    double        share;
    lu_str_t      text;
    lu_step_t    *step;
    const cJSON  *item;

    n = cJSON_IsArray(steps) ? (size_t) cJSON_GetArraySize(steps) : 0;

    if (n == 0 || n > LU_PACE_STEPS) {
        return lu_error(err, NULL, "\"steps\" of a plan must be an array of 1 "
                                   "to " lu_value(LU_PACE_STEPS) " objects");
    }

    cJSON_ArrayForEach(item, steps) {

        step = &pace->steps[pace->nsteps];

        if (lu_json_number(item, "share", &share) != LU_OK
            || !(share >= pace->most && share <= 1))
        {
            return lu_error(err, NULL, "each step of a plan must have a "
                                       "\"share\" from 0 to 1, and none that "
                                       "is smaller than the one before");
        }

        pace->most = share;
        step->share = share;

        if (++pace->nsteps == n) {

            if (lu_json_get(item, "for") || lu_json_get(item, "devices")) {
                return lu_error(err, NULL, "the last step of a plan must have "
                                           "neither \"for\" nor \"devices\": "
                                           "it stays");
            }

            return LU_OK;
        }

        if (lu_json_string(item, "for", &text) != LU_OK
            || lu_pace_duration(&text, &step->lasts) != LU_OK)
        {
            return lu_error(err, NULL, "each step of a plan but the last must "
                                       "have a \"for\" from \"1m\" to "
                                       "\"366d\", such as \"90m\", \"2h\" or "
                                       "\"1d\"");
        }

        if (lu_pace_devices(item, step, err) != LU_OK) {
            return LU_INVALID;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_pace_devices(const cJSON *item, lu_step_t *step, lu_error_t *err)
{
    lu_rc_e  rc;

    rc = lu_json_number(item, "devices", &step->devices);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc != LU_OK || !(step->devices >= 0 && step->devices <= 1e9)) {
        return lu_error(err, NULL, "\"devices\" of a step must be a number "
                                   "from 0 to 1000000000");
    }

    if (!(step->devices > 0)) {
        return LU_OK;
    }

    step->enough = LU_TIME_MAX;

    return lu_pace_time(item, "enough", &step->enough, err);
}


lu_rc_e
lu_pace_duration(const lu_str_t *text, time_t *seconds)
{
    size_t   i;
    time_t   value, unit;

    if (text->len < 2 || text->len > 7) {
        return LU_INVALID;
    }

    value = 0;

    for (i = 0; i < text->len - 1; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            return LU_INVALID;
        }

        value = value * 10 + (text->data[i] - '0');
    }

    switch (text->data[i]) {

    case 'm':
        unit = 60;
        break;

    case 'h':
        unit = 3600;
        break;

    case 'd':
        unit = LU_PACE_DAY;
        break;

    case 'w':
        unit = 7 * LU_PACE_DAY;
        break;

    default:
        return LU_INVALID;
    }

    value *= unit;

    if (value < LU_PACE_MIN || value > LU_PACE_MAX) {
        return LU_INVALID;
    }

    *seconds = value;

    return LU_OK;
}


/* "22:00-02:00" is over midnight; until "24:00" is the whole evening. */

static lu_rc_e
lu_pace_hours(const lu_str_t *text, lu_pace_t *pace, lu_error_t *err)
{
    if (text->len != sizeof("09:00-17:00") - 1
        || text->data[5] != '-'
        || !lu_pace_minutes(text->data, &pace->from)
        || !lu_pace_minutes(text->data + 6, &pace->to)
        || pace->from == 24 * 60
        || pace->from == pace->to)
    {
        return lu_error(err, NULL, "\"hours\" of a plan must be as "
                                   "\"09:00-17:00\"");
    }

    return LU_OK;
}


static int
lu_pace_minutes(const unsigned char *p, unsigned *minutes)
{
    int  i;

    for (i = 0; i < 5; i++) {
        if (i == 2 ? p[i] != ':' : (p[i] < '0' || p[i] > '9')) {
            return 0;
        }
    }

    *minutes = ((p[0] - '0') * 10 + (p[1] - '0')) * 60
               + (p[3] - '0') * 10 + (p[4] - '0');

    return p[3] < '6' && *minutes <= 24 * 60;
}


static lu_rc_e
lu_pace_weekdays(const cJSON *array, lu_pace_t *pace, lu_error_t *err)
{
    int           i;
    lu_str_t      day;
    const cJSON  *item;

    if (array == NULL || cJSON_IsNull(array)) {
        return LU_OK;
    }

    if (!cJSON_IsArray(array) || array->child == NULL) {
        goto invalid;
    }

    cJSON_ArrayForEach(item, array) {

        if (lu_json_value(item, &day) != LU_OK) {
            goto invalid;
        }

        for (i = 0; i < 7; i++) {
            if (lu_str_is(&day, lu_pace_days[i])) {
                break;
            }
        }

        if (i == 7) {
            goto invalid;
        }

        pace->weekdays |= 1u << i;
    }

    return LU_OK;

invalid:

    return lu_error(err, NULL, "\"weekdays\" of a plan must be a list of "
                               "\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", "
                               "\"sat\" and \"sun\"");
}


static lu_rc_e
lu_pace_offsets(const cJSON *array, lu_pace_t *pace, lu_error_t *err)
{
    time_t         before;
    lu_offset_t   *offset;
    const cJSON   *item, *from, *seconds;

    if (array == NULL || cJSON_IsNull(array)) {
        return LU_OK;
    }

    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > LU_PACE_OFFSETS) {
        goto invalid;
    }

    before = -1;

    cJSON_ArrayForEach(item, array) {

        from = cJSON_GetArrayItem(item, 0);
        seconds = cJSON_GetArrayItem(item, 1);

        if (!cJSON_IsNumber(from) || !cJSON_IsNumber(seconds)
            || !(from->valuedouble > (double) before
                 && from->valuedouble <= (double) LU_TIME_MAX)
            || !(seconds->valuedouble > -2 * LU_PACE_DAY
                 && seconds->valuedouble < 2 * LU_PACE_DAY))
        {
            goto invalid;
        }

        offset = &pace->offsets[pace->noffsets++];

        offset->from = (time_t) from->valuedouble;
        offset->seconds = (long) seconds->valuedouble;

        before = offset->from;
    }

    return LU_OK;

invalid:

    return lu_error(err, NULL, "\"offsets\" of a plan must be pairs of a time "
                               "and the seconds before UTC from then on");
}


/* What is not there leaves the time as it was. */

static lu_rc_e
lu_pace_time(const cJSON *object, const char *key, time_t *time,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  text;

    rc = lu_json_string(object, key, &text);

    if (rc == LU_NOT_FOUND
        || (rc == LU_OK && lu_time_parse(&text, time) == LU_OK))
    {
        return LU_OK;
    }

    text = lu_str(key);

    return lu_error(err, &text, "must be a time such as "
                                "\"2026-12-01T08:00:00Z\"");
}


/* One that does not say since when stood still from the beginning. */

static lu_rc_e
lu_pace_held(const cJSON *rollout, const char *key, lu_pace_t *pace,
    lu_error_t *err)
{
    time_t        at;
    lu_rc_e       rc;
    const cJSON  *held;

    held = lu_json_get(rollout, key);

    if (!cJSON_IsObject(held)) {
        return LU_OK;
    }

    at = 0;

    rc = lu_pace_time(held, "at", &at, err);

    if (rc == LU_OK && at < pace->held) {
        pace->held = at;
    }

    return rc;
}


lu_rc_e
lu_pace_freezes(const cJSON *array, lu_freezes_t *freezes, lu_error_t *err)
{
    time_t         from, to;
    const cJSON   *item;
    lu_freeze_t   *freeze;

    memset(freezes, 0, sizeof(lu_freezes_t));

    if (array == NULL || cJSON_IsNull(array)) {
        return LU_OK;
    }

    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > LU_PACE_FREEZES) {
        return lu_error(err, NULL, "\"freezes\" must be an array of up to "
                                   lu_value(LU_PACE_FREEZES) " objects");
    }

    cJSON_ArrayForEach(item, array) {

        from = -1;
        to = -1;

        if (lu_pace_time(item, "from", &from, err) != LU_OK
            || lu_pace_time(item, "to", &to, err) != LU_OK)
        {
            return LU_INVALID;
        }

        if (from == -1 || to <= from) {
            return lu_error(err, NULL, "a freeze must have a \"from\", and a "
                                       "\"to\" that is later");
        }

        freeze = &freezes->list[freezes->n++];

        freeze->from = from;
        freeze->to = to;
    }

    return LU_OK;
}


void
lu_pace_at(const lu_pace_t *pace, const lu_freezes_t *freezes, time_t now,
    lu_moment_t *moment)
{
    size_t            step;
    time_t            time, until;
    const lu_step_t  *before;

    memset(moment, 0, sizeof(lu_moment_t));

    moment->step = -1;
    moment->next = LU_TIME_MAX;

    if (now >= pace->expires && pace->expires != LU_TIME_MAX) {
        moment->is_expired = 1;
        return;
    }

    if (pace->nsteps == 0) {
        moment->share = 1;
        moment->next = pace->expires;
        return;
    }

    until = now < pace->held ? now : pace->held;

    step = pace->step;
    time = (pace->begun == -1) ? lu_pace_allowed(pace, freezes, pace->start)
                               : pace->begun;

    /* what was reached once was not lost by a clock that went back since */

    while (time <= until || (pace->begun != -1 && step == pace->step)) {

        moment->share = pace->steps[step].share;
        moment->step = (long) step;
        moment->begun = time;

        if (++step == pace->nsteps) {
            time = LU_TIME_MAX;
            break;
        }

        before = &pace->steps[step - 1];

        if (before->enough == LU_TIME_MAX) {
            moment->devices = before->devices;
            time = LU_TIME_MAX;
            break;
        }

        time += before->lasts;

        if (time < before->enough) {
            time = before->enough;
        }

        time = lu_pace_allowed(pace, freezes, time);
    }

    moment->next = (time <= pace->held) ? time : LU_TIME_MAX;

    if (pace->expires < moment->next) {
        moment->next = pace->expires;
    }
}


time_t
lu_pace_allowed(const lu_pace_t *pace, const lu_freezes_t *freezes,
    time_t time)
{
    size_t  i, n;
    time_t  before;

    /* each freeze moves it once at most, and the hours after each */

    for (n = 0; n <= freezes->n; n++) {

        time = lu_pace_window(pace, time);
        before = time;

        for (i = 0; i < freezes->n; i++) {
            if (freezes->list[i].from <= time && time < freezes->list[i].to) {
                time = freezes->list[i].to;
            }
        }

        if (time == before) {
            break;
        }
    }

    return time < LU_TIME_MAX ? time : LU_TIME_MAX;
}


/*
 * The first moment in the hours of a weekday.  The hours that began the day
 * before may go on until now.
 */

static time_t
lu_pace_window(const lu_pace_t *pace, time_t time)
{
    int       i;
    time_t    day, begin, end;
    unsigned  weekday;

    if (pace->weekdays == 0 && pace->from == pace->to) {
        return time;
    }

    day = (time + lu_pace_offset(pace, time)) / LU_PACE_DAY - 1;

    for (i = 0; i < LU_PACE_SEARCH; i++, day++) {

        weekday = (unsigned) ((day + 4 + 7) % 7);

        if (pace->weekdays && (pace->weekdays & 1u << weekday) == 0) {
            continue;
        }

        begin = day * LU_PACE_DAY + (time_t) pace->from * 60;
        end = day * LU_PACE_DAY + (time_t) pace->to * 60;

        if (pace->to <= pace->from) {
            end += LU_PACE_DAY;
        }

        begin = lu_pace_utc(pace, begin);
        end = lu_pace_utc(pace, end);

        if (time < end && begin < end) {
            return time > begin ? time : begin;
        }
    }

    return time;
}


static long
lu_pace_offset(const lu_pace_t *pace, time_t time)
{
    const lu_offset_t  *offset;

    offset = lu_pace_offset_at(pace, time);

    return offset ? offset->seconds : 0;
}


/* NULL: it is UTC. */

static const lu_offset_t *
lu_pace_offset_at(const lu_pace_t *pace, time_t time)
{
    size_t              i;
    const lu_offset_t  *offset;

    offset = NULL;

    for (i = 0; i < pace->noffsets; i++) {

        if (i > 0 && pace->offsets[i].from > time) {
            break;
        }

        offset = &pace->offsets[i];
    }

    return offset;
}


/*
 * Of a time that is there twice, the first one; for a time that the clocks
 * leave out, the moment at which they do.
 */

static time_t
lu_pace_utc(const lu_pace_t *pace, time_t local)
{
    time_t  before, after;

    before = local - lu_pace_offset(pace, local - 2 * LU_PACE_DAY);
    after = local - lu_pace_offset(pace, local + 2 * LU_PACE_DAY);

    if (before + lu_pace_offset(pace, before) == local) {
        return before;
    }

    if (after + lu_pace_offset(pace, after) == local) {
        return after;
    }

    return lu_pace_offset_at(pace, before)->from;
}
