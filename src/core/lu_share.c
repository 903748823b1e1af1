
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_put.h"
#include "lu_share.h"


static void lu_share_channel(lu_put_t *put, cJSON *shares,
    const cJSON *channel, const lu_str_t *release);
static unsigned lu_share_platforms(const cJSON *release);
static double lu_share_platform(const lu_desktop_t *desktop, unsigned platform,
    const lu_str_t *release);
static double lu_share_rule(const lu_rule_t *rule, unsigned platform);
static double lu_share_left(const lu_desktop_t *desktop, size_t last,
    unsigned platform, const lu_str_t *build, double *taken);


lu_rc_e
lu_share_list(cJSON *shares, const cJSON *app, const lu_desktop_t *desktop,
    const cJSON *release)
{
    cJSON        *item;
    double        share;
    lu_put_t      put;
    lu_str_t      id;
    unsigned      platform, platforms;
    const cJSON  *channel;

    if (lu_json_string(release, "id", &id) != LU_OK) {
        return LU_OK;
    }

    lu_put_init(&put);

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        lu_share_channel(&put, shares, channel, &id);
    }

    if (desktop == NULL || desktop->nrules > LU_SHARE_RULES) {
        return put.failed ? LU_NOMEM : LU_OK;
    }

    platforms = lu_share_platforms(release);

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {

        if ((platforms & platform) == 0) {
            continue;
        }

        share = lu_share_platform(desktop, platform, &id);
        if (share <= 0) {
            continue;
        }

        item = lu_put_object(&put, shares, NULL);

        lu_put_string(&put, item, "platform", lu_platform_name(platform));
        lu_put_number(&put, item, "share", share);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


/*
 * A device has a bucket of its own for each deployment, so that the second
 * deployment gets its share of the devices that the first one left.
 */

static void
lu_share_channel(lu_put_t *put, cJSON *shares, const cJSON *channel,
    const lu_str_t *release)
{
    cJSON        *object;
    double        left, rollout, share;
    lu_str_t      value;
    const cJSON  *item, *newest;

    left = 1;
    share = 0;
    newest = NULL;

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {
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

    if (newest == NULL) {
        return;
    }

    object = lu_put_object(put, shares, NULL);

    lu_put_copy(put, object, "channel", channel, "name");
    lu_put_copy(put, object, "channelId", channel, "id");
    lu_put_copy(put, object, "deploymentId", newest, "id");
    lu_put_copy(put, object, "rollout", newest, "rollout");
    lu_put_number(put, object, "share", share);
    lu_put_copy(put, object, "createdBy", newest, "createdBy");
    lu_put_copy(put, object, "createdAt", newest, "createdAt");
    lu_put_copy(put, object, "updatedAt", newest, "updatedAt");
}


/* Old releases do not list their platforms. */

static unsigned
lu_share_platforms(const cJSON *release)
{
    unsigned      platforms;
    const cJSON  *list;

    list = lu_json_get(release, "platforms");

    if (!cJSON_IsArray(list)) {
        return LU_PLATFORMS;
    }

    (void) lu_platform_list(list, &platforms);

    return platforms;
}


/*
 * The last rule that applies chooses the build; if none applies, the first
 * "build" does.  An installation has one bucket for each build, so that of
 * two rollouts of one build the larger one includes the other.
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


/* The share of a platform's installations that a rule applies to. */

static double
lu_share_rule(const lu_rule_t *rule, unsigned platform)
{
    if (rule->platforms && (rule->platforms & platform) == 0) {
        return 0;
    }

    switch (rule->rule) {

    case LU_RULE_PLATFORM:
        return 1;

    case LU_RULE_ROLLOUT:
        return lu_rollout_share(&rule->rollout);

    case LU_RULE_BUILD:
    case LU_RULE_IP:
        break;
    }

    return 0;
}


/*
 * The share that the rules behind rule number "last" leave; (size_t) -1: all
 * rules.  Rules of the same build are not subtracted; the largest share of
 * these is *taken.  Of the rules of each other build, the largest one counts.
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

                /* the build was counted with its first rule */

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
