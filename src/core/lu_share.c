
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_share.h"


static lu_rc_e lu_share_channel(cJSON *shares, const cJSON *channel,
    const lu_str_t *release);
static lu_rc_e lu_share_add(cJSON *shares, const cJSON *channel,
    const cJSON *deployment, double share);
static int lu_share_copy(cJSON *to, const char *name, const cJSON *from,
    const char *key);
static int lu_share_has(const cJSON *release, const char *platform);
static double lu_share_platform(const lu_desktop_t *desktop, unsigned platform,
    const lu_str_t *release);
static double lu_share_rule(const lu_rule_t *rule, unsigned platform);
static double lu_share_left(const lu_desktop_t *desktop, size_t last,
    unsigned platform, const lu_str_t *build, double *taken);


static const struct {
    const char  *name;
    unsigned     platform;
} lu_share_platforms[] = {
    { "windows", LU_WINDOWS },
    { "mac", LU_MAC },
    { "linux", LU_LINUX },
    { NULL, 0 }
};


lu_rc_e
lu_share_list(cJSON *shares, const cJSON *app, const lu_desktop_t *desktop,
    const cJSON *release)
{
    int           i;
    cJSON        *item;
    double        share;
    const cJSON  *channel;
    lu_rc_e       rc;
    lu_str_t      id;

    if (lu_json_string(release, "id", &id) != LU_OK) {
        return LU_OK;
    }

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        rc = lu_share_channel(shares, channel, &id);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (desktop == NULL || desktop->nrules > LU_SHARE_RULES) {
        return LU_OK;
    }

    for (i = 0; lu_share_platforms[i].name; i++) {

        if (!lu_share_has(release, lu_share_platforms[i].name)) {
            continue;
        }

        share = lu_share_platform(desktop, lu_share_platforms[i].platform,
                                  &id);
        if (share <= 0) {
            continue;
        }

        item = cJSON_CreateObject();

        if (cJSON_AddStringToObject(item, "platform",
                                    lu_share_platforms[i].name)
            == NULL
            || cJSON_AddNumberToObject(item, "share", share) == NULL
            || !cJSON_AddItemToArray(shares, item))
        {
            cJSON_Delete(item);
            return LU_NOMEM;
        }
    }

    return LU_OK;
}


/*
 * A device has a place of its own in each deployment's rollout, so that the
 * second one gets its part of what the first one has left.
 */

static lu_rc_e
lu_share_channel(cJSON *shares, const cJSON *channel, const lu_str_t *release)
{
    double        left, rollout, share;
    const cJSON  *item, *newest;
    lu_str_t      value;

    left = 1;
    share = 0;
    newest = NULL;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(channel,
                                                              "deployments"))
    {
        rollout = 0;
        (void) lu_json_number(item, "rollout", &rollout);

        if (lu_json_string(item, "release", &value) == LU_OK
            && lu_str_eq(&value, release))
        {
            share += left * rollout;
            newest = newest ? newest : item;
        }

        if (rollout >= 1) {
            break;
        }

        left *= 1 - rollout;
    }

    return newest ? lu_share_add(shares, channel, newest, share) : LU_OK;
}


static lu_rc_e
lu_share_add(cJSON *shares, const cJSON *channel, const cJSON *deployment,
    double share)
{
    cJSON  *item;

    item = cJSON_CreateObject();

    if (lu_share_copy(item, "channel", channel, "name")
        && lu_share_copy(item, "channelId", channel, "id")
        && lu_share_copy(item, "deploymentId", deployment, "id")
        && lu_share_copy(item, "rollout", deployment, "rollout")
        && cJSON_AddNumberToObject(item, "share", share)
        && lu_share_copy(item, "createdBy", deployment, "createdBy")
        && lu_share_copy(item, "createdAt", deployment, "createdAt")
        && lu_share_copy(item, "updatedAt", deployment, "updatedAt")
        && cJSON_AddItemToArray(shares, item))
    {
        return LU_OK;
    }

    cJSON_Delete(item);

    return LU_NOMEM;
}


/* What is absent stays so. */

static int
lu_share_copy(cJSON *to, const char *name, const cJSON *from, const char *key)
{
    cJSON        *copy;
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(from, key);
    if (item == NULL) {
        return to != NULL;
    }

    copy = cJSON_Duplicate(item, 1);

    if (copy == NULL || !cJSON_AddItemToObject(to, name, copy)) {
        cJSON_Delete(copy);
        return 0;
    }

    return 1;
}


/* Old ones do not say what they are for. */

static int
lu_share_has(const cJSON *release, const char *platform)
{
    const cJSON  *list, *item;
    lu_str_t      value;

    list = cJSON_GetObjectItemCaseSensitive(release, "platforms");

    cJSON_ArrayForEach(item, list) {
        if (lu_json_value(item, &value) == LU_OK
            && lu_str_is(&value, platform))
        {
            return 1;
        }
    }

    return !cJSON_IsArray(list);
}


/*
 * The last rule that applies chooses, and if none does, the first "build".
 * An installation has one place for each build: two rollouts of one build
 * are one, as far as the larger one goes.
 */

static double
lu_share_platform(const lu_desktop_t *desktop, unsigned platform,
    const lu_str_t *release)
{
    size_t            i;
    double            left, share, taken, part;
    const lu_rule_t  *rule, *build;

    share = 0;
    build = NULL;

    for (i = 0; i < desktop->nrules; i++) {
        rule = &desktop->rules[i];

        if (rule->rule == LU_RULE_BUILD) {
            build = build ? build : rule;
            continue;
        }

        if (!lu_str_eq(&rule->build_id, release)) {
            continue;
        }

        left = lu_share_left(desktop, i, platform, release, &taken);
        part = lu_share_rule(rule, platform);

        if (part > taken) {
            share += left * (part - taken);
        }
    }

    if (build && lu_str_eq(&build->build_id, release)) {
        left = lu_share_left(desktop, (size_t) -1, platform, release, &taken);
        share += left * (1 - taken);
    }

    return share;
}


/* What part of a platform's installations a rule is for. */

static double
lu_share_rule(const lu_rule_t *rule, unsigned platform)
{
    if (rule->rule == LU_RULE_BUILD
        || rule->rule == LU_RULE_IP
        || (rule->platforms && (rule->platforms & platform) == 0))
    {
        return 0;
    }

    return rule->rule == LU_RULE_PLATFORM ? 1
                                          : lu_rollout_share(&rule->rollout);
}


/*
 * What the rules behind one leave: "taken" by those of its own build, and by
 * those of all the other builds, each of which counts once.  (size_t) -1: all
 * rules.
 */

static double
lu_share_left(const lu_desktop_t *desktop, size_t last, unsigned platform,
    const lu_str_t *build, double *taken)
{
    size_t            i, k;
    double            left, part, most;
    const lu_rule_t  *rules;

    left = 1;
    *taken = 0;

    rules = desktop->rules;

    for (i = last + 1; i < desktop->nrules; i++) {

        most = lu_share_rule(&rules[i], platform);

        for (k = last + 1; k < desktop->nrules; k++) {

            if (!lu_str_eq(&rules[k].build_id, &rules[i].build_id)) {
                continue;
            }

            if (k < i) {

                /* its build was counted with the first of its rules */

                most = 0;
                break;
            }

            part = lu_share_rule(&rules[k], platform);
            most = part > most ? part : most;
        }

        if (lu_str_eq(&rules[i].build_id, build)) {
            *taken = most > *taken ? most : *taken;

        } else {
            left *= 1 - most;
        }
    }

    return left;
}
