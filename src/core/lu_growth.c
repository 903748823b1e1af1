
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_growth.h"
#include "lu_limit.h"


#define LU_GROWTH_NAME  64              /* of a number, bytes */


static lu_rc_e lu_growth_halt(cJSON *rollout, const cJSON *why,
    const char *by, const char *now, lu_error_t *err);
static void lu_growth_copy_flat(lu_put_t *put, cJSON *to, const cJSON *from);


static const struct {
    const char   *name;
    lu_growth_e   action;
} lu_growth_actions[] = {
    { "halt", LU_GROWTH_HALT },
    { "resume", LU_GROWTH_RESUME },
    { NULL, LU_GROWTH_HALT }
};


lu_rc_e
lu_growth_action(const lu_str_t *name, lu_growth_e *action)
{
    int  i;

    for (i = 0; lu_growth_actions[i].name; i++) {
        if (lu_str_is(name, lu_growth_actions[i].name)) {
            *action = lu_growth_actions[i].action;
            return LU_OK;
        }
    }

    return LU_NOT_FOUND;
}


int
lu_growth_is_halted(const cJSON *rollout)
{
    return cJSON_IsObject(lu_json_get(rollout, "halted"));
}


int
lu_growth_is_partial(const cJSON *rollout)
{
    return lu_growth_share(rollout) < 1 || lu_growth_is_halted(rollout);
}


double
lu_growth_share(const cJSON *rollout)
{
    double  share;

    share = 0;
    (void) lu_json_number(rollout, "rollout", &share);

    return share;
}


lu_rc_e
lu_growth_act(cJSON *rollout, lu_growth_e action, const cJSON *why,
    const char *by, const char *now, lu_error_t *err)
{
    if (action == LU_GROWTH_HALT) {
        return lu_growth_halt(rollout, why, by, now, err);
    }

    cJSON_DeleteItemFromObjectCaseSensitive(rollout, "halted");

    return LU_OK;
}


static lu_rc_e
lu_growth_halt(cJSON *rollout, const cJSON *why, const char *by,
    const char *now, lu_error_t *err)
{
    cJSON     *halted;
    lu_rc_e    rc;
    lu_put_t   put;
    lu_str_t   reason;

    if (lu_growth_is_halted(rollout)) {
        return LU_OK;
    }

    rc = lu_limit_string(why, "reason", &reason, err);

    if (rc != LU_OK && rc != LU_NOT_FOUND) {
        return rc;
    }

    if (cJSON_GetArraySize(why) > LU_GROWTH_WHY) {
        return lu_error(err, NULL, "a rollout is halted with up to "
                                   lu_value(LU_GROWTH_WHY) " numbers");
    }

    lu_put_init(&put);

    halted = lu_put_object(&put, rollout, "halted");

    lu_growth_copy_flat(&put, halted, why);

    lu_put_string(&put, halted, "at", now);
    lu_put_string(&put, halted, "by", by);

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_growth_may_be(const cJSON *rollout, double before, double share,
    lu_error_t *err)
{
    if (share <= before || !lu_growth_is_halted(rollout)) {
        return LU_OK;
    }

    (void) lu_error(err, NULL, "The rollout is halted, and does not grow: "
                               "resume it first.");
    return LU_CONFLICT;
}


void
lu_growth_copy(lu_put_t *put, cJSON *to, const cJSON *from)
{
    const cJSON  *halted;

    halted = lu_json_get(from, "halted");

    if (cJSON_IsObject(halted)) {
        lu_growth_copy_flat(put, lu_put_object(put, to, "halted"), halted);
    }
}


/* Who wrote "expect" did not mean it as a reason. */

static void
lu_growth_copy_flat(lu_put_t *put, cJSON *to, const cJSON *from)
{
    int           n;
    double        number;
    lu_str_t      value;
    const cJSON  *item;

    n = 0;

    cJSON_ArrayForEach(item, from) {

        if (strlen(item->string) > LU_GROWTH_NAME
            || strcmp(item->string, "expect") == 0)
        {
            continue;
        }

        if (n++ == LU_GROWTH_WHY) {
            break;
        }

        if (lu_json_value(item, &value) == LU_OK) {
            lu_limit_cut("reason", &value);
            lu_put_str(put, to, item->string, &value);

        } else if (lu_json_number(from, item->string, &number) == LU_OK) {
            lu_put_number(put, to, item->string, number);
        }
    }
}
