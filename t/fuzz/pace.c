
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The first line are the freezes of an app, the rest is a rollout.  Its share
 * grows, and changes when it was said, and what is kept of it in rules says the
 * same.
 */


#include "fuzz.h"
#include "lu_growth.h"


static void
check(const cJSON *rollout, const lu_pace_t *pace, const lu_freezes_t *freezes)
{
    int           i;
    cJSON        *copy;
    time_t        now;
    double        share;
    lu_put_t      put;
    lu_pace_t     again;
    lu_error_t    err;
    lu_moment_t   moment, other;

    lu_put_init(&put);

    copy = cJSON_CreateObject();

    lu_growth_copy(&put, copy, rollout);
    require(!put.failed);
    require(lu_pace_parse(copy, &again, &err) == LU_OK);

    now = 0;
    share = 0;

    for (i = 0; i < 50; i++) {
        lu_pace_at(pace, freezes, now, &moment);
        lu_pace_at(&again, freezes, now, &other);

        require(moment.share >= 0 && moment.share <= 1);
        require(moment.share >= share || moment.is_expired);
        require(moment.next > now || moment.next == LU_TIME_MAX);
        require(moment.step < (long) pace->nsteps);
        require(moment.share == other.share && moment.next == other.next);

        share = moment.share;

        if (moment.next == LU_TIME_MAX) {
            break;
        }

        /* until then, it stays */

        lu_pace_at(pace, freezes, moment.next - 1, &other);
        require(other.share == moment.share && other.next == moment.next);

        now = moment.next;
    }

    cJSON_Delete(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON         *list, *rollout;
    lu_str_t       text, first, rest;
    lu_pace_t      pace;
    lu_error_t     err;
    const uint8_t *end;
    lu_freezes_t   freezes;

    end = memchr(data, '\n', size);
    if (end == NULL) {
        return 0;
    }

    text = fuzz_copy(data, size);

    first.data = text.data;
    first.len = end - data;
    rest.data = text.data + first.len + 1;
    rest.len = size - first.len - 1;

    list = NULL;
    rollout = NULL;

    if (lu_json_parse(&list, &first, &err) == LU_OK
        && lu_json_parse(&rollout, &rest, &err) == LU_OK
        && lu_pace_freezes(list, &freezes, &err) == LU_OK
        && lu_pace_parse(rollout, &pace, &err) == LU_OK)
    {
        check(rollout, &pace, &freezes);
    }

    cJSON_Delete(list);
    cJSON_Delete(rollout);
    free(text.data);

    return 0;
}
